//! Exact values of two-dimensional gauge theories on a periodic lattice: what a training and its chain are judged by.

mod sun;
mod u1;
mod u1_sum;

pub use sun::Sun;
pub use u1::U1;
pub use u1_sum::U1Sum;

/// ln ∫ dU e^{−S} of Wilson's action for N×N links, and the effective sample size that a proposal without any training has.
pub fn ln_z_and_untrained(n: usize, beta: f64, volume: usize) -> (f64, f64) {
    if n == 1 {
        let exact = U1 { beta, volume };
        return (exact.ln_z(), exact.untrained_sample_size());
    }
    let exact = Sun { n, beta, volume };
    (exact.ln_z(), exact.untrained_sample_size())
}
