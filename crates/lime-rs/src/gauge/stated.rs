//! What files state of their links beside the bytes: a checksum, averages, a norm.

use super::Checksum;
use crate::access::ReadAt;
use crate::grid::{GridStatement, usqcd_averages};
use crate::ildg::IldgFile;
use crate::record::record_type::{RECORD_XML, XLF_INFO};

/// What a file says of its links beside their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stated {
    /// Its checksum.
    pub checksum: Option<Checksum>,
    /// Average plaquette, `Re tr P / Nc`. For ILDG that of Grid's or USQCD's records, else of `xlf-info`, in whatever
    /// normalisation its writer had.
    pub plaquette: Option<f64>,
    /// Average of `Re tr U / Nc`.
    pub link_trace: Option<f64>,
    /// Sum over sites, directions and components of `|component|²` (Grid's `FieldNormMetaData`).
    pub norm2: Option<f64>,
    /// Other values of the averages, from further records of the file.
    pub further: Further,
    /// How far plaquette and link trace may be off because of the digits that are written: half of one in the last decimal; 0
    /// for binary numbers.
    pub rounding: [f64; 2],
}

/// Averages that records beside the first state otherwise: each value with its rounding.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Further {
    /// Plaquettes of `usqcdInfo` and of `xlf-info`.
    pub plaquettes: [Option<(f64, f64)>; 2],
    /// Link trace of `usqcdInfo`.
    pub link_trace: Option<(f64, f64)>,
}

impl Stated {
    /// The statements of an ILDG file on its field: Grid's or USQCD's records, else `xlf-info`, and what these say otherwise.
    pub(super) fn of_ildg<R: ReadAt>(file: &IldgFile<R>, checksum: Option<Checksum>) -> Self {
        let info = file.own_text(XLF_INFO).ok().flatten();
        let GridStatement { plaquette, link_trace, norm2 } = file.grid_statement().unwrap_or_default();
        let written = info.as_deref().and_then(plaquette_in);
        let user = file.own_text(RECORD_XML).ok().flatten().unwrap_or_default();
        let [usqcd_plaquette, usqcd_trace] = usqcd_averages(&user);
        let rounding = [written.filter(|_| plaquette.is_none()).map_or(0.0, |(_, rounding)| rounding), 0.0];
        let plaquette = plaquette.or(written.map(|(value, _)| value));
        let other = |first: Option<f64>, also: Option<(f64, f64)>| also.filter(|(x, _)| Some(*x) != first);
        let further = Further {
            plaquettes: [usqcd_plaquette, written].map(|also| other(plaquette, also)),
            link_trace: other(link_trace, usqcd_trace),
        };
        Self { checksum, plaquette, link_trace, norm2, further, rounding }
    }
}

/// The number in a line of `xlf-info` such as ` plaquette = 6.350056e-01`, and its rounding: half of one in its last
/// decimal.
pub fn plaquette_in(info: &str) -> Option<(f64, f64)> {
    let value = |line: &str| decimal(line.trim().strip_prefix("plaquette")?.trim().strip_prefix('=')?.trim());
    info.lines().find_map(value)
}

/// A finite number, and half of one in its last decimal. Fortran's exponents are understood.
pub(crate) fn decimal(text: &str) -> Option<(f64, f64)> {
    let text = text.replace(['D', 'd'], "e");
    let value = text.parse().ok().filter(|x: &f64| x.is_finite())?;
    let (digits, power) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let last = power.parse::<i32>().unwrap_or(0).saturating_sub(i32::try_from(decimals).unwrap_or(i32::MAX));
    Some((value, 0.5 * 10f64.powi(last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plaquettes_in_run_information_are_found() {
        let (value, rounding) = plaquette_in("\n plaquette = 6.350056e-01\n trajectory nr = 2\n").unwrap();
        assert!(value == 0.635_005_6 && (rounding - 0.5e-7).abs() < 1e-20, "{rounding}");
        for other in ["", "plaquette", "plaquette = ", "plaquette = NaN", "kappa = 0.1"] {
            assert_eq!(plaquette_in(other), None, "{other}");
        }
    }
}
