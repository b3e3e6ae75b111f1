//! The case list, and the layer against the published formulas site by site.

use super::*;
use crate::cases::{Lattices, check, score};
use crate::layers::conv_net::weights::smooth;
use crate::{Flow, ModelError};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{LaneMeaning, LatticeOptions, Site};
use std::f64::consts::TAU;

/// Layers, settings and the seed of their parameters.
fn case(number: usize) -> (usize, CouplingSettings, u64) {
    let mixture = CouplingSettings::mixture;
    let spline = CouplingSettings { map: CircleMap::Spline { bins: 2 }, ..mixture(2) };
    let context = CouplingContext::Loops;
    // Splines: a seed with which no angle comes to a knot, where second derivatives jump.
    match number {
        0 => (2, mixture(2), 5),
        1 => (3, mixture(4), 5),
        2 => (2, CouplingSettings { context, ..mixture(2) }, 5),
        3 => (2, CouplingSettings { hidden: 16, ..mixture(1) }, 5),
        4 => (2, spline, 0),
        _ => (2, CouplingSettings { context, ..spline }, 0),
    }
}

fn place<T: Real, const CASE: usize>(lattice: &Arc<Lattice>) -> Result<Flow<T, 1>, ModelError> {
    let (layers, settings, seed) = case(CASE);
    let parameters = U1Coupling::<f64>::initial_parameters(layers, &settings, seed);
    Flow::new(U1Coupling::stack(lattice, layers, settings)?, smooth(parameters, settings.widths(), 0.07))
}

const LATTICES: Lattices =
    Lattices { small: &[4, 8], large: &[8, 8], grids: &[&[2, 1], &[1, 2], &[2, 2], &[1, 4]] };

#[test]
fn mixtures_pass_the_case_list() {
    check(&LATTICES, place::<f64, 0>, place::<f32, 0>);
    check(&LATTICES, place::<f64, 1>, place::<f32, 1>);
}

#[test]
fn loops_as_context_pass_the_case_list() {
    check(&LATTICES, place::<f64, 2>, place::<f32, 2>);
}

#[test]
fn wide_nets_pass_the_case_list() {
    check(&LATTICES, place::<f64, 3>, place::<f32, 3>);
}

#[test]
fn splines_pass_the_case_list() {
    check(&LATTICES, place::<f64, 4>, place::<f32, 4>);
    check(&LATTICES, place::<f64, 5>, place::<f32, 5>);
}

#[test]
fn scores_are_gradients_of_the_density() {
    for place in [place::<f64, 1>, place::<f64, 2>, place::<f64, 3>, place::<f64, 4>, place::<f64, 5>] {
        score(LATTICES.large, place);
    }
}

/// One layer as published, on angles `[x][y][mu]`: new angles and log det.
fn published(
    angles: &[Vec<[f64; 2]>],
    index: usize,
    components: usize,
    w: &[f64],
) -> (Vec<Vec<[f64; 2]>>, f64) {
    let (l0, l1) = (angles.len(), angles[0].len());
    let (mu, offset) = (index % 2, index / 2 % 4);
    let wrap = |x: usize, step: i32, l: usize| (x as i32 + step).rem_euclid(l as i32) as usize;
    let plaquette = |x: usize, y: usize| {
        angles[x][y][0] + angles[(x + 1) % l0][y][1] - angles[x][(y + 1) % l1][0] - angles[x][y][1]
    };
    let class = |x: usize, y: usize| ([x, y][1 - mu] + 4 - offset) % 4;
    // The published code masks the angle and then takes the cosine.
    let mut layer: Vec<Vec<Vec<f64>>> = (0..l0)
        .map(|x| {
            let input = |y: usize| {
                let phi = if [1, 2].contains(&class(x, y)) { plaquette(x, y) } else { 0.0 };
                vec![phi.cos(), phi.sin()]
            };
            (0..l1).map(input).collect()
        })
        .collect();
    let mut start = 0;
    for (inputs, outputs) in [(2, 8), (8, 8), (8, components + 1)] {
        let bias = start + 9 * inputs * outputs;
        let next = |x: usize, y: usize, o: usize| {
            let mut sum = w[bias + o];
            for (i, k0, k1) in (0..inputs * 9).map(|k| (k / 9, k / 3 % 3, k % 3)) {
                let from = &layer[wrap(x, k0 as i32 - 1, l0)][wrap(y, k1 as i32 - 1, l1)];
                sum += w[start + ((o * inputs + i) * 3 + k0) * 3 + k1] * from[i];
            }
            if outputs == components + 1 || sum > 0.0 { sum } else { 0.01 * sum }
        };
        layer = (0..l0)
            .map(|x| (0..l1).map(|y| (0..outputs).map(|o| next(x, y, o)).collect()).collect())
            .collect();
        start = bias + outputs;
    }
    let (mut moved, mut log_det) = (angles.to_vec(), 0.0);
    for (x, y) in (0..l0 * l1).map(|k| (k / l1, k % l1)).filter(|&(x, y)| class(x, y) == 0) {
        let phi = plaquette(x, y).rem_euclid(TAU);
        let (s, t) = (&layer[x][y][..components], layer[x][y][components]);
        let n = components as f64;
        let mean: f64 =
            s.iter().map(|s| (2.0 * (s.exp() * (phi / 2.0).tan()).atan()).rem_euclid(TAU)).sum::<f64>() / n;
        let densities = s
            .iter()
            .map(|s| 1.0 / ((-s).exp() * (phi / 2.0).cos().powi(2) + s.exp() * (phi / 2.0).sin().powi(2)));
        log_det += (densities.sum::<f64>() / n).ln();
        moved[x][y][mu] += [1.0, -1.0][mu] * (mean + t - phi);
    }
    (moved, log_det)
}

