//! Algebra fields as `plugin.h` has them: matrices F = Σ_a π^a T_a, in memory of their own.

use gaugelink_lattice::foreign;
use gaugelink_lattice::{GaugeField, Lattice, LatticeError, MomentumField};
use gaugelink_plugin_sdk::{Error, View, ViewMut, raw};
use std::sync::Arc;

/// A matrix on every link, to lend as a view of kind `ALGEBRA`.
pub struct Matrices<const N: usize>(GaugeField<f64, N>);

impl<const N: usize> Matrices<N> {
    /// What they hold before they are written means nothing.
    ///
    /// # Errors
    /// Out of memory.
    pub fn new(lattice: &Arc<Lattice>) -> Result<Self, LatticeError> {
        Ok(Self(GaugeField::cold(lattice)?))
    }

    /// Lends them to be written.
    pub fn lend<R>(&mut self, work: impl FnOnce(&mut ViewMut<'_>) -> R) -> R {
        foreign::lend(&mut self.0, |view| {
            view.set_kind(raw::GLK_ALGEBRA);
            view.set_algebra_conv(raw::GLK_ALG_F);
            work(view)
        })
    }

    /// Takes the elements with these coordinates. Returns the bytes written.
    ///
    /// # Errors
    /// For coordinates on another lattice.
    pub fn load(&mut self, from: &MomentumField<f64, N>) -> Result<u64, Error> {
        self.lend(|view| foreign::write_algebra(from, view, 0))
    }

    /// Gives the coordinates. Returns the bytes read.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn store(&self, to: &mut MomentumField<f64, N>) -> Result<u64, Error> {
        self.view(|view| foreign::read_algebra(view, 0, to))
    }

    /// Lends them to be read.
    pub fn view<R>(&self, work: impl FnOnce(&View<'_>) -> R) -> R {
        let mut description = *foreign::view(&self.0).as_raw();
        (description.kind, description.algebra_conv) = (raw::GLK_ALGEBRA, raw::GLK_ALG_F);
        // SAFETY: the description of a field that is borrowed here.
        let view = unsafe { View::from_raw(&raw const description, "force") };
        work(&view.expect("the size was just set"))
    }
}
