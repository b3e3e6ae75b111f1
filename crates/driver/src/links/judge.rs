//! What the links and checksums of a file mean: reasons to refuse it, and warnings.

use super::survey::counted;
use super::{Loaded, Survey};
use lime_rs::{GaugeFile, Precision, Stated};

/// Largest ‖U U† − 1‖ that needs no remark. Double-precision runs that reunitarise now and then stay below 1e-11;
/// single-precision numbers have 2.4e-7 from rounding, and some drift.
const UNREMARKABLE: [(Precision, f64); 2] = [(Precision::F64, 1e-10), (Precision::F32, 2e-6)];

/// Stated averages have six digits and more; a difference beyond this is none of rounding.
const AVERAGE_DIGITS: f64 = 1e-5;

/// A judgement on a configuration.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// Why it is no good; empty where it is.
    pub errors: Vec<String>,
    /// What is odd but usable.
    pub warnings: Vec<String>,
}

/// Judges what was read from a file that stores numbers of `precision`.
pub(crate) fn judge(loaded: &Loaded, precision: Precision) -> Verdict {
    let mut verdict = Verdict::default();
    let checksum = &loaded.checksum;
    if let Some(stored) = checksum.stored.filter(|_| checksum.is_bad()) {
        verdict.errors.push(format!(
            "checksum mismatch: the file states {stored}, its payload gives {}; copy the file again, or find out \
             whether the stored sum is wrong",
            checksum.computed
        ));
    }
    judge_links(&loaded.survey, precision, &mut verdict);
    verdict
}

/// Warnings where a file states other averages than its links have.
pub(crate) fn other_averages(stated: &Stated, plaquette: f64, link_trace: f64) -> Vec<String> {
    let averages =
        [("plaquette", stated.plaquette, plaquette), ("link trace", stated.link_trace, link_trace)];
    let other = |(name, stated, found): (&str, Option<f64>, f64)| {
        let stated = stated.filter(|stated| (stated - found).abs() > AVERAGE_DIGITS)?;
        Some(format!(
            "the file states the {name} {stated}, the links give {found:.9}: the text may be that of another \
             configuration, or in another normalisation"
        ))
    };
    averages.into_iter().filter_map(other).collect()
}

/// All that is odd about a configuration that is used as it is: what its file, its links and their averages tell.
pub(crate) fn remarks(file: &GaugeFile, verdict: Verdict, plaquette: f64, link_trace: f64) -> Vec<String> {
    let stated = file.warnings().iter().map(ToString::to_string);
    let averages = other_averages(file.stated(), plaquette, link_trace);
    stated.chain(verdict.errors).chain(verdict.warnings).chain(averages).collect()
}

/// Why links cannot be updated, if they cannot.
pub(crate) fn unfit_for_updates(survey: &Survey, precision: Precision) -> Option<String> {
    let mut verdict = Verdict::default();
    judge_links(survey, precision, &mut verdict);
    if verdict.errors.is_empty() && survey.zero.count > 0 {
        verdict
            .errors
            .push("links of an open boundary are zero: updates here are for periodic lattices".into());
    }
    verdict.errors.into_iter().next()
}

