//! Comparisons with expected values, printed as rows of a table.

use crate::chain::Run;
use gaugelink_lattice::group::group_name;
use gaugelink_sampler::statistics::{GammaEstimate, GammaMethod, Measured, Samples, Sufficiency};

/// One observable of a run, analysed by the Gamma method with the chains as replica.
pub struct Result {
    row: String,
    pub estimate: GammaEstimate,
}

impl Result {
    /// Observable `k` of the samples.
    pub fn new<const N: usize>(run: &Run, samples: &Samples, k: usize, name: &str) -> Self {
        let estimate = GammaMethod::default().observable(samples, k).unwrap();
        let extents = match run.extents.iter().all(|&e| e == run.extents[0]) {
            true => format!("{}^{}", run.extents[0], run.extents.len()),
            false => format!("{:?}", run.extents),
        };
        let Run { beta, algorithm, chains, count, .. } = run;
        let row =
            format!("{} | {algorithm} | {beta} | {extents} | {chains} × {count} | {name}", group_name(N));
        Self { row, estimate }
    }

    /// The value with its error.
    pub fn measured(&self) -> Measured {
        self.estimate.measured()
    }

    /// Prints the row and asserts agreement with `exact` within 3σ and `shift`, σ ≤ `precision`, chains long enough for
    /// their autocorrelation, and that they agree with each other (at the level of 1e-4).
    pub fn agrees(&self, exact: f64, digits: usize, shift: f64, precision: f64) {
        let (value, error) = (self.estimate.value, self.estimate.error);
        let tau = Measured { value: self.estimate.tau_int, error: self.estimate.tau_int_error };
        let sigmas = (value - exact) / error;
        let row = format!("| {} | {} | {exact:.digits$} | {sigmas:+.2} | {tau} |", self.row, self.measured());
        println!("{row}");
        assert_eq!(self.estimate.sufficiency, Sufficiency::Enough, "{row}");
        let replica = self.estimate.replica;
        assert!(replica.is_none_or(|r| r.q > 1e-4), "chains disagree, {replica:?}: {row}");
        assert!(error <= precision, "sigma above {precision}: {row}");
        assert!((value - exact).abs() <= 3.0 * error + shift, "off by more than 3 sigma + {shift}: {row}");
    }
}
