//! Fields from and to the memory of hosts.

mod host;

use gaugelink_lattice::comm::run_ranks;
use gaugelink_lattice::foreign::{
    borrow, borrow_mut, lend, matches, read_algebra, read_view, view, write_algebra, write_view,
};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{
    Complex, GaugeField, LaneMeaning, Lattice, LatticeOptions, Matrix, MomentumField, Real, Site,
};
use gaugelink_plugin_sdk::raw;
use host::{Host, grid, grid_even, lexicographic, odd_half, padded, qdp, reversed};
use std::sync::Arc;

fn lattice(extents: &[usize], threads: usize) -> Arc<Lattice> {
    Lattice::new(extents, LatticeOptions { threads, ..LatticeOptions::default() }).unwrap()
}

/// A number of its own, exact in single precision, for every number of a field.
fn number(global: usize, [mu, a, b, im]: [usize; 4]) -> f64 {
    (((global * 4 + mu) * 9 + 3 * a + b) * 2 + im + 1) as f64
}

fn components() -> impl Iterator<Item = [usize; 4]> {
    (0..72).map(|i| [i / 18, i / 6 % 3, i / 2 % 3, i % 2])
}

fn sites(l: Site) -> impl Iterator<Item = Site> {
    let v: usize = l.iter().product();
    (0..v).map(move |i| [i % l[0], i / l[0] % l[1], i / (l[0] * l[1]) % l[2], i / (l[0] * l[1] * l[2])])
}

/// The host's numbers arrive at their sites, and come back to their places.
fn round_trip<T: Real, S: Real>(lattice: &Arc<Lattice>, mut host: Host<S>) {
    let geometry = lattice.geometry();
    let (local, origin) = (geometry.local_extents(), geometry.origin());
    let at = |x: Site| -> Site { std::array::from_fn(|mu| x[mu] + origin[mu]) };
    let held: Vec<Site> = sites(local).filter(|&x| host.holds(&at(x))).collect();
    for x in held {
        for c in components() {
            let index = (host.place)(x, c);
            host.data[index] = S::from_f64(number(geometry.site_index(&at(x)), c));
        }
    }
    let mut u = GaugeField::<T, 3>::cold(lattice).unwrap();
    let bytes = read_view(&host.view(), 0, &mut u).unwrap();
    let share = if host.parity.is_some() { 2 } else { 1 };
    assert_eq!(bytes as usize, geometry.local_volume() / share * 72 * size_of::<S>(), "{}", host.name);
    for x in sites(local) {
        let (block, lane) = u.layout().locate(&x);
        for c @ [mu, a, b, im] in components() {
            let z = u.link(block, mu, lane).0[a][b];
            let expected = if host.holds(&at(x)) {
                number(geometry.site_index(&at(x)), c)
            } else {
                (a == b && im == 0) as usize as f64
            };
            assert_eq!([z.re, z.im][im].to_f64(), expected, "{}: {c:?} of {x:?}", host.name);
        }
    }
    let original = std::mem::take(&mut host.data);
    host.data = vec![S::from_f64(0.0); original.len()];
    assert_eq!(write_view(&u, &mut host.view_mut(), 0).unwrap(), bytes);
    assert_eq!(host.data, original, "{}", host.name);
    host.raw.flags |= raw::GLK_VIEW_ACCUMULATE;
    write_view(&u, &mut host.view_mut(), 0).unwrap();
    assert!(host.data.iter().zip(&original).all(|(&x, &y)| x == y + y), "{}: accumulate", host.name);
}

fn all_orders<T: Real, S: Real>(extents: Site, threads: usize, simd: &[Site]) {
    let lattice = lattice(&extents, threads);
    round_trip::<T, S>(&lattice, lexicographic(extents));
    round_trip::<T, S>(&lattice, padded(extents));
    round_trip::<T, S>(&lattice, qdp(extents, [0; 4]));
    round_trip::<T, S>(&lattice, odd_half(extents));
    round_trip::<T, S>(&lattice, reversed(extents));
    for &simd in simd {
        round_trip::<T, S>(&lattice, grid(extents, simd));
        round_trip::<T, S>(&lattice, grid_even(extents, simd));
    }
}

