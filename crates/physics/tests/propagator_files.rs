//! Propagators written and read again, and what others would find in the files.

use gaugelink_lattice::comm::run_ranks;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeError, LatticeOptions};
use gaugelink_physics::dirac::{Boundary, Propagator, PropagatorSolver, SPINS, Wilson};
use gaugelink_physics::solver::Stopping;
use lime_rs::{ComponentOrder, Content, Precision, RecordKind, ScidacFile, ScidacMeta, ScidacWriter};
use std::path::Path;
use std::sync::Arc;

const N: usize = 3;
const EXTENTS: [usize; 4] = [4, 2, 2, 6];
const SOURCE: [usize; 4] = [3, 1, 0, 4];

fn propagator(lattice: &Arc<Lattice>) -> Propagator<f64, N> {
    let u = GaugeField::<f64, N>::random(lattice, 0.5, Address::new(3, Purpose::Start)).unwrap();
    let d = Wilson::new(&u, 0.2, Boundary::antiperiodic()).unwrap();
    let stop = Stopping::at(1e-10);
    Propagator::point(&d, SOURCE, PropagatorSolver::EvenOddBiCgStab, &stop).unwrap().0
}

fn columns() -> impl Iterator<Item = (usize, usize)> {
    (0..SPINS).flat_map(|spin| (0..N).map(move |colour| (spin, colour)))
}

fn largest_difference(a: &Propagator<f64, N>, b: &Propagator<f64, N>) -> f64 {
    let differences = columns().flat_map(|(spin, colour)| {
        let (a, b) = (a.column(spin, colour).as_slice(), b.column(spin, colour).as_slice());
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).collect::<Vec<_>>()
    });
    differences.fold(0.0, f64::max)
}

#[test]
fn propagators_come_back_from_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let lattice = Lattice::new(&EXTENTS, LatticeOptions::default()).unwrap();
    let written = propagator(&lattice);
    for (precision, bound) in [(Precision::F64, 0.0), (Precision::F32, 1e-7)] {
        let path = folder.path().join(format!("{precision}.scidac"));
        written.write(&path, 0, precision, "mass < 0.2 & so on").unwrap();
        let file = ScidacFile::open(&path).unwrap();
        assert!(file.warnings().is_empty(), "{:?}", file.warnings());
        assert_eq!(file.payloads().len(), 1 + SPINS * N);
        let text = file.user_xml().unwrap();
        assert!(text.contains("<type>USQCD_DiracFermion_ScalarSource_TwelveSink</type>"), "{text}");
        assert!(text.contains("mass &lt; 0.2 &amp; so on"), "{text}");
        for ((spin, colour), payload) in columns().zip(&file.payloads()[1..]) {
            assert_eq!(payload.source(), Some((spin, colour)));
            let order = ComponentOrder::SpinColour;
            assert_eq!(payload.content, Content::Spinor { ns: SPINS, nc: N, count: 1, order });
        }
        // The numbers in the file's order, by a reader that knows no field.
        let (numbers, verification) = file.numbers::<f64>(1 + 5).unwrap();
        assert!(verification.is_verified());
        let (spin, colour) = (1, 2);
        for (site, numbers) in numbers.chunks_exact(2 * SPINS * N).enumerate() {
            let psi = written.column(spin, colour).spinor(&lattice.geometry().site(site), 0).unwrap();
            let expected = psi.components().iter().flat_map(|z| [z.re, z.im]);
            assert!(expected.zip(numbers).all(|(a, b)| (a - b).abs() <= bound));
        }
        let read = Propagator::read(&file, &lattice, None).unwrap();
        assert_eq!(read.source(), SOURCE.into());
        assert!(largest_difference(&written, &read) <= bound, "{}", largest_difference(&written, &read));
    }
}

/// The files of two and four ranks are that of one, and each rank reads its part.
#[test]
fn ranks_write_and_read_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, lattice: &Arc<Lattice>| {
        let path = folder.path().join(name);
        propagator(lattice).write(&path, 0, Precision::F64, "").unwrap();
        path
    };
    let alone = Lattice::new(&EXTENTS, LatticeOptions::default()).unwrap();
    let data = |path: &Path| {
        let file = ScidacFile::open(path).unwrap();
        (0..file.payloads().len()).map(|index| file.bytes(index).unwrap()).collect::<Vec<_>>()
    };
    let expected = data(&write("alone", &alone));
    for grid in [[2, 1, 1, 1], [1, 1, 2, 2]] {
        let ranks = grid.iter().product();
        let found = run_ranks(ranks, |comm| {
            let options =
                LatticeOptions { comm, grid: grid.to_vec(), threads: 1, ..LatticeOptions::default() };
            let lattice = Lattice::new(&EXTENTS, options).unwrap();
            let path = write(&format!("{grid:?}"), &lattice);
            let read: Propagator<f64, N> =
                Propagator::read(&ScidacFile::open(&path).unwrap(), &lattice, None).unwrap();
            assert_eq!(read.source(), SOURCE.into());
            (largest_difference(&propagator(&lattice), &read), path)
        });
        for (difference, path) in found {
            assert_eq!(difference, 0.0, "{grid:?}");
            for (index, (a, b)) in data(&path).iter().zip(&expected).enumerate() {
                assert_eq!(a.0, b.0, "{grid:?}, record {index}");
                assert!(a.1.is_verified());
            }
        }
    }
}

