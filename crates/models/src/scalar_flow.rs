//! Flows of a real scalar and their model files: which layers, with which settings. The table of kinds is in
//! [`crate::architecture`].

use crate::architecture::{entry, layers_of};
use crate::file::{Header, Model, ModelKind, Named, TensorEntry, Theory};
use crate::layers::{AffineCoupling, AffineSettings};
use crate::{FlowOf, Layer, ModelError};
use gaugelink_lattice::{Lattice, Real, Scalars};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a layer of scalars is, apart from its parameters and its place in a stack.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ScalarLayer {
    /// An affine coupling layer in two dimensions.
    AffineCoupling(AffineSettings),
}

impl ScalarLayer {
    /// A stack of `count` of them on a lattice.
    ///
    /// # Errors
    /// [`ModelError`] where they cannot live there.
    pub fn stack<T: Real>(
        &self,
        lattice: &Arc<Lattice>,
        count: usize,
    ) -> Result<Vec<Box<dyn Layer<T, Scalars>>>, ModelError> {
        match *self {
            Self::AffineCoupling(settings) => AffineCoupling::stack(lattice, count, settings),
        }
    }

    /// Parameters of a stack of `count` to begin a training with. The same seed gives the same numbers.
    pub fn initial_parameters(&self, count: usize, seed: u64) -> Vec<f64> {
        match self {
            Self::AffineCoupling(settings) => {
                AffineCoupling::<f64>::initial_parameters(count, settings, seed)
            }
        }
    }

    /// The tensor of layer `k`.
    fn tensor(&self, k: usize) -> TensorEntry {
        match self {
            Self::AffineCoupling(settings) => {
                TensorEntry::new(format!("{k}.net"), &[AffineCoupling::<f64>::parameter_count(settings)])
            }
        }
    }
}

impl<T: Real> FlowOf<T, Scalars> {
    /// The flow of a model file on a lattice of any extents.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] for a model of another kind or theory, layers that this version does not know, and
    /// parameters or tensors that do not fit them; those of the layers.
    pub fn from_model(lattice: &Arc<Lattice>, model: &Model) -> Result<Self, ModelError> {
        let kinds: Vec<ScalarLayer> = layers_of(model, &Theory::scalar(lattice.dims()))?;
        let mut layers = Vec::new();
        for run in kinds.chunk_by(|a, b| a == b) {
            layers.extend(run[0].stack(lattice, run.len())?);
        }
        let flow = Self::new(layers, model.parameters.clone())?;
        model.header.expect_tensors(kinds.iter().enumerate().map(|(k, kind)| kind.tensor(k)))?;
        Ok(flow)
    }
}

/// A model of kind `flow` for a real scalar in `dims` dimensions: `layers`, the first applied first, with the parameters of
/// one after the other.
pub fn scalar_flow_model(dims: usize, action: Named, layers: &[ScalarLayer], parameters: Vec<f64>) -> Model {
    let mut header = Header::new(ModelKind::Flow, Theory::scalar(dims), action);
    header.architecture = layers.iter().map(entry).collect();
    header.tensors = layers.iter().enumerate().map(|(k, layer)| layer.tensor(k)).collect();
    Model { header, parameters }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Flow;
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_lattice::{LatticeOptions, ScalarField};

    fn model(settings: AffineSettings, layers: usize) -> Model {
        let action = Named { name: "phi4".into(), parameters: Default::default() };
        let layer = ScalarLayer::AffineCoupling(settings);
        scalar_flow_model(2, action, &vec![layer; layers], layer.initial_parameters(layers, 3))
    }

    #[test]
    fn a_flow_comes_back_from_its_file() {
        let lattice = Lattice::new(&[6, 4], LatticeOptions::default()).unwrap();
        for settings in [AffineSettings::default(), AffineSettings { hidden: 16 }] {
            let written = model(settings, 3);
            let bytes = written.to_bytes("test").unwrap();
            let model = Model::from_bytes(&bytes, "test").unwrap();
            assert_eq!(model, written);
            let entry = &model.header.architecture[1];
            assert_eq!(
                (entry.kind.as_str(), entry.settings.len()),
                ("affine-coupling", settings.hidden / 16)
            );
            assert!(model.has_exact_density());
            let (mut phi, mut log_q) = (ScalarField::zeroed(&lattice).unwrap(), [0.0]);
            let mut read = FlowOf::<f64, Scalars>::from_model(&lattice, &model).unwrap();
            read.sample(Address::new(1, Purpose::Proposal), &mut phi, &mut log_q);
            let stack = AffineCoupling::<f64>::stack(&lattice, 3, settings).unwrap();
            let mut expected = FlowOf::new(stack, written.parameters.clone()).unwrap();
            let (mut psi, mut log_p) = (ScalarField::zeroed(&lattice).unwrap(), [0.0]);
            expected.sample(Address::new(1, Purpose::Proposal), &mut psi, &mut log_p);
            assert!(phi.as_slice() == psi.as_slice() && log_q == log_p && log_q[0] != 0.0);
        }
    }

    #[test]
    fn models_of_other_theories_and_layers_are_refused() {
        let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).unwrap();
        let good = model(AffineSettings::default(), 2);
        let refused =
            |model: &Model| FlowOf::<f64, Scalars>::from_model(&lattice, model).err().unwrap().to_string();
        let error = Flow::<f64, 1>::from_model(&lattice, &good).err().unwrap().to_string();
        assert!(error.contains("for scalar in 2 dimensions, the lattice has U(1)"), "{error}");
        let mut other = good.clone();
        other.header.theory = Theory::of::<1>(2);
        assert!(refused(&other).contains("the lattice has scalar"), "{}", refused(&other));
        let mut other = good.clone();
        other.header.architecture[0].kind = "u1-coupling".into();
        assert!(refused(&other).contains("`u1-coupling`"));
        let mut other = good.clone();
        other.header.tensors.swap(0, 1);
        assert!(refused(&other).contains("tensor 0"));
        let mut other = good.clone();
        other.parameters.pop();
        assert!(refused(&other).contains("1619 parameters for 2 layers that take 1620"));
    }
}
