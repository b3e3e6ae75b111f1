//! Fields that the checker owns, and what a gauge transformation does to them.

use super::store::Kind;
use gaugelink_lattice::Complex;
use gaugelink_lattice::group::{
    self, ALGEBRA_MAX, Matrix, algebra_dim, exponential, reunitarise, to_coordinates, traceless_antihermitian,
};
use gaugelink_plugin_sdk::{Lattice, raw};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// A lattice and a group: U(1), SU(2), SU(3) by n.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) lattice: Lattice,
    pub(super) n: usize,
}

/// Coordinates of one algebra element a link.
pub(super) type Coordinates = Vec<[f64; ALGEBRA_MAX]>;

/// Calls a function that is generic over the group.
macro_rules! by_group {
    ($n:expr, $f:ident($($arg:expr),*)) => {
        match $n {
            1 => $f::<1>($($arg),*),
            2 => $f::<2>($($arg),*),
            _ => $f::<3>($($arg),*),
        }
    };
}

pub(super) use by_group;

impl Setting {
    /// Settings to try, the cheapest first.
    pub(super) fn all() -> Vec<Self> {
        let of =
            |extents: &[usize], n| Self { lattice: Lattice::single(extents).expect("a small lattice"), n };
        // Extents differ: who takes one for the other is to be seen.
        let of_all = |extents: &[usize]| [1, 2, 3].map(|n| of(extents, n));
        let planes = of_all(&[4, 8]).into_iter().chain([of(&[8; 2], 1)]);
        let more = of_all(&[4, 2, 2]).into_iter().chain(of_all(&[2; 4]));
        planes.chain(more).chain([of(&[4, 6, 4, 4], 3)]).collect()
    }
    pub(super) fn name(&self) -> String {
        let extents: Vec<_> = self.lattice.local().iter().map(ToString::to_string).collect();
        format!("{} on {}", group::group_name(self.n), extents.join("x"))
    }
    /// Sites times directions.
    pub(super) fn links(&self) -> usize {
        self.lattice.sites() * self.lattice.ndim()
    }
    /// Numbers of a link field.
    pub(super) fn len(&self) -> usize {
        self.links() * 2 * self.n * self.n
    }
    /// A field of matrices on links, `GLK_GAUGE` or `GLK_ALGEBRA`.
    pub(super) fn on_links(&self, code: i32) -> Kind {
        Kind { code, extents: [self.lattice.ndim(), self.n, self.n] }
    }
    /// Wilson spinors.
    pub(super) fn spinors(&self) -> Kind {
        let spins = if self.lattice.ndim() == 2 { 2 } else { 4 };
        Kind { code: raw::GLK_WILSON, extents: [1, spins, self.n] }
    }
    /// Degrees of freedom of the links.
    pub(super) fn freedom(&self) -> usize {
        self.links() * algebra_dim(self.n)
    }
    /// Random coordinates, uniform in [−1, 1].
    pub(super) fn coordinates(&self, seed: u64, count: usize) -> Coordinates {
        let numbers = numbers(seed, count * ALGEBRA_MAX);
        let mut c: Coordinates =
            numbers.chunks(ALGEBRA_MAX).map(|c| c.try_into().expect("a chunk")).collect();
        c.iter_mut().for_each(|c| c[algebra_dim(self.n)..].fill(0.0));
        c
    }
    /// Random links far from unity, the same for the same seed.
    pub(super) fn gauge(&self, seed: u64) -> Vec<f64> {
        by_group!(self.n, matrices(&self.coordinates(seed, self.links()), 1.5))
    }
    /// exp(ε c) U, link by link.
    pub(super) fn rotated(&self, u: &[f64], c: &Coordinates, epsilon: f64) -> Vec<f64> {
        by_group!(self.n, rotated(u, c, epsilon))
    }
    /// Random matrices of a gauge transformation, one a site.
    pub(super) fn transformation(&self, seed: u64) -> Vec<f64> {
        by_group!(self.n, matrices(&self.coordinates(seed, self.lattice.sites()), 1.5))
    }
    /// g(x) U_mu(x) g(x+mu)†.
    pub(super) fn transformed(&self, u: &[f64], g: &[f64]) -> Vec<f64> {
        by_group!(self.n, transformed(&self.lattice, u, g, true))
    }
    /// g(x) F_mu(x) g(x)†.
    pub(super) fn transformed_algebra(&self, f: &[f64], g: &[f64]) -> Vec<f64> {
        by_group!(self.n, transformed(&self.lattice, f, g, false))
    }
    /// g(x) ψ(x) for each spin.
    pub(super) fn transformed_spinor(&self, psi: &[f64], g: &[f64]) -> Vec<f64> {
        let (n, spins) = (self.n, psi.len() / self.lattice.sites() / self.n / 2);
        let mut out = vec![0.0; psi.len()];
        for (i, z) in out.chunks_mut(2).enumerate() {
            let (row, spin) = (i % n, i / n);
            let site = spin / spins;
            for k in 0..n {
                let (a, b) = (2 * ((site * n + row) * n + k), 2 * (spin * n + k));
                z[0] += g[a] * psi[b] - g[a + 1] * psi[b + 1];
                z[1] += g[a] * psi[b + 1] + g[a + 1] * psi[b];
            }
        }
        out
    }
    /// Σ c^a F^a over all links.
    pub(super) fn along(&self, f: &[f64], c: &Coordinates) -> f64 {
        self.algebra_coordinates(f)
            .iter()
            .zip(c)
            .map(|(f, c)| f.iter().zip(c).map(|(f, c)| f * c).sum::<f64>())
            .sum()
    }
    /// Coordinates of an algebra field.
    pub(super) fn algebra_coordinates(&self, f: &[f64]) -> Coordinates {
        by_group!(self.n, coordinates_of(f))
    }
    /// Coordinates of Ta(A B†), link by link: of log(A B†) up to the third order.
    pub(super) fn quotient(&self, a: &[f64], b: &[f64]) -> Coordinates {
        by_group!(self.n, quotient(a, b))
    }
    /// Largest distance of a number from those of the nearest links in the group.
    pub(super) fn off_group(&self, u: &[f64]) -> f64 {
        distance(u, &by_group!(self.n, reunitarised(u)))
    }
    /// Mean of Re tr U over the links.
    pub(super) fn mean_trace(&self, u: &[f64]) -> f64 {
        let diagonal = |link: &[f64]| (0..self.n).map(|i| link[2 * (i * self.n + i)]).sum::<f64>();
        u.chunks(2 * self.n * self.n).map(diagonal).sum::<f64>() / self.links() as f64
    }
    /// S = Σ Re tr(M U) with random M, and its force Σ_a T_a ∂^a S.
    pub(super) fn linear_action(&self, seed: u64) -> LinearAction {
        LinearAction { setting: self.clone(), m: numbers(seed, self.len()) }
    }
}

