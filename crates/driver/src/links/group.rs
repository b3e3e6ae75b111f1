//! Are the links that a plugin made in the group?

use super::Survey;
use gaugelink_lattice::GaugeField;

/// Off the group by more than this, links of doubles are not those of rounding: ‖U U† − 1‖, and |det U − 1|.
const OFF: f64 = 1e-6;

/// Whether the links that `plugin` (a flow, a proposal) made are some: an accept step does not see what it measures an action
/// of. Looks at all chains, on all threads. Collective.
///
/// # Errors
/// What the links are instead, and what to do.
pub(crate) fn in_the_group<const N: usize>(u: &GaugeField<f64, N>, plugin: &str) -> Result<(), String> {
    let lattice = u.lattice();
    let surveys: Vec<_> = (0..lattice.chains()).map(|chain| Survey::of(u, chain)).collect();
    let largest =
        |of: &dyn Fn(&Survey) -> f64| lattice.comm().max(surveys.iter().map(of).fold(0.0, f64::max));
    let not_finite = largest(&|survey| survey.not_finite.count as f64);
    let zero = largest(&|survey| survey.zero.count as f64);
    let (unitarity, determinant) = (largest(&Survey::unitarity), largest(&Survey::determinant));
    let makes = if not_finite > 0.0 {
        "links that are no numbers".to_owned()
    } else if zero > 0.0 {
        "links that are zero".to_owned()
    } else if unitarity >= OFF {
        format!("links that are not unitary, ||U U^+ - 1|| is up to {unitarity:.1e}")
    } else if determinant >= OFF {
        format!("links that have another determinant than 1, |det U - 1| is up to {determinant:.1e}")
    } else {
        return Ok(());
    };
    Err(format!("the {plugin} makes {makes}: `gaugelink plugin check` says more"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::{Complex, LaneMeaning, Lattice, LatticeOptions, Matrix};

    #[test]
    fn one_link_of_one_chain_is_enough() {
        let lanes = LaneMeaning::Batch { chains: 3 };
        let lattice =
            Lattice::new(&[4, 4, 4], LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
        let with = |link: Complex<f64>| {
            let mut u = GaugeField::<f64, 2>::cold(&lattice).unwrap();
            u.set_link(7, 1, 2, &Matrix::diagonal(link));
            in_the_group(&u, "flow")
        };
        assert_eq!(with(Complex::new(1.0, 1e-9)), Ok(()));
        for (re, im, said) in [
            (f64::NAN, 0.0, "no numbers"),
            (0.0, 0.0, "zero"),
            (1.0, 1e-2, "not unitary"),
            (0.0, 1.0, "|det U - 1| is up to 2.0e0"),
        ] {
            let answer = with(Complex::new(re, im)).unwrap_err();
            assert!(answer.contains(said) && answer.contains("plugin check"), "{answer}");
        }
    }
}
