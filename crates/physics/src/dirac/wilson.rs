//! Wilson's Dirac operator on fields.
//!
//! D = (m + 4) − ½ H with H of [`super::hop`]; kappa = 1/(2(m + 4)). D† = γ5 D γ5. Links are borrowed, so an operator
//! can never be older than its configuration.

use super::both_hops::BothHops;
use super::boundary::{Boundary, BoundaryTable};
use super::hop::hop;
use super::neighbourhood::{Neighbourhood, RegisterSource, offsets};
use super::spinor::{SPINS, Spinor, SpinorField};
use super::two_rows::{TWO_ROWS, two_rows};
use crate::PhysicsError;
use crate::solver::LinearOperator;
use gaugelink_lattice::number::Compiled;
use gaugelink_lattice::{
    DIM_MAX, Field, FieldReader, FieldWriter, GaugeField, Kernel, Lanes, LatticeError, Num, Real, Tally,
};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Floating-point operations of H at one site for SU(3), as all codes count them.
pub const HOP_FLOPS_SU3: usize = hop_flops(3);

/// Floating-point operations of H at one site: 8 projections, 16 products of link and colour vector, 7 additions of
/// spinors.
pub const fn hop_flops(n: usize) -> usize {
    8 * 4 * n + 16 * (8 * n * n - 2 * n) + 7 * 8 * n
}

/// Output beyond this many bytes is written past the caches: it would be evicted before it is read again.
const STREAM_BYTES: usize = 24 << 20;

/// Wilson's operator for one configuration.
#[derive(Debug)]
pub struct Wilson<'u, T, const N: usize> {
    links: &'u GaugeField<T, N>,
    mass: f64,
    /// Two rows of each link, where these are read in place of the whole.
    two_rows: Option<Field<T>>,
    boundary: Boundary,
    table: BoundaryTable<T>,
    /// Whether the next pass goes through the blocks backwards.
    returns: AtomicBool,
}

/// What is made of the hop's result.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Combine<'a, T, const N: usize> {
    /// b Hψ.
    Scaled(f64),
    /// a φ + b Hψ.
    Added(f64, &'a SpinorField<T, N>, f64),
}

impl<'u, T: Real, const N: usize> Wilson<'u, T, N> {
    /// The operator of mass `mass` on `links`.
    ///
    /// # Errors
    /// [`PhysicsError::Geometry`] on a lattice that has not four dimensions.
    pub fn new(links: &'u GaugeField<T, N>, mass: f64, boundary: Boundary) -> Result<Self, PhysicsError> {
        let dims = links.lattice().dims();
        if dims != DIM_MAX {
            return Err(PhysicsError::Geometry(format!(
                "Wilson fermions of four spin components need a lattice of 4 dimensions, this one has {dims}"
            )));
        }
        let table = BoundaryTable::new(links.layout(), &boundary);
        Ok(Self { links, mass, two_rows: None, boundary, table, returns: AtomicBool::new(false) })
    }

    /// The same operator, reading two rows of each link of SU(3) and computing the third: faster where memory is the
    /// limit, other bits. Keeps a copy of the links of two thirds their size. Collective.
    ///
    /// # Errors
    /// [`PhysicsError::Parameter`] where the links are not of SU(3), or off the group by more than rounding; no memory.
    pub fn with_two_rows(self) -> Result<Self, PhysicsError> {
        Ok(Self { two_rows: Some(two_rows(self.links)?), ..self })
    }

    /// The operator with hopping parameter kappa = 1/(2(m + 4)).
    ///
    /// # Errors
    /// As [`Wilson::new`].
    pub fn with_kappa(
        links: &'u GaugeField<T, N>,
        kappa: f64,
        boundary: Boundary,
    ) -> Result<Self, PhysicsError> {
        Self::new(links, 0.5 / kappa - 4.0, boundary)
    }

