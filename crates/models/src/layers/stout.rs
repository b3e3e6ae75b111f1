//! Trainable stout smearing (Morningstar and Peardon, Phys. Rev. D 69 (2004) 054501), for gauge-covariant networks
//! (Nagai and Tomiya, Phys. Rev. D 111 (2025) 074501).
//!
//! All links move at once, U′ = exp(−ρ Ta(U A)) U with the staple sum A and one ρ. The log det has no local form, so this
//! is a smearing and no [`Layer`](crate::Layer): it goes forwards, and takes derivatives back.

use super::exponent::{Exponent, dual_of_loops, slopes};
use super::loops::{Duals, Weights, across_other_parity, across_same_parity, along};
use crate::ModelError;
use crate::algebra::{apply, phi_minus};
use gaugelink_lattice::group::{ALGEBRA_MAX, algebra_dim, exponential};
use gaugelink_lattice::{
    DIM_MAX, Field, FieldReader, FieldWriter, GaugeField, Kernel, Lanes, Lattice, LinkReader, Matrix,
    MomentumField, Real, Tally,
};
use gaugelink_physics::action::staple;
use std::ops::Range;
use std::sync::Arc;

/// A step of stout smearing on a lattice, with its workspace: a matrix a link.
#[derive(Debug)]
pub struct Stout<T: Real, const N: usize> {
    lattice: Arc<Lattice>,
    /// Θ of every link: the loss moves by Re tr(Θ δΣ) with its staples Σ = ρ A.
    duals: Field<T>,
}

impl<T: Real, const N: usize> Stout<T, N> {
    /// Allocates the workspace.
    ///
    /// # Errors
    /// No memory.
    pub fn new(lattice: &Arc<Lattice>) -> Result<Self, ModelError> {
        let duals = Field::zeroed(lattice, lattice.dims() * GaugeField::<T, N>::LINK)?;
        Ok(Self { lattice: lattice.clone(), duals })
    }

    /// Refuses a ρ for which the derivative of the exponential is not exact: eigenvalues of the exponent must differ by
    /// less than 4, which |ρ| < 1/(d − 1) ensures in d dimensions.
    ///
    /// # Errors
    /// [`ModelError::Parameter`].
    pub fn check(dims: usize, rho: f64) -> Result<(), ModelError> {
        let most = 1.0 / (dims - 1) as f64;
        if rho.abs() < most {
            return Ok(());
        }
        Err(ModelError::Parameter(format!(
            "a stout coefficient {rho}: in {dims} dimensions keep it between {:.3} and {most:.3}",
            -most
        )))
    }

    /// `u` ← the links `v` smeared once. Collective.
    pub fn forward(&self, v: &GaugeField<T, N>, rho: f64, u: &mut GaugeField<T, N>) {
        let dims = self.lattice.dims();
        let kernel = Smear::<T, N> { links: v.links(), smeared: u.writer(), dims, rho };
        self.lattice.launch(&kernel, 0..v.layout().blocks());
        u.exchange();
    }

    /// Reverse mode: on entry `cotangent` holds ∂^a L at the smeared links, on return that at `v`; ∂L/∂ρ, summed over
    /// chains and ranks, is added to `gradient`, if given. Collective.
    pub fn vjp(
        &mut self,
        v: &GaugeField<T, N>,
        rho: f64,
        cotangent: &mut MomentumField<T, N>,
        gradient: Option<&mut f64>,
    ) {
        let (dims, blocks) = (self.lattice.dims(), 0..v.layout().blocks());
        let kernel = Own {
            links: v.links(),
            cotangent: cotangent.writer(),
            duals: self.duals.writer(),
            dims,
            rho,
            by_rho: gradient.is_some(),
        };
        if let Some(gradient) = gradient {
            let mut sums = vec![0.0; self.lattice.chains()];
            self.lattice.reduce(&kernel, blocks.clone(), &mut sums);
            *gradient += sums.iter().sum::<f64>();
        } else {
            self.lattice.launch(&kernel, blocks.clone());
        }
        self.duals.exchange();
        let kernel = ByStaples {
            links: v.links(),
            duals: self.duals.reader(),
            cotangent: cotangent.writer(),
            dims,
            weights: [[rho; 2]; DIM_MAX],
        };
        self.lattice.launch(&kernel, blocks);
    }
}

