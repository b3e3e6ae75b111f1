//! Kernels from links to the slopes of Σ c_i W_i: site bodies over jets.
//!
//! Plaquettes are stored from all of their corners ([`Leaves`]); each site multiplies the words of its loops and goes back
//! to what its letters pull at ([`Words`]); the pulls at each plaquette are carried to its links ([`Pulls`]) and added up
//! there ([`Slopes`]).

use super::super::exponent::slopes;
use super::jet::{Jet, here, load, load_coordinates, load_matrix, store, store_coordinates, store_matrix};
use super::words::{CARRIED, CARRIERS, DUALS, LETTERS, LOOPS_MAX, MATRICES, PULLED, Program, TRACES};
use gaugelink_lattice::group::{
    ALGEBRA_MAX, algebra_dim, from_coordinates, to_coordinates, traceless_antihermitian,
};
use gaugelink_lattice::number::Row;
use gaugelink_lattice::{
    Complex, FieldReader, FieldWriter, Kernel, Lanes, Matrix, Neighbour, Num, Real, Tally, backward, forward,
};
use std::ops::Range;

/// Corners of a plaquette, and its links.
pub const SIDES: usize = 4;
/// What a site's words pull at: letters, and its own two links, over which plaquettes were carried to it.
pub const PULLS: usize = LETTERS + 2;

/// Of the plaquette P at each site, run through counterclockwise from its corners, counterclockwise.
pub struct Leaves<'a, T, const N: usize, const P: usize> {
    pub links: FieldReader<'a, T>,
    pub leaves: FieldWriter<'a, T>,
}

impl<T: Real, const N: usize, const P: usize> Kernel<T> for Leaves<'_, T, N, P> {
    gaugelink_lattice::compiled!(scalar T, group N, half P: Leaves);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (layout, link) = (self.links.layout(), 2 * N * N);
        for block in range {
            let (right, up) = (layout.neighbour(block, forward(0)), layout.neighbour(block, forward(1)));
            let mut m = [Matrix::<Jet<V, P>, N>::zero(); 12];
            m[0] = load_matrix(&self.links, here(block), 0);
            m[1] = load_matrix(&self.links, here(block), link);
            m[2] = load_matrix(&self.links, right, link);
            m[3] = load_matrix(&self.links, up, 0);
            for (k, [(i, left), (j, right)]) in LEAF_PRODUCTS.into_iter().enumerate() {
                m[4 + k] = taken(&m[i], left).mul(&taken(&m[j], right));
            }
            for corner in 0..SIDES {
                // SAFETY: a block's plaquettes are written by one thread and read by none.
                unsafe { store_matrix(&self.leaves, block, corner * link, &m[8 + corner]) }
            }
        }
    }
}

/// Products of matrices 0 to 3, the links U_0(x), U_1(x), U_1(x+0), U_0(x+1), or adjoints where so marked: halves of the
/// plaquette from 4 on, the plaquette from each corner from 8 on. One loop over a table, because every product that stands
/// in the text of its own is hundreds of instructions for each vector unit.
const LEAF_PRODUCTS: [[(usize, bool); 2]; 8] = [
    [(0, false), (2, false)],
    [(1, false), (3, false)],
    [(2, false), (3, true)],
    [(1, true), (0, false)],
    [(4, false), (5, true)],
    [(6, false), (7, false)],
    [(5, true), (4, false)],
    [(7, false), (6, false)],
];

/// From plaquettes to pulls: for each letter q, the slopes of Σ c W under q → exp(s T_a) q.
///
/// Of one part: adds Σ `laplacian` W + `constant` to the first sum. Of two: c + ε `weight` × `laplacian` are the
/// coefficients, and with `by_loop` each W and its derivative are added to two sums.
pub struct Words<'a, T, const N: usize, const P: usize> {
    pub program: &'a Program,
    pub links: FieldReader<'a, T>,
    pub leaves: FieldReader<'a, T>,
    pub pulls: FieldWriter<'a, T>,
    pub coefficients: &'a [f64],
    pub laplacian: &'a [f64],
    pub constant: f64,
    pub weight: Row<T>,
    pub sums: bool,
}

