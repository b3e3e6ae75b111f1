//! The force of the plaquettes, straight into the momenta.

use crate::action::staple;
use gaugelink_lattice::group::{algebra_dim, to_coordinates, traceless_antihermitian};
use gaugelink_lattice::{FieldWriter, GaugeField, Kernel, Lanes, LinkReader, MomentumField, Real, Tally};
use std::ops::Range;

/// π^a ← `keep` π^a + `scale` × coordinate a of Ta(U A), A the staple sum, on every link. With `keep` 0 the old momenta
/// do not matter, finite or not.
///
/// The step of Wilson's force (`keep` 1), of the gradient flow and of stout smearing. The momenta's ghosts are not
/// filled.
pub fn accumulate_staple_force<T: Real, const N: usize>(
    u: &GaugeField<T, N>,
    p: &mut MomentumField<T, N>,
    scale: f64,
    keep: f64,
) {
    let lattice = u.lattice().clone();
    let kernel = StapleForce { links: u.links(), momenta: p.writer(), dims: lattice.dims(), scale, keep };
    lattice.launch(&kernel, 0..u.layout().blocks());
}

struct StapleForce<'a, T, const N: usize> {
    links: LinkReader<'a, T, N>,
    momenta: FieldWriter<'a, T>,
    dims: usize,
    scale: f64,
    keep: f64,
}

impl<T: Real, const N: usize> Kernel<T> for StapleForce<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: StapleForce);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (scale, keep) = (V::splat(self.scale), V::splat(self.keep));
        let anew = self.keep == 0.0;
        // SAFETY: a block of momenta is read and written by one thread.
        let old = unsafe { self.momenta.reader() };
        for block in range {
            for mu in 0..self.dims {
                let loops = self.links.at::<V>(block, mu).mul(&staple(&self.links, self.dims, block, mu));
                let force = to_coordinates(&traceless_antihermitian(&loops));
                for a in 0..algebra_dim(N) {
                    let c = mu * algebra_dim(N) + a;
                    // 0 × NaN would stay NaN for ever.
                    let kept = if anew { V::splat(0.0) } else { old.load::<V>(block, c) * keep };
                    let p = force[a].mul_add(scale, kept);
                    // SAFETY: as above.
                    unsafe { self.momenta.store(block, c, p) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naive::rough_field;
    use gaugelink_lattice::{Lattice, LatticeOptions};

    #[test]
    fn momenta_that_are_not_kept_leave_no_trace() {
        fn check<const N: usize>() {
            let lattice = Lattice::new(&[4, 4, 2], LatticeOptions::default()).unwrap();
            let (good, mut bad) = (rough_field::<N>(&lattice, 0.5), GaugeField::cold(&lattice).unwrap());
            let mut expected = MomentumField::zeroed(&lattice).unwrap();
            accumulate_staple_force(&good, &mut expected, 0.3, 0.0);
            for number in [f64::NAN, f64::INFINITY] {
                bad.as_mut_slice().fill(number);
                let mut p = MomentumField::zeroed(&lattice).unwrap();
                accumulate_staple_force(&bad, &mut p, 0.3, 0.0);
                assert!(p.norm2()[0].is_nan(), "N={N}: a force that diverges is seen");
                accumulate_staple_force(&good, &mut p, 0.3, 0.0);
                assert!(p.as_slice() == expected.as_slice(), "N={N} {number}");
            }
        }
        check::<1>();
        check::<2>();
        check::<3>();
    }
}
