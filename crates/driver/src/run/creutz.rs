//! What the average of exp(−ΔH) says of a chain: it is 1 in equilibrium, for any integrator and any force (Creutz, Phys. Rev. D
//! 38 (1988) 1228).

use super::results::Row;
use gaugelink_sampler::statistics::Measured;

/// An average of exp(−ΔH) above this has a probability below 1/100 in equilibrium, by Markov's inequality.
const FAR_FROM_ONE: f64 = 100.0;

/// Sigmas from 1 beyond which the average of exp(−ΔH) is told for what it says.
const SIGMAS: f64 = 3.0;

/// The average of exp(−ΔH) with what is to be said of it.
pub(super) fn remarked(row: Row, mean: f64) -> Row {
    if mean > FAR_FROM_ONE {
        let size = if mean.is_finite() { "" } else { "infinite; " };
        return row.note(format!(
            "{size}it is 1 in equilibrium, and the links came from far off: leave the way there out with `thermalise`"
        ));
    }
    match row.measured() {
        Some(Measured { value, error }) if (value - 1.0).abs() > SIGMAS * error && error > 0.0 => {
            let off = (value - 1.0) / error;
            row.note(format!(
                "{off:+.1} sigma from 1, its value in equilibrium: the links were not there yet (`thermalise`), or large delta H are \
                 so rare that the error misses them (`steps`), or solves are not precise enough (`tolerance`)"
            ))
        }
        _ => row,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(value: f64, error: f64) -> String {
        let row = Row::new(Some(0), "hmc", "exp(-delta H)").value_with_error(value, error);
        remarked(row, value).cells()[5].clone()
    }

    #[test]
    fn averages_far_from_1_are_remarked_on() {
        assert_eq!([note(1.02, 0.01), note(0.971, 0.01), note(1.0, 0.0)], [""; 3]);
        for (value, said) in [(1.04, "+4.0 sigma from 1"), (0.96, "-4.0 sigma from 1")] {
            let note = note(value, 0.01);
            assert!(
                note.contains(said) && note.contains("`thermalise`") && note.contains("`steps`"),
                "{note}"
            );
        }
        assert!(note(150.0, 200.0).contains("from far off"));
        let infinite = remarked(Row::new(Some(0), "hmc", "exp(-delta H)"), f64::INFINITY);
        assert!(infinite.cells()[5].contains("infinite"), "{infinite:?}");
    }
}