    /// The same operator, with as many rows of each link, on `links`, which are these in another precision. Collective.
    ///
    /// # Errors
    /// As [`Wilson::new`] and [`Wilson::with_two_rows`].
    pub fn on<'v, S: Real>(&self, links: &'v GaugeField<S, N>) -> Result<Wilson<'v, S, N>, PhysicsError> {
        let other = Wilson::new(links, self.mass, self.boundary)?;
        if self.two_rows.is_some() { other.with_two_rows() } else { Ok(other) }
    }

    /// Mass m.
    pub fn mass(&self) -> f64 {
        self.mass
    }
    /// kappa = 1/(2(m + 4)).
    pub fn kappa(&self) -> f64 {
        0.5 / self.diagonal()
    }
    /// The site-diagonal part, m + 4.
    pub fn diagonal(&self) -> f64 {
        self.mass + 4.0
    }
    /// Phases at the edges.
    pub fn boundary(&self) -> &Boundary {
        &self.boundary
    }
    /// Where hops cross an edge that has a phase.
    pub(super) fn table(&self) -> &BoundaryTable<T> {
        &self.table
    }
    /// The configuration.
    pub fn links(&self) -> &'u GaugeField<T, N> {
        self.links
    }
    /// Own blocks, or those of one parity (0 even, 1 odd).
    fn blocks(&self, parity: Option<usize>) -> Range<usize> {
        let layout = self.links.layout();
        parity.map_or(0..layout.blocks(), |p| layout.parity_blocks(p))
    }

    /// `out` ← D ψ. Collective; ghosts of ψ are up to date before and those of `out` after.
    pub fn apply(&self, out: &mut SpinorField<T, N>, psi: &SpinorField<T, N>) {
        self.run::<false>(out, psi, Combine::Added(self.diagonal(), psi, -0.5), self.blocks(None));
    }
    /// `out` ← D† ψ. Collective.
    pub fn apply_dagger(&self, out: &mut SpinorField<T, N>, psi: &SpinorField<T, N>) {
        self.run::<true>(out, psi, Combine::Added(self.diagonal(), psi, -0.5), self.blocks(None));
    }
    /// `out` ← D ψ − (m + 4) ψ = −½ H ψ. Collective.
    pub fn hop(&self, out: &mut SpinorField<T, N>, psi: &SpinorField<T, N>) {
        self.run::<false>(out, psi, Combine::Scaled(-0.5), self.blocks(None));
    }
    /// `out` ← −½ H† ψ. Collective.
    pub fn hop_dagger(&self, out: &mut SpinorField<T, N>, psi: &SpinorField<T, N>) {
        self.run::<true>(out, psi, Combine::Scaled(-0.5), self.blocks(None));
    }
    /// `out` ← a ψ + b Hψ + c H†ψ with `coefficients` = (a, b, c), which has nothing of the mass. Collective.
    pub fn both_hops(&self, out: &mut SpinorField<T, N>, psi: &SpinorField<T, N>, coefficients: [f64; 3]) {
        let blocks = self.blocks(None);
        let kernel: BothHops<'_, T, N> = BothHops {
            links: self.links.reader(),
            table: &self.table,
            psi: psi.reader(),
            out: out.writer(),
            coefficients,
            walk: self.links.layout().walk(),
            returns: self.returns.fetch_xor(true, Ordering::Relaxed),
            streams: blocks.len() * 2 * SPINS * N * T::LANES * size_of::<T>() > STREAM_BYTES,
        };
        self.links.lattice().launch(&kernel, blocks);
        out.exchange();
    }
    /// The sites of parity `to` (0 even, 1 odd) of `out` ← −½ H ψ, from the other parity of ψ: D_eo for `to` = 0, D_oe
    /// for 1. The other parity of `out` stays. Collective.
    ///
    /// # Errors
    /// [`PhysicsError::Geometry`] where the lattice has an odd extent.
    pub fn hop_parity(
        &self,
        to: usize,
        out: &mut SpinorField<T, N>,
        psi: &SpinorField<T, N>,
    ) -> Result<(), PhysicsError> {
        self.check_parities()?;
        self.run::<false>(out, psi, Combine::Scaled(-0.5), self.blocks(Some(to)));
        Ok(())
    }

    /// Whether the sites can be coloured like a chessboard.
    pub(crate) fn check_parities(&self) -> Result<(), PhysicsError> {
        let geometry = self.links.layout().geometry();
        if geometry.is_bipartite() {
            return Ok(());
        }
        Err(PhysicsError::Geometry(format!(
            "even and odd sites need even extents, these are {:?}: use the full operator here",
            &geometry.extents()[..geometry.dims()]
        )))
    }

    /// One pass over `blocks` of `out`, then the ghosts.
    pub(crate) fn run<const DAGGER: bool>(
        &self,
        out: &mut SpinorField<T, N>,
        psi: &SpinorField<T, N>,
        combine: Combine<'_, T, N>,
        blocks: Range<usize>,
    ) {
        let writer = out.writer();
        self.launch::<DAGGER>(writer, psi.reader(), combine, blocks);
        out.exchange();
    }

    /// As [`Wilson::run`] within one field: reads one parity of it and writes the other, `to`. Ghosts included.
    pub(crate) fn run_within<const DAGGER: bool>(
        &self,
        field: &mut SpinorField<T, N>,
        combine: Combine<'_, T, N>,
        to: usize,
    ) {
        let writer = field.writer();
        // SAFETY: a site's neighbours are of the other parity, whose blocks nothing writes here.
        let reader = unsafe { writer.reader() };
        self.launch::<DAGGER>(writer, reader, combine, self.blocks(Some(to)));
        field.exchange();
    }

    fn launch<const DAGGER: bool>(
        &self,
        out: FieldWriter<'_, T>,
        psi: FieldReader<'_, T>,
        combine: Combine<'_, T, N>,
        blocks: Range<usize>,
    ) {
        match &self.two_rows {
            Some(rows) => self.launch_on::<TWO_ROWS, DAGGER>(rows.reader(), out, psi, combine, blocks),
            None => self.launch_on::<N, DAGGER>(self.links.reader(), out, psi, combine, blocks),
        }
    }

    /// With links of which `ROWS` rows are in memory.
    fn launch_on<const ROWS: usize, const DAGGER: bool>(
        &self,
        links: FieldReader<'_, T>,
        out: FieldWriter<'_, T>,
        psi: FieldReader<'_, T>,
        combine: Combine<'_, T, N>,
        blocks: Range<usize>,
    ) {
        let (center, a, b) = match combine {
            Combine::Scaled(b) => (None, 0.0, b),
            Combine::Added(a, phi, b) => (Some(phi.reader()), a, b),
        };
        let walk = (blocks == self.blocks(None)).then(|| self.links.layout().walk());
        let streams = blocks.len() * 2 * SPINS * N * T::LANES * size_of::<T>() > STREAM_BYTES;
        let kernel = HopKernel::<'_, T, N, ROWS, DAGGER> {
            links,
            table: &self.table,
            psi,
            out,
            center,
            a,
            b,
            walk,
            // There and back: a pass starts with the links that the one before left in cache.
            returns: self.returns.fetch_xor(true, Ordering::Relaxed),
            streams,
        };
        self.links.lattice().launch(&kernel, blocks);
    }
}

