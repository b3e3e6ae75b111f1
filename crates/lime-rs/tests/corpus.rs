//! Files written by QIO, MILC, QDP++, tmLQCD, SIMULATeQCD and Julia codes, against values that an independent
//! reader computed. They are not part of this repository: `GAUGELINK_TEST_DATA` names the folder.

use std::fs::File;
use std::path::{Path, PathBuf};

use lime_rs::{
    ByteOrder, Checksum, Error, FileFormat, GaugeFile, IldgFile, MilcChecksum, PassOptions, PosixCksum,
    Precision, ReadAt, Rows, ScidacChecksum, Shape, Warning, propose_shapes, scan,
};
use serde_json::Value;

/// The folder and the descriptions of its files.
fn corpus() -> Option<(PathBuf, Vec<Value>)> {
    let Some(folder) = std::env::var_os("GAUGELINK_TEST_DATA").map(PathBuf::from) else {
        println!(
            "skipped: GAUGELINK_TEST_DATA does not name a folder with configurations and their index.json"
        );
        return None;
    };
    let index: Value = serde_json::from_reader(File::open(folder.join("index.json")).unwrap()).unwrap();
    Some((folder, index["files"].as_array().unwrap().clone()))
}

fn name(entry: &Value) -> &str {
    entry["file"].as_str().unwrap()
}

fn with_prefix<'a>(entries: &'a [Value], prefix: &'a str) -> impl Iterator<Item = &'a Value> {
    entries.iter().filter(move |entry| name(entry).starts_with(prefix))
}

fn shape(entry: &Value) -> Shape {
    let extent = |i: usize| entry["dims_xyzt"][i].as_u64().unwrap() as usize;
    Shape { dims: [extent(0), extent(1), extent(2), extent(3)], nc: entry["Nc"].as_u64().unwrap() as usize }
}

fn precision(entry: &Value) -> Precision {
    match entry["precision"].as_str().unwrap() {
        ">f4" => Precision::F32,
        ">f8" => Precision::F64,
        other => panic!("{other}"),
    }
}

fn sums(payload: &Value) -> ScidacChecksum {
    let text = |key: &str| payload[key].as_str().unwrap();
    format!("{}/{}", text("suma"), text("sumb")).parse().unwrap()
}

/// Format, checksums and cksum of an opened file against its description.
fn compare(file: &IldgFile, entry: &Value) {
    let payload = &entry["payloads"][0];
    let format = &file.payload().format;
    assert_eq!((format.dims, format.nc), (shape(entry).dims, shape(entry).nc), "{}", name(entry));
    assert_eq!(format.precision, precision(entry), "{}", name(entry));
    assert_eq!(file.payload().bytes, payload["len"].as_u64().unwrap());
    let options = PassOptions { posix_cksum: true, ..PassOptions::default() };
    let verification = file.read_payload(options, |_| Ok::<(), Error>(())).unwrap();
    assert_eq!(verification.computed, sums(payload), "{}", name(entry));
    assert_eq!(verification.posix_cksum.map(u64::from), payload["posix_cksum"].as_u64(), "{}", name(entry));
    let stored = payload["stored"].as_str().unwrap();
    assert_eq!(verification.stored, (stored != "none").then(|| stored.parse().unwrap()), "{}", name(entry));
    assert_eq!(verification.is_verified(), stored != "none");
    verification.check().unwrap();
}

#[test]
fn ildg_files_hold_what_the_index_says() {
    let Some((folder, entries)) = corpus() else { return };
    let mut count = 0;
    for entry in with_prefix(&entries, "ildg_") {
        compare(&IldgFile::open(folder.join(name(entry))).unwrap(), entry);
        count += 1;
    }
    assert_eq!(count, 7);
}

