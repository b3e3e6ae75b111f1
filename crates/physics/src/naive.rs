//! The formulas of the literature on coordinates, link by link: the reference that the fast code is tested against.

use crate::action::Term;
use crate::dirac::{SPINS, SpinMatrix, Spinor, gamma};
use gaugelink_lattice::group::{to_coordinates, traceless_antihermitian};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Complex, GaugeField, Geometry, Lattice, Matrix, MomentumField, Site};
use std::sync::Arc;

/// A start configuration of algebra elements of width `width`.
pub fn rough_field<const N: usize>(lattice: &Arc<Lattice>, width: f64) -> GaugeField<f64, N> {
    GaugeField::random(lattice, width, Address::new(17, Purpose::Start)).unwrap()
}

/// The U(1) field in two dimensions whose plaquettes all have the same angle, and the angle: 2π charge / volume.
/// U_y = exp(iφx) turns by φ from one x to the next; at the end of x, U_x = exp(−iφ L_x y) closes the torus.
pub fn constant_field(lattice: &Arc<Lattice>, charge: i64) -> (GaugeField<f64, 1>, f64) {
    let mut u = GaugeField::cold(lattice).unwrap();
    let phi = std::f64::consts::TAU * charge as f64 / lattice.volume() as f64;
    let extents = lattice.geometry().extents();
    for block in 0..u.layout().blocks() {
        for lane in 0..u.layout().lanes() {
            let [x, y, ..] = u.layout().site(block, lane);
            let across = if x + 1 == extents[0] { -phi * (extents[0] * y) as f64 } else { 0.0 };
            for (mu, angle) in [(0, across), (1, phi * x as f64)] {
                u.set_link(block, mu, lane, &Matrix([[Complex::new(angle.cos(), angle.sin())]]));
            }
        }
    }
    u.exchange();
    (u, phi)
}

/// All links of one chain on one rank, by site number and direction.
pub struct NaiveLinks<const N: usize> {
    pub geometry: Geometry,
    pub links: Vec<Vec<Matrix<f64, N>>>,
}

/// A step of a path: direction, and whether it is taken forwards.
pub type Step = (usize, bool);

impl<const N: usize> NaiveLinks<N> {
    pub fn new(u: &GaugeField<f64, N>, chain: usize) -> Self {
        let geometry = u.lattice().geometry().clone();
        let batch = u.lattice().chains() > 1;
        let links = (0..geometry.volume())
            .map(|site| {
                let (block, lane) = u.layout().locate(&geometry.site(site));
                (0..geometry.dims()).map(|mu| u.link(block, mu, if batch { chain } else { lane })).collect()
            })
            .collect();
        Self { geometry, links }
    }

    pub fn dims(&self) -> usize {
        self.geometry.dims()
    }

    pub fn sites(&self) -> impl Iterator<Item = Site> {
        let geometry = self.geometry.clone();
        (0..geometry.volume()).map(move |site| geometry.site(site))
    }

    /// The product of links along a path from `x`.
    pub fn path(&self, x: &Site, steps: &[Step]) -> Matrix<f64, N> {
        let (mut place, mut product) = (*x, Matrix::unit());
        for &(mu, ahead) in steps {
            let extent = self.geometry.extents()[mu];
            if ahead {
                product = product.mul(&self.links[self.geometry.site_index(&place)][mu]);
                place[mu] = (place[mu] + 1) % extent;
            } else {
                place[mu] = (place[mu] + extent - 1) % extent;
                product = product.mul_adjoint(&self.links[self.geometry.site_index(&place)][mu]);
            }
        }
        product
    }

    /// Σ over sites of Re tr of a loop.
    pub fn loop_sum(&self, steps: &[Step]) -> f64 {
        self.sites().map(|x| self.path(&x, steps).trace().re).sum()
    }

    pub fn wilson_action(&self, beta: f64) -> f64 {
        let mut sum = 0.0;
        for mu in 0..self.dims() {
            for nu in 0..mu {
                let loops = self.loop_sum(&[(mu, true), (nu, true), (mu, false), (nu, false)]);
                sum += beta * (self.geometry.volume() as f64 - loops / N as f64);
            }
        }
        sum
    }

    pub fn staple(&self, x: &Site, mu: usize) -> Matrix<f64, N> {
        let mut start = *x;
        start[mu] = (start[mu] + 1) % self.geometry.extents()[mu];
        let mut sum = Matrix::zero();
        for nu in (0..self.dims()).filter(|&nu| nu != mu) {
            for ahead in [true, false] {
                sum = sum + self.path(&start, &[(nu, ahead), (mu, false), (nu, !ahead)]);
            }
        }
        sum
    }

    /// Coordinates of Ta(U A).
    pub fn staple_force(&self, x: &Site, mu: usize) -> [f64; 8] {
        let u = self.links[self.geometry.site_index(x)][mu];
        to_coordinates(&traceless_antihermitian(&u.mul(&self.staple(x, mu))))
    }

    /// Σ over the 2×1 and 1×2 rectangles of `coefficient` (1 − Re tr R / N).
    pub fn rectangle_action(&self, coefficient: f64) -> f64 {
        let mut sum = 0.0;
        for mu in 0..self.dims() {
            for nu in (0..self.dims()).filter(|&nu| nu != mu) {
                let (m, n) = ((mu, true), (nu, true));
                let loops = self.loop_sum(&[m, m, n, (mu, false), (mu, false), (nu, false)]);
                sum += coefficient * (self.geometry.volume() as f64 - loops / N as f64);
            }
        }
        sum
    }

