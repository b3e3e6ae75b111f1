//! Which number of the chain a file has, and the order of names that people expect.

use std::collections::{BTreeMap, BTreeSet};

/// A name cut after each of its numbers: `conf.1000.lime` is `conf.` with 1000 and `.lime` without one. Compared part
/// by part, it gives the natural order: `conf.9` before `conf.10`.
pub(super) type Parts = Vec<(String, Option<u64>)>;

/// Cuts a name. The words f32 and f64 are precisions, `.vol0000` and `vol0000/` those of volumes, and numbers beyond 64
/// bits are text.
pub(super) fn parts(name: &str) -> Parts {
    let mut parts = Vec::new();
    let (mut text, mut rest) = (String::new(), name);
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let end = rest[start..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |n| start + n);
        let digits = &rest[start..end];
        text += &rest[..start];
        let before = &name[..name.len() - rest.len() + start];
        let counts = !is_precision(&text, digits, &rest[end..]) && !is_volume(before, digits, &rest[end..]);
        match digits.parse().ok().filter(|_| counts) {
            Some(number) => parts.push((std::mem::take(&mut text), Some(number))),
            None => text += digits,
        }
        rest = &rest[end..];
    }
    text += rest;
    parts.push((text, None));
    parts
}

fn is_precision(before: &str, digits: &str, after: &str) -> bool {
    let alone = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
    ["32", "64"].contains(&digits)
        && before.strip_suffix('f').is_some_and(|before| alone(before.chars().next_back()))
        && alone(after.chars().next())
}

/// Whether digits are the number of a volume of a SciDAC file, `conf.1000.vol0000` or `vol0000/conf.1000`.
fn is_volume(before: &str, digits: &str, after: &str) -> bool {
    let suffix = before.ends_with(".vol") && after.is_empty();
    let folder = (before == "vol" || before.ends_with("/vol")) && after.starts_with('/');
    digits.len() >= 4 && (suffix || folder)
}

/// What names of one series have in common: the text between their numbers.
pub(super) fn pattern(name: &str) -> Vec<String> {
    parts(name).into_iter().map(|(text, _)| text).collect()
}

/// The number of each name; see [`places`].
pub(super) fn numbers(names: &[&str]) -> Vec<Option<u64>> {
    names.iter().zip(places(names)).map(|(name, place)| parts(name)[place?].1).collect()
}

/// Which of its parts has the number of each name. Of several numbers in a name it is the one in which the names of the
/// same pattern differ most, and of those that do so equally, the last: `b5.7_seed3.1000` has 1000.
pub(super) fn places(names: &[&str]) -> Vec<Option<usize>> {
    let mut series: BTreeMap<Vec<String>, Vec<(usize, Vec<u64>)>> = BTreeMap::new();
    for (index, name) in names.iter().enumerate() {
        let values = parts(name).iter().filter_map(|part| part.1).collect();
        series.entry(pattern(name)).or_default().push((index, values));
    }
    let mut places = vec![None; names.len()];
    for members in series.values() {
        let differ = |place: usize| members.iter().map(|(_, v)| v[place]).collect::<BTreeSet<_>>().len();
        // Of equal maxima, `max_by_key` takes the last.
        let place = (0..members[0].1.len()).max_by_key(|&place| differ(place));
        members.iter().for_each(|(index, _)| places[*index] = place);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_of_a_name_counts() {
        for (name, number) in [
            ("conf.1000.lime", Some(1000)),
            ("ckpoint_lat.0420", Some(420)),
            ("run_name-n1000", Some(1000)),
            ("4x4x4x4b6.0000id3n17", Some(17)),
            ("u_0007_f64.lime", Some(7)),
            ("u_0007.f32", Some(7)),
            ("conf64", Some(64)),
            ("x99999999999999999999999", None),
            ("conf.10.vol0000", Some(10)),
            ("run7.vol0003", Some(7)),
            ("vol0000/conf.20", Some(20)),
            ("data/vol0000/conf", None),
            ("conf.vol12", Some(12)),
            ("README", None),
        ] {
            assert_eq!(numbers(&[name]), [number], "{name}");
        }
    }

    #[test]
    fn of_several_numbers_the_one_that_tells_files_apart() {
        assert_eq!(numbers(&["cfg_10.b6", "cfg_20.b6", "cfg_30.b6"]), [Some(10), Some(20), Some(30)]);
        assert_eq!(numbers(&["id1n1", "id1n2", "id2n1"]), [Some(1), Some(2), Some(1)]);
        assert_eq!(numbers(&["a.10", "b.20.x3", "a.11"]), [Some(10), Some(3), Some(11)]);
    }

    #[test]
    fn nine_comes_before_ten() {
        let mut names = ["conf.10", "conf.9", "conf", "b.100", "conf.9.lime"];
        names.sort_by_key(|name| parts(name));
        assert_eq!(names, ["b.100", "conf", "conf.9", "conf.9.lime", "conf.10"]);
    }
}