#[test]
fn every_order_of_sites_in_both_precisions() {
    // Grid's lanes on AVX-512, for double and single precision.
    let simd = [[1, 1, 2, 2], [1, 2, 2, 2]];
    all_orders::<f64, f64>([8, 4, 4, 6], 2, &simd);
    all_orders::<f64, f32>([4, 4, 2, 8], 3, &simd);
    all_orders::<f32, f64>([4, 4, 4, 4], 1, &simd);
    all_orders::<f32, f32>([4, 2, 4, 4], 2, &simd);
    // Lanes that repeat each other, and an odd extent.
    all_orders::<f64, f64>([6, 6, 2, 6], 2, &[[1, 1, 1, 2], [1, 3, 1, 1]]);
    all_orders::<f64, f64>([2, 5, 4, 4], 2, &[[1, 1, 2, 2]]);
}

#[test]
fn ranks_see_their_own_sites_with_global_parity() {
    run_ranks(2, |comm| {
        let options = LatticeOptions { threads: 1, grid: vec![1, 1, 2], comm, ..LatticeOptions::default() };
        // A box of 3 sites in z: the second rank's first site is odd.
        let lattice = Lattice::new(&[4, 4, 6, 4], options).unwrap();
        let (local, origin) = (lattice.geometry().local_extents(), lattice.geometry().origin());
        round_trip::<f64, f64>(&lattice, lexicographic(local));
        round_trip::<f64, f64>(&lattice, qdp(local, origin));
        round_trip::<f64, f64>(&lattice, odd_half(local));
        round_trip::<f64, f64>(&lattice, grid(local, [1, 2, 1, 2]));
    });
}

#[test]
fn a_batch_goes_to_its_chains() {
    let options = LatticeOptions { lanes: LaneMeaning::Batch { chains: 3 }, ..LatticeOptions::default() };
    let together = Lattice::new(&[4, 4, 2, 2], options).unwrap();
    let extents = [4, 4, 2, 2];
    // Five fields, one after the other: those from number 1 on are the chains.
    let mut host = lexicographic::<f64>(extents);
    let one = host.data.len();
    host.data = (0..5 * one).map(|i| i as f64).collect();
    (host.raw.nrhs, host.raw.stride_rhs, host.raw.plane_bytes) = (5, 8 * one as i64, 40 * one as u64);
    let mut u = GaugeField::<f64, 3>::cold(&together).unwrap();
    read_view(&host.view(), 1, &mut u).unwrap();
    for x in sites(extents) {
        let (block, _) = u.layout().locate(&x);
        for lane in 0..f64::LANES {
            let first = (host.place)(x, [3, 1, 2, 0]) + (1 + lane % 3) * one;
            assert_eq!(u.link(block, 3, lane).0[1][2], Complex::new(first as f64, first as f64 + 1.0));
        }
    }
    let mut back = host.data.clone();
    std::mem::swap(&mut back, &mut host.data);
    host.data[one..4 * one].fill(0.0);
    write_view(&u, &mut host.view_mut(), 1).unwrap();
    assert_eq!(host.data, back);
    let error = read_view(&host.view(), 3, &mut u).unwrap_err();
    assert!(error.code == raw::GLK_INVALID_ARG && error.message.contains("nrhs"), "{error}");
}

fn random(lattice: &Arc<Lattice>) -> GaugeField<f64, 3> {
    GaugeField::random(lattice, 1.0, Address::new(4, Purpose::Start)).unwrap()
}

#[test]
fn our_own_layout_is_lent_and_borrowed_without_a_copy() {
    let lattice = lattice(&[4, 4, 4, 8], 2);
    let u = random(&lattice);
    let v = view(&u);
    assert!(matches::<GaugeField<f64, 3>>(&v, &lattice));
    assert!(!matches::<GaugeField<f32, 3>>(&v, &lattice) && !matches::<GaugeField<f64, 2>>(&v, &lattice));
    let borrowed = borrow::<GaugeField<f64, 3>>(&v, &lattice).unwrap();
    assert_eq!(borrowed.as_slice().as_ptr(), u.as_slice().as_ptr());
    assert_eq!(borrowed.as_slice(), u.as_slice());

    // Another lattice of the same shape, as a plugin has one: its table is elsewhere and says the same.
    let theirs = self::lattice(&[4, 4, 4, 8], 1);
    assert!(borrow::<GaugeField<f64, 3>>(&v, &theirs).is_some());
    assert!(borrow::<GaugeField<f64, 3>>(&v, &self::lattice(&[4, 4, 8, 4], 1)).is_none());
    let mut copy = GaugeField::<f64, 3>::cold(&theirs).unwrap();
    read_view(&v, 0, &mut copy).unwrap();
    assert_eq!(copy.as_slice(), u.as_slice());

    let mut out = GaugeField::<f64, 3>::cold(&lattice).unwrap();
    lend(&mut out, |v| {
        let mut inside = borrow_mut::<GaugeField<f64, 3>>(v, &theirs).unwrap();
        // SAFETY: numbers are written, and the field stays where it is.
        unsafe { inside.field_mut() }.copy_from(&u);
    });
    assert_eq!(out.as_slice(), u.as_slice());
    // A view that a plain reader follows through its table.
    let access = v.access(&gaugelink_plugin_sdk::Lattice::single(&[4, 4, 4, 8]).unwrap()).unwrap();
    for (lex, x) in sites([4, 4, 4, 8]).enumerate() {
        let (block, lane) = u.layout().locate(&x);
        let z = u.link(block, 2, lane).0[0][1];
        assert_eq!(access.get(lex, 2, 0, 1, 0), [z.re, z.im]);
    }
}

