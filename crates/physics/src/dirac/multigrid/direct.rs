//! The coarse operator's even-odd form inverted once and for all, where that is small: its product with a vector then costs
//! hardly more than the operator's own.
//!
//! Elimination with pivoting (Gauss and Jordan), in place and in double precision, one row of the matrix a block of a
//! field.

use super::coarse::{CoarseLattice, CoarseVector};
use super::matrices::{Center, Matrices, Product, Sources};
use super::operator::{CoarseOperator, CoarseSchur};
use crate::solver::LinearOperator;
use crate::solver::vector::{complex, store};
use gaugelink_lattice::{
    Complex, Field, FieldReader, FieldWriter, Kernel, Lanes, Lattice, LatticeError, LatticeOptions, Real,
    Tally,
};
use std::ops::Range;

/// Unknowns at most.
const UNKNOWNS_MAX: usize = 1024;

/// S⁻¹ on the odd sites.
#[derive(Debug)]
pub(super) struct Direct<T> {
    matrices: Matrices<T>,
    /// Floating-point operations of making it, and of a product.
    pub setup_flops: f64,
    pub flops: f64,
}

impl<T: Real> Direct<T> {
    /// The inverse; `None` where it is large, or S singular.
    pub fn new(
        operator: &CoarseOperator<T>,
        coarse: &CoarseLattice<T>,
    ) -> Result<Option<Self>, LatticeError> {
        let (odd, components) = (coarse.parity(1), coarse.components());
        let unknowns = odd.len() * components;
        if unknowns > UNKNOWNS_MAX {
            return Ok(None);
        }
        let Some((inverse, order)) = inverted(operator, coarse)? else { return Ok(None) };
        let mut matrices = Matrices::new(coarse, odd.len())?;
        for (column, &place) in order.iter().enumerate() {
            for row in 0..unknowns {
                let (site, i) = (odd.start + row / components, row % components);
                let z = entry(&inverse, row, column);
                let z = Complex::new(T::from_f64(z.re), T::from_f64(z.im));
                matrices.set(site, place / components, i, place % components, z);
            }
        }
        let n = unknowns as f64;
        let setup_flops = 8.0 * n * n * n + n * CoarseSchur(operator).flops();
        Ok(Some(Self { matrices, setup_flops, flops: 8.0 * n * n }))
    }

    /// x ← S⁻¹ `c` on the odd sites.
    pub fn solve(&self, coarse: &CoarseLattice<T>, x: &mut CoarseVector<T>, c: &CoarseVector<T>) {
        let product = Product { matrices: &self.matrices, sources: Sources::Odd, then: None, scale: 1.0 };
        product.run(coarse, x, c, Center::None, coarse.parity(1));
    }
}

fn entry(matrix: &Field<f64>, row: usize, column: usize) -> Complex<f64> {
    let (k, lane) = (2 * (column / f64::LANES), column % f64::LANES);
    Complex::new(matrix.get(row, k, lane), matrix.get(row, k + 1, lane))
}

fn set_entry(matrix: &mut Field<f64>, row: usize, column: usize, z: Complex<f64>) {
    let (k, lane) = (2 * (column / f64::LANES), column % f64::LANES);
    matrix.set(row, k, lane, z.re);
    matrix.set(row, k + 1, lane, z.im);
}

/// A matrix, and the unknowns that its columns belong to.
type Inverted = (Field<f64>, Vec<usize>);

/// The inverse of S, whose column k belongs to unknown `order[k]`; `None` where S is singular.
fn inverted<T: Real>(
    operator: &CoarseOperator<T>,
    coarse: &CoarseLattice<T>,
) -> Result<Option<Inverted>, LatticeError> {
    let (odd, components) = (coarse.parity(1), coarse.components());
    let n = odd.len() * components;
    let pool = Some(coarse.fields().pool().clone());
    // As many blocks as rows; a row fills whole lanes, the number of odd sites being a multiple of eight.
    let rows = Lattice::new(
        &[2 * f64::LANES, n / 2],
        LatticeOptions { pool, isa: coarse.fields().isa(), ..LatticeOptions::default() },
    )?;
    let mut matrix = Field::zeroed(&rows, 2 * n.div_ceil(f64::LANES))?;
    let [mut unit, mut image] = [coarse.vector()?, coarse.vector()?];
    let one = Complex::new(1.0, 0.0);
    for column in 0..n {
        let (site, component) = (odd.start + column / components, column % components);
        unit.set_component(site, component, Complex::splat(1.0, 0.0));
        CoarseSchur(operator).apply(&mut image, &unit);
        unit.set_component(site, component, Complex::zero());
        for row in 0..n {
            let z = image.component(odd.start + row / components, row % components);
            set_entry(&mut matrix, row, column, Complex::new(z.re.to_f64(), z.im.to_f64()));
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    for k in 0..n {
        let size = |row: usize| entry(&matrix, row, k).norm2();
        let pivot = (k..n).max_by(|&i, &j| size(i).total_cmp(&size(j))).unwrap_or(k);
        if !(size(pivot) > 0.0 && size(pivot).is_finite()) {
            return Ok(None);
        }
        if pivot != k {
            let kept = matrix.block(k).to_vec();
            let other = matrix.block(pivot).to_vec();
            matrix.block_mut(k).copy_from_slice(&other);
            matrix.block_mut(pivot).copy_from_slice(&kept);
            order.swap(k, pivot);
        }
        let z = entry(&matrix, k, k);
        let inverse = z.conj().scale(1.0 / z.norm2());
        set_entry(&mut matrix, k, k, one);
        for column in 0..n {
            let z = inverse * entry(&matrix, k, column);
            set_entry(&mut matrix, k, column, z);
        }
        rows.launch(&Eliminate { matrix: matrix.writer(), pivot: k }, 0..n);
    }
    Ok(Some((matrix, order)))
}

/// Takes multiples of one row from all others, so that its column has their factors in the end.
struct Eliminate<'a> {
    matrix: FieldWriter<'a, f64>,
    pivot: usize,
}

impl Kernel<f64> for Eliminate<'_> {
    gaugelink_lattice::compiled!(Eliminate);
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        // SAFETY: the pivot's row is not written; each other row is one thread's.
        let matrix: FieldReader<'_, f64> = unsafe { self.matrix.reader() };
        let (k, lane) = (2 * (self.pivot / f64::LANES), self.pivot % f64::LANES);
        for row in range {
            if row == self.pivot {
                continue;
            }
            // SAFETY: a lane of a row of this thread's.
            let minus = unsafe {
                let at = [self.matrix.rows(row, k, 1).add(lane), self.matrix.rows(row, k + 1, 1).add(lane)];
                let z = Complex { re: V::broadcast(-*at[0]), im: V::broadcast(-*at[1]) };
                at.into_iter().for_each(|x| *x = 0.0);
                z
            };
            for j in 0..matrix.reals() / 2 {
                let z = minus.mul_add(complex::<V, f64>(&matrix, self.pivot, j), complex(&matrix, row, j));
                // SAFETY: as above.
                unsafe { store(&self.matrix, row, j, z) };
            }
        }
    }
}
