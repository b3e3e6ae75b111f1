//! SciDAC files that are written here and read back, and files with every defect, built byte by byte.

mod common;

use std::fs;
use std::path::Path;

use common::{checksum_xml, lime};
use lime_rs::{
    AtomicFile, Content, Error, FileFormat, GaugeFile, Number, RecordKind, ScidacFile, ScidacMeta,
    ScidacWriter, Selection, VolumeFormat, Warning, encode, scan,
};
use proptest::prelude::*;

const DIMS: [usize; 4] = [4, 2, 2, 3];
const SITES: u64 = 48;

/// Big-endian numbers of a field with `each` numbers a site.
fn stored(sites: u64, each: usize) -> (Vec<f64>, Vec<u8>) {
    let numbers: Vec<f64> = (0..sites as usize * each).map(|i| (i as f64 * 0.37).sin()).collect();
    let mut bytes = vec![0; numbers.len() * 8];
    encode(&numbers, &mut bytes).unwrap();
    (numbers, bytes)
}

fn slice(t: usize) -> RecordKind {
    RecordKind::Hyper { lower: vec![0, 0, 0, t], upper: vec![3, 1, 1, t] }
}

/// A field of colour vectors, global integers, and a time slice of complex numbers.
fn write_three(mut writer: ScidacWriter) {
    let mut field = ScidacMeta::new(RecordKind::Field, "QDP_D3_ColorVector", "D", 48, 1);
    (field.info.colors, field.info.spins) = (3, 1);
    field.user_xml = "<vector/>".into();
    writer.write_record(&field, &stored(SITES, 6).1).unwrap();
    let global = ScidacMeta::new(RecordKind::Global, "QLA_Int", "I", 4, 3);
    let integers: Vec<u8> = [-1i32, 2, i32::MAX].iter().flat_map(|i| i.to_be_bytes()).collect();
    writer.write_record(&global, &integers).unwrap();
    let plane = ScidacMeta::new(slice(1), "USQCD_D_Complex", "D", 16, 1);
    writer.write_record(&plane, &stored(16, 2).1).unwrap();
    writer.finish().unwrap();
}

fn expect_three(path: &Path, format: VolumeFormat) -> ScidacFile {
    let file = ScidacFile::open(path).unwrap();
    assert_eq!(file.warnings(), []);
    assert_eq!((&file.info().dims[..], file.info().volume_format), (&DIMS[..], format));
    assert_eq!(file.user_xml(), Some("<file/>"));
    assert_eq!(file.payloads().len(), 3);
    for index in 0..3 {
        assert!(file.verify(index).unwrap().is_verified(), "{index}");
    }
    assert_eq!(file.payloads()[0].content, Content::ColourVector { nc: 3, count: 1 });
    assert_eq!(file.payloads()[0].user_xml.as_deref(), Some("<vector/>"));
    assert_eq!(file.numbers::<f64>(0).unwrap().0, stored(SITES, 6).0);
    assert_eq!(file.bytes(0).unwrap().0, stored(SITES, 6).1);
    assert_eq!((file.payloads()[1].number, file.payloads()[1].sites), (Number::I32, 1));
    assert_eq!(file.integers(1).unwrap().0, [-1, 2, i128::from(i32::MAX)]);
    assert_eq!(file.numbers::<f64>(1).unwrap().0, [-1.0, 2.0, 2_147_483_647.0]);
    assert_eq!((&file.payloads()[2].info.kind, file.payloads()[2].sites), (&slice(1), 16));
    assert_eq!(file.numbers::<f64>(2).unwrap().0, stored(16, 2).0);
    // The sites of the slice have their ranks in the lattice, whichever volume holds them.
    let mut ranks = Vec::new();
    file.read_payload(2, 1, |chunk| {
        assert_eq!((chunk.first, chunk.count), (ranks.len() as u64, 1));
        ranks.push(chunk.rank(0));
        Ok::<(), Error>(())
    })
    .unwrap();
    ranks.sort_unstable();
    assert_eq!(ranks, (16..32).collect::<Vec<u64>>());
    file
}

