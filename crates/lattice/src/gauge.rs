//! Gauge links and their momenta as fields.
//!
//! Links: U_mu(x) from x to x + mu, `[block][mu][row][column][re|im][lane]`. Momenta: coordinates π^a of
//! P = Σ π^a T_a, `[block][mu][a][lane]`.

use crate::LatticeError;
use crate::field::{Field, FieldReader};
use crate::group::{Matrix, algebra_dim, exponential, from_coordinates, reunitarise};
use crate::lattice::Lattice;
use crate::layout::{Neighbour, forward};
use crate::number::{Kernel, Lanes, Real, register_lanes};
use crate::rng::{Address, fill_gaussian};
use crate::sum::Tally;
use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

/// The links of U(1) (`N = 1`), SU(2) or SU(3).
#[derive(Debug)]
pub struct GaugeField<T, const N: usize>(Field<T>);

/// Momenta of the links: one algebra element each.
#[derive(Debug)]
pub struct MomentumField<T, const N: usize>(Field<T>);

impl<T, const N: usize> Deref for GaugeField<T, N> {
    type Target = Field<T>;
    fn deref(&self) -> &Field<T> {
        &self.0
    }
}

impl<T, const N: usize> DerefMut for GaugeField<T, N> {
    fn deref_mut(&mut self) -> &mut Field<T> {
        &mut self.0
    }
}

impl<T, const N: usize> Deref for MomentumField<T, N> {
    type Target = Field<T>;
    fn deref(&self) -> &Field<T> {
        &self.0
    }
}

impl<T, const N: usize> DerefMut for MomentumField<T, N> {
    fn deref_mut(&mut self) -> &mut Field<T> {
        &mut self.0
    }
}

impl<T: Real, const N: usize> GaugeField<T, N> {
    /// Real numbers of one link.
    pub const LINK: usize = 2 * N * N;

    /// All links the unit matrix.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn cold(lattice: &Arc<Lattice>) -> Result<Self, LatticeError> {
        let mut field = Field::zeroed(lattice, lattice.dims() * Self::LINK)?;
        for row in field.as_mut_slice().chunks_exact_mut(Self::LINK * T::LANES) {
            for i in 0..N {
                row[2 * (i * N + i) * T::LANES..][..T::LANES].fill(T::from_f64(1.0));
            }
        }
        Ok(Self(field))
    }

    /// All links far from 1 and independent: exp of Gaussian algebra elements of width `width`. With a width of a few
    /// this is close to, but not exactly, Haar-distributed; small widths give a rough field near the vacuum.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn random(lattice: &Arc<Lattice>, width: f64, address: Address) -> Result<Self, LatticeError> {
        let mut field = Self::cold(lattice)?;
        let mut momenta = MomentumField::zeroed(lattice)?;
        momenta.refresh(address);
        field.drift(&momenta, width);
        Ok(field)
    }

    /// A field of link components as links.
    pub(crate) fn wrap(field: Field<T>) -> Self {
        assert_eq!(field.reals(), field.lattice().dims() * Self::LINK, "components of a link field");
        Self(field)
    }

    /// A copy in memory of its own.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn duplicate(&self) -> Result<Self, LatticeError> {
        Ok(Self(self.0.duplicate()?))
    }

    /// The same links, rounded where needed, in another precision.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn converted<S: Real>(&self) -> Result<GaugeField<S, N>, LatticeError> {
        let mut other = Field::zeroed(self.lattice(), self.reals())?;
        self.convert_to(&mut other);
        Ok(GaugeField(other))
    }

    /// U_mu(x) for one lane.
    pub fn link(&self, block: usize, mu: usize, lane: usize) -> Matrix<T, N> {
        Matrix::from_fn(|i, j| {
            let c = mu * Self::LINK + 2 * (i * N + j);
            crate::Complex::new(self.get(block, c, lane), self.get(block, c + 1, lane))
        })
    }

    /// Sets U_mu(x) for one lane.
    pub fn set_link(&mut self, block: usize, mu: usize, lane: usize, u: &Matrix<T, N>) {
        for i in 0..N {
            for j in 0..N {
                let c = mu * Self::LINK + 2 * (i * N + j);
                self.set(block, c, lane, u.0[i][j].re);
                self.set(block, c + 1, lane, u.0[i][j].im);
            }
        }
    }

    /// For reading links in kernels.
    #[inline]
    pub fn links(&self) -> LinkReader<'_, T, N> {
        LinkReader(self.0.reader())
    }

    /// U ← exp(ε P) U on every link.
    pub fn drift(&mut self, momenta: &MomentumField<T, N>, epsilon: f64) {
        let lattice = self.lattice().clone();
        let kernel = Drift::<T, N> { links: self.0.writer(), momenta: momenta.reader(), epsilon };
        lattice.launch(&kernel, 0..lattice.layout::<T>().blocks());
        self.exchange();
    }

    /// Brings every link back onto the group.
    pub fn reunitarise(&mut self) {
        let lattice = self.lattice().clone();
        let kernel = Reunitarise::<T, N>(self.0.writer());
        lattice.launch(&kernel, 0..lattice.layout::<T>().blocks());
        self.exchange();
    }

    /// The largest ‖U U† − 1‖ (Frobenius) over this rank's links; infinite where a link is not finite.
    pub fn unitarity_violation(&self) -> f64 {
        let mut worst = 0.0f64;
        for block in 0..self.layout().blocks() {
            for lane in 0..self.layout().distinct_lanes() {
                for mu in 0..self.lattice().dims() {
                    let u = self.link(block, mu, lane);
                    let off = (u.mul_adjoint(&u) - Matrix::unit()).norm2().to_f64();
                    worst = if off.is_finite() { worst.max(off) } else { f64::INFINITY };
                }
            }
        }
        worst.sqrt()
    }
}

