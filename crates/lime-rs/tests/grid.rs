//! Files for Grid: its reader's demands, spelled out here step by step, on a real configuration whose plaquette, link
//! trace and norm are computed from the written bytes by plain loops.

mod common;

use std::path::Path;

use common::lime;
use lime_rs::{
    GaugeFile, GridMeta, GridStatement, IldgFile, IldgFormat, IldgMeta, IldgWriter, PassOptions, Precision,
    ScidacChecksum, ScidacFile, TextRecord, decode, encode_as, scan,
};

type Complex = [f64; 2];

fn times(a: Complex, b: Complex) -> Complex {
    [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]]
}

/// A times B, either one adjoint.
fn product(a: &[Complex; 9], b: &[Complex; 9], adjoint_b: bool) -> [Complex; 9] {
    std::array::from_fn(|e| {
        (0..3).fold([0.0; 2], |sum, k| {
            let b = if adjoint_b {
                let [re, im] = b[3 * (e % 3) + k];
                [re, -im]
            } else {
                b[3 * k + e % 3]
            };
            let add = times(a[3 * (e / 3) + k], b);
            [sum[0] + add[0], sum[1] + add[1]]
        })
    })
}

/// Plaquette, link trace and norm² of SU(3) links in file order.
fn measure(numbers: &[f64], dims: [usize; 4]) -> [f64; 3] {
    let links: Vec<[Complex; 9]> = numbers.as_chunks::<2>().0.as_chunks::<9>().0.to_vec();
    let volume: usize = dims.iter().product();
    let trace = |m: &[Complex; 9]| (m[0][0] + m[4][0] + m[8][0]) / 3.0;
    let ahead = |rank: usize, mu: usize| {
        let stride: usize = dims[..mu].iter().product();
        let x = rank / stride % dims[mu];
        rank + stride * ((x + 1) % dims[mu]) - stride * x
    };
    let (mut plaquette, mut link) = (0.0, 0.0);
    for x in 0..volume {
        for mu in 0..4 {
            link += trace(&links[4 * x + mu]) / (4 * volume) as f64;
            for nu in 0..mu {
                let forth = product(&links[4 * x + mu], &links[4 * ahead(x, mu) + nu], false);
                let back = product(&links[4 * x + nu], &links[4 * ahead(x, nu) + mu], false);
                plaquette += trace(&product(&forth, &back, true)) / (6 * volume) as f64;
            }
        }
    }
    [plaquette, link, numbers.iter().map(|number| number * number).sum()]
}

/// Text of the first element of a name, by search: all that a small well-formed record needs.
fn element<'a>(text: &'a str, name: &str) -> &'a str {
    let open = format!("<{name}>");
    let start = text.find(&open).unwrap_or_else(|| panic!("no {open} in {text}")) + open.len();
    &text[start..start + text[start..].find(&format!("</{name}>")).unwrap()]
}

/// Grid's `readConfiguration`: what it asserts, in its order.
fn grid_reads(path: &Path, dims: [usize; 4]) {
    let bytes = std::fs::read(path).unwrap();
    let (records, warnings) = scan(&bytes).complete().unwrap();
    assert_eq!(warnings, []);
    let (mut format, mut lfn, mut field, mut norm, mut checksum, mut data) =
        (None, None, None, None, None, None);
    for record in &records {
        let data_of = &bytes[record.data_offset() as usize..][..record.length() as usize];
        // Grid takes each record for a C string, which ends at its first NUL.
        let text =
            || std::str::from_utf8(data_of.split(|&byte| byte == 0).next().unwrap()).unwrap().to_owned();
        match record.kind() {
            "ildg-format" => format = Some(text()),
            "ildg-data-lfn" => lfn = Some(text()),
            "grid-format" => field = Some(text()),
            "FieldNormMetaData" => norm = Some(text()),
            "scidac-checksum" => checksum = Some(text()),
            "ildg-binary-data" => {
                // The number type must be known before the data.
                let word = element(field.as_deref().unwrap(), "floating_point").to_owned();
                data = Some((data_of.to_vec(), word));
            }
            _ => {}
        }
    }
    assert_eq!(lfn.as_deref(), Some("lfn://test/grid.7"));
    let (format, field, norm) = (format.unwrap(), field.unwrap(), norm.unwrap());
    for (name, extent) in ["lx", "ly", "lz", "lt"].iter().zip(dims) {
        assert_eq!(element(&format, name), extent.to_string());
    }
    let listed: String = dims.iter().map(|extent| format!("<elem>{extent}</elem>")).collect();
    assert_eq!(element(&field, "dimension"), listed);
    let (data, word) = data.unwrap();
    let mut numbers = vec![0.0; dims.iter().product::<usize>() * 72];
    let width = match word.as_str() {
        "IEEE64BIG" => {
            decode(&data, &mut numbers).unwrap();
            8
        }
        "IEEE32BIG" => {
            let mut single = vec![0.0f32; numbers.len()];
            decode(&data, &mut single).unwrap();
            numbers = single.into_iter().map(f64::from).collect();
            4
        }
        other => panic!("{other}"),
    };
    let [plaquette, link, norm2] = measure(&numbers, dims);
    let stated: f64 = element(&norm, "norm2").parse().unwrap();
    assert!(0.5 * (stated - norm2).abs() / (stated + norm2) < 1e-5);
    let (suma, sumb) = common::sums(&data, 72 * width);
    let sum = |name: &str| u32::from_str_radix(element(checksum.as_deref().unwrap(), name), 16).unwrap();
    assert_eq!((sum("suma"), sum("sumb")), (suma, sumb));
    for (name, value) in [("plaquette", plaquette), ("link_trace", link)] {
        let stated: f64 = element(&field, name).parse().unwrap();
        assert!((stated - value).abs() < 1e-5, "{name}: {stated}, {value}");
    }
}

