//! Direct 3×3 convolutions over the blocks of a lattice, periodic as it is.
//!
//! out(x)[o] = start[o] + Σ_taps Σ_i w[tap][i][o] in(x + tap)[i]: a cross-correlation, as machine learning has it.
//! Each lane is a site or a configuration of its own, so a weight is broadcast to a whole row, or to a register's share of
//! it; two blocks at a time share the broadcasts, with as many output channels as there are registers for: a group of four
//! or eight where a row is one register, four where it is two, on machines with 16 of them. Taps whose source is known to
//! vanish are left out.

use gaugelink_lattice::number::{Row, register_lanes};
use gaugelink_lattice::{
    Field, FieldReader, FieldWriter, Kernel, Lanes, Lattice, Layout, Neighbour, Real, Tally, backward,
    forward,
};
use std::ops::Range;

/// The offsets of the taps in directions 0 and 1, in the order of a filter's entries.
pub const TAPS: [[i32; 2]; 9] =
    [[-1, -1], [-1, 0], [-1, 1], [0, -1], [0, 0], [0, 1], [1, -1], [1, 0], [1, 1]];
/// Slope of the activation (LeakyReLU) for negative arguments.
pub const LEAK: f64 = 0.01;

/// The tap that leads back.
pub const fn opposite(tap: usize) -> usize {
    8 - tap
}

/// The block, and the turn of its lanes, that a tap leads to.
pub fn at_tap(layout: &Layout, block: usize, tap: usize) -> Neighbour {
    let step = |mu: usize| match TAPS[tap][mu] {
        0 => None,
        1 => Some(forward(mu)),
        _ => Some(backward(mu)),
    };
    match (step(0), step(1)) {
        (None, None) => Neighbour { block: block as u32, rotation: 0 },
        (Some(one), None) | (None, Some(one)) => layout.neighbour(block, one),
        (Some(first), Some(second)) => layout.neighbour2(block, first, second),
    }
}

/// Two blocks that read through the same taps.
#[derive(Clone, Copy)]
struct Pair {
    blocks: [u32; 2],
    first: u32,
    last: u32,
}

/// A tap of a pair.
#[derive(Clone, Copy)]
struct Source {
    tap: u32,
    at: [Neighbour; 2],
}

/// Where a convolution is evaluated, and through which taps.
pub struct Targets {
    pairs: Vec<Pair>,
    sources: Vec<Source>,
    /// The blocks where it is evaluated.
    pub blocks: Vec<u32>,
    /// For each tap, the (target, source) blocks that it connects: what the gradient of its weights sums over.
    pub by_tap: [Vec<(u32, Neighbour)>; 9],
}

impl Targets {
    /// `blocks`, each through the taps that `reads(block, tap)` holds for.
    pub fn new(layout: &Layout, blocks: &[u32], reads: impl Fn(usize, usize) -> bool) -> Self {
        let mut targets = Self {
            pairs: Vec::new(),
            sources: Vec::new(),
            blocks: blocks.to_vec(),
            by_tap: Default::default(),
        };
        let mut waiting: Vec<(Vec<usize>, u32)> = Vec::new();
        for &block in blocks {
            let taps: Vec<usize> = (0..TAPS.len()).filter(|&tap| reads(block as usize, tap)).collect();
            for &tap in &taps {
                targets.by_tap[tap].push((block, at_tap(layout, block as usize, tap)));
            }
            match waiting.iter().position(|(t, _)| *t == taps) {
                Some(found) => {
                    let (taps, first) = waiting.swap_remove(found);
                    targets.push(layout, [first, block], &taps);
                }
                None => waiting.push((taps, block)),
            }
        }
        // One left over is its own partner: computed twice, by one thread.
        for (taps, block) in waiting {
            targets.push(layout, [block, block], &taps);
        }
        targets
    }

    fn push(&mut self, layout: &Layout, blocks: [u32; 2], taps: &[usize]) {
        let first = self.sources.len() as u32;
        let source = |&tap: &usize| Source {
            tap: tap as u32,
            at: blocks.map(|block| at_tap(layout, block as usize, tap)),
        };
        self.sources.extend(taps.iter().map(source));
        self.pairs.push(Pair { blocks, first, last: self.sources.len() as u32 });
    }
}

/// What the sums start from, and what is done with them.
#[derive(Clone, Copy)]
pub enum Shape<'a, T> {
    /// Starts from a row for each pattern and output, `[pattern][group][output]`; the activation is applied.
    Hidden(&'a [Row<T>], &'a [u32]),
    /// The same without activation.
    Output(&'a [Row<T>], &'a [u32]),
    /// Starts from 0; the result is multiplied by the activation's slope at a field of its values.
    Slope(FieldReader<'a, T>),
    /// Starts from 0.
    Plain,
}

/// Evaluates a convolution from the first `inputs` channels to groups of `OUTPUTS` (4 or 8), which fill `to`; `weights` is
/// `[group][tap][input][output]`. Ghosts of `to` are filled.
pub fn convolve<T: Real, const OUTPUTS: usize>(
    lattice: &Lattice,
    targets: &Targets,
    weights: &[T],
    from: &Field<T>,
    inputs: usize,
    shape: Shape<'_, T>,
    to: &mut Field<T>,
) {
    let groups = to.reals() / OUTPUTS;
    assert!(weights.len() == TAPS.len() * inputs * to.reals() && inputs <= from.reals());
    let (weights, _) = weights.as_chunks::<OUTPUTS>();
    let (from, to_writer) = (from.reader(), to.writer());
    let kernel =
        Convolution::<T, OUTPUTS> { targets, weights, from, inputs, groups, shape, to: to_writer, lane: 0 };
    lattice.launch(&kernel, 0..targets.pairs.len());
    to.exchange();
}

