//! An opened SciDAC file: what its logical records are, where their data lie, and what they claim.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::content::{Content, Number, resolve};
use super::describe::{describe, file_info, text_of};
use super::info::{FileInfo, RecordInfo, RecordKind, VolumeFormat};
use super::ranks::{Ranks, Region, cover, sitelist};
use super::volume::{Volume, find};
use crate::access::{ReadAt, open_file};
use crate::checksum::ScidacChecksum;
use crate::error::{Error, Result};
use crate::group::Group;
use crate::ildg::load;
use crate::record::Record;
use crate::record::record_type::{FILE_XML, ILDG_BINARY, PRIVATE_FILE_XML, SCIDAC_BINARY, SITELIST};
use crate::scanner::scan;
use crate::warning::Warning;
use crate::xml::Document;

/// Where a part of a logical record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub volume: usize,
    pub offset: u64,
    pub bytes: u64,
}

/// A logical record: a field or global data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScidacPayload {
    /// What the private record states; inferred where the file has other metadata instead.
    pub info: RecordInfo,
    /// The user's text, from `scidac-record-xml`.
    pub user_xml: Option<String>,
    /// Type of the stored numbers.
    pub number: Number,
    /// What a site holds, or the whole of global data.
    pub content: Content,
    /// Number of sites; 1 for global data.
    pub sites: u64,
    /// Bytes a site.
    pub datum_bytes: u64,
    /// Checksum that the file states: over all volumes.
    pub checksum: Option<ScidacChecksum>,
    /// Why the data cannot be read, if they cannot.
    pub fault: Option<String>,
    pub(super) region: Region,
    pub(super) parts: Vec<Part>,
}

impl ScidacPayload {
    /// Bytes of all its parts.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }

    /// Where its bytes begin in the file, unless several volumes share them.
    pub fn offset(&self) -> Option<u64> {
        match &self.parts[..] {
            [part] => Some(part.offset),
            _ => None,
        }
    }

    /// Source spin and colour of a propagator's column, as USQCD's `usqcdPropInfo` (spin, color) states them.
    /// A staggered one has colour only, and spin 0 here.
    pub fn source(&self) -> Option<(usize, usize)> {
        let document = Document::read(self.user_xml.as_deref()?.as_bytes());
        let number = |name| document.text(name)?.parse().ok();
        Some((number("spin").unwrap_or(0), number("color")?))
    }
}

/// A SciDAC file, in one file or several volumes (or any other source of their bytes).
#[derive(Debug)]
pub struct ScidacFile<R = File> {
    pub(super) volumes: Vec<Volume<R>>,
    info: FileInfo,
    user_xml: Option<String>,
    payloads: Vec<ScidacPayload>,
    warnings: Vec<Warning>,
}

impl ScidacFile<File> {
    /// Opens a single file, or all volumes by the name they have in common or by the name of one of them.
    ///
    /// # Errors
    /// Reading errors with the file's name; [`Error::UnusableDimensions`] where [`Self::open_with`] is needed;
    /// [`Error::NoScidacData`]; [`Error::Volumes`] where volumes are missing or disagree.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, None)
    }

    /// Opens a file whose records do not state the lattice's extents.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(path: impl AsRef<Path>, dims: Option<&[usize]>) -> Result<Self> {
        let path = path.as_ref();
        let mut warnings = Vec::new();
        let volumes = find(path)
            .into_iter()
            .map(|path| {
                let source = open_file(&path).map_err(|error| error.in_file(&path))?;
                Volume::scan(source, Some(path), &mut warnings)
            })
            .collect::<Result<Vec<_>>>()?;
        Self::assemble(volumes, dims, warnings).map_err(|error| error.in_file(path))
    }

    /// The files that [`Self::open`] takes for the volumes of one, in the order of their numbers: several where `path` is a
    /// volume with a list of its sites that has others beside it, or the name that they have in common; else `path` itself,
    /// there or not.
    pub fn volume_paths(path: impl AsRef<Path>) -> Vec<PathBuf> {
        let path = path.as_ref();
        let found = find(path);
        let has_sites = |path: &PathBuf| {
            let records = open_file(path).map(|file| scan(&file).records).unwrap_or_default();
            records.iter().any(|record| record.kind() == SITELIST)
        };
        let is_alone = found.iter().all(|volume| volume == path);
        if is_alone || !found.iter().any(has_sites) { vec![path.into()] } else { found }
    }
}