impl<T: Real, const N: usize, const P: usize> Kernel<T> for Words<'_, T, N, P> {
    gaugelink_lattice::compiled!(scalar T, group N, half P: Words);
    const SUMS: usize = if P == 1 { 1 } else { 2 * LOOPS_MAX };
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        let weight: V = self.weight.to_lanes();
        let loops = self.coefficients.len();
        let mut c = [Jet::<V, P>::splat(0.0); LOOPS_MAX];
        for i in 0..loops {
            c[i] = Jet::splat(self.coefficients[i]);
            for k in 1..P {
                c[i].0[k] = weight * V::splat(self.laplacian[i]);
            }
        }
        for block in range {
            let mut m = [Matrix::<Jet<V, P>, N>::zero(); MATRICES];
            let mut values = [Jet::splat(0.0); LOOPS_MAX];
            self.load(block, &mut m);
            for (phase, products) in self.program.phases.iter().enumerate() {
                for product in products {
                    let left = taken(&m[product.left.register], product.left.inverse);
                    let right = taken(&m[product.right.register], product.right.inverse);
                    let result = taken(&left.mul(&right), product.into.inverse);
                    m[product.into.register] = m[product.into.register] + result;
                }
                if phase == 0 {
                    turn_back(self.program, &mut m, &c, &mut values);
                }
            }
            self.tell(&values, tally);
            self.pull(block, &m);
        }
    }
}

impl<T: Real, const N: usize, const P: usize> Words<'_, T, N, P> {
    /// Letters, and what is carried over this site's links with these.
    #[inline(always)]
    fn load<V: Lanes<Scalar = T>>(&self, block: usize, m: &mut [Matrix<Jet<V, P>, N>; MATRICES]) {
        let (layout, link) = (self.leaves.layout(), 2 * N * N);
        for letter in 0..LETTERS {
            if !self.program.letters[letter] {
                continue;
            }
            let at: Neighbour = match letter {
                0 => here(block),
                1 => layout.neighbour(block, backward(0)),
                2 => layout.neighbour2(block, backward(0), backward(1)),
                3 => layout.neighbour(block, backward(1)),
                _ => layout.neighbour(block, forward(letter - SIDES)),
            };
            let (into, corner) =
                if letter < SIDES { (letter, letter) } else { (CARRIED + letter - SIDES, 0) };
            m[into] = load_matrix(&self.leaves, at, corner * link);
            if letter >= SIDES {
                m[CARRIERS + letter - SIDES] = load_matrix(&self.links, here(block), (letter - SIDES) * link);
            }
        }
    }

    #[inline(always)]
    fn tell<V: Lanes<Scalar = T>>(&self, values: &[Jet<V, P>; LOOPS_MAX], tally: &mut Tally<'_>) {
        if !self.sums {
            return;
        }
        let loops = self.coefficients.len();
        if P == 1 {
            let mut sum = V::splat(self.constant);
            for i in 0..loops {
                sum = values[i].0[0].mul_add(V::splat(self.laplacian[i]), sum);
            }
            tally.add(0, sum);
        } else {
            for i in 0..loops {
                tally.add(2 * i, values[i].0[0]);
                tally.add(2 * i + 1, values[i].0[P - 1]);
            }
        }
    }

    #[inline(always)]
    fn pull<V: Lanes<Scalar = T>>(&self, block: usize, m: &[Matrix<Jet<V, P>, N>; MATRICES]) {
        let dim = algebra_dim(N);
        for letter in 0..LETTERS {
            if !self.program.letters[letter] {
                continue;
            }
            let pull = slopes(&m[PULLED + letter]);
            // SAFETY: a block's pulls are written by one thread and read by none.
            unsafe { store_coordinates::<V, N, P>(&self.pulls, block, letter * dim, &pull) }
            if letter >= SIDES {
                // The link stands before the plaquette, and inverted behind it.
                let mut own = slopes(&m[PULLED + LETTERS + letter - SIDES]);
                for a in 0..dim {
                    own[a] = pull[a] - own[a];
                }
                let component = (LETTERS + letter - SIDES) * dim;
                // SAFETY: as above.
                unsafe { store_coordinates::<V, N, P>(&self.pulls, block, component, &own) }
            }
        }
    }
}

