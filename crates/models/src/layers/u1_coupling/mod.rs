//! Coupling layers of U(1) in two dimensions (Kanwar et al., arXiv:2003.06413; Albergo et al., arXiv:2101.08176).
//!
//! Layer number i changes the links θ_mu(x), mu = i mod 2, whose coordinate across, x_nu, is (i div 2) mod 4 modulo 4
//! ([`stripes`]). The angle φ of the plaquette P_01(x) of such a link is sent to φ' by a mixture of non-compact
//! projections ([`mixture`]) whose parameters s_k, t come from a net of three periodic 3×3 convolutions ([`net`]) that
//! sees only plaquettes without active links; then
//!
//! ```text
//! δ = φ' − φ        θ_0(x) ← θ_0(x) + δ  or  θ_1(x) ← θ_1(x) − δ        log det = Σ_active ln dφ'/dφ
//! ```
//!
//! Eight layers touch every link once. Everything is a function of plaquettes, so the layer commutes with gauge
//! transformations. The net does not see them in the inverse either, which is therefore exact up to one root a link.

mod convolution;
mod flops;
mod mixture;
mod net;
mod sites;
mod stripes;
#[cfg(test)]
mod tests;
mod weight_gradient;

pub use flops::CouplingFlops;
pub use mixture::COMPONENTS_MAX;

use crate::{Layer, ModelError, Undo};
use convolution::{Shape, Targets, convolve};
use gaugelink_lattice::number::Row;
use gaugelink_lattice::{Field, GaugeField, Lattice, MomentumField, Real};
use net::{HIDDEN, INPUTS, Place, Weights, initial_parameters, parameter_count};
use sites::{Context, ContextBack, LinksBack, MixtureBack, Turn, TurnLinks};
use std::sync::{Arc, Mutex, MutexGuard};
use stripes::{Stripes, is_frozen, is_near};
use weight_gradient::WeightSums;

/// Most chains of a batch.
const MOST_CHAINS: usize = f32::LANES;

/// One coupling layer, placed on a lattice.
pub struct U1Coupling<T> {
    components: usize,
    plan: Arc<Plan<T>>,
    weights: Weights<T>,
    workspace: Arc<Mutex<Workspace<T>>>,
}

/// Where a layer's net is evaluated, forwards and back.
struct Plan<T> {
    stripes: Stripes<T>,
    active: Vec<u32>,
    frozen: Vec<u32>,
    forward: [Targets; 3],
    backward: [Targets; 3],
}

impl<T: Real> Plan<T> {
    fn new(lattice: &Lattice, index: usize) -> Result<Self, ModelError> {
        let stripes = Stripes::<T>::new(lattice, index)?;
        let everywhere = |_: u8| true;
        let is_active = |class: u8| class == 0;
        let targets = |at: fn(u8) -> bool, reads: fn(u8) -> bool| {
            Targets::new(lattice.layout::<T>(), &stripes.blocks(at), |block, tap| {
                stripes.pattern(block).any(stripes.step(tap), reads)
            })
        };
        let forward =
            [targets(everywhere, is_frozen), targets(is_near, everywhere), targets(is_active, everywhere)];
        let backward =
            [targets(is_frozen, everywhere), targets(everywhere, is_near), targets(is_near, is_active)];
        let (active, frozen) = (stripes.blocks(is_active), stripes.blocks(is_frozen));
        Ok(Self { stripes, active, frozen, forward, backward })
    }
}

/// Temporaries, shared by the layers of a stack.
struct Workspace<T> {
    context: Field<T>,
    hidden: [Field<T>; 2],
    outputs: Field<T>,
    turn: Field<T>,
    context_back: Field<T>,
    hidden_back: [Field<T>; 2],
    outputs_back: Field<T>,
    plaquettes: Field<T>,
    sums: WeightSums<T>,
}

impl<T: Real> Workspace<T> {
    fn new(lattice: &Arc<Lattice>, padded: usize) -> Result<Self, ModelError> {
        let field = |reals| Field::zeroed(lattice, reals);
        Ok(Self {
            context: field(INPUTS)?,
            hidden: [field(HIDDEN)?, field(HIDDEN)?],
            outputs: field(padded)?,
            turn: field(2)?,
            context_back: field(4)?,
            hidden_back: [field(HIDDEN)?, field(HIDDEN)?],
            outputs_back: field(padded)?,
            plaquettes: field(1)?,
            sums: WeightSums::new(),
        })
    }
}

