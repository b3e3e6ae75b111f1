//! Floating-point operations of a layer, for those who time it.

use super::convolution::TAPS;
use super::mixture::{COMPONENTS_MAX, Mixture};
use super::net::{HIDDEN, INPUTS};
use super::stripes::{is_frozen, is_near, moved};
use gaugelink_lattice::number::recorder::Recorder;
use gaugelink_lattice::number::{Program, Recorded, sin_cos};
use gaugelink_lattice::{Complex, Num};

/// Operations of a coupling layer on a site, averaged over its stripes, where lanes are configurations: those that its
/// result needs. A fused multiply-add is two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CouplingFlops {
    /// The map with its log det.
    pub forward: f64,
    /// The way back without the gradient of parameters, and without the map before it.
    pub backward: f64,
}

/// Of a plaquette of phases: three products.
const PLAQUETTE: f64 = 18.0;

impl CouplingFlops {
    /// Of a layer with a mixture of `components`.
    pub fn new(components: usize) -> Self {
        let share = |of: fn(u8) -> bool| (0..4).filter(|&class| of(class)).count() as f64 / 4.0;
        let (active, frozen) = (share(is_active), share(is_frozen));
        // Pairs of a site and a tap: the net's three convolutions, which the way back goes through from their other ends.
        let taps = |at: fn(u8) -> bool, reads: fn(u8) -> bool| {
            let read = |class: u8, tap: usize| at(class) && reads(moved(class, TAPS[tap][0]));
            let pairs = |class: u8| (0..TAPS.len()).filter(move |&tap| read(class, tap)).count();
            (0..4).map(pairs).sum::<usize>() as f64 / 4.0
        };
        let outputs = components + 1;
        let net = 2.0 * taps(everywhere, is_frozen) * (INPUTS * HIDDEN) as f64
            + 2.0 * taps(is_near, everywhere) * (HIDDEN * HIDDEN) as f64
            + 2.0 * taps(is_active, everywhere) * (HIDDEN * outputs) as f64;
        let activations = (1.0 + share(is_near)) * HIDDEN as f64;
        let context = frozen * PLAQUETTE;
        let turn = PLAQUETTE + count(|r| record_turn(r, components));
        let turn_back = PLAQUETTE + count(|r| record_turn_back(r, components));
        // At frozen plaquettes from their phases' slopes to those of angles, 4; from each plaquette to its links, 4.
        let to_links = frozen * 4.0 + 4.0;
        let evaluated = context + net + activations;
        Self {
            forward: evaluated + active * turn,
            backward: evaluated + active * turn_back + net + activations + to_links,
        }
    }
}

fn everywhere(_: u8) -> bool {
    true
}

fn is_active(class: u8) -> bool {
    class == 0
}

fn count(body: impl FnOnce(&Recorder<f64>)) -> f64 {
    Program::least::<f64>(body).flops() as f64
}

/// The net's outputs and the plaquette's phase at an active site.
fn inputs(r: &Recorder<f64>, components: usize) -> (Mixture<Recorded<f64>>, Complex<Recorded<f64>>) {
    let (outputs, phase) = (r.field("outputs", components + 1), r.field("phase", 2));
    let mut s = [Recorded::splat(0.0); COMPONENTS_MAX];
    for k in 0..components {
        s[k] = r.load(outputs, k, r.here());
    }
    let t = r.load(outputs, components, r.here());
    (Mixture::new(components, s, t), r.complex(phase, 0, r.here()))
}

/// [`super::sites::Turn`] and [`super::sites::TurnLinks`] behind the plaquette.
fn record_turn(r: &Recorder<f64>, components: usize) {
    let (mixture, phase) = inputs(r, components);
    let (link, log_det) = (r.field("link", 2), r.field("logdet", 1));
    let (shift, log) = mixture.forward(phase);
    let (sin, cos) = sin_cos(shift);
    let turned = r.complex(link, 0, r.here()) * Complex::new(cos, sin);
    let new = turned.scale(Recorded::splat(1.0).div(turned.norm2().sqrt()));
    r.store_complex(link, 0, new);
    r.store(log_det, 0, log);
}

/// [`super::sites::MixtureBack`] behind the plaquette.
fn record_turn_back(r: &Recorder<f64>, components: usize) {
    let (mixture, phase) = inputs(r, components);
    let (cotangent, back) = (r.field("cotangent", 1), r.field("back", components + 2));
    let slopes = mixture.backward(phase, r.load(cotangent, 0, r.here()), r.parameter("weight"));
    (0..components).for_each(|k| r.store(back, k, slopes.s[k]));
    r.store(back, components, slopes.t);
    r.store(back, components + 1, slopes.angle);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Taps by hand: of the first convolution half of the sources are frozen, the second is evaluated at three sites of
    /// four, the third at one.
    #[test]
    fn the_net_is_counted_by_hand() {
        let net = |outputs: f64| 2.0 * (4.5 * 16.0 + 6.75 * 64.0 + 2.25 * 8.0 * outputs);
        for components in [1, 2, 7] {
            let CouplingFlops { forward, backward } = CouplingFlops::new(components);
            let net = net(components as f64 + 1.0);
            // Elementary functions on one site of four: two exponentials and an arcus tangens a component, a logarithm, a
            // sine with its cosine.
            let rest = forward - net;
            assert!(rest > 14.0 + 9.0 + 0.25 * 60.0 * components as f64, "{components}: {rest}");
            assert!(rest < 14.0 + 9.0 + 0.25 * (200.0 * components as f64 + 250.0), "{components}: {rest}");
            assert!(backward > 2.0 * net && backward < 2.0 * net + rest + 100.0, "{components}: {backward}");
        }
    }
}
