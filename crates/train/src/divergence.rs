//! The loss of a training: the reverse Kullback–Leibler divergence, ⟨ln q + S⟩ over configurations drawn from the flow, or by
//! [`crate::Data`] the forward one.
//!
//! V is drawn from the prior r (of links Haar measure, r = 1), U = f(V) has ln q = ln r(V) − ln|det f'(V)|, and the gradient
//! goes through U (Kanwar et al., arXiv:2003.06413), by one or the other [`Estimator`]. The loss less its floor, −ln Z, is the
//! divergence itself.

use crate::group::{Group, PlaceFlow};
use crate::{Estimator, GaugeTarget, Target, TrainError};
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{Links, Pool, Real};
use gaugelink_physics::dirac::Quark;
use serde_json::Value;
use std::sync::{Mutex, MutexGuard};

/// Into how many parts a batch's sum is cut, whatever the number of threads: so its bits do not depend on them.
const PARTS: usize = 16;

/// Losses of configurations drawn from a flow.
pub struct Draws {
    /// ln q + S of each configuration, in order.
    pub losses: Vec<f64>,
}

impl Draws {
    /// The mean loss.
    pub fn mean(&self) -> f64 {
        self.losses.iter().sum::<f64>() / self.losses.len() as f64
    }
    /// Logarithms of the importance weights e^{−S}/q.
    pub fn log_weights(&self) -> Vec<f64> {
        self.losses.iter().map(|loss| -loss).collect()
    }
}

/// What is done with a group: given the number of its first configuration, room for their losses, and where to add a
/// gradient.
type Work<'a, T, A> =
    dyn Fn(&mut Group<T, A>, usize, &mut [f64], &mut [f64]) -> Result<(), TrainError> + Sync + 'a;

/// A divergence and its gradient over batches, data-parallel.
pub struct DivergenceOf<T: Real, A: Target<T>> {
    pool: Pool,
    groups: Vec<Mutex<Group<T, A>>>,
    parts: Vec<Mutex<Part>>,
}

/// What one part of a batch adds up to.
struct Part {
    losses: Vec<f64>,
    gradient: Vec<f64>,
}

/// That of a flow of links.
pub type Divergence<T, const N: usize> = DivergenceOf<T, GaugeTarget<N>>;

impl<T: Real, const N: usize> Divergence<T, N> {
    /// For Wilson's action at `beta` on a lattice of these extents, with up to 16 threads (0: all cores).
    ///
    /// # Errors
    /// Those of `place`; no memory or threads.
    pub fn new(
        extents: &[usize],
        beta: f64,
        threads: usize,
        place: &PlaceFlow<'_, T, Links<N>>,
    ) -> Result<Self, TrainError> {
        Self::towards(|| GaugeTarget::new(beta), extents, threads, place)
    }

    /// With two flavours of these quarks in the action, by their determinant from the whole matrix. In two dimensions.
    ///
    /// # Errors
    /// Lattices that are too large for that or do not serve the quark; no memory.
    pub fn with_quarks(self, quark: Quark) -> Result<Self, TrainError> {
        self.groups.iter().try_for_each(|group| locked(group).add_quarks(quark))?;
        Ok(self)
    }
}