/// Traces, loops, and what of the duals Ψ of the registers R comes from traces: δ Σ c W = Σ Re tr(Ψ δR).
#[inline(always)]
fn turn_back<M: Num, const N: usize>(
    program: &Program,
    m: &mut [Matrix<M, N>; MATRICES],
    c: &[M; LOOPS_MAX],
    values: &mut [M; LOOPS_MAX],
) {
    let mut traces = [Complex::<M>::zero(); TRACES];
    for (value, trace) in traces.iter_mut().zip(&program.traces) {
        let left = &m[trace.left];
        *value = match trace.right {
            None => left.trace(),
            Some(right) => {
                let right = taken(&m[right.register], right.inverse);
                let mut sum = Complex::zero();
                for i in 0..N {
                    for k in 0..N {
                        sum = left.0[i][k].mul_add(right.0[k][i], sum);
                    }
                }
                sum
            }
        };
    }
    // δ Σ c W = Σ Re(by_trace δ trace)
    let mut by_trace = [Complex::<M>::zero(); TRACES];
    for term in &program.terms {
        let mut product = Complex::splat(1.0, 0.0);
        for &(index, conjugated) in &term.traces {
            product = product * conjugated_if(traces[index], conjugated);
        }
        values[term.class] = values[term.class] + product.re;
        for (k, &(index, conjugated)) in term.traces.iter().enumerate() {
            let mut others = Complex::new(c[term.class], M::splat(0.0));
            for (l, &(index, conjugated)) in term.traces.iter().enumerate() {
                if l != k {
                    others = others * conjugated_if(traces[index], conjugated);
                }
            }
            by_trace[index] = by_trace[index] + conjugated_if(others, conjugated);
        }
    }
    for (by, trace) in by_trace.iter().zip(&program.traces) {
        match trace.right {
            None => m[DUALS + trace.left] = m[DUALS + trace.left] + Matrix::diagonal(*by),
            Some(right) => {
                let other = taken(&m[right.register], right.inverse).scale_complex(*by);
                let dual = taken(&m[trace.left].scale_complex(*by), right.inverse);
                m[DUALS + trace.left] = m[DUALS + trace.left] + other;
                m[DUALS + right.register] = m[DUALS + right.register] + dual;
            }
        }
    }
}

/// A matrix or its adjoint.
#[inline(always)]
fn taken<M: Num, const N: usize>(m: &Matrix<M, N>, adjoint: bool) -> Matrix<M, N> {
    if adjoint { m.adjoint() } else { *m }
}

#[inline(always)]
fn conjugated_if<M: Num>(z: Complex<M>, conjugate: bool) -> Complex<M> {
    if conjugate { z.conj() } else { z }
}

/// From pulls at letters to the slopes at each plaquette's links, counterclockwise from its site.
pub struct Pulls<'a, T, const N: usize, const P: usize> {
    pub program: &'a Program,
    pub links: FieldReader<'a, T>,
    pub leaves: FieldReader<'a, T>,
    pub pulls: FieldReader<'a, T>,
    pub sides: FieldWriter<'a, T>,
}

