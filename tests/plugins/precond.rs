//! The preconditioner plugin: the library's own numbers, nothing copied, set-ups, batches, refusals.

use crate::host::{Host, described, distance, lattice, lex, refused, rough};
use gaugelink_host::sdk::{Dirac, Setup, View, ViewMut, raw, sized_struct};
use gaugelink_host::{Exec, HostError, PrecondObject};
use gaugelink_lattice::foreign::{Foreign, lattice_of, lend, view};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, Real};
use gaugelink_models::precond::{ParallelTransport, TransportWeights, fit};
use gaugelink_physics::dirac::{Boundary, SpinorField, Wilson};
use gaugelink_physics::solver::LinearOperator;
use std::path::Path;
use std::sync::Arc;

const EXEC: Exec = Exec { threads: 0 };
const MASS: f64 = -0.2;
const WEIGHTS: TransportWeights = TransportWeights { site: 0.25, hop: 0.02, spin_hop: -0.03 };
const CONFIG: &str = "a = [0.25, 0.02, -0.03]";

fn wilson() -> Dirac {
    let mut dirac = sized_struct::<Dirac>();
    (dirac.op, dirac.mass) = (raw::GLK_DIRAC_WILSON, MASS);
    dirac
}

fn source<T: Real>(lattice: &Arc<Lattice>, sample: u64) -> SpinorField<T, 3> {
    let mut r = SpinorField::zeroed(lattice).unwrap();
    r.set_gaussian(Address::new(8, Purpose::Source).sample(sample));
    r
}

fn setup<'s>(
    object: &mut PrecondObject<'s>,
    u: &View<'s>,
    dirac: &Dirac,
    mode: Setup,
) -> Result<(), HostError> {
    object.setup(EXEC, u, dirac, mode)
}

fn applied<T: Real>(
    object: &mut PrecondObject,
    r: &SpinorField<T, 3>,
    dagger: bool,
) -> Result<SpinorField<T, 3>, HostError> {
    let mut z = SpinorField::zeroed(r.lattice()).unwrap();
    lend(&mut z, |z| object.apply(EXEC, &view(r), z, dagger))?;
    Ok(z)
}

fn with_generation<'a, F: Foreign>(field: &'a F, generation: u64) -> View<'a> {
    let mut raw = *view(field).as_raw();
    raw.generation = generation;
    // SAFETY: the field's own description, and the field outlives the view.
    unsafe { View::from_raw(&raw const raw, "U") }.unwrap()
}

fn own_fields_in_place<T: Real>(extents: &[usize]) {
    let host = Host::new("precond");
    let lattice = lattice(extents);
    let u = rough::<T, 3>(&lattice, 1);
    let mut object = host.create(PrecondObject::create, &lattice, CONFIG).unwrap();
    setup(&mut object, &view(&u), &wilson(), Setup::Reset).unwrap();
    assert_eq!(object.stats().unwrap().bytes_copied, 0, "links are used where they stand");
    let d = Wilson::new(&u, MASS, Boundary::periodic()).unwrap();
    let layer = ParallelTransport::new(&d, WEIGHTS);
    let r = source(&lattice, 0);
    let mut expected = layer.vector().unwrap();
    for dagger in [false, true] {
        if dagger {
            layer.apply_dagger(&mut expected, &r)
        } else {
            LinearOperator::apply(&layer, &mut expected, &r)
        }
        assert!(applied(&mut object, &r, dagger).unwrap().as_slice() == expected.as_slice(), "the same bits");
        let stats = object.stats().unwrap();
        assert!(stats.bytes_copied == 0 && stats.flops == LinearOperator::flops(&layer));
    }
}

#[test]
fn own_fields_are_used_in_place() {
    own_fields_in_place::<f64>(&[4, 4, 4, 8]);
    own_fields_in_place::<f32>(&[4, 4, 8, 8]);
}

#[test]
fn other_layouts_batches_and_precisions_give_the_same() {
    let host = Host::new("precond");
    let lattice = lattice(&[4, 4, 4, 4]);
    let (u, sdk) = (rough::<f64, 3>(&lattice, 1), described(&lattice));
    let (r, s) = (source::<f64>(&lattice, 0), source::<f64>(&lattice, 1));
    let links = lex(&u);
    let mut object = host.create(PrecondObject::create, &lattice, CONFIG).unwrap();
    setup(&mut object, &view(&u), &wilson(), Setup::Reset).unwrap();
    let expected: Vec<f64> =
        [&r, &s].iter().flat_map(|r| lex(&applied(&mut object, r, false).unwrap())).collect();
    setup(&mut object, &View::gauge(&links, &sdk, 3).unwrap(), &wilson(), Setup::Refresh).unwrap();
    assert_eq!(object.stats().unwrap().bytes_copied, 8 * links.len() as u64);
    let both = [lex(&r), lex(&s)].concat();
    let mut z = vec![0.0; both.len()];
    let from = View::spinor(&both, &sdk, 4, 3).unwrap();
    object.apply(EXEC, &from, &mut ViewMut::spinor(&mut z, &sdk, 4, 3).unwrap(), false).unwrap();
    assert!(z == expected, "two fields in plain order: the same bits");
    assert_eq!(object.stats().unwrap().bytes_copied, 2 * 8 * z.len() as u64);
    let rounded = r.converted::<f32>().unwrap();
    let z = applied(&mut object, &rounded, false).unwrap();
    assert!(distance(&lex(&z), &expected[..expected.len() / 2]) < 1e-5, "a source in single precision");
}

