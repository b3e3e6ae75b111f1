//! A flow on one lattice, between the views of a call.

use gaugelink_lattice::foreign::{Scratch, fill, read_algebra, write_algebra};
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{GaugeField, Lattice, MomentumField, Real};
use gaugelink_models::Flow;
use gaugelink_plugin_sdk::{Error, Result, View, ViewMut};
use std::sync::Arc;

/// The functions of `glk.flow/1` for as many fields as the lattice has chains; `copied` counts bytes.
pub trait Placed {
    fn sample(
        &mut self,
        address: Address,
        u: &mut ViewMut,
        log_q: &mut [f64],
        copied: &mut u64,
    ) -> Result<()>;
    fn forward(&mut self, v: &View, u: &mut ViewMut, logdet: &mut [f64], copied: &mut u64) -> Result<()>;
    fn inverse(&mut self, u: &View, v: &mut ViewMut, logdet: &mut [f64], copied: &mut u64) -> Result<()>;
    fn log_density(&mut self, u: &View, log_q: &mut [f64], copied: &mut u64) -> Result<()>;
    fn pullback(&mut self, v: &View, f_u: &View, f_v: &mut ViewMut, copied: &mut u64) -> Result<()>;
}

/// A flow with its workspaces.
pub struct OnLattice<T: Real, const N: usize> {
    flow: Flow<T, N>,
    links: Scratch<GaugeField<T, N>>,
    /// Made by the first pullback.
    force: Option<MomentumField<T, N>>,
    lattice: Arc<Lattice>,
}

impl<T: Real, const N: usize> OnLattice<T, N> {
    pub fn new(lattice: &Arc<Lattice>, flow: Flow<T, N>) -> Self {
        Self { flow, links: Scratch::new(lattice), force: None, lattice: lattice.clone() }
    }
}

impl<T: Real, const N: usize> Placed for OnLattice<T, N> {
    fn sample(
        &mut self,
        address: Address,
        u: &mut ViewMut,
        log_q: &mut [f64],
        copied: &mut u64,
    ) -> Result<()> {
        self.links.writing(u, copied, |u| {
            self.flow.sample(address, u, log_q);
            Ok(())
        })
    }
    fn forward(&mut self, v: &View, u: &mut ViewMut, logdet: &mut [f64], copied: &mut u64) -> Result<()> {
        let mut read = 0;
        self.links.writing(u, copied, |u| {
            fill(v, u, &mut read)?;
            logdet.fill(0.0);
            self.flow.forward(u, logdet);
            Ok(())
        })?;
        *copied += read;
        Ok(())
    }
    fn inverse(&mut self, u: &View, v: &mut ViewMut, logdet: &mut [f64], copied: &mut u64) -> Result<()> {
        let mut read = 0;
        self.links.writing(v, copied, |v| {
            fill(u, v, &mut read)?;
            logdet.fill(0.0);
            self.flow.inverse(v, logdet).map_err(Error::from)
        })?;
        *copied += read;
        Ok(())
    }
    fn log_density(&mut self, u: &View, log_q: &mut [f64], copied: &mut u64) -> Result<()> {
        let v = self.links.filled(u, copied)?;
        Ok(self.flow.log_density(v, log_q)?)
    }
    fn pullback(&mut self, v: &View, f_u: &View, f_v: &mut ViewMut, copied: &mut u64) -> Result<()> {
        let v = self.links.filled(v, copied)?;
        let force = match self.force.take() {
            Some(force) => force,
            None => MomentumField::zeroed(&self.lattice)?,
        };
        let force = self.force.insert(force);
        *copied += read_algebra(f_u, 0, force)?;
        self.flow.pullback(v, force);
        *copied += write_algebra(force, f_v, 0)?;
        Ok(())
    }
}
