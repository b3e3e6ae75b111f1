//! Structure constants: the operators of commutators and anticommutators.

use gaugelink_lattice::Num;
use gaugelink_lattice::group::{ALGEBRA_MAX, algebra_dim};

/// A linear map of the algebra, by coordinates: row, column.
pub type Operator<V> = [[V; ALGEBRA_MAX]; ALGEBRA_MAX];

/// √3/2
const HALF_ROOT3: f64 = 0.866_025_403_784_438_6;
/// 1/√3
const INVERSE_ROOT3: f64 = 0.577_350_269_189_625_8;

/// f_abc of [T_a, T_b] = f_abc T_c, once for each set of indices. The first is all of su(2).
const ANTISYMMETRIC: [(usize, usize, usize, f64); 9] = [
    (0, 1, 2, 1.0),
    (0, 3, 6, 0.5),
    (1, 3, 5, 0.5),
    (1, 4, 6, 0.5),
    (2, 3, 4, 0.5),
    (0, 4, 5, -0.5),
    (2, 5, 6, -0.5),
    (3, 4, 7, HALF_ROOT3),
    (5, 6, 7, HALF_ROOT3),
];

/// d_abc of {λ_a, λ_b} = 4/3 δ_ab + 2 d_abc λ_c in su(3), once for each set of indices, those that agree first.
const SYMMETRIC: [(usize, usize, usize, f64); 16] = [
    (0, 0, 7, INVERSE_ROOT3),
    (1, 1, 7, INVERSE_ROOT3),
    (2, 2, 7, INVERSE_ROOT3),
    (7, 7, 7, -INVERSE_ROOT3),
    (3, 3, 7, -0.5 * INVERSE_ROOT3),
    (4, 4, 7, -0.5 * INVERSE_ROOT3),
    (5, 5, 7, -0.5 * INVERSE_ROOT3),
    (6, 6, 7, -0.5 * INVERSE_ROOT3),
    (3, 3, 2, 0.5),
    (4, 4, 2, 0.5),
    (5, 5, 2, -0.5),
    (6, 6, 2, -0.5),
    (0, 3, 5, 0.5),
    (0, 4, 6, 0.5),
    (1, 4, 5, 0.5),
    (1, 3, 6, -0.5),
];

const fn antisymmetric(n: usize) -> usize {
    match n {
        1 => 0,
        2 => 1,
        _ => ANTISYMMETRIC.len(),
    }
}

const fn symmetric(n: usize) -> usize {
    if n == 3 { SYMMETRIC.len() } else { 0 }
}

/// ad: ξ → [A, ξ] for A of coordinates `c`.
#[inline(always)]
pub fn adjoint<V: Num, const N: usize>(c: &[V; ALGEBRA_MAX]) -> Operator<V> {
    let mut ad = [[V::splat(0.0); ALGEBRA_MAX]; ALGEBRA_MAX];
    for &(i, j, k, f) in &ANTISYMMETRIC[..antisymmetric(N)] {
        for (i, j, k) in [(i, j, k), (j, k, i), (k, i, j)] {
            let x = c[i] * V::splat(f);
            ad[k][j] = ad[k][j] + x;
            ad[j][k] = ad[j][k] - x;
        }
    }
    ad
}

/// The derivative of Σ_ij m_ij ad_ji with respect to the coordinates of A, for antisymmetric m given by what is above
/// the diagonal.
#[inline(always)]
pub fn adjoint_transposed<V: Num, const N: usize>(m: &Operator<V>) -> [V; ALGEBRA_MAX] {
    let mut slope = [V::splat(0.0); ALGEBRA_MAX];
    for &(i, j, k, f) in &ANTISYMMETRIC[..antisymmetric(N)] {
        for (i, j, k) in [(i, j, k), (j, k, i), (k, i, j)] {
            let (entry, f) = if j < k { (m[j][k], f) } else { (m[k][j], -f) };
            slope[i] = entry.mul_add(V::splat(2.0 * f), slope[i]);
        }
    }
    slope
}

