//! Layers of flows: a stack that moves every link once.

use super::Precision;
use super::passes::Passes;
use super::stage::{Session, Stage, Work};
use crate::error::DriverError;
use gaugelink_lattice::{DIM_MAX, LaneMeaning, Lattice, LatticeOptions, Real};
use gaugelink_models::Flow;
use gaugelink_models::layers::{Coefficients, Residual, Sharing, backward_flops, forward_flops};
use std::sync::Arc;
use std::time::Instant;

const RHO: f64 = 0.1;

/// Sub-layers: two for each direction.
const SUBLAYERS: usize = 2 * DIM_MAX;
/// Real numbers on a site: links, momenta, and of the links those that a sub-layer moves; Θ are as many.
const LINKS: f64 = 72.0;
const MOMENTA: f64 = 32.0;
const MOVING: f64 = LINKS / SUBLAYERS as f64;

/// Times the map and its way back, with lanes of sites and with a batch that fills them.
pub(super) fn run<T: Real>(
    stage: &Stage<'_>,
    precision: Precision,
    session: &mut Session<'_>,
) -> Result<(), DriverError> {
    let (geometry, threads) = (stage.lattice.geometry(), stage.lattice.pool().threads());
    let lanes = LaneMeaning::Batch { chains: T::LANES };
    let options = LatticeOptions { threads, lanes, ..LatticeOptions::default() };
    let batch = Lattice::new(&geometry.extents()[..geometry.dims()], options)?;
    for (lattice, names) in [
        (stage.lattice, ["layers forward, sites", "layers pullback, sites"]),
        (&batch, ["layers forward, batch", "layers pullback, batch"]),
    ] {
        let [there, back] = names.map(|name| Stage { name, lattice });
        let mut stack = stack::<T>(lattice)?;
        session.time(&there, precision, work::<T>(false), &mut || timed(&mut stack, false))?;
        session.time(&back, precision, work::<T>(true), &mut || timed(&mut stack, true))?;
    }
    Ok(())
}

/// Of the map, or of the map and the way back. A direction's two sub-layers move a link each on half of the sites.
fn work<T: Real>(back: bool) -> Work {
    let flops = |mu: usize| {
        let there = forward_flops::<3>(DIM_MAX, mu);
        if back { there + backward_flops::<3>(DIM_MAX, mu) } else { there }
    };
    // A sub-layer reads all links and writes those that move; on the way back these are put back, links are read twice,
    // for those that move and for those that stay, each time with momenta changed, and Θ is written and read.
    let there = LINKS + MOVING;
    let reals = if back {
        there + MOVING + 2.0 * LINKS + 2.0 * MOMENTA * (1.0 + 1.0 / SUBLAYERS as f64) + 2.0 * MOVING
    } else {
        there
    };
    Work {
        flops: Some((0..DIM_MAX).map(flops).sum::<usize>() as f64),
        bytes: Some(reals * (SUBLAYERS * size_of::<T>()) as f64),
    }
}

fn stack<T: Real>(lattice: &Arc<Lattice>) -> Result<Passes<T, 3>, DriverError> {
    let layers = Residual::stack(lattice, Coefficients::Plain, Sharing::One, SUBLAYERS)?;
    Passes::new(lattice, 0.3, Flow::new(layers, vec![RHO; SUBLAYERS]))
}

/// Seconds for each chain, of the map or of the map and the way back.
fn timed<T: Real>(stack: &mut Passes<T, 3>, back: bool) -> Result<f64, DriverError> {
    stack.restart(back);
    let clock = Instant::now();
    stack.pass(back);
    Ok(clock.elapsed().as_secs_f64() / stack.chains() as f64)
}
