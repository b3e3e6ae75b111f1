//! The kernels around the net: its context, the move of the active links, and the way back through both.
//!
//! A plaquette P = P_01(x) moves a loss by δL = Σ_a D^a ω^a for P → e^ω P; from D the cotangents of its four links follow:
//!
//! ```text
//! U_0(x): D    U_1(x): −Ad(P†) D    U_1(x+0): Ad(U_0(x)†) D    U_0(x+1): −Ad(U_1(x)† P†) D
//! ```

use super::super::conv_net::Begin;
use super::super::conv_net::stripes::Stripes;
use super::super::exponent::slopes;
use super::super::rational::SPLINE_OUTPUTS;
use super::map::{Derivative, Map, Numbers, moved};
use gaugelink_lattice::group::{ALGEBRA_MAX, algebra_dim, from_coordinates, reunitarise, to_coordinates};
use gaugelink_lattice::{
    Complex, FieldReader, FieldWriter, Kernel, Lanes, LinkReader, Matrix, Neighbour, Real, Tally, backward,
    forward,
};
use std::ops::Range;

/// The spline's numbers of a block: the net's outputs there.
#[inline(always)]
fn map<V: Lanes, const N: usize>(outputs: &FieldReader<'_, V::Scalar>, block: usize, bins: usize) -> Map<V> {
    let mut numbers: Numbers<V> = [[V::splat(0.0); SPLINE_OUTPUTS]; 2];
    let count = 3 * bins + 1;
    for c in 0..N - 1 {
        for k in 0..count {
            numbers[c][k] = outputs.load(block, c * count + k);
        }
    }
    Map::new::<N>(bins, &numbers)
}

/// The active plaquette as a loop that begins with the active link: P for mu = 0, P† for mu = 1.
#[inline(always)]
fn open_loop<V: Lanes, const N: usize>(
    links: &LinkReader<'_, V::Scalar, N>,
    block: usize,
    mu: usize,
) -> Matrix<V, N> {
    links.plaquette(block, mu, 1 - mu)
}

/// The trace of the 2×1 loop around the link in direction `mu`, P(x) P(x−nu) with both brought to x, from its six links.
#[inline(always)]
fn trace_around<V: Lanes, const N: usize>(
    links: &LinkReader<'_, V::Scalar, N>,
    block: usize,
    mu: usize,
) -> Complex<V> {
    let (layout, nu) = (links.0.layout(), 1 - mu);
    let before = layout.neighbour(block, backward(nu));
    let before_ahead = layout.neighbour2(block, backward(nu), forward(mu));
    let (above, ahead) = (layout.neighbour(block, forward(nu)), layout.neighbour(block, forward(mu)));
    // Twice along nu, once along mu, and the other way round.
    let there = links.next::<V>(before, nu).mul(&links.at(block, nu)).mul(&links.next(above, mu));
    let back = links.next::<V>(before, mu).mul(&links.next(before_ahead, nu)).mul(&links.next(ahead, nu));
    let trace = there.mul_adjoint(&back).trace();
    if mu == 0 { trace.conj() } else { trace }
}

/// tr/N of frozen plaquettes and of the 2×1 loops around active links, without the imaginary part for N = 2; 0 in other lanes.
pub struct Context<'a, T, const N: usize> {
    pub stripes: &'a Stripes<T>,
    pub blocks: &'a [u32],
    pub links: LinkReader<'a, T, N>,
    pub context: FieldWriter<'a, T>,
}

impl<T: Real, const N: usize> Kernel<T> for Context<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Context);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let share = V::splat(1.0 / N as f64);
        for &block in &self.blocks[range] {
            let block = block as usize;
            let pattern = self.stripes.pattern(block);
            let (frozen, active) = (pattern.frozen.to_lanes::<V>(), pattern.members[0].to_lanes::<V>());
            let plaquette = self.links.plaquette::<V>(block, 0, 1).trace();
            let around = trace_around::<V, N>(&self.links, block, self.stripes.mu);
            for (k, (trace, here)) in [(plaquette, frozen), (around, active)].into_iter().enumerate() {
                // SAFETY: a block is written by one thread.
                unsafe {
                    self.context.store(block, k * (N - 1), trace.re * share * here);
                    if N == 3 {
                        self.context.store(block, k * (N - 1) + 1, trace.im * share * here);
                    }
                }
            }
        }
    }
}

