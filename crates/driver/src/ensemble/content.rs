//! What the links of an ensemble tell: damage, copies, and configurations that do not look like the others.

use super::document::other_statements;
use super::examine::Examined;
use super::finding::{Finding, named};
use super::member::Member;
use super::outlier::{Spread, outliers};
use super::rounded::Rounded;
use std::collections::{BTreeMap, BTreeSet};

/// Plaquettes that differ by less are those of the same links: sums are exact, and only gauge transformations round.
const SAME_PLAQUETTE: f64 = 1e-13;
/// What becomes of copies.
const LEFT_OUT: &str = "averages leave copies out";

/// A member with what was found in it, or why it could not be read.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub member: &'a Member,
    pub found: Result<Examined, String>,
}

impl Reading<'_> {
    fn examined(&self) -> Option<(&Member, &Examined)> {
        self.found.as_ref().ok().map(|found| (self.member, found))
    }
}

/// How strict the judgement is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strictness {
    /// Standard deviations from which on a plaquette is an outlier.
    pub sigmas: f64,
    /// Whether neighbours with the same links are rejected trajectories.
    pub repeats: bool,
    /// Whether files with a wrong checksum count.
    pub ignore_checksum: bool,
}

/// What averages are over.
#[derive(Debug)]
pub(crate) struct Chain<'r> {
    /// Usable members of the ensemble, chain by chain, one for each number and each field.
    pub taken: Vec<(&'r Member, &'r Examined)>,
    /// Usable members that hold the field of an earlier one.
    pub copies: Vec<&'r Member>,
}

impl<'r> Chain<'r> {
    /// Of these readings. Where neighbours with the same links are rejected trajectories, they count.
    pub fn of(readings: &'r [Reading<'_>], rounded: &[Rounded], strict: Strictness) -> Self {
        let usable = |(member, found): &(&Member, &Examined)| {
            member.belongs && found.is_usable(strict.ignore_checksum)
        };
        let (places, usable): (Vec<usize>, Vec<_>) = (0..)
            .zip(readings)
            .filter_map(|(place, reading)| Some((place, reading.examined().filter(usable)?)))
            .unzip();
        let mut fields = vec![0; usable.len()];
        for (field, same) in same_fields(&usable).into_iter().enumerate() {
            same.into_iter().for_each(|index| fields[index] = field);
        }
        let index = |place: &usize| places.binary_search(place).ok();
        for pair in rounded.iter().filter(|pair| pair.same) {
            if let (Some(single), Some(double)) = (index(&pair.single), index(&pair.double)) {
                // All that hold the field of the one hold that of the other.
                let (old, new) = (fields[single], fields[double]);
                fields.iter_mut().filter(|field| **field == old).for_each(|field| *field = new);
            }
        }
        let (mut taken, mut copies, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        // Place, chain and links of the last one that was taken.
        let mut last = None;
        for ((&place, &(member, found)), field) in places.iter().zip(&usable).zip(fields) {
            let links = found.fingerprint();
            let repeats = strict.repeats && last == Some((place.wrapping_sub(1), &member.chain, links));
            if seen.insert(field) || repeats {
                taken.push((member, found));
                last = Some((place, &member.chain, links));
            } else {
                copies.push(member);
            }
        }
        taken.dedup_by(|(b, _), (a, _)| b.number.is_some() && (&a.chain, a.number) == (&b.chain, b.number));
        Self { taken, copies }
    }
}

/// Indices of those that hold the same field, or gauge transformations of it: their plaquettes are the same.
fn same_fields(found: &[(&Member, &Examined)]) -> Vec<Vec<usize>> {
    let plaquette = |index: usize| found[index].1.plaquette.unwrap_or(f64::NAN);
    let mut indices: Vec<usize> = (0..found.len()).filter(|&index| !plaquette(index).is_nan()).collect();
    indices.sort_by(|&a, &b| plaquette(a).total_cmp(&plaquette(b)));
    let same = |a: &usize, b: &usize| plaquette(*b) - plaquette(*a) <= SAME_PLAQUETTE;
    indices.chunk_by(same).map(<[usize]>::to_vec).collect()
}