#[test]
fn several_records_in_a_single_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("three.scidac");
    write_three(ScidacWriter::create(&path, &DIMS, "<file/>").unwrap());
    let file = expect_three(&path, VolumeFormat::Single);
    let table: Vec<(&str, bool, bool)> = file
        .records(0)
        .unwrap()
        .iter()
        .map(|record| (record.kind(), record.header.message_begin, record.header.message_end))
        .collect();
    // The order and the messages of the file that QIO's own test wrote.
    let record = [
        ("scidac-private-record-xml", true, false),
        ("scidac-record-xml", false, false),
        ("scidac-binary-data", false, false),
        ("scidac-checksum", false, true),
    ];
    let head = [("scidac-private-file-xml", true, false), ("scidac-file-xml", false, true)];
    assert_eq!(table, [&head[..], &record, &record, &record].concat());
}

/// Links are those of the first field of four colour matrices a site; that there are others is told.
#[test]
fn the_first_of_several_gauge_fields_is_taken_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.scidac");
    let mut writer = ScidacWriter::create(&path, &DIMS, "<file/>").unwrap();
    let mut vector = ScidacMeta::new(RecordKind::Field, "QDP_D3_ColorVector", "D", 48, 1);
    (vector.info.colors, vector.info.spins) = (3, 1);
    writer.write_record(&vector, &stored(SITES, 6).1).unwrap();
    let mut links = ScidacMeta::new(RecordKind::Field, "QDP_D3_ColorMatrix", "D", 144, 4);
    links.info.colors = 3;
    let (first, mut second) = (stored(SITES, 72).1, stored(SITES, 72).1);
    second.reverse();
    writer.write_record(&links, &first).unwrap();
    writer.write_record(&links, &second).unwrap();
    writer.finish().unwrap();
    let file = GaugeFile::open(&path).unwrap();
    assert_eq!(file.warnings(), [Warning::SeveralFields { count: 2, chosen: 0 }]);
    let whole = fs::read(&path).unwrap();
    let offset = file.offset() as usize;
    assert_eq!(whole[offset..offset + first.len()], first);
    assert!(file.sums(false).unwrap().checksum() == file.stated().checksum.unwrap());
}

/// Even and odd ranks, as two I/O partitions.
fn halves() -> Vec<Vec<u64>> {
    vec![(0..SITES).step_by(2).collect(), (1..SITES).step_by(2).collect()]
}

#[test]
fn partfiles_are_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parts");
    write_three(ScidacWriter::create_parts(&path, &DIMS, halves(), "<file/>").unwrap());
    let volume = |number: usize| folder.path().join(format!("parts.vol{number:04}"));
    let file = expect_three(&path, VolumeFormat::Part);
    assert_eq!(file.volumes(), 2);
    expect_three(&volume(1), VolumeFormat::Part);
    // QIO's rule: the other volumes have their sites and their data, each a message of its own, and no global data.
    let kinds: Vec<&str> = file.records(1).unwrap().iter().map(|record| record.kind()).collect();
    assert_eq!(kinds, ["scidac-sitelist", "scidac-binary-data", "scidac-binary-data"]);
    assert!(
        file.records(1)
            .unwrap()
            .iter()
            .all(|record| record.header.message_begin && record.header.message_end)
    );

    // The same bytes as one file have the same checksum: XOR over volumes.
    let single = folder.path().join("single");
    write_three(ScidacWriter::create(&single, &DIMS, "<file/>").unwrap());
    let single = ScidacFile::open(&single).unwrap();
    for (parts, single) in file.payloads().iter().zip(single.payloads()) {
        assert_eq!(parts.checksum, single.checksum);
    }
    // Threads that share a record.
    let part = |data| file.read_data(0, data, 100, |_| Ok::<(), Error>(())).unwrap();
    assert_eq!(Some(part(0..7) ^ part(30..48) ^ part(7..30)), file.payloads()[0].checksum);

    // With folders in place of suffixes.
    for number in [0, 1] {
        let to = folder.path().join(format!("vol{number:04}"));
        fs::create_dir(&to).unwrap();
        fs::rename(volume(number), to.join("parts")).unwrap();
    }
    expect_three(&path, VolumeFormat::Part);
}