impl<R: ReadAt> ScidacFile<R> {
    /// Reads the description from the bytes of the file or of its volumes, in the order of their numbers.
    ///
    /// # Errors
    /// As [`ScidacFile::open`], without a file's name.
    pub fn from_sources(sources: impl IntoIterator<Item = R>, dims: Option<&[usize]>) -> Result<Self> {
        let mut warnings = Vec::new();
        let volumes = sources
            .into_iter()
            .map(|source| Volume::scan(source, None, &mut warnings))
            .collect::<Result<Vec<_>>>()?;
        Self::assemble(volumes, dims, warnings)
    }

    fn assemble(
        mut volumes: Vec<Volume<R>>,
        dims: Option<&[usize]>,
        mut warnings: Vec<Warning>,
    ) -> Result<Self> {
        // The node that writes the metadata has the lowest number, but nothing else makes it the first.
        let has_info =
            |volume: &Volume<R>| volume.records.iter().any(|record| record.kind() == PRIVATE_FILE_XML);
        let Some(main) = volumes.iter().position(has_info).or_else(|| (!volumes.is_empty()).then_some(0))
        else {
            return Err(Error::Volumes { detail: "there is no file".into() });
        };
        let is_part = |volume: &Volume<R>| volume.records.iter().any(|record| record.kind() == SITELIST);
        if !has_info(&volumes[main]) && volumes.iter().any(is_part) {
            let detail = match volumes.len() {
                1 => "this is one of several, and the first, which describes the file, is missing".into(),
                count => {
                    format!("of {count} volumes none is the first, which describes the file: it is missing")
                }
            };
            return Err(Error::Volumes { detail });
        }
        volumes[..=main].rotate_right(1);

        let (stated, source) = (volumes[0].records.clone(), &volumes[0].source);
        let info = file_info(source, &stated, dims, &mut warnings)?;
        let user_xml = text_of(source, &stated, FILE_XML)?;
        let mut payloads = describe(source, &stated, &info, &mut warnings)?;
        read_sitelists(&mut volumes, &info)?;
        locate(&volumes, &mut payloads)?;
        for (index, payload) in payloads.iter_mut().enumerate() {
            settle(payload, index, &volumes, &mut warnings);
        }
        Ok(Self { volumes, info, user_xml, payloads, warnings })
    }

    /// Lattice and volume format.
    pub fn info(&self) -> &FileInfo {
        &self.info
    }

    /// The user's text on the file, from `scidac-file-xml`.
    pub fn user_xml(&self) -> Option<&str> {
        self.user_xml.as_deref()
    }

    /// Logical records in file order.
    pub fn payloads(&self) -> &[ScidacPayload] {
        &self.payloads
    }

    /// The volume with the metadata.
    pub(crate) fn source(&self) -> &R {
        &self.volumes[0].source
    }

    /// Number of files.
    pub fn volumes(&self) -> usize {
        self.volumes.len()
    }

    /// LIME records of a volume; 0 is the one with the metadata.
    pub fn records(&self, volume: usize) -> Option<&[Record]> {
        self.volumes.get(volume).map(|volume| &volume.records[..])
    }

    /// What was odd in the files.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Text of the first LIME record of a type in the volume with the metadata, e.g. `inverter-info`.
    ///
    /// # Errors
    /// [`Error::RecordTooLong`], [`Error::Read`].
    pub fn text(&self, kind: &str) -> Result<Option<String>> {
        text_of(&self.volumes[0].source, &self.volumes[0].records, kind)
    }

    /// As [`Self::text`], of the record that describes a logical record: where there are several, it stands before its data
    /// and after those of the one before.
    ///
    /// # Errors
    /// As [`Self::text`], with the volume's name; [`Error::NoSuchRecord`].
    pub fn text_of(&self, index: usize, kind: &str) -> Result<Option<String>> {
        let Volume { source, records, .. } = &self.volumes[0];
        self.payload(index)?;
        let data: Vec<usize> = (0..records.len()).filter(|&i| is_data(&records[i])).collect();
        let own = Group::of(records, &data, index).describing(records, kind).map(|i| &records[i..=i]);
        text_of(source, own.unwrap_or_default(), kind).map_err(|error| self.named(0, error))
    }

