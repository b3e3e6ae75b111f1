//! Masked residual layers (Abbott et al., arXiv:2401.10874; masked stout smearing of Grid and GPT).
//!
//! The links of one direction mu on the sites of one parity move, U′ = exp(A) U with A = Ta(C U†) and C† = Σ, the
//! staple sum weighted with ρ; the others stay. No plaquette holds two links that move, so Σ stays too, and the
//! Jacobian is a product over links (see `algebra/log_det.rs`). Two sub-layers for each direction move every link once.
//!
//! For Σ|ρ| < 1 over the staples of a link, Ta does not expand and exp is 1-Lipschitz, so V → exp(−A(V)) U′ contracts:
//! the layer has an inverse, found by iterating it, and det M > 0.

mod kernels;

use super::loops::Weights;
use crate::{Layer, ModelError, Undo};
use gaugelink_lattice::number::Row;
use gaugelink_lattice::{DIM_MAX, Field, GaugeField, Kernel, Lattice, Links, MomentumField, Real};
use kernels::{CLASSES, Forward, Frozen, ITERATIONS, Inverse, Moving};
pub use kernels::{backward_flops, forward_flops, record_forward};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

/// What parameters mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Coefficients {
    /// ρ = s tanh θ / (number of staples), so that Σ|ρ| < s whatever the parameters θ; 0 < s < 1.
    Bounded {
        /// s
        sum: f64,
    },
    /// The parameters are ρ themselves, and refused where Σ|ρ| ≥ 1.
    Plain,
}

/// How many parameters a sub-layer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// One for all staples.
    One,
    /// One for each plane and side: (nu, +), (nu, −) for each nu ≠ mu.
    PerStaple,
}

/// One sub-layer on a lattice.
pub struct Residual<T: Real, const N: usize> {
    lattice: Arc<Lattice>,
    mu: usize,
    parity: usize,
    coefficients: Coefficients,
    sharing: Sharing,
    /// Θ of the links that move, a matrix a site; shared by the sub-layers of a stack.
    duals: Arc<Mutex<Field<T>>>,
}

impl<T: Real, const N: usize> Residual<T, N> {
    /// A stack of `count` sub-layers. Sub-layer k moves direction (k div 2) mod d on sites of parity k mod 2, so that
    /// 2d of them move every link once.
    ///
    /// # Errors
    /// [`ModelError::Geometry`] for an odd extent, [`ModelError::Parameter`] for a bound outside (0, 1), no memory.
    pub fn stack(
        lattice: &Arc<Lattice>,
        coefficients: Coefficients,
        sharing: Sharing,
        count: usize,
    ) -> Result<Vec<Box<dyn Layer<T, Links<N>>>>, ModelError> {
        let dims = lattice.dims();
        if !lattice.geometry().is_bipartite() {
            return Err(ModelError::Geometry(format!(
                "masked residual layers move even and odd sites in turn, which needs even extents, not {:?}",
                &lattice.geometry().extents()[..dims]
            )));
        }
        if let Coefficients::Bounded { sum } = coefficients
            && !(sum > 0.0 && sum < 1.0)
        {
            return Err(ModelError::Parameter(format!(
                "a bound {sum} on the sum of |rho|: give a number between 0 and 1, or the layer has no inverse"
            )));
        }
        let duals = Arc::new(Mutex::new(Field::zeroed(lattice, GaugeField::<T, N>::LINK)?));
        let layer = |k: usize| -> Box<dyn Layer<T, Links<N>>> {
            Box::new(Self {
                lattice: lattice.clone(),
                mu: k / 2 % dims,
                parity: k % 2,
                coefficients,
                sharing,
                duals: duals.clone(),
            })
        };
        Ok((0..count).map(layer).collect())
    }

    /// How many parameters a sub-layer takes in `dims` dimensions.
    pub fn parameter_count(sharing: Sharing, dims: usize) -> usize {
        if sharing == Sharing::One { 1 } else { 2 * (dims - 1) }
    }

    fn blocks(&self) -> Range<usize> {
        self.lattice.layout::<T>().parity_blocks(self.parity)
    }

    fn components(&self) -> Range<usize> {
        self.mu * GaugeField::<T, N>::LINK..(self.mu + 1) * GaugeField::<T, N>::LINK
    }

    /// The numbers of the links that move, in one block.
    fn numbers(&self) -> Range<usize> {
        self.components().start * T::LANES..self.components().end * T::LANES
    }

