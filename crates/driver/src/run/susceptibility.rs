//! The topological susceptibility ⟨Q²⟩/V, wherever ⟨Q²⟩ is among the results.

use super::exact;
use super::results::Row;
use crate::config::RunFile;

/// The square of the charge, whose averages it is made from, and its own name.
const SQUARE: &str = "charge^2";
const NAME: &str = "chi_t";

/// The rows, each of ⟨Q²⟩ with an error followed by one of ⟨Q²⟩/V.
pub(super) fn added(rows: Vec<Row>, file: &RunFile, extents: &[usize]) -> Vec<Row> {
    let sites = extents.iter().product::<usize>() as f64;
    let note = match extents.len() {
        4 => "<Q^2>/V of the clover charge without flow, which is not renormalised",
        _ => "<Q^2>/V",
    };
    let with = |row: Row| {
        let own = row.divided(SQUARE, NAME, sites).map(|own| {
            let exact = exact::average(file, SQUARE).map(|square| square / sites);
            exact.into_iter().fold(own.note(note), Row::against)
        });
        std::iter::once(row).chain(own)
    };
    rows.into_iter().flat_map(with).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FileKind;
    use std::path::Path;

    /// Tabulated for 8² at β = 2: ⟨Q²⟩ = 1.239299.
    #[test]
    fn squares_of_charges_are_followed_by_susceptibilities() {
        let text = "[run]\nseed = 1\ndirectory = \"x\"\n[lattice]\ngroup = \"U(1)\"\nextents = [8, 8]\n\
                    [action]\nbeta = 2\n[[stage]]\nkind = \"heatbath\"\nsweeps = 1\n";
        let file = RunFile::parse(text, Path::new("x"), FileKind::Run, &[]).unwrap();
        let row = |quantity: &str| Row::new(Some(3), "hmc", quantity).value_with_error(1.28, 0.0192);
        let lone = Row::new(Some(3), "hmc", "charge^2").value(1.0);
        let all = [row("plaquette"), row("charge^2"), row("charge^2, controlled"), row("charge"), lone];
        let rows = added(all.to_vec(), &file, &[8, 8]);
        let cells: Vec<_> = rows.iter().map(Row::cells).collect();
        let names: Vec<&str> = cells.iter().map(|cells| cells[1].as_str()).collect();
        let expected = [
            "plaquette",
            "charge^2",
            "chi_t",
            "charge^2, controlled",
            "chi_t, controlled",
            "charge",
            "charge^2",
        ];
        assert_eq!(names, expected);
        assert_eq!((cells[2][2].as_str(), cells[2][0].as_str()), ("0.02000(30)", "3 hmc"));
        assert!(cells[2][5].contains("exact 0.01936405") && cells[2][5].contains("+2.1 sigma"), "{cells:?}");
        let four = added(vec![row("charge^2")], &file, &[4, 4, 4, 4]);
        assert!(four[1].cells()[5].contains("not renormalised"), "{four:?}");
    }
}
