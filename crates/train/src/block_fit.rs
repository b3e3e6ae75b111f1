//! Block layers of U(1), each fitted by itself: the loops that it splits have a density that is known.
//!
//! A block of 2n plaquettes with the loop s is split into φ and s − φ, whose density given s is f_n(φ) f_n(s − φ)/f_2n(s)
//! ([`U1Sum`]). What the layer makes of evenly spread φ is compared with it: the loss is the reverse Kullback–Leibler
//! divergence, averaged over s, and there is nothing random in it but the points of a quadrature. How large blocks are does
//! not change a layer's net or spline, so that blocks of two plaquettes serve for all; the loop's density alone differs.

use crate::adam::{Adam, Settings};
use crate::exact::U1Sum;
use crate::{Estimator, Schedule, TrainError};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{
    Complex, GaugeField, LaneMeaning, Lattice, LatticeOptions, Matrix, MomentumField, Pool, Site,
};
use gaugelink_models::layers::{BlockSettings, U1Block};
use gaugelink_models::{Conditional, Layer, ModelError};
use std::f64::consts::TAU;
use std::sync::{Arc, Mutex};

/// What is fitted, and how.
#[derive(Clone, Copy, Debug)]
pub struct BlockFit {
    /// β of Wilson's action; of a range, the one that the fit begins with.
    pub beta: f64,
    /// Couplings that the layers are to serve, where they are several: each knot then has parameters of its own, and the steps
    /// at one β are followed by as many over the range.
    pub range: Option<Conditional>,
    /// Steps of the optimiser for each layer.
    pub steps: u64,
    /// First learning rate, which goes down along a cosine.
    pub rate: f64,
    /// Points (s, φ) of each step, a multiple of 16 from 32 on.
    pub points: usize,
    /// Seed of first parameters and of the quadratures.
    pub seed: u64,
    /// Threads, of which each fits a layer.
    pub threads: usize,
}

/// A layer's parameters, and what they leave of the divergence, for each block.
#[derive(Clone, Debug)]
pub struct FittedLayer {
    /// Parameters of the layer, for each knot of a range.
    pub knots: Vec<Vec<f64>>,
    /// Mean ln q − ln p of φ given s, s drawn from its density; over a range the largest one.
    pub divergence: f64,
}

/// Chains side by side, one a lane.
const CHAINS: usize = 8;
/// Points of the divergence that is told, in units of those of a step.
const EVALUATIONS: u64 = 128;
/// β goes up from this part of it over the first half of the steps, each so often.
const FIRST: f64 = 0.1;
const STAGE: u64 = 20;
/// This part of all s is spread evenly: those that are rare are to be right as well.
const EVEN: f64 = 0.25;

impl BlockFit {
    /// Fits every layer. The same seed gives the same bits for any number of threads.
    ///
    /// # Errors
    /// [`TrainError::Setting`] for points that are no multiple of 16 from 32 on; [`TrainError::NotFinite`]; no memory or threads.
    pub fn fit(&self, layers: &[BlockSettings]) -> Result<Vec<FittedLayer>, TrainError> {
        if self.points < 4 * CHAINS || !self.points.is_multiple_of(2 * CHAINS) {
            let points = self.points;
            return Err(TrainError::Setting(format!(
                "{points} points of a fit: give a multiple of 16 from 32 on"
            )));
        }
        let pool = Pool::new(self.threads)?;
        let fitted: Vec<_> = layers.iter().map(|_| Mutex::new(None)).collect();
        pool.run(0..layers.len(), |_, mine| {
            for k in mine {
                let layer = self.layer(&layers[k], k);
                *fitted[k].lock().unwrap_or_else(|e| e.into_inner()) = Some(layer);
            }
        });
        let done = |slot: Mutex<Option<_>>| slot.into_inner().unwrap_or_else(|e| e.into_inner());
        fitted.into_iter().filter_map(done).collect()
    }

    fn layer(&self, settings: &BlockSettings, number: usize) -> Result<FittedLayer, TrainError> {
        let mut rig = Rig::new(self, settings)?;
        let seed = Address::new(self.seed, Purpose::Training).chain(number as u64);
        let mut parameters =
            U1Block::<f64>::initial_parameters(&[*settings], self.seed.wrapping_add(number as u64));
        let mut adam = Adam::new(Settings { norm_max: Some(10.0), ..Settings::default() }, parameters.len());
        let mut gradient = vec![0.0; parameters.len()];
        let stages = self.steps / 2 / STAGE;
        for step in 0..self.steps {
            if step % STAGE == 0 && step / STAGE <= stages {
                let done = if stages == 0 { 1.0 } else { (step / STAGE) as f64 / stages as f64 };
                rig.exact = rig.exact(self.beta * (FIRST + (1.0 - FIRST) * done));
            }
            gradient.fill(0.0);
            let estimator = if 2 * step < self.steps { Estimator::Reparametrised } else { Estimator::Path };
            let point = seed.sample(step);
            let loss = rig.divergence(&parameters, point, EVEN, Some((estimator, &mut gradient)))?;
            if !(loss.is_finite() && gradient.iter().all(|g| g.is_finite())) {
                return Err(TrainError::NotFinite { step });
            }
            adam.step(&mut parameters, &gradient, self.rate * Schedule::Cosine.factor(step, self.steps));
        }
        let Some(range) = self.range else {
            let divergence = rig.told(&parameters, seed, self.steps)?;
            return Ok(FittedLayer { knots: vec![parameters], divergence });
        };
        self.spread(&mut rig, range, (parameters, seed))
    }

