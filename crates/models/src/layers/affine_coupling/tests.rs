//! The case list, and the layer against the published formulas site by site.

use super::*;
use crate::cases::{Lattices, check, score};
use crate::layers::conv_net::weights::smooth;
use crate::{FlowOf, ModelError};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{LaneMeaning, LatticeOptions};

/// Layers and settings.
fn case(number: usize) -> (usize, AffineSettings) {
    [(3, AffineSettings::default()), (2, AffineSettings { hidden: 16 })][number]
}

fn place<T: Real, const CASE: usize>(lattice: &Arc<Lattice>) -> Result<FlowOf<T, Scalars>, ModelError> {
    let (layers, settings) = case(CASE);
    let parameters = AffineCoupling::<f64>::initial_parameters(layers, &settings, 5);
    FlowOf::new(
        AffineCoupling::stack(lattice, layers, settings)?,
        smooth(parameters, settings.widths(), 0.07),
    )
}

const LATTICES: Lattices =
    Lattices { small: &[4, 6], large: &[8, 8], grids: &[&[2, 1], &[1, 2], &[2, 2], &[1, 4]] };

#[test]
fn passes_the_case_list() {
    check(&LATTICES, place::<f64, 0>, place::<f32, 0>);
    check(&LATTICES, place::<f64, 1>, place::<f32, 1>);
}

/// With the prior's own: what the flow begins with is no uniform measure.
#[test]
fn scores_are_gradients_of_the_density() {
    score(LATTICES.large, place::<f64, 0>);
    score(LATTICES.large, place::<f64, 1>);
}

/// The whole flow as published, on φ `[x][y]`: new φ and log det. The mask of layer i is 1, so that φ is kept, at odd sites
/// where i is even and at even sites where it is odd.
fn published(phi: &[Vec<f64>], index: usize, w: &[f64]) -> (Vec<Vec<f64>>, f64) {
    let (l0, l1) = (phi.len(), phi[0].len());
    let wrap = |x: usize, step: i32, l: usize| (x as i32 + step).rem_euclid(l as i32) as usize;
    let is_frozen = |x: usize, y: usize| (x + y) % 2 != index % 2;
    let input = |x: usize, y: usize| vec![if is_frozen(x, y) { phi[x][y] } else { 0.0 }];
    let grid = |f: &dyn Fn(usize, usize) -> Vec<f64>| -> Vec<Vec<Vec<f64>>> {
        (0..l0).map(|x| (0..l1).map(|y| f(x, y)).collect()).collect()
    };
    let (mut layer, mut start) = (grid(&input), 0);
    for (inputs, outputs) in [(1, 8), (8, 8), (8, 2)] {
        let bias = start + 9 * inputs * outputs;
        let unit = |x: usize, y: usize, o: usize| {
            let mut sum = w[bias + o];
            for (i, k0, k1) in (0..inputs * 9).map(|k| (k / 9, k / 3 % 3, k % 3)) {
                let from = &layer[wrap(x, k0 as i32 - 1, l0)][wrap(y, k1 as i32 - 1, l1)];
                sum += w[start + ((o * inputs + i) * 3 + k0) * 3 + k1] * from[i];
            }
            match outputs {
                2 => sum.tanh(),
                _ if sum > 0.0 => sum,
                _ => 0.01 * sum,
            }
        };
        layer = grid(&|x, y| (0..outputs).map(|o| unit(x, y, o)).collect());
        start = bias + outputs;
    }
    let (mut moved, mut log_det) = (phi.to_vec(), 0.0);
    for (x, y) in (0..l0 * l1).map(|k| (k / l1, k % l1)).filter(|&(x, y)| !is_frozen(x, y)) {
        let (s, t) = (layer[x][y][0], layer[x][y][1]);
        moved[x][y] = t + phi[x][y] * s.exp();
        log_det += s;
    }
    (moved, log_det)
}

