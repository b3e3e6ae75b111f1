//! How a case is timed, and the numbers that come out of it.

use super::{Limits, Line, Precision, peers};
use crate::error::DriverError;
use gaugelink_lattice::Lattice;
use std::sync::Arc;
use std::time::Instant;

/// How long a case is repeated; the best run counts, as everything else on a machine only ever slows one down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Runs at least.
    pub runs: usize,
    /// Seconds at least.
    pub seconds: f64,
    /// Size of each of triad's arrays in MiB; STREAM asks for four times the last cache.
    pub triad_mebibytes: usize,
}

impl Effort {
    /// For numbers to be quoted.
    pub fn full() -> Self {
        Self { runs: 3, seconds: 0.5, triad_mebibytes: 256 }
    }

    /// One run of everything, for tests.
    pub fn once() -> Self {
        Self { runs: 1, seconds: 0.0, triad_mebibytes: 1 }
    }

    /// Seconds of the best run.
    pub(super) fn best<R>(&self, mut run: impl FnMut() -> R) -> f64 {
        let once = || Ok(std::hint::black_box(run()));
        self.best_of(once, |_: &R| None::<f64>).unwrap_or(f64::INFINITY)
    }

    /// The best run of something that can fail; `seconds` may tell a better time than the clock around the run.
    pub(super) fn best_of<R>(
        &self,
        mut run: impl FnMut() -> Result<R, DriverError>,
        seconds: impl Fn(&R) -> Option<f64>,
    ) -> Result<f64, DriverError> {
        let (start, mut best, mut runs) = (Instant::now(), f64::INFINITY, 0);
        while runs < self.runs || start.elapsed().as_secs_f64() < self.seconds {
            let clock = Instant::now();
            let result = run()?;
            let around = clock.elapsed().as_secs_f64();
            best = best.min(seconds(&result).unwrap_or(around));
            runs += 1;
        }
        Ok(best)
    }
}

/// Where a case runs.
pub(super) struct Stage<'a> {
    pub name: &'static str,
    pub lattice: &'a Arc<Lattice>,
    pub limits: &'a Limits,
    pub effort: Effort,
}

/// What a case does in one run, where that is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Work {
    /// Floating-point operations a site, as all codes count them.
    pub flops: Option<f64>,
    /// Bytes a site, each field read or written once.
    pub bytes: Option<f64>,
}

type Sink<'a> = &'a mut dyn FnMut(Line) -> Result<(), DriverError>;

impl Stage<'_> {
    /// Extents as in `8x8x8x16`.
    pub fn volume(&self) -> String {
        let geometry = self.lattice.geometry();
        geometry.extents()[..geometry.dims()].iter().map(usize::to_string).collect::<Vec<_>>().join("x")
    }

    /// A number of this case.
    pub fn line(&self, precision: Precision, metric: &'static str, value: f64, unit: &'static str) -> Line {
        let case = format!("{} {} {}", self.name, self.volume(), precision.name());
        Line::new(&case, metric, value, unit, self.lattice.pool().threads())
    }

    /// Reports a run of `seconds` seconds.
    pub fn report(
        &self,
        precision: Precision,
        seconds: f64,
        work: Work,
        sink: Sink<'_>,
    ) -> Result<(), DriverError> {
        let (sites, triad) = (self.lattice.volume() as f64, self.limits.triad);
        let peer = peers::grid(self.name, &self.volume(), precision, self.lattice.pool().threads());
        sink(self.line(precision, "seconds", seconds, "s"))?;
        let mut time = self.line(precision, "ns_per_site", 1e9 * seconds / sites, "ns");
        if let Some(peers::Grid::Time { nanoseconds, triad: grids }) = peer {
            time = time.against_time("grid_per_triad", nanoseconds / sites * grids / triad);
        }
        if let Some(peers::Grid::SiteTime { nanoseconds, triad: grids }) = peer {
            time = time.against_time("grid_per_triad", nanoseconds * grids / triad);
        }
        sink(time)?;
        if let Some(flops) = work.flops {
            let speed = 1e-9 * flops * sites / seconds;
            let peak = self.limits.fma_peak(precision);
            sink(self.line(precision, "gflops", speed, "GF/s").against_rate("fma_peak", peak))?;
            let mut per_triad = self.line(precision, "gflops_per_triad", speed / triad, "GF/s per GB/s");
            if let Some(peers::Grid::Speed { gflops, triad: grids }) = peer {
                per_triad = per_triad.against_rate("grid_per_triad", gflops / grids);
            }
            sink(per_triad)?;
        }
        if let Some(bytes) = work.bytes {
            let bandwidth = 1e-9 * bytes * sites / seconds;
            sink(self.line(precision, "gbytes", bandwidth, "GB/s").against_rate("triad", triad))?;
        }
        Ok(())
    }
}
