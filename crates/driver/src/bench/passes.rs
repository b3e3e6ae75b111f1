//! A flow's map, and the map with its way back, from the same links and slopes each time.

use crate::error::DriverError;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, MomentumField, Real};
use gaugelink_models::{Flow, ModelError};
use std::sync::Arc;

/// A flow, and what it starts from.
pub(super) struct Passes<T: Real, const N: usize> {
    flow: Flow<T, N>,
    start: GaugeField<T, N>,
    slopes: MomentumField<T, N>,
    u: GaugeField<T, N>,
    force: MomentumField<T, N>,
    log_det: Vec<f64>,
}

impl<T: Real, const N: usize> Passes<T, N> {
    /// Passes of a flow, from random links of a width.
    pub fn new(
        lattice: &Arc<Lattice>,
        width: f64,
        flow: Result<Flow<T, N>, ModelError>,
    ) -> Result<Self, DriverError> {
        let start = GaugeField::random(lattice, width, Address::new(1, Purpose::Start))?;
        let mut slopes = MomentumField::zeroed(lattice)?;
        slopes.refresh(Address::new(2, Purpose::Momenta));
        Ok(Self {
            flow: flow?,
            u: start.duplicate()?,
            start,
            slopes,
            force: MomentumField::zeroed(lattice)?,
            log_det: vec![0.0; lattice.chains()],
        })
    }

    /// Configurations that pass together.
    pub fn chains(&self) -> usize {
        self.log_det.len()
    }

    /// Sets links, and slopes where they are to be carried back, to those of the start: again and again, slopes would fade
    /// into numbers that take longer.
    pub fn restart(&mut self, back: bool) {
        self.u.copy_from(&self.start);
        if back {
            self.force.copy_from(&self.slopes);
        }
    }

    /// The map, or the map and the way back.
    pub fn pass(&mut self, back: bool) {
        if back {
            self.flow.pullback(&mut self.u, &mut self.force);
        } else {
            self.flow.forward(&mut self.u, &mut self.log_det);
        }
    }
}
