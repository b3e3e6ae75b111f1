//! `source` of a solve stage: a site, or a time slice that is filled.

use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{DIM_MAX, Site};
use gaugelink_physics::dirac::Source;
use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// Where sources are; at the origin if nothing is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceTable {
    /// Coordinates of a point, none for the origin.
    Point(Vec<usize>),
    /// A time slice of ones.
    Wall(usize),
    /// A time slice of Z2 noise.
    Noise(usize),
}

impl Default for SourceTable {
    fn default() -> Self {
        Self::Point(Vec::new())
    }
}

impl SourceTable {
    /// The source; noise is drawn from `address`.
    pub fn source(&self, address: Address) -> Source {
        match *self {
            Self::Point(ref site) => Source::Point(padded(site)),
            Self::Wall(t) => Source::Wall { t },
            Self::Noise(t) => Source::Noise { t, address },
        }
    }

    /// Whether it is a point.
    pub fn is_point(&self) -> bool {
        matches!(self, Self::Point(_))
    }

    /// What is wrong with it on a lattice, if anything is.
    pub(crate) fn problem_on(&self, extents: &[usize]) -> Option<String> {
        let last = extents.len() - 1;
        match self {
            Self::Point(site) if site.is_empty() => None,
            Self::Point(site) if site.len() != extents.len() => {
                let given = site.len();
                Some(format!("{given} coordinates of a source in {} dimensions: give one for each", last + 1))
            }
            Self::Point(site) => site.iter().zip(extents).any(|(x, l)| x >= l).then(|| {
                format!("the source {site:?} lies outside the lattice {extents:?}: give coordinates from 0")
            }),
            Self::Wall(t) | Self::Noise(t) => (*t >= extents[last]).then(|| {
                let most = extents[last] - 1;
                format!("time slice {t} lies outside the lattice {extents:?}: slices count from 0 to {most}")
            }),
        }
    }
}

fn padded(site: &[usize]) -> Site {
    let mut all = [0; DIM_MAX];
    all.iter_mut().zip(site).for_each(|(all, &x)| *all = x);
    all
}

impl<'de> Deserialize<'de> for SourceTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

const KINDS: [&str; 2] = ["wall", "noise"];

struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = SourceTable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a site such as [0, 0, 0, 0], { wall = 0 } or { noise = 0 } with a time slice")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<SourceTable, A::Error> {
        let mut site = Vec::new();
        while let Some(x) = list.next_element()? {
            site.push(x);
        }
        if (1..=DIM_MAX).contains(&site.len()) {
            return Ok(SourceTable::Point(site));
        }
        Err(de::Error::custom(format!(
            "{} coordinates of a site: expected one for each direction",
            site.len()
        )))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SourceTable, A::Error> {
        let mut source = None;
        while let Some(key) = map.next_key::<String>()? {
            if source.is_some() {
                return Err(de::Error::custom("a source is one of { wall = 0 } and { noise = 0 }"));
            }
            source = Some(match &*key {
                "wall" => SourceTable::Wall(map.next_value()?),
                "noise" => SourceTable::Noise(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    return Err(de::Error::unknown_field(&key, &KINDS));
                }
            });
        }
        source.ok_or_else(|| de::Error::missing_field(KINDS[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::rng::Purpose;

    fn read(text: &str) -> Result<SourceTable, String> {
        #[derive(Deserialize)]
        struct Table {
            source: SourceTable,
        }
        toml::from_str(text).map(|table: Table| table.source).map_err(|error| error.to_string())
    }

    #[test]
    fn sources_are_sites_or_slices() {
        let address = Address::new(5, Purpose::Source);
        let source = |text: &str| read(text).unwrap().source(address);
        assert_eq!(source("source = [1, 2, 3, 4]"), Source::Point([1, 2, 3, 4]));
        assert_eq!(source("source = [3, 5]"), Source::Point([3, 5, 0, 0]));
        assert_eq!(source("source = { wall = 3 }"), Source::Wall { t: 3 });
        assert_eq!(source("source = { noise = 2 }"), Source::Noise { t: 2, address });
        assert_eq!(SourceTable::default().source(address), Source::Point([0; 4]));
        for (entry, said) in [
            ("\"wall\"", "expected a site such as [0, 0, 0, 0], { wall = 0 } or { noise = 0 }"),
            ("{ walls = 1 }", "unknown field `walls`, expected `wall` or `noise`"),
            ("{ wall = 1, noise = 2 }", "one of"),
            ("{ }", "missing field `wall`"),
            ("[]", "0 coordinates"),
            ("[0, 0, 0, 0, 0]", "5 coordinates"),
        ] {
            let error = read(&format!("source = {entry}")).unwrap_err();
            assert!(error.contains(said), "{entry}: {error}");
        }
    }

    #[test]
    fn sources_outside_of_the_lattice_are_found() {
        let problem = |text: &str, extents: &[usize]| read(text).unwrap().problem_on(extents);
        assert_eq!(problem("source = [3, 5]", &[4, 6]), None);
        assert_eq!(problem("source = { noise = 5 }", &[4, 6]), None);
        assert_eq!(SourceTable::default().problem_on(&[4, 6]), None);
        for (text, extents, said) in [
            ("source = [3, 6]", &[4, 6][..], "outside the lattice [4, 6]"),
            ("source = [0, 0, 0, 0]", &[4, 6], "4 coordinates of a source in 2 dimensions"),
            ("source = { wall = 8 }", &[4, 4, 4, 8], "from 0 to 7"),
        ] {
            assert!(problem(text, extents).unwrap().contains(said), "{text}");
        }
    }
}