    /// From the parameters at one β to those of a range: each step is at one of a few couplings, in turn.
    fn spread(
        &self,
        rig: &mut Rig,
        range: Conditional,
        (start, seed): (Vec<f64>, Address),
    ) -> Result<FittedLayer, TrainError> {
        let (count, wrong) = (start.len(), |error: ModelError| TrainError::Setting(error.to_string()));
        let at = |k: u64| range.from + (range.to - range.from) * k as f64 / (COUPLINGS - 1) as f64;
        let mixed = |knots: &[f64], shares: &[f64]| -> Vec<f64> {
            let sum = |i: usize| shares.iter().enumerate().map(|(k, b)| b * knots[k * count + i]).sum();
            (0..count).map(sum).collect()
        };
        let couplings = (0..COUPLINGS)
            .map(|k| Ok((rig.exact(at(k)), range.shares(at(k)).map_err(wrong)?)))
            .collect::<Result<Vec<_>, TrainError>>()?;
        let mut knots = start.repeat(range.knots);
        let mut adam = Adam::new(Settings { norm_max: Some(10.0), ..Settings::default() }, knots.len());
        let (mut gradient, mut sum) = (vec![0.0; count], vec![0.0; knots.len()]);
        for step in 0..self.steps {
            // A stride that has no factor with the couplings comes to all, the next one far from the last.
            let (exact, shares) = &couplings[(STRIDE * step % COUPLINGS) as usize];
            rig.exact = exact.clone();
            gradient.fill(0.0);
            let (point, estimator) = (seed.sample(self.steps + step), Estimator::Path);
            let loss =
                rig.divergence(&mixed(&knots, shares), point, EVEN, Some((estimator, &mut gradient)))?;
            if !(loss.is_finite() && gradient.iter().all(|g| g.is_finite())) {
                return Err(TrainError::NotFinite { step: self.steps + step });
            }
            for (sum, share) in sum.chunks_mut(count).zip(shares) {
                sum.iter_mut().zip(&gradient).for_each(|(sum, g)| *sum = share * g);
            }
            adam.step(&mut knots, &sum, self.rate * Schedule::Cosine.factor(step, self.steps));
        }
        let mut divergence = f64::NEG_INFINITY;
        for (exact, shares) in couplings {
            rig.exact = exact;
            divergence = divergence.max(rig.told(&mixed(&knots, &shares), seed, 2 * self.steps)?);
        }
        Ok(FittedLayer { knots: knots.chunks(count).map(<[f64]>::to_vec).collect(), divergence })
    }
}

/// Couplings of a range that steps are made at, and the way from one to the next.
const COUPLINGS: u64 = 17;
const STRIDE: u64 = 7;

/// A layer of blocks of two plaquettes on a lattice of 4 sites across, each row of which holds two blocks with the loops s
/// and −s: links along y alone differ from 1, those at even x make s, those at odd x are split.
struct Rig {
    layer: U1Block<f64>,
    plaquettes: usize,
    exact: Arc<Exact>,
    before: GaugeField<f64, 1>,
    after: GaugeField<f64, 1>,
    cotangent: MomentumField<f64, 1>,
    rows: usize,
}

/// What is known of a block at one β.
struct Exact {
    half: U1Sum,
    whole: U1Sum,
    quantiles: Vec<f64>,
}

impl Exact {
    /// Of a block whose halves have so many plaquettes.
    fn new(beta: f64, plaquettes: usize) -> Self {
        let (half, whole) = (U1Sum::new(beta, plaquettes), U1Sum::new(beta, 2 * plaquettes));
        let quantiles = whole.quantiles();
        Self { half, whole, quantiles }
    }
}

/// The direction of links that differ from 1.
const ALONG: usize = 1;

