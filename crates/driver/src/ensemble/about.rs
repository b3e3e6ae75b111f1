//! What a person must say of an ensemble for its QCDml documents: a TOML file.

use crate::config::{config_error, finite, finite_if_given};
use crate::error::DriverError;
use lime_rs::odd_character;
use lime_rs::qcdml::{
    Algorithm, ArchiveEvent, Boundary, Code, EnsembleDocument, GluonAction, License, Machine, Parameter,
    Participant, QuarkAction, RevisionAction, SixLink, StoredPrecision,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The file of `--metadata`, read; docs/ensemble.toml explains every key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    pub ensemble: EnsembleTable,
    license: LicenseTable,
    archive: ArchiveTable,
    action: ActionTable,
    #[serde(default, rename = "quark")]
    quarks: Vec<QuarkTable>,
    algorithm: AlgorithmTable,
    machine: MachineTable,
    code: CodeTable,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnsembleTable {
    /// `mc://…`
    pub uri: String,
    collaboration: String,
    project: String,
    label: Option<String>,
    /// Which of the ensemble's series.
    #[serde(default = "first")]
    pub series: String,
    /// Logical name of a file that states none, with `{name}` and `{number}` in it.
    pub lfn: Option<String>,
    /// Precision of the generation; without it that of the files.
    precision: Option<PrecisionWord>,
}

fn first() -> String {
    "1".into()
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PrecisionWord {
    Single,
    Double,
    Mixed,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields, expecting = "[license] needs `uri` (and may have `name`), or `text`")]
enum LicenseTable {
    Standard { uri: String, name: Option<String> },
    Custom { text: String },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArchiveTable {
    name: Option<String>,
    institution: Option<String>,
    orcid: Option<String>,
    /// When the data were added.
    date: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ActionWord {
    Plaquette,
    Symanzik,
    Iwasaki,
    Dbw2,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ActionTable {
    kind: ActionWord,
    #[serde(deserialize_with = "finite")]
    beta: f64,
    glossary: String,
    #[serde(default = "periodic")]
    boundary: [BoundaryWord; 4],
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BoundaryWord {
    Periodic,
    Antiperiodic,
    Open,
    Dirichlet,
}

fn periodic() -> [BoundaryWord; 4] {
    [BoundaryWord::Periodic; 4]
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuarkTable {
    flavours: u32,
    #[serde(deserialize_with = "finite")]
    kappa: f64,
    #[serde(default, deserialize_with = "finite_if_given")]
    c_sw: Option<f64>,
    boundary: [BoundaryWord; 4],
    glossary: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlgorithmTable {
    name: String,
    glossary: String,
    reference: String,
    exact: bool,
    #[serde(default)]
    reweighting: bool,
    #[serde(default)]
    parameters: BTreeMap<String, toml::Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct MachineTable {
    name: String,
    institution: String,
    kind: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeTable {
    name: String,
    version: String,
    date: String,
}

impl About {
    /// Reads a file.
    ///
    /// # Errors
    /// [`DriverError::Io`]; [`DriverError::Config`] with line, key and what was expected.
    pub fn read(path: &Path) -> Result<Self, DriverError> {
        let text = std::fs::read_to_string(path).map_err(|source| DriverError::Io {
            action: "read",
            path: path.into(),
            source,
        })?;
        let broken = |error| config_error(path, &text, error);
        if let Some(key) = odd_key(&toml::from_str(&text).map_err(broken)?) {
            let message =
                format!("`{key}` has a control character in it, which XML does not have: leave it out");
            return Err(DriverError::Config { path: path.into(), message });
        }
        toml::from_str(&text).map_err(broken)
    }

    /// One entry of the archive's history.
    pub fn event(&self) -> ArchiveEvent {
        let ArchiveTable { name, institution, orcid, date } = self.archive.clone();
        ArchiveEvent {
            action: RevisionAction::Add,
            participant: Participant { orcid, name, institution },
            date,
        }
    }

    /// The computer of the generation.
    pub fn machine(&self) -> Machine {
        let MachineTable { name, institution, kind } = self.machine.clone();
        Machine { name, institution, kind }
    }

    /// Its program.
    pub fn code(&self) -> Code {
        let CodeTable { name, version, date } = self.code.clone();
        Code { name, version, date }
    }

    /// Its precision; `stored` is that of the file.
    pub fn precision(&self, stored: &str) -> StoredPrecision {
        match self.ensemble.precision {
            Some(PrecisionWord::Single) => StoredPrecision::Single,
            Some(PrecisionWord::Double) => StoredPrecision::Double,
            Some(PrecisionWord::Mixed) => StoredPrecision::Mixed,
            None if stored == "f32" => StoredPrecision::Single,
            None => StoredPrecision::Double,
        }
    }

    /// Parameters of the algorithm.
    pub fn parameters(&self) -> Vec<Parameter> {
        let parameter = |(name, value): (&String, &toml::Value)| Parameter {
            name: name.clone(),
            value: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        };
        self.algorithm.parameters.iter().map(parameter).collect()
    }

    /// The document of the ensemble.
    pub fn document(&self, dims: [usize; 4], group: String) -> EnsembleDocument {
        let beta = self.action.beta;
        let gluon = match self.action.kind {
            ActionWord::Plaquette => GluonAction::Plaquette { beta },
            ActionWord::Symanzik => GluonAction::SixLink { kind: SixLink::Symanzik, beta, c1: -1.0 / 12.0 },
            ActionWord::Iwasaki => GluonAction::SixLink { kind: SixLink::Iwasaki, beta, c1: -0.331 },
            ActionWord::Dbw2 => GluonAction::SixLink { kind: SixLink::Dbw2, beta, c1: -1.4088 },
        };
        let quark = |quark: &QuarkTable| QuarkAction {
            flavours: quark.flavours,
            kappa: quark.kappa,
            c_sw: quark.c_sw,
            boundary: quark.boundary.map(Boundary::from),
            glossary: quark.glossary.clone(),
        };
        let table = self.ensemble.clone();
        EnsembleDocument {
            chain_uri: table.uri,
            collaboration: table.collaboration,
            project: table.project,
            label: table.label,
            history: vec![self.event()],
            license: match self.license.clone() {
                LicenseTable::Standard { uri, name } => License::Standard { name, uri },
                LicenseTable::Custom { text } => License::Custom { text },
            },
            dims,
            group,
            gluon,
            gluon_boundary: self.action.boundary.map(Boundary::from),
            gluon_glossary: self.action.glossary.clone(),
            quarks: self.quarks.iter().map(quark).collect(),
            algorithm: Algorithm {
                name: self.algorithm.name.clone(),
                glossary: self.algorithm.glossary.clone(),
                reference: self.algorithm.reference.clone(),
                exact: self.algorithm.exact,
                reweighting: self.algorithm.reweighting,
                parameters: self.parameters(),
            },
        }
    }
}

/// The first key whose text no XML document can have.
fn odd_key(table: &toml::Table) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        if odd_character(key).is_some() {
            return Some(key.escape_debug().to_string());
        }
        odd_value(value).map(|inner| format!("{key}{inner}"))
    })
}

/// Whether a value has such a text, and below which keys of its own.
fn odd_value(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => odd_character(text).map(|_| String::new()),
        toml::Value::Table(table) => odd_key(table).map(|key| format!(".{key}")),
        toml::Value::Array(values) => values.iter().find_map(odd_value),
        _ => None,
    }
}

impl From<BoundaryWord> for Boundary {
    fn from(word: BoundaryWord) -> Self {
        match word {
            BoundaryWord::Periodic => Self::Periodic,
            BoundaryWord::Antiperiodic => Self::Antiperiodic,
            BoundaryWord::Open => Self::Open,
            BoundaryWord::Dirichlet => Self::Dirichlet,
        }
    }
}
