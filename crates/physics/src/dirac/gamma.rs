//! Gamma matrices: in four dimensions the DeGrand–Rossi basis, with γ5 = γx γy γz γt = diag(1, 1, −1, −1); in two
//! dimensions γx = σ1, γy = σ2, with γ5 = −i γx γy = diag(1, −1).
//!
//! Spinors have two chiralities of `H` components: 2 in four dimensions, 1 in two, so 2H counts spins and dimensions. Each
//! γ_mu is off-diagonal in H×H blocks, γ = [[0, A], [A†, 0]], with one entry, a power of i, in each row. The fast
//! operator needs only where these entries stand ([`upper`]); the matrices are built from them and serve the naive formula
//! and the documentation.

use gaugelink_lattice::{Complex, Num};

/// A matrix on the four spins.
pub type SpinMatrix = [[Complex<f64>; 4]; 4];

/// The entry of one row of A: (A d)_s = i^power ψ_spin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partner {
    /// The lower spin component, H to 2H − 1, that the row takes.
    pub spin: usize,
    /// The power of i before it.
    pub power: usize,
}

const fn at(spin: usize, power: usize) -> Partner {
    Partner { spin, power }
}

/// Rows 0 and 1 of A for mu = x, y, z, t.
const UPPER: [[Partner; 2]; 4] =
    [[at(3, 1), at(2, 1)], [at(3, 2), at(2, 0)], [at(2, 1), at(3, 3)], [at(2, 0), at(3, 0)]];

/// The one row of A for mu = x, y in two dimensions.
const UPPER_2D: [Partner; 2] = [at(1, 0), at(1, 3)];

/// Row `s` of A in 2H dimensions.
#[inline(always)]
pub(crate) const fn upper<const H: usize>(mu: usize, s: usize) -> Partner {
    if H == 2 { UPPER[mu][s] } else { UPPER_2D[mu] }
}

/// The direction whose A is the unit matrix, in 2H dimensions: t, or x.
pub(crate) const fn unit_direction<const H: usize>() -> usize {
    if H == 2 { 3 } else { 0 }
}

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

/// Entry (s, r) of γ_mu in 2H dimensions, H = 1 or 2.
///
/// # Panics
/// Where there is no such direction or spin.
pub fn gamma_entry<const H: usize>(mu: usize, s: usize, r: usize) -> Complex<f64> {
    assert!(mu < 2 * H && s < 2 * H && r < 2 * H, "direction {mu}, spins {s} and {r} of {}", 2 * H);
    if s >= H && r < H {
        return gamma_entry::<H>(mu, r, s).conj();
    }
    let partner = upper::<H>(mu, s.min(H - 1));
    if s < H && r == partner.spin { power_of_i(partner.power) } else { Complex::zero() }
}

/// γ_mu in four dimensions, mu = 0..3 for x, y, z, t.
///
/// # Panics
/// Where `mu` is above 3.
pub fn gamma(mu: usize) -> SpinMatrix {
    std::array::from_fn(|s| std::array::from_fn(|r| gamma_entry::<2>(mu, s, r)))
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
    fn two_dimensions_have_the_pauli_matrices() {
        let [zero, one, i] = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)].map(|(re, im)| Complex::new(re, im));
        let matrix = |mu| [0, 1].map(|s| [0, 1].map(|r| gamma_entry::<1>(mu, s, r)));
        let [x, y] = [0, 1].map(matrix);
        assert_eq!((x, y), ([[zero, one], [one, zero]], [[zero, -i], [i, zero]]));
        // −i γx γy.
        let gamma5 = [0, 1].map(|s| [0, 1].map(|r| -i * (x[s][0] * y[0][r] + x[s][1] * y[1][r])));
        assert_eq!(gamma5, [[one, zero], [zero, -one]]);
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
