//! The private SciDAC metadata of a file and of a logical record, as QIO reads and writes them: one line of XML with a
//! closing NUL that counts.

use crate::checksum::ScidacChecksum;
use crate::error::{Error, Result};
use crate::format::{IldgFormat, Precision};
use crate::record::record_type::{PRIVATE_FILE_XML, PRIVATE_RECORD_XML};
use crate::warning::{Warning, abridged};
use crate::xml::{Document, escape};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
/// QIO's own limit on the number of dimensions in a list.
const MAX_DIMS: usize = 64;

/// How the sites are spread over files (QIO's `volfmt`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VolumeFormat {
    /// 0: one file with all sites in lexicographic order.
    Single,
    /// 1: a file a node, its sites in the order of its site list.
    Multi,
    /// 2: a file an I/O partition `name.vol0000`, its sites ascending.
    Part,
    /// 3: as [`Self::Part`], but the files are `vol0000/name`.
    PartDirectory,
}

impl VolumeFormat {
    /// QIO's number.
    pub fn code(self) -> u8 {
        self as u8
    }

    fn of_code(code: u64) -> Option<Self> {
        [Self::Single, Self::Multi, Self::Part, Self::PartDirectory]
            .into_iter()
            .nth(usize::try_from(code).ok()?)
    }
}

/// What `scidac-private-file-xml` states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Version of the record's format, `1.1` today.
    pub version: String,
    /// Extents, x first; any number of dimensions.
    pub dims: Vec<usize>,
    /// How the sites are spread over files.
    pub volume_format: VolumeFormat,
}

impl FileInfo {
    /// A file of this lattice.
    ///
    /// # Errors
    /// [`Error::UnusableDimensions`] where there is no dimension, an extent vanishes, or their product is 2^63 or more.
    pub fn new(dims: &[usize], volume_format: VolumeFormat) -> Result<Self> {
        match volume(dims) {
            Some(_) => Ok(Self { version: "1.1".into(), dims: dims.to_vec(), volume_format }),
            None => Err(Error::UnusableDimensions { found: format!("{dims:?}") }),
        }
    }

    /// Number of sites.
    pub fn volume(&self) -> u64 {
        self.dims.iter().map(|&extent| extent as u64).product()
    }

    /// Reads the record; version 1.0 had `multifile`, a number of files, in place of `volfmt`.
    ///
    /// # Errors
    /// [`Error::UnusableDimensions`].
    pub fn read(bytes: &[u8], warnings: &mut Vec<Warning>) -> Result<Self> {
        let document = Document::read(bytes);
        complain(&document, PRIVATE_FILE_XML, warnings);
        let text = document.text("dims").unwrap_or_default();
        let dims = numbers(text).filter(|dims| volume(dims).is_some());
        let Some(dims) = dims else {
            return Err(Error::UnusableDimensions { found: abridged(text) });
        };
        let mut unusable = |element, found: &str| {
            let found = abridged(found);
            warnings.push(Warning::UnusableElement { record: PRIVATE_FILE_XML, element, found });
        };
        if let Some(stated) = document.text("spacetime").filter(|text| *text != dims.len().to_string()) {
            unusable("spacetime", stated);
        }
        let volume_format = match (document.text("volfmt"), document.text("multifile")) {
            (Some(code), _) => code.parse().ok().and_then(VolumeFormat::of_code).unwrap_or_else(|| {
                unusable("volfmt", code);
                VolumeFormat::Single
            }),
            (None, Some(files)) if files.parse::<u64>().is_ok_and(|files| files > 1) => VolumeFormat::Multi,
            _ => VolumeFormat::Single,
        };
        Ok(Self { version: abridged(document.text("version").unwrap_or_default()), dims, volume_format })
    }

    pub(crate) fn to_xml(&self) -> String {
        let Self { version, dims, volume_format } = self;
        let (version, spacetime, code) = (escape(version), dims.len(), volume_format.code());
        format!(
            "{DECLARATION}<scidacFile><version>{version}</version><spacetime>{spacetime}</spacetime>\
             <dims>{}</dims><volfmt>{code}</volfmt></scidacFile>\0",
            listed(dims)
        )
    }
}

/// Which sites a logical record holds (QIO's `recordtype`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordKind {
    /// 0: every site.
    Field,
    /// 1: no site, but data of the file as a whole.
    Global,
    /// 2: the sites of a box, e.g. one time slice.
    Hyper {
        /// Lowest coordinates.
        lower: Vec<usize>,
        /// Highest coordinates, which belong to the box.
        upper: Vec<usize>,
    },
}

