//! scratch
use gaugelink_lattice::Lattice;
use gaugelink_models::layers::U1Coupling;
use gaugelink_models::{Flow, ModelError};
use gaugelink_train::*;
use std::ops::ControlFlow;
use std::sync::Arc;
fn place(lattice: &Arc<Lattice>) -> Result<Flow<f32, 1>, ModelError> {
    Flow::new(U1Coupling::stack(lattice, 16, 2)?, U1Coupling::<f64>::initial_parameters(16, 2, 1))
}
fn main() {
    let a: Vec<f64> = std::env::args().skip(1).map(|x| x.parse().unwrap()).collect();
    let (steps, batch, rate, clip, threads) = (a[0] as u64, a[1] as usize, a[2], a[3], a[4] as usize);
    let floor = -exact::U1 { beta: 2.0, volume: 64 }.ln_z();
    let plan = Plan {
        seed: 1,
        steps,
        batch,
        rate,
        schedule: Schedule::Cosine,
        adam: adam::Settings { norm_max: Some(clip), ..Default::default() },
        report_every: 100.min(steps),
        samples: 10000,
        floor,
    };
    let loss = ReverseKl::new(&[8, 8], 2.0, threads, &place).unwrap();
    let mut t = Trainer::new(plan, loss, U1Coupling::<f64>::initial_parameters(16, 2, 1)).unwrap();
    t.run(|_, p| -> Result<_, TrainError> {
        if let Progress::Report(r) = p {
            println!("{r:?}");
        }
        Ok(ControlFlow::Continue(()))
    })
    .unwrap();
}
