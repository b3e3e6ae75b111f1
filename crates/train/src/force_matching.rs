//! Force matching: the parameters of a [`LearnedForce`] for which it comes closest to the force of an action.
//!
//! The loss is Σ |F̂ − F|² / Σ |F|² over links of sample configurations (the loss of Nagai and Tomiya, Phys. Rev. D 111
//! (2025) 074501, without its pseudofermions). F̂ = Σ c_k F_k is linear in the couplings c, so for given stout
//! coefficients ρ they solve the normal equations. What is left is a least-squares problem in ρ: steps by Levenberg
//! (Q. Appl. Math. 2 (1944) 164) and Marquardt (J. SIAM 11 (1963) 431) in (c, ρ), after each of which c is solved for
//! again. One pass over the configurations gives every inner product that a step needs.

use crate::TrainError;
use gaugelink_lattice::group::algebra_dim;
use gaugelink_lattice::{GaugeField, MomentumField};
use gaugelink_models::LearnedForce;
use gaugelink_physics::action::Force;
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

/// The most stout steps of a fit: its memory and its inner products grow with the square and the fourth power of them.
pub const STEPS_MAX: usize = 16;

/// Settings of a fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForceMatching {
    /// Stout steps K of the learned force, at most [`STEPS_MAX`]; 0 is a scaled Wilson force.
    pub steps: usize,
    /// ρ of every step at the start, not 0.
    pub rho: f64,
    /// Most steps in ρ.
    pub iterations: usize,
    /// Ends where a step makes the loss smaller by less than this part of it.
    pub tolerance: f64,
}

impl Default for ForceMatching {
    fn default() -> Self {
        Self { steps: 1, rho: 0.05, iterations: 50, tolerance: 1e-6 }
    }
}

/// The parameters found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForceFit {
    /// c_0…c_K.
    pub couplings: Vec<f64>,
    /// ρ_1…ρ_K.
    pub rho: Vec<f64>,
    /// The loss at the start and after each step: the square of the relative error on the configurations of the fit.
    pub losses: Vec<f64>,
}

/// How far an estimated force is from the true one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ForceError {
    /// |F̂ − F| / |F|, norms over all links and configurations.
    pub relative: f64,
    /// Root mean square of F̂^a − F^a: of one degree of freedom.
    pub each: f64,
}

/// Fits the learned force to `truth` on `configurations`, all of one lattice; every chain of a batch counts. `progress`
/// is told the number of a step and the loss after it. Collective.
///
/// # Errors
/// [`TrainError::Setting`] for no configurations, too many steps, forces that vanish, or terms of F̂ that are not
/// independent; those of [`LearnedForce::new`].
pub fn fit<const N: usize>(
    configurations: &[GaugeField<f64, N>],
    truth: &dyn Force<N>,
    settings: &ForceMatching,
    mut progress: impl FnMut(usize, f64),
) -> Result<ForceFit, TrainError> {
    if settings.steps > STEPS_MAX {
        return Err(TrainError::Setting(format!(
            "a force of {} stout steps: {STEPS_MAX} are the most",
            settings.steps
        )));
    }
    let mut matching = Matching::new(configurations, truth, settings.steps)?;
    let mut best = matching.at(&vec![settings.rho; settings.steps])?;
    let mut losses = vec![best.loss];
    progress(0, best.loss);
    let mut damping = 1e-3;
    for iteration in 1..=settings.iterations {
        let Some(next) = matching.step(&best, &mut damping) else { break };
        let gain = (best.loss - next.loss) / best.loss;
        best = next;
        losses.push(best.loss);
        progress(iteration, best.loss);
        if gain < settings.tolerance {
            break;
        }
    }
    Ok(ForceFit { couplings: best.couplings.as_slice().to_vec(), rho: best.rho, losses })
}

/// The error of `estimate` on `configurations`, which should not be those of the fit. Collective.
///
/// # Errors
/// [`TrainError::Setting`] for no configurations or forces that vanish; no memory.
pub fn force_error<const N: usize>(
    estimate: &dyn Force<N>,
    truth: &dyn Force<N>,
    configurations: &[GaugeField<f64, N>],
) -> Result<ForceError, TrainError> {
    let (mut size, mut off, mut count) = (0.0, 0.0, 0);
    for u in configurations {
        let lattice = u.lattice();
        let mut force = MomentumField::zeroed(lattice)?;
        truth.kick(u, &mut force, -1.0);
        size += total(force.norm2());
        estimate.kick(u, &mut force, 1.0);
        off += total(force.norm2());
        count += lattice.chains() * lattice.volume() * lattice.dims() * algebra_dim(N);
    }
    not_zero(size)?;
    Ok(ForceError { relative: (off / size).sqrt(), each: (off / count as f64).sqrt() })
}

