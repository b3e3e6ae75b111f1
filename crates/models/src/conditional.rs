//! Flows for a range of couplings: parameters that are splines in β.
//!
//! A model whose header has `conditional` holds each of its tensors once for each knot, `[knots, ...]`, and at a coupling its
//! parameters are p(β) = Σ_k B_k((β − from)/(to − from)) p_k with natural cubic splines B_k. Fitted together over the range,
//! the knots are one network that changes smoothly, and a flow at any coupling is an ordinary one.

use crate::ModelError;
use crate::file::{Measured, Model};
use crate::layers::spline_basis;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The range, and knots in it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditional {
    /// Least β.
    pub from: f64,
    /// Largest β.
    pub to: f64,
    /// Knots, at equal distances from one end to the other.
    pub knots: usize,
}

/// The key of a header.
const KEY: &str = "conditional";
/// Most knots: more is a damaged file.
const KNOTS_MAX: usize = 64;
/// So far beyond the range, in units of its length, a spline still means something.
const BEYOND: f64 = 0.5;

impl Conditional {
    /// What is wrong with it.
    pub fn problem(&self) -> Option<String> {
        let Self { from, to, knots } = *self;
        if !(from.is_finite() && to.is_finite() && from < to) {
            return Some(format!(
                "a range of beta from {from} to {to}: give two numbers, the lesser one first"
            ));
        }
        (!(1..=KNOTS_MAX).contains(&knots))
            .then(|| format!("{knots} knots of a range of beta: give 1 to {KNOTS_MAX}"))
    }

    /// How much each knot counts at β.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] for a β far outside of the range.
    pub fn shares(&self, beta: f64) -> Result<Vec<f64>, ModelError> {
        let t = (beta - self.from) / (self.to - self.from);
        if !(-BEYOND..=1.0 + BEYOND).contains(&t) {
            return Err(ModelError::Parameter(format!(
                "the model is for beta from {} to {}, and beta = {beta} is too far from that: use another one",
                self.from, self.to
            )));
        }
        Ok(spline_basis(self.knots, t))
    }
}

impl Model {
    /// The range of a model that depends on β.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] for a range that is none.
    pub fn conditional(&self) -> Result<Option<Conditional>, ModelError> {
        let Some(value) = self.header.other.get(KEY) else { return Ok(None) };
        let bad = |what: String| ModelError::Parameter(format!("the key `{KEY}` of the model: {what}"));
        let range: Conditional = serde_json::from_value(value.clone()).map_err(|e| bad(e.to_string()))?;
        range.problem().map_or(Ok(Some(range)), |what| Err(bad(what)))
    }

    /// This model over a range: `knots` are the parameters at each knot, each as those of the model.
    ///
    /// # Panics
    /// For another number of knots, or of parameters.
    pub fn over(mut self, range: Conditional, knots: &[Vec<f64>]) -> Self {
        assert!(knots.len() == range.knots, "parameters for each knot");
        assert!(knots.iter().all(|knot| knot.len() == self.parameters.len()), "as many as of the model");
        let mut parameters = Vec::with_capacity(knots.len() * self.parameters.len());
        let mut begin = 0;
        for tensor in &mut self.header.tensors {
            let numbers = tensor.numbers().unwrap_or(0);
            knots.iter().for_each(|knot| parameters.extend(&knot[begin..begin + numbers]));
            begin += numbers;
            tensor.shape.insert(0, knots.len());
        }
        self.parameters = parameters;
        self.header.other.insert(KEY.into(), json!(range));
        self
    }

