//! Gradients of a convolution's weights: sums over sites of input times cotangent of the output.
//!
//! With site lanes every product goes into an exact sum, so that threads and ranks change no bit. With a batch in the
//! lanes, the case of training, each lane is summed in its own register over the rank's blocks, in the same order for any
//! number of threads, and lanes are added in double precision: tens of times faster, but over several ranks equal only
//! up to rounding.

use super::convolution::{TAPS, Targets};
use super::stripes::Stripes;
use gaugelink_lattice::number::{Row, register_lanes};
use gaugelink_lattice::sum::ExactSum;
use gaugelink_lattice::{Field, FieldReader, Kernel, Lanes, Lattice, Neighbour, Real, Tally};
use std::cell::UnsafeCell;
use std::ops::Range;

/// Sums of a group, kept in registers at the same time.
const SUMS: usize = 16;
/// As many of them as are kept at a time on machines with 16 registers.
const FEW: usize = 8;

/// Room for the sums of one convolution, kept between uses.
pub struct WeightSums<T> {
    rows: Vec<UnsafeCell<Row<T>>>,
    /// Σ input × cotangent, `[tap][input][output]`.
    pub weights: Vec<f64>,
    /// Σ cotangent over the sites of each class, `[class][output]`.
    pub classes: Vec<f64>,
}

impl<T: Real> WeightSums<T> {
    /// No sums yet.
    pub fn new() -> Self {
        Self { rows: Vec::new(), weights: Vec::new(), classes: Vec::new() }
    }

    /// The sums for a convolution of `inputs` channels of `from` at `targets`, and those of its outputs that follow
    /// channel `first`: they have the cotangents `back`, zero where they are not wanted. Collective.
    pub fn sum<const OUTPUTS: usize>(
        &mut self,
        lattice: &Lattice,
        stripes: &Stripes<T>,
        targets: &Targets,
        (from, inputs): (&Field<T>, usize),
        (back, first): (&Field<T>, usize),
    ) {
        self.weights.clear();
        self.classes.clear();
        self.weights.resize(TAPS.len() * inputs * OUTPUTS, 0.0);
        self.classes.resize(4 * OUTPUTS, 0.0);
        if stripes.is_batch {
            self.in_lanes::<OUTPUTS>(lattice, stripes, targets, (from, inputs), (back, first));
            if lattice.comm().ranks() > 1 {
                over_ranks(lattice, &mut self.weights);
                over_ranks(lattice, &mut self.classes);
            }
            return;
        }
        for (tap, blocks) in targets.by_tap.iter().enumerate() {
            for input in 0..inputs {
                let (from, back) = (from.reader(), back.reader());
                let kernel = Products::<T, OUTPUTS> { blocks, from, input, back, first };
                let sums = &mut self.weights[(tap * inputs + input) * OUTPUTS..][..OUTPUTS];
                lattice.reduce(&kernel, 0..blocks.len(), sums);
            }
        }
        let (blocks, back) = (&targets.blocks[..], back.reader());
        let kernel = Members::<T, OUTPUTS> { stripes, blocks, back, first };
        lattice.reduce(&kernel, 0..targets.blocks.len(), &mut self.classes);
    }

    fn in_lanes<const OUTPUTS: usize>(
        &mut self,
        lattice: &Lattice,
        stripes: &Stripes<T>,
        targets: &Targets,
        (from, inputs): (&Field<T>, usize),
        (back, first): (&Field<T>, usize),
    ) {
        let (count, patterns) = (self.weights.len(), stripes.patterns.len());
        self.rows.resize_with(count + patterns * OUTPUTS, || Row([T::default(); 16]).into());
        let kernel = LaneSums::<T, OUTPUTS> {
            targets,
            pattern_of: &stripes.pattern_of,
            from: from.reader(),
            inputs,
            back: back.reader(),
            first,
            rows: &self.rows,
        };
        lattice.launch(&kernel, 0..kernel.groups() + patterns);
        let lanes = stripes.distinct_lanes;
        for (sum, row) in self.weights.iter_mut().zip(&mut self.rows) {
            *sum = lane_sum(row.get_mut(), lanes);
        }
        for (p, pattern) in stripes.patterns.iter().enumerate() {
            // A batch's lanes are all of one class.
            let class = pattern.classes[0] as usize;
            for output in 0..OUTPUTS {
                let row = self.rows[count + p * OUTPUTS + output].get_mut();
                self.classes[class * OUTPUTS + output] += lane_sum(row, lanes);
            }
        }
    }
}

/// The sum of the first lanes in double precision, by halves.
fn lane_sum<T: Real>(row: &Row<T>, lanes: usize) -> f64 {
    let mut x: [f64; 16] = std::array::from_fn(|l| if l < lanes { row.0[l].to_f64() } else { 0.0 });
    for half in [8, 4, 2, 1] {
        for l in 0..half {
            x[l] += x[l + half];
        }
    }
    x[0]
}

fn over_ranks(lattice: &Lattice, values: &mut [f64]) {
    let mut sums = vec![ExactSum::default(); values.len()];
    sums.iter_mut().zip(&*values).for_each(|(sum, &x)| sum.add(x));
    lattice.sum_over_ranks(&mut sums);
    values.iter_mut().zip(&sums).for_each(|(x, sum)| *x = sum.value());
}

/// One exact sum for each output, of one tap and input.
struct Products<'a, T, const OUTPUTS: usize> {
    blocks: &'a [(u32, Neighbour)],
    from: FieldReader<'a, T>,
    input: usize,
    back: FieldReader<'a, T>,
    first: usize,
}