#[test]
fn multifiles_have_their_sites_in_any_order() {
    // QIO's multifile has the sites of a node in the node's own order.
    let (numbers, bytes) = stored(SITES, 2);
    let lists: [Vec<u32>; 3] = [(0..16).rev().collect(), (16..47).chain([47]).collect(), vec![]];
    let xml = "<f><version>1.1</version><dims>4 2 2 3</dims><volfmt>1</volfmt></f>";
    let record = "<r><recordtype>0</recordtype><datatype>Complex</datatype><precision>D</precision>\
                  <typesize>16</typesize><datacount>1</datacount></r>";
    let sum = checksum_xml(&bytes, 16);
    let volumes: Vec<Vec<u8>> = lists
        .iter()
        .enumerate()
        .map(|(number, list)| {
            let sites: Vec<u8> = list.iter().flat_map(|rank| rank.to_be_bytes()).collect();
            let data: Vec<u8> =
                list.iter().flat_map(|&rank| &bytes[rank as usize * 16..][..16]).copied().collect();
            let (sites, data) = (("scidac-sitelist", &sites[..]), ("scidac-binary-data", &data[..]));
            match number {
                0 => lime(&[
                    ("scidac-private-file-xml", xml.as_bytes()),
                    sites,
                    ("scidac-private-record-xml", record.as_bytes()),
                    data,
                    ("scidac-checksum", sum.as_bytes()),
                ]),
                _ => lime(&[sites, data]),
            }
        })
        .collect();
    // The volume with the metadata need not come first.
    for order in [[0, 1, 2], [2, 1, 0]] {
        let file = ScidacFile::from_sources(order.map(|volume| &volumes[volume][..]), None).unwrap();
        assert_eq!(file.info().volume_format, VolumeFormat::Multi);
        let (read, verification) = file.numbers::<f64>(0).unwrap();
        assert!(verification.is_verified());
        assert_eq!(read, numbers);
    }
    // A missing or foreign volume is noticed before anything is read.
    for order in [&[0, 2][..], &[0, 1, 1, 2], &[1, 2]] {
        let error =
            ScidacFile::from_sources(order.iter().map(|&volume| &volumes[volume][..]), None).unwrap_err();
        assert!(matches!(error, Error::Volumes { .. } | Error::UnusableDimensions { .. }), "{error}");
    }
}

#[test]
fn a_damaged_volume_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parts");
    write_three(ScidacWriter::create_parts(&path, &DIMS, halves(), "<file/>").unwrap());
    let second = folder.path().join("parts.vol0001");
    let mut bytes = fs::read(&second).unwrap();
    let data = scan(&bytes).records[1].data_offset() as usize;
    bytes[data + 5] ^= 1;
    AtomicFile::replace(&second, &bytes).unwrap();
    let file = ScidacFile::open(&path).unwrap();
    assert!(matches!(file.verify(0).unwrap().check().unwrap_err().root(), Error::ChecksumMismatch { .. }));
    assert!(file.verify(2).unwrap().is_verified());
    fs::remove_file(&second).unwrap();
    let error = ScidacFile::open(&path).unwrap_err();
    assert!(error.to_string().contains("24 sites, the lattice has 48"), "{error}");
}