#[test]
fn a_flow_is_the_published_formula_layer_by_layer() {
    for (extents, components) in [([8, 12], 2), ([4, 8], 1), ([8, 8], 6)] {
        let layers = 16;
        let settings = CouplingSettings::mixture(components);
        let parameters = U1Coupling::<f64>::initial_parameters(layers, &settings, 11);
        let parameters: Vec<f64> = parameters.into_iter().map(|p| 2.0 * p).collect();
        for lanes in [LaneMeaning::Sites, LaneMeaning::Batch { chains: 1 }] {
            let lattice =
                Lattice::new(&extents, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
            let mut u = GaugeField::<f64, 1>::haar(&lattice, Address::new(4, Purpose::Start)).unwrap();
            let angles = |u: &GaugeField<f64, 1>| -> Vec<Vec<[f64; 2]>> {
                let at = |x: usize, y: usize, mu: usize| {
                    let site: Site = [x, y, 0, 0];
                    let (block, lane) = u.layout().locate(&site);
                    let z = u.link(block, mu, lane).0[0][0];
                    z.im.atan2(z.re)
                };
                (0..extents[0])
                    .map(|x| (0..extents[1]).map(|y| [at(x, y, 0), at(x, y, 1)]).collect())
                    .collect()
            };
            let (mut expected, mut expected_log) = (angles(&u), 0.0);
            for (index, w) in parameters.chunks_exact(parameter_count(settings.widths())).enumerate() {
                let (moved, log) = published(&expected, index, components, w);
                (expected, expected_log) = (moved, expected_log + log);
            }
            let mut log_det = [0.0];
            let mut flow =
                Flow::new(U1Coupling::stack(&lattice, layers, settings).unwrap(), parameters.clone())
                    .unwrap();
            flow.forward(&mut u, &mut log_det);
            assert!((log_det[0] - expected_log).abs() < 1e-10, "{} {expected_log}", log_det[0]);
            for (ours, theirs) in
                angles(&u).iter().flatten().flatten().zip(expected.iter().flatten().flatten())
            {
                let off = (ours - theirs + 0.5 * TAU).rem_euclid(TAU) - 0.5 * TAU;
                assert!(off.abs() < 1e-11, "{extents:?} {lanes:?}: off by {off:e}");
            }
        }
    }
}

#[test]
fn unsuitable_lattices_and_settings_are_refused() {
    let mixture = CouplingSettings::mixture;
    for extents in [&[6, 8][..], &[4, 4, 4]] {
        let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
        let message = U1Coupling::<f64>::stack(&lattice, 2, mixture(2)).err().unwrap().to_string();
        assert!(message.contains("multiples of 4"), "{message}");
    }
    let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).unwrap();
    assert!(U1Coupling::<f64>::stack(&lattice, 2, mixture(0)).is_err());
    assert!(U1Coupling::<f64>::stack(&lattice, 2, mixture(8)).is_err());
}
