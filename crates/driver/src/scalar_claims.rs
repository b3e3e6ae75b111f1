//! What the model file of a flow of scalars says of its quality, measured anew, and whether it is the map that it claims to
//! be. Plugins serve links only, so the checks that they have for those stand here for scalars.

use crate::claims::{Claim, SIGMAS, Sampled, extents_text, size, stated_extents};
use crate::error::DriverError;
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{LaneMeaning, Lattice, LatticeOptions, Real, ScalarField, Scalars};
use gaugelink_models::file::{ModelKind, Theory};
use gaugelink_models::{FlowOf, Model};
use gaugelink_physics::action::Phi4;
use gaugelink_sampler::statistics::{LogWeights, Measured};
use gaugelink_train::{DivergenceOf, TrainError};
use nalgebra::DMatrix;
use std::sync::Arc;

/// The action of a model of φ⁴ theory: mass2 and lambda.
pub(crate) const PHI4: &str = "phi4";
/// Configurations that are taken back.
const CHAINS: usize = 8;
/// How far ln q and φ may be off after that, in double precision.
const ROUNDING: f64 = 1e-9;
/// Extents of the lattice on which the whole Jacobian is taken.
const SMALL: [usize; 2] = [4, 4];
/// Step of the differences: so short that hardly a unit of a net comes to its kink.
const STEP: f64 = 1e-6;
/// How far the log det may be off from differences.
const DIFFERENCES: f64 = 1e-5;

/// A flow of φ⁴ theory in two dimensions.
pub(crate) struct ScalarClaims {
    model: Model,
    action: Phi4,
    extents: Vec<usize>,
}

impl ScalarClaims {
    /// Of a model, on the lattice that it names or another one; none for other kinds and theories.
    ///
    /// # Errors
    /// As [`stated_extents`]; an action that is not bounded.
    pub fn of(model: &Model, volume: Option<&Vec<usize>>) -> Result<Option<Self>, DriverError> {
        let header = &model.header;
        let is_scalar = header.kind == ModelKind::Flow && header.theory == Theory::scalar(2);
        let action = header.action.as_ref().filter(|action| is_scalar && action.name == PHI4);
        let number = |key: &str| action?.parameters.get(key)?.as_f64();
        let (Some(mass2), Some(lambda)) = (number("mass2"), number("lambda")) else { return Ok(None) };
        let action = Phi4::new(mass2, lambda).map_err(|error| DriverError::Input(error.to_string()))?;
        let extents = match volume {
            Some(extents) => extents.clone(),
            None => stated_extents(model)?,
        };
        Ok(Some(Self { model: model.clone(), action, extents }))
    }

    /// Draws and compares.
    ///
    /// # Errors
    /// [`DriverError::Input`] where the flow cannot be placed or drawn from.
    pub fn measure(&self, sampled: &Sampled) -> Result<Vec<Claim>, DriverError> {
        let mut claims = vec![self.inverse(sampled.address())?, self.jacobian(sampled.address())?];
        claims.extend(self.weights(sampled)?);
        Ok(claims)
    }

    fn flow<T: Real>(&self, lattice: &Arc<Lattice>) -> Result<FlowOf<T, Scalars>, DriverError> {
        Ok(FlowOf::<T, Scalars>::from_model(lattice, &self.model)?)
    }

