//! Wilson's operator by its formula: explicit gamma matrices, one site at a time, coordinates instead of tables. In d
//! dimensions
//!
//! D ψ(x) = (m+d) ψ(x) − ½ Σ_mu [(1−γ_mu) U_mu(x) ψ(x+mu) + (1+γ_mu) U_mu(x−mu)† ψ(x−mu)]
//!
//! The reference for every fast version; one rank, double precision. The clover term's is beside the naive links.

use super::boundary::Boundary;
use super::gamma::gamma_entry;
use super::spinor::{Spinor, SpinorField};
use gaugelink_lattice::group::{ALGEBRA_MAX, algebra_dim, from_coordinates};
use gaugelink_lattice::{Complex, GaugeField, Matrix, Site};

/// D ψ of one chain (D† ψ where `dagger` is set), by lexicographic site number, x fastest.
///
/// # Panics
/// Where the lattice has several ranks.
pub fn wilson<const N: usize, const H: usize>(
    links: &GaugeField<f64, N>,
    psi: &SpinorField<f64, N, H>,
    mass: f64,
    boundary: &Boundary,
    dagger: bool,
    chain: usize,
) -> Vec<Spinor<f64, N, H>> {
    let geometry = psi.layout().geometry().clone();
    assert_eq!(geometry.ranks(), 1, "the naive operator knows one rank");
    let extents = geometry.extents();
    let spinor = |x: &Site| psi.spinor(x, chain).unwrap_or(Spinor::zero());
    let link = |x: &Site, mu: usize| link_with_phase(links, boundary, chain, x, mu);
    let site = |index: usize| {
        let x = geometry.site(index);
        let mut out = spinor(&x).map(|z| z.scale(mass + geometry.dims() as f64));
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

/// ∂^a 2 Re⟨Y, D X⟩ of one chain with X and Y held fixed, `[site][mu][a]`: the derivative of each link and its conjugate
/// put in their place,
///
/// −Re \[Y(x)† (1−γ_mu) T_a U_mu(x) X(x+mu) − Y(x+mu)† (1+γ_mu) U_mu(x)† T_a X(x)\].
///
/// # Panics
/// Where the lattice has several ranks.
pub fn hop_force<const N: usize, const H: usize>(
    links: &GaugeField<f64, N>,
    y: &SpinorField<f64, N, H>,
    x: &SpinorField<f64, N, H>,
    boundary: &Boundary,
    chain: usize,
) -> Vec<Vec<Vec<f64>>> {
    let geometry = x.layout().geometry().clone();
    assert_eq!(geometry.ranks(), 1, "the naive operator knows one rank");
    let of = |field: &SpinorField<f64, N, H>, x: &Site| field.spinor(x, chain).unwrap_or(Spinor::zero());
    let link_force = |here: &Site, mu: usize| -> Vec<f64> {
        let mut ahead = *here;
        ahead[mu] = (here[mu] + 1) % geometry.extents()[mu];
        let u = link_with_phase(links, boundary, chain, here, mu);
        let derivative = |a: usize| {
            let mut coordinates = [0.0; ALGEBRA_MAX];
            coordinates[a] = 1.0;
            let t = from_coordinates::<f64, N>(&coordinates);
            // `add_projected` brings the factor −½ of D.
            let (mut forwards, mut backwards) = (Spinor::zero(), Spinor::zero());
            add_projected(&mut forwards, mu, -1.0, &t.mul(&u), &of(x, &ahead));
            add_projected(&mut backwards, mu, 1.0, &u.adjoint_mul(&t).scale(-1.0), &of(x, here));
            2.0 * (re_product(&of(y, here), &forwards) + re_product(&of(y, &ahead), &backwards))
        };
        (0..algebra_dim(N)).map(derivative).collect()
    };
    (0..geometry.volume())
        .map(|site| (0..geometry.dims()).map(|mu| link_force(&geometry.site(site), mu)).collect())
        .collect()
}

/// U_mu(x), with the phase where it leaves the last slice.
fn link_with_phase<const N: usize>(
    links: &GaugeField<f64, N>,
    boundary: &Boundary,
    chain: usize,
    x: &Site,
    mu: usize,
) -> Matrix<f64, N> {
    let (block, lane) = links.layout().locate(x);
    let lane = if links.lattice().chains() > 1 { chain } else { lane };
    let at_edge = x[mu] + 1 == links.layout().geometry().extents()[mu];
    let phase = if at_edge { boundary.0[mu] } else { Complex::new(1.0, 0.0) };
    links.link(block, mu, lane).scale_complex(phase)
}

/// Re φ†ψ.
fn re_product<const N: usize, const H: usize>(phi: &Spinor<f64, N, H>, psi: &Spinor<f64, N, H>) -> f64 {
    phi.components().iter().zip(psi.components()).map(|(a, b)| a.conj_mul(*b).re).sum()
}

/// out −= ½ (1 + sign γ_mu) U ψ.
fn add_projected<const N: usize, const H: usize>(
    out: &mut Spinor<f64, N, H>,
    mu: usize,
    sign: f64,
    u: &Matrix<f64, N>,
    psi: &Spinor<f64, N, H>,
) {
    for s in 0..2 * H {
        for r in 0..2 * H {
            let unit = Complex::new(if s == r { 1.0 } else { 0.0 }, 0.0);
            let spin = (unit + gamma_entry::<H>(mu, s, r).scale(sign)).scale(-0.5);
            for c in 0..N {
                for d in 0..N {
                    out[s][c] = out[s][c] + spin * u.0[c][d] * psi[r][d];
                }
            }
        }
    }
}
