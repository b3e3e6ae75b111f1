//! Coupling layers of U(1) in two dimensions, as a training runs them.

use super::Precision;
use super::passes::Passes;
use super::stage::{Session, Stage, Work};
use crate::error::DriverError;
use gaugelink_lattice::{LaneMeaning, Lattice, LatticeOptions, Pool, Real};
use gaugelink_models::Flow;
use gaugelink_models::layers::{CouplingFlops, CouplingSettings, U1Coupling};
use std::sync::Mutex;
use std::time::Instant;

/// Configurations of a batch.
const BATCH: usize = 64;
/// Layers, which move every link once, and components of their mixtures.
const LAYERS: usize = 8;
const COMPONENTS: usize = 2;
/// Real numbers on a site: links, momenta, and those of a direction.
const LINKS: f64 = 4.0;
const MOMENTA: f64 = 2.0;

/// Times the map and its way back, for each configuration of a batch.
pub(super) fn run<T: Real>(
    stage: &Stage<'_>,
    precision: Precision,
    session: &mut Session<'_>,
) -> Result<(), DriverError> {
    let batch = Batch::<T>::new(stage.lattice)?;
    let CouplingFlops { forward, backward } = CouplingFlops::new(&CouplingSettings::mixture(COMPONENTS));
    // A layer reads all links and writes a fourth of a direction's; on the way back these are put back, links are read
    // once more, and momenta changed. What lies between is of the layer's own making.
    let there = LINKS + LINKS / 8.0;
    let cases = [
        ("coupling forward", false, forward, there),
        ("coupling pullback", true, forward + backward, there + LINKS / 8.0 + LINKS + 2.0 * MOMENTA),
    ];
    for (name, back, flops, reals) in cases {
        let stage = Stage { name, lattice: stage.lattice };
        let bytes = reals * (LAYERS * size_of::<T>()) as f64;
        let work = Work { flops: Some(LAYERS as f64 * flops), bytes: Some(bytes) };
        session.time(&stage, precision, work, &mut || Ok(batch.run(back)))?;
    }
    Ok(())
}

/// Configurations in groups that fill the lanes. Each thread takes groups one after the other through a flow of its own.
struct Batch<'l, T: Real> {
    pool: &'l Pool,
    /// What each thread works with.
    shares: Vec<Mutex<Passes<T, 1>>>,
}

impl<'l, T: Real> Batch<'l, T> {
    fn new(lattice: &'l Lattice) -> Result<Self, DriverError> {
        let geometry = lattice.geometry();
        let share = |_| share(&geometry.extents()[..geometry.dims()]).map(Mutex::new);
        let shares = (0..lattice.pool().threads()).map(share).collect::<Result<_, _>>()?;
        Ok(Self { pool: lattice.pool(), shares })
    }

    /// Seconds for each configuration.
    fn run(&self, back: bool) -> f64 {
        let clock = Instant::now();
        self.pool.run(0..BATCH / T::LANES, |thread, groups| {
            let mut share = self.shares[thread].lock().unwrap_or_else(|e| e.into_inner());
            groups.for_each(|_| {
                // As another group would bring its own.
                share.restart(back);
                share.pass(back);
            });
        });
        clock.elapsed().as_secs_f64() / BATCH as f64
    }
}

/// A flow on a batch that fills the lanes.
fn share<T: Real>(extents: &[usize]) -> Result<Passes<T, 1>, DriverError> {
    let lanes = LaneMeaning::Batch { chains: T::LANES };
    let lattice = &Lattice::new(extents, LatticeOptions { threads: 1, lanes, ..LatticeOptions::default() })?;
    let settings = CouplingSettings::mixture(COMPONENTS);
    let parameters = U1Coupling::<T>::initial_parameters(LAYERS, &settings, 1);
    Passes::new(lattice, 1.0, Flow::new(U1Coupling::stack(lattice, LAYERS, settings)?, parameters))
}
