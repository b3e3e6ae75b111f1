//! Section "Files of spinor fields and propagators": writing.

use crate::boundary::{entries, get};
use crate::error::{Failure, Result};
use crate::file_write::precision;
use crate::lattice::extents;
use crate::spinor::{Spinor, Spinors, by_spinors};
use crate::spinor_file::{alike, no_none};
use crate::structs::options;
use crate::text::{optional, required};
use gaugelink_lattice::{DIM_MAX, Site};
use gaugelink_physics::dirac::{write_propagator, write_spinors};
use gaugelink_plugin_sdk::Extensible;
use std::ffi::c_char;
use std::path::Path;

/// `gaugelink_spinor_write_options`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Options {
    size: u32,
    precision: u32,
    info: *const c_char,
}

impl Default for Options {
    fn default() -> Self {
        Self { size: 0, precision: 0, info: std::ptr::null() }
    }
}

// SAFETY: begins with its size, no padding, zero is a value.
unsafe impl Extensible for Options {}

/// Spinors of a host to be read by one call: all there, of one lattice and number of colours.
///
/// # Safety
/// NULL or `count` pointers, each NULL or a handle that was not freed.
unsafe fn spinors<'a>(given: *const *mut Spinor, count: u32, name: &str) -> Result<Vec<&'a Spinor>> {
    no_none(count)?;
    // SAFETY: the caller's promise.
    let given = unsafe {
        get(given, name)?;
        std::slice::from_raw_parts(given, count as usize)
    };
    // SAFETY: as above.
    let one = |(i, &psi): (usize, &*mut Spinor)| unsafe { get(psi, &format!("{name}[{i}]")) };
    let spinors = given.iter().enumerate().map(one).collect::<Result<Vec<_>>>()?;
    alike(spinors.iter().copied())?;
    Ok(spinors)
}

/// A site of the host, inside the lattice.
fn site(given: &[i64], sides: &[usize]) -> Result<Site> {
    let place = extents(given)?;
    match (0..DIM_MAX).all(|mu| place[mu] < sides[mu]) {
        true => Ok(std::array::from_fn(|mu| place[mu])),
        false => Err(Failure::invalid(format!("source {place:?} lies outside the lattice {sides:?}"))),
    }
}

entries! {
    fn gaugelink_spinor_file_write(
        given: *const *mut Spinor,
        count: u32,
        path: *const c_char,
        how: *const Options,
    ) {
        let spinors = spinors(given, count, "spinors")?;
        let (path, how) = (Path::new(required(path, "path")?), options(how)?);
        let (precision, info) = (precision(how.precision)?, optional(how.info, "options->info")?.unwrap_or_default());
        by_spinors!(&, spinors, fields => write_spinors(path, &fields, 0, precision, info))?;
        Ok(())
    }
    fn gaugelink_propagator_write(
        given: *const *mut Spinor,
        count: u32,
        source: *const i64,
        path: *const c_char,
        how: *const Options,
    ) {
        let columns = spinors(given, count, "columns")?;
        get(source, "source")?;
        let source = site(
            std::slice::from_raw_parts(source, DIM_MAX),
            &columns[0].lattice().geometry().extents(),
        )?;
        let (path, how) = (Path::new(required(path, "path")?), options(how)?);
        let (precision, info) = (precision(how.precision)?, optional(how.info, "options->info")?.unwrap_or_default());
        by_spinors!(&, columns, fields => write_propagator(path, &fields, source, 0, precision, info))?;
        Ok(())
    }
}
