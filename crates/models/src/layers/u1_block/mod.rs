//! Block layers of U(1) in two dimensions: from coarse to fine, Wilson loops of blocks are split into those of their halves.
//!
//! A block of plaquettes is cut across a direction into two halves, with the loops φ and s − φ around them; s belongs to the
//! block. One link on the cut, θ, turns both loops against each other and no loop of another block, nor s. With Wilson's
//! action in two dimensions plaquettes are independent but for the torus's constraint, so that φ has the weight
//! f_n(φ) f_n(s − φ), f_n the distribution of the sum of a half's n plaquettes, whatever happens elsewhere. The layer sends φ, which
//! Haar measure spreads evenly, to
//!
//! ```text
//! φ' = s/2 + spline(φ)      −π < s ≤ π      θ_0 ← θ_0 + δ  or  θ_1 ← θ_1 − δ,  δ = φ' − φ      log det = Σ ln dφ'/dφ
//! ```
//!
//! with a circular spline whose numbers a net makes of cos s and sin s ([`net`]). Layers that halve blocks one after the other
//! from a size on whose loops are spread evenly anyway, down to plaquettes, make a flow for any volume that such blocks fill.
//! Each is a gauge-equivariant coupling layer (Kanwar et al., arXiv:2003.06413) of its own loops. Where s crosses π, φ' jumps
//! by π; where the density is right it is even there, and does not jump.

mod net;
mod sites;
#[cfg(test)]
mod tests;
mod window;

use super::conv_net::Begin;
use super::conv_net::convolution::Targets;
use super::conv_net::stripes::Stripes;
use super::conv_net::weight_gradient::WeightSums;
use super::u1_coupling::active;
use super::u1_coupling::sites::LinksBack;
use super::u1_coupling::spline::BINS_MAX;
use crate::layers::HIDDEN_WIDTHS;
use crate::{Layer, ModelError, Undo};
use gaugelink_lattice::number::Row;
use gaugelink_lattice::{Field, GaugeField, Lattice, Links, MomentumField, Real, backward, forward};
use net::{Net, Place, initial_parameters, parameter_count};
use serde::{Deserialize, Serialize};
use sites::{Kept, MapBack, Sum, Turn};
use std::sync::Arc;
use window::{Plaquettes, Steps};

/// The tap that leads nowhere.
const HERE: usize = 4;
/// Outputs whose gradients are summed together.
const GROUP: usize = 8;

/// A block layer's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockSettings {
    /// Extents of the halves.
    pub half: [usize; 2],
    /// The direction across which the block is cut: there it is twice as long.
    pub across: usize,
    /// Bins of the spline.
    pub bins: usize,
    /// Channels of the net's hidden layers.
    pub hidden: usize,
}

impl BlockSettings {
    /// The layers that halve blocks of 2^`layers` plaquettes, as square as they can be, down to single ones.
    pub fn halvings(layers: usize, bins: usize, hidden: usize) -> Vec<Self> {
        let of_layer = |left: usize| {
            // Halves of 2^left plaquettes.
            let half = [1 << left.div_ceil(2), 1 << (left / 2)];
            Self { half, across: left % 2, bins, hidden }
        };
        (0..layers).rev().map(of_layer).collect()
    }

    /// Extents of the blocks.
    pub fn block(&self) -> [usize; 2] {
        std::array::from_fn(|mu| if mu == self.across { 2 * self.half[mu] } else { self.half[mu] })
    }

    fn outputs(&self) -> usize {
        3 * self.bins + 1
    }

    fn check(&self, lattice: &Lattice) -> Result<(), ModelError> {
        let refuse = |what: String| Err(ModelError::Parameter(what));
        if !(2..=BINS_MAX).contains(&self.bins) {
            return refuse(format!("a spline of {} bins: give 2 to {BINS_MAX}", self.bins));
        }
        if !HIDDEN_WIDTHS.contains(&self.hidden) {
            return refuse(format!("{} hidden channels: give one of {HIDDEN_WIDTHS:?}", self.hidden));
        }
        if self.across > 1 || self.half.contains(&0) {
            let Self { half, across, .. } = self;
            return refuse(format!("blocks of two halves {half:?} across direction {across} do not exist"));
        }
        let (extents, block) = (&lattice.geometry().extents()[..lattice.dims()], self.block());
        if extents.len() != 2 || (0..2).any(|mu| !extents[mu].is_multiple_of(block[mu])) {
            return Err(ModelError::Geometry(format!(
                "U(1) block layers need two dimensions that blocks of {block:?} fill, not {extents:?}"
            )));
        }
        Ok(())
    }
}

