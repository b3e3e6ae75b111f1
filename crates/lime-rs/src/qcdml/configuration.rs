//! The document of a configuration, `gaugeConfiguration`.

use std::fmt;

use super::{QcdmlKind, Violation, Writer, check_qcdml, checked, nodes, schema};
use crate::error::{Error, Result};

/// What was done with the data or the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevisionAction {
    /// Data were generated; only for configurations.
    Generate,
    /// Added to the catalogue.
    Add,
    /// Replaced there.
    Replace,
    /// Removed there.
    Remove,
}

impl fmt::Display for RevisionAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Generate => "generate",
            Self::Add => "add",
            Self::Replace => "replace",
            Self::Remove => "remove",
        })
    }
}

/// Who did it: with an ORCID, name and institution may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Participant {
    /// `0000-0000-0000-0000`.
    pub orcid: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Institution.
    pub institution: Option<String>,
}

/// One entry of the archive history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveEvent {
    /// What was done.
    pub action: RevisionAction,
    /// By whom.
    pub participant: Participant,
    /// When, e.g. `2024-05-31T23:59:00Z`.
    pub date: String,
}

impl ArchiveEvent {
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.group("archiveEvent", |writer| {
            writer.value("revisionAction", self.action);
            writer.group("participant", |writer| {
                let Participant { orcid, name, institution } = &self.participant;
                writer.optional("orcid", orcid);
                writer.optional("name", name);
                writer.optional("institution", institution);
            });
            writer.value("date", &self.date);
        });
    }
}

/// The computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub institution: String,
    /// What it is.
    pub kind: String,
}

/// The program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// When it was built, e.g. `2024-05-31T23:59:00Z`.
    pub date: String,
}

/// A parameter of the algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// An XML name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Precision of the generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredPrecision {
    /// 32 bits.
    Single,
    /// 64 bits.
    Double,
    /// Both.
    Mixed,
}

impl fmt::Display for StoredPrecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single => "single",
            Self::Double => "double",
            Self::Mixed => "mixed",
        })
    }
}

/// A configuration in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkovStep {
    /// Its number in the chain, e.g. the trajectory.
    pub update: String,
    /// `su3gauge`, …
    pub field: String,
    /// POSIX `cksum` of the payload of its `ildg-binary-data`.
    pub cksum: u32,
    /// Average plaquette, 1 for unit links.
    pub plaquette: f64,
}

/// A `gaugeConfiguration` document.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigurationDocument {
    /// Logical file name, `lfn://…`: that of `ildg-data-lfn`.
    pub data_lfn: String,
    /// What was done with the data; one entry at least.
    pub history: Vec<ArchiveEvent>,
    /// Where they were generated.
    pub machine: Machine,
    /// By what.
    pub code: Code,
    /// How.
    pub parameters: Vec<Parameter>,
    /// In which precision.
    pub precision: StoredPrecision,
    /// The ensemble, `mc://…`.
    pub chain_uri: String,
    /// Which of the ensemble's series.
    pub series: String,
    /// The configurations in the file; one at least.
    pub steps: Vec<MarkovStep>,
}

impl ConfigurationDocument {
    /// The document, which keeps the schema's rules.
    ///
    /// # Errors
    /// [`Error::Qcdml`] names each value that breaks them.
    pub fn to_xml(&self) -> Result<String> {
        let mut writer = Writer::new("gaugeConfiguration", schema::CONFIG);
        writer.value("dataLFN", &self.data_lfn);
        writer.group("management", |writer| {
            writer
                .group("archiveHistory", |writer| self.history.iter().for_each(|event| event.write(writer)));
        });
        writer.group("implementation", |writer| {
            writer.group("machine", |writer| {
                writer.value("name", &self.machine.name);
                writer.value("institution", &self.machine.institution);
                writer.value("machineType", &self.machine.kind);
            });
            writer.group("code", |writer| {
                writer.value("name", &self.code.name);
                writer.value("version", &self.code.version);
                writer.value("date", &self.code.date);
            });
        });
        writer.group("algorithm", |writer| write_parameters(writer, &self.parameters));
        writer.value("precision", self.precision);
        writer.group("markovSequence", |writer| {
            writer.value("markovChainURI", &self.chain_uri);
            writer.value("series", &self.series);
            for step in &self.steps {
                writer.group("markovStep", |writer| {
                    writer.value("update", &step.update);
                    writer.group("record", |writer| {
                        writer.value("field", &step.field);
                        writer.value("crcCheckSum", step.cksum);
                        writer.value("avePlaquette", Double(step.plaquette));
                    });
                });
            }
        });
        checked(writer.finish())
    }

    /// The configurations that a document states, after a check of the whole: for comparison with the data.
    ///
    /// # Errors
    /// [`Error::Qcdml`] for a document that breaks the rules or is that of an ensemble.
    pub fn read_steps(document: &[u8]) -> Result<Vec<MarkovStep>> {
        let kind = check_qcdml(document).map_err(|violations| Error::Qcdml { violations })?;
        let nodes = nodes(document).map_err(|violation| Error::Qcdml { violations: vec![violation] })?;
        if kind != QcdmlKind::Configuration {
            let problem = "this is the document of an ensemble; give that of a configuration".into();
            let violation = Violation { path: nodes[0].name.clone(), line: nodes[0].line, problem };
            return Err(Error::Qcdml { violations: vec![violation] });
        }
        let mut steps: Vec<MarkovStep> = Vec::new();
        let mut update = String::new();
        for node in &nodes {
            let text = node.text.trim();
            match node.name.as_str() {
                _ if node.namespace != schema::CONFIG => {}
                "update" => update = text.into(),
                "field" => steps.push(MarkovStep {
                    update: update.clone(),
                    field: text.into(),
                    cksum: 0,
                    plaquette: f64::NAN,
                }),
                "crcCheckSum" => {
                    if let Some(step) = steps.last_mut() {
                        step.cksum = text.parse().unwrap_or(0);
                    }
                }
                "avePlaquette" => {
                    if let Some(step) = steps.last_mut() {
                        step.plaquette = text.parse().unwrap_or(f64::NAN);
                    }
                }
                _ => {}
            }
        }
        Ok(steps)
    }
}

/// `parameters`, if there are any.
pub(super) fn write_parameters(writer: &mut Writer, parameters: &[Parameter]) {
    if parameters.is_empty() {
        return;
    }
    writer.group("parameters", |writer| {
        for Parameter { name, value } in parameters {
            writer.group("parameter", |writer| {
                writer.value("name", name);
                writer.value("value", value);
            });
        }
    });
}

/// A number as XML Schema writes it: infinities are INF.
pub(super) struct Double(pub f64);

impl fmt::Display for Double {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_infinite() {
            true => f.write_str(if self.0 > 0.0 { "INF" } else { "-INF" }),
            false => write!(f, "{}", self.0),
        }
    }
}
