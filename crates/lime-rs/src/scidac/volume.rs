//! The files that make up a SciDAC file: one, or `name.vol0000`, `name.vol0001`, … (QIO's multifile and partfile), or
//! `vol0000/name`, … (its partfile with folders). Their numbers are those of nodes and may have gaps.

use std::fs;
use std::path::{Path, PathBuf};

use crate::access::ReadAt;
use crate::error::Result;
use crate::record::Record;
use crate::scanner::scan;
use crate::warning::Warning;

/// One file of a SciDAC file.
#[derive(Debug)]
pub(super) struct Volume<R> {
    pub source: R,
    pub path: Option<PathBuf>,
    pub records: Vec<Record>,
    /// Ranks of its sites; `None` in a single file, which has them all.
    pub sites: Option<Vec<u64>>,
}

impl<R: ReadAt> Volume<R> {
    /// Finds the records of a file.
    pub fn scan(source: R, path: Option<PathBuf>, warnings: &mut Vec<Warning>) -> Result<Self> {
        let (records, odd) = scan(&source).complete().map_err(|error| match &path {
            Some(path) => error.in_file(path),
            None => error,
        })?;
        warnings.extend(odd);
        Ok(Self { source, path, records, sites: None })
    }
}

/// The volumes to which a path leads, in the order of their numbers: the file itself where it is a single one, and
/// all of its siblings where it is a volume or the name that volumes have in common.
pub(super) fn find(path: &Path) -> Vec<PathBuf> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return vec![path.into()] };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let stem = match name.rsplit_once(".vol") {
        Some((stem, digits)) if is_number(digits) => Some(stem),
        _ if path.is_file() => None,
        _ => Some(name),
    };
    // A volume that is not there is none, whatever the others are.
    let named = stem.is_some_and(|stem| stem != name);
    if named && !path.is_file() {
        return vec![path.into()];
    }
    if let Some(stem) = stem {
        let prefix = format!("{stem}.vol");
        let found = numbered(folder, &prefix, |path| path);
        if !found.is_empty() {
            return found;
        }
    }
    let (above, is_volume) = match folder.file_name().and_then(|folder| folder.to_str()) {
        Some(own) if own.strip_prefix("vol").is_some_and(is_number) => {
            (folder.parent().unwrap_or(folder), true)
        }
        _ => (folder, false),
    };
    // The name of a volume that is there, or the name that volumes have in common.
    if path.is_file() == is_volume {
        let found = numbered(above, "vol", |folder| folder.join(name));
        if !found.is_empty() {
            return found;
        }
    }
    vec![path.into()]
}

fn is_number(digits: &str) -> bool {
    digits.len() >= 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The entries `prefix` + number of a folder whose file exists, ascending.
fn numbered(folder: &Path, prefix: &str, file: impl Fn(PathBuf) -> PathBuf) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name();
            let digits = name.to_str()?.strip_prefix(prefix).filter(|digits| is_number(digits))?;
            let path = file(entry.path());
            path.is_file().then_some((digits.parse().ok()?, path))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_found_by_their_common_name_and_by_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in
            ["a.vol0004", "a.vol0000", "a.vol10000", "a.volume", "b.vol0000", "single", "single.vol0000"]
        {
            fs::write(at(name), b"").unwrap();
        }
        for volume in ["vol0000", "vol0002"] {
            fs::create_dir(at(volume)).unwrap();
            fs::write(at(volume).join("c"), b"").unwrap();
        }
        let volumes = ["a.vol0000", "a.vol0004", "a.vol10000"].map(at);
        assert_eq!(find(&at("a")), volumes);
        assert_eq!(find(&at("a.vol0004")), volumes);
        assert_eq!(find(&at("single")), [at("single")]);
        let folders = [at("vol0000").join("c"), at("vol0002").join("c")];
        assert_eq!(find(&at("c")), folders);
        assert_eq!(find(&folders[1]), folders);
        assert_eq!(find(&at("absent")), [at("absent")]);
        for absent in [at("a.vol0001"), at("vol0001").join("c")] {
            assert_eq!(find(&absent), std::slice::from_ref(&absent));
        }
    }
}
