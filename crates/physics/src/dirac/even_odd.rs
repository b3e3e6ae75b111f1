//! The even-odd (Schur) forms of Wilson's operator, with or without the clover term.
//!
//! With A the site-diagonal part, and on the sites of one parity p (q the other):
//!
//! symmetric  S = 1 − A_pp⁻¹ D_pq A_qq⁻¹ D_qp,  asymmetric  Ŝ = A_pp S,
//!
//! half the unknowns of D and a better condition number. D x = b becomes Ŝ x_p = b_p − D_pq A_qq⁻¹ b_q, then
//! x_q = A_qq⁻¹ (b_q − D_qp x_p); det D = det A_qq det Ŝ. γ5 Ŝ γ5 = Ŝ†, which S has only where A is a number.

use super::chiral;
use super::clover::Clover;
use super::pass::{Combine, Pass};
use super::spinor::SpinorField;
use super::wilson::{Wilson, hop_flops};
use crate::PhysicsError;
use crate::solver::{AT_ONCE, LinearOperator, SolveError, SolveReport};
use gaugelink_lattice::{FieldReader, LatticeError, Real};
use std::fmt;
use std::ops::Range;

/// S or Ŝ on the sites of one parity. The other parity of its results is scratch.
pub struct Schur<'d, T, const N: usize, const H: usize = 2> {
    wilson: &'d Wilson<'d, T, N, H>,
    parity: usize,
    asymmetric: bool,
    /// A⁻¹, where A is no number.
    inverses: Option<FieldReader<'d, T>>,
}

impl<T, const N: usize, const H: usize> fmt::Debug for Schur<'_, T, N, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parity, asymmetric, .. } = self;
        f.debug_struct("Schur")
            .field("parity", parity)
            .field("asymmetric", asymmetric)
            .finish_non_exhaustive()
    }
}

