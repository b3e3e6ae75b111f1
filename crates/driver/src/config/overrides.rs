//! `--set key=value`: changes to a run file before it is read.

use crate::error::DriverError;
use std::path::Path;
use toml_edit::{DocumentMut, Item, Value};

/// The text with each `key=value` put in; comments and the other lines stay.
///
/// A key is dotted (`action.beta`), stages are counted from 0 (`stage.0.sweeps`). A value is TOML (`6.0`, `true`,
/// `[4, 4]`); what is not valid TOML is taken as a string.
///
/// # Errors
/// [`DriverError::Config`] for a malformed override or a stage that does not exist.
pub fn with_overrides(text: &str, path: &Path, overrides: &[String]) -> Result<String, DriverError> {
    if overrides.is_empty() {
        return Ok(text.into());
    }
    let fail = |message: String| DriverError::Config { path: path.into(), message };
    let mut document: DocumentMut = text.parse().map_err(|e: toml_edit::TomlError| fail(e.to_string()))?;
    for change in overrides {
        let wrong = |why: &str| fail(format!("--set {change}: {why}"));
        let Some((key, value)) = change.split_once('=') else {
            return Err(wrong("write key=value, e.g. --set action.beta=6.0"));
        };
        let key = key.trim();
        if key.is_empty() || key.split('.').any(str::is_empty) {
            return Err(wrong("the key is empty; write key=value, e.g. --set action.beta=6.0"));
        }
        let value = value.trim();
        let value = match value.parse::<Value>() {
            Ok(value) => value,
            // No string was meant.
            Err(error) if value.parse::<f64>().is_ok() => {
                let why = error.to_string();
                return Err(wrong(why.trim_end().lines().last().unwrap_or("the number cannot be held")));
            }
            Err(_) => Value::from(value),
        };
        let item = place(document.as_item_mut(), key).map_err(|why| wrong(&why))?;
        match item {
            Item::Value(old) => {
                let decor = old.decor().clone();
                *old = value;
                *old.decor_mut() = decor;
            }
            Item::None => *item = Item::Value(value),
            _ => return Err(wrong("the key is a table; name one of its keys")),
        }
    }
    Ok(document.to_string())
}

/// The item that a dotted key means, made where it is missing.
fn place<'a>(root: &'a mut Item, key: &str) -> Result<&'a mut Item, String> {
    let parts: Vec<&str> = key.split('.').collect();
    let mut item = root;
    for (depth, part) in parts.iter().enumerate() {
        let last = depth + 1 == parts.len();
        if let Some(list) = item.as_array_of_tables().map(|list| list.len()) {
            let index: usize = part
                .parse()
                .map_err(|_| format!("`{part}` should be a number: stages are counted from 0"))?;
            if index >= list {
                return Err(format!("there is no number {index}, there are {list}, counted from 0"));
            }
            item = &mut item[index];
            continue;
        }
        if !matches!(item, Item::Table(_) | Item::None) && item.as_inline_table().is_none() {
            return Err(format!("`{part}` is looked for inside a value, which has no keys"));
        }
        let table = item.as_table_like_mut().ok_or("not a table")?;
        let missing = if last { Item::None } else { Item::Table(toml_edit::Table::new()) };
        item = table.entry(part).or_insert(missing);
    }
    Ok(item)
}
