//! openQCD's configurations, as `export_cnfg` writes them: little endian; i32 extents t, x, y, z; f64 plaquette summed
//! over colours (3 for unit links); then for each odd site, z fastest and t slowest, its eight links.
//!
//! There is no magic number and no checksum. DDalphaAMG has the same header, and only the plaquette of the links can
//! tell the two apart.

use crate::access::ReadAt;
use crate::endian::ByteOrder;
use crate::error::{Error, Result};
use crate::format::Precision;
use crate::gauge::{
    Body, Description, FileFormat, Order, Rows, Stated, extents, finite, head, measured, settled,
};
use crate::shape::Shape;
use crate::warning::Warning;

/// Extents and plaquette.
pub(crate) const HEADER: usize = 24;

/// Whether a file of this size may begin with this header.
pub(crate) fn fits(head: &[u8], size: u64) -> bool {
    exact(head, size, |n| [n[1], n[2], n[3], n[0]], Order::OpenQcd)
}

/// The description in a file's header.
pub(crate) fn describe(
    source: &impl ReadAt,
    given: Option<Shape>,
    warnings: &mut Vec<Warning>,
) -> Result<Description> {
    describe_as(FileFormat::OpenQcd, |n| [n[1], n[2], n[3], n[0]], Order::OpenQcd, source, given, warnings)
}

/// The header of a new file.
pub(crate) fn header(body: &Body, plaquette: f64) -> Vec<u8> {
    let [x, y, z, t] = body.dims;
    encoded([t, x, y, z], plaquette)
}

/// Whether the header's lattice fills the file to the byte. `to_xyzt` sorts the header's extents.
pub(crate) fn exact(head: &[u8], size: u64, to_xyzt: fn([i32; 4]) -> [i32; 4], order: Order) -> bool {
    let body = parse(head).and_then(|(n, _)| Some(body(extents(to_xyzt(n))?, order)));
    body.and_then(|body| body.checked().ok()).is_some_and(|body| body.bytes() + HEADER as u64 == size)
}

/// Reads the header that openQCD and DDalphaAMG share.
pub(crate) fn describe_as(
    format: FileFormat,
    to_xyzt: fn([i32; 4]) -> [i32; 4],
    order: Order,
    source: &impl ReadAt,
    given: Option<Shape>,
    warnings: &mut Vec<Warning>,
) -> Result<Description> {
    let (head, size) = head(source, HEADER as u64)?;
    let bad = |detail: String| Error::BadHeader { format, detail };
    let (numbers, plaquette) =
        parse(&head).ok_or_else(|| bad(format!("the file has {size} of its {HEADER} bytes")))?;
    let dims = extents(to_xyzt(numbers)).ok_or_else(|| bad(format!("the extents are {numbers:?}")))?;
    let shape = settled(format, Shape { dims, nc: 3 }, given, warnings);
    if shape.nc != 3 {
        return Err(bad(format!("the links are SU(3), not nc = {}", shape.nc)));
    }
    let stated = Stated { plaquette: finite(format, plaquette / 3.0, warnings), ..Stated::default() };
    let description = Description { body: body(shape.dims, order), offset: HEADER as u64, stated };
    measured(format, description, size, warnings)
}

/// The bytes of the shared header.
pub(crate) fn encoded(extents: [usize; 4], plaquette: f64) -> Vec<u8> {
    let mut bytes: Vec<u8> = extents.iter().flat_map(|&n| (n as i32).to_le_bytes()).collect();
    bytes.extend((3.0 * plaquette).to_le_bytes());
    bytes
}

fn parse(head: &[u8]) -> Option<([i32; 4], f64)> {
    let (numbers, rest) = head.get(..HEADER)?.split_at(16);
    let mut n = [0; 4];
    for (n, bytes) in n.iter_mut().zip(numbers.as_chunks::<4>().0) {
        *n = i32::from_le_bytes(*bytes);
    }
    Some((n, f64::from_le_bytes(rest.try_into().ok()?)))
}

fn body(dims: [usize; 4], order: Order) -> Body {
    let (precision, byte_order, rows) = (Precision::F64, ByteOrder::Little, Rows::All);
    Body { dims, nc: 3, precision, byte_order, rows, order }
}
