//! The learned force: the gradient of Wilson actions of smeared links (Nagai and Tomiya, Phys. Rev. D 111 (2025) 074501).
//!
//! Ŝ(U) = Σ_k c_k S_W(U^(k)), k = 0…K, with Wilson's action S_W = Σ_P (1 − Re tr P / N) at β = 1 and U^(k) = U after k
//! stout steps of coefficients ρ_1…ρ_k. F̂ = ∂Ŝ is conservative and gauge covariant. It stands in for the force of an
//! action that is dearer to differentiate; the accept step keeps the true action, so that HMC stays exact.

use crate::ModelError;
use crate::layers::{Stout, StoutSharing};
use gaugelink_lattice::group::group_name;
use gaugelink_lattice::{GaugeField, Lattice, MomentumField, Real};
use gaugelink_physics::action::{Action, Force, WilsonAction};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The force on a lattice, with its parameters and workspace. T is the precision of its arithmetic.
pub struct LearnedForce<T: Real, const N: usize> {
    couplings: Vec<f64>,
    rho: Vec<f64>,
    work: Mutex<Work<T, N>>,
}

struct Work<T: Real, const N: usize> {
    levels: Levels<T, N>,
    gradient: MomentumField<T, N>,
    /// Links in this precision and a gradient in f64, where that is another one.
    converted: Option<(GaugeField<T, N>, MomentumField<f64, N>)>,
}

impl<T: Real, const N: usize> LearnedForce<T, N> {
    /// Ŝ with couplings c_0…c_K and coefficients ρ_1…ρ_K.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] unless there is one coupling more than coefficients, all are finite, and every |ρ| is
    /// below 1/(d − 1) in d dimensions, which keeps the derivative of the exponential exact (eigenvalues of an exponent
    /// differ by less than 4); no memory.
    pub fn new(lattice: &Arc<Lattice>, couplings: &[f64], rho: &[f64]) -> Result<Self, ModelError> {
        let converted = match T::BITS {
            64 => None,
            _ => Some((GaugeField::cold(lattice)?, MomentumField::zeroed(lattice)?)),
        };
        let levels = Levels::new(lattice, rho.len())?;
        let work = Work { levels, gradient: MomentumField::zeroed(lattice)?, converted };
        let mut force = Self { couplings: Vec::new(), rho: vec![0.0; rho.len()], work: Mutex::new(work) };
        force.set(couplings, rho)?;
        Ok(force)
    }

    /// Replaces the parameters.
    ///
    /// # Errors
    /// As [`LearnedForce::new`], or another number of steps; the old ones stay.
    pub fn set(&mut self, couplings: &[f64], rho: &[f64]) -> Result<(), ModelError> {
        let steps = self.rho.len();
        if (couplings.len(), rho.len()) != (steps + 1, steps) {
            return Err(ModelError::Parameter(format!(
                "{} couplings and {} stout coefficients for a force of {steps} steps: give one coupling more than \
                 steps, and a coefficient for each step",
                couplings.len(),
                rho.len()
            )));
        }
        if couplings.iter().any(|c| !c.is_finite()) {
            return Err(ModelError::Parameter(format!("couplings {couplings:?}: give finite numbers")));
        }
        let dims = self.lock().gradient.lattice().dims();
        let most = 1.0 / (dims - 1) as f64;
        if let Some(rho) = rho.iter().find(|rho| !rho.is_finite() || rho.abs() >= most) {
            return Err(ModelError::Parameter(format!(
                "a stout coefficient {rho}: in {dims} dimensions keep it between {:.3} and {most:.3}",
                -most
            )));
        }
        (self.couplings, self.rho) = (couplings.to_vec(), rho.to_vec());
        Ok(())
    }

    /// c_0…c_K.
    pub fn couplings(&self) -> &[f64] {
        &self.couplings
    }

    /// ρ_1…ρ_K.
    pub fn rho(&self) -> &[f64] {
        &self.rho
    }

