//! Coupling layers of U(1) in two dimensions (Kanwar et al., arXiv:2003.06413; Albergo et al., arXiv:2101.08176).
//!
//! Layer number i changes the links θ_mu(x), mu = i mod 2, whose coordinate across, x_nu, is (i div 2) mod 4 modulo 4
//! ([`stripes`]). The angle φ of the plaquette P_01(x) of such a link is sent to φ' by a mixture of non-compact
//! projections ([`mixture`]) or a circular spline ([`spline`]) whose parameters come from a net of three periodic 3×3
//! convolutions ([`net`]) that sees only plaquettes without active links; then
//!
//! ```text
//! δ = φ' − φ        θ_0(x) ← θ_0(x) + δ  or  θ_1(x) ← θ_1(x) − δ        log det = Σ_active ln dφ'/dφ
//! ```
//!
//! Eight layers touch every link once. Everything is a function of plaquettes, so the layer commutes with gauge
//! transformations. The net does not see them in the inverse either, which is therefore exact up to one root a link.
//!
//! The distribution of φ with all other links fixed, exp(β cos φ + β cos(s − φ)), depends on the sum s of the two plaquettes
//! through the link. Their product is a 2×1 loop that does not contain it, and can be shown to the net, too (Albergo et al.,
//! arXiv:2202.11712).

pub(super) mod active;
pub(super) mod convolution;
mod flops;
mod mixture;
mod net;
mod plan;
mod settings;
pub(super) mod sites;
pub(super) mod spline;
pub(super) mod stripes;
#[cfg(test)]
mod tests;
pub(super) mod weight_gradient;

pub use flops::CouplingFlops;
pub use mixture::COMPONENTS_MAX;
pub use settings::{CircleMap, CouplingContext, CouplingSettings, HIDDEN_WIDTHS, MapName};
pub use spline::BINS_MAX;

use crate::{Layer, ModelError, Undo};
use convolution::{Shape, convolve};
use gaugelink_lattice::number::Row;
use gaugelink_lattice::{GaugeField, Lattice, MomentumField, Real};
use net::{GROUP, Place, Weights, initial_parameters, parameter_count};
use plan::{Plan, Workspace};
use sites::{Begin, Context, ContextBack, LinksBack, MapBack, Turn};
use std::sync::{Arc, Mutex, MutexGuard};

/// One coupling layer, placed on a lattice.
pub struct U1Coupling<T> {
    settings: CouplingSettings,
    plan: Arc<Plan<T>>,
    weights: Weights<T>,
    workspace: Arc<Mutex<Workspace<T>>>,
}

impl<T: Real> U1Coupling<T> {
    /// Layers number 0 to `layers` − 1 of a flow.
    ///
    /// # Errors
    /// [`ModelError::Geometry`] unless the lattice has two dimensions and extents that are multiples of 4; those of
    /// [`CouplingSettings::check`]; no memory.
    pub fn stack(
        lattice: &Arc<Lattice>,
        layers: usize,
        settings: CouplingSettings,
    ) -> Result<Vec<Box<dyn Layer<T, 1>>>, ModelError> {
        settings.check()?;
        // Masks repeat after eight layers.
        let plan = |index| Plan::new(lattice, index, settings.context).map(Arc::new);
        let plans = (0..layers.min(8)).map(plan).collect::<Result<Vec<_>, _>>()?;
        let workspace = Arc::new(Mutex::new(Workspace::new(lattice, &settings)?));
        let layer = |index: usize| -> Box<dyn Layer<T, 1>> {
            Box::new(Self {
                settings,
                plan: plans[index % 8].clone(),
                weights: Weights::new(&settings),
                workspace: workspace.clone(),
            })
        };
        Ok((0..layers).map(layer).collect())
    }

    /// How many parameters a layer takes: 955 for a mixture of two components as published.
    pub fn parameter_count(settings: &CouplingSettings) -> usize {
        parameter_count(settings)
    }

    /// Parameters of a stack of `layers` to begin a training with: PyTorch's default, each uniform within
    /// ±1/√(inputs × 9) of its convolution. The same seed gives the same numbers.
    pub fn initial_parameters(layers: usize, settings: &CouplingSettings, seed: u64) -> Vec<f64> {
        (0..layers).flat_map(|layer| initial_parameters(settings, layer, seed)).collect()
    }

