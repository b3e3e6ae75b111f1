//! Affine coupling layers of a real scalar in two dimensions (real NVP: Dinh et al., arXiv:1605.08803; for φ⁴ theory
//! Albergo, Kanwar and Shanahan, arXiv:1904.12072, with the nets of Albergo et al., arXiv:2101.08176, section III B).
//!
//! Layer number i changes φ at the even sites where i is even, at the odd ones where it is odd:
//!
//! ```text
//! φ'(x) = e^{s(x)} φ(x) + t(x)        log det = Σ_active s(x)        (s, t) = tanh of the net
//! ```
//!
//! The net, three periodic 3×3 convolutions ([`super::conv_net`]), sees φ at frozen sites and 0 elsewhere. It sees the same in
//! the inverse, φ = (φ' − t) e^{−s}, which is therefore exact.

use super::conv_net::Begin;
use super::conv_net::passes::Channels;
use super::conv_net::plan::Plan;
use super::conv_net::stripes::{Pattern, Roles, Stripes};
use super::conv_net::weights::{Weights, Widths, initial_parameters, parameter_count};
use super::u1_coupling::HIDDEN_WIDTHS;
use crate::{Layer, ModelError, Undo};
use gaugelink_lattice::number::{Row, exp};
use gaugelink_lattice::{
    FieldReader, FieldWriter, Kernel, Lanes, Lattice, Real, ScalarField, Scalars, Tally,
};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

/// An affine coupling layer's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AffineSettings {
    /// Channels of the net's hidden layers, one of [`HIDDEN_WIDTHS`].
    #[serde(default = "usual_hidden", skip_serializing_if = "is_usual_hidden")]
    pub hidden: usize,
}

fn usual_hidden() -> usize {
    HIDDEN_WIDTHS[0]
}

fn is_usual_hidden(hidden: &usize) -> bool {
    *hidden == usual_hidden()
}

impl Default for AffineSettings {
    /// Those of the literature: hidden layers of 8 channels.
    fn default() -> Self {
        Self { hidden: usual_hidden() }
    }
}

impl AffineSettings {
    fn widths(&self) -> Widths {
        Widths { inputs: 1, hidden: self.hidden, outputs: 2 }
    }

    /// # Errors
    /// [`ModelError::Parameter`] for what no layer can have.
    pub fn check(&self) -> Result<(), ModelError> {
        if HIDDEN_WIDTHS.contains(&self.hidden) {
            return Ok(());
        }
        let hidden = self.hidden;
        Err(ModelError::Parameter(format!("{hidden} hidden channels: give one of {HIDDEN_WIDTHS:?}")))
    }
}

/// One coupling layer, placed on a lattice.
pub struct AffineCoupling<T> {
    plan: Arc<Plan<T>>,
    weights: Weights<T>,
    /// The net's channels, shared by the layers of a stack.
    net: Arc<Mutex<Channels<T>>>,
}

impl<T: Real> AffineCoupling<T> {
    /// Layers number 0 to `layers` − 1 of a flow.
    ///
    /// # Errors
    /// [`ModelError::Geometry`] unless the lattice has two dimensions and even extents; those of
    /// [`AffineSettings::check`]; no memory.
    pub fn stack(
        lattice: &Arc<Lattice>,
        layers: usize,
        settings: AffineSettings,
    ) -> Result<Vec<Box<dyn Layer<T, Scalars>>>, ModelError> {
        settings.check()?;
        let plan = |index| {
            let sites = Stripes::checkerboard(lattice, index)?;
            Ok(Arc::new(Plan::new(lattice, sites, Roles::CHECKERBOARD)))
        };
        let plans = (0..layers.min(2)).map(plan).collect::<Result<Vec<_>, ModelError>>()?;
        let net = Arc::new(Mutex::new(Channels::new(lattice, settings.widths())?));
        let layer = |index: usize| -> Box<dyn Layer<T, Scalars>> {
            Box::new(Self {
                plan: plans[index % 2].clone(),
                weights: Weights::new(settings.widths()),
                net: net.clone(),
            })
        };
        Ok((0..layers).map(layer).collect())
    }

    /// How many parameters a layer takes: 810 as published.
    pub fn parameter_count(settings: &AffineSettings) -> usize {
        parameter_count(settings.widths())
    }

    /// Parameters of a stack of `layers` to begin a training with: PyTorch's default, each uniform within
    /// ±1/√(inputs × 9) of its convolution. The same seed gives the same numbers.
    pub fn initial_parameters(layers: usize, settings: &AffineSettings, seed: u64) -> Vec<f64> {
        (0..layers).flat_map(|layer| initial_parameters(settings.widths(), layer, seed)).collect()
    }

