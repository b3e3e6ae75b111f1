//! A folder as one ensemble: what belongs to it, chain by chain.

use super::chains::name_chains;
use super::document::take_documents;
use super::finding::{Finding, named};
use super::member::{Member, Unread, collect, names};
use super::number::{numbers, parts, pattern};
use super::series::{Series, series_findings};
use super::work::in_order;
use crate::cli::EnsembleArgs;
use crate::error::DriverError;
use lime_rs::ScidacFile;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The files of an ensemble, and what their headers tell of it.
#[derive(Debug)]
pub(crate) struct Ensemble {
    /// Every file with a gauge field: chain by chain, in the order of their numbers, those without one at the end.
    pub members: Vec<Member>,
    /// The numbers of each chain.
    pub series: Vec<Series>,
    /// What is to be said of headers and numbers.
    pub findings: Vec<Finding>,
    /// Files, whatever they hold.
    pub files: usize,
    /// Name of the folder.
    pub label: String,
}

impl Ensemble {
    /// Reads the headers of all files.
    ///
    /// # Errors
    /// [`DriverError::Request`] where there are no files; those of reading folders. Files that cannot be read are
    /// findings.
    pub fn open(args: &EnsembleArgs) -> Result<Self, DriverError> {
        let mut files = collect(&args.paths)?;
        // Of the volumes of a SciDAC file the first stands for all.
        files.retain(|file| ScidacFile::volume_paths(file).first() == Some(file));
        let names = names(&files);
        let (mut members, mut unread) = (Vec::new(), Vec::new());
        let jobs = std::thread::available_parallelism().map_or(1, |n| n.get());
        let header = |_: &mut (), i: usize| Member::of(&files[i], &names[i], &args.shape);
        in_order(
            jobs,
            files.len(),
            || (),
            header,
            |_, result| {
                match result {
                    Ok(member) => members.push(member),
                    Err(file) => unread.push(file),
                }
                Ok(())
            },
        )?;
        let mut findings = take_documents(&mut unread, &mut members);
        findings.extend(unread_findings(&unread, &members));
        findings.extend(number(&mut members));
        findings.extend(odd_ones(&mut members));
        findings.extend(name_chains(&mut members));
        members.sort_by_cached_key(|m| {
            (m.number.is_none(), m.chain.clone(), m.number, parts(&m.name), m.name.clone())
        });
        let (series, more) = series_findings(&members);
        findings.extend(more);
        Ok(Self { members, series, findings, files: files.len(), label: label(&files[0]) })
    }

    /// The lattice of the ensemble and how it is stored.
    pub fn described(&self) -> String {
        let Some(member) = self.members.iter().find(|m| m.belongs) else { return "no configurations".into() };
        let storage = usual_storage(&self.members).unwrap_or_else(|| "stored in several ways".into());
        format!("{}, {storage}", member.lattice())
    }
}

/// The name of the folder in which a file lies.
fn label(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let folder = absolute.parent().and_then(Path::file_name);
    folder.map_or("ensemble".into(), |name| name.to_string_lossy().into_owned())
}

/// The most frequent value; of equally frequent ones the first.
fn most_common<T: Ord + Clone>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, (usize, usize)> = BTreeMap::new();
    for (place, value) in values.enumerate() {
        counts.entry(value).or_insert((0, place)).0 += 1;
    }
    let best = |(_, (count, first)): &(T, (usize, usize))| (*count, std::cmp::Reverse(*first));
    counts.into_iter().max_by_key(best).map(|(value, _)| value)
}

/// How more than half of the members that belong together are stored, if there is such a way.
fn usual_storage(members: &[Member]) -> Option<String> {
    let own = || members.iter().filter(|m| m.belongs).map(Member::storage);
    let usual = most_common(own())?;
    (own().filter(|storage| *storage == usual).count() * 2 > own().count()).then_some(usual)
}