#[test]
fn record_tables_agree_with_the_index() {
    let Some((folder, entries)) = corpus() else { return };
    let mut count = 0;
    for entry in entries.iter().filter(|entry| entry["records"].is_array()) {
        let file = File::open(folder.join(name(entry))).unwrap();
        let (records, warnings) = scan(&file).complete().unwrap();
        assert_eq!(warnings, []);
        let table: Vec<String> = records
            .iter()
            .map(|record| {
                let (begin, end) =
                    (u8::from(record.header.message_begin), u8::from(record.header.message_end));
                format!("{}({})[MB{begin} ME{end}]", record.kind(), record.length())
            })
            .collect();
        assert_eq!(Value::from(table), entry["records"], "{}", name(entry));
        count += 1;
    }
    assert_eq!(count, 15);
}

#[test]
fn bare_files_need_a_shape_and_are_right_with_it() {
    let Some((folder, entries)) = corpus() else { return };
    let mut count = 0;
    for entry in with_prefix(&entries, "barelime_") {
        let path = folder.join(name(entry));
        let error = IldgFile::open(&path).unwrap_err();
        assert!(matches!(error.root(), Error::MissingFormat { .. }), "{error}");
        assert!(error.to_string().contains(name(entry)));
        let file = IldgFile::open_with(&path, shape(entry)).unwrap();
        assert_eq!(file.warnings(), [Warning::MissingFormat, Warning::MissingLfn, Warning::MissingChecksum]);
        compare(&file, entry);
        assert!(propose_shapes(file.payload().bytes).contains(&(shape(entry), precision(entry))));
        count += 1;
    }
    assert_eq!(count, 3);
}

#[test]
fn oddities_of_each_file_are_reported() {
    let Some((folder, _)) = corpus() else { return };
    let warnings = |file: &str| IldgFile::open(folder.join(file)).unwrap().warnings().to_vec();
    let record = "ildg-format";
    assert_eq!(
        warnings("ildg_milc_foreign_l4448_f32.lime"),
        [
            Warning::MalformedXml { record, detail: "an attribute without its closing quote".into() },
            Warning::MissingField { element: "field" },
            Warning::MissingChecksum,
        ]
    );
    assert_eq!(warnings("ildg_toolbox_l8t4b3360_f64.lime"), [Warning::DisplacedXmlDeclaration { record }]);
    for file in [
        "ildg_pyquda_weak_field_4448_f64.lime",
        "ildg_nissa_tmlqcd_L4T8_f64.lime",
        "ildg_ddalphaamg_random_4444_f64.lime",
    ] {
        assert_eq!(warnings(file), [Warning::MissingLfn], "{file}");
    }
    for file in ["ildg_milc_l4444_f32.ildg", "ildg_qdpxx_t_dprec_4444_f64.lime"] {
        assert_eq!(warnings(file), [], "{file}");
    }
}

#[test]
fn names_and_run_information_are_found() {
    let Some((folder, _)) = corpus() else { return };
    let open = |file: &str| IldgFile::open(folder.join(file)).unwrap();
    let lfn = |file: &str| open(file).payload().lfn.clone().unwrap();
    assert_eq!(lfn("ildg_milc_foreign_l4448_f32.lime"), "TestLFN");
    assert_eq!(lfn("ildg_milc_l4444_f32.ildg"), "lfn://USQCD/MILC/test/lat.sample.l4444");
    // This name stands after the data.
    assert_eq!(lfn("ildg_toolbox_l8t4b3360_f64.lime"), "mc://ldg///_s008t04_b0336000/ildg_s008t04_b0336000");
    let info = open("ildg_nissa_tmlqcd_L4T8_f64.lime").text("xlf-info").unwrap().unwrap();
    assert!(info.starts_with("\n plaquette = 6.350056e-01\n"), "{info}");
}

