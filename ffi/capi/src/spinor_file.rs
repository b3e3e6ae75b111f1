//! Section "Files of spinor fields and propagators": opening, describing, verifying.

use crate::boundary::{entries, frees, get, get_mut, give};
use crate::context::{Context, Shared};
use crate::error::{Failure, Result};
use crate::file::CHECKSUM;
use crate::lattice::{LatticeHandle, extents};
use crate::structs::{options, report};
use crate::text::{required, string};
use gaugelink_lattice::{DIM_MAX, Site};
use gaugelink_physics::dirac::scalar_source_of;
use gaugelink_plugin_sdk::{Error, Extensible, raw};
use lime_rs::{Content, Number, ScidacFile, ScidacPayload};
use std::ffi::{CString, c_char};
use std::sync::Arc;

/// `gaugelink_spinor_file`.
pub struct SpinorFile {
    context: Arc<Shared>,
    pub file: ScidacFile,
    pub path: String,
    extents: [usize; DIM_MAX],
    records: Vec<Record>,
    user_xml: Option<CString>,
    warnings: Vec<CString>,
    /// Whether the numbers are wanted though a checksum is another.
    pub ignore_checksum: bool,
}

/// A logical record of spinor fields.
pub struct Record {
    /// Its number in the file.
    pub index: usize,
    /// How many spinor fields stand in records before it, and in it.
    before: usize,
    count: usize,
    pub nspin: usize,
    pub ncolor: usize,
    precision: u32,
    source: Sources,
    gamma_basis: i32,
    datatype: CString,
    checksum: Option<CString>,
    user_xml: Option<CString>,
}

/// What is known of the sources of a record's fields.
#[derive(Clone, Copy)]
enum Sources {
    Unknown,
    /// Spin and colour of its only field.
    One(usize, usize),
    /// Columns of propagators, source spin by source colour.
    Columns,
}

/// `gaugelink_spinor_open_options`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct OpenOptions {
    size: u32,
    ignore_checksum: u32,
    extents: [i64; 4],
}

/// `gaugelink_spinor_file_info`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Info {
    size: u32,
    spinors: u32,
    extents: [i64; 4],
    volumes: u32,
    warnings: u32,
    xml: *const c_char,
}

impl Default for Info {
    fn default() -> Self {
        Self { size: 0, spinors: 0, extents: [0; 4], volumes: 0, warnings: 0, xml: std::ptr::null() }
    }
}

/// `gaugelink_spinor_info`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Field {
    size: u32,
    ncolor: u32,
    nspin: u32,
    precision: u32,
    source_spin: i32,
    source_colour: i32,
    record: u32,
    gamma_basis: i32,
    datatype: *const c_char,
    checksum: *const c_char,
    xml: *const c_char,
}

impl Default for Field {
    fn default() -> Self {
        let none = std::ptr::null();
        Self {
            size: 0,
            ncolor: 0,
            nspin: 0,
            precision: 0,
            source_spin: -1,
            source_colour: -1,
            record: 0,
            gamma_basis: 0,
            datatype: none,
            checksum: none,
            xml: none,
        }
    }
}

/// `gaugelink_spinor_check`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Check {
    size: u32,
    checksum: i32,
    sums: [u32; 2],
}

// SAFETY: each begins with its size, has no padding, and zero is a value.
unsafe impl Extensible for OpenOptions {}
// SAFETY: as above.
unsafe impl Extensible for Info {}
// SAFETY: as above.
unsafe impl Extensible for Field {}
// SAFETY: as above.
unsafe impl Extensible for Check {}

fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(std::ptr::null(), |text| text.as_ptr())
}

fn count32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The basis that a record's name implies: USQCD's formats fix it, QDP++ and Grid have no other.
fn gamma_basis(datatype: &str) -> i32 {
    let known = datatype == "Lattice" || ["USQCD_", "GRID_"].iter().any(|code| datatype.starts_with(code));
    if known { raw::GLK_GAMMA_DEGRAND_ROSSI } else { 0 }
}

