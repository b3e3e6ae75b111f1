//! Flows, forces and their model files: which layers, with which settings.
//!
//! A header's `architecture` has one entry a layer; a run of equal entries is one stack, whose layers take the masks in
//! turn from the first on.
//!
//! | kind | settings | tensor of layer k |
//! |---|---|---|
//! | `residual` | `sharing`: "one" or "per-staple"; `bound`: Σ\|ρ\| stays below it (absent: plain ρ) | `k.rho` |
//! | `u1-coupling` | `components`; or `map`: "spline" and `bins`; `context`: "loops" (absent: "plaquettes"); `hidden` (absent: 8) | `k.net` |
//! | `u1-block` | `half`: extents of a block's halves; `across`: direction of the cut; `bins`; `hidden` | `k.net` |
//! | `spectral` | `bins`; `hidden` (absent: 8) | `k.net` |
//! | `loop-flow` | `loops`: "leading", "next" or "second"; `knots`; `steps` | `k.coefficients` |
//! | `affine-coupling`, of scalars | `hidden` (absent: 8) | `k.net` |
//!
//! A force has one entry, `smeared-wilson`, and the tensors `couplings` (c_0…c_K) and `rho` (ρ_1…ρ_K).

use crate::file::{Header, LayerEntry, Model, ModelKind, Named, TensorEntry, Theory};
use crate::layers::{
    BlockSettings, Coefficients, CouplingSettings, LoopFlow, Loops, Residual, Sharing, Spectral,
    SpectralSettings, U1Block, U1Coupling,
};
use crate::{Flow, Layer, LearnedForce, ModelError};
use gaugelink_lattice::{Lattice, Links, Real};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::any::Any;
use std::sync::Arc;

/// What a layer is, apart from its parameters and its place in a stack.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum LayerKind {
    /// A masked residual layer, of any group.
    Residual {
        /// Its parameters.
        sharing: Sharing,
        /// The sum that Σ|ρ| stays below; without it the parameters are ρ themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bound: Option<f64>,
    },
    /// A coupling layer of U(1) in two dimensions.
    #[serde(rename = "u1-coupling")]
    U1Coupling(CouplingSettings),
    /// A block layer of U(1) in two dimensions.
    #[serde(rename = "u1-block")]
    U1Block(BlockSettings),
    /// A spectral coupling layer of SU(2) or SU(3) in two dimensions.
    Spectral(SpectralSettings),
    /// A gradient flow of Wilson loops in two dimensions, of any group.
    LoopFlow {
        /// Its loops.
        loops: Loops,
        /// Knots of their coefficients.
        knots: usize,
        /// Steps of the integrator.
        steps: usize,
    },
}

/// Most layers of a flow: more is a damaged file.
pub const LAYERS_MAX: usize = 1 << 16;

impl LayerKind {
    /// A stack of `count` of them on a lattice.
    ///
    /// # Errors
    /// [`ModelError`] where they cannot live there, or are of another group.
    pub fn stack<T: Real, const N: usize>(
        &self,
        lattice: &Arc<Lattice>,
        count: usize,
    ) -> Result<Vec<Box<dyn Layer<T, Links<N>>>>, ModelError> {
        match *self {
            Self::Residual { sharing, bound } => {
                let coefficients = bound.map_or(Coefficients::Plain, |sum| Coefficients::Bounded { sum });
                Residual::stack(lattice, coefficients, sharing, count)
            }
            Self::U1Coupling(settings) => of_u1(U1Coupling::<T>::stack(lattice, count, settings)?),
            Self::U1Block(settings) => {
                let layer = |_| -> Result<Box<dyn Layer<T, Links<1>>>, ModelError> {
                    Ok(Box::new(U1Block::new(lattice, settings)?))
                };
                of_u1((0..count).map(layer).collect::<Result<_, _>>()?)
            }
            Self::Spectral(settings) => Spectral::stack(lattice, count, settings),
            Self::LoopFlow { loops, knots, steps } => {
                let flow = |_| -> Result<Box<dyn Layer<T, Links<N>>>, ModelError> {
                    Ok(Box::new(LoopFlow::new(lattice, loops, knots, steps)?))
                };
                (0..count).map(flow).collect()
            }
        }
    }

    /// The tensor of layer `k` for N×N links in `dims` dimensions.
    fn tensor<const N: usize>(&self, k: usize, dims: usize) -> TensorEntry {
        match *self {
            Self::Residual { sharing, .. } => {
                TensorEntry::new(format!("{k}.rho"), &[Residual::<f64, N>::parameter_count(sharing, dims)])
            }
            Self::U1Coupling(settings) => {
                TensorEntry::new(format!("{k}.net"), &[U1Coupling::<f64>::parameter_count(&settings)])
            }
            Self::U1Block(settings) => {
                TensorEntry::new(format!("{k}.net"), &[U1Block::<f64>::parameter_count(&settings)])
            }
            Self::Spectral(settings) => {
                TensorEntry::new(format!("{k}.net"), &[Spectral::<f64, N>::parameter_count(&settings)])
            }
            Self::LoopFlow { loops, knots, .. } => {
                TensorEntry::new(format!("{k}.coefficients"), &[knots, loops.count(N)])
            }
        }
    }
}