/// Binary records of a SciDAC file with the checksum record after each: computed and stored sums, POSIX cksums.
fn binary_sums(path: &Path, sites: u64) -> Vec<(ScidacChecksum, ScidacChecksum, u32)> {
    let file = File::open(path).unwrap();
    let (records, _) = scan(&file).complete().unwrap();
    let load = |index: usize| {
        let mut bytes = vec![0; records[index].length() as usize];
        file.read_exact_at(&mut bytes, records[index].data_offset()).unwrap();
        bytes
    };
    (0..records.len())
        .filter(|&index| records[index].kind() == "scidac-binary-data")
        .map(|index| {
            let bytes = load(index);
            let mut sum = ScidacChecksum::default();
            match (bytes.len() as u64).is_multiple_of(sites) {
                true => sum.add_range(0, bytes.len() / sites as usize, &bytes).unwrap(),
                // Global data count as rank 0.
                false => sum.add_site(0, &bytes),
            }
            let mut cksum = PosixCksum::new();
            cksum.update(&bytes);
            (sum, ScidacChecksum::from_xml(&load(index + 1)).unwrap(), cksum.value())
        })
        .collect()
}

#[test]
fn scidac_files_are_refused_by_name_and_their_checksums_agree() {
    let Some((folder, entries)) = corpus() else { return };
    let mut count = 0;
    for entry in with_prefix(&entries, "qio_").chain(with_prefix(&entries, "scidac_")) {
        let path = folder.join(name(entry));
        let error = IldgFile::open(&path).unwrap_err();
        assert!(matches!(error.root(), Error::NoGaugeField { .. }), "{error}");
        assert!(error.to_string().contains("scidac-binary-data"), "{error}");
        let sites = shape(entry).dims.iter().product::<usize>() as u64;
        let payloads = entry["payloads"].as_array().unwrap();
        let found = binary_sums(&path, sites);
        assert_eq!(found.len(), payloads.len());
        for ((computed, stored, cksum), payload) in found.into_iter().zip(payloads) {
            assert_eq!((computed, stored), (sums(payload), sums(payload)), "{}", name(entry));
            assert_eq!(Some(u64::from(cksum)), payload["posix_cksum"].as_u64(), "{}", name(entry));
            count += 1;
        }
    }
    assert_eq!(count, 3 + 4);
}

/// "IEEE32BIG", "<f4", ">f8" …
fn number_type(entry: &Value) -> (Precision, ByteOrder) {
    let text = entry["precision"].as_str().unwrap();
    let precision =
        if text.contains(['4', '3']) && !text.contains("64") { Precision::F32 } else { Precision::F64 };
    let big = text.starts_with('>') || text.ends_with("BIG");
    (precision, if big { ByteOrder::Big } else { ByteOrder::Little })
}

fn number(entry: &Value, key: &str) -> f64 {
    entry[key].as_str().unwrap().parse().unwrap()
}

/// Files of formats without LIME records, and the format that each has.
const OTHERS: [(&str, FileFormat, usize); 4] = [
    ("nersc_", FileFormat::Nersc, 2),
    ("milcv5_", FileFormat::Milc, 4),
    ("openqcd_", FileFormat::OpenQcd, 1),
    ("ddalphaamg_", FileFormat::DdAlphaAmg, 1),
];