    /// Which parameter the staple of a plane and side has: (class, nu, side).
    fn classes(&self) -> impl Iterator<Item = (usize, usize, usize)> + use<T, N> {
        let mu = self.mu;
        (0..self.lattice.dims())
            .filter(move |&nu| nu != mu)
            .enumerate()
            .flat_map(|(plane, nu)| (0..2).map(move |side| (2 * plane + side, nu, side)))
    }

    fn parameter_of(&self, class: usize) -> usize {
        if self.sharing == Sharing::One { 0 } else { class }
    }

    fn staples(&self) -> usize {
        2 * (self.lattice.dims() - 1)
    }

    /// ρ and dρ/dθ.
    fn rho(&self, theta: f64) -> (f64, f64) {
        match self.coefficients {
            Coefficients::Plain => (theta, 1.0),
            Coefficients::Bounded { sum } => {
                let (most, tanh) = (sum / self.staples() as f64, theta.tanh());
                (most * tanh, most * (1.0 - tanh * tanh))
            }
        }
    }

    fn weights(&self, parameters: &[f64]) -> Weights {
        let mut weights = [[0.0; 2]; DIM_MAX];
        for (class, nu, side) in self.classes() {
            weights[nu][side] = self.rho(parameters[self.parameter_of(class)]).0;
        }
        weights
    }
}

impl<T: Real, const N: usize> Layer<T, Links<N>> for Residual<T, N> {
    fn parameters(&self) -> usize {
        Self::parameter_count(self.sharing, self.lattice.dims())
    }

    fn check(&self, parameters: &[f64]) -> Result<(), ModelError> {
        let sum: f64 = self.weights(parameters).iter().flatten().map(|rho| rho.abs()).sum();
        if sum < 1.0 {
            return Ok(());
        }
        Err(ModelError::Parameter(format!(
            "coefficients whose sizes add up to {sum} over the staples of a link: keep the sum below 1, or the residual \
             layer has no inverse"
        )))
    }

    fn forward(
        &mut self,
        u: &mut GaugeField<T, N>,
        parameters: &[f64],
        log_det: &mut [f64],
        undo: Option<&mut Undo<T>>,
    ) {
        if let Some(undo) = undo {
            self.blocks().for_each(|block| undo.push(&u.block(block)[self.numbers()]));
        }
        let weights = self.weights(parameters);
        let kernel = Forward::<T, N> { links: u.writer(), dims: self.lattice.dims(), mu: self.mu, weights };
        add_sums(&self.lattice, &kernel, self.blocks(), log_det);
        u.exchange_components(self.components());
    }

    fn inverse(
        &mut self,
        u: &mut GaugeField<T, N>,
        parameters: &[f64],
        log_det: &mut [f64],
    ) -> Result<(), ModelError> {
        let weights = self.weights(parameters);
        let kernel = Inverse::<T, N> { links: u.writer(), dims: self.lattice.dims(), mu: self.mu, weights };
        let mut sums = [0.0; 2 * MOST_CHAINS];
        let chains = log_det.len();
        self.lattice.reduce(&kernel, self.blocks(), &mut sums[..2 * chains]);
        u.exchange_components(self.components());
        log_det.iter_mut().zip(&sums).for_each(|(l, s)| *l += s);
        let stuck: f64 = sums[chains..2 * chains].iter().sum();
        if stuck == 0.0 {
            return Ok(());
        }
        Err(ModelError::NotConverged(format!(
            "the inverse of a residual layer: {stuck} links still move after {ITERATIONS} iterations; check that the \
             links are unitary, or keep the sum of |rho| further below 1"
        )))
    }

    fn restore(&mut self, u: &mut GaugeField<T, N>, undo: &mut Undo<T>) {
        let numbers = self.numbers();
        self.blocks().rev().for_each(|block| undo.pop(&mut u.block_mut(block)[numbers.clone()]));
        u.exchange_components(self.components());
    }

