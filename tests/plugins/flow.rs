//! The flow plugin: the library's own numbers, nothing copied, batches, Grid's values, refusals.

use crate::host::{Host, algebra, described, distance, lattice, lex, refused, rough};
use gaugelink_host::sdk::{Rng, Served, View, ViewMut, raw, sized_struct};
use gaugelink_host::{ConfigText, Exec, FlowObject, ForceObject, PrecondObject, Request, Services};
use gaugelink_lattice::file::read;
use gaugelink_lattice::foreign::{lend, view, write_algebra};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions, MomentumField, Real};
use gaugelink_models::file::Named;
use gaugelink_models::layers::{Coefficients, LoopFlow, Loops, Residual, Sharing};
use gaugelink_models::{Flow, LayerKind, flow_model};
use gaugelink_physics::action::{Action, WilsonAction};
use gaugelink_physics::observable::plaquette;
use lime_rs::GaugeFile;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

const EXEC: Exec = Exec { threads: 0 };

fn direct<T: Real, const N: usize>(lattice: &Arc<Lattice>, rho: f64) -> Flow<T, N> {
    let count = 2 * lattice.dims();
    let layers = Residual::stack(lattice, Coefficients::Plain, Sharing::One, count).unwrap();
    Flow::new(layers, vec![rho; count]).unwrap()
}

/// Our own layout: the same bits as the flow itself, and nothing copied. Plain order: the same bits, and all copied.
fn own_and_lex<T: Real, const N: usize>(extents: &[usize]) {
    let host = Host::new("flow");
    let lattice = lattice(extents);
    let mut object = host.create(FlowObject::create, &lattice, "rho = 0.08").unwrap();
    let v = rough::<T, N>(&lattice, 1);
    let mut expected = v.duplicate().unwrap();
    let mut log_det = [0.0];
    direct::<T, N>(&lattice, 0.08).forward(&mut expected, &mut log_det);

    assert_eq!(object.query(&view(&v)).unwrap().served, Served::ZeroCopy);
    let (mut u, mut found) = (GaugeField::<T, N>::cold(&lattice).unwrap(), [f64::NAN]);
    lend(&mut u, |u| object.forward(EXEC, &view(&v), u, &mut found)).unwrap();
    assert!(u.as_slice() == expected.as_slice() && found == log_det, "{extents:?}: the same bits");
    let stats = object.stats().unwrap();
    assert_eq!(stats.bytes_copied, 0, "{extents:?}: nothing is copied");
    assert!(stats.seconds > 0.0);
    let (mut back, mut inverse) = (GaugeField::<T, N>::cold(&lattice).unwrap(), [f64::NAN]);
    lend(&mut back, |v| object.inverse(EXEC, &view(&u), v, &mut inverse)).unwrap();
    assert_eq!(object.stats().unwrap().bytes_copied, 0);
    let small = if T::BITS == 64 { 1e-12 } else { 1e-5 };
    assert!(distance(&lex(&back), &lex(&v)) < small, "{extents:?}: inverse");
    object.log_density(EXEC, &view(&u), &mut found).unwrap();
    assert!(found == inverse && object.stats().unwrap().bytes_copied == 0);

    // Plain order holds f64: those of a field in f64 are computed as such.
    if T::BITS == 64 {
        let (sdk, v) = (described(&lattice), lex(&v));
        let mut u = vec![0.0; v.len()];
        let from = View::gauge(&v, &sdk, N).unwrap();
        assert_eq!(object.query(&from).unwrap().served, Served::Copy);
        object.forward(EXEC, &from, &mut ViewMut::gauge(&mut u, &sdk, N).unwrap(), &mut found).unwrap();
        assert!(u == lex(&expected) && found == log_det, "{extents:?}: the same bits from plain order");
        assert_eq!(object.stats().unwrap().bytes_copied, 2 * 8 * v.len() as u64);
    }
}

#[test]
fn own_fields_are_mapped_in_place_and_others_through_copies() {
    own_and_lex::<f64, 1>(&[8, 8]);
    own_and_lex::<f64, 2>(&[4, 4, 8]);
    own_and_lex::<f64, 3>(&[4, 4, 4, 8]);
    own_and_lex::<f32, 3>(&[4, 4, 8, 8]);
}

