//! The force plugin: the library's own numbers, links read in place, batches, signs, refusals.

use crate::host::{Host, algebra, described, distance, lattice, lex, refused, rough};
use gaugelink_host::sdk::{View, raw};
use gaugelink_host::{Auxiliary, Exec, ForceObject};
use gaugelink_lattice::foreign::{view, write_algebra};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions, MomentumField};
use gaugelink_models::LearnedForce;
use gaugelink_models::file::Named;
use gaugelink_physics::action::{Action, WilsonAction};

const EXEC: Exec = Exec { threads: 0 };

/// F as matrices in plain order.
fn matrices<const N: usize>(action: &impl Action<N>, u: &GaugeField<f64, N>) -> Vec<f64> {
    let mut force = MomentumField::<f64, N>::zeroed(u.lattice()).unwrap();
    action.kick(u, &mut force, -1.0);
    let mut out = vec![0.0; lex(u).len()];
    write_algebra(&force, &mut algebra(&mut out, &described(u.lattice()), N), 0).unwrap();
    out
}

fn own_and_lex<const N: usize>(extents: &[usize], config: &str, action: &impl Action<N>) {
    let host = Host::new("force");
    let lattice = lattice(extents);
    let mut object = host.create(ForceObject::create, &lattice, config).unwrap();
    let u = rough::<f64, N>(&lattice, 1);
    let (expected, sdk, plain) = (matrices(action, &u), described(&lattice), lex(&u));
    let mut f = vec![0.0; expected.len()];
    object.force(EXEC, &view(&u), Auxiliary::default(), 1.0, &mut algebra(&mut f, &sdk, N)).unwrap();
    let size = expected.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    assert!(size > 0.1 && distance(&f, &expected) < 1e-13 * size, "{config}");
    let bytes = 8 * expected.len() as u64;
    assert_eq!(object.stats().unwrap().bytes_copied, bytes, "{config}: F is written, U read in place");

    let mut again = vec![0.0; f.len()];
    let from = View::gauge(&plain, &sdk, N).unwrap();
    object.force(EXEC, &from, Auxiliary::default(), 1.0, &mut algebra(&mut again, &sdk, N)).unwrap();
    assert!(again == f && object.stats().unwrap().bytes_copied == 2 * bytes, "{config}: plain order");
    let (mut own, mut copied) = ([f64::NAN], [f64::NAN]);
    object.action(EXEC, &view(&u), Auxiliary::default(), &mut own).unwrap();
    assert_eq!(object.stats().unwrap().bytes_copied, 0);
    object.action(EXEC, &from, Auxiliary::default(), &mut copied).unwrap();
    let value = action.value(&u)[0];
    assert!(own == copied && (own[0] / value - 1.0).abs() < 1e-13, "{config}: {} {value}", own[0]);
}

#[test]
fn forces_are_those_of_the_library() {
    own_and_lex::<3>(&[4, 4, 4, 8], "beta = 5.7", &WilsonAction::new(5.7));
    own_and_lex::<1>(&[8, 4], "", &WilsonAction::new(1.0));
    let lattice = lattice(&[4, 4, 8, 4]);
    let learned = LearnedForce::<f64, 2>::new(&lattice, &[1.2, -0.4], &[0.1]).unwrap();
    own_and_lex::<2>(&[4, 4, 8, 4], "c = [1.2, -0.4]\nrho = [0.1]", &learned);
}

#[test]
fn scale_sign_and_addition_are_the_views() {
    let host = Host::new("force");
    let lattice = lattice(&[4, 4, 4, 4]);
    let mut object = host.create(ForceObject::create, &lattice, "beta = 6.0").unwrap();
    let u = rough::<f64, 3>(&lattice, 2);
    let expected = matrices(&WilsonAction::new(6.0), &u);
    let sdk = described(&lattice);
    let mut f = vec![2.0; expected.len()];
    let mut to = algebra(&mut f, &sdk, 3);
    to.set_flags(raw::GLK_VIEW_ACCUMULATE);
    to.set_algebra_conv(raw::GLK_ALG_NEG_F);
    object.force(EXEC, &view(&u), Auxiliary::default(), 0.5, &mut to).unwrap();
    let wanted: Vec<f64> = expected.iter().map(|f| 2.0 - 0.5 * f).collect();
    assert!(distance(&f, &wanted) < 1e-12);
}