impl Rig {
    fn new(fit: &BlockFit, settings: &BlockSettings) -> Result<Self, TrainError> {
        let rows = fit.points / (2 * CHAINS);
        let lanes = LaneMeaning::Batch { chains: CHAINS };
        let options = LatticeOptions { threads: 1, lanes, ..LatticeOptions::default() };
        let lattice = Lattice::new(&[4, rows], options)?;
        let plaquettes = settings.half.iter().product();
        Ok(Self {
            layer: U1Block::new(&lattice, BlockSettings { half: [1, 1], across: 0, ..*settings })?,
            exact: Arc::new(Exact::new(fit.beta, plaquettes)),
            plaquettes,
            before: GaugeField::cold(&lattice)?,
            after: GaugeField::cold(&lattice)?,
            cotangent: MomentumField::zeroed(&lattice)?,
            rows,
        })
    }

    fn exact(&self, beta: f64) -> Arc<Exact> {
        Arc::new(Exact::new(beta, self.plaquettes))
    }

    /// The divergence that is told, of points behind sample number `first`.
    fn told(&mut self, parameters: &[f64], seed: Address, first: u64) -> Result<f64, TrainError> {
        let of_sample = |k: u64| self.divergence(parameters, seed.sample(first + k), 0.0, None);
        let divergences: Vec<f64> = (0..EVALUATIONS).map(of_sample).collect::<Result<_, _>>()?;
        Ok(divergences.iter().sum::<f64>() / EVALUATIONS as f64)
    }

    /// Puts points of a quadrature, shifted at random, into the links.
    fn draw(&mut self, address: Address, even: f64) {
        // Fractions whose multiples are spread evenly: golden ratio and silver ratio.
        let spread = [0.618_033_988_749_895, 0.414_213_562_373_095];
        let generator = address.generator();
        let shifts: [f64; 3] = std::array::from_fn(|k| generator.stream(k as u64).uniform());
        let count = (self.rows * CHAINS) as f64;
        for row in 0..self.rows {
            for chain in 0..CHAINS {
                let point = (row * CHAINS + chain) as f64;
                let p = (point + shifts[0]) / count;
                let s = if p < even {
                    TAU * (p / even - 0.5)
                } else {
                    let p = (p - even) / (1.0 - even);
                    let quantiles = &self.exact.quantiles;
                    quantiles[((p * quantiles.len() as f64) as usize).min(quantiles.len() - 1)]
                };
                let phi = |k: usize| TAU * (point * spread[k] + shifts[1 + k]).fract();
                for (x, theta) in [0.0, phi(0), s, s + phi(1)].into_iter().enumerate() {
                    let (block, _) = self.before.layout().locate(&site(x, row));
                    let (im, re) = theta.sin_cos();
                    let link = Matrix::from_fn(|_, _| Complex::new(re, im));
                    self.before.set_link(block, ALONG, chain, &link);
                }
            }
        }
    }

    /// The mean of ln q − ln p over points; adds its gradient.
    fn divergence(
        &mut self,
        parameters: &[f64],
        address: Address,
        even: f64,
        gradient: Option<(Estimator, &mut [f64])>,
    ) -> Result<f64, TrainError> {
        self.draw(address, even);
        self.after.as_mut_slice().copy_from_slice(self.before.as_slice());
        self.cotangent.as_mut_slice().fill(0.0);
        let mut log_det = [0.0; CHAINS];
        let weight = match gradient {
            Some((Estimator::Path, _)) => {
                let (u, score) = (&mut self.after, &mut self.cotangent);
                self.layer.forward_with_score(u, parameters, &mut log_det, score, None)?;
                0.0
            }
            _ => {
                self.layer.forward(&mut self.after, parameters, &mut log_det, None);
                -1.0
            }
        };
        let points = (2 * self.rows * CHAINS) as f64;
        let mut sum = -points * TAU.ln() - log_det.iter().sum::<f64>();
        for row in 0..self.rows {
            for chain in 0..CHAINS {
                let theta: [f64; 4] = std::array::from_fn(|x| {
                    let (block, _) = self.after.layout().locate(&site(x, row));
                    let link = self.after.link(block, ALONG, chain).0[0][0];
                    link.im.atan2(link.re)
                });
                for x in [1, 3] {
                    let loops = [theta[x] - theta[x - 1], theta[(x + 1) % 4] - theta[x]];
                    let [first, second] = loops.map(|phi| self.exact.half.ln(phi));
                    sum += self.exact.whole.ln(loops[0] + loops[1]).0 - first.0 - second.0;
                    let (block, _) = self.after.layout().locate(&site(x, row));
                    let score = self.cotangent.get(block, ALONG, chain);
                    self.cotangent.set(block, ALONG, chain, (score + second.1 - first.1) / points);
                }
            }
        }
        if let Some((_, gradient)) = gradient {
            let weight = [weight / points; CHAINS];
            self.layer.vjp(&self.before, parameters, &mut self.cotangent, &weight, Some(gradient));
        }
        Ok(sum / points)
    }
}