impl<T: Real, const N: usize> MomentumField<T, N> {
    /// Real numbers of one link's momentum: 1, 3, 8.
    pub const LINK: usize = algebra_dim(N);

    /// All momenta zero.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn zeroed(lattice: &Arc<Lattice>) -> Result<Self, LatticeError> {
        Ok(Self(Field::zeroed(lattice, lattice.dims() * Self::LINK)?))
    }

    /// Independent Gaussians of variance 1: the distribution exp(−½ Σ π²).
    pub fn refresh(&mut self, address: Address) {
        fill_gaussian(&mut self.0, address);
    }

    /// Kinetic energy ½ Σ π², for each chain. Collective.
    pub fn kinetic(&self) -> Vec<f64> {
        self.norm2().into_iter().map(|n| 0.5 * n).collect()
    }

    /// π ← −π.
    pub fn negate(&mut self) {
        self.as_mut_slice().iter_mut().for_each(|p| *p = -*p);
    }
}

/// Links as kernels read them.
#[derive(Clone, Copy)]
pub struct LinkReader<'a, T, const N: usize>(pub FieldReader<'a, T>);

impl<T: Real, const N: usize> LinkReader<'_, T, N> {
    /// As [`FieldReader::from_lane`].
    #[inline(always)]
    pub fn from_lane(&self, lane: usize) -> Self {
        Self(self.0.from_lane(lane))
    }
    /// U_mu(x).
    #[inline(always)]
    pub fn at<V: Lanes<Scalar = T>>(&self, block: usize, mu: usize) -> Matrix<V, N> {
        self.0.matrix(block, mu * 2 * N * N)
    }
    /// U_mu at a neighbour.
    #[inline(always)]
    pub fn next<V: Lanes<Scalar = T>>(&self, at: Neighbour, mu: usize) -> Matrix<V, N> {
        self.0.matrix_at(at, mu * 2 * N * N)
    }
    /// Plaquette U_mu(x) U_nu(x+mu) U_mu(x+nu)† U_nu(x)†.
    #[inline(always)]
    pub fn plaquette<V: Lanes<Scalar = T>>(&self, block: usize, mu: usize, nu: usize) -> Matrix<V, N> {
        let layout = self.0.layout();
        let there = self.at::<V>(block, mu).mul(&self.next(layout.neighbour(block, forward(mu)), nu));
        let back = self.at::<V>(block, nu).mul(&self.next(layout.neighbour(block, forward(nu)), mu));
        there.mul_adjoint(&back)
    }
}

struct Drift<'a, T, const N: usize> {
    links: crate::FieldWriter<'a, T>,
    momenta: FieldReader<'a, T>,
    epsilon: f64,
}

