//! Section "ILDG files".

use crate::boundary::{entries, frees, get, get_mut, give};
use crate::context::{Context, Shared};
use crate::error::{Failure, Result};
use crate::gauge::{Gauge, Links};
use crate::group::by_group;
use crate::lattice::{LatticeHandle, extents};
use crate::structs::{options, report};
use crate::text::{optional, required, string};
use gaugelink_lattice::file::{self, FileChecksum, FileText};
use gaugelink_physics::observable::{link_trace, plaquette};
use gaugelink_plugin_sdk::{Error, Extensible};
use lime_rs::{GaugeFile, IldgFile, Payload, Precision, Shape, TextRecord};
use std::ffi::{CString, c_char};
use std::path::Path;
use std::sync::Arc;

/// `gaugelink_ildg`.
pub struct File {
    context: Arc<Shared>,
    file: GaugeFile,
    payload: Payload,
    lfn: Option<CString>,
    warnings: Vec<CString>,
}

/// `gaugelink_ildg_info`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Info {
    size: u32,
    ndim: u32,
    extents: [i64; 4],
    ncolor: u32,
    precision: u32,
    has_checksum: u32,
    suma: u32,
    sumb: u32,
    warnings: u32,
    plaquette: f64,
    payload_bytes: u64,
    lfn: *const c_char,
}

impl Default for Info {
    fn default() -> Self {
        Self {
            size: 0,
            ndim: 0,
            extents: [0; 4],
            ncolor: 0,
            precision: 0,
            has_checksum: 0,
            suma: 0,
            sumb: 0,
            warnings: 0,
            plaquette: f64::NAN,
            payload_bytes: 0,
            lfn: std::ptr::null(),
        }
    }
}

/// `gaugelink_ildg_check`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Check {
    size: u32,
    checksum: i32,
    suma: u32,
    sumb: u32,
    plaquette: f64,
    link_trace: f64,
    unitarity: f64,
}

/// `gaugelink_ildg_options`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Options {
    size: u32,
    precision: u32,
    lfn: *const c_char,
    provenance: *const c_char,
}

impl Default for Options {
    fn default() -> Self {
        Self { size: 0, precision: 0, lfn: std::ptr::null(), provenance: std::ptr::null() }
    }
}

// SAFETY: each begins with its size, has no padding, and zero is a value.
unsafe impl Extensible for Info {}
// SAFETY: as above.
unsafe impl Extensible for Check {}
// SAFETY: as above.
unsafe impl Extensible for Options {}

/// Codes of `gaugelink_ildg_check.checksum`: none, ok, bad.
const CHECKSUM: [i32; 3] = [0, 1, 2];

impl File {
    fn new(context: &Arc<Shared>, file: IldgFile) -> Self {
        let payload = file.payload().clone();
        let lfn = payload.lfn.as_deref().map(string);
        let warnings = file.warnings().iter().map(|warning| string(&warning.to_string())).collect();
        Self { context: context.clone(), file: file.into(), payload, lfn, warnings }
    }
    fn info(&self) -> Info {
        let payload = &self.payload;
        let (format, sum) = (&payload.format, payload.checksum.unwrap_or_default());
        Info {
            ndim: file::extents(&format.dims).len() as u32,
            extents: format.dims.map(|extent| extent as i64),
            ncolor: format.nc as u32,
            precision: format.precision.bits(),
            has_checksum: payload.checksum.is_some() as u32,
            suma: sum.suma,
            sumb: sum.sumb,
            warnings: self.warnings.len() as u32,
            plaquette: self.file.stated().plaquette.unwrap_or(f64::NAN),
            payload_bytes: payload.bytes,
            lfn: self.lfn.as_ref().map_or(std::ptr::null(), |lfn| lfn.as_ptr()),
            ..Info::default()
        }
    }
    /// Reads the links as they are. Where that fails half-way, some are new all the same.
    fn load(&self, gauge: &mut Gauge) -> Result<FileChecksum> {
        let sum = by_group!(Links, &mut gauge.links, u => file::read(&self.file, u, 0));
        gauge.changed();
        Ok(sum?)
    }
    fn verify(&self) -> Result<Check> {
        let format = &self.payload.format;
        let lattice = LatticeHandle::new(&self.context, &file::extents(&format.dims))?;
        let mut gauge = Gauge::new(&self.context, &lattice.lattice, format.nc as u32)?;
        let sum = self.load(&mut gauge)?;
        let unitarity = by_group!(Links, &gauge.links, u => u.unitarity_violation());
        let finite = |value: f64| if unitarity.is_finite() { value } else { f64::NAN };
        Ok(Check {
            checksum: CHECKSUM[match sum.stored {
                None => 0,
                Some(_) if sum.is_bad() => 2,
                Some(_) => 1,
            }],
            suma: sum.scidac.suma,
            sumb: sum.scidac.sumb,
            plaquette: finite(by_group!(Links, &gauge.links, u => plaquette(u)[0])),
            link_trace: finite(by_group!(Links, &gauge.links, u => link_trace(u)[0])),
            unitarity,
            ..Check::default()
        })
    }
    fn read(&self, gauge: &mut Gauge) -> Result<()> {
        let sum = self.load(gauge)?;
        if let (true, Some(stored)) = (sum.is_bad(), sum.stored) {
            return Err(Failure(Error::io(format!(
                "checksum mismatch: the file states {stored}, its payload gives {}; copy the file again",
                sum.computed
            ))));
        }
        if by_group!(Links, &gauge.links, u => u.unitarity_violation()).is_infinite() {
            return Err(Failure(Error::nonfinite("a link is no number; the file is damaged")));
        }
        Ok(())
    }
}

