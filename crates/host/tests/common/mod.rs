//! What several tests need.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The plugin in C, built without cargo.
pub fn minimal(folder: &Path) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/minimal-c/build.sh");
    let status = Command::new("sh").arg(script).arg(folder).status().expect("sh runs");
    assert!(status.success(), "build.sh builds the plugin");
    folder.join("libglk_minimal_c.so")
}
