//! What a gauge configuration is made of, as the `ildg-format` record states it.

use std::fmt;

use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::xml::escape;

/// Width of the stored IEEE numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 32 bits.
    F32,
    /// 64 bits.
    F64,
}

impl Precision {
    /// Bits a number: 32 or 64.
    pub fn bits(self) -> u32 {
        match self {
            Self::F32 => 32,
            Self::F64 => 64,
        }
    }

    /// Bytes a number: 4 or 8.
    pub fn bytes(self) -> usize {
        self.bits() as usize / 8
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bit", self.bits())
    }
}

/// Format of a gauge field: what its payload really holds, which `ildg-format` may have stated wrongly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IldgFormat {
    /// Version of the ILDG format, e.g. `1.0`; empty where the file states none.
    pub version: String,
    /// Name of the field: `su3gauge`, `su2gauge`, `u1gauge`.
    pub field: String,
    /// Width of the stored numbers.
    pub precision: Precision,
    /// Extents in x, y, z, t; 1 in the later ones for fewer dimensions.
    pub dims: [usize; 4],
    /// Number of colours; 1 means U(1).
    pub nc: usize,
}

impl IldgFormat {
    /// Format of a field to be written: version 1.0 for SU(3), as every code reads, else 1.2, which knows other
    /// groups.
    ///
    /// # Errors
    /// [`Error::ImpossibleShape`] for a vanishing extent, `nc` outside 1 to 4, or a payload of 2^63 bytes or more.
    pub fn new(dims: [usize; 4], nc: usize, precision: Precision) -> Result<Self> {
        let shape = Shape { dims, nc };
        match shape.payload_bytes(precision) {
            Some(bytes) if bytes <= i64::MAX as u64 => {}
            _ => return Err(Error::ImpossibleShape { what: shape.to_string() }),
        }
        let version = if nc == 3 { "1.0" } else { "1.2" };
        Ok(Self { version: version.into(), field: field_name(nc), precision, dims, nc })
    }

    /// Number of sites.
    pub fn volume(&self) -> u64 {
        self.dims.iter().map(|&extent| extent as u64).product()
    }

    /// Real numbers a site: four links of `nc²` complex numbers.
    pub fn numbers_per_site(&self) -> usize {
        8 * self.nc * self.nc
    }

    /// Bytes a site.
    pub fn site_bytes(&self) -> usize {
        self.numbers_per_site() * self.precision.bytes()
    }

    /// The `ildg-format` record on one line with QIO's closing NUL.
    pub(crate) fn to_xml(&self) -> String {
        let Self { version, field, precision, dims: [lx, ly, lz, lt], .. } = self;
        let (version, bits) = (escape(version), precision.bits());
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ildgFormat xmlns=\"http://www.lqcd.org/ildg\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:schemaLocation=\"http://www.lqcd.org/ildg/filefmt.xsd\"><version>{version}</version>\
             <field>{field}</field><precision>{bits}</precision><lx>{lx}</lx><ly>{ly}</ly><lz>{lz}</lz>\
             <lt>{lt}</lt></ildgFormat>\0"
        )
    }
}

/// Name of the field of links with `nc` colours.
pub(crate) fn field_name(nc: usize) -> String {
    if nc == 1 { "u1gauge".into() } else { format!("su{nc}gauge") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_a_double_precision_su3_site() {
        let format = IldgFormat::new([4, 4, 4, 8], 3, Precision::F64).unwrap();
        // 4 links of 3 x 3 complex doubles.
        assert_eq!((format.volume(), format.numbers_per_site(), format.site_bytes()), (512, 72, 576));
        assert_eq!((format.version.as_str(), format.field.as_str()), ("1.0", "su3gauge"));
    }

    #[test]
    fn impossible_formats_are_refused() {
        let half = 1usize << 16;
        for (dims, nc) in [
            ([4, 0, 4, 4], 3),
            ([4; 4], 0),
            ([4; 4], 5),
            ([half; 4], 3),
            ([half / 2, half, half, half / 2], 1),
        ] {
            assert!(matches!(IldgFormat::new(dims, nc, Precision::F64), Err(Error::ImpossibleShape { .. })));
        }
    }
}
