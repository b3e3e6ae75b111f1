//! Layers of flows: a stack that moves every link once.

use super::timing::{Stage, Work};
use super::{Line, Precision};
use crate::error::DriverError;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{DIM_MAX, GaugeField, LaneMeaning, Lattice, LatticeOptions, MomentumField, Real};
use gaugelink_models::Flow;
use gaugelink_models::layers::{Coefficients, Residual, Sharing, forward_flops};
use std::sync::Arc;
use std::time::Instant;

const RHO: f64 = 0.1;

/// Times the map and its way back, with lanes of sites and with a batch that fills them.
pub(super) fn run<T: Real>(
    stage: &Stage<'_>,
    precision: Precision,
    sink: &mut dyn FnMut(Line) -> Result<(), DriverError>,
) -> Result<(), DriverError> {
    let (geometry, threads) = (stage.lattice.geometry(), stage.lattice.pool().threads());
    let lanes = LaneMeaning::Batch { chains: T::LANES };
    let options = LatticeOptions { threads, lanes, ..LatticeOptions::default() };
    let batch = Lattice::new(&geometry.extents()[..geometry.dims()], options)?;
    let flops = (0..DIM_MAX).map(|mu| forward_flops::<3>(DIM_MAX, mu) as f64).sum();
    for (lattice, [forward, pullback]) in [
        (stage.lattice, ["layers forward, sites", "layers pullback, sites"]),
        (&batch, ["layers forward, batch", "layers pullback, batch"]),
    ] {
        let part = |name| Stage { name, lattice, limits: stage.limits, effort: stage.effort };
        let [there, back] = seconds::<T>(lattice, stage)?;
        part(forward).report(precision, there, Work { flops: Some(flops), bytes: None }, sink)?;
        part(pullback).report(precision, back, Work::default(), sink)?;
    }
    Ok(())
}

/// Of the map, and of the map and the way back, for each chain.
fn seconds<T: Real>(lattice: &Arc<Lattice>, stage: &Stage<'_>) -> Result<[f64; 2], DriverError> {
    let layers = Residual::<T, 3>::stack(lattice, Coefficients::Plain, Sharing::One, 2 * DIM_MAX)?;
    let mut flow = Flow::new(layers, vec![RHO; 2 * DIM_MAX])?;
    let start = GaugeField::<T, 3>::random(lattice, 0.3, Address::new(1, Purpose::Start))?;
    let mut u = start.duplicate()?;
    let (mut slopes, mut force) = (MomentumField::<T, 3>::zeroed(lattice)?, MomentumField::zeroed(lattice)?);
    slopes.refresh(Address::new(2, Purpose::Momenta));
    let mut log_det = vec![0.0; lattice.chains()];
    // From the same links and slopes each time: again and again, slopes would fade into numbers that take longer.
    let mut timed = |back: bool| {
        let run = || {
            u.copy_from(&start);
            force.copy_from(&slopes);
            let clock = Instant::now();
            if back {
                flow.pullback(&mut u, &mut force)
            } else {
                flow.forward(&mut u, &mut log_det)
            }
            Ok(clock.elapsed().as_secs_f64() / lattice.chains() as f64)
        };
        stage.effort.best_of(run, |seconds| Some(*seconds))
    };
    Ok([timed(false)?, timed(true)?])
}