impl Record {
    /// `None` for a record of other things.
    fn of(index: usize, before: usize, payload: &ScidacPayload) -> Option<Self> {
        let precision = match payload.number {
            Number::F32 => 32,
            Number::F64 => 64,
            _ => return None,
        };
        let told = || payload.source().map_or(Sources::Unknown, |(spin, colour)| Sources::One(spin, colour));
        let (nspin, ncolor, count, source) = match payload.content {
            Content::Spinor { ns, nc, count: 1, .. } => (ns, nc, 1, told()),
            Content::Spinor { ns, nc, count, .. } => (ns, nc, count, Sources::Unknown),
            Content::Propagator { ns, nc, count, .. } => (ns, nc, ns * nc * count, Sources::Columns),
            _ => return None,
        };
        Some(Self {
            index,
            before,
            count,
            nspin,
            ncolor,
            precision,
            source,
            gamma_basis: gamma_basis(&payload.info.datatype),
            datatype: string(&payload.info.datatype),
            checksum: payload.checksum.map(|sum| string(&sum.to_string())),
            user_xml: payload.user_xml.as_deref().map(string),
        })
    }
    fn describe(&self, which: usize) -> Field {
        let (source_spin, source_colour) = match self.source {
            Sources::Unknown => (-1, -1),
            Sources::One(spin, colour) => (spin as i32, colour as i32),
            Sources::Columns => {
                let column = which % (self.nspin * self.ncolor);
                ((column / self.ncolor) as i32, (column % self.ncolor) as i32)
            }
        };
        Field {
            ncolor: count32(self.ncolor),
            nspin: count32(self.nspin),
            precision: self.precision,
            source_spin,
            source_colour,
            record: count32(self.index),
            gamma_basis: self.gamma_basis,
            datatype: self.datatype.as_ptr(),
            checksum: pointer(self.checksum.as_ref()),
            xml: pointer(self.user_xml.as_ref()),
            ..Field::default()
        }
    }
}

/// What the records of a file without spinor fields hold, in words.
fn contents(file: &ScidacFile) -> String {
    let word = |payload: &ScidacPayload| match payload.content {
        content if content.is_links() => "a gauge field: open it with gaugelink_file_open",
        Content::ColourMatrix { .. } => "colour matrices",
        Content::ColourVector { .. } => "staggered spinors",
        Content::Complex { .. } => "complex numbers",
        _ => "other numbers",
    };
    let mut words: Vec<&str> = file.payloads().iter().map(word).collect();
    words.dedup();
    words.join("; ")
}

