//! Algebra elements: matrices in views, coordinates in fields.
//!
//! F = Σ_a π^a T_a with anti-Hermitian T_a (`GLK_ALG_F`); for a force π^a = ∂^a S. `GLK_ALG_NEG_F` is −F.

use super::copy::{Strides, Sweep, check_kind, check_rows, sdk_lattice};
use super::own_algebra;
use crate::complex::Complex;
use crate::gauge::MomentumField;
use crate::group::{
    ALGEBRA_MAX, Matrix, algebra_dim, from_coordinates, to_coordinates, traceless_antihermitian,
};
use crate::number::Real;
use gaugelink_plugin_sdk::{Error, Result, View, ViewMut, raw};

/// Reads the fields `first`, ... of a view of kind `ALGEBRA` into the chains of `field`; what is not traceless and
/// anti-Hermitian in the matrices is projected out. Returns the bytes that were read.
///
/// # Errors
/// As [`super::read_view`]; `INVALID_ARG` where `algebra_conv` is not set.
pub fn read_algebra<T: Real, const N: usize>(
    view: &View<'_>,
    first: usize,
    field: &mut MomentumField<T, N>,
) -> Result<u64> {
    let lattice = field.lattice().clone();
    let layout = lattice.layout::<T>();
    let sign = check::<N>(view, first, layout.chains())?;
    if first == 0
        && let Some(bytes) = own_algebra::read(view, sign, field)?
    {
        field.exchange();
        return Ok(bytes);
    }
    let access = view.access(&sdk_lattice(&lattice)?)?;
    let strides = Strides::of(&access, view, &lattice);
    let writer = field.writer();
    let (dim, dims) = (algebra_dim(N), lattice.dims());
    let sweep = Sweep::new(layout, &access, view, first);
    let scalar = view.as_raw().scalar;
    lattice.pool().run(0..layout.blocks(), |_, piece| {
        sweep.run(piece, |block, sites| {
            for (mu, (lane, &site)) in (0..dims).flat_map(|mu| sites.iter().enumerate().map(move |s| (mu, s)))
            {
                let m = Matrix::<f64, N>::from_fn(|i, j| {
                    // SAFETY: `access` has checked all addresses of the site.
                    let at = |im| unsafe { number(site, &strides, 2 * ((mu * N + i) * N + j) + im, scalar) };
                    Complex::new(at(0), at(1))
                });
                let c = to_coordinates(&traceless_antihermitian(&m));
                let rows = writer.rows(block, mu * dim, dim);
                for (a, x) in c.into_iter().take(dim).enumerate() {
                    // SAFETY: inside the rows just asked for; a block is written by one thread.
                    unsafe { rows.add(a * T::LANES + lane).write(T::from_f64(sign * x)) }
                }
            }
        });
    });
    field.exchange();
    Ok(strides.bytes(&sweep))
}

/// Writes the chains of `field` as matrices into the fields `first`, ... of a view of kind `ALGEBRA`, or adds to them
/// where the view says `ACCUMULATE`. Returns the bytes that were written.
///
/// # Errors
/// As [`read_algebra`].
pub fn write_algebra<T: Real, const N: usize>(
    field: &MomentumField<T, N>,
    view: &mut ViewMut<'_>,
    first: usize,
) -> Result<u64> {
    let lattice = field.lattice();
    let layout = lattice.layout::<T>();
    let sign = check::<N>(view.as_view(), first, layout.chains())?;
    if first == 0
        && let Some(bytes) = own_algebra::write(field, sign, view)?
    {
        return Ok(bytes);
    }
    let copy = *view.as_view();
    let adds = copy.as_raw().flags & raw::GLK_VIEW_ACCUMULATE != 0;
    let access = view.access(&sdk_lattice(lattice)?)?;
    let strides = Strides::of(access.as_access(), &copy, lattice);
    let (dim, dims, reader) = (algebra_dim(N), lattice.dims(), field.reader());
    let sweep = Sweep::new(layout, access.as_access(), &copy, first);
    let scalar = copy.as_raw().scalar;
    lattice.pool().run(0..layout.blocks(), |_, piece| {
        sweep.run(piece, |block, sites| {
            let sites = &sites[..sweep.distinct()];
            for (mu, (lane, &site)) in (0..dims).flat_map(|mu| sites.iter().enumerate().map(move |s| (mu, s)))
            {
                let rows = reader.rows(block, mu * dim, dim);
                let mut c = [0.0; ALGEBRA_MAX];
                for (a, x) in c.iter_mut().enumerate().take(dim) {
                    // SAFETY: inside the rows just asked for.
                    *x = sign * unsafe { rows.add(a * T::LANES + lane).read() }.to_f64();
                }
                let m = from_coordinates::<f64, N>(&c);
                for (k, z) in m.0.iter().flatten().enumerate() {
                    for (im, x) in [z.re, z.im].into_iter().enumerate() {
                        let c = 2 * (mu * N * N + k) + im;
                        // SAFETY: `access` has checked all addresses of the site, and nobody else writes it.
                        unsafe {
                            let old = if adds { number(site, &strides, c, scalar) } else { 0.0 };
                            set_number(site.cast_mut(), &strides, c, scalar, old + x);
                        }
                    }
                }
            }
        });
    });
    Ok(strides.bytes(&sweep))
}

/// The sign of the view's convention.
fn check<const N: usize>(view: &View<'_>, first: usize, chains: usize) -> Result<f64> {
    check_kind(view, raw::GLK_ALGEBRA, N, first, chains)?;
    check_rows(view.as_raw(), N)?;
    match view.as_raw().algebra_conv {
        raw::GLK_ALG_F => Ok(1.0),
        raw::GLK_ALG_NEG_F => Ok(-1.0),
        other => Err(Error::invalid(format!("algebra_conv is {other}; set ALG_F (1) or ALG_NEG_F (2)"))),
    }
}

/// # Safety
/// The site's numbers are readable.
unsafe fn number(site: *const u8, strides: &Strides, c: usize, scalar: i32) -> f64 {
    let at = site.wrapping_offset(strides.offsets[c]);
    // SAFETY: the caller's promise.
    unsafe { if scalar == raw::GLK_F64 { at.cast::<f64>().read() } else { at.cast::<f32>().read().into() } }
}

/// # Safety
/// The site's numbers are writable.
unsafe fn set_number(site: *mut u8, strides: &Strides, c: usize, scalar: i32, x: f64) {
    let at = site.wrapping_offset(strides.offsets[c]);
    // SAFETY: the caller's promise.
    unsafe {
        if scalar == raw::GLK_F64 { at.cast::<f64>().write(x) } else { at.cast::<f32>().write(x as f32) }
    }
}