#[test]
fn a_batch_in_lanes_and_single_precision_are_served() {
    let host = Host::new("force");
    let lanes = LaneMeaning::Batch { chains: 8 };
    let batch = Lattice::new(&[4, 6], LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
    let mut object = host.create(ForceObject::create, &batch, "c = [1.0, 0.5]\nrho = [0.2]").unwrap();
    let u = rough::<f64, 1>(&batch, 4);
    let (plain, sdk) = (lex(&u), described(&batch));
    let (mut own, mut copied) = ([0.0; 8], [0.0; 8]);
    object.action(EXEC, &view(&u), Auxiliary::default(), &mut own).unwrap();
    assert_eq!(object.stats().unwrap().bytes_copied, 0);
    let from = View::gauge(&plain, &sdk, 1).unwrap();
    object.action(EXEC, &from, Auxiliary::default(), &mut copied).unwrap();
    assert!(own == copied && own[0] != own[1]);

    let single = lattice(&[4, 4, 4, 4]);
    let mut object = host.create(ForceObject::create, &single, "").unwrap();
    let u = rough::<f32, 3>(&single, 4);
    let mut wide = GaugeField::<f64, 3>::cold(&single).unwrap();
    u.convert_to(&mut wide);
    let mut s = [0.0];
    object.action(EXEC, &view(&u), Auxiliary::default(), &mut s).unwrap();
    assert_eq!(s[0], WilsonAction::new(1.0).value(&wide)[0], "rounded links, double arithmetic");
}

#[test]
fn a_model_file_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let lattice = lattice(&[4, 4, 4, 4]);
    let learned = LearnedForce::<f64, 3>::new(&lattice, &[1.2, 0.3], &[0.1]).unwrap();
    let action = Named { name: "wilson".into(), parameters: Default::default() };
    learned.to_model(4, action).write(folder.path().join("f.safetensors")).unwrap();
    let host = Host::new("force");
    let (sdk, config) = (described(&lattice), "model = 'f.safetensors'");
    let mut object = host.create_in(ForceObject::create, &sdk, config, folder.path()).unwrap();
    let (u, mut s) = (rough::<f64, 3>(&lattice, 5), [0.0]);
    object.action(EXEC, &view(&u), Auxiliary::default(), &mut s).unwrap();
    assert_eq!(s[0], learned.value(&u)[0]);
    let other = rough::<f64, 2>(&lattice, 5);
    let (status, message) = refused(object.action(EXEC, &view(&other), Auxiliary::default(), &mut s));
    assert!(status == raw::GLK_INVALID_ARG && message.contains("SU(3)"), "{message}");
}

#[test]
fn wrong_input_gets_a_sentence() {
    let host = Host::new("force");
    let lattice = lattice(&[4, 4]);
    for (config, sentence) in [
        ("c = [1.0]\nrho = [0.1]", "1 couplings and 1 stout"),
        ("c = [1.0, 1.0]\nrho = [1.5]", "stout coefficient 1.5"),
        ("beta = 1.0\nc = [1.0]", "beta means c"),
        ("model = 'm'\nbeta = 1.0", "leave out"),
        ("betta = 1.0", "unknown field `betta`"),
    ] {
        let (status, message) = refused(host.create(ForceObject::create, &lattice, config));
        assert!(status == raw::GLK_INVALID_ARG && message.contains(sentence), "{config}: {message}");
    }
    let mut object = host.create(ForceObject::create, &lattice, "").unwrap();
    let (u, sdk) = (rough::<f64, 2>(&lattice, 1), described(&lattice));
    let mut f = vec![0.0; lex(&u).len()];
    let mut to = algebra(&mut f, &sdk, 2);
    to.set_algebra_conv(0);
    let (_, message) = refused(object.force(EXEC, &view(&u), Auxiliary::default(), 1.0, &mut to));
    assert!(message.contains("algebra_conv is 0"), "{message}");
}