/// How a model file writes a layer.
pub(crate) fn entry<K: Serialize>(layer: &K) -> LayerEntry {
    let mut settings = match serde_json::to_value(layer) {
        Ok(Value::Object(settings)) => settings,
        _ => Map::new(),
    };
    let kind = settings.remove("kind");
    LayerEntry { kind: kind.as_ref().and_then(Value::as_str).unwrap_or_default().into(), settings }
}

/// A layer as a model file writes it.
fn read_entry<K: DeserializeOwned>(entry: &LayerEntry) -> Result<K, ModelError> {
    let mut settings = entry.settings.clone();
    settings.insert("kind".into(), entry.kind.clone().into());
    serde_json::from_value(Value::Object(settings)).map_err(|error| {
        ModelError::Parameter(format!("the layer `{}` of the model cannot be used: {error}", entry.kind))
    })
}

/// The layers of a flow, of the theory that is wanted.
///
/// # Errors
/// [`ModelError::Parameter`] for a model of another kind or theory, or for a range of couplings, and for layers that are too
/// many or not known to this version.
pub(crate) fn layers_of<K: DeserializeOwned>(model: &Model, wanted: &Theory) -> Result<Vec<K>, ModelError> {
    let header = &model.header;
    if header.kind != ModelKind::Flow {
        return Err(ModelError::Parameter(format!("the model is a {:?}: give a flow", header.kind)));
    }
    header.theory.expect_theory(wanted)?;
    model.expect_one_coupling()?;
    if header.architecture.len() > LAYERS_MAX {
        let count = header.architecture.len();
        return Err(ModelError::Parameter(format!("a flow of {count} layers: {LAYERS_MAX} are the most")));
    }
    header.architecture.iter().map(read_entry).collect()
}

/// Layers of U(1) where N is 1.
fn of_u1<T: Real, const N: usize>(
    stack: Vec<Box<dyn Layer<T, Links<1>>>>,
) -> Result<Vec<Box<dyn Layer<T, Links<N>>>>, ModelError> {
    let stack: Box<dyn Any> = Box::new(stack);
    // The type for N = 1 is this one where N is 1.
    stack
        .downcast()
        .map(|stack| *stack)
        .map_err(|_| ModelError::Parameter(format!("layers of U(1) do not act on {N}x{N} matrices")))
}

impl<T: Real, const N: usize> Flow<T, N> {
    /// The flow of a model file on a lattice of any extents.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] for a model of another kind or theory, layers that this version does not know, and
    /// parameters or tensors that do not fit them; those of the layers.
    pub fn from_model(lattice: &Arc<Lattice>, model: &Model) -> Result<Self, ModelError> {
        let kinds: Vec<LayerKind> = layers_of(model, &Theory::of::<N>(lattice.dims()))?;
        let mut layers = Vec::new();
        for run in kinds.chunk_by(|a, b| a == b) {
            layers.extend(run[0].stack(lattice, run.len())?);
        }
        let flow = Self::new(layers, model.parameters.clone())?;
        model
            .header
            .expect_tensors(kinds.iter().enumerate().map(|(k, kind)| kind.tensor::<N>(k, lattice.dims())))?;
        Ok(flow)
    }
}

impl Model {
    /// Whether the log density of its flow is that of the map as it is computed, up to rounding.
    pub fn has_exact_density(&self) -> bool {
        let integrated = |layer: &LayerEntry| matches!(read_entry(layer), Ok(LayerKind::LoopFlow { .. }));
        !self.header.architecture.iter().any(integrated)
    }
}

/// A model of kind `flow` for N×N links in `dims` dimensions: `layers`, the first applied first, with the parameters of
/// one after the other.
pub fn flow_model<const N: usize>(
    dims: usize,
    action: Named,
    layers: &[LayerKind],
    parameters: Vec<f64>,
) -> Model {
    let mut header = Header::new(ModelKind::Flow, Theory::of::<N>(dims), action);
    header.architecture = layers.iter().map(entry).collect();
    header.tensors = layers.iter().enumerate().map(|(k, layer)| layer.tensor::<N>(k, dims)).collect();
    Model { header, parameters }
}

/// The layer of a learned force in model files.
const FORCE: &str = "smeared-wilson";