/// What `scidac-private-record-xml` states of a logical record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordInfo {
    /// Version of the record's format, `1.1` today.
    pub version: String,
    /// Date, in any form.
    pub date: String,
    /// Which sites it holds.
    pub kind: RecordKind,
    /// Name of the data type, e.g. `QDP_F3_ColorMatrix`.
    pub datatype: String,
    /// Letter of the number type: `F`, `D`, `I`, `C` …
    pub precision: String,
    /// Number of colours; 0 where it is not stated or has no meaning.
    pub colors: usize,
    /// Number of spins; 0 where it is not stated or has no meaning.
    pub spins: usize,
    /// Bytes of one datum; 0 where it is not stated.
    pub typesize: u64,
    /// Data a site; 0 where it is not stated.
    pub datacount: u64,
}

impl RecordInfo {
    /// Reads the record. Version 1.0 had `globaldata` in place of `recordtype`, and at first not even that.
    pub fn read(bytes: &[u8], warnings: &mut Vec<Warning>) -> Self {
        let document = Document::read(bytes);
        complain(&document, PRIVATE_RECORD_XML, warnings);
        let mut number = |element: &'static str| -> u64 {
            let Some(text) = document.text(element) else { return 0 };
            text.parse().unwrap_or_else(|_| {
                let found = abridged(text);
                warnings.push(Warning::UnusableElement { record: PRIVATE_RECORD_XML, element, found });
                0
            })
        };
        let code = match document.text("recordtype") {
            Some(_) => number("recordtype"),
            None => number("globaldata"),
        };
        let [colors, spins] =
            ["colors", "spins"].map(|element| usize::try_from(number(element)).unwrap_or(0));
        let [typesize, datacount] = ["typesize", "datacount"].map(&mut number);
        let bounds = |element| numbers(document.text(element).unwrap_or_default());
        let kind = match (code, bounds("hyperlower"), bounds("hyperupper")) {
            (1, ..) => RecordKind::Global,
            (2, Some(lower), Some(upper)) => RecordKind::Hyper { lower, upper },
            (0, ..) => RecordKind::Field,
            _ => {
                warnings.push(Warning::UnusableElement {
                    record: PRIVATE_RECORD_XML,
                    element: "recordtype",
                    found: code.to_string(),
                });
                RecordKind::Field
            }
        };
        let text = |element| abridged(document.text(element).unwrap_or_default());
        Self {
            version: text("version"),
            date: text("date"),
            kind,
            datatype: text("datatype"),
            precision: text("precision"),
            colors,
            spins,
            typesize,
            datacount,
        }
    }

    /// A gauge field: four colour matrices a site.
    pub fn gauge(format: &IldgFormat, date: &str) -> Self {
        let letter = match format.precision {
            Precision::F32 => 'F',
            Precision::F64 => 'D',
        };
        Self {
            version: "1.1".into(),
            date: date.into(),
            kind: RecordKind::Field,
            datatype: format!("QDP_{letter}{}_ColorMatrix", format.nc),
            precision: letter.into(),
            colors: format.nc,
            spins: 1,
            typesize: format.site_bytes() as u64 / 4,
            datacount: 4,
        }
    }

    /// Bytes a site, or of the whole of global data; `None` where they are not stated.
    pub fn datum_bytes(&self) -> Option<u64> {
        self.typesize.checked_mul(self.datacount).filter(|&bytes| bytes > 0)
    }

    pub(crate) fn to_xml(&self) -> String {
        let Self { colors, spins, typesize, datacount, .. } = self;
        let [version, date, datatype, precision] =
            [&self.version, &self.date, &self.datatype, &self.precision].map(|text| escape(text));
        let kind = match &self.kind {
            RecordKind::Field => "<recordtype>0</recordtype>".to_owned(),
            RecordKind::Global => "<recordtype>1</recordtype>".to_owned(),
            RecordKind::Hyper { lower, upper } => format!(
                "<recordtype>2</recordtype><spacetime>{}</spacetime><hyperlower>{}</hyperlower>\
                 <hyperupper>{}</hyperupper>",
                lower.len(),
                listed(lower),
                listed(upper)
            ),
        };
        format!(
            "{DECLARATION}<scidacRecord><version>{version}</version><date>{date}</date>{kind}\
             <datatype>{datatype}</datatype><precision>{precision}</precision><colors>{colors}</colors>\
             <spins>{spins}</spins><typesize>{typesize}</typesize><datacount>{datacount}</datacount></scidacRecord>\0"
        )
    }
}

/// `scidac-checksum`, with all eight digits of each sum.
pub(crate) fn checksum(sum: ScidacChecksum) -> String {
    let [suma, sumb] = sum.hexadecimal();
    format!(
        "{DECLARATION}<scidacChecksum><version>1.0</version><suma>{suma}</suma><sumb>{sumb}</sumb>\
         </scidacChecksum>\0"
    )
}

/// Now, in the form of QIO's dates.
pub(crate) fn date() -> String {
    jiff::Timestamp::now().strftime("%a %b %e %H:%M:%S %Y UTC").to_string()
}

/// Product of the extents, if it can be the number of a lattice's sites.
pub(super) fn volume(dims: &[usize]) -> Option<u64> {
    let product = dims.iter().try_fold(1u64, |product, &extent| product.checked_mul(extent as u64))?;
    (!dims.is_empty() && product > 0 && product <= i64::MAX as u64).then_some(product)
}

