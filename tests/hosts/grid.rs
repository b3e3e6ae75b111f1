//! The hosts on a real configuration, against what Grid computes on it.

use crate::compile::{Answers, Link, command, installed, run};
use crate::expected::{BOTH, Plugins, WEIGHTS, assert_consistent, assert_consistent_alone};
use serde_json::Value;
use std::path::PathBuf;

/// Sites of the configuration.
const SITES: usize = 4 * 4 * 4 * 8;

/// Grid's numbers.
struct Grid(Value);

impl Grid {
    fn real(&self, name: &str) -> f64 {
        self.0[name].as_f64().unwrap_or_else(|| panic!("{name}"))
    }
    /// A complex number, or a matrix, as real and imaginary parts.
    fn parts(&self, name: &str) -> Vec<f64> {
        fn flat(value: &Value) -> Vec<f64> {
            match value.as_array() {
                Some(values) => values.iter().flat_map(flat).collect(),
                None => vec![value.as_f64().expect("a number")],
            }
        }
        flat(&self.0[name])
    }
    /// The four matrices of site (1, 2, 3, 1).
    fn site(&self, name: &str) -> Vec<f64> {
        (0..4).flat_map(|mu| self.parts(&format!("{name}_site1231_mu{mu}"))).collect()
    }
    /// The force of the action with respect to V, and that of the log det.
    fn flow_force(&self) -> Vec<f64> {
        let jacobian = self.site("masked_logDetJacobianForce");
        let action = self.site("masked_wilson_smeared_force_beta6");
        action.iter().zip(&jacobian).map(|(a, j)| a + j).collect()
    }
    /// ⟨ψ, M ψ⟩ for a preconditioner M = a0 + a1 Σ (T + T₋) + a2 Σ γ (T − T₋), the sums being 2 (m + 4) − D − D† and
    /// D − D†.
    fn preconditioned(&self, [a0, a1, a2]: [f64; 3]) -> [f64; 2] {
        let (psi, d) = (self.real("psi_norm2"), self.parts("wilson_m0.1_periodic_psi_Dpsi"));
        [a0 * psi + 2.0 * a1 * (4.1 * psi - d[0]), 2.0 * a2 * d[1]]
    }
}

/// The configuration and Grid's numbers; `None`, with a line that says so, without test data.
fn grid() -> Option<(PathBuf, Grid)> {
    let folder = std::env::var_os("GAUGELINK_TEST_DATA").map(PathBuf::from);
    let values = folder.as_ref().and_then(|folder| folder.parent()).map(|data| data.join("grid-values.json"));
    let (Some(folder), Some(values)) = (folder, values.filter(|values| values.is_file())) else {
        println!("skipped: GAUGELINK_TEST_DATA does not name a folder with grid-values.json beside it");
        return None;
    };
    let values: Value = serde_json::from_reader(std::fs::File::open(values).unwrap()).unwrap();
    let configuration = folder.join(values["configuration"].as_str().unwrap());
    Some((configuration, Grid(values["values"].clone())))
}

