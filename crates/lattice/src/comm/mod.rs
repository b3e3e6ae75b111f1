//! Talking between the ranks of one lattice.

mod single;
mod threads;

pub use single::SingleRank;
pub use threads::{ThreadRank, run_ranks, try_run_ranks};

/// The ranks that share a lattice. All calls but [`Comm::exchange`] are collective: every rank makes the same ones
/// in the same order.
pub trait Comm: Send + Sync {
    /// This rank's number, from 0.
    fn rank(&self) -> usize;
    /// Number of ranks.
    fn ranks(&self) -> usize;
    /// Sends `sent` to rank `to` and receives `received.len()` bytes from rank `from`; all ranks take part.
    fn exchange(&self, to: usize, sent: &[u8], from: usize, received: &mut [u8]);
    /// Adds `values` element-wise over all ranks; wrapping, so exact for what [`crate::sum`] puts in.
    fn sum(&self, values: &mut [i64]);
    /// XORs `values` element-wise over all ranks.
    fn xor(&self, values: &mut [u32]);
    /// Copies rank 0's bytes to all; lengths must agree.
    fn broadcast(&self, bytes: &mut [u8]);
    /// Returns when every rank has called it.
    fn barrier(&self);
}

impl dyn Comm + '_ {
    /// The largest over all ranks of a number that is not negative; NaN where one is. Collective.
    pub fn max(&self, value: f64) -> f64 {
        // Such numbers are ordered as their bits; each rank adds its own to a place that is zero on the others.
        let mut bits = vec![0; self.ranks()];
        bits[self.rank()] = value.to_bits() as i64;
        self.sum(&mut bits);
        f64::from_bits(bits.into_iter().map(|bits| bits as u64).max().unwrap_or_default())
    }
    /// Whether `ok` holds on every rank: asked before going on where one rank may have failed.
    pub fn all(&self, ok: bool) -> bool {
        let mut failures = [!ok as i64];
        self.sum(&mut failures);
        failures[0] == 0
    }
}
