//! What the links and checksums of a file mean: reasons to refuse it, and warnings.

use super::survey::counted;
use super::{Loaded, Survey};
use gaugelink_lattice::file::extents;
use gaugelink_lattice::{DIM_MAX, GaugeField};
use gaugelink_physics::observable::{link_trace, plaquette};
use lime_rs::{Body, FileFormat, Precision, Stated};

/// Largest ‖U U† − 1‖ that needs no remark. Double-precision runs that reunitarise now and then stay below 1e-11;
/// single-precision numbers have 2.4e-7 from rounding, and some drift.
const UNREMARKABLE: [(Precision, f64); 2] = [(Precision::F64, 1e-10), (Precision::F32, 2e-6)];

/// Stated averages have six digits and more; a difference beyond this is none of rounding. Grid's reader, too, stops at
/// it; of norms it compares ½ |a − b| / (a + b).
const AVERAGE_DIGITS: f64 = 1e-5;

/// The same where a header without a checksum states the plaquette as f64: sums of different order agree to 1e-12.
const BINARY_DIGITS: f64 = 1e-9;

/// What an error is about, and so what the user may choose to overlook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// What the file states of its links is not so: checksum, plaquette, link trace.
    Statement,
    /// Links that are not in the group.
    Group,
    /// Links that are no numbers: never overlooked.
    Numbers,
}

/// A judgement on a configuration.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// Why it is no good; empty where it is.
    pub errors: Vec<(Fault, String)>,
    /// What is odd but usable.
    pub warnings: Vec<String>,
}

impl Verdict {
    /// What the errors say.
    pub fn reasons(&self) -> impl Iterator<Item = String> {
        self.errors.iter().map(|(_, reason)| reason.clone())
    }
}

/// Judges what was read from a file that stores numbers of `precision`.
pub(crate) fn judge(loaded: &Loaded, precision: Precision) -> Verdict {
    let mut verdict = Verdict::default();
    let checksum = &loaded.checksum;
    if let Some(stored) = checksum.stored.filter(|_| checksum.is_bad()) {
        let reason = format!(
            "checksum mismatch: the file states {stored}, its payload gives {}; copy the file again, or find out \
             whether the stored sum is wrong",
            checksum.computed
        );
        verdict.errors.push((Fault::Statement, reason));
    }
    judge_links(&loaded.survey, precision, &mut verdict);
    verdict
}

/// What files may state of their links, measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// Average of `Re tr P / N`.
    pub plaquette: f64,
    /// Average of `Re tr U / N`.
    pub link_trace: f64,
    /// Σ |U|² over all components of all links of the file, four a site.
    pub norm: f64,
}

impl Measured {
    /// On the links of a chain. Collective.
    pub fn of<const N: usize>(u: &GaugeField<f64, N>, chain: usize) -> Self {
        let geometry = u.lattice().geometry();
        // Those in directions that the field does not have are unit matrices.
        let unit = (DIM_MAX - geometry.dims()) * N * geometry.volume();
        Self {
            plaquette: plaquette(u)[chain],
            link_trace: link_trace(u)[chain],
            norm: u.norm2()[chain] + unit as f64,
        }
    }
}

/// Judges the averages and the norm that a file states by those of its links.
///
/// The text of an ILDG file may have another normalisation, which is a warning. Where links are `zero`, as at an open
/// boundary, plaquettes are weighted in several ways, so there everything else is one, too.
pub(crate) fn judge_averages(
    (format, stated, body): (FileFormat, &Stated, &Body),
    measured: Measured,
    zero: bool,
    verdict: &mut Verdict,
) {
    let binary = !format.has_checksum();
    let digits = if binary { BINARY_DIGITS } else { AVERAGE_DIGITS };
    let (dims, nc) = (extents(&body.dims).len(), body.nc as f64);
    let planes = (dims * (dims - 1) / 2) as f64;
    let [of_plaquette, of_trace] = stated.rounding;
    let further = stated.further;
    let plaquettes =
        [stated.plaquette.map(|value| (value, of_plaquette))].into_iter().chain(further.plaquettes);
    let traces = [stated.link_trace.map(|value| (value, of_trace)), further.link_trace];
    let factors = [nc, planes, nc * planes];
    let plaquette = |stated| ("plaquette", stated, measured.plaquette, &factors[..]);
    let trace = |stated| ("link trace", stated, measured.link_trace, &factors[..1]);
    let statements = plaquettes.flatten().map(plaquette).chain(traces.into_iter().flatten().map(trace));
    judge_norm(stated, measured.norm, verdict);
    for (name, (stated, rounding), found, factors) in statements {
        let states = |factor: &&f64| {
            // A number just half way between two decimals is rounded to either.
            (stated - *factor * found).abs() <= (digits * *factor).max(rounding * (1.0 + 1e-6))
        };
        if states(&&1.0) {
            continue;
        }
        let said = if stated.abs() < READABLE { format!("{stated}") } else { format!("{stated:e}") };
        let decimals = if binary { 13 } else { 9 };
        let given = if found.abs() < READABLE { format!("{found:.decimals$}") } else { format!("{found:e}") };
        // One or two digits would agree with some normalisation by chance.
        let factor = factors.iter().find(states).filter(|_| rounding <= 0.005);
        let Some(factor) = factor else {
            let differ = format!("the file states the {name} {said}, its links give {given}");
            if zero {
                verdict.warnings.push(format!("{differ}, where those that are zero count as such"));
            } else if binary {
                let reason = format!(
                    "{differ}: {format} files have no checksum, so it is damaged, or was written by a code with another \
                     normalisation; compare it with the original"
                );
                verdict.errors.push((Fault::Statement, reason));
            } else {
                let reason = format!(
                    "{differ}: its extents may stand in another order than its links do, or the text is that of another \
                     configuration; compare it with the original"
                );
                verdict.errors.push((Fault::Statement, reason));
            }
            continue;
        };
        verdict.warnings.push(format!(
            "the file states the {name} {said}, its links give {given}: that is {factor} times as much, another \
             normalisation"
        ));
    }
}

