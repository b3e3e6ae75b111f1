//! Control variates: functions of the links whose average in e^{−S} is zero, whatever S.
//!
//! By partial integration, for any function f of the links,
//!
//! ```text
//! ⟨∂S·∂f − Δf⟩ = 0        Δ = Σ ∂^a∂^a over links and a
//! ```
//!
//! which are Schwinger–Dyson equations (Assaraf and Caffarel, Phys. Rev. Lett. 83 (1999) 4682; for lattice fields Bedaque and
//! Oh, arXiv:2307.08096). Taken off an observable with the right coefficients they leave its average and take its
//! fluctuations away: the f that does it is a solution of −Δf + ∂S·∂f = O − ⟨O⟩, Lüscher's equation of a trivializing map at
//! t = 1, for which his loops W_i are a basis.

use gaugelink_lattice::group::algebra_dim;
use gaugelink_lattice::{GaugeField, Lattice, LatticeError, MomentumField};
use gaugelink_models::ModelError;
use gaugelink_models::layers::{LoopField, Loops};
use gaugelink_physics::action::{Action, WilsonAction};
use gaugelink_physics::observable::plaquette;
use std::sync::Arc;

/// t ∂S·∂W_i − ΔW_i of each chain, `[chain][i]`, from the slopes ∂S; without the constants that Laplacians have. Collective.
pub fn loop_features<const N: usize>(
    loops: &mut LoopField<f64, N>,
    u: &GaugeField<f64, N>,
    slopes: &MomentumField<f64, N>,
    t: f64,
) -> Vec<Vec<f64>> {
    let (count, chains) = (loops.set().count(), u.lattice().chains());
    let sums = loops.values_along(u, slopes);
    let of_chain = |chain: usize| {
        let at = |k: usize| sums[k * chains + chain];
        let values: Vec<f64> = (0..count).map(|i| at(2 * i)).collect();
        let laplacians = loops.set().laplacian_back(&values, 0.0);
        (0..count).map(|i| t * at(2 * i + 1) - laplacians[i]).collect()
    };
    (0..chains).map(of_chain).collect()
}

/// The functions, and room to compute them.
pub struct Controls<const N: usize> {
    /// Those with more than the plaquette, in two dimensions, and the constants of their Laplacians.
    loops: Option<(LoopField<f64, N>, Vec<f64>)>,
    slopes: MomentumField<f64, N>,
    /// ∂ of the plaquettes' sum, where it is all that there is.
    plaquettes: Option<MomentumField<f64, N>>,
}

impl<const N: usize> Controls<N> {
    /// Those of a set of loops: of the plaquette alone in any dimension, of others in two.
    ///
    /// # Errors
    /// [`ModelError::Geometry`] for a lattice that the loops are not for; no memory.
    pub fn new(lattice: &Arc<Lattice>, loops: Loops) -> Result<Self, ModelError> {
        let field = || -> Result<_, LatticeError> { MomentumField::zeroed(lattice) };
        let slopes = field()?;
        Ok(match loops {
            Loops::Leading => Self { loops: None, slopes, plaquettes: Some(field()?) },
            _ => {
                let field = LoopField::new(lattice, loops.order())?;
                let none = vec![0.0; field.set().count()];
                let constants = field.set().laplacian_back(&none, lattice.volume() as f64);
                Self { loops: Some((field, constants)), slopes, plaquettes: None }
            }
        })
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.loops.as_ref().map_or(1, |(_, constants)| constants.len())
    }

    /// ∂S·∂W_i − ΔW_i of each chain, `[chain][i]`; that of the plaquettes alone has W = Σ Re tr P / N. Collective.
    pub fn values(&mut self, u: &GaugeField<f64, N>, action: &dyn Action<N>) -> Vec<Vec<f64>> {
        self.slopes.set_zero();
        action.kick(u, &mut self.slopes, -1.0);
        if let Some((loops, constants)) = &mut self.loops {
            let mut all = loop_features(loops, u, &self.slopes, 1.0);
            for values in &mut all {
                values.iter_mut().zip(&*constants).for_each(|(value, constant)| *value -= constant);
            }
            return all;
        }
        let Some(gradient) = &mut self.plaquettes else { unreachable!("plaquettes or loops") };
        // Wilson's action at β = 1 is −W and a constant.
        WilsonAction::new(1.0).accumulate(u, gradient, 1.0, 0.0);
        let dims = u.lattice().dims();
        let plaquettes = (dims * (dims - 1) / 2 * u.lattice().volume()) as f64;
        // Each of its four links is once in a plaquette: Σ_a ∂^a∂^a tr P = −C_F tr P for each.
        let casimir = if N == 1 { 1.0 } else { algebra_dim(N) as f64 / (2 * N) as f64 };
        let along = self.slopes.dot(gradient);
        let value = |(along, average): (f64, f64)| vec![4.0 * casimir * plaquettes * average - along];
        along.into_iter().zip(plaquette(u)).map(value).collect()
    }
}
