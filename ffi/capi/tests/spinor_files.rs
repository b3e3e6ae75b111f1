//! Spinor fields and propagators as files through C: what it writes, files by formula, and files of tmLQCD.

mod program;

use lime_rs::{Content, RecordKind, ScidacFile, ScidacMeta, ScidacWriter};
use program::said;
use std::path::{Path, PathBuf};

const N: usize = 3;
const SPINS: usize = 4;
const EXTENTS: [usize; 4] = [4, 2, 2, 6];

/// Spin and colour.
type Pair = (usize, usize);

/// The formula of `spinors.c`.
fn number(site: usize, sink: Pair, source: Pair) -> f64 {
    (site * 1000 + sink.0 * 400 + sink.1 * 100 + source.0 * 20 + source.1 * 5) as f64
}

fn pairs() -> impl Iterator<Item = Pair> {
    (0..SPINS).flat_map(|spin| (0..N).map(move |colour| (spin, colour)))
}

/// A file of one record with `count` objects a site, whose sinks and sources are listed.
fn by_formula(
    mut writer: ScidacWriter,
    (datatype, letter): (&str, &str),
    count: usize,
    order: &[(Pair, Pair)],
) {
    let width = if letter == "D" { 8 } else { 4 };
    let typesize = (2 * width * order.len() / count) as u64;
    let mut meta = ScidacMeta::new(RecordKind::Field, datatype, letter, typesize, count as u64);
    (meta.info.colors, meta.info.spins) = (N, SPINS);
    let mut data = Vec::new();
    for site in 0..EXTENTS.iter().product() {
        for &(sink, source) in order {
            let x = number(site, sink, source);
            for x in [x, -x] {
                match width {
                    8 => data.extend(x.to_be_bytes()),
                    _ => data.extend((x as f32).to_be_bytes()),
                }
            }
        }
    }
    writer.write_record(&meta, &data).unwrap();
    writer.finish().unwrap();
}

/// Propagators as matrices: QDP++'s order (sink spin, source spin, sink colour, source colour) and QDP/C's (sink colour, sink
/// spin, source colour, source spin); and two spinors a site, in one file and in two volumes.
fn files_by_formula(folder: &Path) -> [PathBuf; 4] {
    let names = ["qdp++", "qdp-c", "flavours", "volumes"].map(|name| folder.join(name));
    let xml = "<?xml version=\"1.0\"?><file/>";
    let single = |number: usize| ScidacWriter::create(&names[number], &EXTENTS, xml).unwrap();
    let mut order = Vec::new();
    for (s, r) in (0..SPINS).flat_map(|s| (0..SPINS).map(move |r| (s, r))) {
        order.extend((0..N).flat_map(|c| (0..N).map(move |d| ((s, c), (r, d)))));
    }
    by_formula(single(0), ("Lattice", "D"), 1, &order);
    let mut order = Vec::new();
    for (c, s) in (0..N).flat_map(|c| (0..SPINS).map(move |s| (c, s))) {
        order.extend((0..N).flat_map(|d| (0..SPINS).map(move |r| ((s, c), (r, d)))));
    }
    by_formula(single(1), ("QDP_F3_DiracPropagator", "F"), 1, &order);
    let order: Vec<_> = (0..2).flat_map(|flavour| pairs().map(move |sink| (sink, (flavour, 0)))).collect();
    by_formula(single(2), ("USQCD_D3_DiracFermion", "D"), 2, &order);
    // Every third site in a volume, the others in the other.
    let sites = [true, false].map(|third| (0..96).filter(|site| (site % 3 == 0) == third).collect());
    let volumes = ScidacWriter::create_parts(&names[3], &EXTENTS, sites.to_vec(), xml).unwrap();
    by_formula(volumes, ("USQCD_D3_DiracFermion", "D"), 2, &order);
    names
}

