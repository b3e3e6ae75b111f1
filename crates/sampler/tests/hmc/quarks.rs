//! Hybrid Monte Carlo with one and two flavours of Wilson and clover quarks.

use crate::links::{Bits, address, batch, bits, lattice, rough};
use gaugelink_lattice::comm::run_ranks;
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions};
use gaugelink_physics::action::{
    Pseudofermions, RationalPseudofermions, SiteDeterminant, Solves, Term, TermError, WilsonAction,
};
use gaugelink_physics::dirac::{Boundary, Quark, QuarkMatrix, Schur, SpinorField};
use gaugelink_physics::observable::plaquette;
use gaugelink_physics::solver::{LinearOperator, SolveError, Stopping};
use gaugelink_sampler::hmc::{Hmc, Trajectory};
use gaugelink_sampler::integrator::Integrator;
use gaugelink_sampler::metropolis::accept;
use gaugelink_sampler::nested::{Level, NestedHmc};
use gaugelink_sampler::statistics::{GammaEstimate, GammaMethod, Samples};
use nalgebra::{Complex as Z, DMatrix};
use std::sync::Arc;

const TIGHT: Solves = Solves { force: at(1e-11), action: at(1e-12) };
const USUAL: Solves = Solves { force: at(1e-8), action: at(1e-10) };

const fn at(tolerance: f64) -> Stopping {
    Stopping { tolerance, iterations: 2000, patience: 500 }
}

fn quark(mass: f64, matrix: QuarkMatrix) -> Quark {
    Quark { mass, csw: 0.0, boundary: Boundary::antiperiodic(), matrix }
}

/// Gauge action and quarks on one level.
fn plain<'a, const N: usize>(
    u: &GaugeField<f64, N>,
    action: &'a WilsonAction,
    quark: Quark,
    solves: Solves,
    (steps, length): (usize, f64),
) -> NestedHmc<'a, N> {
    let quarks = Pseudofermions::<N>::two_flavours(u, quark, solves).unwrap();
    let terms: Vec<Box<dyn Term<N> + 'a>> = vec![Box::new(action), Box::new(quarks)];
    let level = Level { integrator: Integrator::Omelyan, steps, terms };
    NestedHmc::new(u.lattice(), length, vec![level]).unwrap()
}

/// The light quarks' ratio to heavier ones outermost, these, and the gauge action innermost.
fn hasenbusch<'a, const N: usize>(
    u: &GaugeField<f64, N>,
    action: &'a WilsonAction,
    quark: Quark,
    heavy: f64,
    solves: Solves,
    (steps, length): (usize, f64),
) -> NestedHmc<'a, N> {
    let ratio = Pseudofermions::<N>::ratio(u, quark, heavy, solves).unwrap();
    let heavy = Pseudofermions::<N>::two_flavours(u, quark.with_mass(heavy), solves).unwrap();
    let levels = vec![
        Level { integrator: Integrator::Leapfrog, steps, terms: vec![Box::new(ratio)] },
        Level { integrator: Integrator::Omelyan, steps: 1, terms: vec![Box::new(heavy)] },
        Level { integrator: Integrator::Leapfrog, steps: 2, terms: vec![Box::new(action)] },
    ];
    NestedHmc::new(u.lattice(), length, levels).unwrap()
}

#[test]
fn energy_violation_falls_as_the_square_of_the_step() {
    const CHAINS: usize = 4;
    fn check<const N: usize>(matrix: QuarkMatrix, nested: bool) {
        let lattice = lattice(&[4, 4, 2, 4], batch(CHAINS));
        let action = WilsonAction::new(2.0 * N as f64);
        let violation = |steps: usize| {
            let mut u = rough::<N>(&lattice, 0);
            let quark = quark(-0.2, matrix);
            let mut hmc = if nested {
                hasenbusch(&u, &action, quark, 0.3, TIGHT, (steps, 0.3))
            } else {
                plain(&u, &action, quark, TIGHT, (steps, 0.3))
            };
            let delta = hmc.update(&mut u, address(0)).unwrap().delta_h;
            (delta.iter().map(|d| d * d).sum::<f64>() / CHAINS as f64).sqrt()
        };
        let (coarse, fine) = (violation(6), violation(12));
        println!("N={N} {matrix:?} nested {nested}: {coarse:.3e}, {fine:.3e}, ratio {:.3}", coarse / fine);
        assert!((coarse / fine - 4.0).abs() < 0.25, "N={N} {matrix:?} nested {nested}: {coarse} {fine}");
    }
    check::<3>(QuarkMatrix::Full, false);
    check::<3>(QuarkMatrix::EvenOdd, true);
    check::<2>(QuarkMatrix::EvenOdd, false);
    check::<2>(QuarkMatrix::Full, true);
}

