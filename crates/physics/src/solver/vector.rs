//! Fused vector operations of the solvers: one pass over memory each, a coefficient for each chain, exact sums.
//!
//! Fields are read as complex numbers: components 2k and 2k+1 are one's real and imaginary part. Only the blocks of
//! the range given are read and written, so ghosts of the results are stale: call [`Field::exchange`] before a result
//! is given to an operator. Sums come as `[quantity][chain]`; operations that have some are collective.

use gaugelink_lattice::number::Row;
use gaugelink_lattice::{Complex, Field, FieldReader, FieldWriter, Kernel, Lanes, Lattice, Real, Tally};
use std::ops::Range;

/// A complex coefficient for each chain as block rows.
#[derive(Clone, Copy)]
pub(super) struct Coefficient<T> {
    re: Row<T>,
    im: Row<T>,
}

impl<T: Real> Coefficient<T> {
    pub(super) fn new(lattice: &Lattice, values: &[Complex<f64>]) -> Self {
        Self {
            re: Row::by_chain(lattice, |chain| values[chain].re),
            im: Row::by_chain(lattice, |chain| values[chain].im),
        }
    }
    #[inline(always)]
    pub(super) fn lanes<V: Lanes<Scalar = T>>(&self) -> Complex<V> {
        Complex { re: self.re.to_lanes(), im: self.im.to_lanes() }
    }
}

/// Complex number `k` of a block.
#[inline(always)]
pub(crate) fn complex<V: Lanes<Scalar = T>, T: Real>(
    field: &FieldReader<'_, T>,
    block: usize,
    k: usize,
) -> Complex<V> {
    Complex { re: field.load(block, 2 * k), im: field.load(block, 2 * k + 1) }
}

/// Stores complex number `k` of a block.
///
/// # Safety
/// The block is this thread's.
#[inline(always)]
pub(crate) unsafe fn store<V: Lanes<Scalar = T>, T: Real>(
    field: &FieldWriter<'_, T>,
    block: usize,
    k: usize,
    z: Complex<V>,
) {
    // SAFETY: the caller vouches for the block.
    unsafe {
        field.store(block, 2 * k, z.re);
        field.store(block, 2 * k + 1, z.im);
    }
}

/// Σ |x|² of a block, added to `sum`.
#[inline(always)]
pub(super) fn add_norm<V: Lanes>(z: Complex<V>, sum: V) -> V {
    z.im.mul_add(z.im, z.re.mul_add(z.re, sum))
}

struct InnerProduct<'a, T>(FieldReader<'a, T>, FieldReader<'a, T>);

impl<T: Real> Kernel<T> for InnerProduct<'_, T> {
    gaugelink_lattice::compiled!(scalar T: InnerProduct);
    const SUMS: usize = 2;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let mut sum = Complex::zero();
            for k in 0..self.0.reals() / 2 {
                let (a, b) = (complex::<V, T>(&self.0, block, k), complex::<V, T>(&self.1, block, k));
                sum = a.conj_mul_add(b, sum);
            }
            tally.add(0, sum.re);
            tally.add(1, sum.im);
        }
    }
}

/// ⟨a, b⟩: `sums` = real parts, then imaginary parts. Collective.
pub fn inner_product<T: Real>(a: &Field<T>, b: &Field<T>, blocks: Range<usize>, sums: &mut [f64]) {
    a.lattice().reduce(&InnerProduct(a.reader(), b.reader()), blocks, sums);
}

/// Re⟨a, b⟩ for each chain. Collective.
pub fn real_product<T: Real>(a: &Field<T>, b: &Field<T>, blocks: Range<usize>) -> Vec<f64> {
    let chains = a.lattice().chains();
    let mut sums = vec![0.0; 2 * chains];
    inner_product(a, b, blocks, &mut sums);
    sums.truncate(chains);
    sums
}

struct Norm<'a, T>(FieldReader<'a, T>);