    /// The net's outputs at the active sites.
    fn evaluate<'n>(
        weights: &mut Weights<T>,
        plan: &Plan<T>,
        net: &'n Mutex<Channels<T>>,
        phi: &ScalarField<T>,
        parameters: &[f64],
    ) -> MutexGuard<'n, Channels<T>> {
        let lattice = phi.lattice();
        weights.update(plan, parameters);
        let mut net = net.lock().unwrap_or_else(|e| e.into_inner());
        let kernel = Context { plan, phi: phi.reader(), context: net.context.writer() };
        lattice.launch(&kernel, 0..plan.seen.len());
        net.evaluate(lattice, plan, weights);
        net
    }

    /// Moves φ at active sites by the net's outputs; adds to `log_det`.
    fn move_sites(&self, net: &Channels<T>, phi: &mut ScalarField<T>, log_det: &mut [f64], inverse: bool) {
        let (plan, lattice) = (&*self.plan, phi.lattice().clone());
        let mut sums = vec![0.0; log_det.len()];
        let kernel = Move { plan, inverse, outputs: net.outputs.reader(), phi: phi.writer() };
        lattice.reduce(&kernel, 0..plan.active.len(), &mut sums);
        log_det.iter_mut().zip(sums).for_each(|(log_det, sum)| *log_det += sum);
        phi.exchange();
    }

    /// Puts φ at active sites onto `undo`, if given.
    fn keep(&self, phi: &ScalarField<T>, undo: Option<&mut Undo<T>>) {
        if let Some(undo) = undo {
            self.plan.active.iter().for_each(|&block| undo.push(phi.block(block as usize)));
        }
    }

    /// From cotangents behind the layer to those before it; or, with the same derivatives, from the score before the layer
    /// to that behind it: J^T g' + ∂ log det = g. The net is evaluated.
    fn back(
        &self,
        net: &mut Channels<T>,
        phi: &ScalarField<T>,
        cotangent: &mut ScalarField<T>,
        begin: Begin<T>,
        gradient: Option<&mut [f64]>,
    ) {
        let (plan, lattice) = (&*self.plan, phi.lattice());
        let kernel = MoveBack {
            plan,
            phi: phi.reader(),
            outputs: net.outputs.reader(),
            begin,
            cotangent: cotangent.writer(),
            back: net.outputs_back.writer(),
        };
        lattice.launch(&kernel, 0..plan.active.len());
        net.back(lattice, plan, &self.weights);
        if let Some(gradient) = gradient {
            net.add_gradient(lattice, plan, self.weights.widths, gradient);
        }
        let factor = if matches!(begin, Begin::Score) { -1.0 } else { 1.0 };
        let back = net.context_back.reader();
        let kernel = FrozenBack { plan, factor, back, cotangent: cotangent.writer() };
        lattice.launch(&kernel, 0..plan.seen.len());
    }
}

impl<T: Real> Layer<T, Scalars> for AffineCoupling<T> {
    fn parameters(&self) -> usize {
        parameter_count(self.weights.widths)
    }

    fn forward(
        &mut self,
        phi: &mut ScalarField<T>,
        parameters: &[f64],
        log_det: &mut [f64],
        undo: Option<&mut Undo<T>>,
    ) {
        self.keep(phi, undo);
        let net = Self::evaluate(&mut self.weights, &self.plan, &self.net, phi, parameters);
        self.move_sites(&net, phi, log_det, false);
    }

    fn forward_with_score(
        &mut self,
        phi: &mut ScalarField<T>,
        parameters: &[f64],
        log_det: &mut [f64],
        score: &mut ScalarField<T>,
        undo: Option<&mut Undo<T>>,
    ) -> Result<(), ModelError> {
        self.keep(phi, undo);
        let mut net = Self::evaluate(&mut self.weights, &self.plan, &self.net, phi, parameters);
        self.back(&mut net, phi, score, Begin::Score, None);
        self.move_sites(&net, phi, log_det, false);
        Ok(())
    }

    fn inverse(
        &mut self,
        phi: &mut ScalarField<T>,
        parameters: &[f64],
        log_det: &mut [f64],
    ) -> Result<(), ModelError> {
        let net = Self::evaluate(&mut self.weights, &self.plan, &self.net, phi, parameters);
        self.move_sites(&net, phi, log_det, true);
        Ok(())
    }

    fn restore(&mut self, phi: &mut ScalarField<T>, undo: &mut Undo<T>) {
        self.plan.active.iter().rev().for_each(|&block| undo.pop(phi.block_mut(block as usize)));
        phi.exchange();
    }

    fn vjp(
        &mut self,
        phi: &ScalarField<T>,
        parameters: &[f64],
        cotangent: &mut ScalarField<T>,
        weight: &[f64],
        gradient: Option<&mut [f64]>,
    ) {
        let mut net = Self::evaluate(&mut self.weights, &self.plan, &self.net, phi, parameters);
        let weight = Row::by_chain(phi.lattice(), |chain| weight[chain]);
        self.back(&mut net, phi, cotangent, Begin::Cotangent(weight), gradient);
    }
}

