//! One function a parser: takes any bytes, returns, and checks what must hold for all of them.

use lime_rs::qcdml::{ConfigurationDocument, QcdmlKind, check_qcdml};
use lime_rs::{
    Error, FileFormat, FileInfo, GaugeFile, IldgFile, RecordHeader, RecordInfo, ScidacChecksum, ScidacFile,
    Selection, Shape, scan,
};

/// The walk over the LIME records of a file.
pub fn lime_scan(data: &[u8]) {
    let found = scan(data);
    let mut end = 0;
    for record in &found.records {
        assert!(record.header_offset >= end, "records overlap");
        end = record.data_offset() + record.length();
        assert!(end <= data.len() as u64, "a record beyond the file");
    }
    let _ = found.complete();
}

/// A gauge field with everything around it.
pub fn ildg_file(data: &[u8]) {
    let shape = Shape { dims: [2, 2, 2, 4], nc: 2 };
    for selection in [Selection::default(), shape.into(), Selection { shape: None, payload: 1 }] {
        let Ok(file) = IldgFile::from_source(data, selection) else { continue };
        let format = &file.payload().format;
        assert_eq!(format.volume() * format.site_bytes() as u64, file.payload().bytes);
        for index in 0..file.records().len() {
            file.read_record(index).unwrap();
        }
        let _ = file.text("scidac-record-xml").unwrap();
        let _ = file.grid_statement().unwrap();
        let _ = file.verify_checksum(|_, _| ()).unwrap().check();
        file.warnings().iter().for_each(|warning| assert!(!warning.to_string().is_empty()));
    }
}

/// `ildg-format` before payloads of several lengths.
pub fn ildg_format(data: &[u8]) {
    for length in [0, 64, 4096, 9216, 18432] {
        ildg_file(&lime(&[("ildg-format", data), ("ildg-binary-data", &vec![1; length])]));
    }
}

/// `scidac-checksum`, as XML and as text.
pub fn checksum_xml(data: &[u8]) {
    if let Ok(sum) = ScidacChecksum::from_xml(data) {
        assert_eq!(sum.to_string().parse::<ScidacChecksum>().unwrap(), sum);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = text.parse::<ScidacChecksum>();
    }
}

/// The private SciDAC records of a file and of a logical record, alone and before data.
pub fn private_records(data: &[u8]) {
    let mut warnings = Vec::new();
    if let Ok(info) = FileInfo::read(data, &mut warnings) {
        assert!(info.volume() > 0);
    }
    let _ = RecordInfo::read(data, &mut warnings).datum_bytes();
    let file = b"<f><dims>2 2 2 4</dims><volfmt>0</volfmt></f>";
    let field = [3; 32 * 48];
    for (file, record) in [(&file[..], data), (data, b"<r><datatype>QDP_F3_ColorVector</datatype></r>")] {
        scidac_file(&lime(&[
            ("scidac-private-file-xml", file),
            ("scidac-private-record-xml", record),
            ("scidac-binary-data", &field),
        ]));
    }
}

/// A SciDAC file with all of its records.
pub fn scidac_file(data: &[u8]) {
    configuration(data, FileFormat::Scidac);
    for dims in [None, Some(&[2, 2, 2, 4][..])] {
        read_all(ScidacFile::from_sources([data], dims));
    }
}

/// Two volumes whose site lists are the halves of the input.
pub fn sitelist(data: &[u8]) {
    let (first, second) = data.split_at(data.len() / 2);
    let sites = (data.len() / 4).max(1);
    let file = format!("<f><dims>{sites}</dims><volfmt>2</volfmt></f>");
    let record = b"<r><recordtype>2</recordtype><hyperlower>0</hyperlower><hyperupper>3</hyperupper></r>";
    let (field, part) = (vec![5; first.len()], vec![7; second.len()]);
    let main = lime(&[
        ("scidac-private-file-xml", file.as_bytes()),
        ("scidac-sitelist", first),
        ("scidac-private-record-xml", b"<r><datatype>Real</datatype></r>"),
        ("scidac-binary-data", &field),
        ("scidac-private-record-xml", record),
        ("scidac-binary-data", &field),
    ]);
    let other =
        lime(&[("scidac-sitelist", second), ("scidac-binary-data", &part), ("scidac-binary-data", &part)]);
    read_all(ScidacFile::from_sources([&main[..], &other], None));
}