#[test]
fn nothing_is_seen_of_an_unfinished_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ScidacWriter::create_parts(folder.path().join("a"), &DIMS, halves(), "<file/>").unwrap();
    let meta = ScidacMeta::new(RecordKind::Field, "USQCD_D_Complex", "D", 16, 1);
    let record = writer.begin_record(&meta).unwrap();
    let bytes = stored(SITES, 2).1;
    record.write_sites(0, &bytes[..32]).unwrap();
    assert!(matches!(
        record.write_sites(47, &bytes[..32]),
        Err(Error::OutOfRange { end: 49, limit: 48, .. })
    ));
    assert!(matches!(record.write_sites(0, &bytes[..17]), Err(Error::SizeMismatch { .. })));
    let incomplete = record.finish(Default::default());
    assert!(matches!(incomplete, Err(Error::IncompletePayload { written: 32, expected: 768 })));
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_a_record_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let mut writer = ScidacWriter::create(&path, &DIMS, "<file/>").unwrap();
    for (kind, typesize) in [(RecordKind::Field, 0), (slice(3), 8), (RecordKind::Field, u64::MAX)] {
        let meta = ScidacMeta::new(kind, "x", "F", typesize, 1);
        assert!(matches!(writer.write_record(&meta, &[]), Err(Error::Unwritable { .. })));
    }
    // Texts that are no XML, and statements that would make one.
    let mut odd = ScidacMeta::new(RecordKind::Field, "a\u{1}", "F", 4, 1);
    assert!(matches!(writer.begin_record(&odd), Err(Error::Unwritable { .. })));
    odd.info.datatype = "a".into();
    odd.user_xml = "<a>b & c</a>".into();
    assert!(matches!(writer.begin_record(&odd), Err(Error::Unwritable { .. })));
    for text in ["", "text", "<a>\u{8}</a>"] {
        let refused = ScidacWriter::create(&path, &DIMS, text);
        assert!(matches!(refused, Err(Error::Unwritable { .. })), "{text:?}");
    }
    assert!(matches!(ScidacWriter::create(&path, &[], "<file/>"), Err(Error::UnusableDimensions { .. })));
    for lists in [vec![vec![0, 1]], vec![vec![1, 0]], vec![vec![0, 0]], vec![vec![0, 1], vec![]]] {
        let complete = lists == [vec![0, 1]];
        assert_eq!(ScidacWriter::create_parts(&path, &[2], lists, "<file/>").is_ok(), complete);
    }
}

#[test]
fn threads_write_one_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parts");
    let (numbers, bytes) = stored(SITES, 2);
    let mut writer = ScidacWriter::create_parts(&path, &DIMS, halves(), "<file/>").unwrap();
    let meta = ScidacMeta::new(RecordKind::Field, "USQCD_D_Complex", "D", 16, 1);
    let record = writer.begin_record(&meta).unwrap();
    let sum = std::thread::scope(|scope| {
        let parts: Vec<_> = bytes
            .chunks(7 * 16)
            .enumerate()
            .map(|(part, piece)| {
                let record = &record;
                scope.spawn(move || record.write_sites(7 * part as u64, piece).unwrap())
            })
            .collect();
        parts.into_iter().map(|part| part.join().unwrap()).reduce(|a, b| a ^ b).unwrap()
    });
    record.finish(sum).unwrap();
    writer.finish().unwrap();
    let (read, verification) = ScidacFile::open(&path).unwrap().numbers::<f64>(0).unwrap();
    assert!(verification.is_verified());
    assert_eq!(read, numbers);
}

/// A single file of one record of 48 complex doubles, with these private records.
fn single(file: &str, record: &str) -> Vec<u8> {
    let bytes = stored(SITES, 2).1;
    let sum = checksum_xml(&bytes, 16);
    lime(&[
        ("scidac-private-file-xml", file.as_bytes()),
        ("scidac-private-record-xml", record.as_bytes()),
        ("scidac-binary-data", &bytes),
        ("scidac-checksum", sum.as_bytes()),
    ])
}