impl<T: Real, const N: usize> LinearOperator<T> for Wilson<'_, T, N> {
    type Vector = SpinorField<T, N>;

    fn vector(&self) -> Result<SpinorField<T, N>, LatticeError> {
        SpinorField::zeroed(self.links.lattice())
    }
    fn blocks(&self) -> Range<usize> {
        0..self.links.layout().blocks()
    }
    fn apply(&self, out: &mut SpinorField<T, N>, psi: &SpinorField<T, N>) {
        Wilson::apply(self, out, psi);
    }
    fn apply_dagger(&self, out: &mut SpinorField<T, N>, psi: &SpinorField<T, N>) {
        Wilson::apply_dagger(self, out, psi);
    }
    fn flops(&self) -> f64 {
        // The mass term: a product and a sum for each real number.
        (hop_flops(N) + 2 * 2 * SPINS * N) as f64 * self.links.lattice().volume() as f64
    }
}

/// `ROWS` rows of each link are read: all N, or two of SU(3).
struct HopKernel<'a, T, const N: usize, const ROWS: usize, const DAGGER: bool> {
    links: FieldReader<'a, T>,
    table: &'a BoundaryTable<T>,
    psi: FieldReader<'a, T>,
    out: FieldWriter<'a, T>,
    center: Option<FieldReader<'a, T>>,
    a: f64,
    b: f64,
    /// The order of the blocks; `None`: as they are numbered.
    walk: Option<&'a [u32]>,
    /// Whether to go from the last block to the first.
    returns: bool,
    streams: bool,
}

