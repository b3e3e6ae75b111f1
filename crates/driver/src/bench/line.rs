//! One measured number.

use serde::Serialize;

/// One measured number and, where there is something to compare it with, its ratio to that.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Kernel, extents and precision, e.g. `dslash 8x8x8x8 f64`.
    pub case: String,
    /// What was measured: `seconds` of the best run, `ns_per_site`, `gflops`, `gbytes` (each field read or written
    /// once), `triad_gbytes`, `gflops_per_triad`, `roofline` (the fraction of the lesser of the rate of multiply-adds and what
    /// triad's bandwidth allows; the unit says which), `allocations` (requests for memory in a run, the fewest),
    /// `peak_mebibytes` (by which the process grew while it read a file), `ns_per_call`, `ns_of_work` and `ns` (of a call
    /// of a plugin: whole, its work, and the rest), `cpu_seconds` and `samples_per_second` (of trainings: seconds of all
    /// threads together).
    pub metric: &'static str,
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// Threads.
    pub threads: usize,
    /// What it is compared with, in the same unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// What that is: `fma_peak`, `triad` or `memcpy` of this process; `kernel`, as many bytes read or written without
    /// any work on them; `sitewise`, the same file site by site with a table for the CRC, as QIO does it;
    /// `field_plus_64`, the field and 64 MiB; `call_limit`, 20 ns; `grid_per_triad`: Grid's number scaled to this machine's triad;
    /// or `jax`, `torch`: on one core of another machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_name: Option<&'static str>,
    /// How they compare: larger is better, 1 is as good as the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
}

impl Line {
    /// A number by itself.
    pub(super) fn new(
        case: &str,
        metric: &'static str,
        value: f64,
        unit: &'static str,
        threads: usize,
    ) -> Self {
        let (limit, limit_name, ratio) = (None, None, None);
        Self { case: case.into(), metric, value, unit, threads, limit, limit_name, ratio }
    }

    /// Compared with a rate: more is better.
    pub(super) fn against_rate(mut self, name: &'static str, limit: f64) -> Self {
        self.ratio = Some(self.value / limit);
        (self.limit, self.limit_name) = (Some(limit), Some(name));
        self
    }

    /// Compared with a time: less is better.
    pub(super) fn against_time(mut self, name: &'static str, limit: f64) -> Self {
        self.ratio = Some(limit / self.value);
        (self.limit, self.limit_name) = (Some(limit), Some(name));
        self
    }
}
