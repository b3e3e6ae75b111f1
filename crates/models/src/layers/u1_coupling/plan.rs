//! Where a layer's net is evaluated, and the temporaries that a stack shares.

use super::convolution::Targets;
use super::net::Weights;
use super::settings::{CouplingContext, CouplingSettings};
use super::stripes::{Stripes, has_plaquette_or_loop, is_active, is_frozen, is_near};
use super::weight_gradient::WeightSums;
use crate::ModelError;
use gaugelink_lattice::{Field, Lattice, Real};
use std::sync::Arc;

/// Where a layer's net is evaluated, forwards and back.
pub struct Plan<T> {
    pub stripes: Stripes<T>,
    /// Blocks with active links.
    pub active: Vec<u32>,
    /// Blocks where the net's input is not constant.
    pub seen: Vec<u32>,
    pub forward: [Targets; 3],
    pub backward: [Targets; 3],
}

impl<T: Real> Plan<T> {
    /// Of layer number `index`.
    pub fn new(lattice: &Lattice, index: usize, context: CouplingContext) -> Result<Self, ModelError> {
        let stripes = Stripes::<T>::new(lattice, index)?;
        let is_seen = match context {
            CouplingContext::Plaquettes => is_frozen,
            CouplingContext::Loops => has_plaquette_or_loop,
        };
        let everywhere = |_: u8| true;
        let targets = |at: fn(u8) -> bool, reads: fn(u8) -> bool| {
            Targets::new(lattice.layout::<T>(), &stripes.blocks(at), |block, tap| {
                stripes.pattern(block).any(stripes.step(tap), reads)
            })
        };
        let forward =
            [targets(everywhere, is_seen), targets(is_near, everywhere), targets(is_active, everywhere)];
        let backward =
            [targets(is_seen, everywhere), targets(everywhere, is_near), targets(is_near, is_active)];
        let (active, seen) = (stripes.blocks(is_active), stripes.blocks(is_seen));
        Ok(Self { stripes, active, seen, forward, backward })
    }
}

/// Temporaries, shared by the layers of a stack.
pub struct Workspace<T> {
    pub context: Field<T>,
    pub hidden: [Field<T>; 2],
    pub outputs: Field<T>,
    pub turn: Field<T>,
    pub context_back: Field<T>,
    pub hidden_back: [Field<T>; 2],
    pub outputs_back: Field<T>,
    pub plaquettes: Field<T>,
    pub sums: WeightSums<T>,
}

impl<T: Real> Workspace<T> {
    /// For layers with these settings.
    pub fn new(lattice: &Arc<Lattice>, settings: &CouplingSettings) -> Result<Self, ModelError> {
        let field = |reals| Field::zeroed(lattice, reals);
        let (hidden, padded) = (settings.hidden, Weights::<T>::new(settings).padded);
        Ok(Self {
            context: field(settings.context.channels())?,
            hidden: [field(hidden)?, field(hidden)?],
            outputs: field(padded)?,
            turn: field(2)?,
            context_back: field(4)?,
            hidden_back: [field(hidden)?, field(hidden)?],
            outputs_back: field(padded)?,
            plaquettes: field(1)?,
            sums: WeightSums::new(),
        })
    }
}