/// tanh x: (e^{2x} − 1)/(e^{2x} + 1), of the exponential that cannot overflow.
#[inline(always)]
fn tanh<V: Lanes>(x: V) -> V {
    let (one, square) = (V::splat(1.0), exp(x + x));
    (square - one).div(square + one)
}

/// s and t at a block's active sites.
#[inline(always)]
fn scale_and_shift<V: Lanes>(outputs: &FieldReader<'_, V::Scalar>, block: usize) -> (V, V) {
    (tanh(outputs.load(block, 0)), tanh(outputs.load(block, 1)))
}

/// The classes of a block's lanes.
#[inline(always)]
fn pattern<T: Real>(plan: &Plan<T>, block: usize) -> &Pattern<T> {
    plan.stripes.pattern(block)
}

/// φ at frozen sites, 0 in other lanes.
struct Context<'a, T> {
    plan: &'a Plan<T>,
    phi: FieldReader<'a, T>,
    context: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for Context<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Context);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for &block in &self.plan.seen[range] {
            let block = block as usize;
            let frozen = V::splat(0.5).lt(pattern(self.plan, block).frozen.to_lanes());
            let phi = V::select(frozen, self.phi.load(block, 0), V::splat(0.0));
            // SAFETY: a block is written by one thread.
            unsafe { self.context.store(block, 0, phi) }
        }
    }
}

/// φ at active sites by the map, or by its inverse. Sum: the log det.
struct Move<'a, T> {
    plan: &'a Plan<T>,
    inverse: bool,
    outputs: FieldReader<'a, T>,
    phi: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for Move<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Move);
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for &block in &self.plan.active[range] {
            let block = block as usize;
            let active = V::splat(0.5).lt(pattern(self.plan, block).members[0].to_lanes());
            let (s, t) = scale_and_shift::<V>(&self.outputs, block);
            // SAFETY: a block of φ is read and written by one thread.
            let old: V = unsafe { self.phi.reader() }.load(block, 0);
            let (new, log) =
                if self.inverse { ((old - t) * exp(-s), -s) } else { (old.mul_add(exp(s), t), s) };
            tally.add(0, V::select(active, log, V::splat(0.0)));
            // SAFETY: as above.
            unsafe { self.phi.store(block, 0, V::select(active, new, old)) }
        }
    }
}

/// From the cotangents of φ' and the log det to those of the net's outputs and of φ at active sites.
struct MoveBack<'a, T> {
    plan: &'a Plan<T>,
    phi: FieldReader<'a, T>,
    outputs: FieldReader<'a, T>,
    begin: Begin<T>,
    cotangent: FieldWriter<'a, T>,
    back: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for MoveBack<'_, T> {
    gaugelink_lattice::compiled!(scalar T: MoveBack);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (zero, one) = (V::splat(0.0), V::splat(1.0));
        for &block in &self.plan.active[range] {
            let block = block as usize;
            let active = V::splat(0.5).lt(pattern(self.plan, block).members[0].to_lanes());
            let (s, t) = scale_and_shift::<V>(&self.outputs, block);
            // SAFETY: a block of cotangents is read and written by one thread.
            let old: V = unsafe { self.cotangent.reader() }.load(block, 0);
            let scale = exp(s);
            // s does not depend on φ(x) itself, so its score is divided by the slope of the map alone.
            let (of_image, by_log, new) = match self.begin {
                Begin::Cotangent(weight) => (old, weight.to_lanes(), old * scale),
                Begin::Score => {
                    let score = old.div(scale);
                    (score, one, score)
                }
            };
            let by_scale = (of_image * scale).mul_add(self.phi.load(block, 0), by_log);
            let (of_scale, of_shift) = (by_scale * s.neg_mul_add(s, one), of_image * t.neg_mul_add(t, one));
            // SAFETY: as above; outputs likewise.
            unsafe {
                self.back.store(block, 0, V::select(active, of_scale, zero));
                self.back.store(block, 1, V::select(active, of_shift, zero));
                self.cotangent.store(block, 0, V::select(active, new, old));
            }
        }
    }
}

/// Adds the cotangents of the net's input, `factor` times, to those of φ at frozen sites.
struct FrozenBack<'a, T> {
    plan: &'a Plan<T>,
    /// 1 or −1.
    factor: f64,
    back: FieldReader<'a, T>,
    cotangent: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for FrozenBack<'_, T> {
    gaugelink_lattice::compiled!(scalar T: FrozenBack);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let factor = V::splat(self.factor);
        for &block in &self.plan.seen[range] {
            let block = block as usize;
            let frozen = V::splat(0.5).lt(pattern(self.plan, block).frozen.to_lanes());
            // SAFETY: a block of cotangents is read and written by one thread.
            let old: V = unsafe { self.cotangent.reader() }.load(block, 0);
            let new = self.back.load::<V>(block, 0).mul_add(factor, old);
            // SAFETY: as above.
            unsafe { self.cotangent.store(block, 0, V::select(frozen, new, old)) }
        }
    }
}

#[cfg(test)]
mod tests;
