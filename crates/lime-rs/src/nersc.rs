//! The NERSC archive's configurations: a text header of `KEY = value` lines between `BEGIN_HEADER` and `END_HEADER`,
//! then sites and links in ILDG's order, of each link two rows (`4D_SU3_GAUGE`) or all (`4D_SU3_GAUGE_3x3`).
//!
//! CHECKSUM is the sum of the 32-bit words modulo 2³². `IEEE32` does not tell the order of bytes: the checksum does.

use crate::access::ReadAt;
use crate::checksum::hexadecimal;
use crate::endian::{ByteOrder, decode_ordered};
use crate::error::{Error, Result};
use crate::format::Precision;
use crate::gauge::{
    Body, Checksum, Description, FileFormat, Order, Rows, Stated, decimal, head, measured, settled,
};
use crate::ildg::buffer;
use crate::scanner::read;
use crate::shape::Shape;
use crate::warning::{Warning, abridged};

const FORMAT: FileFormat = FileFormat::Nersc;
/// Longest header that is looked at: real ones have a few hundred bytes.
const LIMIT: u64 = 1 << 16;
const BEGIN: &[u8] = b"BEGIN_HEADER";
const END: &[u8] = b"END_HEADER";
/// Numbers that are looked at where nothing else tells the order of bytes.
const SAMPLE: u64 = 4096;

/// Whether a file that begins so is one of NERSC's.
pub(crate) fn begins(head: &[u8]) -> bool {
    head.trim_ascii_start().starts_with(BEGIN)
}

/// The description in a file's header.
pub(crate) fn describe(
    source: &impl ReadAt,
    given: Option<Shape>,
    warnings: &mut Vec<Warning>,
) -> Result<Description> {
    let (head, size) = head(source, LIMIT)?;
    let bad = |detail: String| Error::BadHeader { format: FORMAT, detail };
    if !begins(&head) {
        return Err(bad("it does not begin with BEGIN_HEADER".into()));
    }
    let length =
        length(&head).ok_or_else(|| bad(format!("no END_HEADER in the first {} bytes", head.len())))?;
    let header = Header::read(&head[..length]);
    let mut dims = [0; 4];
    for (extent, key) in dims.iter_mut().zip(["DIMENSION_1", "DIMENSION_2", "DIMENSION_3", "DIMENSION_4"]) {
        let text = header.value(key).unwrap_or("missing");
        *extent =
            text.parse::<u32>().ok().filter(|&n| n > 0).ok_or_else(|| bad(format!("{key} is {text}")))?
                as usize;
    }
    let (nc, rows) = match header.value("DATATYPE") {
        Some(text) => datatype(text).ok_or_else(|| bad(format!("DATATYPE is `{}`", abridged(text))))?,
        None => {
            let taken = "4D_SU3_GAUGE";
            warnings.push(Warning::MissingHeaderKey { format: FORMAT, key: "DATATYPE", taken });
            (3, Rows::Two)
        }
    };
    let (precision, order) = match header.value("FLOATING_POINT") {
        Some(text) => {
            floating_point(text).ok_or_else(|| bad(format!("FLOATING_POINT is `{}`", abridged(text))))?
        }
        None => {
            warnings.push(Warning::MissingHeaderKey {
                format: FORMAT,
                key: "FLOATING_POINT",
                taken: "IEEE32",
            });
            (Precision::F32, None)
        }
    };
    let shape = settled(FORMAT, Shape { dims, nc }, given, warnings);
    let byte_order = order.unwrap_or(ByteOrder::Big);
    let body = Body { dims: shape.dims, nc: shape.nc, precision, byte_order, rows, order: Order::Canonical };
    let body = by_length(body, size.saturating_sub(length as u64), warnings);
    let checksum = match header.value("CHECKSUM").map(|text| (text, hexadecimal(text))) {
        Some((text, None)) => {
            let value = abridged(text);
            warnings.push(Warning::UnreadableHeaderValue { format: FORMAT, key: "CHECKSUM", value });
            None
        }
        found => found.and_then(|(_, sum)| sum),
    };
    let mut number = |key| {
        let text = header.value(key)?;
        let number = decimal(text);
        if number.is_none() {
            warnings.push(Warning::UnreadableHeaderValue { format: FORMAT, key, value: abridged(text) });
        }
        number
    };
    let averages = [number("PLAQUETTE"), number("LINK_TRACE")];
    let [plaquette, link_trace] = averages.map(|average| average.map(|(value, _)| value));
    let rounding = averages.map(|average| average.map_or(0.0, |(_, rounding)| rounding));
    let stated = Stated {
        checksum: checksum.map(Checksum::Nersc),
        plaquette,
        link_trace,
        rounding,
        ..Stated::default()
    };
    let description = Description { body, offset: length as u64, stated };
    let mut description = measured(FORMAT, description, size, warnings)?;
    if order.is_none() {
        description.body.byte_order = found_order(source, &description, checksum, warnings)?;
    }
    Ok(description)
}

