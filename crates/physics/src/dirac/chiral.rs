//! Hermitian matrices on one chirality: H spins times N colours, of which the term of Sheikholeslami and Wohlert needs
//! those of four dimensions, H = 2.
//!
//! The site-diagonal part of an operator that commutes with γ5 is two of them a site. A field of them is
//! `[block][chirality][real][lane]` with (2N)² real numbers: the diagonal, then the complex entries below it row by
//! row; rows and columns are numbered spin × N + colour.

use super::neighbourhood::load_register;
use super::spinor::{SPINS, Spinor};
use gaugelink_lattice::{Complex, FieldReader, FieldWriter, Lanes, Num, Real};

/// Rows for SU(3).
const ROWS_MAX: usize = 6;
/// Entries below the diagonal for SU(3).
const BELOW_MAX: usize = ROWS_MAX * (ROWS_MAX - 1) / 2;

/// Rows of a matrix of the group of N colours.
pub(super) const fn rows(n: usize) -> usize {
    SPINS / 2 * n
}

/// Real numbers of both matrices of a site.
pub(super) const fn reals(n: usize) -> usize {
    reals_of(rows(n))
}

/// The same for matrices of so many rows.
pub(super) const fn reals_of(rows: usize) -> usize {
    2 * rows * rows
}

/// Floating-point operations of both matrices of a site times a spinor.
pub(super) const fn flops(n: usize) -> usize {
    2 * rows(n) * (2 + 8 * (rows(n) - 1))
}

/// The place of entry (i, j), j < i, among those below the diagonal.
const fn below(i: usize, j: usize) -> usize {
    i * (i - 1) / 2 + j
}

/// A Hermitian matrix for up to three colours; entries beyond 2N rows are not used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chiral<V> {
    diagonal: [V; ROWS_MAX],
    below: [Complex<V>; BELOW_MAX],
}

impl<V: Num> Chiral<V> {
    /// `x` times the unit matrix.
    #[inline(always)]
    pub fn unit(x: V) -> Self {
        Self { diagonal: [x; ROWS_MAX], below: [Complex::zero(); BELOW_MAX] }
    }

    /// Adds a Hermitian matrix's entry (i, j); what belongs above the diagonal is left to its partner.
    #[inline(always)]
    pub fn add(&mut self, i: usize, j: usize, z: Complex<V>) {
        if i == j {
            self.diagonal[i] = self.diagonal[i] + z.re;
        } else if j < i {
            self.below[below(i, j)] = self.below[below(i, j)] + z;
        }
    }

    /// Entry (i, j).
    #[inline(always)]
    pub fn entry(&self, i: usize, j: usize) -> Complex<V> {
        match i.cmp(&j) {
            std::cmp::Ordering::Equal => Complex { re: self.diagonal[i], im: V::splat(0.0) },
            std::cmp::Ordering::Greater => self.below[below(i, j)],
            std::cmp::Ordering::Less => self.below[below(j, i)].conj(),
        }
    }

    /// A = L D L† with unit lower triangular L, kept below the diagonal, and real D, on it.
    #[inline(always)]
    pub fn factorised<const N: usize>(&self) -> Self {
        let mut f = *self;
        for j in 0..rows(N) {
            for k in 0..j {
                f.diagonal[j] =
                    (f.below[below(j, k)].norm2() * f.diagonal[k]).neg_mul_add(V::splat(1.0), f.diagonal[j]);
            }
            let inverse = V::splat(1.0).div(f.diagonal[j]);
            for i in j + 1..rows(N) {
                let mut sum = f.below[below(i, j)];
                for k in 0..j {
                    // conj(L_jk) d_k L_ik
                    let term = f.below[below(j, k)].scale(f.diagonal[k]).conj_mul(f.below[below(i, k)]);
                    sum = sum - term;
                }
                f.below[below(i, j)] = sum.scale(inverse);
            }
        }
        f
    }

    /// The pivots D of a factorised matrix.
    #[inline(always)]
    pub fn pivots<const N: usize>(&self) -> &[V] {
        &self.diagonal[..rows(N)]
    }

    /// A⁻¹ = M† D⁻¹ M with M = L⁻¹, of a factorised matrix.
    #[inline(always)]
    pub fn inverse_of_factorised<const N: usize>(&self) -> Self {
        let mut m = *self;
        for i in 1..rows(N) {
            for j in 0..i {
                // M_ij = −L_ij − Σ_{j<k<i} L_ik M_kj; rows above are M's by now.
                let mut sum = self.below[below(i, j)];
                for k in j + 1..i {
                    sum = self.below[below(i, k)].mul_add(m.below[below(k, j)], sum);
                }
                m.below[below(i, j)] = Complex { re: -sum.re, im: -sum.im };
            }
        }
        let mut inverse = Self::unit(V::splat(0.0));
        for k in 0..rows(N) {
            let weight = V::splat(1.0).div(self.diagonal[k]);
            inverse.diagonal[k] = inverse.diagonal[k] + weight;
            for j in 0..k {
                let m_kj = m.below[below(k, j)].scale(weight);
                inverse.diagonal[j] = m.below[below(k, j)].norm2().mul_add(weight, inverse.diagonal[j]);
                // i = k: conj(M_kk) = 1.
                inverse.below[below(k, j)] = inverse.below[below(k, j)] + m_kj;
                for i in j + 1..k {
                    let at = below(i, j);
                    inverse.below[at] = m.below[below(k, i)].conj_mul_add(m_kj, inverse.below[at]);
                }
            }
        }
        inverse
    }
}

