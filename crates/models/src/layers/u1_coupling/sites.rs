//! The kernels around the net: its context, the turn of the active links, and the way back through both.

use super::mixture::{COMPONENTS_MAX, Mixture};
use super::settings::CircleMap;
use super::spline::{SPLINE_OUTPUTS, Spline};
use crate::layers::conv_net::Begin;
use crate::layers::conv_net::stripes::Stripes;
use gaugelink_lattice::number::{exp, sin_cos};
use gaugelink_lattice::{
    Complex, FieldReader, FieldWriter, Kernel, Lanes, LinkReader, Neighbour, Real, Tally, backward, forward,
};
use std::ops::Range;

/// P_01(x) = e^{iφ}.
#[inline(always)]
fn plaquette<V: Lanes>(links: &LinkReader<'_, V::Scalar, 1>, block: usize) -> Complex<V> {
    links.plaquette::<V>(block, 0, 1).0[0][0]
}

/// P_01(x) P_01(x − nu): the 2×1 loop around the link θ_mu(x), which is not in it.
#[inline(always)]
fn loop_around<V: Lanes>(links: &LinkReader<'_, V::Scalar, 1>, block: usize, mu: usize) -> Complex<V> {
    let (layout, nu) = (links.0.layout(), 1 - mu);
    let at = |place, direction| links.next::<V>(place, direction).0[0][0];
    let before = layout.neighbour(block, backward(nu));
    let before_ahead = layout.neighbour2(block, backward(nu), forward(mu));
    let (above, ahead) = (layout.neighbour(block, forward(nu)), layout.neighbour(block, forward(mu)));
    // Twice along nu, once along mu, and back.
    let there = at(before, nu) * links.at::<V>(block, nu).0[0][0] * at(above, mu);
    let back = at(before, mu) * at(before_ahead, nu) * at(ahead, nu);
    let phase = there * back.conj();
    if mu == 0 { phase.conj() } else { phase }
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

/// The spline of a block: the net's outputs there.
#[inline(always)]
fn spline<V: Lanes>(outputs: &FieldReader<'_, V::Scalar>, block: usize, bins: usize) -> Spline<V> {
    let mut numbers = [V::splat(0.0); SPLINE_OUTPUTS];
    for k in 0..=3 * bins {
        numbers[k] = outputs.load(block, k);
    }
    Spline::new(bins, &numbers)
}

/// (cos, sin) of frozen plaquettes, and with `loops` of the 2×1 loops around active links; (0, 0) in other lanes.
pub struct Context<'a, T> {
    pub stripes: &'a Stripes<T>,
    pub blocks: &'a [u32],
    pub loops: bool,
    pub links: LinkReader<'a, T, 1>,
    pub context: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for Context<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Context);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for &block in &self.blocks[range] {
            let block = block as usize;
            let pattern = self.stripes.pattern(block);
            let frozen: V = pattern.frozen.to_lanes();
            let phase = plaquette::<V>(&self.links, block);
            // SAFETY: a block is written by one thread.
            unsafe {
                self.context.store(block, 0, phase.re * frozen);
                self.context.store(block, 1, phase.im * frozen);
            }
            if self.loops {
                let active: V = pattern.members[0].to_lanes();
                let around = loop_around::<V>(&self.links, block, self.stripes.mu);
                // SAFETY: as above.
                unsafe {
                    self.context.store(block, 2, around.re * active);
                    self.context.store(block, 3, around.im * active);
                }
            }
        }
    }
}

/// e^{±iδ} of the active links, 1 in other lanes: δ of the map where `inverse` is false, of its inverse where it is true.
/// Sums: the log det; lanes in which the inverse was not found.
pub struct Turn<'a, T> {
    pub stripes: &'a Stripes<T>,
    pub blocks: &'a [u32],
    pub map: CircleMap,
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
            let phase = plaquette::<V>(&self.links, block);
            let (shift, log) = if self.inverse {
                let (shift, log, failed) = match self.map {
                    CircleMap::Projection { components } => {
                        mixture::<V>(&self.outputs, block, components).inverse(phase)
                    }
                    CircleMap::Spline { bins } => spline::<V>(&self.outputs, block, bins).inverse(phase),
                };
                tally.add(1, V::select(active, failed, zero));
                (shift, -log)
            } else {
                match self.map {
                    CircleMap::Projection { components } => {
                        mixture::<V>(&self.outputs, block, components).forward(phase)
                    }
                    CircleMap::Spline { bins } => spline::<V>(&self.outputs, block, bins).forward(phase),
                }
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
pub struct MapBack<'a, T> {
    pub stripes: &'a Stripes<T>,
    pub blocks: &'a [u32],
    pub map: CircleMap,
    pub links: LinkReader<'a, T, 1>,
    pub outputs: FieldReader<'a, T>,
    pub cotangent: FieldReader<'a, T>,
    pub begin: Begin<T>,
    pub back: FieldWriter<'a, T>,
    pub plaquettes: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for MapBack<'_, T> {
    gaugelink_lattice::compiled!(scalar T: MapBack);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (zero, mu) = (V::splat(0.0), self.stripes.mu);
        let sign = V::splat(if mu == 0 { 1.0 } else { -1.0 });
        for &block in &self.blocks[range] {
            let block = block as usize;
            let active: V = self.stripes.pattern(block).members[0].to_lanes();
            let phase = plaquette::<V>(&self.links, block);
            let of_link = self.cotangent.load::<V>(block, mu) * sign * active;
            match self.map {
                CircleMap::Projection { components } => {
                    let map = mixture::<V>(&self.outputs, block, components);
                    let (by_shift, by_log) = match self.begin {
                        Begin::Cotangent(weight) => (of_link, weight.to_lanes::<V>() * active),
                        Begin::Score => {
                            let by_angle = map.backward(phase, zero, active).angle;
                            ((of_link - by_angle).div(exp(map.forward(phase).1)), active)
                        }
                    };
                    let slopes = map.backward(phase, by_shift, by_log);
                    // SAFETY: a block is written by one thread.
                    unsafe {
                        for k in 0..components {
                            self.back.store(block, k, slopes.s[k]);
                        }
                        self.back.store(block, components, slopes.t);
                        self.plaquettes.store(block, 0, slopes.angle);
                    }
                }
                CircleMap::Spline { bins } => {
                    let map = spline::<V>(&self.outputs, block, bins);
                    let (by_shift, by_log) = match self.begin {
                        Begin::Cotangent(weight) => (of_link, weight.to_lanes::<V>() * active),
                        Begin::Score => {
                            let by_angle = map.backward(phase, zero, active).angle;
                            ((of_link - by_angle).div(exp(map.forward(phase).1)), active)
                        }
                    };
                    let slopes = map.backward(phase, by_shift, by_log);
                    // SAFETY: a block is written by one thread.
                    unsafe {
                        for k in 0..=3 * bins {
                            self.back.store(block, k, slopes.outputs[k]);
                        }
                        self.plaquettes.store(block, 0, slopes.angle);
                    }
                }
            }
        }
    }
}

