//! A plugin in C and the views of the SDK agree on every site order, and nothing is copied.

mod common;

use common::minimal;
use gaugelink_host::sdk::{Dirac, Lattice, Served, Setup, View, ViewMut, raw, sized_struct};
use gaugelink_host::{Auxiliary, ConfigText, Exec, ForceObject, Plugin, PrecondObject, Request, Services};
use std::path::Path;

const N: usize = 3;

/// Memory in another layout, described by a view that starts from the lex one.
struct Store {
    data: Vec<f64>,
    raw: raw::glk_view,
}

impl Store {
    fn new(lex: &raw::glk_view, length: usize, describe: impl FnOnce(&mut raw::glk_view)) -> Self {
        let mut store = Self { data: vec![0.0; length], raw: *lex };
        store.raw.plane[0] = store.data.as_mut_ptr().cast();
        store.raw.plane_bytes = 8 * length as u64;
        describe(&mut store.raw);
        store
    }
    fn view(&self) -> View<'_> {
        // SAFETY: the store owns the memory.
        unsafe { View::from_raw(&raw const self.raw, "U") }.expect("not NULL")
    }
    fn view_mut(&mut self) -> ViewMut<'_> {
        // SAFETY: as above, and it is borrowed mutably.
        unsafe { ViewMut::from_raw(&raw const self.raw, "F") }.expect("not NULL")
    }
}

#[test]
fn a_halo_whose_volume_overflows_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (plugin, services) = (Plugin::open(&minimal(folder.path())).expect("it opens"), Services::new(1));
    let lattice = Lattice::single(&[4; 4]).expect("a lattice");
    let request = Request {
        component: "org.gaugelink.minimal.wilson",
        lattice: &lattice,
        config: ConfigText::Toml(""),
        base_dir: Path::new(""),
    };
    let mut wilson = ForceObject::create(&plugin, &services, &request).expect("created");
    let links = vec![1.0; lattice.sites() * 4 * 2];
    let lex = View::gauge(&links, &lattice, 1).expect("a field");
    // Sides of 36, 2284, 699052 and 641861956 places: their product is 256 modulo 2^64, as if there were no halo.
    let lying = Store::new(lex.as_raw(), links.len(), |v| v.halo = [16, 1140, 349_524, 320_930_976, 0, 0]);
    let mut s = [0.0];
    let error = wilson.action(Exec::default(), &lying.view(), Auxiliary::default(), &mut s).unwrap_err();
    assert!(error.to_string().contains("more than 2^48 places"), "{error}");
}

#[test]
fn a_diagonal_is_that_of_the_hosts_operator() {
    let folder = tempfile::tempdir().expect("a folder");
    let (plugin, services) = (Plugin::open(&minimal(folder.path())).expect("it opens"), Services::new(1));
    let lattice = Lattice::single(&[2; 4]).expect("a lattice");
    let request = Request {
        component: "org.gaugelink.minimal.jacobi",
        lattice: &lattice,
        config: ConfigText::Toml(""),
        base_dir: Path::new(""),
    };
    let links = vec![1.0; lattice.sites() * 4 * 2];
    let u = View::gauge(&links, &lattice, 1).expect("a field");
    let mut jacobi = PrecondObject::create(&plugin, &services, &request).expect("created");
    let mut dirac = sized_struct::<Dirac>();
    (dirac.op, dirac.mass) = (raw::GLK_DIRAC_WILSON, 1.0);
    let r: Vec<f64> = (0..lattice.sites() * 8).map(|i| i as f64).collect();
    // M = 4 + m - hop/2, and M = 1 - kappa hop.
    for (normalisation, diagonal) in [(raw::GLK_DIRAC_BY_MASS, 5.0), (raw::GLK_DIRAC_BY_KAPPA, 1.0)] {
        dirac.normalisation = normalisation;
        jacobi.setup(Exec::default(), &u, &dirac, Setup::Reset).expect("set up");
        let mut z = vec![0.0; r.len()];
        let from = View::spinor(&r, &lattice, 4, 1).expect("a field");
        let mut to = ViewMut::spinor(&mut z, &lattice, 4, 1).expect("a field");
        jacobi.apply(Exec::default(), &from, &mut to, false).expect("applied");
        assert!(z.iter().zip(&r).all(|(z, r)| (z * diagonal - r).abs() <= 1e-15 * r), "{normalisation}");
    }
    dirac.precond_form = raw::GLK_DIRAC_SYMMETRIC_EO;
    let error = jacobi.setup(Exec::default(), &u, &dirac, Setup::Reset).unwrap_err();
    assert!(error.to_string().contains("precond_form"), "{error}");
}

