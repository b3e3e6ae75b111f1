//! The net's parameters and their gradient; 2 → 8 → 8 → n + 1 channels for U(1) in the literature, 1 → 8 → 8 → 2 for scalars.
//!
//! Parameters lie as in PyTorch's `Conv2d`s one after the other: weights `[output][input][tap]`, then biases. The
//! input of links begins with (cos θ_P, sin θ_P) of frozen plaquettes and (1, 0) elsewhere (in SU(N) with Re tr P/N, and 1
//! elsewhere); what the constant ones contribute to the first layer depends only on a site's class and is added to its bias.

use super::convolution::{TAPS, opposite};
use super::plan::Plan;
use super::stripes::{Pattern, moved};
use gaugelink_lattice::Real;
use gaugelink_lattice::number::Row;
use gaugelink_lattice::rng::{Address, Purpose};
use std::ops::Range;

/// Channels of a hidden layer that are computed together.
pub const GROUP: usize = 8;

/// How many channels the net has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Widths {
    /// Of its input: 1, 2 or 4.
    pub inputs: usize,
    /// Of each hidden layer.
    pub hidden: usize,
    /// Of its output.
    pub outputs: usize,
}

impl Widths {
    /// Outputs with padding: 4, or a multiple of [`GROUP`].
    pub fn padded(&self) -> usize {
        if self.outputs <= 4 { 4 } else { self.outputs.next_multiple_of(GROUP) }
    }
}

/// Where one convolution's parameters lie.
#[derive(Clone, Copy)]
pub struct Place {
    start: usize,
    inputs: usize,
    outputs: usize,
}

impl Place {
    /// The three convolutions.
    pub fn all(widths: Widths) -> [Self; 3] {
        let Widths { inputs, hidden, outputs } = widths;
        let mut start = 0;
        [(inputs, hidden), (hidden, hidden), (hidden, outputs)].map(|(inputs, outputs)| {
            let place = Self { start, inputs, outputs };
            start = place.bias(outputs);
            place
        })
    }
    /// Index of a weight.
    fn weight(&self, tap: usize, input: usize, output: usize) -> usize {
        self.start + (output * self.inputs + input) * TAPS.len() + tap
    }
    /// Index of a bias.
    fn bias(&self, output: usize) -> usize {
        self.start + TAPS.len() * self.inputs * self.outputs + output
    }
    /// All its parameters.
    fn range(&self) -> Range<usize> {
        self.start..self.bias(self.outputs)
    }
    /// Those of its outputs that are in the group from `first` on, by their places in it.
    fn group(&self, first: usize, size: usize) -> Range<usize> {
        0..size.min(self.outputs - first)
    }
    /// Adds sums `[tap][input][output]` and sums by class `[class][output]` of the cotangents of a group of outputs, of
    /// which `first` is the first, to the gradient.
    pub fn add_gradient(&self, first: usize, weights: &[f64], classes: &[f64], gradient: &mut [f64]) {
        let size = classes.len() / 4;
        for output in self.group(first, size) {
            for (tap, input) in (0..TAPS.len()).flat_map(|tap| (0..self.inputs).map(move |i| (tap, i))) {
                gradient[self.weight(tap, input, first + output)] +=
                    weights[(tap * self.inputs + input) * size + output];
            }
            gradient[self.bias(first + output)] +=
                (0..4).map(|class| classes[class * size + output]).sum::<f64>();
        }
    }
    /// The gradient of the first layer's weights of the constant input, for a group of its outputs.
    pub fn add_constant_gradient<T: Real>(
        &self,
        plan: &Plan<T>,
        first: usize,
        classes: &[f64],
        gradient: &mut [f64],
    ) {
        let size = classes.len() / 4;
        for (tap, class) in (0..TAPS.len()).flat_map(|tap| (0..4).map(move |class| (tap, class))) {
            if (plan.roles.ones)(moved(class, plan.stripes.step(tap))) {
                for output in self.group(first, size) {
                    gradient[self.weight(tap, 0, first + output)] += classes[class as usize * size + output];
                }
            }
        }
    }
}

/// How many parameters the net takes.
pub fn parameter_count(widths: Widths) -> usize {
    Place::all(widths)[2].range().end
}

/// The first parameters of layer number `layer`: each uniform within ±1/√(inputs × taps), PyTorch's default. The same
/// seed gives the same numbers.
pub fn initial_parameters(widths: Widths, layer: usize, seed: u64) -> Vec<f64> {
    let generator = Address::new(seed, Purpose::Parameters).chain(layer as u64).generator();
    let of_place = |place: Place| {
        let bound = 1.0 / ((place.inputs * TAPS.len()) as f64).sqrt();
        let generator = generator.clone();
        place.range().map(move |p| bound * (2.0 * generator.stream(p as u64).uniform() - 1.0))
    };
    Place::all(widths).into_iter().flat_map(of_place).collect()
}

