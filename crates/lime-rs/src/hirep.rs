//! HiRep's configurations, as `write_gauge_field` writes them: big endian; i32 number of colours, extents t, x, y, z;
//! f64 average plaquette; then the sites with z fastest and t slowest, each with its links t, x, y, z. SU(2) links may
//! be four numbers each, where HiRep was compiled with quaternions.

use crate::access::ReadAt;
use crate::endian::ByteOrder;
use crate::error::{Error, Result};
use crate::format::Precision;
use crate::gauge::{
    Body, Description, FileFormat, Order, Rows, Stated, extents, finite, head, measured, settled,
};
use crate::shape::Shape;
use crate::warning::Warning;

const FORMAT: FileFormat = FileFormat::HiRep;
/// Colours, extents and plaquette.
const HEADER: usize = 28;

/// Whether a file of this size may begin with this header: its lattice fills the file to the byte.
pub(crate) fn fits(head: &[u8], size: u64) -> bool {
    let Some((shape, _)) = parse(head) else { return false };
    [Rows::All, Rows::Quaternion]
        .into_iter()
        .filter_map(|rows| body(shape, rows).checked().ok())
        .any(|body| body.bytes() + HEADER as u64 == size)
}

/// The description in a file's header.
pub(crate) fn describe(
    source: &impl ReadAt,
    given: Option<Shape>,
    warnings: &mut Vec<Warning>,
) -> Result<Description> {
    let (head, size) = head(source, HEADER as u64)?;
    let (shape, plaquette) = parse(&head).ok_or_else(|| Error::BadHeader {
        format: FORMAT,
        detail: "its five numbers are no colours and extents".into(),
    })?;
    let shape = settled(FORMAT, shape, given, warnings);
    let all = body(shape, Rows::All).checked()?;
    let quaternions = body(shape, Rows::Quaternion).checked().ok();
    let body = quaternions.filter(|short| short.bytes() + HEADER as u64 == size).unwrap_or(all);
    let stated = Stated { plaquette: finite(FORMAT, plaquette, warnings), ..Stated::default() };
    measured(FORMAT, Description { body, offset: HEADER as u64, stated }, size, warnings)
}

/// The header of a new file.
pub(crate) fn header(body: &Body, plaquette: f64) -> Vec<u8> {
    let [x, y, z, t] = body.dims;
    let mut bytes: Vec<u8> = [body.nc, t, x, y, z].iter().flat_map(|&n| (n as i32).to_be_bytes()).collect();
    bytes.extend(plaquette.to_be_bytes());
    bytes
}

fn parse(head: &[u8]) -> Option<(Shape, f64)> {
    let (numbers, rest) = head.get(..HEADER)?.split_at(20);
    let mut n = [0; 5];
    for (n, bytes) in n.iter_mut().zip(numbers.as_chunks::<4>().0) {
        *n = i32::from_be_bytes(*bytes);
    }
    let nc = usize::try_from(n[0]).ok().filter(|nc| (1..=4).contains(nc))?;
    let dims = extents([n[2], n[3], n[4], n[1]])?;
    Some((Shape { dims, nc }, f64::from_be_bytes(rest.try_into().ok()?)))
}

fn body(shape: Shape, rows: Rows) -> Body {
    let (precision, byte_order, order) = (Precision::F64, ByteOrder::Big, Order::HiRep);
    Body { dims: shape.dims, nc: shape.nc, precision, byte_order, rows, order }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gauge::GaugeFile;
    use crate::warning::Warning;

    /// A header written out by hand: colours, t, x, y, z.
    fn file(numbers: [i32; 5], plaquette: f64, bytes: usize) -> Vec<u8> {
        let mut file: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
        file.extend(plaquette.to_be_bytes());
        file.resize(28 + bytes, 0);
        file
    }

    #[test]
    fn headers_are_read_for_every_group() {
        for nc in 2..=4 {
            let bytes = file([nc, 8, 2, 4, 6], 0.5, 384 * 4 * (nc * nc) as usize * 16);
            let found = GaugeFile::from_source(bytes.as_slice(), None, None).unwrap();
            assert_eq!(
                (found.format(), found.body().dims, found.body().nc),
                (FORMAT, [2, 4, 6, 8], nc as usize)
            );
            assert_eq!((found.stated().plaquette, found.body().rows), (Some(0.5), Rows::All));
            assert_eq!(found.warnings(), [Warning::NoStoredChecksum { format: FORMAT }]);
            assert_eq!(header(found.body(), 0.5), bytes[..28]);
        }
    }

    #[test]
    fn a_plaquette_that_is_no_number_is_told() {
        for plaquette in [f64::NAN, f64::INFINITY] {
            let bytes = file([3, 4, 4, 4, 4], plaquette, 256 * 4 * 144);
            let found = GaugeFile::from_source(bytes.as_slice(), Some(FORMAT), None).unwrap();
            assert_eq!(found.stated().plaquette, None);
            let value = plaquette.to_string();
            let told = Warning::UnreadableHeaderValue { format: FORMAT, key: "plaquette", value };
            assert!(found.warnings().contains(&told), "{:?}", found.warnings());
        }
    }

    #[test]
    fn quaternions_are_known_by_the_length() {
        let bytes = file([2, 3, 1, 2, 2], 0.5, 12 * 4 * 4 * 8);
        let found = GaugeFile::from_source(bytes.as_slice(), None, None).unwrap();
        assert_eq!((found.body().rows, found.body().dims), (Rows::Quaternion, [1, 2, 2, 3]));
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let open = |bytes: &[u8]| GaugeFile::from_source(bytes, Some(FORMAT), None).unwrap_err();
        for numbers in [[0, 4, 4, 4, 4], [5, 4, 4, 4, 4], [3, 0, 4, 4, 4], [3, -1, 4, 4, 4]] {
            assert!(matches!(open(&file(numbers, 0.5, 64)), Error::BadHeader { .. }), "{numbers:?}");
        }
        assert!(matches!(open(&file([3, i32::MAX, i32::MAX, 9, 9], 0.5, 64)), Error::ImpossibleShape { .. }));
        assert!(matches!(open(&file([3, 4, 4, 4, 4], 0.5, 64)), Error::TruncatedBody { .. }));
        assert!(matches!(open(&[0; 27]), Error::BadHeader { .. }));
    }
}