/// One block layer, placed on a lattice.
pub struct U1Block<T> {
    settings: BlockSettings,
    places: [Place; 3],
    /// Class 0: sites of active links.
    stripes: Stripes<T>,
    targets: Targets,
    parameters: Vec<T>,
    phases: Steps<T>,
    angles: Steps<T>,
    before: Field<T>,
    turn: Field<T>,
    here: Field<T>,
    there: Field<T>,
    inputs: Field<T>,
    hidden: [Field<T>; 2],
    hidden_back: [Field<T>; 2],
    outputs_back: Field<T>,
    sums: WeightSums<T>,
}

impl<T: Real> U1Block<T> {
    /// A layer on a lattice.
    ///
    /// # Errors
    /// [`ModelError::Geometry`] unless blocks fill a lattice of two dimensions; [`ModelError::Parameter`] for settings that
    /// cannot be; no memory.
    pub fn new(lattice: &Arc<Lattice>, settings: BlockSettings) -> Result<Self, ModelError> {
        settings.check(lattice)?;
        let (block, half, across) = (settings.block(), settings.half, settings.across);
        // The link on the cut is in the first plaquette of the second half.
        let first = |mu: usize| if mu == across { half[mu] } else { 0 };
        let is_active = |site: &[usize]| (0..2).all(|mu| site[mu] % block[mu] == first(mu));
        let stripes = Stripes::with_classes(lattice, 1 - across, |site| if is_active(site) { 0 } else { 3 });
        let active = stripes.blocks(|class| class == 0);
        let targets = Targets::new(lattice.layout::<T>(), &active, |_, tap| tap == HERE);
        let field = |reals| Field::zeroed(lattice, reals);
        let hidden = settings.hidden;
        Ok(Self {
            settings,
            places: Place::all(&settings),
            stripes,
            targets,
            parameters: Vec::new(),
            phases: Steps::new(lattice, 2)?,
            angles: Steps::new(lattice, 1)?,
            before: field(2)?,
            turn: field(2)?,
            here: field(1)?,
            there: field(1)?,
            inputs: field(2)?,
            hidden: [field(hidden)?, field(hidden)?],
            hidden_back: [field(hidden)?, field(hidden)?],
            outputs_back: field(settings.outputs().next_multiple_of(GROUP))?,
            sums: WeightSums::new(),
        })
    }

    /// How many parameters a layer takes.
    pub fn parameter_count(settings: &BlockSettings) -> usize {
        parameter_count(settings)
    }

    /// Parameters of such layers to begin a training with. The same seed gives the same numbers.
    pub fn initial_parameters(layers: &[BlockSettings], seed: u64) -> Vec<f64> {
        layers.iter().enumerate().flat_map(|(k, layer)| initial_parameters(layer, k, seed)).collect()
    }

    /// The loops of `u` at all sites, and the parameters in this precision.
    fn evaluate(&mut self, u: &GaugeField<T, 1>, parameters: &[f64]) {
        let (lattice, across) = (u.lattice(), self.settings.across);
        self.parameters.clear();
        self.parameters.extend(parameters.iter().map(|p| T::from_f64(*p)));
        let kernel = Plaquettes { links: u.links(), to: self.phases.field.writer() };
        lattice.launch(&kernel, 0..u.layout().blocks());
        self.phases.windows(lattice, self.settings.half);
        self.phases.shifted(lattice, backward(across), self.settings.half[across], &mut self.before);
    }

    /// Turns the active links by the net's outputs; adds to `log_det`. How many roots were not found.
    fn turn_links(&mut self, u: &mut GaugeField<T, 1>, log_det: &mut [f64], inverse: bool) -> f64 {
        let (stripes, blocks) = (&self.stripes, &self.targets.blocks[..]);
        let lattice = u.lattice().clone();
        let kernel = Turn {
            stripes,
            blocks,
            bins: self.settings.bins,
            net: Net { parameters: &self.parameters, places: self.places },
            inverse,
            windows: self.phases.field.reader(),
            before: self.before.reader(),
            turn: self.turn.writer(),
        };
        let failures = active::add_log_det(&lattice, &kernel, blocks.len(), log_det);
        active::turn(u, stripes, blocks, self.turn.reader());
        failures
    }