struct Smear<'a, T, const N: usize> {
    links: LinkReader<'a, T, N>,
    smeared: FieldWriter<'a, T>,
    dims: usize,
    rho: f64,
}

impl<T: Real, const N: usize> Kernel<T> for Smear<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Smear);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let rho = V::splat(self.rho);
        for block in range {
            for mu in 0..self.dims {
                let staples = staple::<V, N>(&self.links, self.dims, block, mu).scale(rho);
                let x = Exponent::<V, N>::new(self.links.at::<V>(block, mu), &staples);
                let smeared = exponential(&x.a).mul(&x.u);
                // SAFETY: a block is written by one thread.
                unsafe { self.smeared.store_matrix(block, mu * 2 * N * N, &smeared) }
            }
        }
    }
}

/// The way back to a link by its own change, its Θ, and the derivative by ρ.
struct Own<'a, T, const N: usize> {
    links: LinkReader<'a, T, N>,
    cotangent: FieldWriter<'a, T>,
    duals: FieldWriter<'a, T>,
    dims: usize,
    rho: f64,
    by_rho: bool,
}

impl<T: Real, const N: usize> Kernel<T> for Own<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Own);
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        let (dim, rho, zero) = (algebra_dim(N), V::splat(self.rho), V::splat(0.0));
        // SAFETY: a block's cotangent is read and written by one thread.
        let cotangent = unsafe { self.cotangent.reader() };
        for block in range {
            let mut slope = zero;
            for mu in 0..self.dims {
                let staples = staple::<V, N>(&self.links, self.dims, block, mu);
                let x = Exponent::<V, N>::new(self.links.at::<V>(block, mu), &staples.scale(rho));
                let (_, ad, invariants) = x.adjoint();
                let mut g = [zero; ALGEBRA_MAX];
                for a in 0..dim {
                    g[a] = cotangent.load(block, mu * dim + a);
                }
                // L moves with δA by φ(−ad) g and with the link by e^{−ad} g = g − ad φ(−ad) g.
                let h = phi_minus::<V, N>(&ad, &invariants, &g);
                let turned = apply::<V, N>(&ad, &h);
                let psi = dual_of_loops::<V, N>(&h, zero, &[zero; ALGEBRA_MAX]);
                let own = slopes(&x.p.mul(&psi));
                let theta = psi.mul(&x.u);
                for a in 0..dim {
                    let total = if N == 1 { g[a] + own[a] } else { g[a] - turned[a] + own[a] };
                    // SAFETY: as above.
                    unsafe { self.cotangent.store(block, mu * dim + a, total) }
                }
                // SAFETY: a block's Θ is written by one thread and read by none.
                unsafe { self.duals.store_matrix(block, mu * 2 * N * N, &theta) }
                if self.by_rho {
                    slope = slope + theta.re_trace_mul(&staples);
                }
            }
            if self.by_rho {
                tally.add(0, slope);
            }
        }
    }
}

/// The way back to a link through the staples that it is part of.
struct ByStaples<'a, T, const N: usize> {
    links: LinkReader<'a, T, N>,
    duals: FieldReader<'a, T>,
    cotangent: FieldWriter<'a, T>,
    dims: usize,
    weights: Weights,
}