impl<T: Real, const N: usize> Kernel<T> for Drift<'_, T, N> {
    crate::compiled!(scalar T, group N: Drift);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for block in range {
            for lane in register_lanes::<V>() {
                let part = Self {
                    links: self.links.from_lane(lane),
                    momenta: self.momenta.from_lane(lane),
                    epsilon: self.epsilon,
                };
                part.advance::<V::Register>(block);
            }
        }
    }
}

impl<T: Real, const N: usize> Drift<'_, T, N> {
    #[inline(always)]
    fn advance<V: Lanes<Scalar = T>>(&self, block: usize) {
        let (dim, link) = (algebra_dim(N), 2 * N * N);
        let epsilon = V::splat(self.epsilon);
        // SAFETY: a block is read and written by one thread.
        let links = unsafe { self.links.reader() };
        for mu in 0..self.momenta.reals() / dim {
            let mut c = [V::splat(0.0); crate::group::ALGEBRA_MAX];
            for (a, ca) in c.iter_mut().enumerate().take(dim) {
                *ca = self.momenta.load::<V>(block, mu * dim + a) * epsilon;
            }
            let step = exponential::<V, N>(&from_coordinates(&c));
            let u = step.mul(&links.matrix(block, mu * link));
            // SAFETY: as above.
            unsafe { self.links.store_matrix(block, mu * link, &u) }
        }
    }
}

struct Reunitarise<'a, T, const N: usize>(crate::FieldWriter<'a, T>);

