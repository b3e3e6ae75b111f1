//! Hybrid Monte Carlo through a field transformation (FTHMC; Lüscher, Commun. Math. Phys. 293 (2010) 899, eq. 2.5 and
//! 2.6; Foreman, Izubuchi, Jin, Jin, Osborn, Tomiya, arXiv:2112.01586).
//!
//! With U = f(V) and V drawn from exp(−S(f(V)) + log|det ∂f/∂V|), U has the density exp(−S(U)). [`Transformed`] is that
//! action of V, for [`Hmc`](crate::hmc::Hmc) as it is; ⟨exp(−ΔH)⟩ = 1 and detailed balance hold for any invertible f.

use gaugelink_lattice::{GaugeField, Lattice, LatticeError, MomentumField};
use gaugelink_models::Flow;
use gaugelink_physics::action::Action;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What keeps a transformation from working: the error of a model or of a plugin.
pub type TransformationError = Box<dyn Error + Send + Sync>;

/// An invertible map U = f(V) of links. All methods are collective and work on every chain of a batch; they fail on all
/// ranks or on none. Jacobians refer to the Haar measure, one number a chain.
pub trait Transformation<const N: usize>: Send {
    /// The map and its parameters, in words.
    fn name(&self) -> String;

    /// `u` ← f(V), `log_det` ← log|det ∂f/∂V|.
    ///
    /// # Errors
    /// Whatever keeps it from working; `u` and `log_det` are then of no use.
    fn forward(
        &mut self,
        v: &GaugeField<f64, N>,
        u: &mut GaugeField<f64, N>,
        log_det: &mut [f64],
    ) -> Result<(), TransformationError>;

    /// `v` ← f⁻¹(U), `log_det` ← the log det of f⁻¹.
    ///
    /// # Errors
    /// As [`Transformation::forward`]; an iteration that does not converge.
    fn inverse(
        &mut self,
        u: &GaugeField<f64, N>,
        v: &mut GaugeField<f64, N>,
        log_det: &mut [f64],
    ) -> Result<(), TransformationError>;

    /// `force` ← ∂^a of S(f(V)) − log|det ∂f/∂V| with respect to V. `gradient` is asked once, for ∂^a S at f(V), which
    /// it writes into its second argument. `u` is room to work in.
    ///
    /// # Errors
    /// As [`Transformation::forward`].
    fn pullback(
        &mut self,
        v: &GaugeField<f64, N>,
        u: &mut GaugeField<f64, N>,
        gradient: &mut dyn FnMut(&GaugeField<f64, N>, &mut MomentumField<f64, N>),
        force: &mut MomentumField<f64, N>,
    ) -> Result<(), TransformationError>;
}

impl<const N: usize> Transformation<N> for Flow<f64, N> {
    fn name(&self) -> String {
        format!("flow of {} parameters", self.parameters().len())
    }

    fn forward(
        &mut self,
        v: &GaugeField<f64, N>,
        u: &mut GaugeField<f64, N>,
        log_det: &mut [f64],
    ) -> Result<(), TransformationError> {
        u.copy_from(v);
        log_det.fill(0.0);
        Flow::forward(self, u, log_det);
        Ok(())
    }

    fn inverse(
        &mut self,
        u: &GaugeField<f64, N>,
        v: &mut GaugeField<f64, N>,
        log_det: &mut [f64],
    ) -> Result<(), TransformationError> {
        v.copy_from(u);
        log_det.fill(0.0);
        Ok(Flow::inverse(self, v, log_det)?)
    }

    fn pullback(
        &mut self,
        v: &GaugeField<f64, N>,
        u: &mut GaugeField<f64, N>,
        gradient: &mut dyn FnMut(&GaugeField<f64, N>, &mut MomentumField<f64, N>),
        force: &mut MomentumField<f64, N>,
    ) -> Result<(), TransformationError> {
        let chains = v.lattice().chains();
        u.copy_from(v);
        self.record(u, &mut vec![0.0; chains]);
        gradient(u, force);
        self.backward(u, force, &vec![-1.0; chains], None);
        Ok(())
    }
}

/// The action S(f(V)) − log|det ∂f/∂V| of V.
///
/// A trajectory cannot return an error: once the map has failed, in a kick or a value, values are NaN, so that the
/// trajectory is rejected, until [`Transformed::failure`] has told why. Ask it after every update.
pub struct Transformed<'a, const N: usize> {
    action: &'a dyn Action<N>,
    work: Mutex<Work<'a, N>>,
}

struct Work<'a, const N: usize> {
    map: &'a mut dyn Transformation<N>,
    u: GaugeField<f64, N>,
    force: MomentumField<f64, N>,
    log_det: Vec<f64>,
    failure: Option<TransformationError>,
}

impl<'a, const N: usize> Transformed<'a, N> {
    /// The action `action` through `map`, with a field of links and one of momenta to work in.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn new(
        map: &'a mut dyn Transformation<N>,
        action: &'a dyn Action<N>,
        lattice: &Arc<Lattice>,
    ) -> Result<Self, LatticeError> {
        let (u, force) = (GaugeField::cold(lattice)?, MomentumField::zeroed(lattice)?);
        let log_det = vec![0.0; lattice.chains()];
        Ok(Self { action, work: Mutex::new(Work { map, u, force, log_det, failure: None }) })
    }

    /// `u` ← f(V). Collective.
    ///
    /// # Errors
    /// The map's.
    pub fn forward(
        &self,
        v: &GaugeField<f64, N>,
        u: &mut GaugeField<f64, N>,
    ) -> Result<(), TransformationError> {
        let Work { map, log_det, .. } = &mut *self.work();
        map.forward(v, u, log_det)
    }

    /// `v` ← f⁻¹(U). Collective.
    ///
    /// # Errors
    /// The map's.
    pub fn inverse(
        &self,
        u: &GaugeField<f64, N>,
        v: &mut GaugeField<f64, N>,
    ) -> Result<(), TransformationError> {
        let Work { map, log_det, .. } = &mut *self.work();
        map.inverse(u, v, log_det)
    }

    /// The first error since it was last asked.
    pub fn failure(&self) -> Option<TransformationError> {
        self.work().failure.take()
    }

    fn work(&self) -> MutexGuard<'_, Work<'a, N>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<const N: usize> Action<N> for Transformed<'_, N> {
    fn name(&self) -> String {
        format!("{} through {}", self.action.name(), self.work().map.name())
    }

    fn value(&self, v: &GaugeField<f64, N>) -> Vec<f64> {
        let Work { map, u, log_det, failure, .. } = &mut *self.work();
        if failure.is_some() {
            return vec![f64::NAN; log_det.len()];
        }
        match map.forward(v, u, log_det) {
            Ok(()) => self.action.value(u).iter().zip(log_det).map(|(s, j)| s - *j).collect(),
            Err(error) => {
                *failure = Some(error);
                vec![f64::NAN; log_det.len()]
            }
        }
    }

    fn kick(&self, v: &GaugeField<f64, N>, p: &mut MomentumField<f64, N>, epsilon: f64) {
        let Work { map, u, force, failure, .. } = &mut *self.work();
        if failure.is_some() {
            return;
        }
        let mut gradient = |u: &GaugeField<f64, N>, force: &mut MomentumField<f64, N>| {
            force.set_zero();
            self.action.kick(u, force, -1.0);
        };
        match map.pullback(v, u, &mut gradient, force) {
            Ok(()) => p.add(-epsilon, force),
            Err(error) => *failure = Some(error),
        }
    }
}
