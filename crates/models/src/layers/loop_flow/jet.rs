//! Numbers with first derivatives: forward-mode differentiation through site bodies.
//!
//! A jet is a value and its derivatives along P − 1 directions, (a, a′, …) with (a b)′ = a b′ + a′ b. Run on jets of two
//! parts, the code of a gradient gives the gradient and the product of the Hessian with a vector; jets of one part are
//! plain numbers.

use gaugelink_lattice::group::{ALGEBRA_MAX, algebra_dim};
use gaugelink_lattice::{Complex, FieldReader, FieldWriter, Lanes, Matrix, Neighbour, Num};
use std::ops::{Add, Mul, Neg, Sub};

/// A value and P − 1 derivatives.
#[derive(Clone, Copy)]
pub struct Jet<V, const P: usize>(pub [V; P]);

/// The jet with the value `$value` and, for each derivative `$k`, `$derivative`.
macro_rules! jet {
    ($value:expr, |$k:ident| $derivative:expr) => {{
        let mut parts = [$value; P];
        for $k in 1..P {
            parts[$k] = $derivative;
        }
        Jet(parts)
    }};
}

impl<V: Num, const P: usize> Add for Jet<V, P> {
    type Output = Self;
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        jet!(self.0[0] + b.0[0], |k| self.0[k] + b.0[k])
    }
}

impl<V: Num, const P: usize> Sub for Jet<V, P> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        jet!(self.0[0] - b.0[0], |k| self.0[k] - b.0[k])
    }
}

impl<V: Num, const P: usize> Neg for Jet<V, P> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        jet!(-self.0[0], |k| -self.0[k])
    }
}

impl<V: Num, const P: usize> Mul for Jet<V, P> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        jet!(self.0[0] * b.0[0], |k| self.0[0].mul_add(b.0[k], self.0[k] * b.0[0]))
    }
}

impl<V: Num, const P: usize> Num for Jet<V, P> {
    type Mask = V::Mask;
    const HALF_PI: [f64; 3] = V::HALF_PI;
    const LN_2: [f64; 2] = V::LN_2;
    const EXP_MAX: f64 = V::EXP_MAX;
    #[inline(always)]
    fn splat(x: f64) -> Self {
        jet!(V::splat(x), |_k| V::splat(0.0))
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        jet!(self.0[0].mul_add(b.0[0], c.0[0]), |k| self.0[0]
            .mul_add(b.0[k], self.0[k].mul_add(b.0[0], c.0[k])))
    }
    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        jet!(self.0[0].neg_mul_add(b.0[0], c.0[0]), |k| self.0[0]
            .neg_mul_add(b.0[k], self.0[k].neg_mul_add(b.0[0], c.0[k])))
    }
    #[inline(always)]
    fn div(self, b: Self) -> Self {
        let value = self.0[0].div(b.0[0]);
        jet!(value, |k| value.neg_mul_add(b.0[k], self.0[k]).div(b.0[0]))
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        let value = self.0[0].sqrt();
        jet!(value, |k| self.0[k].div(value + value))
    }
    #[inline(always)]
    fn round(self) -> Self {
        jet!(self.0[0].round(), |_k| V::splat(0.0))
    }
    #[inline(always)]
    fn lt(self, b: Self) -> V::Mask {
        self.0[0].lt(b.0[0])
    }
    #[inline(always)]
    fn select(mask: V::Mask, a: Self, b: Self) -> Self {
        jet!(V::select(mask, a.0[0], b.0[0]), |k| V::select(mask, a.0[k], b.0[k]))
    }
    #[inline(always)]
    fn any(mask: V::Mask) -> bool {
        V::any(mask)
    }
    #[inline(always)]
    fn split_exponent(self) -> (Self, Self) {
        let (mantissa, exponent) = self.0[0].split_exponent();
        let scaled = jet!(mantissa, |k| self.0[k].scale_exponent(-exponent));
        (scaled, jet!(exponent, |_k| V::splat(0.0)))
    }
    #[inline(always)]
    fn scale_exponent(self, e: Self) -> Self {
        jet!(self.0[0].scale_exponent(e.0[0]), |k| self.0[k].scale_exponent(e.0[0]))
    }
}

/// The block itself, as a place to read from.
#[inline(always)]
pub fn here(block: usize) -> Neighbour {
    Neighbour { block: block as u32, rotation: 0 }
}

