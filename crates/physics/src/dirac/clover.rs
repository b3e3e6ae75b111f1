//! The clover term, Sheikholeslami and Wohlert, Nucl. Phys. B 259 (1985) 572.
//!
//! A(x) = m + 4 − (c_sw/2) Σ_{mu<nu} σ_{mu nu} F_{mu nu}(x) takes the place of m + 4 in Wilson's operator, with σ = ½ [γ_mu,
//! γ_nu] and F of [`field_strength`], whose trace is kept. A is Hermitian and commutes with γ5: two matrices of 2N
//! rows a site ([`super::chiral`]).

use super::chiral::{self, Chiral};
use super::gamma::{Partner, sigma, times_power};
use super::spinor::{SPINS, Spinor};
use crate::PhysicsError;
use crate::observable::field_strength;
use gaugelink_lattice::number::{ln, register_lanes};
use gaugelink_lattice::{
    DIM_MAX, Field, FieldReader, FieldWriter, GaugeField, Kernel, Lanes, LatticeError, LinkReader, Real,
    Tally,
};
use std::ops::Range;
use std::sync::OnceLock;

/// A pivot of A less than this many ε of m + 4 is taken for zero.
const SINGULAR: f64 = 1e3;

/// A on every site, and its inverse once that has been asked for.
#[derive(Debug)]
pub(super) struct Clover<T, const N: usize> {
    pub csw: f64,
    diagonal: f64,
    matrices: Field<T>,
    inverses: OnceLock<Field<T>>,
}

impl<T: Real, const N: usize> Clover<T, N> {
    /// A with `diagonal` = m + 4. Ghosts of the links are up to date; A has none.
    pub fn new(links: &GaugeField<T, N>, diagonal: f64, csw: f64) -> Result<Self, LatticeError> {
        let lattice = links.lattice();
        let mut matrices = Field::zeroed(lattice, chiral::reals(N))?;
        let kernel: Build<'_, T, N> = Build { links: links.links(), out: matrices.writer(), diagonal, csw };
        lattice.launch(&kernel, 0..links.layout().blocks());
        Ok(Self { csw, diagonal, matrices, inverses: OnceLock::new() })
    }

    /// The same in another precision.
    pub fn converted<S: Real>(&self) -> Result<Clover<S, N>, LatticeError> {
        let convert = |field: &Field<T>| {
            let mut other = Field::zeroed(field.lattice(), field.reals())?;
            field.convert_to(&mut other);
            Ok::<_, LatticeError>(other)
        };
        let inverses = OnceLock::new();
        if let Some(known) = self.inverses.get() {
            let _ = inverses.set(convert(known)?);
        }
        Ok(Clover { csw: self.csw, diagonal: self.diagonal, matrices: convert(&self.matrices)?, inverses })
    }