#[test]
fn a_flow_is_the_published_formula_layer_by_layer() {
    let (layers, settings) = (16, AffineSettings::default());
    assert_eq!(AffineCoupling::<f64>::parameter_count(&settings) * layers, 12_960);
    let parameters = AffineCoupling::<f64>::initial_parameters(layers, &settings, 11);
    for extents in [[8, 8], [6, 4], [2, 10]] {
        for lanes in [LaneMeaning::Sites, LaneMeaning::Batch { chains: 1 }] {
            let options = LatticeOptions { lanes, ..LatticeOptions::default() };
            let lattice = Lattice::new(&extents, options).unwrap();
            let mut phi = ScalarField::<f64>::zeroed(&lattice).unwrap();
            phi.draw_gaussian(Address::new(4, Purpose::Start));
            let values = |phi: &ScalarField<f64>| -> Vec<Vec<f64>> {
                let at = |x: usize, y: usize| {
                    let (block, lane) = phi.layout().locate(&[x, y, 0, 0]);
                    phi.get(block, 0, lane)
                };
                (0..extents[0]).map(|x| (0..extents[1]).map(|y| at(x, y)).collect()).collect()
            };
            let (mut expected, mut expected_log) = (values(&phi), 0.0);
            for (index, w) in parameters.chunks_exact(810).enumerate() {
                let (moved, log) = published(&expected, index, w);
                (expected, expected_log) = (moved, expected_log + log);
            }
            let stack = AffineCoupling::stack(&lattice, layers, settings).unwrap();
            let (mut log_det, mut flow) = ([0.0], FlowOf::new(stack, parameters.clone()).unwrap());
            flow.forward(&mut phi, &mut log_det);
            let off = (log_det[0] - expected_log).abs();
            assert!(off < 1e-11 && expected_log.abs() > 0.1, "{expected_log} off by {off:e}");
            for (ours, theirs) in values(&phi).iter().flatten().zip(expected.iter().flatten()) {
                assert!((ours - theirs).abs() < 1e-11, "{extents:?} {lanes:?}: {ours} {theirs}");
            }
        }
    }
}

/// ln q of a draw is that of the Gaussians it came from less the log det, and the inverse finds the same.
#[test]
fn densities_have_the_prior_in_them() {
    let lattice = Lattice::new(&[8, 8], LatticeOptions::default()).unwrap();
    let mut flow = place::<f64, 0>(&lattice).unwrap();
    let (mut phi, mut log_q, mut log_det) = (ScalarField::zeroed(&lattice).unwrap(), [0.0], [0.0]);
    let address = Address::new(6, Purpose::Proposal);
    flow.sample(address, &mut phi, &mut log_q);
    let mut drawn = ScalarField::<f64>::zeroed(&lattice).unwrap();
    drawn.draw_gaussian(address);
    let prior = -0.5 * drawn.norm2()[0] - 32.0 * std::f64::consts::TAU.ln();
    flow.forward(&mut drawn, &mut log_det);
    assert!((log_q[0] - (prior - log_det[0])).abs() < 1e-11 && log_det[0].abs() > 0.1);
    let mut again = [0.0];
    flow.log_density(&mut phi, &mut again).unwrap();
    assert!((again[0] - log_q[0]).abs() < 1e-10, "{} {}", again[0], log_q[0]);
}

#[test]
fn unsuitable_lattices_and_settings_are_refused() {
    let settings = AffineSettings::default();
    for extents in [&[3, 8][..], &[4, 4, 4]] {
        let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
        let message = AffineCoupling::<f64>::stack(&lattice, 2, settings).err().unwrap().to_string();
        assert!(message.contains("even"), "{message}");
    }
    let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).unwrap();
    let wrong = AffineSettings { hidden: 12 };
    let message = AffineCoupling::<f64>::stack(&lattice, 1, wrong).err().unwrap().to_string();
    assert!(message.contains("give one of"), "{message}");
}
