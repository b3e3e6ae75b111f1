//! Floating-point operations of the gauge kernels on a site of SU(3) in four dimensions: what their site bodies do, counted
//! by recording. A fused multiply-add is two.

use gaugelink_lattice::group::{ALGEBRA_MAX, algebra_dim, exponential, from_coordinates, reunitarise};
use gaugelink_lattice::number::recorder::{FieldHandle, Recorded, Recorder};
use gaugelink_lattice::number::{Num, Program, ln, sin_cos};
use gaugelink_lattice::{DIM_MAX, LinkSource, RecordedLinks, forward};
use gaugelink_physics::action::{record_staple_force, staple};

const N: usize = 3;
const LINK: usize = 2 * N * N;
const LINKS: f64 = DIM_MAX as f64;

type Real = Recorded<f64>;

/// Operations of a body, with loops that end as early as they can.
fn count(body: impl FnOnce(&Recorder<f64>)) -> f64 {
    Program::least::<f64>(body).flops() as f64
}

fn store(r: &Recorder<f64>, field: FieldHandle, numbers: impl IntoIterator<Item = Real>) {
    numbers.into_iter().enumerate().for_each(|(c, x)| r.store(field, c, x));
}

/// Of the force, added to the momenta.
pub(super) fn force() -> f64 {
    record_staple_force::<f64, N>(DIM_MAX).flops() as f64
}

/// Of Re tr P summed over the planes.
pub(super) fn plaquette() -> f64 {
    count(|r| {
        let (u, out) = (r.field("u", DIM_MAX * LINK), r.field("out", 1));
        let links = RecordedLinks { recorder: r, field: u };
        let here = |mu: usize| LinkSource::<Real, N>::here(&links, mu);
        let beside = |step: usize, mu: usize| LinkSource::<Real, N>::beside(&links, step, mu);
        let mut sum = Real::splat(0.0);
        for nu in 1..DIM_MAX {
            for mu in 0..nu {
                let right = here(mu).mul(&beside(forward(mu), nu));
                let left = here(nu).mul(&beside(forward(nu), mu));
                sum = sum + right.re_trace_mul_adjoint(&left);
            }
        }
        r.store(out, 0, sum);
    })
}

/// Of exp(ε P) U, for elements small enough that the exponential halves none.
pub(super) fn link_update() -> f64 {
    LINKS
        * count(|r| {
            let (u, p) = (r.field("u", LINK), r.field("p", algebra_dim(N)));
            let epsilon = r.parameter("epsilon");
            let mut c = [Real::splat(0.0); ALGEBRA_MAX];
            for a in 0..algebra_dim(N) {
                c[a] = r.load(p, a, r.here()) * epsilon;
            }
            let moved = exponential::<_, N>(&from_coordinates(&c)).mul(&r.matrix(u, 0, r.here()));
            store(r, u, moved.0.as_flattened().iter().flat_map(|z| [z.re, z.im]));
        })
}

/// Of bringing links back onto the group.
pub(super) fn reunitarisation() -> f64 {
    LINKS
        * count(|r| {
            let u = r.field("u", LINK);
            let back = reunitarise::<_, N>(&r.matrix(u, 0, r.here()));
            store(r, u, back.0.as_flattened().iter().flat_map(|z| [z.re, z.im]));
        })
}

/// Of Gaussian momenta by Box and Muller, two of two random numbers. What ChaCha does to make these, with integers, is not
/// counted.
pub(super) fn momenta() -> f64 {
    let pairs = LINKS * algebra_dim(N) as f64 / 2.0;
    pairs
        * count(|r| {
            let p = r.field("p", 2);
            let radius = (ln(r.load(p, 0, r.here())) * Real::splat(-2.0)).sqrt();
            let (sin, cos) = sin_cos(r.load(p, 1, r.here()) * Real::splat(std::f64::consts::TAU));
            store(r, p, [radius * cos, radius * sin]);
        })
}

/// Of ½ Σ π².
pub(super) fn kinetic() -> f64 {
    2.0 * LINKS * algebra_dim(N) as f64
}

/// Of an overrelaxation sweep.
pub(super) fn overrelaxation() -> f64 {
    // A step in an SU(2) subgroup (Cabibbo and Marinari, Phys. Lett. B 119 (1982) 387), as physics/src/update/quaternion.rs
    // has it: the block projected, 4 sums halved; its length, 7, a root, a division, 4 products; a product of quaternions,
    // 28; two rows of link and loops turned, 28 a column.
    const SUBGROUP: f64 = 8.0 + 13.0 + 28.0 + 2.0 * 28.0 * N as f64;
    let loops = count(|r| {
        let (u, out) = (r.field("u", DIM_MAX * LINK), r.field("out", LINK));
        let links = RecordedLinks { recorder: r, field: u };
        let loops = LinkSource::<Real, N>::here(&links, 0).mul(&staple(&links, DIM_MAX, 0));
        store(r, out, loops.0.as_flattened().iter().flat_map(|z| [z.re, z.im]));
    });
    LINKS * (loops + 3.0 * SUBGROUP) + reunitarisation()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: a product of matrices is 27 complex ones, of 8 operations, less the 2 of 9 first ones.
    #[test]
    fn recorded_counts_are_those_by_hand() {
        let product = 27.0 * 8.0 - 18.0;
        // Two products, the trace of a third, and a sum.
        assert_eq!(plaquette(), 6.0 * (2.0 * product + 18.0 * 2.0 + 1.0));
        // Six staples of two products, the second added to a sum; Ta and coordinates are less than two products.
        let staples = 4.0 * (6.0 * (2.0 * product + 18.0) + product);
        assert!((staples..staples + 4.0 * 2.0 * product).contains(&force()), "{} {staples}", force());
        assert!(link_update() > 4.0 * 2.0 * product && link_update() < 4.0 * 10.0 * product);
        assert!(overrelaxation() > staples && overrelaxation() < 2.0 * staples);
        assert_eq!(kinetic(), 64.0);
        assert!(momenta() > 16.0 * 30.0 && momenta() < 16.0 * 200.0, "{}", momenta());
    }
}
