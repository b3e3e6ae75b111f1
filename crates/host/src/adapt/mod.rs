//! Objects of plugins as what samplers and solvers take: [`FlowPlugin`] is a
//! [`Transformation`](gaugelink_sampler::transformation::Transformation), [`ForcePlugin`] a
//! [`Force`](gaugelink_physics::action::Force), [`PrecondPlugin`] a
//! [`Preconditioner`](gaugelink_physics::solver::Preconditioner), [`ProposalPlugin`] an update with its accept step.
//!
//! Links and spinors are lent where they stand. Algebra elements are coordinates here and matrices in `plugin.h`, so
//! they are converted; [`Use`] counts these bytes with those that the plugin copies.

mod flow;
mod force;
mod matrices;
mod precond;
mod proposal;
mod recipe;

pub use flow::FlowPlugin;
pub use force::ForcePlugin;
pub use matrices::Matrices;
pub use precond::PrecondPlugin;
pub use proposal::ProposalPlugin;
pub use recipe::Recipe;

use std::iter::Sum;
use std::time::Instant;

/// What an object was used for so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Use {
    /// Calls of the plugin.
    pub calls: u64,
    /// Seconds in them, conversions included.
    pub seconds: f64,
    /// Bytes of fields copied or converted, on either side.
    pub bytes_copied: u64,
}

impl Sum for Use {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, other| Self {
            calls: sum.calls + other.calls,
            seconds: sum.seconds + other.seconds,
            bytes_copied: sum.bytes_copied + other.bytes_copied,
        })
    }
}

impl Use {
    /// Counts one call that began at `start`.
    fn add(&mut self, start: Instant, bytes_copied: u64) {
        self.calls += 1;
        self.seconds += start.elapsed().as_secs_f64();
        self.bytes_copied += bytes_copied;
    }
}