/// Parameters rounded to a precision and arranged for the kernels: weights `[group][tap][input][output]`, outputs in groups
/// of 8, or of 4 where there are no more.
pub struct Weights<T> {
    /// Of the net.
    pub widths: Widths,
    /// What they were made of.
    parameters: Vec<f64>,
    /// Weights of the layers.
    pub forward: [Vec<T>; 3],
    /// Rows that the layers' sums start from, `[pattern][output]`, padding included.
    pub start: [Vec<Row<T>>; 3],
    /// Weights for going back from a layer's outputs to its inputs; 4 inputs for the first layer, padding included.
    pub backward: [Vec<T>; 3],
}

impl<T: Real> Weights<T> {
    /// Nothing in it yet.
    pub fn new(widths: Widths) -> Self {
        Self {
            widths,
            parameters: Vec::new(),
            forward: Default::default(),
            start: Default::default(),
            backward: Default::default(),
        }
    }

    /// Takes the parameters over, if they are not those it has.
    pub fn update(&mut self, plan: &Plan<T>, parameters: &[f64]) {
        if self.parameters == parameters {
            return;
        }
        self.parameters.clear();
        self.parameters.extend_from_slice(parameters);
        for (layer, place) in Place::all(self.widths).into_iter().enumerate() {
            let outputs = if layer == 2 { self.widths.padded() } else { place.outputs };
            let weight = |tap: usize, input: usize, output: usize| {
                let is_real = input < place.inputs && output < place.outputs;
                if is_real { parameters[place.weight(tap, input, output)] } else { 0.0 }
            };
            arrange(&mut self.forward[layer], place.inputs, outputs, weight);
            let inputs = place.inputs.max(4);
            let back = |tap: usize, output: usize, input: usize| weight(opposite(tap), input, output);
            arrange(&mut self.backward[layer], outputs, inputs, back);

            let start = |class: u8, output: usize| {
                let bias = if output < place.outputs { parameters[place.bias(output)] } else { 0.0 };
                let ones =
                    (0..TAPS.len()).filter(|&tap| (plan.roles.ones)(moved(class, plan.stripes.step(tap))));
                if layer > 0 { bias } else { ones.fold(bias, |sum, tap| sum + weight(tap, 0, output)) }
            };
            let row = |pattern: &Pattern<T>, output: usize| {
                let by_class: [f64; 4] = std::array::from_fn(|class| start(class as u8, output));
                Row(pattern.classes.map(|class| T::from_f64(by_class[class as usize])))
            };
            self.start[layer].clear();
            for pattern in &plan.stripes.patterns {
                self.start[layer].extend((0..outputs).map(|output| row(pattern, output)));
            }
        }
    }
}

fn arrange<T: Real>(
    into: &mut Vec<T>,
    inputs: usize,
    outputs: usize,
    weight: impl Fn(usize, usize, usize) -> f64,
) {
    into.clear();
    let size = outputs.min(GROUP);
    for first in (0..outputs).step_by(size) {
        for (tap, input) in (0..TAPS.len()).flat_map(|tap| (0..inputs).map(move |input| (tap, input))) {
            into.extend((first..first + size).map(|output| T::from_f64(weight(tap, input, output))));
        }
    }
}

/// Parameters with which every hidden unit stays on one side of its kink, some on either side, so that differences of high
/// order are as good as they should be; the last layer's times `last`.
#[cfg(test)]
pub fn smooth(mut parameters: Vec<f64>, widths: Widths, last: f64) -> Vec<f64> {
    // A unit's inputs add up to as much as the square root of their number.
    let second = 9.0 * (widths.hidden as f64 / 8.0).sqrt();
    for layer in parameters.chunks_exact_mut(parameter_count(widths)) {
        for (place, (scale, bias)) in
            Place::all(widths).into_iter().zip([(0.15, 4.0), (0.15, second), (last, 0.0)])
        {
            for p in place.range() {
                let sign = if p % 3 == 0 { -1.0 } else { 1.0 };
                let is_bias = bias > 0.0 && p >= place.bias(0);
                layer[p] = if is_bias { sign * bias } else { layer[p] * scale };
            }
        }
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_as_many_as_published_and_spread_as_the_default() {
        let widths = Widths { inputs: 2, hidden: 8, outputs: 3 };
        assert_eq!(parameter_count(widths), 955);
        let initial_parameters = |layer, seed| initial_parameters(widths, layer, seed);
        let all = initial_parameters(3, 7);
        let [first, second, third] = Place::all(widths);
        assert_eq!((first.range(), second.range(), third.range()), (0..152, 152..736, 736..955));
        // Uniform on ±b: every |x| < b, and the mean square is b²/3 within 4 σ, σ² = 4 b⁴/45 n.
        for (place, inputs) in [(first, 2.0), (second, 8.0), (third, 8.0)] {
            let (b2, part) = (1.0 / (9.0 * inputs), &all[place.range()]);
            assert!(part.iter().all(|x| x * x < b2));
            let mean = part.iter().map(|x| x * x).sum::<f64>() / part.len() as f64;
            assert!((mean - b2 / 3.0).abs() < 4.0 * b2 * (4.0 / 45.0 / part.len() as f64).sqrt());
        }
        assert!(all != initial_parameters(4, 7) && all != initial_parameters(3, 8));
        assert_eq!(all, initial_parameters(3, 7));
    }
}
