//! Times of the pure-gauge kernels, in nanoseconds a site: the best of several repetitions.
//!
//! `cargo bench -p gaugelink-physics --bench gauge [threads]`

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions, MomentumField};
use gaugelink_physics::action::{Action, WilsonAction};
use gaugelink_physics::observable;
use gaugelink_physics::update::{HeatBath, Overrelaxation};
use std::time::Instant;

const NAMES: [&str; 6] = ["kick", "plaquette", "clover energy", "drift", "heat bath", "overrelaxation"];

fn main() {
    let threads = std::env::args().filter_map(|a| a.parse().ok()).next().unwrap_or(0);
    println!("nanoseconds a site, SU(3) f64");
    println!("{:>6} {:>8} {}", "L", "threads", NAMES.map(|name| format!("{name:>15}")).join(" "));
    for extent in [8, 16] {
        let options = LatticeOptions { threads, ..LatticeOptions::default() };
        let lattice = Lattice::new(&[extent; 4], options).expect("a lattice");
        let address = Address::new(1, Purpose::Start);
        let mut u = GaugeField::<f64, 3>::random(&lattice, 0.3, address).expect("memory");
        let mut p = MomentumField::zeroed(&lattice).expect("memory");
        let action = WilsonAction::new(6.0);
        let site = 1e9 / lattice.volume() as f64;
        let heat_bath = HeatBath { beta: 6.0 };
        let times = [
            best(|| action.kick(&u, &mut p, 1e-3)),
            best(|| observable::plaquette(&u)),
            best(|| observable::clover_energy(&u)),
            best(|| u.drift(&p, 1e-3)),
            best(|| heat_bath.sweep(&mut u, address)),
            best(|| Overrelaxation.sweep(&mut u)),
        ];
        let threads = lattice.pool().threads();
        let columns = times.map(|t| format!("{:>15.0}", site * t)).join(" ");
        println!("{extent:>6} {threads:>8} {columns}");
    }
}

/// Seconds of the fastest of at least 5 calls and half a second.
fn best<R>(mut f: impl FnMut() -> R) -> f64 {
    let (start, mut best, mut calls) = (Instant::now(), f64::INFINITY, 0);
    while calls < 5 || start.elapsed().as_secs_f64() < 0.5 {
        let call = Instant::now();
        std::hint::black_box(f());
        best = best.min(call.elapsed().as_secs_f64());
        calls += 1;
    }
    best
}