#[test]
fn files_of_other_formats_are_detected_and_hold_what_the_index_says() {
    let Some((folder, entries)) = corpus() else { return };
    for (prefix, format, expected) in OTHERS {
        let mut count = 0;
        for entry in with_prefix(&entries, prefix) {
            let (name, path) = (name(entry), folder.join(name(entry)));
            let error = IldgFile::open(&path).unwrap_err();
            assert!(matches!(error.root(), Error::NotLime { offset: 0, record: 1 }), "{error}");
            let candidates = GaugeFile::detect(&path).unwrap();
            assert!(candidates.contains(&format), "{name}: {candidates:?}");
            let same_header = [FileFormat::OpenQcd, FileFormat::DdAlphaAmg];
            assert_eq!(candidates.len(), if same_header.contains(&format) { 2 } else { 1 }, "{name}");
            let file = GaugeFile::open_as(&path, Some(format), None).unwrap();
            let body = file.body();
            assert_eq!(Shape { dims: body.dims, nc: body.nc }, shape(entry), "{name}");
            assert_eq!((body.precision, body.byte_order), number_type(entry), "{name}");
            assert_eq!(body.rows, if name.contains("2row") { Rows::Two } else { Rows::All }, "{name}");
            assert_eq!(file.offset() + body.bytes(), entry["bytes"].as_u64().unwrap(), "{name}");
            let unsummed = Warning::NoStoredChecksum { format };
            let expected = if format.has_checksum() { vec![] } else { vec![unsummed] };
            assert_eq!(file.warnings(), expected, "{name}");
            if file.format().states_plaquette() {
                let stated = file.stated().plaquette.unwrap();
                assert!((stated - number(entry, "plaquette")).abs() < 1e-9, "{name}: {stated}");
            }
            count += 1;
        }
        assert_eq!(count, expected, "{prefix}");
    }
}

#[test]
fn checksums_of_other_formats_are_those_of_the_index() {
    let Some((folder, entries)) = corpus() else { return };
    let open = |entry: &Value| GaugeFile::open(folder.join(name(entry))).unwrap();
    let hexadecimal = |text: &str| u32::from_str_radix(text, 16).unwrap();
    for entry in with_prefix(&entries, "nersc_") {
        let file = open(entry);
        let expected = Checksum::Nersc(hexadecimal(entry["nersc_checksum"].as_str().unwrap()));
        assert_eq!(file.stated().checksum, Some(expected), "{}", name(entry));
        assert_eq!(file.sums(false).unwrap().checksum(), expected, "{}", name(entry));
        let trace = file.stated().link_trace.unwrap();
        assert!((trace - number(entry, "link_trace")).abs() < 1e-9, "{}: {trace}", name(entry));
    }
    for entry in with_prefix(&entries, "milcv5_") {
        let file = open(entry);
        // "stored A B computed C D"
        let words: Vec<&str> = entry["milc_checksum"].as_str().unwrap().split(' ').collect();
        let pair = |a, b| {
            Checksum::Milc(MilcChecksum { sum29: hexadecimal(words[a]), sum31: hexadecimal(words[b]) })
        };
        assert_eq!(file.stated().checksum, Some(pair(1, 2)), "{}", name(entry));
        let computed = file.sums(false).unwrap().checksum();
        assert_eq!(computed, pair(4, 5), "{}", name(entry));
        assert_eq!(Some(computed) == file.stated().checksum, !name(entry).contains("BADCHECKSUM"));
    }
}

/// Every link of a file by rank and direction.
fn links(file: &GaugeFile) -> Vec<f64> {
    let body = file.body();
    let (per_link, slots) = (body.numbers_per_link(), body.order.links_per_unit());
    let mut links = vec![0.0; body.volume() as usize * 4 * per_link];
    file.read_units(0..body.units(), 1 << 16, false, |chunk| {
        let mut numbers = vec![0.0f64; chunk.units as usize * body.numbers_per_unit()];
        body.decode(chunk.bytes, &mut numbers)?;
        for (i, link) in numbers.chunks_exact(per_link).enumerate() {
            let (rank, mu) = body.order.link(body.dims, chunk.first_unit + (i / slots) as u64, i % slots);
            links[(rank as usize * 4 + mu) * per_link..][..per_link].copy_from_slice(link);
        }
        Ok::<(), Error>(())
    })
    .unwrap();
    links
}

