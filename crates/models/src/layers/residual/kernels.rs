//! The site bodies of masked residual layers as kernels.

use super::super::exponent::{Exponent, dual_of_loops, slopes};
use super::super::loops::{
    Duals, Weights, across_other_parity, across_same_parity, along, splat, staple, staple_sum,
};
use crate::algebra::{Frame, LogDet};
use gaugelink_lattice::group::{ALGEBRA_MAX, algebra_dim, exponential};
use gaugelink_lattice::number::recorder::Recorder;
use gaugelink_lattice::number::{Program, Recorded, Row, register_lanes};
use gaugelink_lattice::{
    BlockLinks, DIM_MAX, FieldReader, FieldWriter, Kernel, Lanes, LinkReader, LinkSource, Matrix, Num, Real,
    RecordedLinks, Tally,
};
use std::ops::Range;

/// Staples of a link by plane and side: most there can be.
pub const CLASSES: usize = 2 * (DIM_MAX - 1);

/// V → f(V) at the links that move, with the log det.
pub struct Forward<'a, T, const N: usize> {
    pub links: FieldWriter<'a, T>,
    pub dims: usize,
    pub mu: usize,
    pub weights: Weights,
}

impl<T: Real, const N: usize> Kernel<T> for Forward<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Forward);
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        let weights = splat::<V::Register>(&self.weights);
        for block in range {
            let mut sum = Row([T::default(); 16]);
            for lane in register_lanes::<V>() {
                let writer = self.links.from_lane(lane);
                // SAFETY: of what is written, a block's links that move, only that block's are read.
                let links = LinkReader::<T, N>(unsafe { writer.reader() });
                let (moved, log_det) = moved(&BlockLinks { links, block }, self.dims, self.mu, &weights);
                sum.put(lane, log_det);
                // SAFETY: as above.
                unsafe { writer.store_matrix::<V::Register, N>(block, self.mu * 2 * N * N, &moved) }
            }
            tally.add::<V>(0, sum.to_lanes());
        }
    }
}

/// f(V) of the link in direction `mu`, and its log det: a site body.
#[inline(always)]
fn moved<V: Num, const N: usize>(
    links: &impl LinkSource<V, N>,
    dims: usize,
    mu: usize,
    weights: &[[V; 2]; DIM_MAX],
) -> (Matrix<V, N>, V) {
    let x = Exponent::new(links.here(mu), &staple_sum(links, dims, mu, weights));
    let log_det = log_det(&x);
    (x.moved(), log_det)
}

/// Names of the weights, as the parameters of a program.
const WEIGHT_NAMES: [[&str; 2]; DIM_MAX] =
    [["x_above", "x_below"], ["y_above", "y_below"], ["z_above", "z_below"], ["t_above", "t_below"]];

/// The sub-layer that moves direction `mu`, for devices, which run it on the sites of one parity. Fields: `u` the links,
/// of which those that move are written; `logdet`, a number a site. Parameters: ρ for each nu ≠ mu, above and below.
pub fn record_forward<T: Real, const N: usize>(dims: usize, mu: usize) -> Program {
    Program::record::<T>(|r| recorded_forward::<T, N>(r, dims, mu))
}

/// Floating-point operations on a link that the sub-layer of direction `mu` moves, where its exponent is small.
pub fn forward_flops<const N: usize>(dims: usize, mu: usize) -> usize {
    Program::least::<f64>(|r| recorded_forward::<f64, N>(r, dims, mu)).flops()
}

