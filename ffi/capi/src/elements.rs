//! Algebra fields as the matrices that plugins see, for each group that was asked for.

use crate::algebra::{Algebra, Coordinates};
use crate::error::Result;
use gaugelink_host::adapt::Matrices;
use gaugelink_lattice::{Lattice, MomentumField};
use gaugelink_plugin_sdk::{View, ViewMut};
use std::sync::Arc;

/// Matrices on the way to or from a plugin, kept between calls.
#[derive(Default)]
pub struct Elements {
    u1: Option<Matrices<1>>,
    su2: Option<Matrices<2>>,
    su3: Option<Matrices<3>>,
}

impl Elements {
    /// Calls `work` with a view of the field's matrices.
    pub fn reading(&mut self, field: &Algebra, work: impl FnOnce(&View<'_>) -> Result<()>) -> Result<()> {
        match &field.field {
            Coordinates::U1(p) => read(&mut self.u1, p, work),
            Coordinates::Su2(p) => read(&mut self.su2, p, work),
            Coordinates::Su3(p) => read(&mut self.su3, p, work),
        }
    }
    /// Calls `work` with a view of matrices to be filled, and takes their coordinates.
    pub fn writing(
        &mut self,
        field: &mut Algebra,
        work: impl FnOnce(&mut ViewMut<'_>) -> Result<()>,
    ) -> Result<()> {
        match &mut field.field {
            Coordinates::U1(p) => write(&mut self.u1, p, work),
            Coordinates::Su2(p) => write(&mut self.su2, p, work),
            Coordinates::Su3(p) => write(&mut self.su3, p, work),
        }
    }
}

fn made<'m, const N: usize>(
    place: &'m mut Option<Matrices<N>>,
    lattice: &Arc<Lattice>,
) -> Result<&'m mut Matrices<N>> {
    let matrices = match place.take() {
        Some(matrices) => matrices,
        None => Matrices::new(lattice)?,
    };
    Ok(place.insert(matrices))
}

fn read<const N: usize>(
    place: &mut Option<Matrices<N>>,
    field: &MomentumField<f64, N>,
    work: impl FnOnce(&View<'_>) -> Result<()>,
) -> Result<()> {
    let matrices = made(place, field.lattice())?;
    matrices.load(field)?;
    matrices.view(work)
}

fn write<const N: usize>(
    place: &mut Option<Matrices<N>>,
    field: &mut MomentumField<f64, N>,
    work: impl FnOnce(&mut ViewMut<'_>) -> Result<()>,
) -> Result<()> {
    let matrices = made(place, field.lattice())?;
    matrices.lend(work)?;
    matrices.store(field)?;
    Ok(())
}
