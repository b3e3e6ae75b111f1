//! MILC's configurations: single precision, SU(3), sites and links in ILDG's order, bytes in either order, which the
//! magic number tells.
//!
//! Version 5 to 7 (magic 20103), 96 bytes: i32 magic, i32 extents x, y, z, t, 64 characters of date, i32 order of
//! sites (0: x fastest), u32 sum29, u32 sum31. Versions 1 to 4 (magic 59354), 28 bytes: i32 magic, i32 extents, two
//! f32 couplings, and no checksum.

use crate::access::ReadAt;
use crate::endian::ByteOrder;
use crate::error::{Error, Result};
use crate::format::Precision;
use crate::gauge::{
    Body, Checksum, Description, FileFormat, MilcChecksum, Order, Rows, Stated, extents, head, measured,
    settled,
};
use crate::shape::Shape;
use crate::warning::Warning;

const FORMAT: FileFormat = FileFormat::Milc;
const VERSION_5: u32 = 20103;
const VERSION_4: u32 = 59354;
const HEADER_5: usize = 96;
const HEADER_4: usize = 28;
/// Where the order of sites stands in version 5.
const SITE_ORDER: usize = 84;

/// Whether a file that begins so is one of MILC's.
pub(crate) fn begins(head: &[u8]) -> bool {
    magic(head).is_some()
}

/// The description in a file's header.
pub(crate) fn describe(
    source: &impl ReadAt,
    given: Option<Shape>,
    warnings: &mut Vec<Warning>,
) -> Result<Description> {
    let (head, size) = head(source, HEADER_5 as u64)?;
    let bad = |detail: String| Error::BadHeader { format: FORMAT, detail };
    let (version, byte_order) =
        magic(&head).ok_or_else(|| bad("the magic number is neither 20103 nor 59354".into()))?;
    let length = if version == VERSION_5 { HEADER_5 } else { HEADER_4 };
    if head.len() < length {
        return Err(bad(format!("the file has {size} of its {length} bytes")));
    }
    let word = |at: usize| word(&head, at, byte_order).unwrap_or_default();
    let numbers = [4, 8, 12, 16].map(|at| word(at) as i32);
    let dims = extents(numbers).ok_or_else(|| bad(format!("the extents are {numbers:?}")))?;
    if version == VERSION_5 && word(SITE_ORDER) != 0 {
        return Err(bad(format!(
            "the sites stand in the order {} of a checkpoint, not in the natural order 0: let MILC reload and save it \
             with save_serial",
            word(SITE_ORDER) as i32
        )));
    }
    let shape = settled(FORMAT, Shape { dims, nc: 3 }, given, warnings);
    if shape.nc != 3 {
        return Err(bad(format!("the links are SU(3), not nc = {}", shape.nc)));
    }
    let (precision, rows, order) = (Precision::F32, Rows::All, Order::Canonical);
    let body = Body { dims: shape.dims, nc: 3, precision, byte_order, rows, order };
    let sums = MilcChecksum { sum29: word(SITE_ORDER + 4), sum31: word(SITE_ORDER + 8) };
    let checksum = (version == VERSION_5).then_some(Checksum::Milc(sums));
    let stated = Stated { checksum, ..Stated::default() };
    measured(FORMAT, Description { body, offset: length as u64, stated }, size, warnings)
}

/// The header of a new file, of version 5. The date is left out: two runs of one seed write the same bytes.
pub(crate) fn header(body: &Body, sums: MilcChecksum) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_5);
    let mut put = |word: u32| match body.byte_order {
        ByteOrder::Big => bytes.extend(word.to_be_bytes()),
        ByteOrder::Little => bytes.extend(word.to_le_bytes()),
    };
    put(VERSION_5);
    body.dims.iter().for_each(|&extent| put(extent as u32));
    (0..16).for_each(|_| put(0));
    [0, sums.sum29, sums.sum31].into_iter().for_each(put);
    bytes
}

fn magic(head: &[u8]) -> Option<(u32, ByteOrder)> {
    [ByteOrder::Big, ByteOrder::Little].into_iter().find_map(|order| {
        let magic = word(head, 0, order)?;
        [VERSION_5, VERSION_4].contains(&magic).then_some((magic, order))
    })
}

fn word(head: &[u8], at: usize, order: ByteOrder) -> Option<u32> {
    let bytes = head.get(at..at + 4)?.try_into().ok()?;
    Some(match order {
        ByteOrder::Big => u32::from_be_bytes(bytes),
        ByteOrder::Little => u32::from_le_bytes(bytes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gauge::GaugeFile;

    /// A file written out by hand, in either order of bytes.
    fn file(version: u32, dims: [u32; 4], site_order: u32, big: bool) -> Vec<u8> {
        let put = |word: u32| if big { word.to_be_bytes() } else { word.to_le_bytes() };
        let mut bytes = put(version).to_vec();
        dims.iter().for_each(|&n| bytes.extend(put(n)));
        if version == 20103 {
            bytes.extend(b"Sat Apr 27 10:11:12 1996".iter().chain(&[0; 40]));
            [site_order, 0xa, 0xb].iter().for_each(|&n| bytes.extend(put(n)));
        } else {
            bytes.extend([0; 8]);
        }
        let links = dims.iter().product::<u32>() as usize * 4;
        bytes.resize(bytes.len() + links * 72, 0);
        bytes
    }

    #[test]
    fn both_versions_are_read_in_either_order_of_bytes() {
        for big in [true, false] {
            let byte_order = if big { ByteOrder::Big } else { ByteOrder::Little };
            let bytes = file(20103, [2, 3, 4, 5], 0, big);
            let found = GaugeFile::from_source(bytes.as_slice(), None, None).unwrap();
            assert_eq!((found.format(), found.body().dims, found.offset()), (FORMAT, [2, 3, 4, 5], 96));
            assert_eq!(found.body().byte_order, byte_order);
            let stated = MilcChecksum { sum29: 0xa, sum31: 0xb };
            assert_eq!(found.stated().checksum, Some(Checksum::Milc(stated)));
            assert_eq!(found.warnings(), []);
            let mut dateless = bytes[..96].to_vec();
            dateless[20..84].fill(0);
            assert_eq!(header(found.body(), stated), dateless);

            let bytes = file(59354, [2, 3, 4, 5], 0, big);
            let found = GaugeFile::from_source(bytes.as_slice(), None, None).unwrap();
            assert_eq!((found.body().dims, found.offset()), ([2, 3, 4, 5], 28));
            assert_eq!((found.body().byte_order, found.stated().checksum), (byte_order, None));
            assert_eq!(found.warnings(), [Warning::NoStoredChecksum { format: FORMAT }]);
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_the_reason() {
        let open = |bytes: &[u8]| GaugeFile::from_source(bytes, None, None).unwrap_err().to_string();
        assert!(open(&file(20103, [2, 2, 2, 2], 1, true)).contains("order 1 of a checkpoint"));
        assert!(open(&file(20103, [2, 0, 2, 2], 0, true)).contains("extents are [2, 0, 2, 2]"));
        let whole = file(20103, [2, 2, 2, 2], 0, false);
        assert!(open(&whole[..50]).contains("50 of its 96 bytes"));
        assert!(open(&whole[..whole.len() - 1]).contains("truncated"));
        let error = GaugeFile::from_source(&b"text"[..], Some(FORMAT), None).unwrap_err().to_string();
        assert!(error.contains("magic number"), "{error}");
    }
}