/// Grid's and USQCD's statements around a gauge field.
pub fn grid_records(data: &[u8]) {
    let file = lime(&[
        ("grid-format", data),
        ("FieldNormMetaData", data),
        ("scidac-record-xml", data),
        ("ildg-binary-data", &[0; 4096]),
    ]);
    let opened = IldgFile::from_source(&file[..], Shape { dims: [2, 2, 2, 4], nc: 2 }).unwrap();
    let stated = opened.grid_statement().unwrap();
    let values = [stated.plaquette, stated.link_trace, stated.norm2];
    assert!(values.into_iter().flatten().all(f64::is_finite));
}

/// QCDml documents.
pub fn qcdml(data: &[u8]) {
    match check_qcdml(data) {
        Ok(QcdmlKind::Configuration) => assert!(!ConfigurationDocument::read_steps(data).unwrap().is_empty()),
        Ok(QcdmlKind::Ensemble) => assert!(ConfigurationDocument::read_steps(data).is_err()),
        Err(violations) => assert!(!violations.is_empty()),
    }
}

/// NERSC's text header and its links.
pub fn nersc(data: &[u8]) {
    configuration(data, FileFormat::Nersc);
}

/// MILC's headers and links, versions 4 and 5.
pub fn milc(data: &[u8]) {
    configuration(data, FileFormat::Milc);
}

/// openQCD's header and links.
pub fn openqcd(data: &[u8]) {
    configuration(data, FileFormat::OpenQcd);
}

/// DDalphaAMG's header and links.
pub fn ddalphaamg(data: &[u8]) {
    configuration(data, FileFormat::DdAlphaAmg);
}

/// HiRep's header and links.
pub fn hirep(data: &[u8]) {
    configuration(data, FileFormat::HiRep);
}

/// A configuration in a format that is given or found, with the shape that it states or another.
fn configuration(data: &[u8], format: FileFormat) {
    let shape = Shape { dims: [2, 2, 2, 2], nc: 2 };
    for (format, shape) in [(Some(format), None), (Some(format), Some(shape)), (None, None)] {
        let Ok(file) = GaugeFile::from_source(data, format, shape) else { continue };
        let (body, size) = (file.body(), data.len() as u64);
        assert!(file.offset() + body.bytes() <= size, "a body beyond the file");
        let mut numbers = vec![0.0f64; body.numbers_per_unit()];
        let decode = |chunk: lime_rs::UnitChunk<'_>| body.decode(chunk.bytes, &mut numbers);
        let sums = file.read_units::<Error>(0..body.units(), 1, true, decode).unwrap();
        assert_eq!(file.sums(true).unwrap().checksum(), sums.checksum());
        let stated = [file.stated().plaquette, file.stated().link_trace];
        assert!(stated.into_iter().flatten().all(f64::is_finite));
        file.warnings().iter().for_each(|warning| assert!(!warning.to_string().is_empty()));
    }
}

fn read_all(file: lime_rs::Result<ScidacFile<&[u8]>>) {
    let Ok(file) = file else { return };
    for (index, payload) in file.payloads().iter().enumerate() {
        let _ = payload.source();
        let Ok(verification) = file.verify(index) else {
            assert!(payload.fault.is_some(), "unreadable without a reason");
            continue;
        };
        let (bytes, again) = file.bytes(index).unwrap();
        assert_eq!((bytes.len() as u64, again.computed), (payload.bytes(), verification.computed));
        let numbers = file.numbers::<f64>(index).map(|(numbers, _)| numbers.len() as u64);
        let integers = file.integers(index).map(|(numbers, _)| numbers.len() as u64);
        assert!(numbers.is_ok() || integers.is_ok());
        for count in numbers.into_iter().chain(integers) {
            assert_eq!(count, payload.sites * payload.content.numbers());
        }
    }
    file.warnings().iter().for_each(|warning| assert!(!warning.to_string().is_empty()));
}

/// A LIME file of these records.
fn lime(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = Vec::new();
    for (kind, data) in records {
        let length = data.len() as u64;
        let header = RecordHeader { kind: (*kind).into(), length, message_begin: true, message_end: true };
        file.extend(header.encode().unwrap());
        file.extend(*data);
        file.resize(file.len().next_multiple_of(8), 0);
    }
    file
}
