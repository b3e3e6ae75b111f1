//! Where a layer's net is evaluated.

use super::convolution::Targets;
use super::stripes::{Roles, Stripes};
use gaugelink_lattice::{Lattice, Real};

/// Where a layer's net is evaluated, forwards and back.
pub struct Plan<T> {
    pub stripes: Stripes<T>,
    /// Which classes play which part.
    pub roles: Roles,
    /// Blocks with active links or sites.
    pub active: Vec<u32>,
    /// Blocks where the net's input is not constant.
    pub seen: Vec<u32>,
    pub forward: [Targets; 3],
    pub backward: [Targets; 3],
}

impl<T: Real> Plan<T> {
    /// Of a layer with these classes of sites and their parts.
    pub fn new(lattice: &Lattice, stripes: Stripes<T>, roles: Roles) -> Self {
        let Roles { seen: is_seen, near: is_near, active: is_active, .. } = roles;
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
        Self { stripes, roles, active, seen, forward, backward }
    }
}