/// What is to be said of the links, and how far plaquettes spread where enough are known.
pub(crate) fn content_findings(
    readings: &[Reading<'_>],
    rounded: &[Rounded],
    strict: Strictness,
) -> (Vec<Finding>, Option<Spread>) {
    let mut findings = damage(readings, strict.ignore_checksum);
    findings.extend(copies(readings, strict.repeats));
    findings.extend(same_plaquettes(readings));
    findings.extend(rounded.iter().map(|pair| pair.finding(readings)));
    findings.extend(other_statements(readings));
    let chain = Chain::of(readings, rounded, strict).taken;
    let plaquettes: Vec<f64> = chain.iter().filter_map(|(_, found)| found.plaquette).collect();
    let spread = Spread::of(&plaquettes, strict.sigmas);
    for i in spread.iter().flat_map(|spread| outliers(&plaquettes, spread)) {
        let (member, spread) = (chain[i].0, spread.expect("outliers have a spread"));
        let message = format!(
            "the plaquette of {} is {:.9}, {:.1} standard deviations from the median {:.9}: a start, another coupling, or \
             another ensemble",
            member.name,
            plaquettes[i],
            (plaquettes[i] - spread.median).abs() / spread.sigma,
            spread.median
        );
        let finding = Finding::wrong("outlier", vec![member.name.clone()], message);
        findings.push(finding.about(member.number.into_iter().collect()));
    }
    (findings, spread)
}

/// Files that could not be read or are no good, and warnings, each with all files that have it.
fn damage(readings: &[Reading<'_>], ignore_checksum: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut warnings: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for Reading { member, found } in readings {
        let name = || vec![member.name.clone()];
        match found {
            Err(reason) => {
                findings.push(Finding::wrong("unreadable", name(), format!("{}: {reason}", member.name)));
            }
            Ok(found) if !found.errors.is_empty() => {
                let message = format!("{}: {}", member.name, found.errors.join("; "));
                findings.push(match found.is_usable(ignore_checksum) {
                    true => Finding::note("damaged", name(), message),
                    false => Finding::wrong("damaged", name(), message),
                });
            }
            Ok(_) => {}
        }
        for warning in found.iter().flat_map(|found| &found.warnings) {
            warnings.entry(warning).or_default().extend(name());
        }
    }
    let warned = |(warning, files): (&str, Vec<String>)| {
        let message = format!("{}: {warning}", named(&files));
        Finding::note("warning", files, message)
    };
    findings.extend(warnings.into_iter().map(warned));
    findings
}

/// Files whose links are the same bytes.
fn copies(readings: &[Reading<'_>], repeats: bool) -> Vec<Finding> {
    let mut groups: BTreeMap<(&str, &str, u32), Vec<usize>> = BTreeMap::new();
    for (place, reading) in readings.iter().enumerate() {
        if let Some((_, found)) = reading.examined() {
            groups.entry(found.fingerprint()).or_default().push(place);
        }
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().filter(|places| places.len() > 1).collect();
    groups.sort();
    let finding = |places: Vec<usize>| {
        let files: Vec<String> = places.iter().map(|&place| readings[place].member.name.clone()).collect();
        let numbers = places.iter().filter_map(|&place| readings[place].member.number).collect();
        let neighbours = places.windows(2).all(|pair| pair[1] == pair[0] + 1);
        let finding = if neighbours && repeats {
            let message = format!("{} hold the same links: rejected trajectories", named(&files));
            Finding::note("repeated", files, message)
        } else if neighbours && files.len() > 2 {
            let message = format!(
                "{} hold the same links: the chain did not move (every proposal was rejected; --repeats), or files were \
                 copied; {LEFT_OUT}",
                named(&files)
            );
            Finding::wrong("frozen", files, message)
        } else {
            let hint = if neighbours { ", or a rejected trajectory (--repeats)" } else { "" };
            let message =
                format!("{} hold the same links: a copy under another name{hint}; {LEFT_OUT}", named(&files));
            Finding::wrong("duplicate", files, message)
        };
        finding.about(numbers)
    };
    groups.into_iter().map(finding).collect()
}

/// Files of other bytes with the same plaquette: the same links in another form.
fn same_plaquettes(readings: &[Reading<'_>]) -> Vec<Finding> {
    let found: Vec<(&Member, &Examined)> =
        readings.iter().filter_map(Reading::examined).filter(|(member, _)| member.belongs).collect();
    let mut findings = Vec::new();
    for group in same_fields(&found) {
        let mut different: Vec<_> = group.into_iter().map(|index| found[index]).collect();
        different.sort_by_key(|(member, found)| (found.fingerprint(), member.number, &member.name));
        different.dedup_by_key(|(_, found)| found.fingerprint());
        if different.len() < 2 {
            continue;
        }
        let files: Vec<String> = different.iter().map(|(member, _)| member.name.clone()).collect();
        let trace = |found: &Examined| found.link_trace.unwrap_or_default();
        let first = trace(different[0].1);
        let how = match different.iter().all(|(_, found)| (trace(found) - first).abs() <= SAME_PLAQUETTE) {
            true => "the same links in other bytes",
            false => "gauge transformations of the same links",
        };
        let plaquette = different[0].1.plaquette.unwrap_or_default();
        let message =
            format!("{} have the same plaquette, {plaquette:.12}: {how}; {LEFT_OUT}", named(&files));
        let numbers = different.iter().filter_map(|(member, _)| member.number).collect();
        findings.push(Finding::wrong("same plaquette", files, message).about(numbers));
    }
    findings
}
