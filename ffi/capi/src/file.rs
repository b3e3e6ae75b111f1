//! Section "Files of gauge fields": opening, describing, verifying, reading whole files.

use crate::boundary::{entries, frees, get, get_mut, give};
use crate::context::{Context, Shared};
use crate::error::{Failure, Result};
use crate::gauge::{Gauge, Links};
use crate::group::by_group;
use crate::lattice::{LatticeHandle, extents};
use crate::structs::{options, report};
use crate::text::{optional, required, string};
use gaugelink_lattice::file::{self, FileChecksum};
use gaugelink_physics::observable::{link_trace, plaquette};
use gaugelink_plugin_sdk::{Error, Extensible};
use lime_rs::{Checksum, FileFormat, GaugeFile, Rows, Selection, Shape};
use std::ffi::{CString, c_char};
use std::sync::Arc;

/// `gaugelink_file`.
pub struct File {
    context: Arc<Shared>,
    pub file: GaugeFile,
    format: CString,
    lfn: Option<CString>,
    checksum: Option<CString>,
    warnings: Vec<CString>,
    /// Whether the links are wanted though the checksum is another.
    ignore_checksum: bool,
}

/// `gaugelink_open_options`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct OpenOptions {
    size: u32,
    ncolor: u32,
    extents: [i64; 4],
    format: *const c_char,
    ignore_checksum: u32,
    payload: u32,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { size: 0, ncolor: 0, extents: [0; 4], format: std::ptr::null(), ignore_checksum: 0, payload: 0 }
    }
}

/// `gaugelink_file_info`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Info {
    size: u32,
    ndim: u32,
    extents: [i64; 4],
    ncolor: u32,
    precision: u32,
    rows: u32,
    warnings: u32,
    plaquette: f64,
    link_trace: f64,
    payload_bytes: u64,
    format: *const c_char,
    lfn: *const c_char,
    checksum: *const c_char,
}

impl Default for Info {
    fn default() -> Self {
        Self {
            size: 0,
            ndim: 0,
            extents: [0; 4],
            ncolor: 0,
            precision: 0,
            rows: 0,
            warnings: 0,
            plaquette: f64::NAN,
            link_trace: f64::NAN,
            payload_bytes: 0,
            format: std::ptr::null(),
            lfn: std::ptr::null(),
            checksum: std::ptr::null(),
        }
    }
}

/// `gaugelink_file_check`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Check {
    size: u32,
    checksum: i32,
    sums: [u32; 2],
    plaquette: f64,
    link_trace: f64,
    unitarity: f64,
}

// SAFETY: each begins with its size, has no padding, and zero is a value.
unsafe impl Extensible for OpenOptions {}
// SAFETY: as above.
unsafe impl Extensible for Info {}
// SAFETY: as above.
unsafe impl Extensible for Check {}

/// Codes of checksums: none, ok, bad.
pub const CHECKSUM: [i32; 3] = [0, 1, 2];

/// A checksum as the header's two numbers.
pub fn numbers(sum: Checksum) -> [u32; 2] {
    match sum {
        Checksum::Scidac(sum) => [sum.suma, sum.sumb],
        Checksum::Nersc(sum) => [sum, 0],
        Checksum::Milc(sum) => [sum.sum29, sum.sum31],
    }
}

/// A format by its name.
pub fn format_named(name: &str) -> Result<FileFormat> {
    name.parse().map_err(|formats| Failure::invalid(format!("no format is called `{name}`: {formats}")))
}

/// Refuses a file whose checksum is another than it states.
pub fn refuse_bad(sum: &FileChecksum) -> Result<()> {
    match sum.stored.filter(|_| sum.is_bad()) {
        None => Ok(()),
        Some(stored) => Err(Failure(Error::io(format!(
            "checksum mismatch: the file states {stored}, its payload gives {}; copy the file again, or open it with options->ignore_checksum",
            sum.computed
        )))),
    }
}

/// The error for links that are no numbers.
pub fn not_finite() -> Failure {
    Failure(Error::nonfinite("a link is no number; the file is damaged"))
}

/// The links of a file as they are, and their checksum.
fn load(context: &Arc<Shared>, file: &GaugeFile) -> Result<(Gauge, FileChecksum)> {
    let body = file.body();
    let lattice = LatticeHandle::new(context, &file::extents(&body.dims))?;
    let mut gauge = Gauge::new(context, &lattice.lattice, body.nc as u32)?;
    let sum = load_into(file, &mut gauge)?;
    Ok((gauge, sum))
}

/// As [`load`]. Where that fails half-way, some links are new all the same.
fn load_into(file: &GaugeFile, gauge: &mut Gauge) -> Result<FileChecksum> {
    let sum = by_group!(Links, &mut gauge.links, u => file::read(file, u, 0));
    gauge.changed();
    Ok(sum?)
}