/// Records that say where the links come from, without a date: equal fields make equal files.
fn text(path: &Path, average: f64, lfn: Option<&str>, provenance: Option<&str>) -> FileText {
    let version = env!("CARGO_PKG_VERSION");
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let record = serde_json::json!({ "program": "libgaugelink", "version": version, "host": provenance });
    FileText {
        lfn: Some(lfn.map_or_else(|| format!("lfn://gaugelink/{name}"), str::to_owned)),
        before: vec![TextRecord::new(
            "xlf-info",
            format!("plaquette = {average:.15}\n gaugelink_version = {version}\n"),
        )],
        after: vec![TextRecord::new("gaugelink-provenance", format!("{record:#}\n"))],
    }
}

entries! {
    fn gaugelink_ildg_open(context: *const Context, path: *const c_char, out: *mut *mut File) {
        give(out, || {
            let context = get(context, "context")?;
            Ok(File::new(&context.0, IldgFile::open(required(path, "path")?)?))
        })
    }
    fn gaugelink_ildg_open_as(
        context: *const Context,
        path: *const c_char,
        given: *const i64,
        ncolor: u32,
        out: *mut *mut File,
    ) {
        give(out, || {
            let context = get(context, "context")?;
            get(given, "extents")?;
            let sides = extents(std::slice::from_raw_parts(given, 4))?;
            let shape = Shape { dims: std::array::from_fn(|mu| sides[mu]), nc: ncolor as usize };
            Ok(File::new(&context.0, IldgFile::open_with(required(path, "path")?, shape)?))
        })
    }
    fn gaugelink_ildg_get_info(file: *const File, out: *mut Info) {
        report(out, &get(file, "file")?.info())
    }
    fn gaugelink_ildg_verify(file: *const File, out: *mut Check) {
        let check = get(file, "file")?.verify()?;
        report(out, &check)
    }
    fn gaugelink_ildg_read(file: *const File, into: *mut Gauge) {
        get(file, "file")?.read(get_mut(into, "into")?)
    }
    fn gaugelink_ildg_write(gauge: *const Gauge, path: *const c_char, given: *const Options) {
        let path = Path::new(required(path, "path")?);
        let given = options(given)?;
        let precision = match given.precision {
            0 | 64 => Precision::F64,
            32 => Precision::F32,
            other => return Err(Failure::invalid(format!("precision is {other}; 32 and 64 bits are possible"))),
        };
        let (lfn, provenance) = (optional(given.lfn, "lfn")?, optional(given.provenance, "provenance")?);
        by_group!(Links, &get(gauge, "gauge")?.links, u => {
            let text = text(path, plaquette(u)[0], lfn, provenance);
            file::write(path, u, 0, precision, &text)
        })?;
        Ok(())
    }
}

frees! {
    fn gaugelink_ildg_free(File);
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gaugelink_ildg_warning(file: *const File, index: u32) -> *const c_char {
    // SAFETY: NULL or a handle that was not freed.
    let warning = unsafe { file.as_ref() }.and_then(|file| file.warnings.get(index as usize));
    warning.map_or(std::ptr::null(), |warning| warning.as_ptr())
}