#[test]
fn trajectories_run_backwards_to_their_start() {
    let lattice = lattice(&[4; 4], LatticeOptions::default());
    let mut u = rough::<3>(&lattice, 0);
    let action = WilsonAction::new(5.6);
    for matrix in [QuarkMatrix::Full, QuarkMatrix::EvenOdd] {
        let quark = quark(-0.2, matrix);
        let plain = plain(&u, &action, quark, TIGHT, (5, 0.5));
        let nested = hasenbusch(&u, &action, quark, 0.3, TIGHT, (4, 0.5));
        for mut hmc in [plain, nested] {
            let (links, energy) = hmc.reversibility(&mut u, address(0)).unwrap();
            println!("{matrix:?}: links off by {links:.1e}, H by {energy:.1e}");
            assert!(links <= 1e-9 && energy <= 1e-8 && links > 0.0, "{matrix:?}: {links} {energy}");
        }
    }
}

#[test]
fn a_solve_that_fails_is_an_error_of_the_trajectory() {
    let lattice = lattice(&[4; 4], LatticeOptions::default());
    let mut u = rough::<3>(&lattice, 0);
    let before = bits(&u, 0);
    let action = WilsonAction::new(5.6);
    let solves = Solves { force: Stopping { iterations: 4, ..at(1e-8) }, action: at(1e-10) };
    let mut hmc = plain(&u, &action, quark(0.1, QuarkMatrix::EvenOdd), solves, (2, 0.5));
    let error = hmc.update(&mut u, address(0)).unwrap_err();
    assert!(
        matches!(&error, TermError::Solve { during: "force", source: SolveError::IterationLimit { .. }, .. }),
        "{error}"
    );
    assert!(bits(&u, 0) == before, "the links are put back");
    let reports: Vec<_> = hmc.reports().collect();
    assert_eq!((reports[1].kicks, reports[1].force_iterations), (0, 4));
}

/// What a chain did: ΔH's bits and decisions, then the bits of its links.
fn history(options: LatticeOptions) -> (Vec<(u64, bool)>, Bits) {
    let lattice = Lattice::new(&[4, 4, 2, 8], options).unwrap();
    let mut u = rough::<3>(&lattice, 0);
    let action = WilsonAction::new(5.4);
    let mut hmc = hasenbusch(&u, &action, quark(0.0, QuarkMatrix::EvenOdd), 0.4, USUAL, (2, 0.6));
    let decisions = (0..2).map(|number| {
        let outcome = hmc.update(&mut u, address(0).trajectory(number)).unwrap();
        (outcome.delta_h[0].to_bits(), outcome.accepted[0])
    });
    (decisions.collect(), bits(&u, 0))
}

#[test]
fn a_chain_has_the_same_bits_however_it_is_run() {
    let on_threads = |threads| LatticeOptions { threads, ..LatticeOptions::default() };
    let alone = history(on_threads(1));
    assert!(history(on_threads(2)) == alone, "2 threads");
    for grid in [[1, 1, 1, 2], [2, 1, 1, 2]] {
        let ranks = run_ranks(grid.iter().product(), |comm| {
            history(LatticeOptions { grid: grid.to_vec(), comm, ..on_threads(1) })
        });
        assert!(ranks.iter().all(|r| r.0 == alone.0), "ranks {grid:?}: decisions");
        let mut links: Vec<_> = ranks.into_iter().flat_map(|r| r.1).collect();
        links.sort();
        assert!(links == alone.1, "ranks {grid:?}: links");
    }
}

const CHAINS: usize = 8;

/// Plaquette and exp(−ΔH) of a batch of chains.
fn sampled<const N: usize>(
    lattice: &Arc<Lattice>,
    warm: u64,
    count: u64,
    mut update: impl FnMut(&mut GaugeField<f64, N>, Address) -> Vec<f64>,
) -> Samples {
    let mut u = rough::<N>(lattice, 0);
    let mut series = vec![[Vec::new(), Vec::new()]; CHAINS];
    for number in 0..warm + count {
        let delta_h = update(&mut u, address(0).trajectory(number));
        if number >= warm {
            for ((of_chain, plaquette), delta_h) in series.iter_mut().zip(plaquette(&u)).zip(delta_h) {
                of_chain[0].push(plaquette);
                of_chain[1].push((-delta_h).exp());
            }
        }
    }
    samples(&series)
}

