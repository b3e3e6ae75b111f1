//! What removes the errors that test vectors do not span.
//!
//! Minimal residual on the even-odd form S: α = ⟨S r, r⟩ / ‖S r‖², x += α r, r −= α S r on the odd sites, then the even ones
//! from these.

use crate::PhysicsError;
use crate::dirac::blocks::Blocks;
use crate::dirac::even_odd::Schur;
use crate::dirac::schwarz::{Sap, SapParameters};
use crate::dirac::spinor::SpinorField;
use crate::dirac::wilson::Wilson;
use crate::solver::{LinearOperator, vector};
use gaugelink_lattice::{Complex, Real};
use std::sync::Arc;

/// The smoother of a multigrid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Smoother {
    /// The Schwarz alternating procedure.
    Schwarz(SapParameters),
    /// Minimal residual on the even-odd form.
    EvenOdd {
        /// Steps.
        steps: usize,
    },
}

/// A smoother with its fields.
#[derive(Debug)]
pub(super) enum Smoothing<'d, T, const N: usize> {
    Schwarz(Box<Sap<'d, T, N>>),
    EvenOdd(Box<EvenOdd<'d, T, N>>),
}

impl<'d, T: Real, const N: usize> Smoothing<'d, T, N> {
    /// # Errors
    /// As [`Sap::new`] and [`Schur::odd`]; no memory.
    pub fn new(
        wilson: &'d Wilson<'d, T, N>,
        smoother: Smoother,
        blocks: &Arc<Blocks<T>>,
    ) -> Result<Self, PhysicsError> {
        Ok(match smoother {
            Smoother::Schwarz(parameters) if parameters.block == *blocks.extents() => {
                Self::Schwarz(Box::new(Sap::on(wilson, parameters, blocks.clone())?))
            }
            Smoother::Schwarz(parameters) => Self::Schwarz(Box::new(Sap::new(wilson, parameters)?)),
            Smoother::EvenOdd { steps } => Self::EvenOdd(Box::new(EvenOdd::new(wilson, steps)?)),
        })
    }

    /// x += an approximation of D⁻¹ (b − D x). Collective.
    pub fn smooth(&mut self, x: &mut SpinorField<T, N>, b: &SpinorField<T, N>) {
        match self {
            Self::Schwarz(sap) => sap.cycles(x, b, false),
            Self::EvenOdd(steps) => steps.smooth(x, b),
        }
    }

    /// Floating-point operations of that.
    pub fn flops(&self) -> f64 {
        match self {
            Self::Schwarz(sap) => sap.cycle_flops(false),
            // Source and reconstruction are as much as one S.
            Self::EvenOdd(steps) => steps.flops() + steps.schur.flops(),
        }
    }

    /// The same for S x = b on odd sites, with A b on odd sites of `odd`, whose others may hold anything; its operations.
    /// Collective.
    pub fn smooth_odd(
        &mut self,
        x: &mut SpinorField<T, N>,
        b: &SpinorField<T, N>,
        odd: &mut SpinorField<T, N>,
    ) -> f64 {
        match self {
            Self::EvenOdd(smoother) => {
                smoother.smooth_odd(x, b);
                smoother.flops()
            }
            Self::Schwarz(sap) => {
                for field in [&mut *x, odd] {
                    clear_even(field);
                }
                sap.cycles(x, odd, false);
                sap.cycle_flops(false)
            }
        }
    }
}

/// Puts the even sites to zero.
fn clear_even<T: Real, const N: usize>(field: &mut SpinorField<T, N>) {
    let even = field.layout().parity_blocks(0).len() * SpinorField::<T, N>::REALS * T::LANES;
    field.as_mut_slice()[..even].fill(T::default());
    field.exchange();
}

/// Minimal residual on the even-odd form.
#[derive(Debug)]
pub(super) struct EvenOdd<'d, T, const N: usize> {
    schur: Schur<'d, T, N>,
    steps: usize,
    source: SpinorField<T, N>,
    r: SpinorField<T, N>,
    t: SpinorField<T, N>,
}

impl<'d, T: Real, const N: usize> EvenOdd<'d, T, N> {
    fn new(wilson: &'d Wilson<'d, T, N>, steps: usize) -> Result<Self, PhysicsError> {
        if steps == 0 {
            return Err(PhysicsError::Parameter(
                "a smoother of 0 steps does nothing: give at least 1".into(),
            ));
        }
        let schur = Schur::odd(wilson)?;
        Ok(Self { steps, source: schur.vector()?, r: schur.vector()?, t: schur.vector()?, schur })
    }

    fn smooth(&mut self, x: &mut SpinorField<T, N>, b: &SpinorField<T, N>) {
        self.schur.source(&mut self.source, b);
        steps_of(&self.schur, self.steps, (x, &self.source), (&mut self.r, &mut self.t));
        self.schur.reconstruct(x, b);
    }

    /// The steps for S x = b on odd sites.
    fn smooth_odd(&mut self, x: &mut SpinorField<T, N>, b: &SpinorField<T, N>) {
        steps_of(&self.schur, self.steps, (x, b), (&mut self.r, &mut self.t));
    }

    /// Operations of the steps.
    fn flops(&self) -> f64 {
        (self.steps + 1) as f64 * self.schur.flops()
    }
}

/// Steps for S x = b, with room for two fields.
fn steps_of<T: Real, const N: usize>(
    schur: &Schur<'_, T, N>,
    steps: usize,
    (x, b): (&mut SpinorField<T, N>, &SpinorField<T, N>),
    (r, t): (&mut SpinorField<T, N>, &mut SpinorField<T, N>),
) {
    let blocks = LinearOperator::blocks(schur);
    let mut sums = [0.0; 3];
    schur.apply(r, x);
    vector::subtract_from(r, b, blocks.clone(), &mut sums[..1]);
    for _ in 0..steps {
        r.exchange();
        schur.apply(t, r);
        vector::inner_product_and_norm2(t, r, blocks.clone(), &mut sums);
        let [re, im, norm2] = sums;
        if norm2 == 0.0 {
            break;
        }
        let alpha = Complex::new(re, im).scale(1.0 / norm2);
        vector::subtract(x, &[-alpha], r, blocks.clone());
        vector::subtract(r, &[alpha], t, blocks.clone());
    }
    x.exchange();
}
