//! The first configuration of a run.

use super::provenance::{InputFile, Provenance};
use crate::config::{FormatName, GroupName, RunFile, StartKind};
use crate::error::DriverError;
use crate::links::{self, Measured, Refusals};
use crate::report::aside;
use gaugelink_lattice::group::group_name;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, file as gauge_file};
use lime_rs::{GaugeFile, Shape};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Width of the Gaussian algebra elements of a hot start.
const HOT: f64 = 3.0;

/// The start file, opened.
pub(crate) struct Input {
    path: PathBuf,
    file: GaugeFile,
}

impl Input {
    /// Opens the file that a run file starts from, if it does.
    ///
    /// # Errors
    /// [`DriverError::File`].
    pub fn open(file: &RunFile) -> Result<Option<Self>, DriverError> {
        let path = file.start.file.clone().filter(|_| file.start.kind == StartKind::File);
        path.map(|path| Ok(Self { file: open(&path, file)?, path })).transpose()
    }
}

/// Opens a start file; where it does not say its shape, [lattice] does.
fn open(path: &Path, file: &RunFile) -> Result<GaugeFile, DriverError> {
    let format = file.start.format.map(|FormatName(format)| format);
    links::open_as(path, format, None).or_else(|error| {
        let error = match error {
            DriverError::File(error) => error,
            other => return Err(other),
        };
        if links::lacks_format(&error) {
            let remedy = "that is the key `format` of [start], or --set start.format=NAME".into();
            return Err(DriverError::FileWithRemedy { error, remedy });
        }
        let unknown = links::lacks_shape(&error);
        match &file.lattice {
            Some(table) if unknown => {
                let mut dims = [1; 4];
                let known = table.extents.len().min(4);
                dims[..known].copy_from_slice(&table.extents[..known]);
                links::open_as(path, format, Some(Shape { dims, nc: table.group.0 }))
            }
            None if unknown => Err(DriverError::FileWithRemedy {
                error,
                remedy: "add [lattice] with group and extents to the run file".into(),
            }),
            _ => Err(error.into()),
        }
    })
}

/// Whether the start file, where there is one and it is still there, is the one that a run began with.
///
/// # Errors
/// [`DriverError::File`] where it cannot be read.
pub(crate) fn is_same_input(file: &RunFile, began: &Provenance) -> Result<bool, DriverError> {
    let Some(path) = file.start.file.as_deref().filter(|path| path.exists()) else { return Ok(true) };
    let found = open(path, file)?.sums(false)?.scidac;
    let Some(input) = &began.input else { return Ok(false) };
    Ok(found.hexadecimal() == [input.suma.as_str(), input.sumb.as_str()])
}

/// Group and extents of a run: from its file, or from the start file.
///
/// # Errors
/// [`DriverError::Input`] where neither says, they differ, or the group is none that can be updated.
pub(crate) fn shape(file: &RunFile, input: Option<&Input>) -> Result<(usize, Vec<usize>), DriverError> {
    let of_file = input.map(|input| {
        let body = input.file.body();
        (body.nc, gauge_file::extents(&body.dims))
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
            let updates = file.stages.iter().any(|stage| stage.updates() > 0);
            let (precision, overlooked) = (input.file.body().precision, file.start.ignore_unitarity);
            // Nothing can be overlooked in links that are to be updated.
            let refusals = Refusals {
                statements: links::remedy(file.start.ignore_checksum, "--set start.ignore_checksum=true"),
                links: links::remedy(updates || overlooked, "--set start.ignore_unitarity=true"),
                links_of_wrong_files: false,
            };
            let (mut found, mut last) = (None, None);
            for chain in 0..lattice.chains() {
                let loaded = links::load(&input.file, &input.path, &mut u, chain, refusals)?;
                if let Some(reason) = links::unfit_for_updates(&loaded.survey, precision).filter(|_| updates)
                {
                    return Err(DriverError::Input(format!("{}: {reason}", input.path.display())));
                }
                found = Some(InputFile::new(&input.path, &loaded.checksum));
                last = Some(loaded);
            }
            let measured = Measured::of(&u, 0);
            if let Some(loaded) = last {
                let comm = lattice.comm();
                let remarks = links::remarks(&input.file, &input.path, &loaded, measured, comm, refusals)?;
                for remark in remarks.iter().filter(|_| comm.rank() == 0) {
                    aside(format_args!(
                        "{}: warning: {}",
                        links::shown(&input.path),
                        links::printable(remark)
                    ));
                }
            }
            Ok((u, found))
        }
        _ => Ok((GaugeField::cold(lattice)?, None)),
    }
}
