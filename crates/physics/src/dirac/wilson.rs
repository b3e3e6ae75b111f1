//! Wilson's Dirac operator on fields, with or without the clover term.
//!
//! D = A − ½ H with H of [`super::hop`] and A = m + d in d dimensions, or in four that with the clover term of
//! [`super::clover`]; kappa = 1/(2(m + d)). D† = γ5 D γ5. Links are borrowed, so an operator can never be older than its
//! configuration.

use super::both_hops::BothHops;
use super::boundary::{Boundary, BoundaryTable};
use super::chiral;
use super::clover::Clover;
use super::pass::{Combine, Limits, Pass};
use super::spinor::SpinorField;
use super::two_rows::two_rows;
use crate::PhysicsError;
use crate::solver::{AT_ONCE, LinearOperator};
use gaugelink_lattice::{Field, GaugeField, LatticeError, Real};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Floating-point operations of H at one site for SU(3), as all codes count them.
pub const HOP_FLOPS_SU3: usize = hop_flops::<2>(3);

/// Floating-point operations of H at one site in 2H dimensions; in four: 8 projections, 16 products of link and colour
/// vector, 7 additions of spinors.
pub const fn hop_flops<const H: usize>(n: usize) -> usize {
    let steps = 4 * H;
    steps * 2 * H * n + steps * H * (8 * n * n - 2 * n) + (steps - 1) * 4 * H * n
}

/// Wilson's operator for one configuration, in 2H dimensions.
#[derive(Debug)]
pub struct Wilson<'u, T, const N: usize, const H: usize = 2> {
    links: &'u GaugeField<T, N>,
    mass: f64,
    /// Two rows of each link, where these are read in place of the whole.
    two_rows: Option<Field<T>>,
    clover: Option<Clover<T, N>>,
    boundary: Boundary,
    table: BoundaryTable<T>,
    /// Whether the next pass goes through the blocks backwards.
    returns: AtomicBool,
    pub(super) limits: Limits,
}

impl<'u, T: Real, const N: usize, const H: usize> Wilson<'u, T, N, H> {
    /// The operator of mass `mass` on `links`.
    ///
    /// # Errors
    /// [`PhysicsError::Geometry`] on a lattice that has not 2H dimensions.
    pub fn new(links: &'u GaugeField<T, N>, mass: f64, boundary: Boundary) -> Result<Self, PhysicsError> {
        let dims = links.lattice().dims();
        if dims != 2 * H {
            return Err(PhysicsError::Geometry(format!(
                "Wilson fermions of {0} spin components need a lattice of {0} dimensions, this one has {dims}",
                2 * H
            )));
        }
        let table = BoundaryTable::new(links.layout(), &boundary);
        Ok(Self {
            links,
            mass,
            two_rows: None,
            clover: None,
            boundary,
            table,
            returns: AtomicBool::new(false),
            limits: Limits::default(),
        })
    }

    /// The same operator, reading two rows of each link of SU(3) and computing the third: faster where memory is the
    /// limit, other bits. Keeps a copy of the links of two thirds their size. Collective.
    ///
    /// # Errors
    /// [`PhysicsError::Parameter`] where the links are not of SU(3), or off the group by more than rounding; no memory.
    pub fn with_two_rows(self) -> Result<Self, PhysicsError> {
        Ok(Self { two_rows: Some(two_rows(self.links)?), ..self })
    }

    /// The same operator with the clover term of coefficient c_sw (1 at tree level). Keeps the term's matrices, in memory
    /// as large as the links for SU(3). Collective.
    ///
    /// # Errors
    /// [`PhysicsError::Parameter`] where c_sw is no number, [`PhysicsError::Geometry`] where it is not 0 and the lattice has
    /// not four dimensions; no memory.
    pub fn with_clover(self, csw: f64) -> Result<Self, PhysicsError> {
        if !csw.is_finite() {
            return Err(PhysicsError::Parameter(format!("c_sw is {csw}: give a number (1 at tree level)")));
        }
        if csw != 0.0 && H != 2 {
            return Err(PhysicsError::Geometry(format!(
                "the clover term needs a lattice of 4 dimensions, this one has {}: set c_sw to 0",
                2 * H
            )));
        }
        let clover = (csw != 0.0).then(|| Clover::new(self.links, self.diagonal(), csw)).transpose()?;
        Ok(Self { clover, ..self })
    }

