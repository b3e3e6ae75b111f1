//! Overrelaxation: as far as a link can go without changing the action (Creutz, Phys. Rev. D 36 (1987) 515; Brown
//! and Woch, Phys. Rev. Lett. 58 (1987) 2394).

use super::quaternion::Quaternion;
use super::sweep::{Choice, forms, sweep};
use crate::PhysicsError;
use gaugelink_lattice::number::Compiled;
use gaugelink_lattice::{Complex, GaugeField, Lanes, Layout};

/// Microcanonical overrelaxation of Wilson's action: link × staple is replaced by its inverse direction, in U(1), in
/// SU(2), and in the three SU(2) subgroups of SU(3) in turn. Keeps the action, and exp(−S) at any coupling.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Overrelaxation;

impl Overrelaxation {
    /// Updates every link once. Collective.
    ///
    /// # Errors
    /// [`PhysicsError::Geometry`] for an odd extent.
    pub fn sweep<const N: usize>(&self, u: &mut GaugeField<f64, N>) -> Result<(), PhysicsError> {
        sweep(u, self)
    }
}

impl Choice for Overrelaxation {
    fn compiled() -> &'static [Compiled; 3] {
        static FORMS: [Compiled; 3] = forms::<Overrelaxation>();
        &FORMS
    }

    type Random = ();

    fn random(&self, _: &Layout, _: usize, _: usize) {}

    #[inline(always)]
    fn phase<V: Lanes<Scalar = f64>>(&self, _: &mut (), _: V, old: Complex<V>) -> Complex<V> {
        old.conj()
    }

    #[inline(always)]
    fn rotation<V: Lanes<Scalar = f64>>(&self, _: &mut (), _: V, old: Quaternion<V>) -> Quaternion<V> {
        old.conj()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{Action, WilsonAction};
    use crate::naive::rough_field;
    use gaugelink_lattice::{Lattice, LatticeOptions};

    #[test]
    fn the_action_stays_and_the_links_move() {
        fn check<const N: usize>(extents: &[usize]) {
            let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
            let mut u = rough_field::<N>(&lattice, 0.6);
            let start = u.duplicate().unwrap();
            let value = |u: &GaugeField<f64, N>| Action::value(&WilsonAction::new(1.0), u)[0];
            for _ in 0..5 {
                Overrelaxation.sweep(&mut u).unwrap();
            }
            let (before, after) = (value(&start), value(&u));
            assert!((before - after).abs() < 1e-12 * before, "N={N} {extents:?}: {before} {after}");
            let moved: f64 = u.as_slice().iter().zip(start.as_slice()).map(|(a, b)| (a - b).powi(2)).sum();
            assert!(moved / u.as_slice().len() as f64 > 0.05, "N={N} {extents:?}: moved by {moved}");
            assert!(u.unitarity_violation() < 1e-14);
        }
        for extents in [&[6, 4][..], &[4, 6, 2], &[4, 2, 4, 8]] {
            check::<1>(extents);
            check::<2>(extents);
            check::<3>(extents);
        }
    }

    #[test]
    fn odd_extents_are_refused() {
        let lattice = Lattice::new(&[4, 5], LatticeOptions::default()).unwrap();
        let error = Overrelaxation.sweep(&mut rough_field::<2>(&lattice, 0.5)).unwrap_err();
        assert!(error.to_string().contains("[4, 5]"), "{error}");
    }
}
