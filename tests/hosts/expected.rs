//! The hosts on a made-up configuration, against the Rust crates.

use crate::compile::{Answers, Choice, Link, Place, command, installed, run};
use crate::proposals::assert_proposals;
use gaugelink_lattice::file::{FileText, read, write};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions, MomentumField};
use gaugelink_models::Flow;
use gaugelink_models::layers::{Coefficients, Residual, Sharing};
use gaugelink_physics::action::{Action, WilsonAction};
use gaugelink_physics::observable::{link_trace, plaquette};
use lime_rs::{GaugeFile, Precision};
use std::path::{Path, PathBuf};

/// The weights of the preconditioner in Rust: a0 of the site, a1 of the hops, a2 of those with gamma matrices.
pub const WEIGHTS: [f64; 3] = [0.3, 0.04, -0.05];
/// What plugin.h calls `GLK_UNSUPPORTED`.
const UNSUPPORTED: f64 = 12.0;
const RESIDUAL: &str = "kind = 'residual'\nrho = 0.1\nsublayers = 8";

/// The plugins that the hosts run with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plugins {
    /// One in C for all three interfaces: the identity, Wilson's force, division by the diagonal.
    MinimalC,
    /// Those in Rust: masked residual layers, Wilson's force, the parallel-transport layer.
    Rust,
}

pub const BOTH: [Plugins; 2] = [Plugins::MinimalC, Plugins::Rust];

impl Plugins {
    pub fn choices(self, place: &Place) -> [Choice; 3] {
        let choice = |name: &str, config: &str| Choice { file: place.plugin(name), config: config.into() };
        let wilson = "beta = 6";
        match self {
            Self::MinimalC => ["", wilson, ""].map(|config| choice("minimal_c", config)),
            Self::Rust => [
                choice("flow", RESIDUAL),
                choice("force", wilson),
                choice("precond", &format!("a = {WEIGHTS:?}")),
            ],
        }
    }
    /// What a host's name of an output begins with.
    pub fn file(self, host: &str) -> String {
        format!("{host}-{self:?}")
    }
    /// Bytes that plugins copy of fields with so many numbers a site in other orders than the library's: the plugin in C
    /// reads and writes all where they stand.
    pub fn copies(self, sites: usize, numbers: usize) -> f64 {
        match self {
            Self::MinimalC => 0.0,
            Self::Rust => (8 * sites * numbers) as f64,
        }
    }
    /// The flow by the crates: U = f(V), log det, the force of Wilson's action of U with respect to V, and the part of
    /// the log det in it.
    fn mapped(self, v: &GaugeField<f64, 3>) -> Mapped {
        let layers = match self {
            Self::MinimalC => Vec::new(),
            Self::Rust => Residual::stack(v.lattice(), Coefficients::Plain, Sharing::One, 8).unwrap(),
        };
        let parameters = vec![0.1; layers.len()];
        let (mut u, mut log_det, mut v) = (v.duplicate().unwrap(), [0.0], v.duplicate().unwrap());
        let mut force = MomentumField::<f64, 3>::zeroed(v.lattice()).unwrap();
        let mut jacobian = MomentumField::<f64, 3>::zeroed(v.lattice()).unwrap();
        if layers.is_empty() {
            WilsonAction::new(6.0).kick(&u, &mut force, -1.0);
        } else {
            let mut flow = Flow::new(layers, parameters).unwrap();
            flow.forward(&mut u, &mut log_det);
            WilsonAction::new(6.0).kick(&u, &mut force, -1.0);
            flow.pullback(&mut v, &mut force);
            flow.pullback(&mut v, &mut jacobian);
        }
        Mapped { u, log_det: log_det[0], force, jacobian }
    }
}

struct Mapped {
    u: GaugeField<f64, 3>,
    log_det: f64,
    force: MomentumField<f64, 3>,
    jacobian: MomentumField<f64, 3>,
}

impl Mapped {
    /// The sum of the squared coordinates of the action's force alone.
    fn action_force_norm2(&self) -> f64 {
        let pairs = self.force.as_slice().iter().zip(self.jacobian.as_slice());
        pairs.map(|(f, j)| (f - j).powi(2)).sum()
    }
}

/// A rough SU(3) field in a file.
pub fn rough_file(place: &Place, name: &str) -> (PathBuf, GaugeField<f64, 3>) {
    rough_file_of(place, name, &[4, 4, 4, 4])
}

/// As [`rough_file`], of other extents.
pub fn rough_file_of(place: &Place, name: &str, extents: &[usize]) -> (PathBuf, GaugeField<f64, 3>) {
    let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
    let u = GaugeField::<f64, 3>::random(&lattice, 0.5, Address::new(5, Purpose::Start)).unwrap();
    let path = place.path(name);
    write(&path, &u, 0, Precision::F64, &FileText::default()).unwrap();
    (path, u)
}