    /// The operator with hopping parameter kappa = 1/(2(m + d)).
    ///
    /// # Errors
    /// As [`Wilson::new`].
    pub fn with_kappa(
        links: &'u GaugeField<T, N>,
        kappa: f64,
        boundary: Boundary,
    ) -> Result<Self, PhysicsError> {
        Self::new(links, 0.5 / kappa - (2 * H) as f64, boundary)
    }

    /// The same operator, with as many rows of each link and the clover term rounded, on `links`, which are these in
    /// another precision. Collective.
    ///
    /// # Errors
    /// As [`Wilson::new`] and [`Wilson::with_two_rows`].
    pub fn on<'v, S: Real>(&self, links: &'v GaugeField<S, N>) -> Result<Wilson<'v, S, N, H>, PhysicsError> {
        let mut other = Wilson::new(links, self.mass, self.boundary)?;
        other.clover = self.clover.as_ref().map(Clover::converted).transpose()?;
        if self.two_rows.is_some() { other.with_two_rows() } else { Ok(other) }
    }

    /// Mass m.
    pub fn mass(&self) -> f64 {
        self.mass
    }
    /// kappa = 1/(2(m + d)).
    pub fn kappa(&self) -> f64 {
        0.5 / self.diagonal()
    }
    /// The site-diagonal part without the clover term, m + d.
    pub fn diagonal(&self) -> f64 {
        self.mass + (2 * H) as f64
    }
    /// Coefficient of the clover term, 0 where there is none.
    pub fn csw(&self) -> f64 {
        self.clover.as_ref().map_or(0.0, |clover| clover.csw)
    }
    /// The clover term.
    pub(super) fn clover(&self) -> Option<&Clover<T, N>> {
        self.clover.as_ref()
    }
    /// Σ ln |det A(x)| over all sites or those of one parity (0 even, 1 odd), for each chain: with the even-odd form on
    /// the other parity, ln |det D| = this + ln |det Ŝ|. Collective.
    pub fn site_log_det(&self, parity: Option<usize>) -> Vec<f64> {
        let lattice = self.links.lattice();
        if let Some(clover) = &self.clover {
            let [log_det, _] = clover.log_det(self.blocks(parity));
            return log_det;
        }
        vec![self.site_rows(parity) * self.diagonal().abs().ln(); lattice.chains()]
    }
    /// The sign of Π det A(x) over all sites or those of one parity, for each chain. Collective.
    pub fn site_sign(&self, parity: Option<usize>) -> Vec<f64> {
        let negative = match &self.clover {
            Some(clover) => {
                let [_, negative] = clover.log_det(self.blocks(parity));
                negative
            }
            None if self.diagonal() < 0.0 => vec![self.site_rows(parity); self.links.lattice().chains()],
            None => vec![0.0; self.links.lattice().chains()],
        };
        negative.into_iter().map(|count| if count % 2.0 == 0.0 { 1.0 } else { -1.0 }).collect()
    }
    /// Rows of A on all sites or on those of one parity.
    fn site_rows(&self, parity: Option<usize>) -> f64 {
        let sites = self.links.lattice().volume() / if parity.is_some() { 2 } else { 1 };
        (sites * 2 * H * N) as f64
    }
    /// Phases at the edges.
    pub fn boundary(&self) -> &Boundary {
        &self.boundary
    }
    /// Where hops cross an edge that has a phase.
    pub(super) fn table(&self) -> &BoundaryTable<T> {
        &self.table
    }
    /// The configuration.
    pub fn links(&self) -> &'u GaugeField<T, N> {
        self.links
    }
    /// Two rows of each link, where these are read in place of the whole.
    pub(super) fn kept_rows(&self) -> Option<&Field<T>> {
        self.two_rows.as_ref()
    }
    /// Whether this pass goes through the blocks backwards. There and back: a pass starts with the links that the one before
    /// left in cache.
    pub(super) fn turns(&self) -> bool {
        self.returns.fetch_xor(true, Ordering::Relaxed)
    }
    /// Own blocks, or those of one parity (0 even, 1 odd).
    pub(super) fn blocks(&self, parity: Option<usize>) -> Range<usize> {
        let layout = self.links.layout();
        parity.map_or(0..layout.blocks(), |p| layout.parity_blocks(p))
    }

    /// `out` ← D ψ. Collective; ghosts of ψ are up to date before and those of `out` after.
    pub fn apply(&self, out: &mut SpinorField<T, N, H>, psi: &SpinorField<T, N, H>) {
        self.apply_with::<false>(&mut [(out, psi)]);
    }
    /// `out` ← D† ψ. Collective.
    pub fn apply_dagger(&self, out: &mut SpinorField<T, N, H>, psi: &SpinorField<T, N, H>) {
        self.apply_with::<true>(&mut [(out, psi)]);
    }
    fn apply_with<const DAGGER: bool>(
        &self,
        pairs: &mut [(&mut SpinorField<T, N, H>, &SpinorField<T, N, H>)],
    ) {
        for pairs in pairs.chunks_mut(AT_ONCE) {
            let passes = pairs.iter_mut().map(|(out, psi)| Pass { out, psi: Some(psi), center: Some(psi) });
            self.run::<DAGGER>(passes, self.with_site_part(-0.5), self.blocks(None));
        }
    }
    /// `out` ← A ψ, what D has of the site itself. Collective.
    pub fn apply_site_part(&self, out: &mut SpinorField<T, N, H>, psi: &SpinorField<T, N, H>) {
        match &self.clover {
            Some(clover) => Clover::<T, N>::times(clover.matrices(), out, Some(psi), self.blocks(None)),
            None => scaled(out, psi, self.diagonal()),
        }
    }
    /// `out` ← A⁻¹ ψ. Collective.
    ///
    /// # Errors
    /// [`PhysicsError::Parameter`] where the clover term is singular on a site; no memory.
    pub fn apply_site_inverse(
        &self,
        out: &mut SpinorField<T, N, H>,
        psi: &SpinorField<T, N, H>,
    ) -> Result<(), PhysicsError> {
        match &self.clover {
            Some(clover) => Clover::<T, N>::times(clover.inverses()?, out, Some(psi), self.blocks(None)),
            None => scaled(out, psi, 1.0 / self.diagonal()),
        }
        Ok(())
    }
    /// A φ + b Hψ.
    pub(super) fn with_site_part(&self, b: f64) -> Combine<'_, T> {
        match &self.clover {
            Some(clover) => Combine::AddedTimes(clover.matrices(), b),
            None => Combine::Added(self.diagonal(), b),
        }
    }
    /// `out` ← D ψ − A ψ = −½ H ψ. Collective.
    pub fn hop(&self, out: &mut SpinorField<T, N, H>, psi: &SpinorField<T, N, H>) {
        self.run::<false>(
            [Pass { out, psi: Some(psi), center: None }],
            Combine::Scaled(-0.5),
            self.blocks(None),
        );
    }
    /// `out` ← −½ H† ψ. Collective.
    pub fn hop_dagger(&self, out: &mut SpinorField<T, N, H>, psi: &SpinorField<T, N, H>) {
        self.run::<true>(
            [Pass { out, psi: Some(psi), center: None }],
            Combine::Scaled(-0.5),
            self.blocks(None),
        );
    }
    /// `out` ← a ψ + b Hψ + c H†ψ with `coefficients` = (a, b, c), which has nothing of the mass. Collective.
    pub fn both_hops(
        &self,
        out: &mut SpinorField<T, N, H>,
        psi: &SpinorField<T, N, H>,
        coefficients: [f64; 3],
    ) {
        let blocks = self.blocks(None);
        let kernel: BothHops<'_, T, N, H> = BothHops {
            links: self.links.reader(),
            table: &self.table,
            psi: psi.reader(),
            out: out.writer(),
            coefficients,
            walk: self.links.layout().walk(),
            returns: self.turns(),
            streams: self.streams(1),
        };
        self.links.lattice().launch(&kernel, blocks);
        out.exchange();
    }
    /// The sites of parity `to` (0 even, 1 odd) of `out` ← −½ H ψ, from the other parity of ψ: D_eo for `to` = 0, D_oe
    /// for 1. The other parity of `out` stays. Collective.
    ///
    /// # Errors
    /// [`PhysicsError::Geometry`] where the lattice has an odd extent.
    pub fn hop_parity(
        &self,
        to: usize,
        out: &mut SpinorField<T, N, H>,
        psi: &SpinorField<T, N, H>,
    ) -> Result<(), PhysicsError> {
        self.check_parities()?;
        let pass = Pass { out, psi: Some(psi), center: None };
        self.run::<false>([pass], Combine::Scaled(-0.5), self.blocks(Some(to)));
        Ok(())
    }

    /// Whether the sites can be coloured like a chessboard.
    pub(crate) fn check_parities(&self) -> Result<(), PhysicsError> {
        let geometry = self.links.layout().geometry();
        if geometry.is_bipartite() {
            return Ok(());
        }
        Err(PhysicsError::Geometry(format!(
            "even and odd sites need even extents, these are {:?}: use the full operator here",
            &geometry.extents()[..geometry.dims()]
        )))
    }
}

