//! The document of an ensemble, `markovChain`.

use std::fmt;

use super::configuration::{ArchiveEvent, Double, Parameter, write_parameters};
use super::{Writer, checked, schema};
use crate::error::Result;

/// Under which terms the data may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum License {
    /// A known licence, e.g. `https://creativecommons.org/licenses/by/4.0`.
    Standard {
        /// Its name.
        name: Option<String>,
        /// Where it stands.
        uri: String,
    },
    /// The collaboration's own terms.
    Custom {
        /// Their text.
        text: String,
    },
}

/// A boundary condition in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary {
    /// Periodic.
    Periodic,
    /// Antiperiodic.
    Antiperiodic,
    /// Open.
    Open,
    /// Dirichlet.
    Dirichlet,
}

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Periodic => "periodic",
            Self::Antiperiodic => "antiperiodic",
            Self::Open => "open",
            Self::Dirichlet => "dirichlet",
        })
    }
}

/// Improved gluon actions with loops of six links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SixLink {
    /// Tree-level Symanzik, c1 = −1/12.
    Symanzik,
    /// Iwasaki, c1 = −0.331.
    Iwasaki,
    /// DBW2, c1 = −1.4088.
    Dbw2,
}

/// The gluon action.
#[derive(Debug, Clone, PartialEq)]
pub enum GluonAction {
    /// Wilson's.
    Plaquette {
        /// Its coupling.
        beta: f64,
    },
    /// With rectangles; c0 + 8 c1 = 1.
    SixLink {
        /// Which.
        kind: SixLink,
        /// Its coupling.
        beta: f64,
        /// The coefficient of the rectangle.
        c1: f64,
    },
}

/// A Wilson or clover quark action.
#[derive(Debug, Clone, PartialEq)]
pub struct QuarkAction {
    /// Mass-degenerate flavours.
    pub flavours: u32,
    /// Hopping parameter.
    pub kappa: f64,
    /// Coefficient of the clover term, if there is one.
    pub c_sw: Option<f64>,
    /// Boundary conditions in x, y, z, t.
    pub boundary: [Boundary; 4],
    /// Where the action is explained.
    pub glossary: String,
}

/// How the ensemble was generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Algorithm {
    /// Its name, an XML name, e.g. `HMC`.
    pub name: String,
    /// Where it is explained.
    pub glossary: String,
    /// Publication.
    pub reference: String,
    /// Whether it samples exactly.
    pub exact: bool,
    /// Whether measurements must be reweighted.
    pub reweighting: bool,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
}

/// A `markovChain` document.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsembleDocument {
    /// Name of the ensemble, `mc://…`.
    pub chain_uri: String,
    /// Collaboration.
    pub collaboration: String,
    /// Project.
    pub project: String,
    /// Label of the ensemble.
    pub label: Option<String>,
    /// What was done with the document; not [`super::RevisionAction::Generate`].
    pub history: Vec<ArchiveEvent>,
    /// Terms of use, which QCDml 2.0 requires.
    pub license: License,
    /// Extents in x, y, z, t.
    pub dims: [usize; 4],
    /// Gauge group, e.g. `SU(3)`.
    pub group: String,
    /// The gluon action.
    pub gluon: GluonAction,
    /// Boundary conditions of the links in x, y, z, t.
    pub gluon_boundary: [Boundary; 4],
    /// Where the gluon action is explained.
    pub gluon_glossary: String,
    /// Dynamical quarks; none in a quenched ensemble.
    pub quarks: Vec<QuarkAction>,
    /// The algorithm.
    pub algorithm: Algorithm,
}

impl EnsembleDocument {
    /// The document, which keeps the schema's rules.
    ///
    /// # Errors
    /// [`crate::Error::Qcdml`] names each value that breaks them.
    pub fn to_xml(&self) -> Result<String> {
        let mut writer = Writer::new("markovChain", schema::ENSEMBLE);
        writer.value("markovChainURI", &self.chain_uri);
        writer.group("management", |writer| {
            writer.value("collaboration", &self.collaboration);
            writer.value("projectName", &self.project);
            writer.optional("ensembleLabel", &self.label);
            writer
                .group("archiveHistory", |writer| self.history.iter().for_each(|event| event.write(writer)));
        });
        writer.group("license", |writer| match &self.license {
            License::Standard { name, uri } => {
                writer.optional("licenseName", name);
                writer.value("licenseURI", uri);
            }
            License::Custom { text } => writer.value("customLicenseText", text),
        });
        writer.group("physics", |writer| {
            writer.group("size", |writer| {
                for (name, extent) in ["x", "y", "z", "t"].iter().zip(self.dims) {
                    writer.value(name, extent);
                }
            });
            writer.group("action", |writer| {
                writer.group("gluon", |writer| self.write_gluon(writer));
                if !self.quarks.is_empty() {
                    writer.group("quark", |writer| self.quarks.iter().for_each(|quark| quark.write(writer)));
                }
            });
        });
        writer.group("algorithm", |writer| {
            let Algorithm { name, glossary, reference, exact, reweighting, parameters } = &self.algorithm;
            writer.value("name", name);
            writer.value("glossary", glossary);
            writer.value("reference", reference);
            writer.value("exact", exact);
            writer.value("reweightingNeeded", reweighting);
            write_parameters(writer, parameters);
        });
        checked(writer.finish())
    }

    fn write_gluon(&self, writer: &mut Writer) {
        let (name, beta, c1) = match &self.gluon {
            GluonAction::Plaquette { beta } => ("plaquetteGluonAction", beta, None),
            GluonAction::SixLink { kind, beta, c1 } => {
                let name = match kind {
                    SixLink::Symanzik => "treelevelSymanzikGluonAction",
                    SixLink::Iwasaki => "iwasakiRGGluonAction",
                    SixLink::Dbw2 => "DBW2GluonAction",
                };
                (name, beta, Some(*c1))
            }
        };
        writer.group(name, |writer| {
            writer.value("glossary", &self.gluon_glossary);
            writer.group("gluonField", |writer| {
                writer.value("gaugeGroup", &self.group);
                writer.value("representation", "fundamental");
                write_boundary(writer, self.gluon_boundary);
            });
            writer.value("beta", Double(*beta));
            if let Some(c1) = c1 {
                writer.value("normalisation", "cs_sum_to_one");
                for (name, value) in [("c0", 1.0 - 8.0 * c1), ("c1", c1), ("c2", 0.0), ("c3", 0.0)] {
                    writer.value(name, Double(value));
                }
            }
        });
    }
}

impl QuarkAction {
    fn write(&self, writer: &mut Writer) {
        let name = if self.c_sw.is_some() { "cloverQuarkAction" } else { "wilsonQuarkAction" };
        writer.group(name, |writer| {
            writer.value("glossary", &self.glossary);
            writer.group("quarkField", |writer| {
                writer.value("normalisation", "sqrt2kappa");
                write_boundary(writer, self.boundary);
            });
            writer.value("numberOfFlavours", self.flavours);
            writer.value("kappa", Double(self.kappa));
            if let Some(c_sw) = self.c_sw {
                writer.value("cSW", Double(c_sw));
            }
        });
    }
}

fn write_boundary(writer: &mut Writer, boundary: [Boundary; 4]) {
    writer.group("boundaryCondition", |writer| {
        for (name, condition) in ["x", "y", "z", "t"].iter().zip(boundary) {
            writer.value(name, condition);
        }
    });
}
