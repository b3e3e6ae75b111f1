//! The loops of a set on a lattice: their values, the slopes of Σ c_i W_i, and derivatives of those.

use super::set::LoopSet;
use super::site::{Leaves, PULLS, Pulls, SIDES, Slopes, Tangents, Words};
use super::words::{LOOPS_MAX, Program};
use crate::ModelError;
use gaugelink_lattice::group::algebra_dim;
use gaugelink_lattice::number::Row;
use gaugelink_lattice::{Field, FieldReader, GaugeField, Lattice, MomentumField, Real};
use std::sync::Arc;

/// Most chains of a batch.
pub(super) const MOST_CHAINS: usize = f32::LANES;

/// Loops on a lattice of two dimensions, with the room to compute them.
pub struct LoopField<T: Real, const N: usize> {
    lattice: Arc<Lattice>,
    set: Arc<LoopSet>,
    program: Arc<Program>,
    plain: Workspace<T>,
    tangent: Workspace<T>,
    links: Field<T>,
}

/// Fields from plaquettes to slopes.
struct Workspace<T> {
    leaves: Field<T>,
    pulls: Field<T>,
    sides: Field<T>,
    slopes: Field<T>,
}

impl<T: Real> Workspace<T> {
    fn new<const N: usize>(lattice: &Arc<Lattice>, parts: usize) -> Result<Self, ModelError> {
        let field = |reals| Field::zeroed(lattice, parts * reals);
        let dim = algebra_dim(N);
        Ok(Self {
            leaves: field(SIDES * GaugeField::<T, N>::LINK)?,
            pulls: field(PULLS * dim)?,
            sides: field(SIDES * dim)?,
            slopes: field(2 * dim)?,
        })
    }
}

/// Coefficients c of S̃ = Σ c_i W_i, and those of Δ S̃.
pub struct Coefficients {
    pub c: Vec<f64>,
    pub laplacian: Vec<f64>,
    pub constant: f64,
}

impl Coefficients {
    /// With the Laplacian of a set.
    pub fn new(set: &LoopSet, c: Vec<f64>) -> Self {
        let (laplacian, constant) = set.laplacian(&c);
        Self { c, laplacian, constant }
    }
}

impl<T: Real, const N: usize> LoopField<T, N> {
    /// The loops up to an order on a lattice.
    ///
    /// # Errors
    /// [`ModelError::Geometry`] unless it has two dimensions in which no loop meets itself around the lattice;
    /// [`ModelError::Parameter`] for an order above 2; no memory.
    pub fn new(lattice: &Arc<Lattice>, order: usize) -> Result<Self, ModelError> {
        let extents = &lattice.geometry().extents()[..lattice.dims()];
        let least = order + 2;
        if extents.len() != 2 || extents.iter().any(|&l| l < least) {
            return Err(ModelError::Geometry(format!(
                "loops of order {order} need two dimensions of {least} sites or more, not {extents:?}"
            )));
        }
        let set = LoopSet::new(N, order.min(2));
        let program = Program::new(&set)
            .filter(|_| order <= 2)
            .ok_or_else(|| ModelError::Parameter(format!("loops of order {order}: give 0, 1 or 2")))?;
        Ok(Self {
            lattice: lattice.clone(),
            set: Arc::new(set),
            program: Arc::new(program),
            plain: Workspace::new::<N>(lattice, 1)?,
            tangent: Workspace::new::<N>(lattice, 2)?,
            links: Field::zeroed(lattice, 4 * GaugeField::<T, N>::LINK)?,
        })
    }

    /// The loops.
    pub fn set(&self) -> &LoopSet {
        &self.set
    }

    /// The slopes ∂^a Σ c_i W_i at the links; writes Δ Σ c_i W_i of each chain, where asked. Collective.
    pub(super) fn slopes(
        &mut self,
        u: &GaugeField<T, N>,
        c: &Coefficients,
        laplacian: Option<&mut [f64]>,
    ) -> &Field<T> {
        let weight = Row::by_chain(&self.lattice, |_| 0.0);
        run::<T, N, 1>(&self.lattice, &self.program, &mut self.plain, u.reader(), c, weight, laplacian);
        &self.plain.slopes
    }

