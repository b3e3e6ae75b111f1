//! What a datum of a SciDAC record is made of: the number type, the kind of object, and the order of its components.

use super::info::RecordInfo;
use crate::format::Precision;

/// Type of the stored numbers, all big endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Number {
    /// IEEE, 32 bits (`F`).
    F32,
    /// IEEE, 64 bits (`D`).
    F64,
    /// Signed, 32 bits (`I`).
    I32,
    /// Unsigned, 32 bits (`U`).
    U32,
    /// Signed, 64 bits.
    I64,
    /// Unsigned, 64 bits.
    U64,
    /// Bytes: characters (`C`), Boolean values (`B`), states of random numbers (`S`), anything unknown.
    Byte,
}

impl Number {
    /// Bytes a number.
    pub fn bytes(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// Precision of floating-point numbers.
    pub fn precision(self) -> Option<Precision> {
        match self {
            Self::F32 => Some(Precision::F32),
            Self::F64 => Some(Precision::F64),
            Self::I32 | Self::U32 | Self::I64 | Self::U64 | Self::Byte => None,
        }
    }

    /// From QIO's letter, QDP++'s or Grid's name (`I32_t`).
    fn of_precision(precision: &str) -> Option<Self> {
        Some(match precision.trim_end_matches("_t") {
            "F" => Self::F32,
            "D" => Self::F64,
            "I" | "I32" => Self::I32,
            "U" | "U32" => Self::U32,
            "I64" => Self::I64,
            "U64" => Self::U64,
            "C" | "B" | "S" => Self::Byte,
            _ => return None,
        })
    }
}

/// Order of the components of an object with spin and colour, slowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ComponentOrder {
    /// Spin, colour. A propagator: sink spin, source spin, sink colour, source colour, a matrix of matrices.
    /// QDP++ (and with it USQCD's formats), Grid, tmLQCD.
    SpinColour,
    /// Colour, spin. A propagator: sink colour, sink spin, source colour, source spin. QDP/C (QLA's arrays).
    ColourSpin,
}

/// The objects at a site: `count` of them, one after the other, complex numbers with the real part first.
///
/// Matrices are stored by row and column; a gauge field or the links of a staggered action are four matrices in the
/// directions x, y, z, t.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// `nc × nc` complex matrices.
    ColourMatrix {
        /// Number of colours.
        nc: usize,
        /// Matrices a site.
        count: usize,
    },
    /// Vectors of `nc` complex numbers: staggered spinors.
    ColourVector {
        /// Number of colours.
        nc: usize,
        /// Vectors a site.
        count: usize,
    },
    /// Spinors of `ns · nc` complex numbers.
    Spinor {
        /// Number of spins.
        ns: usize,
        /// Number of colours.
        nc: usize,
        /// Spinors a site.
        count: usize,
        /// Order of the components.
        order: ComponentOrder,
    },
    /// Matrices in spin and colour, of `(ns · nc)²` complex numbers.
    Propagator {
        /// Number of spins.
        ns: usize,
        /// Number of colours.
        nc: usize,
        /// Propagators a site.
        count: usize,
        /// Order of the components.
        order: ComponentOrder,
    },
    /// Complex numbers.
    Complex {
        /// Numbers a site.
        count: usize,
    },
    /// Real or integer numbers, or numbers of unknown meaning.
    Numbers {
        /// Numbers a site.
        count: usize,
    },
}

impl Content {
    /// Stored numbers a site (or of the whole of global data), real and imaginary parts counted singly.
    pub fn numbers(&self) -> u64 {
        let (each, count) = match *self {
            Self::ColourMatrix { nc, count } => (2 * nc * nc, count),
            Self::ColourVector { nc, count } => (2 * nc, count),
            Self::Spinor { ns, nc, count, .. } => (2 * ns * nc, count),
            Self::Propagator { ns, nc, count, .. } => (2 * ns * nc * ns * nc, count),
            Self::Complex { count } => (2, count),
            Self::Numbers { count } => (1, count),
        };
        each as u64 * count as u64
    }

    /// Whether the site holds four colour matrices: a gauge field, if they are unitary.
    pub fn is_links(&self) -> bool {
        matches!(self, Self::ColourMatrix { count: 4, .. })
    }
}

/// Objects by name, before their count is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Matrix,
    Vector,
    Spinor,
    Propagator,
    Complex,
    Numbers,
    /// No name says it: the numbers of colours and spins and the size must.
    Unnamed,
}

