//! The two-flavour action and its force against what Grid computes on the same configuration.

mod common;

use common::{EXTENTS, GridValues, assert_close, assert_close_matrix, grid_psi, read_links};
use gaugelink_lattice::group::from_coordinates;
use gaugelink_lattice::{Lattice, LatticeOptions, Matrix, MomentumField, Site};
use gaugelink_physics::action::{Pseudofermions, Solves, Term};
use gaugelink_physics::dirac::{Boundary, CloverForce, Quark, QuarkMatrix, Wilson};
use gaugelink_physics::solver::{LinearOperator, Stopping};

const MASS: f64 = 0.1;
const SITE: Site = [1, 2, 3, 1];

/// Grid's force, Σ_a ∂^a S T_a here, of a momentum field.
fn assert_force(grid: &GridValues, key: &str, force: &MomentumField<f64, 3>, tolerance: f64) {
    // Σ |F|² over matrix elements is ½ Σ of squared coordinates, which is the kinetic energy.
    assert_close(key, force.kinetic()[0], grid.real(&format!("{key}_norm2")), tolerance);
    let (block, lane) = force.layout().locate(&SITE);
    for mu in 0..4 {
        let ours: Matrix<f64, 3> =
            from_coordinates(&std::array::from_fn(|a| force.get(block, 8 * mu + a, lane)));
        let name = format!("{key}_site1231_mu{mu}");
        assert_close_matrix(&name, &ours, &grid.matrix(&name), tolerance);
    }
}

#[test]
fn two_flavours() {
    let Some(grid) = GridValues::load() else { return };
    let u = read_links(&Lattice::new(&EXTENTS, LatticeOptions::default()).unwrap());
    let psi = grid_psi(u.lattice());
    let boundaries = [("periodic", Boundary::periodic()), ("antiperiodic", Boundary::antiperiodic())];
    let operators = [("wilson_m0.1", 0.0), ("clover_m0.1_csw1", 1.0)];
    for ((name, boundary), (operator, csw)) in boundaries.into_iter().flat_map(|b| operators.map(|o| (b, o)))
    {
        let key = format!("{operator}_{name}_twoflavour");
        // X is given, and φ = D†D X.
        let d = Wilson::new(&u, MASS, boundary).unwrap().with_clover(csw).unwrap();
        let mut y = d.vector().unwrap();
        d.apply(&mut y, &psi);
        let mut force = MomentumField::zeroed(u.lattice()).unwrap();
        d.accumulate_force(&mut force, -1.0, &y, &psi);
        let mut clover = CloverForce::new(u.lattice()).unwrap();
        clover.add_spinors(&d, -1.0, &y, &psi);
        clover.accumulate(&mut force, 1.0, &u);
        assert_force(&grid, &format!("{key}_X=psi_Ta"), &force, 1e-12);
        // φ is given.
        let solves = Solves { force: Stopping::at(1e-13), action: Stopping::at(1e-13) };
        let quark = Quark { mass: MASS, csw, boundary, matrix: QuarkMatrix::Full };
        let mut term = Pseudofermions::two_flavours(&u, quark, solves).unwrap();
        term.set_field(&psi);
        let value = term.value(&u).unwrap()[0];
        assert_close("action", value, grid.real(&format!("{key}_phi=psi_S")), 1e-11);
        let mut force = MomentumField::zeroed(u.lattice()).unwrap();
        term.kick(&u, &mut force, -1.0).unwrap();
        assert_force(&grid, &format!("{key}_phi=psi_Ta"), &force, 1e-9);
    }
}
