//! What a call through a plugin's table costs beside the work that it does.
//!
//! A case is a function of an object. `ns_per_call` is all that it takes, `ns_of_work` the plugin's own work, and `ns` the
//! rest. Work is
//!
//! - of functions without any, such as `stats`, an empty call;
//! - of those in C, which serve lattices of one site, what a second site adds;
//! - of those in Rust, the same functions of the crates on fields like those of the call, between the two readings of the
//!   clock that `stats` tells of. What they take here and in the plugin differs by a few per cent with the places of code
//!   and fields in memory, which of long functions is more than a call costs.
//!
//! All are timed in turns, a small batch of each, so that they meet the machine in the same states; of the fastest rounds
//! the median counts.

mod in_c;
mod in_rust;
mod turns;

use super::Line;
use super::stage::Session;
use crate::error::DriverError;
use gaugelink_host::sdk::Lattice;
use gaugelink_host::{ConfigText, Exec, HostError, Plugin, Request, Search, Services};
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;
use turns::{Batch, Turns, batch};

/// Nanoseconds that a call may cost.
const LIMIT: f64 = 20.0;
/// What is told of a cost that is lost in the noise of two times.
const RESOLUTION: f64 = 0.1;
const EXEC: Exec = Exec { threads: 1 };

type Done = Result<(), DriverError>;

/// Times the functions of every kind of object that the plugins beside the program have.
pub(super) fn run(session: &mut Session<'_>) -> Done {
    let mut bench = Bench { session };
    let clock = || {
        black_box(Instant::now());
        Ok(())
    };
    let clock = Turns::of(bench.session.clock, "calls clock", [&mut batch(clock)])?.median(|[clock]| clock);
    bench.session.tell(Line::new("calls clock", "ns_per_call", clock, "ns", 1))?;
    let services = Services::new(1);
    let open = |name: &str| Plugin::open(&Search::new(&[]).find(name)?);
    in_c::run(&mut bench, &open("minimal-c")?, &services)?;
    in_rust::flow(&mut bench, &open("flow")?, &services)?;
    in_rust::force(&mut bench, &open("force")?, &services)?;
    in_rust::precond(&mut bench, &open("precond")?, &services)
}

#[inline(never)]
fn empty() -> Result<(), HostError> {
    black_box(Ok(()))
}

struct Bench<'b, 's> {
    session: &'b mut Session<'s>,
}

impl Bench<'_, '_> {
    /// Times a call, the first of the functions, beside the others; of all their times `work` tells how much is work.
    fn beside<const N: usize>(
        &mut self,
        case: &str,
        functions: [&mut Batch<'_>; N],
        work: impl Fn([f64; N]) -> f64,
    ) -> Done {
        let case = format!("calls {case}");
        let turns = Turns::of(self.session.clock, &case, functions)?;
        let total = turns.median(|times| times[0]);
        // Noise may make less than nothing of a work that is itself a difference.
        let cost = turns.median(|times| times[0] - work(times).max(0.0)).max(RESOLUTION);
        let work = (total - cost).max(0.0);
        self.session.tell(Line::new(&case, "ns_per_call", total, "ns", 1))?;
        self.session.tell(Line::new(&case, "ns_of_work", work, "ns", 1))?;
        self.session.tell(Line::new(&case, "ns", cost, "ns", 1).against_time("call_limit", LIMIT))
    }
    /// A function without work.
    fn idle(&mut self, case: &str, call: impl FnMut() -> Result<(), HostError>) -> Done {
        self.beside(case, [&mut batch(call), &mut batch(empty)], |[_, empty]| empty)
    }
}

/// An object of a component on a lattice.
fn request<'r>(component: &'r str, config: &'r str, lattice: &'r Lattice) -> Request<'r> {
    Request { component, lattice, config: ConfigText::Toml(config), base_dir: Path::new("") }
}