/// `out` ← a ψ, ghosts included.
fn scaled<T: Real, const N: usize, const H: usize>(
    out: &mut SpinorField<T, N, H>,
    psi: &SpinorField<T, N, H>,
    a: f64,
) {
    let a = T::from_f64(a);
    out.as_mut_slice().iter_mut().zip(psi.as_slice()).for_each(|(out, psi)| *out = a * *psi);
}

impl<T: Real, const N: usize, const H: usize> LinearOperator<T> for Wilson<'_, T, N, H> {
    type Vector = SpinorField<T, N, H>;

    fn vector(&self) -> Result<SpinorField<T, N, H>, LatticeError> {
        SpinorField::zeroed(self.links.lattice())
    }
    fn blocks(&self) -> Range<usize> {
        0..self.links.layout().blocks()
    }
    fn apply(&self, out: &mut SpinorField<T, N, H>, psi: &SpinorField<T, N, H>) {
        Wilson::apply(self, out, psi);
    }
    fn apply_dagger(&self, out: &mut SpinorField<T, N, H>, psi: &SpinorField<T, N, H>) {
        Wilson::apply_dagger(self, out, psi);
    }
    fn apply_each(&self, pairs: &mut [(&mut SpinorField<T, N, H>, &SpinorField<T, N, H>)]) {
        self.apply_with::<false>(pairs);
    }
    fn apply_dagger_each(&self, pairs: &mut [(&mut SpinorField<T, N, H>, &SpinorField<T, N, H>)]) {
        self.apply_with::<true>(pairs);
    }
    fn flops(&self) -> f64 {
        // The sum of both parts is a product and a sum for each real number.
        let site = if self.clover.is_some() { chiral::flops(N) } else { 0 };
        (hop_flops::<H>(N) + 2 * SpinorField::<T, N, H>::REALS + site) as f64
            * self.links.lattice().volume() as f64
    }
}
