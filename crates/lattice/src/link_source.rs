//! Where a site body finds the links around its site: in a block of a field, or in a recording.

use crate::gauge::LinkReader;
use crate::group::Matrix;
use crate::number::recorder::{FieldHandle, Recorded, Recorder};
use crate::number::{Lanes, Num, Real};

/// The links around one site, as site bodies ask for them.
pub trait LinkSource<V: Num, const N: usize> {
    /// U_mu(x).
    fn here(&self, mu: usize) -> Matrix<V, N>;
    /// U_mu one step away.
    fn beside(&self, step: usize, mu: usize) -> Matrix<V, N>;
    /// U_mu two steps away.
    fn corner(&self, steps: [usize; 2], mu: usize) -> Matrix<V, N>;
    /// Tells that the links so far are done with: a recording then keeps none of them.
    #[inline(always)]
    fn done(&self) {}
}

/// The links around a block of a field.
#[derive(Clone, Copy)]
pub struct BlockLinks<'a, T, const N: usize> {
    /// The field.
    pub links: LinkReader<'a, T, N>,
    /// The block.
    pub block: usize,
}

impl<T: Real, V: Lanes<Scalar = T>, const N: usize> LinkSource<V, N> for BlockLinks<'_, T, N> {
    #[inline(always)]
    fn here(&self, mu: usize) -> Matrix<V, N> {
        self.links.at(self.block, mu)
    }
    #[inline(always)]
    fn beside(&self, step: usize, mu: usize) -> Matrix<V, N> {
        self.links.next(self.links.0.layout().neighbour(self.block, step), mu)
    }
    #[inline(always)]
    fn corner(&self, [first, second]: [usize; 2], mu: usize) -> Matrix<V, N> {
        self.links.next(self.links.0.layout().neighbour2(self.block, first, second), mu)
    }
}

/// The links around the site of a recording.
pub struct RecordedLinks<'r, T> {
    /// The recording.
    pub recorder: &'r Recorder<T>,
    /// The link field.
    pub field: FieldHandle,
}

impl<T: Real, const N: usize> LinkSource<Recorded<T>, N> for RecordedLinks<'_, T> {
    fn here(&self, mu: usize) -> Matrix<Recorded<T>, N> {
        self.recorder.matrix(self.field, mu * 2 * N * N, self.recorder.here())
    }
    fn beside(&self, step: usize, mu: usize) -> Matrix<Recorded<T>, N> {
        let place = self.recorder.step(self.recorder.here(), step);
        self.recorder.matrix(self.field, mu * 2 * N * N, place)
    }
    fn corner(&self, [first, second]: [usize; 2], mu: usize) -> Matrix<Recorded<T>, N> {
        let place = self.recorder.step(self.recorder.step(self.recorder.here(), first), second);
        self.recorder.matrix(self.field, mu * 2 * N * N, place)
    }
    fn done(&self) {
        self.recorder.forget();
    }
}