    /// The net's outputs at the active sites of `u`, into the workspace.
    fn evaluate<'w>(
        weights: &mut Weights<T>,
        (plan, settings): (&Plan<T>, &CouplingSettings),
        workspace: &'w Mutex<Workspace<T>>,
        u: &GaugeField<T, 1>,
        parameters: &[f64],
    ) -> MutexGuard<'w, Workspace<T>> {
        let lattice = u.lattice();
        let (stripes, pattern_of) = (&plan.stripes, &plan.stripes.pattern_of[..]);
        weights.update(stripes, settings, parameters);
        let mut guard = workspace.lock().unwrap_or_else(|e| e.into_inner());
        let Workspace { context, hidden: [first, second], outputs, .. } = &mut *guard;
        let (loops, blocks) = (has_loops(settings), &plan.seen[..]);
        let kernel = Context { stripes, blocks, loops, links: u.links(), context: context.writer() };
        lattice.launch(&kernel, 0..blocks.len());
        context.exchange();
        let (channels, hidden) = (settings.context.channels(), settings.hidden);
        let [w1, w2, w3] = &weights.forward;
        let [s1, s2, s3] = &weights.start;
        let [t1, t2, t3] = &plan.forward;
        convolve::<T, 8>(lattice, t1, w1, context, channels, Shape::Hidden(s1, pattern_of), first);
        convolve::<T, 8>(lattice, t2, w2, first, hidden, Shape::Hidden(s2, pattern_of), second);
        let shape = Shape::Output(s3, pattern_of);
        if weights.padded == 4 {
            convolve::<T, 4>(lattice, t3, w3, second, hidden, shape, outputs);
        } else {
            convolve::<T, 8>(lattice, t3, w3, second, hidden, shape, outputs);
        }
        guard
    }

    /// Evaluates the net and turns the active links; adds to `log_det`. How many roots were not found.
    fn turn(
        &mut self,
        u: &mut GaugeField<T, 1>,
        parameters: &[f64],
        log_det: &mut [f64],
        inverse: bool,
    ) -> f64 {
        let at = (&*self.plan, &self.settings);
        let mut guard = Self::evaluate(&mut self.weights, at, &self.workspace, u, parameters);
        self.turn_links(&mut guard, u, log_det, inverse)
    }

    /// Turns the active links by the net's outputs.
    fn turn_links(
        &self,
        workspace: &mut Workspace<T>,
        u: &mut GaugeField<T, 1>,
        log_det: &mut [f64],
        inverse: bool,
    ) -> f64 {
        let Workspace { outputs, turn, .. } = workspace;
        let (stripes, blocks) = (&self.plan.stripes, &self.plan.active[..]);
        let lattice = u.lattice().clone();
        let kernel = Turn {
            stripes,
            blocks,
            map: self.settings.map,
            inverse,
            links: u.links(),
            outputs: outputs.reader(),
            turn: turn.writer(),
        };
        let failures = active::add_log_det(&lattice, &kernel, blocks.len(), log_det);
        active::turn(u, stripes, blocks, turn.reader());
        failures
    }
}

impl<T: Real> Layer<T, 1> for U1Coupling<T> {
    fn parameters(&self) -> usize {
        parameter_count(&self.settings)
    }

    fn forward(
        &mut self,
        u: &mut GaugeField<T, 1>,
        parameters: &[f64],
        log_det: &mut [f64],
        undo: Option<&mut Undo<T>>,
    ) {
        active::keep(u, self.plan.stripes.mu, &self.plan.active, undo);
        self.turn(u, parameters, log_det, false);
    }

    fn forward_with_score(
        &mut self,
        u: &mut GaugeField<T, 1>,
        parameters: &[f64],
        log_det: &mut [f64],
        score: &mut MomentumField<T, 1>,
        undo: Option<&mut Undo<T>>,
    ) -> Result<(), ModelError> {
        active::keep(u, self.plan.stripes.mu, &self.plan.active, undo);
        let at = (&*self.plan, &self.settings);
        let mut guard = Self::evaluate(&mut self.weights, at, &self.workspace, u, parameters);
        self.back(&mut guard, u, score, Begin::Score, None);
        self.turn_links(&mut guard, u, log_det, false);
        Ok(())
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
        active::restore(u, self.plan.stripes.mu, &self.plan.active, undo);
    }

