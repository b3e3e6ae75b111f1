//! Trainable stout smearing (Morningstar and Peardon, hep-lat/0311018; with trainable coefficients Nagai and Tomiya,
//! arXiv:2103.11965).
//!
//! All links move at once, U′_mu = exp(A_mu) U_mu with A_mu = Ta(C_mu U_mu†) and C_mu† = ρ_mu times the staple sum. A
//! link's staples move with it, so the Jacobian is no product over links, and for large ρ the map is no bijection: this
//! is a smearing, with forward and reverse mode, and not a [`crate::Layer`]. For flows take [`super::Residual`].

use super::exponent::{Exponent, dual_of_loops, slopes};
use super::loops::{Duals, Weights, across_other_parity, across_same_parity, along};
use crate::ModelError;
use crate::algebra::Frame;
use gaugelink_lattice::group::{ALGEBRA_MAX, algebra_dim};
use gaugelink_lattice::{
    BlockLinks, DIM_MAX, Field, FieldReader, FieldWriter, GaugeField, Kernel, Lanes, Lattice, LinkReader,
    Matrix, MomentumField, Real, Tally,
};
use gaugelink_physics::action::staple;
use std::ops::Range;
use std::sync::Arc;

/// How many coefficients a step has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoutSharing {
    /// One ρ.
    One,
    /// One for each direction of the links that move.
    PerDirection,
}

/// One step of stout smearing on a lattice. Its parameters are the ρ, each below 1/(number of staples) for a step that
/// smooths.
pub struct Stout<T: Real, const N: usize> {
    lattice: Arc<Lattice>,
    sharing: StoutSharing,
    /// Θ of every link.
    duals: Field<T>,
}

impl<T: Real, const N: usize> Stout<T, N> {
    /// A step on a lattice.
    ///
    /// # Errors
    /// No memory.
    pub fn new(lattice: &Arc<Lattice>, sharing: StoutSharing) -> Result<Self, ModelError> {
        let duals = Field::zeroed(lattice, lattice.dims() * GaugeField::<T, N>::LINK)?;
        Ok(Self { lattice: lattice.clone(), sharing, duals })
    }

    /// How many parameters it takes.
    pub fn parameters(&self) -> usize {
        if self.sharing == StoutSharing::One { 1 } else { self.lattice.dims() }
    }

    fn rho(&self, parameters: &[f64]) -> [f64; DIM_MAX] {
        let mut rho = [0.0; DIM_MAX];
        for mu in 0..self.lattice.dims() {
            rho[mu] = parameters[mu.min(parameters.len() - 1)];
        }
        rho
    }

    /// `smeared` ← the smeared links of `u`. Collective.
    pub fn forward(&mut self, u: &GaugeField<T, N>, parameters: &[f64], smeared: &mut GaugeField<T, N>) {
        let kernel = Smear::<T, N> {
            links: u.links(),
            smeared: smeared.writer(),
            dims: self.lattice.dims(),
            rho: self.rho(parameters),
        };
        self.lattice.launch(&kernel, 0..self.lattice.layout::<T>().blocks());
        smeared.exchange();
    }

    /// Reverse mode of [`Stout::forward`]: on entry `cotangent` holds ∂^a L at the smeared links, on return at `u`;
    /// ∂L/∂parameters, summed over chains and ranks, is added to `gradient`, if given. Collective.
    pub fn vjp(
        &mut self,
        u: &GaugeField<T, N>,
        parameters: &[f64],
        cotangent: &mut MomentumField<T, N>,
        gradient: Option<&mut [f64]>,
    ) {
        let (dims, rho) = (self.lattice.dims(), self.rho(parameters));
        let blocks = 0..self.lattice.layout::<T>().blocks();
        let kernel = Moving {
            links: u.links(),
            cotangent: cotangent.writer(),
            duals: self.duals.writer(),
            dims,
            rho,
            by_direction: gradient.is_some(),
        };
        if let Some(gradient) = gradient {
            let (mut sums, chains) = ([0.0; DIM_MAX * f32::LANES], self.lattice.chains());
            self.lattice.reduce(&kernel, blocks.clone(), &mut sums[..DIM_MAX * chains]);
            for mu in 0..dims {
                let p = mu.min(gradient.len() - 1);
                sums[mu * chains..(mu + 1) * chains].iter().for_each(|s| gradient[p] += s);
            }
        } else {
            self.lattice.launch(&kernel, blocks.clone());
        }
        self.duals.exchange();
        let kernel = Passed {
            links: u.links(),
            duals: self.duals.reader(),
            cotangent: cotangent.writer(),
            dims,
            weights: rho.map(|rho| [[rho; 2]; DIM_MAX]),
        };
        self.lattice.launch(&kernel, blocks);
    }
}