/// The compiled forms of the kernel for whole links in one precision, `[group][dagger]`.
const fn whole<T: Real>() -> [[Compiled; 2]; 3] {
    [
        [Compiled::of::<T, HopKernel<T, 1, 1, false>>(), Compiled::of::<T, HopKernel<T, 1, 1, true>>()],
        [Compiled::of::<T, HopKernel<T, 2, 2, false>>(), Compiled::of::<T, HopKernel<T, 2, 2, true>>()],
        [Compiled::of::<T, HopKernel<T, 3, 3, false>>(), Compiled::of::<T, HopKernel<T, 3, 3, true>>()],
    ]
}

/// Those for two rows of SU(3), `[dagger]`.
const fn of_two_rows<T: Real>() -> [Compiled; 2] {
    [
        Compiled::of::<T, HopKernel<T, 3, TWO_ROWS, false>>(),
        Compiled::of::<T, HopKernel<T, 3, TWO_ROWS, true>>(),
    ]
}

impl<T: Real, const N: usize, const ROWS: usize, const DAGGER: bool> Kernel<T>
    for HopKernel<'_, T, N, ROWS, DAGGER>
{
    fn compiled() -> Compiled {
        static WHOLE: [[[Compiled; 2]; 3]; 2] = [whole::<f64>(), whole::<f32>()];
        static OF_TWO_ROWS: [[Compiled; 2]; 2] = [of_two_rows::<f64>(), of_two_rows::<f32>()];
        let precision = (T::LANES == f32::LANES) as usize;
        if ROWS == N {
            WHOLE[precision][N - 1][DAGGER as usize]
        } else {
            OF_TWO_ROWS[precision][DAGGER as usize]
        }
    }

    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let mut around = Neighbourhood::<V, N, ROWS>::new(self.psi, self.links, self.table);
        for step in range.clone() {
            let position = if self.returns { range.start + range.end - 1 - step } else { step };
            let block = self.walk.map_or(position, |walk| walk[position] as usize);
            around.visit(block, DAGGER);
            let out = self.out.rows(block, 0, 2 * SPINS * N);
            let center = self.center.map(|f| f.rows(block, 0, 2 * SPINS * N));
            for offset in offsets::<V>() {
                let sum = hop::<V::Register, _, N, DAGGER>(&RegisterSource { around: &around, offset });
                self.finish::<V>(&sum, center, out, offset);
            }
        }
        if self.streams {
            V::fence();
        }
    }
}

impl<T: Real, const N: usize, const ROWS: usize, const DAGGER: bool> HopKernel<'_, T, N, ROWS, DAGGER> {
    /// Writes a φ + b sum.
    #[inline(always)]
    fn finish<V: Lanes<Scalar = T>>(
        &self,
        sum: &Spinor<V::Register, N>,
        center: Option<*const T>,
        out: *mut T,
        offset: usize,
    ) {
        let (a, b) = (V::Register::splat(self.a), V::Register::splat(self.b));
        for s in 0..SPINS {
            for c in 0..N {
                for (k, x) in [sum.0[s][c].re, sum.0[s][c].im].into_iter().enumerate() {
                    let row = (2 * (s * N + c) + k) * T::LANES + offset;
                    // SAFETY: a row of this block in fields of the same shape; the block is this thread's.
                    unsafe {
                        let mut y = x * b;
                        if let Some(center) = center {
                            y = V::load_register(center.add(row)).mul_add(a, y);
                        }
                        if self.streams {
                            V::stream_register(y, out.add(row));
                        } else {
                            V::store_register(y, out.add(row));
                        }
                    }
                }
            }
        }
    }
}