    fn vjp(
        &mut self,
        v: &GaugeField<T, 1>,
        parameters: &[f64],
        cotangent: &mut MomentumField<T, 1>,
        weight: &[f64],
        gradient: Option<&mut [f64]>,
    ) {
        let at = (&*self.plan, &self.settings);
        let mut guard = Self::evaluate(&mut self.weights, at, &self.workspace, v, parameters);
        let weight = Row::by_chain(v.lattice(), |chain| weight[chain]);
        self.back(&mut guard, v, cotangent, Begin::Cotangent(weight), gradient);
    }
}

impl<T: Real> U1Coupling<T> {
    /// From cotangents behind the layer to those before it; or, with the same derivatives, from the score before the layer
    /// to that behind it: J^T g' + ∂ log det = g. The net is evaluated.
    fn back(
        &self,
        workspace: &mut Workspace<T>,
        v: &GaugeField<T, 1>,
        cotangent: &mut MomentumField<T, 1>,
        begin: Begin<T>,
        gradient: Option<&mut [f64]>,
    ) {
        let (plan, stripes) = (&*self.plan, &self.plan.stripes);
        let (lattice, blocks) = (v.lattice(), v.layout().blocks());
        let kernel = MapBack {
            stripes,
            blocks: &plan.active,
            map: self.settings.map,
            links: v.links(),
            outputs: workspace.outputs.reader(),
            cotangent: cotangent.reader(),
            begin,
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
            loops: has_loops(&self.settings),
            context: workspace.context.reader(),
            back: workspace.context_back.reader(),
            plaquettes: workspace.plaquettes.writer(),
        };
        lattice.launch(&kernel, 0..blocks);
        workspace.plaquettes.exchange();
        let factor = if matches!(begin, Begin::Score) { -1.0 } else { 1.0 };
        let kernel =
            LinksBack { factor, plaquettes: workspace.plaquettes.reader(), cotangent: cotangent.writer() };
        lattice.launch(&kernel, 0..blocks);
    }

    /// From the cotangents of the outputs to those of the hidden layers and the context.
    fn back_through_net(&self, workspace: &mut Workspace<T>, lattice: &Lattice) {
        let Workspace { hidden: [h1, h2], outputs_back, hidden_back: [b1, b2], context_back, .. } = workspace;
        let [w1, w2, w3] = &self.weights.backward;
        let [t1, t2, t3] = &self.plan.backward;
        let (padded, hidden) = (self.weights.padded, self.settings.hidden);
        convolve::<T, 8>(lattice, t3, w3, outputs_back, padded, Shape::Slope(h2.reader()), b2);
        convolve::<T, 8>(lattice, t2, w2, b2, hidden, Shape::Slope(h1.reader()), b1);
        convolve::<T, 4>(lattice, t1, w1, b1, hidden, Shape::Plain, context_back);
    }

    fn add_gradient(&self, workspace: &mut Workspace<T>, lattice: &Lattice, gradient: &mut [f64]) {
        let Workspace { context, hidden: [h1, h2], outputs_back, hidden_back: [b1, b2], sums, .. } =
            workspace;
        let stripes = &self.plan.stripes;
        let [t1, t2, t3] = &self.plan.forward;
        let (channels, hidden) = (self.settings.context.channels(), self.settings.hidden);
        let [first, second, third] = Place::all(&self.settings);
        for output in (0..self.weights.padded).step_by(GROUP) {
            if self.weights.padded == 4 {
                sums.sum::<4>(lattice, stripes, t3, (h2, hidden), (outputs_back, output));
            } else {
                sums.sum::<8>(lattice, stripes, t3, (h2, hidden), (outputs_back, output));
            }
            third.add_gradient(output, &sums.weights, &sums.classes, gradient);
        }
        for output in (0..hidden).step_by(GROUP) {
            sums.sum::<8>(lattice, stripes, t2, (h1, hidden), (b2, output));
            second.add_gradient(output, &sums.weights, &sums.classes, gradient);
            sums.sum::<8>(lattice, stripes, t1, (context, channels), (b1, output));
            first.add_gradient(output, &sums.weights, &sums.classes, gradient);
            first.add_constant_gradient(stripes, output, &sums.classes, gradient);
        }
    }
}

fn has_loops(settings: &CouplingSettings) -> bool {
    settings.context == CouplingContext::Loops
}
