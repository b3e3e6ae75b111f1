//! QCDml 2.0 documents: one for each configuration, one for the ensemble. What exists is never replaced.

use super::about::About;
use super::examine::Examined;
use super::finding::Finding;
use super::member::Member;
use super::read::Read;
use crate::error::DriverError;
use crate::links::printable;
use gaugelink_lattice::group::group_name;
use lime_rs::qcdml::{ConfigurationDocument, MarkovStep};
use lime_rs::{AtomicFile, FileFormat, IldgFormat, Precision, check_lfn};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Name of the ensemble's document.
const ENSEMBLE: &str = "ensemble.xml";

/// The documents of an ensemble.
#[derive(Debug)]
pub(crate) struct Documents {
    folder: PathBuf,
    pub written: usize,
    /// Those that were there already and say the same.
    pub kept: usize,
    pub findings: Vec<Finding>,
}

impl Documents {
    /// Writes the documents of the sound configurations of an ensemble into `folder`, each checked against the schema's
    /// rules. `metadata` is the file that `about` was read from.
    ///
    /// # Errors
    /// [`DriverError::Config`] where the metadata break the rules; those of writing.
    pub fn write(
        folder: &Path,
        metadata: &Path,
        about: &About,
        read: &Read<'_>,
    ) -> Result<Self, DriverError> {
        let failed = |source| DriverError::Io { action: "make the folder", path: folder.into(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let broken = |error: lime_rs::Error| DriverError::Config {
            path: metadata.into(),
            message: format!("with what it says, a document breaks the rules of QCDml: {error}"),
        };
        let mut documents = Self { folder: folder.into(), written: 0, kept: 0, findings: Vec::new() };
        let chain = read.chain().taken;
        let Some((first, _)) = chain.first() else { return Ok(documents) };
        let text = about.document(first.dims, group_name(first.nc)).to_xml().map_err(broken)?;
        documents.keep_or_write(ENSEMBLE.as_ref(), &text, |_| "other values".into())?;
        for (member, found) in chain.iter().filter(|(_, found)| found.errors.is_empty()) {
            let lacking = |problem: String| {
                let message = format!("{} {problem}", member.name);
                Finding::wrong("metadata", vec![member.name.clone()], message)
            };
            if found.format != FileFormat::Ildg.name() {
                documents.findings.push(lacking(
                    "is no ILDG file, so it has no ildg-binary-data whose checksum a document could state: convert it \
                     (gaugelink ildg convert --to ildg)"
                        .into(),
                ));
                continue;
            }
            let Some(document) = document(member, found, about) else {
                documents.findings.push(lacking(format!(
                    "states no logical name: add `lfn = \"lfn://.../{{name}}\"` to [ensemble] of {}",
                    metadata.display()
                )));
                continue;
            };
            let (lfn, step) = (&document.data_lfn, &document.steps[0]);
            // A name of several lines is none, and no XML either.
            match check_lfn(lfn).and_then(|()| document.to_xml()) {
                Ok(text) => {
                    documents.keep_or_write(&file_name(member), &text, |old| otherwise(old, step))?;
                }
                Err(error @ lime_rs::Error::Qcdml { .. }) if !is_about_names(&error) => return Err(broken(error)),
                _ => documents.findings.push(lacking(match &member.lfn {
                    Some(_) => format!(
                        "states the logical name {lfn}, which no document can have: give it another one (gaugelink ildg \
                         convert --lfn lfn://...)"
                    ),
                    None => format!(
                        "would have the logical name {lfn}, which no document can have: rename the file, or correct `lfn` in \
                         [ensemble] of {}",
                        metadata.display()
                    ),
                })),
            }
        }
        Ok(documents)
    }

    /// Writes a document that is not there yet. One that is there stays; if it says something else, that is a finding.
    fn keep_or_write(
        &mut self,
        name: &OsStr,
        text: &str,
        otherwise: impl Fn(&[u8]) -> String,
    ) -> Result<(), DriverError> {
        let path = self.folder.join(name);
        match std::fs::read(&path) {
            Ok(old) if old == text.as_bytes() => self.kept += 1,
            Ok(old) => {
                let message = format!(
                    "{} exists with {}: it was left as it is; find out which is right, or choose another folder",
                    path.display(),
                    otherwise(&old)
                );
                self.findings.push(Finding::wrong(
                    "metadata",
                    vec![name.to_string_lossy().into_owned()],
                    message,
                ));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                AtomicFile::replace(&path, text.as_bytes())?;
                self.written += 1;
            }
            Err(source) => return Err(DriverError::Io { action: "read", path, source }),
        }
        Ok(())
    }

    /// What was done.
    pub fn text(&self) -> String {
        format!(
            "{}: {} QCDml documents written, {} kept as they were",
            self.folder.display(),
            self.written,
            self.kept
        )
    }
}

/// `conf.1000.lime.xml`, whatever folder the configuration is in.
fn file_name(member: &Member) -> OsString {
    let mut name = member.path.file_name().unwrap_or_default().to_owned();
    name.push(".xml");
    name
}

/// Whether a document breaks the rules by nothing but its logical name, which is the file's and none of the metadata.
fn is_about_names(error: &lime_rs::Error) -> bool {
    let lime_rs::Error::Qcdml { violations } = error else { return false };
    violations.iter().all(|violation| violation.path.ends_with("/dataLFN"))
}

/// The document of a configuration, whose logical name is the file's own where it states one; none without a name.
fn document(member: &Member, found: &Examined, about: &About) -> Option<ConfigurationDocument> {
    let number = member.number.map(|number| number.to_string());
    let base = member.path.file_name().unwrap_or_default().to_string_lossy();
    let built =
        about.ensemble.lfn.as_ref().map(|lfn| {
            lfn.replace("{name}", &base).replace("{number}", number.as_deref().unwrap_or_default())
        });
    let precision = if found.precision == "f32" { Precision::F32 } else { Precision::F64 };
    Some(ConfigurationDocument {
        data_lfn: member.lfn.clone().or(built)?,
        history: vec![about.event()],
        machine: about.machine(),
        code: about.code(),
        parameters: about.parameters(),
        precision: about.precision(&found.precision),
        chain_uri: about.ensemble.uri.clone(),
        series: about.ensemble.series.clone(),
        steps: vec![MarkovStep {
            update: number.unwrap_or_else(|| printable(&base)),
            field: IldgFormat::new(found.dims, found.nc, precision).ok()?.field,
            cksum: found.crc_cksum,
            plaquette: found.plaquette?,
        }],
    })
}

/// What an old document says otherwise than the data.
fn otherwise(old: &[u8], step: &MarkovStep) -> String {
    match ConfigurationDocument::read_steps(old) {
        Err(error) => format!("errors ({error})"),
        Ok(steps) => match steps.first() {
            Some(old) if old.cksum != step.cksum => {
                format!("crcCheckSum {}, the data have {}", old.cksum, step.cksum)
            }
            Some(old) if old.plaquette != step.plaquette => {
                format!("avePlaquette {}, the data have {}", old.plaquette, step.plaquette)
            }
            _ => "the same checksum and other values".into(),
        },
    }
}