#[test]
fn lanes_that_repeat_follow_what_is_written() {
    let lattice = lattice(&[6, 2, 2, 2], 2);
    let u = random(&lattice);
    assert!(u.layout().distinct_lanes() < f64::LANES);
    assert!(borrow::<GaugeField<f64, 3>>(&view(&u), &lattice).is_none());
    let mut out = GaugeField::<f64, 3>::cold(&lattice).unwrap();
    lend(&mut out, |v| write_view(&u, v, 0)).unwrap();
    assert_eq!(out.as_slice(), u.as_slice());
}

#[test]
fn lies_about_size_are_refused_before_anything_moves() {
    let extents = [4, 4, 4, 4];
    let lattice = lattice(&extents, 1);
    let mut u = random(&lattice);
    let before = u.as_slice().to_vec();
    let mut refused = |change: &dyn Fn(&mut Host<f64>), code: i32, word: &str| {
        for mut host in [lexicographic(extents), qdp(extents, [0; 4]), grid(extents, [1, 1, 2, 2])] {
            change(&mut host);
            let error = read_view(&host.view(), 0, &mut u).unwrap_err();
            assert!(error.code == code && error.message.contains(word), "{}: {error}", host.name);
            assert!(write_view(&u, &mut host.view_mut(), 0).is_err());
            assert!(host.data.iter().all(|&x| x == 0.0), "{}", host.name);
        }
    };
    refused(&|h| h.raw.plane_bytes -= 1, raw::GLK_INVALID_ARG, "plane_bytes");
    refused(&|h| h.raw.stride_site += 8, raw::GLK_INVALID_ARG, "plane_bytes");
    refused(&|h| h.raw.stride_row = i64::MAX - 7, raw::GLK_INVALID_ARG, "plane_bytes");
    refused(&|h| h.raw.stride_col = i64::MIN, raw::GLK_INVALID_ARG, "plane_bytes");
    refused(&|h| h.raw.stride_site = -h.raw.stride_site, raw::GLK_INVALID_ARG, "plane_bytes");
    refused(&|h| h.raw.stride_site += 1, raw::GLK_INVALID_ARG, "stride_site");
    refused(&|h| h.raw.ncolor = 2, raw::GLK_INVALID_ARG, "ncolor");
    refused(&|h| h.raw.kind = raw::GLK_WILSON, raw::GLK_INVALID_ARG, "kind");
    refused(&|h| h.raw.nrow = 2, raw::GLK_UNSUPPORTED, "nrow");
    refused(&|h| h.raw.dim5 = 8, raw::GLK_UNSUPPORTED, "dim5");
    refused(&|h| h.raw.device_type = raw::GLK_DEV_CUDA, raw::GLK_UNSUPPORTED, "device_type");
    refused(&|h| h.raw.scalar = raw::GLK_F16, raw::GLK_UNSUPPORTED, "16-bit");
    assert_eq!(u.as_slice(), before);

    let mut table = reversed::<f64>(extents);
    table.raw.plane_bytes -= 8 * 80;
    assert!(read_view(&table.view(), 0, &mut u).is_err(), "an entry of the table leads out");
}

/// A host's algebra field: links' memory under another name.
fn algebra(extents: Site, convention: i32) -> Host<f64> {
    let mut host = lexicographic(extents);
    (host.raw.kind, host.raw.algebra_conv) = (raw::GLK_ALGEBRA, convention);
    host
}

