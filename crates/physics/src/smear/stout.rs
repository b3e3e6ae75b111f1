//! Stout smearing (Morningstar and Peardon, hep-lat/0311018).

use crate::PhysicsError;
use crate::action::accumulate_staple_force;
use gaugelink_lattice::{GaugeField, MomentumField};

/// `steps` isotropic steps U ← exp(Ta(C U†)) U of all links at once, C = ρ A† with the staple sum A, so that the
/// exponent is −ρ Ta(U A). Collective.
///
/// # Errors
/// No memory.
pub fn stout<const N: usize>(u: &mut GaugeField<f64, N>, rho: f64, steps: usize) -> Result<(), PhysicsError> {
    let mut exponent = MomentumField::zeroed(u.lattice())?;
    for _ in 0..steps {
        accumulate_staple_force(u, &mut exponent, -rho, 0.0);
        u.drift(&exponent, 1.0);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naive::{NaiveLinks, rough_field};
    use gaugelink_lattice::group::{exponential, traceless_antihermitian};
    use gaugelink_lattice::{Lattice, LatticeOptions};

    fn check<const N: usize>(extents: &[usize]) {
        let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
        let mut u = rough_field::<N>(&lattice, 0.6);
        let before = NaiveLinks::new(&u, 0);
        stout(&mut u, 0.12, 1).unwrap();
        let after = NaiveLinks::new(&u, 0);
        for (site, x) in before.sites().enumerate() {
            for mu in 0..extents.len() {
                let link = before.links[site][mu];
                let c = before.staple(&x, mu).adjoint().scale(0.12);
                let smeared = exponential(&traceless_antihermitian(&c.mul_adjoint(&link))).mul(&link);
                assert!((smeared - after.links[site][mu]).norm2() < 1e-28, "N={N} {x:?} {mu}");
            }
        }
    }

    #[test]
    fn one_step_is_the_published_formula() {
        check::<1>(&[6, 4]);
        check::<2>(&[4, 3, 8]);
        check::<3>(&[4, 2, 4, 8]);
    }
}
