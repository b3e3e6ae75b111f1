//! The force of the plaquettes, straight into the momenta.

use crate::action::staple;
use gaugelink_lattice::group::{algebra_dim, to_coordinates, traceless_antihermitian};
use gaugelink_lattice::{FieldWriter, GaugeField, Kernel, Lanes, LinkReader, MomentumField, Tally};
use std::ops::Range;

/// π^a ← `keep` π^a + `scale` × coordinate a of Ta(U A), A the staple sum, on every link.
///
/// The step of Wilson's force (`keep` 1), of the gradient flow and of stout smearing. The momenta's ghosts are not
/// filled.
pub fn accumulate_staple_force<const N: usize>(
    u: &GaugeField<f64, N>,
    p: &mut MomentumField<f64, N>,
    scale: f64,
    keep: f64,
) {
    let lattice = u.lattice().clone();
    let kernel = StapleForce { links: u.links(), momenta: p.writer(), dims: lattice.dims(), scale, keep };
    lattice.launch(&kernel, 0..u.layout().blocks());
}

struct StapleForce<'a, const N: usize> {
    links: LinkReader<'a, f64, N>,
    momenta: FieldWriter<'a, f64>,
    dims: usize,
    scale: f64,
    keep: f64,
}

impl<const N: usize> Kernel<f64> for StapleForce<'_, N> {
    gaugelink_lattice::compiled!(group N: StapleForce);
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (scale, keep) = (V::splat(self.scale), V::splat(self.keep));
        // SAFETY: a block of momenta is read and written by one thread.
        let old = unsafe { self.momenta.reader() };
        for block in range {
            for mu in 0..self.dims {
                let loops = self.links.at::<V>(block, mu).mul(&staple(&self.links, self.dims, block, mu));
                let force = to_coordinates(&traceless_antihermitian(&loops));
                for a in 0..algebra_dim(N) {
                    let c = mu * algebra_dim(N) + a;
                    let p = force[a].mul_add(scale, old.load::<V>(block, c) * keep);
                    // SAFETY: as above.
                    unsafe { self.momenta.store(block, c, p) }
                }
            }
        }
    }
}
