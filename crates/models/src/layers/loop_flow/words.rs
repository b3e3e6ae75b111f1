//! Loops as words of plaquettes that begin and end at one site, and in which order to multiply them.
//!
//! Every loop of up to three plaquettes in a row or around a corner is a product of traces of words of six letters and
//! their inverses: the four plaquettes that touch the site x, run through from x counterclockwise,
//!
//! ```text
//! q0 up right, q1 up left, q2 down left, q3 down right of x
//! b0 = U_0(x) q0(x+0) U_0(x)†        b1 = U_1(x) q0(x+1) U_1(x)†
//! ```
//!
//! so that one site needs few products of matrices for all of its loops. An image of a loop belongs to the one site where
//! its first word is found.

use super::path::{Path, Traces};
use super::set::LoopSet;
use std::collections::{BTreeMap, BTreeSet};

/// Letters.
pub const LETTERS: usize = 6;
/// Room for letters and products of two.
pub const REGISTERS: usize = 24;
/// Where a site keeps its other matrices: the duals of registers, plaquettes to be carried and the links to carry them
/// over, halves of that, and letter × dual, for those that were carried also dual × letter.
pub const DUALS: usize = REGISTERS;
pub const CARRIED: usize = DUALS + REGISTERS;
pub const CARRIERS: usize = CARRIED + 2;
const HALVES: usize = CARRIERS + 2;
pub const PULLED: usize = HALVES + 2;
/// All of them.
pub const MATRICES: usize = PULLED + LETTERS + 2;
/// Room for traces.
pub const TRACES: usize = 80;
/// Room for loops.
pub const LOOPS_MAX: usize = 48;

/// From the site around each letter.
const WALKS: [&[u8]; LETTERS] =
    [&[0, 1, 2, 3], &[1, 2, 3, 0], &[2, 3, 0, 1], &[3, 0, 1, 2], &[0, 0, 1, 2, 3, 2], &[1, 0, 1, 2, 3, 3]];

/// Letters that make loops together: a plaquette, two that share a link, three around a corner or in a row.
const FAMILIES: [&[usize]; 9] =
    [&[0], &[0, 3], &[1, 0], &[1, 0, 3], &[2, 1, 0], &[3, 2, 1], &[0, 3, 2], &[1, 0, 4], &[3, 0, 5]];

/// A letter, or a product of two, or its inverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Factor {
    pub register: usize,
    pub inverse: bool,
}

impl Factor {
    fn inverted(self) -> Self {
        Self { inverse: !self.inverse, ..self }
    }
}

type Word = Vec<Factor>;

/// tr of a register alone, or of a product with another or its inverse.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    pub left: usize,
    pub right: Option<Factor>,
}

/// A product of up to three traces, or their conjugates, that belongs to a loop.
#[derive(Clone, Debug)]
pub struct Term {
    pub class: usize,
    /// (trace, whether conjugated)
    pub traces: Vec<(usize, bool)>,
}

/// A product of two matrices or their inverses that is added to a third, or its inverse to it.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    pub left: Factor,
    pub right: Factor,
    pub into: Factor,
}

/// What a site computes.
#[derive(Debug, Default)]
pub struct Program {
    /// Which letters occur.
    pub letters: [bool; LETTERS],
    /// Products: register [`LETTERS`] + k is that of pair k.
    pairs: Vec<[Factor; 2]>,
    /// The matrices' products before the traces, and those of the way back from them.
    pub phases: [Vec<Product>; 2],
    pub traces: Vec<Trace>,
    /// By class.
    pub terms: Vec<Term>,
}