#[test]
fn boundaries_normalisations_and_adjoints_are_the_hosts() {
    let host = Host::new("precond");
    let lattice = lattice(&[4, 4, 4, 4]);
    let u = rough::<f64, 3>(&lattice, 1);
    let r = source(&lattice, 0);
    let mut raw = lattice_of(&lattice);
    raw.bc_phase[3] = 0.5;
    let mut served = |in_links: i32, dirac: &Dirac| {
        raw.bc_in_links = in_links;
        // SAFETY: a whole struct.
        let sdk = unsafe { gaugelink_host::sdk::Lattice::from_raw(&raw const raw) }.unwrap();
        let mut object = host.create_in(PrecondObject::create, &sdk, CONFIG, Path::new("")).unwrap();
        setup(&mut object, &view(&u), dirac, Setup::Reset).unwrap();
        lex(&applied(&mut object, &r, false).unwrap())
    };
    let expected = |boundary, dagger, scale: f64| {
        let d = Wilson::new(&u, MASS, boundary).unwrap();
        let layer = ParallelTransport::new(&d, WEIGHTS);
        let mut z = layer.vector().unwrap();
        if dagger {
            layer.apply_dagger(&mut z, &r)
        } else {
            LinearOperator::apply(&layer, &mut z, &r)
        }
        lex(&z).into_iter().map(|x| scale * x).collect::<Vec<f64>>()
    };
    let (periodic, antiperiodic) = (Boundary::periodic(), Boundary::antiperiodic());
    assert!(served(0, &wilson()) == expected(antiperiodic, false, 1.0), "phase in the operator");
    assert!(served(1, &wilson()) == expected(periodic, false, 1.0), "phase in the links");
    let adjoint = Dirac { dagger: 1, ..wilson() };
    assert!(served(1, &adjoint) == expected(periodic, true, 1.0), "M is the adjoint");
    let kappa = Dirac { normalisation: raw::GLK_DIRAC_BY_KAPPA, ..wilson() };
    let off = distance(&served(1, &kappa), &expected(periodic, false, MASS + 4.0));
    assert!(off < 1e-13, "M = 1 - kappa hop: off by {off:e}");
}

#[test]
fn the_fit_is_that_of_the_library_and_kept_by_refresh() {
    let host = Host::new("precond");
    let lattice = lattice(&[4, 4, 4, 4]);
    let (u, other) = (rough::<f64, 3>(&lattice, 1), rough::<f64, 3>(&lattice, 2));
    let r = source(&lattice, 0);
    let layer = |u: &GaugeField<f64, 3>, fitted_on: &GaugeField<f64, 3>| {
        let d = Wilson::new(fitted_on, MASS, Boundary::periodic()).unwrap();
        let weights = fit(&d, 3, Address::new(9, Purpose::Source)).unwrap().weights;
        let d = Wilson::new(u, MASS, Boundary::periodic()).unwrap();
        let mut z = d.vector().unwrap();
        LinearOperator::apply(&ParallelTransport::new(&d, weights), &mut z, &r);
        lex(&z)
    };
    let mut object =
        host.create(PrecondObject::create, &lattice, "fit = true\nvectors = 3\nseed = 9").unwrap();
    let mut served = |u, mode| {
        setup(&mut object, u, &wilson(), mode).unwrap();
        lex(&applied(&mut object, &r, false).unwrap())
    };
    let (first, second) = (view(&u), view(&other));
    assert!(served(&first, Setup::Reset) == layer(&u, &u), "reset fits");
    assert!(served(&second, Setup::Refresh) == layer(&other, &u), "refresh keeps the weights");
    assert!(served(&first, Setup::Update) == layer(&u, &u), "so does update");
    assert!(served(&second, Setup::Reset) == layer(&other, &other), "reset forgets them");
    let cost = object.cost().unwrap();
    assert!((1.0..2.5).contains(&cost.dirac_equivalents) && cost.bytes > 0.0, "{cost:?}");
}