/// An action that is linear in every link.
pub(super) struct LinearAction {
    setting: Setting,
    m: Vec<f64>,
}

impl LinearAction {
    pub(super) fn value(&self, u: &[f64]) -> f64 {
        by_group!(self.setting.n, linear_value(&self.m, u))
    }
    pub(super) fn force(&self, u: &[f64]) -> Vec<f64> {
        by_group!(self.setting.n, linear_force(&self.m, u))
    }
}

/// Numbers uniform in [−1, 1].
pub(super) fn numbers(seed: u64, count: usize) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| (rng.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0).collect()
}

/// Largest |a − b|.
pub(super) fn distance(a: &[f64], b: &[f64]) -> f64 {
    // max() would lose a NaN.
    let worse = |worst: f64, d: f64| if d.is_nan() || d > worst { d } else { worst };
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, worse)
}

fn load<const N: usize>(field: &[f64], index: usize) -> Matrix<f64, N> {
    let start = index * 2 * N * N;
    Matrix::from_fn(|i, j| Complex::new(field[start + 2 * (i * N + j)], field[start + 2 * (i * N + j) + 1]))
}

fn push<const N: usize>(field: &mut Vec<f64>, m: &Matrix<f64, N>) {
    field.extend(m.0.iter().flatten().flat_map(|z| [z.re, z.im]));
}