impl<T: Real, const N: usize, const P: usize> Kernel<T> for Pulls<'_, T, N, P> {
    gaugelink_lattice::compiled!(scalar T, group N, half P: Pulls);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (layout, link, dim) = (self.links.layout(), 2 * N * N, algebra_dim(N));
        for block in range {
            let (right, up) = (layout.neighbour(block, forward(0)), layout.neighbour(block, forward(1)));
            let (left, down) = (layout.neighbour(block, backward(0)), layout.neighbour(block, backward(1)));
            let corner = layout.neighbour2(block, forward(0), forward(1));
            let u = [
                load_matrix::<V, N, P>(&self.links, here(block), 0),
                load_matrix(&self.links, right, link),
                load_matrix(&self.links, up, 0),
                load_matrix(&self.links, here(block), link),
                load_matrix(&self.links, left, 0),
                load_matrix(&self.links, down, link),
                load_matrix(&self.leaves, here(block), link),
                load_matrix(&self.leaves, here(block), 2 * link),
                load_matrix(&self.leaves, here(block), 3 * link),
            ];
            let mut pull = [Matrix::zero(); LETTERS + 8];
            for (letter, at) in [here(block), right, corner, up, left, down].into_iter().enumerate() {
                if self.program.letters[letter] {
                    let component = letter * dim;
                    pull[letter] = from_coordinates(&load_coordinates::<V, N, P>(&self.pulls, at, component));
                }
            }
            for (of, to) in [(2, 6), (3, 7), (0, 8), (1, 9), (2, 10), (3, 11)] {
                pull[to] = pull[of];
            }
            for (over, adjoint, from, to, adds) in CARRIES {
                if from >= LETTERS || self.program.letters[from] {
                    let over = taken(&u[over], adjoint);
                    let carried = over.mul(&pull[from]).mul_adjoint(&over);
                    pull[to] = pull[to] + if adds { carried } else { -carried };
                }
            }
            let sides = [pull[8], pull[9], -pull[12], -pull[13]];
            for side in 0..SIDES {
                let slopes = to_coordinates(&traceless_antihermitian(&sides[side]));
                // SAFETY: a block's slopes are written by one thread and read by none.
                unsafe { store_coordinates::<V, N, P>(&self.sides, block, side * dim, &slopes) }
            }
        }
    }
}

/// How pulls A are carried around their plaquette, A_to ← A_to ± U A_from U†: which U, or U†, from which, to which, with
/// which sign.
///
/// The pull A_c at the plaquette as run through from corner c goes along, counterclockwise, from that corner to each link:
/// to where the path leaves it over U, to where the path arrives over U†, which of the links that end at c itself is after
/// the whole way round, P_c† A_c P_c. So all pulls together go round once, from corner 0 on, and at each further corner c
/// the one that has come round is exchanged for A_c. Entries 6 to 8 gather them at corner 0, 8 to 13 are what passes the
/// links.
const CARRIES: [(usize, bool, usize, usize, bool); 13] = [
    (1, true, 1, 6, true),
    (2, false, 6, 7, true),
    (3, false, 7, 8, true),
    (4, true, 4, 8, true),
    (5, true, 5, 8, true),
    (6, true, 1, 9, false),
    (7, true, 2, 10, false),
    (8, true, 3, 11, false),
    (0, true, 8, 9, true),
    (1, true, 9, 10, true),
    (2, false, 10, 12, true),
    (3, false, 12, 13, true),
    (3, false, 11, 13, true),
];

/// The slopes ∂^a at the links: from the two plaquettes of each, and what was carried over it.
pub struct Slopes<'a, T, const N: usize, const P: usize> {
    pub program: &'a Program,
    pub pulls: FieldReader<'a, T>,
    pub sides: FieldReader<'a, T>,
    pub slopes: FieldWriter<'a, T>,
}

