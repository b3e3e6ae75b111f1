//! Ghost exchange between ranks.
//!
//! Direction by direction, each rank sends its outermost slices to its neighbours. Slices taken later include the
//! ghosts filled earlier, so edges and corners arrive without messages of their own. Lanes that lie inside the box
//! are filled from the rank's own blocks.

use crate::field::Field;
use crate::layout::{backward, forward};
use crate::number::Real;
use std::ops::Range;

pub(crate) fn exchange<T: Real>(field: &mut Field<T>, components: Range<usize>) {
    if !field.layout().has_ghosts() {
        return;
    }
    let lattice = field.lattice().clone();
    let (layout, comm, geometry) = (lattice.layout::<T>(), lattice.comm(), lattice.geometry());
    for mu in (0..geometry.dims()).filter(|&mu| geometry.grid()[mu] > 1) {
        for is_forward in [true, false] {
            let face = layout.face(mu, is_forward);
            let (sent_lanes, filled_lanes) =
                (layout.edge_lanes(mu, is_forward), layout.edge_lanes(mu, !is_forward));
            let mut sent: Vec<T> = Vec::with_capacity(face.len() * components.len() * sent_lanes.len());
            for &(from, _) in &face {
                for c in components.clone() {
                    sent.extend(sent_lanes.iter().map(|&l| field.get(from, c, l)));
                }
            }
            let mut received = vec![T::default(); sent.len()];
            comm.exchange(
                geometry.neighbour_rank(mu, is_forward),
                bytemuck::cast_slice(&sent),
                geometry.neighbour_rank(mu, !is_forward),
                bytemuck::cast_slice_mut(&mut received),
            );
            // A ghost behind the box holds, in each lane, the site one step back; inside the box that is the
            // neighbouring part's.
            let step = if is_forward { backward(mu) } else { forward(mu) };
            let inner: Vec<(usize, usize)> = (0..T::LANES)
                .filter(|l| !filled_lanes.contains(l))
                .map(|l| (l, layout.lane_after(l, step)))
                .collect();
            let mut received = received.into_iter();
            for &(from, ghost) in &face {
                for c in components.clone() {
                    for &(lane, source) in &inner {
                        let value = field.get(from, c, source);
                        field.set(ghost, c, lane, value);
                    }
                    for &lane in &filled_lanes {
                        field.set(ghost, c, lane, received.next().unwrap_or_default());
                    }
                }
            }
        }
    }
}
