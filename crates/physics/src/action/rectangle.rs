//! The force of plaquettes and rectangles of one plane.
//!
//! A rectangle through a link is a plaquette through it, one of whose other three sides makes a *detour* around the
//! plaquette on its far side. Detours are stored as a field, so that the force reads next neighbours only and one layer
//! of ghosts is enough.

use gaugelink_lattice::group::{algebra_dim, to_coordinates, traceless_antihermitian};
use gaugelink_lattice::number::register_lanes;
use gaugelink_lattice::{
    Field, FieldWriter, GaugeField, Kernel, Lanes, Lattice, LatticeError, LinkReader, Matrix, MomentumField,
    Tally, backward, forward,
};
use std::ops::Range;
use std::sync::Arc;

/// Detours that a site stores for a plane: both of its directions, each over either side.
const DETOURS: usize = 4;

/// π^a ← π^a + coordinate a of Ta(U (`plaquette` A + `rectangle` B)) for the links of the plane (mu, nu), A the staples
/// and B the paths of five links of that plane that close a link to its plaquettes and its 2×1 and 1×2 rectangles.
///
/// `detours` is workspace, [`DETOURS`] matrices a site. Collective.
pub(super) fn accumulate_plane_force<const N: usize>(
    u: &GaugeField<f64, N>,
    p: &mut MomentumField<f64, N>,
    detours: &mut Field<f64>,
    plane: [usize; 2],
    plaquette: f64,
    rectangle: f64,
) {
    let (lattice, blocks) = (u.lattice(), 0..u.layout().blocks());
    lattice.launch(&Detours { links: u.links(), detours: detours.writer(), plane }, blocks.clone());
    detours.exchange();
    let force = PlaneForce {
        links: u.links(),
        detours: LinkReader(detours.reader()),
        momenta: p.writer(),
        plane,
        plaquette,
        rectangle,
    };
    lattice.launch(&force, blocks);
}

/// Room for [`accumulate_rectangle_force`]: as much memory as four links a site.
///
/// # Errors
/// [`LatticeError::OutOfMemory`].
pub fn rectangle_workspace<const N: usize>(lattice: &Arc<Lattice>) -> Result<Field<f64>, LatticeError> {
    Field::zeroed(lattice, DETOURS * GaugeField::<f64, N>::LINK)
}

/// π^a ← π^a + `scale` × coordinate a of Ta(U B), B the paths of five links that close a link to its rectangles in all
/// planes. Collective.
pub fn accumulate_rectangle_force<const N: usize>(
    u: &GaugeField<f64, N>,
    p: &mut MomentumField<f64, N>,
    workspace: &mut Field<f64>,
    scale: f64,
) {
    for nu in 1..u.lattice().dims() {
        for mu in 0..nu {
            accumulate_plane_force(u, p, workspace, [mu, nu], 0.0, scale);
        }
    }
}

/// Where the detours of direction `plane[i]` stand: over the next site, then over the previous one.
const fn over(i: usize) -> usize {
    2 * i
}
const fn under(i: usize) -> usize {
    2 * i + 1
}

struct Detours<'a, const N: usize> {
    links: LinkReader<'a, f64, N>,
    detours: FieldWriter<'a, f64>,
    plane: [usize; 2],
}

impl<const N: usize> Kernel<f64> for Detours<'_, N> {
    gaugelink_lattice::compiled!(group N: Detours);
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for block in range {
            for lane in register_lanes::<V>() {
                let (links, detours) = (self.links.from_lane(lane), self.detours.from_lane(lane));
                Self { links, detours, ..*self }.find::<V::Register>(block);
            }
        }
    }
}