/// The links after the map, or its inverse: h(W) W† U = R U, where they are active. Sums: the log det; lanes in which there is no
/// image.
pub struct Turn<'a, T, const N: usize> {
    pub stripes: &'a Stripes<T>,
    pub blocks: &'a [u32],
    pub bins: usize,
    pub inverse: bool,
    pub links: LinkReader<'a, T, N>,
    pub outputs: FieldReader<'a, T>,
    pub turned: FieldWriter<'a, T>,
}

impl<T: Real, const N: usize> Kernel<T> for Turn<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Turn);
    const SUMS: usize = 2;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        if N < 2 {
            return;
        }
        let (zero, half, mu) = (V::splat(0.0), V::splat(0.5), self.stripes.mu);
        for &block in &self.blocks[range] {
            let block = block as usize;
            let active = half.lt(self.stripes.pattern(block).members[0].to_lanes());
            let map = map::<V, N>(&self.outputs, block, self.bins);
            let step = moved(&map, &open_loop::<V, N>(&self.links, block, mu), self.inverse);
            let old = self.links.at::<V>(block, mu);
            let new = Matrix::select(active, &reunitarise(&step.rotation.mul(&old)), &old);
            tally.add(0, V::select(active, if self.inverse { -step.log } else { step.log }, zero));
            tally.add(1, V::select(active, step.failed, zero));
            // SAFETY: a block is written by one thread.
            unsafe { self.turned.store_matrix(block, 0, &new) }
        }
    }
}

/// Puts the links of direction `mu` of `blocks` where they belong.
pub struct Replace<'a, T, const N: usize> {
    pub mu: usize,
    pub blocks: &'a [u32],
    pub turned: FieldReader<'a, T>,
    pub links: FieldWriter<'a, T>,
}

impl<T: Real, const N: usize> Kernel<T> for Replace<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Replace);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for &block in &self.blocks[range] {
            let new: Matrix<V, N> = self.turned.matrix(block as usize, 0);
            // SAFETY: a block is written by one thread.
            unsafe { self.links.store_matrix(block as usize, self.mu * 2 * N * N, &new) }
        }
    }
}

/// From the cotangents of the active links and the log det to those of the net's outputs, the active plaquettes, and the links
/// before they were turned.
pub struct MapBack<'a, T, const N: usize> {
    pub stripes: &'a Stripes<T>,
    pub blocks: &'a [u32],
    pub bins: usize,
    pub links: LinkReader<'a, T, N>,
    pub outputs: FieldReader<'a, T>,
    pub cotangent: FieldWriter<'a, T>,
    pub begin: Begin<T>,
    pub back: FieldWriter<'a, T>,
    pub plaquettes: FieldWriter<'a, T>,
}

impl<T: Real, const N: usize> Kernel<T> for MapBack<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: MapBack);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        if N < 2 {
            return;
        }
        let (zero, half) = (V::splat(0.0), V::splat(0.5));
        let (mu, dim, count) = (self.stripes.mu, algebra_dim(N), 3 * self.bins + 1);
        // SAFETY: a block's cotangent is read and written by one thread.
        let cotangent = unsafe { self.cotangent.reader() };
        for &block in &self.blocks[range] {
            let block = block as usize;
            let active = half.lt(self.stripes.pattern(block).members[0].to_lanes());
            let mut g = [zero; ALGEBRA_MAX];
            for a in 0..dim {
                g[a] = cotangent.load(block, mu * dim + a);
            }
            let map = map::<V, N>(&self.outputs, block, self.bins);
            let w = open_loop::<V, N>(&self.links, block, mu);
            let at = Derivative::new(&map, &w);
            let back = match self.begin {
                Begin::Cotangent(weight) => at.of_cotangent(&map, &g, weight.to_lanes()),
                Begin::Score => at.of_score(&map, &g),
            };
            let mut of_plaquette = back.of_w;
            if mu == 1 {
                // W = P†: e^ω P is W e^{−ω}.
                let turned = w.adjoint_mul(&from_coordinates::<V, N>(&back.of_w)).mul(&w);
                of_plaquette = to_coordinates(&-turned);
            }
            for a in 0..dim {
                // SAFETY: a block is written by one thread.
                unsafe {
                    self.cotangent.store(block, mu * dim + a, V::select(active, back.of_link[a], g[a]));
                    self.plaquettes.store(block, a, V::select(active, of_plaquette[a], zero));
                }
            }
            for c in 0..N - 1 {
                for k in 0..count {
                    // SAFETY: as above.
                    unsafe {
                        self.back.store(block, c * count + k, V::select(active, back.numbers[c][k], zero));
                    }
                }
            }
        }
    }
}

