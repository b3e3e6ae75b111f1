//! Fields lent to be written.

use super::Foreign;
use super::describe::view_mut;
use crate::field::Field;
use crate::number::Real;
use gaugelink_plugin_sdk::ViewMut;

/// Lends a field where it stands: `work` may write it through the view. Afterwards lanes that repeat others, and
/// ghosts, hold the new values. Collective where the lattice is cut over ranks.
pub fn lend<F: Foreign, R>(field: &mut F, work: impl FnOnce(&mut ViewMut<'_>) -> R) -> R {
    let result = work(&mut view_mut(field));
    settle(field);
    result
}

/// To be called after a field was written through [`super::view_mut`]: copies every site's numbers to the lanes that
/// repeat it, and fills the ghosts. Collective.
pub fn settle<T: Real>(field: &mut Field<T>) {
    let lattice = field.lattice().clone();
    let layout = lattice.layout::<T>();
    let distinct = layout.distinct_lanes();
    if distinct < layout.lanes() {
        let own = layout.blocks() * field.reals() * T::LANES;
        for row in field.as_mut_slice()[..own].chunks_exact_mut(T::LANES) {
            (distinct..T::LANES).for_each(|lane| row[lane] = row[lane % distinct]);
        }
    }
    field.exchange();
}
