//! The kernels around the net: its context, the turn of the active links, and the way back through both.

use super::mixture::{COMPONENTS_MAX, Mixture};
use super::stripes::Stripes;
use gaugelink_lattice::number::{Row, sin_cos};
use gaugelink_lattice::{
    Complex, FieldReader, FieldWriter, Kernel, Lanes, LinkReader, Real, Tally, backward,
};
use std::ops::Range;

/// P_01(x) = e^{iφ}.
#[inline(always)]
fn plaquette<V: Lanes>(links: &LinkReader<'_, V::Scalar, 1>, block: usize) -> Complex<V> {
    links.plaquette::<V>(block, 0, 1).0[0][0]
}

/// The mixture of a block: the net's outputs there.
#[inline(always)]
fn mixture<V: Lanes>(outputs: &FieldReader<'_, V::Scalar>, block: usize, components: usize) -> Mixture<V> {
    let mut s = [V::splat(0.0); COMPONENTS_MAX];
    for k in 0..components {
        s[k] = outputs.load(block, k);
    }
    Mixture::new(components, s, outputs.load(block, components))
}

/// (cos, sin) of frozen plaquettes, (0, 0) in other lanes.
pub struct Context<'a, T> {
    pub stripes: &'a Stripes<T>,
    pub blocks: &'a [u32],
    pub links: LinkReader<'a, T, 1>,
    pub context: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for Context<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Context);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for &block in &self.blocks[range] {
            let block = block as usize;
            let frozen: V = self.stripes.pattern(block).frozen.to_lanes();
            let phase = plaquette::<V>(&self.links, block);
            // SAFETY: a block is written by one thread.
            unsafe {
                self.context.store(block, 0, phase.re * frozen);
                self.context.store(block, 1, phase.im * frozen);
            }
        }
    }
}

/// e^{±iδ} of the active links, 1 in other lanes: δ of the map where `inverse` is false, of its inverse where it is true.
/// Sums: the log det; lanes in which the inverse was not found.
pub struct Turn<'a, T> {
    pub stripes: &'a Stripes<T>,
    pub blocks: &'a [u32],
    pub components: usize,
    pub inverse: bool,
    pub links: LinkReader<'a, T, 1>,
    pub outputs: FieldReader<'a, T>,
    pub turn: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for Turn<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Turn);
    const SUMS: usize = 2;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        let (zero, half, one) = (V::splat(0.0), V::splat(0.5), V::splat(1.0));
        // θ_0 enters its plaquette with +, θ_1 with −.
        let sign = V::splat(if (self.stripes.mu == 0) != self.inverse { 1.0 } else { -1.0 });
        for &block in &self.blocks[range] {
            let block = block as usize;
            let active = half.lt(self.stripes.pattern(block).members[0].to_lanes());
            let mixture = mixture::<V>(&self.outputs, block, self.components);
            let phase = plaquette::<V>(&self.links, block);
            let (shift, log) = if self.inverse {
                let (shift, log, failed) = mixture.inverse(phase);
                tally.add(1, V::select(active, failed, zero));
                (shift, -log)
            } else {
                mixture.forward(phase)
            };
            tally.add(0, V::select(active, log, zero));
            let (sin, cos) = sin_cos(shift);
            // SAFETY: a block is written by one thread.
            unsafe {
                self.turn.store(block, 0, V::select(active, cos, one));
                self.turn.store(block, 1, V::select(active, sin * sign, zero));
            }
        }
    }
}

/// The active links turned, and brought back to modulus 1.
pub struct TurnLinks<'a, T> {
    pub stripes: &'a Stripes<T>,
    pub blocks: &'a [u32],
    pub turn: FieldReader<'a, T>,
    pub links: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for TurnLinks<'_, T> {
    gaugelink_lattice::compiled!(scalar T: TurnLinks);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let first = 2 * self.stripes.mu;
        for &block in &self.blocks[range] {
            let block = block as usize;
            let active = V::splat(0.5).lt(self.stripes.pattern(block).members[0].to_lanes());
            // SAFETY: a block's links are read and written by one thread.
            let links = unsafe { self.links.reader() };
            let old = Complex::<V>::new(links.load(block, first), links.load(block, first + 1));
            let turned = old * Complex::new(self.turn.load(block, 0), self.turn.load(block, 1));
            let new = turned.scale(V::splat(1.0).div(turned.norm2().sqrt()));
            // SAFETY: as above.
            unsafe {
                self.links.store(block, first, V::select(active, new.re, old.re));
                self.links.store(block, first + 1, V::select(active, new.im, old.im));
            }
        }
    }
}

