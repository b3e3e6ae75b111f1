//! Phases of fermions at the edges of the lattice, without touching the links.
//!
//! ψ(x + L_mu) = e^{iθ_mu} ψ(x): the link leaving the last slice of direction mu is multiplied by the phase in the
//! forward hop and by its conjugate in the backward hop. One byte a block says which of the eight hops cross an edge
//! in any lane, so the bulk pays a test of one bit.

use super::hop::HalfSpinor;
use gaugelink_lattice::number::Row;
use gaugelink_lattice::{Complex, DIM_MAX, Layout, Num, Real, backward, forward};

/// One phase a direction (x, y, z, t), of modulus 1 in all uses known; 1 is periodic, −1 antiperiodic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Boundary(pub [Complex<f64>; DIM_MAX]);

impl Boundary {
    /// Periodic in all directions.
    pub fn periodic() -> Self {
        Self([Complex::new(1.0, 0.0); DIM_MAX])
    }
    /// Antiperiodic in time, periodic in space.
    pub fn antiperiodic() -> Self {
        Self::periodic().with(DIM_MAX - 1, Complex::new(-1.0, 0.0))
    }
    /// The same with another phase in direction `mu`.
    pub fn with(mut self, mu: usize, phase: Complex<f64>) -> Self {
        self.0[mu] = phase;
        self
    }
    /// Phases exp(iθ_mu), as in twisted boundary conditions.
    pub fn twisted(angles: [f64; DIM_MAX]) -> Self {
        Self(angles.map(|a| Complex::new(a.cos(), a.sin())))
    }
}

/// The phases on one layout: which hops of which blocks cross an edge, and in which lanes.
#[derive(Debug)]
pub struct BoundaryTable<T> {
    /// One bit a step for each block.
    crossing: Vec<u8>,
    /// 1 in the lanes that cross, 0 elsewhere, for each step.
    lanes: [Row<T>; 2 * DIM_MAX],
    /// The phase of each step (conjugate for steps backwards).
    phases: [Complex<f64>; 2 * DIM_MAX],
}

impl<T: Real> BoundaryTable<T> {
    /// The table of a layout.
    pub fn new(layout: &Layout, boundary: &Boundary) -> Self {
        let extents = layout.geometry().extents();
        let mut table = Self {
            crossing: vec![0; layout.blocks()],
            lanes: [Row([T::default(); 16]); 2 * DIM_MAX],
            phases: [Complex::new(1.0, 0.0); 2 * DIM_MAX],
        };
        for mu in (0..layout.geometry().dims()).filter(|&mu| boundary.0[mu] != Complex::new(1.0, 0.0)) {
            for (step, edge, phase) in
                [(forward(mu), extents[mu] - 1, boundary.0[mu]), (backward(mu), 0, boundary.0[mu].conj())]
            {
                table.phases[step] = phase;
                for block in 0..layout.blocks() {
                    for lane in (0..layout.lanes()).filter(|&l| layout.site(block, l)[mu] == edge) {
                        table.crossing[block] |= 1 << step;
                        table.lanes[step].0[lane] = T::from_f64(1.0);
                    }
                }
            }
        }
        table
    }

    /// The bits of the steps from `block` that cross an edge.
    #[inline(always)]
    pub fn crossing(&self, block: usize) -> u8 {
        self.crossing[block]
    }

    /// 1 in the lanes that cross an edge with `step`, 0 in the others.
    #[inline(always)]
    pub fn lanes(&self, step: usize) -> &Row<T> {
        &self.lanes[step]
    }

    /// Multiplies the lanes that are 1 in `lanes` (see [`BoundaryTable::lanes`]) by the phase of `step`.
    #[inline(always)]
    pub fn turn<W: Num, const N: usize, const H: usize>(
        &self,
        step: usize,
        lanes: W,
        half: &mut HalfSpinor<W, N, H>,
    ) {
        let mask = W::splat(0.5).lt(lanes);
        let phase = Complex::splat(self.phases[step].re, self.phases[step].im);
        for z in half.as_flattened_mut() {
            let turned = *z * phase;
            z.re = W::select(mask, turned.re, z.re);
            z.im = W::select(mask, turned.im, z.im);
        }
    }
}