#[test]
fn forces_are_the_same_in_every_layout() {
    let folder = tempfile::tempdir().expect("a folder");
    let (plugin, services) = (Plugin::open(&minimal(folder.path())).expect("it opens"), Services::new(1));
    let lattice = Lattice::single(&[4, 2, 2, 4]).expect("a lattice");
    let request = Request {
        component: "org.gaugelink.minimal.wilson",
        lattice: &lattice,
        config: ConfigText::Json("{\"beta\": 6}"),
        base_dir: Path::new(""),
    };
    let mut wilson = ForceObject::create(&plugin, &services, &request).expect("created");
    let (sites, length) = (lattice.sites(), lattice.sites() * 4 * 2 * N * N);
    // The force is a polynomial in the links: matrices without a group serve as well.
    let links: Vec<f64> = (0..length).map(|i| (i as f64 * 0.7).sin()).collect();
    let mut expected = vec![0.0; length];
    let lex = View::gauge(&links, &lattice, N).expect("a field");
    let mut out = ViewMut::algebra(&mut expected, &lattice, N).expect("a field");
    wilson.force(Exec::default(), &lex, Auxiliary::default(), 1.0, &mut out).expect("lex to lex");

    let table: Vec<i64> = (0..sites as i64).map(|lex| (lex * 5 + 3) % sites as i64).collect();
    type Describe<'a> = Box<dyn Fn(&mut raw::glk_view) + 'a>;
    let cases: [(&str, usize, Describe); 5] = [
        ("even-odd", length, Box::new(|v| v.site_order = raw::GLK_SITE_EO)),
        (
            "lanes of z and t, as Grid has them",
            length,
            Box::new(|v| {
                v.site_order = raw::GLK_SITE_BLOCK;
                v.simd = [1, 1, 2, 2, 0, 0];
                // [row of sites][mu][i][j][lane][re, im]
                v.stride_lane = 16;
                (v.stride_col, v.stride_row) = (64, 64 * N as i64);
                (v.stride_mu, v.stride_site) = (64 * 9, 64 * 36);
            }),
        ),
        (
            "table",
            length,
            Box::new(|v| {
                v.site_order = raw::GLK_SITE_TABLE;
                v.site_table = table.as_ptr();
            }),
        ),
        ("halo", length / sites * 8 * 4 * 4 * 6, Box::new(|v| v.halo = [2, 1, 1, 1, 0, 0])),
        (
            "real and imaginary parts apart, columns before rows",
            length,
            Box::new(|v| {
                (v.stride_site, v.stride_reim) = (8, 8 * sites as i64);
                (v.stride_row, v.stride_col) = (16 * sites as i64, 48 * sites as i64);
                v.stride_mu = 16 * 9 * sites as i64;
            }),
        ),
    ];
    for (name, length, describe) in &cases {
        let mut u = Store::new(lex.as_raw(), *length, describe);
        u.view_mut().access(&lattice).expect("checked").scatter(0, &links);
        let mut f = Store::new(lex.as_raw(), *length, |v| {
            describe(v);
            v.kind = raw::GLK_ALGEBRA;
        });
        assert_eq!(wilson.query(&u.view()).expect("answered").served, Served::ZeroCopy, "{name}");
        let u = u.view();
        wilson.force(Exec::default(), &u, Auxiliary::default(), 1.0, &mut f.view_mut()).expect("served");
        let mut back = vec![0.0; links.len()];
        f.view().access(&lattice).expect("checked").gather(0, &mut back);
        assert!(back == expected, "{name}");
        assert_eq!(wilson.stats().expect("answered").bytes_copied, 0, "{name}");
    }
}