const FILE_XML: &str =
    "<f><version>1.1</version><spacetime>4</spacetime><dims>4 2 2 3</dims><volfmt>0</volfmt></f>";

#[test]
fn statements_that_are_wrong_are_put_up_with() {
    let open = |bytes: &[u8], dims: Option<&[usize]>| {
        let file = ScidacFile::from_sources([bytes.to_vec()], dims).unwrap();
        assert!(file.verify(0).unwrap().is_verified());
        let numbers = file.numbers::<f64>(0).map(|(numbers, _)| numbers);
        (file.warnings().to_vec(), numbers)
    };
    let good = "<r><datatype>Complex</datatype><precision>D</precision><typesize>16</typesize><datacount>1</datacount></r>";
    assert_eq!(open(&single(FILE_XML, good), None).0, []);

    let (warnings, numbers) = open(&single(FILE_XML, &good.replace("16", "24")), None);
    assert_eq!(warnings, [Warning::StatedDatumDiffers { payload: 0, stated: 24, actual: 16 }]);
    assert_eq!(numbers.unwrap(), stored(SITES, 2).0);

    // The dimensions of the caller hold against those of the file, and stand in for them.
    let wrong = FILE_XML.replace("4 2 2 3", "4 2 2 2");
    let (warnings, _) = open(&single(&wrong, good), Some(&DIMS));
    assert!(matches!(&warnings[..], [Warning::StatedDimensionsDiffer { .. }]));
    assert!(open(&single("<f/>", good), Some(&DIMS)).1.is_ok());
    let error = ScidacFile::from_sources([single("<f/>", good)], None).unwrap_err();
    assert!(matches!(error, Error::UnusableDimensions { .. }), "{error}");

    // A length that is no multiple of the lattice leaves the record unreadable but described.
    let file = ScidacFile::from_sources([single(&FILE_XML.replace('3', "5"), good)], None).unwrap();
    assert!(matches!(file.warnings(), [Warning::UnusablePayload { payload: 0, .. }]));
    assert!(matches!(file.numbers::<f64>(0), Err(Error::UnusableRecord { index: 0, .. })));
    assert!(matches!(file.verify(1), Err(Error::NoSuchRecord { index: 1, count: 1 })));
}

#[test]
fn a_box_outside_the_lattice_is_unreadable() {
    let record = "<r><recordtype>2</recordtype><hyperlower>0 0 0 0</hyperlower><hyperupper>3 1 1 3</hyperupper>\
                  <typesize>16</typesize><datacount>1</datacount></r>";
    let file = ScidacFile::from_sources([single(FILE_XML, record)], None).unwrap();
    assert!(matches!(file.warnings(), [Warning::UnusablePayload { payload: 0, .. }]));
    assert!(file.verify(0).is_err() && file.bytes(0).is_err());
}

#[test]
fn undescribed_data_are_bytes() {
    let bytes = stored(SITES, 2).1;
    let bare = lime(&[("scidac-binary-data", &bytes)]);
    let file = ScidacFile::from_sources([&bare[..]], Some(&DIMS)).unwrap();
    assert_eq!(
        file.warnings(),
        [
            Warning::MissingPrivateFile,
            Warning::MissingPrivateRecord { payload: 0 },
            Warning::PayloadWithoutChecksum { payload: 0 },
        ]
    );
    assert_eq!((file.payloads()[0].number, file.bytes(0).unwrap().0), (Number::Byte, bytes));
    let none = lime(&[("scidac-private-file-xml", FILE_XML.as_bytes())]);
    assert!(matches!(ScidacFile::from_sources([&none[..]], None), Err(Error::NoScidacData { .. })));
}