/// A host that is asked how far a batch is may end the call.
#[test]
fn a_call_ends_when_the_host_cancels_it() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    let progress = move |phase: &str, done, total| {
        let fields = phase == "fields";
        if fields {
            heard.lock().unwrap().push((phase.to_owned(), done, total));
        }
        fields && done > 0
    };
    let host =
        Host { services: Services::with(2, Box::new(|_, _, _| ()), Box::new(progress)), ..Host::new("flow") };
    let lattice = lattice(&[4, 4]);
    let mut object = host.create(FlowObject::create, &lattice, "").unwrap();
    // More fields than any layout has side by side.
    let (sdk, fields) = (described(&lattice), 40);
    let v = lex(&rough::<f64, 2>(&lattice, 5)).repeat(fields);
    let mut u = vec![0.0; v.len()];
    let from = View::gauge(&v[..v.len() / fields], &sdk, 2).unwrap();
    let mut logdet = vec![f64::NAN; fields];
    let batch = |view: &View<'_>, data: *mut f64| {
        let mut raw = *view.as_raw();
        raw.nrhs = fields as u32;
        raw.stride_rhs = raw.plane_bytes as i64;
        raw.plane_bytes *= fields as u64;
        raw.plane[0] = data.cast();
        raw
    };
    let (from, to) = (batch(&from, v.as_ptr().cast_mut()), batch(&from, u.as_mut_ptr()));
    // SAFETY: the views describe the two arrays.
    let (from, mut to) = unsafe {
        (View::from_raw(&raw const from, "v").unwrap(), ViewMut::from_raw(&raw const to, "u").unwrap())
    };
    let error = object.forward(EXEC, &from, &mut to, &mut logdet).unwrap_err();
    assert_eq!(error.status(), Some(raw::GLK_CANCELLED), "{error}");
    let asked = asked.lock().unwrap();
    assert_eq!(asked[0], ("fields".to_owned(), 0, fields as u64));
    assert!(asked.len() == 2 && logdet[0].is_finite() && logdet[fields - 1].is_nan(), "{asked:?}");
}

/// A host's count of threads may be nonsense: a sentence, not the end of the process.
#[test]
fn more_threads_than_a_pool_may_have_are_refused() {
    for name in ["flow", "force", "precond"] {
        let host = Host { services: Services::new(1_000_000), ..Host::new(name) };
        let lattice = described(&lattice(&[4, 4, 4, 4]));
        let (id, config, base_dir) = (&host.plugin.components()[0].id, ConfigText::Toml(""), Path::new(""));
        let request = Request { component: id, lattice: &lattice, config, base_dir };
        let (status, sentence) = match name {
            "flow" => refused(FlowObject::create(&host.plugin, &host.services, &request)),
            "force" => refused(ForceObject::create(&host.plugin, &host.services, &request)),
            _ => refused(PrecondObject::create(&host.plugin, &host.services, &request)),
        };
        assert_eq!(status, raw::GLK_INVALID_ARG, "{sentence}");
        assert!(sentence.contains("1000000 threads") && sentence.contains("at most 4096"), "{sentence}");
    }
}

/// Every function hears of the layers that are done, and ends between two of them.
#[test]
fn a_call_ends_between_two_layers() {
    let (asked, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU64::new(u64::MAX)));
    let (heard, at) = (asked.clone(), stop.clone());
    let progress = move |phase: &str, done, total| {
        heard.lock().unwrap().push((phase.to_owned(), done, total));
        phase == "layers" && done >= at.load(Ordering::Relaxed)
    };
    let host =
        Host { services: Services::with(2, Box::new(|_, _, _| ()), Box::new(progress)), ..Host::new("flow") };
    let lattice = lattice(&[8, 8]);
    let mut object = host.create(FlowObject::create, &lattice, "rho = 0.05").unwrap();
    let v = rough::<f64, 2>(&lattice, 4);
    let (mut u, mut number) = (GaugeField::<f64, 2>::cold(&lattice).unwrap(), [0.0]);
    let sdk = described(&lattice);
    let numbers = lex(&v).len();
    let (f_u, mut f_v) = (vec![0.1; numbers], vec![0.0; numbers]);
    let mut rng = sized_struct::<Rng>();
    rng.algorithm = raw::GLK_RNG_CHACHA20;
    // Two sub-layers a direction; a pullback goes through them forth and back.
    let mut call = |which: &str| match which {
        "forward" => lend(&mut u, |u| object.forward(EXEC, &view(&v), u, &mut number)),
        "inverse" => lend(&mut u, |u| object.inverse(EXEC, &view(&v), u, &mut number)),
        "sample" => lend(&mut u, |u| object.sample(EXEC, &rng, u, &mut number)),
        "log_density" => object.log_density(EXEC, &view(&v), &mut number),
        _ => {
            let from = View::algebra(&f_u, &sdk, 2).unwrap();
            let mut to = ViewMut::algebra(&mut f_v, &sdk, 2).unwrap();
            object.pullback(EXEC, &view(&v), &from, &mut to)
        }
    };
    for (which, layers) in
        [("forward", 4), ("inverse", 4), ("sample", 4), ("log_density", 4), ("pullback", 8)]
    {
        call(which).unwrap();
        let all: Vec<_> = (1..layers).map(|done| ("layers".to_owned(), done, layers)).collect();
        assert_eq!(std::mem::take(&mut *asked.lock().unwrap()), all, "{which}");
        for last in 1..layers {
            stop.store(last, Ordering::Relaxed);
            let error = call(which).unwrap_err();
            assert_eq!(error.status(), Some(raw::GLK_CANCELLED), "{which}: {error}");
            let heard = std::mem::take(&mut *asked.lock().unwrap());
            assert_eq!(heard, all[..last as usize], "{which}");
        }
        stop.store(u64::MAX, Ordering::Relaxed);
        call(which).unwrap();
        asked.lock().unwrap().clear();
    }
    // A call after those that ended early gives what it gives.
    let mut expected = v.duplicate().unwrap();
    direct::<f64, 2>(&lattice, 0.05).forward(&mut expected, &mut [0.0]);
    lend(&mut u, |u| object.forward(EXEC, &view(&v), u, &mut number)).unwrap();
    assert_eq!(u.as_slice(), expected.as_slice());
}