/// A file that cannot be described is damaged if it says of itself, or by its name, that it is one of them.
fn unread_findings(unread: &[Unread], members: &[Member]) -> Vec<Finding> {
    let base = |path: &Path| pattern(&path.file_name().unwrap_or_default().to_string_lossy());
    let patterns: BTreeSet<Vec<String>> = members.iter().map(|member| base(&member.path)).collect();
    let named_alike = |file: &Unread| {
        let own = base(&file.path);
        own.len() > 1 && patterns.contains(&own)
    };
    let (foreign, damaged): (Vec<&Unread>, Vec<&Unread>) =
        unread.iter().partition(|file| file.foreign && !named_alike(file));
    let wrong = |file: &Unread| {
        Finding::wrong("unreadable", vec![file.name.clone()], format!("{}: {}", file.name, file.reason))
    };
    let mut findings: Vec<Finding> = damaged.into_iter().map(wrong).collect();
    let (irregular, foreign): (Vec<&Unread>, _) = foreign.into_iter().partition(|file| file.irregular);
    let odd = |file: &Unread| {
        let message = format!("{}: {}", file.name, file.reason);
        Finding::note("not a regular file", vec![file.name.clone()], message)
    };
    findings.extend(irregular.into_iter().map(odd));
    if !foreign.is_empty() {
        let files: Vec<String> = foreign.iter().map(|file| file.name.clone()).collect();
        findings.push(Finding::note(
            "foreign",
            files.clone(),
            format!("no configurations: {}", named(&files)),
        ));
    }
    findings
}

/// Numbers the members by their documents, else by their logical names where these have numbers of their own, else by
/// their names.
fn number(members: &mut [Member]) -> Vec<Finding> {
    let of_names = numbers(&members.iter().map(|m| m.name.as_str()).collect::<Vec<_>>());
    let with_lfn: Vec<usize> = (0..members.len()).filter(|&i| members[i].lfn.is_some()).collect();
    let last =
        |i: &usize| members[*i].lfn.as_deref().and_then(|lfn| lfn.rsplit('/').next()).unwrap_or_default();
    let of_lfns = numbers(&with_lfn.iter().map(last).collect::<Vec<_>>());
    // Many codes write the same name into every file.
    let mut distinct: Vec<u64> = of_lfns.iter().flatten().copied().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let telling = distinct.len() * 2 > with_lfn.len();
    let mut lfn_numbers = vec![None; members.len()];
    for (&place, number) in with_lfn.iter().zip(of_lfns).filter(|_| telling) {
        lfn_numbers[place] = number;
    }
    let mut findings = Vec::new();
    for ((member, own), lfn_number) in members.iter_mut().zip(of_names).zip(lfn_numbers) {
        let document = member.document.as_ref().and_then(|document| {
            let number = document.step.update.trim().parse().ok()?;
            Some((number, format!("{} states {number}", document.file)))
        });
        let logical = lfn_number.zip(member.lfn.as_ref());
        let logical = logical.map(|(number, lfn)| (number, format!("its logical name is {lfn}")));
        let Some((stated, how)) = document.or(logical) else {
            member.number = own;
            continue;
        };
        member.number = Some(stated);
        if let Some(own) = own.filter(|&own| own != stated) {
            let message = format!(
                "{} has {own} in its name, {how}: it counts as {stated}; find out which is right",
                member.name
            );
            findings
                .push(Finding::wrong("name", vec![member.name.clone()], message).about(vec![own, stated]));
        }
    }
    findings
}

/// Tells which files have another group or other extents than most, and which are only stored otherwise.
fn odd_ones(members: &mut [Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some((nc, dims)) = most_common(members.iter().map(|m| (m.nc, m.dims))) else { return findings };
    members.iter_mut().for_each(|m| m.belongs = (m.nc, m.dims) == (nc, dims));
    let own = members.iter().filter(|m| m.belongs);
    let (lattice, count) = (own.clone().next().map(Member::lattice).unwrap_or_default(), own.clone().count());
    for member in members.iter().filter(|m| !m.belongs) {
        let message = format!(
            "{} holds {}, {count} others hold {lattice}: it is of another ensemble; move it, or name the files by a \
             pattern",
            member.name,
            member.lattice()
        );
        findings.push(Finding::wrong("other ensemble", vec![member.name.clone()], message));
    }
    let usual = usual_storage(members);
    let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for member in members.iter().filter(|m| m.belongs && Some(m.storage()) != usual) {
        others.entry(member.storage()).or_default().push(member.name.clone());
    }
    findings.extend(others.into_iter().map(|(storage, files)| {
        let most = usual.as_ref().map_or(String::new(), |usual| format!(", most are {usual}"));
        let message = format!("stored as {storage}{most}: {}", named(&files));
        Finding::note("storage", files, message)
    }));
    findings
}
