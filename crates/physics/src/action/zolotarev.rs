//! Zolotarev's rational approximation of 1/√y: the best one of its degree on an interval (1877; in lattice notation
//! Lüscher, "Rational approximation and the RHMC algorithm", openQCD documentation, section 2).
//!
//! On [ε, 1], with k = √(1 − ε), v = K(k)/(2n + 1) and a_r = cn²(rv; k)/sn²(rv; k):
//!
//! R(y) = A Π_{r=1}^n (y + a_{2r−1})/(y + a_{2r}),  |1 − √y R(y)| ≤ δ.
//!
//! With c_r = sn²(rv; k), d = k^{2n+1} Π c_{2r−1}² and s = √(1 − d²): A = 2/(1 + s) Π c_{2r−1}/c_{2r} and
//! δ = (1 − s)/(1 + s).

/// The approximation on an interval [λ_min, λ_max] of y.
#[derive(Clone, Debug, PartialEq)]
pub struct Zolotarev {
    /// Before the product.
    pub amplitude: f64,
    /// a_{2r−1}, of the numerator, in falling order.
    pub zeros: Vec<f64>,
    /// a_{2r}, of the denominator, in falling order: each below its zero.
    pub poles: Vec<f64>,
    /// The largest relative error on the interval.
    pub error: f64,
}

/// Degrees above this are for intervals or errors that no run asks for.
const DEGREE_MAX: usize = 60;

impl Zolotarev {
    /// The approximation of degree `n` on `range`.
    ///
    /// # Panics
    /// Where `n` is 0, or `range` is not one of positive numbers.
    pub fn new(n: usize, range: [f64; 2]) -> Self {
        let [low, high] = range;
        assert!(n > 0 && 0.0 < low && low < high && high.is_finite(), "a degree, and an interval above zero");
        let epsilon = low / high;
        let k = (1.0 - epsilon).sqrt();
        let quarter = Elliptic::new(epsilon);
        let values: Vec<(f64, f64)> =
            (1..=2 * n).map(|r| quarter.sn_cn(r as f64 / (2 * n + 1) as f64)).collect();
        let a = |r: usize| (values[r - 1].1 / values[r - 1].0).powi(2);
        let c = |r: usize| values[r - 1].0.powi(2);
        let (mut d, mut product) = (k.powi(2 * n as i32 + 1), 1.0);
        for r in 1..=n {
            d *= c(2 * r - 1).powi(2);
            product *= c(2 * r - 1) / c(2 * r);
        }
        let s = (1.0 - d * d).sqrt();
        Self {
            // 1/√y of y = λ_max y'.
            amplitude: 2.0 / (1.0 + s) * product / high.sqrt(),
            zeros: (1..=n).map(|r| high * a(2 * r - 1)).collect(),
            poles: (1..=n).map(|r| high * a(2 * r)).collect(),
            // (1 − s)/(1 + s) without the difference of like numbers.
            error: d * d / (1.0 + s).powi(2),
        }
    }

    /// The approximation of the least degree whose error is at most `error`; `None` where none of up to 60 is.
    pub fn with_error(error: f64, range: [f64; 2]) -> Option<Self> {
        (1..=DEGREE_MAX).map(|n| Self::new(n, range)).find(|r| r.error <= error)
    }

    /// R(y).
    pub fn value(&self, y: f64) -> f64 {
        let factors = self.zeros.iter().zip(&self.poles).map(|(zero, pole)| (y + zero) / (y + pole));
        self.amplitude * factors.product::<f64>()
    }

    /// ρ_r of R(y) = A [1 + Σ ρ_r / (y + a_{2r})].
    pub fn residues(&self) -> Vec<f64> {
        residues(&self.zeros, &self.poles)
    }

    /// κ_r of Π (q + iμ_r)/(q + iν_r) = 1 + Σ iκ_r / (q + iν_r), with μ² the poles and ν² the zeros: the inverse of a
    /// factor X of R(q²) = A X†X.
    pub fn inverse_root_residues(&self) -> Vec<f64> {
        let root = |numbers: &[f64]| numbers.iter().map(|x| x.sqrt()).collect::<Vec<_>>();
        residues(&root(&self.poles), &root(&self.zeros))
    }
}

/// ρ_r of Π (y + zero_r)/(y + pole_r) = 1 + Σ ρ_r / (y + pole_r).
fn residues(zeros: &[f64], poles: &[f64]) -> Vec<f64> {
    let residue = |r: usize| {
        let others = (0..poles.len()).filter(|&s| s != r);
        let rest = others.map(|s| (zeros[s] - poles[r]) / (poles[s] - poles[r])).product::<f64>();
        (zeros[r] - poles[r]) * rest
    };
    (0..poles.len()).map(residue).collect()
}