impl SpinorFile {
    fn open(context: &Arc<Shared>, path: &str, given: &OpenOptions) -> Result<Self> {
        let sides = match given.extents {
            [0, 0, 0, 0] => None,
            all => Some(extents(&all)?),
        };
        let file = ScidacFile::open_with(path, sides.as_deref())?;
        let dims = &file.info().dims;
        let Ok(extents) = <[usize; DIM_MAX]>::try_from(&dims[..]) else {
            return Err(Failure::unsupported(format!(
                "{path}: its lattice {dims:?} has {} dimensions; spinor fields of the library have four",
                dims.len()
            )));
        };
        let mut records: Vec<Record> = Vec::new();
        for (index, payload) in file.payloads().iter().enumerate() {
            let before = records.last().map_or(0, |record| record.before + record.count);
            records.extend(Record::of(index, before, payload));
        }
        let mut warnings: Vec<CString> =
            file.warnings().iter().map(|warning| string(&warning.to_string())).collect();
        match records.iter().find(|record| record.gamma_basis == 0) {
            None if records.is_empty() => {
                return Err(Failure(Error::io(format!(
                    "{path}: no spinor field of four spins and no propagator: the file holds {}",
                    contents(&file)
                ))));
            }
            None => {}
            Some(record) => warnings.push(string(&format!(
                "record {} (`{}`) does not tell the basis of its gamma matrices: those of tmLQCD and nissa, for example, are not \
                 the library's, so turn its spinors before an operator acts on them",
                record.index,
                record.datatype.to_string_lossy()
            ))),
        }
        Ok(Self {
            context: context.clone(),
            path: path.to_owned(),
            extents,
            records,
            user_xml: file.user_xml().map(string),
            warnings,
            ignore_checksum: given.ignore_checksum == 1,
            file,
        })
    }
    fn count(&self) -> usize {
        self.records.last().map_or(0, |record| record.before + record.count)
    }
    /// The record that holds a spinor field, and which of its fields that is.
    pub fn find(&self, index: u32) -> Result<(&Record, usize)> {
        let (index, count) = (index as usize, self.count());
        if index >= count {
            return Err(Failure::invalid(format!(
                "{}: there is no spinor field {index}: the file holds {count}, counted from 0",
                self.path
            )));
        }
        let record = &self.records[self.records.partition_point(|record| record.before <= index) - 1];
        Ok((record, index - record.before))
    }
    fn info(&self) -> Info {
        Info {
            spinors: count32(self.count()),
            extents: self.extents.map(|extent| extent as i64),
            volumes: count32(self.file.volumes()),
            warnings: count32(self.warnings.len()),
            xml: pointer(self.user_xml.as_ref()),
            ..Info::default()
        }
    }
    fn source(&self) -> Result<Option<Site>> {
        // Without one no lattice is made, which nothing but the file's text vouches for.
        let scalar = |payload: &ScidacPayload| payload.content == Content::Complex { count: 1 };
        if !self.file.payloads().iter().any(scalar) {
            return Ok(None);
        }
        let lattice = LatticeHandle::new(&self.context, &self.extents)?.lattice;
        Ok(scalar_source_of(&self.file, &lattice)?)
    }
    fn verify(&self, index: u32) -> Result<Check> {
        let sum = self.file.verify(self.find(index)?.0.index)?;
        let checksum = CHECKSUM[match sum.stored {
            None => 0,
            Some(stored) if stored == sum.computed => 1,
            Some(_) => 2,
        }];
        Ok(Check { checksum, sums: [sum.computed.suma, sum.computed.sumb], ..Check::default() })
    }
}

entries! {
    fn gaugelink_spinor_file_open(
        context: *const Context,
        path: *const c_char,
        given: *const OpenOptions,
        out: *mut *mut SpinorFile,
    ) {
        give(out, || {
            let (context, path, given) = (get(context, "context")?, required(path, "path")?, options(given)?);
            if given.ignore_checksum > 1 {
                let message = format!("options->ignore_checksum is {}; 0 and 1 are possible", given.ignore_checksum);
                return Err(Failure::invalid(message));
            }
            SpinorFile::open(&context.0, path, &given)
        })
    }
    fn gaugelink_spinor_file_get_info(file: *const SpinorFile, out: *mut Info) {
        report(out, &get(file, "file")?.info())
    }
    fn gaugelink_spinor_file_describe(file: *const SpinorFile, index: u32, out: *mut Field) {
        let (record, which) = get(file, "file")?.find(index)?;
        report(out, &record.describe(which))
    }
    fn gaugelink_spinor_file_source(file: *const SpinorFile, site: *mut i64, found: *mut i32) {
        let (file, found) = (get(file, "file")?, get_mut(found, "found")?);
        get(site, "site")?;
        let source = file.source()?;
        *found = i32::from(source.is_some());
        if let Some(source) = source {
            site.cast::<[i64; DIM_MAX]>().write(source.map(|x| x as i64));
        }
        Ok(())
    }
    fn gaugelink_spinor_file_verify(file: *const SpinorFile, index: u32, out: *mut Check) {
        let check = get(file, "file")?.verify(index)?;
        report(out, &check)
    }
}

frees! {
    fn gaugelink_spinor_file_free(SpinorFile);
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gaugelink_spinor_file_warning(file: *const SpinorFile, index: u32) -> *const c_char {
    // SAFETY: NULL or a handle that was not freed.
    let warning = unsafe { file.as_ref() }.and_then(|file| file.warnings.get(index as usize));
    pointer(warning)
}
