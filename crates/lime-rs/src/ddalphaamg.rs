//! DDalphaAMG's configurations: openQCD's header, but with extents t, z, y, x; then the sites with t slowest and x
//! fastest, each with its links t, z, y, x.

use crate::access::ReadAt;
use crate::error::Result;
use crate::gauge::{Body, Description, FileFormat, Order};
use crate::openqcd;
use crate::shape::Shape;
use crate::warning::Warning;

const TO_XYZT: fn([i32; 4]) -> [i32; 4] = |[t, z, y, x]| [x, y, z, t];

/// Whether a file of this size may begin with this header.
pub(crate) fn fits(head: &[u8], size: u64) -> bool {
    openqcd::exact(head, size, TO_XYZT, Order::DdAlphaAmg)
}

/// The description in a file's header.
pub(crate) fn describe(
    source: &impl ReadAt,
    given: Option<Shape>,
    warnings: &mut Vec<Warning>,
) -> Result<Description> {
    openqcd::describe_as(FileFormat::DdAlphaAmg, TO_XYZT, Order::DdAlphaAmg, source, given, warnings)
}

/// The header of a new file.
pub(crate) fn header(body: &Body, plaquette: f64) -> Vec<u8> {
    let [x, y, z, t] = body.dims;
    openqcd::encoded([t, z, y, x], plaquette)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::gauge::GaugeFile;
    use crate::warning::Warning;

    /// A header written out by hand, extents in its order.
    fn file(extents: [i32; 4], plaquette: f64, links: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = extents.iter().flat_map(|n| n.to_le_bytes()).collect();
        bytes.extend(plaquette.to_le_bytes());
        bytes.resize(24 + links * 144, 0);
        bytes
    }

    #[test]
    fn a_plaquette_that_is_no_number_is_told() {
        for format in [FileFormat::OpenQcd, FileFormat::DdAlphaAmg] {
            let bytes = file([4, 4, 4, 4], f64::NAN, 4 * 256);
            let found = GaugeFile::from_source(bytes.as_slice(), Some(format), None).unwrap();
            assert_eq!(found.stated().plaquette, None);
            let told = Warning::UnreadableHeaderValue { format, key: "plaquette", value: "NaN".into() };
            assert!(found.warnings().contains(&told), "{:?}", found.warnings());
        }
    }

    #[test]
    fn one_header_means_two_lattices() {
        let bytes = file([8, 2, 4, 6], 1.5, 4 * 384);
        let error = GaugeFile::from_source(bytes.as_slice(), None, None).unwrap_err();
        let Error::SeveralFormats { candidates } = error else { panic!("{error}") };
        assert_eq!(candidates, [FileFormat::OpenQcd, FileFormat::DdAlphaAmg]);
        for (format, dims) in [(FileFormat::OpenQcd, [2, 4, 6, 8]), (FileFormat::DdAlphaAmg, [6, 4, 2, 8])] {
            let file = GaugeFile::from_source(bytes.as_slice(), Some(format), None).unwrap();
            assert_eq!((file.body().dims, file.offset()), (dims, 24));
            assert_eq!(file.stated().plaquette, Some(0.5));
            assert_eq!(file.warnings(), [Warning::NoStoredChecksum { format }]);
        }
        // openQCD has no odd extents.
        let odd = file([8, 2, 4, 3], 1.5, 4 * 192);
        let found = GaugeFile::from_source(odd.as_slice(), None, None).unwrap();
        assert_eq!((found.format(), found.body().dims), (FileFormat::DdAlphaAmg, [3, 4, 2, 8]));
    }

    #[test]
    fn wrong_lengths_and_headers_are_refused_by_name() {
        let open =
            |bytes: &[u8], format| GaugeFile::from_source(bytes, format, None).map(|f| f.warnings().to_vec());
        let format = Some(FileFormat::OpenQcd);
        let short = file([4, 4, 4, 4], 1.5, 1023);
        assert!(matches!(open(&short, None), Err(Error::UnknownFormat { .. })));
        let error = open(&short, format).unwrap_err().to_string();
        assert!(error.contains("147456 bytes of links") && error.contains("has 147312"), "{error}");
        let long = file([4, 4, 4, 4], 1.5, 1025);
        let warned = FileFormat::OpenQcd;
        assert_eq!(
            open(&long, format).unwrap(),
            [
                Warning::TrailingBytes { format: warned, length: 144 },
                Warning::NoStoredChecksum { format: warned }
            ]
        );
        for extents in [[4, 0, 4, 4], [4, -4, 4, 4], [i32::MAX; 4], [3, 4, 4, 4]] {
            assert!(open(&file(extents, 1.5, 64), format).is_err(), "{extents:?}");
        }
        assert!(matches!(open(&[4, 0, 0], format), Err(Error::BadHeader { .. })));
    }
}
