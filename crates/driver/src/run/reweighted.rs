//! Averages of configurations made without quarks, with the quarks' determinants as weights: ⟨O w⟩/⟨w⟩, w = det(D†D).

use super::analysis::{LN_DET, Series};
use super::results::Row;
use gaugelink_sampler::statistics::{GammaMethod, LogWeights};

/// An effective sample size below this many leaves averages to a few configurations.
const FEW: f64 = 30.0;

/// The rows of a stage with weights: what was measured, with quarks, and how much the weights leave of the sample.
pub(super) fn rows(all: &[Series]) -> Vec<Row> {
    let Some(weights) = all.iter().find(|series| series.name == LN_DET) else { return Vec::new() };
    let row = |quantity: String| Row::new(Some(weights.stage), weights.kind, quantity);
    let logs = match LogWeights::new(&weights.kept().concat()) {
        Ok(logs) => logs,
        Err(error) => return vec![row("ESS".into()).note(format!("no weights: {error}"))],
    };
    let lengths: Vec<usize> = weights.kept().iter().map(|chain| chain.len()).collect();
    let method = GammaMethod::default();
    // What a trajectory did has nothing to do with quarks.
    let measured = all.iter().filter(|series| series.name != LN_DET && !series.name.contains("delta H"));
    let averages = measured.map(|series| {
        let row = row(format!("{}, reweighted", series.name));
        match logs.reweighted_mean_of_chains(&series.kept().concat(), &lengths, &method) {
            Ok(estimate) => row.estimate(&estimate).note("with quarks"),
            Err(error) => row.note(format!("no value: {error}")),
        }
    });
    let (ess, n) = (logs.effective_sample_size(), logs.len());
    let size = row("ESS".into()).value(ess).count(n).note("of the quarks' weights, 1 at most");
    let few = "a few configurations have most of the weight: take a smaller lattice, or quarks in the action";
    averages.chain([if ess * n as f64 >= FEW { size } else { size.note(few) }]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &'static str, chains: Vec<Vec<f64>>) -> Series {
        Series { stage: 2, kind: "hmc", name, chains, thermalisation: 1, spacing: 1 }
    }

    /// Two chains, the first number of each left out: with weights 3 and 1 in turn, values 1 and 5 average to 2.
    #[test]
    fn averages_are_weighted_after_thermalisation() {
        let chain = |first: f64, a: f64, b: f64| {
            let rest = (0..40).map(|i| if i % 2 == 0 { a } else { b });
            std::iter::once(first).chain(rest).collect::<Vec<f64>>()
        };
        let ln_det = chain(900.0, 3f64.ln() - 700.0, -700.0);
        let all = [
            series("plaquette", vec![chain(100.0, 1.0, 5.0); 2]),
            series(LN_DET, vec![ln_det; 2]),
            series("delta H", vec![chain(0.0, 1.0, 5.0); 2]),
        ];
        let rows = rows(&all);
        let cells: Vec<_> = rows.iter().map(Row::cells).collect();
        assert_eq!(cells.len(), 2, "{cells:?}");
        assert_eq!((&cells[0][0], &cells[0][1]), (&"2 hmc".to_owned(), &"plaquette, reweighted".to_owned()));
        assert!(cells[0][2].starts_with("2.0"), "{cells:?}");
        // (3 + 1)² / 2 (9 + 1).
        assert_eq!((&cells[1][1], &cells[1][2]), (&"ESS".to_owned(), &"0.80000000".to_owned()));
        assert!(all[0].thermalisation == 1 && cells[1][4] == "80", "{cells:?}");
        assert!(super::rows(&all[..1]).is_empty());
    }
}