#[test]
fn a_linked_host_gets_grids_numbers() {
    let (Some(place), Some((input, grid))) = (installed(), grid()) else { return };
    let value = |name: &str| grid.real(name);
    let program = place.host("link", Link::Shared);
    for plugins in BOTH {
        let output = place.path(&plugins.file("grid-link"));
        let a = Answers::of(&run(&mut command(&program, &input, &output, &plugins.choices(place))));
        assert_consistent(&a, plugins, SITES);
        a.close("plaquette", value("plaquette"), 1e-13);
        a.close("link_trace", value("link_trace"), 1e-12);
        a.close("written_plaquette", value("plaquette"), 1e-13);
        for action in ["wilson_action", "force_action"] {
            a.close(action, value("wilson_action_beta6"), 1e-12);
        }
        // Grid's norm is that of the matrices.
        a.close("force_norm2", 2.0 * value("wilson_force_norm2_beta6"), 1e-12);
        a.all_close("force", &grid.site("wilson_force"), 1e-12);
        assert_eq!((a.text("suma"), a.text("sumb"), a.text("checksum")), ("1c231a18", "003c553b", "1"));
        a.close("dpsi_periodic", value("wilson_m0.1_periodic_Dpsi_norm2"), 1e-11);
        a.close("ddagpsi_periodic", value("wilson_m0.1_periodic_Ddagpsi_norm2"), 1e-11);
        a.close("dpsi_antiperiodic", value("wilson_m0.1_antiperiodic_Dpsi_norm2"), 1e-11);
        a.close(
            "kappa_ddagpsi_periodic",
            value("wilson_m0.1_periodic_Ddagpsi_norm2") / 4.1f64.powi(2),
            1e-11,
        );
        a.close("inverse_antiperiodic", value("wilson_m0.1_antiperiodic_inverse_psi_norm2"), 1e-8);
        a.close("stated_plaquette", value("plaquette"), 1e-6);
        match plugins {
            Plugins::MinimalC => {
                a.close("flow_logdet", 0.0, 0.0);
                a.close("flow_plaquette", value("plaquette"), 1e-13);
                a.all_close("flow_force", &grid.site("wilson_force"), 1e-12);
                a.close("flow_jacobian_norm2", 0.0, 0.0);
                a.close("flow_action_force_norm2", 2.0 * value("wilson_force_norm2_beta6"), 1e-12);
                // A number as a preconditioner changes nothing.
                assert_eq!(a.number("fgmres_iterations"), a.number("gmres_iterations"));
            }
            Plugins::Rust => {
                a.close("flow_logdet", value("masked_rho0.1_8sublayers_logDetJacobian"), 1e-12);
                a.close("flow_plaquette", value("masked_rho0.1_8sublayers_smeared_plaquette"), 1e-12);
                a.close("flow_link_trace", value("masked_rho0.1_8sublayers_smeared_link_trace"), 1e-12);
                a.close("flow_action", value("masked_wilson_action_beta6_of_smeared"), 1e-11);
                a.all_close("flow_link", &grid.site("masked_smeared_link"), 1e-12);
                a.all_close("flow_force", &grid.flow_force(), 1e-10);
                let norm2 = value("masked_rho0.1_8sublayers_logDetJacobianForce_norm2");
                a.close("flow_jacobian_norm2", 2.0 * norm2, 1e-10);
                let norm2 = value("masked_wilson_smeared_force_beta6_norm2");
                a.close("flow_action_force_norm2", 2.0 * norm2, 1e-10);
                // Measured: 1.9.
                let without = a.number("gmres_iterations");
                for name in ["fgmres_iterations", "fgmres_dagger_iterations"] {
                    let with = a.number(name);
                    println!("{name}: {with} after {without}");
                    assert!(without / with >= 1.6, "{name}: {with} after {without}");
                }
            }
        }
    }
}

#[test]
fn a_host_with_one_header_gets_grids_numbers() {
    let (Some(place), Some((input, grid))) = (installed(), grid()) else { return };
    let value = |name: &str| grid.real(name);
    let program = place.host("dlopen", Link::None);
    for plugins in BOTH {
        let output = place.path(&plugins.file("grid-dlopen"));
        let a = Answers::of(&run(&mut command(&program, &input, &output, &plugins.choices(place))));
        assert_consistent_alone(&a, plugins, SITES);
        a.close("force_action", value("wilson_action_beta6"), 1e-12);
        a.close("force_matrix_norm2", value("wilson_force_norm2_beta6"), 1e-12);
        a.all_close("force", &grid.site("wilson_force"), 1e-12);
        let weights = match plugins {
            Plugins::MinimalC => {
                a.close("flow_logdet", 0.0, 0.0);
                a.all_close("flow_force", &grid.site("wilson_force"), 1e-12);
                a.close("precond_norm2", value("psi_norm2") / 4.1f64.powi(2), 1e-12);
                [1.0 / 4.1, 0.0, 0.0]
            }
            Plugins::Rust => {
                a.close("flow_logdet", value("masked_rho0.1_8sublayers_logDetJacobian"), 1e-12);
                a.close("flow_action", value("masked_wilson_action_beta6_of_smeared"), 1e-11);
                a.all_close("flow_link", &grid.site("masked_smeared_link"), 1e-12);
                a.all_close("flow_force", &grid.flow_force(), 1e-10);
                let norm2 = value("masked_rho0.1_8sublayers_logDetJacobianForce_norm2");
                a.close("flow_jacobian_matrix_norm2", norm2, 1e-10);
                let norm2 = value("masked_wilson_smeared_force_beta6_norm2");
                a.close("flow_action_force_matrix_norm2", norm2, 1e-10);
                WEIGHTS
            }
        };
        let [real, imaginary] = grid.preconditioned(weights);
        a.close("precond_psi_Mpsi_re", real, 1e-11);
        a.close("precond_psi_Mpsi_im", imaginary, 1e-11);
    }
}
