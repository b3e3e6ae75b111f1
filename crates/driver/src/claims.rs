//! What a flow's model file says of its quality, measured anew.

use crate::error::DriverError;
use clap::Args;
use gaugelink_lattice::group::group_name;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Complex, Lattice, Real};
use gaugelink_models::file::ModelKind;
use gaugelink_models::{Flow, Model, ModelError};
use gaugelink_physics::dirac::{Boundary, Quark, QuarkMatrix};
use gaugelink_sampler::statistics::{LogWeights, Measured};
use gaugelink_train::exact::Theory;
use gaugelink_train::{Divergence, Draws, TrainError, step_error};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A claim, whether it holds, and with which numbers.
pub(crate) type Claim = (&'static str, bool, String);

/// Sigmas that a measured number may be off.
pub(crate) const SIGMAS: f64 = 4.0;
/// Configurations behind the error of a flow's steps.
const STEP_SAMPLES: usize = 32;
/// By how much an error of the steps may be above the one stated.
const STEP_FACTOR: f64 = 2.0;

/// How a model is sampled.
#[derive(Args, Debug)]
pub(crate) struct Sampled {
    /// Draws of a flow behind what is measured, rounded up to a multiple of 16
    #[arg(long, value_name = "N", default_value_t = 10_240, value_parser = clap::value_parser!(u32).range(32..))]
    pub samples: u32,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads; 0 takes all cores
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
}

/// The action of a model that knows two flavours of Wilson quarks: beta, mass and boundary.
pub(crate) const QUARKS: &str = "wilson-quarks";

/// What the model's action says of its quarks.
pub(crate) fn quark_parameters(quark: &Quark) -> [(String, Value); 3] {
    let signs: Vec<f64> = quark.boundary.0[..2].iter().map(|phase| phase.re).collect();
    [("flavours", json!(2)), ("mass", json!(quark.mass)), ("boundary", json!(signs))]
        .map(|(key, value)| (key.to_owned(), value))
}

/// The quarks that it says so of; none where it says something else.
fn quark_of(parameters: &Map<String, Value>) -> Option<Quark> {
    let signs = parameters.get("boundary")?.as_array()?.iter().map(Value::as_f64);
    let signs = signs.collect::<Option<Vec<f64>>>()?;
    let boundary = signs
        .iter()
        .enumerate()
        .take(2)
        .fold(Boundary::periodic(), |boundary, (mu, &sign)| boundary.with(mu, Complex::new(sign, 0.0)));
    let mass = parameters.get("mass")?.as_f64()?;
    let two = parameters.get("flavours")?.as_u64() == Some(2) && signs.len() == 2;
    // Either matrix has the determinant, up to a constant factor.
    two.then_some(Quark { mass, csw: 0.0, boundary, matrix: QuarkMatrix::EvenOdd })
}

impl Sampled {
    pub(crate) fn address(&self) -> Address {
        Address::new(self.seed, Purpose::Proposal)
    }
}

/// How good a flow was found to be.
pub(crate) struct Quality {
    /// Draws.
    pub samples: usize,
    /// Effective sample size per draw.
    pub sample_size: Measured,
    /// ⟨ln q + S⟩.
    pub loss: f64,
    /// The loss less −ln Z, which the same weights estimate where it is not known, with its error.
    pub divergence: Measured,
}

/// A flow of Wilson's action, whose ln Z is known in two dimensions, or there of that with two flavours of quarks.
pub(crate) struct Claims {
    model: Model,
    n: usize,
    beta: f64,
    quark: Option<Quark>,
    extents: Vec<usize>,
}

impl Claims {
    /// Of a model, on the lattice that it names or another one; none for other kinds and theories.
    ///
    /// # Errors
    /// As [`stated_extents`].
    pub fn of(model: &Model, volume: Option<&Vec<usize>>) -> Result<Option<Self>, DriverError> {
        let header = &model.header;
        let action = header.action.as_ref();
        let quark = action.filter(|action| action.name == QUARKS).and_then(|a| quark_of(&a.parameters));
        let known = action.filter(|action| action.name == "wilson" || quark.is_some());
        let beta = known.and_then(|action| action.parameters.get("beta")?.as_f64());
        let n = (1..=3).find(|&n| header.theory.group == group_name(n));
        let dims = if quark.is_some() { 2..=2 } else { 2..=4 };
        let (Some(beta), Some(n), ModelKind::Flow, true) =
            (beta, n, header.kind, dims.contains(&header.theory.dims))
        else {
            return Ok(None);
        };
        let extents = match volume {
            Some(extents) => extents.clone(),
            None => stated_extents(model)?,
        };
        // Of a model for a range of couplings the one that it was measured at.
        let mut own = model.clone();
        if model.conditional().map_err(input)?.is_some() {
            own = model.at(beta).map_err(input)?;
            own.header.measured = header.measured.clone();
        }
        Ok(Some(Self { model: own, n, beta, quark, extents }))
    }

    /// Draws and compares.
    ///
    /// # Errors
    /// [`DriverError::Input`] where the flow cannot be placed or drawn from.
    pub fn measure(&self, sampled: &Sampled) -> Result<Vec<Claim>, DriverError> {
        Ok(match self.n {
            1 => self.measure_in::<1>(sampled),
            2 => self.measure_in::<2>(sampled),
            _ => self.measure_in::<3>(sampled),
        }?)
    }

    /// Draws, and tells how good they are: what the file of a model can claim.
    ///
    /// # Errors
    /// As [`Claims::measure`].
    pub fn quality(&self, sampled: &Sampled) -> Result<Quality, DriverError> {
        Ok(match self.n {
            1 => self.quality_in::<1>(sampled),
            2 => self.quality_in::<2>(sampled),
            _ => self.quality_in::<3>(sampled),
        }?)
    }

    fn quality_in<const N: usize>(&self, sampled: &Sampled) -> Result<Quality, TrainError> {
        let draws = self.draw::<N>(sampled)?;
        let (samples, loss) = (draws.losses.len(), draws.mean());
        let weights = LogWeights::new(&draws.log_weights())?;
        let sample_size = weights.measured_sample_size()?;
        let ln_z = match self.exact() {
            Some(exact) => exact.ln_z(),
            None => weights.ln_z()?.value,
        };
        let squares: f64 = draws.losses.iter().map(|l| (l - loss).powi(2)).sum();
        let error = (squares / (samples - 1) as f64 / samples as f64).sqrt();
        Ok(Quality { samples, sample_size, loss, divergence: Measured { value: loss + ln_z, error } })
    }

    /// Of whole groups of lanes.
    fn draw<const N: usize>(&self, sampled: &Sampled) -> Result<Draws, TrainError> {
        let place = |lattice: &Arc<Lattice>| Flow::<f32, N>::from_model(lattice, &self.model);
        let mut draws = Divergence::<f32, N>::new(&self.extents, self.beta, sampled.threads, &place)?;
        if let Some(quark) = self.quark {
            draws = draws.with_quarks(quark)?;
        }
        let samples = (sampled.samples as usize).next_multiple_of(f32::LANES);
        draws.draw(sampled.address(), samples)
    }

    /// What is known exactly, which nothing is with quarks.
    fn exact(&self) -> Option<Theory> {
        Theory::wilson(self.n, self.beta, &self.extents).filter(|_| self.quark.is_none())
    }

    fn measure_in<const N: usize>(&self, sampled: &Sampled) -> Result<Vec<Claim>, TrainError> {
        let (extents, threads) = (&self.extents, sampled.threads);
        let address = sampled.address();
        let weights = LogWeights::new(&self.draw::<N>(sampled)?.log_weights())?;
        let exact = self.exact();
        let untrained = exact.map(|exact| exact.untrained_sample_size());
        let mut claims = vec![size(&self.model, extents, &weights, untrained)?];
        let mut slack = 0.0;
        let mut steps = None;
        if let Some(doubled) = self.with_twice_the_steps() {
            let flow = |model: &Model, lattice: &Arc<Lattice>| Flow::<f64, N>::from_model(lattice, model);
            let (coarse, fine) =
                (|l: &Arc<Lattice>| flow(&self.model, l), |l: &Arc<Lattice>| flow(&doubled, l));
            let found = step_error::<N>(extents, threads, (&coarse, &fine), address, STEP_SAMPLES)?;
            let stated = self.model.header.measured.other.get("step_error").and_then(|e| e.as_f64());
            let holds = stated.is_none_or(|stated| found < STEP_FACTOR * stated);
            let says = stated.map_or("the file says nothing".into(), |s| format!("the file says {s:.1e}"));
            let sentence = format!("ln q changes by {found:.1e} (rms) with twice the steps; {says}");
            steps = Some(("step error", holds, sentence));
            // All of it may be in one direction.
            slack = STEP_FACTOR * found;
        }
        if let Some(ln_z) = exact.map(|exact| exact.ln_z()) {
            let Measured { value, error } = weights.ln_z()?;
            let off = value - ln_z;
            let by_steps =
                if slack > 0.0 { format!(", of which steps explain {slack:.4}") } else { String::new() };
            let sentence = format!(
                "{}, exact {ln_z:.4}, off by {:+.1} sigma{by_steps}",
                Measured { value, error },
                off / error
            );
            claims.push(("ln Z", off.abs() < SIGMAS * error + slack, sentence));
        }
        claims.extend(steps);
        Ok(claims)
    }

    /// The model with twice the steps of its flows of loops, if it has such.
    fn with_twice_the_steps(&self) -> Option<Model> {
        if self.model.has_exact_density() {
            return None;
        }
        let mut model = self.model.clone();
        for layer in &mut model.header.architecture {
            if let Some(steps) = layer.settings.get("steps").and_then(|steps| steps.as_u64()) {
                layer.settings.insert("steps".into(), (2 * steps).into());
            }
        }
        Some(model)
    }
}

/// The effective sample size: that of the file holds unless it is larger by more than errors explain, those of its own
/// samples included. On another lattice than the file's it says nothing of it.
pub(crate) fn size(
    model: &Model,
    extents: &[usize],
    weights: &LogWeights,
    untrained: Option<f64>,
) -> Result<Claim, TrainError> {
    let measured = &model.header.measured;
    let own_extents = stated_extents(model).ok();
    let elsewhere = own_extents.filter(|own| own != extents);
    let size = weights.measured_sample_size()?;
    let mut says = match (measured.ess, measured.samples) {
        (Some(ess), Some(samples)) => format!("the file says {ess:.4} from {samples}"),
        (Some(ess), None) => format!("the file says {ess:.4}, and not from how many"),
        (None, _) => "the file says nothing".into(),
    };
    if let (Some(own), Some(_)) = (&elsewhere, measured.ess) {
        says = format!("{says} on {}", extents_text(own));
    }
    let own = measured.samples.map_or(0.0, |own| weights.len() as f64 / own as f64);
    let most = size.value + SIGMAS * size.error * (1.0 + own).sqrt();
    let holds = elsewhere.is_some() || measured.ess.is_none_or(|ess| ess <= most);
    let untrained = untrained.map_or(String::new(), |size| format!("; without training {size:.2}"));
    let draws = format!("{} draws on {}", weights.len(), extents_text(extents));
    Ok(("ESS", holds, format!("{size} from {draws}; {says}{untrained}")))
}

fn input(error: ModelError) -> DriverError {
    DriverError::Input(error.to_string())
}

/// The lattice that a model was measured on, or trained.
///
/// # Errors
/// [`DriverError::Request`] where the file names none.
pub(crate) fn stated_extents(model: &Model) -> Result<Vec<usize>, DriverError> {
    let header = &model.header;
    let stated = header.measured.other.get("extents").or(header.training.other.get("extents"));
    stated.and_then(|extents| serde_json::from_value(extents.clone()).ok()).ok_or_else(|| {
        DriverError::Request("the model does not say on which lattice it was measured: give --volume".into())
    })
}

pub(crate) fn extents_text(extents: &[usize]) -> String {
    extents.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}
