//! The name by which programs find the library at run time: it changes only with the major version.

fn main() {
    let major = std::env::var("CARGO_PKG_VERSION_MAJOR").unwrap_or_default();
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libgaugelink.so.{major}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