    fn vjp(
        &mut self,
        v: &GaugeField<T, N>,
        parameters: &[f64],
        cotangent: &mut MomentumField<T, N>,
        weight: &[f64],
        gradient: Option<&mut [f64]>,
    ) {
        let (weights, dims, mu) = (self.weights(parameters), self.lattice.dims(), self.mu);
        let layout = self.lattice.layout::<T>();
        let mut duals: MutexGuard<'_, Field<T>> = self.duals.lock().unwrap_or_else(|e| e.into_inner());
        let kernel = Moving {
            links: v.links(),
            cotangent: cotangent.writer(),
            duals: duals.writer(),
            dims,
            mu,
            weights,
            weight: Row::by_chain(&self.lattice, |chain| weight[chain]),
            by_class: gradient.is_some(),
        };
        if let Some(gradient) = gradient {
            let (mut sums, chains) = ([0.0; CLASSES * MOST_CHAINS], weight.len());
            self.lattice.reduce(&kernel, self.blocks(), &mut sums[..CLASSES * chains]);
            for (class, ..) in self.classes() {
                let p = self.parameter_of(class);
                let slope = self.rho(parameters[p]).1;
                sums[class * chains..(class + 1) * chains].iter().for_each(|s| gradient[p] += slope * s);
            }
        } else {
            self.lattice.launch(&kernel, self.blocks());
        }
        duals.exchange();
        let kernel = Frozen {
            links: v.links(),
            duals: duals.reader(),
            cotangent: cotangent.writer(),
            dims,
            mu,
            parity: self.parity,
            weights,
        };
        self.lattice.launch(&kernel, 0..layout.blocks());
    }
}

/// Most chains of a batch.
const MOST_CHAINS: usize = f32::LANES;

/// Adds a kernel's one sum for each chain.
fn add_sums<T: Real, K: Kernel<T>>(lattice: &Lattice, kernel: &K, blocks: Range<usize>, into: &mut [f64]) {
    let mut sums = [0.0; MOST_CHAINS];
    let sums = &mut sums[..into.len()];
    lattice.reduce(kernel, blocks, sums);
    into.iter_mut().zip(sums).for_each(|(total, s)| *total += *s);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Flow;
    use crate::cases::{Lattices, check};

    const SQUARE: Lattices = Lattices { small: &[4, 2], large: &[8, 4], grids: &[&[2, 1], &[1, 2], &[2, 2]] };
    const CUBE: Lattices =
        Lattices { small: &[2, 2, 2], large: &[4, 4, 4], grids: &[&[1, 2, 1], &[2, 1, 2]] };
    const HYPERCUBE: Lattices =
        Lattices { small: &[2, 2, 2, 2], large: &[4, 4, 4, 4], grids: &[&[1, 1, 1, 2], &[2, 1, 2, 1]] };

    /// All links once, by coefficients that differ from staple to staple.
    fn bounded<T: Real, const N: usize>(lattice: &Arc<Lattice>) -> Result<Flow<T, N>, ModelError> {
        let count = 2 * lattice.dims();
        let layers = Residual::stack(lattice, Coefficients::Bounded { sum: 0.9 }, Sharing::PerStaple, count)?;
        let parameters = 2 * (lattice.dims() - 1) * count;
        Flow::new(layers, (0..parameters).map(|p| 0.8 + (1.9 * p as f64).sin()).collect())
    }

    /// Grid's: one constant ρ.
    fn constant<T: Real, const N: usize>(lattice: &Arc<Lattice>) -> Result<Flow<T, N>, ModelError> {
        let count = 2 * lattice.dims();
        Flow::new(Residual::stack(lattice, Coefficients::Plain, Sharing::One, count)?, vec![0.1; count])
    }

    #[test]
    fn passes_the_case_list() {
        check(&SQUARE, bounded::<f64, 1>, bounded::<f32, 1>);
        check(&SQUARE, bounded::<f64, 2>, bounded::<f32, 2>);
        check(&SQUARE, bounded::<f64, 3>, bounded::<f32, 3>);
        check(&CUBE, bounded::<f64, 2>, bounded::<f32, 2>);
        check(&HYPERCUBE, constant::<f64, 3>, constant::<f32, 3>);
    }

    #[test]
    fn layers_without_an_inverse_are_refused() {
        let lattice = Lattice::new(&[4, 4], Default::default()).unwrap();
        let stack = |coefficients| Residual::<f64, 2>::stack(&lattice, coefficients, Sharing::One, 1);
        assert!(stack(Coefficients::Bounded { sum: 1.0 }).is_err());
        let error = Flow::new(stack(Coefficients::Plain).unwrap(), vec![0.5]).err().unwrap();
        assert!(error.to_string().contains("below 1"), "{error}");
        let odd = Lattice::new(&[4, 5], Default::default()).unwrap();
        assert!(Residual::<f64, 2>::stack(&odd, Coefficients::Plain, Sharing::One, 1).is_err());
    }
}
