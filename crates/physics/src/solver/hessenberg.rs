//! The small least-squares problem of GMRES: min ‖β e₁ − H y‖ for a Hessenberg matrix that grows by columns.
//!
//! A Givens rotation per column makes H triangular as it grows; |the last entry of the rotated right-hand side| is the
//! residual's norm (Saad and Schultz 1986, SIAM J. Sci. Stat. Comput. 7, 856).

use gaugelink_lattice::Complex;

/// One chain's problem.
#[derive(Clone, Debug)]
pub(super) struct Hessenberg {
    columns_max: usize,
    /// Columns so far.
    size: usize,
    /// Column after column, each of `columns_max + 1` entries: triangular but for the newest.
    entries: Vec<Complex<f64>>,
    /// Cosine (complex) and sine (real) of each rotation.
    rotations: Vec<(Complex<f64>, f64)>,
    /// The rotated right-hand side; after [`Hessenberg::solve`] the solution.
    rhs: Vec<Complex<f64>>,
}

impl Hessenberg {
    /// Room for `columns` columns.
    pub fn new(columns: usize) -> Self {
        let zero = Complex::new(0.0, 0.0);
        Self {
            columns_max: columns,
            size: 0,
            entries: vec![zero; columns * (columns + 1)],
            rotations: vec![(zero, 0.0); columns],
            rhs: vec![zero; columns + 1],
        }
    }

    /// Begins anew with right-hand side β e₁.
    pub fn start(&mut self, beta: f64) {
        self.size = 0;
        self.rhs[0] = Complex::new(beta, 0.0);
    }

    /// Columns so far.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Sets the entry in `row` of the next column, rows 0 to `size`.
    pub fn set(&mut self, row: usize, value: Complex<f64>) {
        self.entries[self.size * (self.columns_max + 1) + row] = value;
    }

    /// Closes the next column with the real entry below its diagonal. `false`: the column depends on those before, and
    /// is left out.
    pub fn push(&mut self, below: f64) -> bool {
        let j = self.size;
        let column = &mut self.entries[j * (self.columns_max + 1)..][..j + 1];
        for (i, &(c, s)) in self.rotations[..j].iter().enumerate() {
            let (upper, lower) = (column[i], column[i + 1]);
            column[i] = c.conj_mul_add(upper, lower.scale(s));
            column[i + 1] = c.mul_add(lower, upper.scale(-s));
        }
        let length = column[j].norm2().sqrt().hypot(below);
        if length == 0.0 {
            return false;
        }
        let (c, s) = (column[j].scale(1.0 / length), below / length);
        column[j] = Complex::new(length, 0.0);
        self.rotations[j] = (c, s);
        let g = self.rhs[j];
        self.rhs[j] = c.conj_mul(g);
        self.rhs[j + 1] = g.scale(-s);
        self.size += 1;
        true
    }

    /// ‖β e₁ − H y‖² at its minimum.
    pub fn residual2(&self) -> f64 {
        self.rhs[self.size].norm2()
    }

    /// Finds the minimising y. The problem is over with it: only [`Hessenberg::solution`] and [`Hessenberg::start`] may
    /// follow.
    pub fn solve(&mut self) {
        for j in (0..self.size).rev() {
            let column = &self.entries[j * (self.columns_max + 1)..][..j + 1];
            let y = self.rhs[j].scale(1.0 / column[j].re);
            self.rhs[j] = y;
            for (i, &entry) in column[..j].iter().enumerate() {
                self.rhs[i] = (-entry).mul_add(y, self.rhs[i]);
            }
        }
    }

    /// y, after [`Hessenberg::solve`].
    pub fn solution(&self) -> &[Complex<f64>] {
        &self.rhs[..self.size]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(k: usize) -> Complex<f64> {
        let x = k as f64;
        Complex::new((1.3 * x + 0.4).sin(), (2.1 * x * x + 0.7).cos())
    }

    #[test]
    fn the_solution_makes_the_residual_orthogonal_to_all_columns() {
        let (m, beta) = (6, 2.5);
        let mut problem = Hessenberg::new(m);
        problem.start(beta);
        let mut h = vec![vec![Complex::new(0.0, 0.0); m]; m + 1];
        for j in 0..m {
            for i in 0..=j {
                h[i][j] = number(m * i + j);
                problem.set(i, h[i][j]);
            }
            h[j + 1][j] = Complex::new(0.5 + 0.1 * j as f64, 0.0);
            assert!(problem.push(h[j + 1][j].re));
        }
        let estimate = problem.residual2();
        problem.solve();
        let y = problem.solution();
        let residual: Vec<Complex<f64>> = (0..=m)
            .map(|i| {
                let start = Complex::new(if i == 0 { beta } else { 0.0 }, 0.0);
                (0..m).fold(start, |r, j| (-h[i][j]).mul_add(y[j], r))
            })
            .collect();
        let norm2: f64 = residual.iter().map(|r| r.norm2()).sum();
        assert!((norm2 - estimate).abs() < 1e-14, "{norm2} {estimate}");
        for j in 0..m {
            let start = Complex::new(0.0, 0.0);
            let along = (0..=m).fold(start, |sum, i| h[i][j].conj_mul_add(residual[i], sum));
            assert!(along.norm2() < 1e-26, "column {j}: {along:?}");
        }
    }

    #[test]
    fn a_column_of_zeros_is_left_out() {
        let mut problem = Hessenberg::new(2);
        problem.start(1.0);
        problem.set(0, Complex::new(0.0, 0.0));
        assert!(!problem.push(0.0));
        assert_eq!((problem.size(), problem.residual2()), (0, 1.0));
    }
}
