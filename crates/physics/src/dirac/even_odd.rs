//! The even-odd (Schur) form of Wilson's operator.
//!
//! On the sites of one parity p (q the other): S = 1 − D_pp⁻¹ D_pq D_qq⁻¹ D_qp, for Wilson 1 − κ² H_pq H_qp, half
//! the unknowns and a better condition number. D x = b becomes
//! S x_p = (b_p − D_pq b_q / d) / d, then x_q = (b_q − D_qp x_p) / d, with d = m + 4.

use super::spinor::SpinorField;
use super::wilson::{Combine, Wilson, hop_flops};
use crate::PhysicsError;
use crate::solver::{LinearOperator, SolveError, SolveReport};
use gaugelink_lattice::{LatticeError, Real};
use std::ops::Range;

/// S on the sites of one parity. The other parity of its results is scratch.
#[derive(Debug)]
pub struct Schur<'d, T, const N: usize> {
    wilson: &'d Wilson<'d, T, N>,
    parity: usize,
}

impl<'d, T: Real, const N: usize> Schur<'d, T, N> {
    /// S on the odd sites, as Grid has it.
    ///
    /// # Errors
    /// [`PhysicsError::Geometry`] where the lattice has an odd extent.
    pub fn odd(wilson: &'d Wilson<'d, T, N>) -> Result<Self, PhysicsError> {
        wilson.check_parities()?;
        Ok(Self { wilson, parity: 1 })
    }
    /// S on the even sites.
    ///
    /// # Errors
    /// As [`Schur::odd`].
    pub fn even(wilson: &'d Wilson<'d, T, N>) -> Result<Self, PhysicsError> {
        wilson.check_parities()?;
        Ok(Self { wilson, parity: 0 })
    }
    /// 0 on even sites, 1 on odd ones.
    pub fn parity(&self) -> usize {
        self.parity
    }
    /// The full operator.
    pub fn wilson(&self) -> &'d Wilson<'d, T, N> {
        self.wilson
    }

    /// The right-hand side of S x_p = source for D x = `b`. Collective.
    pub fn source(&self, out: &mut SpinorField<T, N>, b: &SpinorField<T, N>) {
        let d = self.wilson.diagonal();
        let blocks = LinearOperator::blocks(self);
        // −(1/d²) D_pq b_q = (1/(2 d²)) H b.
        self.wilson.run::<false>(out, b, Combine::Added(1.0 / d, b, 0.5 / (d * d)), blocks);
    }

    /// Completes x = D⁻¹ b: from x_p and b, x_q. Collective.
    pub fn reconstruct(&self, x: &mut SpinorField<T, N>, b: &SpinorField<T, N>) {
        let d = self.wilson.diagonal();
        self.wilson.run_within::<false>(x, Combine::Added(1.0 / d, b, 0.5 / d), 1 - self.parity);
    }

    /// Solves D x = b by a solver of S x_p = c that is given S, x and c. Collective.
    ///
    /// # Errors
    /// The solver's; where its iteration did not converge, x is completed from the last iterate all the same.
    pub fn solve(
        &self,
        x: &mut SpinorField<T, N>,
        b: &SpinorField<T, N>,
        solver: impl FnOnce(&Self, &mut SpinorField<T, N>, &SpinorField<T, N>) -> Result<SolveReport, SolveError>,
    ) -> Result<SolveReport, SolveError> {
        let mut source = self.vector()?;
        self.source(&mut source, b);
        let result = solver(self, x, &source);
        self.reconstruct(x, b);
        result
    }

    fn apply_with<const DAGGER: bool>(&self, out: &mut SpinorField<T, N>, psi: &SpinorField<T, N>) {
        let d = self.wilson.diagonal();
        let other = self.wilson.links().layout().parity_blocks(1 - self.parity);
        self.wilson.run::<DAGGER>(out, psi, Combine::Scaled(1.0), other);
        self.wilson.run_within::<DAGGER>(out, Combine::Added(1.0, psi, -0.25 / (d * d)), self.parity);
    }
}

impl<T: Real, const N: usize> LinearOperator<T> for Schur<'_, T, N> {
    type Vector = SpinorField<T, N>;

    fn vector(&self) -> Result<SpinorField<T, N>, LatticeError> {
        SpinorField::zeroed(self.wilson.links().lattice())
    }
    fn blocks(&self) -> Range<usize> {
        self.wilson.links().layout().parity_blocks(self.parity)
    }
    fn apply(&self, out: &mut SpinorField<T, N>, psi: &SpinorField<T, N>) {
        self.apply_with::<false>(out, psi);
    }
    fn apply_dagger(&self, out: &mut SpinorField<T, N>, psi: &SpinorField<T, N>) {
        self.apply_with::<true>(out, psi);
    }
    fn flops(&self) -> f64 {
        let half = self.wilson.links().lattice().volume() as f64 / 2.0;
        half * (2 * hop_flops(N) + 2 * SpinorField::<T, N>::REALS) as f64
    }
}
