//! The symmetric parallel-transport convolution: an approximate inverse of Wilson's operator from three numbers.
//!
//! M ψ(x) = a0 ψ(x) + a1 Σ_mu [(T_mu + T_−mu) ψ](x) + a2 Σ_mu γ_mu [(T_mu − T_−mu) ψ](x), where T_mu ψ(x) = U_mu(x)
//! ψ(x+mu) and T_−mu ψ(x) = U_mu(x−mu)† ψ(x−mu). It is what a layer of nearest neighbours (Lehner and Wettig 2023,
//! arXiv:2302.05419) may have once it respects rotations by 90°, reflections and M† = γ5 M γ5; its 144 weights are then
//! three. With a1 Σ (T + T₋) + a2 Σ γ (T − T₋) = ½ (a1 − a2) H + ½ (a1 + a2) H† the kernel is that of Wilson's hop.

use crate::ModelError;
use crate::file::{Header, LayerEntry, Model, ModelKind, Named, TensorEntry, Theory};
use gaugelink_lattice::{LatticeError, Real};
use gaugelink_physics::dirac::{SPINS, SpinorField, Wilson, hop_flops};
use gaugelink_physics::solver::{LinearOperator, Preconditioner};
use serde_json::{Map, json};
use std::error::Error;
use std::ops::Range;

/// The layer's name in model files.
const LAYER: &str = "parallel-transport-symmetric";
/// The tensor's name in model files.
const TENSOR: &str = "0.weights";

/// The numbers of the layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransportWeights {
    /// a0, of the site itself.
    pub site: f64,
    /// a1, of T_mu + T_−mu.
    pub hop: f64,
    /// a2, of γ_mu (T_mu − T_−mu).
    pub spin_hop: f64,
}

impl TransportWeights {
    /// Those of M† = γ5 M γ5.
    pub fn adjoint(self) -> Self {
        Self { spin_hop: -self.spin_hop, ..self }
    }

    /// a, b, c of M = a + b H + c H†.
    fn hops(self) -> [f64; 3] {
        [self.site, 0.5 * (self.hop - self.spin_hop), 0.5 * (self.hop + self.spin_hop)]
    }

    fn tensors() -> [TensorEntry; 1] {
        [TensorEntry::new(TENSOR, &[3])]
    }

    /// A model of kind `precond` for Wilson's operator of `mass` on N×N links.
    pub fn to_model<const N: usize>(self, mass: f64) -> Model {
        let parameters = Map::from_iter([("mass".to_string(), json!(mass))]);
        let operator = Named { name: "wilson".into(), parameters };
        let mut header = Header::new(ModelKind::Precond, Theory::of::<N>(4), operator);
        header.architecture = vec![LayerEntry { kind: LAYER.into(), settings: Map::new() }];
        header.tensors = Self::tensors().into();
        Model { header, parameters: vec![self.site, self.hop, self.spin_hop] }
    }

    /// The weights in a model file for N×N links.
    ///
    /// # Errors
    /// [`ModelError::Parameter`] for a model of another kind, theory, architecture or tensor.
    pub fn from_model<const N: usize>(model: &Model) -> Result<Self, ModelError> {
        let header = &model.header;
        header.theory.expect::<N>(4)?;
        let layers: Vec<&str> = header.architecture.iter().map(|layer| layer.kind.as_str()).collect();
        match (header.kind, layers.as_slice(), model.parameters.as_slice()) {
            (ModelKind::Precond, [LAYER], &[site, hop, spin_hop]) => {
                header.expect_tensors(Self::tensors())?;
                Ok(Self { site, hop, spin_hop })
            }
            _ => Err(ModelError::Parameter(format!(
                "the model is a {:?} of layers {layers:?} with {} parameters: give a preconditioner of one layer \
                 `{LAYER}` with 3",
                header.kind,
                model.parameters.len()
            ))),
        }
    }
}

/// The layer on the links and boundary of an operator.
#[derive(Clone, Copy, Debug)]
pub struct ParallelTransport<'d, T, const N: usize> {
    wilson: &'d Wilson<'d, T, N>,
    weights: TransportWeights,
}

impl<'d, T: Real, const N: usize> ParallelTransport<'d, T, N> {
    /// The layer with `weights` for `wilson`.
    pub fn new(wilson: &'d Wilson<'d, T, N>, weights: TransportWeights) -> Self {
        Self { wilson, weights }
    }
    /// Its numbers.
    pub fn weights(&self) -> TransportWeights {
        self.weights
    }
}

impl<T: Real, const N: usize> LinearOperator<T> for ParallelTransport<'_, T, N> {
    type Vector = SpinorField<T, N>;

    fn vector(&self) -> Result<SpinorField<T, N>, LatticeError> {
        self.wilson.vector()
    }
    fn blocks(&self) -> Range<usize> {
        self.wilson.blocks()
    }
    fn apply(&self, out: &mut SpinorField<T, N>, psi: &SpinorField<T, N>) {
        self.wilson.both_hops(out, psi, self.weights.hops());
    }
    fn apply_dagger(&self, out: &mut SpinorField<T, N>, psi: &SpinorField<T, N>) {
        self.wilson.both_hops(out, psi, self.weights.adjoint().hops());
    }
    fn flops(&self) -> f64 {
        // a ψ + b h + c h': five operations for each real number.
        let site = 2 * hop_flops::<2>(N) + 5 * 2 * SPINS * N;
        site as f64 * self.wilson.links().lattice().volume() as f64
    }
}

impl<T: Real, const N: usize> Preconditioner<SpinorField<T, N>> for ParallelTransport<'_, T, N> {
    fn apply(
        &mut self,
        z: &mut SpinorField<T, N>,
        r: &SpinorField<T, N>,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        LinearOperator::apply(self, z, r);
        Ok(())
    }
    fn flops(&self) -> f64 {
        LinearOperator::flops(self)
    }
}