impl<T: Real, const N: usize> Kernel<T> for Reunitarise<'_, T, N> {
    crate::compiled!(scalar T, group N: Reunitarise);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for block in range {
            for lane in register_lanes::<V>() {
                let writer = self.0.from_lane(lane);
                // SAFETY: a block is read and written by one thread.
                let links = unsafe { writer.reader() };
                for mu in 0..links.reals() / (2 * N * N) {
                    let u = reunitarise::<V::Register, N>(&links.matrix(block, mu * 2 * N * N));
                    // SAFETY: as above.
                    unsafe { writer.store_matrix(block, mu * 2 * N * N, &u) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::run_ranks;
    use crate::lattice::LatticeOptions;
    use crate::layout::LaneMeaning;
    use crate::number::Isa;
    use crate::rng::Purpose;

    /// Sum over sites and pairs of directions of Re tr P, in lanes.
    struct Plaquettes<'a, T, const N: usize>(LinkReader<'a, T, N>, usize);

    impl<T: Real, const N: usize> Kernel<T> for Plaquettes<'_, T, N> {
        const SUMS: usize = 1;
        #[inline(always)]
        fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
            for block in range {
                let mut sum = V::splat(0.0);
                for mu in 0..self.1 {
                    for nu in mu + 1..self.1 {
                        sum = sum + self.0.plaquette::<V>(block, mu, nu).trace().re;
                    }
                }
                tally.add(0, sum);
            }
        }
    }

    fn evolve<const N: usize>(extents: &[usize], options: LatticeOptions) -> (Vec<f64>, Vec<u64>) {
        let lattice = Lattice::new(extents, options).unwrap();
        let address = Address::new(5, Purpose::Start);
        let mut u = GaugeField::<f64, N>::random(&lattice, 0.4, address).unwrap();
        let mut p = MomentumField::<f64, N>::zeroed(&lattice).unwrap();
        p.refresh(address.trajectory(1));
        u.drift(&p, 0.3);
        u.reunitarise();
        assert!(u.unitarity_violation() < 1e-14);
        let mut sums = vec![0.0; lattice.chains()];
        let blocks = 0..u.layout().blocks();
        lattice.reduce(&Plaquettes(u.links(), extents.len()), blocks, &mut sums);
        sums.extend(p.kinetic());
        let origin = lattice.geometry().origin();
        let (block, lane) = u.layout().locate(&[1, 1, 0, 0]);
        let bits = u.link(block, 1, lane).0[0][0].re.to_bits();
        (sums, vec![if origin == [0; 4] { bits } else { 0 }])
    }

    #[test]
    fn lanes_threads_ranks_and_instructions_give_the_same_bits() {
        fn check<const N: usize>(extents: &[usize], grids: &[&[usize]]) {
            let one = LatticeOptions { threads: 1, isa: Isa::Portable, ..LatticeOptions::default() };
            let reference = evolve::<N>(extents, one.clone());
            for isa in [Isa::Avx2, Isa::Avx512, Isa::Neon].into_iter().filter(|i| i.is_available()) {
                assert_eq!(evolve::<N>(extents, LatticeOptions { isa, ..one.clone() }), reference, "{isa:?}");
            }
            for threads in [2, 3] {
                assert_eq!(
                    evolve::<N>(extents, LatticeOptions { threads, ..LatticeOptions::default() }),
                    reference
                );
            }
            for grid in grids {
                let ranks = grid.iter().product();
                let results = run_ranks(ranks, |comm| {
                    let grid = grid.to_vec();
                    evolve::<N>(
                        extents,
                        LatticeOptions { threads: 1, grid, comm, ..LatticeOptions::default() },
                    )
                });
                assert_eq!(results[0], reference, "ranks {grid:?}");
                assert!(results.iter().all(|r| r.0 == reference.0), "ranks {grid:?}: all know the sums");
            }
        }
        check::<3>(&[4, 4, 4, 8], &[&[1, 1, 1, 2], &[2, 1, 2, 1], &[1, 2, 1, 2], &[2, 2, 2, 2]]);
        check::<2>(&[8, 12], &[&[2, 1], &[2, 2], &[1, 4]]);
        check::<1>(&[6, 6, 4], &[&[2, 1, 1], &[2, 1, 2]]);
    }

    #[test]
    fn a_batch_holds_its_chains_unmixed() {
        let batch = LatticeOptions { lanes: LaneMeaning::Batch { chains: 3 }, ..LatticeOptions::default() };
        let (together, _) = evolve::<2>(&[4, 4, 6], batch);
        let lattice = Lattice::new(&[4, 4, 6], LatticeOptions::default()).unwrap();
        for chain in 0..3 {
            let address = Address::new(5, Purpose::Start).chain(chain as u64);
            let mut u = GaugeField::<f64, 2>::random(&lattice, 0.4, address).unwrap();
            let mut p = MomentumField::<f64, 2>::zeroed(&lattice).unwrap();
            p.refresh(address.trajectory(1));
            u.drift(&p, 0.3);
            u.reunitarise();
            let mut sum = [0.0];
            lattice.reduce(&Plaquettes(u.links(), 3), 0..u.layout().blocks(), &mut sum);
            assert_eq!((together[chain], together[3 + chain]), (sum[0], p.kinetic()[0]));
        }
    }

    #[test]
    fn single_precision_follows_double() {
        let lattice = Lattice::new(&[4, 4, 4, 4], LatticeOptions::default()).unwrap();
        let u = GaugeField::<f64, 3>::random(&lattice, 1.0, Address::new(2, Purpose::Start)).unwrap();
        let mut rounded = GaugeField::<f32, 3>::cold(&lattice).unwrap();
        u.convert_to(&mut rounded);
        let (mut double, mut single) = ([0.0], [0.0]);
        lattice.reduce(&Plaquettes(u.links(), 4), 0..u.layout().blocks(), &mut double);
        lattice.reduce(&Plaquettes(rounded.links(), 4), 0..rounded.layout().blocks(), &mut single);
        assert!((double[0] - single[0]).abs() < 1e-3 && double[0] != single[0], "{double:?} {single:?}");
    }

    #[test]
    fn a_batch_wider_than_the_lanes_is_refused() {
        let lattice = |chains| {
            let lanes = LaneMeaning::Batch { chains };
            Lattice::new(&[4, 4], LatticeOptions { lanes, ..LatticeOptions::default() })
        };
        let wide = lattice(9).unwrap();
        assert_eq!(GaugeField::<f32, 1>::cold(&wide).unwrap().layout().chains(), 9);
        let message = GaugeField::<f64, 1>::cold(&wide).unwrap_err().to_string();
        assert!(message.contains("room for 8 chains") && message.contains("has 9"), "{message}");
        assert!(lattice(16).is_ok() && lattice(17).is_err() && lattice(0).is_err());
    }
}
