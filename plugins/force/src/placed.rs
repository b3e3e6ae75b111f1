//! The force on one lattice, between the views of a call.

use gaugelink_lattice::foreign::{Scratch, write_algebra};
use gaugelink_lattice::{GaugeField, Lattice, MomentumField};
use gaugelink_models::LearnedForce;
use gaugelink_physics::action::Action;
use gaugelink_plugin_sdk::{Result, View, ViewMut};
use std::sync::Arc;

/// The functions of `glk.force/1` for as many fields as the lattice has chains; `copied` counts bytes.
pub trait Placed {
    fn action(&mut self, u: &View, s: &mut [f64], copied: &mut u64) -> Result<()>;
    fn force(&mut self, u: &View, scale: f64, f: &mut ViewMut, copied: &mut u64) -> Result<()>;
}

/// A force with its workspaces.
pub struct OnLattice<const N: usize> {
    learned: LearnedForce<f64, N>,
    links: Scratch<GaugeField<f64, N>>,
    force: MomentumField<f64, N>,
}

impl<const N: usize> OnLattice<N> {
    pub fn new(lattice: &Arc<Lattice>, learned: LearnedForce<f64, N>) -> Result<Self> {
        Ok(Self { learned, links: Scratch::new(lattice), force: MomentumField::zeroed(lattice)? })
    }
}

impl<const N: usize> Placed for OnLattice<N> {
    fn action(&mut self, u: &View, s: &mut [f64], copied: &mut u64) -> Result<()> {
        self.links.reading(u, copied, |u| {
            s.copy_from_slice(&self.learned.value(u));
            Ok(())
        })
    }
    fn force(&mut self, u: &View, scale: f64, f: &mut ViewMut, copied: &mut u64) -> Result<()> {
        let force = &mut self.force;
        self.links.reading(u, copied, |u| {
            force.fill(0.0);
            Action::kick(&self.learned, u, force, -scale);
            Ok(())
        })?;
        *copied += write_algebra(force, f, 0)?;
        Ok(())
    }
}
