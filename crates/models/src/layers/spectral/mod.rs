//! Spectral coupling layers of SU(2) and SU(3) in two dimensions (Boyda et al., arXiv:2008.05456).
//!
//! Active links are those of a coupling layer of U(1) (`u1_coupling/stripes.rs`). With the active plaquette as a loop W that
//! begins with the active link U, and a kernel h that commutes with conjugation,
//!
//! ```text
//! U′ = h(W) W† U        W = V diag(e^{iθ}) V†        h(W) = V diag(e^{iθ′}) V†
//! log det = Σ_active [ln |∂θ′/∂θ| + ln Π_{i<j} sin²((θ′_i − θ′_j)/2)/sin²((θ_i − θ_j)/2)]
//! ```
//!
//! θ′(θ) takes the canonical cell of eigenvalues ([`cell`]) to itself, one spline with fixed ends a coordinate ([`interval`]),
//! whose numbers come from a net of three periodic 3×3 convolutions that sees tr P/N of plaquettes without active links, and at
//! active sites that of the 2×1 loop around the active link, which does not contain it. The net does not see active links in
//! the inverse either, which is therefore exact: the root of a quadratic for each coordinate. Eight layers move every link once.
//!
//! For N = 3 the map is continuous but has kinks where two eigenvalues agree: reflected there, θ′ need not be even. Where all
//! three agree the log det still depends on the direction, and its derivatives grow with the inverse of the distance.

mod cell;
mod eigen;
mod interval;
mod map;
mod settings;
mod sites;
#[cfg(test)]
mod tests;

pub use settings::SpectralSettings;

use super::conv_net::Begin;
use super::conv_net::passes::Channels;
use super::conv_net::plan::Plan;
use super::conv_net::stripes::{Roles, Stripes};
use super::conv_net::weights::{Weights, initial_parameters, parameter_count};
use super::u1_coupling::active;
use crate::{Layer, ModelError, Undo};
use gaugelink_lattice::group::algebra_dim;
use gaugelink_lattice::number::Row;
use gaugelink_lattice::{Field, GaugeField, Lattice, Links, MomentumField, Real};
use sites::{Context, Gather, LoopsBack, MapBack, Replace, Spread, Turn};
use std::sync::{Arc, Mutex, MutexGuard};

/// One spectral layer, placed on a lattice.
pub struct Spectral<T, const N: usize> {
    settings: SpectralSettings,
    plan: Arc<Plan<T>>,
    weights: Weights<T>,
    workspace: Arc<Mutex<Workspace<T>>>,
}

/// Temporaries, shared by the layers of a stack.
struct Workspace<T> {
    net: Channels<T>,
    /// A link a site.
    turned: Field<T>,
    /// Cotangents of plaquettes: of that at x, and at active sites of that at x − nu and of the link between the two.
    plaquettes: Field<T>,
    /// Cotangents of U_0(x+1) and U_1(x+0).
    ahead: Field<T>,
}

impl<T: Real, const N: usize> Spectral<T, N> {
    /// Layers number 0 to `layers` − 1 of a flow.
    ///
    /// # Errors
    /// [`ModelError::Geometry`] unless the lattice has two dimensions and extents that are multiples of 4; those of
    /// [`SpectralSettings::check`]; no memory.
    pub fn stack(
        lattice: &Arc<Lattice>,
        layers: usize,
        settings: SpectralSettings,
    ) -> Result<Vec<Box<dyn Layer<T, Links<N>>>>, ModelError> {
        settings.check::<N>()?;
        // Masks repeat after eight layers.
        let plan = |index| Ok(Arc::new(Plan::new(lattice, Stripes::new(lattice, index)?, Roles::LOOPS)));
        let plans = (0..layers.min(8)).map(plan).collect::<Result<Vec<_>, ModelError>>()?;
        let field = |reals| Field::zeroed(lattice, reals);
        let dim = algebra_dim(N);
        let workspace = Workspace {
            net: Channels::new(lattice, settings.widths::<N>())?,
            turned: field(GaugeField::<T, N>::LINK)?,
            plaquettes: field(3 * dim)?,
            ahead: field(2 * dim)?,
        };
        let workspace = Arc::new(Mutex::new(workspace));
        let layer = |index: usize| -> Box<dyn Layer<T, Links<N>>> {
            Box::new(Self {
                settings,
                plan: plans[index % 8].clone(),
                weights: Weights::new(settings.widths::<N>()),
                workspace: workspace.clone(),
            })
        };
        Ok((0..layers).map(layer).collect())
    }