impl<T: Real, const N: usize> Kernel<T> for ByStaples<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: ByStaples);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (dim, links, weights) = (algebra_dim(N), &self.links, &self.weights);
        // SAFETY: a block's cotangent is read and written by one thread.
        let cotangent = unsafe { self.cotangent.reader() };
        for block in range {
            for nu in 0..self.dims {
                let own = Duals { field: self.duals, component: nu * 2 * N * N };
                let mut y = Matrix::<V, N>::zero();
                for mu in 0..self.dims {
                    if mu == nu {
                        continue;
                    }
                    let duals = Duals { field: self.duals, component: mu * 2 * N * N };
                    y = y + across_same_parity(links, &duals, block, (mu, nu), weights);
                    y = y + across_other_parity(links, &duals, block, (mu, nu), weights);
                    y = y + along(links, &own, block, (nu, mu), weights);
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
    use crate::cases::links::{chain_algebra, chain_links, largest_difference, loss, rough};
    use gaugelink_lattice::LatticeOptions;
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_physics::smear::stout;

    const RHO: f64 = 0.13;

    fn derivative(f: impl Fn(f64) -> f64) -> f64 {
        let h = 2e-3;
        (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h)
    }

    fn check<const N: usize>(extents: &[usize]) {
        let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
        let mut layer = Stout::<f64, N>::new(&lattice).unwrap();
        let v = rough::<f64, N>(&lattice, 0);
        let smeared = |v: &GaugeField<f64, N>, rho| {
            let mut u = GaugeField::cold(&lattice).unwrap();
            Stout::new(&lattice).unwrap().forward(v, rho, &mut u);
            u
        };
        let mut expected = v.duplicate().unwrap();
        stout(&mut expected, RHO, 1).unwrap();
        let u = smeared(&v, RHO);
        let off = largest_difference(&chain_links(&u, 0), &chain_links(&expected, 0));
        assert!(off < 1e-14, "N={N} {extents:?}: stout smearing, off by {off:e}");

        let (_, mut cotangent) = loss(&u);
        let mut gradient = 0.0;
        layer.vjp(&v, RHO, &mut cotangent, Some(&mut gradient));
        let size = cotangent.norm2()[0].sqrt();
        let slope = derivative(|s| loss(&smeared(&v, RHO + s)).0[0]);
        assert!((slope - gradient).abs() < 1e-8 * size, "N={N} {extents:?}: by rho {slope} {gradient}");
        let mut direction = MomentumField::<f64, N>::zeroed(&lattice).unwrap();
        direction.refresh(Address::new(3, Purpose::Momenta));
        let slope = derivative(|s| {
            let mut moved = v.duplicate().unwrap();
            moved.drift(&direction, s);
            loss(&smeared(&moved, RHO)).0[0]
        });
        let expected = cotangent.dot(&direction)[0];
        assert!((slope - expected).abs() < 1e-8 * size, "N={N} {extents:?}: by links {slope} {expected}");
    }

    #[test]
    fn derivatives_are_those_of_differences() {
        for extents in [&[6, 4][..], &[3, 5], &[4, 3, 2], &[4, 2, 2, 4]] {
            check::<1>(extents);
            check::<2>(extents);
            check::<3>(extents);
        }
    }

    #[test]
    fn single_precision_follows_double() {
        fn results<T: Real>() -> Vec<f64> {
            let lattice = Lattice::new(&[4, 4, 4, 4], LatticeOptions::default()).unwrap();
            let mut layer = Stout::<T, 3>::new(&lattice).unwrap();
            let (v, mut u) = (rough::<T, 3>(&lattice, 0), GaugeField::cold(&lattice).unwrap());
            layer.forward(&v, RHO, &mut u);
            let (_, mut cotangent) = loss(&u);
            layer.vjp(&v, RHO, &mut cotangent, None);
            chain_algebra(&cotangent, 0)
        }
        let (double, single) = (results::<f64>(), results::<f32>());
        let off: f64 = double.iter().zip(&single).map(|(d, s)| (d - s).powi(2)).sum();
        let size: f64 = double.iter().map(|d| d * d).sum();
        assert!(off > 0.0 && off.sqrt() < 1e-5 * size.sqrt(), "off by {:e}", (off / size).sqrt());
    }

    #[test]
    fn coefficients_out_of_reach_are_refused() {
        assert!(Stout::<f64, 3>::check(4, 0.33).is_ok() && Stout::<f64, 3>::check(2, -0.9).is_ok());
        assert!(Stout::<f64, 3>::check(4, f64::NAN).is_err());
        let error = Stout::<f64, 3>::check(4, 0.34).unwrap_err().to_string();
        assert!(error.contains("0.333"), "{error}");
    }
}
