//! What a command prints: text for people, or JSON lines for programs.

use crate::error::DriverError;
use crate::links::printable;
use serde::Serialize;
use std::io::{self, Write};

/// Standard output in one of the two forms.
pub(crate) struct Report {
    json: bool,
    quiet: bool,
}

impl Report {
    /// JSON lines, or text.
    pub fn new(json: bool) -> Self {
        Self { json, quiet: false }
    }

    /// Prints nothing.
    pub fn quiet() -> Self {
        Self { json: false, quiet: true }
    }

    /// Whether JSON lines were asked for.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a result as a JSON line; nothing where text was asked for.
    ///
    /// # Errors
    /// [`DriverError::ClosedPipe`], [`DriverError::Output`].
    pub fn record(&mut self, line: &impl Serialize) -> Result<(), DriverError> {
        if !self.json {
            return Ok(());
        }
        print(&json(line)?)
    }

    /// As [`Report::record`], where work goes on: a reader that went away does not end it.
    ///
    /// # Errors
    /// [`DriverError::Output`].
    pub fn tell(&mut self, line: &impl Serialize) -> Result<(), DriverError> {
        match self.record(line) {
            Err(DriverError::ClosedPipe) => Ok(()),
            result => result,
        }
    }

    /// Prints lines of text; nothing where JSON lines were asked for.
    ///
    /// # Errors
    /// As [`Report::record`].
    pub fn text(&mut self, text: &str) -> Result<(), DriverError> {
        if self.json || self.quiet { Ok(()) } else { print(text) }
    }
}

fn json(line: &impl Serialize) -> Result<String, DriverError> {
    serde_json::to_string(line).map_err(|e| DriverError::Input(e.to_string()))
}

/// A line for people, on standard error; the names of files in it move no cursor. Where that cannot be written to, nobody
/// is there to hear of it.
pub(crate) fn aside(line: std::fmt::Arguments<'_>) {
    let lines = line.to_string().split('\n').map(printable).collect::<Vec<_>>().join("\n");
    let _ = writeln!(io::stderr(), "gaugelink: {lines}");
}

/// The text of a file of JSON lines.
///
/// # Errors
/// [`DriverError::Input`] for what JSON cannot hold.
pub(crate) fn json_lines(lines: impl IntoIterator<Item = impl Serialize>) -> Result<String, DriverError> {
    lines.into_iter().map(|line| json(&line).map(|line| line + "\n")).collect()
}

/// A table with its header in the first row and a rule under it; the columns `right` are aligned to the right.
pub(crate) fn aligned<const N: usize>(rows: &[[String; N]], right: &[usize]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cell = |(column, cell): (usize, &String)| {
            let pad = " ".repeat(widths[column] - cell.chars().count());
            if right.contains(&column) { pad + cell } else { cell.clone() + &pad }
        };
        let line: Vec<String> = row.iter().enumerate().map(cell).collect();
        text += line.join("  ").trim_end();
        text.push('\n');
        if index == 0 {
            text += &"-".repeat(widths.iter().sum::<usize>() + 2 * (N - 1));
            text.push('\n');
        }
    }
    text
}

fn print(line: &str) -> Result<(), DriverError> {
    writeln!(io::stdout().lock(), "{line}").map_err(|source| match source.kind() {
        io::ErrorKind::BrokenPipe => DriverError::ClosedPipe,
        _ => DriverError::Output(source),
    })
}