/// Floating-point operations of the way back through the sub-layer of direction `mu` on a link that it moves, without the
/// way there: at the link itself where its exponent is small, and at the links that stay, as many sites again, in all
/// directions.
pub fn backward_flops<const N: usize>(dims: usize, mu: usize) -> usize {
    let at_moving = Program::least::<f64>(|r| {
        let (u, p) = (r.field("u", dims * 2 * N * N), r.field("p", algebra_dim(N)));
        let theta = r.field("theta", 2 * N * N);
        let links = RecordedLinks { recorder: r, field: u };
        let staples = staple_sum(&links, dims, mu, &recorded_weights(r, dims, mu));
        let mut g = [Recorded::splat(0.0); ALGEBRA_MAX];
        for a in 0..algebra_dim(N) {
            g[a] = r.load(p, a, r.here());
        }
        let (own, dual) = moved_back::<_, N>(links.here(mu), &staples, &g, r.parameter("weight"));
        (0..algebra_dim(N)).for_each(|a| r.store(p, a, own[a]));
        dual.0.as_flattened().iter().enumerate().for_each(|(i, z)| r.store_complex(theta, 2 * i, *z));
    });
    // `across_same_parity`, `across_other_parity` and `along` are four products of matrices, two of them scaled, and a sum
    // each; then the slopes of a product, added.
    let to_slopes = Program::least::<f64>(|r| {
        let (u, y, p) = (r.field("u", 2 * N * N), r.field("y", 2 * N * N), r.field("p", algebra_dim(N)));
        let slope = slopes(&r.matrix::<N>(u, 0, r.here()).mul(&r.matrix(y, 0, r.here())));
        (0..algebra_dim(N)).for_each(|a| r.store(p, a, r.load(p, a, r.here()) + slope[a]));
    });
    let product = 8 * N * N * N - 2 * N * N;
    let plane = 4 * product + 3 * 2 * N * N;
    // In the other directions on both sites; in `mu` on the one that stays, from all planes, which are added up.
    let at_frozen =
        2 * (dims - 1) * (plane + to_slopes.flops()) + (dims - 1) * (plane + 2 * N * N) + to_slopes.flops();
    at_moving.flops() + at_frozen
}

fn recorded_weights<T: Real>(r: &Recorder<T>, dims: usize, mu: usize) -> [[Recorded<T>; 2]; DIM_MAX] {
    let mut weights = [[Recorded::splat(0.0); 2]; DIM_MAX];
    for nu in (0..dims).filter(|&nu| nu != mu) {
        for side in 0..2 {
            weights[nu][side] = r.parameter(WEIGHT_NAMES[nu][side]);
        }
    }
    weights
}

fn recorded_forward<T: Real, const N: usize>(r: &Recorder<T>, dims: usize, mu: usize) {
    let (u, sum) = (r.field("u", dims * 2 * N * N), r.field("logdet", 1));
    let weights = recorded_weights(r, dims, mu);
    let links = RecordedLinks { recorder: r, field: u };
    let (moved, log_det) = moved::<_, N>(&links, dims, mu, &weights);
    r.store(sum, 0, log_det);
    for (i, z) in moved.0.as_flattened().iter().enumerate() {
        r.store_complex(u, mu * 2 * N * N + 2 * i, *z);
    }
}

#[inline(always)]
fn log_det<V: Num, const N: usize>(x: &Exponent<V, N>) -> V {
    let at = Frame::new(&x.a);
    LogDet::new(&x.p, &at).value(&at)
}

/// Most iterations of the inverse: enough for f64 and Σ|ρ| up to 0.95.
pub const ITERATIONS: usize = 700;

/// U → f⁻¹(U), with its log det and how many links did not arrive.
pub struct Inverse<'a, T, const N: usize> {
    pub links: FieldWriter<'a, T>,
    pub dims: usize,
    pub mu: usize,
    pub weights: Weights,
}

impl<T: Real, const N: usize> Kernel<T> for Inverse<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Inverse);
    const SUMS: usize = 2;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let mut sums = [Row([T::default(); 16]); 2];
            for lane in register_lanes::<V>() {
                let [log_det, moving] =
                    Self { links: self.links.from_lane(lane), ..*self }.invert::<V::Register>(block);
                sums[0].put(lane, log_det);
                sums[1].put(lane, moving);
            }
            tally.add::<V>(0, sums[0].to_lanes());
            tally.add::<V>(1, sums[1].to_lanes());
        }
    }
}

