//! The layer on one lattice, between the views of a call.

use crate::settings::Fit;
use gaugelink_lattice::foreign::{Borrowed, Recognised, Scratch, fill, retain};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, Real};
use gaugelink_models::precond::{ParallelTransport, TransportWeights, fit};
use gaugelink_physics::dirac::{Boundary, Described, SpinorField, Wilson};
use gaugelink_physics::solver::LinearOperator;
use gaugelink_plugin_sdk::{Cost, Error, Result, Sink, View, ViewMut};
use std::io::Write;
use std::ops::Deref;
use std::sync::Arc;

/// The functions of `glk.precond/1`; `copied` counts bytes.
pub trait Prepared {
    /// Prepares for links and an operator; `reset` forgets weights that were fitted.
    fn setup(
        &mut self,
        u: &View,
        target: Described,
        boundary: Boundary,
        reset: bool,
        copied: &mut u64,
    ) -> Result<()>;
    fn apply(&mut self, r: &View, z: &mut ViewMut, dagger: bool, copied: &mut u64) -> Result<()>;
    fn cost(&self) -> Result<Cost>;
    fn self_test(&mut self, report: &mut Sink) -> Result<()>;
}

/// Links of the host, used where they stand, or a copy of them.
enum Links<T: Real, const N: usize> {
    Lent(Borrowed<'static, GaugeField<T, N>>),
    Own(GaugeField<T, N>),
}

impl<T: Real, const N: usize> Deref for Links<T, N> {
    type Target = GaugeField<T, N>;
    fn deref(&self) -> &GaugeField<T, N> {
        match self {
            Self::Lent(links) => links,
            Self::Own(links) => links,
        }
    }
}

/// The operator and its links. Fields are dropped in order: the operator, which refers to the links, first.
struct Operator<T: Real, const N: usize> {
    wilson: Wilson<'static, T, N>,
    links: Arc<Links<T, N>>,
}

impl<T: Real, const N: usize> Operator<T, N> {
    fn new(links: Links<T, N>, target: Described, boundary: Boundary) -> Result<Self> {
        let links = Arc::new(links);
        // SAFETY: the links stand in the Arc's memory, which this struct keeps longer than the operator.
        let place: &'static GaugeField<T, N> = unsafe { &*Arc::as_ptr(&links) };
        let wilson = target.operator(place, boundary).map_err(gaugelink_models::ModelError::from)?;
        Ok(Self { wilson, links })
    }
    /// The operator shall not outlive a borrow of this struct.
    fn wilson(&self) -> &Wilson<'_, T, N> {
        &self.wilson
    }
}

/// The layer with its workspaces.
pub struct OnLattice<T: Real, const N: usize> {
    lattice: Arc<Lattice>,
    operator: Option<Operator<T, N>>,
    /// Those of D⁻¹.
    weights: Option<TransportWeights>,
    fit: Option<Fit>,
    scale: f64,
    r: Scratch<SpinorField<T, N>>,
    z: Scratch<SpinorField<T, N>>,
}

impl<T: Real, const N: usize> OnLattice<T, N> {
    pub fn new(lattice: &Arc<Lattice>, weights: Option<TransportWeights>, fit: Option<Fit>) -> Self {
        let (r, z) = (Scratch::new(lattice), Scratch::new(lattice));
        Self { lattice: lattice.clone(), operator: None, weights, fit, scale: 1.0, r, z }
    }
    /// The host's links, or a copy in the memory of the last one.
    fn links(&mut self, u: &View, copied: &mut u64) -> Result<Links<T, N>> {
        let last = self.operator.take().and_then(|Operator { wilson, links }| {
            drop(wilson);
            Arc::into_inner(links)
        });
        // SAFETY: plugin.h keeps U valid and unchanged until the next set-up, which replaces it, or the end.
        if let Some(lent) = unsafe { retain(u, &self.lattice) } {
            return Ok(Links::Lent(lent));
        }
        let mut own = match last {
            Some(Links::Own(own)) => own,
            _ => GaugeField::cold(&self.lattice)?,
        };
        fill(u, &mut own, &mut Recognised::default(), copied)?;
        Ok(Links::Own(own))
    }
    fn wilson(&self) -> Result<&Wilson<'_, T, N>> {
        self.operator.as_ref().map(Operator::wilson).ok_or_else(not_set_up)
    }
}

