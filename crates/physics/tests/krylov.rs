//! GCR and BiCGStab(l) against GMRES and BiCGStab, which they are in exact arithmetic, and their failures.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Field, GaugeField, LaneMeaning, Lattice, LatticeOptions};
use gaugelink_physics::dirac::{Boundary, Schur, SpinorField, Wilson};
use gaugelink_physics::solver::{
    BiCgStab, BiCgStabL, Gcr, Gmres, LinearOperator, Preconditioner, SolveError, Stopping, vector,
};
use std::error::Error;
use std::sync::Arc;

const N: usize = 3;

fn lattice(lanes: LaneMeaning) -> Arc<Lattice> {
    Lattice::new(&[4, 4, 2, 4], LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap()
}

fn fields(lattice: &Arc<Lattice>) -> (GaugeField<f64, N>, SpinorField<f64, N>) {
    let u = GaugeField::random(lattice, 0.5, Address::new(31, Purpose::Start)).unwrap();
    let mut b = SpinorField::zeroed(lattice).unwrap();
    b.set_gaussian(Address::new(32, Purpose::Source));
    (u, b)
}

/// ‖a − b‖ / ‖b‖ of each chain.
fn distance(a: &Field<f64>, b: &Field<f64>) -> Vec<f64> {
    let (blocks, chains) = (0..a.layout().blocks(), a.lattice().chains());
    let [mut off, mut norm2] = [(); 2].map(|()| vec![0.0; chains]);
    let mut difference = a.duplicate().unwrap();
    vector::subtract_from(&mut difference, b, blocks.clone(), &mut off);
    vector::norm2(b, blocks, &mut norm2);
    off.iter().zip(&norm2).map(|(off, norm2)| (off / norm2).sqrt()).collect()
}

/// The first terms of D⁻¹ = 1/a + H/(2a²) + …
struct Neumann<'d>(&'d Wilson<'d, f64, N>);

impl Preconditioner<SpinorField<f64, N>> for Neumann<'_> {
    fn apply(
        &mut self,
        z: &mut SpinorField<f64, N>,
        r: &SpinorField<f64, N>,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let a = self.0.diagonal();
        self.0.both_hops(z, r, [1.0 / a, 0.5 / (a * a), 0.0]);
        Ok(())
    }
    fn flops(&self) -> f64 {
        LinearOperator::flops(self.0)
    }
}

/// The residuals of GCR(m) are those of GMRES(m), with and without a preconditioner, and so are the solutions.
#[test]
fn gcr_goes_the_way_of_gmres() {
    let stop = Stopping::at(1e-10);
    for lanes in [LaneMeaning::Sites, LaneMeaning::Batch { chains: 2 }] {
        let lattice = lattice(lanes);
        let (u, b) = fields(&lattice);
        let d = Wilson::new(&u, -0.2, Boundary::antiperiodic()).unwrap();
        for preconditioned in [false, true] {
            let [mut x, mut y] = [(); 2].map(|()| d.vector().unwrap());
            let mut neumann = Neumann(&d);
            let (mut gcr, mut gmres) = (Gcr::new(&d, 8).unwrap(), Gmres::new(&d, 8).unwrap());
            let (ours, theirs) = if preconditioned {
                let ours = gcr.solve(&d, Some(&mut neumann), &mut x, &b, &stop).unwrap();
                (ours, gmres.solve_preconditioned(&d, &mut neumann, &mut y, &b, &stop).unwrap())
            } else {
                (gcr.solve(&d, None, &mut x, &b, &stop).unwrap(), gmres.solve(&d, &mut y, &b, &stop).unwrap())
            };
            for (a, b) in ours.history.iter().zip(&theirs.history).take(25) {
                assert!((a / b - 1.0).abs() < 1e-6, "{:?} {:?}", ours.history, theirs.history);
            }
            assert!(ours.iterations.abs_diff(theirs.iterations) <= 1);
            assert!(distance(&x, &y).iter().all(|&off| off < 1e-9));
            assert!(ours.worst_residual() <= 1.01e-10, "{:e}", ours.worst_residual());
        }
    }
}