    /// A.
    pub fn matrices(&self) -> FieldReader<'_, T> {
        self.matrices.reader()
    }

    /// A⁻¹, computed when it is first asked for. Collective.
    ///
    /// # Errors
    /// [`PhysicsError::Parameter`] where A is singular on a site; no memory.
    pub fn inverses(&self) -> Result<FieldReader<'_, T>, PhysicsError> {
        self.inverse_field().map(Field::reader)
    }

    /// As [`Clover::inverses`].
    pub fn inverse_field(&self) -> Result<&Field<T>, PhysicsError> {
        if let Some(known) = self.inverses.get() {
            return Ok(known);
        }
        let lattice = self.matrices.lattice();
        let mut inverses = Field::zeroed(lattice, chiral::reals(N))?;
        let epsilon = if T::BITS == 64 { f64::EPSILON } else { f64::from(f32::EPSILON) };
        let mut singular = vec![0.0; lattice.chains()];
        let kernel: Invert<'_, T, N> = Invert {
            matrices: self.matrices(),
            out: inverses.writer(),
            least: SINGULAR * epsilon * self.diagonal.abs(),
        };
        lattice.reduce(&kernel, 0..self.matrices.layout().blocks(), &mut singular);
        if let Some(sites) = singular.into_iter().find(|&sites| sites > 0.0) {
            return Err(PhysicsError::Parameter(format!(
                "the clover term is singular on {sites} sites (mass {}, c_sw {}): use the full operator here",
                self.diagonal - 4.0,
                self.csw
            )));
        }
        Ok(self.inverses.get_or_init(|| inverses))
    }

    /// `out` ← A ψ or A⁻¹ ψ on `blocks`, by the matrices given, ghosts included; `out` may be ψ itself where `psi` is
    /// `None`. Collective.
    pub fn times(
        matrices: FieldReader<'_, T>,
        out: &mut Field<T>,
        psi: Option<&Field<T>>,
        blocks: Range<usize>,
    ) {
        let lattice = out.lattice().clone();
        let writer = out.writer();
        let psi = match psi {
            Some(psi) => psi.reader(),
            // SAFETY: a block is read by the thread that then writes it, and by no other.
            None => unsafe { writer.reader() },
        };
        let kernel: Times<'_, T, N> = Times { matrices, psi, out: writer };
        lattice.launch(&kernel, blocks);
        out.exchange();
    }

    /// Σ ln |det A(x)| over the sites of `blocks`, for each chain, and how many eigenvalues of the A(x) are negative.
    /// Collective.
    pub fn log_det(&self, blocks: Range<usize>) -> [Vec<f64>; 2] {
        let lattice = self.matrices.lattice();
        let mut sums = vec![0.0; 2 * lattice.chains()];
        let kernel: LogDet<'_, T, N> = LogDet { matrices: self.matrices() };
        lattice.reduce(&kernel, blocks, &mut sums);
        let negative = sums.split_off(lattice.chains());
        [sums, negative]
    }
}

struct Build<'a, T, const N: usize> {
    links: LinkReader<'a, T, N>,
    out: FieldWriter<'a, T>,
    diagonal: f64,
    csw: f64,
}

impl<T: Real, const N: usize> Kernel<T> for Build<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Build);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let scale = V::splat(-0.5 * self.csw);
        for block in range {
            let mut a = [Chiral::unit(V::splat(self.diagonal)); 2];
            for nu in 1..DIM_MAX {
                for mu in 0..nu {
                    let f = field_strength::<V, N>(&self.links, block, mu, nu).scale(scale);
                    let partners = sigma(mu, nu);
                    for s in 0..SPINS {
                        let Partner { spin, power } = partners[s];
                        for c in 0..N {
                            for d in 0..N {
                                let (i, j) = (s % 2 * N + c, spin % 2 * N + d);
                                a[s / 2].add(i, j, times_power(f.0[c][d], power));
                            }
                        }
                    }
                }
            }
            for (chirality, matrix) in a.iter().enumerate() {
                // SAFETY: the block is this thread's.
                unsafe { chiral::write::<V, N>(&self.out, block, chirality, matrix) }
            }
        }
    }
}

struct Invert<'a, T, const N: usize> {
    matrices: FieldReader<'a, T>,
    out: FieldWriter<'a, T>,
    /// The least absolute value of a pivot.
    least: f64,
}

impl<T: Real, const N: usize> Kernel<T> for Invert<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Invert);
    /// Sites where A is singular.
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        let least = V::splat(self.least * self.least);
        for block in range {
            let mut singular = V::splat(0.0);
            for chirality in 0..2 {
                let factors = chiral::read::<V, N>(&self.matrices, block, chirality).factorised::<N>();
                for &pivot in factors.pivots::<N>() {
                    let good = least.lt(pivot * pivot);
                    singular = V::select(good, singular, V::splat(1.0));
                }
                // SAFETY: the block is this thread's.
                unsafe {
                    let inverse = factors.inverse_of_factorised::<N>();
                    chiral::write::<V, N>(&self.out, block, chirality, &inverse);
                }
            }
            tally.add(0, singular);
        }
    }
}