/// What `datum_bytes` bytes a site hold according to the private record.
///
/// The length cannot be wrong, so statements that do not divide it are dropped: then the numbers have no meaning but
/// their type, and if not even that fits, they are bytes.
pub(super) fn resolve(info: &RecordInfo, datum_bytes: u64) -> (Number, Content) {
    let name = info.datatype.to_ascii_lowercase().replace("colour", "color");
    let family = family(&name);
    let order =
        if name.starts_with("qdp_") { ComponentOrder::ColourSpin } else { ComponentOrder::SpinColour };
    let stated = Number::of_precision(&info.precision);
    let nc = if info.colors > 0 { info.colors } else { colours_in(&name).unwrap_or(3) };
    let ns = if info.spins > 1 { info.spins } else { 4 };
    let candidates = match stated {
        // The other width is tried too, for a record that states the wrong one.
        Some(Number::F32) | None => vec![Number::F32, Number::F64],
        Some(Number::F64) => vec![Number::F64, Number::F32],
        Some(other) => vec![other],
    };
    let count_of = |number: Number, each: u64| {
        let size = each.checked_mul(number.bytes() as u64).filter(|&size| size > 0)?;
        let count = datum_bytes / size;
        let fits = count > 0 && datum_bytes.is_multiple_of(size);
        // Of two widths that divide, the one with the stated count is right.
        let agrees = info.datacount == 0 || count == info.datacount;
        fits.then_some((usize::try_from(count).ok()?, agrees))
    };
    let typed = |family: Family| {
        let each = reals(family, nc as u64, ns as u64)?;
        let found = || candidates.iter().filter_map(|&number| Some((number, count_of(number, each)?)));
        let (number, (count, _)) = found().find(|(_, (_, agrees))| *agrees).or_else(|| found().next())?;
        let content = match family {
            Family::Matrix => Content::ColourMatrix { nc, count },
            Family::Vector => Content::ColourVector { nc, count },
            Family::Spinor => Content::Spinor { ns, nc, count, order },
            Family::Propagator => Content::Propagator { ns, nc, count, order },
            Family::Complex => Content::Complex { count },
            Family::Numbers | Family::Unnamed => return None,
        };
        Some((number, content))
    };
    let named = match family {
        Family::Unnamed if matches!(stated, Some(Number::F32 | Number::F64)) && info.colors > 0 => {
            // The object of which exactly `datacount` fill the datum.
            let exact = |family| {
                typed(family).filter(|(number, _)| {
                    reals(family, nc as u64, ns as u64)
                        .and_then(|each| each.checked_mul(number.bytes() as u64))
                        .is_some_and(|size| size == info.typesize)
                })
            };
            let families: &[Family] = match info.spins {
                0 | 1 => &[Family::Matrix, Family::Vector],
                _ => &[Family::Propagator, Family::Spinor, Family::Matrix, Family::Vector],
            };
            families.iter().find_map(|&family| exact(family))
        }
        family => typed(family),
    };
    named.unwrap_or_else(|| {
        let number =
            stated.filter(|number| datum_bytes.is_multiple_of(number.bytes() as u64)).unwrap_or(Number::Byte);
        let count = usize::try_from(datum_bytes / number.bytes() as u64).unwrap_or(usize::MAX);
        (number, Content::Numbers { count })
    })
}

fn family(name: &str) -> Family {
    let has = |word| name.contains(word);
    if has("diracpropagator") || has("spinmatrix") && has("colormatrix") {
        Family::Propagator
    } else if has("diracfermion") || has("spinvector") && has("colorvector") {
        Family::Spinor
    } else if has("colormatrix") {
        Family::Matrix
    } else if has("colorvector") {
        Family::Vector
    } else if has("complex") {
        Family::Complex
    } else if has("real") || has("int") || has("randomstate") {
        Family::Numbers
    } else {
        Family::Unnamed
    }
}

/// Real numbers of one object.
fn reals(family: Family, nc: u64, ns: u64) -> Option<u64> {
    let both = ns.checked_mul(nc)?;
    match family {
        Family::Matrix => nc.checked_mul(nc)?.checked_mul(2),
        Family::Vector => nc.checked_mul(2),
        Family::Spinor => both.checked_mul(2),
        Family::Propagator => both.checked_mul(both)?.checked_mul(2),
        Family::Complex => Some(2),
        Family::Numbers | Family::Unnamed => None,
    }
}