fn not_set_up() -> Error {
    Error::precondition("the preconditioner is not set up: call setup for the links and the operator first")
}

impl<T: Real, const N: usize> Prepared for OnLattice<T, N> {
    fn setup(
        &mut self,
        u: &View,
        target: Described,
        boundary: Boundary,
        reset: bool,
        copied: &mut u64,
    ) -> Result<()> {
        if target.csw != 0.0 && self.fit.is_none() {
            return Err(Error::unsupported(format!(
                "dirac: csw_r is {}; the given weights are Wilson's: with fit = true the clover term is served",
                target.csw
            )));
        }
        let links = self.links(u, copied)?;
        let operator = Operator::new(links, target, boundary)?;
        if let Some(Fit { vectors, seed }) = self.fit
            && (reset || self.weights.is_none())
        {
            let address = Address::new(seed, Purpose::Source);
            self.weights = Some(fit(operator.wilson(), vectors, address)?.weights);
        }
        self.scale = target.scale;
        self.operator = Some(operator);
        Ok(())
    }
    fn apply(&mut self, r: &View, z: &mut ViewMut, dagger: bool, copied: &mut u64) -> Result<()> {
        let Self { operator, weights, scale, r: from, z: to, .. } = self;
        let (Some(operator), Some(w)) = (operator, weights) else { return Err(not_set_up()) };
        let s = *scale;
        let weights = TransportWeights { site: s * w.site, hop: s * w.hop, spin_hop: s * w.spin_hop };
        let layer = ParallelTransport::new(operator.wilson(), weights);
        let mut read = 0;
        to.writing(z, copied, |z| {
            from.reading(r, &mut read, |r| {
                if dagger {
                    layer.apply_dagger(z, r)
                } else {
                    LinearOperator::apply(&layer, z, r)
                }
                Ok(())
            })
        })?;
        *copied += read;
        Ok(())
    }
    fn cost(&self) -> Result<Cost> {
        let wilson = self.wilson()?;
        let layer = ParallelTransport::new(wilson, self.weights.ok_or_else(not_set_up)?);
        let flops = LinearOperator::flops(&layer);
        // Each link and each spinor once: caches hold the neighbours.
        let numbers = self.lattice.dims() * GaugeField::<T, N>::LINK + 2 * SpinorField::<T, N>::REALS;
        let bytes = (numbers * size_of::<T>() * self.lattice.volume()) as f64;
        Ok(Cost { flops, bytes, dirac_equivalents: flops / LinearOperator::flops(wilson) })
    }
    fn self_test(&mut self, report: &mut Sink) -> Result<()> {
        let wilson = self.wilson()?;
        let weights = self.weights.ok_or_else(not_set_up)?;
        let layer = ParallelTransport::new(wilson, weights);
        let [mut v, mut u, mut w] = [wilson.vector()?, wilson.vector()?, wilson.vector()?];
        v.set_gaussian(Address::new(2, Purpose::Source));
        wilson.apply(&mut u, &v);
        LinearOperator::apply(&layer, &mut w, &u);
        let inner = |a: &SpinorField<T, N>, b: &SpinorField<T, N>| a.inner_product(b)[0];
        // ‖w − v‖² by its three terms, which are all of order 1.
        let (vv, vw, ww) = (inner(&v, &v).re, inner(&v, &w), inner(&w, &w).re);
        let distance = ((ww - 2.0 * vw.re + vv) / vv).max(0.0).sqrt();
        layer.apply_dagger(&mut w, &v);
        let adjoint = (inner(&w, &u) - vw).norm2().sqrt() / vv;
        let text = format!(
            "weights {} {} {}\n|M D v - v| / |v| = {distance:.4} (0 for an exact inverse, 1 for none)\n\
             <M'v, Dv> - <v, M Dv> = {adjoint:.1e} of <v, v>\n",
            weights.site, weights.hop, weights.spin_hop
        );
        report.write_all(text.as_bytes()).map_err(|error| Error::io(format!("the report: {error}")))?;
        if adjoint < if T::BITS == 64 { 1e-12 } else { 1e-4 } {
            return Ok(());
        }
        Err(Error::internal(format!(
            "M' is not the adjoint of M: off by {adjoint:.1e}; check that the links are unitary"
        )))
    }
}
