//! The link trace: depends on the gauge, and so tells fields apart that plaquettes cannot.

use gaugelink_lattice::{GaugeField, Kernel, Lanes, LinkReader, Tally};
use std::ops::Range;

/// Re tr U / N averaged over sites and directions, for each chain. Collective.
pub fn link_trace<const N: usize>(u: &GaugeField<f64, N>) -> Vec<f64> {
    let lattice = u.lattice();
    let mut sums = vec![0.0; lattice.chains()];
    let kernel = Traces { links: u.links(), dims: lattice.dims() };
    lattice.reduce(&kernel, 0..u.layout().blocks(), &mut sums);
    let count = (lattice.dims() * lattice.volume() * N) as f64;
    sums.into_iter().map(|s| s / count).collect()
}

struct Traces<'a, const N: usize> {
    links: LinkReader<'a, f64, N>,
    dims: usize,
}

impl<const N: usize> Kernel<f64> for Traces<'_, N> {
    gaugelink_lattice::compiled!(group N: Traces);
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let mut sum = V::splat(0.0);
            for mu in 0..self.dims {
                sum = sum + self.links.at::<V>(block, mu).trace().re;
            }
            tally.add(0, sum);
        }
    }
}
