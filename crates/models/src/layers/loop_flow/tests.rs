//! Loop flows against analysis, differences, and the case list.

use super::*;
use crate::Flow;
use crate::cases::links::rough;
use crate::cases::{Lattices, check_approximate, log_det_errors};
use gaugelink_lattice::LatticeOptions;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_physics::action::WilsonAction;

/// Coefficients that differ for every loop and knot, the first ones about as large as those of the expansion at beta = 3.
fn parameters(loops: usize, knots: usize) -> Vec<f64> {
    (0..loops * knots)
        .map(|p| {
            let size = match p % loops {
                0 => 0.15,
                1..5 => 0.01,
                // Third harmonics: larger ones are beyond the differences of the case list.
                _ => 0.0002,
            };
            size * (0.5 + (1.9 * p as f64).sin())
        })
        .collect()
}

fn place<T: Real, const N: usize>(
    lattice: &Arc<Lattice>,
    loops: Loops,
    knots: usize,
    steps: usize,
) -> Result<Flow<T, N>, ModelError> {
    let layer = LoopFlow::new(lattice, loops, knots, steps)?;
    Flow::new(vec![Box::new(layer)], parameters(loops.count(N), knots))
}

fn next<T: Real, const N: usize>(lattice: &Arc<Lattice>) -> Result<Flow<T, N>, ModelError> {
    place(lattice, Loops::Next, 2, 3)
}

fn second<T: Real, const N: usize>(lattice: &Arc<Lattice>) -> Result<Flow<T, N>, ModelError> {
    place(lattice, Loops::Second, 3, 4)
}

#[test]
fn passes_the_case_list() {
    let at = Lattices { small: &[3, 3], large: &[8, 4], grids: &[&[2, 1], &[1, 2], &[2, 2]] };
    check_approximate(&at, next::<f64, 1>, next::<f32, 1>);
    check_approximate(&at, next::<f64, 2>, next::<f32, 2>);
    check_approximate(&at, next::<f64, 3>, next::<f32, 3>);
    let at = Lattices { small: &[4, 5], ..at };
    check_approximate(&at, second::<f64, 1>, second::<f32, 1>);
    check_approximate(&at, second::<f64, 2>, second::<f32, 2>);
    check_approximate(&at, second::<f64, 3>, second::<f32, 3>);
}

/// The integral of the divergence misses the log det of the map by h³: half the steps, eight times the error.
#[test]
fn the_log_det_converges_with_the_integrators_order() {
    fn check<const N: usize>(extents: &[usize], loops: Loops) {
        let lattice =
            Lattice::new(extents, LatticeOptions { threads: 1, ..LatticeOptions::default() }).unwrap();
        let errors = [4, 8].map(|steps| {
            log_det_errors(&lattice, &mut place::<f64, N>(&lattice, loops, 2, steps).unwrap(), false)
        });
        let [(coarse, size), (fine, _)] = errors;
        println!("N={N} {loops:?}: errors {coarse:e}, {fine:e} of {size}");
        let ratio = coarse / fine;
        assert!(fine.abs() < 1e-3 * size && (6.5..9.5).contains(&ratio), "N={N}: {coarse:e} {fine:e}");
    }
    check::<1>(&[3, 3], Loops::Next);
    check::<2>(&[3, 3], Loops::Next);
    check::<3>(&[3, 3], Loops::Next);
    check::<2>(&[4, 4], Loops::Second);
}

