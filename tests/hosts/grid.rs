//! The hosts on a real configuration, against what Grid computes on it.

use crate::compile::{Answers, Link, command, installed, run};
use crate::expected::minimal_c;
use serde_json::Value;
use std::path::PathBuf;

/// The configuration and Grid's numbers; `None`, with a line that says so, without test data.
fn grid() -> Option<(PathBuf, Value)> {
    let folder = std::env::var_os("GAUGELINK_TEST_DATA").map(PathBuf::from);
    let values = folder.as_ref().and_then(|folder| folder.parent()).map(|data| data.join("grid-values.json"));
    let (Some(folder), Some(values)) = (folder, values.filter(|values| values.is_file())) else {
        println!("skipped: GAUGELINK_TEST_DATA does not name a folder with grid-values.json beside it");
        return None;
    };
    let values: Value = serde_json::from_reader(std::fs::File::open(values).unwrap()).unwrap();
    let configuration = folder.join(values["configuration"].as_str().unwrap());
    Some((configuration, values["values"].clone()))
}

#[test]
fn hosts_get_grids_numbers() {
    let (Some(place), Some((input, values))) = (installed(), grid()) else { return };
    let value = |name: &str| values[name].as_f64().unwrap_or_else(|| panic!("{name}"));
    let program = place.host("link", Link::Shared);
    let a = Answers::of(&run(&mut command(&program, &input, &place.path("grid-link"), &minimal_c(place))));
    a.close("plaquette", value("plaquette"), 1e-13);
    a.close("link_trace", value("link_trace"), 1e-12);
    a.close("written_plaquette", value("plaquette"), 1e-13);
    for action in ["wilson_action", "force_action"] {
        a.close(action, value("wilson_action_beta6"), 1e-12);
    }
    // Grid's norm is that of the matrices.
    a.close("force_norm2", 2.0 * value("wilson_force_norm2_beta6"), 1e-12);
    assert_eq!((a.text("suma"), a.text("sumb"), a.text("checksum")), ("1c231a18", "003c553b", "1"));
    a.close("dpsi_periodic", value("wilson_m0.1_periodic_Dpsi_norm2"), 1e-11);
    a.close("ddagpsi_periodic", value("wilson_m0.1_periodic_Ddagpsi_norm2"), 1e-11);
    a.close("dpsi_antiperiodic", value("wilson_m0.1_antiperiodic_Dpsi_norm2"), 1e-11);
    a.close("kappa_ddagpsi_periodic", value("wilson_m0.1_periodic_Ddagpsi_norm2") / 4.1f64.powi(2), 1e-11);
    a.close("inverse_antiperiodic", value("wilson_m0.1_antiperiodic_inverse_psi_norm2"), 1e-8);
    a.close("stated_plaquette", value("plaquette"), 1e-6);

    let program = place.host("dlopen", Link::None);
    let a = Answers::of(&run(&mut command(&program, &input, &place.path("grid-dlopen"), &minimal_c(place))));
    a.close("force_action", value("wilson_action_beta6"), 1e-12);
    a.close("force_matrix_norm2", value("wilson_force_norm2_beta6"), 1e-12);
    let matrix = values["wilson_force_site1231_mu0"].as_array().unwrap();
    for (c, x) in matrix.iter().flat_map(|z| z.as_array().unwrap()).enumerate() {
        a.close(&format!("force_site1231_mu0_{c}"), x.as_f64().unwrap(), 1e-12);
    }
}