/// The same links, bit for bit.
fn assert_same(path: &Path, u: &GaugeField<f64, 3>) {
    let file = GaugeFile::open(path).unwrap();
    let mut back = GaugeField::<f64, 3>::cold(u.lattice()).unwrap();
    let sum = read(&file, &mut back, 0).unwrap();
    assert!(!sum.is_bad() && sum.stored.is_some());
    assert_eq!(back.as_slice(), u.as_slice(), "{}", path.display());
}

/// What holds of every flow, force and preconditioner.
pub fn assert_consistent(a: &Answers, plugins: Plugins, sites: usize) {
    let log_det = a.number("flow_logdet");
    for (name, expected) in [
        ("flow_inverse_logdet", -log_det),
        ("flow_view_logdet", log_det),
        ("flow_view_inverse_logdet", -log_det),
        ("flow_view_plaquette", a.number("flow_plaquette")),
    ] {
        a.close(name, expected, 1e-13);
    }
    match plugins {
        Plugins::MinimalC => a.close("flow_density_refused", UNSUPPORTED, 0.0),
        Plugins::Rust => {
            a.close("flow_log_density", -log_det, 1e-13);
            a.close("flow_view_log_density", -log_det, 1e-13);
            a.close("flow_log_q_of_draw", a.number("flow_log_q"), 1e-12);
        }
    }
    for zero in [
        "force_from_wilson",
        "force_grid_difference",
        "force_qdp_difference",
        "flow_inverse_difference",
        "flow_view_inverse_difference",
        "flow_view_pullback_difference",
        "precond_formula_difference",
        "precond_view_difference",
        "precond_kept_difference",
    ] {
        a.close(zero, 0.0, 1e-12);
    }
    // Links and spinors of the library's own order are never copied.
    for bytes in ["flow_bytes_copied", "precond_bytes_copied", "fgmres_bytes_copied"] {
        assert_eq!(a.number(bytes), 0.0, "{bytes}");
    }
    assert_eq!(a.number("force_bytes_copied"), plugins.copies(sites, 72), "the force, a matrix outside");
    assert_eq!(a.number("force_grid_bytes_copied"), plugins.copies(sites, 144), "links and force");
    a.close("kappa_dagger_solve_difference", 0.0, 1e-7);
    // D (D⁻¹ b) = b for a point source.
    a.close("solve_check", 1.0, 1e-9);
    assert!(a.number("solve_residual") < 1e-9 && a.number("fgmres_residual") < 1e-9);
    // The same solution as that of conjugate gradients, with D and D†.
    a.close("fgmres_difference", 0.0, 1e-8);
    a.close("fgmres_dagger_difference", 0.0, 1e-8);
    assert_eq!((a.number("checksum"), a.number("written_checksum")), (1.0, 1.0));
    assert_eq!(a.text("other_format"), "nersc nersc");
    a.close("other_stated_plaquette", a.number("plaquette"), 1e-9);
    assert_eq!((a.number("other_checksum"), a.number("other_difference")), (1.0, 0.0));
    assert!((1e-9..1e-7).contains(&a.number("box_difference")), "rounded to f32 and in its place");
    a.refused(&[
        ("box_of_other_bytes", "15", "checksum mismatch"),
        ("box_missing", "3", "each once"),
        ("box_outside", "3", "no part of global"),
        ("unknown_format", "3", "the formats are ildg, scidac"),
        ("format_cannot_hold", "15", "32-bit precision only"),
        ("lying_size", "3", "plane_bytes"),
        ("apply_before_setup", "9", "setup"),
        ("solve_before_setup", "9", "setup"),
        ("cg_with_precond", "3", "GMRES"),
        ("missing_plugin", "5", "GAUGELINK_PLUGIN_PATH"),
        ("unknown_key", "3", "beta"),
        ("missing_file", "5", "no-such-file"),
        ("other_lattice", "3", "or another file"),
    ]);
}