fn judge_links(survey: &Survey, precision: Precision, verdict: &mut Verdict) {
    verdict.errors.extend(survey.not_finite());
    if let Some(place) = survey.zero.first {
        let zero = &survey.zero;
        if zero.count == survey.zero_at_end && zero.count == survey.end {
            verdict.warnings.push(format!(
                "all {} links out of the last time slice are zero: an open boundary; averages count these plaquettes \
                 as 0",
                zero.count
            ));
        } else {
            verdict.errors.push(format!(
                "{} zero, the first at {place}, and they are no open boundary in time: part of the field was never \
                 written; copy the file again",
                counted(zero.count, "link is", "links are")
            ));
        }
    }
    if let (Some(first), Some(worst)) = (survey.not_unitary.first, survey.worst()) {
        verdict.errors.push(format!(
            "{} not unitary: ||U U^+ - 1|| is up to {:.1e} (at {worst}; the first at {first}), and {:.0e} is the most \
             that rounding explains; the file is damaged, holds fat or smeared links, or its shape is another",
            counted(survey.not_unitary.count, "link is", "links are"),
            survey.unitarity(),
            Survey::UNITARY,
        ));
    }
    if let Some(place) = survey.not_special.first {
        verdict.errors.push(format!(
            "{} a determinant other than 1: |det U - 1| is up to {:.1e}, the first at {place}; signs of a boundary \
             condition or staggered phases may have been multiplied in: take them out",
            counted(survey.not_special.count, "link has", "links have"),
            survey.determinant(),
        ));
    }
    let remarkable = UNREMARKABLE.iter().any(|&(p, limit)| p == precision && survey.unitarity() > limit);
    if survey.not_unitary.count == 0 && remarkable {
        let meaning = match precision {
            Precision::F64 => "these double-precision numbers were computed in single precision",
            Precision::F32 => "more than rounding to single precision; the run did not reunitarise for long",
        };
        verdict.warnings.push(format!(
            "the links are unitary to {:.1e} only: {meaning}; reunitarise before precise work",
            survey.unitarity()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::file::FileChecksum;
    use gaugelink_lattice::{Complex, GaugeField, Lattice, LatticeOptions, Matrix};
    use lime_rs::{Checksum, ScidacChecksum};

    /// The verdict on unit links but for U_t at the sites of one time slice.
    fn verdict(link: Complex<f64>, slice: usize, sites: usize, precision: Precision) -> Verdict {
        let lattice = Lattice::new(&[4, 4, 4, 8], LatticeOptions::default()).unwrap();
        let mut u = GaugeField::<f64, 3>::cold(&lattice).unwrap();
        for i in 0..sites {
            let (block, lane) = u.layout().locate(&[i % 4, i / 4 % 4, i / 16, slice]);
            u.set_link(block, 3, lane, &Matrix::diagonal(link));
        }
        let sum = ScidacChecksum { suma: 1, sumb: 2 };
        let whole = Checksum::Scidac(sum);
        let checksum = FileChecksum { computed: whole, stored: Some(whole), scidac: sum, posix_cksum: None };
        judge(&Loaded { checksum, survey: Survey::of(&u, 0) }, precision)
    }

    fn real(x: f64) -> Complex<f64> {
        Complex::new(x, 0.0)
    }

    #[test]
    fn precision_decides_on_warnings_and_rounding_on_errors() {
        // ‖U U† − 1‖ = 2√3 ε for U = 1 + ε.
        let of = |epsilon: f64, precision| {
            let v = verdict(real(1.0 + epsilon), 0, 1, precision);
            (v.errors.len(), v.warnings.len())
        };
        assert_eq!(of(1e-12, Precision::F64), (0, 0));
        assert_eq!(of(1.5e-7, Precision::F64), (0, 1));
        assert_eq!(of(1.5e-7, Precision::F32), (0, 0));
        assert_eq!(of(1e-6, Precision::F32), (0, 1));
        for precision in [Precision::F64, Precision::F32] {
            assert_eq!(of(1e-5, precision), (1, 0));
        }
    }

    #[test]
    fn a_whole_open_boundary_is_a_warning_and_part_of_it_an_error() {
        let counts = |slice, sites| {
            let v = verdict(real(0.0), slice, sites, Precision::F64);
            (v.errors.len(), v.warnings.len())
        };
        assert_eq!(counts(7, 64), (0, 1));
        assert_eq!(counts(7, 63), (1, 0));
        assert_eq!(counts(6, 64), (1, 0));
    }

    #[test]
    fn a_sign_is_named() {
        let v = verdict(real(-1.0), 7, 64, Precision::F64);
        assert!(v.errors.len() == 1 && v.errors[0].contains("64 links have a determinant"), "{v:?}");
        assert!(v.errors[0].contains("site (0,0,0,7), direction t"), "{v:?}");
    }
}