fn write(path: &Path, format: &IldgFormat, numbers: &[f64], grid: GridMeta) {
    let mut bytes = vec![0; numbers.len() * format.precision.bytes()];
    encode_as(format.precision, numbers, &mut bytes).unwrap();
    let mut meta = IldgMeta::new(format.clone());
    meta.lfn = Some("lfn://test/grid.7".into());
    meta.grid = Some(grid);
    meta.extra.push(TextRecord::new("xlf-info", "beta = 6\n"));
    let writer = IldgWriter::create(path, &meta).unwrap();
    writer.write_payload_at(0, &bytes).unwrap();
    let mut sum = ScidacChecksum::default();
    sum.add_range(0, format.site_bytes(), &bytes).unwrap();
    writer.finish(sum, &[TextRecord::new("gaugelink-provenance", "{}")]).unwrap();
}

fn meta([plaquette, link_trace, norm2]: [f64; 3]) -> GridMeta {
    let (description, creator) = ("a <test> & more".into(), "test".into());
    GridMeta { plaquette, link_trace, norm2, description, sequence: 7, creator }
}

#[test]
fn grids_reader_accepts_a_real_configuration() {
    let Some(folder) = std::env::var_os("GAUGELINK_TEST_DATA").map(std::path::PathBuf::from) else {
        println!("skipped: GAUGELINK_TEST_DATA does not name a folder with configurations");
        return;
    };
    let file = IldgFile::open(folder.join("ildg_pyquda_weak_field_4448_f64.lime")).unwrap();
    let mut numbers = vec![0.0; file.payload().numbers()];
    file.read_payload(PassOptions { chunk_bytes: usize::MAX, posix_cksum: false }, |chunk| {
        decode(chunk.bytes, &mut numbers)
    })
    .unwrap();
    let dims = [4, 4, 4, 8];
    let measured = measure(&numbers, dims);
    // The values of an independent reader.
    assert!((measured[0] - 0.994804132267).abs() < 1e-12 && (measured[1] - 0.379449348715).abs() < 1e-12);
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("grid.7");
    for precision in [Precision::F64, Precision::F32] {
        let format = IldgFormat::new(dims, 3, precision).unwrap();
        write(&path, &format, &numbers, meta(measured));
        grid_reads(&path, dims);
        let back = IldgFile::open(&path).unwrap();
        assert_eq!(back.warnings(), []);
        assert!(back.verify_checksum(|_, _| ()).unwrap().is_verified());
        let [plaquette, link_trace, norm2] = measured.map(Some);
        assert_eq!(back.grid_statement().unwrap(), GridStatement { plaquette, link_trace, norm2 });
        assert_eq!(ScidacFile::open(&path).unwrap().payloads()[0].info.datacount, 4);
    }
    let table: Vec<(String, bool, bool)> = scan(&std::fs::read(&path).unwrap())
        .records
        .into_iter()
        .map(|record| (record.header.kind, record.header.message_begin, record.header.message_end))
        .collect();
    let expected = [
        ("grid-format", true, false),
        ("FieldNormMetaData", false, false),
        ("scidac-private-file-xml", false, false),
        ("scidac-file-xml", false, true),
        ("scidac-private-record-xml", true, false),
        ("scidac-record-xml", false, false),
        ("ildg-format", false, false),
        ("ildg-data-lfn", false, false),
        ("xlf-info", false, false),
        ("ildg-binary-data", false, false),
        ("FieldNormMetaData", false, false),
        ("scidac-checksum", false, true),
        ("gaugelink-provenance", true, true),
    ];
    assert_eq!(table, expected.map(|(kind, begin, end)| (kind.to_owned(), begin, end)));
}