/// What holds of every plugin on the memory of a host that knows plugin.h alone: its order is not ours.
pub fn assert_consistent_alone(a: &Answers, plugins: Plugins, sites: usize) {
    let log_det = a.number("flow_logdet");
    a.close("flow_inverse_logdet", -log_det, 1e-13);
    a.close("flow_inverse_difference", 0.0, 1e-12);
    let offered = if plugins == Plugins::Rust { 0.0 } else { UNSUPPORTED };
    a.close("flow_log_density_status", offered, 0.0);
    a.close("flow_sample_status", offered, 0.0);
    if plugins == Plugins::Rust {
        a.close("flow_log_density", -log_det, 1e-13);
        a.close("flow_log_q_of_draw", a.number("flow_log_q"), 1e-12);
    }
    for (bytes, numbers) in
        [("force_bytes_copied", 144), ("flow_bytes_copied", 144), ("precond_bytes_copied", 48)]
    {
        assert_eq!(a.number(bytes), plugins.copies(sites, numbers), "{bytes}");
    }
    let rust = plugins == Plugins::Rust;
    let query = if rust { 1.0 } else { 2.0 };
    let statuses = [
        ("lying_size", 3.0),
        ("no_view", 3.0),
        ("apply_before_setup", 9.0),
        ("force_save_and_load", UNSUPPORTED),
        ("force_refresh", if rust { 0.0 } else { UNSUPPORTED }),
        ("force_query", query),
        ("precond_query", query),
        ("precond_self_test", if rust { 0.0 } else { UNSUPPORTED }),
        ("proposal_offered", if rust { 0.0 } else { 1.0 }),
    ];
    assert!(a.number("precond_flops") >= 24.0 * sites as f64 && a.number("precond_dirac_equivalents") > 0.0);
    assert_eq!(a.number("precond_report") > 40.0, rust);
    if !rust {
        ["proposal_log_weight", "proposal_again", "proposal_bytes_copied"]
            .iter()
            .for_each(|name| assert_eq!(a.number(name), 0.0, "{name}"));
        a.close("proposal_norm2", 1.0, 1e-14);
        let (moved, next) = (a.number("proposal_move"), a.number("proposal_next"));
        assert!((0.05..0.5).contains(&moved) && (0.05..0.9).contains(&next), "{moved} {next}");
    }
    statuses.into_iter().for_each(|(name, code)| assert_eq!(a.number(name), code, "{name}"));
}

#[test]
fn a_linked_host_gets_the_numbers_of_the_crates() {
    let Some(place) = installed() else { return };
    let (input, v) = rough_file(place, "rough-link");
    let mut force = MomentumField::<f64, 3>::zeroed(v.lattice()).unwrap();
    WilsonAction::new(6.0).kick(&v, &mut force, -1.0);
    for (link, plugins) in [
        (Link::Shared, Plugins::MinimalC),
        (Link::Static, Plugins::MinimalC),
        (Link::Shared, Plugins::Rust),
        (Link::Static, Plugins::Rust),
    ] {
        let output = place.path(&plugins.file(&format!("out-{link:?}")));
        let program = place.host("link", link);
        let a = Answers::of(&run(&mut command(&program, &input, &output, &plugins.choices(place))));
        assert_consistent(&a, plugins, v.lattice().volume());
        assert_proposals(&a, plugins, place);
        a.close("plaquette", plaquette(&v)[0], 0.0);
        a.close("link_trace", link_trace(&v)[0], 0.0);
        a.close("wilson_action", WilsonAction::new(6.0).value(&v)[0], 0.0);
        a.close("force_norm2", force.norm2()[0], 1e-13);
        let mapped = plugins.mapped(&v);
        a.close("flow_plaquette", plaquette(&mapped.u)[0], 1e-14);
        a.close("flow_link_trace", link_trace(&mapped.u)[0], 1e-14);
        a.close("flow_logdet", mapped.log_det, 1e-14);
        a.close("flow_jacobian_norm2", mapped.jacobian.norm2()[0], 1e-12);
        a.close("flow_action_force_norm2", mapped.action_force_norm2(), 1e-12);
        assert_same(&output, &v);
    }
}

#[test]
fn a_host_with_one_header_does_it_all() {
    let Some(place) = installed() else { return };
    let (input, v) = rough_file(place, "rough-dlopen");
    let program = place.host("dlopen", Link::None);
    let mut force = MomentumField::<f64, 3>::zeroed(v.lattice()).unwrap();
    WilsonAction::new(6.0).kick(&v, &mut force, -1.0);
    for plugins in BOTH {
        let output = place.path(&plugins.file("out-dlopen"));
        let a = Answers::of(&run(&mut command(&program, &input, &output, &plugins.choices(place))));
        assert_consistent_alone(&a, plugins, v.lattice().volume());
        a.close("force_action", WilsonAction::new(6.0).value(&v)[0], 1e-13);
        // tr F†F = ½ Σ (F^a)².
        a.close("force_matrix_norm2", force.norm2()[0] / 2.0, 1e-13);
        let mapped = plugins.mapped(&v);
        a.close("flow_logdet", mapped.log_det, 1e-14);
        a.close("flow_jacobian_matrix_norm2", mapped.jacobian.norm2()[0] / 2.0, 1e-12);
        a.close("flow_action_force_matrix_norm2", mapped.action_force_norm2() / 2.0, 1e-12);
        // f(V), written by the host's own writer.
        assert_same(&output, &mapped.u);
    }
}
