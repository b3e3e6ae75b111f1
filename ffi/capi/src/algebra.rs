//! Section "Algebra field".

use crate::boundary::{entries, frees, get, get_mut, give};
use crate::context::Shared;
use crate::error::Result;
use crate::group::{by_group, by_groups, colours, grouped};
use crate::lattice::{LatticeHandle, same};
use crate::view::{Home, readable, writable};
use gaugelink_lattice::foreign::{read_algebra, write_algebra};
use gaugelink_lattice::{Lattice, MomentumField};
use gaugelink_plugin_sdk::{View, ViewMut, raw};
use std::sync::Arc;

grouped! {
    /// Coordinates.
    Coordinates, MomentumField
}

/// `gaugelink_algebra`.
pub struct Algebra {
    context: Arc<Shared>,
    pub field: Coordinates,
}

impl Algebra {
    fn new(handle: &LatticeHandle, ncolor: u32) -> Result<Self> {
        let lattice = &handle.lattice;
        let field = match colours(ncolor)? {
            1 => Coordinates::U1(MomentumField::zeroed(lattice)?),
            2 => Coordinates::Su2(MomentumField::zeroed(lattice)?),
            _ => Coordinates::Su3(MomentumField::zeroed(lattice)?),
        };
        Ok(Self { context: handle.context.clone(), field })
    }
    pub fn lattice(&self) -> &Arc<Lattice> {
        by_group!(Coordinates, &self.field, p => p.lattice())
    }
    pub fn read(&mut self, from: &View<'_>) -> Result<()> {
        by_group!(Coordinates, &mut self.field, p => read_algebra(from, 0, p))?;
        Ok(())
    }
    pub fn write(&self, to: &mut ViewMut<'_>) -> Result<()> {
        by_group!(Coordinates, &self.field, p => write_algebra(p, to, 0))?;
        Ok(())
    }
}

impl Home for Algebra {
    fn home(&self) -> (&Shared, &Arc<Lattice>) {
        (&self.context, self.lattice())
    }
}

entries! {
    fn gaugelink_algebra_new(lattice: *const LatticeHandle, ncolor: u32, out: *mut *mut Algebra) {
        give(out, || Algebra::new(get(lattice, "lattice")?, ncolor))
    }
    fn gaugelink_algebra_read_view(algebra: *mut Algebra, from: *const raw::glk_view) {
        let algebra = get_mut(algebra, "algebra")?;
        algebra.read(&readable(from, "from", algebra)?)
    }
    fn gaugelink_algebra_write_view(algebra: *const Algebra, to: *mut raw::glk_view) {
        let algebra = get(algebra, "algebra")?;
        algebra.write(&mut writable(to, "to", algebra)?)
    }
    fn gaugelink_algebra_norm2(algebra: *const Algebra, out: *mut f64) {
        *get_mut(out, "out")? = by_group!(Coordinates, &get(algebra, "algebra")?.field, p => p.norm2()[0]);
        Ok(())
    }
    fn gaugelink_algebra_distance2(f: *const Algebra, g: *const Algebra, out: *mut f64) {
        let (f, g) = (get(f, "f")?, get(g, "g")?);
        same(f.lattice(), g.lattice())?;
        *get_mut(out, "out")? = by_groups!(Coordinates, &f.field, a; Coordinates, &g.field, b => {
            let mut difference = MomentumField::zeroed(a.lattice())?;
            difference.add(1.0, a);
            difference.add(-1.0, b);
            Ok(difference.norm2()[0])
        })?;
        Ok(())
    }
}

frees! {
    fn gaugelink_algebra_free(Algebra);
}