struct Convolution<'a, T, const OUTPUTS: usize> {
    targets: &'a Targets,
    /// `[group, tap and input][output]`: indices known at compile time, so that sums stay in registers.
    weights: &'a [[T; OUTPUTS]],
    from: FieldReader<'a, T>,
    inputs: usize,
    groups: usize,
    shape: Shape<'a, T>,
    to: FieldWriter<'a, T>,
    /// The first of the lanes that are worked on; `from` and `to` start there.
    lane: usize,
}

impl<T: Real, const OUTPUTS: usize> Kernel<T> for Convolution<'_, T, OUTPUTS> {
    gaugelink_lattice::compiled!(scalar T, size OUTPUTS in [4, 8]: Convolution);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for pair in &self.targets.pairs[range] {
            for group in 0..self.groups {
                if V::REGISTERS == 1 {
                    self.pair::<V, OUTPUTS>(pair, group, 0);
                    continue;
                }
                for lane in register_lanes::<V>() {
                    let (from, to) = (self.from.from_lane(lane), self.to.from_lane(lane));
                    let part = Self { from, to, lane, ..*self };
                    for first in (0..OUTPUTS).step_by(FEW) {
                        part.pair::<V::Register, FEW>(pair, group, first);
                    }
                }
            }
        }
    }
}

/// Outputs at a time of two blocks, beside whose sums 16 registers have room for inputs and a weight.
const FEW: usize = 4;

impl<T: Real, const OUTPUTS: usize> Convolution<'_, T, OUTPUTS> {
    /// `COUNT` outputs of a group, from `output` on, at a pair of blocks.
    #[inline(always)]
    fn pair<V: Lanes<Scalar = T>, const COUNT: usize>(&self, pair: &Pair, group: usize, output: usize) {
        let [one, other] = pair.blocks;
        // Two arrays, and indices that are known: so they stay in registers.
        let mut first: [V; COUNT] = self.start(one, group, output);
        let mut second: [V; COUNT] = self.start(other, group, output);
        for source in &self.targets.sources[pair.first as usize..pair.last as usize] {
            let tap = group * TAPS.len() + source.tap as usize;
            let weights = &self.weights[tap * self.inputs..][..self.inputs];
            let [at_first, at_second] = source.at;
            let from_first = self.from.rows(at_first.block as usize, 0, self.inputs);
            let from_second = self.from.rows(at_second.block as usize, 0, self.inputs);
            let turns = at_first.rotation | at_second.rotation;
            for (i, weights) in weights.iter().enumerate() {
                let (x, y): (V, V) = if turns == 0 {
                    // SAFETY: the rows lie inside the field.
                    unsafe { (V::load(from_first.add(i * T::LANES)), V::load(from_second.add(i * T::LANES))) }
                } else {
                    (self.from.load_at(at_first, i), self.from.load_at(at_second, i))
                };
                let weights = &weights[output..output + COUNT];
                for o in 0..COUNT {
                    let w = V::broadcast(weights[o]);
                    first[o] = x.mul_add(w, first[o]);
                    second[o] = y.mul_add(w, second[o]);
                }
            }
        }
        self.finish(one, group * OUTPUTS + output, first);
        self.finish(other, group * OUTPUTS + output, second);
    }

    /// What a block's sums start from.
    #[inline(always)]
    fn start<V: Lanes<Scalar = T>, const COUNT: usize>(
        &self,
        block: u32,
        group: usize,
        output: usize,
    ) -> [V; COUNT] {
        let mut sums = [V::splat(0.0); COUNT];
        if let Shape::Hidden(start, pattern_of) | Shape::Output(start, pattern_of) = self.shape {
            let pattern = pattern_of[block as usize] as usize;
            let rows = &start.as_chunks::<OUTPUTS>().0[pattern * self.groups + group][output..];
            for o in 0..COUNT {
                sums[o] = rows[o].register(self.lane);
            }
        }
        sums
    }

    /// Writes a block's sums, shaped.
    #[inline(always)]
    fn finish<V: Lanes<Scalar = T>, const COUNT: usize>(&self, block: u32, channel: usize, sums: [V; COUNT]) {
        let block = block as usize;
        for o in 0..COUNT {
            let sum = match &self.shape {
                Shape::Hidden(..) => leaky(sums[o], sums[o]),
                Shape::Slope(values) => leaky(values.from_lane(self.lane).load(block, channel + o), sums[o]),
                Shape::Output(..) | Shape::Plain => sums[o],
            };
            // SAFETY: a block is written by the one thread that has its pair.
            unsafe { self.to.store(block, channel + o, sum) }
        }
    }
}

/// `x` times the slope of the activation at `at`, which has the sign of the activation's value there.
#[inline(always)]
fn leaky<V: Lanes>(at: V, x: V) -> V {
    V::select(at.lt(V::splat(0.0)), x * V::splat(LEAK), x)
}
