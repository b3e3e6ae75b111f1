//! Schur's form A = Q T Q† of a small complex matrix: QR steps with Wilkinson's shift on the Hessenberg form, a rotation at a
//! time (Golub and Van Loan, Matrix Computations, 4th ed. 2013, 7.5).
//!
//! That of nalgebra 0.34 does not converge for many projected matrices of operators whose eigenvalues occur several times.

use nalgebra::{Complex, DMatrix, Hessenberg};

type Matrix = DMatrix<Complex<f64>>;

/// Steps for an eigenvalue; a handful is usual.
const STEPS: usize = 100;

/// Q, unitary, and T, upper triangular; `None` for a matrix that has a number that is none, or where the steps do not
/// converge.
pub(super) fn schur(a: Matrix) -> Option<(Matrix, Matrix)> {
    let size = a.nrows();
    if !a.iter().all(|z| z.re.is_finite() && z.im.is_finite()) {
        return None;
    }
    if size == 1 {
        return Some((DMatrix::identity(1, 1), a));
    }
    let norm = a.norm();
    let (mut q, mut t) = Hessenberg::new(a).unpack();
    let (mut last, mut steps) = (size - 1, 0);
    while last > 0 {
        let first = decoupled(&mut t, last, norm);
        if first == last {
            (last, steps) = (last - 1, 0);
            continue;
        }
        steps += 1;
        if steps > STEPS {
            return None;
        }
        // A shift of another kind now and then, for matrices on which this one goes round in circles.
        let shift =
            if steps % 10 == 0 { t[(last, last)] + t[(last, last - 1)].norm() } else { wilkinson(&t, last) };
        step(&mut t, &mut q, first..last, shift);
    }
    (0..size).for_each(|j| (j + 1..size).for_each(|i| t[(i, j)] = Complex::new(0.0, 0.0)));
    Some((q, t))
}

/// Where the block that ends at `last` begins: behind the last subdiagonal number that is rounding, which becomes 0.
fn decoupled(t: &mut Matrix, last: usize, norm: f64) -> usize {
    for i in (1..=last).rev() {
        let around = t[(i, i)].norm() + t[(i - 1, i - 1)].norm();
        let scale = if around > 0.0 { around } else { norm };
        if t[(i, i - 1)].norm() <= f64::EPSILON * scale {
            t[(i, i - 1)] = Complex::new(0.0, 0.0);
            return i;
        }
    }
    0
}

/// The eigenvalue of the last 2×2 block that is nearer to its last number.
fn wilkinson(t: &Matrix, last: usize) -> Complex<f64> {
    let (a, d) = (t[(last - 1, last - 1)], t[(last, last)]);
    let product = t[(last - 1, last)] * t[(last, last - 1)];
    let half = (a - d) * 0.5;
    let root = (half * half + product).sqrt();
    // d − bc / (half ± root), with the sign that makes the divisor large.
    let divisor = if (half.conj() * root).re >= 0.0 { half + root } else { half - root };
    if divisor.norm() > 0.0 { d - product / divisor } else { d }
}