struct Times<'a, T, const N: usize> {
    matrices: FieldReader<'a, T>,
    psi: FieldReader<'a, T>,
    out: FieldWriter<'a, T>,
}

impl<T: Real, const N: usize> Kernel<T> for Times<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: Times);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for block in range {
            let rows = self.matrices.rows(block, 0, chiral::reals(N));
            let psi = self.psi.rows(block, 0, 2 * SPINS * N);
            let out = self.out.rows(block, 0, 2 * SPINS * N);
            for offset in register_lanes::<V>() {
                // SAFETY: the rows of a site; the block is this thread's.
                unsafe {
                    let psi = Spinor::load::<V>(psi, offset);
                    chiral::times::<V, N, 2>(rows, offset, &psi).store::<V>(out, offset);
                }
            }
        }
    }
}

struct LogDet<'a, T, const N: usize> {
    matrices: FieldReader<'a, T>,
}

impl<T: Real, const N: usize> Kernel<T> for LogDet<'_, T, N> {
    gaugelink_lattice::compiled!(scalar T, group N: LogDet);
    const SUMS: usize = 2;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        let (zero, one) = (V::splat(0.0), V::splat(1.0));
        for block in range {
            let (mut squared, mut negative) = (one, zero);
            for chirality in 0..2 {
                let factors = chiral::read::<V, N>(&self.matrices, block, chirality).factorised::<N>();
                for &pivot in factors.pivots::<N>() {
                    squared = squared * (pivot * pivot);
                    // As many as there are negative eigenvalues (Sylvester).
                    negative = negative + V::select(pivot.lt(zero), one, zero);
                }
            }
            tally.add(0, V::splat(0.5) * ln(squared));
            tally.add(1, negative);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::dirac::{Boundary, Spinor, SpinorField, Wilson, naive};
    use crate::naive::{NaiveLinks, rough_field};
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_lattice::{Complex, GaugeField, LaneMeaning, Lattice, LatticeOptions, Matrix, Real};
    use std::sync::Arc;

    const MASS: f64 = 0.1;
    const CSW: f64 = 1.3;

    fn noise<const N: usize>(lattice: &Arc<Lattice>) -> SpinorField<f64, N> {
        let mut psi = SpinorField::zeroed(lattice).unwrap();
        psi.set_gaussian(Address::new(5, Purpose::Source));
        psi
    }

    /// The largest difference of any component on any site, in units of ε.
    fn off<T: Real, const N: usize>(
        ours: &SpinorField<T, N>,
        chain: usize,
        expected: impl Fn(usize) -> Spinor<f64, N>,
    ) -> f64 {
        let geometry = ours.layout().geometry().clone();
        let epsilon = if T::BITS == 64 { f64::EPSILON } else { f64::from(f32::EPSILON) };
        let mut most = 0.0f64;
        for index in 0..geometry.volume() {
            let ours = ours.spinor(&geometry.site(index), chain).unwrap();
            for (z, e) in ours.components().iter().zip(expected(index).components()) {
                most = most.max((z.re.to_f64() - e.re).hypot(z.im.to_f64() - e.im));
            }
        }
        most / epsilon
    }

    fn check<const N: usize>(extents: &[usize], lanes: LaneMeaning) {
        let lattice = Lattice::new(extents, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
        let (u, psi) = (rough_field::<N>(&lattice, 0.6), noise::<N>(&lattice));
        let boundary = Boundary::antiperiodic();
        let d = Wilson::new(&u, MASS, boundary).unwrap().with_clover(CSW).unwrap();
        let u_single = u.converted::<f32>().unwrap();
        let single = Wilson::new(&u_single, MASS, boundary).unwrap().with_clover(CSW).unwrap();
        let rounded = d.on(&u_single).unwrap();
        for dagger in [false, true] {
            let mut out = SpinorField::zeroed(&lattice).unwrap();
            let [mut out_single, mut out_rounded] = [(); 2].map(|()| SpinorField::zeroed(&lattice).unwrap());
            let psi_single = psi.converted().unwrap();
            if dagger {
                d.apply_dagger(&mut out, &psi);
                single.apply_dagger(&mut out_single, &psi_single);
                rounded.apply_dagger(&mut out_rounded, &psi_single);
            } else {
                d.apply(&mut out, &psi);
                single.apply(&mut out_single, &psi_single);
                rounded.apply(&mut out_rounded, &psi_single);
            }
            for chain in 0..lattice.chains() {
                let links = NaiveLinks::new(&u, chain);
                let wilson = naive::wilson(&u, &psi, MASS, &boundary, dagger, chain);
                let expected = |index: usize| {
                    let x = links.geometry.site(index);
                    let term = links.clover_term(&x, CSW, &psi.spinor(&x, chain).unwrap());
                    let mut sum = wilson[index];
                    for (s, t) in sum.components_mut().iter_mut().zip(term.components()) {
                        *s = *s + *t;
                    }
                    sum
                };
                let what = format!("N={N} {extents:?} chain {chain} dagger {dagger}");
                assert!(off(&out, chain, expected) < 100.0, "{what}: {}", off(&out, chain, expected));
                assert!(off(&out_single, chain, expected) < 100.0, "{what}, single");
                assert!(off(&out_rounded, chain, expected) < 100.0, "{what}, rounded");
            }
        }
    }

    #[test]
    fn the_operator_is_that_of_the_plain_formula() {
        for lanes in [LaneMeaning::Sites, LaneMeaning::Batch { chains: 3 }] {
            check::<3>(&[4, 4, 2, 8], lanes);
            check::<3>(&[3, 4, 5, 2], lanes);
            check::<2>(&[4, 2, 6, 4], lanes);
            check::<1>(&[8, 4, 2, 4], lanes);
        }
    }

    /// A constant field of plaquette angle φ in the (x, y) plane: F = i sin φ there, so A = m + 4 + (c_sw/2) sin φ Σ_z with
    /// Σ_z = −i σ_xy = diag(−1, 1, −1, 1) in this basis.
    #[test]
    fn constant_abelian_field_has_the_closed_form() {
        let lattice = Lattice::new(&[4, 4, 2, 2], LatticeOptions::default()).unwrap();
        let mut u = GaugeField::<f64, 1>::cold(&lattice).unwrap();
        let phi = std::f64::consts::TAU / 16.0;
        for block in 0..u.layout().blocks() {
            for lane in 0..u.layout().lanes() {
                let [x, y, ..] = u.layout().site(block, lane);
                let across = if x == 3 { -4.0 * phi * y as f64 } else { 0.0 };
                for (mu, angle) in [(0, across), (1, phi * x as f64)] {
                    u.set_link(block, mu, lane, &Matrix([[Complex::new(angle.cos(), angle.sin())]]));
                }
            }
        }
        u.exchange();
        let psi = noise::<1>(&lattice);
        let d = Wilson::new(&u, MASS, Boundary::periodic()).unwrap().with_clover(CSW).unwrap();
        let [mut all, mut hop] = [(); 2].map(|()| SpinorField::zeroed(&lattice).unwrap());
        d.apply(&mut all, &psi);
        d.hop(&mut hop, &psi);
        let geometry = lattice.geometry();
        let expected = |index: usize| {
            let x = geometry.site(index);
            let (mut sum, psi) = (hop.spinor(&x, 0).unwrap(), psi.spinor(&x, 0).unwrap());
            for s in 0..4 {
                let spin = if s % 2 == 0 { -1.0 } else { 1.0 };
                // −(c_sw/2) σ F = −(c_sw/2) (i Σ) (i sin φ) = (c_sw/2) Σ sin φ, Σ = −i σ.
                let a = MASS + 4.0 + 0.5 * CSW * phi.sin() * spin;
                sum[s][0] = sum[s][0] + psi[s][0].scale(a);
            }
            sum
        };
        assert!(off(&all, 0, expected) < 20.0, "{}", off(&all, 0, expected));
    }
}