    /// From cotangents behind the layer to those before it; or, with the same derivatives, from the score before the layer
    /// to that behind it: J^T g' + ∂ log det = g. The loops are there.
    fn back(
        &mut self,
        v: &GaugeField<T, 1>,
        cotangent: &mut MomentumField<T, 1>,
        begin: Begin<T>,
        gradient: Option<&mut [f64]>,
    ) {
        let (lattice, blocks) = (v.lattice(), v.layout().blocks());
        let BlockSettings { half, across, bins, hidden } = self.settings;
        self.here.as_mut_slice().fill(T::default());
        self.angles.field.as_mut_slice().fill(T::default());
        let [first, second] = &mut self.hidden;
        let [first_back, second_back] = &mut self.hidden_back;
        let kernel = MapBack {
            stripes: &self.stripes,
            blocks: &self.targets.blocks,
            bins,
            hidden,
            net: Net { parameters: &self.parameters, places: self.places },
            windows: self.phases.field.reader(),
            before: self.before.reader(),
            cotangent: cotangent.reader(),
            begin,
            kept: Kept {
                inputs: self.inputs.writer(),
                hidden: [first.writer(), second.writer()],
                hidden_back: [first_back.writer(), second_back.writer()],
                outputs_back: self.outputs_back.writer(),
            },
            here: self.here.writer(),
            there: self.angles.field.writer(),
        };
        lattice.launch(&kernel, 0..self.targets.blocks.len());
        if let Some(gradient) = gradient {
            self.add_gradient(lattice, gradient);
        }
        self.angles.field.exchange();
        self.angles.shifted(lattice, forward(across), half[across], &mut self.there);
        let kernel = Sum { a: self.here.reader(), b: self.there.reader(), to: self.angles.field.writer() };
        lattice.launch(&kernel, 0..blocks);
        self.angles.windows_back(lattice, half);
        let factor = if matches!(begin, Begin::Score) { -1.0 } else { 1.0 };
        let plaquettes = self.angles.field.reader();
        lattice.launch(&LinksBack { factor, plaquettes, cotangent: cotangent.writer() }, 0..blocks);
    }

    fn add_gradient(&mut self, lattice: &Lattice, gradient: &mut [f64]) {
        let Self { stripes, targets, inputs, hidden: [h1, h2], hidden_back: [b1, b2], .. } = self;
        let hidden = self.settings.hidden;
        let maps = [(&*inputs, 2, &*b1), (&*h1, hidden, &*b2), (&*h2, hidden, &self.outputs_back)];
        for ((from, count, back), place) in maps.into_iter().zip(self.places) {
            for first in (0..back.reals()).step_by(GROUP) {
                self.sums.sum::<GROUP>(lattice, stripes, targets, (from, count), (back, first));
                let weights = &self.sums.weights[HERE * count * GROUP..][..count * GROUP];
                place.add_gradient(first, weights, &self.sums.classes, gradient);
            }
        }
    }
}

impl<T: Real> Layer<T, Links<1>> for U1Block<T> {
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
        active::keep(u, self.stripes.mu, &self.targets.blocks, undo);
        self.evaluate(u, parameters);
        self.turn_links(u, log_det, false);
    }

    fn forward_with_score(
        &mut self,
        u: &mut GaugeField<T, 1>,
        parameters: &[f64],
        log_det: &mut [f64],
        score: &mut MomentumField<T, 1>,
        undo: Option<&mut Undo<T>>,
    ) -> Result<(), ModelError> {
        active::keep(u, self.stripes.mu, &self.targets.blocks, undo);
        self.evaluate(u, parameters);
        self.back(u, score, Begin::Score, None);
        self.turn_links(u, log_det, false);
        Ok(())
    }

    fn inverse(
        &mut self,
        u: &mut GaugeField<T, 1>,
        parameters: &[f64],
        log_det: &mut [f64],
    ) -> Result<(), ModelError> {
        self.evaluate(u, parameters);
        match self.turn_links(u, log_det, true) {
            0.0 => Ok(()),
            n => Err(ModelError::NotConverged(format!(
                "{n} links of a U(1) block layer have no image: parameters or links are not finite"
            ))),
        }
    }

    fn restore(&mut self, u: &mut GaugeField<T, 1>, undo: &mut Undo<T>) {
        active::restore(u, self.stripes.mu, &self.targets.blocks, undo);
    }

    fn vjp(
        &mut self,
        v: &GaugeField<T, 1>,
        parameters: &[f64],
        cotangent: &mut MomentumField<T, 1>,
        weight: &[f64],
        gradient: Option<&mut [f64]>,
    ) {
        self.evaluate(v, parameters);
        let weight = Row::by_chain(v.lattice(), |chain| weight[chain]);
        self.back(v, cotangent, Begin::Cotangent(weight), gradient);
    }
}
