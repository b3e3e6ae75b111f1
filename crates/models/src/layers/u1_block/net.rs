//! The layer's net, at one site: (cos s, sin s) → two hidden layers → the numbers of a spline.
//!
//! Hidden units are x/√(1 + x²). Parameters lie as in PyTorch's `Linear`s one after the other: weights `[output][input]`,
//! then biases.

use super::BlockSettings;
use crate::layers::u1_coupling::spline::SPLINE_OUTPUTS;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Lanes, Real};
use std::ops::Range;

/// The widest hidden layer.
pub const WIDEST: usize = 32;

/// Where one map's parameters lie.
#[derive(Clone, Copy)]
pub struct Place {
    start: usize,
    inputs: usize,
    outputs: usize,
}

impl Place {
    /// The three maps.
    pub fn all(settings: &BlockSettings) -> [Self; 3] {
        let mut start = 0;
        [(2, settings.hidden), (settings.hidden, settings.hidden), (settings.hidden, settings.outputs())].map(
            |(inputs, outputs)| {
                let place = Self { start, inputs, outputs };
                start = place.range().end;
                place
            },
        )
    }

    /// All its parameters.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + (self.inputs + 1) * self.outputs
    }

    /// Adds sums `[input][output]` and sums by class `[class][output]` of the cotangents of a group of outputs, of which
    /// `first` is the first, to the gradient.
    pub fn add_gradient(&self, first: usize, weights: &[f64], classes: &[f64], gradient: &mut [f64]) {
        let size = classes.len() / 4;
        for output in 0..size.min(self.outputs - first) {
            let at = self.start + (first + output) * self.inputs;
            for input in 0..self.inputs {
                gradient[at + input] += weights[input * size + output];
            }
            gradient[self.start + self.inputs * self.outputs + first + output] += classes[output];
        }
    }
}

/// How many parameters a layer takes.
pub fn parameter_count(settings: &BlockSettings) -> usize {
    Place::all(settings)[2].range().end
}

/// The first parameters of layer number `layer`: each uniform within ±1/√inputs, and in the last map a tenth of that, so
/// that the splines begin near the identity. The same seed gives the same numbers.
pub fn initial_parameters(settings: &BlockSettings, layer: usize, seed: u64) -> Vec<f64> {
    let generator = Address::new(seed, Purpose::Parameters).chain(layer as u64).generator();
    let places = Place::all(settings).into_iter().zip([1.0, 1.0, 0.1]);
    let of_place = |(place, scale): (Place, f64)| {
        let (bound, generator) = (scale / (place.inputs as f64).sqrt(), generator.clone());
        place.range().map(move |p| bound * (2.0 * generator.stream(p as u64).uniform() - 1.0))
    };
    places.flat_map(of_place).collect()
}

/// A net with its parameters in one precision.
#[derive(Clone, Copy)]
pub struct Net<'a, T> {
    pub parameters: &'a [T],
    pub places: [Place; 3],
}

/// What a net makes of its inputs.
pub struct Values<V> {
    pub hidden: [[V; WIDEST]; 2],
    pub outputs: [V; SPLINE_OUTPUTS],
}

/// Cotangents of a net's layers.
pub struct Cotangents<V> {
    pub inputs: [V; 2],
    pub hidden: [[V; WIDEST]; 2],
}

impl<T: Real> Net<'_, T> {
    #[inline(always)]
    pub fn evaluate<V: Lanes<Scalar = T>>(&self, inputs: &[V; 2]) -> Values<V> {
        let zero = V::splat(0.0);
        let mut values = Values { hidden: [[zero; WIDEST]; 2], outputs: [zero; SPLINE_OUTPUTS] };
        let [first, second, third] = self.places;
        for o in 0..first.outputs {
            values.hidden[0][o] = activation(self.row(first, o, inputs));
        }
        for o in 0..second.outputs {
            values.hidden[1][o] = activation(self.row(second, o, &values.hidden[0]));
        }
        for o in 0..third.outputs {
            values.outputs[o] = self.row(third, o, &values.hidden[1]);
        }
        values
    }

    /// One output of a map.
    #[inline(always)]
    fn row<V: Lanes<Scalar = T>>(&self, place: Place, output: usize, inputs: &[V]) -> V {
        let weights = &self.parameters[place.start + output * place.inputs..][..place.inputs];
        let mut sum = V::broadcast(self.parameters[place.start + place.inputs * place.outputs + output]);
        for i in 0..place.inputs {
            sum = inputs[i].mul_add(V::broadcast(weights[i]), sum);
        }
        sum
    }

    /// From the cotangents of the outputs to those of the hidden layers before their activation, and of the inputs.
    #[inline(always)]
    pub fn back<V: Lanes<Scalar = T>>(
        &self,
        values: &Values<V>,
        outputs: &[V; SPLINE_OUTPUTS],
    ) -> Cotangents<V> {
        let zero = V::splat(0.0);
        let mut back = Cotangents { inputs: [zero; 2], hidden: [[zero; WIDEST]; 2] };
        let [first, second, third] = self.places;
        for i in 0..third.inputs {
            back.hidden[1][i] = self.column(third, i, outputs) * slope(values.hidden[1][i]);
        }
        for i in 0..second.inputs {
            back.hidden[0][i] = self.column(second, i, &back.hidden[1]) * slope(values.hidden[0][i]);
        }
        for i in 0..first.inputs {
            back.inputs[i] = self.column(first, i, &back.hidden[0]);
        }
        back
    }

    #[inline(always)]
    fn column<V: Lanes<Scalar = T>>(&self, place: Place, input: usize, outputs: &[V]) -> V {
        let mut sum = V::splat(0.0);
        for o in 0..place.outputs {
            let weight = self.parameters[place.start + o * place.inputs + input];
            sum = outputs[o].mul_add(V::broadcast(weight), sum);
        }
        sum
    }
}

/// x/√(1 + x²).
#[inline(always)]
fn activation<V: Lanes>(x: V) -> V {
    x.div(x.mul_add(x, V::splat(1.0)).sqrt())
}

/// Its slope (1 − y²)^{3/2} where it is y.
#[inline(always)]
fn slope<V: Lanes>(y: V) -> V {
    let rest = y.neg_mul_add(y, V::splat(1.0));
    let rest = V::select(rest.lt(V::splat(0.0)), V::splat(0.0), rest);
    rest * rest.sqrt()
}
