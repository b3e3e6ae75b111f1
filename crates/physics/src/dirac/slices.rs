//! ln |det D| of Wilson quarks in two dimensions, slice by slice of the last direction.
//!
//! With γ = diag(1, −1) in that direction and σ₁ in the other, and a spinor of a slice written as (a, b), D ψ = 0 reads
//!
//! ```text
//! B a_y + C b_y = W†_{y−1} a_{y−1}        C a_y + B b_y = W_y b_{y+1}
//! B = m + 2 − ½ (U S + S†U†)              C = ½ (U S − S†U†)
//! ```
//!
//! with the shift S within a slice, its links U, and the links W between slices. So φ_y = (a_y, b_{y+1}) is T_y φ_{y−1} with
//!
//! ```text
//! T_y = ( B⁻¹W†_{y−1}             −B⁻¹C          )
//!       ( W†_y C B⁻¹W†_{y−1}      W†_y (B − C B⁻¹C) ),      |det D| = Π_y |det B_y| · |det(1 − T_{L−1} … T_0)|
//! ```
//!
//! (Gattringer and Lang, Quantum Chromodynamics on the Lattice, section 12.3, for the idea). A long product has large and small
//! eigenvalues that rounding cannot hold together, so that a few products of few slices each are left as blocks of a cyclic
//! matrix, which is decomposed. That has half the rows of the even-odd form, or less.

use super::dense::{gather, ln_abs_det, on_all_threads};
use super::quark::Quark;
use gaugelink_lattice::GaugeField;
use nalgebra::{Complex as Z, DMatrix, DVector};

/// Slices of a product: rounding is that of double precision times what a product stretches, about 10² for these.
const TOGETHER: usize = 4;

/// Whether B has an inverse on all links: it is positive then.
pub fn has_slices(quark: &Quark) -> bool {
    quark.mass > -1.0 && quark.csw == 0.0
}

/// ln |det D| for each chain; links are in the group. Collective.
pub fn ln_det_by_slices<const N: usize>(u: &GaugeField<f64, N>, quark: &Quark) -> Vec<f64> {
    let (lattice, layout) = (u.lattice(), u.layout());
    let extents = [lattice.geometry().extents()[0], lattice.geometry().extents()[1]];
    let mut links = vec![DVector::zeros(2 * N * N * lattice.volume()); lattice.chains()];
    for (block, lane) in (0..layout.blocks()).flat_map(|b| (0..layout.distinct_lanes()).map(move |l| (b, l)))
    {
        let (site, chain) =
            if lattice.chains() > 1 { (layout.site(block, 0), lane) } else { (layout.site(block, lane), 0) };
        for mu in 0..2 {
            let link = u.link(block, mu, lane);
            let first = (2 * (site[0] + extents[0] * site[1]) + mu) * N * N;
            for (i, j) in (0..N).flat_map(|i| (0..N).map(move |j| (i, j))) {
                links[chain][first + i * N + j] = Z::new(link.0[i][j].re, link.0[i][j].im);
            }
        }
    }
    gather(lattice, &mut links);
    let slices = |links: &DVector<Z<f64>>| Slices::<'_, N> { extents, quark, links }.ln_det();
    on_all_threads(lattice, &links, slices)
}

/// The links of one chain.
struct Slices<'a, const N: usize> {
    extents: [usize; 2],
    quark: &'a Quark,
    links: &'a DVector<Z<f64>>,
}