fn total(chains: Vec<f64>) -> f64 {
    chains.into_iter().sum()
}

fn not_zero(size: f64) -> Result<f64, TrainError> {
    if size > 0.0 && size.is_finite() {
        return Ok(size);
    }
    Err(TrainError::Setting(format!(
        "the true force has the squared norm {size} on the configurations given: give one or more that are not cold"
    )))
}

/// Half the distance between the two forces whose difference is the derivative by ρ: rounding and the third derivative
/// leave it right to about 1e-8.
const STEP: f64 = 1e-5;
/// What part of a term's squared norm must be left after projection on the terms before it.
const INDEPENDENT: f64 = 1e-12;
/// Where the damping is given up: no step as small as that makes the loss smaller.
const MOST_DAMPING: f64 = 1e8;

/// A fit's data and workspace.
struct Matching<'a, const N: usize> {
    configurations: &'a [GaugeField<f64, N>],
    truths: Vec<MomentumField<f64, N>>,
    learned: LearnedForce<f64, N>,
    steps: usize,
    /// F_0…F_K, then ∂F_k/∂ρ_j in the order of [`Matching::derivatives`].
    fields: Vec<MomentumField<f64, N>>,
    /// F_0…F_K a little further on.
    moved: Vec<MomentumField<f64, N>>,
}

/// The fit for some ρ.
struct Point {
    rho: Vec<f64>,
    couplings: DVector<f64>,
    loss: f64,
    /// Inner products of all fields, the true force last.
    products: DMatrix<f64>,
}

impl<'a, const N: usize> Matching<'a, N> {
    fn new(
        configurations: &'a [GaugeField<f64, N>],
        truth: &dyn Force<N>,
        steps: usize,
    ) -> Result<Self, TrainError> {
        let Some(first) = configurations.first() else {
            return Err(TrainError::Setting("no configurations to fit a force to: give one or more".into()));
        };
        let lattice = first.lattice();
        let zeroed = |count: usize| -> Result<Vec<_>, TrainError> {
            (0..count).map(|_| Ok(MomentumField::zeroed(lattice)?)).collect()
        };
        let mut truths = zeroed(configurations.len())?;
        truths.iter_mut().zip(configurations).for_each(|(force, u)| truth.kick(u, force, -1.0));
        Ok(Self {
            configurations,
            truths,
            learned: LearnedForce::new(lattice, &vec![1.0; steps + 1], &vec![0.0; steps])?,
            steps,
            fields: zeroed(steps + 1 + steps * (steps + 1) / 2)?,
            moved: zeroed(steps + 1)?,
        })
    }

    /// The (k, j) for which F_k depends on ρ_j, j = 0 being the first step; F_k has been through k steps.
    fn derivatives(&self) -> impl Iterator<Item = (usize, usize)> + use<N> {
        let steps = self.steps;
        (0..steps).flat_map(move |j| (j + 1..=steps).map(move |k| (k, j)))
    }

    /// Every inner product at ρ, in one pass.
    fn products(&mut self, rho: &[f64]) -> Result<DMatrix<f64>, TrainError> {
        let couplings = vec![1.0; self.steps + 1];
        let derivatives: Vec<_> = self.derivatives().collect();
        let count = self.fields.len();
        let mut products = DMatrix::zeros(count + 1, count + 1);
        for (u, truth) in self.configurations.iter().zip(&self.truths) {
            let (terms, slopes) = self.fields.split_at_mut(self.steps + 1);
            self.learned.set(&couplings, rho)?;
            self.learned.terms(u, 0, terms);
            slopes.iter_mut().for_each(MomentumField::set_zero);
            for j in 0..self.steps {
                for side in [1.0, -1.0] {
                    let mut there = rho.to_vec();
                    there[j] += side * STEP;
                    self.learned.set(&couplings, &there)?;
                    // Those before know nothing of this coefficient.
                    self.learned.terms(u, j + 1, &mut self.moved[j + 1..]);
                    let mine = slopes.iter_mut().zip(&derivatives).filter(|(_, (_, by))| *by == j);
                    mine.for_each(|(slope, (k, _))| slope.add(0.5 * side / STEP, &self.moved[*k]));
                }
            }
            let all: Vec<_> = self.fields.iter().chain([truth]).collect();
            for a in 0..=count {
                for b in 0..=a {
                    products[(a, b)] += total(all[a].dot(all[b]));
                }
            }
        }
        products.fill_upper_triangle_with_lower_triangle();
        Ok(products)
    }

