//! Products of a coarse lattice's matrices and vectors: rows of matrices in lanes.
//!
//! A matrix is `[row of lanes][column][re|im]`, so a column's numbers meet a number of the vector that all lanes share.

use super::coarse::{CoarseLattice, CoarseVector, STEPS};
use crate::solver::vector::{complex, store};
use gaugelink_lattice::{Complex, Field, FieldReader, FieldWriter, Kernel, Lanes, LatticeError, Real, Tally};
use std::ops::Range;

/// Rows of lanes at most, for 64 components in f64.
pub(super) const ROWS_MAX: usize = 8;
/// Rows that are worked on together.
const TILE: usize = 4;

/// Some square matrices on each site.
#[derive(Debug)]
pub(super) struct Matrices<T> {
    field: Field<T>,
    components: usize,
    /// Rows of lanes of one matrix.
    rows: usize,
}

impl<T: Real> Matrices<T> {
    /// `count` matrices of zeros on each site.
    pub fn new(coarse: &CoarseLattice<T>, count: usize) -> Result<Self, LatticeError> {
        let (components, rows) = (coarse.components(), coarse.rows());
        let field = Field::zeroed(coarse.fields(), count * 2 * rows * components)?;
        Ok(Self { field, components, rows })
    }
    fn place(&self, which: usize, i: usize, j: usize) -> (usize, usize) {
        (2 * ((which * self.rows + i / T::LANES) * self.components + j), i % T::LANES)
    }
    /// Entry (i, j) of matrix `which` of a site.
    pub fn entry(&self, site: usize, which: usize, i: usize, j: usize) -> Complex<T> {
        let (component, lane) = self.place(which, i, j);
        Complex::new(self.field.get(site, component, lane), self.field.get(site, component + 1, lane))
    }
    /// Sets an entry.
    pub fn set(&mut self, site: usize, which: usize, i: usize, j: usize, z: Complex<T>) {
        let (component, lane) = self.place(which, i, j);
        self.field.set(site, component, lane, z.re);
        self.field.set(site, component + 1, lane, z.im);
    }
    /// Its numbers.
    pub fn field_mut(&mut self) -> &mut Field<T> {
        &mut self.field
    }
    /// Operations of one of the matrices times a vector.
    pub fn flops(&self) -> f64 {
        (8 * self.components * self.components) as f64
    }
}

/// A product `out` ← φ + b N Σ_i M_i ψ.
#[derive(Debug)]
pub(super) struct Product<'a, T> {
    /// The matrices M.
    pub matrices: &'a Matrices<T>,
    /// Which sites' ψ the matrices take.
    pub sources: Sources,
    /// The matrix N of the site, if any.
    pub then: Option<&'a Matrices<T>>,
    /// b.
    pub scale: f64,
}

/// The sites that a product takes ψ from, one a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sources {
    /// The site itself.
    Itself,
    /// Its neighbours.
    Neighbours,
    /// All odd sites.
    Odd,
}

/// The φ of a product.
#[derive(Clone, Copy, Debug)]
pub(super) enum Center<'a, T> {
    None,
    Of(&'a CoarseVector<T>),
    /// What stands in `out`.
    Itself,
}

impl<T: Real> Product<'_, T> {
    /// The product on some sites.
    pub fn run(
        &self,
        coarse: &CoarseLattice<T>,
        out: &mut CoarseVector<T>,
        psi: &CoarseVector<T>,
        center: Center<'_, T>,
        sites: Range<usize>,
    ) {
        self.launch(coarse, out.writer(), psi.reader(), center, sites);
    }

    /// Within one vector: on sites of one parity, from their neighbours or from themselves.
    pub fn run_within(
        &self,
        coarse: &CoarseLattice<T>,
        out: &mut CoarseVector<T>,
        center: Center<'_, T>,
        sites: Range<usize>,
    ) {
        let out = out.writer();
        // SAFETY: neighbours are of the other parity, which nothing writes; a site's own numbers are one thread's.
        let psi = unsafe { out.reader() };
        self.launch(coarse, out, psi, center, sites);
    }

    fn launch(
        &self,
        coarse: &CoarseLattice<T>,
        out: FieldWriter<'_, T>,
        psi: FieldReader<'_, T>,
        center: Center<'_, T>,
        sites: Range<usize>,
    ) {
        let kernel = Multiply {
            coarse,
            matrices: self.matrices.field.reader(),
            rows: self.matrices.rows,
            components: self.matrices.components,
            sources: self.sources,
            then: self.then.map(|then| then.field.reader()),
            psi,
            center: match center {
                Center::None => None,
                Center::Of(phi) => Some(phi.reader()),
                // SAFETY: a site is read and written by one thread.
                Center::Itself => Some(unsafe { out.reader() }),
            },
            scale: self.scale,
            out,
        };
        coarse.fields().launch(&kernel, sites);
    }
}