impl File {
    fn open(
        context: &Arc<Shared>,
        path: &str,
        format: Option<FileFormat>,
        selection: Selection,
        ignore_checksum: bool,
    ) -> Result<Self> {
        let candidates = match format {
            Some(format) => vec![format],
            None => GaugeFile::detect(path)?,
        };
        let file = GaugeFile::choose(path, &candidates, selection, |file| {
            let (gauge, _) = load(context, file)?;
            Ok::<_, Failure>(by_group!(Links, &gauge.links, u => plaquette(u)[0]))
        })?;
        Ok(Self {
            context: context.clone(),
            format: string(file.format().name()),
            lfn: file.lfn().map(string),
            checksum: file.stated().checksum.map(|sum| string(&sum.to_string())),
            warnings: file.warnings().iter().map(|warning| string(&warning.to_string())).collect(),
            ignore_checksum,
            file,
        })
    }
    /// Refuses a file whose checksum is another than it states, unless that is to be ignored.
    pub fn check(&self, sum: &FileChecksum) -> Result<()> {
        if self.ignore_checksum { Ok(()) } else { refuse_bad(sum) }
    }
    fn info(&self) -> Info {
        let (body, stated) = (self.file.body(), self.file.stated());
        let pointer = |text: &Option<CString>| text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
        Info {
            ndim: file::extents(&body.dims).len() as u32,
            extents: body.dims.map(|extent| extent as i64),
            ncolor: body.nc as u32,
            precision: body.precision.bits(),
            rows: if body.rows == Rows::All { body.nc } else { body.nc - 1 } as u32,
            warnings: self.warnings.len() as u32,
            plaquette: stated.plaquette.unwrap_or(f64::NAN),
            link_trace: stated.link_trace.unwrap_or(f64::NAN),
            payload_bytes: body.bytes(),
            format: self.format.as_ptr(),
            lfn: pointer(&self.lfn),
            checksum: pointer(&self.checksum),
            ..Info::default()
        }
    }
    fn verify(&self) -> Result<Check> {
        let (gauge, sum) = load(&self.context, &self.file)?;
        let unitarity = by_group!(Links, &gauge.links, u => u.unitarity_violation());
        let finite = |value: f64| if unitarity.is_finite() { value } else { f64::NAN };
        Ok(Check {
            checksum: CHECKSUM[match sum.stored {
                None => 0,
                Some(_) if sum.is_bad() => 2,
                Some(_) => 1,
            }],
            sums: numbers(sum.computed),
            plaquette: finite(by_group!(Links, &gauge.links, u => plaquette(u)[0])),
            link_trace: finite(by_group!(Links, &gauge.links, u => link_trace(u)[0])),
            unitarity,
            ..Check::default()
        })
    }
    fn read(&self, gauge: &mut Gauge) -> Result<()> {
        self.check(&load_into(&self.file, gauge)?)?;
        match by_group!(Links, &gauge.links, u => u.unitarity_violation()).is_infinite() {
            true => Err(not_finite()),
            false => Ok(()),
        }
    }
}

/// The shape that a host gives, if it does.
fn shape(given: &OpenOptions) -> Result<Option<Shape>> {
    if given.ncolor == 0 && given.extents == [0; 4] {
        return Ok(None);
    }
    let sides = extents(&given.extents)?;
    if given.ncolor == 0 || sides.contains(&0) {
        return Err(Failure::invalid(format!(
            "options->ncolor is {} and extents are {:?}: give the number of colours and all four extents (1 for none), or \
             neither",
            given.ncolor, given.extents
        )));
    }
    Ok(Some(Shape { dims: std::array::from_fn(|mu| sides[mu]), nc: given.ncolor as usize }))
}

entries! {
    fn gaugelink_file_open(
        context: *const Context,
        path: *const c_char,
        given: *const OpenOptions,
        out: *mut *mut File,
    ) {
        give(out, || {
            let (context, path) = (get(context, "context")?, required(path, "path")?);
            let given = options(given)?;
            let format = optional(given.format, "options->format")?.map(format_named).transpose()?;
            if given.ignore_checksum > 1 {
                let message = format!("options->ignore_checksum is {}; 0 and 1 are possible", given.ignore_checksum);
                return Err(Failure::invalid(message));
            }
            let selection = Selection { shape: shape(&given)?, payload: given.payload as usize };
            File::open(&context.0, path, format, selection, given.ignore_checksum == 1)
        })
    }
    fn gaugelink_file_get_info(file: *const File, out: *mut Info) {
        report(out, &get(file, "file")?.info())
    }
    fn gaugelink_file_verify(file: *const File, out: *mut Check) {
        let check = get(file, "file")?.verify()?;
        report(out, &check)
    }
    fn gaugelink_file_read(file: *const File, into: *mut Gauge) {
        get(file, "file")?.read(get_mut(into, "into")?)
    }
}

frees! {
    fn gaugelink_file_free(File);
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gaugelink_file_warning(file: *const File, index: u32) -> *const c_char {
    // SAFETY: NULL or a handle that was not freed.
    let warning = unsafe { file.as_ref() }.and_then(|file| file.warnings.get(index as usize));
    warning.map_or(std::ptr::null(), |warning| warning.as_ptr())
}