struct Smear<'a, T, const N: usize> {
    links: LinkReader<'a, T, N>,
    smeared: FieldWriter<'a, T>,
    dims: usize,
    rho: [f64; DIM_MAX],
}

impl<T: Real, const N: usize> Kernel<T> for Smear<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Smear);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for block in range {
            for mu in 0..self.dims {
                let staples = staple::<V, N>(&BlockLinks { links: self.links, block }, self.dims, mu)
                    .scale(V::splat(self.rho[mu]));
                let x = Exponent::new(self.links.at::<V>(block, mu), &staples);
                // SAFETY: a block is written by one thread and read by none.
                unsafe { self.smeared.store_matrix(block, mu * 2 * N * N, &x.moved()) }
            }
        }
    }
}

/// The way back at each link as one that moves: its cotangent, its Θ, and the derivative by direction.
struct Moving<'a, T, const N: usize> {
    links: LinkReader<'a, T, N>,
    cotangent: FieldWriter<'a, T>,
    duals: FieldWriter<'a, T>,
    dims: usize,
    rho: [f64; DIM_MAX],
    by_direction: bool,
}

impl<T: Real, const N: usize> Kernel<T> for Moving<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Moving);
    const SUMS: usize = DIM_MAX;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        let (dim, zero) = (algebra_dim(N), V::splat(0.0));
        // SAFETY: a block's cotangent is read and written by one thread.
        let cotangent = unsafe { self.cotangent.reader() };
        for block in range {
            for mu in 0..self.dims {
                let staples = staple::<V, N>(&BlockLinks { links: self.links, block }, self.dims, mu);
                let u = self.links.at::<V>(block, mu);
                let x = Exponent::new(u, &staples.scale(V::splat(self.rho[mu])));
                let mut g = [zero; ALGEBRA_MAX];
                for a in 0..dim {
                    g[a] = cotangent.load(block, mu * dim + a);
                }
                let (by_a, at_fixed_a) = Exponent::turned_back(&Frame::new(&x.a), &g);
                let psi = dual_of_loops::<V, N>(&by_a, zero, &[zero; ALGEBRA_MAX]);
                let own = slopes(&x.p.mul(&psi));
                let theta = psi.mul(&u);
                for a in 0..dim {
                    // SAFETY: as above.
                    unsafe { self.cotangent.store(block, mu * dim + a, at_fixed_a[a] + own[a]) }
                }
                // SAFETY: a block's Θ is written by one thread and read by none.
                unsafe { self.duals.store_matrix(block, mu * 2 * N * N, &theta) }
                if self.by_direction {
                    tally.add(mu, theta.re_trace_mul(&staples));
                }
            }
        }
    }
}

/// The way back at each link as part of others' staples.
struct Passed<'a, T, const N: usize> {
    links: LinkReader<'a, T, N>,
    duals: FieldReader<'a, T>,
    cotangent: FieldWriter<'a, T>,
    dims: usize,
    weights: [Weights; DIM_MAX],
}

