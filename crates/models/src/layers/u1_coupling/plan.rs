//! Where a layer's net is evaluated.

use super::convolution::Targets;
use super::stripes::{Stripes, is_active, is_near};
use gaugelink_lattice::{Lattice, Real};

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
    /// Of a layer with these stripes, whose net's input is not constant at sites of the classes that `is_seen` holds for.
    pub fn new(lattice: &Lattice, stripes: Stripes<T>, is_seen: fn(u8) -> bool) -> Self {
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
        Self { stripes, active, seen, forward, backward }
    }
}
