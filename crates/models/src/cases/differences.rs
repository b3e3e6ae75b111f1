//! Jacobians and gradients against differences of fourth order, in f64.

use super::Place;
use super::fields::{Cased, copy, for_sites, numbers};
use crate::FlowOf;
use gaugelink_lattice::rng::{Address, Purpose, fill_gaussian};
use gaugelink_lattice::{LaneMeaning, Lattice, LatticeOptions};
use std::sync::Arc;

/// So short that hardly an angle comes to the knot of a spline, where second derivatives jump.
const STEP: f64 = 4e-4;
/// Of parameters, some of which act within a range far below 1.
const PARAMETER_STEP: f64 = 1e-4;
/// So many parameters, evenly spread, are moved one by one; all are moved together.
const PARAMETERS_ALONE: usize = 150;
/// Of densities, which come out of inverses and are rounded more.
const DENSITY_STEP: f64 = 3e-4;

/// f′(0) to fourth order.
fn derivative(h: f64, mut f: impl FnMut(f64) -> f64) -> f64 {
    (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h)
}

/// The log det of f and of f⁻¹ against the whole matrix ∂(variable)/∂(variable).
pub fn jacobian<M: Cased>(extents: &[usize], place: Place<f64, M>) {
    let lattice = Lattice::new(extents, LatticeOptions { threads: 1, ..LatticeOptions::default() }).unwrap();
    let mut flow = place(&lattice).unwrap();
    for inverse in [false, true] {
        let (error, size) = log_det_errors(&lattice, &mut flow, inverse);
        assert!(
            error.abs() < 1e-8 * size.max(1.0),
            "{extents:?} inverse {inverse}: log det of size {size} off by {error:e}"
        );
    }
}

/// By how much the log det of f, or of f⁻¹, misses that of the matrix ∂(variable)/∂(variable), and the size of that.
pub fn log_det_errors<M: Cased>(
    lattice: &Arc<Lattice>,
    flow: &mut FlowOf<f64, M>,
    inverse: bool,
) -> (f64, f64) {
    let v = M::rough::<f64>(lattice, 0);
    let mut log_det = [0.0];
    let mut map = |u: &mut M::Field<f64>| {
        log_det = [0.0];
        if inverse { flow.inverse(u, &mut log_det).unwrap() } else { flow.forward(u, &mut log_det) }
    };
    let mut columns = Vec::new();
    let mut u = copy::<M, f64>(&v);
    map(&mut u);
    let image = copy::<M, f64>(&u);
    let mut direction = M::momenta::<f64>(lattice).unwrap();
    for_sites::<f64>(lattice, 0, |_, block, lane| {
        for component in 0..direction.reals() {
            direction.fill(0.0);
            v.layout().copies(lane).for_each(|l| direction.set(block, component, l, 1.0));
            let mut column: Vec<f64> = Vec::new();
            for (factor, weight) in [(1.0, 8.0), (-1.0, -8.0), (2.0, -1.0), (-2.0, 1.0)] {
                u.copy_from(&v);
                M::drift::<f64>(&mut u, &direction, factor * STEP);
                map(&mut u);
                let shift = M::shift(&u, &image);
                column.resize(shift.len(), 0.0);
                column.iter_mut().zip(shift).for_each(|(c, s)| *c += weight / (12.0 * STEP) * s);
            }
            columns.push(column);
        }
    });
    u.copy_from(&v);
    map(&mut u);
    let expected = log_determinant(columns);
    (log_det[0] - expected, expected.abs())
}

/// log|det| by elimination with pivots.
fn log_determinant(mut m: Vec<Vec<f64>>) -> f64 {
    let mut sum = 0.0;
    for k in 0..m.len() {
        let pivot = (k..m.len()).max_by(|&i, &j| m[i][k].abs().total_cmp(&m[j][k].abs())).unwrap();
        m.swap(k, pivot);
        let (done, rest) = m.split_at_mut(k + 1);
        let top = &done[k];
        sum += top[k].abs().ln();
        for row in rest {
            let factor = row[k] / top[k];
            for j in k..top.len() {
                row[j] -= factor * top[j];
            }
        }
    }
    sum
}

