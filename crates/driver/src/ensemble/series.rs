//! Gaps in chains, and numbers that occur twice.

use super::finding::{Finding, named};
use super::member::Member;
use crate::links::counted;
use serde::Serialize;
use std::collections::BTreeMap;

/// Missing numbers that a finding lists; beyond, only how many they are.
const LISTED: u64 = 1000;

/// The numbers of a chain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Series {
    /// The chain, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// How many files it has.
    pub configurations: usize,
    pub first: u64,
    pub last: u64,
    /// From one to the next, where most have the same distance.
    pub stride: Option<u64>,
}

/// Files by their number.
type Numbered = BTreeMap<u64, Vec<String>>;

/// The series of the members that belong together, one for each chain, and what is odd about them.
pub(super) fn series_findings(members: &[Member]) -> (Vec<Series>, Vec<Finding>) {
    let mut chains: BTreeMap<Option<&str>, Numbered> = BTreeMap::new();
    let mut without = Vec::new();
    for member in members.iter().filter(|m| m.belongs) {
        match member.number {
            Some(number) => {
                let chain = chains.entry(member.chain.as_deref()).or_default();
                chain.entry(number).or_default().push(member.name.clone());
            }
            None => without.push(member.name.clone()),
        }
    }
    let (mut series, mut findings) = (Vec::new(), Vec::new());
    if !without.is_empty() {
        let message = format!("no number in the name of {}: placed at the end", named(&without));
        findings.push(Finding::note("no number", without, message));
    }
    for (chain, by_number) in chains {
        let (stride, mut odd) = of_chain(&by_number);
        if let Some(chain) = chain {
            odd.iter_mut().for_each(|finding| finding.message.insert_str(0, &format!("{chain}: ")));
        }
        findings.extend(odd);
        if let (Some((&first, _)), Some((&last, _))) =
            (by_number.first_key_value(), by_number.last_key_value())
        {
            let configurations = by_number.values().map(Vec::len).sum();
            series.push(Series { chain: chain.map(str::to_owned), configurations, first, last, stride });
        }
    }
    (series, findings)
}

/// The usual distance of the numbers of one chain, and what is odd about them.
fn of_chain(by_number: &Numbered) -> (Option<u64>, Vec<Finding>) {
    let mut findings = Vec::new();
    for (&number, files) in by_number.iter().filter(|(_, files)| files.len() > 1) {
        let message = format!(
            "{number} is the number of {}: averages count the first; several chains are verified one by one, named by \
             patterns",
            named(files)
        );
        findings.push(Finding::wrong("same number", files.clone(), message).about(vec![number]));
    }
    let numbers: Vec<u64> = by_number.keys().copied().collect();
    let stride = stride(&numbers);
    match stride {
        Some(stride) => findings.extend(gaps(&numbers, stride)),
        None if numbers.len() > 2 => {
            let message = "the numbers have no usual distance: gaps are not looked for";
            findings.push(Finding::note("irregular", Vec::new(), message));
        }
        None => {}
    }
    (stride, findings)
}

/// The distance of at least half of all neighbours and of two at least, of rising numbers.
fn stride(numbers: &[u64]) -> Option<u64> {
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    for pair in numbers.windows(2) {
        *counts.entry(pair[1] - pair[0]).or_default() += 1;
    }
    let distances = numbers.len().saturating_sub(1);
    // Of equally frequent ones the smallest.
    let (&stride, &count) = counts.iter().rev().max_by_key(|(_, count)| **count)?;
    (count >= 2 && count * 2 >= distances).then_some(stride)
}

fn gaps(numbers: &[u64], stride: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (from, to) in numbers.windows(2).map(|pair| (pair[0], pair[1])) {
        let distance = to - from;
        if distance == stride {
            continue;
        }
        if distance % stride != 0 {
            let message = format!("{to} follows {from}, and the usual distance is {stride}");
            findings.push(Finding::note("irregular", Vec::new(), message).about(vec![from, to]));
            continue;
        }
        let count = distance / stride - 1;
        let missing: Vec<u64> = (1..=count.min(LISTED)).map(|i| from + i * stride).collect();
        let which = match count {
            0..=LISTED => named(&missing),
            _ => format!("{} to {}", from + stride, to - stride),
        };
        let many = counted(count, "configuration is", "configurations are");
        let message = format!("{many} missing between {from} and {to}: {which}");
        findings.push(Finding::wrong("gap", Vec::new(), message).about(missing));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_distance_is_that_of_most() {
        assert_eq!(stride(&[10, 20, 30, 50, 55]), Some(10));
        assert_eq!(stride(&[10, 20, 30, 50, 70]), Some(10));
        assert_eq!(stride(&[10, 20, 40]), None);
        assert_eq!(stride(&[1, 2]), None);
        assert_eq!(stride(&[1, 2, 4, 8, 16]), None);
        assert_eq!(stride(&[]), None);
    }

    #[test]
    fn every_missing_number_is_listed() {
        let found = gaps(&[10, 20, 50, 60, 65, 70, u64::MAX - 5], 10);
        let missing: Vec<&[u64]> = found.iter().map(|finding| finding.numbers.as_slice()).collect();
        assert_eq!(missing[..3], [&[30, 40][..], &[60, 65], &[65, 70]]);
        assert_eq!(found.iter().map(|f| f.wrong).collect::<Vec<_>>(), [true, false, false, true]);
        assert!(found[0].message.contains("2 configurations are missing between 20 and 50: 30 and 40"));
        assert_eq!(missing[3].len(), 1000, "a far number does not fill the memory");
    }
}
