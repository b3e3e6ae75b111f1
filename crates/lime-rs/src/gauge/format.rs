//! The file formats by name, and what each can hold.

use std::fmt;
use std::str::FromStr;

use crate::endian::ByteOrder;
use crate::error::{Error, Result};
use crate::format::Precision;
use crate::gauge::body::{Body, Rows};
use crate::gauge::order::Order;
use crate::gauge::sums::ChecksumKind;

/// Formats of gauge configurations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// ILDG in LIME records; QIO's, Grid's and tmLQCD's are such, with more records.
    Ildg,
    /// A SciDAC file of QIO without ILDG's records: the first field of four colour matrices a site.
    Scidac,
    /// The NERSC archive's: a text header and two or all rows.
    Nersc,
    /// MILC's version 5; version 4 is read.
    Milc,
    /// openQCD's.
    OpenQcd,
    /// DDalphaAMG's: openQCD's header, another order.
    DdAlphaAmg,
    /// HiRep's.
    HiRep,
    /// ILDG with the records of Grid, so that its strict reader accepts the file: a way of writing. Read, such a file is
    /// [`Self::Ildg`].
    Grid,
}

impl FileFormat {
    /// All that a file can be read as.
    pub const ALL: [Self; 7] =
        [Self::Ildg, Self::Scidac, Self::Nersc, Self::Milc, Self::OpenQcd, Self::DdAlphaAmg, Self::HiRep];

    /// The name, as options take it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ildg => "ildg",
            Self::Scidac => "scidac",
            Self::Nersc => "nersc",
            Self::Milc => "milc",
            Self::OpenQcd => "openqcd",
            Self::DdAlphaAmg => "ddalphaamg",
            Self::HiRep => "hirep",
            Self::Grid => "grid",
        }
    }

    /// Whether files are LIME records, with room for further ones.
    pub fn has_records(self) -> bool {
        matches!(self, Self::Ildg | Self::Scidac | Self::Grid)
    }

    /// Whether files have a logical file name.
    pub fn has_lfn(self) -> bool {
        matches!(self, Self::Ildg | Self::Grid)
    }

    /// The kind of checksum that files state; those that state none are summed as SciDAC's.
    pub fn checksum_kind(self) -> ChecksumKind {
        match self {
            Self::Nersc => ChecksumKind::Nersc,
            Self::Milc => ChecksumKind::Milc,
            _ => ChecksumKind::Scidac,
        }
    }

    /// Whether files can state a checksum.
    pub fn has_checksum(self) -> bool {
        self.has_records() || self.checksum_kind() != ChecksumKind::Scidac
    }

    /// Whether files state a plaquette always, so that a writer must know it.
    pub fn states_plaquette(self) -> bool {
        matches!(self, Self::Nersc | Self::OpenQcd | Self::DdAlphaAmg | Self::HiRep | Self::Grid)
    }

    /// How a new file holds these links.
    ///
    /// # Errors
    /// [`Error::CannotHold`], with the reason (group, precision, rows or extents) and formats that can;
    /// [`Error::ImpossibleShape`].
    pub fn body(self, dims: [usize; 4], nc: usize, precision: Precision, rows: Rows) -> Result<Body> {
        if let Some(reason) = self.refusal(dims, nc, precision, rows) {
            let able = Self::ALL.into_iter().filter(|f| f.refusal(dims, nc, precision, rows).is_none());
            let able: Vec<&str> = able.map(Self::name).collect();
            let remedy = match (able.is_empty(), reason) {
                (_, Refusal::Precision(p)) => {
                    format!("ask for {p}-bit numbers, or write {}", able.join(" or "))
                }
                (true, _) => "keep all rows of every link".into(),
                (false, _) => format!("write {} instead", able.join(" or ")),
            };
            return Err(Error::CannotHold { format: self, what: reason.to_string(), remedy });
        }
        let (byte_order, order) = match self {
            Self::Ildg | Self::Scidac | Self::Nersc | Self::Grid => (ByteOrder::Big, Order::Canonical),
            Self::Milc => (ByteOrder::Little, Order::Canonical),
            Self::OpenQcd => (ByteOrder::Little, Order::OpenQcd),
            Self::DdAlphaAmg => (ByteOrder::Little, Order::DdAlphaAmg),
            Self::HiRep => (ByteOrder::Big, Order::HiRep),
        };
        Body { dims, nc, precision, byte_order, rows, order }.checked()
    }

    fn refusal(self, dims: [usize; 4], nc: usize, precision: Precision, rows: Rows) -> Option<Refusal> {
        let (groups, precisions, two_rows): (_, &[Precision], bool) = match self {
            Self::Ildg | Self::Scidac => (1..=4, &[Precision::F32, Precision::F64], false),
            Self::Nersc => (2..=4, &[Precision::F32, Precision::F64], true),
            Self::Grid => (2..=4, &[Precision::F32, Precision::F64], false),
            Self::Milc => (3..=3, &[Precision::F32], false),
            Self::OpenQcd | Self::DdAlphaAmg => (3..=3, &[Precision::F64], false),
            Self::HiRep => (2..=4, &[Precision::F64], false),
        };
        if !groups.contains(&nc) {
            return Some(Refusal::Group { nc, only_su3: groups == (3..=3) });
        }
        match rows {
            Rows::All => {}
            Rows::Two if two_rows && nc == 3 => {}
            Rows::Two => return Some(Refusal::Rows { su3: nc == 3 }),
            Rows::Quaternion => return Some(Refusal::Rows { su3: true }),
        }
        if self == Self::OpenQcd && !Order::OpenQcd.exists(dims) {
            return Some(Refusal::Extents);
        }
        // Grid's averages are over four directions, ours over those of the lattice.
        if self == Self::Grid && dims[3] == 1 {
            return Some(Refusal::Dimensions);
        }
        let other = precisions.first().map_or(64, |p| p.bits());
        (!precisions.contains(&precision)).then_some(Refusal::Precision(other))
    }
}