impl<T: Real> U1Coupling<T> {
    /// Layers number 0 to `layers` − 1 of a flow, each with a mixture of `components`.
    ///
    /// # Errors
    /// [`ModelError::Geometry`] unless the lattice has two dimensions and extents that are multiples of 4;
    /// [`ModelError::Parameter`] for no or more than [`COMPONENTS_MAX`] components; no memory.
    pub fn stack(
        lattice: &Arc<Lattice>,
        layers: usize,
        components: usize,
    ) -> Result<Vec<Box<dyn Layer<T, 1>>>, ModelError> {
        if !(1..=COMPONENTS_MAX).contains(&components) {
            return Err(ModelError::Parameter(format!(
                "a mixture of {components} components: give 1 to {COMPONENTS_MAX}"
            )));
        }
        // Masks repeat after eight layers.
        let plans = (0..layers.min(8)).map(|index| Plan::new(lattice, index).map(Arc::new));
        let plans = plans.collect::<Result<Vec<_>, _>>()?;
        let padded = Weights::<T>::new(components).padded;
        let workspace = Arc::new(Mutex::new(Workspace::new(lattice, padded)?));
        let layer = |index: usize| -> Box<dyn Layer<T, 1>> {
            Box::new(Self {
                components,
                plan: plans[index % 8].clone(),
                weights: Weights::new(components),
                workspace: workspace.clone(),
            })
        };
        Ok((0..layers).map(layer).collect())
    }

    /// How many parameters a layer with a mixture of `components` takes: 955 for 2.
    pub fn parameter_count(components: usize) -> usize {
        parameter_count(components)
    }

    /// Parameters of a stack of `layers` to begin a training with: PyTorch's default, each uniform within
    /// ±1/√(inputs × 9) of its convolution. The same seed gives the same numbers.
    pub fn initial_parameters(layers: usize, components: usize, seed: u64) -> Vec<f64> {
        (0..layers).flat_map(|layer| initial_parameters(components, layer, seed)).collect()
    }

    /// The net's outputs at the active sites of `u`, into the workspace.
    fn evaluate<'w>(
        weights: &mut Weights<T>,
        (plan, components): (&Plan<T>, usize),
        workspace: &'w Mutex<Workspace<T>>,
        u: &GaugeField<T, 1>,
        parameters: &[f64],
    ) -> MutexGuard<'w, Workspace<T>> {
        let lattice = u.lattice();
        let (stripes, pattern_of) = (&plan.stripes, &plan.stripes.pattern_of[..]);
        weights.update(stripes, components, parameters);
        let mut guard = workspace.lock().unwrap_or_else(|e| e.into_inner());
        let Workspace { context, hidden: [first, second], outputs, .. } = &mut *guard;
        let kernel = Context { stripes, blocks: &plan.frozen, links: u.links(), context: context.writer() };
        lattice.launch(&kernel, 0..plan.frozen.len());
        context.exchange();
        let [w1, w2, w3] = &weights.forward;
        let [s1, s2, s3] = &weights.start;
        let [t1, t2, t3] = &plan.forward;
        convolve::<T, 8>(lattice, t1, w1, context, INPUTS, Shape::Hidden(s1, pattern_of), first);
        convolve::<T, 8>(lattice, t2, w2, first, HIDDEN, Shape::Hidden(s2, pattern_of), second);
        let shape = Shape::Output(s3, pattern_of);
        if weights.padded == 4 {
            convolve::<T, 4>(lattice, t3, w3, second, HIDDEN, shape, outputs);
        } else {
            convolve::<T, 8>(lattice, t3, w3, second, HIDDEN, shape, outputs);
        }
        guard
    }

    /// Turns the active links; adds to `log_det`. How many roots were not found.
    fn turn(
        &mut self,
        u: &mut GaugeField<T, 1>,
        parameters: &[f64],
        log_det: &mut [f64],
        inverse: bool,
    ) -> f64 {
        let plan = &*self.plan;
        let mut guard =
            Self::evaluate(&mut self.weights, (plan, self.components), &self.workspace, u, parameters);
        let Workspace { outputs, turn, .. } = &mut *guard;
        let (stripes, blocks, lattice) = (&plan.stripes, &plan.active[..], u.lattice().clone());
        let kernel = Turn {
            stripes,
            blocks,
            components: self.components,
            inverse,
            links: u.links(),
            outputs: outputs.reader(),
            turn: turn.writer(),
        };
        let mut sums = [0.0; 2 * MOST_CHAINS];
        let sums = &mut sums[..2 * log_det.len()];
        lattice.reduce(&kernel, 0..blocks.len(), sums);
        let (logs, failures) = sums.split_at(log_det.len());
        log_det.iter_mut().zip(logs).for_each(|(sum, log)| *sum += log);
        let kernel = TurnLinks { stripes, blocks, turn: turn.reader(), links: u.writer() };
        lattice.launch(&kernel, 0..blocks.len());
        u.exchange_components(2 * stripes.mu..2 * stripes.mu + 2);
        failures.iter().sum()
    }

    /// Of a block's rows, those of the active direction.
    fn rows(&self) -> std::ops::Range<usize> {
        let first = 2 * self.plan.stripes.mu * T::LANES;
        first..first + 2 * T::LANES
    }
}

impl<T: Real> Layer<T, 1> for U1Coupling<T> {
    fn parameters(&self) -> usize {
        parameter_count(self.components)
    }