impl<T: Real, const N: usize> Inverse<'_, T, N> {
    /// The log det, and 1 in lanes that did not arrive.
    #[inline(always)]
    fn invert<V: Lanes<Scalar = T>>(&self, block: usize) -> [V; 2] {
        let (zero, half) = (V::splat(0.0), V::splat(0.5));
        // A step of some roundings of a matrix is as small as steps get.
        let rounding = 16.0 / if T::BITS == 64 { (1u64 << 52) as f64 } else { (1u64 << 23) as f64 };
        let small = V::splat(rounding * rounding);
        // SAFETY: as in `Forward`.
        let links = LinkReader::<T, N>(unsafe { self.links.reader() });
        let moved = links.at::<V>(block, self.mu);
        let weights = splat::<V>(&self.weights);
        let staples = staple_sum(&BlockLinks { links, block }, self.dims, self.mu, &weights);
        // A lane that has arrived stands still, whatever the others do.
        let (mut v, mut moving) = (moved, V::splat(1.0));
        for _ in 0..ITERATIONS {
            let a = Exponent::new(v, &staples).a;
            let next = exponential(&-a).mul(&moved);
            let step = (next - v).norm2();
            v = Matrix::select(half.lt(moving), &next, &v);
            moving = V::select(step.lt(small), zero, moving);
            if !V::any(half.lt(moving)) {
                break;
            }
        }
        // SAFETY: as above.
        unsafe { self.links.store_matrix(block, self.mu * 2 * N * N, &v) }
        [-log_det(&Exponent::new(v, &staples)), moving]
    }
}

/// The way back at the links that move: their cotangent, their Θ, and the derivative by staple class.
pub struct Moving<'a, T, const N: usize> {
    pub links: LinkReader<'a, T, N>,
    pub cotangent: FieldWriter<'a, T>,
    pub duals: FieldWriter<'a, T>,
    pub dims: usize,
    pub mu: usize,
    pub weights: Weights,
    pub weight: Row<T>,
    pub by_class: bool,
}

impl<T: Real, const N: usize> Kernel<T> for Moving<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Moving);
    const SUMS: usize = CLASSES;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let mut by_class = [Row([T::default(); 16]); CLASSES];
            for lane in register_lanes::<V>() {
                let part = Self {
                    links: self.links.from_lane(lane),
                    cotangent: self.cotangent.from_lane(lane),
                    duals: self.duals.from_lane(lane),
                    ..*self
                };
                part.turn_back::<V::Register>(block, lane, &mut by_class);
            }
            if self.by_class {
                for (class, sum) in by_class.iter().enumerate().take(2 * (self.dims - 1)) {
                    tally.add::<V>(class, sum.to_lanes());
                }
            }
        }
    }
}

impl<T: Real, const N: usize> Moving<'_, T, N> {
    /// The lanes from `lane` on, where all fields start.
    #[inline(always)]
    fn turn_back<V: Lanes<Scalar = T>>(&self, block: usize, lane: usize, by_class: &mut [Row<T>; CLASSES]) {
        let weight: V = self.weight.register(lane);
        let dim = algebra_dim(N);
        // SAFETY: a block's cotangent is read and written by one thread.
        let cotangent = unsafe { self.cotangent.reader() };
        let around = BlockLinks { links: self.links, block };
        let mut staples = [[Matrix::zero(); 2]; DIM_MAX];
        let mut sum = Matrix::zero();
        for nu in 0..self.dims {
            if nu != self.mu {
                for side in 0..2 {
                    let s = staple::<V, N>(&around, (self.mu, nu), side == 1);
                    sum = sum + s.scale(V::splat(self.weights[nu][side]));
                    staples[nu][side] = s;
                }
            }
        }
        let mut g = [V::splat(0.0); ALGEBRA_MAX];
        for a in 0..dim {
            g[a] = cotangent.load(block, self.mu * dim + a);
        }
        let (total, theta) = moved_back(self.links.at::<V>(block, self.mu), &sum, &g, weight);
        for a in 0..dim {
            // SAFETY: as above.
            unsafe { self.cotangent.store(block, self.mu * dim + a, total[a]) }
        }
        // SAFETY: a block's Θ is written by one thread and read by none.
        unsafe { self.duals.store_matrix(block, 0, &theta) }
        if self.by_class {
            for (plane, nu) in (0..self.dims).filter(|&nu| nu != self.mu).enumerate() {
                for side in 0..2 {
                    by_class[2 * plane + side].put(lane, theta.re_trace_mul(&staples[nu][side]));
                }
            }
        }
    }
}