/// Subtracts the operator ξ → ½{R, ξ} without its trace, R = r₀ + Σ r_c λ_c.
#[inline(always)]
pub fn subtract_anticommutator<V: Num, const N: usize>(b: &mut Operator<V>, r0: V, r: &[V; ALGEBRA_MAX]) {
    for i in 0..algebra_dim(N) {
        b[i][i] = b[i][i] - r0;
    }
    for &(i, j, k, d) in &SYMMETRIC[..symmetric(N)] {
        for (i, j, k) in distinct(i, j, k) {
            b[i][j] = r[k].neg_mul_add(V::splat(d), b[i][j]);
            if i != j {
                b[j][i] = b[i][j];
            }
        }
    }
}

/// Σ_ij m_ij d_ijk for symmetric m.
#[inline(always)]
pub fn anticommutator_transposed<V: Num, const N: usize>(m: &Operator<V>) -> [V; ALGEBRA_MAX] {
    let mut slope = [V::splat(0.0); ALGEBRA_MAX];
    for &(i, j, k, d) in &SYMMETRIC[..symmetric(N)] {
        for (i, j, k) in distinct(i, j, k) {
            let twice = if i == j { 1.0 } else { 2.0 };
            slope[k] = m[i][j].mul_add(V::splat(twice * d), slope[k]);
        }
    }
    slope
}

/// The ways to choose the last of three indices; those that agree are the first two.
#[inline(always)]
fn distinct(i: usize, j: usize, k: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let count = if i == j && j == k {
        1
    } else if i == j {
        2
    } else {
        3
    };
    [(i, j, k), (j, k, i), (k, i, j)].into_iter().take(count)
}

/// m v
#[inline(always)]
pub fn apply<V: Num, const N: usize>(m: &Operator<V>, v: &[V; ALGEBRA_MAX]) -> [V; ALGEBRA_MAX] {
    let mut result = [V::splat(0.0); ALGEBRA_MAX];
    for i in 0..algebra_dim(N) {
        let mut sum = m[i][0] * v[0];
        for k in 1..algebra_dim(N) {
            sum = m[i][k].mul_add(v[k], sum);
        }
        result[i] = sum;
    }
    result
}

/// a b. Row by row of b, so that a row of the result stays in registers.
#[inline(always)]
pub fn product<V: Num, const N: usize>(a: &Operator<V>, b: &Operator<V>) -> Operator<V> {
    let mut result = *a;
    for i in 0..algebra_dim(N) {
        let mut row = [V::splat(0.0); ALGEBRA_MAX];
        for k in 0..algebra_dim(N) {
            for j in 0..algebra_dim(N) {
                row[j] = a[i][k].mul_add(b[k][j], row[j]);
            }
        }
        result[i] = row;
    }
    result
}

/// a bᵀ where that is symmetric: −m² as m mᵀ for antisymmetric m, and powers of it.
#[inline(always)]
pub fn symmetric_product<V: Num, const N: usize>(a: &Operator<V>, b: &Operator<V>) -> Operator<V> {
    let mut result = *a;
    for i in 0..algebra_dim(N) {
        for j in 0..i + 1 {
            let mut sum = a[i][0] * b[j][0];
            for k in 1..algebra_dim(N) {
                sum = a[i][k].mul_add(b[j][k], sum);
            }
            result[i][j] = sum;
            result[j][i] = sum;
        }
    }
    result
}

/// tr(a b) for symmetric matrices.
#[inline(always)]
pub fn trace_of_product<V: Num, const N: usize>(a: &Operator<V>, b: &Operator<V>) -> V {
    let mut sum = V::splat(0.0);
    for i in 0..algebra_dim(N) {
        for j in 0..algebra_dim(N) {
            sum = a[i][j].mul_add(b[i][j], sum);
        }
    }
    sum
}
