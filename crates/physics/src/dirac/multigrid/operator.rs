//! The coarse operator R D P: a matrix for the site itself and one for each neighbour.
//!
//! D_c = A + Σ_step H_step. Since P keeps the chirality, Γ5 D_c Γ5 = D_c† with Γ5 = ± 1 on the components of either
//! chirality. Its even-odd form on the odd sites is S = 1 − A_oo⁻¹ H_oe A_ee⁻¹ H_eo.

use super::aggregates::Aggregates;
use super::coarse::{CoarseLattice, CoarseVector, STEPS, share};
use super::inverse::inverted;
use super::matrices::{Center, Matrices, Product, Sources};
use crate::PhysicsError;
use crate::dirac::pass::{Combine, Pass};
use crate::dirac::spinor::SpinorField;
use crate::dirac::wilson::Wilson;
use crate::solver::LinearOperator;
use gaugelink_lattice::{Complex, DIM_MAX, GaugeField, LatticeError, Real, Site};
use std::ops::Range;
use std::sync::Arc;

const EVEN: usize = 0;
const ODD: usize = 1;

/// R D P.
#[derive(Debug)]
pub(super) struct CoarseOperator<T> {
    lattice: Arc<CoarseLattice<T>>,
    /// H.
    hops: Matrices<T>,
    /// A and A⁻¹.
    site: Matrices<T>,
    inverse: Matrices<T>,
}

/// Which hops of the fine operator are left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hops {
    /// Those within blocks.
    Inside,
    /// Those from block to block in one direction.
    Across(usize),
}

impl<T: Real> CoarseOperator<T> {
    /// Room for an operator.
    pub fn new(lattice: &Arc<CoarseLattice<T>>) -> Result<Self, LatticeError> {
        Ok(Self {
            hops: Matrices::new(lattice, STEPS)?,
            site: Matrices::new(lattice, 1)?,
            inverse: Matrices::new(lattice, 1)?,
            lattice: lattice.clone(),
        })
    }

    /// R D P for the test vectors at hand: D applied to one of them at a time, hops within and between blocks apart.
    /// Collective.
    ///
    /// # Errors
    /// [`PhysicsError::Parameter`] where the operator is singular on a site; no memory.
    pub fn build<const N: usize>(
        &mut self,
        wilson: &Wilson<'_, T, N>,
        aggregates: &mut Aggregates<T>,
    ) -> Result<(), PhysicsError> {
        let components = self.lattice.components();
        let [mut column, mut image] = [wilson.vector()?, wilson.vector()?];
        let whole = 0..wilson.links().layout().blocks();
        for field in [self.hops.field_mut(), self.site.field_mut()] {
            field.fill(T::default());
        }
        let directions = (0..DIM_MAX).map(Hops::Across);
        for hops in std::iter::once(Hops::Inside).chain(directions) {
            let links = left(wilson.links(), hops, *aggregates.blocks().extents())?;
            let part = Wilson::new(&links, wilson.mass(), *wilson.boundary())?;
            // Which hop is to be seen on which sites: on the last slice ψ comes from the block ahead, on the first from the one
            // behind.
            let blocks = aggregates.blocks();
            let seen = match hops {
                Hops::Inside => vec![(None, aggregates.all_sites().to_vec())],
                Hops::Across(mu) => vec![
                    (Some(mu), blocks.slice(mu, blocks.extents()[mu] - 1)),
                    (Some(DIM_MAX + mu), blocks.slice(mu, 0)),
                ],
            };
            for j in 0..components {
                let chirality = 2 * j / components;
                aggregates.vector(&mut column, j % (components / 2));
                keep_chirality(&mut column, chirality);
                column.exchange();
                let combine = match hops {
                    Hops::Inside => wilson.with_site_part(-0.5),
                    Hops::Across(_) => Combine::Scaled(-0.5),
                };
                let pass = Pass {
                    out: &mut image,
                    psi: Some(&column),
                    center: (hops == Hops::Inside).then_some(&column),
                };
                part.run::<false>([pass], combine, whole.clone());
                for colour in 0..2 {
                    aggregates.gather(colour, &image);
                    for (step, sites) in &seen {
                        aggregates.coefficients_of(&self.lattice, colour, sites, |site, i, z| match step {
                            None => self.site.set(site, 0, i, j, z),
                            Some(step) => self.hops.set(site, *step, i, j, z),
                        });
                    }
                }
            }
        }
        for field in [self.hops.field_mut(), self.site.field_mut()] {
            share(wilson.links().lattice(), field);
        }
        self.invert()
    }

    /// The operator of another mass: R P = 1, so A changes by the difference.
    ///
    /// # Errors
    /// As [`CoarseOperator::build`].
    pub fn add_mass(&mut self, difference: f64) -> Result<(), PhysicsError> {
        for site in 0..self.lattice.sites() {
            for i in 0..self.lattice.components() {
                let z = self.site.entry(site, 0, i, i);
                let re = T::from_f64(z.re.to_f64() + difference);
                self.site.set(site, 0, i, i, Complex::new(re, z.im));
            }
        }
        self.invert()
    }

    fn invert(&mut self) -> Result<(), PhysicsError> {
        let n = self.lattice.components();
        for site in 0..self.lattice.sites() {
            let matrix = (0..n * n).map(|k| {
                let z = self.site.entry(site, 0, k / n, k % n);
                Complex::new(z.re.to_f64(), z.im.to_f64())
            });
            let Some(inverse) = inverted(matrix.collect(), n) else {
                return Err(PhysicsError::Parameter(
                    "the coarse operator is singular on a site: use other blocks, fewer test vectors or another mass".into(),
                ));
            };
            for (k, z) in inverse.into_iter().enumerate() {
                let z = Complex::new(T::from_f64(z.re), T::from_f64(z.im));
                self.inverse.set(site, 0, k / n, k % n, z);
            }
        }
        Ok(())
    }

