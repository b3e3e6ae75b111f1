//! Section "Files of gauge fields": writing.

use crate::boundary::{entries, get};
use crate::error::{Failure, Result};
use crate::file::format_named;
use crate::gauge::{Gauge, Links};
use crate::group::by_group;
use crate::lattice::LatticeHandle;
use crate::structs::options;
use crate::text::{optional, required};
use crate::view::readable;
use gaugelink_lattice::file::{FileText, WriteOptions, write_as};
use gaugelink_lattice::foreign::read_view;
use gaugelink_physics::observable::{link_trace, plaquette};
use gaugelink_plugin_sdk::{Extensible, raw};
use lime_rs::{FileFormat, Precision, Rows, TextRecord};
use std::ffi::c_char;
use std::path::Path;

/// `gaugelink_write_options`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Options {
    size: u32,
    precision: u32,
    rows: u32,
    pad0: u32,
    format: *const c_char,
    lfn: *const c_char,
    provenance: *const c_char,
}

impl Default for Options {
    fn default() -> Self {
        let none = std::ptr::null();
        Self { size: 0, precision: 0, rows: 0, pad0: 0, format: none, lfn: none, provenance: none }
    }
}

// SAFETY: begins with its size, no padding, zero is a value.
unsafe impl Extensible for Options {}

/// Records that say where the links come from, without a date: equal fields make equal files.
fn text(path: &Path, average: f64, lfn: Option<&str>, provenance: Option<&str>) -> FileText {
    let version = env!("CARGO_PKG_VERSION");
    let record = serde_json::json!({ "program": "libgaugelink", "version": version, "host": provenance });
    FileText {
        lfn: Some(lfn.map_or_else(|| FileText::lfn_of(path), str::to_owned)),
        before: vec![TextRecord::new(
            "xlf-info",
            format!("plaquette = {average:.15}\n gaugelink_version = {version}\n"),
        )],
        after: vec![TextRecord::new("gaugelink-provenance", format!("{record:#}\n"))],
        ..FileText::default()
    }
}

/// A precision by its bits, 0 being the default.
pub fn precision(bits: u32) -> Result<Precision> {
    match bits {
        0 | 64 => Ok(Precision::F64),
        32 => Ok(Precision::F32),
        other => Err(Failure::invalid(format!("precision is {other}; 32 and 64 bits are possible"))),
    }
}

/// Writes a field as the options say.
///
/// # Safety
/// The options' strings are NULL or end with NUL.
unsafe fn write(gauge: &Gauge, path: &Path, given: &Options) -> Result<()> {
    // SAFETY: the caller's promise.
    let [format, lfn, provenance] = unsafe {
        [
            optional(given.format, "options->format")?,
            optional(given.lfn, "options->lfn")?,
            optional(given.provenance, "options->provenance")?,
        ]
    };
    let precision = precision(given.precision)?;
    let rows = match given.rows {
        0 => Rows::All,
        2 if gauge.links.colours() == 3 => Rows::Two,
        all if all as usize == gauge.links.colours() => Rows::All,
        other => {
            return Err(Failure::invalid(format!("rows is {other}; 0 (all) and, for SU(3), 2 are possible")));
        }
    };
    let format = format.map_or(Ok(FileFormat::Ildg), format_named)?;
    by_group!(Links, &gauge.links, u => {
        let average = plaquette(u)[0];
        let text = text(path, average, lfn, provenance);
        let options = WriteOptions {
            rows,
            plaquette: Some(average),
            link_trace: Some(link_trace(u)[0]),
            text: Some(&text),
            ..WriteOptions::new(format, precision)
        };
        write_as(path, u, 0, &options).map(drop)
    })?;
    Ok(())
}

entries! {
    fn gaugelink_file_write(gauge: *const Gauge, path: *const c_char, given: *const Options) {
        write(get(gauge, "gauge")?, Path::new(required(path, "path")?), &options(given)?)
    }
    fn gaugelink_file_write_view(
        lattice: *const LatticeHandle,
        from: *const raw::glk_view,
        path: *const c_char,
        given: *const Options,
    ) {
        let lattice = get(lattice, "lattice")?;
        let from = readable(from, "from", lattice)?;
        let (path, given) = (Path::new(required(path, "path")?), options(given)?);
        let mut gauge = Gauge::new(&lattice.context, &lattice.lattice, from.as_raw().ncolor)?;
        by_group!(Links, &mut gauge.links, u => read_view(&from, 0, u))?;
        write(&gauge, path, &given)
    }
}