/// Why a format cannot hold links.
#[derive(Clone, Copy)]
enum Refusal {
    Group { nc: usize, only_su3: bool },
    Rows { su3: bool },
    Extents,
    Dimensions,
    Precision(u32),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group { nc, only_su3 } => {
                let name = if *nc == 1 { "U(1)".into() } else { format!("SU({nc})") };
                let group = if *only_su3 { "SU(3)" } else { "SU(2) to SU(4)" };
                write!(f, "links of {group} only, and these are of the group {name}")
            }
            Self::Rows { su3: true } => write!(f, "all rows of a link only"),
            Self::Rows { su3: false } => write!(f, "all rows of these links: two suffice for SU(3) only"),
            Self::Extents => write!(f, "lattices of even extents only"),
            Self::Dimensions => write!(f, "lattices of four dimensions only"),
            Self::Precision(bits) => write!(f, "numbers of {bits}-bit precision only"),
        }
    }
}

impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for FileFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter().chain([Self::Grid]);
        all.find(|format| format.name().eq_ignore_ascii_case(text)).ok_or_else(|| {
            format!("the formats are {}, and grid for writing", Self::ALL.map(Self::name).join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_the_round_trip() {
        for format in FileFormat::ALL.into_iter().chain([FileFormat::Grid]) {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert!("lime".parse::<FileFormat>().unwrap_err().contains("openqcd"));
    }

    #[test]
    fn refusals_name_the_reason_and_a_format_that_can() {
        let refused = |format: FileFormat, dims, nc, precision, rows| {
            format.body(dims, nc, precision, rows).unwrap_err().to_string()
        };
        let (all, single, double) = (Rows::All, Precision::F32, Precision::F64);
        let text = refused(FileFormat::Milc, [4; 4], 2, single, all);
        assert!(
            text.contains("of the group SU(2)") && text.contains("write ildg or scidac or nersc instead"),
            "{text}"
        );
        let text = refused(FileFormat::Milc, [4; 4], 3, double, all);
        assert!(
            text.contains("32-bit precision only") && text.contains("or write ildg or scidac or nersc"),
            "{text}"
        );
        let text = refused(FileFormat::HiRep, [4; 4], 3, single, all);
        assert!(text.contains("64-bit precision only"), "{text}");
        let text = refused(FileFormat::OpenQcd, [4, 4, 3, 4], 3, double, all);
        assert!(text.contains("even extents") && text.contains("ddalphaamg"), "{text}");
        let text = refused(FileFormat::Nersc, [4; 4], 2, double, Rows::Two);
        assert!(text.contains("two suffice for SU(3) only"), "{text}");
        let text = refused(FileFormat::Nersc, [4; 4], 1, double, all);
        assert!(text.contains("U(1)") && text.ends_with("write ildg or scidac instead"), "{text}");
        let text = refused(FileFormat::Grid, [4; 4], 1, double, all);
        assert!(text.contains("U(1)") && text.ends_with("write ildg or scidac instead"), "{text}");
        let text = refused(FileFormat::Grid, [4, 4, 4, 1], 3, double, all);
        assert!(text.contains("four dimensions only") && text.contains("write ildg"), "{text}");
        for format in FileFormat::ALL {
            let precision = if format == FileFormat::Milc { single } else { double };
            assert!(format.body([4, 2, 6, 8], 3, precision, all).is_ok());
            assert!(matches!(format.body([0; 4], 3, precision, all), Err(Error::ImpossibleShape { .. })));
        }
    }
}
