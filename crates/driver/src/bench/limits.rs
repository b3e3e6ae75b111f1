//! What the machine can do, in this process and on these threads.

use super::{Effort, Line, Precision, Request};
use crate::error::DriverError;
use gaugelink_lattice::{Lattice, roofline};
use std::sync::Arc;
use std::time::Instant;

/// Bandwidth of memory and rates of fused multiply-adds.
#[derive(Clone, Debug)]
pub struct Limits {
    lattice: Arc<Lattice>,
    seconds: f64,
    /// STREAM's triad, GB/s of 24 bytes an element.
    pub triad: f64,
    /// Triad with stores past the caches, GB/s.
    pub triad_streamed: f64,
}

impl Limits {
    /// Measures the bandwidths on the threads of a lattice.
    ///
    /// # Errors
    /// No memory for triad's arrays.
    pub fn measure(lattice: &Arc<Lattice>, effort: &Effort) -> Result<Self, DriverError> {
        let threads = lattice.pool().threads();
        let triad = |streams| roofline::triad(threads, effort.triad_mebibytes, streams);
        let (lattice, seconds) = (lattice.clone(), effort.seconds);
        Ok(Self { lattice, seconds, triad: triad(false)?, triad_streamed: triad(true)? })
    }

    /// Fused multiply-adds of all threads, GF/s. Measured anew each time and for as long as a kernel: the clock of a
    /// machine changes, and a kernel is to be compared with the clock that it had.
    pub fn fma_peak(&self, precision: Precision) -> f64 {
        let (start, mut best) = (Instant::now(), 0.0f64);
        loop {
            best = best.max(match precision {
                Precision::F64 => roofline::fma_peak::<f64>(&self.lattice),
                Precision::F32 => roofline::fma_peak::<f32>(&self.lattice),
            });
            if start.elapsed().as_secs_f64() >= self.seconds {
                return best;
            }
        }
    }

    /// Reports them.
    pub(super) fn report(
        &self,
        request: &Request,
        sink: &mut dyn FnMut(Line) -> Result<(), DriverError>,
    ) -> Result<(), DriverError> {
        let threads = self.lattice.pool().threads();
        sink(Line::new("limits triad", "gbytes", self.triad, "GB/s", threads))?;
        sink(Line::new(
            "limits triad, stores past the caches",
            "gbytes",
            self.triad_streamed,
            "GB/s",
            threads,
        ))?;
        for precision in [Precision::F64, Precision::F32] {
            if request.has(precision) {
                let case = format!("limits multiply-adds {}", precision.name());
                sink(Line::new(&case, "gflops", self.fma_peak(precision), "GF/s", threads))?;
            }
        }
        Ok(())
    }
}
