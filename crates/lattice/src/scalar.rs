//! Real scalars on sites, φ(x), and their momenta: `[block][lane]`.

use crate::LatticeError;
use crate::field::Field;
use crate::lattice::Lattice;
use crate::momenta::add;
use crate::number::Real;
use crate::rng::{Address, fill_gaussian};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// One real number on each site: a scalar, its momentum or a derivative with respect to it.
#[derive(Debug)]
pub struct ScalarField<T>(Field<T>);

impl<T> Deref for ScalarField<T> {
    type Target = Field<T>;
    fn deref(&self) -> &Field<T> {
        &self.0
    }
}

impl<T> DerefMut for ScalarField<T> {
    fn deref_mut(&mut self) -> &mut Field<T> {
        &mut self.0
    }
}

impl<T: Real> ScalarField<T> {
    /// φ = 0.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`], or [`LatticeError::Geometry`] for a batch wider than the precision's lanes.
    pub fn zeroed(lattice: &Arc<Lattice>) -> Result<Self, LatticeError> {
        Ok(Self(Field::zeroed(lattice, 1)?))
    }

    /// A copy in memory of its own.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn duplicate(&self) -> Result<Self, LatticeError> {
        Ok(Self(self.0.duplicate()?))
    }

    /// Independent Gaussians of variance 1, chain c of a batch at chain `address.chain` + c; those in f32 are, up to
    /// rounding, those in f64. Collective.
    pub fn draw_gaussian(&mut self, address: Address) {
        fill_gaussian(&mut self.0, address);
    }

    /// φ ← φ + ε π on every site.
    pub fn drift(&mut self, momenta: &Self, epsilon: f64) {
        add(&mut self.0, epsilon, momenta);
        self.exchange();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::run_ranks;
    use crate::lattice::LatticeOptions;
    use crate::layout::LaneMeaning;
    use crate::rng::Purpose;

    /// φ + ε π of drawn fields, by this rank's sites, for each chain.
    fn moved<T: Real>(options: LatticeOptions) -> Vec<Vec<f64>> {
        let lattice = Lattice::new(&[8, 6], options).unwrap();
        let mut phi = ScalarField::<T>::zeroed(&lattice).unwrap();
        let mut momenta = ScalarField::<T>::zeroed(&lattice).unwrap();
        phi.draw_gaussian(Address::new(2, Purpose::Start));
        momenta.draw_gaussian(Address::new(2, Purpose::Momenta));
        phi.drift(&momenta, 0.25);
        let (layout, geometry) = (phi.layout(), lattice.geometry());
        let (origin, local) = (geometry.origin(), geometry.local_extents());
        let own = |x: &[usize; 4]| (0..4).all(|mu| (origin[mu]..origin[mu] + local[mu]).contains(&x[mu]));
        let sites: Vec<_> = (0..lattice.volume()).map(|i| geometry.site(i)).filter(own).collect();
        let at = |x: &[usize; 4], chain: usize| {
            let (block, lane) = layout.locate(&std::array::from_fn(|mu| x[mu] - origin[mu]));
            phi.get(block, 0, if lattice.chains() > 1 { chain } else { lane }).to_f64()
        };
        (0..lattice.chains()).map(|chain| sites.iter().map(|x| at(x, chain)).collect()).collect()
    }

    #[test]
    fn scalars_do_not_depend_on_lanes_threads_and_ranks() {
        let one = LatticeOptions { threads: 1, ..LatticeOptions::default() };
        let reference = moved::<f64>(one.clone());
        // The sum of the two drawn numbers, site by site.
        let lattice = Lattice::new(&[8, 6], one.clone()).unwrap();
        for (site, value) in reference[0].iter().enumerate() {
            let drawn = |purpose| {
                let mut stream = Address::new(2, purpose).generator().stream(site as u64);
                stream.gaussian_pair().0
            };
            let expected = drawn(Purpose::Start) + 0.25 * drawn(Purpose::Momenta);
            assert!((value - expected).abs() < 1e-14, "{:?}", lattice.geometry().site(site));
        }
        assert_eq!(moved::<f64>(LatticeOptions { threads: 3, ..one.clone() }), reference);
        let lanes = LaneMeaning::Batch { chains: 8 };
        assert_eq!(moved::<f64>(LatticeOptions { lanes, ..one.clone() })[0], reference[0]);
        let single = moved::<f32>(one.clone());
        assert!(single[0].iter().zip(&reference[0]).all(|(a, b)| (a - b).abs() < 1e-5));
        let halves = run_ranks(2, |comm| {
            moved::<f64>(LatticeOptions { grid: vec![1, 2], comm, ..one.clone() }).swap_remove(0)
        });
        assert_eq!(halves.concat(), reference[0]);
    }
}
