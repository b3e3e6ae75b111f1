//! A preconditioner of lower precision in a solve of higher precision.

use super::operator::LinearOperator;
use super::preconditioner::Preconditioner;
use gaugelink_lattice::{Field, LatticeError, Real};
use std::error::Error;
use std::ops::DerefMut;

/// `P` on fields `Y`, with what it is given rounded and its answer taken back.
#[derive(Debug)]
pub struct Rounded<P, Y> {
    inner: P,
    r: Y,
    z: Y,
}

impl<P, Y> Rounded<P, Y> {
    /// `inner`, a preconditioner for `low` or another operator on the same lattice.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn new<S: Real>(inner: P, low: &impl LinearOperator<S, Vector = Y>) -> Result<Self, LatticeError> {
        Ok(Self { inner, r: low.vector()?, z: low.vector()? })
    }

    /// The preconditioner.
    pub fn inner(&self) -> &P {
        &self.inner
    }
    /// The preconditioner, to be changed.
    pub fn inner_mut(&mut self) -> &mut P {
        &mut self.inner
    }
}

impl<T: Real, S: Real, X, Y, P: Preconditioner<Y>> Preconditioner<X> for Rounded<P, Y>
where
    X: DerefMut<Target = Field<T>>,
    Y: DerefMut<Target = Field<S>>,
{
    fn apply(&mut self, z: &mut X, r: &X) -> Result<(), Box<dyn Error + Send + Sync>> {
        r.convert_to(&mut self.r);
        self.inner.apply(&mut self.z, &self.r)?;
        self.z.convert_to(z);
        Ok(())
    }
    fn flops(&self) -> f64 {
        self.inner.flops()
    }
}