/// The header of a new file.
pub(crate) fn header(body: &Body, plaquette: f64, link_trace: f64, checksum: u32) -> Vec<u8> {
    let Body { dims: [x, y, z, t], nc, .. } = *body;
    let rows = if body.rows == Rows::All { format!("_{nc}x{nc}") } else { String::new() };
    let bits = body.precision.bits();
    let order = if body.byte_order == ByteOrder::Big { "BIG" } else { "LITTLE" };
    let boundaries: String = (1..=4).map(|d| format!("BOUNDARY_{d} = PERIODIC\n")).collect();
    format!(
        "BEGIN_HEADER\nHDR_VERSION = 1.0\nDATATYPE = 4D_SU{nc}_GAUGE{rows}\nSTORAGE_FORMAT = 1.0\n\
         DIMENSION_1 = {x}\nDIMENSION_2 = {y}\nDIMENSION_3 = {z}\nDIMENSION_4 = {t}\n\
         LINK_TRACE = {link_trace:.15}\nPLAQUETTE = {plaquette:.15}\n{boundaries}CHECKSUM = {checksum:08x}\n\
         ENSEMBLE_LABEL = unnamed\nENSEMBLE_ID = unnamed\nSEQUENCE_NUMBER = 0\nCREATOR = gaugelink\n\
         FLOATING_POINT = IEEE{bits}{order}\nEND_HEADER\n"
    )
    .into_bytes()
}

/// Length of the header with the end of its last line.
fn length(head: &[u8]) -> Option<usize> {
    let mut start = 0;
    for line in head.split_inclusive(|&byte| byte == b'\n') {
        start += line.len();
        if line.trim_ascii() == END {
            return line.ends_with(b"\n").then_some(start);
        }
    }
    None
}

/// Keys and values, however they are spaced.
struct Header(Vec<(String, String)>);

impl Header {
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        Self(pairs.map(|(key, value)| (key.trim().to_ascii_uppercase(), value.trim().to_owned())).collect())
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
    }
}

/// Colours and rows of `4D_SU3_GAUGE` (two) or `4D_SU3_GAUGE_3x3` (all); two make a link of SU(3) only.
fn datatype(text: &str) -> Option<(usize, Rows)> {
    let text = text.to_ascii_uppercase();
    let (nc, rows) = text.strip_prefix("4D_SU")?.split_once("_GAUGE")?;
    let nc: usize = nc.parse().ok().filter(|nc| (2..=4).contains(nc))?;
    match rows {
        "" => (nc == 3).then_some((nc, Rows::Two)),
        _ => (rows == format!("_{nc}X{nc}")).then_some((nc, Rows::All)),
    }
}

/// Precision and, where it is told, order of bytes of `IEEE32BIG`, `IEEE64LITTLE`, `IEEE32` …
fn floating_point(text: &str) -> Option<(Precision, Option<ByteOrder>)> {
    let text = text.to_ascii_uppercase();
    let (bits, order) = text.strip_prefix("IEEE")?.split_at_checked(2)?;
    let precision = match bits {
        "32" => Precision::F32,
        "64" => Precision::F64,
        _ => return None,
    };
    match order {
        "" => Some((precision, None)),
        "BIG" => Some((precision, Some(ByteOrder::Big))),
        "LITTLE" => Some((precision, Some(ByteOrder::Little))),
        _ => None,
    }
}

