//! SU(2) and SU(3) in two dimensions.
//!
//! With the character expansion exp((β/N) Re tr U) = Σ_λ d_λ (c_λ/d_λ) χ_λ(U) and the plaquettes of a closed surface,
//!
//! ```text
//! Z = ∫ dU exp((β/N) Σ Re tr P) = Σ_λ (c_λ/d_λ)^V        c_λ = Σ_k det_ij I_{λ_j − j + i + k}(β/N)
//! ⟨Re tr P⟩/N = ∂ ln Z/∂β / V
//! ```
//!
//! for Haar measure normalised to 1, over partitions λ_1 ≥ … ≥ λ_{N−1} ≥ λ_N = 0, with the dimension d_λ = Π_{i<j} (λ_i −
//! λ_j + j − i)/(j − i) (Drouffe and Zuber, Phys. Rept. 102, 1983, section 3).

/// SU(N) in two dimensions at inverse coupling `beta` on `volume` sites.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sun {
    /// N: 2 or 3.
    pub n: usize,
    /// β.
    pub beta: f64,
    /// Sites, which are as many as plaquettes.
    pub volume: usize,
}

/// Largest λ_1, and largest |k|: what is beyond is below any rounding up to [`Sun::LARGEST_BETA`].
const BOXES: i32 = 16;
const DETERMINANTS: i32 = 24;
/// Terms of a Bessel function's series.
const TERMS: i32 = 60;

impl Sun {
    /// Largest |β| of the sums.
    pub const LARGEST_BETA: f64 = 20.0;

    /// ln ∫ dU e^{−S} with S = β Σ (1 − Re tr P/N), the action of the code: −ln of it is the least that ⟨ln q + S⟩ can be.
    pub fn ln_z(&self) -> f64 {
        let trivial = self.character(&[0; 3]);
        let ratio = |lambda: &[i32; 3]| self.character(lambda) / (self.dimension(lambda) * trivial);
        let sum: f64 = self.representations().map(|lambda| ratio(&lambda).powi(self.volume as i32)).sum();
        self.volume as f64 * (trivial.ln() - self.beta) + sum.ln()
    }

    /// ⟨Re tr P⟩/N, by differences of fourth order in β.
    pub fn plaquette(&self) -> f64 {
        let h = 1e-2;
        let at = |steps: f64| Self { beta: self.beta + steps * h, ..*self }.ln_z();
        let slope = (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * h);
        // The action of the code has the constant.
        1.0 + slope / self.volume as f64
    }

    /// The effective sample size of a proposal without any training: all plaquettes but one drawn independently, the
    /// last closing the torus, has c_0(β)²/c_0(2β) whatever the volume.
    pub fn untrained_sample_size(&self) -> f64 {
        let double = Self { beta: 2.0 * self.beta, ..*self };
        self.character(&[0; 3]).powi(2) / double.character(&[0; 3])
    }

    /// Partitions λ_1 ≥ λ_2 ≥ λ_3 with λ_N = 0.
    fn representations(&self) -> impl Iterator<Item = [i32; 3]> + '_ {
        let second = move |first: i32| if self.n == 2 { 0..=0 } else { 0..=first };
        (0..=BOXES).flat_map(move |first| second(first).map(move |second| [first, second, 0]))
    }

    fn dimension(&self, lambda: &[i32; 3]) -> f64 {
        let pairs = (0..self.n).flat_map(|j| (0..j).map(move |i| (i, j)));
        pairs.map(|(i, j)| f64::from(lambda[i] - lambda[j]) / (j - i) as f64 + 1.0).product()
    }

    /// c_λ
    fn character(&self, lambda: &[i32; 3]) -> f64 {
        let x = self.beta / self.n as f64;
        let bessel: Vec<f64> = (0..=BOXES + DETERMINANTS + 3).map(|order| bessel(order, x)).collect();
        let of_k = |k: i32| {
            let entry = |i: usize, j: usize| {
                bessel
                    .get((lambda[j] - j as i32 + i as i32 + k).unsigned_abs() as usize)
                    .copied()
                    .unwrap_or(0.0)
            };
            if self.n == 2 {
                return entry(0, 0) * entry(1, 1) - entry(0, 1) * entry(1, 0);
            }
            let minor = |j: usize, k: usize| entry(1, j) * entry(2, k) - entry(1, k) * entry(2, j);
            entry(0, 0) * minor(1, 2) - entry(0, 1) * minor(0, 2) + entry(0, 2) * minor(0, 1)
        };
        (-DETERMINANTS..=DETERMINANTS).map(of_k).sum()
    }
}

/// I_n(x) = Σ_k (x/2)^{2k+n} / (k! (k+n)!), whose terms are all positive.
fn bessel(n: i32, x: f64) -> f64 {
    let half = 0.5 * x;
    let mut term = (1..=n).fold(1.0, |term, k| term * half / f64::from(k));
    let mut sum = term;
    for k in 1..TERMS {
        term *= half * half / f64::from(k * (k + n));
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of an independent evaluation, to the digits given: N, β, ⟨Re tr P⟩/N, ln Z without the action's constant at
    /// L = 8 and 16, and the yardstick.
    #[test]
    fn values_are_the_independent_ones() {
        for (n, beta, plaquette, ln_z, untrained) in [
            (2, 1.8, 0.39937238, [24.3740, 97.4960], 0.57),
            (2, 2.2, 0.46447903, [35.4518, 141.8072], 0.47),
            (2, 2.7, 0.53297073, [51.4472, 205.7888], 0.38),
            (3, 4.0, 0.27961915, [33.9148, 135.6591], 0.32),
            (3, 5.0, 0.35395444, [54.2116, 216.8465], 0.19),
            (3, 6.0, 0.42253174, [79.0970, 316.3879], 0.11),
        ] {
            for (l, ln_z) in [8, 16].into_iter().zip(ln_z) {
                let exact = Sun { n, beta, volume: l * l };
                let bare = exact.ln_z() + beta * (l * l) as f64;
                assert!((bare - ln_z).abs() < 6e-5, "SU({n}) {beta} {l}: {bare}");
                assert!(
                    (exact.plaquette() - plaquette).abs() < 6e-9,
                    "SU({n}) {beta}: {}",
                    exact.plaquette()
                );
                let yardstick = exact.untrained_sample_size();
                assert!((yardstick - untrained).abs() < 0.006, "SU({n}) {beta}: {yardstick}");
            }
        }
    }

    /// Dimensions of the fundamental representation, the adjoint one and the decuplet.
    #[test]
    fn dimensions_are_known() {
        let su3 = Sun { n: 3, beta: 1.0, volume: 1 };
        for (lambda, d) in [([0, 0, 0], 1.0), ([1, 0, 0], 3.0), ([2, 1, 0], 8.0), ([3, 0, 0], 10.0)] {
            assert_eq!(su3.dimension(&lambda), d);
        }
        assert_eq!(Sun { n: 2, ..su3 }.dimension(&[3, 0, 0]), 4.0);
    }
}
