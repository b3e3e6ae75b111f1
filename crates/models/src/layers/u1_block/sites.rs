//! The kernels at the active links of a block layer.

use super::net::Net;
use crate::layers::conv_net::Begin;
use crate::layers::conv_net::stripes::Stripes;
use crate::layers::u1_coupling::spline::Spline;
use gaugelink_lattice::number::{atan2, exp, sin_cos};
use gaugelink_lattice::{Complex, FieldReader, FieldWriter, Kernel, Lanes, Real, Tally};
use std::ops::Range;

/// The two loops at an active site, e^{iφ} of the loop with the link and e^{is} of their sum.
#[inline(always)]
fn loops<V: Lanes>(
    windows: &FieldReader<'_, V::Scalar>,
    before: &FieldReader<'_, V::Scalar>,
    block: usize,
) -> [Complex<V>; 2] {
    let phase = |field: &FieldReader<'_, V::Scalar>| Complex::new(field.load(block, 0), field.load(block, 1));
    let here: Complex<V> = phase(windows);
    [here, here * phase(before)]
}

/// e^{±iδ} of the active links, 1 in other lanes: δ of the map where `inverse` is false, of its inverse where it is true.
/// Sums: the log det; lanes in which the inverse was not found.
pub struct Turn<'a, T> {
    pub stripes: &'a Stripes<T>,
    pub blocks: &'a [u32],
    pub bins: usize,
    pub net: Net<'a, T>,
    pub inverse: bool,
    pub windows: FieldReader<'a, T>,
    pub before: FieldReader<'a, T>,
    pub turn: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for Turn<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Turn);
    const SUMS: usize = 2;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        let (zero, half, one) = (V::splat(0.0), V::splat(0.5), V::splat(1.0));
        let sign = V::splat(if (self.stripes.mu == 0) != self.inverse { 1.0 } else { -1.0 });
        for &block in &self.blocks[range] {
            let block = block as usize;
            let active = half.lt(self.stripes.pattern(block).members[0].to_lanes());
            let [phase, both] = loops::<V>(&self.windows, &self.before, block);
            let values = self.net.evaluate(&[both.re, both.im]);
            let spline = Spline::new(self.bins, &values.outputs);
            let middle = atan2(both.im, both.re) * half;
            let (shift, log) = if self.inverse {
                let (sin, cos) = sin_cos(middle);
                let (shift, log, failed) = spline.inverse(phase * Complex::new(cos, -sin));
                tally.add(1, V::select(active, failed, zero));
                (shift, -log)
            } else {
                spline.forward(phase)
            };
            tally.add(0, V::select(active, log, zero));
            let (sin, cos) = sin_cos(shift + middle);
            // SAFETY: a block is written by one thread.
            unsafe {
                self.turn.store(block, 0, V::select(active, cos, one));
                self.turn.store(block, 1, V::select(active, sin * sign, zero));
            }
        }
    }
}

/// Where the net's values and cotangents go, for the gradient of its parameters.
pub struct Kept<'a, T> {
    pub inputs: FieldWriter<'a, T>,
    pub hidden: [FieldWriter<'a, T>; 2],
    pub hidden_back: [FieldWriter<'a, T>; 2],
    pub outputs_back: FieldWriter<'a, T>,
}

/// From the cotangents of the active links and the log det to those of the net and of the two loops.
pub struct MapBack<'a, T> {
    pub stripes: &'a Stripes<T>,
    pub blocks: &'a [u32],
    pub bins: usize,
    pub hidden: usize,
    pub net: Net<'a, T>,
    pub windows: FieldReader<'a, T>,
    pub before: FieldReader<'a, T>,
    pub cotangent: FieldReader<'a, T>,
    pub begin: Begin<T>,
    pub kept: Kept<'a, T>,
    /// Of the loop with the link.
    pub here: FieldWriter<'a, T>,
    /// Of the loop before it.
    pub there: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for MapBack<'_, T> {
    gaugelink_lattice::compiled!(scalar T: MapBack);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (zero, half, mu) = (V::splat(0.0), V::splat(0.5), self.stripes.mu);
        let sign = V::splat(if mu == 0 { 1.0 } else { -1.0 });
        for &block in &self.blocks[range] {
            let block = block as usize;
            let active: V = self.stripes.pattern(block).members[0].to_lanes();
            let [phase, both] = loops::<V>(&self.windows, &self.before, block);
            let inputs = [both.re, both.im];
            let values = self.net.evaluate(&inputs);
            let spline = Spline::new(self.bins, &values.outputs);
            let of_link = self.cotangent.load::<V>(block, mu) * sign * active;
            let (by_shift, by_log) = match self.begin {
                Begin::Cotangent(weight) => (of_link, weight.to_lanes::<V>() * active),
                Begin::Score => {
                    let by_angle = spline.backward(phase, zero, active).angle;
                    ((of_link - by_angle).div(exp(spline.forward(phase).1)), active)
                }
            };
            let slopes = spline.backward(phase, by_shift, by_log);
            let back = self.net.back(&values, &slopes.outputs);
            let by_net = both.im.neg_mul_add(back.inputs[0], both.re * back.inputs[1]);
            let by_both = by_shift.mul_add(half, by_net);
            // SAFETY: a block is written by one thread.
            unsafe {
                for i in 0..2 {
                    self.kept.inputs.store(block, i, inputs[i]);
                    for h in 0..self.hidden {
                        self.kept.hidden[i].store(block, h, values.hidden[i][h]);
                        self.kept.hidden_back[i].store(block, h, back.hidden[i][h]);
                    }
                }
                for o in 0..=3 * self.bins {
                    self.kept.outputs_back.store(block, o, slopes.outputs[o]);
                }
                self.here.store(block, 0, slopes.angle + by_both);
                self.there.store(block, 0, by_both);
            }
        }
    }
}

/// to(x) = a(x) + b(x), of angles.
pub struct Sum<'a, T> {
    pub a: FieldReader<'a, T>,
    pub b: FieldReader<'a, T>,
    pub to: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for Sum<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Sum);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for block in range {
            let sum = self.a.load::<V>(block, 0) + self.b.load(block, 0);
            // SAFETY: a block is written by one thread.
            unsafe { self.to.store(block, 0, sum) }
        }
    }
}
