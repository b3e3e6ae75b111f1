//! The net on a lattice: its channels, and the passes forwards, back and to the gradient of its parameters.

use super::convolution::{Shape, convolve};
use super::plan::Plan;
use super::weight_gradient::WeightSums;
use super::weights::{GROUP, Place, Weights, Widths};
use crate::ModelError;
use gaugelink_lattice::{Field, Lattice, Real};
use std::sync::Arc;

/// The net's channels and their cotangents, shared by the layers of a stack.
pub struct Channels<T> {
    /// The input, but for the ones that [`Weights`] has in its biases.
    pub context: Field<T>,
    hidden: [Field<T>; 2],
    /// The outputs, right at active sites; the rest of a block holds numbers that mean nothing.
    pub outputs: Field<T>,
    /// Cotangents of the outputs: zero but at active sites.
    pub outputs_back: Field<T>,
    hidden_back: [Field<T>; 2],
    /// Cotangents of the input where it is not constant.
    pub context_back: Field<T>,
    sums: WeightSums<T>,
}

impl<T: Real> Channels<T> {
    /// Of a net.
    ///
    /// # Errors
    /// No memory.
    pub fn new(lattice: &Arc<Lattice>, widths: Widths) -> Result<Self, ModelError> {
        let field = |reals| Field::zeroed(lattice, reals);
        let (hidden, padded) = (widths.hidden, widths.padded());
        Ok(Self {
            context: field(widths.inputs)?,
            hidden: [field(hidden)?, field(hidden)?],
            outputs: field(padded)?,
            outputs_back: field(padded)?,
            hidden_back: [field(hidden)?, field(hidden)?],
            context_back: field(4)?,
            sums: WeightSums::new(),
        })
    }

    /// From the context at a rank's own sites to the outputs.
    pub fn evaluate(&mut self, lattice: &Lattice, plan: &Plan<T>, weights: &Weights<T>) {
        let Self { context, hidden: [first, second], outputs, .. } = self;
        context.exchange();
        let Widths { inputs, hidden, .. } = weights.widths;
        let pattern_of = &plan.stripes.pattern_of[..];
        let [w1, w2, w3] = &weights.forward;
        let [s1, s2, s3] = &weights.start;
        let [t1, t2, t3] = &plan.forward;
        convolve::<T, 8>(lattice, t1, w1, context, inputs, Shape::Hidden(s1, pattern_of), first);
        convolve::<T, 8>(lattice, t2, w2, first, hidden, Shape::Hidden(s2, pattern_of), second);
        let shape = Shape::Output(s3, pattern_of);
        if weights.widths.padded() == 4 {
            convolve::<T, 4>(lattice, t3, w3, second, hidden, shape, outputs);
        } else {
            convolve::<T, 8>(lattice, t3, w3, second, hidden, shape, outputs);
        }
    }

    /// From the cotangents of the outputs at a rank's own sites to those of the hidden layers and the context.
    pub fn back(&mut self, lattice: &Lattice, plan: &Plan<T>, weights: &Weights<T>) {
        let Self { hidden: [h1, h2], outputs_back, hidden_back: [b1, b2], context_back, .. } = self;
        outputs_back.exchange();
        let [w1, w2, w3] = &weights.backward;
        let [t1, t2, t3] = &plan.backward;
        let (padded, hidden) = (weights.widths.padded(), weights.widths.hidden);
        convolve::<T, 8>(lattice, t3, w3, outputs_back, padded, Shape::Slope(h2.reader()), b2);
        convolve::<T, 8>(lattice, t2, w2, b2, hidden, Shape::Slope(h1.reader()), b1);
        convolve::<T, 4>(lattice, t1, w1, b1, hidden, Shape::Plain, context_back);
    }

    /// Adds the gradient of the parameters after [`Channels::back`].
    pub fn add_gradient(&mut self, lattice: &Lattice, plan: &Plan<T>, widths: Widths, gradient: &mut [f64]) {
        let Self { context, hidden: [h1, h2], outputs_back, hidden_back: [b1, b2], sums, .. } = self;
        let stripes = &plan.stripes;
        let [t1, t2, t3] = &plan.forward;
        let Widths { inputs, hidden, .. } = widths;
        let [first, second, third] = Place::all(widths);
        for output in (0..widths.padded()).step_by(GROUP) {
            if widths.padded() == 4 {
                sums.sum::<4>(lattice, stripes, t3, (h2, hidden), (outputs_back, output));
            } else {
                sums.sum::<8>(lattice, stripes, t3, (h2, hidden), (outputs_back, output));
            }
            third.add_gradient(output, &sums.weights, &sums.classes, gradient);
        }
        for output in (0..hidden).step_by(GROUP) {
            sums.sum::<8>(lattice, stripes, t2, (h1, hidden), (b2, output));
            second.add_gradient(output, &sums.weights, &sums.classes, gradient);
            sums.sum::<8>(lattice, stripes, t1, (context, inputs), (b1, output));
            first.add_gradient(output, &sums.weights, &sums.classes, gradient);
            first.add_constant_gradient(plan, output, &sums.classes, gradient);
        }
    }
}
