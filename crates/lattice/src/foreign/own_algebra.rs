//! Algebra elements in views of this library's own layout: between matrices and coordinates in lanes.

use super::borrow::{borrow, borrow_mut};
use super::describe::own_bytes;
use crate::field::{FieldReader, FieldWriter};
use crate::gauge::{GaugeField, MomentumField};
use crate::group::{ALGEBRA_MAX, algebra_dim, from_coordinates, to_coordinates, traceless_antihermitian};
use crate::number::{Kernel, Lanes, Real};
use crate::sum::Tally;
use gaugelink_plugin_sdk::{Result, View, ViewMut, raw};
use std::ops::Range;

/// As [`super::read_algebra`], where the view is of our own layout in double precision; else `None`. Single precision
/// is left to the general way, which rounds once at the end.
pub(super) fn read<T: Real, const N: usize>(
    view: &View<'_>,
    sign: f64,
    field: &mut MomentumField<T, N>,
) -> Result<Option<u64>> {
    if T::BITS != 64 {
        return Ok(None);
    }
    let lattice = field.lattice().clone();
    let description = as_links(view.as_raw());
    // SAFETY: the same memory under another kind, for as long as `view` lends it.
    let view = unsafe { View::from_raw(&raw const description, "algebra")? };
    let Some(matrices) = borrow::<GaugeField<T, N>>(&view, &lattice) else { return Ok(None) };
    let kernel = Project::<T, N> { matrices: matrices.reader(), coordinates: field.writer(), sign };
    lattice.launch(&kernel, 0..lattice.layout::<T>().blocks());
    Ok(Some(own_bytes(&*matrices) as u64))
}

/// As [`super::write_algebra`], on the same terms as [`read`]; views that accumulate are left to the general way, too.
pub(super) fn write<T: Real, const N: usize>(
    field: &MomentumField<T, N>,
    sign: f64,
    view: &mut ViewMut<'_>,
) -> Result<Option<u64>> {
    if T::BITS != 64 {
        return Ok(None);
    }
    let lattice = field.lattice();
    let description = as_links(view.as_view().as_raw());
    // SAFETY: the same memory under another kind, for as long as `view` lends it.
    let mut view = unsafe { ViewMut::from_raw(&raw const description, "algebra")? };
    let Some(mut matrices) = borrow_mut::<GaugeField<T, N>>(&mut view, lattice) else { return Ok(None) };
    // SAFETY: numbers are written, and the field stays where it is.
    let matrices = unsafe { matrices.field_mut() };
    let kernel = Assemble::<T, N> { coordinates: field.reader(), matrices: matrices.writer(), sign };
    lattice.launch(&kernel, 0..lattice.layout::<T>().blocks());
    Ok(Some(own_bytes(matrices) as u64))
}

fn as_links(view: &raw::glk_view) -> raw::glk_view {
    raw::glk_view { kind: raw::GLK_GAUGE, ..*view }
}

/// Coordinates of the traceless anti-Hermitian part.
struct Project<'a, T, const N: usize> {
    matrices: FieldReader<'a, T>,
    coordinates: FieldWriter<'a, T>,
    sign: f64,
}

impl<T: Real, const N: usize> Kernel<T> for Project<'_, T, N> {
    crate::compiled!(scalar T, group N: Project);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (dim, link, sign) = (algebra_dim(N), 2 * N * N, V::splat(self.sign));
        for block in range {
            for mu in 0..self.matrices.reals() / link {
                let m = self.matrices.matrix::<V, N>(block, mu * link);
                let c = to_coordinates(&traceless_antihermitian(&m));
                for (a, x) in c.into_iter().enumerate().take(dim) {
                    // SAFETY: a block is written by one thread.
                    unsafe { self.coordinates.store(block, mu * dim + a, x * sign) }
                }
            }
        }
    }
}

/// Matrices of coordinates.
struct Assemble<'a, T, const N: usize> {
    coordinates: FieldReader<'a, T>,
    matrices: FieldWriter<'a, T>,
    sign: f64,
}

impl<T: Real, const N: usize> Kernel<T> for Assemble<'_, T, N> {
    crate::compiled!(scalar T, group N: Assemble);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (dim, link, sign) = (algebra_dim(N), 2 * N * N, V::splat(self.sign));
        for block in range {
            for mu in 0..self.coordinates.reals() / dim {
                let mut c = [V::splat(0.0); ALGEBRA_MAX];
                for (a, x) in c.iter_mut().enumerate().take(dim) {
                    *x = self.coordinates.load::<V>(block, mu * dim + a) * sign;
                }
                // SAFETY: a block is written by one thread.
                unsafe { self.matrices.store_matrix(block, mu * link, &from_coordinates::<V, N>(&c)) }
            }
        }
    }
}