impl<T: Real> Kernel<T> for Norm<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Norm);
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let mut sum = V::splat(0.0);
            for k in 0..self.0.reals() / 2 {
                sum = add_norm(complex::<V, T>(&self.0, block, k), sum);
            }
            tally.add(0, sum);
        }
    }
}

/// ‖a‖². Collective.
pub fn norm2<T: Real>(a: &Field<T>, blocks: Range<usize>, sums: &mut [f64]) {
    a.lattice().reduce(&Norm(a.reader()), blocks, sums);
}

struct InnerAndNorm<'a, T>(FieldReader<'a, T>, FieldReader<'a, T>);

impl<T: Real> Kernel<T> for InnerAndNorm<'_, T> {
    gaugelink_lattice::compiled!(scalar T: InnerAndNorm);
    const SUMS: usize = 3;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let (mut sum, mut norm) = (Complex::zero(), V::splat(0.0));
            for k in 0..self.0.reals() / 2 {
                let (a, b) = (complex::<V, T>(&self.0, block, k), complex::<V, T>(&self.1, block, k));
                sum = a.conj_mul_add(b, sum);
                norm = add_norm(a, norm);
            }
            tally.add(0, sum.re);
            tally.add(1, sum.im);
            tally.add(2, norm);
        }
    }
}

/// ⟨a, b⟩ and ‖a‖²: `sums` = real parts, imaginary parts, norms. Collective.
pub fn inner_product_and_norm2<T: Real>(a: &Field<T>, b: &Field<T>, blocks: Range<usize>, sums: &mut [f64]) {
    a.lattice().reduce(&InnerAndNorm(a.reader(), b.reader()), blocks, sums);
}

struct Difference<'a, T> {
    out: FieldWriter<'a, T>,
    b: FieldReader<'a, T>,
}

impl<T: Real> Kernel<T> for Difference<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Difference);
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        // SAFETY: a block is read and written by one thread.
        let out = unsafe { self.out.reader() };
        for block in range {
            let mut norm = V::splat(0.0);
            for k in 0..self.b.reals() / 2 {
                let z = complex::<V, T>(&self.b, block, k) - complex::<V, T>(&out, block, k);
                // SAFETY: as above.
                unsafe { store(&self.out, block, k, z) };
                norm = add_norm(z, norm);
            }
            tally.add(0, norm);
        }
    }
}

/// `out` ← b − `out`, and ‖`out`‖². Collective.
pub fn subtract_from<T: Real>(out: &mut Field<T>, b: &Field<T>, blocks: Range<usize>, sums: &mut [f64]) {
    let lattice = b.lattice().clone();
    lattice.reduce(&Difference { out: out.writer(), b: b.reader() }, blocks, sums);
}

struct ScaleAdd<'a, T> {
    p: FieldWriter<'a, T>,
    r: FieldReader<'a, T>,
    beta: Row<T>,
}

impl<T: Real> Kernel<T> for ScaleAdd<'_, T> {
    gaugelink_lattice::compiled!(scalar T: ScaleAdd);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        // SAFETY: a block is read and written by one thread.
        let p = unsafe { self.p.reader() };
        let beta: V = self.beta.to_lanes();
        for block in range {
            for c in 0..self.r.reals() {
                let x = p.load::<V>(block, c).mul_add(beta, self.r.load(block, c));
                // SAFETY: as above.
                unsafe { self.p.store(block, c, x) };
            }
        }
    }
}

/// p ← r + β p with real β.
pub fn scale_add<T: Real>(p: &mut Field<T>, beta: &[f64], r: &Field<T>, blocks: Range<usize>) {
    let lattice = r.lattice().clone();
    let beta = Row::by_chain(&lattice, |chain| beta[chain]);
    lattice.launch(&ScaleAdd { p: p.writer(), r: r.reader(), beta }, blocks);
}

struct ScaleAddComplex<'a, T> {
    p: FieldWriter<'a, T>,
    r: FieldReader<'a, T>,
    beta: Coefficient<T>,
}