/// ∂ of Σ over chains of loss + weight × log det, with respect to variables along random directions and to every parameter.
pub fn gradients<M: Cased>(extents: &[usize], place: Place<f64, M>) {
    let weights = [0.7, -1.3, 0.4];
    let lanes = LaneMeaning::Batch { chains: weights.len() };
    for lanes in [LaneMeaning::Sites, lanes] {
        let lattice = Lattice::new(extents, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
        let weights = &weights[..lattice.chains()];
        let mut flow = place(&lattice).unwrap();
        let parameters = flow.parameters().to_vec();
        let v = M::rough::<f64>(&lattice, 0);
        let mut u = copy::<M, f64>(&v);
        let mut log_det = vec![0.0; lattice.chains()];
        flow.record(&mut u, &mut log_det);
        let (_, mut cotangent) = M::loss::<f64>(&u);
        let mut gradient = vec![0.0; parameters.len()];
        flow.backward(&mut u, &mut cotangent, weights, Some(&mut gradient));

        let mut total = |u: &mut M::Field<f64>, parameters: &[f64]| {
            flow.set_parameters(parameters.to_vec()).unwrap();
            let mut log_det = vec![0.0; weights.len()];
            flow.forward(u, &mut log_det);
            let sums = M::loss::<f64>(u).0.into_iter().zip(weights.iter().zip(log_det));
            sums.map(|(value, (weight, log_det))| value + weight * log_det).sum::<f64>()
        };
        for sample in 0..3 {
            let mut direction = M::momenta::<f64>(&lattice).unwrap();
            fill_gaussian(&mut direction, Address::new(3, Purpose::Momenta).sample(sample));
            let slope = derivative(STEP, |s| {
                u.copy_from(&v);
                M::drift::<f64>(&mut u, &direction, s);
                total(&mut u, &parameters)
            });
            let (mut expected, mut size) = (0.0, 0.0);
            for chain in 0..lattice.chains() {
                let pairs = numbers(&cotangent, chain).into_iter().zip(numbers(&direction, chain));
                pairs.for_each(|(c, d)| {
                    expected += c * d;
                    size += c * c;
                });
            }
            let off = (slope - expected).abs() / f64::sqrt(size);
            assert!(off < 1e-8, "{extents:?} {lanes:?}: slope {slope}, by vjp {expected}, off by {off:e}");
        }
        let size = gradient.iter().map(|g| g * g).sum::<f64>().sqrt().max(1.0);
        let mut along = |what: &str, direction: &[f64]| {
            let slope = derivative(PARAMETER_STEP, |s| {
                let moved: Vec<f64> = parameters.iter().zip(direction).map(|(p, d)| p + s * d).collect();
                u.copy_from(&v);
                total(&mut u, &moved)
            });
            let expected: f64 = gradient.iter().zip(direction).map(|(g, d)| g * d).sum();
            assert!(
                (slope - expected).abs() / size < 1e-8,
                "{extents:?} {lanes:?}: slope {slope} along {what}, by vjp {expected}"
            );
        };
        let count = parameters.len();
        for sample in 0..3 {
            // All parameters at once, by about 1 together.
            let scale = (2.0 / count.max(1) as f64).sqrt();
            let direction: Vec<f64> =
                (0..count).map(|p| scale * (1.3 * p as f64 + 2.1 * f64::from(sample)).sin()).collect();
            along("all parameters", &direction);
        }
        for p in (0..count).step_by(count.div_ceil(PARAMETERS_ALONE).max(1)) {
            let mut direction = vec![0.0; count];
            direction[p] = 1.0;
            along(&format!("parameter {p}"), &direction);
        }
    }
}

/// The score against the slope of the density, which the inverse gives.
pub fn score<M: Cased>(extents: &[usize], place: Place<f64, M>) {
    let lanes = LaneMeaning::Batch { chains: 3 };
    for lanes in [LaneMeaning::Sites, lanes] {
        let lattice = Lattice::new(extents, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
        let mut flow = place(&lattice).unwrap();
        let mut u = M::rough::<f64>(&lattice, 0);
        let (mut log_det, mut plain) = (vec![0.0; lattice.chains()], vec![0.0; lattice.chains()]);
        let mut expected = copy::<M, f64>(&u);
        flow.forward(&mut expected, &mut plain);
        let mut score = M::momenta::<f64>(&lattice).unwrap();
        flow.record_with_score(&mut u, &mut log_det, &mut score).unwrap();
        assert!(u.as_slice() == expected.as_slice() && log_det == plain, "the score changes the map");
        for sample in 0..3 {
            let mut direction = M::momenta::<f64>(&lattice).unwrap();
            fill_gaussian(&mut direction, Address::new(3, Purpose::Momenta).sample(sample));
            let slope = derivative(DENSITY_STEP, |s| {
                let mut moved = copy::<M, f64>(&u);
                M::drift::<f64>(&mut moved, &direction, s);
                let mut log_q = vec![0.0; lattice.chains()];
                flow.log_density(&mut moved, &mut log_q).unwrap();
                log_q.iter().sum()
            });
            let (mut expected, mut size) = (0.0, 0.0);
            for chain in 0..lattice.chains() {
                let pairs = numbers(&score, chain).into_iter().zip(numbers(&direction, chain));
                pairs.for_each(|(c, d)| {
                    expected += c * d;
                    size += c * c;
                });
            }
            let off = (slope - expected).abs() / f64::sqrt(size);
            assert!(
                off < 1e-8 && size > 0.1,
                "{extents:?} {lanes:?}: slope {slope}, score {expected}, off by {off:e}"
            );
        }
    }
}
