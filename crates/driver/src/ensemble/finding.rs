//! What is found out about an ensemble, beside its averages.

use crate::error::DriverError;
use crate::links::printable;
use crate::report::Report;
use serde::Serialize;

/// So many findings of a kind are shown as text; JSON lines have them all.
const SHOWN: usize = 12;
/// So many names stand in a message.
const NAMED: usize = 4;

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// Always "finding", to tell these lines from others.
    kind: &'static str,
    /// What kind of finding: "gap", "duplicate", ...
    pub what: &'static str,
    /// Whether the ensemble is not in order; otherwise it is a remark.
    pub wrong: bool,
    /// The files that it is about.
    pub files: Vec<String>,
    /// The numbers that it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<u64>,
    pub message: String,
}

impl Finding {
    /// Something that is not in order.
    pub fn wrong(what: &'static str, files: Vec<String>, message: impl Into<String>) -> Self {
        Self { kind: "finding", what, wrong: true, files, numbers: Vec::new(), message: message.into() }
    }

    /// A remark.
    pub fn note(what: &'static str, files: Vec<String>, message: impl Into<String>) -> Self {
        Self { wrong: false, ..Self::wrong(what, files, message) }
    }

    /// About these numbers.
    pub fn about(self, numbers: Vec<u64>) -> Self {
        Self { numbers, ..self }
    }
}

/// Names for a message: the first ones, and how many more there are.
pub(super) fn named(names: &[impl ToString]) -> String {
    let mut shown: Vec<String> = names.iter().take(NAMED).map(ToString::to_string).collect();
    if names.len() > NAMED {
        shown.push(format!("{} more", names.len() - NAMED));
    }
    match shown.pop() {
        Some(last) if !shown.is_empty() => format!("{} and {last}", shown.join(", ")),
        last => last.unwrap_or_default(),
    }
}

/// Prints findings: all of them as JSON lines, as text the first of each kind.
///
/// # Errors
/// Those of printing.
pub(crate) fn show(findings: &[Finding], report: &mut Report) -> Result<(), DriverError> {
    findings.iter().try_for_each(|finding| report.record(finding))?;
    let mut kinds: Vec<&str> = Vec::new();
    for finding in findings {
        if !kinds.contains(&finding.what) {
            kinds.push(finding.what);
        }
    }
    for kind in kinds {
        let of_kind: Vec<&Finding> = findings.iter().filter(|finding| finding.what == kind).collect();
        for finding in of_kind.iter().take(SHOWN) {
            let mark = if finding.wrong { "WRONG" } else { "note" };
            report.text(&format!("{mark:<5}  {kind}: {}", printable(&finding.message)))?;
        }
        if of_kind.len() > SHOWN {
            report.text(&format!("       {kind}: {} more (--json has all)", of_kind.len() - SHOWN))?;
        }
    }
    Ok(())
}
