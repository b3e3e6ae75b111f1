//! The kernels that devices have, and whether they compute what the CPU computes.

mod check;

pub(crate) use check::{Comparison, check};

use gaugelink_device::KernelText;
use gaugelink_lattice::{DIM_MAX, Real};
use gaugelink_models::layers::record_forward;
use gaugelink_physics::action::record_staple_force;
use gaugelink_physics::dirac::record_wilson;

/// What a kernel computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// Wilson's operator, or its adjoint.
    Wilson { dagger: bool },
    /// The force of the plaquettes, added to momenta.
    Force,
    /// A masked residual sub-layer that moves the links of a direction.
    Residual { mu: usize },
}

impl Kernel {
    /// All of them, in four dimensions.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Wilson { dagger: false }, Self::Wilson { dagger: true }, Self::Force]
            .into_iter()
            .chain((0..DIM_MAX).map(|mu| Self::Residual { mu }))
    }

    fn stem(self) -> String {
        match self {
            Self::Wilson { dagger: false } => "wilson".into(),
            Self::Wilson { dagger: true } => "wilson_dagger".into(),
            Self::Force => "force".into(),
            Self::Residual { mu } => format!("residual_{}", ["x", "y", "z", "t"][mu]),
        }
    }

    /// Its name, e.g. `wilson_su3_f64`.
    pub fn name<T: Real, const N: usize>(self) -> String {
        let group = if N == 1 { "u1".into() } else { format!("su{N}") };
        format!("{}_{group}_f{}", self.stem(), T::BITS)
    }

    /// Its text.
    pub fn text<T: Real, const N: usize>(self) -> KernelText {
        let program = match self {
            Self::Wilson { dagger: false } => record_wilson::<T, N, false>(),
            Self::Wilson { dagger: true } => record_wilson::<T, N, true>(),
            Self::Force => record_staple_force::<T, N>(DIM_MAX),
            Self::Residual { mu } => record_forward::<T, N>(DIM_MAX, mu),
        };
        KernelText::of(&self.name::<T, N>(), &program)
    }
}

/// The texts of all kernels, for each group and precision.
pub(crate) fn texts() -> Vec<KernelText> {
    fn of<T: Real, const N: usize>() -> impl Iterator<Item = KernelText> {
        Kernel::all().map(Kernel::text::<T, N>)
    }
    let double = of::<f64, 1>().chain(of::<f64, 2>()).chain(of::<f64, 3>());
    let single = of::<f32, 1>().chain(of::<f32, 2>()).chain(of::<f32, 3>());
    double.chain(single).chain([KernelText::sum::<f64>(), KernelText::sum::<f32>()]).collect()
}