#[test]
fn algebra_elements_are_matrices_outside() {
    let extents = [4, 4, 4, 4];
    let lattice = lattice(&extents, 2);
    let mut pi = MomentumField::<f64, 3>::zeroed(&lattice).unwrap();
    // exp along T_3 = −(i/2) diag(1, −1, 0): coordinate 3 alone gives that matrix.
    for block in 0..pi.layout().blocks() {
        (0..f64::LANES).for_each(|lane| pi.set(block, 2, lane, 4.0));
    }
    let mut host = algebra(extents, raw::GLK_ALG_F);
    write_algebra(&pi, &mut host.view_mut(), 0).unwrap();
    let expected = Matrix::<f64, 3>::from_fn(|a, b| {
        Complex::new(
            0.0,
            if (a, b) == (0, 0) {
                -2.0
            } else if (a, b) == (1, 1) {
                2.0
            } else {
                0.0
            },
        )
    });
    for x in sites(extents) {
        let m = Matrix::from_fn(|a, b| {
            Complex::new(host.data[(host.place)(x, [0, a, b, 0])], host.data[(host.place)(x, [0, a, b, 1])])
        });
        assert_eq!(m, expected);
    }

    pi.refresh(Address::new(8, Purpose::Start));
    let norm = pi.norm2()[0];
    for (convention, sign) in [(raw::GLK_ALG_F, 1.0), (raw::GLK_ALG_NEG_F, -1.0)] {
        let mut host = algebra(extents, convention);
        write_algebra(&pi, &mut host.view_mut(), 0).unwrap();
        // tr A†A = ½ Σ (A^a)².
        let sum: f64 = host.data.iter().map(|x| x * x).sum();
        assert!((2.0 * sum / norm - 1.0).abs() < 1e-13);
        host.raw.flags |= raw::GLK_VIEW_ACCUMULATE;
        write_algebra(&pi, &mut host.view_mut(), 0).unwrap();
        let mut back = MomentumField::<f64, 3>::zeroed(&lattice).unwrap();
        host.raw.algebra_conv = raw::GLK_ALG_F;
        read_algebra(&host.view(), 0, &mut back).unwrap();
        for (x, y) in back.as_slice().iter().zip(pi.as_slice()) {
            assert!((x - 2.0 * sign * y).abs() < 1e-14 * y.abs().max(1.0));
        }
    }
    let mut host = algebra(extents, 0);
    let error = read_algebra(&host.view(), 0, &mut pi).unwrap_err();
    assert!(error.message.contains("algebra_conv"), "{error}");
    // What a host has not projected is projected.
    host.raw.algebra_conv = raw::GLK_ALG_F;
    for x in sites(extents) {
        for a in 0..3 {
            let index = (host.place)(x, [1, a, a, 0]);
            (host.data[index], host.data[index + 1]) = (1.0, 5.0);
        }
    }
    read_algebra(&host.view(), 0, &mut pi).unwrap();
    assert!(pi.norm2()[0] < 1e-25);
}

/// Matrices in our own layout, where lanes convert, against the same in plain order, where numbers do: the same bits.
#[test]
fn algebra_elements_in_our_layout_are_those_of_any_other() {
    let extents = [4, 4, 4, 8];
    let lattice = lattice(&extents, 2);
    let mut pi = MomentumField::<f64, 3>::zeroed(&lattice).unwrap();
    pi.refresh(Address::new(9, Purpose::Start));
    let mut own = GaugeField::<f64, 3>::cold(&lattice).unwrap();
    for convention in [raw::GLK_ALG_F, raw::GLK_ALG_NEG_F] {
        lend(&mut own, |view| {
            view.set_kind(raw::GLK_ALGEBRA);
            view.set_algebra_conv(convention);
            write_algebra(&pi, view, 0).unwrap();
        });
        let mut host = algebra(extents, convention);
        write_algebra(&pi, &mut host.view_mut(), 0).unwrap();
        host.raw.kind = raw::GLK_GAUGE;
        let mut plain = GaugeField::<f64, 3>::cold(&lattice).unwrap();
        read_view(&host.view(), 0, &mut plain).unwrap();
        assert!(own.as_slice() == plain.as_slice());
        // Back, from matrices that have to be projected first.
        own = GaugeField::random(&lattice, 1.0, Address::new(10, Purpose::Start)).unwrap();
        write_view(&own, &mut host.view_mut(), 0).unwrap();
        let [mut by_lanes, mut by_numbers] =
            [(); 2].map(|()| MomentumField::<f64, 3>::zeroed(&lattice).unwrap());
        (host.raw.kind, host.raw.algebra_conv) = (raw::GLK_ALGEBRA, convention);
        read_algebra(&host.view(), 0, &mut by_numbers).unwrap();
        lend(&mut own, |view| {
            view.set_kind(raw::GLK_ALGEBRA);
            view.set_algebra_conv(convention);
            read_algebra(view.as_view(), 0, &mut by_lanes).unwrap();
        });
        assert!(by_lanes.as_slice() == by_numbers.as_slice() && by_lanes.norm2()[0] > 1.0);
    }
}
