//! SHA-256, as results name it.

use sha2::{Digest, Sha256};

/// The SHA-256 of bytes, hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of the keys and values of a TOML document: without comments, without whole `tables`, and without some
/// `keys` of others.
pub(crate) fn document_hash(text: &str, tables: &[&str], keys: &[(&str, &[&str])]) -> String {
    let mut document: toml::Table = text.parse().unwrap_or_default();
    tables.iter().for_each(|table| drop(document.remove(*table)));
    for (table, keys) in keys {
        if let Some(table) = document.get_mut(*table).and_then(toml::Value::as_table_mut) {
            keys.iter().for_each(|key| drop(table.remove(*key)));
        }
    }
    sha256_hex(toml::to_string(&document).unwrap_or_default().as_bytes())
}
