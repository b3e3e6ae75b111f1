//! What a model file says about its model.
//!
//! Keys that this version does not know are kept on reading and written back.

use crate::ModelError;
use gaugelink_lattice::group::group_name;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// The conventions of signs and norms that parameters assume: docs/conventions.md, version 1.
pub const CONVENTIONS: &str = "gaugelink-conventions/1";

/// What a model of a real scalar has in the place of a group.
pub const SCALAR: &str = "scalar";

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// A map of links with its Jacobian.
    Flow,
    /// An estimator of the force of an action.
    Force,
    /// An approximate inverse of a Dirac operator.
    Precond,
}

/// The fields that a model acts on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Theory {
    /// "U(1)", "SU(2)" or "SU(3)" for links, "scalar" for a real scalar.
    pub group: String,
    /// Dimensions of the lattice.
    pub dims: usize,
}

impl Theory {
    /// Links of N×N matrices on a lattice of `dims` dimensions.
    pub fn of<const N: usize>(dims: usize) -> Self {
        Self { group: group_name(N), dims }
    }

    /// A real scalar on the sites of a lattice of `dims` dimensions.
    pub fn scalar(dims: usize) -> Self {
        Self { group: SCALAR.into(), dims }
    }

    /// Refuses a model of another theory than of links of N×N matrices.
    ///
    /// # Errors
    /// [`ModelError::Parameter`].
    pub fn expect<const N: usize>(&self, dims: usize) -> Result<(), ModelError> {
        self.expect_theory(&Self::of::<N>(dims))
    }

    /// Refuses a model of another theory than the one wanted.
    ///
    /// # Errors
    /// [`ModelError::Parameter`].
    pub fn expect_theory(&self, wanted: &Self) -> Result<(), ModelError> {
        if self == wanted {
            return Ok(());
        }
        Err(ModelError::Parameter(format!(
            "the model is for {} in {} dimensions, the lattice has {} in {}: use a model trained for it",
            self.group, self.dims, wanted.group, wanted.dims
        )))
    }
}

/// An action or operator: its name and its parameters, as in a run file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Named {
    /// "wilson" and the like.
    pub name: String,
    /// Values by name: beta, mass, …
    #[serde(default)]
    pub parameters: Map<String, Value>,
}

/// One layer: what it is, and its settings, which are the layer's own to interpret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerEntry {
    /// The layer's type.
    pub kind: String,
    /// All other keys.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

/// A stretch of the flat vector of parameters: one tensor of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorEntry {
    /// Unique in the model; by custom "layer.meaning", as in "0.rho".
    pub name: String,
    /// Extents, the last index fastest; empty for one number.
    pub shape: Vec<usize>,
}

impl TensorEntry {
    /// A tensor's name and extents.
    pub fn new(name: impl Into<String>, shape: &[usize]) -> Self {
        Self { name: name.into(), shape: shape.to_vec() }
    }

    /// How many numbers it holds, `None` beyond what fits into memory addresses.
    pub fn numbers(&self) -> Option<usize> {
        self.shape.iter().try_fold(1usize, |product, &extent| product.checked_mul(extent))
    }
}

/// How the parameters came about: what decides them, and no times, so that equal trainings make equal files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Optimiser steps; 0 for a closed form.
    pub steps: u64,
    /// Samples a step.
    pub batch: u64,
    /// Version of the program.
    pub version: String,
    /// Anything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How good the model was found to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Effective sample size per sample, in (0, 1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ess: Option<f64>,
    /// Samples behind the numbers: an ESS means nothing without them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
    /// Final loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Anything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Everything in a model file but the numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// What it is for.
    pub kind: ModelKind,
    /// What it acts on.
    pub theory: Theory,
    /// The action that a flow samples or a force is the gradient of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Named>,
    /// The operator that a preconditioner inverts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Named>,
    /// [`CONVENTIONS`].
    pub conventions: String,
    /// Layers, the first applied first.
    pub architecture: Vec<LayerEntry>,
    /// The tensors whose numbers, one after another, are the vector of parameters.
    pub tensors: Vec<TensorEntry>,
    /// Where the parameters come from.
    #[serde(default)]
    pub training: Training,
    /// What is known about the quality.
    #[serde(default)]
    pub measured: Measured,
    /// Keys of later versions.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Header {
    /// A header of these conventions, with nothing trained and nothing measured yet.
    pub fn new(kind: ModelKind, theory: Theory, target: Named) -> Self {
        let (action, operator) = match kind {
            ModelKind::Precond => (None, Some(target)),
            ModelKind::Flow | ModelKind::Force => (Some(target), None),
        };
        Self {
            kind,
            theory,
            action,
            operator,
            conventions: CONVENTIONS.into(),
            architecture: Vec::new(),
            tensors: Vec::new(),
            training: Training::default(),
            measured: Measured::default(),
            other: Map::new(),
        }
    }

    /// Refuses a model whose tensors are not those of its layers, name by name: its numbers would come to mean something
    /// else.
    ///
    /// # Errors
    /// [`ModelError::Parameter`].
    pub fn expect_tensors(&self, wanted: impl IntoIterator<Item = TensorEntry>) -> Result<(), ModelError> {
        let (mut found, mut wanted) = (self.tensors.iter(), wanted.into_iter());
        for k in 0.. {
            let (found, wanted) = match (found.next(), wanted.next()) {
                (None, None) => break,
                (Some(found), Some(wanted)) if *found == wanted => continue,
                other => other,
            };
            let words = |tensor: &TensorEntry| format!("`{}` {:?}", tensor.name, tensor.shape);
            return Err(ModelError::Parameter(format!(
                "tensor {k} of the model is {}, its layers take {}: train or export it again",
                found.map_or("missing".into(), words),
                wanted.as_ref().map_or("none".into(), words)
            )));
        }
        Ok(())
    }

    /// What is wrong with it, for a vector of `parameters` numbers.
    pub(super) fn complaint(&self, parameters: usize) -> Option<String> {
        if self.conventions != CONVENTIONS {
            return Some(format!(
                "its conventions are \"{}\", this version has \"{CONVENTIONS}\"",
                self.conventions
            ));
        }
        let (target, key) = match self.kind {
            ModelKind::Precond => (&self.operator, "operator"),
            ModelKind::Flow | ModelKind::Force => (&self.action, "action"),
        };
        if target.is_none() {
            return Some(format!("its header has no `{key}`"));
        }
        let (mut total, mut names) = (Some(0usize), HashSet::with_capacity(self.tensors.len()));
        for tensor in &self.tensors {
            if !names.insert(tensor.name.as_str()) {
                return Some(format!("two tensors are called `{}`", tensor.name));
            }
            total = total.zip(tensor.numbers()).and_then(|(sum, n)| sum.checked_add(n));
        }
        match total {
            Some(total) if total == parameters => None,
            Some(total) => Some(format!("its tensors hold {total} numbers, its parameters are {parameters}")),
            None => Some("its tensors are larger than any memory".into()),
        }
    }
}
