//! Gamma matrices in the DeGrand–Rossi basis, with γ5 = γx γy γz γt = diag(1, 1, −1, −1).
//!
//! Each γ_mu is off-diagonal in 2×2 blocks, γ = [[0, A], [A†, 0]], with one entry, a power of i, in each row. The
//! fast operator needs only where these entries stand ([`UPPER`]); the matrices are built from them and serve the
//! naive formula and the documentation.

use gaugelink_lattice::{Complex, Num};

/// A matrix on spin.
pub type SpinMatrix = [[Complex<f64>; 4]; 4];

/// The entry of one row of A: (A d)_s = i^power ψ_spin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partner {
    /// The lower spin component, 2 or 3, that the row takes.
    pub spin: usize,
    /// The power of i before it.
    pub power: usize,
}

const fn at(spin: usize, power: usize) -> Partner {
    Partner { spin, power }
}

/// Rows 0 and 1 of A for mu = x, y, z, t.
pub(crate) const UPPER: [[Partner; 2]; 4] =
    [[at(3, 1), at(2, 1)], [at(3, 2), at(2, 0)], [at(2, 1), at(3, 3)], [at(2, 0), at(3, 0)]];

/// The one entry in each row of σ_{mu nu} = ½ [γ_mu, γ_nu] = γ_mu γ_nu, mu ≠ nu: (σ ψ)_s = i^power ψ_spin. It has no
/// entries between the chiralities: with γ = [[0, A], [A†, 0]] its blocks are A_mu A_nu† and A_mu† A_nu.
pub(crate) const fn sigma(mu: usize, nu: usize) -> [Partner; 4] {
    let mut rows = [at(0, 0); 4];
    let mut s = 0;
    while s < 2 {
        let mut r = 0;
        while r < 2 {
            let (a, b) = (UPPER[mu][s], UPPER[nu][r]);
            if a.spin == b.spin {
                rows[s] = at(r, (a.power + 4 - b.power) % 4);
            }
            r += 1;
        }
        let (a, b) = (UPPER[mu][s], UPPER[nu][s]);
        rows[a.spin] = at(b.spin, (4 - a.power + b.power) % 4);
        s += 1;
    }
    rows
}

/// The diagonal of γ5.
pub const GAMMA5_SIGNS: [f64; 4] = [1.0, 1.0, -1.0, -1.0];

/// `i^power` z.
#[inline(always)]
pub(super) fn times_power<V: Num>(z: Complex<V>, power: usize) -> Complex<V> {
    match power % 4 {
        0 => z,
        1 => z.times_i(),
        2 => -z,
        _ => -z.times_i(),
    }
}

fn power_of_i(power: usize) -> Complex<f64> {
    [Complex::new(1.0, 0.0), Complex::new(0.0, 1.0), Complex::new(-1.0, 0.0), Complex::new(0.0, -1.0)]
        [power % 4]
}

/// γ_mu, mu = 0..3 for x, y, z, t.
///
/// # Panics
/// Where `mu` is above 3.
pub fn gamma(mu: usize) -> SpinMatrix {
    let mut g = [[Complex::zero(); 4]; 4];
    for (s, partner) in UPPER[mu].iter().enumerate() {
        g[s][partner.spin] = power_of_i(partner.power);
        g[partner.spin][s] = power_of_i(partner.power).conj();
    }
    g
}

/// γ5 = γx γy γz γt.
pub fn gamma5() -> SpinMatrix {
    std::array::from_fn(|s| {
        std::array::from_fn(|r| if s == r { Complex::new(GAMMA5_SIGNS[s], 0.0) } else { Complex::zero() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(a: &SpinMatrix, b: &SpinMatrix) -> SpinMatrix {
        std::array::from_fn(|i| {
            std::array::from_fn(|j| (0..4).fold(Complex::zero(), |sum, k| a[i][k].mul_add(b[k][j], sum)))
        })
    }

    #[test]
    fn clifford_algebra() {
        for mu in 0..4 {
            for nu in 0..4 {
                let (ab, ba) = (product(&gamma(mu), &gamma(nu)), product(&gamma(nu), &gamma(mu)));
                for i in 0..4 {
                    for j in 0..4 {
                        let expected = if mu == nu && i == j { 2.0 } else { 0.0 };
                        assert_eq!(ab[i][j] + ba[i][j], Complex::new(expected, 0.0), "{mu} {nu}");
                    }
                }
            }
        }
    }

    #[test]
    fn sigma_is_half_the_commutator() {
        for (mu, nu) in (0..4).flat_map(|mu| (0..4).map(move |nu| (mu, nu))).filter(|(mu, nu)| mu != nu) {
            let (ab, ba) = (product(&gamma(mu), &gamma(nu)), product(&gamma(nu), &gamma(mu)));
            for (s, partner) in sigma(mu, nu).into_iter().enumerate() {
                for r in 0..4 {
                    let expected = (ab[s][r] - ba[s][r]).scale(0.5);
                    let ours = if r == partner.spin { power_of_i(partner.power) } else { Complex::zero() };
                    assert_eq!(ours, expected, "{mu} {nu} ({s}, {r})");
                }
            }
        }
    }

    #[test]
    fn gamma5_is_the_product_of_all() {
        let g = product(&product(&gamma(0), &gamma(1)), &product(&gamma(2), &gamma(3)));
        assert_eq!(g, gamma5());
    }
}
