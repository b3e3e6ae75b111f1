//! Views reach the numbers they describe and nothing else.

use gaugelink_plugin_sdk::{Lattice, View, ViewMut, raw};

fn lattice() -> Lattice {
    Lattice::single(&[2, 4]).expect("a lattice")
}

fn message(view: &raw::glk_view) -> String {
    // SAFETY: only the description is looked at.
    let view = unsafe { View::from_raw(view, "U") }.expect("not NULL");
    view.access(&lattice()).err().map(|error| error.message.clone()).unwrap_or_default()
}

#[test]
fn slices_become_fields_in_lex_order() {
    let data: Vec<f64> = (0..2 * 8 * 2 * 8).map(f64::from).collect();
    let view = View::gauge(&data, &lattice(), 2).expect("two fields");
    let access = view.access(&lattice()).expect("checked");
    // b = 1, site 3, mu 1, row 1, column 0: ((1*8 + 3)*2 + 1)*8 + 2*2
    assert_eq!(access.get(3, 1, 1, 0, 1), [188.0, 189.0]);
    let mut back = vec![0.0; 128];
    assert_eq!(access.gather(1, &mut back), 1024);
    assert_eq!(back, data[128..]);
    assert!(View::gauge(&data[1..], &lattice(), 2).is_err(), "not a whole number of fields");
}

#[test]
fn planes_single_precision_split_parts_and_accumulation() {
    // U(1), one plane a direction, f32, real parts first: [plane][re|im][site]
    let mut planes = [[0f32; 16]; 2];
    let model = [0.0; 32];
    let mut raw = *View::gauge(&model, &lattice(), 1).expect("one field").as_raw();
    raw.scalar = raw::GLK_F32;
    raw.nplanes = 2;
    let [first, second] = &mut planes;
    raw.plane[0] = first.as_mut_ptr().cast();
    raw.plane[1] = second.as_mut_ptr().cast();
    (raw.plane_bytes, raw.stride_site, raw.stride_reim) = (64, 4, 32);
    raw.flags = raw::GLK_VIEW_ACCUMULATE;
    // SAFETY: the planes are there.
    let mut view = unsafe { ViewMut::from_raw(&raw const raw, "U") }.expect("not NULL");
    let mut access = view.access(&lattice()).expect("checked");
    access.set(5, 1, 0, 0, 0, [0.5, -2.0]);
    access.set(5, 1, 0, 0, 0, [0.5, 1.0]);
    let from: Vec<f64> = (0..32).map(f64::from).collect();
    access.scatter(0, &from);
    assert_eq!((planes[1][5], planes[1][13]), (1.0 + 22.0, -1.0 + 23.0));
    assert_eq!((planes[0][7], planes[0][15]), (28.0, 29.0));
}

/// What is read may stand in one place for all sites; what is written may not.
#[test]
fn an_output_has_a_place_for_each_number() {
    let data = vec![0.0; 8 * 2 * 8];
    let good = *View::gauge(&data, &lattice(), 2).expect("one field").as_raw();
    let refused = |change: &dyn Fn(&mut raw::glk_view)| {
        let mut raw = good;
        change(&mut raw);
        assert_eq!(message(&raw), "", "as an input");
        // SAFETY: only the description is looked at.
        let mut view = unsafe { ViewMut::from_raw(&raw const raw, "U") }.expect("not NULL");
        view.access(&lattice()).err().map(|error| error.message.clone()).unwrap_or_default()
    };
    assert_eq!(refused(&|_| ()), "");
    assert_eq!(refused(&|v| (v.stride_row, v.stride_col) = (v.stride_col, v.stride_row)), "");
    for zero in [
        &(|v: &mut raw::glk_view| v.stride_site = 0) as &dyn Fn(&mut raw::glk_view),
        &|v| v.stride_mu = 0,
        &|v| v.stride_row = 0,
        &|v| v.stride_col = 0,
        &|v| (v.nrhs, v.stride_rhs) = (2, 0),
    ] {
        assert!(refused(zero).contains("some share a place"), "{}", refused(zero));
    }
}

#[test]
fn lies_are_found_out() {
    let data = vec![0.0; 8 * 2 * 8];
    let good = *View::gauge(&data, &lattice(), 2).expect("one field").as_raw();
    assert_eq!(message(&good), "");
    let with = |change: &dyn Fn(&mut raw::glk_view)| {
        let mut view = good;
        change(&mut view);
        message(&view)
    };
    assert!(with(&|v| v.plane_bytes -= 1).contains("plane_bytes is 1023"));
    assert!(with(&|v| v.stride_site = -128).contains("reach bytes -896"));
    assert!(with(&|v| v.stride_site = i64::MAX & !7).contains("plane_bytes"));
    assert!(with(&|v| v.stride_row = 31).contains("stride_row is 31"));
    assert!(with(&|v| v.kind = 6).contains("kind is 6"));
    assert!(with(&|v| v.scalar = 0).contains("scalar is 0"));
    assert!(with(&|v| v.ncolor = 0).contains("ncolor 0"));
    assert!(with(&|v| v.nrow = 3).contains("nrow 3"));
    assert!(with(&|v| v.nplanes = 7).contains("nplanes is 7"));
    assert!(with(&|v| v.dim5 = 2).contains("dim5 is 2"));
    // The sign of algebra elements is never guessed; links have none.
    for (convention, answer) in
        [(0, "algebra_conv is 0"), (77, "algebra_conv is 77"), (raw::GLK_ALG_NEG_F, "")]
    {
        let signed = |kind: i32| {
            with(&|v| {
                v.kind = kind;
                v.algebra_conv = convention;
            })
        };
        assert!(signed(raw::GLK_ALGEBRA).contains(answer) && signed(raw::GLK_GAUGE).is_empty());
        assert_eq!(signed(raw::GLK_ALGEBRA).is_empty(), answer.is_empty());
    }
    assert!(with(&|v| v.plane[0] = std::ptr::null_mut()).contains("plane[0] is NULL"));
    assert!(with(&|v| v.plane[0] = v.plane[0].wrapping_byte_add(4)).contains("not aligned"));
    assert!(with(&|v| v.nrhs = 2).contains("plane_bytes"));
    assert!(with(&|v| v.device_type = raw::GLK_DEV_CUDA).contains("only CPU"));
    let table = [0, 1, 2, 3, 4, 5, 6, -1];
    let by_table = |v: &mut raw::glk_view| {
        v.site_order = raw::GLK_SITE_TABLE;
        v.site_table = table.as_ptr();
    };
    assert!(with(&by_table).contains("reach bytes -128"));
    assert!(with(&|v| v.halo[..2].fill(i32::MAX)).contains("more than 2^48 places"));
    // Sides of 36, 2284, 699052 and 641861956 places: their product is 256 modulo 2^64.
    let four = Lattice::single(&[4; 4]).expect("a lattice");
    let links = vec![0.0; 256 * 4 * 2];
    let mut wrapped = *View::gauge(&links, &four, 1).expect("one field").as_raw();
    wrapped.halo = [16, 1140, 349_524, 320_930_976, 0, 0];
    // SAFETY: only the description is looked at.
    let lying = unsafe { View::from_raw(&raw const wrapped, "U") }.expect("it has its size");
    assert!(lying.access(&four).err().expect("refused").message.contains("more than 2^48 places"));
    let mut constant = good;
    constant.flags = raw::GLK_VIEW_CONST;
    // SAFETY: only the description is looked at.
    assert!(unsafe { ViewMut::from_raw(&raw const constant, "U") }.is_err());
}