/// D of Re(z tr M) for M → e^ω M, where the trace is the net's input from `channel` on.
#[inline(always)]
fn of_trace<V: Lanes, const N: usize>(
    back: &FieldReader<'_, V::Scalar>,
    block: usize,
    channel: usize,
    m: &Matrix<V, N>,
) -> [V; ALGEBRA_MAX] {
    let share = V::splat(1.0 / N as f64);
    let re = back.load::<V>(block, channel) * share;
    let im = if N == 3 { -(back.load::<V>(block, channel + 1) * share) } else { V::splat(0.0) };
    slopes(&m.scale_complex(Complex::new(re, im)))
}

/// At active sites what the 2×1 loops tr(P U† P₋ U), P₋ = P(x−nu) and U = U_nu(x−nu), have for P, which is added, for P₋, and
/// for U at fixed plaquettes, which are kept behind.
pub struct LoopsBack<'a, T, const N: usize> {
    pub stripes: &'a Stripes<T>,
    pub blocks: &'a [u32],
    pub links: LinkReader<'a, T, N>,
    pub back: FieldReader<'a, T>,
    pub plaquettes: FieldWriter<'a, T>,
}

impl<T: Real, const N: usize> Kernel<T> for LoopsBack<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: LoopsBack);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        if N < 2 {
            return;
        }
        let (half, zero, dim) = (V::splat(0.5), V::splat(0.0), algebra_dim(N));
        let (layout, mu) = (self.links.0.layout(), self.stripes.mu);
        let nu = 1 - mu;
        // SAFETY: a block's numbers are read and written by one thread.
        let old = unsafe { self.plaquettes.reader() };
        for &block in &self.blocks[range] {
            let block = block as usize;
            let active = half.lt(self.stripes.pattern(block).members[0].to_lanes());
            let before = layout.neighbour(block, backward(nu));
            let before_ahead = layout.neighbour2(block, backward(nu), forward(mu));
            let along = self.links.next::<V>(before, nu);
            let here = self.links.plaquette::<V>(block, 0, 1);
            // P_{mu nu}(x−nu).
            let there = self.links.next::<V>(before, mu).mul(&self.links.next(before_ahead, nu));
            let below = there.mul_adjoint(&along.mul(&self.links.at(block, mu)));
            let below = if mu == 0 { below } else { below.adjoint() };
            let own = here.mul(&along.adjoint_mul(&below).mul(&along));
            let brought = along.mul(&here).mul_adjoint(&along);
            let own = of_trace(&self.back, block, N - 1, &own);
            let other = of_trace(&self.back, block, N - 1, &below.mul(&brought));
            let turned = of_trace(&self.back, block, N - 1, &brought.mul(&below));
            for a in 0..dim {
                // SAFETY: as above.
                unsafe {
                    let sum = old.load::<V>(block, a) + V::select(active, own[a], zero);
                    self.plaquettes.store(block, a, sum);
                    self.plaquettes.store(block, dim + a, V::select(active, other[a], zero));
                    let between = V::select(active, turned[a] - other[a], zero);
                    self.plaquettes.store(block, 2 * dim + a, between);
                }
            }
        }
    }
}

/// From plaquettes to links: adds `factor` times the cotangents of a site's own links to theirs, and keeps those of
/// U_1(x+0) and U_0(x+1).
pub struct Spread<'a, T, const N: usize> {
    pub stripes: &'a Stripes<T>,
    pub factor: f64,
    pub links: LinkReader<'a, T, N>,
    pub back: FieldReader<'a, T>,
    pub plaquettes: FieldReader<'a, T>,
    pub cotangent: FieldWriter<'a, T>,
    pub ahead: FieldWriter<'a, T>,
}