impl<T: Real, const N: usize> LearnedForce<T, N> {
    /// The force of a model file on a lattice of any extents.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] for a model of another kind, theory or architecture; as [`LearnedForce::new`].
    pub fn from_model(lattice: &Arc<Lattice>, model: &Model) -> Result<Self, ModelError> {
        let header = &model.header;
        header.theory.expect::<N>(lattice.dims())?;
        let layers: Vec<&str> = header.architecture.iter().map(|layer| layer.kind.as_str()).collect();
        match (header.kind, layers.as_slice(), model.tensor("couplings"), model.tensor("rho")) {
            (ModelKind::Force, [FORCE], Some(couplings), Some(rho)) => Self::new(lattice, couplings, rho),
            _ => Err(ModelError::Parameter(format!(
                "the model is a {:?} of layers {layers:?}: give a force of one layer `{FORCE}` with tensors \
                 `couplings` and `rho`",
                header.kind
            ))),
        }
    }

    /// A model of kind `force` for N×N links, standing in for `action`.
    pub fn to_model(&self, dims: usize, action: Named) -> Model {
        let mut header = Header::new(ModelKind::Force, Theory::of::<N>(dims), action);
        header.architecture = vec![LayerEntry { kind: FORCE.into(), settings: Map::new() }];
        let (couplings, rho) = (self.couplings(), self.rho());
        header.tensors =
            vec![TensorEntry::new("couplings", &[couplings.len()]), TensorEntry::new("rho", &[rho.len()])];
        Model { header, parameters: [couplings, rho].concat() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::links::rough;
    use gaugelink_lattice::LatticeOptions;

    fn action() -> Named {
        Named { name: "wilson".into(), parameters: Default::default() }
    }

    #[test]
    fn a_flow_from_a_file_is_the_flow_that_was_written() {
        let lattice = Lattice::new(&[8, 8], LatticeOptions::default()).unwrap();
        let residual = LayerKind::Residual { sharing: Sharing::PerStaple, bound: Some(0.8) };
        let settings = CouplingSettings::mixture(3);
        let coupling = LayerKind::U1Coupling(settings);
        let parameters: Vec<f64> = (0..8).map(|p| (1.3 * p as f64).sin()).collect();
        let parameters = [parameters, U1Coupling::<f64>::initial_parameters(2, &settings, 5)].concat();
        let kinds = [residual, residual, residual, residual, coupling, coupling];
        let model = flow_model::<1>(2, action(), &kinds, parameters.clone());
        let bytes = model.to_bytes("test").unwrap();
        let model = Model::from_bytes(&bytes, "test").unwrap();
        assert_eq!(model.header.architecture[5].kind, "u1-coupling");
        // Two inner convolutions, then 4 outputs of 8 × 9 weights and an offset each.
        let numbers = 736 + 4 * 73;
        assert!(model.tensor("5.net") == Some(&parameters[parameters.len() - numbers..]));
        let mut read = Flow::<f64, 1>::from_model(&lattice, &model).unwrap();
        let layers = [residual.stack::<f64, 1>(&lattice, 4), coupling.stack(&lattice, 2)];
        let layers = layers.into_iter().flat_map(Result::unwrap).collect();
        let mut written = Flow::new(layers, parameters).unwrap();
        let (mut u, mut expected) = (rough::<f64, 1>(&lattice, 0), rough::<f64, 1>(&lattice, 0));
        let (mut log_det, mut expected_log_det) = ([0.0], [0.0]);
        read.forward(&mut u, &mut log_det);
        written.forward(&mut expected, &mut expected_log_det);
        assert!(u.as_slice() == expected.as_slice() && log_det == expected_log_det && log_det[0] != 0.0);
    }

    #[test]
    fn a_loop_flow_comes_back_from_its_file() {
        let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).unwrap();
        let kind = LayerKind::LoopFlow { loops: Loops::Next, knots: 3, steps: 2 };
        let parameters = LoopFlow::<f64, 2>::expanded(Loops::Next, 3, 1.5);
        let bytes = flow_model::<2>(2, action(), &[kind], parameters.clone()).to_bytes("test").unwrap();
        let model = Model::from_bytes(&bytes, "test").unwrap();
        assert_eq!(model.header.architecture[0].settings["loops"], "next");
        assert_eq!(model.tensor("0.coefficients"), Some(&parameters[..]));
        let read = Flow::<f64, 2>::from_model(&lattice, &model).unwrap();
        assert_eq!(read.parameters(), parameters);
        let cube = Lattice::new(&[4, 4, 4], LatticeOptions::default()).unwrap();
        let model = flow_model::<2>(3, action(), &[kind], parameters);
        assert!(Flow::<f64, 2>::from_model(&cube, &model).is_err(), "three dimensions");
    }

    #[test]
    fn a_spectral_flow_comes_back_from_its_file() {
        let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).unwrap();
        let settings = SpectralSettings { bins: 3, hidden: 16 };
        let kind = LayerKind::Spectral(settings);
        let parameters = Spectral::<f64, 3>::initial_parameters(2, &settings, 5);
        let bytes = flow_model::<3>(2, action(), &[kind; 2], parameters.clone()).to_bytes("test").unwrap();
        let model = Model::from_bytes(&bytes, "test").unwrap();
        assert_eq!(model.header.architecture[1].kind, "spectral");
        assert!(model.has_exact_density());
        // Four traces to 16 channels, 16 to 16, 16 to ten numbers for each of two splines.
        let numbers = (9 * 4 + 1) * 16 + (9 * 16 + 1) * 16 + (9 * 16 + 1) * 20;
        assert_eq!(model.tensor("1.net"), Some(&parameters[numbers..]));
        let mut read = Flow::<f64, 3>::from_model(&lattice, &model).unwrap();
        assert_eq!(read.parameters(), parameters);
        let mut written = Flow::new(Spectral::stack(&lattice, 2, settings).unwrap(), parameters).unwrap();
        let (mut u, mut expected) = (rough::<f64, 3>(&lattice, 0), rough::<f64, 3>(&lattice, 0));
        let (mut log_det, mut expected_log_det) = ([0.0], [0.0]);
        read.forward(&mut u, &mut log_det);
        written.forward(&mut expected, &mut expected_log_det);
        assert!(u.as_slice() == expected.as_slice() && log_det == expected_log_det && log_det[0] != 0.0);
    }

