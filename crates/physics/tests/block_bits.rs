//! The Schwarz procedure and multigrid: the same bits for any vector unit, number of threads and ranks.

mod common;

use common::bits::assert_equal_bits_alone;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions};
use gaugelink_physics::dirac::{
    Boundary, MultigridParameters, MultigridSolver, Sap, SapParameters, Smoother, SpinorField, Wilson,
};
use gaugelink_physics::solver::{Gmres, LinearOperator, Stopping};

const BLOCK: [usize; 4] = [2, 2, 2, 4];

#[test]
fn solves_in_blocks_give_the_same_bits() {
    let solves = |options: LatticeOptions| {
        let lattice = Lattice::new(&[8, 4, 4, 16], options).unwrap();
        let u = GaugeField::<f64, 3>::random(&lattice, 0.4, Address::new(4, Purpose::Start)).unwrap();
        let mut b = SpinorField::zeroed(&lattice).unwrap();
        b.set_gaussian(Address::new(5, Purpose::Source));
        let d = Wilson::new(&u, 0.05, Boundary::antiperiodic()).unwrap().with_clover(1.0).unwrap();
        let single = u.converted::<f32>().unwrap();
        let low = d.on(&single).unwrap();
        let sap = SapParameters { block: BLOCK, cycles: 1, steps: 2 };
        let stop = Stopping::at(1e-8);

        let mut x = d.vector().unwrap();
        let mut procedure = Sap::new(&d, sap).unwrap();
        let schwarz =
            Gmres::new(&d, 20).unwrap().solve_preconditioned(&d, &mut procedure, &mut x, &b, &stop).unwrap();
        let mut results = vec![x.norm2(), schwarz.true_residual];
        for smoother in [Smoother::Schwarz(sap), Smoother::EvenOdd { steps: 2 }] {
            let parameters = MultigridParameters {
                block: BLOCK,
                vectors: 3,
                start: 1,
                rounds: 1,
                smoother,
                ..MultigridParameters::default()
            };
            let mut multigrid = MultigridSolver::new(&d, &low, parameters).unwrap();
            x.fill(0.0);
            let report = multigrid.solve(&mut x, &b, &stop).unwrap();
            let along = b.inner_product(&x)[0];
            results.push(vec![along.re, along.im, report.iterations as f64, report.flops]);
            results.push(report.true_residual);
        }
        results
    };
    assert_equal_bits_alone("solves in blocks", &[&[1, 1, 1, 2], &[2, 1, 1, 2]], solves);
}