/// Of nissa's propagator in tmLQCD's files: Σ |S|² of the twelve columns on each time slice, and the columns' checksums, as an
/// independent reader found them.
const SLICES: [f64; 8] = [
    1.348037163415e+00,
    1.257995260038e-01,
    1.934984215699e-02,
    3.761174755789e-03,
    1.453646333799e-03,
    3.876593651880e-03,
    2.044778697791e-02,
    1.278094168493e-01,
];
const FIRST_SUMS: [&str; 5] =
    ["02dc8bdb e3ff3d82", "1ca334ef ab6351df", "ddc0811d c4dfdaf8", "7774ebbb 8ba29b56", "409792a8 3d7a386d"];

fn files_of_tmlqcd() -> Vec<PathBuf> {
    let data = std::env::var_os("GAUGELINK_TEST_DATA").map(PathBuf::from);
    let Some(data) = data.filter(|data| data.join("index.json").is_file()) else {
        println!(
            "skipped: GAUGELINK_TEST_DATA does not name a folder with configurations and their index.json"
        );
        return Vec::new();
    };
    let name = |column: usize| format!("source_1.0003.00.inverted.{column:02}");
    (0..12).map(|c| data.join("etmc_propagator_nissa_L4T8_source1").join(name(c))).collect()
}

#[test]
fn spinor_fields_and_propagators_are_read_and_written_through_c() {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = vec![folder.path().to_owned()];
    arguments.extend(files_by_formula(folder.path()));
    let others = files_of_tmlqcd();
    arguments.extend(others.iter().cloned());
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spinors.c");
    let Some(answer) = said(&source, &arguments, folder.path()) else { return };
    let (mut sums, mut slices) = (Vec::new(), Vec::new());
    for line in answer.lines() {
        match line.split_once(' ') {
            Some(("SUMS", pair)) => sums.push(pair),
            Some(("SLICES", all)) => slices.extend(all.split(' ').map(|x| x.parse::<f64>().unwrap())),
            _ => panic!("{answer}"),
        }
    }
    if !others.is_empty() {
        assert_eq!((sums.len(), &sums[..5]), (12, &FIRST_SUMS[..]));
        assert_eq!(slices.len(), 8);
        for (found, expected) in slices.iter().zip(SLICES) {
            assert!((found / expected - 1.0).abs() < 1e-11, "{slices:?}");
        }
    }
    // What others find in the file.
    let file = ScidacFile::open(folder.path().join("prop64")).unwrap();
    assert_eq!((file.payloads().len(), file.warnings().len()), (13, 0));
    assert_eq!(file.payloads()[0].content, Content::Complex { count: 1 });
    let (scalar, _) = file.numbers::<f64>(0).unwrap();
    let site = 3 + 4 * (1 + 2 * 2 * 4);
    assert!(scalar.iter().enumerate().all(|(i, &x)| x == f64::from(u8::from(i == 2 * site))));
    for (pair, payload) in pairs().zip(&file.payloads()[1..]) {
        assert_eq!(payload.source(), Some(pair));
        assert_eq!((payload.info.colors, payload.info.spins, payload.info.typesize), (3, 4, 192));
    }
    // The same numbers as matrices, in the order of QDP++: spins, then colours, sinks before sources.
    let matrices = ScidacFile::open(folder.path().join("matrices64")).unwrap();
    let [payload] = matrices.payloads() else { panic!("one record") };
    let info = &payload.info;
    assert_eq!((&info.datatype[..], info.colors, info.spins, info.typesize), ("Lattice", 3, 4, 2304));
    let (found, _) = matrices.numbers::<f64>(0).unwrap();
    for (column, (r, d)) in pairs().enumerate() {
        let (expected, _) = file.numbers::<f64>(1 + column).unwrap();
        for (place, complex) in expected.chunks_exact(2).enumerate() {
            let (site, s, c) = (place / 12, place / 3 % 4, place % 3);
            let element = (((site * 4 + s) * 4 + r) * 3 + c) * 3 + d;
            assert_eq!(&found[2 * element..2 * element + 2], complex, "site {site}");
        }
    }
}