fn samples<const M: usize>(series: &[[Vec<f64>; M]]) -> Samples {
    let columns = |chain: usize| series[chain].each_ref().map(|column| &column[..]);
    let mut samples = Samples::from_observables(&columns(0)).unwrap();
    (1..series.len()).for_each(|chain| samples.push_replica(&columns(chain)).unwrap());
    samples
}

fn plaquette_of(what: &str, samples: &Samples) -> GammaEstimate {
    let p = GammaMethod::default().observable(samples, 0).unwrap();
    println!("{what}: plaquette {}", p.measured());
    p
}

/// ⟨exp(−ΔH)⟩ = 1 (Creutz, Phys. Rev. D 38 (1988) 1228), within 3σ.
fn assert_creutz(what: &str, samples: &Samples) {
    let creutz = GammaMethod::default().observable(samples, 1).unwrap();
    println!("{what}: <exp(-dH)> {}", creutz.measured());
    assert!((creutz.value - 1.0).abs() < 3.0 * creutz.error && creutz.error < 0.03, "{what}");
}

fn assert_agree(what: &str, a: &GammaEstimate, b: &GammaEstimate) {
    let sigmas = (a.value - b.value) / a.error.hypot(b.error);
    println!("{what}: {sigmas:.2} sigma");
    assert!(sigmas.abs() < 3.0, "{what}: {} and {}", a.measured(), b.measured());
}

/// Light quarks on one level and by Hasenbusch's ratio on three, the full matrix and the even-odd one.
#[test]
fn set_ups_sample_the_same_plaquette() {
    let lattice = lattice(&[2; 4], batch(CHAINS));
    let action = WilsonAction::new(5.4);
    let start = rough::<3>(&lattice, 0);
    let mut hmc = plain(&start, &action, quark(-0.5, QuarkMatrix::Full), USUAL, (4, 1.0));
    let one = sampled(&lattice, 20, 250, |u, address| hmc.update(u, address).unwrap().delta_h);
    let quark = quark(-0.5, QuarkMatrix::EvenOdd);
    let mut hmc = hasenbusch(&start, &action, quark, 0.2, USUAL, (4, 1.0));
    let three = sampled(&lattice, 20, 250, |u, address| hmc.update(u, address).unwrap().delta_h);
    assert_creutz("one level", &one);
    assert_creutz("Hasenbusch", &three);
    let (one, three) = (plaquette_of("one level", &one), plaquette_of("Hasenbusch", &three));
    assert!(one.error < 0.004 && three.error < 0.004);
    assert_agree("one level and three", &one, &three);
}

/// Clover quarks on 2⁴: the whole matrix; the even-odd form with its sites' determinants; and two times one flavour by a
/// rational function, all of which have the same determinant.
#[test]
fn set_ups_with_the_clover_term_sample_the_same_plaquette() {
    let lattice = lattice(&[2; 4], batch(CHAINS));
    let action = WilsonAction::new(1.8);
    let start = rough::<2>(&lattice, 0);
    let clover = |matrix| Quark { csw: 1.5, ..quark(-0.3, matrix) };
    let mut hmc = plain(&start, &action, clover(QuarkMatrix::Full), USUAL, (4, 1.0));
    let whole = sampled(&lattice, 20, 250, |u, address| hmc.update(u, address).unwrap().delta_h);

    let quark = clover(QuarkMatrix::EvenOdd);
    let even_odd = |one_by_one: bool| {
        let mut terms: Vec<Box<dyn Term<2> + '_>> =
            vec![Box::new(&action), Box::new(SiteDeterminant::new(&start, quark, 2).unwrap())];
        if one_by_one {
            for _ in 0..2 {
                let flavour =
                    RationalPseudofermions::<2>::one_flavour(&start, quark, [0.02, 80.0], 1e-6, USUAL);
                let flavour = flavour.unwrap();
                terms.push(Box::new(flavour));
            }
        } else {
            terms.push(Box::new(Pseudofermions::<2>::two_flavours(&start, quark, USUAL).unwrap()));
        }
        let level = Level { integrator: Integrator::Omelyan, steps: 4, terms };
        NestedHmc::new(&lattice, 1.0, vec![level]).unwrap()
    };
    let (mut both, mut singly) = (even_odd(false), even_odd(true));
    let both = sampled(&lattice, 20, 250, |u, address| both.update(u, address).unwrap().delta_h);
    let singly = sampled(&lattice, 20, 250, |u, address| singly.update(u, address).unwrap().delta_h);
    for (what, samples) in [("whole", &whole), ("even-odd", &both), ("one by one", &singly)] {
        assert_creutz(what, samples);
    }
    let whole = plaquette_of("whole matrix", &whole);
    for (what, samples) in [("even-odd", &both), ("one by one", &singly)] {
        let other = plaquette_of(what, samples);
        assert!(whole.error < 0.004 && other.error < 0.004);
        assert_agree(what, &whole, &other);
    }
}