impl<T: Real, A: Target<T>> DivergenceOf<T, A> {
    /// For the weight that `target` makes, on a lattice of these extents, with up to 16 threads (0: all cores).
    ///
    /// # Errors
    /// Those of `place`; no memory or threads.
    pub fn towards(
        target: impl Fn() -> A,
        extents: &[usize],
        threads: usize,
        place: &PlaceFlow<'_, T, A::Variables>,
    ) -> Result<Self, TrainError> {
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, |n| n.get()),
            n => n,
        };
        let pool = Pool::new(threads.min(PARTS))?;
        let group = |_| Group::new(extents, target(), place).map(Mutex::new);
        let groups: Vec<Mutex<Group<T, A>>> = (0..pool.threads()).map(group).collect::<Result<_, _>>()?;
        let parameters = locked(&groups[0]).parameters();
        let part = |_| Mutex::new(Part { losses: Vec::new(), gradient: vec![0.0; parameters] });
        Ok(Self { pool, groups, parts: (0..PARTS).map(part).collect() })
    }

    /// How many parameters the flow takes.
    pub fn parameters(&self) -> usize {
        locked(&self.groups[0]).parameters()
    }

    /// Extents of the lattice.
    pub fn extents(&self) -> Vec<usize> {
        locked(&self.groups[0]).extents()
    }

    /// The coupling that a training may approach step by step, where there is one.
    pub fn beta(&self) -> Option<f64> {
        locked(&self.groups[0]).target().beta()
    }

    /// Replaces that coupling.
    pub fn set_beta(&mut self, beta: f64) {
        self.groups.iter().for_each(|group| locked(group).set_beta(beta));
    }

    /// Which theory it is but for that coupling, by the keys of a checkpoint.
    pub fn in_words(&self) -> Vec<(&'static str, Value)> {
        locked(&self.groups[0]).target().in_words()
    }

    /// Replaces the flow's parameters on all threads.
    ///
    /// # Errors
    /// As [`gaugelink_models::FlowOf::set_parameters`].
    pub fn set_parameters(&mut self, parameters: &[f64]) -> Result<(), TrainError> {
        self.groups.iter().try_for_each(|group| locked(group).set_parameters(parameters))
    }

    /// `count` configurations, a multiple of the lanes; number k is drawn at chain `address.chain` + k.
    ///
    /// # Errors
    /// [`TrainError::Setting`] for another count.
    pub fn draw(&mut self, address: Address, count: usize) -> Result<Draws, TrainError> {
        self.run(count, None, &|group, first, losses, _| group.sample(after(address, first), losses))
    }

    /// The same, and the gradient of their mean loss in `gradient`.
    ///
    /// # Errors
    /// As [`DivergenceOf::draw`]; those of layers without a score, where the estimator needs it.
    pub fn draw_with_gradient(
        &mut self,
        estimator: Estimator,
        address: Address,
        count: usize,
        gradient: &mut [f64],
    ) -> Result<Draws, TrainError> {
        let share = 1.0 / count as f64;
        self.run(count, Some(gradient), &|group, first, losses, gradient| {
            group.sample_with_gradient(estimator, after(address, first), share, losses, gradient)
        })
    }

    /// Numbers of a configuration in a group's lane, as data have them.
    pub(crate) fn rows(&self) -> usize {
        locked(&self.groups[0]).variables.as_slice().len() / T::LANES
    }

    /// The losses of `count` configurations by `work`; the sum of its gradients goes to `gradient`.
    pub(crate) fn run(
        &mut self,
        count: usize,
        gradient: Option<&mut [f64]>,
        work: &Work<'_, T, A>,
    ) -> Result<Draws, TrainError> {
        if count == 0 || !count.is_multiple_of(T::LANES) {
            return Err(TrainError::Setting(format!(
                "{count} configurations do not fill groups of {}: give a multiple of that",
                T::LANES
            )));
        }
        let groups = count / T::LANES;
        let failure = Mutex::new(None);
        self.pool.run(0..PARTS, |thread, parts| {
            let mut group = locked(&self.groups[thread]);
            for part in parts {
                let Part { losses, gradient } = &mut *locked(&self.parts[part]);
                gradient.fill(0.0);
                losses.clear();
                for index in groups * part / PARTS..groups * (part + 1) / PARTS {
                    let old = losses.len();
                    losses.resize(old + T::LANES, 0.0);
                    if let Err(error) = work(&mut group, index * T::LANES, &mut losses[old..], gradient) {
                        *locked(&failure) = Some(error);
                    }
                }
            }
        });
        if let Some(error) = failure.into_inner().unwrap_or_else(|e| e.into_inner()) {
            return Err(error);
        }
        let mut draws = Draws { losses: Vec::with_capacity(count) };
        for part in &self.parts {
            draws.losses.extend_from_slice(&locked(part).losses);
        }
        if let Some(sum) = gradient {
            sum.fill(0.0);
            for part in &self.parts {
                sum.iter_mut().zip(&locked(part).gradient).for_each(|(sum, g)| *sum += g);
            }
        }
        Ok(draws)
    }
}

/// The address of configuration `first`.
pub(crate) fn after(address: Address, first: usize) -> Address {
    address.chain(address.chain + first as u64)
}

fn locked<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}
