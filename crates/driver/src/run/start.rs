//! The first configuration of a run.

use super::provenance::{InputFile, Provenance};
use crate::config::{GroupName, RunFile, StartKind};
use crate::error::DriverError;
use gaugelink_lattice::group::group_name;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, ildg};
use lime_rs::IldgFile;
use std::path::PathBuf;
use std::sync::Arc;

/// Width of the Gaussian algebra elements of a hot start.
const HOT: f64 = 3.0;

/// The start file, opened.
pub(crate) struct Input {
    path: PathBuf,
    file: IldgFile,
}

impl Input {
    /// Opens the file that a run file starts from, if it does.
    ///
    /// # Errors
    /// [`DriverError::File`].
    pub fn open(file: &RunFile) -> Result<Option<Self>, DriverError> {
        let path = file.start.file.clone().filter(|_| file.start.kind == StartKind::File);
        path.map(|path| Ok(Self { file: IldgFile::open(&path)?, path })).transpose()
    }
}

/// Whether the start file, where there is one and it is still there, is the one that a run began with.
///
/// # Errors
/// [`DriverError::File`] where it cannot be read.
pub(crate) fn is_same_input(file: &RunFile, began: &Provenance) -> Result<bool, DriverError> {
    let Some(path) = file.start.file.as_deref().filter(|path| path.exists()) else { return Ok(true) };
    let found = IldgFile::open(path)?.verify_checksum(|_, _| {})?.computed;
    let Some(input) = &began.input else { return Ok(false) };
    Ok((input.suma.as_str(), input.sumb.as_str())
        == (&*format!("{:08x}", found.suma), &*format!("{:08x}", found.sumb)))
}

/// Group and extents of a run: from its file, or from the start file.
///
/// # Errors
/// [`DriverError::Input`] where neither says, they differ, or the group is none that can be updated.
pub(crate) fn shape(file: &RunFile, input: Option<&Input>) -> Result<(usize, Vec<usize>), DriverError> {
    let of_file = input.map(|input| {
        let format = &input.file.payload().format;
        (format.nc, ildg::extents(format))
    });
    let of_table = file.lattice.as_ref().map(|table| {
        let GroupName(group) = table.group;
        (group, table.extents.clone())
    });
    match (of_table, of_file) {
        (None, None) => Err(DriverError::Input("neither [lattice] nor a start file says the extents".into())),
        (Some(table), None) => Ok(table),
        (Some((group, extents)), Some(found)) if (group, &extents) != (found.0, &found.1) => {
            Err(DriverError::Input(format!(
                "the start file holds {} on {:?}, [lattice] says {} on {extents:?}: leave [lattice] out to take the \
                 file's, or choose another file",
                group_name(found.0),
                found.1,
                group_name(group)
            )))
        }
        (_, Some((group, _))) if group > 3 => Err(DriverError::Input(format!(
            "the start file holds {}: runs are for U(1), SU(2) and SU(3)",
            group_name(group)
        ))),
        (_, Some(found)) => Ok(found),
    }
}

/// The first configuration of every chain, and where it comes from. Collective.
///
/// # Errors
/// [`DriverError`] where the file cannot be read, is damaged, or holds links that are none.
pub(crate) fn first<const N: usize>(
    file: &RunFile,
    lattice: &Arc<Lattice>,
    input: Option<&Input>,
) -> Result<(GaugeField<f64, N>, Option<InputFile>), DriverError> {
    let address = Address::new(file.seed(), Purpose::Start);
    match (file.start.kind, input) {
        (StartKind::Hot, _) => Ok((GaugeField::random(lattice, HOT, address)?, None)),
        (StartKind::File, Some(input)) => {
            let mut u = GaugeField::cold(lattice)?;
            let mut found = None;
            for chain in 0..lattice.chains() {
                found = Some(ildg::read(&input.file, &mut u, chain)?);
            }
            let found = found.map(|sum| InputFile::new(&input.path, &sum));
            Ok((u, found))
        }
        _ => Ok((GaugeField::cold(lattice)?, None)),
    }
}
