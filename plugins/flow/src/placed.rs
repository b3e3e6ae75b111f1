//! A flow on one lattice, between the views of a call.

use gaugelink_lattice::foreign::{Recognised, Scratch, fill, read_algebra, write_algebra};
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{GaugeField, Lattice, MomentumField, Real};
use gaugelink_models::Flow;
use gaugelink_plugin_sdk::{Call, Result, View, ViewMut};
use std::sync::Arc;

/// What the functions of a [`Placed`] are called with: the call, which hears of every layer, and the bytes copied.
pub struct Pass<'a> {
    pub call: &'a Call<'a>,
    pub copied: &'a mut u64,
}

/// The functions of `glk.flow/1` for as many fields as the lattice has chains.
pub trait Placed {
    fn sample(&mut self, address: Address, u: &mut ViewMut, log_q: &mut [f64], pass: Pass) -> Result<()>;
    fn forward(&mut self, v: &View, u: &mut ViewMut, logdet: &mut [f64], pass: Pass) -> Result<()>;
    fn inverse(&mut self, u: &View, v: &mut ViewMut, logdet: &mut [f64], pass: Pass) -> Result<()>;
    fn log_density(&mut self, u: &View, log_q: &mut [f64], pass: Pass) -> Result<()>;
    fn pullback(&mut self, v: &View, f_u: &View, f_v: &mut ViewMut, pass: Pass) -> Result<()>;
}

/// A flow with its workspaces.
pub struct OnLattice<T: Real, const N: usize> {
    flow: Flow<T, N>,
    links: Scratch<GaugeField<T, N>>,
    /// Layouts of inputs that are copied into outputs.
    inputs: Recognised,
    /// Made by the first pullback.
    force: Option<MomentumField<T, N>>,
    lattice: Arc<Lattice>,
}

impl<T: Real, const N: usize> OnLattice<T, N> {
    pub fn new(lattice: &Arc<Lattice>, flow: Flow<T, N>) -> Self {
        Self {
            flow,
            links: Scratch::new(lattice),
            inputs: Recognised::default(),
            force: None,
            lattice: lattice.clone(),
        }
    }
}

impl<T: Real, const N: usize> Placed for OnLattice<T, N> {
    fn sample(&mut self, address: Address, u: &mut ViewMut, log_q: &mut [f64], pass: Pass) -> Result<()> {
        let between = between(pass.call);
        self.links.writing(u, pass.copied, |u| self.flow.sample_with(address, u, log_q, between))
    }
    fn forward(&mut self, v: &View, u: &mut ViewMut, logdet: &mut [f64], pass: Pass) -> Result<()> {
        let mut read = 0;
        self.links.writing(u, pass.copied, |u| {
            fill(v, u, &mut self.inputs, &mut read)?;
            logdet.fill(0.0);
            self.flow.forward_with(u, logdet, between(pass.call))
        })?;
        *pass.copied += read;
        Ok(())
    }
    fn inverse(&mut self, u: &View, v: &mut ViewMut, logdet: &mut [f64], pass: Pass) -> Result<()> {
        let mut read = 0;
        self.links.writing(v, pass.copied, |v| {
            fill(u, v, &mut self.inputs, &mut read)?;
            logdet.fill(0.0);
            self.flow.inverse_with(v, logdet, between(pass.call))
        })?;
        *pass.copied += read;
        Ok(())
    }
    fn log_density(&mut self, u: &View, log_q: &mut [f64], pass: Pass) -> Result<()> {
        let v = self.links.filled(u, pass.copied)?;
        log_q.fill(0.0);
        self.flow.inverse_with(v, log_q, between(pass.call))
    }
    fn pullback(&mut self, v: &View, f_u: &View, f_v: &mut ViewMut, pass: Pass) -> Result<()> {
        let v = self.links.filled(v, pass.copied)?;
        let force = match self.force.take() {
            Some(force) => force,
            None => MomentumField::zeroed(&self.lattice)?,
        };
        let force = self.force.insert(force);
        *pass.copied += read_algebra(f_u, 0, force)?;
        self.flow.pullback_with(v, force, between(pass.call))?;
        *pass.copied += write_algebra(force, f_v, 0)?;
        Ok(())
    }
}

/// Tells the host of every layer that is done, which may end the call.
fn between(call: &Call) -> impl FnMut(usize, usize) -> Result<()> {
    move |done, all| call.progress("layers", done as u64, all as u64)
}