/// Δ W_i as a sum of loops against second differences Σ_a ∂^a ∂^a along every link.
#[test]
fn laplacians_are_those_of_differences() {
    fn check<const N: usize>(order: usize) {
        let lattice = Lattice::new(&[order + 2, order + 3], LatticeOptions::default()).unwrap();
        let mut loops = LoopField::<f64, N>::new(&lattice, order).unwrap();
        let count = loops.set().count();
        let still = MomentumField::zeroed(&lattice).unwrap();
        let u = rough::<f64, N>(&lattice, 0);
        let mut values = |u: &GaugeField<f64, N>| -> Vec<f64> {
            loops.values_along(u, &still).chunks_exact(2).map(|pair| pair[0]).collect()
        };
        let middle = values(&u);
        let mut laplacian = vec![0.0; count];
        let h = 2e-3;
        let mut moved = u.duplicate().unwrap();
        let mut direction = MomentumField::<f64, N>::zeroed(&lattice).unwrap();
        crate::cases::fields::for_sites::<f64>(&lattice, 0, |_, block, lane| {
            for c in 0..direction.reals() {
                direction.fill(0.0);
                u.layout().copies(lane).for_each(|l| direction.set(block, c, l, 1.0));
                for (step, weight) in [(1.0, 16.0), (-1.0, 16.0), (2.0, -1.0), (-2.0, -1.0)] {
                    moved.copy_from(&u);
                    moved.drift(&direction, step * h);
                    let at = values(&moved);
                    (0..count).for_each(|i| laplacian[i] += weight * (at[i] - middle[i]) / (12.0 * h * h));
                }
            }
        });
        let set = LoopSet::new(N, order);
        for i in 0..count {
            let mut one = vec![0.0; count];
            one[i] = 1.0;
            let (by, constant) = set.laplacian(&one);
            let expected: f64 =
                by.iter().zip(&middle).map(|(c, w)| c * w).sum::<f64>() + constant * lattice.volume() as f64;
            let off = (laplacian[i] - expected).abs();
            assert!(off < 1e-6 * expected.abs().max(10.0), "N={N} loop {i}: {} {expected}", laplacian[i]);
        }
    }
    check::<1>(2);
    check::<2>(2);
    check::<3>(1);
    check::<3>(2);
}

/// −4 C_F for the plaquette, −6 C_F for the rectangle; −1 a link for U(1).
#[test]
fn simple_loops_are_eigenfunctions() {
    for n in [1, 2, 3] {
        let set = LoopSet::new(n, 1);
        let casimir = if n == 1 { 1.0 } else { (n * n - 1) as f64 / (2 * n) as f64 };
        let rectangle = (0..set.count()).find(|&i| {
            set.images(i)[0].paths().len() == 1 && set.images(i)[0].paths()[0].passages().len() == 6
        });
        // For U(1) traces are not joined, and the rectangle is no loop of the set.
        for (i, links) in [(Some(0), 4.0), (rectangle, 6.0)] {
            let Some(i) = i else { continue };
            let mut one = vec![0.0; set.count()];
            one[i] = 1.0;
            let (by, constant) = set.laplacian(&one);
            assert_eq!(constant, 0.0);
            for (j, by) in by.into_iter().enumerate() {
                let expected = if j == i { -links * casimir } else { 0.0 };
                assert!((by - expected).abs() < 1e-14, "N={n} {i} {j}: {by}");
            }
        }
        assert_eq!(rectangle.is_some(), n > 1);
    }
}

/// Lüscher's coefficients for SU(3): −β/32 on loops of both orientations, and at the next order those of his table.
#[test]
fn the_expansion_has_the_published_coefficients() {
    let beta = 4.8;
    let powers = LoopSet::new(3, 1).expansion(beta);
    // W = Σ Re is half of the sum over orientations.
    assert!((powers[0][0] / (2.0 * -beta / 32.0) - 1.0).abs() < 1e-14);
    assert!(powers[0][1..].iter().all(|c| c.abs() < 1e-15));
    let scale = beta * beta / 192.0;
    let mut found: Vec<f64> = powers[1][1..].iter().map(|c| c / scale).collect();
    let mut table = vec![
        -8.0 / 33.0,
        24.0 / 119.0,
        2.0 / 33.0,
        -10.0 / 119.0,
        3.0 / 5.0,
        -2.0 / 5.0,
        // |tr P|² is its own conjugate.
        1.0 / 9.0,
    ];
    found.sort_by(f64::total_cmp);
    table.sort_by(f64::total_cmp);
    for (found, published) in found.iter().zip(&table) {
        assert!((found - published).abs() < 1e-13, "{found} {published}");
    }
    assert!(powers[1][0].abs() < 1e-15);
}

