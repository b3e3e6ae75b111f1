//! Section "Files of spinor fields and propagators": writing.

use crate::boundary::{entries, get};
use crate::error::{Failure, Result};
use crate::file_write::precision;
use crate::lattice::extents;
use crate::spinor::{Spinor, Spinors, by_spinors};
use crate::spinor_read::{alike, no_none};
use crate::structs::options;
use crate::text::{optional, required};
use gaugelink_lattice::file::FieldFile;
use gaugelink_lattice::{DIM_MAX, Field, Site};
use gaugelink_physics::dirac::{SPINS, SpinorField, write_propagator, write_spinors};
use gaugelink_plugin_sdk::Extensible;
use lime_rs::{Precision, RecordKind, ScidacMeta, check_xml, odd_character};
use std::ffi::c_char;
use std::path::Path;

/// `gaugelink_spinor_write_options`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Options {
    size: u32,
    precision: u32,
    info: *const c_char,
    format: *const c_char,
}

impl Default for Options {
    fn default() -> Self {
        Self { size: 0, precision: 0, info: std::ptr::null(), format: std::ptr::null() }
    }
}

// SAFETY: begins with its size, no padding, zero is a value.
unsafe impl Extensible for Options {}

/// How a propagator is laid out in its file.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    /// A record for each column, and one of the scalar source.
    Usqcd,
    /// One record of matrices, a `LatticePropagator`.
    Qdpxx,
}

/// The options of a host, understood.
struct How<'a> {
    precision: Precision,
    info: &'a str,
    format: Format,
}

impl Options {
    /// # Safety
    /// The strings are NULL or end with NUL, and live for `'a`.
    unsafe fn understood<'a>(&self) -> Result<How<'a>> {
        // SAFETY: the caller's promise.
        let [info, format] =
            unsafe { [optional(self.info, "options->info")?, optional(self.format, "options->format")?] };
        let format = match format {
            None | Some("usqcd") => Format::Usqcd,
            Some("qdp++") => Format::Qdpxx,
            Some(other) => {
                return Err(Failure::invalid(format!(
                    "no format is called `{other}`: there are usqcd and qdp++"
                )));
            }
        };
        let info = info.unwrap_or_default();
        if let Some(odd) = odd_character(info) {
            return Err(Failure::invalid(format!(
                "options->info has the character {odd:?}, which XML does not have: leave control characters out"
            )));
        }
        Ok(How { precision: precision(self.precision)?, info, format })
    }
}

/// Writes columns as QDP++ writes a `LatticePropagator`: one record `Lattice` of a matrix of colour matrices a site, [sink spin]
/// [source spin][sink colour][source colour], and the record's text, which QDP++ parses.
fn write_matrices<const N: usize>(
    path: &Path,
    columns: &[&SpinorField<f64, N>],
    precision: Precision,
    record_xml: &str,
) -> Result<()> {
    let record_xml = match record_xml.trim_start() {
        "" => "<?xml version=\"1.0\"?><Propagator></Propagator>",
        _ => {
            check_xml("options->info", record_xml).map_err(|error| {
                Failure::invalid(format!(
                    "{error}: QDP++ parses it, e.g. <Propagator>...</Propagator>; or give none"
                ))
            })?;
            record_xml
        }
    };
    if columns.len() != SPINS * N {
        return Err(Failure::invalid(format!(
            "there are {} columns: a propagator of {N} colours has {}, source spin by source colour",
            columns.len(),
            SPINS * N
        )));
    }
    let (lattice, reals) = (columns[0].lattice(), SpinorField::<f64, N>::REALS);
    let mut all = Field::<f64>::zeroed(lattice, reals * columns.len())?;
    for block in 0..all.layout().blocks() {
        let row = columns[0].block(block).len();
        for (to, column) in all.block_mut(block).chunks_exact_mut(row).zip(columns) {
            to.copy_from_slice(column.block(block));
        }
    }
    let mut order = Vec::with_capacity(all.reals());
    for (sink, source) in (0..SPINS).flat_map(|s| (0..SPINS).map(move |r| (s, r))) {
        for (c, d) in (0..N).flat_map(|c| (0..N).map(move |d| (c, d))) {
            let real = reals * (N * source + d) + 2 * (N * sink + c);
            order.extend([real, real + 1]);
        }
    }
    let (letter, bytes) = if precision == Precision::F64 { ("D", 8) } else { ("F", 4) };
    let mut meta = ScidacMeta::new(RecordKind::Field, "Lattice", letter, (bytes * order.len()) as u64, 1);
    (meta.info.colors, meta.info.spins) = (N, SPINS);
    meta.user_xml = record_xml.into();
    let mut file = FieldFile::create(path, lattice, "<?xml version=\"1.0\"?><propagator></propagator>")?;
    file.write(&meta, &all, 0, &order, precision)?;
    Ok(file.finish()?)
}

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
        let (path, how) = (Path::new(required(path, "path")?), options(how)?.understood()?);
        if how.format == Format::Qdpxx {
            return Err(Failure::invalid("format qdp++ is for propagators; fields are written as usqcd"));
        }
        by_spinors!(&, spinors, fields => write_spinors(path, &fields, 0, how.precision, how.info))?;
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
        let (path, how) = (Path::new(required(path, "path")?), options(how)?.understood()?);
        if how.format == Format::Qdpxx {
            return by_spinors!(&, columns, fields => write_matrices(path, &fields, how.precision, how.info));
        }
        if source.is_null() {
            return Err(Failure::invalid("source is NULL: the format usqcd needs the site of the point source"));
        }
        let source = site(
            std::slice::from_raw_parts(source, DIM_MAX),
            &columns[0].lattice().geometry().extents(),
        )?;
        by_spinors!(&, columns, fields => write_propagator(path, &fields, source, 0, how.precision, how.info))?;
        Ok(())
    }
}
