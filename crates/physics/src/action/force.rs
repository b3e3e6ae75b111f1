//! The force of the plaquettes, straight into the momenta.

use crate::action::staple;
use gaugelink_lattice::group::{ALGEBRA_MAX, algebra_dim, to_coordinates, traceless_antihermitian};
use gaugelink_lattice::number::{Program, register_lanes};
use gaugelink_lattice::{
    BlockLinks, FieldWriter, GaugeField, Kernel, Lanes, LinkReader, LinkSource, MomentumField, Num, Real,
    RecordedLinks, Tally,
};
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

/// The coordinates of Ta(U A) for the link in direction `mu`: a site body.
#[inline(always)]
fn staple_force<V: Num, const N: usize>(
    links: &impl LinkSource<V, N>,
    dims: usize,
    mu: usize,
) -> [V; ALGEBRA_MAX] {
    to_coordinates(&traceless_antihermitian(&links.here(mu).mul(&staple(links, dims, mu))))
}

/// [`accumulate_staple_force`] for devices. Fields: `u` the links, `p` the momenta; parameters `scale` and `keep`, which
/// is not 0.
pub fn record_staple_force<T: Real, const N: usize>(dims: usize) -> Program {
    Program::record::<T>(|r| {
        let u = r.field("u", dims * GaugeField::<T, N>::LINK);
        let p = r.field("p", dims * MomentumField::<T, N>::LINK);
        let (scale, keep) = (r.parameter("scale"), r.parameter("keep"));
        for mu in 0..dims {
            let force = staple_force::<_, N>(&RecordedLinks { recorder: r, field: u }, dims, mu);
            for a in 0..algebra_dim(N) {
                let c = mu * algebra_dim(N) + a;
                let kept = r.load(p, c, r.here()) * keep;
                r.store(p, c, force[a].mul_add(scale, kept));
            }
        }
    })
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
        for block in range {
            for lane in register_lanes::<V>() {
                let (links, momenta) = (self.links.from_lane(lane), self.momenta.from_lane(lane));
                Self { links, momenta, ..*self }.kick::<V::Register>(block);
            }
        }
    }
}

impl<T: Real, const N: usize> StapleForce<'_, T, N> {
    #[inline(always)]
    fn kick<V: Lanes<Scalar = T>>(&self, block: usize) {
        let (scale, keep) = (V::splat(self.scale), V::splat(self.keep));
        let anew = self.keep == 0.0;
        // SAFETY: a block of momenta is read and written by one thread.
        let old = unsafe { self.momenta.reader() };
        for mu in 0..self.dims {
            let force = staple_force::<V, N>(&BlockLinks { links: self.links, block }, self.dims, mu);
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
