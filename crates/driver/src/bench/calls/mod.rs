//! What a call through a plugin's table costs beside the work that it does.
//!
//! A case is a function of an object. `ns_per_call` is all that it takes, `ns_of_work` the same work without a plugin, and
//! `ns` the rest. Work is, for functions without any, such as `stats`, an empty call; for those in C, which serve lattices
//! of one site, what a second site adds; for those in Rust the same functions of the crates on the same fields, with the
//! two readings of the clock that `stats` tells of.

mod in_c;
mod in_rust;

use super::Line;
use super::stage::Session;
use crate::error::DriverError;
use gaugelink_host::sdk::Lattice;
use gaugelink_host::{ConfigText, Exec, HostError, Plugin, Request, Search, Services};
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

/// Nanoseconds that a call may cost.
const LIMIT: f64 = 20.0;
/// What is told of a cost that is lost in the noise of two times.
const RESOLUTION: f64 = 0.1;
/// Calls of a batch, around which the clock is read.
const CALLS: usize = 1000;
const EXEC: Exec = Exec { threads: 1 };

type Done = Result<(), DriverError>;

/// Times the functions of every kind of object that the plugins beside the program have.
pub(super) fn run(session: &mut Session<'_>) -> Done {
    let mut bench = Bench { session, clock: 0.0, empty: 0.0 };
    bench.clock = bench.time("clock", || {
        black_box(Instant::now());
        Ok(())
    })?;
    bench.empty = bench.time("nothing", empty)?;
    bench.session.tell(Line::new("calls clock", "ns_per_call", bench.clock, "ns", 1))?;
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
    /// Nanoseconds to read the clock.
    clock: f64,
    /// Nanoseconds of a call that does nothing.
    empty: f64,
}

impl Bench<'_, '_> {
    /// Nanoseconds of a call: a batch of them is a run.
    fn time(
        &mut self,
        case: &str,
        mut call: impl FnMut() -> Result<(), HostError>,
    ) -> Result<f64, DriverError> {
        let mut batch = || {
            let clock = Instant::now();
            (0..CALLS).try_for_each(|_| call())?;
            Ok(clock.elapsed().as_secs_f64() / CALLS as f64)
        };
        Ok(1e9 * self.session.clock.time(&format!("calls {case}"), &mut batch)?.seconds)
    }
    /// A function of which `work` nanoseconds are the same work without a plugin.
    fn report(&mut self, case: &str, total: f64, work: f64) -> Done {
        let case = format!("calls {case}");
        self.session.tell(Line::new(&case, "ns_per_call", total, "ns", 1))?;
        self.session.tell(Line::new(&case, "ns_of_work", work, "ns", 1))?;
        let cost = (total - work).max(RESOLUTION);
        self.session.tell(Line::new(&case, "ns", cost, "ns", 1).against_time("call_limit", LIMIT))
    }
    /// A function without work.
    fn idle(&mut self, case: &str, call: impl FnMut() -> Result<(), HostError>) -> Done {
        let total = self.time(case, call)?;
        self.report(case, total, self.empty)
    }
}

/// An object of a component on a lattice.
fn request<'r>(component: &'r str, config: &'r str, lattice: &'r Lattice) -> Request<'r> {
    Request { component, lattice, config: ConfigText::Toml(config), base_dir: Path::new("") }
}