/// Numbers by formula in one record of matrices, in both orders that codes use.
#[test]
fn propagators_in_one_record_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let lattice = Lattice::new(&EXTENTS, LatticeOptions::default()).unwrap();
    let number = |site: usize, sink: (usize, usize), source: (usize, usize)| {
        (site * 1000 + sink.0 * 400 + sink.1 * 100 + source.0 * 20 + source.1 * 5) as f64
    };
    for (name, datatype) in [("qdp++", "Lattice"), ("qdp/c", "QDP_D3_DiracPropagator")] {
        let path = folder.path().join(datatype);
        let mut writer = ScidacWriter::create(&path, &EXTENTS, "<?xml version=\"1.0\"?><file/>").unwrap();
        let bytes = (16 * SPINS * N * SPINS * N) as u64;
        let mut meta = ScidacMeta::new(RecordKind::Field, datatype, "D", bytes, 1);
        (meta.info.colors, meta.info.spins) = (N, SPINS);
        let mut data = Vec::new();
        for site in 0..lattice.geometry().volume() {
            let mut put = |sink, source| {
                for x in [number(site, sink, source), -number(site, sink, source)] {
                    data.extend(x.to_be_bytes());
                }
            };
            if name == "qdp++" {
                for (s, r) in (0..SPINS).flat_map(|s| (0..SPINS).map(move |r| (s, r))) {
                    (0..N).for_each(|c| (0..N).for_each(|d| put((s, c), (r, d))));
                }
            } else {
                for (c, s) in (0..N).flat_map(|c| (0..SPINS).map(move |s| (c, s))) {
                    (0..N).for_each(|d| (0..SPINS).for_each(|r| put((s, c), (r, d))));
                }
            }
        }
        writer.write_record(&meta, &data).unwrap();
        writer.finish().unwrap();
        let file = ScidacFile::open(&path).unwrap();
        let asked = Propagator::<f64, N>::read(&file, &lattice, None).unwrap_err();
        assert!(asked.to_string().contains("say where the source is"), "{asked}");
        let read = Propagator::<f64, N>::read(&file, &lattice, Some(SOURCE)).unwrap();
        for (spin, colour) in columns() {
            for site in [0, 17, 95] {
                let psi = read.column(spin, colour).spinor(&lattice.geometry().site(site), 0).unwrap();
                for (s, c) in columns() {
                    let x = number(site, (s, c), (spin, colour));
                    assert_eq!((psi[s][c].re, psi[s][c].im), (x, -x), "{name}: site {site}");
                }
            }
        }
    }
}

#[test]
fn files_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prop");
    let lattice = Lattice::new(&EXTENTS, LatticeOptions::default()).unwrap();
    propagator(&lattice).write(&path, 0, Precision::F64, "").unwrap();
    let file = ScidacFile::open(&path).unwrap();
    let other = Lattice::new(&[4, 2, 2, 8], LatticeOptions::default()).unwrap();
    let refused = Propagator::<f64, N>::read(&file, &other, None).unwrap_err();
    assert!(
        matches!(refused, LatticeError::Mismatch(_)) && refused.to_string().contains("[4, 2, 2, 6]"),
        "{refused}"
    );
    let refused = Propagator::<f64, 2>::read(&file, &lattice, None).unwrap_err();
    assert!(refused.to_string().contains("no Dirac fermion of 2 colours"), "{refused}");

    // One bit of a column.
    let mut bytes = std::fs::read(&path).unwrap();
    let at = file.payloads()[4].offset().unwrap() as usize + 1234;
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let damaged = Propagator::<f64, N>::read(&ScidacFile::open(&path).unwrap(), &lattice, None).unwrap_err();
    assert!(matches!(damaged, LatticeError::File(_)), "{damaged}");

    // No file appears where a number is none.
    let mut nan = propagator(&lattice);
    nan.column_mut(2, 1).set(0, 0, 0, f64::NAN);
    let path = folder.path().join("nan");
    let refused = nan.write(&path, 0, Precision::F64, "").unwrap_err();
    assert!(refused.to_string().contains("not finite") && !path.exists(), "{refused}");
}
