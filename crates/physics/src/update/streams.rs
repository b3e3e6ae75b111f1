//! Random numbers for the lanes of a block, drawn lane by lane only where a lane still needs them.

use gaugelink_lattice::number::Row;
use gaugelink_lattice::rng::{Generator, Stream};
use gaugelink_lattice::{Lanes, Layout, Real};

/// The streams of a block's sites, one a lane: a lane's numbers do not depend on what the other lanes draw.
pub struct Streams([Stream; f64::LANES]);

impl Streams {
    /// The streams of an own block, each chain from its generator.
    pub fn new(layout: &Layout, generators: &[Generator], block: usize) -> Self {
        let stream = |lane| {
            let site = layout.geometry().site_index(&layout.site(block, lane));
            generators[layout.chain_of(lane)].stream(site as u64)
        };
        Self(std::array::from_fn(stream))
    }

    /// `K` numbers, uniform in (0, 1], for each lane where `pending` is not 0; ½ in the others.
    #[inline(always)]
    pub fn draw<V: Lanes<Scalar = f64>, const K: usize>(&mut self, pending: V) -> [V; K] {
        let mut rows = [Row([0.5; 16]); K];
        self.fill(&Row::from_lanes(pending), &mut rows);
        let mut numbers = [pending; K];
        for k in 0..K {
            numbers[k] = rows[k].to_lanes();
        }
        numbers
    }

    fn fill(&mut self, pending: &Row<f64>, rows: &mut [Row<f64>]) {
        for (lane, stream) in self.0.iter_mut().enumerate() {
            if pending.0[lane] != 0.0 {
                rows.iter_mut().for_each(|row| row.0[lane] = stream.uniform());
            }
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use gaugelink_lattice::number::Portable;
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_lattice::{Lattice, LatticeOptions};

    /// Eight lanes in plain arrays.
    pub type Plain = Portable<f64, 8>;

    /// Calls `draw` 400 times with the streams of each of 512 sites, a block at a time.
    pub fn for_many_streams(mut draw: impl FnMut(&mut Streams)) {
        let lattice = Lattice::new(&[16, 32], LatticeOptions::default()).unwrap();
        let generators = [Address::new(8, Purpose::HeatBath).generator()];
        for block in 0..lattice.layout::<f64>().blocks() {
            let mut streams = Streams::new(lattice.layout::<f64>(), &generators, block);
            (0..400).for_each(|_| draw(&mut streams));
        }
    }

    #[test]
    fn a_lane_draws_only_while_it_is_pending() {
        for_many_streams(|streams| {
            let mut pending = Row([0.0; 16]);
            pending.0[3] = 1.0;
            let [drawn] = streams.draw::<Plain, 1>(pending.to_lanes());
            let drawn = Row::from_lanes(drawn);
            assert!((0..8).all(|lane| (drawn.0[lane] == 0.5) == (lane != 3)));
        });
    }
}