/// Numbers between white space.
fn numbers(text: &str) -> Option<Vec<usize>> {
    let numbers: Vec<usize> = text
        .split_whitespace()
        .take(MAX_DIMS + 1)
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    (1..=MAX_DIMS).contains(&numbers.len()).then_some(numbers)
}

/// As QIO writes lists: a space after each number.
fn listed(numbers: &[usize]) -> String {
    numbers.iter().map(|number| format!("{number} ")).collect()
}

fn complain(document: &Document, record: &'static str, warnings: &mut Vec<Warning>) {
    if let Some(detail) = &document.malformed {
        warnings.push(Warning::MalformedXml { record, detail: detail.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_as_qio_writes_them() {
        let format = IldgFormat::new([4, 4, 4, 8], 3, Precision::F64).unwrap();
        // From a file written by QIO: lengths count the closing NUL.
        let file = FileInfo::new(&format.dims, VolumeFormat::Single).unwrap();
        assert_eq!(file.to_xml().len(), 149);
        let record = RecordInfo::gauge(&format, "Thu Apr 14 17:20:32 2022 UTC");
        assert_eq!(record.to_xml().len(), 302);
        assert_eq!(format.to_xml().len(), 319);
        assert_eq!(checksum(ScidacChecksum { suma: 0xa2c4_1090, sumb: 0x1119_3c39 }).len(), 136);
        assert!(RecordInfo::gauge(&format, "<now>").to_xml().contains("<date>&lt;now&gt;</date>"));
        assert_eq!(date().len(), "Thu Apr 14 17:20:32 2022 UTC".len());
    }

    #[test]
    fn small_sums_keep_their_zeros() {
        let text = checksum(ScidacChecksum { suma: 0x1f, sumb: 0 });
        assert!(text.contains("<suma>0000001f</suma><sumb>00000000</sumb>"));
    }

    #[test]
    fn what_is_written_is_read() {
        let mut warnings = Vec::new();
        let file = FileInfo::new(&[8, 4, 6], VolumeFormat::Part).unwrap();
        assert_eq!(FileInfo::read(file.to_xml().as_bytes(), &mut warnings).unwrap(), file);
        let format = IldgFormat::new([4, 4, 4, 8], 3, Precision::F32).unwrap();
        let slice = RecordKind::Hyper { lower: vec![0, 0, 0, 3], upper: vec![3, 3, 3, 3] };
        for kind in [RecordKind::Field, RecordKind::Global, slice] {
            let record = RecordInfo { kind, ..RecordInfo::gauge(&format, "a & b") };
            assert_eq!(RecordInfo::read(record.to_xml().as_bytes(), &mut warnings), record);
        }
        assert_eq!(warnings, []);
    }

    #[test]
    fn older_versions_are_understood() {
        let mut warnings = Vec::new();
        let mut file = |middle: &str| {
            let xml = format!("<f><version>1.0</version><dims>8 \n8</dims>{middle}</f>");
            FileInfo::read(xml.as_bytes(), &mut warnings).unwrap().volume_format
        };
        assert_eq!(file("<multifile>1</multifile>"), VolumeFormat::Single);
        assert_eq!(file("<multifile>4</multifile>"), VolumeFormat::Multi);
        assert_eq!(file(""), VolumeFormat::Single);
        let mut kind = |xml: &str| RecordInfo::read(xml.as_bytes(), &mut warnings).kind;
        assert_eq!(kind("<r><globaldata>1</globaldata></r>"), RecordKind::Global);
        assert_eq!(kind("<r><globaldata>0</globaldata></r>"), RecordKind::Field);
        assert_eq!(kind("<r><version>1.0</version></r>"), RecordKind::Field);
        assert_eq!(warnings, []);
    }

    #[test]
    fn hostile_numbers_are_refused_or_reported() {
        let mut warnings = Vec::new();
        for dims in ["", "0 4", "-1", "four", "4294967296 4294967296", &"1 ".repeat(65)] {
            let xml = format!("<f><dims>{dims}</dims></f>");
            let error = FileInfo::read(xml.as_bytes(), &mut warnings).unwrap_err();
            assert!(matches!(error, Error::UnusableDimensions { .. }), "{dims}");
        }
        let xml = b"<r><recordtype>7</recordtype><typesize>-3</typesize><datacount>99999999999999999999</datacount></r>";
        let record = RecordInfo::read(xml, &mut warnings);
        assert_eq!((record.kind, record.typesize, record.datacount), (RecordKind::Field, 0, 0));
        let elements: Vec<&str> = warnings
            .iter()
            .map(|warning| match warning {
                Warning::UnusableElement { element, .. } => *element,
                other => panic!("{other}"),
            })
            .collect();
        assert_eq!(elements, ["typesize", "datacount", "recordtype"]);
    }
}