/// A batch in the lanes, in place where it fills them, is the same batch in plain order, and its fields one by one.
fn batch(chains: usize) {
    let host = Host::new("flow");
    let lanes = LaneMeaning::Batch { chains };
    let (together, single) = (
        Lattice::new(&[4, 8], LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap(),
        lattice(&[4, 8]),
    );
    let mut object = host.create(FlowObject::create, &single, "").unwrap();
    let v = rough::<f64, 2>(&together, 3);
    let (mut u, mut logdet) = (GaugeField::<f64, 2>::cold(&together).unwrap(), vec![f64::NAN; chains]);
    lend(&mut u, |u| object.forward(EXEC, &view(&v), u, &mut logdet)).unwrap();
    let (sdk, plain) = (described(&single), lex(&v));
    let bytes = 2 * 8 * plain.len() as u64;
    assert_eq!(object.stats().unwrap().bytes_copied, if chains == f64::LANES { 0 } else { bytes });
    let (mut out, mut again) = (vec![0.0; plain.len()], vec![f64::NAN; chains]);
    let mut to = ViewMut::gauge(&mut out, &sdk, 2).unwrap();
    object.forward(EXEC, &View::gauge(&plain, &sdk, 2).unwrap(), &mut to, &mut again).unwrap();
    assert_eq!(object.stats().unwrap().bytes_copied, bytes);
    assert!(lex(&u) == out && logdet == again, "{chains} chains");
    for (b, field) in plain.chunks(plain.len() / chains).enumerate() {
        let (mut one, mut log) = (vec![0.0; field.len()], [f64::NAN]);
        let mut to = ViewMut::gauge(&mut one, &sdk, 2).unwrap();
        object.forward(EXEC, &View::gauge(field, &sdk, 2).unwrap(), &mut to, &mut log).unwrap();
        assert!(one == out[b * one.len()..(b + 1) * one.len()] && log[0] == logdet[b], "field {b}");
    }
}

#[test]
fn a_batch_is_its_fields_whatever_its_layout() {
    batch(8);
    batch(5);
}

#[test]
fn samples_follow_their_addresses() {
    let host = Host::new("flow");
    let lattice = lattice(&[4, 4, 4, 4]);
    let mut object = host.create(FlowObject::create, &lattice, "").unwrap();
    let sdk = described(&lattice);
    let numbers = 2 * 9 * 4 * 256;
    let mut rng = sized_struct::<Rng>();
    (rng.algorithm, rng.key) = (raw::GLK_RNG_CHACHA20, [9; 32]);
    let mut draw = |rng: &Rng, fields: usize, exec: Exec| {
        let (mut u, mut log_q) = (vec![0.0; fields * numbers], vec![f64::NAN; fields]);
        object.sample(exec, rng, &mut ViewMut::gauge(&mut u, &sdk, 3).unwrap(), &mut log_q).unwrap();
        (u, log_q)
    };
    let two = draw(&rng, 2, EXEC);
    let one = draw(&rng, 1, Exec { threads: 1 });
    assert!(one.0 == two.0[..numbers] && one.1[0] == two.1[0], "field 0 of any batch");
    assert!(two.0[..numbers] != two.0[numbers..], "fields differ");
    rng.call = 1;
    assert!(draw(&rng, 1, EXEC).0 != one.0, "calls differ");
}

/// Log det and smeared plaquette of Grid's masked smearing, and the force of the transformed theory.
#[test]
fn grids_values_come_through_the_plugin() {
    let Some(folder) = std::env::var_os("GAUGELINK_TEST_DATA").map(std::path::PathBuf::from) else {
        return println!("skipped: GAUGELINK_TEST_DATA is not set to the folder of test configurations");
    };
    let text = std::fs::read_to_string(folder.join("../grid-values.json")).unwrap();
    let grid: serde_json::Value = serde_json::from_str(&text).unwrap();
    let value = |key: &str| grid["values"][key].as_f64().unwrap();
    let lattice = lattice(&[4, 4, 4, 8]);
    let mut v = GaugeField::<f64, 3>::cold(&lattice).unwrap();
    let file = GaugeFile::open(folder.join("ildg_nissa_tmlqcd_L4T8_f64.lime")).unwrap();
    assert!(!read(&file, &mut v, 0).unwrap().is_bad());
    let host = Host::new("flow");
    let config = "kind = 'residual'\nrho = 0.1\nsublayers = 8\nnc = 3";
    let mut object = host.create(FlowObject::create, &lattice, config).unwrap();
    let (mut u, mut logdet) = (GaugeField::<f64, 3>::cold(&lattice).unwrap(), [f64::NAN]);
    lend(&mut u, |u| object.forward(EXEC, &view(&v), u, &mut logdet)).unwrap();
    let smeared = (plaquette(&u)[0], value("masked_rho0.1_8sublayers_smeared_plaquette"));
    let log = (logdet[0], value("masked_rho0.1_8sublayers_logDetJacobian"));
    println!("smeared plaquette {} (Grid {}), log det {} (Grid {})", smeared.0, smeared.1, log.0, log.1);
    assert!((smeared.0 / smeared.1 - 1.0).abs() < 1e-10 && (log.0 / log.1 - 1.0).abs() < 1e-10);

    // Grid's F and ours are the same matrices.
    let sdk = described(&lattice);
    let mut force = MomentumField::<f64, 3>::zeroed(&lattice).unwrap();
    Action::kick(&WilsonAction::new(6.0), &u, &mut force, -1.0);
    let numbers = lex(&u).len();
    let (mut f_u, mut f_v) = (vec![0.0; numbers], vec![0.0; numbers]);
    write_algebra(&force, &mut algebra(&mut f_u, &sdk, 3), 0).unwrap();
    let from = View::algebra(&f_u, &sdk, 3).unwrap();
    object.pullback(EXEC, &view(&v), &from, &mut algebra(&mut f_v, &sdk, 3)).unwrap();
    let site = lattice.geometry().site_index(&[1, 2, 3, 1]);
    for mu in 0..4 {
        let matrix = |key: &str| -> Vec<f64> {
            let rows = &grid["values"][format!("{key}_site1231_mu{mu}")];
            let numbers = rows.as_array().unwrap().iter().flat_map(|z| z.as_array().unwrap());
            numbers.map(|x| x.as_f64().unwrap()).collect()
        };
        let (action, jacobian) =
            (matrix("masked_wilson_smeared_force_beta6"), matrix("masked_logDetJacobianForce"));
        let expected: Vec<f64> = action.iter().zip(&jacobian).map(|(a, j)| a + j).collect();
        let off = distance(&f_v[18 * (4 * site + mu)..][..18], &expected);
        assert!(off < 1e-10, "force of the transformed theory, direction {mu}: off by {off:e}");
    }
}

#[test]
fn pullback_is_that_of_the_flow() {
    let host = Host::new("flow");
    let lattice = lattice(&[4, 4, 4, 4]);
    let sdk = described(&lattice);
    let mut object = host.create(FlowObject::create, &lattice, "").unwrap();
    let mut v = rough::<f64, 3>(&lattice, 6);
    let mut force = MomentumField::<f64, 3>::zeroed(&lattice).unwrap();
    force.refresh(Address::new(7, Purpose::Momenta));
    let numbers = lex(&v).len();
    let (mut f_u, mut f_v, mut expected) = (vec![0.0; numbers], vec![1.0; numbers], vec![0.0; numbers]);
    write_algebra(&force, &mut algebra(&mut f_u, &sdk, 3), 0).unwrap();
    let mut to = algebra(&mut f_v, &sdk, 3);
    to.set_flags(raw::GLK_VIEW_ACCUMULATE);
    object.pullback(EXEC, &view(&v), &View::algebra(&f_u, &sdk, 3).unwrap(), &mut to).unwrap();
    direct::<f64, 3>(&lattice, 0.1).pullback(&mut v, &mut force);
    write_algebra(&force, &mut algebra(&mut expected, &sdk, 3), 0).unwrap();
    expected.iter_mut().for_each(|x| *x += 1.0);
    assert!(distance(&f_v, &expected) < 1e-12, "added to what was there");
    assert_eq!(
        object.stats().unwrap().bytes_copied,
        2 * 8 * numbers as u64,
        "the algebra fields, not the links"
    );
}

/// The plugin promises exact densities, and accept steps rest on that.
#[test]
fn densities_off_by_the_steps_of_an_integrator_are_refused() {
    let (host, folder) = (Host::new("flow"), tempfile::tempdir().unwrap());
    let file = folder.path().join("loops.safetensors");
    let action = Named { name: "wilson".into(), parameters: Default::default() };
    let layer = LayerKind::LoopFlow { loops: Loops::Leading, knots: 2, steps: 4 };
    let parameters = LoopFlow::<f64, 2>::expanded(Loops::Leading, 2, 1.0);
    flow_model::<2>(2, action, &[layer], parameters).write(&file).unwrap();
    let created = host.create(FlowObject::create, &lattice(&[4, 4]), &format!("model = {file:?}"));
    let (status, message) = refused(created);
    assert!(status == raw::GLK_UNSUPPORTED && message.contains("integrated in steps"), "{message}");
}

#[test]
fn wrong_input_gets_a_sentence() {
    let host = Host::new("flow");
    let lattice = lattice(&[4, 4]);
    let create = |config: &str| host.create(FlowObject::create, &lattice, config);
    for (config, sentence) in [
        ("rho = 0.6", "below 1"),
        ("rho = 'x'", "rho"),
        ("roh = 0.1", "unknown field `roh`"),
        ("nc = 4", "nc is 1 for U(1)"),
        ("sublayers = 0", "sublayers is 0"),
        ("kind = 'spectral'", "spectral"),
        ("model = 'm'\nrho = 0.1", "leave out"),
        ("model = '/no/such.safetensors'", "/no/such.safetensors"),
    ] {
        let (status, message) = refused(create(config));
        let known = [raw::GLK_INVALID_ARG, raw::GLK_NOT_FOUND];
        assert!(known.contains(&status) && message.contains(sentence), "{config}: {message}");
    }
    let odd = crate::host::lattice(&[4, 5]);
    let (status, message) = refused(host.create(FlowObject::create, &odd, ""));
    assert!(status == raw::GLK_UNSUPPORTED && message.contains("even extents"), "{message}");
    let mut ranks = gaugelink_lattice::foreign::lattice_of(&lattice);
    (ranks.nranks, ranks.comm_kind, ranks.global[0]) = (2, raw::GLK_COMM_HOST, 8);
    // SAFETY: a whole struct.
    let ranks = unsafe { gaugelink_host::sdk::Lattice::from_raw(&raw const ranks) }.unwrap();
    let (status, message) = refused(host.create_in(FlowObject::create, &ranks, "", std::path::Path::new("")));
    assert!(status == raw::GLK_UNSUPPORTED && message.contains("2 ranks"), "{message}");

    let mut object = create("nc = 2").unwrap();
    let sdk = described(&lattice);
    let mut forward = |v: &[f64], n: usize| {
        let (mut u, mut logdet) = (vec![0.0; v.len()], [0.0]);
        let mut to = ViewMut::gauge(&mut u, &sdk, n).unwrap();
        object.forward(EXEC, &View::gauge(v, &sdk, n).unwrap(), &mut to, &mut logdet)
    };
    let (status, message) = refused(forward(&[1.0; 2 * 2 * 16], 1));
    assert!(status == raw::GLK_INVALID_ARG && message.contains("nc = 2"), "{message}");
    let (status, message) = refused(forward(&[f64::NAN; 8 * 2 * 16], 2));
    assert!(status == raw::GLK_NONFINITE && message.contains("finite"), "{message}");
    let mut object = create("nc = 1").unwrap();
    let (mut u, mut logdet) = ([0.0; 2 * 2 * 16], [0.0]);
    let (v, mut to) = ([f64::NAN; 2 * 2 * 16], ViewMut::gauge(&mut u, &sdk, 1).unwrap());
    let from = View::gauge(&v, &sdk, 1).unwrap();
    let (status, message) = refused(object.forward(EXEC, &from, &mut to, &mut logdet));
    assert!(status == raw::GLK_NONFINITE && message.contains("finite"), "{message}");
}