/// Adds to the active plaquettes' cotangents those of the frozen ones, dφ (−sin φ ∂/∂cos + cos φ ∂/∂sin), and with `loops`
/// those of the 2×1 loops to both plaquettes of each.
pub struct ContextBack<'a, T> {
    pub stripes: &'a Stripes<T>,
    pub loops: bool,
    pub context: FieldReader<'a, T>,
    pub back: FieldReader<'a, T>,
    pub plaquettes: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for ContextBack<'_, T> {
    gaugelink_lattice::compiled!(scalar T: ContextBack);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (half, layout) = (V::splat(0.5), self.context.layout());
        // SAFETY: a block is read and written by one thread.
        let old = unsafe { self.plaquettes.reader() };
        for block in range {
            let pattern = self.stripes.pattern(block);
            let (active, frozen) = (pattern.members[0].to_lanes::<V>(), pattern.frozen.to_lanes::<V>());
            let here = Neighbour { block: block as u32, rotation: 0 };
            let mut sum = V::splat(0.0);
            if V::any(half.lt(active)) {
                let mut of_map: V = old.load(block, 0);
                if self.loops {
                    of_map = of_map + self.by_angle(here, 2);
                }
                sum = V::select(half.lt(active), of_map, sum);
            }
            if V::any(half.lt(frozen)) {
                sum = V::select(half.lt(frozen), self.by_angle(here, 0), sum);
            }
            let passive: V = pattern.members[3].to_lanes();
            if self.loops && V::any(half.lt(passive)) {
                let next = layout.neighbour(block, forward(1 - self.stripes.mu));
                sum = V::select(half.lt(passive), self.by_angle(next, 2), sum);
            }
            // SAFETY: as above.
            unsafe { self.plaquettes.store(block, 0, sum) }
        }
    }
}

impl<T: Real> ContextBack<'_, T> {
    /// The cotangent of the angle whose cosine and sine are the net's input from `channel` on.
    #[inline(always)]
    fn by_angle<V: Lanes<Scalar = T>>(&self, at: Neighbour, channel: usize) -> V {
        let (cos, sin): (V, V) = (self.context.load_at(at, channel), self.context.load_at(at, channel + 1));
        sin.neg_mul_add(self.back.load_at(at, channel), cos * self.back.load_at::<V>(at, channel + 1))
    }
}

/// Adds the plaquettes' cotangents, `factor` times, to those of their links: φ = θ_0(x) + θ_1(x+0) − θ_0(x+1) − θ_1(x).
pub struct LinksBack<'a, T> {
    /// 1 or −1.
    pub factor: f64,
    pub plaquettes: FieldReader<'a, T>,
    pub cotangent: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for LinksBack<'_, T> {
    gaugelink_lattice::compiled!(scalar T: LinksBack);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (layout, factor) = (self.plaquettes.layout(), V::splat(self.factor));
        // SAFETY: a block of cotangents is read and written by one thread.
        let old = unsafe { self.cotangent.reader() };
        for block in range {
            let here: V = self.plaquettes.load(block, 0);
            let before: V = self.plaquettes.load_at(layout.neighbour(block, backward(0)), 0);
            let below: V = self.plaquettes.load_at(layout.neighbour(block, backward(1)), 0);
            // SAFETY: as above.
            unsafe {
                self.cotangent.store(block, 0, factor.mul_add(here - below, old.load(block, 0)));
                self.cotangent.store(block, 1, factor.mul_add(before - here, old.load(block, 1)));
            }
        }
    }
}
