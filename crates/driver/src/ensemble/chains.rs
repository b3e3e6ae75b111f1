//! Several chains in one folder: configurations with the same numbers whose names, or logical names, differ elsewhere.

use super::finding::{Finding, named};
use super::member::Member;
use super::number::{parts, places};
use std::collections::{BTreeMap, BTreeSet};

/// So many configurations of one name make a chain; fewer are copies or strays.
const LENGTH: usize = 3;

/// Names the chain of each member where there are several, and says so. Names decide, else logical names.
pub(super) fn name_chains(members: &mut [Member]) -> Option<Finding> {
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let logical: Vec<&str> = members.iter().map(|member| member.lfn.as_deref().unwrap_or_default()).collect();
    let numbers: Vec<Option<u64>> = members.iter().map(|m| m.number.filter(|_| m.belongs)).collect();
    let chains =
        [chains_of(&names), chains_of(&logical)].into_iter().find(|chains| are_several(chains, &numbers))?;
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for (chain, _) in chains.iter().zip(&numbers).filter(|(_, number)| number.is_some()) {
        *sizes.entry(chain).or_default() += 1;
    }
    let shown: Vec<String> = sizes.iter().map(|(chain, size)| format!("{chain} ({size})")).collect();
    let message = format!("several chains, each a series of its own: {}", named(&shown));
    for ((member, chain), number) in members.iter_mut().zip(&chains).zip(&numbers) {
        member.chain = number.is_some().then(|| chain.clone());
    }
    Some(Finding::note("chains", Vec::new(), message))
}

/// What the names of a chain have in common: `#` for the number, and neither precision nor extension.
fn chains_of(names: &[&str]) -> Vec<String> {
    names.iter().zip(places(names)).map(|(name, place)| chain_of(name, place)).collect()
}

fn chain_of(name: &str, place: Option<usize>) -> String {
    let mut chain = String::new();
    for (i, (text, number)) in parts(name).iter().enumerate() {
        chain += text;
        match number {
            Some(_) if Some(i) == place => chain.push('#'),
            Some(number) => chain += &number.to_string(),
            None => {}
        }
    }
    loop {
        let Some((stem, word)) = chain.rsplit_once(['.', '_', '-']).filter(|(stem, _)| stem.contains('#'))
        else {
            return chain;
        };
        let extension = chain[stem.len()..].starts_with('.') && word.chars().all(char::is_alphabetic);
        if !extension && !["f32", "f64"].contains(&word) {
            return chain;
        }
        chain.truncate(stem.len());
    }
}

/// Whether two chains of some length have a number in common.
fn are_several(chains: &[String], numbers: &[Option<u64>]) -> bool {
    let mut of_chain: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for (chain, number) in chains.iter().zip(numbers) {
        of_chain.entry(chain).or_default().extend(number);
    }
    let mut seen = BTreeSet::new();
    of_chain.into_values().filter(|own| own.len() >= LENGTH).flatten().any(|number| !seen.insert(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_of_a_chain_have_in_common() {
        for (names, chain) in [
            (["s1_conf.1000.lime", "s1_conf.1010.lime"], "s1_conf.#"),
            (["conf_s2.1000_f64.ildg", "conf_s2.1010.f32"], "conf_s2.#"),
            (["conf.1000.s1", "conf.1010.s1"], "conf.#.s1"),
            (["s3/ckpoint_lat.10", "s3/ckpoint_lat.20"], "s3/ckpoint_lat.#"),
            (["id2n7", "id2n8"], "id2n#"),
            (
                ["lfn://group/b5.7/s2/conf.1000", "lfn://group/b5.7/s2/conf.1010"],
                "lfn://group/b5.7/s2/conf.#",
            ),
        ] {
            assert_eq!(chains_of(&names), [chain; 2]);
        }
        assert_eq!(chains_of(&["README.md"]), ["README.md"]);
    }

    #[test]
    fn chains_have_a_length_and_numbers_in_common() {
        let several = |names: &[&str]| {
            let numbers = super::super::number::numbers(names);
            are_several(&chains_of(names), &numbers)
        };
        assert!(several(&["a1", "a2", "a3", "b3", "b4", "b5"]));
        // One goes on where the other ends; a copy in another format; a stray.
        assert!(!several(&["a1", "a2", "a3", "b4", "b5", "b6"]));
        assert!(!several(&["a.1.lime", "a.2.lime", "a.3.lime", "a.1.nersc", "a.2.nersc", "a.3.nersc"]));
        assert!(!several(&["a1", "a2", "a3", "a4", "b2", "b3"]));
    }
}
