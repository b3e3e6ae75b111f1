//! Polyakov loops.

use crate::PhysicsError;
use gaugelink_lattice::{
    Complex, Field, FieldReader, FieldWriter, GaugeField, Kernel, Lanes, LinkReader, Tally, forward,
};
use std::ops::Range;

/// tr Π U_mu / N around the lattice in direction `mu`, averaged over the sites, for each chain. Collective.
///
/// The product is carried along by L(x) ← U_mu(x) L(x + mu) on all sites at once, so ranks need no messages but the
/// halo's, and the average is over the loops' starting points too (the trace does not depend on them).
///
/// # Errors
/// [`PhysicsError::Geometry`] where the lattice has no such direction; no memory.
pub fn polyakov_loop<const N: usize>(
    u: &GaugeField<f64, N>,
    mu: usize,
) -> Result<Vec<Complex<f64>>, PhysicsError> {
    let (lattice, chains) = (u.lattice().clone(), u.lattice().chains());
    if mu >= lattice.dims() {
        return Err(PhysicsError::Geometry(format!(
            "no direction {mu} in {} dimensions: give 0 to {}",
            lattice.dims(),
            lattice.dims() - 1
        )));
    }
    let mut product = Field::zeroed(&lattice, 2 * N * N)?;
    let mut longer = Field::zeroed(&lattice, 2 * N * N)?;
    let blocks = 0..u.layout().blocks();
    let links = u.links();
    lattice.launch(&Copy { links, mu, to: product.writer() }, blocks.clone());
    for _ in 1..lattice.geometry().extents()[mu] {
        product.exchange();
        let kernel = Extend { links, mu, from: product.reader(), to: longer.writer() };
        lattice.launch(&kernel, blocks.clone());
        std::mem::swap(&mut product, &mut longer);
    }
    let mut sums = vec![0.0; 2 * chains];
    lattice.reduce(&Trace::<N>(product.reader()), blocks, &mut sums);
    let scale = 1.0 / (lattice.volume() * N) as f64;
    Ok((0..chains).map(|c| Complex::new(sums[c], sums[chains + c]).scale(scale)).collect())
}

struct Copy<'a, const N: usize> {
    links: LinkReader<'a, f64, N>,
    mu: usize,
    to: FieldWriter<'a, f64>,
}

impl<const N: usize> Kernel<f64> for Copy<'_, N> {
    gaugelink_lattice::compiled!(group N: Copy);
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for block in range {
            // SAFETY: a block is written by one thread.
            unsafe { self.to.store_matrix(block, 0, &self.links.at::<V>(block, self.mu)) }
        }
    }
}

struct Extend<'a, const N: usize> {
    links: LinkReader<'a, f64, N>,
    mu: usize,
    from: FieldReader<'a, f64>,
    to: FieldWriter<'a, f64>,
}

impl<const N: usize> Kernel<f64> for Extend<'_, N> {
    gaugelink_lattice::compiled!(group N: Extend);
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let layout = self.from.layout();
        for block in range {
            let rest = self.from.matrix_at::<V, N>(layout.neighbour(block, forward(self.mu)), 0);
            // SAFETY: a block is written by one thread; what is read is another field.
            unsafe { self.to.store_matrix(block, 0, &self.links.at::<V>(block, self.mu).mul(&rest)) }
        }
    }
}

struct Trace<'a, const N: usize>(FieldReader<'a, f64>);

impl<const N: usize> Kernel<f64> for Trace<'_, N> {
    gaugelink_lattice::compiled!(group N: Trace);
    const SUMS: usize = 2;
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let trace = self.0.matrix::<V, N>(block, 0).trace();
            tally.add(0, trace.re);
            tally.add(1, trace.im);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naive::{NaiveLinks, rough_field};
    use gaugelink_lattice::{Lattice, LatticeOptions};

    fn check<const N: usize>(extents: &[usize]) {
        let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
        let u = rough_field::<N>(&lattice, 0.4);
        let naive = NaiveLinks::new(&u, 0);
        for mu in 0..extents.len() {
            let off = polyakov_loop(&u, mu).unwrap()[0] - naive.polyakov(mu);
            assert!(off.norm2() < 1e-28, "N={N} {extents:?} direction {mu}: off by {off:?}");
        }
        assert!(polyakov_loop(&u, extents.len()).is_err());
    }

    #[test]
    fn loops_are_the_plain_products() {
        check::<1>(&[6, 4]);
        check::<2>(&[4, 3, 8]);
        check::<3>(&[4, 2, 4, 8]);
    }
}