    /// Coordinates of Ta(U B), B the paths of five links that close a link to its rectangles: two steps aside; or one,
    /// and two back along the link, before or after it.
    pub fn rectangle_force(&self, x: &Site, mu: usize) -> [f64; 8] {
        let mut start = *x;
        start[mu] = (start[mu] + 1) % self.geometry.extents()[mu];
        let mut sum = Matrix::zero();
        for nu in (0..self.dims()).filter(|&nu| nu != mu) {
            for ahead in [true, false] {
                let (aside, home, on, back) = ((nu, ahead), (nu, !ahead), (mu, true), (mu, false));
                for path in [
                    [aside, aside, back, home, home],
                    [on, aside, back, back, home],
                    [aside, back, back, home, on],
                ] {
                    sum = sum + self.path(&start, &path);
                }
            }
        }
        let u = self.links[self.geometry.site_index(x)][mu];
        to_coordinates(&traceless_antihermitian(&u.mul(&sum)))
    }

    /// F_mn = (Q − Q†)/8, Q the four leaves at x, counter-clockwise in the (m, n) plane.
    pub fn field_strength(&self, x: &Site, m: usize, n: usize) -> Matrix<f64, N> {
        let leaves: [[Step; 4]; 4] = [
            [(m, true), (n, true), (m, false), (n, false)],
            [(n, true), (m, false), (n, false), (m, true)],
            [(m, false), (n, false), (m, true), (n, true)],
            [(n, false), (m, true), (n, true), (m, false)],
        ];
        let mut q = Matrix::zero();
        for leaf in &leaves {
            q = q + self.path(x, leaf);
        }
        (q - q.adjoint()).scale(0.125)
    }

    /// −(c_sw/2) Σ_{mu<nu} ½ [γ_mu, γ_nu] F_mu nu(x) ψ with explicit 4×4 matrices.
    pub fn clover_term(&self, x: &Site, csw: f64, psi: &Spinor<f64, N>) -> Spinor<f64, N> {
        let mut out = Spinor::zero();
        for nu in 1..self.dims() {
            for mu in 0..nu {
                let f = self.field_strength(x, mu, nu);
                let (ab, ba) = (spin_product(mu, nu), spin_product(nu, mu));
                for s in 0..SPINS {
                    for r in 0..SPINS {
                        let sigma = (ab[s][r] - ba[s][r]).scale(0.5);
                        for c in 0..N {
                            for d in 0..N {
                                let term = sigma * f.0[c][d] * psi[r][d];
                                out[s][c] = out[s][c] - term.scale(0.5 * csw);
                            }
                        }
                    }
                }
            }
        }
        out
    }

    /// Average over the transverse sites of tr Π U_mu / N.
    pub fn polyakov(&self, mu: usize) -> Complex<f64> {
        let steps = vec![(mu, true); self.geometry.extents()[mu]];
        let mut sum = Complex::zero();
        for x in self.sites().filter(|x| x[mu] == 0) {
            sum = sum + self.path(&x, &steps).trace();
        }
        let count = self.geometry.volume() / self.geometry.extents()[mu] * N;
        sum.scale(1.0 / count as f64)
    }
}

/// γ_mu γ_nu.
fn spin_product(mu: usize, nu: usize) -> SpinMatrix {
    let (a, b) = (gamma(mu), gamma(nu));
    std::array::from_fn(|i| {
        std::array::from_fn(|j| (0..SPINS).fold(Complex::zero(), |sum, k| a[i][k].mul_add(b[k][j], sum)))
    })
}

/// Asserts that a term's kick is its gradient: d/ds S(e^{sP} U) along a random direction, by differences of fourth
/// order.
pub fn assert_gradient<const N: usize>(term: &mut dyn Term<N>, u: &GaugeField<f64, N>) {
    let mut direction = MomentumField::zeroed(u.lattice()).unwrap();
    direction.refresh(Address::new(3, Purpose::Momenta));
    let mut value = |s: f64| {
        let mut moved = u.duplicate().unwrap();
        moved.drift(&direction, s);
        term.value(&moved).unwrap()[0]
    };
    let h = 1e-3;
    let slope = (8.0 * (value(h) - value(-h)) - (value(2.0 * h) - value(-2.0 * h))) / (12.0 * h);
    let mut force = MomentumField::zeroed(u.lattice()).unwrap();
    term.kick(u, &mut force, -1.0).unwrap();
    let expected = force.dot(&direction)[0];
    let scale = force.kinetic()[0].sqrt();
    let what = format!("{} on {:?}", term.name(), u.lattice().geometry().extents());
    assert!((slope - expected).abs() < 1e-8 * scale, "{what}: {slope} instead of {expected}");
}

/// The modified Bessel function I_n(x), by its power series.
pub fn bessel_i(n: usize, x: f64) -> f64 {
    let mut term = (1..=n).fold(1.0, |product, k| product * 0.5 * x / k as f64);
    let mut sum = 0.0;
    for k in 1..500 {
        sum += term;
        term *= 0.25 * x * x / (k * (k + n)) as f64;
    }
    sum
}

/// Asserts that the mean of independent samples lies within 4.5 standard errors of `expected`.
pub fn assert_mean(what: &str, samples: &[f64], expected: f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let sigmas = (mean - expected) / (variance / n).sqrt();
    assert!(sigmas.abs() < 4.5, "{what}: mean {mean} instead of {expected}, {sigmas:.1} sigma");
}
