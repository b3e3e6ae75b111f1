//! QCDml documents that lie beside the configurations: what they state, against what is found.

use super::content::Reading;
use super::finding::Finding;
use super::member::{Member, Unread};
use lime_rs::qcdml::{ConfigurationDocument, MarkovStep, QcdmlKind, check_qcdml};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Documents of an archive have a few kilobytes.
const LARGEST: u64 = 1 << 20;
/// Documents state plaquettes with six digits and more.
const PLAQUETTE_DIGITS: f64 = 1e-5;

/// What the document of a configuration states.
#[derive(Clone, Debug)]
pub(crate) struct Stated {
    /// Name of the document's file.
    pub file: String,
    pub step: MarkovStep,
}

/// Takes the documents out of the files that are no configurations, `conf.1000.lime.xml` or `conf.1000.xml` to its
/// configuration; a document with that name that breaks the rules is a finding.
pub(super) fn take_documents(unread: &mut Vec<Unread>, members: &mut [Member]) -> Vec<Finding> {
    let mut by_path: HashMap<PathBuf, usize> = HashMap::new();
    for (place, member) in members.iter().enumerate() {
        by_path.entry(member.path.with_extension("")).or_insert(place);
        by_path.insert(member.path.clone(), place);
    }
    let mut findings = Vec::new();
    unread.retain(|file| {
        let Some(text) = text(&file.path).filter(|_| file.foreign) else { return true };
        let Some(&place) = by_path.get(&file.path.with_extension("")) else {
            return check_qcdml(&text) != Ok(QcdmlKind::Ensemble);
        };
        match ConfigurationDocument::read_steps(&text) {
            Ok(steps) => {
                let step = steps.into_iter().next();
                members[place].document = step.map(|step| Stated { file: file.name.clone(), step });
            }
            Err(error) => {
                let message = format!("{} breaks the rules of QCDml: {error}", file.name);
                findings.push(Finding::wrong("metadata", vec![file.name.clone()], message));
            }
        }
        false
    });
    findings
}

fn text(path: &Path) -> Option<Vec<u8>> {
    let usable = path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LARGEST);
    let is_document = usable && path.extension().is_some_and(|extension| extension == "xml");
    is_document.then(|| std::fs::read(path).ok())?
}

/// Documents that state another checksum or plaquette than the links have.
pub(super) fn other_statements(readings: &[Reading<'_>]) -> Vec<Finding> {
    let other = |Reading { member, found }: &Reading<'_>| {
        let (stated, found) = (member.document.as_ref()?, found.as_ref().ok()?);
        let plaquette = found.plaquette.unwrap_or(f64::NAN);
        let difference = if stated.step.cksum != found.crc_cksum {
            format!("crcCheckSum {}, and `cksum` of the links is {}", stated.step.cksum, found.crc_cksum)
        } else if (stated.step.plaquette - plaquette).abs() > PLAQUETTE_DIGITS {
            format!("avePlaquette {}, and the links have {plaquette:.9}", stated.step.plaquette)
        } else {
            return None;
        };
        let files = vec![stated.file.clone(), member.name.clone()];
        Some(Finding::wrong("metadata", files, format!("{} states {difference}", stated.file)))
    };
    readings.iter().filter_map(other).collect()
}
