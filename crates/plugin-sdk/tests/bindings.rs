//! `src/raw.rs` is what bindgen makes of `plugin.h`.
//!
//! Users of the crate need no libclang; only this test does, and it is skipped where there is none. With
//! `GAUGELINK_BLESS=1` it writes the file anew.

use bindgen::callbacks::{IntKind, ParseCallbacks};
use std::path::Path;

const PREAMBLE: &str = "\
//! The types of `include/gaugelink/plugin.h`, which documents them. Made by bindgen in `tests/bindings.rs`; not edited.

#![allow(missing_docs, non_camel_case_types, non_snake_case)]
#![allow(clippy::undocumented_unsafe_blocks)]

";

/// Constants get the type of the field that they are written to.
#[derive(Debug)]
struct Types;

impl ParseCallbacks for Types {
    fn int_macro(&self, name: &str, _: i64) -> Option<IntKind> {
        let unsigned = ["GLK_ABI_", "GLK_EXEC_", "GLK_VIEW_", "GLK_QUERY_", "GLK_CREATE_", "GLK_RNG_"];
        Some(if name.starts_with("GLK_CAP_") {
            IntKind::U64
        } else if name == "GLK_MAX_DIM" || name == "GLK_MAX_PLANES" {
            IntKind::Custom { name: "usize", is_signed: false }
        } else if unsigned.iter().any(|prefix| name.starts_with(prefix)) {
            IntKind::U32
        } else {
            IntKind::I32
        })
    }
}

/// The folder of stddef.h: libclang may come without its own.
fn compiler_headers() -> String {
    let answer = std::process::Command::new("cc").arg("-print-file-name=include").output();
    answer.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string()).unwrap_or_default()
}

fn generated(header: &Path) -> String {
    bindgen::Builder::default()
        .header(header.to_str().expect("the path is UTF-8"))
        .allowlist_item("glk_.*")
        .allowlist_item("GLK_.*")
        .blocklist_item("GLK_PLUGIN_H|GLK_EXPORT|glk_plugin_entry_v1")
        .clang_arg(format!("-I{}", compiler_headers()))
        .parse_callbacks(Box::new(Types))
        .generate_cstr(true)
        .derive_default(true)
        .use_core()
        .disable_header_comment()
        .generate_comments(false)
        .formatter(bindgen::Formatter::Prettyplease)
        .generate()
        .expect("bindgen reads the header")
        .to_string()
}

#[test]
fn committed_bindings_are_those_of_the_header() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let header = root.join("../../include/gaugelink/plugin.h");
    if let Err(error) = clang_sys::load() {
        eprintln!("skipped: no libclang ({error}); install it or set LIBCLANG_PATH to its folder");
        return;
    }
    let committed = root.join("src/raw.rs");
    let text = format!("{PREAMBLE}{}", generated(&header));
    if std::env::var_os("GAUGELINK_BLESS").is_some() {
        std::fs::write(&committed, &text).expect("src/raw.rs is writable");
    }
    let old = std::fs::read_to_string(&committed).expect("src/raw.rs is there");
    for (number, (new, old)) in text.lines().zip(old.lines()).enumerate() {
        assert_eq!(new, old, "line {} of src/raw.rs; GAUGELINK_BLESS=1 writes it anew", number + 1);
    }
    assert_eq!(text.len(), old.len(), "src/raw.rs ends early or late; GAUGELINK_BLESS=1 writes it anew");
}