/// Jacobi's functions of one modulus by the arithmetic-geometric mean (Abramowitz and Stegun, 16.4).
struct Elliptic {
    /// 1 − k².
    complement: f64,
    /// a_n and c_n of the mean.
    steps: Vec<(f64, f64)>,
}

impl Elliptic {
    fn new(complement: f64) -> Self {
        let (mut a, mut b) = (1.0f64, complement.sqrt());
        let mut steps = vec![(1.0, (1.0 - complement).sqrt())];
        while (a - b).abs() > f64::EPSILON * a {
            let c = 0.5 * (a - b);
            (a, b) = (0.5 * (a + b), (a * b).sqrt());
            steps.push((a, c));
        }
        Self { complement, steps }
    }

    /// sn and cn of `fraction` × K(k), 0 < fraction < 1.
    fn sn_cn(&self, fraction: f64) -> (f64, f64) {
        if fraction > 0.5 {
            // Near K, where cn is small, from the other end: sn(K − w) = cn w / dn w, cn(K − w) = k' sn w / dn w.
            let (sn, cn) = self.sn_cn(1.0 - fraction);
            let dn = (self.complement + (1.0 - self.complement) * cn * cn).sqrt();
            return (cn / dn, self.complement.sqrt() * sn / dn);
        }
        // φ_n = 2ⁿ a_n u, and K = π / 2a_n.
        let n = self.steps.len() - 1;
        let mut phi = fraction * 2f64.powi(n as i32) * std::f64::consts::FRAC_PI_2;
        for &(a, c) in self.steps[1..].iter().rev() {
            phi = 0.5 * (phi + (c / a * phi.sin()).asin());
        }
        (phi.sin(), phi.cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The best approximation has its error, with alternating sign, 2n + 2 times on the interval, and nowhere more.
    #[test]
    fn the_error_alternates_between_its_bounds() {
        for (n, low, high) in
            [(1, 0.01, 1.0), (4, 1e-3, 2.0), (9, 1e-6, 40.0), (6, 0.3, 0.9), (14, 1e-8, 30.0)]
        {
            let r = Zolotarev::new(n, [low, high]);
            let points = 200_000;
            let step = (high / low).ln() / points as f64;
            let errors: Vec<f64> = (0..=points)
                .map(|i| {
                    let y = low * (i as f64 * step).exp();
                    1.0 - y.sqrt() * r.value(y)
                })
                .collect();
            let largest = errors.iter().fold(0.0f64, |most, e| most.max(e.abs()));
            let rounding = 1e-14;
            assert!(
                (largest - r.error).abs() < 1e-5 * r.error + rounding,
                "n = {n}: {largest:e} {:e}",
                r.error
            );
            if r.error > 1e-12 {
                let (mut signs, mut last) = (0, 0.0);
                for e in errors.into_iter().filter(|e| e.abs() > 0.999 * r.error) {
                    if e.signum() != last {
                        (signs, last) = (signs + 1, e.signum());
                    }
                }
                assert_eq!(signs, 2 * n + 2, "n = {n}");
            }
        }
    }

    #[test]
    fn partial_fractions_are_the_products() {
        let r = Zolotarev::new(7, [1e-4, 3.0]);
        for y in [1e-5, 3e-3, 0.7, 2.9, 100.0] {
            let terms = r.residues().iter().zip(&r.poles).map(|(rho, pole)| rho / (y + pole)).sum::<f64>();
            let sum = r.amplitude * (1.0 + terms);
            assert!((sum / r.value(y) - 1.0).abs() < 1e-12, "{y}");
            // X⁻¹ of q = √y: |X⁻¹|² R = A.
            let (mut re, mut im) = (1.0, 0.0);
            for (kappa, nu2) in r.inverse_root_residues().iter().zip(&r.zeros) {
                // iκ/(q + iν) = κ (ν + iq)/(q² + ν²)
                re += kappa * nu2.sqrt() / (y + nu2);
                im += kappa * y.sqrt() / (y + nu2);
            }
            assert!(((re * re + im * im) * r.value(y) / r.amplitude - 1.0).abs() < 1e-12, "{y}");
        }
    }

    #[test]
    fn the_least_degree_is_found() {
        let range = [1e-5, 10.0];
        let r = Zolotarev::with_error(1e-9, range).unwrap();
        assert!(r.error <= 1e-9 && Zolotarev::new(r.poles.len() - 1, range).error > 1e-9);
        assert_eq!(Zolotarev::with_error(1e-300, range), None);
    }
}