    /// The model at one β of its range, an ordinary one, of which nothing is measured yet.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] for a model that does not depend on β, a β far outside of its range, and tensors without a
    /// part for each knot.
    pub fn at(&self, beta: f64) -> Result<Self, ModelError> {
        let range = self.conditional()?.ok_or_else(|| {
            ModelError::Parameter("the model is for one beta only: leave out `beta`".into())
        })?;
        let shares = range.shares(beta)?;
        let mut model = self.clone();
        model.header.other.remove(KEY);
        model.header.measured = Measured::default();
        if let Some(action) = &mut model.header.action {
            action.parameters.insert("beta".into(), Value::from(beta));
        }
        model.parameters.clear();
        let mut rest = self.parameters.as_slice();
        for tensor in &mut model.header.tensors {
            let whole = tensor.numbers().unwrap_or(0);
            if tensor.shape.first() != Some(&range.knots) {
                return Err(ModelError::Parameter(format!(
                    "the tensor `{}` of the model has no part for each of {} knots: train or export it again",
                    tensor.name, range.knots
                )));
            }
            tensor.shape.remove(0);
            let (mine, others) = rest.split_at(whole);
            rest = others;
            let numbers = whole / range.knots;
            let sum =
                |i: usize| shares.iter().enumerate().map(|(k, share)| share * mine[k * numbers + i]).sum();
            model.parameters.extend((0..numbers).map(sum).collect::<Vec<f64>>());
        }
        Ok(model)
    }
}

impl Model {
    /// Refuses a model that depends on β where it is to be an ordinary one.
    pub(crate) fn expect_one_coupling(&self) -> Result<(), ModelError> {
        match self.conditional()? {
            None => Ok(()),
            Some(Conditional { from, to, .. }) => Err(ModelError::Parameter(format!(
                "the model is for a range of beta, from {from} to {to}: give `beta`"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Named;
    use crate::layers::Sharing;
    use crate::{Flow, LayerKind, flow_model};
    use gaugelink_lattice::{Lattice, LatticeOptions};

    const RANGE: Conditional = Conditional { from: 2.0, to: 4.0, knots: 3 };

    fn model() -> Model {
        let residual = LayerKind::Residual { sharing: Sharing::PerStaple, bound: None };
        let action = Named { name: "wilson".into(), parameters: Default::default() };
        let plain = flow_model::<1>(2, action, &[residual; 2], vec![0.0; 4]);
        let knot = |k: f64| vec![0.1 * k, 0.2, 0.01 * k * k, -0.1 * k];
        plain.over(RANGE, &[knot(0.0), knot(1.0), knot(2.0)])
    }

    #[test]
    fn at_a_knot_the_parameters_are_the_knots_and_between_they_are_splines() {
        let bytes = model().to_bytes("test").unwrap();
        let read = Model::from_bytes(&bytes, "test").unwrap();
        assert_eq!(read.conditional().unwrap(), Some(RANGE));
        assert_eq!(read.header.tensors[0].shape, [3, 2]);
        for (beta, k) in [(2.0, 0.0), (3.0, 1.0), (4.0, 2.0)] {
            let at = read.at(beta).unwrap();
            let expected = [0.1 * k, 0.2, 0.01 * k * k, -0.1 * k];
            for (found, expected) in at.parameters.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-15, "{beta}: {:?}", at.parameters);
            }
            assert_eq!(at.header.action.as_ref().unwrap().parameters["beta"], beta);
            let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).unwrap();
            assert!(Flow::<f64, 1>::from_model(&lattice, &at).is_ok());
        }
        // Straight lines are straight between knots, and beyond them.
        for beta in [1.5, 2.3, 3.9, 4.5] {
            let k = beta - 2.0;
            let at = read.at(beta).unwrap().parameters;
            assert!((at[0] - 0.1 * k).abs() < 1e-15 && (at[3] + 0.1 * k).abs() < 1e-15, "{beta}: {at:?}");
        }
    }

    #[test]
    fn a_range_is_not_taken_for_one_coupling_nor_the_other_way_round() {
        let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).unwrap();
        let refused = |error: Option<ModelError>| error.expect("an error").to_string();
        let error = refused(Flow::<f64, 1>::from_model(&lattice, &model()).err());
        assert!(error.contains("from 2 to 4") && error.contains("give `beta`"), "{error}");
        let error = refused(model().at(9.0).err());
        assert!(error.contains("beta = 9") && error.contains("from 2 to 4"), "{error}");
        let error = refused(model().at(3.0).unwrap().at(3.0).err());
        assert!(error.contains("leave out `beta`"), "{error}");
        let mut damaged = model();
        damaged.header.tensors[1].shape = vec![2, 3];
        assert!(refused(damaged.at(3.0).err()).contains("`1.rho`"));
        damaged.header.other.insert("conditional".into(), json!({ "from": 3.0, "to": 1.0, "knots": 3 }));
        assert!(refused(damaged.at(3.0).err()).contains("lesser one first"));
    }
}