    #[test]
    fn a_force_comes_back_from_its_file() {
        let lattice = Lattice::new(&[4, 4, 4], LatticeOptions::default()).unwrap();
        let force = LearnedForce::<f64, 2>::new(&lattice, &[1.5, -0.25], &[0.11]).unwrap();
        let bytes = force.to_model(3, action()).to_bytes("test").unwrap();
        let model = Model::from_bytes(&bytes, "test").unwrap();
        let read = LearnedForce::<f64, 2>::from_model(&lattice, &model).unwrap();
        assert_eq!((read.couplings(), read.rho()), (force.couplings(), force.rho()));
        assert!(LearnedForce::<f64, 3>::from_model(&lattice, &model).is_err(), "another group");
        let flow = flow_model::<2>(3, action(), &[], vec![]);
        let error = LearnedForce::<f64, 2>::from_model(&lattice, &flow).err().unwrap().to_string();
        assert!(error.contains("smeared-wilson"), "{error}");
    }

    #[test]
    fn models_of_other_kinds_and_layers_are_refused() {
        let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).unwrap();
        let residual = LayerKind::Residual { sharing: Sharing::One, bound: None };
        let model = flow_model::<2>(2, action(), &[residual; 2], vec![0.1; 2]);
        let refused = |model: &Model| match Flow::<f64, 2>::from_model(&lattice, model) {
            Ok(_) => panic!("{model:?} was taken"),
            Err(error) => error.to_string(),
        };
        assert!(Flow::<f64, 2>::from_model(&lattice, &model).is_ok());
        assert!(Flow::<f64, 3>::from_model(&lattice, &model).is_err(), "another group");
        let mut other = model.clone();
        other.header.kind = ModelKind::Force;
        assert!(refused(&other).contains("give a flow"));
        let mut other = model.clone();
        other.header.architecture[0].kind = "unheard-of".into();
        assert!(refused(&other).contains("`unheard-of`"));
        let mut other = model.clone();
        other.header.architecture.push(entry(&residual));
        assert!(refused(&other).contains("2 parameters for 3 layers"));
        let mut other = model.clone();
        other.header.tensors.swap(0, 1);
        assert!(
            refused(&other).contains("tensor 0 of the model is `1.rho` [1], its layers take `0.rho` [1]")
        );
        let mut other = model.clone();
        other.header.tensors[1].shape = vec![1, 1];
        assert!(refused(&other).contains("tensor 1 of the model is `1.rho` [1, 1]"));
        let mut other = model.clone();
        other.header.tensors.pop();
        assert!(refused(&other).contains("tensor 1 of the model is missing"));
        let mut other = model.clone();
        other.header.tensors.push(TensorEntry::new("2.rho", &[0]));
        assert!(refused(&other).contains("its layers take none"));
        let settings = CouplingSettings::mixture(1);
        let coupling = LayerKind::U1Coupling(settings);
        let parameters = vec![0.0; U1Coupling::<f64>::parameter_count(&settings)];
        assert!(refused(&flow_model::<2>(2, action(), &[coupling], parameters)).contains("2x2"));
    }
}