fn matrices<const N: usize>(c: &Coordinates, scale: f64) -> Vec<f64> {
    let mut out = Vec::with_capacity(c.len() * 2 * N * N);
    c.iter().for_each(|c| push(&mut out, &exponential(&group::from_coordinates::<f64, N>(c).scale(scale))));
    out
}

fn rotated<const N: usize>(u: &[f64], c: &Coordinates, epsilon: f64) -> Vec<f64> {
    let mut out = Vec::with_capacity(u.len());
    for (i, c) in c.iter().enumerate() {
        let turn = exponential(&group::from_coordinates::<f64, N>(c).scale(epsilon));
        push(&mut out, &turn.mul(&load(u, i)));
    }
    out
}

fn reunitarised<const N: usize>(u: &[f64]) -> Vec<f64> {
    let mut out = Vec::with_capacity(u.len());
    (0..u.len() / (2 * N * N)).for_each(|i| push(&mut out, &reunitarise(&load::<N>(u, i))));
    out
}

fn transformed<const N: usize>(lattice: &Lattice, u: &[f64], g: &[f64], links: bool) -> Vec<f64> {
    let mut out = Vec::with_capacity(u.len());
    let (local, ndim) = (lattice.local(), lattice.ndim());
    for site in 0..lattice.sites() {
        let mut stride = 1;
        for mu in 0..ndim {
            let (extent, x) = (local[mu] as usize, lattice.coordinates(site)[mu] as usize);
            let next = if x + 1 == extent { site - x * stride } else { site + stride };
            let right = load::<N>(g, if links { next } else { site });
            push(&mut out, &load::<N>(g, site).mul(&load(u, site * ndim + mu)).mul_adjoint(&right));
            stride *= extent;
        }
    }
    out
}

fn coordinates_of<const N: usize>(f: &[f64]) -> Coordinates {
    (0..f.len() / (2 * N * N)).map(|i| to_coordinates(&load::<N>(f, i))).collect()
}

fn quotient<const N: usize>(a: &[f64], b: &[f64]) -> Coordinates {
    let link = |i| to_coordinates(&traceless_antihermitian(&load::<N>(a, i).mul_adjoint(&load(b, i))));
    (0..a.len() / (2 * N * N)).map(link).collect()
}

fn linear_value<const N: usize>(m: &[f64], u: &[f64]) -> f64 {
    (0..u.len() / (2 * N * N)).map(|i| load::<N>(m, i).re_trace_mul(&load(u, i))).sum()
}

/// ∂^a Re tr(M U) = Re tr(T_a U M) = −½ × coordinate a of Ta(U M); for U(1) −1 in place of −½.
fn linear_force<const N: usize>(m: &[f64], u: &[f64]) -> Vec<f64> {
    let mut out = Vec::with_capacity(u.len());
    for i in 0..u.len() / (2 * N * N) {
        let product = load::<N>(u, i).mul(&load(m, i));
        push(&mut out, &traceless_antihermitian(&product).scale(if N == 1 { -1.0 } else { -0.5 }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_action_and_its_force_agree() {
        for setting in Setting::all() {
            let (u, s) = (setting.gauge(1), setting.linear_action(2));
            let c = setting.coordinates(3, setting.links());
            let at = |epsilon| s.value(&setting.rotated(&u, &c, epsilon));
            let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
            let analytic = setting.along(&s.force(&u), &c);
            assert!((numeric - analytic).abs() < 1e-7, "{}: {numeric} and {analytic}", setting.name());
        }
    }
}
