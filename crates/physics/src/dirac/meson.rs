//! Meson correlators from a point propagator, flavours u and d of one mass, no disconnected parts.
//!
//! C_AB(t) = Σ_x ⟨O_A(x, t) O_B†(0)⟩ with O = ū Γ d; with S(0, x) = γ5 S(x, 0)† γ5:
//!
//! pion     Γ = γ5             C_PP = Σ |S|²
//! vector   Γ = γ_k            C_VV = ⅓ Σ_k Σ tr[γ_k S γ_k γ5 S† γ5]
//! axial    Γ_A = γ_t γ5, Γ_B = γ5   C_AP = −Σ tr[γ_t S S†]
//!
//! The bare PCAC mass is m(t) = [C_AP(t+1) − C_AP(t−1)] / 4 C_PP(t) (Lüscher, Sint, Sommer, Weisz, Nucl. Phys. B 478
//! (1996) 365, without improvement of the current).

use super::gamma::{GAMMA5_SIGNS, gamma};
use super::propagator::Propagator;
use super::spinor::SPINS;
use gaugelink_lattice::sum::ExactSum;
use gaugelink_lattice::{Complex, Real};

/// Correlators, `[chain][t]` with t = 0, 1, ... from the source on; exact sums over space, no further factor.
#[derive(Clone, Debug, PartialEq)]
pub struct MesonCorrelators {
    /// C_PP.
    pub pion: Vec<Vec<f64>>,
    /// C_VV, the average over the three directions.
    pub vector: Vec<Vec<f64>>,
    /// C_AP, odd under t → T − t.
    pub axial: Vec<Vec<f64>>,
}

/// Quantities that are summed.
const QUANTITIES: usize = 3;

impl<T: Real, const N: usize> Propagator<T, N> {
    /// The correlators of pion, vector meson, and axial current with pion. Collective.
    pub fn meson_correlators(&self) -> MesonCorrelators {
        let lattice = self.column(0, 0).lattice();
        let layout = lattice.layout::<T>();
        let (time, chains) = (lattice.geometry().extents()[3], layout.chains());
        let mut sums = vec![ExactSum::default(); QUANTITIES * chains * time];
        for block in 0..layout.blocks() {
            for lane in 0..layout.distinct_lanes() {
                let t = (layout.site(block, lane)[3] + time - self.source()[3]) % time;
                let values = contractions(&self.spins(block, lane));
                for (quantity, value) in values.into_iter().enumerate() {
                    sums[(quantity * chains + layout.chain_of(lane)) * time + t].add(value);
                }
            }
        }
        lattice.sum_over_ranks(&mut sums);
        let values: Vec<f64> = sums.iter().map(ExactSum::value).collect();
        let mut quantities = values
            .chunks_exact(chains * time)
            .map(|of_chains| of_chains.chunks_exact(time).map(<[f64]>::to_vec).collect::<Vec<_>>());
        let mut next = || quantities.next().unwrap_or_default();
        MesonCorrelators { pion: next(), vector: next(), axial: next() }
    }

    /// S at one site as matrices in spin, one for each pair of colours.
    fn spins(&self, block: usize, lane: usize) -> Vec<[[Complex<f64>; SPINS]; SPINS]> {
        let mut all = vec![[[Complex::zero(); SPINS]; SPINS]; N * N];
        for source in 0..SPINS {
            for d in 0..N {
                let column = self.column(source, d);
                for spin in 0..SPINS {
                    for c in 0..N {
                        let part = |k: usize| column.get(block, 2 * (spin * N + c) + k, lane).to_f64();
                        all[c * N + d][spin][source] = Complex::new(part(0), part(1));
                    }
                }
            }
        }
        all
    }
}

/// C_PP, C_VV and C_AP of one site.
fn contractions(of_colours: &[[[Complex<f64>; SPINS]; SPINS]]) -> [f64; QUANTITIES] {
    let [mut pion, mut vector, mut axial] = [0.0; QUANTITIES];
    let gammas = [gamma(0), gamma(1), gamma(2), gamma(3)];
    // Each matrix has one entry in each row.
    let partner = |mu: usize, s: usize| (0..SPINS).find(|&r| gammas[mu][s][r].norm2() != 0.0).unwrap_or(s);
    let partners: [[usize; SPINS]; 4] = std::array::from_fn(|mu| std::array::from_fn(|s| partner(mu, s)));
    for s in of_colours {
        for i in 0..SPINS {
            for j in 0..SPINS {
                pion += s[i][j].norm2();
                // (γ_t S)_ij S*_ij
                let k = partners[3][i];
                axial -= (gammas[3][i][k] * s[k][j] * s[i][j].conj()).re;
                for mu in 0..3 {
                    // (γ_k S γ_k)_ij γ5_j S*_ij γ5_i
                    let (k, l) = (partners[mu][i], partners[mu][j]);
                    let turned = gammas[mu][i][k] * s[k][l] * gammas[mu][l][j];
                    vector += (turned * s[i][j].conj()).re * GAMMA5_SIGNS[i] * GAMMA5_SIGNS[j] / 3.0;
                }
            }
        }
    }
    [pion, vector, axial]
}

/// The bare PCAC mass at each 1 < t < T − 1 from C_AP and C_PP of one chain, as (t, m): at t = 1 the derivative would take
/// C_AP on the source's own slice.
pub fn pcac_masses(axial: &[f64], pion: &[f64]) -> Vec<(usize, f64)> {
    let last = pion.len().saturating_sub(1);
    (2..last).map(|t| (t, (axial[t + 1] - axial[t - 1]) / (4.0 * pion[t]))).collect()
}