    /// The slopes as \[`LoopField::slopes`\], and behind them their derivatives along `scale` × `direction` together with
    /// the slopes of `weight` × Δ Σ c_i W_i; writes W_i and its derivative along the direction for each loop and chain,
    /// `[loop][0, 1][chain]`, where asked. Collective.
    pub(super) fn slopes_along(
        &mut self,
        u: &GaugeField<T, N>,
        c: &Coefficients,
        (direction, scale): (&MomentumField<T, N>, f64),
        weight: &dyn Fn(usize) -> f64,
        sums: Option<&mut [f64]>,
    ) -> &Field<T> {
        let blocks = 0..u.layout().blocks();
        let kernel = Tangents::<T, N> {
            links: u.reader(),
            direction: direction.reader(),
            scale,
            tangents: self.links.writer(),
        };
        self.lattice.launch(&kernel, blocks);
        self.links.exchange();
        let weight = Row::by_chain(&self.lattice, weight);
        run::<T, N, 2>(&self.lattice, &self.program, &mut self.tangent, self.links.reader(), c, weight, sums);
        &self.tangent.slopes
    }

    /// W_i and its derivative along `direction` (∂ along Σ_a λ^a T_a of every link) for each loop and chain:
    /// `[loop][0, 1][chain]`. Collective.
    pub fn values_along(&mut self, u: &GaugeField<T, N>, direction: &MomentumField<T, N>) -> Vec<f64> {
        let loops = self.set.count();
        let mut sums = vec![0.0; 2 * loops * self.lattice.chains()];
        let c = Coefficients { c: vec![0.0; loops], laplacian: vec![0.0; loops], constant: 0.0 };
        self.slopes_along(u, &c, (direction, 1.0), &|_| 0.0, Some(&mut sums));
        sums
    }
}

/// Plaquettes, words, pulls, slopes.
fn run<T: Real, const N: usize, const P: usize>(
    lattice: &Lattice,
    program: &Program,
    work: &mut Workspace<T>,
    links: FieldReader<'_, T>,
    c: &Coefficients,
    weight: Row<T>,
    sums: Option<&mut [f64]>,
) {
    let blocks = 0..lattice.layout::<T>().blocks();
    lattice.launch(&Leaves::<T, N, P> { links, leaves: work.leaves.writer() }, blocks.clone());
    work.leaves.exchange();
    let kernel = Words::<T, N, P> {
        program,
        links,
        leaves: work.leaves.reader(),
        pulls: work.pulls.writer(),
        coefficients: &c.c,
        laplacian: &c.laplacian,
        constant: c.constant,
        weight,
        sums: sums.is_some(),
    };
    if let Some(sums) = sums {
        let mut all = [0.0; 2 * LOOPS_MAX * MOST_CHAINS];
        let count = if P == 1 { 1 } else { 2 * LOOPS_MAX } * lattice.chains();
        lattice.reduce(&kernel, blocks.clone(), &mut all[..count]);
        let asked = sums.len();
        sums.copy_from_slice(&all[..asked]);
    } else {
        lattice.launch(&kernel, blocks.clone());
    }
    work.pulls.exchange();
    let kernel = Pulls::<T, N, P> {
        program,
        links,
        leaves: work.leaves.reader(),
        pulls: work.pulls.reader(),
        sides: work.sides.writer(),
    };
    lattice.launch(&kernel, blocks.clone());
    work.sides.exchange();
    let kernel = Slopes::<T, N, P> {
        program,
        pulls: work.pulls.reader(),
        sides: work.sides.reader(),
        slopes: work.slopes.writer(),
    };
    lattice.launch(&kernel, blocks);
}