/// What is left of Lüscher's equation, −Δ S̃_t + t ∂S·∂S̃_t − S up to its mean, falls with β as its first missing order.
#[test]
fn the_expansion_solves_luschers_equation_to_its_order() {
    fn check<const N: usize>() {
        let lattice = Lattice::new(&[6, 6], LatticeOptions::default()).unwrap();
        for order in 0..3 {
            let mut loops = LoopField::<f64, N>::new(&lattice, order).unwrap();
            let mut force = MomentumField::<f64, N>::zeroed(&lattice).unwrap();
            let mut variance = |beta: f64| {
                let powers = loops.set().expansion(beta);
                let t = 0.7f64;
                let c: Vec<f64> = (0..loops.set().count())
                    .map(|i| (0..powers.len()).map(|k| t.powi(k as i32) * powers[k][i]).sum())
                    .collect();
                let (by, _) = loops.set().laplacian(&c);
                let mut residuals = Vec::new();
                for sample in 0..8 {
                    let u = rough::<f64, N>(&lattice, sample);
                    let action = WilsonAction::new(beta);
                    action.accumulate(&u, &mut force, 1.0, 0.0);
                    let sums = loops.values_along(&u, &force);
                    let residual: f64 =
                        (0..c.len()).map(|i| -by[i] * sums[2 * i] + t * c[i] * sums[2 * i + 1]).sum();
                    residuals.push(residual - action.values(&u)[0]);
                }
                let mean = residuals.iter().sum::<f64>() / residuals.len() as f64;
                residuals.iter().map(|r| (r - mean).powi(2)).sum::<f64>().sqrt()
            };
            let ratio = variance(0.2) / variance(0.1);
            let expected = 2f64.powi(order as i32 + 2);
            println!("N={N} order {order}: {ratio} for {expected}");
            assert!((ratio / expected - 1.0).abs() < 0.02, "N={N} order {order}: {ratio}");
        }
    }
    check::<1>();
    check::<2>();
    check::<3>();
}

/// Haar-distributed links through the leading and the next order at a small coupling: weights spread the less the more
/// orders there are.
#[test]
fn more_orders_make_weights_spread_less() {
    let lattice = Lattice::new(&[8, 8], LatticeOptions::default()).unwrap();
    let beta = 2.0;
    let spread = [Loops::Leading, Loops::Next, Loops::Second].map(|loops| {
        let layer = LoopFlow::<f64, 3>::new(&lattice, loops, 5, 16).unwrap();
        let mut flow =
            Flow::new(vec![Box::new(layer)], LoopFlow::<f64, 3>::expanded(loops, 5, beta)).unwrap();
        let mut u = GaugeField::cold(&lattice).unwrap();
        let losses: Vec<f64> = (0..64)
            .map(|sample| {
                let mut log_q = [0.0];
                flow.sample(Address::new(3, Purpose::Training).sample(sample), &mut u, &mut log_q);
                log_q[0] + WilsonAction::new(beta).values(&u)[0]
            })
            .collect();
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        (losses.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / losses.len() as f64).sqrt()
    });
    println!("spread of log weights: {spread:?}");
    assert!(spread[1] < 0.5 * spread[0] && spread[2] < 0.5 * spread[1], "{spread:?}");
}

#[test]
fn what_cannot_flow_is_refused() {
    let on = |extents: &[usize], knots, steps| {
        let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
        LoopFlow::<f64, 2>::new(&lattice, Loops::Second, knots, steps).err().map(|e| e.to_string())
    };
    assert_eq!(on(&[4, 4], 1, 1), None);
    for (refused, word) in [
        (on(&[4, 3], 1, 1), "4 sites or more"),
        (on(&[4, 4, 4], 1, 1), "two dimensions"),
        (on(&[4, 4], 0, 1), "0 knots"),
        (on(&[4, 4], 1, STEPS_MAX + 1), "steps: give 1 to"),
    ] {
        assert!(refused.as_ref().is_some_and(|text| text.contains(word)), "{refused:?} {word}");
    }
    let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).unwrap();
    let layer = LoopFlow::<f64, 2>::new(&lattice, Loops::Leading, 2, 1).unwrap();
    assert!(layer.check(&[0.0, f64::NAN]).is_err());
}