/// Average of Re tr P / N by its definition.
fn plaquette(links: &[f64], shape: Shape) -> f64 {
    let (dims, n) = (shape.dims, shape.nc);
    let volume = dims.iter().product::<usize>();
    let rank = |x: [usize; 4]| (0..4).rev().fold(0, |rank, d| rank * dims[d] + x[d]);
    let entry = |site: usize, mu: usize, i: usize, j: usize| {
        let at = (site * 4 + mu) * 2 * n * n + 2 * (i * n + j);
        (links[at], links[at + 1])
    };
    type Matrix = Vec<(f64, f64)>;
    let times = |a: Matrix, b: Matrix| -> Matrix {
        let element = |i: usize, j: usize| {
            (0..n).fold((0.0, 0.0), |(re, im), k| {
                let ((ar, ai), (br, bi)) = (a[i * n + k], b[k * n + j]);
                (re + ar * br - ai * bi, im + ar * bi + ai * br)
            })
        };
        (0..n * n).map(|e| element(e / n, e % n)).collect()
    };
    let link = |site, mu| -> Matrix { (0..n * n).map(|e| entry(site, mu, e / n, e % n)).collect() };
    let adjoint = |site, mu| -> Matrix {
        (0..n * n).map(|e| entry(site, mu, e % n, e / n)).map(|(re, im)| (re, -im)).collect()
    };
    let mut sum = 0.0;
    for site in 0..volume {
        let mut rest = site;
        let x: [usize; 4] = std::array::from_fn(|d| {
            let x = rest % dims[d];
            rest /= dims[d];
            x
        });
        let next = |d: usize| {
            let mut y = x;
            y[d] = (y[d] + 1) % dims[d];
            rank(y)
        };
        for (mu, nu) in (0..4).flat_map(|nu| (0..nu).map(move |mu| (mu, nu))) {
            let there = times(link(site, mu), link(next(mu), nu));
            let back = times(adjoint(next(nu), mu), adjoint(site, nu));
            let loops = times(there, back);
            sum += (0..n).map(|i| loops[i * n + i].0).sum::<f64>() / n as f64;
        }
    }
    sum / (6 * volume) as f64
}

#[test]
fn the_links_of_every_order_have_the_plaquette_of_the_index() {
    let Some((folder, entries)) = corpus() else { return };
    for (prefix, format, _) in OTHERS {
        for entry in with_prefix(&entries, prefix) {
            let file = GaugeFile::open_as(folder.join(name(entry)), Some(format), None).unwrap();
            let found = plaquette(&links(&file), shape(entry));
            let tolerance = if file.body().precision == Precision::F64 { 1e-11 } else { 2e-6 };
            let expected = number(entry, "plaquette");
            assert!((found - expected).abs() < tolerance, "{}: {found} instead of {expected}", name(entry));
        }
    }
    // The other order of the same header does not have it.
    for (prefix, wrong) in [("openqcd_", FileFormat::DdAlphaAmg), ("ddalphaamg_", FileFormat::OpenQcd)] {
        let entry = with_prefix(&entries, prefix).next().unwrap();
        let file = GaugeFile::open_as(folder.join(name(entry)), Some(wrong), None).unwrap();
        let found = plaquette(&links(&file), shape(entry));
        assert!((found - number(entry, "plaquette")).abs() > 1e-3, "{prefix}: {found}");
    }
}

#[test]
fn twins_hold_the_same_links() {
    let Some((folder, _)) = corpus() else { return };
    let of = |file: &str| links(&GaugeFile::open(folder.join(file)).unwrap());
    // SIMULATeQCD projected the links of one of its two files again: they agree to rounding.
    for (a, b, rounding) in [
        ("ildg_toolbox_l8t4b3360_f64.lime", "nersc_toolbox_l8t4b3360_ieee64big_3x3.nersc", 2e-15),
        ("ildg_milc_l4444_f32.ildg", "milcv5_l4444_le_f32.lat", 0.0),
        ("ildg_milc_foreign_l4448_f32.lime", "milcv5_l4448_be_f32.lat", 0.0),
    ] {
        let largest = of(a).iter().zip(of(b)).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
        assert!(largest <= rounding, "{a} and {b}: {largest:e}");
    }
}