/// The way back at a link that moves, from the slopes `g` of the loss at its image and the `weight` of the log det: its own
/// slopes, and its Θ. A site body.
#[inline(always)]
fn moved_back<V: Num, const N: usize>(
    u: Matrix<V, N>,
    staples: &Matrix<V, N>,
    g: &[V; ALGEBRA_MAX],
    weight: V,
) -> ([V; ALGEBRA_MAX], Matrix<V, N>) {
    let x = Exponent::new(u, staples);
    let at = Frame::new(&x.a);
    let mut slope = LogDet::new(&x.p, &at).slope(&at);
    let (by_a, at_fixed_a) = Exponent::turned_back(&at, g);
    for a in 0..algebra_dim(N) {
        slope.by_a[a] = slope.by_a[a].mul_add(weight, by_a[a]);
        slope.by_r[a] = slope.by_r[a] * weight;
    }
    let psi = dual_of_loops::<V, N>(&slope.by_a, slope.by_r0 * weight, &slope.by_r);
    let own = slopes(&x.p.mul(&psi));
    let mut total = at_fixed_a;
    for a in 0..algebra_dim(N) {
        total[a] = at_fixed_a[a] + own[a];
    }
    (total, psi.mul(&x.u))
}

/// The way back at the links that stay: what the staples of moving links pass on to them.
pub struct Frozen<'a, T, const N: usize> {
    pub links: LinkReader<'a, T, N>,
    pub duals: FieldReader<'a, T>,
    pub cotangent: FieldWriter<'a, T>,
    pub dims: usize,
    pub mu: usize,
    pub parity: usize,
    pub weights: Weights,
}

impl<T: Real, const N: usize> Kernel<T> for Frozen<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Frozen);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for block in range {
            for lane in register_lanes::<V>() {
                let part = Self {
                    links: self.links.from_lane(lane),
                    duals: self.duals.from_lane(lane),
                    cotangent: self.cotangent.from_lane(lane),
                    ..*self
                };
                part.pass_on::<V::Register>(block);
            }
        }
    }
}

impl<T: Real, const N: usize> Frozen<'_, T, N> {
    #[inline(always)]
    fn pass_on<V: Lanes<Scalar = T>>(&self, block: usize) {
        let (layout, dim) = (self.links.0.layout(), algebra_dim(N));
        let duals = Duals::<T, N> { field: self.duals, component: 0 };
        // SAFETY: a block's cotangent is read and written by one thread.
        let cotangent = unsafe { self.cotangent.reader() };
        let moves = layout.parity_of(block) == self.parity;
        for nu in 0..self.dims {
            if nu == self.mu && moves {
                continue;
            }
            let mut y = Matrix::<V, N>::zero();
            if nu != self.mu {
                let directions = (self.mu, nu);
                y = if moves {
                    across_same_parity(&self.links, &duals, block, directions, &self.weights)
                } else {
                    across_other_parity(&self.links, &duals, block, directions, &self.weights)
                };
            } else {
                for other in 0..self.dims {
                    if other != nu {
                        y = y + along(&self.links, &duals, block, (nu, other), &self.weights);
                    }
                }
            }
            let slope = slopes(&self.links.at::<V>(block, nu).mul(&y));
            for a in 0..dim {
                let c = nu * dim + a;
                let total = cotangent.load::<V>(block, c) + slope[a];
                // SAFETY: as above.
                unsafe { self.cotangent.store(block, c, total) }
            }
        }
    }
}
