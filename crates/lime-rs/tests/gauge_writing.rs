//! Every format: what is written is read, from any number of writers, and nothing torn is left.

use lime_rs::{Error, FileFormat, GaugeFile, GaugeMeta, GaugeWriter, PayloadWriter, Precision, Rows, Sums};
use std::fs;
use std::path::Path;

/// A special unitary matrix: a permutation with signs, times phases whose product is 1; another one for each seed.
fn link(nc: usize, seed: usize) -> Vec<f64> {
    let mut numbers = vec![0.0; 2 * nc * nc];
    let angle = |i: usize| ((seed * 7 + i * 13) % 101) as f64 * 0.061;
    let last: f64 = (0..nc - 1).map(angle).sum();
    let odd_shift = (nc - 1) * (seed % nc) % 2 == 1;
    for i in 0..nc {
        let phase = if i + 1 == nc { -last } else { angle(i) };
        let sign = if i == 0 && odd_shift { -1.0 } else { 1.0 };
        let at = 2 * (i * nc + (i + seed) % nc);
        (numbers[at], numbers[at + 1]) = (sign * phase.cos(), sign * phase.sin());
    }
    numbers
}

fn stored(precision: Precision, x: f64) -> f64 {
    if precision == Precision::F64 { x } else { f64::from(x as f32) }
}

/// Units of a body that holds `link(nc, 4 rank + mu)` everywhere.
fn units(writer: &GaugeWriter, units: std::ops::Range<u64>) -> Vec<u8> {
    let body = writer.body();
    let mut numbers = Vec::new();
    for (unit, slot) in units.clone().flat_map(|u| (0..body.order.links_per_unit()).map(move |s| (u, s))) {
        let (rank, mu) = body.order.link(body.dims, unit, slot);
        numbers.extend(link(body.nc, 4 * rank as usize + mu));
    }
    let mut bytes = vec![0; (units.end - units.start) as usize * body.unit_bytes()];
    body.encode(units.start, &numbers, &mut bytes).unwrap();
    bytes
}

fn write(path: &Path, meta: &GaugeMeta) -> Result<(), Error> {
    let writer = GaugeWriter::create(path, meta)?;
    let body = *writer.body();
    let mut sums = Sums::new(meta.format.checksum_kind(), false);
    // The second half first, by another writer, as another rank would.
    let middle = body.units() / 2;
    let at = middle * body.unit_bytes() as u64;
    let late = units(&writer, middle..body.units());
    let other = PayloadWriter::attach(writer.temporary_path(), writer.offset(), body.bytes())?;
    other.write_payload_at(at, &late)?;
    writer.add_written(other.finish()?);
    sums.add(&body, middle, &late)?;
    let early = units(&writer, 0..middle);
    writer.write_body_at(0, &early)?;
    let mut first = Sums::new(meta.format.checksum_kind(), false);
    first.add(&body, 0, &early)?;
    first.append(&sums);
    writer.finish(&first, &[])
}

/// Every format with every group, precision and number of rows that it holds.
fn holdable() -> Vec<GaugeMeta> {
    let mut all = Vec::new();
    for format in FileFormat::ALL {
        for nc in 1..=4 {
            for precision in [Precision::F32, Precision::F64] {
                for rows in [Rows::All, Rows::Two] {
                    if format.body([2, 4, 6, 2], nc, precision, rows).is_ok() {
                        let mut meta = GaugeMeta::new(format, [2, 4, 6, 2], nc, precision);
                        (meta.rows, meta.plaquette, meta.link_trace) = (rows, Some(0.25), Some(-0.5));
                        all.push(meta);
                    }
                }
            }
        }
    }
    all
}

#[test]
fn every_format_gives_back_what_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("conf");
    let all = holdable();
    // ILDG and SciDAC 4 groups x 2 precisions; NERSC 3 x 2 and two rows x 2; MILC; openQCD; DDalphaAMG; HiRep 3.
    assert_eq!(all.len(), 8 + 8 + 6 + 2 + 1 + 1 + 1 + 3);
    for meta in all {
        write(&path, &meta).unwrap();
        let file = GaugeFile::open_as(&path, Some(meta.format), None).unwrap();
        assert!(GaugeFile::detect(&path).unwrap().contains(&meta.format), "{meta:?}");
        let body = *file.body();
        assert_eq!((body.dims, body.nc, body.precision), (meta.dims, meta.nc, meta.precision));
        assert_eq!(body.rows, meta.rows);
        if meta.format.states_plaquette() {
            assert_eq!(file.stated().plaquette, Some(0.25));
        }
        let sums = file
            .read_units(0..body.units(), 1000, false, |chunk| {
                let mut numbers = vec![0.0f64; chunk.units as usize * body.numbers_per_unit()];
                body.decode(chunk.bytes, &mut numbers)?;
                for (i, found) in numbers.chunks_exact(body.numbers_per_link()).enumerate() {
                    let slots = body.order.links_per_unit();
                    let unit = chunk.first_unit + (i / slots) as u64;
                    let (rank, mu) = body.order.link(body.dims, unit, i % slots);
                    for (x, y) in found.iter().zip(link(body.nc, 4 * rank as usize + mu)) {
                        let kept = stored(meta.precision, y);
                        let exact = meta.rows == Rows::All;
                        assert!(if exact { *x == kept } else { (x - y).abs() < body.rounding() }, "{meta:?}");
                    }
                }
                Ok::<(), Error>(())
            })
            .unwrap();
        if let Some(checksum) = file.stated().checksum {
            assert_eq!(sums.checksum(), checksum, "{meta:?}");
        }
        let states = matches!(
            meta.format,
            FileFormat::Ildg | FileFormat::Scidac | FileFormat::Nersc | FileFormat::Milc
        );
        assert_eq!(file.stated().checksum.is_some(), states);
    }
}

#[test]
fn nothing_unfinished_takes_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("conf");
    fs::write(&path, b"old").unwrap();
    for meta in holdable() {
        let writer = GaugeWriter::create(&path, &meta).unwrap();
        writer.write_body_at(0, &[0; 8]).unwrap();
        let error = writer.finish(&Sums::default(), &[]).unwrap_err();
        assert!(matches!(error.root(), Error::IncompletePayload { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn headers_with_a_plaquette_need_one() {
    let folder = tempfile::tempdir().unwrap();
    for mut meta in holdable() {
        meta.plaquette = None;
        let created = GaugeWriter::create(folder.path().join("conf"), &meta);
        assert_eq!(created.is_err(), meta.format.states_plaquette(), "{meta:?}");
    }
}
