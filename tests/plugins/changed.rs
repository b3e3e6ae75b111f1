//! Views that are almost those of the last call: what a plugin found out about these does not hold for them.

use crate::host::{Host, lattice, refused, rough};
use gaugelink_host::sdk::{Dirac, Setup, View, ViewMut, raw, sized_struct};
use gaugelink_host::{Auxiliary, Exec, FlowObject, ForceObject, HostError, PrecondObject};
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::foreign::{view, view_mut};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_physics::dirac::SpinorField;

const EXEC: Exec = Exec { threads: 1 };
/// The sites fill the lanes: fields are used where they stand.
const EXTENTS: [usize; 4] = [4, 4, 4, 4];

/// A change that makes a view of the library's own layout wrong.
type Lie = (&'static str, fn(&mut raw::glk_view));
const LIES: [Lie; 8] = [
    ("stride_site", |v| v.stride_site = -v.stride_site),
    ("stride_reim", |v| v.stride_reim += 4),
    ("plane_bytes", |v| v.plane_bytes -= 1),
    ("NULL plane", |v| v.plane[0] = std::ptr::null_mut()),
    ("misaligned plane", |v| v.plane[0] = v.plane[0].wrapping_byte_add(4)),
    ("parity", |v| v.parity = 3),
    ("nplanes", |v| v.nplanes = 7),
    ("NULL table", |v| v.site_table = std::ptr::null()),
];

/// Calls with a good view, with each lie in its place, and with the good one again. A call gives the bytes copied.
fn lies_are_refused(
    what: &str,
    good: raw::glk_view,
    mut call: impl FnMut(&raw::glk_view) -> Result<u64, HostError>,
) {
    for (name, lie) in LIES {
        for _ in 0..2 {
            let copied = call(&good).unwrap_or_else(|error| panic!("{what}, before {name}: {error}"));
            assert_eq!(copied, 0, "{what}: in place");
        }
        let mut wrong = good;
        lie(&mut wrong);
        let (status, sentence) = refused(call(&wrong));
        let refusal = matches!(status, raw::GLK_INVALID_ARG | raw::GLK_UNSUPPORTED);
        assert!(refusal, "{what}, {name}: {sentence}");
    }
    call(&good).unwrap_or_else(|error| panic!("{what}, at last: {error}"));
}

/// # Safety
/// As for [`View::from_raw`].
unsafe fn input<'v>(raw: &raw::glk_view) -> View<'v> {
    // SAFETY: the caller's promise.
    unsafe { View::from_raw(raw, "input") }.expect("sized")
}

/// # Safety
/// As for [`ViewMut::from_raw`].
unsafe fn output<'v>(raw: &raw::glk_view) -> ViewMut<'v> {
    // SAFETY: the caller's promise.
    unsafe { ViewMut::from_raw(raw, "output") }.expect("sized")
}

#[test]
fn links_that_changed_are_refused_by_flows_and_forces() {
    let (flows, forces, lattice) = (Host::new("flow"), Host::new("force"), lattice(&EXTENTS));
    let (v, mut u) = (rough::<f64, 2>(&lattice, 1), GaugeField::<f64, 2>::cold(&lattice).unwrap());
    let (from, to) = (*view(&v).as_raw(), *view_mut(&mut u).as_view().as_raw());
    let mut flow = flows.create(FlowObject::create, &lattice, "").unwrap();
    // SAFETY: the fields live, here and below; what lies about them is refused before it is followed.
    lies_are_refused("V", from, |v| unsafe {
        flow.forward(EXEC, &input(v), &mut output(&to), &mut [0.0])?;
        Ok(flow.stats()?.bytes_copied)
    });
    // SAFETY: see above.
    lies_are_refused("U", to, |u| unsafe {
        flow.forward(EXEC, &input(&from), &mut output(u), &mut [0.0])?;
        Ok(flow.stats()?.bytes_copied)
    });
    // SAFETY: see above.
    let (status, sentence) = refused(unsafe {
        flow.forward(EXEC, &input(&raw::glk_view { plane: to.plane, ..from }), &mut output(&to), &mut [0.0])
    });
    assert!(status == raw::GLK_INVALID_ARG && sentence.contains("shares numbers"), "{sentence}");
    let mut force = forces.create(ForceObject::create, &lattice, "").unwrap();
    // SAFETY: see above.
    lies_are_refused("U of an action", from, |u| unsafe {
        force.action(EXEC, &input(u), Auxiliary::default(), &mut [0.0])?;
        Ok(force.stats()?.bytes_copied)
    });
    // SAFETY: see above.
    lies_are_refused("a question", from, |u| unsafe { Ok(force.query(&input(u))?.scratch_bytes) });
}

#[test]
fn spinors_that_changed_are_refused_by_preconditioners() {
    let (host, lattice) = (Host::new("precond"), lattice(&EXTENTS));
    let links = rough::<f64, 3>(&lattice, 1);
    let mut object = host.create(PrecondObject::create, &lattice, "a = [0.3, 0.04, -0.05]").unwrap();
    let mut dirac = sized_struct::<Dirac>();
    (dirac.op, dirac.mass) = (raw::GLK_DIRAC_WILSON, 0.1);
    // SAFETY: the links live longer than the object is used.
    object.setup(EXEC, &unsafe { input(view(&links).as_raw()) }, &dirac, Setup::Reset).unwrap();
    let mut r = SpinorField::<f64, 3>::zeroed(&lattice).unwrap();
    r.set_gaussian(Address::new(1, Purpose::Source));
    let mut z = SpinorField::<f64, 3>::zeroed(&lattice).unwrap();
    let (from, to) = (*view(&r).as_raw(), *view_mut(&mut z).as_view().as_raw());
    // SAFETY: as above.
    lies_are_refused("r", from, |r| unsafe {
        object.apply(EXEC, &input(r), &mut output(&to), false)?;
        Ok(object.stats()?.bytes_copied)
    });
    // SAFETY: as above.
    lies_are_refused("z", to, |z| unsafe {
        object.apply(EXEC, &input(&from), &mut output(z), false)?;
        Ok(object.stats()?.bytes_copied)
    });
}

/// Of the same layout elsewhere, and with sites in another order: by a table that changed where it stands, which nobody
/// had promised to keep, and by another table.
#[test]
fn numbers_are_those_of_the_view_at_hand() {
    let (host, lattice) = (Host::new("force"), lattice(&EXTENTS));
    let (u, w) = (rough::<f64, 2>(&lattice, 1), rough::<f64, 2>(&lattice, 2));
    let action = |object: &mut ForceObject, raw: &raw::glk_view| {
        let mut s = [f64::NAN];
        // SAFETY: the fields and tables live.
        object.action(EXEC, &unsafe { input(raw) }, Auxiliary::default(), &mut s).unwrap();
        (s[0], object.stats().unwrap().bytes_copied > 0)
    };
    let fresh =
        |raw: &raw::glk_view| action(&mut host.create(ForceObject::create, &lattice, "").unwrap(), raw).0;
    let (own, other) = (*view(&u).as_raw(), *view(&w).as_raw());
    let mut object = host.create(ForceObject::create, &lattice, "").unwrap();
    let (first, second) = (fresh(&own), fresh(&other));
    assert_ne!(first, second);
    for _ in 0..2 {
        assert_eq!(action(&mut object, &own), (first, false));
        assert_eq!(action(&mut object, &other), (second, false), "other memory");
    }
    // SAFETY: an entry for each site.
    let mut table = unsafe { std::slice::from_raw_parts(own.site_table, EXTENTS.iter().product()) }.to_vec();
    let place = table.as_mut_ptr();
    let lent = raw::glk_view { flags: raw::GLK_VIEW_CONST, site_table: place, ..own };
    assert_eq!(action(&mut object, &lent), (first, false), "the same entries elsewhere");
    assert_eq!(action(&mut object, &lent), (first, false));
    // SAFETY: the table is read in calls alone.
    unsafe { std::ptr::swap(place, place.add(5)) };
    let swapped = fresh(&lent);
    assert_ne!(swapped, first);
    assert_eq!(action(&mut object, &lent), (swapped, true), "changed in its place");
    assert_eq!(action(&mut object, &own), (first, false));
    let kept = raw::glk_view { flags: own.flags, ..lent };
    assert_eq!(action(&mut object, &kept), (swapped, true), "another table that is kept");
    assert_eq!(action(&mut object, &own), (first, false));
    drop(table);
}