impl<const N: usize> Detours<'_, N> {
    #[inline(always)]
    fn find<V: Lanes<Scalar = f64>>(&self, block: usize) {
        let (u, layout) = (&self.links, self.links.0.layout());
        for i in 0..2 {
            let (a, b) = (self.plane[i], self.plane[1 - i]);
            let ahead = layout.neighbour(block, forward(a));
            let (up, down) = (layout.neighbour(block, forward(b)), layout.neighbour(block, backward(b)));
            let down_ahead = layout.neighbour2(block, backward(b), forward(a));
            let above = u.at::<V>(block, b).mul(&u.next(up, a)).mul_adjoint(&u.next(ahead, b));
            let below = u.next::<V>(down, b).adjoint_mul(&u.next(down, a)).mul(&u.next(down_ahead, b));
            // SAFETY: a block is written by one thread.
            unsafe {
                self.detours.store_matrix(block, over(i) * Matrix::<V, N>::REALS, &above);
                self.detours.store_matrix(block, under(i) * Matrix::<V, N>::REALS, &below);
            }
        }
    }
}

struct PlaneForce<'a, const N: usize> {
    links: LinkReader<'a, f64, N>,
    detours: LinkReader<'a, f64, N>,
    momenta: FieldWriter<'a, f64>,
    plane: [usize; 2],
    plaquette: f64,
    rectangle: f64,
}

impl<const N: usize> Kernel<f64> for PlaneForce<'_, N> {
    gaugelink_lattice::compiled!(group N: PlaneForce);
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for block in range {
            for lane in register_lanes::<V>() {
                let (links, detours) = (self.links.from_lane(lane), self.detours.from_lane(lane));
                let momenta = self.momenta.from_lane(lane);
                Self { links, detours, momenta, ..*self }.kick::<V::Register>(block);
            }
        }
    }
}

impl<const N: usize> PlaneForce<'_, N> {
    #[inline(always)]
    fn kick<V: Lanes<Scalar = f64>>(&self, block: usize) {
        // SAFETY: a block of momenta is read and written by one thread.
        let old = unsafe { self.momenta.reader() };
        for i in 0..2 {
            let paths = self.paths::<V>(block, i);
            let loops = self.links.at::<V>(block, self.plane[i]).mul_adjoint(&paths);
            let force = to_coordinates(&traceless_antihermitian(&loops));
            for a in 0..algebra_dim(N) {
                let c = self.plane[i] * algebra_dim(N) + a;
                // SAFETY: as above.
                unsafe { self.momenta.store(block, c, old.load::<V>(block, c) + force[a]) }
            }
        }
    }

    /// The paths from x to x + a that the link U_a(x), a = `plane[i]`, stands for in its plaquettes and rectangles,
    /// each with its coefficient.
    #[inline(always)]
    fn paths<V: Lanes<Scalar = f64>>(&self, block: usize, i: usize) -> Matrix<V, N> {
        let (u, d, j, layout) = (&self.links, &self.detours, 1 - i, self.links.0.layout());
        let (a, b) = (self.plane[i], self.plane[j]);
        let (p, r) = (V::splat(self.plaquette), V::splat(self.rectangle));
        let ahead = layout.neighbour(block, forward(a));
        let (up, down) = (layout.neighbour(block, forward(b)), layout.neighbour(block, backward(b)));
        let down_ahead = layout.neighbour2(block, backward(b), forward(a));

        // Around the plaquette at x: the first side, itself or its detour; the second; the third.
        let (first, second, third) = (u.at::<V>(block, b), u.next::<V>(up, a), u.next::<V>(ahead, b));
        let far = second.mul_adjoint(&d.next(ahead, over(j)));
        let far = d.next::<V>(up, over(i)).mul_adjoint_add(&third, &far);
        let near = first.scale(p) + d.at::<V>(block, under(j)).scale(r);
        let sum = near.mul(&second.mul_adjoint(&third));
        let sum = first.scale(r).mul_add(&far, &sum);

        // The same around the plaquette at x − b.
        let (first, second, third) = (u.next::<V>(down, b), u.next::<V>(down, a), u.next::<V>(down_ahead, b));
        let far = second.mul(&d.next(down_ahead, over(j)));
        let far = d.next::<V>(down, under(i)).mul_add(&third, &far);
        let near = first.scale(p) + d.next::<V>(down, under(j)).scale(r);
        let sum = near.adjoint_mul_add(&second.mul(&third), &sum);
        first.scale(r).adjoint_mul_add(&far, &sum)
    }
}
