//! Outputs that share numbers with inputs are refused by plugins in both languages; interleaved fields are served.

mod common;

use common::minimal;
use gaugelink_host::sdk::{Lattice, Setup, View, ViewMut, raw, sized_struct};
use gaugelink_host::{
    ConfigText, Exec, FlowObject, HostError, Plugin, PrecondObject, Request, Search, Services,
};
use std::path::Path;

const EXEC: Exec = Exec { threads: 1 };
/// Numbers of a site of U(1) in two dimensions, and fields that stand side by side in memory: `[site][field][mu][re, im]`.
const SITE: usize = 4;
const FIELDS: usize = 3;

/// Memory of 4² sites with three fields.
struct Side {
    memory: Vec<f64>,
    lattice: Lattice,
}

impl Side {
    /// The field whose first number of a site is this one of the site's twelve.
    fn raw(&mut self, first: usize, algebra: bool) -> raw::glk_view {
        let plain =
            if algebra { View::algebra } else { View::gauge }(&self.memory[..16 * SITE], &self.lattice, 1);
        let mut view = *plain.expect("a field").as_raw();
        view.plane[0] = self.memory[first..].as_mut_ptr().cast();
        view.plane_bytes = 8 * (self.memory.len() - first) as u64;
        view.stride_site = (8 * FIELDS * SITE) as i64;
        view
    }
    /// Forward, or the pullback with V as the first field; the others are told by their places.
    fn call(
        &mut self,
        flow: &mut FlowObject,
        pullback: bool,
        [from, to]: [usize; 2],
    ) -> Result<(), HostError> {
        let (links, from, to) = (self.raw(0, false), self.raw(from, pullback), self.raw(to, pullback));
        // SAFETY: the memory lives through the call, and is not looked at by others.
        let (v, from, to) = unsafe {
            let from = View::from_raw(&raw const from, "from");
            (View::from_raw(&raw const links, "V"), from, ViewMut::from_raw(&raw const to, "to"))
        };
        let (v, from, mut to) = (v.expect("sized"), from.expect("sized"), to.expect("sized"));
        if pullback {
            return flow.pullback(EXEC, &v, &from, &mut to);
        }
        flow.forward(EXEC, &from, &mut to, &mut [0.0])?;
        flow.inverse(EXEC, &from, &mut to, &mut [0.0])
    }
}

#[test]
fn flows_take_interleaved_fields_and_no_others_that_meet() {
    let folder = tempfile::tempdir().expect("a folder");
    let fixture = Search::new(&[]).find("fixture").expect("cargo built the fixture");
    for (path, component) in
        [(minimal(folder.path()), "org.gaugelink.minimal.identity"), (fixture, "org.gaugelink.fixture.layer")]
    {
        let (plugin, services) = (Plugin::open(&path).expect("it opens"), Services::new(1));
        let lattice = Lattice::single(&[4, 4]).expect("a lattice");
        let request =
            Request { component, lattice: &lattice, config: ConfigText::Toml(""), base_dir: Path::new("") };
        let mut flow = FlowObject::create(&plugin, &services, &request).expect("created");
        let mut side = Side { memory: vec![0.6; 17 * FIELDS * SITE], lattice: lattice.clone() };
        for (pullback, places) in [(false, [0, 4]), (false, [8, 0]), (true, [4, 8]), (true, [8, 4])] {
            side.call(&mut flow, pullback, places).unwrap_or_else(|error| panic!("{places:?}: {error}"));
        }
        // The same field, half a site of it, the same through the end of a site; V or F_U of a pullback.
        for (pullback, places) in [
            (false, [0, 0]),
            (false, [0, 2]),
            (false, [4, 15]),
            (true, [4, 4]),
            (true, [4, 0]),
            (true, [4, 6]),
        ] {
            let error = side.call(&mut flow, pullback, places).expect_err(&format!("{component} {places:?}"));
            assert_eq!(error.status(), Some(raw::GLK_INVALID_ARG), "{error}");
            assert!(error.to_string().contains("shares numbers with"), "{error}");
        }
    }
}

#[test]
fn a_preconditioner_does_not_work_in_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let plugin = Plugin::open(&minimal(folder.path())).expect("it opens");
    let (services, lattice) = (Services::new(1), Lattice::single(&[2; 4]).expect("a lattice"));
    let component = "org.gaugelink.minimal.jacobi";
    let request =
        Request { component, lattice: &lattice, config: ConfigText::Toml(""), base_dir: Path::new("") };
    // Links are borrowed for as long as the object lives.
    let (links, mut psi) = (vec![1.0; 16 * 8], vec![1.0; 16 * 8]);
    let mut jacobi = PrecondObject::create(&plugin, &services, &request).expect("created");
    let u = View::gauge(&links, &lattice, 1).expect("a field");
    let dirac = raw::glk_dirac { op: raw::GLK_DIRAC_WILSON, mass: 0.1, ..sized_struct() };
    jacobi.setup(EXEC, &u, &dirac, Setup::Reset).expect("set up");
    let mut z = ViewMut::spinor(&mut psi, &lattice, 4, 1).expect("a field");
    let r = *z.as_view().as_raw();
    // SAFETY: the same memory, which lives.
    let r = unsafe { View::from_raw(&raw const r, "r") }.expect("sized");
    let error = jacobi.apply(EXEC, &r, &mut z, false).expect_err("the same view").to_string();
    assert!(error.contains("shares numbers with"), "{error}");
}