/// Judges the norm that a file states, as Grid's reader does.
fn judge_norm(stated: &Stated, norm: f64, verdict: &mut Verdict) {
    let Some(stated) = stated.norm2 else { return };
    let off = (stated - norm).abs() / (2.0 * (stated + norm));
    if off.is_nan() || off.abs() >= AVERAGE_DIGITS {
        let reason = format!(
            "the file states the norm {stated:e}, its links give {norm:e}: the text is that of another configuration, or the \
             links were changed after it was written; compare it with the original"
        );
        verdict.errors.push((Fault::Statement, reason));
    }
}

/// Beyond this, an average is no average, and its digits are of no use.
const READABLE: f64 = 1e6;

/// Why links cannot be updated, if they cannot.
pub(crate) fn unfit_for_updates(survey: &Survey, precision: Precision) -> Option<String> {
    let mut verdict = Verdict::default();
    judge_links(survey, precision, &mut verdict);
    let open = || "links of an open boundary are zero: updates here are for periodic lattices".to_owned();
    verdict.reasons().next().or_else(|| (survey.zero.count > 0).then(open))
}

fn judge_links(survey: &Survey, precision: Precision, verdict: &mut Verdict) {
    verdict.errors.extend(survey.not_finite().map(|reason| (Fault::Numbers, reason)));
    let mut refuse = |reason| verdict.errors.push((Fault::Group, reason));
    if let Some(place) = survey.zero.first {
        let zero = &survey.zero;
        if zero.count == survey.zero_at_end && zero.count == survey.end {
            verdict.warnings.push(format!(
                "all {} links out of the last time slice are zero: an open boundary; averages count these plaquettes \
                 as 0",
                zero.count
            ));
        } else {
            refuse(format!(
                "{} zero, the first at {place}, and they are no open boundary in time: part of the field was never \
                 written; copy the file again",
                counted(zero.count, "link is", "links are")
            ));
        }
    }
    if let (Some(first), Some(worst)) = (survey.not_unitary.first, survey.worst()) {
        refuse(format!(
            "{} not unitary: ||U U^+ - 1|| is up to {:.1e} (at {worst}; the first at {first}), and {:.0e} is the most \
             that rounding explains; the file is damaged, holds fat or smeared links, or its shape is another",
            counted(survey.not_unitary.count, "link is", "links are"),
            survey.unitarity(),
            Survey::UNITARY,
        ));
    }
    if let Some(place) = survey.not_special.first {
        refuse(format!(
            "{} a determinant other than 1: |det U - 1| is up to {:.1e}, the first at {place}; signs of a boundary \
             condition or staggered phases may have been multiplied in: take them out",
            counted(survey.not_special.count, "link has", "links have"),
            survey.determinant(),
        ));
    }
    let remarkable = UNREMARKABLE.iter().any(|&(p, limit)| p == precision && survey.unitarity() > limit);
    if survey.not_unitary.count == 0 && remarkable {
        let meaning = match precision {
            Precision::F64 => {
                "these double-precision numbers were computed in single precision, or some are damaged"
            }
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
    use lime_rs::{Checksum, Further, Rows, ScidacChecksum};

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
        assert!(v.errors.len() == 1 && v.errors[0].1.contains("64 links have a determinant"), "{v:?}");
        assert!(v.errors[0].1.contains("site (0,0,0,7), direction t"), "{v:?}");
    }

    const MEASURED: Measured = Measured { plaquette: 0.594_850_16, link_trace: 0.01, norm: 6144.0 };

    /// What is made of a stated plaquette, where the links have the average 0.59 in SU(3), and of a link trace.
    #[test]
    fn stated_averages_are_compared_to_their_digits_and_in_every_normalisation() {
        let body = FileFormat::Ildg.body([4, 4, 4, 8], 3, Precision::F64, Rows::All).unwrap();
        let rounded = |plaquette: Option<f64>, link_trace: Option<f64>, open, rounding| {
            let mut verdict = Verdict::default();
            let stated = Stated { plaquette, link_trace, rounding: [rounding; 2], ..Stated::default() };
            judge_averages((FileFormat::Ildg, &stated, &body), MEASURED, open, &mut verdict);
            (verdict.errors.len(), verdict.warnings.len())
        };
        let of = |plaquette, link_trace, open| rounded(plaquette, link_trace, open, 0.0);
        assert_eq!(of(None, None, false), (0, 0));
        for exact in [0.594_850_16, 0.594_859, 0.59485] {
            assert_eq!(of(Some(exact), Some(0.010_004), false), (0, 0), "{exact}");
        }
        for (written, rounding) in [(0.5949, 0.5e-4), (0.595, 0.5e-3), (0.59, 0.5e-2), (0.6, 0.5e-1)] {
            assert_eq!(rounded(Some(written), None, false, rounding), (0, 0), "{written}");
            assert_eq!(of(Some(written), None, false), (1, 0), "{written} with zeros behind it");
        }
        // A single digit is no statement in another normalisation.
        assert_eq!(rounded(Some(1.78), None, false, 0.5e-2), (0, 1));
        assert_eq!(rounded(Some(1.8), None, false, 0.5e-1), (1, 0));
        for (factor, name) in [(3.0, "N"), (6.0, "planes"), (18.0, "both")] {
            assert_eq!(of(Some(factor * 0.594_850_16), None, false), (0, 1), "{name}");
        }
        for other in [0.594_862, 0.596, 0.7, 1.0, 0.0, -0.594_850_16, f64::NAN] {
            assert_eq!(of(Some(other), None, false), (1, 0), "{other}");
        }
        assert_eq!(of(Some(0.59485), Some(0.0512), false), (1, 0));
        assert_eq!(of(Some(0.7), Some(0.0512), false), (2, 0));
        assert_eq!(of(Some(0.7), None, true), (0, 1), "an open boundary");
    }

    /// Headers without a checksum have sixteen digits, and each of them counts.
    #[test]
    fn a_plaquette_of_sixteen_digits_is_compared_to_nine() {
        for (format, plaquette, errors, warnings) in [
            (FileFormat::HiRep, 0.594_850_160_9, 0, 0),
            (FileFormat::HiRep, 0.594_850_161_1, 1, 0),
            (FileFormat::OpenQcd, 0.594_850_161_1, 1, 0),
            (FileFormat::DdAlphaAmg, 0.594_850_158_9, 1, 0),
            (FileFormat::HiRep, 3.0 * 0.594_850_16, 0, 1),
            (FileFormat::Nersc, 0.594_850_161_1, 0, 0),
        ] {
            let body = format.body([4, 4, 4, 8], 3, Precision::F64, Rows::All).unwrap();
            let mut verdict = Verdict::default();
            let stated = Stated { plaquette: Some(plaquette), ..Stated::default() };
            judge_averages((format, &stated, &body), MEASURED, false, &mut verdict);
            assert_eq!(
                (verdict.errors.len(), verdict.warnings.len()),
                (errors, warnings),
                "{format} {plaquette}"
            );
            let damaged =
                verdict.errors.iter().all(|(_, reason)| reason.contains("it is damaged, or was written"));
            assert!(damaged, "{verdict:?}");
        }
    }

    #[test]
    fn norms_and_what_further_records_state_are_compared_too() {
        let body = FileFormat::Ildg.body([4, 4, 4, 8], 3, Precision::F64, Rows::All).unwrap();
        let of = |stated: Stated| {
            let mut verdict = Verdict::default();
            judge_averages((FileFormat::Ildg, &stated, &body), MEASURED, false, &mut verdict);
            verdict.errors.len()
        };
        // ½ |a − b| / (a + b) < 1e-5: off by 4e-5 of itself.
        for (norm, errors) in [(6144.0, 0), (6144.2, 0), (6144.3, 1), (0.0, 1), (-6144.0, 1), (f64::NAN, 1)] {
            assert_eq!(of(Stated { norm2: Some(norm), ..Stated::default() }), errors, "{norm}");
        }
        let right = (0.594_850_16, 0.0);
        for (plaquettes, link_trace, errors) in [
            ([Some(right), None], None, 0),
            ([Some((0.6, 0.0)), None], None, 1),
            ([Some((0.6, 0.05)), Some((0.7, 0.0))], Some((0.02, 0.0)), 2),
        ] {
            let further = Further { plaquettes, link_trace };
            let stated = Stated { plaquette: Some(right.0), further, ..Stated::default() };
            assert_eq!(of(stated), errors, "{further:?}");
        }
    }
}