/// The matrix of one chirality of a block.
#[inline(always)]
pub(super) fn read<V: Lanes, const N: usize>(
    field: &FieldReader<'_, V::Scalar>,
    block: usize,
    chirality: usize,
) -> Chiral<V> {
    let mut matrix = Chiral::unit(V::splat(0.0));
    let start = chirality * reals(N) / 2;
    for i in 0..rows(N) {
        matrix.diagonal[i] = field.load(block, start + i);
    }
    for k in 0..below(rows(N), 0) {
        let at = start + rows(N) + 2 * k;
        matrix.below[k] = Complex { re: field.load(block, at), im: field.load(block, at + 1) };
    }
    matrix
}

/// Writes it.
///
/// # Safety
/// The block is the calling thread's, as [`FieldWriter::store`] has it.
#[inline(always)]
pub(super) unsafe fn write<V: Lanes, const N: usize>(
    field: &FieldWriter<'_, V::Scalar>,
    block: usize,
    chirality: usize,
    matrix: &Chiral<V>,
) {
    let start = chirality * reals(N) / 2;
    // SAFETY: the caller's promise.
    unsafe {
        for i in 0..rows(N) {
            field.store(block, start + i, matrix.diagonal[i]);
        }
        for k in 0..below(rows(N), 0) {
            let at = start + rows(N) + 2 * k;
            field.store(block, at, matrix.below[k].re);
            field.store(block, at + 1, matrix.below[k].im);
        }
    }
}

/// Both matrices of a block times a spinor, for one register's lanes; `matrices` is the block's first row.
///
/// # Safety
/// The rows of a site are valid at `matrices`; `offset` is the first lane of a register.
#[inline(always)]
pub(super) unsafe fn times<V: Lanes, const N: usize, const H: usize>(
    matrices: *const V::Scalar,
    offset: usize,
    psi: &Spinor<V::Register, N, H>,
) -> Spinor<V::Register, N, H> {
    let psi = psi.components();
    let mut out = Spinor::zero();
    let product = out.components_mut();
    let rows = H * N;
    for chirality in 0..2 {
        let first = chirality * rows;
        // SAFETY: the caller vouches for the rows.
        unsafe {
            let matrix = matrices.add(chirality * rows * rows * V::Scalar::LANES);
            let entries = matrix.add(rows * V::Scalar::LANES);
            for i in 0..rows {
                let diagonal = V::Register::load(matrix.add(i * V::Scalar::LANES + offset));
                product[first + i] = psi[first + i].scale(diagonal);
            }
            for i in 1..rows {
                for j in 0..i {
                    let a = load_register::<V>(entries, below(i, j), offset);
                    product[first + i] = a.mul_add(psi[first + j], product[first + i]);
                    product[first + j] = a.conj_mul_add(psi[first + i], product[first + j]);
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    /// A matrix with both signs among its eigenvalues.
    fn matrix(n: usize) -> Chiral<f64> {
        let mut a = Chiral::unit(0.0);
        for i in 0..n {
            a.add(i, i, Complex::new(if i == 2 { -3.0 } else { 4.0 + 0.1 * i as f64 }, 0.0));
            for j in 0..i {
                let k = (3 * i + j) as f64;
                a.add(i, j, Complex::new((1.3 * k).sin(), (0.7 * k).cos()));
            }
        }
        a
    }

    fn dense(a: &Chiral<f64>, n: usize) -> DMatrix<nalgebra::Complex<f64>> {
        DMatrix::from_fn(n, n, |i, j| {
            let z = a.entry(i, j);
            nalgebra::Complex::new(z.re, z.im)
        })
    }

    fn check<const N: usize>() {
        let n = rows(N);
        let a = matrix(n);
        let factors = a.factorised::<N>();
        let inverse = factors.inverse_of_factorised::<N>();
        let (dense_a, dense_inverse) = (dense(&a, n), dense(&inverse, n));
        let unit = &dense_a * &dense_inverse - DMatrix::identity(n, n);
        assert!(unit.norm() < 1e-13, "N = {N}: {unit}");
        let determinant: f64 = factors.pivots::<N>().iter().product();
        let expected = dense_a.determinant();
        assert!((determinant - expected.re).abs() < 1e-12 * expected.re.abs(), "N = {N}");
    }

    #[test]
    fn inverse_and_determinant_are_those_of_a_dense_matrix() {
        check::<1>();
        check::<2>();
        check::<3>();
    }
}
