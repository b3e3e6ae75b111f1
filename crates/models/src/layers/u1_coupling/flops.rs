//! Floating-point operations of a layer, for those who time it.

use super::mixture::{COMPONENTS_MAX, Mixture};
use super::settings::{CircleMap, CouplingContext, CouplingSettings};
use super::spline::{SPLINE_OUTPUTS, Spline};
use crate::layers::conv_net::convolution::TAPS;
use crate::layers::conv_net::stripes::{has_plaquette_or_loop, is_active, is_frozen, is_near, moved};
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
/// Of a 2×1 loop: five.
const LOOP: f64 = 30.0;

impl CouplingFlops {
    /// Of a layer with these settings.
    pub fn new(settings: &CouplingSettings) -> Self {
        let (map, hidden) = (settings.map, settings.hidden);
        let share = |of: fn(u8) -> bool| (0..4).filter(|&class| of(class)).count() as f64 / 4.0;
        let (active, frozen) = (share(is_active), share(is_frozen));
        // Pairs of a site and a tap: the net's three convolutions, which the way back goes through from their other ends.
        let taps = |at: fn(u8) -> bool, reads: fn(u8) -> bool| {
            let read = |class: u8, tap: usize| at(class) && reads(moved(class, TAPS[tap][0]));
            let pairs = |class: u8| (0..TAPS.len()).filter(move |&tap| read(class, tap)).count();
            (0..4).map(pairs).sum::<usize>() as f64 / 4.0
        };
        let (is_seen, loops) = match settings.context {
            CouplingContext::Plaquettes => (is_frozen as fn(u8) -> bool, 0.0),
            CouplingContext::Loops => (has_plaquette_or_loop as fn(u8) -> bool, active),
        };
        let net = 2.0 * taps(everywhere, is_seen) * (settings.context.channels() * hidden) as f64
            + 2.0 * taps(is_near, everywhere) * (hidden * hidden) as f64
            + 2.0 * taps(is_active, everywhere) * (hidden * map.outputs()) as f64;
        let activations = (1.0 + share(is_near)) * hidden as f64;
        let context = frozen * PLAQUETTE + loops * LOOP;
        let turn = PLAQUETTE + count(|r| record_turn(r, map));
        let turn_back = PLAQUETTE + count(|r| record_turn_back(r, map));
        // At what is seen from the phases' slopes to those of angles, 4; from each plaquette to its links, 4.
        let to_links = (frozen + loops) * 4.0 + 4.0;
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

fn count(body: impl FnOnce(&Recorder<f64>)) -> f64 {
    Program::least::<f64>(body).flops() as f64
}

/// The map at an active site.
enum Map {
    Mixture(Mixture<Recorded<f64>>),
    Spline(Box<Spline<Recorded<f64>>>),
}

/// The map of the net's outputs and the plaquette's phase at an active site.
fn inputs(r: &Recorder<f64>, map: CircleMap) -> (Map, Complex<Recorded<f64>>) {
    let (outputs, phase) = (r.field("outputs", map.outputs()), r.field("phase", 2));
    let mut numbers = [Recorded::splat(0.0); SPLINE_OUTPUTS];
    for k in 0..map.outputs() {
        numbers[k] = r.load(outputs, k, r.here());
    }
    let map = match map {
        CircleMap::Projection { components } => {
            let s: [_; COMPONENTS_MAX] = std::array::from_fn(|k| numbers[k]);
            Map::Mixture(Mixture::new(components, s, numbers[components]))
        }
        CircleMap::Spline { bins } => Map::Spline(Box::new(Spline::new(bins, &numbers))),
    };
    (map, r.complex(phase, 0, r.here()))
}

/// [`super::sites::Turn`] and [`super::sites::TurnLinks`] behind the plaquette.
fn record_turn(r: &Recorder<f64>, map: CircleMap) {
    let (map, phase) = inputs(r, map);
    let (link, log_det) = (r.field("link", 2), r.field("logdet", 1));
    let (shift, log) = match map {
        Map::Mixture(mixture) => mixture.forward(phase),
        Map::Spline(spline) => spline.forward(phase),
    };
    let (sin, cos) = sin_cos(shift);
    let turned = r.complex(link, 0, r.here()) * Complex::new(cos, sin);
    let new = turned.scale(Recorded::splat(1.0).div(turned.norm2().sqrt()));
    r.store_complex(link, 0, new);
    r.store(log_det, 0, log);
}

/// [`super::sites::MapBack`] behind the plaquette.
fn record_turn_back(r: &Recorder<f64>, map: CircleMap) {
    let count = map.outputs();
    let (map, phase) = inputs(r, map);
    let (cotangent, back) = (r.field("cotangent", 1), r.field("back", count + 1));
    let (by_shift, by_log) = (r.load(cotangent, 0, r.here()), r.parameter("weight"));
    match map {
        Map::Mixture(mixture) => {
            let slopes = mixture.backward(phase, by_shift, by_log);
            (0..count - 1).for_each(|k| r.store(back, k, slopes.s[k]));
            r.store(back, count - 1, slopes.t);
            r.store(back, count, slopes.angle);
        }
        Map::Spline(spline) => {
            let slopes = spline.backward(phase, by_shift, by_log);
            (0..count).for_each(|k| r.store(back, k, slopes.outputs[k]));
            r.store(back, count, slopes.angle);
        }
    }
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
            let CouplingFlops { forward, backward } =
                CouplingFlops::new(&CouplingSettings::mixture(components));
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