    /// Terms `first`, `first` + 1, … as many as there is room for: term k ← ∂ S_W(U^(k)) with respect to U, so that F̂ =
    /// Σ c_k × term k. Collective.
    pub fn terms(&self, u: &GaugeField<T, N>, first: usize, terms: &mut [MomentumField<T, N>]) {
        let levels = &mut self.lock().levels;
        levels.smear(u, &self.rho);
        for (k, term) in (first..).zip(terms) {
            WilsonAction::new(1.0).accumulate(levels.links(u, k), term, 1.0, 0.0);
            for j in (0..k).rev() {
                levels.back(u, j, self.rho[j], term);
            }
        }
    }

    /// `gradient` ← ∂Ŝ.
    fn gradient(&self, u: &GaugeField<T, N>, levels: &mut Levels<T, N>, gradient: &mut MomentumField<T, N>) {
        levels.smear(u, &self.rho);
        let steps = self.rho.len();
        WilsonAction::new(self.couplings[steps]).accumulate(levels.links(u, steps), gradient, 1.0, 0.0);
        for k in (0..steps).rev() {
            levels.back(u, k, self.rho[k], gradient);
            WilsonAction::new(self.couplings[k]).accumulate(levels.links(u, k), gradient, 1.0, 1.0);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Work<T, N>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn words(&self) -> String {
        let (steps, group) = (self.rho.len(), group_name(N));
        format!("learned {group} of {steps} stout steps, c = {:?}, rho = {:?}", self.couplings, self.rho)
    }
}

/// In double precision Ŝ is an action.
impl<const N: usize> Action<N> for LearnedForce<f64, N> {
    fn name(&self) -> String {
        self.words()
    }

    fn value(&self, u: &GaugeField<f64, N>) -> Vec<f64> {
        let levels = &mut self.lock().levels;
        levels.smear(u, &self.rho);
        let mut sums = vec![0.0; u.lattice().chains()];
        for (k, &coupling) in self.couplings.iter().enumerate() {
            let values = WilsonAction::new(coupling).values(levels.links(u, k));
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
        sums
    }

    fn kick(&self, u: &GaugeField<f64, N>, p: &mut MomentumField<f64, N>, epsilon: f64) {
        let Work { levels, gradient, .. } = &mut *self.lock();
        self.gradient(u, levels, gradient);
        p.add(-epsilon, gradient);
    }
}

/// In single precision it only kicks: links are rounded, and the force is added to momenta in double precision.
impl<const N: usize> Force<N> for LearnedForce<f32, N> {
    fn name(&self) -> String {
        format!("{}, in single precision", self.words())
    }

    fn kick(&self, u: &GaugeField<f64, N>, p: &mut MomentumField<f64, N>, epsilon: f64) {
        let Work { levels, gradient, converted } = &mut *self.lock();
        if let Some((links, force)) = converted {
            u.convert_to(links);
            self.gradient(links, levels, gradient);
            gradient.convert_to(force);
            p.add(-epsilon, force);
        }
    }
}

/// U^(1), U^(2), … and the step between them.
struct Levels<T: Real, const N: usize> {
    smeared: Vec<GaugeField<T, N>>,
    stout: Stout<T, N>,
}

impl<T: Real, const N: usize> Levels<T, N> {
    fn new(lattice: &Arc<Lattice>, steps: usize) -> Result<Self, ModelError> {
        let smeared: Result<_, _> = (0..steps).map(|_| GaugeField::cold(lattice)).collect();
        Ok(Self { smeared: smeared?, stout: Stout::new(lattice, StoutSharing::One)? })
    }

    fn smear(&mut self, u: &GaugeField<T, N>, rho: &[f64]) {
        for (k, &rho) in rho.iter().enumerate() {
            let (done, next) = self.smeared.split_at_mut(k);
            self.stout.forward(done.last().unwrap_or(u), &[rho], &mut next[0]);
        }
    }

    /// U^(k), U^(0) being `u`.
    fn links<'a>(&'a self, u: &'a GaugeField<T, N>, k: usize) -> &'a GaugeField<T, N> {
        if k == 0 { u } else { &self.smeared[k - 1] }
    }

    /// Takes a gradient from U^(k+1) back to U^(k).
    fn back(&mut self, u: &GaugeField<T, N>, k: usize, rho: f64, gradient: &mut MomentumField<T, N>) {
        let Self { smeared, stout } = self;
        let links = if k == 0 { u } else { &smeared[k - 1] };
        stout.vjp(links, &[rho], gradient, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::fields::{for_sites, numbers};
    use crate::cases::links::{gauge_transformed, rotation, rough};
    use gaugelink_lattice::comm::run_ranks;
    use gaugelink_lattice::group::{algebra_dim, from_coordinates};
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_lattice::{LaneMeaning, LatticeOptions, Matrix};

    const COUPLINGS: [f64; 3] = [1.4, -0.6, 2.1];
    const RHO: [f64; 2] = [0.11, -0.07];

    fn lattice(extents: &[usize], options: LatticeOptions) -> Arc<Lattice> {
        Lattice::new(extents, options).unwrap()
    }

    fn force<const N: usize>(of: &dyn Force<N>, u: &GaugeField<f64, N>) -> MomentumField<f64, N> {
        let mut force = MomentumField::zeroed(u.lattice()).unwrap();
        of.kick(u, &mut force, -1.0);
        force
    }

    /// d/ds Ŝ(e^{sP} U) along random directions, by differences of fourth order.
    fn gradient<const N: usize>(extents: &[usize]) {
        let lattice = lattice(extents, LatticeOptions::default());
        for steps in 0..3 {
            let learned = LearnedForce::<f64, N>::new(&lattice, &COUPLINGS[..=steps], &RHO[..steps]).unwrap();
            let u = rough::<f64, N>(&lattice, 0);
            let gradient = force(&learned, &u);
            let mut terms: Vec<_> = (0..=steps).map(|_| MomentumField::zeroed(&lattice).unwrap()).collect();
            learned.terms(&u, 0, &mut terms);
            let mut last = [MomentumField::zeroed(&lattice).unwrap()];
            learned.terms(&u, steps, &mut last);
            assert!(last[0].as_slice() == terms[steps].as_slice(), "the last alone");
            let size = gradient.norm2()[0].sqrt();
            let mut rest = force(&learned, &u);
            terms.iter().zip(COUPLINGS).for_each(|(term, coupling)| rest.add(-coupling, term));
            assert!(rest.norm2()[0].sqrt() < 1e-13 * size, "N={N} {extents:?}: F is the sum of its terms");
            for sample in 0..2 {
                let mut direction = MomentumField::<f64, N>::zeroed(&lattice).unwrap();
                direction.refresh(Address::new(3, Purpose::Momenta).sample(sample));
                let value = |s: f64| {
                    let mut moved = u.duplicate().unwrap();
                    moved.drift(&direction, s);
                    learned.value(&moved)[0]
                };
                let h = 1e-3;
                let slope = (8.0 * (value(h) - value(-h)) - (value(2.0 * h) - value(-2.0 * h))) / (12.0 * h);
                let off = (slope - gradient.dot(&direction)[0]).abs() / size;
                assert!(off < 1e-8, "N={N} {extents:?} {steps} steps: off by {off:e}");
            }
        }
    }

    #[test]
    fn force_is_the_gradient_of_its_action() {
        for extents in [&[6, 4][..], &[4, 3, 6], &[4, 2, 4, 4]] {
            gradient::<1>(extents);
            gradient::<2>(extents);
            gradient::<3>(extents);
        }
    }

    #[test]
    fn one_term_is_wilsons_force() {
        let lattice = lattice(&[4, 4, 4, 4], LatticeOptions::default());
        let learned = LearnedForce::<f64, 3>::new(&lattice, &[5.7], &[]).unwrap();
        let u = rough::<f64, 3>(&lattice, 0);
        let mut off = force(&learned, &u);
        let wilson = force(&WilsonAction::new(5.7), &u);
        off.add(-1.0, &wilson);
        assert!(off.norm2()[0] < 1e-28 * wilson.norm2()[0]);
    }

    #[test]
    fn force_turns_with_the_gauge() {
        fn check<const N: usize>(extents: &[usize]) {
            let lattice = lattice(extents, LatticeOptions::default());
            let learned = LearnedForce::<f64, N>::new(&lattice, &COUPLINGS, &RHO).unwrap();
            let u = rough::<f64, N>(&lattice, 0);
            let (before, after) = (force(&learned, &u), force(&learned, &gauge_transformed(&u)));
            let element = |p: &MomentumField<f64, N>, block, mu, lane| -> Matrix<f64, N> {
                let dim = algebra_dim(N);
                let c = |a| if a < dim { p.get(block, mu * dim + a, lane) } else { 0.0 };
                from_coordinates(&std::array::from_fn(c))
            };
            for_sites::<f64>(&lattice, 0, |x, block, lane| {
                let g = rotation::<f64, N>(&lattice, x);
                for mu in 0..extents.len() {
                    let expected = g.mul(&element(&before, block, mu, lane)).mul_adjoint(&g);
                    let off = (element(&after, block, mu, lane) - expected).norm2().sqrt();
                    assert!(off < 1e-12, "N={N} {extents:?} {x:?}: off by {off:e}");
                }
            });
        }
        check::<1>(&[6, 4]);
        check::<2>(&[4, 6, 2]);
        check::<3>(&[4, 4, 2, 4]);
    }

    /// Value and |F̂|² of every chain, the first of which is `first`; the force itself on one rank.
    fn results(options: LatticeOptions, first: u64) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let lattice = lattice(&[4, 4, 4, 8], options);
        let learned = LearnedForce::<f64, 3>::new(&lattice, &COUPLINGS, &RHO).unwrap();
        let u = rough::<f64, 3>(&lattice, first);
        let f = force(&learned, &u);
        let forces = (0..lattice.chains()).map(|chain| numbers(&f, chain)).collect();
        (vec![learned.value(&u), f.norm2()], forces)
    }

    #[test]
    fn bits_do_not_depend_on_threads_ranks_and_batches() {
        let one = LatticeOptions { threads: 1, ..LatticeOptions::default() };
        let reference = results(one.clone(), 0);
        assert!(results(one.clone(), 0) == reference, "asked again");
        assert!(results(LatticeOptions { threads: 2, ..one.clone() }, 0) == reference, "two threads");
        for grid in [[1, 1, 1, 2], [2, 1, 1, 2]] {
            let ranks = run_ranks(grid.iter().product(), |comm| {
                results(LatticeOptions { grid: grid.to_vec(), comm, ..one.clone() }, 0).0
            });
            assert!(ranks.iter().all(|r| *r == reference.0), "ranks {grid:?}");
        }
        let together = results(LatticeOptions { lanes: LaneMeaning::Batch { chains: 2 }, ..one.clone() }, 0);
        for chain in 0..2 {
            let alone = results(one.clone(), chain as u64);
            assert!(together.1[chain] == alone.1[0], "chain {chain} of a batch");
            assert!((0..2).all(|k| together.0[k][chain] == alone.0[k][0]), "chain {chain} of a batch");
        }
    }

    #[test]
    fn single_precision_follows_double() {
        let lattice = lattice(&[4, 4, 4, 8], LatticeOptions::default());
        let u = rough::<f64, 3>(&lattice, 0);
        let double = force(&LearnedForce::<f64, 3>::new(&lattice, &COUPLINGS, &RHO).unwrap(), &u);
        let mut off = force(&LearnedForce::<f32, 3>::new(&lattice, &COUPLINGS, &RHO).unwrap(), &u);
        off.add(-1.0, &double);
        let off = (off.norm2()[0] / double.norm2()[0]).sqrt();
        assert!(off > 0.0 && off < 1e-6, "off by {off:e}");
    }

    #[test]
    fn wrong_parameters_are_refused() {
        let lattice = lattice(&[4, 4], LatticeOptions::default());
        let refused = |couplings: &[f64], rho: &[f64]| {
            LearnedForce::<f64, 2>::new(&lattice, couplings, rho).err().unwrap().to_string()
        };
        assert!(refused(&[1.0], &[0.1]).contains("1 couplings and 1 stout coefficients"));
        assert!(refused(&[1.0, f64::NAN], &[0.1]).contains("finite"));
        assert!(refused(&[1.0, 1.0], &[1.1]).contains("stout coefficient 1.1"));
    }
}
