//! What the machine can do, in this process and on these threads.

use super::{Effort, Line, Precision, Request};
use crate::error::DriverError;
use gaugelink_lattice::{Lattice, roofline};
use std::sync::Arc;

/// Bandwidth of memory and rates of fused multiply-adds.
#[derive(Clone, Debug)]
pub struct Limits {
    lattice: Arc<Lattice>,
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
        Ok(Self { lattice: lattice.clone(), triad: triad(false)?, triad_streamed: triad(true)? })
    }

    /// Fused multiply-adds of all threads, GF/s. Measured anew each time, some milliseconds: the clock of a busy
    /// machine changes, and a kernel is to be compared with the clock that it had.
    pub fn fma_peak(&self, precision: Precision) -> f64 {
        match precision {
            Precision::F64 => roofline::fma_peak::<f64>(&self.lattice),
            Precision::F32 => roofline::fma_peak::<f32>(&self.lattice),
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
