//! The document of a run file: its tables, each read once, and mistakes shown with their lines.

use super::Stage;
use crate::error::DriverError;
use serde::de::DeserializeOwned;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// The tables of a TOML document, with their places in the text kept for messages.
pub(crate) struct Tables<'a> {
    text: &'a str,
    path: PathBuf,
    document: toml::Spanned<DeTable<'a>>,
}

impl<'a> Tables<'a> {
    pub fn parse(text: &'a str, path: &Path) -> Result<Self, DriverError> {
        let document = DeTable::parse(text).map_err(|error| match error.span() {
            Some(span) if error.message() == "duplicate key" && text.get(span.clone()) == Some("stage") => {
                at_line(path, text, span, "a second [stage]: stages are a list, write each as [[stage]]")
            }
            _ => config_error(path, text, error),
        })?;
        Ok(Self { text, path: path.into(), document })
    }

    pub fn fail(&self, message: String) -> DriverError {
        DriverError::Config { path: self.path.clone(), message }
    }

    /// An error at a place in the text, shown with its line.
    pub fn fail_at(&self, span: Range<usize>, message: &str) -> DriverError {
        at_line(&self.path, self.text, span, message)
    }

    /// An error of a table as a whole, shown with its first line.
    pub fn fail_in(&self, table: &str, message: &str) -> DriverError {
        self.fail_key(&[table], message)
    }

    /// Whether there is such a table.
    pub fn has(&self, table: &str) -> bool {
        self.document.get_ref().contains_key(table)
    }

    /// An error of a key of a stage: an entry of `[[stage]]`, or `[solve]`.
    pub fn fail_in_stage(&self, number: usize, key: &str, message: &str) -> DriverError {
        match self.has("stage") {
            true => self.fail_key(&["stage", &number.to_string(), key], message),
            false => self.fail_key(&["solve", key], message),
        }
    }

    /// An error of the key with this path; of the last table on the way where there is no such key.
    pub fn fail_key(&self, path: &[&str], message: &str) -> DriverError {
        match self.place(path) {
            Some(place) => self.fail_at(place, message),
            None => self.fail(format!("[{}]: {message}", path[0])),
        }
    }

    /// The place of a key, lists counted from 0, or of the last table or list on the way to it.
    fn place(&self, path: &[&str]) -> Option<Range<usize>> {
        let (table, keys) = path.split_first()?;
        let (key, mut value) = self.document.get_ref().get_key_value(*table)?;
        let mut place = key.span();
        for key in keys {
            let inner = match value.get_ref() {
                DeValue::Table(table) => table.get_key_value(*key).map(|(key, value)| (key.span(), value)),
                DeValue::Array(list) => {
                    let entry = key.parse().ok().and_then(|index: usize| list.get(index));
                    entry.map(|value| (value.span(), value))
                }
                _ => None,
            };
            let Some((found, next)) = inner else { break };
            (place, value) = (found, next);
        }
        Some(place)
    }

