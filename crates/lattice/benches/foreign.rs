//! Bytes a second between fields and views, against a plain copy of as many bytes: `cargo bench --bench foreign`.

use gaugelink_lattice::foreign::{read_view, view, write_view};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions};
use gaugelink_plugin_sdk::{View, ViewMut, raw};
use std::time::Instant;

const EXTENT: usize = 16;

/// Fastest of many, in seconds.
fn fastest(mut work: impl FnMut()) -> f64 {
    let times = (0..30).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    });
    times.fold(f64::INFINITY, f64::min)
}

fn main() {
    let extents = [EXTENT; 4];
    let sdk = gaugelink_plugin_sdk::Lattice::single(&extents).expect("a lattice");
    for threads in [1, 2] {
        let options = LatticeOptions { threads, ..LatticeOptions::default() };
        let lattice = Lattice::new(&extents, options).expect("a lattice");
        let mut u =
            GaugeField::<f64, 3>::random(&lattice, 1.0, Address::new(1, Purpose::Start)).expect("memory");
        let mut host = vec![0.0; lattice.volume() * 72];
        let mut other = host.clone();
        let bytes = (8 * host.len()) as f64;
        let copy = fastest(|| {
            let (to, from) = (host.as_mut_ptr() as usize, other.as_mut_ptr() as usize);
            lattice.pool().run(0..8 * other.len(), |_, piece| {
                // SAFETY: pieces of two slices of this length that nothing else uses.
                unsafe {
                    let from = (from + piece.start) as *const u8;
                    from.copy_to_nonoverlapping((to + piece.start) as *mut u8, piece.len());
                }
            });
        });
        let show = |what: &str, seconds: f64| {
            println!(
                "{threads} threads, {what:<24} {:6.2} GB/s, {:4.2} of a plain copy",
                bytes / seconds * 1e-9,
                copy / seconds
            );
        };
        show("plain copy", copy);
        show(
            "LEX f64, written",
            fastest(|| {
                let mut view = ViewMut::gauge(&mut host, &sdk, 3).expect("a view");
                write_view(&u, &mut view, 0).expect("written");
            }),
        );
        show(
            "LEX f64, read",
            fastest(|| {
                read_view(&View::gauge(&host, &sdk, 3).expect("a view"), 0, &mut u).expect("read");
            }),
        );
        show(
            "EO f64, read",
            fastest(|| {
                let mut description = *View::gauge(&host, &sdk, 3).expect("a view").as_raw();
                description.site_order = raw::GLK_SITE_EO;
                // SAFETY: the same memory in another order.
                let eo = unsafe { View::from_raw(&raw const description, "U") }.expect("a view");
                read_view(&eo, 0, &mut u).expect("read");
            }),
        );
        let from = GaugeField::<f64, 3>::cold(&lattice).expect("memory");
        show(
            "own layout, read",
            fastest(|| {
                read_view(&view(&from), 0, &mut u).expect("read");
            }),
        );
    }
}
