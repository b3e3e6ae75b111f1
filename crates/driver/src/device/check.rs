//! A kernel on the host's stand-in for a device, beside the same operation of the library.

use super::Kernel;
use crate::error::DriverError;
use gaugelink_device::{DeviceError, HostDevice, HostKernel, Schedule, Sites};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::sum::ExactSum;
use gaugelink_lattice::{DIM_MAX, GaugeField, Lattice, LatticeOptions, MomentumField, Real};
use gaugelink_models::Flow;
use gaugelink_models::layers::{Coefficients, Residual, Sharing};
use gaugelink_physics::action::accumulate_staple_force;
use gaugelink_physics::dirac::{Boundary, SpinorField, Wilson};
use std::sync::Arc;

const MASS: f64 = 0.1;
const SCALE: f64 = 0.3;
/// ρ of each staple of the residual layer: Σ|ρ| < 1.
const RHO: f64 = 0.08;
/// Threads of a block in another order than their numbers'.
const SCHEDULE: Schedule = Schedule::Shuffled(1);

/// How far a kernel's numbers are from those of the library.
pub(crate) struct Comparison {
    pub name: String,
    /// Numbers that were compared.
    pub numbers: usize,
    /// Of these, how many differ in any bit.
    pub different: usize,
    /// The largest difference.
    pub largest: f64,
}

/// Runs every kernel of a group and precision on a lattice of the given extents, all of them even.
pub(crate) fn check<T: Real, const N: usize>(
    device: &HostDevice,
    extents: &[usize; DIM_MAX],
    mut each: impl FnMut(Comparison) -> Result<(), DriverError>,
) -> Result<(), DriverError> {
    let lattice = Lattice::new(extents, LatticeOptions::default())?;
    let bench = Bench {
        sites: Sites::new(lattice.geometry()),
        links: GaugeField::<T, N>::random(&lattice, 0.5, Address::new(1, Purpose::Start))?,
        lattice,
    };
    for kernel in Kernel::all() {
        let compiled = device.compile(&kernel.text::<T, N>())?;
        let pairs = match kernel {
            Kernel::Wilson { dagger } => bench.wilson(&compiled, dagger)?,
            Kernel::Force => bench.force(&compiled)?,
            Kernel::Residual { mu } => bench.residual(&compiled, mu)?,
        };
        each(compare(kernel.name::<T, N>(), &pairs))?;
    }
    Ok(())
}

/// Expected numbers beside those of the kernel.
type Pairs = Vec<(f64, f64)>;

fn pairs<T: Real>(expected: &[T], found: &[T]) -> Pairs {
    expected.iter().zip(found).map(|(a, b)| (a.to_f64(), b.to_f64())).collect()
}

fn compare(name: String, pairs: &Pairs) -> Comparison {
    let different = pairs.iter().filter(|(a, b)| a.to_bits() != b.to_bits()).count();
    // NaN on one side is as far away as can be.
    let distance = |(a, b): &(f64, f64)| if a.to_bits() == b.to_bits() { 0.0 } else { (a - b).abs() };
    let far = |largest: f64, x: f64| if x.is_nan() { f64::INFINITY } else { largest.max(x) };
    Comparison { name, numbers: pairs.len(), different, largest: pairs.iter().map(distance).fold(0.0, far) }
}

struct Bench<T, const N: usize> {
    sites: Sites,
    links: GaugeField<T, N>,
    lattice: Arc<Lattice>,
}

impl<T: Real, const N: usize> Bench<T, N> {
    fn wilson(&self, kernel: &HostKernel, dagger: bool) -> Result<Pairs, DriverError> {
        let mut psi = SpinorField::<T, N>::zeroed(&self.lattice)?;
        let mut expected = SpinorField::<T, N>::zeroed(&self.lattice)?;
        psi.set_gaussian(Address::new(2, Purpose::Source));
        let wilson = Wilson::new(&self.links, MASS, Boundary::periodic())?;
        if dagger {
            wilson.apply_dagger(&mut expected, &psi)
        } else {
            wilson.apply(&mut expected, &psi)
        }
        let (mut u, mut from) = (self.sites.gather(&self.links), self.sites.gather(&psi));
        let mut out = vec![T::default(); from.len()];
        let parameters = [T::from_f64(MASS + 4.0), T::from_f64(-0.5)];
        self.launch(kernel, &mut [&mut u, &mut from, &mut out], &parameters, None)?;
        Ok(pairs(&self.sites.gather(&expected), &out))
    }

    fn force(&self, kernel: &HostKernel) -> Result<Pairs, DriverError> {
        let mut momenta = MomentumField::<T, N>::zeroed(&self.lattice)?;
        momenta.refresh(Address::new(3, Purpose::Momenta));
        let (mut u, mut p) = (self.sites.gather(&self.links), self.sites.gather(&momenta));
        accumulate_staple_force(&self.links, &mut momenta, SCALE, 1.0);
        self.launch(kernel, &mut [&mut u, &mut p], &[T::from_f64(SCALE), T::from_f64(1.0)], None)?;
        Ok(pairs(&self.sites.gather(&momenta), &p))
    }

    /// Both parities, one after the other.
    fn residual(&self, kernel: &HostKernel, mu: usize) -> Result<Pairs, DriverError> {
        let mut stack = Residual::stack(&self.lattice, Coefficients::Plain, Sharing::PerStaple, 2 * DIM_MAX)?;
        let layers: Vec<_> = stack.drain(2 * mu..2 * mu + 2).collect();
        // A weight of its own for each staple, so that none can stand for another.
        let rho: Vec<f64> = (0..2 * (DIM_MAX - 1)).map(|class| RHO * (1.0 + 0.1 * class as f64)).collect();
        let mut flow = Flow::new(layers, [rho.clone(), rho.clone()].concat())?;
        let (mut moved, mut expected) = (self.links.duplicate()?, [0.0]);
        flow.forward(&mut moved, &mut expected);

        let (mut u, mut log_det) = (self.sites.gather(&self.links), vec![T::default(); self.sites.count()]);
        let rho: Vec<T> = rho.into_iter().map(T::from_f64).collect();
        let mut total = 0.0;
        for parity in 0..2 {
            self.launch(kernel, &mut [&mut u, &mut log_det], &rho, Some(parity))?;
            // Each sub-layer's sum is rounded once, as the library's.
            let mut sum = ExactSum::default();
            log_det[self.sites.parity(parity)].iter().for_each(|x| sum.add(x.to_f64()));
            total += sum.value();
        }
        let mut pairs = pairs(&self.sites.gather(&moved), &u);
        pairs.push((expected[0], total));
        Ok(pairs)
    }

    fn launch(
        &self,
        kernel: &HostKernel,
        fields: &mut [&mut [T]],
        parameters: &[T],
        parity: Option<usize>,
    ) -> Result<(), DeviceError> {
        let range = parity.map_or(0..self.sites.count(), |parity| self.sites.parity(parity));
        kernel.launch(&self.sites, fields, parameters, range, SCHEDULE)
    }
}