impl<T: Real, const N: usize> Kernel<T> for Spread<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Spread);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        if N < 2 {
            return;
        }
        let (dim, nu) = (algebra_dim(N), 1 - self.stripes.mu);
        // SAFETY: a block's cotangent is read and written by one thread.
        let cotangent = unsafe { self.cotangent.reader() };
        for block in range {
            let plaquette = self.links.plaquette::<V>(block, 0, 1);
            let d = from_coordinates::<V, N>(&self.of_plaquette(block, &plaquette));
            let (u0, u1) = (self.links.at::<V>(block, 0), self.links.at::<V>(block, 1));
            let turned = plaquette.adjoint_mul(&d).mul(&plaquette);
            let to_x = to_coordinates(&u0.adjoint_mul(&d).mul(&u0));
            let to_y = to_coordinates(&-u1.adjoint_mul(&turned).mul(&u1));
            let mut own = [to_coordinates(&d), to_coordinates(&-turned)];
            let between = self.between(block);
            for a in 0..dim {
                own[nu][a] = own[nu][a] + between[a];
            }
            for a in 0..dim {
                for mu in 0..2 {
                    let sum = cotangent.load::<V>(block, mu * dim + a) + own[mu][a];
                    // SAFETY: as above.
                    unsafe { self.cotangent.store(block, mu * dim + a, sum) }
                }
                // SAFETY: a block is written by one thread.
                unsafe {
                    self.ahead.store(block, a, to_y[a]);
                    self.ahead.store(block, dim + a, to_x[a]);
                }
            }
        }
    }
}

impl<T: Real, const N: usize> Spread<'_, T, N> {
    /// `factor` D of a block's plaquettes.
    #[inline(always)]
    fn of_plaquette<V: Lanes<Scalar = T>>(&self, block: usize, p: &Matrix<V, N>) -> [V; ALGEBRA_MAX] {
        let (half, dim) = (V::splat(0.5), algebra_dim(N));
        let pattern = self.stripes.pattern(block);
        let mut sum = [V::splat(0.0); ALGEBRA_MAX];
        let active = half.lt(pattern.members[0].to_lanes::<V>());
        if V::any(active) {
            let here = Neighbour { block: block as u32, rotation: 0 };
            self.stored(&mut sum, active, here, 0);
        }
        let passive = half.lt(pattern.members[3].to_lanes::<V>());
        if V::any(passive) {
            let next = self.plaquettes.layout().neighbour(block, forward(1 - self.stripes.mu));
            self.stored(&mut sum, passive, next, dim);
        }
        let frozen = half.lt(pattern.frozen.to_lanes::<V>());
        if V::any(frozen) {
            let of_trace = of_trace(&self.back, block, 0, p);
            for a in 0..dim {
                sum[a] = V::select(frozen, of_trace[a], sum[a]);
            }
        }
        for a in 0..dim {
            sum[a] = sum[a] * V::splat(self.factor);
        }
        sum
    }

    /// `factor` times what the 2×1 loops have for a block's passive links U_nu at fixed plaquettes.
    #[inline(always)]
    fn between<V: Lanes<Scalar = T>>(&self, block: usize) -> [V; ALGEBRA_MAX] {
        let mut sum = [V::splat(0.0); ALGEBRA_MAX];
        let passive = V::splat(0.5).lt(self.stripes.pattern(block).members[3].to_lanes());
        if V::any(passive) {
            let next = self.plaquettes.layout().neighbour(block, forward(1 - self.stripes.mu));
            self.stored(&mut sum, passive, next, 2 * algebra_dim(N));
        }
        for a in 0..algebra_dim(N) {
            sum[a] = sum[a] * V::splat(self.factor);
        }
        sum
    }

    #[inline(always)]
    fn stored<V: Lanes<Scalar = T>>(
        &self,
        sum: &mut [V; ALGEBRA_MAX],
        mask: V::Mask,
        at: Neighbour,
        component: usize,
    ) {
        for a in 0..algebra_dim(N) {
            sum[a] = V::select(mask, self.plaquettes.load_at(at, component + a), sum[a]);
        }
    }
}

/// Adds to U_0(x) what the plaquette at x−1 has for it, and to U_1(x) what that at x−0 has.
pub struct Gather<'a, T, const N: usize> {
    pub ahead: FieldReader<'a, T>,
    pub cotangent: FieldWriter<'a, T>,
}

impl<T: Real, const N: usize> Kernel<T> for Gather<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Gather);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (layout, dim) = (self.ahead.layout(), algebra_dim(N));
        // SAFETY: a block's cotangent is read and written by one thread.
        let cotangent = unsafe { self.cotangent.reader() };
        for block in range {
            for mu in 0..2 {
                let from = layout.neighbour(block, backward(1 - mu));
                for a in 0..dim {
                    let c = mu * dim + a;
                    let sum = cotangent.load::<V>(block, c) + self.ahead.load_at(from, c);
                    // SAFETY: as above.
                    unsafe { self.cotangent.store(block, c, sum) }
                }
            }
        }
    }
}