impl<'d, T: Real, const N: usize, const H: usize> Schur<'d, T, N, H> {
    /// S on the odd sites. Collective where the operator has a clover term.
    ///
    /// # Errors
    /// [`PhysicsError::Geometry`] where the lattice has an odd extent, [`PhysicsError::Parameter`] where the clover term
    /// is singular on a site; no memory.
    pub fn odd(wilson: &'d Wilson<'d, T, N, H>) -> Result<Self, PhysicsError> {
        Self::on_parity(wilson, 1)
    }
    /// S on the even sites. Collective where the operator has a clover term.
    ///
    /// # Errors
    /// As [`Schur::odd`].
    pub fn even(wilson: &'d Wilson<'d, T, N, H>) -> Result<Self, PhysicsError> {
        Self::on_parity(wilson, 0)
    }
    fn on_parity(wilson: &'d Wilson<'d, T, N, H>, parity: usize) -> Result<Self, PhysicsError> {
        wilson.check_parities()?;
        let inverses = wilson.clover().map(Clover::inverses).transpose()?;
        Ok(Self { wilson, parity, asymmetric: false, inverses })
    }
    /// Ŝ in place of S: Grid's `SchurDiagMooee`.
    pub fn asymmetric(self) -> Self {
        Self { asymmetric: true, ..self }
    }
    /// 0 on even sites, 1 on odd ones.
    pub fn parity(&self) -> usize {
        self.parity
    }
    /// The full operator.
    pub fn wilson(&self) -> &'d Wilson<'d, T, N, H> {
        self.wilson
    }
    /// A⁻¹, where A is no number.
    pub(super) fn inverses(&self) -> Option<FieldReader<'d, T>> {
        self.inverses
    }
    /// Blocks of the other parity.
    fn other_blocks(&self) -> Range<usize> {
        self.wilson.links().layout().parity_blocks(1 - self.parity)
    }

    /// The right-hand side of the equation for x_p where D x = `b`. Collective.
    pub fn source(&self, out: &mut SpinorField<T, N, H>, b: &SpinorField<T, N, H>) {
        let (d, blocks) = (self.wilson.diagonal(), LinearOperator::blocks(self));
        let Some(inverses) = self.inverses else {
            // D_pq = −½ H_pq.
            let scale = if self.asymmetric { 1.0 } else { 1.0 / d };
            let pass = Pass { out, psi: Some(b), center: Some(b) };
            return self.wilson.run::<false>([pass], Combine::Added(scale, 0.5 * scale / d), blocks);
        };
        Clover::<T, N>::times(inverses, out, Some(b), self.other_blocks());
        self.wilson.run_within::<false>(out, Some(b), Combine::Added(1.0, 0.5), self.parity);
        if !self.asymmetric {
            Clover::<T, N>::times(inverses, out, None, blocks);
        }
    }

    /// Completes x = D⁻¹ b: from x_p and b, x_q. Collective.
    pub fn reconstruct(&self, x: &mut SpinorField<T, N, H>, b: &SpinorField<T, N, H>) {
        let d = self.wilson.diagonal();
        let Some(inverses) = self.inverses else {
            let combine = Combine::Added(1.0 / d, 0.5 / d);
            return self.wilson.run_within::<false>(x, Some(b), combine, 1 - self.parity);
        };
        self.wilson.run_within::<false>(x, Some(b), Combine::Added(1.0, 0.5), 1 - self.parity);
        Clover::<T, N>::times(inverses, x, None, self.other_blocks());
    }

    /// Solves D x = b by a solver of the equation for x_p, S x_p = c, that is given S, x and c. Collective.
    ///
    /// # Errors
    /// The solver's; where its iteration did not converge, x is completed from the last iterate all the same.
    pub fn solve(
        &self,
        x: &mut SpinorField<T, N, H>,
        b: &SpinorField<T, N, H>,
        solver: impl FnOnce(
            &Self,
            &mut SpinorField<T, N, H>,
            &SpinorField<T, N, H>,
        ) -> Result<SolveReport, SolveError>,
    ) -> Result<SolveReport, SolveError> {
        let mut source = self.vector()?;
        self.source(&mut source, b);
        let result = solver(self, x, &source);
        self.reconstruct(x, b);
        result
    }

    /// Solves D x = `b` for each right-hand side, by a solver of the equations for the x_p. Collective.
    ///
    /// # Errors
    /// The solver's; every x is completed from its last iterate all the same.
    pub fn solve_each<R>(
        &self,
        x: &mut [SpinorField<T, N, H>],
        b: &[SpinorField<T, N, H>],
        solver: impl FnOnce(
            &Self,
            &mut [SpinorField<T, N, H>],
            &[SpinorField<T, N, H>],
        ) -> Result<R, LatticeError>,
    ) -> Result<R, LatticeError> {
        let mut sources = b.iter().map(|_| self.vector()).collect::<Result<Vec<_>, _>>()?;
        for (source, b) in sources.iter_mut().zip(b) {
            self.source(source, b);
        }
        let result = solver(self, x, &sources);
        for (x, b) in x.iter_mut().zip(b) {
            self.reconstruct(x, b);
        }
        result
    }

    fn apply_with<const DAGGER: bool>(
        &self,
        pairs: &mut [(&mut SpinorField<T, N, H>, &SpinorField<T, N, H>)],
    ) {
        pairs.chunks_mut(AT_ONCE).for_each(|pairs| self.apply_together::<DAGGER>(pairs));
    }

    fn apply_together<const DAGGER: bool>(
        &self,
        pairs: &mut [(&mut SpinorField<T, N, H>, &SpinorField<T, N, H>)],
    ) {
        let (wilson, d) = (self.wilson, self.wilson.diagonal());
        // A_qq⁻¹ D_qp ψ on the other parity, or the same with the adjoints.
        let there = match self.inverses {
            Some(inverses) => Combine::TimesScaled(inverses, -0.5),
            None => Combine::Scaled(-0.5 / d),
        };
        let before = self.inverses.filter(|_| DAGGER && !self.asymmetric);
        if let Some(inverses) = before {
            // S† has A_pp⁻¹ before the first hop.
            for (out, psi) in pairs.iter_mut() {
                Clover::<T, N>::times(inverses, out, Some(psi), LinearOperator::blocks(self));
            }
        }
        let passes = pairs.iter_mut().map(|(out, psi)| {
            let psi = if before.is_some() { None } else { Some(*psi) };
            Pass { out, psi, center: None }
        });
        wilson.run::<DAGGER>(passes, there, self.other_blocks());
        let back = match self.inverses {
            _ if self.asymmetric => wilson.with_site_part(0.5),
            Some(inverses) if before.is_none() => Combine::TimesAdded(inverses, 0.5),
            Some(_) => Combine::Added(1.0, 0.5),
            None => Combine::Added(1.0, 0.5 / d),
        };
        let passes = pairs.iter_mut().map(|(out, psi)| Pass { out, psi: None, center: Some(psi) });
        wilson.run::<DAGGER>(passes, back, LinearOperator::blocks(self));
    }
}