#[test]
fn another_generation_is_never_silent() {
    let host = Host::new("precond");
    let lattice = lattice(&[4, 4, 4, 4]);
    let (u, r) = (rough::<f64, 3>(&lattice, 1), source::<f64>(&lattice, 0));
    let other = u.duplicate().unwrap();
    let mut object = host.create(PrecondObject::create, &lattice, CONFIG).unwrap();
    let precondition = |result: Result<(), HostError>, what: &str| {
        let (status, message) = refused(result);
        assert!(status == raw::GLK_PRECONDITION && message.contains(what), "{message}");
    };
    precondition(applied(&mut object, &r, false).map(drop), "setup");
    precondition(object.cost().map(drop), "setup");
    precondition(setup(&mut object, &with_generation(&u, 5), &wilson(), Setup::Reuse), "nothing was set up");
    setup(&mut object, &with_generation(&u, 5), &wilson(), Setup::Reset).unwrap();
    setup(&mut object, &with_generation(&u, 5), &wilson(), Setup::Reuse).unwrap();
    applied(&mut object, &r, false).unwrap();
    precondition(setup(&mut object, &with_generation(&u, 6), &wilson(), Setup::Reuse), "another generation");
    precondition(applied(&mut object, &r, false).map(drop), "setup");
    setup(&mut object, &with_generation(&u, 6), &wilson(), Setup::Reset).unwrap();
    let heavier = Dirac { mass: 0.0, ..wilson() };
    precondition(setup(&mut object, &with_generation(&u, 6), &heavier, Setup::Reuse), "operator");
    setup(&mut object, &with_generation(&u, 6), &wilson(), Setup::Reset).unwrap();
    precondition(setup(&mut object, &with_generation(&other, 6), &wilson(), Setup::Reuse), "stand elsewhere");
    setup(&mut object, &with_generation(&u, 0), &wilson(), Setup::Reset).unwrap();
    precondition(setup(&mut object, &with_generation(&u, 0), &wilson(), Setup::Reuse), "generation is 0");
}

#[test]
fn wrong_input_gets_a_sentence() {
    let host = Host::new("precond");
    let lattice = lattice(&[4, 4, 4, 4]);
    for (config, sentence) in [
        ("a = [0.1, 0.2]", "length 2"),
        ("a = [0.1, 0.2, 0.3]\nfit = true", "give one of"),
        ("fit = false", "give one of"),
        ("vectors = 0", "vectors is 0"),
        ("a = [0.1, 0.2, 0.3]\nseed = 1", "belong to fit"),
        ("weights = 3", "unknown field `weights`"),
    ] {
        let (status, message) = refused(host.create(PrecondObject::create, &lattice, config));
        assert!(status == raw::GLK_INVALID_ARG && message.contains(sentence), "{config}: {message}");
    }
    let u = rough::<f64, 3>(&lattice, 1);
    let mut object = host.create(PrecondObject::create, &lattice, CONFIG).unwrap();
    let clover = |csw_r, csw_t| Dirac { op: raw::GLK_DIRAC_CLOVER, csw_r, csw_t, ..wilson() };
    for (operator, sentence) in [
        (Dirac { op: 3, ..wilson() }, "op is 3"),
        (clover(1.0, 0.5), "csw_r is 1 and csw_t 0.5"),
        (clover(1.0, 1.0), "the given weights are Wilson's"),
    ] {
        let (status, message) = refused(setup(&mut object, &view(&u), &operator, Setup::Reset));
        assert!(status == raw::GLK_UNSUPPORTED && message.contains(sentence), "{message}");
    }
    setup(&mut object, &view(&u), &wilson(), Setup::Reset).unwrap();
    let r = source::<f64>(&lattice, 0);
    let mut half = *view(&r).as_raw();
    half.parity = raw::GLK_EVEN;
    // SAFETY: the field's own description.
    let half = unsafe { View::from_raw(&raw const half, "r") }.unwrap();
    let mut z = SpinorField::<f64, 3>::zeroed(&lattice).unwrap();
    let (status, message) = refused(lend(&mut z, |z| object.apply(EXEC, &half, z, false)));
    assert!(status == raw::GLK_UNSUPPORTED && message.contains("parity is 1"), "{message}");
    let plane = crate::host::lattice(&[4, 4]);
    let u = rough::<f64, 3>(&plane, 1);
    let mut object = host.create(PrecondObject::create, &plane, CONFIG).unwrap();
    let (status, message) = refused(setup(&mut object, &view(&u), &wilson(), Setup::Reset));
    assert!(status == raw::GLK_UNSUPPORTED && message.contains("4 dimensions"), "{message}");
}
