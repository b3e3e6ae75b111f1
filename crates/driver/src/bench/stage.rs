//! Where a case runs, and the numbers that come out of it.

use super::timing::{Clock, Run};
use super::{Limits, Line, Precision, peers};
use crate::error::DriverError;
use gaugelink_lattice::Lattice;
use std::sync::Arc;

/// Where a case runs.
pub(super) struct Stage<'a> {
    pub name: &'static str,
    pub lattice: &'a Arc<Lattice>,
}

/// What a case does in one run, where that is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Work {
    /// Floating-point operations a site.
    pub flops: Option<f64>,
    /// Bytes a site, each field read or written once.
    pub bytes: Option<f64>,
}

impl Stage<'_> {
    /// Extents as in `8x8x8x16`.
    pub fn volume(&self) -> String {
        let geometry = self.lattice.geometry();
        geometry.extents()[..geometry.dims()].iter().map(usize::to_string).collect::<Vec<_>>().join("x")
    }

    /// Name, extents and precision.
    pub fn case(&self, precision: Precision) -> String {
        format!("{} {} {}", self.name, self.volume(), precision.name())
    }

    /// A number of this case.
    pub fn line(&self, precision: Precision, metric: &'static str, value: f64, unit: &'static str) -> Line {
        Line::new(&self.case(precision), metric, value, unit, self.lattice.pool().threads())
    }
}

/// What all cases are timed with: the machine's limits, who repeats the runs, and where numbers go.
pub(super) struct Session<'s> {
    pub limits: &'s Limits,
    pub clock: &'s mut dyn Clock,
    pub sink: &'s mut dyn FnMut(Line) -> Result<(), DriverError>,
}

impl Session<'_> {
    /// Hands a number on.
    pub fn tell(&mut self, line: Line) -> Result<(), DriverError> {
        (self.sink)(line)
    }

    /// Times a case and tells all of its numbers.
    pub fn time(
        &mut self,
        stage: &Stage<'_>,
        precision: Precision,
        work: Work,
        run: &mut Run<'_>,
    ) -> Result<(), DriverError> {
        self.timed(stage, precision, work, run).map(drop)
    }

    /// The same, and the seconds of the best run.
    pub fn timed(
        &mut self,
        stage: &Stage<'_>,
        precision: Precision,
        work: Work,
        run: &mut Run<'_>,
    ) -> Result<f64, DriverError> {
        let timing = self.clock.time(&stage.case(precision), run)?;
        let (sites, triad, seconds) = (stage.lattice.volume() as f64, self.limits.triad, timing.seconds);
        let peer = peers::grid(stage.name, &stage.volume(), precision, stage.lattice.pool().threads());
        self.tell(stage.line(precision, "seconds", seconds, "s"))?;
        let mut time = stage.line(precision, "ns_per_site", 1e9 * seconds / sites, "ns");
        if let Some(peers::Grid::Time { nanoseconds, triad: grids }) = peer {
            time = time.against_time("grid_per_triad", nanoseconds / sites * grids / triad);
        }
        if let Some(peers::Grid::SiteTime { nanoseconds, triad: grids }) = peer {
            time = time.against_time("grid_per_triad", nanoseconds * grids / triad);
        }
        self.tell(time)?;
        let speed = work.flops.map(|flops| 1e-9 * flops * sites / seconds);
        let bandwidth = work.bytes.map(|bytes| 1e-9 * bytes * sites / seconds);
        let peak = speed.map(|_| self.limits.fma_peak(precision));
        if let Some((speed, peak)) = speed.zip(peak) {
            self.tell(stage.line(precision, "gflops", speed, "GF/s").against_rate("fma_peak", peak))?;
            let mut per_triad = stage.line(precision, "gflops_per_triad", speed / triad, "GF/s per GB/s");
            if let Some(peers::Grid::Speed { gflops, triad: grids }) = peer {
                per_triad = per_triad.against_rate("grid_per_triad", gflops / grids);
            }
            self.tell(per_triad)?;
        }
        if let Some(bandwidth) = bandwidth {
            self.tell(stage.line(precision, "gbytes", bandwidth, "GB/s").against_rate("triad", triad))?;
        }
        self.tell(stage.line(precision, "triad_gbytes", triad, "GB/s"))?;
        if let (Some((speed, peak)), Some(bandwidth)) = (speed.zip(peak), bandwidth) {
            let (of_peak, of_triad) = (speed / peak, bandwidth / triad);
            let (fraction, roof) =
                if of_peak >= of_triad { (of_peak, "of fma_peak") } else { (of_triad, "of triad") };
            self.tell(stage.line(precision, "roofline", fraction, roof))?;
        }
        if let Some(allocations) = timing.allocations {
            self.tell(stage.line(precision, "allocations", allocations as f64, "a run"))?;
        }
        Ok(seconds)
    }
}
