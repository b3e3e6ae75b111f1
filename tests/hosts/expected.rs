//! The hosts on a made-up configuration, against the Rust crates.

use crate::compile::{Answers, Choice, Link, Place, command, installed, run};
use gaugelink_lattice::ildg::{FileText, read, write};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions, MomentumField};
use gaugelink_physics::action::{Action, WilsonAction};
use gaugelink_physics::observable::{link_trace, plaquette};
use lime_rs::{IldgFile, Precision};
use std::path::{Path, PathBuf};

/// The plugin in C, for all three interfaces.
pub fn minimal_c(place: &Place) -> [Choice; 3] {
    ["", "beta = 6", ""].map(|config| Choice { file: place.plugin("minimal_c"), config })
}

/// A rough SU(3) field in a file.
pub fn rough_file(place: &Place, name: &str) -> (PathBuf, GaugeField<f64, 3>) {
    let lattice = Lattice::new(&[4, 4, 4, 4], LatticeOptions::default()).unwrap();
    let u = GaugeField::<f64, 3>::random(&lattice, 0.5, Address::new(5, Purpose::Start)).unwrap();
    let path = place.path(name);
    write(&path, &u, 0, Precision::F64, &FileText::default()).unwrap();
    (path, u)
}

/// The same links, bit for bit.
fn assert_same(path: &Path, u: &GaugeField<f64, 3>) {
    let file = IldgFile::open(path).unwrap();
    let mut back = GaugeField::<f64, 3>::cold(u.lattice()).unwrap();
    let sum = read(&file, &mut back, 0).unwrap();
    assert!(!sum.is_bad() && sum.stored.is_some());
    assert_eq!(back.as_slice(), u.as_slice(), "{}", path.display());
}

#[test]
fn a_linked_host_gets_the_numbers_of_the_crates() {
    let Some(place) = installed() else { return };
    let (input, u) = rough_file(place, "rough-link");
    let mut force = MomentumField::<f64, 3>::zeroed(u.lattice()).unwrap();
    WilsonAction::new(6.0).kick(&u, &mut force, -1.0);
    for (link, name) in [(Link::Shared, "shared"), (Link::Static, "static")] {
        let output = place.path(&format!("out-{name}"));
        let program = place.host("link", link);
        let a = Answers::of(&run(&mut command(&program, &input, &output, &minimal_c(place))));
        a.close("plaquette", plaquette(&u)[0], 0.0);
        a.close("link_trace", link_trace(&u)[0], 0.0);
        a.close("wilson_action", WilsonAction::new(6.0).value(&u)[0], 0.0);
        a.close("force_norm2", force.norm2()[0], 1e-13);
        a.close("force_from_wilson", 0.0, 1e-14);
        for zero in ["force_grid_difference", "force_qdp_difference", "precond_view_difference"] {
            a.close(zero, 0.0, 1e-14);
        }
        // Nothing of a field's size was copied: not in our order, not in Grid's.
        for bytes in
            ["force_bytes_copied", "force_grid_bytes_copied", "flow_bytes_copied", "precond_bytes_copied"]
        {
            assert_eq!(a.number(bytes), 0.0, "{bytes}");
        }
        a.close("flow_logdet_sum", 0.0, 1e-12);
        a.close("flow_inverse_difference", 0.0, 1e-12);
        a.close("flow_view_plaquette", a.number("flow_plaquette"), 1e-14);
        // The identity: its pullback is the force itself.
        a.close("flow_pullback_norm2", force.norm2()[0], 1e-13);
        a.close("kappa_dagger_solve_difference", 0.0, 1e-7);
        // D (D⁻¹ b) = b for a point source.
        a.close("solve_check", 1.0, 1e-9);
        assert!(a.number("solve_residual") < 1e-9);
        a.close("precond_norm2", 4.1f64.powi(-2), 1e-14);
        assert_eq!((a.number("checksum"), a.number("written_checksum")), (1.0, 1.0));
        let refusals = [
            ("lying_size", "3", "plane_bytes"),
            ("apply_before_setup", "9", "setup"),
            ("missing_plugin", "5", "GAUGELINK_PLUGIN_PATH"),
            ("unknown_key", "3", "key"),
            ("missing_file", "5", "no-such-file"),
            ("other_lattice", "3", "choose another file"),
        ];
        for (name, code, word) in refusals {
            let answer = a.text(name);
            assert!(answer.starts_with(&format!("{code} ")) && answer.contains(word), "{name}: {answer}");
        }
        assert_same(&output, &u);
    }
}

#[test]
fn a_host_with_one_header_does_it_all() {
    let Some(place) = installed() else { return };
    let (input, u) = rough_file(place, "rough-dlopen");
    let output = place.path("out-dlopen");
    let program = place.host("dlopen", Link::None);
    let a = Answers::of(&run(&mut command(&program, &input, &output, &minimal_c(place))));
    let mut force = MomentumField::<f64, 3>::zeroed(u.lattice()).unwrap();
    WilsonAction::new(6.0).kick(&u, &mut force, -1.0);
    a.close("force_action", WilsonAction::new(6.0).value(&u)[0], 1e-13);
    // tr F†F = ½ Σ (F^a)².
    a.close("force_matrix_norm2", force.norm2()[0] / 2.0, 1e-13);
    a.close("flow_pullback_matrix_norm2", force.norm2()[0] / 2.0, 1e-13);
    for zero in ["flow_logdet_sum", "flow_inverse_difference"] {
        a.close(zero, 0.0, 1e-12);
    }
    for bytes in ["force_bytes_copied", "flow_bytes_copied", "precond_bytes_copied"] {
        assert_eq!(a.number(bytes), 0.0, "{bytes}");
    }
    a.close("precond_ratio", 1.0 / 4.1, 1e-14);
    let statuses = [("lying_size", 3.0), ("no_view", 3.0), ("apply_before_setup", 9.0)];
    statuses.into_iter().for_each(|(name, code)| assert_eq!(a.number(name), code, "{name}"));
    // The identity, written by the host's own writer.
    assert_same(&output, &u);
}
