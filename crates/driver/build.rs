//! Names the source revision for provenance records; empty where git does not know it.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=../../crates");
    println!("cargo:rerun-if-changed=../../.git/logs/HEAD");
    let describe = Command::new("git").args(["describe", "--always", "--dirty=-modified"]).output();
    let revision =
        describe.ok().filter(|o| o.status.success()).map(|o| String::from_utf8_lossy(&o.stdout).into_owned());
    println!("cargo:rustc-env=GAUGELINK_REVISION={}", revision.unwrap_or_default().trim());
}
