//! Wilson's operator by its formula: explicit 4×4 gamma matrices, one site at a time, coordinates instead of tables.
//!
//! D ψ(x) = (m+4) ψ(x) − ½ Σ_mu [(1−γ_mu) U_mu(x) ψ(x+mu) + (1+γ_mu) U_mu(x−mu)† ψ(x−mu)]
//!
//! The reference for every fast version; one rank, double precision. The clover term's is beside the naive links.

use super::boundary::Boundary;
use super::gamma::gamma;
use super::spinor::{SPINS, Spinor, SpinorField};
use gaugelink_lattice::{Complex, GaugeField, Matrix, Site};

/// D ψ of one chain (D† ψ where `dagger` is set), by lexicographic site number, x fastest.
///
/// # Panics
/// Where the lattice has several ranks.
pub fn wilson<const N: usize>(
    links: &GaugeField<f64, N>,
    psi: &SpinorField<f64, N>,
    mass: f64,
    boundary: &Boundary,
    dagger: bool,
    chain: usize,
) -> Vec<Spinor<f64, N>> {
    let geometry = psi.layout().geometry().clone();
    assert_eq!(geometry.ranks(), 1, "the naive operator knows one rank");
    let extents = geometry.extents();
    let spinor = |x: &Site| psi.spinor(x, chain).unwrap_or(Spinor::zero());
    let link = |x: &Site, mu: usize| -> Matrix<f64, N> {
        let (block, lane) = links.layout().locate(x);
        let lane = if links.lattice().chains() > 1 { chain } else { lane };
        let phase = if x[mu] + 1 == extents[mu] { boundary.0[mu] } else { Complex::new(1.0, 0.0) };
        links.link(block, mu, lane).scale_complex(phase)
    };
    let site = |index: usize| {
        let x = geometry.site(index);
        let mut out = Spinor(spinor(&x).0.map(|colours| colours.map(|z| z.scale(mass + 4.0))));
        for mu in 0..geometry.dims() {
            let (mut ahead, mut behind) = (x, x);
            ahead[mu] = (x[mu] + 1) % extents[mu];
            behind[mu] = (x[mu] + extents[mu] - 1) % extents[mu];
            let sign = if dagger { 1.0 } else { -1.0 };
            add_projected(&mut out, mu, sign, &link(&x, mu), &spinor(&ahead));
            add_projected(&mut out, mu, -sign, &link(&behind, mu).adjoint(), &spinor(&behind));
        }
        out
    };
    (0..geometry.volume()).map(site).collect()
}

/// out −= ½ (1 + sign γ_mu) U ψ.
fn add_projected<const N: usize>(
    out: &mut Spinor<f64, N>,
    mu: usize,
    sign: f64,
    u: &Matrix<f64, N>,
    psi: &Spinor<f64, N>,
) {
    let g = gamma(mu);
    for s in 0..SPINS {
        for r in 0..SPINS {
            let unit = Complex::new(if s == r { 1.0 } else { 0.0 }, 0.0);
            let spin = (unit + g[s][r].scale(sign)).scale(-0.5);
            for c in 0..N {
                for d in 0..N {
                    out.0[s][c] = out.0[s][c] + spin * u.0[c][d] * psi.0[r][d];
                }
            }
        }
    }
}
