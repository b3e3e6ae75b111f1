//! Overrelaxation: as far as a link can go without changing the action (Creutz, Phys. Rev. D 36 (1987) 515; Brown
//! and Woch, Phys. Rev. Lett. 58 (1987) 2394).

use super::quaternion::Quaternion;
use super::sweep::{Choice, sweep};
use crate::PhysicsError;
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