    /// Draws, taken back to what they came from.
    fn inverse(&self, address: Address) -> Result<Claim, DriverError> {
        let lanes = LaneMeaning::Batch { chains: CHAINS };
        let options = LatticeOptions { threads: 1, lanes, ..LatticeOptions::default() };
        let lattice = Lattice::new(&self.extents, options)?;
        let mut flow = self.flow::<f64>(&lattice)?;
        let (mut drawn, mut phi) = (ScalarField::zeroed(&lattice)?, ScalarField::zeroed(&lattice)?);
        let (mut log_q, mut again) = ([0.0; CHAINS], [0.0; CHAINS]);
        drawn.draw_gaussian(address);
        flow.sample(address, &mut phi, &mut log_q);
        flow.log_density(&mut phi, &mut again)?;
        let largest = |a: &[f64], b: &[f64]| {
            a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |most, x| if x < most { most } else { x })
        };
        let (field, density) = (largest(phi.as_slice(), drawn.as_slice()), largest(&log_q, &again));
        let scale = log_q.iter().fold(1.0f64, |most, q| most.max(q.abs()));
        let holds = field < ROUNDING && density < ROUNDING * scale;
        let sentence =
            format!("{CHAINS} draws come back to within {field:.1e}, their ln q to within {density:.1e}");
        Ok(("inverse", holds, sentence))
    }

    /// The log det against that of the matrix of differences, on a small lattice.
    fn jacobian(&self, address: Address) -> Result<Claim, DriverError> {
        let lattice = Lattice::new(&SMALL, LatticeOptions { threads: 1, ..LatticeOptions::default() })?;
        let mut flow = self.flow::<f64>(&lattice)?;
        let mut start = ScalarField::<f64>::zeroed(&lattice)?;
        start.draw_gaussian(address);
        let layout = start.layout();
        let sites: Vec<(usize, usize)> =
            (0..lattice.volume()).map(|i| layout.locate(&lattice.geometry().site(i))).collect();
        let mut image = |moved: Option<(usize, f64)>| -> Result<(Vec<f64>, f64), DriverError> {
            let (mut phi, mut log_det) = (start.duplicate()?, [0.0]);
            if let Some((site, by)) = moved {
                let (block, lane) = sites[site];
                layout.copies(lane).for_each(|l| phi.set(block, 0, l, start.get(block, 0, l) + by));
            }
            flow.forward(&mut phi, &mut log_det);
            Ok((sites.iter().map(|&(block, lane)| phi.get(block, 0, lane)).collect(), log_det[0]))
        };
        let mut matrix = DMatrix::zeros(sites.len(), sites.len());
        for site in 0..sites.len() {
            let (above, below) = (image(Some((site, STEP)))?.0, image(Some((site, -STEP)))?.0);
            let slopes = above.iter().zip(below).map(|(above, below)| (above - below) / (2.0 * STEP));
            slopes.enumerate().for_each(|(row, slope)| matrix[(row, site)] = slope);
        }
        let by_differences = matrix.lu().determinant().abs().ln();
        let stated = image(None)?.1;
        let off = stated - by_differences;
        let sentence =
            format!("log det {stated:.6} on {}, by differences off by {off:.1e}", extents_text(&SMALL));
        Ok(("Jacobian", off.abs() < DIFFERENCES * stated.abs().max(1.0), sentence))
    }

    /// The effective sample size, and ln Z where it is known.
    fn weights(&self, sampled: &Sampled) -> Result<Vec<Claim>, TrainError> {
        let place = |lattice: &Arc<Lattice>| FlowOf::<f32, Scalars>::from_model(lattice, &self.model);
        let mut draws = DivergenceOf::towards(|| self.action, &self.extents, sampled.threads, &place)?;
        let samples = (sampled.samples as usize).next_multiple_of(f32::LANES);
        let weights = LogWeights::new(&draws.draw(sampled.address(), samples)?.log_weights())?;
        let mut claims = vec![size(&self.model, &self.extents, &weights, None)?];
        if let Some(free) = self.action.free(&self.extents) {
            let Measured { value, error } = weights.ln_z()?;
            let off = value - free.ln_z;
            let found = Measured { value, error };
            let sentence = format!("{found}, exact {:.4}, off by {:+.1} sigma", free.ln_z, off / error);
            claims.push(("ln Z", off.abs() < SIGMAS * error, sentence));
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_models::file::Named;
    use gaugelink_models::layers::AffineSettings;
    use gaugelink_models::{ScalarLayer, scalar_flow_model};
    use serde_json::{Map, json};

    /// A free scalar of mass² 1 on 2 × 4, which needs no training for weights that say something.
    fn model(ess: f64) -> Model {
        let couplings = [("mass2", 0.5), ("lambda", 0.0)].map(|(key, value)| (key.to_owned(), json!(value)));
        let action = Named { name: PHI4.into(), parameters: Map::from_iter(couplings) };
        let layer = ScalarLayer::AffineCoupling(AffineSettings::default());
        let mut model = scalar_flow_model(2, action, &[layer; 2], layer.initial_parameters(2, 4));
        model.header.measured.ess = Some(ess);
        model.header.measured.samples = Some(1 << 20);
        model.header.measured.other.insert("extents".into(), json!([2, 2]));
        model
    }

    #[test]
    fn claims_hold_or_not() {
        let sampled = Sampled { samples: 6400, seed: 3, threads: 1 };
        let names = |ess: f64| -> Vec<(&'static str, bool)> {
            let claims = ScalarClaims::of(&model(ess), None).unwrap().unwrap().measure(&sampled).unwrap();
            claims.iter().for_each(|(_, _, sentence)| assert!(!sentence.contains("NaN"), "{sentence}"));
            claims.into_iter().map(|(name, holds, _)| (name, holds)).collect()
        };
        assert_eq!(names(0.001), [("inverse", true), ("Jacobian", true), ("ESS", true), ("ln Z", true)]);
        assert_eq!(names(0.99)[2], ("ESS", false));
        let mut other = model(0.5);
        other.header.theory = Theory::of::<1>(2);
        assert!(ScalarClaims::of(&other, None).unwrap().is_none());
        let mut unbounded = model(0.5);
        unbounded.header.action.as_mut().unwrap().parameters.insert("mass2".into(), json!(-1.0));
        assert!(ScalarClaims::of(&unbounded, None).err().unwrap().to_string().contains("lambda > 0"));
    }
}