    /// H or A⁻¹ H, times `scale`.
    fn hop(&self, inverse: bool, scale: f64) -> Product<'_, T> {
        Product {
            matrices: &self.hops,
            sources: Sources::Neighbours,
            then: inverse.then_some(&self.inverse),
            scale,
        }
    }

    /// `out` ← D_c ψ: cycles have no use for it but in its even-odd form.
    #[cfg(test)]
    pub fn apply(&self, out: &mut CoarseVector<T>, psi: &CoarseVector<T>) {
        let all = || 0..self.lattice.sites();
        on_site(&self.site).run(&self.lattice, out, psi, Center::None, all());
        self.hop(false, 1.0).run(&self.lattice, out, psi, Center::Itself, all());
    }

    /// `out` ← the right-hand side for x_o where D_c x = `b` on odd sites, A⁻¹ b on even ones.
    pub fn source(&self, out: &mut CoarseVector<T>, b: &CoarseVector<T>) {
        on_site(&self.inverse).run(&self.lattice, out, b, Center::None, 0..self.lattice.sites());
        self.hop(true, -1.0).run_within(&self.lattice, out, Center::Itself, self.lattice.parity(ODD));
    }

    /// Completes x on the even sites, `source` having A⁻¹ b there.
    pub fn reconstruct(&self, x: &mut CoarseVector<T>, source: &CoarseVector<T>) {
        self.hop(true, -1.0).run_within(&self.lattice, x, Center::Of(source), self.lattice.parity(EVEN));
    }

    /// Operations of source and reconstruction together.
    pub fn ends_flops(&self) -> f64 {
        self.lattice.sites() as f64 * self.hops.flops() * (1 + STEPS + 1) as f64
    }
}

/// One matrix of each site.
fn on_site<T: Real>(matrices: &Matrices<T>) -> Product<'_, T> {
    Product { matrices, sources: Sources::Itself, then: None, scale: 1.0 }
}

/// S on the odd sites; the even ones of its results are scratch.
#[derive(Debug)]
pub(super) struct CoarseSchur<'a, T>(pub &'a CoarseOperator<T>);

impl<T: Real> LinearOperator<T> for CoarseSchur<'_, T> {
    type Vector = CoarseVector<T>;

    fn vector(&self) -> Result<CoarseVector<T>, LatticeError> {
        self.0.lattice.vector()
    }
    fn blocks(&self) -> Range<usize> {
        self.0.lattice.parity(ODD)
    }
    fn apply(&self, out: &mut CoarseVector<T>, psi: &CoarseVector<T>) {
        let lattice = &self.0.lattice;
        self.0.hop(true, 1.0).run(lattice, out, psi, Center::None, lattice.parity(EVEN));
        self.0.hop(true, -1.0).run_within(lattice, out, Center::Of(psi), lattice.parity(ODD));
    }
    /// S† = Γ5 A S A⁻¹ Γ5.
    fn apply_dagger(&self, out: &mut CoarseVector<T>, psi: &CoarseVector<T>) {
        let lattice = &self.0.lattice;
        let (even, odd) = (lattice.parity(EVEN), lattice.parity(ODD));
        out.copy_from(psi);
        apply_gamma5(lattice, out);
        on_site(&self.0.inverse).run_within(lattice, out, Center::None, odd.clone());
        self.0.hop(true, 1.0).run_within(lattice, out, Center::None, even);
        self.0.hop(true, -1.0).run_within(lattice, out, Center::Itself, odd.clone());
        on_site(&self.0.site).run_within(lattice, out, Center::None, odd);
        apply_gamma5(lattice, out);
    }
    fn flops(&self) -> f64 {
        self.0.lattice.sites() as f64 * self.0.hops.flops() * (STEPS + 1) as f64
    }
}

/// ψ ← Γ5 ψ.
pub(super) fn apply_gamma5<T: Real>(lattice: &CoarseLattice<T>, psi: &mut CoarseVector<T>) {
    let components = lattice.components();
    for site in 0..lattice.sites() {
        for i in components / 2..components {
            let z = psi.component(site, i);
            psi.set_component(site, i, -z);
        }
    }
}

/// The links of some hops, the others zero. Collective.
fn left<T: Real, const N: usize>(
    links: &GaugeField<T, N>,
    hops: Hops,
    block: Site,
) -> Result<GaugeField<T, N>, LatticeError> {
    let mut left = links.duplicate()?;
    let (layout, components) = (links.layout(), GaugeField::<T, N>::LINK);
    for at in 0..layout.blocks() {
        for lane in 0..layout.lanes() {
            let site = layout.site(at, lane);
            for mu in 0..DIM_MAX {
                let crosses = (site[mu] + 1).is_multiple_of(block[mu]);
                let stays = match hops {
                    Hops::Inside => !crosses,
                    Hops::Across(nu) => crosses && mu == nu,
                };
                if !stays {
                    (0..components).for_each(|c| left.set(at, mu * components + c, lane, T::default()));
                }
            }
        }
    }
    left.exchange();
    Ok(left)
}

/// Puts the other chirality to zero.
fn keep_chirality<T: Real, const N: usize>(psi: &mut SpinorField<T, N>, chirality: usize) {
    let half = SpinorField::<T, N>::REALS / 2 * T::LANES;
    for site in psi.as_mut_slice().chunks_exact_mut(2 * half) {
        site[(1 - chirality) * half..][..half].fill(T::default());
    }
}