/// The body as stated, or with more rows or wider numbers, where those fit the file to the byte. A shorter one is not
/// looked for: it may be a file that was cut.
fn by_length(stated: Body, present: u64, warnings: &mut Vec<Warning>) -> Body {
    let fits = |body: &Body| body.checked().is_ok_and(|body| body.bytes() == present);
    if fits(&stated) {
        return stated;
    }
    let all = [Rows::Two, Rows::All].into_iter();
    let other = all
        .flat_map(|rows| [Precision::F32, Precision::F64].map(|precision| Body { rows, precision, ..stated }))
        .find(|body| body.unit_bytes() > stated.unit_bytes() && fits(body));
    let shown = |body: &Body| {
        let rows = if body.rows == Rows::Two { "two rows" } else { "all rows" };
        format!("{rows} of {}-bit numbers", body.precision.bits())
    };
    other
        .inspect(|used| {
            let (stated, used) = (shown(&stated), shown(used));
            warnings.push(Warning::HeaderContradictsLength { format: FORMAT, stated, used });
        })
        .unwrap_or(stated)
}

/// The order of bytes that the checksum confirms, else the one in which the first numbers are of a link's size.
fn found_order(
    source: &impl ReadAt,
    description: &Description,
    stored: Option<u32>,
    warnings: &mut Vec<Warning>,
) -> Result<ByteOrder> {
    let (offset, bytes) = (description.offset, description.body.bytes());
    let precision = description.body.precision;
    let mut memory = buffer(bytes.min(1 << 19))?;
    let orders = [ByteOrder::Big, ByteOrder::Little];
    let (mut sums, mut plausible) = ([0u32; 2], [0u64; 2]);
    let mut done = 0;
    while done < bytes {
        let count = (bytes - done).min(memory.len() as u64) as usize;
        let part = &mut memory[..count];
        read(source, part, offset + done)?;
        for word in part.as_chunks::<4>().0 {
            sums[0] = sums[0].wrapping_add(u32::from_be_bytes(*word));
            sums[1] = sums[1].wrapping_add(u32::from_le_bytes(*word));
        }
        if done == 0 {
            let count = count.min(SAMPLE as usize * precision.bytes()) / precision.bytes();
            let mut numbers = vec![0.0f64; count];
            for (order, plausible) in orders.into_iter().zip(&mut plausible) {
                decode_ordered(order, precision, &part[..count * precision.bytes()], &mut numbers)?;
                let sized = |x: &&f64| **x == 0.0 || (1e-12..1.001).contains(&x.abs());
                *plausible = numbers.iter().filter(sized).count() as u64;
            }
        }
        done += count as u64;
    }
    let told: Vec<ByteOrder> = orders
        .into_iter()
        .zip(sums)
        .filter_map(|(order, sum)| (stored == Some(sum)).then_some(order))
        .collect();
    if let [order] = told[..] {
        warnings.push(Warning::ByteOrderByChecksum { order });
        return Ok(order);
    }
    let order = if plausible[1] > plausible[0] { ByteOrder::Little } else { ByteOrder::Big };
    warnings.push(Warning::ByteOrderGuessed { order });
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gauge::{GaugeFile, Sums};

    const LINKS: usize = 2 * 2 * 3 * 4 * 4;

    /// A header with odd spacing, and numbers between -1 and 1.
    fn file(datatype: &str, floating_point: &str, sum: Option<u32>, per_link: usize) -> Vec<u8> {
        let sum = sum.map_or(String::new(), |sum| format!("CHECKSUM= {sum:X}\n"));
        let mut bytes = format!(
            "BEGIN_HEADER\nHDR_VERSION =1.0\nDATATYPE=  {datatype}  \ndimension_1 = 2\nDIMENSION_2=2\nDIMENSION_3 =3\r\n\
             DIMENSION_4   =   4\nPLAQUETTE = 0.25\nLINK_TRACE = -1.5e-1\nCREATOR = a = b\n{sum}\
             FLOATING_POINT = {floating_point}\nEND_HEADER\n"
        )
        .into_bytes();
        let numbers = (0..LINKS * per_link).map(|i| (i as f64 * 0.7 + 0.1).sin());
        let (double, little) = (floating_point.contains("64"), floating_point.ends_with("LITTLE"));
        for x in numbers {
            let mut number =
                if double { x.to_be_bytes().to_vec() } else { (x as f32).to_be_bytes().to_vec() };
            if little {
                number.reverse();
            }
            bytes.extend(number);
        }
        bytes
    }

    fn sum(file: &[u8], order: ByteOrder) -> u32 {
        let start = length(file).unwrap();
        file[start..].as_chunks::<4>().0.iter().fold(0, |sum, word| {
            sum.wrapping_add(match order {
                ByteOrder::Big => u32::from_be_bytes(*word),
                ByteOrder::Little => u32::from_le_bytes(*word),
            })
        })
    }

    fn open(bytes: &[u8]) -> GaugeFile<&[u8]> {
        GaugeFile::from_source(bytes, None, None).unwrap()
    }

    #[test]
    fn every_number_type_and_both_numbers_of_rows_are_read() {
        for (datatype, per_link, rows) in
            [("4D_SU3_GAUGE", 12, Rows::Two), ("4d_su3_gauge_3x3", 18, Rows::All)]
        {
            for (text, precision, order) in [
                ("IEEE32BIG", Precision::F32, ByteOrder::Big),
                ("IEEE32LITTLE", Precision::F32, ByteOrder::Little),
                ("IEEE64BIG", Precision::F64, ByteOrder::Big),
                ("IEEE64LITTLE", Precision::F64, ByteOrder::Little),
            ] {
                let stored = sum(&file(datatype, text, None, per_link), order);
                let bytes = file(datatype, text, Some(stored), per_link);
                let found = open(&bytes);
                let body = found.body();
                assert_eq!((body.dims, body.nc, body.rows), ([2, 2, 3, 4], 3, rows));
                assert_eq!((body.precision, body.byte_order), (precision, order), "{text}");
                let stated = found.stated();
                assert_eq!((stated.plaquette, stated.link_trace), (Some(0.25), Some(-0.15)));
                assert_eq!(stated.checksum, Some(found.sums(false).unwrap().checksum()), "{text}");
                assert_eq!(found.warnings(), []);
                let mut numbers = vec![0.0f64; body.numbers_per_unit()];
                found.read_units(1..2, 1, false, |chunk| body.decode(chunk.bytes, &mut numbers)).unwrap();
                // The second site's first number.
                let expected = ((4 * per_link) as f64 * 0.7 + 0.1).sin();
                assert!((numbers[0] - expected).abs() < 1e-7, "{text}");
            }
        }
    }

    #[test]
    fn the_checksum_decides_on_an_order_that_is_not_told() {
        for order in [ByteOrder::Big, ByteOrder::Little] {
            let written = if order == ByteOrder::Big { "IEEE32BIG" } else { "IEEE32LITTLE" };
            let stored = sum(&file("4D_SU3_GAUGE", written, None, 12), order);
            let ambiguous = |sum| {
                let bytes = file("4D_SU3_GAUGE", written, sum, 12);
                let text =
                    String::from_utf8_lossy(&bytes[..length(&bytes).unwrap()]).replace(written, "IEEE32");
                [text.as_bytes(), &bytes[length(&bytes).unwrap()..]].concat()
            };
            let bytes = ambiguous(Some(stored));
            let found = open(&bytes);
            assert_eq!(found.body().byte_order, order);
            assert_eq!(found.warnings(), [Warning::ByteOrderByChecksum { order }]);
            // Where it is wrong, the numbers are looked at, and it stays wrong.
            let bytes = ambiguous(Some(stored ^ 1));
            let found = open(&bytes);
            assert_eq!(found.body().byte_order, order);
            assert_eq!(found.warnings(), [Warning::ByteOrderGuessed { order }]);
            assert_ne!(Some(found.sums(false).unwrap().checksum()), found.stated().checksum);
        }
    }

    #[test]
    fn the_length_corrects_rows_and_precision() {
        let bytes = file("4D_SU3_GAUGE", "IEEE32BIG", None, 18);
        let found = open(&bytes);
        assert_eq!((found.body().rows, found.body().precision), (Rows::All, Precision::F32));
        let text = found.warnings()[0].to_string();
        assert!(text.contains("two rows of 32-bit") && text.contains("all rows of 32-bit"), "{text}");
        assert_eq!(found.warnings()[1], Warning::NoStoredChecksum { format: FORMAT });
        let bytes = file("4D_SU3_GAUGE", "IEEE32BIG", None, 12);
        let short = GaugeFile::from_source(&bytes[..bytes.len() - 1], None, None).unwrap_err();
        assert!(matches!(short, Error::TruncatedBody { .. }), "{short}");
    }

    #[test]
    fn unusable_headers_are_refused_with_the_line() {
        let whole = file("4D_SU3_GAUGE", "IEEE32BIG", Some(1), 12);
        let refused = |from: &str, to: &str| {
            let start = length(&whole).unwrap();
            let text = String::from_utf8_lossy(&whole[..start]).replacen(from, to, 1);
            let bytes = [text.as_bytes(), &whole[start..]].concat();
            GaugeFile::from_source(bytes.as_slice(), None, None).unwrap_err().to_string()
        };
        assert!(refused("DIMENSION_2=2", "DIMENSION_2=0").contains("DIMENSION_2 is 0"));
        assert!(refused("DIMENSION_2=2", "DIMENSION_2=4294967296").contains("DIMENSION_2"));
        assert!(refused("DIMENSION_4   =   4", "").contains("DIMENSION_4 is missing"));
        assert!(refused("4D_SU3_GAUGE", "4D_SU2_GAUGE").contains("DATATYPE is `4D_SU2_GAUGE`"));
        assert!(refused("IEEE32BIG", "IEEE80BIG").contains("FLOATING_POINT"));
        assert!(refused("END_HEADER\n", "").contains("no END_HEADER"));
    }

    #[test]
    fn averages_have_the_digits_that_are_written() {
        let body = |value: &str| {
            let mut bytes = file("4D_SU3_GAUGE", "IEEE32BIG", None, 12);
            let at = bytes.windows(7).position(|text| text == b"-1.5e-1").unwrap();
            bytes.splice(at..at + 7, value.bytes());
            bytes
        };
        for (written, value, rounding) in
            [("0.200000", 0.2, 0.5e-6), ("0.2", 0.2, 0.05), ("1.3D-01", 0.13, 0.5e-2), ("2e-1", 0.2, 0.05)]
        {
            let bytes = body(written);
            let stated = *open(&bytes).stated();
            assert_eq!(stated.link_trace, Some(value), "{written}");
            assert!((stated.rounding[1] / rounding - 1.0).abs() < 1e-12, "{written}: {stated:?}");
        }
        for written in ["nan", "inf", "0,133", "x"] {
            let bytes = body(written);
            let file = open(&bytes);
            let value = written.to_owned();
            let unreadable = Warning::UnreadableHeaderValue { format: FORMAT, key: "LINK_TRACE", value };
            assert!(file.stated().link_trace.is_none() && file.warnings().contains(&unreadable), "{written}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for (rows, nc) in [(Rows::Two, 3), (Rows::All, 3), (Rows::All, 2), (Rows::All, 4)] {
            let (precision, byte_order, order) = (Precision::F64, ByteOrder::Big, Order::Canonical);
            let body = Body { dims: [2, 3, 4, 5], nc, precision, byte_order, rows, order };
            let mut bytes = header(&body, 0.5, -0.125, 0xbeef);
            bytes.resize(bytes.len() + body.bytes() as usize, 0);
            let found = open(&bytes);
            assert_eq!(*found.body(), body);
            assert_eq!((found.stated().plaquette, found.stated().link_trace), (Some(0.5), Some(-0.125)));
            assert_eq!(found.stated().checksum, Some(Checksum::Nersc(0xbeef)));
            assert_eq!(found.sums(false).unwrap().nersc, Sums::default().nersc);
            assert_eq!(found.warnings(), []);
        }
    }
}