    /// Refuses top-level keys that are not in `known`.
    pub fn no_other_than(&self, known: &[&str]) -> Result<(), DriverError> {
        for key in self.document.get_ref().keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                let message =
                    format!("unknown table `{}`, expected one of {}", key.get_ref(), known.join(", "));
                return Err(self.fail_at(key.span(), &message));
            }
        }
        Ok(())
    }

    /// A table that may be left out.
    pub fn optional<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, DriverError> {
        match self.document.get_ref().get(name) {
            None => Ok(None),
            Some(value) => self.read(value.clone()).map(Some),
        }
    }

    /// A table that must be there.
    pub fn required<T: DeserializeOwned>(&self, name: &str) -> Result<T, DriverError> {
        self.optional(name)?.ok_or_else(|| self.fail(format!("the table [{name}] is missing: add it")))
    }

    fn read<T: DeserializeOwned>(&self, value: toml::Spanned<DeValue<'_>>) -> Result<T, DriverError> {
        T::deserialize(ValueDeserializer::from(value))
            .map_err(|error| config_error(&self.path, self.text, error))
    }

    /// The `[[stage]]` tables, each read as its `kind` says.
    pub fn stages(&self) -> Result<Vec<Stage>, DriverError> {
        let Some(value) = self.document.get_ref().get("stage") else {
            return Err(self.fail("no [[stage]] says what to do: add one, e.g. kind = \"hmc\"".into()));
        };
        let Some(stages) = value.get_ref().as_array() else {
            return Err(self.fail_at(value.span(), "write [[stage]] with two brackets: stages are a list"));
        };
        stages.iter().map(|stage| self.stage(stage.clone())).collect()
    }

    fn stage(&self, mut stage: toml::Spanned<DeValue<'_>>) -> Result<Stage, DriverError> {
        let span = stage.span();
        let kind = match stage.get_mut() {
            DeValue::Table(table) => table.remove("kind"),
            _ => None,
        };
        let Some(kind) = kind else {
            let message = format!("a stage needs a `kind`: one of {}", Stage::KINDS.join(", "));
            return Err(self.fail_at(span, &message));
        };
        match kind.get_ref().as_str() {
            Some("heatbath") => Ok(Stage::Heatbath(self.read(stage)?)),
            Some("hmc") => Ok(Stage::Hmc(self.read(stage)?)),
            Some("fthmc") => Ok(Stage::Fthmc(self.read(stage)?)),
            Some("proposal") => Ok(Stage::Proposal(self.read(stage)?)),
            Some("independence") => Ok(Stage::Independence(self.read(stage)?)),
            Some("importance") => Ok(Stage::Importance(self.read(stage)?)),
            Some("flow") => Ok(Stage::Flow(self.read(stage)?)),
            Some("solve") => Ok(Stage::Solve(Box::new(self.read(stage)?))),
            Some("spectrum") => Ok(Stage::Spectrum(self.read(stage)?)),
            Some("write") => Ok(Stage::Write(self.read(stage)?)),
            other => {
                let message = format!(
                    "unknown stage kind `{}`, expected one of {}",
                    other.unwrap_or("(not a string)"),
                    Stage::KINDS.join(", ")
                );
                Err(self.fail_at(kind.span(), &message))
            }
        }
    }
}

/// An error at a place in a text, shown with its line.
pub(super) fn at_line(path: &Path, text: &str, span: Range<usize>, message: &str) -> DriverError {
    let line = text[..span.start].matches('\n').count() + 1;
    let shown = text.lines().nth(line - 1).unwrap_or_default();
    DriverError::Config { path: path.into(), message: format!("line {line}: {message}\n  {line} | {shown}") }
}

/// An error of the TOML reader, with the line.
pub(crate) fn config_error(path: &Path, text: &str, mut error: toml::de::Error) -> DriverError {
    error.set_input(Some(text));
    let message = error.to_string().trim_end().replace(error.message(), &in_plain_words(error.message()));
    DriverError::Config { path: path.into(), message }
}

/// What a value should be, in the words of a run file instead of Rust's.
fn in_plain_words(message: &str) -> String {
    const WORDS: [(&str, &str); 7] = [
        ("u64", "a whole number from 0 on"),
        ("usize", "a whole number from 0 on"),
        ("f64", "a number"),
        ("a boolean", "true or false"),
        ("a sequence", "a list in brackets"),
        ("path string", "a path in quotes"),
        ("struct PluginTable", "a table such as { plugin = \"NAME\" }"),
    ];
    let known = WORDS.iter().find_map(|(rust, plain)| {
        Some(format!("{}expected {plain}", message.strip_suffix(rust)?.strip_suffix("expected ")?))
    });
    let message = known.unwrap_or_else(|| message.into());
    // An integer that only the reader's own type can hold.
    match message.contains(" as i128") {
        true => message.replace(" as i128", "").replace("from 0 on", "from 0 to 2^64 - 1"),
        false => message,
    }
}