    /// How many parameters a layer takes.
    pub fn parameter_count(settings: &SpectralSettings) -> usize {
        parameter_count(settings.widths::<N>())
    }

    /// Parameters of a stack of `layers` to begin a training with: PyTorch's default, each uniform within
    /// ±1/√(inputs × 9) of its convolution. The same seed gives the same numbers.
    pub fn initial_parameters(layers: usize, settings: &SpectralSettings, seed: u64) -> Vec<f64> {
        (0..layers).flat_map(|layer| initial_parameters(settings.widths::<N>(), layer, seed)).collect()
    }

    /// The net's outputs at the active sites of `u`, into the workspace.
    fn evaluate<'w>(
        weights: &mut Weights<T>,
        plan: &Plan<T>,
        workspace: &'w Mutex<Workspace<T>>,
        u: &GaugeField<T, N>,
        parameters: &[f64],
    ) -> MutexGuard<'w, Workspace<T>> {
        let lattice = u.lattice();
        weights.update(plan, parameters);
        let mut guard = workspace.lock().unwrap_or_else(|e| e.into_inner());
        let net = &mut guard.net;
        let (blocks, context) = (&plan.seen[..], net.context.writer());
        let kernel = Context { stripes: &plan.stripes, blocks, links: u.links(), context };
        lattice.launch(&kernel, 0..blocks.len());
        net.evaluate(lattice, plan, weights);
        guard
    }

    /// Evaluates the net and moves the active links; adds to `log_det`. In how many lanes there is no image.
    fn turn(
        &mut self,
        u: &mut GaugeField<T, N>,
        parameters: &[f64],
        log_det: &mut [f64],
        inverse: bool,
    ) -> f64 {
        let mut guard = Self::evaluate(&mut self.weights, &self.plan, &self.workspace, u, parameters);
        self.turn_links(&mut guard, u, log_det, inverse)
    }

    /// Moves the active links by the net's outputs.
    fn turn_links(
        &self,
        workspace: &mut Workspace<T>,
        u: &mut GaugeField<T, N>,
        log_det: &mut [f64],
        inverse: bool,
    ) -> f64 {
        let Workspace { net, turned, .. } = workspace;
        let (stripes, blocks) = (&self.plan.stripes, &self.plan.active[..]);
        let lattice = u.lattice().clone();
        let kernel = Turn {
            stripes,
            blocks,
            bins: self.settings.bins,
            inverse,
            links: u.links(),
            outputs: net.outputs.reader(),
            turned: turned.writer(),
        };
        let failures = active::add_log_det(&lattice, &kernel, blocks.len(), log_det);
        let mu = stripes.mu;
        let kernel = Replace::<T, N> { mu, blocks, turned: turned.reader(), links: u.writer() };
        lattice.launch(&kernel, 0..blocks.len());
        u.exchange_components(active::components::<N>(mu));
        failures
    }

    /// From cotangents behind the layer to those before it; or, with the same derivatives, from the score before the layer
    /// to that behind it: J^T g' + ∂ log det = g. The net is evaluated.
    fn back(
        &self,
        workspace: &mut Workspace<T>,
        v: &GaugeField<T, N>,
        cotangent: &mut MomentumField<T, N>,
        begin: Begin<T>,
        gradient: Option<&mut [f64]>,
    ) {
        let (plan, stripes) = (&*self.plan, &self.plan.stripes);
        let (lattice, all) = (v.lattice(), v.layout().blocks());
        let blocks = &plan.active[..];
        let Workspace { net, plaquettes, ahead, .. } = workspace;
        let kernel = MapBack {
            stripes,
            blocks,
            bins: self.settings.bins,
            links: v.links(),
            outputs: net.outputs.reader(),
            cotangent: cotangent.writer(),
            begin,
            back: net.outputs_back.writer(),
            plaquettes: plaquettes.writer(),
        };
        lattice.launch(&kernel, 0..blocks.len());
        net.back(lattice, plan, &self.weights);
        if let Some(gradient) = gradient {
            net.add_gradient(lattice, plan, self.weights.widths, gradient);
        }
        let (links, back) = (v.links(), net.context_back.reader());
        let kernel = LoopsBack { stripes, blocks, links, back, plaquettes: plaquettes.writer() };
        lattice.launch(&kernel, 0..blocks.len());
        plaquettes.exchange();
        let kernel = Spread {
            stripes,
            factor: if matches!(begin, Begin::Score) { -1.0 } else { 1.0 },
            links,
            back,
            plaquettes: plaquettes.reader(),
            cotangent: cotangent.writer(),
            ahead: ahead.writer(),
        };
        lattice.launch(&kernel, 0..all);
        ahead.exchange();
        let kernel = Gather::<T, N> { ahead: ahead.reader(), cotangent: cotangent.writer() };
        lattice.launch(&kernel, 0..all);
    }
}

