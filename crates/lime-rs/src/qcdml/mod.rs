//! QCDml 2.0, ILDG's metadata: a document for each configuration and one for the ensemble, written from typed structs
//! and checked against the rules of the schema.

mod configuration;
mod ensemble;
mod form;
mod rule;
mod schema;
pub(crate) mod tree;

use std::fmt;

pub use configuration::{
    ArchiveEvent, Code, ConfigurationDocument, Machine, MarkovStep, Parameter, Participant, RevisionAction,
    StoredPrecision,
};
pub use ensemble::{Algorithm, Boundary, EnsembleDocument, GluonAction, License, QuarkAction, SixLink};

use crate::error::{Error, Result};
use rule::Check;

/// Which of the two documents one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QcdmlKind {
    /// `gaugeConfiguration`: what is in a file.
    Configuration,
    /// `markovChain`: what is in an ensemble.
    Ensemble,
}

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The element, from the root on, e.g. `gaugeConfiguration/markovSequence/series`; empty where the document is no
    /// XML at all.
    pub path: String,
    /// Line of the element.
    pub line: usize,
    /// What is wrong and what to do.
    pub problem: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.is_empty() {
            true => write!(f, "line {}: {}", self.line, self.problem),
            false => write!(f, "line {}, <{}>: {}", self.line, self.path, self.problem),
        }
    }
}

/// Checks a document against QCDml 2.0 and tells which kind it is.
///
/// # Errors
/// Everything that is wrong: within each element the first thing that does not belong there, and every value.
pub fn check_qcdml(document: &[u8]) -> Result<QcdmlKind, Vec<Violation>> {
    let nodes = nodes(document).map_err(|violation| vec![violation])?;
    let root = &nodes[0];
    let (kind, namespace, rule) = match root.name.as_str() {
        "gaugeConfiguration" => (QcdmlKind::Configuration, schema::CONFIG, &schema::CONFIGURATION),
        "markovChain" => (QcdmlKind::Ensemble, schema::ENSEMBLE, &schema::MARKOV_CHAIN),
        other => {
            let problem =
                format!("the root is <{other}>; QCDml's roots are <gaugeConfiguration> and <markovChain>");
            return Err(vec![Violation { path: other.into(), line: root.line, problem }]);
        }
    };
    if root.namespace != namespace {
        let problem = format!("its namespace is `{}`; write xmlns=\"{namespace}\"", root.namespace);
        return Err(vec![Violation { path: root.name.clone(), line: root.line, problem }]);
    }
    let found = Check::run(&nodes, namespace, rule);
    if found.is_empty() { Ok(kind) } else { Err(found) }
}

fn nodes(document: &[u8]) -> Result<Vec<tree::Node>, Violation> {
    let text = std::str::from_utf8(document).map_err(|error| {
        let line = 1 + document[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
        let problem = "it is not UTF-8 there; write it in that encoding".into();
        Violation { path: String::new(), line, problem }
    })?;
    tree::read(text.trim_start_matches('\u{feff}'))
}

/// A document that was just written, if it keeps the rules.
fn checked(text: String) -> Result<String> {
    match check_qcdml(text.as_bytes()) {
        Ok(_) => Ok(text),
        Err(violations) => Err(Error::Qcdml { violations }),
    }
}

/// Writes elements with indentation.
struct Writer {
    text: String,
    open: Vec<&'static str>,
}

impl Writer {
    fn new(root: &'static str, namespace: &str) -> Self {
        let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{namespace}\">\n");
        Self { text, open: vec![root] }
    }

    fn group(&mut self, name: &'static str, content: impl FnOnce(&mut Self)) {
        self.indent();
        self.text += &format!("<{name}>\n");
        self.open.push(name);
        content(self);
        self.open.pop();
        self.indent();
        self.text += &format!("</{name}>\n");
    }

    fn value(&mut self, name: &str, value: impl fmt::Display) {
        self.indent();
        let value = crate::xml::escape(&value.to_string());
        self.text += &format!("<{name}>{value}</{name}>\n");
    }

    fn optional(&mut self, name: &str, value: &Option<String>) {
        if let Some(value) = value {
            self.value(name, value);
        }
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.open.len()));
    }

    fn finish(mut self) -> String {
        if let Some(root) = self.open.pop() {
            self.text += &format!("</{root}>\n");
        }
        self.text
    }
}