/// ln |det S|² of each chain, from the whole matrix.
fn ln_det<const N: usize>(u: &GaugeField<f64, N>, mass: f64) -> Vec<f64> {
    let lattice = u.lattice();
    let operator = quark(mass, QuarkMatrix::EvenOdd).operator::<f64, N, 2>(u).unwrap();
    let s = Schur::odd(&operator).unwrap();
    let geometry = lattice.geometry();
    let odd: Vec<_> = (0..lattice.volume())
        .map(|i| geometry.site(i))
        .filter(|x| x.iter().sum::<usize>() % 2 == 1)
        .collect();
    let size = odd.len() * 4 * N;
    let mut matrices = vec![DMatrix::zeros(size, size); lattice.chains()];
    let (mut source, mut column) = (SpinorField::zeroed(lattice).unwrap(), s.vector().unwrap());
    for j in 0..size {
        source.set_point_source(&odd[j / (4 * N)], j % (4 * N) / N, j % N);
        s.apply(&mut column, &source);
        for (chain, matrix) in matrices.iter_mut().enumerate() {
            for (i, site) in odd.iter().enumerate() {
                for (k, z) in column.spinor(site, chain).unwrap().components().iter().enumerate() {
                    matrix[(4 * N * i + k, j)] = Z::new(z.re, z.im);
                }
            }
        }
    }
    let of_matrix = |m: DMatrix<Z<f64>>| m.lu().u().diagonal().iter().map(|z| z.norm_sqr().ln()).sum();
    matrices.into_iter().map(of_matrix).collect()
}

/// Pseudofermions bring the determinant: chains without them, whose links are taken by ratios of whole matrices'
/// determinants, have the same plaquette. Trajectories of the gauge action are balanced, so that decisions by the rest
/// of the weight make them so for all of it.
#[test]
fn the_plaquette_is_that_of_whole_determinants() {
    const MASS: f64 = -0.3;
    let lattice = lattice(&[2; 4], batch(CHAINS));
    let action = WilsonAction::new(1.8);
    let start = rough::<2>(&lattice, 0);
    let mut hmc = hasenbusch(&start, &action, quark(MASS, QuarkMatrix::EvenOdd), 0.4, USUAL, (4, 1.0));
    let dynamical = sampled(&lattice, 20, 300, |u, address| hmc.update(u, address).unwrap().delta_h);
    assert_creutz("with pseudofermions", &dynamical);
    let dynamical = plaquette_of("with pseudofermions", &dynamical);

    let short = Trajectory { integrator: Integrator::Leapfrog, steps: 2, length: 0.35 };
    let mut hmc = Hmc::<2>::new(&lattice, short).unwrap();
    let (mut saved, mut ln) = (start.duplicate().unwrap(), ln_det(&start, MASS));
    let (mut taken, mut asked) = (0, 0);
    let decided = sampled(&lattice, 200, 2000, |u, address| {
        saved.copy_from(u);
        let delta_h = hmc.update(u, &action, address).delta_h;
        let new = ln_det(u, MASS);
        let change: Vec<f64> = ln.iter().zip(&new).map(|(ln, new)| ln - new).collect();
        let accepted = accept(&change, address.sample(1));
        let rejected: Vec<bool> = accepted.iter().map(|a| !a).collect();
        u.copy_chains_from(&saved, &rejected);
        (0..CHAINS).filter(|&chain| accepted[chain]).for_each(|chain| ln[chain] = new[chain]);
        (taken, asked) = (taken + accepted.iter().filter(|&&a| a).count(), asked + CHAINS);
        delta_h
    });
    println!("{taken} of {asked} taken");
    let decided = plaquette_of("with determinants", &decided);
    assert!(dynamical.error < 0.004 && decided.error < 0.004, "{}", decided.measured());
    assert_agree("pseudofermions and determinants", &dynamical, &decided);
    // Without either it is 0.492(2).
    assert!(decided.value > 0.57, "quarks change the plaquette: {}", decided.measured());
}
