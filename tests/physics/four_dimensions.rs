//! SU(3) in four dimensions against published plaquettes.

use crate::chain::{Algorithm, Run};
use crate::table::Result;
use gaugelink_physics::observable::plaquette;

/// Plaquettes of large volumes.
const PUBLISHED: [(f64, f64); 2] = [(5.7, 0.5492), (6.0, 0.59368)];

fn measure(length: usize, beta: f64, algorithm: Algorithm, warm: u64, count: u64) -> Result {
    let run = Run { extents: vec![length; 4], beta, algorithm, chains: 1, warm, count, seed: 43 };
    let samples = run.samples::<3, 1>(|u| [plaquette(u)]);
    Result::new::<3>(&run, &samples, 0, "plaquette")
}

fn timing(length: usize) {
    for (beta, published) in PUBLISHED {
        for algorithm in [Algorithm::omelyan(10), Algorithm::HeatBath { overrelaxed: 2 }] {
            let start = std::time::Instant::now();
            measure(length, beta, algorithm, 50, 150).agrees(published, 5, 1.0, 1.0);
            println!("{:?}", start.elapsed());
        }
    }
}

#[test]
fn short() {
    timing(8);
}
