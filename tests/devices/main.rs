//! Kernels of devices, where there is none: their bits on the host, and whether compilers for GPUs take their text.

use std::process::{Command, Output};

fn gaugelink(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gaugelink")).args(args).output().expect("the program starts")
}

fn lines(output: &Output) -> Vec<serde_json::Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

/// Seven kernels for three groups in two precisions.
const KERNELS: usize = 42;

#[test]
fn every_kernel_has_the_bits_of_the_library() {
    // No two extents that could be taken for each other, and halves of the sites that fill no whole block of threads.
    let lines = lines(&gaugelink(&["device", "test", "--json", "--volume", "8x4x6x2"]));
    assert_eq!(lines.len(), KERNELS);
    for line in lines {
        assert_eq!(line["different"], 0, "{line}");
        assert!(line["numbers"].as_u64().unwrap() >= 4 * 384, "{line}");
    }
}

#[test]
fn texts_are_taken_by_compilers_for_gpus() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    assert_eq!(lines(&gaugelink(&["device", "text", "--json", "--folder", place])).len(), KERNELS + 2);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/devices/compile.py");
    let names = ["wilson_su3_f64", "force_su3_f64", "residual_x_su3_f64", "wilson_su3_f32", "sum_f64"];
    let output = Command::new("python3").arg(script).arg(place).args(names).output().expect("python3 starts");
    let told = String::from_utf8_lossy(&output.stdout);
    println!("{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success());
    if told.contains("NVRTC: not there") || told.contains("clang 19: not there") {
        println!("skipped: a compiler for GPUs is missing, see above");
        return;
    }
    assert!(told.contains("5 kernels compiled, 0 refusals"));
}

#[test]
fn what_is_asked_for_wrongly_is_told() {
    for (args, expected) in [
        (&["device", "text", "dslash"][..], "wilson_su3_f64"),
        (&["device", "test", "--volume", "4x4x4x3"], "four even extents"),
    ] {
        let output = gaugelink(args);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(expected), "{output:?}");
    }
}
