//! What a call through a plugin's table costs beside the work that it does.
//!
//! A case is a function of an object. `ns_per_call` is all that it takes, `ns_of_work` the same work without a plugin, and
//! `ns` the rest. Work is, for functions without any, such as `stats`, an empty call; for those in C, which serve lattices
//! of one site, what a second site adds; for those in Rust the same functions of the crates on the same fields, between the
//! two readings of the clock that `stats` tells of.
//!
//! Call and work are timed in turns, a small batch of one and a small batch of the other, so that both meet the machine in
//! the same states; the fastest batches of either count.

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
use turns::Turns;

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
    let [clock, _] = Turns::of(bench.session.clock, "calls clock", clock, empty)?.best();
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
    /// Times a call beside another one; of both times `work` tells how much is work.
    fn beside(
        &mut self,
        case: &str,
        call: impl FnMut() -> Result<(), HostError>,
        other: impl FnMut() -> Result<(), HostError>,
        work: impl Fn([f64; 2]) -> f64,
    ) -> Done {
        let case = format!("calls {case}");
        let times = Turns::of(self.session.clock, &case, call, other)?.best();
        let (total, work) = (times[0], work(times).max(0.0));
        let cost = (total - work).max(RESOLUTION);
        self.session.tell(Line::new(&case, "ns_per_call", total, "ns", 1))?;
        self.session.tell(Line::new(&case, "ns_of_work", work, "ns", 1))?;
        self.session.tell(Line::new(&case, "ns", cost, "ns", 1).against_time("call_limit", LIMIT))
    }
    /// A function without work.
    fn idle(&mut self, case: &str, call: impl FnMut() -> Result<(), HostError>) -> Done {
        self.beside(case, call, empty, |[_, empty]| empty)
    }
}

/// An object of a component on a lattice.
fn request<'r>(component: &'r str, config: &'r str, lattice: &'r Lattice) -> Request<'r> {
    Request { component, lattice, config: ConfigText::Toml(config), base_dir: Path::new("") }
}