fn site(x: usize, row: usize) -> Site {
    let mut site = Site::default();
    (site[0], site[1]) = (x, row);
    site
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Divergence;
    use gaugelink_models::{Flow, LayerKind};
    use gaugelink_sampler::statistics::LogWeights;

    const FIT: BlockFit =
        BlockFit { beta: 3.0, range: None, steps: 1200, rate: 1e-2, points: 256, seed: 3, threads: 2 };

    /// What is fitted on blocks of two plaquettes is good on blocks of eight, against Wilson's action on the whole lattice.
    #[test]
    fn layers_that_are_fitted_one_by_one_are_a_flow() {
        let layers = BlockSettings::halvings(4, 8, 16);
        let fitted = FIT.fit(&layers).unwrap();
        let parameters: Vec<f64> = fitted.iter().flat_map(|layer| layer.knots[0].clone()).collect();
        let place = |lattice: &Arc<Lattice>| {
            let layer = |settings: &BlockSettings| LayerKind::U1Block(*settings).stack(lattice, 1);
            let stacks = layers.iter().map(layer).collect::<Result<Vec<_>, _>>()?;
            Flow::new(stacks.into_iter().flatten().collect(), parameters.clone())
        };
        let mut loss = Divergence::<f64, 1>::new(&[8, 8], FIT.beta, 2, &place).unwrap();
        let draws = loss.draw(Address::new(1, Purpose::Training), 4096).unwrap();
        let ess = LogWeights::new(&draws.log_weights()).unwrap().effective_sample_size();
        let divergence = draws.mean() + crate::exact::U1 { beta: FIT.beta, volume: 64 }.ln_z();
        let blocks = [4.0, 8.0, 16.0, 32.0];
        let expected: f64 = fitted.iter().zip(blocks).map(|(layer, n)| n * layer.divergence).sum();
        println!("ESS {ess}, KL {divergence}, by blocks {expected}");
        assert!(ess > 0.85, "{ess}");
        assert!((divergence - expected).abs() < 0.02, "{divergence} {expected}");
    }

    /// One fit serves couplings between its knots nearly as well as a fit of each.
    #[test]
    fn a_fit_over_a_range_serves_all_of_it() {
        let layers = BlockSettings::halvings(4, 8, 16);
        let range = Conditional { from: 2.0, to: 4.0, knots: 3 };
        let fitted = BlockFit { range: Some(range), beta: 2.0, ..FIT }.fit(&layers).unwrap();
        assert!(fitted.iter().all(|layer| layer.knots.len() == 3 && layer.divergence < 0.02), "{fitted:?}");
        for beta in [2.0, 2.7, 3.4, 4.0] {
            let shares = range.shares(beta).unwrap();
            let mixed = |layer: &FittedLayer| -> Vec<f64> {
                let sum = |i: usize| shares.iter().zip(&layer.knots).map(|(b, knot)| b * knot[i]).sum();
                (0..layer.knots[0].len()).map(sum).collect()
            };
            let parameters: Vec<f64> = fitted.iter().flat_map(mixed).collect();
            let place = |lattice: &Arc<Lattice>| {
                let layer = |settings: &BlockSettings| LayerKind::U1Block(*settings).stack(lattice, 1);
                let stacks = layers.iter().map(layer).collect::<Result<Vec<_>, _>>()?;
                Flow::new(stacks.into_iter().flatten().collect(), parameters.clone())
            };
            let mut loss = Divergence::<f64, 1>::new(&[8, 8], beta, 2, &place).unwrap();
            let draws = loss.draw(Address::new(1, Purpose::Training), 4096).unwrap();
            let ess = LogWeights::new(&draws.log_weights()).unwrap().effective_sample_size();
            println!("beta {beta}: ESS {ess}");
            assert!(ess > 0.8, "beta {beta}: {ess}");
        }
    }

    #[test]
    fn threads_change_no_bit() {
        let fit = |threads: usize| {
            let short = BlockFit { steps: 12, points: 32, threads, ..FIT };
            let fitted = short.fit(&BlockSettings::halvings(3, 4, 8)).unwrap();
            fitted.into_iter().map(|layer| (layer.knots, layer.divergence.to_bits())).collect::<Vec<_>>()
        };
        assert_eq!(fit(1), fit(3));
    }

    #[test]
    fn points_that_fill_no_lanes_are_refused() {
        for points in [0, 16, 40] {
            let error = BlockFit { points, ..FIT }.fit(&BlockSettings::halvings(1, 4, 8)).unwrap_err();
            assert!(error.to_string().contains("multiple of 16"), "{error}");
        }
    }
}