/// One QR step on a block, T ← G T G† and Q ← Q G† rotation by rotation, from the first one of T − `shift` on.
fn step(t: &mut Matrix, q: &mut Matrix, block: std::ops::Range<usize>, shift: Complex<f64>) {
    let (size, first, last) = (t.nrows(), block.start, block.end);
    let (mut x, mut y) = (t[(first, first)] - shift, t[(first + 1, first)]);
    for k in block {
        let norm = x.norm().hypot(y.norm());
        if norm > 0.0 {
            let (c, s) = (x / norm, y / norm);
            for j in k.saturating_sub(1).max(first)..size {
                let (a, b) = (t[(k, j)], t[(k + 1, j)]);
                t[(k, j)] = c.conj() * a + s.conj() * b;
                t[(k + 1, j)] = c * b - s * a;
            }
            let turn = |m: &mut Matrix, rows: usize| {
                for i in 0..rows {
                    let (a, b) = (m[(i, k)], m[(i, k + 1)]);
                    m[(i, k)] = a * c + b * s;
                    m[(i, k + 1)] = b * c.conj() - a * s.conj();
                }
            };
            turn(t, (k + 3).min(last + 1));
            turn(q, size);
        }
        if k + 2 <= last {
            (x, y) = (t[(k + 1, k)], t[(k + 2, k)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::rng::{Address, Purpose};

    fn random(size: usize, seed: u64) -> Matrix {
        let mut stream = Address::new(seed, Purpose::Source).generator().global();
        DMatrix::from_fn(size, size, |_, _| {
            let (re, im) = stream.gaussian_pair();
            Complex::new(re, im)
        })
    }

    fn check(a: &Matrix, what: &str) {
        let size = a.nrows();
        let (q, t) = schur(a.clone()).unwrap_or_else(|| panic!("{what}: no convergence"));
        let off = (&q * &t * q.adjoint() - a).norm() / a.norm().max(f64::MIN_POSITIVE);
        let unitary = (q.adjoint() * &q - DMatrix::identity(size, size)).norm();
        assert!(off < 1e-13 * size as f64 && unitary < 1e-14 * size as f64, "{what}: {off:e}, {unitary:e}");
    }

    /// Random, with equal eigenvalues, defective, singular, and 0.
    #[test]
    fn the_form_is_that_of_the_matrix() {
        for size in [1, 2, 3, 10, 60] {
            check(&random(size, 1), "random");
            check(&DMatrix::zeros(size, size), "zero");
            let shift =
                DMatrix::from_fn(size, size, |i, j| Complex::new(f64::from(u8::from(i + 1 == j)), 0.0));
            check(&shift, "one Jordan block");
            check(&shift.transpose(), "one Jordan block, below");
            let unitary = random(size, 2).qr().q();
            let levels = DMatrix::from_fn(size, size, |i, j| {
                if i == j {
                    Complex::new(1.0 + (i % 3) as f64, (i % 2) as f64)
                } else {
                    Complex::new(0.0, 0.0)
                }
            });
            check(&(&unitary * levels * unitary.adjoint()), "equal eigenvalues");
        }
        let mut nan = random(3, 3);
        nan[(1, 1)].re = f64::NAN;
        assert!(schur(nan).is_none());
    }

    /// Arnoldi's matrices of a normal operator of eight levels, each many times: other algorithms stall on some.
    #[test]
    fn projections_on_spaces_of_equal_eigenvalues_converge() {
        let (size, steps) = (96, 50);
        for seed in 0..2 {
            let unitary = random(size, seed).qr().q();
            let levels = DMatrix::from_fn(size, size, |i, j| {
                let level = (i % 8) as f64;
                let on = Complex::new(0.1 + (level / 2.0).floor(), if i % 2 == 0 { 0.4 } else { -0.4 }).inv();
                if i == j { on } else { Complex::new(0.0, 0.0) }
            });
            let a = &unitary * levels * unitary.adjoint();
            let mut basis = vec![random(size, seed + 10).column(0).normalize()];
            let mut h = DMatrix::<Complex<f64>>::zeros(steps + 1, steps);
            for m in 0..steps {
                // Errors as those of solves are what makes the space grow beyond the eight levels.
                let mut w =
                    &a * &basis[m] + random(size, 1000 + m as u64).column(0) * Complex::new(1e-11, 0.0);
                for _ in 0..2 {
                    for (i, v) in basis.iter().enumerate() {
                        let part = v.dotc(&w);
                        h[(i, m)] += part;
                        w.axpy(-part, v, Complex::new(1.0, 0.0));
                    }
                }
                h[(m + 1, m)] = Complex::new(w.norm(), 0.0);
                basis.push(w.normalize());
                check(&h.view((0, 0), (m + 1, m + 1)).into_owned(), &format!("seed {seed}, step {m}"));
            }
        }
    }
}
