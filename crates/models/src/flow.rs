//! A flow: layers one after the other, with their parameters and an exact backward pass.

use crate::{Layer, ModelError, Undo};
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{Links, Real, Variables};
use std::convert::Infallible;
use std::ops::Range;

/// A map U = f(V) made of layers placed on a lattice, and the parameters of them all as one flat vector.
///
/// With V drawn from the prior r of the variables, U has the density q(U) = r(V)/|det ∂f/∂V|. Of links the prior is the product
/// Haar measure, to which densities refer, and r = 1. All methods are collective and work on every chain of a batch; numbers come one a chain.
///
/// Methods that end in `_with` call `between(done, all)` between two layers, with the layers that are done and all that
/// the call takes (a pullback takes each twice). An error of it ends the call; fields and numbers are then of no use.
pub struct FlowOf<T: Real, M: Variables> {
    layers: Vec<Box<dyn Layer<T, M>>>,
    /// Where each layer's parameters lie.
    places: Vec<Range<usize>>,
    parameters: Vec<f64>,
    undo: Undo<T>,
}

/// A flow of links.
pub type Flow<T, const N: usize> = FlowOf<T, Links<N>>;

impl<T: Real, M: Variables> FlowOf<T, M> {
    /// The flow through `layers`, the first of which acts on V; `parameters` holds theirs one after the other.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] where the parameters are not as many as the layers take, or out of a layer's range.
    pub fn new(layers: Vec<Box<dyn Layer<T, M>>>, parameters: Vec<f64>) -> Result<Self, ModelError> {
        let mut places: Vec<Range<usize>> = Vec::with_capacity(layers.len());
        for layer in &layers {
            let start = places.last().map_or(0, |p| p.end);
            places.push(start..start + layer.parameters());
        }
        let mut flow = Self { layers, places, parameters: Vec::new(), undo: Undo::new() };
        flow.set_parameters(parameters)?;
        Ok(flow)
    }

    /// The parameters of all layers.
    pub fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    /// Replaces the parameters.
    ///
    /// # Errors
    /// As [`FlowOf::new`]; the old ones stay.
    pub fn set_parameters(&mut self, parameters: Vec<f64>) -> Result<(), ModelError> {
        let wanted = self.places.last().map_or(0, |p| p.end);
        if parameters.len() != wanted {
            return Err(ModelError::Parameter(format!(
                "{} parameters for {} layers that take {wanted}: give exactly as many",
                parameters.len(),
                self.layers.len()
            )));
        }
        for (layer, place) in self.layers.iter().zip(&self.places) {
            layer.check(&parameters[place.clone()])?;
        }
        self.parameters = parameters;
        Ok(())
    }

    /// V ← f(V); adds log|det ∂f/∂V| to `log_det`.
    pub fn forward(&mut self, u: &mut M::Field<T>, log_det: &mut [f64]) {
        let Ok(()) = self.forward_with(u, log_det, on);
    }

