//! Section "Files of gauge fields": boxes of a file in a host's memory, and their checksums put together.

use crate::boundary::{entries, get};
use crate::context::Shared;
use crate::error::{Failure, Result};
use crate::file::{File, not_finite, numbers, refuse_bad};
use crate::lattice::{LatticeHandle, extents};
use crate::structs::report;
use crate::view::{Home, writable};
use gaugelink_lattice::Lattice;
use gaugelink_lattice::file::{Part, read_box};
use gaugelink_lattice::foreign::LinkTarget;
use gaugelink_plugin_sdk::{Extensible, raw, read_sized};
use lime_rs::{ChecksumKind, FileFormat, Sums};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// `gaugelink_file_part`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct PartOut {
    size: u32,
    cover: u32,
    sums: [u32; 2],
    units: u64,
}

// SAFETY: begins with its size, no padding, zero is a value.
unsafe impl Extensible for PartOut {}

impl From<&Part> for PartOut {
    fn from(part: &Part) -> Self {
        Self { cover: part.cover, sums: numbers(part.sums.checksum()), units: part.units, ..Self::default() }
    }
}

impl PartOut {
    /// The part of a file of this format.
    fn of(self, format: FileFormat) -> Part {
        let mut sums = Sums::new(format.checksum_kind(), false);
        match sums.kind {
            ChecksumKind::Scidac => [sums.scidac.suma, sums.scidac.sumb] = self.sums,
            ChecksumKind::Nersc => sums.nersc = self.sums[0],
            ChecksumKind::Milc => [sums.milc.sum29, sums.milc.sum31] = self.sums,
        }
        Part { sums, units: self.units, cover: self.cover }
    }
}

impl Home for LatticeHandle {
    fn home(&self) -> (&Shared, &Arc<Lattice>) {
        (&self.context, &self.lattice)
    }
}

/// Reads a box into a view; a box that is all of the file is verified.
///
/// # Safety
/// The view's planes may be written.
unsafe fn read(
    file: &File,
    lattice: &LatticeHandle,
    origin: [usize; 4],
    to: *mut raw::glk_view,
) -> Result<Part> {
    // SAFETY: the caller's promise.
    let mut to = unsafe { writable(to, "to", lattice) }?;
    let (opened, file, lattice) = (file, &file.file, &lattice.lattice);
    let body = file.body();
    let target = LinkTarget::new(&mut to, body.nc, lattice, &body.dims, &origin)?;
    let finite = AtomicBool::new(true);
    let part = read_box(file, lattice, &origin, |site, mu, link| {
        if !link.iter().all(|x| x.is_finite()) {
            finite.store(false, Ordering::Relaxed);
        }
        // SAFETY: each link comes once.
        unsafe { target.put(site, mu, link) }
    })?;
    if part.units == body.units() {
        opened.check(&Part::whole(file, std::slice::from_ref(&part))?)?;
    }
    match finite.into_inner() {
        true => Ok(part),
        false => Err(not_finite()),
    }
}

entries! {
    fn gaugelink_file_read_view(
        file: *const File,
        lattice: *const LatticeHandle,
        origin: *const i64,
        to: *mut raw::glk_view,
        part: *mut PartOut,
    ) {
        let (file, lattice) = (get(file, "file")?, get(lattice, "lattice")?);
        let origin = match origin.is_null() {
            true => vec![0; 4],
            false => extents(std::slice::from_raw_parts(origin, 4))?,
        };
        let found = read(file, lattice, std::array::from_fn(|mu| origin[mu]), to)?;
        if part.is_null() { Ok(()) } else { report(part, &PartOut::from(&found)) }
    }
    fn gaugelink_file_check_parts(file: *const File, parts: *const PartOut, count: u32) {
        let file = &get(file, "file")?.file;
        let stride = get(parts, "parts")?.size as usize;
        if stride < size_of::<PartOut>() {
            return Err(Failure::invalid(format!(
                "parts->size is {stride}, not sizeof(gaugelink_file_part): give what gaugelink_file_read_view filled"
            )));
        }
        let one = |i: usize| {
            let part = read_sized(parts.byte_add(i * stride)).filter(|part| part.size as usize == stride);
            let part = part.ok_or_else(|| Failure::invalid(format!("part {i} has another size than the first")))?;
            Ok(part.of(file.format()))
        };
        let parts = (0..count as usize).map(one).collect::<Result<Vec<_>>>()?;
        refuse_bad(&Part::whole(file, &parts)?)
    }
}
