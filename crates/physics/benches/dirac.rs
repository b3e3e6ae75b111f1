use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions, Real, roofline};
use gaugelink_physics::dirac::{Boundary, HOP_FLOPS_SU3, Schur, SpinorField, Wilson};
use gaugelink_physics::solver::LinearOperator;
use std::time::Instant;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let threads: usize = a[1].parse().unwrap();
    for v in &a[2..] {
        let e: Vec<usize> = v.split('x').map(|x| x.parse().unwrap()).collect();
        measure::<f64>("f64", threads, &e);
        measure::<f32>("f32", threads, &e);
    }
}
fn measure<T: Real>(name: &str, threads: usize, e: &[usize]) {
    let lattice = Lattice::new(e, LatticeOptions { threads, ..LatticeOptions::default() }).unwrap();
    let links = GaugeField::<T, 3>::random(&lattice, 0.3, Address::new(1, Purpose::Start)).unwrap();
    let peak = roofline::fma_peak::<T>(&lattice);
    let b = std::env::var("PERIODIC").map_or(Boundary::antiperiodic(), |_| Boundary::periodic());
    let d = Wilson::new(&links, 0.1, b).unwrap();
    let mut psi = SpinorField::<T, 3>::zeroed(&lattice).unwrap();
    psi.set_gaussian(Address::new(1, Purpose::Source));
    let mut out = d.vector().unwrap();
    let work = (HOP_FLOPS_SU3 * lattice.volume()) as f64 * 1e-9;
    let hop = work / best(|| d.hop(&mut out, &psi));
    let full = work / best(|| d.apply(&mut out, &psi));
    let s = Schur::odd(&d).unwrap();
    let schur = work / best(|| s.apply(&mut out, &psi));
    println!("{name} {e:?} {threads}: hop {hop:6.1} = {:.3} D {full:6.1} = {:.3} S {schur:6.1} = {:.3} peak {peak:.0}", hop/peak, full/peak, schur/peak);
}
fn best<R>(mut f: impl FnMut() -> R) -> f64 {
    let (start, mut best, mut calls) = (Instant::now(), f64::INFINITY, 0);
    while calls < 5 || start.elapsed().as_secs_f64() < 0.8 {
        let call = Instant::now();
        std::hint::black_box(f());
        best = best.min(call.elapsed().as_secs_f64());
        calls += 1;
    }
    best
}