/// Component `c` of the field's values, with the derivatives, each of which lies as far behind the last as there are
/// components.
#[inline(always)]
pub fn load<V: Lanes, const P: usize>(
    field: &FieldReader<'_, V::Scalar>,
    at: Neighbour,
    c: usize,
) -> Jet<V, P> {
    let components = field.reals() / P;
    jet!(field.load_at(at, c), |k| field.load_at(at, c + k * components))
}

/// Writes such a component.
///
/// # Safety
/// As [`FieldWriter::store`].
#[inline(always)]
pub unsafe fn store<V: Lanes, const P: usize>(
    field: &FieldWriter<'_, V::Scalar>,
    block: usize,
    c: usize,
    x: Jet<V, P>,
) {
    let components = field.reals() / P;
    for k in 0..P {
        // SAFETY: the caller's promise.
        unsafe { field.store(block, c + k * components, x.0[k]) }
    }
}

/// The matrix that starts at component `c`.
#[inline(always)]
pub fn load_matrix<V: Lanes, const N: usize, const P: usize>(
    field: &FieldReader<'_, V::Scalar>,
    at: Neighbour,
    c: usize,
) -> Matrix<Jet<V, P>, N> {
    let mut m = Matrix::zero();
    for i in 0..N {
        for j in 0..N {
            let z = c + 2 * (i * N + j);
            m.0[i][j] = Complex::new(load(field, at, z), load(field, at, z + 1));
        }
    }
    m
}

/// Writes a matrix.
///
/// # Safety
/// As [`FieldWriter::store`].
#[inline(always)]
pub unsafe fn store_matrix<V: Lanes, const N: usize, const P: usize>(
    field: &FieldWriter<'_, V::Scalar>,
    block: usize,
    c: usize,
    m: &Matrix<Jet<V, P>, N>,
) {
    for i in 0..N {
        for j in 0..N {
            let z = c + 2 * (i * N + j);
            // SAFETY: the caller's promise.
            unsafe {
                store(field, block, z, m.0[i][j].re);
                store(field, block, z + 1, m.0[i][j].im);
            }
        }
    }
}

/// The coordinates of an algebra element that start at component `c`.
#[inline(always)]
pub fn load_coordinates<V: Lanes, const N: usize, const P: usize>(
    field: &FieldReader<'_, V::Scalar>,
    at: Neighbour,
    c: usize,
) -> [Jet<V, P>; ALGEBRA_MAX] {
    let mut x = [Jet::splat(0.0); ALGEBRA_MAX];
    for a in 0..algebra_dim(N) {
        x[a] = load(field, at, c + a);
    }
    x
}

/// Writes coordinates.
///
/// # Safety
/// As [`FieldWriter::store`].
#[inline(always)]
pub unsafe fn store_coordinates<V: Lanes, const N: usize, const P: usize>(
    field: &FieldWriter<'_, V::Scalar>,
    block: usize,
    c: usize,
    x: &[Jet<V, P>; ALGEBRA_MAX],
) {
    for a in 0..algebra_dim(N) {
        // SAFETY: the caller's promise.
        unsafe { store(field, block, c + a, x[a]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every operation, along a direction, against the rules of calculus.
    #[test]
    fn derivatives_are_those_of_calculus() {
        let (a, b, c) = (Jet([1.7, 0.3]), Jet([-0.6, 1.1]), Jet([0.4, -2.0]));
        let close = |jet: Jet<f64, 2>, value: f64, slope: f64| {
            assert!((jet.0[0] - value).abs() < 1e-15 && (jet.0[1] - slope).abs() < 1e-15, "{:?}", jet.0);
        };
        let product = 1.7 * 1.1 - 0.6 * 0.3;
        close(a + b, 1.1, 1.4);
        close(a - b, 2.3, -0.8);
        close(-a, -1.7, -0.3);
        close(a * b, -1.02, product);
        close(a.mul_add(b, c), -0.62, product - 2.0);
        close(a.neg_mul_add(b, c), 1.42, -2.0 - product);
        close(b.div(a), -0.6 / 1.7, (1.1 * 1.7 + 0.6 * 0.3) / (1.7 * 1.7));
        close(a.sqrt(), 1.7f64.sqrt(), 0.15 / 1.7f64.sqrt());
        close(a.round(), 2.0, 0.0);
        close(Jet::select(a.lt(b), a, c), 0.4, -2.0);
        let (m, e) = Jet([6.0, 0.5]).split_exponent();
        close(m, 1.5, 0.125);
        close(m.scale_exponent(e), 6.0, 0.5);
    }
}