/// tmLQCD writes its `xlf-info` before each field: every field has its own, or none, and that of the only field may stand
/// anywhere.
#[test]
fn what_is_told_of_one_field_is_not_told_of_another() {
    let record = "<r><datatype>QDP_D3_ColorMatrix</datatype><precision>D</precision><colors>3</colors>\
                  <typesize>144</typesize><datacount>4</datacount></r>";
    let (links, vectors) = (stored(SITES, 72).1, stored(SITES, 6).1);
    let vector = record.replace("Matrix", "Vector").replace("144", "48").replace(">4<", ">1<");
    let [first, third] = ["plaquette = 0.25\n", "plaquette = 0.75\n"].map(str::as_bytes);
    let file = lime(&[
        ("scidac-private-file-xml", FILE_XML.as_bytes()),
        ("xlf-info", first),
        ("scidac-private-record-xml", record.as_bytes()),
        ("scidac-binary-data", &links),
        ("scidac-checksum", checksum_xml(&links, 576).as_bytes()),
        ("scidac-private-record-xml", vector.as_bytes()),
        ("scidac-binary-data", &vectors),
        ("xlf-info", third),
        ("scidac-private-record-xml", record.as_bytes()),
        ("scidac-binary-data", &links),
    ]);
    let told = [Some("plaquette = 0.25"), None, Some("plaquette = 0.75")];
    let all = ScidacFile::from_sources([&file[..]], None).unwrap();
    for (index, told) in told.into_iter().enumerate() {
        assert_eq!(all.text_of(index, "xlf-info").unwrap().as_deref(), told, "{index}");
    }
    assert!(matches!(all.text_of(3, "xlf-info"), Err(Error::NoSuchRecord { index: 3, count: 3 })));
    for (payload, record) in [(0, 0), (1, 2)] {
        let file = GaugeFile::from_source(&file[..], None, Selection { payload, shape: None }).unwrap();
        assert_eq!(file.text("xlf-info").unwrap().as_deref(), told[record]);
        assert_eq!(file.scidac().map(|(all, index)| (all.payloads().len(), index)), Some((3, record)));
    }
    let mut one = single(FILE_XML, "<r/>");
    one.extend(lime(&[("xlf-info", third)]));
    let one = ScidacFile::from_sources([one], None).unwrap();
    assert_eq!(one.text_of(0, "xlf-info").unwrap().as_deref(), told[2]);
}