    fn forward(
        &mut self,
        u: &mut GaugeField<T, 1>,
        parameters: &[f64],
        log_det: &mut [f64],
        undo: Option<&mut Undo<T>>,
    ) {
        if let Some(undo) = undo {
            self.plan.active.iter().for_each(|&block| undo.push(&u.block(block as usize)[self.rows()]));
        }
        self.turn(u, parameters, log_det, false);
    }

    fn inverse(
        &mut self,
        u: &mut GaugeField<T, 1>,
        parameters: &[f64],
        log_det: &mut [f64],
    ) -> Result<(), ModelError> {
        match self.turn(u, parameters, log_det, true) {
            0.0 => Ok(()),
            n => Err(ModelError::NotConverged(format!(
                "{n} links of a U(1) coupling layer have no root within rounding: the parameters make the map too \
                 steep for f{}; use f64, or train with a smaller step",
                T::BITS
            ))),
        }
    }

    fn restore(&mut self, u: &mut GaugeField<T, 1>, undo: &mut Undo<T>) {
        let rows = self.rows();
        for &block in self.plan.active.iter().rev() {
            undo.pop(&mut u.block_mut(block as usize)[rows.clone()]);
        }
        let mu = self.plan.stripes.mu;
        u.exchange_components(2 * mu..2 * mu + 2);
    }

    fn vjp(
        &mut self,
        v: &GaugeField<T, 1>,
        parameters: &[f64],
        cotangent: &mut MomentumField<T, 1>,
        weight: &[f64],
        gradient: Option<&mut [f64]>,
    ) {
        let (plan, components) = (&*self.plan, self.components);
        let mut guard = Self::evaluate(&mut self.weights, (plan, components), &self.workspace, v, parameters);
        let workspace = &mut *guard;
        let (stripes, lattice, layout) = (&plan.stripes, v.lattice(), v.layout());
        let kernel = MixtureBack {
            stripes,
            blocks: &plan.active,
            components,
            links: v.links(),
            outputs: workspace.outputs.reader(),
            cotangent: cotangent.reader(),
            weight: Row::by_chain(lattice, |chain| weight[chain]),
            back: workspace.outputs_back.writer(),
            plaquettes: workspace.plaquettes.writer(),
        };
        lattice.launch(&kernel, 0..plan.active.len());
        workspace.outputs_back.exchange();
        self.back_through_net(workspace, lattice);
        if let Some(gradient) = gradient {
            self.add_gradient(workspace, lattice, gradient);
        }
        let kernel = ContextBack {
            stripes,
            context: workspace.context.reader(),
            back: workspace.context_back.reader(),
            plaquettes: workspace.plaquettes.writer(),
        };
        lattice.launch(&kernel, 0..layout.blocks());
        workspace.plaquettes.exchange();
        let kernel = LinksBack { plaquettes: workspace.plaquettes.reader(), cotangent: cotangent.writer() };
        lattice.launch(&kernel, 0..layout.blocks());
    }
}

impl<T: Real> U1Coupling<T> {
    /// From the cotangents of the outputs to those of the hidden layers and the context.
    fn back_through_net(&self, workspace: &mut Workspace<T>, lattice: &Lattice) {
        let Workspace { hidden: [h1, h2], outputs_back, hidden_back: [b1, b2], context_back, .. } = workspace;
        let [w1, w2, w3] = &self.weights.backward;
        let [t1, t2, t3] = &self.plan.backward;
        let padded = self.weights.padded;
        convolve::<T, 8>(lattice, t3, w3, outputs_back, padded, Shape::Slope(h2.reader()), b2);
        convolve::<T, 8>(lattice, t2, w2, b2, HIDDEN, Shape::Slope(h1.reader()), b1);
        convolve::<T, 4>(lattice, t1, w1, b1, HIDDEN, Shape::Plain, context_back);
    }

    fn add_gradient(&self, workspace: &mut Workspace<T>, lattice: &Lattice, gradient: &mut [f64]) {
        let Workspace { context, hidden: [h1, h2], outputs_back, hidden_back: [b1, b2], sums, .. } =
            workspace;
        let stripes = &self.plan.stripes;
        let [t1, t2, t3] = &self.plan.forward;
        let [first, second, third] = Place::all(self.components);
        if self.weights.padded == 4 {
            sums.sum::<4>(lattice, stripes, t3, (h2, HIDDEN), outputs_back);
        } else {
            sums.sum::<8>(lattice, stripes, t3, (h2, HIDDEN), outputs_back);
        }
        third.add_gradient(&sums.weights, &sums.classes, gradient);
        sums.sum::<8>(lattice, stripes, t2, (h1, HIDDEN), b2);
        second.add_gradient(&sums.weights, &sums.classes, gradient);
        sums.sum::<8>(lattice, stripes, t1, (context, INPUTS), b1);
        first.add_gradient(&sums.weights, &sums.classes, gradient);
        first.add_constant_gradient(stripes, &sums.classes, gradient);
    }
}