/// From the cotangents of the active links and the log det to those of the net's outputs and the active plaquettes.
pub struct MixtureBack<'a, T> {
    pub stripes: &'a Stripes<T>,
    pub blocks: &'a [u32],
    pub components: usize,
    pub links: LinkReader<'a, T, 1>,
    pub outputs: FieldReader<'a, T>,
    pub cotangent: FieldReader<'a, T>,
    /// ∂L/∂(log det) of each lane's configuration.
    pub weight: Row<T>,
    pub back: FieldWriter<'a, T>,
    pub plaquettes: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for MixtureBack<'_, T> {
    gaugelink_lattice::compiled!(scalar T: MixtureBack);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (mu, weight) = (self.stripes.mu, self.weight.to_lanes::<V>());
        let sign = V::splat(if mu == 0 { 1.0 } else { -1.0 });
        for &block in &self.blocks[range] {
            let block = block as usize;
            let active: V = self.stripes.pattern(block).members[0].to_lanes();
            let phase = plaquette::<V>(&self.links, block);
            let by_shift = self.cotangent.load::<V>(block, mu) * sign * active;
            let slopes = mixture::<V>(&self.outputs, block, self.components).backward(
                phase,
                by_shift,
                weight * active,
            );
            // SAFETY: a block is written by one thread.
            unsafe {
                for k in 0..self.components {
                    self.back.store(block, k, slopes.s[k]);
                }
                self.back.store(block, self.components, slopes.t);
                self.plaquettes.store(block, 0, slopes.angle);
            }
        }
    }
}

/// Adds to the active plaquettes' cotangents those of the frozen ones, dφ (−sin φ ∂/∂cos + cos φ ∂/∂sin).
pub struct ContextBack<'a, T> {
    pub stripes: &'a Stripes<T>,
    pub context: FieldReader<'a, T>,
    pub back: FieldReader<'a, T>,
    pub plaquettes: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for ContextBack<'_, T> {
    gaugelink_lattice::compiled!(scalar T: ContextBack);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let half = V::splat(0.5);
        // SAFETY: a block is read and written by one thread.
        let old = unsafe { self.plaquettes.reader() };
        for block in range {
            let pattern = self.stripes.pattern(block);
            let (active, frozen) = (pattern.members[0].to_lanes::<V>(), pattern.frozen.to_lanes::<V>());
            let mut sum = V::splat(0.0);
            if V::any(half.lt(active)) {
                sum = V::select(half.lt(active), old.load(block, 0), sum);
            }
            if V::any(half.lt(frozen)) {
                let (cos, sin): (V, V) = (self.context.load(block, 0), self.context.load(block, 1));
                let by_angle = sin.neg_mul_add(self.back.load(block, 0), cos * self.back.load::<V>(block, 1));
                sum = V::select(half.lt(frozen), by_angle, sum);
            }
            // SAFETY: as above.
            unsafe { self.plaquettes.store(block, 0, sum) }
        }
    }
}

/// Adds the plaquettes' cotangents to those of their links: φ = θ_0(x) + θ_1(x+0) − θ_0(x+1) − θ_1(x).
pub struct LinksBack<'a, T> {
    pub plaquettes: FieldReader<'a, T>,
    pub cotangent: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for LinksBack<'_, T> {
    gaugelink_lattice::compiled!(scalar T: LinksBack);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let layout = self.plaquettes.layout();
        // SAFETY: a block of cotangents is read and written by one thread.
        let old = unsafe { self.cotangent.reader() };
        for block in range {
            let here: V = self.plaquettes.load(block, 0);
            let before: V = self.plaquettes.load_at(layout.neighbour(block, backward(0)), 0);
            let below: V = self.plaquettes.load_at(layout.neighbour(block, backward(1)), 0);
            // SAFETY: as above.
            unsafe {
                self.cotangent.store(block, 0, old.load::<V>(block, 0) + (here - below));
                self.cotangent.store(block, 1, old.load::<V>(block, 1) + (before - here));
            }
        }
    }
}