#[test]
fn usqcd_sources_are_read_from_the_users_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prop");
    let mut writer = ScidacWriter::create(&path, &DIMS, "<usqcdPropFile/>").unwrap();
    let mut meta = ScidacMeta::new(RecordKind::Field, "USQCD_D3_DiracFermion", "D", 192, 1);
    meta.user_xml =
        "<usqcdPropInfo><version>1.0</version><spin>2</spin><color>1</color></usqcdPropInfo>".into();
    writer.write_record(&meta, &stored(SITES, 24).1).unwrap();
    writer.finish().unwrap();
    assert_eq!(ScidacFile::open(&path).unwrap().payloads()[0].source(), Some((2, 1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_lattice_and_any_division_survive_the_round_trip(
        dims in prop::collection::vec(1usize..5, 1..5),
        each in 1usize..5,
        volumes in 1usize..4,
        owners in prop::collection::vec(any::<prop::sample::Index>(), 256),
        bounds in prop::collection::vec(any::<[prop::sample::Index; 2]>(), 4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let sites: u64 = dims.iter().map(|&extent| extent as u64).product();
        let mut lists = vec![Vec::new(); volumes];
        for rank in 0..sites {
            lists[owners[rank as usize % 256].index(volumes)].push(rank);
        }
        lists.retain(|list| !list.is_empty());
        let ends: Vec<[usize; 2]> = dims.iter().zip(&bounds).map(|(&extent, pair)| {
            let mut ends = pair.map(|index| index.index(extent));
            ends.sort_unstable();
            ends
        }).collect();
        let [lower, upper] = [0, 1].map(|end| ends.iter().map(|ends| ends[end]).collect::<Vec<_>>());
        let inside: u64 = ends.iter().map(|ends| (ends[1] - ends[0] + 1) as u64).product();

        let mut writer = match volumes {
            1 => ScidacWriter::create(&path, &dims, "<file/>").unwrap(),
            _ => ScidacWriter::create_parts(&path, &dims, lists, "<file/>").unwrap(),
        };
        for (kind, count) in [(RecordKind::Field, sites), (RecordKind::Hyper { lower, upper }, inside)] {
            let meta = ScidacMeta::new(kind, "Real", "D", 8, each as u64);
            writer.write_record(&meta, &stored(count, each).1).unwrap();
        }
        writer.finish().unwrap();
        let file = ScidacFile::open(&path).unwrap();
        prop_assert_eq!(file.warnings(), &[][..]);
        for (index, count) in [(0, sites), (1, inside)] {
            let (numbers, verification) = file.numbers::<f64>(index).unwrap();
            prop_assert!(verification.is_verified());
            prop_assert_eq!(numbers, stored(count, each).0);
        }
    }
}

/// The links of a gauge field in volumes, whose sites stand in any order, are those of the single file.
#[test]
fn gauge_fields_in_volumes_are_read_in_the_order_of_the_lattice() {
    let folder = tempfile::tempdir().unwrap();
    let mut meta = ScidacMeta::new(RecordKind::Field, "QDP_D3_ColorMatrix", "D", 144, 4);
    (meta.info.colors, meta.info.spins) = (3, 1);
    let bytes = stored(SITES, 72).1;
    let write = |mut writer: ScidacWriter| {
        let mut vectors = ScidacMeta::new(RecordKind::Field, "QDP_D3_ColorVector", "D", 48, 1);
        (vectors.info.colors, vectors.info.spins) = (3, 1);
        writer.write_record(&vectors, &stored(SITES, 6).1).unwrap();
        writer.write_record(&meta, &bytes).unwrap();
        writer.finish().unwrap();
    };
    // Runs of sites that go on in the next volume, single ones, and a third volume.
    let uneven = vec![
        (0..7).chain(40..48).collect(),
        (7..20).chain([30, 39]).collect(),
        (20..30).chain(31..39).collect(),
    ];
    let blocks = vec![(0..20).collect(), (20..33).collect(), (33..48).collect()];
    for (name, lists) in [("halves", halves()), ("uneven", uneven), ("blocks", blocks)] {
        let path = folder.path().join(name);
        let volumes = lists.len();
        write(ScidacWriter::create_parts(&path, &DIMS, lists, "<file/>").unwrap());
        let last = folder.path().join(format!("{name}.vol{:04}", volumes - 1));
        for path in [&path, &last] {
            assert_eq!(ScidacFile::volume_paths(path).len(), volumes);
            let file = GaugeFile::open(path).unwrap();
            assert_eq!(
                (file.format(), file.body().dims, file.warnings().len()),
                (FileFormat::Scidac, DIMS, 0)
            );
            let stated = file.stated().checksum;
            assert_eq!(Some(file.sums(false).unwrap().checksum()), stated);
            let mut all = vec![0; bytes.len()];
            file.read_bytes(0, &mut all).unwrap();
            assert!(all == bytes, "{name}");
            let mut some = vec![0; 17 * 576];
            for first in [0, 12, 18, 31] {
                file.read_bytes(first as u64, &mut some).unwrap();
                assert!(some == bytes[first * 576..(first + 17) * 576], "{name}, from site {first}");
            }
            assert!(matches!(file.read_bytes(44, &mut some), Err(Error::InFile { .. })));
        }
    }
    let bytes = fs::read(folder.path().join("halves.vol0001")).unwrap();
    fs::write(folder.path().join("halves.vol0001"), &bytes[..bytes.len() - 200]).unwrap();
    let text = GaugeFile::open(folder.path().join("halves")).unwrap_err().to_string();
    assert!(text.contains("halves.vol0001") && text.contains("truncated"), "{text}");
}