impl<T: Real, const N: usize> Layer<T, Links<N>> for Spectral<T, N> {
    fn parameters(&self) -> usize {
        Self::parameter_count(&self.settings)
    }

    fn forward(
        &mut self,
        u: &mut GaugeField<T, N>,
        parameters: &[f64],
        log_det: &mut [f64],
        undo: Option<&mut Undo<T>>,
    ) {
        active::keep(u, self.plan.stripes.mu, &self.plan.active, undo);
        self.turn(u, parameters, log_det, false);
    }

    fn forward_with_score(
        &mut self,
        u: &mut GaugeField<T, N>,
        parameters: &[f64],
        log_det: &mut [f64],
        score: &mut MomentumField<T, N>,
        undo: Option<&mut Undo<T>>,
    ) -> Result<(), ModelError> {
        active::keep(u, self.plan.stripes.mu, &self.plan.active, undo);
        let mut guard = Self::evaluate(&mut self.weights, &self.plan, &self.workspace, u, parameters);
        self.back(&mut guard, u, score, Begin::Score, None);
        self.turn_links(&mut guard, u, log_det, false);
        Ok(())
    }

    fn inverse(
        &mut self,
        u: &mut GaugeField<T, N>,
        parameters: &[f64],
        log_det: &mut [f64],
    ) -> Result<(), ModelError> {
        match self.turn(u, parameters, log_det, true) {
            0.0 => Ok(()),
            n => Err(ModelError::NotConverged(format!(
                "{n} links of a spectral layer have no root within rounding: the parameters make the map too steep for \
                 f{}; use f64, or train with a smaller step",
                T::BITS
            ))),
        }
    }

    fn restore(&mut self, u: &mut GaugeField<T, N>, undo: &mut Undo<T>) {
        active::restore(u, self.plan.stripes.mu, &self.plan.active, undo);
    }

    fn vjp(
        &mut self,
        v: &GaugeField<T, N>,
        parameters: &[f64],
        cotangent: &mut MomentumField<T, N>,
        weight: &[f64],
        gradient: Option<&mut [f64]>,
    ) {
        let mut guard = Self::evaluate(&mut self.weights, &self.plan, &self.workspace, v, parameters);
        let weight = Row::by_chain(v.lattice(), |chain| weight[chain]);
        self.back(&mut guard, v, cotangent, Begin::Cotangent(weight), gradient);
    }
}
