//! Section "Files of spinor fields and propagators": reading fields, one or all columns of a propagator.

use crate::boundary::{entries, get, get_mut};
use crate::error::{Failure, Result};
use crate::group::{by_group, mixed};
use crate::lattice::{LatticeHandle, same};
use crate::spinor::{Spinor, Spinors, by_spinors};
use crate::spinor_file::SpinorFile;
use crate::view::writable;
use gaugelink_lattice::foreign::write_view;
use gaugelink_lattice::group::group_name;
use gaugelink_physics::dirac::{SPINS, read_columns, read_spinor};
use gaugelink_plugin_sdk::{Error, raw};
use lime_rs::Verification;

impl SpinorFile {
    /// Refuses a record whose checksum is another than it states, unless that is to be ignored.
    fn check(&self, sum: &Verification) -> Result<()> {
        match sum.stored {
            Some(stored) if stored != sum.computed && !self.ignore_checksum => {
                Err(Failure(Error::io(format!(
                    "{}: checksum mismatch: the file states {stored}, a record of it gives {}; copy the file again, or open \
                     it with options->ignore_checksum",
                    self.path, sum.computed
                ))))
            }
            _ => Ok(()),
        }
    }
    fn read(&self, index: u32, psi: &mut Spinor) -> Result<()> {
        let (record, which) = self.find(index)?;
        if record.nspin != SPINS {
            return Err(Failure::unsupported(format!(
                "{}: spinor field {index} has {} spins; those of the library have {SPINS}",
                self.path, record.nspin
            )));
        }
        if record.ncolor != psi.field.colours() {
            let [own, wanted] = [record.ncolor, psi.field.colours()].map(group_name);
            return Err(Failure::invalid(format!(
                "{}: spinor field {index} is of {own}, that to read it into of {wanted}; make one with ncolor {}",
                self.path, record.ncolor
            )));
        }
        psi.changed();
        let sum = by_group!(Spinors, &mut psi.field, field => {
            read_spinor(&self.file, record.index, which, field, 0)
        })?;
        self.check(&sum)?;
        self.check_finite(psi)
    }
    /// All columns of a propagator, which are on one lattice and of one number of colours.
    fn read_propagator(&self, mut columns: Vec<&mut Spinor>) -> Result<()> {
        columns.iter_mut().for_each(|column| column.changed());
        let read = columns.iter_mut().map(|column| &mut **column).collect::<Vec<_>>();
        let sums = by_spinors!(&mut, read, fields => {
            let mut fields = fields;
            read_columns(&self.file, &mut fields, 0)
        })?;
        sums.iter().try_for_each(|sum| self.check(sum))?;
        columns.iter().try_for_each(|column| self.check_finite(column))
    }
    fn check_finite(&self, psi: &Spinor) -> Result<()> {
        match by_group!(Spinors, &psi.field, field => field.as_slice().iter().all(|x| x.is_finite())) {
            true => Ok(()),
            false => {
                let message = format!("{}: a number of a spinor is none; the file is damaged", self.path);
                Err(Failure(Error::nonfinite(message)))
            }
        }
    }
}

/// Spinors of a host to be written by one call: all there, no two the same, of one lattice and number of colours.
///
/// # Safety
/// NULL or `count` pointers, each NULL or a handle that was not freed and that nothing else uses.
unsafe fn columns<'a>(given: *const *mut Spinor, count: u32) -> Result<Vec<&'a mut Spinor>> {
    no_none(count)?;
    // SAFETY: the caller's promise.
    let given = unsafe {
        get(given, "columns")?;
        std::slice::from_raw_parts(given, count as usize)
    };
    if let Some(i) = (1..given.len()).find(|&i| given[..i].contains(&given[i]) && !given[i].is_null()) {
        return Err(Failure::invalid(format!(
            "columns[{i}] is a spinor that stands before it, too; use others"
        )));
    }
    // SAFETY: the caller's promise; they are not the same.
    let one = |(i, &column): (usize, &*mut Spinor)| unsafe { get_mut(column, &format!("columns[{i}]")) };
    let columns = given.iter().enumerate().map(one).collect::<Result<Vec<_>>>()?;
    alike(columns.iter().map(|column| &**column))?;
    Ok(columns)
}

/// A host that has no spinors may have no array either.
pub fn no_none(count: u32) -> Result<()> {
    match count {
        0 => Err(Failure::invalid("count is 0; give at least one spinor")),
        _ => Ok(()),
    }
}

/// Spinors that go together are of one lattice and number of colours.
pub fn alike<'a>(mut spinors: impl Iterator<Item = &'a Spinor>) -> Result<()> {
    let Some(first) = spinors.next() else { return Ok(()) };
    spinors.try_for_each(|other| {
        same(first.lattice(), other.lattice())?;
        let [a, b] = [first, other].map(|psi| psi.field.colours());
        if a == b { Ok(()) } else { Err(mixed(a, b)) }
    })
}

entries! {
    fn gaugelink_spinor_file_read(file: *const SpinorFile, index: u32, into: *mut Spinor) {
        get(file, "file")?.read(index, get_mut(into, "into")?)
    }
    fn gaugelink_spinor_file_read_view(
        file: *const SpinorFile,
        index: u32,
        lattice: *const LatticeHandle,
        to: *mut raw::glk_view,
    ) {
        let (file, lattice) = (get(file, "file")?, get(lattice, "lattice")?);
        let mut to = writable(to, "to", lattice)?;
        let mut psi = Spinor::new(lattice, to.as_view().as_raw().ncolor)?;
        file.read(index, &mut psi)?;
        by_group!(Spinors, &psi.field, field => write_view(field, &mut to, 0))?;
        Ok(())
    }
    fn gaugelink_spinor_file_read_propagator(file: *const SpinorFile, given: *const *mut Spinor, count: u32) {
        get(file, "file")?.read_propagator(columns(given, count)?)
    }
}
