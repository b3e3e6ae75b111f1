//! Coupling layers of U(1) in two dimensions (Kanwar et al., arXiv:2003.06413; Albergo et al., arXiv:2101.08176).
//!
//! Layer number i changes the links θ_mu(x), mu = i mod 2, whose coordinate across, x_nu, is (i div 2) mod 4 modulo 4
//! ([`super::conv_net::stripes`]). The angle φ of the plaquette P_01(x) of such a link is sent to φ' by a mixture of non-compact
//! projections ([`mixture`]) or a circular spline ([`spline`]) whose parameters come from a net of three periodic 3×3
//! convolutions ([`super::conv_net`]) that sees only plaquettes without active links; then
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
mod flops;
mod mixture;
mod settings;
pub(super) mod sites;
pub(super) mod spline;
#[cfg(test)]
mod tests;

pub use flops::CouplingFlops;
pub use mixture::COMPONENTS_MAX;
pub use settings::{CircleMap, CouplingContext, CouplingSettings, HIDDEN_WIDTHS, MapName};
pub use spline::BINS_MAX;

use super::conv_net::Begin;
use super::conv_net::passes::Channels;
use super::conv_net::plan::Plan;
use super::conv_net::stripes::{Roles, Stripes};
use super::conv_net::weights::{Weights, initial_parameters, parameter_count};
use crate::{Layer, ModelError, Undo};
use gaugelink_lattice::number::Row;
use gaugelink_lattice::{Field, GaugeField, Lattice, Links, MomentumField, Real};
use sites::{Context, ContextBack, LinksBack, MapBack, Turn};
use std::sync::{Arc, Mutex, MutexGuard};

/// One coupling layer, placed on a lattice.
pub struct U1Coupling<T> {
    settings: CouplingSettings,
    plan: Arc<Plan<T>>,
    weights: Weights<T>,
    workspace: Arc<Mutex<Workspace<T>>>,
}

/// Temporaries, shared by the layers of a stack.
struct Workspace<T> {
    net: Channels<T>,
    turn: Field<T>,
    plaquettes: Field<T>,
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
    ) -> Result<Vec<Box<dyn Layer<T, Links<1>>>>, ModelError> {
        settings.check()?;
        // Masks repeat after eight layers.
        let roles = if has_loops(&settings) { Roles::LOOPS } else { Roles::PLAQUETTES };
        let plan = |index| Ok(Arc::new(Plan::new(lattice, Stripes::new(lattice, index)?, roles)));
        let plans = (0..layers.min(8)).map(plan).collect::<Result<Vec<_>, ModelError>>()?;
        let net = Channels::new(lattice, settings.widths())?;
        let (turn, plaquettes) = (Field::zeroed(lattice, 2)?, Field::zeroed(lattice, 1)?);
        let workspace = Arc::new(Mutex::new(Workspace { net, turn, plaquettes }));
        let layer = |index: usize| -> Box<dyn Layer<T, Links<1>>> {
            Box::new(Self {
                settings,
                plan: plans[index % 8].clone(),
                weights: Weights::new(settings.widths()),
                workspace: workspace.clone(),
            })
        };
        Ok((0..layers).map(layer).collect())
    }

    /// How many parameters a layer takes: 955 for a mixture of two components as published.
    pub fn parameter_count(settings: &CouplingSettings) -> usize {
        parameter_count(settings.widths())
    }

    /// Parameters of a stack of `layers` to begin a training with: PyTorch's default, each uniform within
    /// ±1/√(inputs × 9) of its convolution. The same seed gives the same numbers.
    pub fn initial_parameters(layers: usize, settings: &CouplingSettings, seed: u64) -> Vec<f64> {
        (0..layers).flat_map(|layer| initial_parameters(settings.widths(), layer, seed)).collect()
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
        weights.update(plan, parameters);
        let mut guard = workspace.lock().unwrap_or_else(|e| e.into_inner());
        let net = &mut guard.net;
        let (loops, blocks) = (has_loops(settings), &plan.seen[..]);
        let context = net.context.writer();
        let kernel = Context { stripes: &plan.stripes, blocks, loops, links: u.links(), context };
        lattice.launch(&kernel, 0..blocks.len());
        net.evaluate(lattice, plan, weights);
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
        let Workspace { net, turn, .. } = workspace;
        let (stripes, blocks) = (&self.plan.stripes, &self.plan.active[..]);
        let lattice = u.lattice().clone();
        let kernel = Turn {
            stripes,
            blocks,
            map: self.settings.map,
            inverse,
            links: u.links(),
            outputs: net.outputs.reader(),
            turn: turn.writer(),
        };
        let failures = active::add_log_det(&lattice, &kernel, blocks.len(), log_det);
        active::turn(u, stripes, blocks, turn.reader());
        failures
    }
}

impl<T: Real> Layer<T, Links<1>> for U1Coupling<T> {
    fn parameters(&self) -> usize {
        parameter_count(self.settings.widths())
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
            outputs: workspace.net.outputs.reader(),
            cotangent: cotangent.reader(),
            begin,
            back: workspace.net.outputs_back.writer(),
            plaquettes: workspace.plaquettes.writer(),
        };
        lattice.launch(&kernel, 0..plan.active.len());
        workspace.net.back(lattice, plan, &self.weights);
        if let Some(gradient) = gradient {
            workspace.net.add_gradient(lattice, plan, self.weights.widths, gradient);
        }
        let kernel = ContextBack {
            stripes,
            loops: has_loops(&self.settings),
            context: workspace.net.context.reader(),
            back: workspace.net.context_back.reader(),
            plaquettes: workspace.plaquettes.writer(),
        };
        lattice.launch(&kernel, 0..blocks);
        workspace.plaquettes.exchange();
        let factor = if matches!(begin, Begin::Score) { -1.0 } else { 1.0 };
        let kernel =
            LinksBack { factor, plaquettes: workspace.plaquettes.reader(), cotangent: cotangent.writer() };
        lattice.launch(&kernel, 0..blocks);
    }
}

fn has_loops(settings: &CouplingSettings) -> bool {
    settings.context == CouplingContext::Loops
}
