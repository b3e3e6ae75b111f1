//! Speed of Wilson's hop and of a solver's iteration, beside the machine's limits measured in the same process.
//!
//! `cargo bench -p gaugelink-physics --bench dirac [-- threads [extent ...]]`

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions, Real, roofline};
use gaugelink_physics::dirac::{Boundary, HOP_FLOPS_SU3, Schur, SpinorField, Wilson};
use gaugelink_physics::solver::{ConjugateGradient, LinearOperator, SolveError, Stopping};
use std::time::Instant;

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let threads = numbers.first().copied().unwrap_or(1);
    let extents = if numbers.len() > 1 { &numbers[1..] } else { &[8, 12, 16] };
    let triad = roofline::triad(threads, 256, false).expect("memory");
    let streamed = roofline::triad(threads, 256, true).expect("memory");
    println!("{threads} threads; triad {triad:.1} GB/s, past the caches {streamed:.1} GB/s");
    for &extent in extents {
        measure::<f64>("f64", threads, extent, triad);
        measure::<f32>("f32", threads, extent, triad);
    }
}

fn measure<T: Real>(name: &str, threads: usize, extent: usize, triad: f64) {
    let lattice = Lattice::new(&[extent; 4], LatticeOptions { threads, ..LatticeOptions::default() })
        .expect("a lattice");
    let links = GaugeField::<T, 3>::random(&lattice, 0.3, Address::new(1, Purpose::Start)).expect("memory");
    let peak = roofline::fma_peak::<T>(&lattice);
    let d = Wilson::new(&links, 0.1, Boundary::antiperiodic()).expect("four dimensions");
    let mut psi = SpinorField::<T, 3>::zeroed(&lattice).expect("memory");
    psi.set_gaussian(Address::new(1, Purpose::Source));
    let mut out = d.vector().expect("memory");
    let work = (HOP_FLOPS_SU3 * lattice.volume()) as f64 * 1e-9;
    let hop = work / best(|| d.hop(&mut out, &psi));
    let full = work / best(|| d.apply(&mut out, &psi));
    println!(
        "{name} {extent:>3}⁴: hop {hop:6.1} GF/s = {:.2} of the FMA peak {peak:.0}, {:.2} GF/s per GB/s of triad; D {full:6.1}",
        hop / peak,
        hop / triad
    );
    let schur = Schur::odd(&d).expect("even extents");
    let mut cg = ConjugateGradient::new(&schur).expect("memory");
    let stop = Stopping { tolerance: 0.0, iterations: 50, patience: 50 };
    let mut x = schur.vector().expect("memory");
    if let Err(SolveError::IterationLimit { report, .. }) = cg.solve(&schur, &mut x, &psi, &stop) {
        let milliseconds = 1e3 * report.seconds / report.iterations as f64;
        let speed = 1e-9 * report.flops / report.seconds;
        println!("{name} {extent:>3}⁴: even-odd CG {milliseconds:8.3} ms an iteration, {speed:5.1} GF/s");
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