impl<T: Real, const N: usize, const H: usize> LinearOperator<T> for Schur<'_, T, N, H> {
    type Vector = SpinorField<T, N, H>;

    fn vector(&self) -> Result<SpinorField<T, N, H>, LatticeError> {
        SpinorField::zeroed(self.wilson.links().lattice())
    }
    fn blocks(&self) -> Range<usize> {
        self.wilson.links().layout().parity_blocks(self.parity)
    }
    fn apply(&self, out: &mut SpinorField<T, N, H>, psi: &SpinorField<T, N, H>) {
        self.apply_with::<false>(&mut [(out, psi)]);
    }
    fn apply_dagger(&self, out: &mut SpinorField<T, N, H>, psi: &SpinorField<T, N, H>) {
        self.apply_with::<true>(&mut [(out, psi)]);
    }
    fn apply_each(&self, pairs: &mut [(&mut SpinorField<T, N, H>, &SpinorField<T, N, H>)]) {
        self.apply_with::<false>(pairs);
    }
    fn apply_dagger_each(&self, pairs: &mut [(&mut SpinorField<T, N, H>, &SpinorField<T, N, H>)]) {
        self.apply_with::<true>(pairs);
    }
    fn flops(&self) -> f64 {
        let half = self.wilson.links().lattice().volume() as f64 / 2.0;
        let site = if self.inverses.is_some() { 2 * chiral::flops(N) } else { 0 };
        half * (2 * hop_flops::<H>(N) + 2 * SpinorField::<T, N, H>::REALS + site) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dirac::dense::{columns, dense};
    use crate::dirac::{Boundary, Spinor};
    use crate::naive::rough_field;
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_lattice::{Complex, Lattice, LatticeOptions};

    /// det D = det A_qq det Ŝ = det A det S, and D x = b by either form, with D a dense matrix.
    fn check<const N: usize, const H: usize>(extents: &[usize], coefficients: &[f64]) {
        let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
        let geometry = lattice.geometry();
        let u = rough_field::<N>(&lattice, 0.6);
        let mut b = SpinorField::<f64, N, H>::zeroed(&lattice).unwrap();
        b.set_gaussian(Address::new(5, Purpose::Source));
        let all: Vec<usize> = (0..geometry.volume()).collect();
        let boundary = Boundary::twisted([0.3, 1.0, 0.0, std::f64::consts::PI]);
        for &csw in coefficients {
            let d = Wilson::<f64, N, H>::new(&u, 0.1, boundary).unwrap().with_clover(csw).unwrap();
            let whole = dense(&d, &all, false).unwrap().remove(0);
            let expected = whole.determinant().norm().ln();
            let x = whole.lu().solve(&columns(&b, &all)[0]).unwrap();
            for (parity, asymmetric) in [(0, false), (0, true), (1, false), (1, true)] {
                let what =
                    format!("N = {N}, {extents:?}, c_sw {csw}, parity {parity}, asymmetric {asymmetric}");
                let mut schur = if parity == 0 { Schur::even(&d) } else { Schur::odd(&d) }.unwrap();
                if asymmetric {
                    schur = schur.asymmetric();
                }
                let sites: Vec<usize> = all
                    .iter()
                    .copied()
                    .filter(|&i| geometry.site(i).iter().sum::<usize>() % 2 == parity)
                    .collect();
                let [matrix, adjoint] =
                    [false, true].map(|dagger| dense(&schur, &sites, dagger).unwrap().remove(0));
                assert!((matrix.adjoint() - adjoint).norm() < 1e-12, "{what}: adjoint");

                let rest = d.site_log_det(asymmetric.then_some(1 - parity))[0];
                let log_det = rest + matrix.determinant().norm().ln();
                assert!((log_det - expected).abs() < 1e-10, "{what}: {log_det} instead of {expected}");

                let [mut source, mut solution] = [(); 2].map(|()| d.vector().unwrap());
                schur.source(&mut source, &b);
                let x_p = matrix.lu().solve(&columns(&source, &sites)[0]).unwrap();
                for (numbers, &site) in x_p.as_slice().chunks_exact(2 * H * N).zip(&sites) {
                    let mut psi = Spinor::zero();
                    for (z, number) in psi.components_mut().iter_mut().zip(numbers) {
                        *z = Complex::new(number.re, number.im);
                    }
                    solution.set_spinor(&geometry.site(site), 0, &psi);
                }
                solution.exchange();
                schur.reconstruct(&mut solution, &b);
                let off = (&columns(&solution, &all)[0] - &x).norm() / x.norm();
                assert!(off < 1e-12, "{what}: the solution is off by {off}");
            }
        }
    }

    #[test]
    fn both_forms_are_those_of_the_whole() {
        check::<2, 2>(&[2; 4], &[0.0, 1.3]);
        check::<3, 1>(&[2, 4], &[0.0]);
        check::<1, 1>(&[4, 6], &[0.0]);
    }
}