/// Degree 1 is BiCGStab itself; higher ones reach the same solution, in fewer applications where the spectrum is broad.
#[test]
fn degrees_of_bicgstab_reach_the_same_solution() {
    let stop = Stopping::at(1e-10);
    for lanes in [LaneMeaning::Sites, LaneMeaning::Batch { chains: 2 }] {
        let lattice = lattice(lanes);
        let (u, b) = fields(&lattice);
        let d = Wilson::new(&u, -0.3, Boundary::antiperiodic()).unwrap().with_clover(1.0).unwrap();
        let schur = Schur::odd(&d).unwrap();
        let mut x = d.vector().unwrap();
        let mut bicgstab = BiCgStab::new(&schur).unwrap();
        let plain = schur.solve(&mut x, &b, |s, x, c| bicgstab.solve(s, x, c, &stop)).unwrap();
        for degree in [1, 2, 4, 8] {
            let mut y = d.vector().unwrap();
            let mut solver = BiCgStabL::new(&schur, degree).unwrap();
            let report = schur.solve(&mut y, &b, |s, y, c| solver.solve(s, y, c, &stop)).unwrap();
            assert!(report.worst_residual() <= 1.1e-10, "degree {degree}: {:e}", report.worst_residual());
            let off = distance(&y, &x);
            assert!(off.iter().all(|&off| off < 1e-8), "degree {degree}: {off:?}");
            assert!(
                report.applications <= plain.applications + 4 * degree,
                "degree {degree}: {} applications, BiCGStab {}",
                report.applications,
                plain.applications
            );
            if degree == 1 {
                for (a, b) in report.history.iter().zip(&plain.history).take(12) {
                    assert!((a / b - 1.0).abs() < 1e-6, "{:?} {:?}", report.history, plain.history);
                }
            }
        }
    }
}

#[test]
fn failures_say_what_they_are() {
    let lattice = lattice(LaneMeaning::Sites);
    let (mut u, b) = fields(&lattice);
    for error in [
        Gcr::new(&Wilson::<f64, N>::new(&u, 0.1, Boundary::periodic()).unwrap(), 0).unwrap_err(),
        BiCgStabL::new(&Wilson::<f64, N>::new(&u, 0.1, Boundary::periodic()).unwrap(), 9).unwrap_err(),
    ] {
        assert!(error.to_string().contains("give"), "{error}");
    }
    let limit = Stopping { iterations: 2, ..Stopping::at(1e-12) };
    {
        let d = Wilson::new(&u, 0.1, Boundary::periodic()).unwrap();
        let mut x = d.vector().unwrap();
        let limited = Gcr::new(&d, 5).unwrap().solve(&d, None, &mut x, &b, &limit);
        assert!(
            matches!(limited, Err(SolveError::IterationLimit { ref report, .. }) if report.iterations == 2)
        );
        let mut x = d.vector().unwrap();
        let limited = BiCgStabL::new(&d, 2).unwrap().solve(&d, &mut x, &b, &limit);
        assert!(
            matches!(limited, Err(SolveError::IterationLimit { ref report, .. }) if report.applications == 10)
        );
        // Nothing to solve.
        let (zero, mut x) = (d.vector().unwrap(), d.vector().unwrap());
        let done = BiCgStabL::new(&d, 2).unwrap().solve(&d, &mut x, &zero, &Stopping::at(1e-10)).unwrap();
        assert!(done.worst_residual() < 1e-10 && x.norm2()[0] == 0.0);
    }
    let nan = u.link(3, 1, 0).scale(f64::NAN);
    u.set_link(3, 1, 0, &nan);
    let d = Wilson::new(&u, 0.1, Boundary::periodic()).unwrap();
    let mut x = d.vector().unwrap();
    let broken = Gcr::new(&d, 5).unwrap().solve(&d, None, &mut x, &b, &Stopping::at(1e-12));
    assert!(matches!(broken, Err(SolveError::NotFinite { .. })));
    let mut x = d.vector().unwrap();
    let broken = BiCgStabL::new(&d, 2).unwrap().solve(&d, &mut x, &b, &Stopping::at(1e-12));
    assert!(matches!(broken, Err(SolveError::NotFinite { .. })));
}
