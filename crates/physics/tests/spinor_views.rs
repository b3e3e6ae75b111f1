//! Spinors from and to the memory of hosts: Grid's formula, and views of our own.

use gaugelink_lattice::foreign::{borrow, lend, read_view, view, write_view};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Lattice, LatticeOptions, Site};
use gaugelink_physics::dirac::SpinorField;
use gaugelink_plugin_sdk::{View, ViewMut, raw, sized_struct};

const EXTENTS: Site = [4, 4, 4, 4];
/// Grid's lanes of double precision on AVX-512.
const SIMD: Site = [1, 1, 2, 2];

/// Grid's index of a complex number, `((osite 4 + s) 3 + c) Nsimd + lane`; red-black grids halve x.
fn grid_index(x: Site, spin: usize, colour: usize) -> usize {
    let halved = [x[0] / 2, x[1], x[2], x[3]];
    let (mut osite, mut lane, mut ostride, mut istride) = (0, 0, 1, 1);
    for d in 0..4 {
        let r = if d == 0 { EXTENTS[0] / 2 } else { EXTENTS[d] } / SIMD[d];
        osite += ostride * (halved[d] % r);
        lane += istride * (halved[d] / r);
        (ostride, istride) = (ostride * r, istride * SIMD[d]);
    }
    ((osite * 4 + spin) * 3 + colour) * 4 + lane
}

fn odd_sites() -> raw::glk_view {
    let mut v = sized_struct::<raw::glk_view>();
    (v.kind, v.scalar, v.site_order) = (raw::GLK_WILSON, raw::GLK_F64, raw::GLK_SITE_BLOCK_EO);
    (v.parity, v.gamma_basis) = (raw::GLK_ODD, raw::GLK_GAMMA_DEGRAND_ROSSI);
    (v.nspin, v.ncolor, v.nplanes) = (4, 3, 1);
    let complex = 16;
    (v.stride_lane, v.stride_col, v.stride_row, v.stride_site) =
        (complex, 4 * complex, 12 * complex, 48 * complex);
    v.plane_bytes = 128 * 12 * 16;
    (0..4).for_each(|d| v.simd[d] = SIMD[d] as i32);
    v
}

#[test]
fn odd_sites_of_grid_arrive_and_even_ones_stay() {
    let lattice = Lattice::new(&EXTENTS, LatticeOptions::default()).unwrap();
    let mut psi = SpinorField::<f64, 3>::zeroed(&lattice).unwrap();
    psi.set_gaussian(Address::new(3, Purpose::Start));
    let before = psi.duplicate().unwrap();
    let host: Vec<f64> = (0..128 * 24).map(|i| i as f64).collect();
    let mut description = odd_sites();
    description.plane[0] = host.as_ptr().cast_mut().cast();
    // SAFETY: the plane is `host`.
    let view = unsafe { View::from_raw(&raw const description, "psi") }.unwrap();
    read_view(&view, 0, &mut psi).unwrap();
    let geometry = lattice.geometry();
    for index in 0..geometry.volume() {
        let x = geometry.site(index);
        let (now, old) = (psi.spinor(&x, 0).unwrap(), before.spinor(&x, 0).unwrap());
        if x.iter().sum::<usize>() % 2 == 0 {
            assert_eq!(now, old);
            continue;
        }
        for (i, z) in now.components().iter().enumerate() {
            let re = 2 * grid_index(x, i / 3, i % 3);
            assert_eq!((z.re, z.im), (re as f64, re as f64 + 1.0), "{x:?}");
        }
    }
    let mut back = vec![0.0; host.len()];
    description.plane[0] = back.as_mut_ptr().cast();
    // SAFETY: the plane is `back`.
    let mut view = unsafe { ViewMut::from_raw(&raw const description, "psi") }.unwrap();
    write_view(&psi, &mut view, 0).unwrap();
    assert_eq!(back, host);
}

#[test]
fn another_basis_is_refused_and_our_layout_borrowed() {
    let lattice = Lattice::new(&EXTENTS, LatticeOptions::default()).unwrap();
    let mut psi = SpinorField::<f32, 3>::zeroed(&lattice).unwrap();
    psi.set_gaussian(Address::new(3, Purpose::Start));
    let mut description = *view(&psi).as_raw();
    description.gamma_basis = raw::GLK_GAMMA_CHIRAL;
    // SAFETY: the field's own memory.
    let chiral = unsafe { View::from_raw(&raw const description, "psi") }.unwrap();
    let mut out = SpinorField::<f32, 3>::zeroed(&lattice).unwrap();
    let error = read_view(&chiral, 0, &mut out).unwrap_err();
    assert!(error.code == raw::GLK_UNSUPPORTED && error.message.contains("gamma_basis"), "{error}");
    let own = view(&psi);
    let borrowed = borrow::<SpinorField<f32, 3>>(&own, &lattice).unwrap();
    assert_eq!(borrowed.as_slice().as_ptr(), psi.as_slice().as_ptr());
    lend(&mut out, |v| write_view(&*borrowed, v, 0)).unwrap();
    assert_eq!(out.as_slice(), psi.as_slice());
}