    /// Adds a volume's name to an error.
    pub(super) fn named(&self, volume: usize, error: Error) -> Error {
        match &self.volumes[volume].path {
            Some(path) => error.in_file(path),
            None => error,
        }
    }
}

/// Whether a record holds the data of a logical record, or a part of them.
pub(crate) fn is_data(record: &Record) -> bool {
    matches!(record.kind(), SCIDAC_BINARY | ILDG_BINARY)
}

/// Gives each volume its sites; together they must be the lattice.
fn read_sitelists<R: ReadAt>(volumes: &mut [Volume<R>], info: &FileInfo) -> Result<()> {
    let lattice = info.volume();
    let mut listed = false;
    for volume in volumes.iter_mut() {
        let Some(record) = volume.records.iter().find(|record| record.kind() == SITELIST) else { continue };
        // A list as long as the file allows: it is what the file holds.
        let bytes = load(&volume.source, record, u64::MAX)?;
        volume.sites = Some(sitelist(&bytes, lattice).ok_or_else(|| Error::Volumes {
            detail: format!("a site list of {} bytes is no list of 32- or 64-bit numbers", bytes.len()),
        })?);
        listed = true;
    }
    if volumes.len() == 1 && !listed {
        return match info.volume_format {
            VolumeFormat::Single => Ok(()),
            format => Err(Error::Volumes { detail: format!("{format:?} format without a site list") }),
        };
    }
    let lists: Vec<&[u64]> =
        volumes.iter().map(|volume| volume.sites.as_deref().unwrap_or_default()).collect();
    cover(&lists, lattice).map_err(|detail| Error::Volumes { detail })
}

/// Finds the parts of each payload. Global data lie in the main volume only; of the rest each volume has its part.
fn locate<R>(volumes: &[Volume<R>], payloads: &mut [ScidacPayload]) -> Result<()> {
    for (index, volume) in volumes.iter().enumerate() {
        let mut data = volume.records.iter().filter(|record| is_data(record));
        let shared = |payload: &&mut ScidacPayload| index == 0 || payload.info.kind != RecordKind::Global;
        for payload in payloads.iter_mut().filter(shared) {
            let Some(record) = data.next() else {
                return Err(Error::Volumes {
                    detail: format!("volume {index} holds fewer records than the first"),
                });
            };
            payload.parts.push(Part { volume: index, offset: record.data_offset(), bytes: record.length() });
        }
        if data.next().is_some() {
            return Err(Error::Volumes {
                detail: format!("volume {index} holds more records than the first"),
            });
        }
    }
    Ok(())
}

/// From the lengths to bytes a site and to what they are.
fn settle<R>(payload: &mut ScidacPayload, index: usize, volumes: &[Volume<R>], warnings: &mut Vec<Warning>) {
    let (bytes, sites) = (payload.bytes(), payload.sites);
    payload.datum_bytes = bytes / sites;
    let fits = payload.parts.iter().all(|part| {
        let sites = payload.ranks(volumes[part.volume].sites.as_deref()).sites();
        sites.checked_mul(payload.datum_bytes) == Some(part.bytes)
    });
    if payload.fault.is_none() && (payload.datum_bytes == 0 || !fits) {
        payload.fault = Some(format!("its {bytes} bytes are no whole number for each of its {sites} sites"));
    }
    if let Some(fault) = &payload.fault {
        warnings.push(Warning::UnusablePayload { payload: index, detail: fault.clone() });
        return;
    }
    (payload.number, payload.content) = resolve(&payload.info, payload.datum_bytes);
    if let Some(stated) = payload.info.datum_bytes().filter(|&stated| stated != payload.datum_bytes) {
        warnings.push(Warning::StatedDatumDiffers { payload: index, stated, actual: payload.datum_bytes });
    }
    if payload.checksum.is_none() {
        warnings.push(Warning::PayloadWithoutChecksum { payload: index });
    }
}

impl ScidacPayload {
    /// Ranks of the data of a part, in the volume with these sites.
    pub(super) fn ranks<'a>(&'a self, sites: Option<&'a [u64]>) -> Ranks<'a> {
        match (&self.info.kind, sites) {
            (RecordKind::Field, Some(sites)) => Ranks::Listed(sites),
            (RecordKind::Hyper { .. }, Some(sites)) => Ranks::Selected(
                sites.iter().copied().filter(|&rank| self.region.position(rank).is_some()).collect(),
            ),
            _ => Ranks::Region(&self.region),
        }
    }
}