impl Program {
    /// The program of a set. `None` where an image has no words or there is no room, which the tests exclude for the
    /// sets that there are.
    pub fn new(set: &LoopSet) -> Option<Self> {
        let images = spelled(set);
        let wanted: usize = (0..set.count()).map(|i| set.images(i).len()).sum();
        let mut program = Self::default();
        let mut spellings: Vec<(usize, Vec<Word>)> = images.into_values().collect();
        spellings.sort();
        let words = || spellings.iter().flat_map(|(_, words)| words);
        for factor in words().flatten() {
            program.letters[factor.register] = true;
        }
        program.pairs = pairs(words().filter(|word| word.len() == 3));
        let mut known = BTreeMap::new();
        for (class, words) in &spellings {
            let traces = words.iter().map(|word| program.trace(word, &mut known)).collect::<Option<_>>()?;
            program.terms.push(Term { class: *class, traces });
        }
        program.phases = program.products();
        let fits = program.terms.len() == wanted
            && set.count() <= LOOPS_MAX
            && program.traces.len() <= TRACES
            && LETTERS + program.pairs.len() <= REGISTERS;
        fits.then_some(program)
    }

    /// The phases.
    fn products(&self) -> [Vec<Product>; 2] {
        let plain = |register: usize| Factor { register, inverse: false };
        let product = |left: Factor, right: Factor, into: Factor| Product { left, right, into };
        let (mut there, mut back) = (Vec::new(), Vec::new());
        for k in (0..2).filter(|k| self.letters[4 + k]) {
            let carrier = plain(CARRIERS + k);
            there.push(product(carrier, plain(CARRIED + k), plain(HALVES + k)));
            there.push(product(plain(HALVES + k), carrier.inverted(), plain(4 + k)));
        }
        for (k, [a, b]) in self.pairs.iter().enumerate() {
            there.push(product(*a, *b, plain(LETTERS + k)));
        }
        // Of C = A B: Ψ_A is B Ψ_C and Ψ_B is Ψ_C A; of a factor's inverse the dual is the inverse's.
        for (k, [a, b]) in self.pairs.iter().enumerate().rev() {
            let dual = plain(DUALS + LETTERS + k);
            let of = |factor: &Factor| Factor { register: DUALS + factor.register, ..*factor };
            back.push(product(*b, dual, of(a)));
            back.push(product(dual, *a, of(b)));
        }
        for letter in (0..LETTERS).filter(|&letter| self.letters[letter]) {
            let dual = plain(DUALS + letter);
            back.push(product(plain(letter), dual, plain(PULLED + letter)));
            if letter >= 4 {
                back.push(product(dual, plain(letter), plain(PULLED + LETTERS + letter - 4)));
            }
        }
        [there, back]
    }

    /// The trace of a word, and whether it is to be conjugated; each is computed once.
    fn trace(&mut self, word: &Word, known: &mut BTreeMap<Word, (usize, bool)>) -> Option<(usize, bool)> {
        let (least, conjugated) = least(word);
        let (index, turned) = match known.get(&least) {
            Some(&found) => found,
            None => {
                let (trace, turned) = match least.as_slice() {
                    // The first letter of a least word is no inverse.
                    [a] => (Trace { left: a.register, right: None }, false),
                    [a, b] => (Trace { left: a.register, right: Some(*b) }, false),
                    _ => forms(&least).into_iter().find_map(|(word, turned)| {
                        let pair = self.pairs.iter().position(|pair| pair[..] == word[..2])?;
                        Some((Trace { left: LETTERS + pair, right: Some(word[2]) }, turned))
                    })?,
                };
                self.traces.push(trace);
                known.insert(least, (self.traces.len() - 1, turned));
                (self.traces.len() - 1, turned)
            }
        };
        Some((index, conjugated ^ turned))
    }
}

/// The words of a trace: cyclic rotations, and those of the inverse, whose trace is the conjugate.
fn forms(word: &Word) -> Vec<(Word, bool)> {
    let inverse: Word = word.iter().rev().map(|factor| factor.inverted()).collect();
    let rotated = |word: &Word, k: usize| [&word[k..], &word[..k]].concat();
    let both = |k: usize| [(rotated(word, k), false), (rotated(&inverse, k), true)];
    (0..word.len()).flat_map(both).collect()
}