impl<T: Real, const N: usize> Kernel<T> for Passed<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Passed);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (dim, links) = (algebra_dim(N), &self.links);
        // SAFETY: a block's cotangent is read and written by one thread.
        let cotangent = unsafe { self.cotangent.reader() };
        for block in range {
            for nu in 0..self.dims {
                let own = Duals::<T, N> { field: self.duals, component: nu * 2 * N * N };
                let mut y = Matrix::<V, N>::zero();
                for mu in 0..self.dims {
                    if mu == nu {
                        continue;
                    }
                    let duals = Duals::<T, N> { field: self.duals, component: mu * 2 * N * N };
                    let weights = &self.weights[mu];
                    y = y + across_same_parity(links, &duals, block, (mu, nu), weights);
                    y = y + across_other_parity(links, &duals, block, (mu, nu), weights);
                    y = y + along(links, &own, block, (nu, mu), &self.weights[nu]);
                }
                let slope = slopes(&links.at::<V>(block, nu).mul(&y));
                for a in 0..dim {
                    let c = nu * dim + a;
                    let total = cotangent.load::<V>(block, c) + slope[a];
                    // SAFETY: as above.
                    unsafe { self.cotangent.store(block, c, total) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{Lattices, check_smearing};
    use crate::{Flow, Layer, Undo};
    use gaugelink_lattice::Links;
    use gaugelink_lattice::rng::{Address, Purpose};

    /// Puts a step on the case list: a layer without a log det, whose inverse is never asked for.
    struct Step<T: Real, const N: usize>(Stout<T, N>);

    impl<T: Real, const N: usize> Layer<T, Links<N>> for Step<T, N> {
        fn parameters(&self) -> usize {
            self.0.parameters()
        }
        fn forward(
            &mut self,
            u: &mut GaugeField<T, N>,
            parameters: &[f64],
            _: &mut [f64],
            undo: Option<&mut Undo<T>>,
        ) {
            let before = u.duplicate().unwrap();
            if let Some(undo) = undo {
                undo.push(u.as_slice());
            }
            self.0.forward(&before, parameters, u);
        }
        fn inverse(&mut self, _: &mut GaugeField<T, N>, _: &[f64], _: &mut [f64]) -> Result<(), ModelError> {
            Ok(())
        }
        fn restore(&mut self, u: &mut GaugeField<T, N>, undo: &mut Undo<T>) {
            undo.pop(u.as_mut_slice());
        }
        fn vjp(
            &mut self,
            v: &GaugeField<T, N>,
            parameters: &[f64],
            cotangent: &mut MomentumField<T, N>,
            _: &[f64],
            gradient: Option<&mut [f64]>,
        ) {
            self.0.vjp(v, parameters, cotangent, gradient);
        }
    }

    /// Two steps, one of either kind.
    fn steps<T: Real, const N: usize>(lattice: &Arc<Lattice>) -> Result<Flow<T, N>, ModelError> {
        let first: Box<dyn Layer<T, Links<N>>> =
            Box::new(Step(Stout::new(lattice, StoutSharing::PerDirection)?));
        let second = Box::new(Step(Stout::new(lattice, StoutSharing::One)?));
        let rho = [0.12, 0.07, 0.1, -0.04];
        Flow::new(vec![first, second], [&rho[..lattice.dims()], &[0.11]].concat())
    }

    #[test]
    fn passes_the_case_list() {
        let plane = Lattices { small: &[4, 2], large: &[8, 4], grids: &[&[2, 1], &[2, 2]] };
        check_smearing(&plane, steps::<f64, 1>, steps::<f32, 1>);
        check_smearing(&plane, steps::<f64, 2>, steps::<f32, 2>);
        let cube = Lattices { small: &[3, 2, 5], large: &[4, 4, 4], grids: &[&[1, 2, 1]] };
        check_smearing(&cube, steps::<f64, 2>, steps::<f32, 2>);
        let whole =
            Lattices { small: &[2, 2, 2, 2], large: &[4, 4, 4, 4], grids: &[&[1, 1, 1, 2], &[2, 1, 2, 1]] };
        check_smearing(&whole, steps::<f64, 3>, steps::<f32, 3>);
    }

    /// With one coefficient it is the smearing that is tested against Grid.
    #[test]
    fn equals_plain_stout_smearing() {
        let lattice = Lattice::new(&[4, 2, 4, 8], Default::default()).unwrap();
        let mut u = GaugeField::<f64, 3>::random(&lattice, 0.6, Address::new(3, Purpose::Start)).unwrap();
        let mut smeared = u.duplicate().unwrap();
        Stout::new(&lattice, StoutSharing::One).unwrap().forward(&u, &[0.13], &mut smeared);
        gaugelink_physics::smear::stout(&mut u, 0.13, 1).unwrap();
        let off = u.as_slice().iter().zip(smeared.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off < 1e-15 * 20.0, "off by {off:e}");
    }
}
