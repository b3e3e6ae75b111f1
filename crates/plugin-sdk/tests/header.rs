//! `plugin.h` is clean in every language it promises, alone and with all warnings; skipped where there is no compiler.

use std::path::Path;
use std::process::Command;

#[test]
fn the_header_compiles_in_c11_and_newer_cxx() {
    let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../include/gaugelink/plugin.h");
    for (compiler, language, standard) in
        [("cc", "c", "c11"), ("cc", "c", "c17"), ("c++", "c++", "c++17"), ("c++", "c++", "c++20")]
    {
        let mut command = Command::new(compiler);
        command.args(["-x", language, &format!("-std={standard}"), "-fsyntax-only"]);
        command.args(["-Wall", "-Wextra", "-Wpedantic", "-Wpadded", "-Werror"]).arg(&header);
        match command.output() {
            Ok(output) => {
                assert!(output.status.success(), "{standard}: {}", String::from_utf8_lossy(&output.stderr));
            }
            Err(error) => eprintln!("skipped {standard}: no {compiler} ({error})"),
        }
    }
}