struct Multiply<'a, T> {
    coarse: &'a CoarseLattice<T>,
    matrices: FieldReader<'a, T>,
    rows: usize,
    components: usize,
    sources: Sources,
    then: Option<FieldReader<'a, T>>,
    psi: FieldReader<'a, T>,
    center: Option<FieldReader<'a, T>>,
    scale: f64,
    out: FieldWriter<'a, T>,
}

/// A vector of one site.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Room<V>([[V; 2]; ROWS_MAX]);

impl<T: Real> Kernel<T> for Multiply<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Multiply);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let zero = V::splat(0.0);
        let odd = self.coarse.parity(1);
        for site in range {
            let mut sum = Room([[zero; 2]; ROWS_MAX]);
            let matrices = match self.sources {
                Sources::Itself => 1,
                Sources::Neighbours => STEPS,
                Sources::Odd => odd.len(),
            };
            for which in 0..matrices {
                let at = match self.sources {
                    Sources::Itself => site,
                    Sources::Neighbours => self.coarse.neighbours(site)[which] as usize,
                    Sources::Odd => odd.start + which,
                };
                let psi = self.psi.rows(at, 0, 2 * self.rows);
                self.add::<V>(&mut sum, &self.matrices, site, which, psi);
            }
            if let Some(then) = &self.then {
                let mut product = Room([[zero; 2]; ROWS_MAX]);
                self.add::<V>(&mut product, then, site, 0, (&raw const sum.0).cast());
                sum = product;
            }
            let b = V::splat(self.scale);
            for row in 0..self.rows {
                let mut z = Complex { re: sum.0[row][0] * b, im: sum.0[row][1] * b };
                if let Some(phi) = &self.center {
                    z = complex::<V, T>(phi, site, row) + z;
                }
                // SAFETY: a site is one thread's.
                unsafe { store(&self.out, site, row, z) };
            }
        }
    }
}

impl<T: Real> Multiply<'_, T> {
    /// `sum` += M ψ, ψ being rows of lanes.
    #[inline(always)]
    fn add<V: Lanes<Scalar = T>>(
        &self,
        sum: &mut Room<V>,
        matrices: &FieldReader<'_, T>,
        site: usize,
        which: usize,
        psi: *const T,
    ) {
        let mut row = 0;
        while row < self.rows {
            match self.rows - row {
                1 => self.add_rows::<V, 1>(sum, matrices, site, which, row, psi),
                2 => self.add_rows::<V, 2>(sum, matrices, site, which, row, psi),
                3 => self.add_rows::<V, 3>(sum, matrices, site, which, row, psi),
                _ => self.add_rows::<V, TILE>(sum, matrices, site, which, row, psi),
            }
            row += TILE;
        }
    }

    #[inline(always)]
    fn add_rows<V: Lanes<Scalar = T>, const R: usize>(
        &self,
        sum: &mut Room<V>,
        matrices: &FieldReader<'_, T>,
        site: usize,
        which: usize,
        first: usize,
        psi: *const T,
    ) {
        let length = 2 * self.components;
        let start = (which * self.rows + first) * length;
        let matrix = matrices.rows(site, start, R * length);
        let mut sums: [Complex<V>; R] = std::array::from_fn(|r| {
            let [re, im] = sum.0[first + r];
            Complex { re, im }
        });
        for column in 0..self.components {
            let at = 2 * (column / T::LANES) * T::LANES + column % T::LANES;
            // SAFETY: a component of the vector's rows; a column of the matrix's.
            unsafe {
                let z = Complex { re: V::broadcast(*psi.add(at)), im: V::broadcast(*psi.add(at + T::LANES)) };
                for r in 0..R {
                    let entry = matrix.add((r * length + 2 * column) * T::LANES);
                    let m = Complex { re: V::load(entry), im: V::load(entry.add(T::LANES)) };
                    sums[r] = m.mul_add(z, sums[r]);
                }
            }
        }
        for r in 0..R {
            sum.0[first + r] = [sums[r].re, sums[r].im];
        }
    }
}
