//! Compiles the plugin, which is in C.

fn main() {
    println!("cargo::rerun-if-changed=../../include/gaugelink/plugin.h");
    println!("cargo::rerun-if-changed=src");
    cc::Build::new()
        .files(
            ["flow", "force", "plugin", "precond", "proposal", "random", "view"]
                .map(|name| format!("src/{name}.c")),
        )
        .include("../../include")
        .std("c11")
        .opt_level(2)
        .flag("-fvisibility=hidden")
        .extra_warnings(true)
        // The Rust linker exports Rust's symbols only: src/lib.rs lends the entry point its name.
        .define("glk_plugin_entry_v1", "glk_minimal_c_entry")
        .compile("glk_minimal_c_object");
}