impl<const N: usize> Slices<'_, N> {
    /// An entry of a link, with the phase of the boundary that it crosses.
    fn link(&self, x: usize, y: usize, mu: usize, i: usize, j: usize) -> Z<f64> {
        let crosses = [x, y][mu] + 1 == self.extents[mu];
        let phase = self.quark.boundary.0[mu];
        let index = 2 * (x + self.extents[0] * y) + mu;
        let link = self.links[(index * N + i) * N + j];
        if crosses { link * Z::new(phase.re, phase.im) } else { link }
    }

    /// Adds `forwards` U S and `backwards` S†U† of slice y, or of W where mu is 1.
    fn add(&self, to: &mut DMatrix<Z<f64>>, y: usize, mu: usize, [forwards, backwards]: [f64; 2]) {
        let width = self.extents[0];
        for x in 0..width {
            let next = if mu == 0 { (x + 1) % width } else { x };
            for (i, j) in (0..N).flat_map(|i| (0..N).map(move |j| (i, j))) {
                let (row, column, link) = (x * N + i, next * N + j, self.link(x, y, mu, i, j));
                to[(row, column)] += link * forwards;
                to[(column, row)] += link.conj() * backwards;
            }
        }
    }

    fn ln_det(&self) -> f64 {
        let (n, slices) = (N * self.extents[0], self.extents[1]);
        let w_dagger = |y: usize| {
            let mut w = DMatrix::zeros(n, n);
            self.add(&mut w, y, 1, [0.0, 1.0]);
            w
        };
        let mut ln_det = 0.0;
        let mut products: Vec<DMatrix<Z<f64>>> = Vec::with_capacity(slices.div_ceil(TOGETHER));
        for y in 0..slices {
            let mut b = DMatrix::from_diagonal_element(n, n, Z::from(self.quark.mass + 2.0));
            let mut c = DMatrix::zeros(n, n);
            self.add(&mut b, y, 0, [-0.5, -0.5]);
            self.add(&mut c, y, 0, [0.5, -0.5]);
            let lu = b.clone().lu();
            ln_det += ln_abs_det(&lu);
            // B is positive; where it is not because links are none, the result is no number.
            let Some(inverse) = lu.try_inverse() else { return f64::NAN };
            let (before, after) = (w_dagger((y + slices - 1) % slices), w_dagger(y));
            let (from_a, from_b) = (&inverse * before, &inverse * &c);
            let mut t = DMatrix::zeros(2 * n, 2 * n);
            t.view_mut((n, 0), (n, n)).copy_from(&(&after * (&c * &from_a)));
            t.view_mut((n, n), (n, n)).copy_from(&(&after * (b - &c * &from_b)));
            t.view_mut((0, 0), (n, n)).copy_from(&from_a);
            t.view_mut((0, n), (n, n)).copy_from(&-from_b);
            match products.last_mut() {
                Some(product) if !y.is_multiple_of(TOGETHER) => *product = t * &*product,
                _ => products.push(t),
            }
        }
        let blocks = products.len();
        let mut cyclic = DMatrix::identity(2 * n * blocks, 2 * n * blocks);
        for (block, product) in products.iter().enumerate() {
            let column = (block + blocks - 1) % blocks;
            let mut place = cyclic.view_mut((2 * n * block, 2 * n * column), (2 * n, 2 * n));
            place -= product;
        }
        ln_det + ln_abs_det(&cyclic.lu())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dirac::{Boundary, DenseMatrix, FermionMatrix, QuarkMatrix};
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_lattice::{LaneMeaning, Lattice, LatticeOptions};

    /// On rough links, odd extents, slices that do not fill a product, twisted boundaries, a mass at which quarks are light.
    #[test]
    fn slices_have_the_determinant_of_the_whole_matrix() {
        fn check<const N: usize>(extents: &[usize]) {
            let lanes = LaneMeaning::Batch { chains: 3 };
            let lattice =
                Lattice::new(extents, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
            let u = GaugeField::<f64, N>::random(&lattice, 1.0, Address::new(5, Purpose::Start)).unwrap();
            for (mass, boundary) in [
                (-0.2, Boundary::twisted([0.0, std::f64::consts::PI, 0.0, 0.0])),
                (0.7, Boundary::twisted([0.4, -1.1, 0.0, 0.0])),
                (-0.9, Boundary::periodic()),
            ] {
                let quark = Quark { mass, csw: 0.0, boundary, matrix: QuarkMatrix::Full };
                let operator = quark.operator::<f64, N, 1>(&u).unwrap();
                let whole = DenseMatrix::new(&FermionMatrix::Full(&operator)).unwrap().ln_det();
                for (whole, slices) in whole.into_iter().zip(ln_det_by_slices(&u, &quark)) {
                    let off = (slices - whole).abs() / whole.abs().max(1.0);
                    assert!(off < 1e-11, "U({N}) {extents:?} m = {mass}: {slices} instead of {whole}");
                }
            }
        }
        check::<1>(&[4, 4]);
        check::<1>(&[3, 13]);
        check::<1>(&[16, 8]);
        check::<1>(&[2, 2]);
        check::<2>(&[4, 6]);
        check::<3>(&[3, 5]);
    }
}
