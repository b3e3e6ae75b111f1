//! `gaugelink ildg diff` on fields whose differences are known.

use crate::program::run;
use crate::written::{Folder, set};
use gaugelink_lattice::Complex;
use lime_rs::Precision;

#[test]
fn the_largest_difference_is_found_at_its_place() {
    let folder = Folder::new();
    let extents = [4, 4, 4, 6];
    let one = |z: f64| Complex::new(z, 0.0);
    let make = |name: &str, near: f64, far: f64| {
        folder.field::<3>(name, &extents, Precision::F64, |u| {
            set(u, [3, 0, 0, 0], 0, one(near));
            set(u, [1, 2, 3, 4], 2, one(far));
        })
    };
    let (a, b) = (make("a", 1.0, 1.0), make("b", 1.25, 0.5));
    let answer = run("ildg diff --json", &[&a, &b]);
    let line = answer.line();
    assert_eq!((answer.status, &line["equal"], &line["differing"]), (1, &false.into(), &2.into()));
    // Multiples of the unit matrix that differ by 1/2 and 1/4: norms 1/2 sqrt 3 and 1/4 sqrt 3.
    let close = |key: &str, expected: f64| {
        let found = line[key].as_f64().unwrap();
        assert!((found - expected).abs() < 1e-14, "{key}: {found}");
    };
    close("largest", 0.75f64.sqrt());
    close("rms", ((0.75 + 3.0 / 16.0) / (4.0 * 384.0f64)).sqrt());
    assert_eq!(line["site"], serde_json::json!([1, 2, 3, 4]));
    assert_eq!(line["direction"], "z");
    assert_ne!(line["plaquette_a"], line["plaquette_b"]);

    assert_eq!(run("ildg diff --tolerance 0.9", &[&a, &b]).status, 0);
    assert_eq!(run("ildg diff --tolerance 0.8", &[&a, &b]).status, 1);
    let answer = run("ildg diff", &[&a, &a]);
    assert_eq!((answer.status, answer.stdout.contains(": equal\n")), (0, true), "{}", answer.stdout);
}

/// A format is of both files, or each has its own.
#[test]
fn formats_are_named_one_by_one() {
    let folder = Folder::new();
    // Unit links are the same in the order of openQCD and in that of DDalphaAMG.
    let unit = folder.field::<3>("unit", &[4, 4, 4, 4], Precision::F64, |u| {
        let cold = gaugelink_lattice::GaugeField::<f64, 3>::cold(u.lattice()).unwrap();
        u.as_mut_slice().copy_from_slice(cold.as_slice());
    });
    let [a, b] = ["openqcd", "ddalphaamg"].map(|format| {
        let path = folder.path(format);
        assert_eq!(run(&format!("ildg convert --to {format}"), &[&unit, &path]).status, 0);
        path
    });
    let answer = run("ildg diff", &[&a, &b]);
    assert!(answer.status == 2 && answer.stderr.contains("both fit; name the format"), "{}", answer.stderr);
    assert_eq!(run("ildg diff --format openqcd,ddalphaamg", &[&a, &b]).status, 0);
    assert_eq!(run("ildg diff --format openqcd", &[&a, &a]).status, 0);
    assert_eq!(run("ildg diff --format ildg,openqcd", &[&unit, &a]).status, 0);
    assert_eq!(run("ildg diff --format openqcd,ildg", &[&unit, &a]).status, 2);
    assert_eq!(run("ildg diff --format openqcd,milk", &[&a, &b]).status, 2);
}

#[test]
fn what_cannot_be_compared_is_a_mistake() {
    let folder = Folder::new();
    let sound = folder.sound("sound");
    let other = folder.field::<2>("other", &[4, 4, 4, 4], Precision::F64, |_| ());
    let answer = run("ildg diff", &[&sound, &other]);
    assert_eq!(answer.status, 2);
    assert!(answer.stderr.contains("SU(2) on 4x4x4x4"), "{}", answer.stderr);
    assert_eq!(run("ildg diff", &[&sound, &folder.path("missing")]).status, 2);
    assert_eq!(run("ildg diff --tolerance -1", &[&sound, &sound]).status, 2);
    let (offset, _) = crate::written::payload(&sound);
    let flipped = folder.copy(&sound, "flipped", |all| all[offset + 7] ^= 1);
    assert_eq!(run("ildg diff", &[&sound, &flipped]).status, 2);
    let answer = run("ildg diff --json --ignore-checksum", &[&sound, &flipped]);
    assert_eq!((answer.status, &answer.line()["differing"]), (1, &1.into()));
}