    /// As [`FlowOf::forward`].
    ///
    /// # Errors
    /// Those of `between`.
    pub fn forward_with<E>(
        &mut self,
        u: &mut M::Field<T>,
        log_det: &mut [f64],
        mut between: impl FnMut(usize, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let all = self.layers.len();
        self.through(u, log_det, false, |done| between(done, all))
    }

    /// All layers, forwards; `keep` puts what each overwrites onto `undo`.
    fn through<E>(
        &mut self,
        u: &mut M::Field<T>,
        log_det: &mut [f64],
        keep: bool,
        mut between: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<(), E> {
        if keep {
            self.undo.clear();
        }
        for (done, (layer, place)) in self.layers.iter_mut().zip(&self.places).enumerate() {
            if done > 0 {
                between(done)?;
            }
            layer.forward(u, &self.parameters[place.clone()], log_det, keep.then_some(&mut self.undo));
        }
        Ok(())
    }

    /// U ← f⁻¹(U); adds the log det of f⁻¹, which for links is log q(U).
    ///
    /// # Errors
    /// [`ModelError::NotConverged`] where a layer's inverse is iterated for; `u` is then of no use.
    pub fn inverse(&mut self, u: &mut M::Field<T>, log_det: &mut [f64]) -> Result<(), ModelError> {
        self.inverse_with(u, log_det, |_, _| Ok(()))
    }

    /// As [`FlowOf::inverse`].
    ///
    /// # Errors
    /// As there, and those of `between`.
    pub fn inverse_with<E: From<ModelError>>(
        &mut self,
        u: &mut M::Field<T>,
        log_det: &mut [f64],
        mut between: impl FnMut(usize, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let all = self.layers.len();
        for (done, (layer, place)) in self.layers.iter_mut().zip(&self.places).rev().enumerate() {
            if done > 0 {
                between(done, all)?;
            }
            layer.inverse(u, &self.parameters[place.clone()], log_det)?;
        }
        Ok(())
    }

    /// Draws V from the prior by `address`, chain c of a batch at chain `address.chain` + c, and takes it to
    /// `u` = f(V); writes log q(U).
    pub fn sample(&mut self, address: Address, u: &mut M::Field<T>, log_q: &mut [f64]) {
        let Ok(()) = self.sample_with(address, u, log_q, on);
    }

    /// As [`FlowOf::sample`].
    ///
    /// # Errors
    /// Those of `between`.
    pub fn sample_with<E>(
        &mut self,
        address: Address,
        u: &mut M::Field<T>,
        log_q: &mut [f64],
        between: impl FnMut(usize, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        self.draw(address, u, log_q);
        log_q.iter_mut().for_each(|q| *q = -*q);
        self.forward_with(u, log_q, between)?;
        log_q.iter_mut().for_each(|q| *q = -*q);
        Ok(())
    }

    /// Draws V from the prior by `address` and writes ln r(V): what [`FlowOf::sample`] begins with.
    pub fn draw(&self, address: Address, v: &mut M::Field<T>, log_r: &mut [f64]) {
        M::draw::<T>(v, address);
        log_r.fill(0.0);
        M::add_log_prior::<T>(v, log_r);
    }

    /// log q(U). Takes `u` back to V = f⁻¹(U) on the way and leaves it there.
    ///
    /// # Errors
    /// As [`FlowOf::inverse`].
    pub fn log_density(&mut self, u: &mut M::Field<T>, log_q: &mut [f64]) -> Result<(), ModelError> {
        log_q.fill(0.0);
        self.inverse(u, log_q)?;
        M::add_log_prior::<T>(u, log_q);
        Ok(())
    }

    /// [`FlowOf::forward`] that keeps what each layer overwrites, for one [`FlowOf::backward`].
    pub fn record(&mut self, u: &mut M::Field<T>, log_det: &mut [f64]) {
        let Ok(()) = self.through(u, log_det, true, |_| on(0, 0));
    }

    /// [`FlowOf::record`] with the score: on return `score` holds ∂^a ln q at U = f(V), V having the prior.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] where a layer has none; `u` is then of no use.
    pub fn record_with_score(
        &mut self,
        u: &mut M::Field<T>,
        log_det: &mut [f64],
        score: &mut M::Momenta<T>,
    ) -> Result<(), ModelError> {
        self.undo.clear();
        M::prior_score::<T>(u, score);
        for (layer, place) in self.layers.iter_mut().zip(&self.places) {
            let parameters = &self.parameters[place.clone()];
            layer.forward_with_score(u, parameters, log_det, score, Some(&mut self.undo))?;
        }
        Ok(())
    }

    /// Reverse mode after [`FlowOf::record`]. On entry `u` is U = f(V), `cotangent` holds ∂^a L at U and `weight`
    /// ∂L/∂(log det); on return `u` is V again, bit for bit, `cotangent` holds the total ∂^a of L with respect to V,
    /// and ∂L/∂parameters, summed over chains and ranks, has been added to `gradient`, if given.
    pub fn backward(
        &mut self,
        u: &mut M::Field<T>,
        cotangent: &mut M::Momenta<T>,
        weight: &[f64],
        gradient: Option<&mut [f64]>,
    ) {
        let Ok(()) = self.back(u, cotangent, weight, gradient, |_| on(0, 0));
    }

    /// As [`FlowOf::backward`]; `before` each layer, with how many are done.
    fn back<E>(
        &mut self,
        u: &mut M::Field<T>,
        cotangent: &mut M::Momenta<T>,
        weight: &[f64],
        mut gradient: Option<&mut [f64]>,
        mut before: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<(), E> {
        for (done, (layer, place)) in self.layers.iter_mut().zip(&self.places).rev().enumerate() {
            before(done)?;
            layer.restore(u, &mut self.undo);
            let mine = gradient.as_deref_mut().map(|g| &mut g[place.clone()]);
            layer.vjp(u, &self.parameters[place.clone()], cotangent, weight, mine);
        }
        Ok(())
    }

    /// The force of S(f(V)) − log|det ∂f/∂V| on V: on entry `force` holds ∂^a S at f(V), on return that of the sum at
    /// V. `v` is taken to f(V) and back, bit for bit.
    pub fn pullback(&mut self, v: &mut M::Field<T>, force: &mut M::Momenta<T>) {
        let Ok(()) = self.pullback_with(v, force, on);
    }

    /// As [`FlowOf::pullback`].
    ///
    /// # Errors
    /// Those of `between`.
    pub fn pullback_with<E>(
        &mut self,
        v: &mut M::Field<T>,
        force: &mut M::Momenta<T>,
        mut between: impl FnMut(usize, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let (chains, layers) = (v.lattice().chains(), self.layers.len());
        self.through(v, &mut vec![0.0; chains], true, |done| between(done, 2 * layers))?;
        self.back(v, force, &vec![-1.0; chains], None, |done| between(layers + done, 2 * layers))
    }
}

/// Nobody asks to stop.
fn on(_done: usize, _all: usize) -> Result<(), Infallible> {
    Ok(())
}
