//! In builds for development and tests kernels have no AVX-512 where this machine has none: nothing here could run it, and
//! nearly all time of such a build goes into kernels. Release builds have all vector units.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(without_avx512)");
    #[cfg(target_arch = "x86_64")]
    {
        let said = |name: &str| std::env::var(name).unwrap_or_default();
        let own = said("HOST") == said("TARGET") && said("PROFILE") == "debug";
        if own && !(is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq")) {
            println!("cargo:rustc-cfg=without_avx512");
        }
    }
}
