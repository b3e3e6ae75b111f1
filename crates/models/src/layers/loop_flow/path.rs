//! Closed paths of links on the square lattice, and products of their traces, up to symmetries.
//!
//! A step 0, 1, 2, 3 goes one link along +x, +y, −x, −y; step s + 2 takes step s back. The symmetries are translations,
//! the eight of the square, and charge conjugation, which runs through all paths backwards.

/// Elements of the symmetry group of the square.
pub const SQUARE: usize = 8;

/// Where a step leads.
pub fn stepped([x, y]: [i32; 2], step: u8) -> [i32; 2] {
    [[x + 1, y], [x, y + 1], [x - 1, y], [x, y - 1]][usize::from(step)]
}

/// The step that takes another back.
fn opposite(step: u8) -> u8 {
    (step + 2) % 4
}

/// A closed path without backtracking, written from the corner from which it is least.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    steps: Vec<u8>,
    start: [i32; 2],
}

impl Path {
    /// The path through `steps` from `start` on and back to it; `None` where nothing is left of it but backtracking.
    pub fn closed(start: [i32; 2], steps: impl IntoIterator<Item = u8>) -> Option<Self> {
        let mut kept: Vec<u8> = Vec::new();
        for step in steps {
            match kept.last() {
                Some(&last) if last == opposite(step) => drop(kept.pop()),
                _ => kept.push(step),
            }
        }
        let (mut first, mut start) = (0, start);
        while kept.len() > first + 1 && kept[first] == opposite(kept[kept.len() - 1]) {
            start = stepped(start, kept[first]);
            kept.pop();
            first += 1;
        }
        kept.drain(..first);
        if kept.is_empty() {
            return None;
        }
        let path = Self { steps: kept, start };
        (0..path.steps.len()).map(|k| path.from(k)).min()
    }

    /// The same path, written from before its step `k` on.
    fn from(&self, k: usize) -> Self {
        let start = self.steps[..k].iter().fold(self.start, |x, &s| stepped(x, s));
        Self { steps: [&self.steps[k..], &self.steps[..k]].concat(), start }
    }

    /// Corners, in the order of the steps that leave them.
    fn corners(&self) -> impl Iterator<Item = [i32; 2]> + '_ {
        self.steps.iter().scan(self.start, |x, &s| Some(std::mem::replace(x, stepped(*x, s))))
    }

    /// The path from its corner number `k` on.
    pub fn opened(&self, k: usize) -> ([i32; 2], Vec<u8>) {
        let path = self.from(k % self.steps.len());
        (path.start, path.steps)
    }

    /// The links that it passes.
    pub fn passages(&self) -> Vec<Passage> {
        let passage = |(k, (x, &step)): (usize, ([i32; 2], &u8))| match step {
            0 | 1 => Passage { link: (x, step), sign: 1.0, corner: k },
            _ => Passage { link: (stepped(x, step), step - 2), sign: -1.0, corner: k + 1 },
        };
        self.corners().zip(&self.steps).enumerate().map(passage).collect()
    }

    fn mapped(&self, f: impl Fn([i32; 2]) -> [i32; 2], step: impl Fn(u8) -> u8) -> Option<Self> {
        Self::closed(f(self.start), self.steps.iter().map(|&s| step(s)))
    }

    fn reversed(&self) -> Option<Self> {
        Self::closed(self.start, self.steps.iter().rev().map(|&s| opposite(s)))
    }
}

/// One passage of a path over a link: U, sign +, or U†, sign −.
///
/// Under U → (1 + T) U a factor ±T appears in the path at a corner: the link's first site, which the path leaves over U or
/// reaches over U†.
#[derive(Clone, Copy)]
pub struct Passage {
    /// First site and direction.
    pub link: ([i32; 2], u8),
    pub sign: f64,
    /// Number of the corner.
    pub corner: usize,
}

/// A product of traces of closed paths: their list, sorted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Traces(Vec<Path>);

impl Traces {
    /// The product, and how many of the paths were trivial and give tr 1 each.
    pub fn product(paths: impl IntoIterator<Item = Option<Path>>) -> (Self, i32) {
        let (mut kept, mut trivial) = (Vec::new(), 0);
        for path in paths {
            match path {
                Some(path) => kept.push(path),
                None => trivial += 1,
            }
        }
        kept.sort();
        (Self(kept), trivial)
    }

    /// The paths.
    pub fn paths(&self) -> &[Path] {
        &self.0
    }

    fn mapped(&self, f: impl Fn(&Path) -> Option<Path>) -> Self {
        Self::product(self.0.iter().map(f)).0
    }

    /// Moved by a symmetry of the square: `g` mod 4 quarter turns, from 4 on after a reflection.
    fn turned(&self, g: usize) -> Self {
        let site = |[x, y]: [i32; 2]| {
            let [x, y] = if g < 4 { [x, y] } else { [y, x] };
            [[x, y], [-y, x], [-x, -y], [y, -x]][g % 4]
        };
        let step = |s: u8| {
            let s = if g < 4 { s } else { [1, 0, 3, 2][usize::from(s)] };
            (s + (g % 4) as u8) % 4
        };
        self.mapped(|path| path.mapped(site, step))
    }

    /// Moved to where its least coordinates are 0.
    fn at_origin(&self) -> Self {
        let corner = |mu: usize| self.0.iter().flat_map(Path::corners).map(|x| x[mu]).min().unwrap_or(0);
        let (x0, y0) = (corner(0), corner(1));
        self.mapped(|path| path.mapped(|[x, y]| [x - x0, y - y0], |s| s))
    }

    /// The least of what translations and charge conjugation make of it.
    pub fn image(&self) -> Self {
        let conjugate = self.mapped(Path::reversed).at_origin();
        self.at_origin().min(conjugate)
    }

    /// Its images under the symmetries of the square, each once, in order. The first names the class.
    pub fn images(&self) -> Vec<Self> {
        let mut images: Vec<Self> = (0..SQUARE).map(|g| self.turned(g).image()).collect();
        images.sort();
        images.dedup();
        images
    }
}