impl<T: Real, const OUTPUTS: usize> Kernel<T> for Products<'_, T, OUTPUTS> {
    const SUMS: usize = OUTPUTS;
    gaugelink_lattice::compiled!(scalar T, size OUTPUTS in [4, 8]: Products);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for &(block, at) in &self.blocks[range] {
            let x: V = self.from.load_at(at, self.input);
            for o in 0..OUTPUTS {
                tally.add(o, x * self.back.load::<V>(block as usize, self.first + o));
            }
        }
    }
}

/// Exact sums of the cotangent over the members of each class.
struct Members<'a, T, const OUTPUTS: usize> {
    stripes: &'a Stripes<T>,
    blocks: &'a [u32],
    back: FieldReader<'a, T>,
    first: usize,
}

impl<T: Real, const OUTPUTS: usize> Kernel<T> for Members<'_, T, OUTPUTS> {
    const SUMS: usize = 4 * OUTPUTS;
    gaugelink_lattice::compiled!(scalar T, size OUTPUTS in [4, 8]: Members);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for &block in &self.blocks[range] {
            let pattern = self.stripes.pattern(block as usize);
            for class in 0..4 {
                let members: V = pattern.members[class].to_lanes();
                for o in 0..OUTPUTS {
                    let back: V = self.back.load(block as usize, self.first + o);
                    tally.add(class * OUTPUTS + o, members * back);
                }
            }
        }
    }
}

/// Sums of each lane over the blocks: groups of [`SUMS`] weights (fewer of a single input), then the outputs of each
/// pattern.
struct LaneSums<'a, T, const OUTPUTS: usize> {
    targets: &'a Targets,
    pattern_of: &'a [u32],
    from: FieldReader<'a, T>,
    inputs: usize,
    back: FieldReader<'a, T>,
    first: usize,
    rows: &'a [UnsafeCell<Row<T>>],
}

// SAFETY: a row is written by the one thread that has its group.
unsafe impl<T: Real, const OUTPUTS: usize> Sync for LaneSums<'_, T, OUTPUTS> {}

impl<T: Real, const OUTPUTS: usize> Kernel<T> for LaneSums<'_, T, OUTPUTS> {
    gaugelink_lattice::compiled!(scalar T, size OUTPUTS in [4, 8]: LaneSums);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let groups = self.groups();
        for group in range {
            if group >= groups {
                self.pattern::<V>(group - groups, TAPS.len() * self.inputs * OUTPUTS);
            } else if self.inputs == 1 {
                self.weights::<V, true>(group);
            } else {
                self.weights::<V, false>(group);
            }
        }
    }
}

impl<T: Real, const OUTPUTS: usize> LaneSums<'_, T, OUTPUTS> {
    /// Groups of weights.
    #[inline(always)]
    fn groups(&self) -> usize {
        if self.inputs == 1 { TAPS.len() } else { TAPS.len() * self.inputs * OUTPUTS / SUMS }
    }

    /// The sums of a group: of one tap, with as many inputs as there are registers for, or with a `SINGLE` one.
    #[inline(always)]
    fn weights<V: Lanes<Scalar = T>, const SINGLE: bool>(&self, group: usize) {
        let inputs = if SINGLE { 1 } else { SUMS / OUTPUTS };
        let pairs = group * inputs;
        if V::REGISTERS == 1 {
            self.weights_from::<V, SINGLE, SUMS>(pairs, 0);
            return;
        }
        for lane in register_lanes::<V>() {
            let (from, back) = (self.from.from_lane(lane), self.back.from_lane(lane));
            let part = Self { from, back, ..*self };
            for first in (0..inputs).step_by(FEW / OUTPUTS) {
                part.weights_from::<V::Register, SINGLE, FEW>(pairs + first, lane);
            }
        }
    }

    /// `COUNT` sums of the lanes from `lane` on, the first one of number `pairs` of taps and inputs.
    #[inline(always)]
    fn weights_from<V: Lanes<Scalar = T>, const SINGLE: bool, const COUNT: usize>(
        &self,
        pairs: usize,
        lane: usize,
    ) {
        let inputs = if SINGLE { 1 } else { COUNT / OUTPUTS };
        let (tap, input) = (pairs / self.inputs, pairs % self.inputs);
        let mut sums = [V::splat(0.0); COUNT];
        for &(block, at) in &self.targets.by_tap[tap] {
            let back = self.back.rows(block as usize, self.first, OUTPUTS);
            let from = self.from.rows(at.block as usize, input, inputs);
            for i in 0..inputs {
                // SAFETY: the rows lie inside the field; a batch's lanes are never turned.
                let x = unsafe { V::load(from.add(i * T::LANES)) };
                for o in 0..OUTPUTS {
                    // SAFETY: the rows lie inside the field.
                    let d = unsafe { V::load(back.add(o * T::LANES)) };
                    sums[i * OUTPUTS + o] = x.mul_add(d, sums[i * OUTPUTS + o]);
                }
            }
        }
        for k in 0..inputs * OUTPUTS {
            self.store(pairs * OUTPUTS + k, lane, sums[k]);
        }
    }

    #[inline(always)]
    fn pattern<V: Lanes<Scalar = T>>(&self, pattern: usize, first: usize) {
        let mut sums = [V::splat(0.0); OUTPUTS];
        for &block in &self.targets.blocks {
            if self.pattern_of[block as usize] as usize == pattern {
                for o in 0..OUTPUTS {
                    sums[o] = sums[o] + self.back.load(block as usize, self.first + o);
                }
            }
        }
        for o in 0..OUTPUTS {
            self.store(first + pattern * OUTPUTS + o, 0, sums[o]);
        }
    }

    #[inline(always)]
    fn store<V: Lanes<Scalar = T>>(&self, row: usize, lane: usize, sum: V) {
        // SAFETY: this thread alone has the group that the row belongs to.
        unsafe { (*self.rows[row].get()).put(lane, sum) }
    }
}
