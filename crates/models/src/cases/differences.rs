//! Jacobians and gradients against differences of fourth order, in f64.

use super::Place;
use super::links::{chain_algebra, chain_links, for_sites, loss, rough};
use crate::Flow;
use gaugelink_lattice::group::{
    algebra_dim, exponential, from_coordinates, to_coordinates, traceless_antihermitian,
};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions, MomentumField};
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

/// The log det of f and of f⁻¹ against the whole matrix ∂(link, a)/∂(link, b).
pub fn jacobian<const N: usize>(extents: &[usize], place: Place<f64, N>) {
    let lattice = Lattice::new(extents, LatticeOptions { threads: 1, ..LatticeOptions::default() }).unwrap();
    let mut flow = place(&lattice).unwrap();
    for inverse in [false, true] {
        let (error, size) = log_det_errors(&lattice, &mut flow, inverse);
        assert!(
            error.abs() < 1e-8 * size.max(1.0),
            "N={N} {extents:?} inverse {inverse}: log det of size {size} off by {error:e}"
        );
    }
}

/// By how much the log det of f, or of f⁻¹, misses that of the matrix ∂(link, a)/∂(link, b), and the size of that.
pub fn log_det_errors<const N: usize>(
    lattice: &Arc<Lattice>,
    flow: &mut Flow<f64, N>,
    inverse: bool,
) -> (f64, f64) {
    let v = rough::<f64, N>(lattice, 0);
    let mut log_det = [0.0];
    let mut map = |u: &mut GaugeField<f64, N>| {
        log_det = [0.0];
        if inverse { flow.inverse(u, &mut log_det).unwrap() } else { flow.forward(u, &mut log_det) }
    };
    let mut columns = Vec::new();
    let mut u = v.duplicate().unwrap();
    map(&mut u);
    let image = chain_links(&u, 0);
    for_sites::<f64>(lattice, 0, |_, block, lane| {
        for (mu, b) in (0..lattice.dims()).flat_map(|mu| (0..algebra_dim(N)).map(move |b| (mu, b))) {
            let mut column = vec![0.0; image.len() * algebra_dim(N)];
            for (factor, weight) in [(1.0, 8.0), (-1.0, -8.0), (2.0, -1.0), (-2.0, 1.0)] {
                let mut c = [0.0; 8];
                c[b] = factor * STEP;
                let link = exponential(&from_coordinates(&c)).mul(&v.link(block, mu, lane));
                u.copy_from(&v);
                u.layout().copies(lane).for_each(|l| u.set_link(block, mu, l, &link));
                map(&mut u);
                for (i, (moved, at)) in chain_links(&u, 0).iter().zip(&image).enumerate() {
                    let shift = to_coordinates(&traceless_antihermitian(&moved.mul_adjoint(at)));
                    for a in 0..algebra_dim(N) {
                        column[i * algebra_dim(N) + a] += weight / (12.0 * STEP) * shift[a];
                    }
                }
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

/// ∂ of Σ over chains of loss + weight × log det, with respect to links along random directions and to every parameter.
pub fn gradients<const N: usize>(extents: &[usize], place: Place<f64, N>) {
    let weights = [0.7, -1.3, 0.4];
    let lanes = LaneMeaning::Batch { chains: weights.len() };
    for lanes in [LaneMeaning::Sites, lanes] {
        let lattice = Lattice::new(extents, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
        let weights = &weights[..lattice.chains()];
        let mut flow = place(&lattice).unwrap();
        let parameters = flow.parameters().to_vec();
        let v = rough::<f64, N>(&lattice, 0);
        let mut u = v.duplicate().unwrap();
        let mut log_det = vec![0.0; lattice.chains()];
        flow.record(&mut u, &mut log_det);
        let (_, mut cotangent) = loss(&u);
        let mut gradient = vec![0.0; parameters.len()];
        flow.backward(&mut u, &mut cotangent, weights, Some(&mut gradient));

        let mut total = |u: &mut GaugeField<f64, N>, parameters: &[f64]| {
            flow.set_parameters(parameters.to_vec()).unwrap();
            let mut log_det = vec![0.0; weights.len()];
            flow.forward(u, &mut log_det);
            let sums = loss(u).0.into_iter().zip(weights.iter().zip(log_det));
            sums.map(|(value, (weight, log_det))| value + weight * log_det).sum::<f64>()
        };
        for sample in 0..3 {
            let mut direction = MomentumField::<f64, N>::zeroed(&lattice).unwrap();
            direction.refresh(Address::new(3, Purpose::Momenta).sample(sample));
            let slope = derivative(STEP, |s| {
                u.copy_from(&v);
                u.drift(&direction, s);
                total(&mut u, &parameters)
            });
            let (mut expected, mut size) = (0.0, 0.0);
            for chain in 0..lattice.chains() {
                let pairs =
                    chain_algebra(&cotangent, chain).into_iter().zip(chain_algebra(&direction, chain));
                pairs.for_each(|(c, d)| {
                    expected += c * d;
                    size += c * c;
                });
            }
            let off = (slope - expected).abs() / f64::sqrt(size);
            assert!(
                off < 1e-8,
                "N={N} {extents:?} {lanes:?}: slope {slope}, by vjp {expected}, off by {off:e}"
            );
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
                "N={N} {extents:?} {lanes:?}: slope {slope} along {what}, by vjp {expected}"
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
pub fn score<const N: usize>(extents: &[usize], place: Place<f64, N>) {
    let lanes = LaneMeaning::Batch { chains: 3 };
    for lanes in [LaneMeaning::Sites, lanes] {
        let lattice = Lattice::new(extents, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
        let mut flow = place(&lattice).unwrap();
        let mut u = rough::<f64, N>(&lattice, 0);
        let (mut log_det, mut plain) = (vec![0.0; lattice.chains()], vec![0.0; lattice.chains()]);
        let mut expected = u.duplicate().unwrap();
        flow.forward(&mut expected, &mut plain);
        let mut score = MomentumField::<f64, N>::zeroed(&lattice).unwrap();
        flow.record_with_score(&mut u, &mut log_det, &mut score).unwrap();
        assert!(u.as_slice() == expected.as_slice() && log_det == plain, "the score changes the map");
        for sample in 0..3 {
            let mut direction = MomentumField::<f64, N>::zeroed(&lattice).unwrap();
            direction.refresh(Address::new(3, Purpose::Momenta).sample(sample));
            let slope = derivative(DENSITY_STEP, |s| {
                let mut moved = u.duplicate().unwrap();
                moved.drift(&direction, s);
                let mut log_q = vec![0.0; lattice.chains()];
                flow.log_density(&mut moved, &mut log_q).unwrap();
                log_q.iter().sum()
            });
            let (mut expected, mut size) = (0.0, 0.0);
            for chain in 0..lattice.chains() {
                let pairs = chain_algebra(&score, chain).into_iter().zip(chain_algebra(&direction, chain));
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