impl<T: Real> Kernel<T> for ScaleAddComplex<'_, T> {
    gaugelink_lattice::compiled!(scalar T: ScaleAddComplex);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        // SAFETY: a block is read and written by one thread.
        let p = unsafe { self.p.reader() };
        let beta = self.beta.lanes::<V>();
        for block in range {
            for k in 0..self.r.reals() / 2 {
                let z = beta.mul_add(complex(&p, block, k), complex(&self.r, block, k));
                // SAFETY: as above.
                unsafe { store(&self.p, block, k, z) };
            }
        }
    }
}

/// p ← r + β p.
pub fn scale_add_complex<T: Real>(
    p: &mut Field<T>,
    beta: &[Complex<f64>],
    r: &Field<T>,
    blocks: Range<usize>,
) {
    let lattice = r.lattice().clone();
    let beta = Coefficient::new(&lattice, beta);
    lattice.launch(&ScaleAddComplex { p: p.writer(), r: r.reader(), beta }, blocks);
}

struct CgStep<'a, T> {
    x: FieldWriter<'a, T>,
    r: FieldWriter<'a, T>,
    p: FieldReader<'a, T>,
    ap: FieldReader<'a, T>,
    alpha: Row<T>,
}

impl<T: Real> Kernel<T> for CgStep<'_, T> {
    gaugelink_lattice::compiled!(scalar T: CgStep);
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        // SAFETY: a block is read and written by one thread.
        let (x, r) = unsafe { (self.x.reader(), self.r.reader()) };
        let alpha: V = self.alpha.to_lanes();
        for block in range {
            let mut norm = V::splat(0.0);
            for c in 0..self.p.reals() {
                let new_x = self.p.load::<V>(block, c).mul_add(alpha, x.load(block, c));
                let new_r = self.ap.load::<V>(block, c).neg_mul_add(alpha, r.load(block, c));
                // SAFETY: as above.
                unsafe {
                    self.x.store(block, c, new_x);
                    self.r.store(block, c, new_r);
                }
                norm = new_r.mul_add(new_r, norm);
            }
            tally.add(0, norm);
        }
    }
}

/// x ← x + α p, r ← r − α Ap with real α, and ‖r‖². Collective.
pub fn cg_step<T: Real>(
    (x, r): (&mut Field<T>, &mut Field<T>),
    alpha: &[f64],
    (p, ap): (&Field<T>, &Field<T>),
    blocks: Range<usize>,
    sums: &mut [f64],
) {
    let lattice = p.lattice().clone();
    let alpha = Row::by_chain(&lattice, |chain| alpha[chain]);
    let kernel = CgStep { x: x.writer(), r: r.writer(), p: p.reader(), ap: ap.reader(), alpha };
    lattice.reduce(&kernel, blocks, sums);
}

struct Subtract<'a, T> {
    r: FieldWriter<'a, T>,
    v: FieldReader<'a, T>,
    alpha: Coefficient<T>,
}

impl<T: Real> Kernel<T> for Subtract<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Subtract);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        // SAFETY: a block is read and written by one thread.
        let r = unsafe { self.r.reader() };
        let minus_alpha = -self.alpha.lanes::<V>();
        for block in range {
            for k in 0..self.v.reals() / 2 {
                let z = minus_alpha.mul_add(complex(&self.v, block, k), complex(&r, block, k));
                // SAFETY: as above.
                unsafe { store(&self.r, block, k, z) };
            }
        }
    }
}

/// r ← r − α v.
pub fn subtract<T: Real>(r: &mut Field<T>, alpha: &[Complex<f64>], v: &Field<T>, blocks: Range<usize>) {
    let lattice = v.lattice().clone();
    let alpha = Coefficient::new(&lattice, alpha);
    lattice.launch(&Subtract { r: r.writer(), v: v.reader(), alpha }, blocks);
}
