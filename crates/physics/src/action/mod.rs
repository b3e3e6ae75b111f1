//! Actions: terms of the molecular-dynamics Hamiltonian that depend on the links.

mod exact_determinant;
mod force;
mod improved;
mod phi4;
mod pseudofermion;
mod rational;
mod rectangle;
mod site_determinant;
mod staple;
mod term;
mod wilson;
mod zolotarev;

pub use exact_determinant::ExactDeterminant;
pub use force::{accumulate_staple_force, record_staple_force};
pub use improved::{DBW2, IWASAKI, ImprovedAction, SYMANZIK};
pub use phi4::{FreeScalar, Phi4};
pub use pseudofermion::{Pseudofermions, Solves};
pub use rational::RationalPseudofermions;
pub use rectangle::{accumulate_rectangle_force, rectangle_workspace};
pub use site_determinant::SiteDeterminant;
pub use staple::staple;
pub(crate) use term::told;
pub use term::{Term, TermError};
pub use wilson::WilsonAction;
pub use zolotarev::Zolotarev;

use gaugelink_lattice::{GaugeField, MomentumField};

/// A term of the molecular-dynamics Hamiltonian that depends on the links.
pub trait Action<const N: usize>: Sync {
    /// The action and its parameters, in words.
    fn name(&self) -> String;
    /// S(U) for each chain. Collective.
    fn value(&self, u: &GaugeField<f64, N>) -> Vec<f64>;
    /// π ← π − ε ∂S, fused, no temporary field. Collective. Momenta have no ghosts that anyone reads: they are not
    /// exchanged.
    fn kick(&self, u: &GaugeField<f64, N>, p: &mut MomentumField<f64, N>, epsilon: f64);
}

/// A force that kicks the momenta: the gradient of an [`Action`], or an estimate of one, which no action needs to have.
pub trait Force<const N: usize>: Sync {
    /// The force and its parameters, in words.
    fn name(&self) -> String;
    /// π ← π − ε F(U); F is a function of the links alone, the same bits whenever it is asked for. Collective. Momenta
    /// are not exchanged.
    fn kick(&self, u: &GaugeField<f64, N>, p: &mut MomentumField<f64, N>, epsilon: f64);
}

impl<const N: usize, A: Action<N>> Force<N> for A {
    fn name(&self) -> String {
        Action::name(self)
    }

    fn kick(&self, u: &GaugeField<f64, N>, p: &mut MomentumField<f64, N>, epsilon: f64) {
        Action::kick(self, u, p, epsilon);
    }
}