/// The least of a trace's words, and whether its trace is the conjugate.
fn least(word: &Word) -> (Word, bool) {
    forms(word).into_iter().min().unwrap_or_default()
}

/// Products of two that all words of three can be computed from: always the one that serves most of those left.
fn pairs<'a>(words: impl Iterator<Item = &'a Word>) -> Vec<[Factor; 2]> {
    let mut left: BTreeSet<Word> = words.map(|word| least(word).0).collect();
    let serves = |pair: &[Factor; 2], word: &Word| forms(word).iter().any(|(form, _)| form[..2] == pair[..]);
    let mut chosen = Vec::new();
    while !left.is_empty() {
        let candidates = left.iter().flat_map(forms).map(|(form, _)| [form[0], form[1]]);
        let candidates: BTreeSet<[Factor; 2]> = candidates.collect();
        let count = |pair: &[Factor; 2]| left.iter().filter(|word| serves(pair, word)).count();
        let Some(best) = candidates.into_iter().rev().max_by_key(count) else { break };
        left.retain(|word| !serves(&best, word));
        chosen.push(best);
    }
    chosen
}

/// For every image of every loop of a set, the loop and the words whose traces make it.
fn spelled(set: &LoopSet) -> BTreeMap<Traces, (usize, Vec<Word>)> {
    let class_of: BTreeMap<&Traces, usize> =
        (0..set.count()).flat_map(|i| set.images(i).iter().map(move |image| (image, i))).collect();
    let mut found = BTreeMap::new();
    for length in 1..=set.order() + 1 {
        for family in FAMILIES {
            for word in all_words(family, length) {
                for cuts in 0..1usize << (length - 1) {
                    let words = cut(&word, cuts);
                    let (traces, trivial) = Traces::product(words.iter().map(walked));
                    let image = traces.image();
                    if let (0, Some(&class)) = (trivial, class_of.get(&image)) {
                        found.entry(image).or_insert((class, words));
                    }
                }
            }
        }
    }
    found
}

/// Every word of `length` letters of a family and their inverses.
fn all_words(family: &[usize], length: usize) -> Vec<Word> {
    let mut words = vec![Word::new()];
    for _ in 0..length {
        let longer = |word: &Word| {
            let factors =
                family.iter().flat_map(|&register| [false, true].map(|inverse| Factor { register, inverse }));
            factors.map(|factor| [&word[..], &[factor]].concat()).collect::<Vec<_>>()
        };
        words = words.iter().flat_map(longer).collect();
    }
    words
}

/// A word cut behind its letter k wherever bit k is set.
fn cut(word: &Word, cuts: usize) -> Vec<Word> {
    let mut words = vec![Word::new()];
    for (k, factor) in word.iter().enumerate() {
        if k > 0 && cuts >> (k - 1) & 1 == 1 {
            words.push(Word::new());
        }
        if let Some(last) = words.last_mut() {
            last.push(*factor);
        }
    }
    words
}

/// The path of a word.
fn walked(word: &Word) -> Option<Path> {
    let steps = word.iter().flat_map(|factor| {
        let walk = WALKS[factor.register].iter().copied();
        let there: Vec<u8> = walk.collect();
        match factor.inverse {
            false => there,
            true => there.iter().rev().map(|step| (step + 2) % 4).collect(),
        }
    });
    Path::closed([0, 0], steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many loops there are, that all of their images are spelled, and the products that it takes.
    #[test]
    fn every_image_has_its_words() {
        for (n, counts) in [(1, [1, 5, 16]), (2, [1, 8, 44]), (3, [1, 8, 44])] {
            for (order, count) in counts.into_iter().enumerate() {
                let set = LoopSet::new(n, order);
                let program = Program::new(&set).unwrap();
                assert_eq!(set.count(), count);
                println!(
                    "N={n}: {count} loops, {} terms, {} traces, {} products, letters {:?}",
                    program.terms.len(),
                    program.traces.len(),
                    program.pairs.len(),
                    program.letters
                );
            }
        }
    }
}