impl<T: Real, const N: usize, const P: usize> Kernel<T> for Slopes<'_, T, N, P> {
    gaugelink_lattice::compiled!(scalar T, group N, half P: Slopes);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (layout, dim) = (self.sides.layout(), algebra_dim(N));
        for block in range {
            // Of direction 0: below the plaquette of its site, above the one under it; of 1: to its left, to its right.
            for (mu, [own, other]) in [[0, 2], [3, 1]].into_iter().enumerate() {
                let beside = layout.neighbour(block, backward(1 - mu));
                for a in 0..dim {
                    let mut sum = load::<V, P>(&self.sides, here(block), own * dim + a)
                        + load(&self.sides, beside, other * dim + a);
                    if self.program.letters[SIDES + mu] {
                        sum = sum + load(&self.pulls, here(block), (LETTERS + mu) * dim + a);
                    }
                    // SAFETY: a block's slopes are written by one thread and read by none.
                    unsafe { store(&self.slopes, block, mu * dim + a, sum) }
                }
            }
        }
    }
}

/// Links with their derivatives along `scale` × a direction: U and Λ U.
pub struct Tangents<'a, T, const N: usize> {
    pub links: FieldReader<'a, T>,
    pub direction: FieldReader<'a, T>,
    pub scale: f64,
    pub tangents: FieldWriter<'a, T>,
}

impl<T: Real, const N: usize> Kernel<T> for Tangents<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Tangents);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (link, dim) = (2 * N * N, algebra_dim(N));
        for block in range {
            for mu in 0..2 {
                let u = self.links.matrix::<V, N>(block, mu * link);
                let lambda = algebra::<V, N>(&self.direction, block, mu * dim, self.scale);
                // SAFETY: a block's links are written by one thread and read by none.
                unsafe {
                    self.tangents.store_matrix(block, mu * link, &u);
                    self.tangents.store_matrix(block, (2 + mu) * link, &lambda.mul(&u));
                }
            }
        }
    }
}

/// `scale` × the algebra element with the coordinates from a component on.
#[inline(always)]
fn algebra<V: Lanes, const N: usize>(
    field: &FieldReader<'_, V::Scalar>,
    block: usize,
    component: usize,
    scale: f64,
) -> Matrix<V, N> {
    let mut c = [V::splat(0.0); ALGEBRA_MAX];
    for a in 0..algebra_dim(N) {
        c[a] = field.load::<V>(block, component + a) * V::splat(scale);
    }
    from_coordinates(&c)
}

/// cotangent ← cotangent − ∂^a of Σ_b λ^b ∂^b S̃ + weight × Δ S̃, λ = `scale` × the direction.
///
/// The derivative along Λ of ∂^a S̃ is not yet that: ∂^a also acts before e^Λ, which adds \[G, Λ\], G the gradient.
pub struct Pushed<'a, T, const N: usize> {
    /// ∂^a S̃, and their derivatives along Λ with those of weight × Δ S̃.
    pub slopes: FieldReader<'a, T>,
    pub direction: FieldReader<'a, T>,
    pub scale: f64,
    pub cotangent: FieldWriter<'a, T>,
}

impl<T: Real, const N: usize> Kernel<T> for Pushed<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Pushed);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let dim = algebra_dim(N);
        // SAFETY: a block's cotangent is read and written by one thread.
        let cotangent = unsafe { self.cotangent.reader() };
        for block in range {
            for mu in 0..2 {
                let gradient = algebra::<V, N>(&self.slopes, block, mu * dim, 1.0);
                let lambda = algebra::<V, N>(&self.direction, block, mu * dim, self.scale);
                let commutator = gradient.mul(&lambda) - lambda.mul(&gradient);
                let commutator = to_coordinates(&traceless_antihermitian(&commutator));
                for a in 0..dim {
                    let c = mu * dim + a;
                    let slope = self.slopes.load::<V>(block, 2 * dim + c) + commutator[a];
                    // SAFETY: as above.
                    unsafe { self.cotangent.store(block, c, cotangent.load::<V>(block, c) - slope) }
                }
            }
        }
    }
}