/// The 3 of `qdp_f3_colormatrix`.
fn colours_in(name: &str) -> Option<usize> {
    let part = name.split('_').nth(1)?;
    part.strip_prefix(['f', 'd'])?.parse().ok().filter(|&nc| nc > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scidac::info::RecordKind;

    fn info(datatype: &str, precision: &str, colors: usize, spins: usize, size: [u64; 2]) -> RecordInfo {
        RecordInfo {
            version: "1.1".into(),
            date: String::new(),
            kind: RecordKind::Field,
            datatype: datatype.into(),
            precision: precision.into(),
            colors,
            spins,
            typesize: size[0],
            datacount: size[1],
        }
    }

    #[test]
    fn names_of_every_code_are_understood() {
        let (spin_colour, colour_spin) = (ComponentOrder::SpinColour, ComponentOrder::ColourSpin);
        let (nc, ns, count) = (3, 4, 1);
        for (name, precision, size, number, content) in [
            ("QDP_F3_ColorMatrix", "F", [72, 4], Number::F32, Content::ColourMatrix { nc, count: 4 }),
            (
                "GRID_D_LorentzVector4_ColourMatrix3",
                "D",
                [144, 4],
                Number::F64,
                Content::ColourMatrix { nc, count: 4 },
            ),
            ("QDP_D3_ColorVector", "D", [48, 1], Number::F64, Content::ColourVector { nc, count }),
            (
                "USQCD_D3_DiracFermion",
                "D",
                [192, 1],
                Number::F64,
                Content::Spinor { ns, nc, count, order: spin_colour },
            ),
            (
                "QDP_F3_DiracFermion",
                "F",
                [96, 1],
                Number::F32,
                Content::Spinor { ns, nc, count, order: colour_spin },
            ),
            (
                "GRID_D_SpinMatrix4_ColourMatrix3",
                "D",
                [2304, 1],
                Number::F64,
                Content::Propagator { ns, nc, count, order: spin_colour },
            ),
            ("USQCD_F_Complex", "F", [8, 1], Number::F32, Content::Complex { count }),
            ("QDP_F_Real", "F", [4, 2], Number::F32, Content::Numbers { count: 2 }),
            ("QDP_Int", "I", [4, 3], Number::I32, Content::Numbers { count: 3 }),
            ("QLA_RandomState", "S", [40, 1], Number::Byte, Content::Numbers { count: 40 }),
        ] {
            let info = info(name, precision, nc, ns, size);
            assert_eq!(resolve(&info, size[0] * size[1]), (number, content), "{name}");
            assert_eq!(content.numbers() * number.bytes() as u64, size[0] * size[1]);
        }
    }

    #[test]
    fn without_a_name_the_size_of_the_datum_decides() {
        // QDP++ calls most fields `Lattice`.
        for (spins, typesize, content) in [
            (1, 144, Content::ColourMatrix { nc: 3, count: 1 }),
            (1, 48, Content::ColourVector { nc: 3, count: 1 }),
            (4, 192, Content::Spinor { ns: 4, nc: 3, count: 1, order: ComponentOrder::SpinColour }),
            (4, 2304, Content::Propagator { ns: 4, nc: 3, count: 1, order: ComponentOrder::SpinColour }),
            (4, 8, Content::Numbers { count: 1 }),
        ] {
            assert_eq!(
                resolve(&info("Lattice", "D", 3, spins, [typesize, 1]), typesize),
                (Number::F64, content)
            );
        }
    }

    #[test]
    fn the_length_overrules_the_record() {
        let stated = info("QDP_D3_ColorMatrix", "D", 3, 1, [144, 4]);
        assert_eq!(resolve(&stated, 288), (Number::F32, Content::ColourMatrix { nc: 3, count: 4 }));
        assert_eq!(resolve(&stated, 40), (Number::F64, Content::Numbers { count: 5 }));
        assert_eq!(resolve(&stated, 7), (Number::Byte, Content::Numbers { count: 7 }));
        let absurd = info("QDP_D3_DiracPropagator", "D", usize::MAX, usize::MAX, [u64::MAX, u64::MAX]);
        assert_eq!(resolve(&absurd, 16), (Number::F64, Content::Numbers { count: 2 }));
    }
}
