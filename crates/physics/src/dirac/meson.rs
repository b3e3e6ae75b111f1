//! Meson correlators from a propagator, flavours u and d of one mass, no disconnected parts.
//!
//! C_AB(t) = Σ_x ⟨O_A(x, t) O_B†(0)⟩ with O = ū Γ d; with S(0, x) = γ5 S(x, 0)† γ5:
//!
//! pion     Γ = γ5             C_PP = Σ |S|²
//! vector   Γ = γ_k            C_VV = 1/(d−1) Σ_k Σ tr[γ_k S γ_k γ5 S† γ5], k the d − 1 directions of space
//! axial    Γ_A = γ_t γ5, Γ_B = γ5   C_AP = −Σ tr[γ_t S S†]
//!
//! The bare PCAC mass is m(t) = [C_AP(t+1) − C_AP(t−1)] / 4 C_PP(t) (Lüscher, Sint, Sommer, Weisz, Nucl. Phys. B 478
//! (1996) 365, without improvement of the current). The last of d = 2 or 4 directions is time.

use super::gamma::{SpinMatrix, gamma_entry};
use super::propagator::Propagator;
use super::spinor::SPINS;
use gaugelink_lattice::sum::ExactSum;
use gaugelink_lattice::{Complex, Real};

/// Correlators, `[chain][t]` with t = 0, 1, ... from the source on; exact sums over space, no further factor.
#[derive(Clone, Debug, PartialEq)]
pub struct MesonCorrelators {
    /// C_PP.
    pub pion: Vec<Vec<f64>>,
    /// C_VV, the average over the directions of space.
    pub vector: Vec<Vec<f64>>,
    /// C_AP, odd under t → T − t.
    pub axial: Vec<Vec<f64>>,
}

/// Quantities that are summed.
const QUANTITIES: usize = 3;

impl<T: Real, const N: usize, const H: usize> Propagator<T, N, H> {
    /// The correlators of pion, vector meson, and axial current with pion, in 2H dimensions; of noise an estimate of the sum
    /// over point sources of its slice. Collective.
    pub fn meson_correlators(&self) -> MesonCorrelators {
        let lattice = self.column(0, 0).lattice();
        let layout = lattice.layout::<T>();
        let last = 2 * H - 1;
        let source = self.source().time(2 * H);
        let (time, chains) = (lattice.geometry().extents()[last], layout.chains());
        let mut sums = vec![ExactSum::default(); QUANTITIES * chains * time];
        for block in 0..layout.blocks() {
            for lane in 0..layout.distinct_lanes() {
                let t = (layout.site(block, lane)[last] + time - source) % time;
                let values = contractions::<H>(&self.spins(block, lane));
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

    /// S at one site as matrices in spin, one for each pair of colours; in two dimensions 0 outside of 2×2.
    fn spins(&self, block: usize, lane: usize) -> Vec<SpinMatrix> {
        let mut all = vec![[[Complex::zero(); SPINS]; SPINS]; N * N];
        for source in 0..2 * H {
            for d in 0..N {
                let column = self.column(source, d);
                for spin in 0..2 * H {
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
fn contractions<const H: usize>(of_colours: &[SpinMatrix]) -> [f64; QUANTITIES] {
    let [mut pion, mut vector, mut axial] = [0.0; QUANTITIES];
    let (spins, time) = (2 * H, 2 * H - 1);
    let gammas: [SpinMatrix; 4] = std::array::from_fn(|mu| {
        let entry =
            |s, r| if mu.max(s).max(r) < spins { gamma_entry::<H>(mu, s, r) } else { Complex::zero() };
        std::array::from_fn(|s| std::array::from_fn(|r| entry(s, r)))
    });
    // Each matrix has one entry in each row.
    let partner = |mu: usize, s: usize| (0..spins).find(|&r| gammas[mu][s][r].norm2() != 0.0).unwrap_or(s);
    let partners: [[usize; SPINS]; 4] = std::array::from_fn(|mu| std::array::from_fn(|s| partner(mu, s)));
    let gamma5 = |s: usize| if s < H { 1.0 } else { -1.0 };
    for s in of_colours {
        for i in 0..spins {
            for j in 0..spins {
                pion += s[i][j].norm2();
                // (γ_t S)_ij S*_ij
                let k = partners[time][i];
                axial -= (gammas[time][i][k] * s[k][j] * s[i][j].conj()).re;
                for mu in 0..time {
                    // (γ_k S γ_k)_ij γ5_j S*_ij γ5_i
                    let (k, l) = (partners[mu][i], partners[mu][j]);
                    let turned = gammas[mu][i][k] * s[k][l] * gammas[mu][l][j];
                    vector += (turned * s[i][j].conj()).re * gamma5(i) * gamma5(j) / time as f64;
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