/// Through the writer of every format: what is not given is not made up.
#[test]
fn a_gauge_file_is_written_for_grid_by_name() {
    use lime_rs::{FileFormat, GaugeMeta, GaugeWriter, Sums};
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("grid.7");
    let dims = [2, 2, 2, 2];
    for precision in [Precision::F64, Precision::F32] {
        let mut meta = GaugeMeta::new(FileFormat::Grid, dims, 3, precision);
        // Links i·1: plaquette 1, link trace 0.
        let unit: Vec<f64> = (0..18).map(|c| f64::from(c % 8 == 1)).collect();
        let numbers = unit.repeat(4 * 16);
        let [plaquette, link_trace, norm2] = measure(&numbers, dims);
        (meta.plaquette, meta.link_trace) = (Some(plaquette), Some(link_trace));
        meta.lfn = Some("lfn://test/grid.7".into());
        let text = GaugeWriter::create(&path, &meta).unwrap_err().to_string();
        assert!(text.contains("norm positive"), "{text}");
        meta.norm2 = Some(norm2);
        let writer = GaugeWriter::create(&path, &meta).unwrap();
        let mut bytes = vec![0; numbers.len() * precision.bytes()];
        encode_as(precision, &numbers, &mut bytes).unwrap();
        let mut sums = Sums::default();
        sums.add(writer.body(), 0, &bytes).unwrap();
        writer.write_body_at(0, &bytes).unwrap();
        writer.finish(&sums, &[]).unwrap();
        grid_reads(&path, dims);
        assert_eq!(GaugeFile::open(&path).unwrap().format(), FileFormat::Ildg);
        meta.lfn = None;
        assert!(GaugeWriter::create(&path, &meta).unwrap_err().to_string().contains("ildg-data-lfn"));
        meta.plaquette = None;
        assert!(GaugeWriter::create(&path, &meta).unwrap_err().to_string().contains("plaquette"));
    }
}

#[test]
fn what_grid_would_not_survive_is_not_written() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("conf");
    let create_with = |nc, lfn: Option<&str>, values| {
        let mut ildg = IldgMeta::new(IldgFormat::new([2; 4], nc, Precision::F64).unwrap());
        (ildg.lfn, ildg.grid) = (lfn.map(String::from), Some(meta(values)));
        IldgWriter::create(&path, &ildg).map(|_| ()).map_err(|error| error.to_string())
    };
    let create = |lfn, values| create_with(3, lfn, values);
    assert_eq!(create(Some("lfn://a"), [0.5, 0.1, 192.0]), Ok(()));
    assert!(create_with(1, Some("lfn://a"), [0.5, 0.1, 64.0]).unwrap_err().contains("U(1)"));
    assert!(create(None, [0.5, 0.1, 192.0]).unwrap_err().contains("ildg-data-lfn"));
    for values in [[f64::NAN, 0.1, 192.0], [0.5, f64::INFINITY, 192.0], [0.5, 0.1, 0.0]] {
        assert!(create(Some("lfn://a"), values).unwrap_err().contains("norm positive"));
    }
}

#[test]
fn statements_of_usqcd_and_nonsense_are_told_apart() {
    let record = "<usqcdInfo><version>1.0</version><plaq>0.25</plaq><linktr>-1e-3</linktr></usqcdInfo>";
    let payload = common::payload();
    let stated = |extra: (&str, &str)| {
        let file = lime(&[
            ("ildg-format", common::FORMAT.as_bytes()),
            (extra.0, extra.1.as_bytes()),
            ("ildg-binary-data", &payload),
        ]);
        let file = IldgFile::from_source(file, lime_rs::Selection::default()).unwrap();
        let statement = file.grid_statement();
        (statement, *GaugeFile::from(file).stated())
    };
    let record_of = |extra| stated(extra).0.unwrap();
    let usqcd = GridStatement { plaquette: Some(0.25), link_trace: Some(-1e-3), norm2: None };
    assert_eq!(record_of(("scidac-record-xml", record)), usqcd);
    assert_eq!(record_of(("scidac-record-xml", "<info><plaq>1</plaq></info>")), GridStatement::default());
    assert_eq!(record_of(("FieldNormMetaData", "<f><norm2>nan</norm2></f>")), GridStatement::default());
    // A gauge file states the same, whoever wrote it.
    let grid = "<GaugeField><link_trace>-2e-3</link_trace><plaquette>0.5</plaquette></GaugeField>";
    for (extra, plaquette, link_trace) in [
        (("scidac-record-xml", record), Some(0.25), Some(-1e-3)),
        (("grid-format", grid), Some(0.5), Some(-2e-3)),
        (("xlf-info", "plaquette = 6.25e-01"), Some(0.625), None),
        (("xlf-info", "beta = 6"), None, None),
    ] {
        let found = stated(extra).1;
        assert_eq!((found.plaquette, found.link_trace), (plaquette, link_trace), "{extra:?}");
    }
}
