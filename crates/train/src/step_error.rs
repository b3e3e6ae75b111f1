//! How far the log density of a flow that is integrated in steps depends on their number.

use crate::TrainError;
use crate::group::PlaceFlow;
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions, Links};
use gaugelink_models::Flow;

/// Chains side by side.
const CHAINS: usize = 8;

/// The root of the mean square of ln q(f(V)) − ln q(f'(V)) over Haar-distributed V, for two flows f, f' with the same
/// parameters, one of which takes more steps; in double precision. `count` is rounded up to whole batches of 8.
///
/// # Errors
/// Those of placing the flows; no memory or threads.
pub fn step_error<const N: usize>(
    extents: &[usize],
    threads: usize,
    (coarse, fine): (&PlaceFlow<'_, f64, Links<N>>, &PlaceFlow<'_, f64, Links<N>>),
    address: Address,
    count: usize,
) -> Result<f64, TrainError> {
    let lanes = LaneMeaning::Batch { chains: CHAINS };
    let lattice = Lattice::new(extents, LatticeOptions { threads, lanes, ..LatticeOptions::default() })?;
    let mut flows = [coarse(&lattice)?, fine(&lattice)?];
    let mut u = GaugeField::cold(&lattice)?;
    let mut sum = 0.0;
    let batches = count.div_ceil(CHAINS).max(1);
    for batch in 0..batches {
        let address = address.chain(address.chain + (batch * CHAINS) as u64);
        let log_q = flows.each_mut().map(|flow: &mut Flow<f64, N>| {
            let mut log_q = [0.0; CHAINS];
            flow.sample(address, &mut u, &mut log_q);
            log_q
        });
        sum += log_q[0].iter().zip(log_q[1]).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    }
    Ok((sum / (batches * CHAINS) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::rng::Purpose;
    use gaugelink_models::LayerKind;
    use gaugelink_models::layers::{LoopFlow, Loops};

    /// Third order: half the steps, eight times the error.
    #[test]
    fn the_error_falls_with_the_order() {
        let flow = |steps: usize| {
            move |lattice: &std::sync::Arc<Lattice>| {
                let kind = LayerKind::LoopFlow { loops: Loops::Next, knots: 2, steps };
                Flow::new(kind.stack(lattice, 1)?, LoopFlow::<f64, 2>::expanded(Loops::Next, 2, 2.0))
            }
        };
        let error = |steps: usize| {
            let address = Address::new(4, Purpose::Training);
            step_error::<2>(&[8, 8], 1, (&flow(steps), &flow(2 * steps)), address, 16).unwrap()
        };
        let ratio = error(4) / error(8);
        assert!((6.5..9.5).contains(&ratio), "{ratio}");
    }
}