    /// The best couplings and their loss at ρ.
    fn at(&mut self, rho: &[f64]) -> Result<Point, TrainError> {
        let products = self.products(rho)?;
        let (terms, last) = (self.steps + 1, products.nrows() - 1);
        let size = not_zero(products[(last, last)])?;
        let gram = products.view((0, 0), (terms, terms)).into_owned();
        let against = products.view((0, last), (terms, 1)).column(0).into_owned();
        let independent =
            |l: &DMatrix<f64>| (0..terms).all(|k| l[(k, k)].powi(2) > INDEPENDENT * gram[(k, k)]);
        let cholesky = gram.clone().cholesky().filter(|cholesky| independent(cholesky.l_dirty()));
        let Some(cholesky) = cholesky else {
            return Err(TrainError::Setting(format!(
                "the {terms} terms of the learned force are not independent at rho = {rho:?}: start from other \
                 coefficients, not 0, or take fewer steps"
            )));
        };
        let couplings = cholesky.solve(&against);
        let loss = (size - 2.0 * couplings.dot(&against) + couplings.dot(&(&gram * &couplings))) / size;
        Ok(Point { rho: rho.to_vec(), couplings, loss: loss.max(0.0), products })
    }

    /// What a change of each c_k, then of each ρ_j, does to F̂, as combinations of the fields.
    fn directions(&self, point: &Point) -> DMatrix<f64> {
        let (terms, fields) = (self.steps + 1, self.fields.len());
        let mut directions = DMatrix::zeros(fields + 1, terms + self.steps);
        (0..terms).for_each(|k| directions[(k, k)] = 1.0);
        for (at, (k, j)) in self.derivatives().enumerate() {
            directions[(terms + at, terms + j)] = point.couplings[k];
        }
        directions
    }

    /// Inner products of the directions with each other, and with F − F̂.
    fn normal_equations(&self, point: &Point) -> (DMatrix<f64>, DVector<f64>) {
        let directions = self.directions(point);
        let mut rest = DVector::zeros(self.fields.len() + 1);
        rest[self.fields.len()] = 1.0;
        point.couplings.iter().enumerate().for_each(|(k, c)| rest[k] = -c);
        let transposed = directions.transpose() * &point.products;
        (&transposed * &directions, transposed * rest)
    }

    /// A point with a smaller loss, unless none is found.
    fn step(&mut self, from: &Point, damping: &mut f64) -> Option<Point> {
        let (normal, slope) = self.normal_equations(from);
        while self.steps > 0 && *damping < MOST_DAMPING {
            let mut damped = normal.clone();
            (0..damped.nrows()).for_each(|i| damped[(i, i)] *= 1.0 + *damping);
            if let Some(cholesky) = damped.cholesky() {
                let change = cholesky.solve(&slope);
                let rho: Vec<f64> =
                    from.rho.iter().enumerate().map(|(j, rho)| rho + change[self.steps + 1 + j]).collect();
                // Coefficients out of reach, or terms that are no longer independent: a smaller step.
                if let Ok(point) = self.at(&rho)
                    && point.loss < from.loss
                {
                    *damping *= 0.1;
                    return Some(point);
                }
            }
            *damping *= 10.0;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_lattice::{Lattice, LatticeOptions};
    use gaugelink_physics::action::{IWASAKI, ImprovedAction};

    /// By the envelope theorem the loss with solved-for couplings falls with ρ_j as twice the slope of the normal
    /// equations; along the couplings there is none.
    #[test]
    fn normal_equations_hold_the_slope_of_the_loss() {
        let lattice = Lattice::new(&[4, 4, 4], LatticeOptions::default()).unwrap();
        let u = [5, 6].map(|seed| {
            GaugeField::<f64, 2>::random(&lattice, 0.4, Address::new(seed, Purpose::Start)).unwrap()
        });
        let truth = ImprovedAction::<2>::new(&lattice, 1.1, IWASAKI).unwrap();
        let mut matching = Matching::new(&u, &truth, 2).unwrap();
        let rho = [0.08, -0.05];
        let point = matching.at(&rho).unwrap();
        let size = point.products[(point.products.nrows() - 1, point.products.nrows() - 1)];
        let (normal, slope) = matching.normal_equations(&point);
        assert!((0..3).all(|k| slope[k].abs() < 1e-10 * size), "{slope}");
        for j in 0..2 {
            let mut loss = |h: f64| {
                let mut moved = rho;
                moved[j] += h;
                matching.at(&moved).unwrap().loss
            };
            let h = 2e-4;
            let expected = (8.0 * (loss(h) - loss(-h)) - (loss(2.0 * h) - loss(-2.0 * h))) / (12.0 * h);
            let ours = -2.0 * slope[3 + j] / size;
            assert!((ours - expected).abs() < 1e-6 * expected.abs(), "{j}: {ours} instead of {expected}");
            assert!(normal[(3 + j, 3 + j)] > 0.0);
        }
    }
}
