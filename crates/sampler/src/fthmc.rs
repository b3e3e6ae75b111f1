//! Field-transformation HMC (Lüscher, arXiv:0907.5491; with masked residual layers Grid's JacobianAction).
//!
//! With U = f(V), V has the action S(f(V)) − log|det ∂f/∂V|: HMC on V with this action samples U from exp(−S). The
//! transformation is exact whatever f is; a good one makes the action of V easier than that of U.

use gaugelink_lattice::{GaugeField, Lattice, MomentumField};
use gaugelink_models::{Flow, ModelError};
use gaugelink_physics::action::Action;
use std::sync::{Arc, Mutex, MutexGuard};

/// The action of V, to be given to [`crate::hmc::Hmc`] like any other; measure on [`TransformedAction::links`].
///
/// Kicks and values share one workspace, so calls from several threads wait for each other.
pub struct TransformedAction<A, const N: usize> {
    action: A,
    name: String,
    work: Mutex<Work<N>>,
}

struct Work<const N: usize> {
    flow: Flow<f64, N>,
    links: GaugeField<f64, N>,
    force: MomentumField<f64, N>,
    log_det: Vec<f64>,
    weight: Vec<f64>,
}

impl<A: Action<N>, const N: usize> TransformedAction<A, N> {
    /// The action of V for `action` of U = f(V), on the lattice that the flow was placed on.
    ///
    /// # Errors
    /// No memory.
    pub fn new(lattice: &Arc<Lattice>, action: A, flow: Flow<f64, N>) -> Result<Self, ModelError> {
        let name = format!("{} of transformed links ({} parameters)", action.name(), flow.parameters().len());
        let work = Work {
            flow,
            links: GaugeField::cold(lattice)?,
            force: MomentumField::zeroed(lattice)?,
            log_det: vec![0.0; lattice.chains()],
            weight: vec![0.0; lattice.chains()],
        };
        Ok(Self { action, name, work: Mutex::new(work) })
    }

    /// `u` ← f(V): the links to be measured. Collective.
    pub fn links(&self, v: &GaugeField<f64, N>, u: &mut GaugeField<f64, N>) {
        let work = &mut *self.work();
        u.copy_from(v);
        work.flow.forward(u, &mut work.log_det);
    }

    /// V ← f⁻¹(U): where a chain starts from given links. Collective.
    ///
    /// # Errors
    /// [`ModelError::NotConverged`].
    pub fn latent(&self, u: &mut GaugeField<f64, N>) -> Result<(), ModelError> {
        let work = &mut *self.work();
        work.flow.inverse(u, &mut work.log_det)
    }

    fn work(&self) -> MutexGuard<'_, Work<N>> {
        // Every use begins by overwriting what a panic may have left.
        self.work.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl<A: Action<N>, const N: usize> Action<N> for TransformedAction<A, N> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn value(&self, v: &GaugeField<f64, N>) -> Vec<f64> {
        let Work { flow, links, log_det, .. } = &mut *self.work();
        links.copy_from(v);
        log_det.fill(0.0);
        flow.forward(links, log_det);
        self.action.value(links).into_iter().zip(log_det).map(|(s, l)| s - *l).collect()
    }

    fn kick(&self, v: &GaugeField<f64, N>, p: &mut MomentumField<f64, N>, epsilon: f64) {
        let Work { flow, links, force, log_det, weight } = &mut *self.work();
        links.copy_from(v);
        flow.record(links, log_det);
        // The way back is linear: −ε ∂S at U and +ε for the log det arrive as the kick of V.
        force.as_mut_slice().fill(0.0);
        self.action.kick(links, force, epsilon);
        weight.fill(epsilon);
        flow.backward(links, force, weight, None);
        p.as_mut_slice().iter_mut().zip(force.as_slice()).for_each(|(p, f)| *p += *f);
    }
}
