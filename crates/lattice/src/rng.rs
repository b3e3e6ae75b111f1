//! Random numbers by address: (seed, purpose, chain, sample, trajectory) and the site.
//!
//! The first five make the key of a ChaCha8 generator by SHA-256, the global site number is its stream, so a site's
//! numbers depend on nothing else: not on threads, ranks, lanes, the order of work or a restart. One refill of 256
//! bytes serves the 32 Gaussian momenta of a site's four SU(3) links.

use crate::field::Field;
use crate::layout::Layout;
use crate::number::{Isa, Kernel, Lanes, Num, Real, Row, ln, run_kernel, sin_cos};
use crate::sum::Tally;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};
use std::ops::Range;

/// What the numbers are for: streams of different purposes never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Start configurations.
    Start,
    /// Momenta of molecular dynamics.
    Momenta,
    /// Metropolis decisions.
    Accept,
    /// Heat bath.
    HeatBath,
    /// Stochastic sources.
    Source,
    /// Random gauge transformations.
    GaugeTransformation,
    /// Bootstrap and other resampling.
    Resampling,
    /// First parameters of a model.
    Parameters,
    /// Links that a training draws.
    Training,
    /// Links that a flow's proposals start from.
    Proposal,
    /// Pseudofermions.
    Pseudofermion,
    /// Sources of condensates.
    Condensate,
    /// Lengths of trajectories.
    Length,
}

/// Where a random number comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The run's seed.
    pub seed: u64,
    /// What for.
    pub purpose: Purpose,
    /// Which Markov chain.
    pub chain: u64,
    /// Which sample within one step (a source, a sub-step).
    pub sample: u64,
    /// Which step of the chain.
    pub trajectory: u64,
}

impl Address {
    /// Chain 0, sample 0, step 0.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        Self { seed, purpose, chain: 0, sample: 0, trajectory: 0 }
    }
    /// The same for another chain.
    pub fn chain(self, chain: u64) -> Self {
        Self { chain, ..self }
    }
    /// The same for another sample.
    pub fn sample(self, sample: u64) -> Self {
        Self { sample, ..self }
    }
    /// The same for another step.
    pub fn trajectory(self, trajectory: u64) -> Self {
        Self { trajectory, ..self }
    }

    /// The generator whose streams are the sites'.
    pub fn generator(&self) -> Generator {
        let mut hash = Sha256::new();
        hash.update(b"gaugelink random numbers 1");
        hash.update([self.purpose as u8]);
        for word in [self.seed, self.chain, self.sample, self.trajectory] {
            hash.update(word.to_le_bytes());
        }
        Generator(ChaCha8Rng::from_seed(hash.finalize().into()))
    }
}

/// Random streams of one address, one a site.
#[derive(Clone)]
pub struct Generator(ChaCha8Rng);

impl Generator {
    /// The stream of a site, by its global lexicographic number.
    #[inline]
    pub fn stream(&self, site: u64) -> Stream {
        let mut rng = self.0.clone();
        rng.set_stream(site);
        Stream(rng)
    }
    /// The stream of numbers that belong to no site; sites are numbered below 2⁴⁰.
    pub fn global(&self) -> Stream {
        self.stream(u64::MAX)
    }
}

/// One site's random numbers.
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }
    /// Uniform in (0, 1], a multiple of 2⁻⁵³.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        unit(self.bits())
    }
    /// Two independent Gaussians of variance 1, from two words.
    #[inline]
    pub fn gaussian_pair(&mut self) -> (f64, f64) {
        let (a, b) = (self.uniform(), self.uniform());
        box_muller(a, b)
    }
}

/// The top 53 bits as a number in (0, 1].
#[inline(always)]
fn unit(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// √(−2 ln a) (cos 2πb, sin 2πb).
#[inline(always)]
fn box_muller<V: Num>(a: V, b: V) -> (V, V) {
    let radius = (ln(a) * V::splat(-2.0)).sqrt();
    let (sin, cos) = sin_cos(b * V::splat(std::f64::consts::TAU));
    (radius * cos, radius * sin)
}

/// Box–Muller on pairs of rows.
struct BoxMuller<'a>(&'a [std::cell::UnsafeCell<Row<f64>>]);

// SAFETY: used by one thread, within `gaussian_block`.
unsafe impl Sync for BoxMuller<'_> {}

impl Kernel<f64> for BoxMuller<'_> {
    crate::compiled!(BoxMuller);
    #[inline(always)]
    fn run<V: Lanes<Scalar = f64>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for pair in range {
            let (first, second) = (self.0[2 * pair].get(), self.0[2 * pair + 1].get());
            // SAFETY: this thread alone holds the rows.
            unsafe {
                let (g, h) = box_muller((*first).to_lanes::<V>(), (*second).to_lanes::<V>());
                *first = Row::from_lanes(g);
                *second = Row::from_lanes(h);
            }
        }
    }
}

/// Fills every component of a field with independent Gaussians of variance 1, each chain from its own generator.
///
/// Components come in the order of a site's stream; a field in f32 holds the rounded numbers of one in f64.
pub fn fill_gaussian<T: Real>(field: &mut Field<T>, address: Address) {
    let lattice = field.lattice().clone();
    let layout = lattice.layout::<T>();
    let generators: Vec<Generator> =
        (0..layout.chains()).map(|chain| address.chain(address.chain + chain as u64).generator()).collect();
    let reals = field.reals();
    let writer = field.writer();
    lattice.pool().run(0..layout.blocks(), |_, blocks| {
        let mut rows: Vec<std::cell::UnsafeCell<Row<f64>>> =
            (0..reals.next_multiple_of(2)).map(|_| Row([0.5; 16]).into()).collect();
        for block in blocks {
            for group in (0..T::LANES).step_by(f64::LANES) {
                fill_uniform(layout, &generators, block, group, &mut rows);
                run_kernel(lattice.isa(), &BoxMuller(&rows), 0..rows.len() / 2, &mut Tally::none());
                for (c, row) in rows.iter_mut().take(reals).enumerate() {
                    let to = writer.rows(block, c, 1);
                    for (l, &g) in row.get_mut().0[..f64::LANES].iter().enumerate() {
                        // SAFETY: the lane lies in the row; the block is this thread's.
                        unsafe { *to.add(group + l) = T::from_f64(g) }
                    }
                }
            }
        }
    });
    field.exchange();
}

fn fill_uniform(
    layout: &Layout,
    generators: &[Generator],
    block: usize,
    group: usize,
    rows: &mut [std::cell::UnsafeCell<Row<f64>>],
) {
    for l in 0..f64::LANES {
        let lane = group + l;
        let site = layout.geometry().site_index(&layout.site(block, lane));
        let mut stream = generators[layout.chain_of(lane)].stream(site as u64);
        for row in rows.iter_mut() {
            row.get_mut().0[l] = stream.uniform();
        }
    }
}

/// One number for each chain from the stream that belongs to no site, the same on every rank.
pub fn global_uniform(chains: usize, address: Address) -> Vec<f64> {
    (0..chains)
        .map(|chain| address.chain(address.chain + chain as u64).generator().global().uniform())
        .collect()
}

/// The default instructions agree with any other's; named here for the tests of it.
#[doc(hidden)]
pub fn gaussian_rows(isa: Isa, uniforms: &[[f64; 8]]) -> Vec<[f64; 8]> {
    let mut rows: Vec<std::cell::UnsafeCell<Row<f64>>> = uniforms
        .iter()
        .map(|u| {
            let mut row = Row([0.5; 16]);
            row.0[..8].copy_from_slice(u);
            row.into()
        })
        .collect();
    run_kernel(isa, &BoxMuller(&rows), 0..rows.len() / 2, &mut Tally::none());
    rows.iter_mut().map(|r| r.get_mut().0[..8].try_into().unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::{Lattice, LatticeOptions};
    use crate::layout::LaneMeaning;

    #[test]
    fn a_known_key_gives_the_published_stream() {
        // ChaCha8, key 0, stream 0: first 8 bytes 3e 00 ef 2f 89 5f 40 d6 (eSTREAM test vectors, set 1).
        let mut rng = ChaCha8Rng::from_seed([0; 32]);
        assert_eq!(rng.next_u64(), u64::from_le_bytes([0x3e, 0x00, 0xef, 0x2f, 0x89, 0x5f, 0x40, 0xd6]));
    }

    #[test]
    fn addresses_do_not_share_streams() {
        let base = Address::new(1, Purpose::Momenta);
        let others = [
            base,
            Address { seed: 2, ..base },
            Address { purpose: Purpose::HeatBath, ..base },
            base.chain(1),
            base.sample(1),
            base.trajectory(1),
        ];
        let mut first: Vec<u64> = others.iter().map(|a| a.generator().stream(5).bits()).collect();
        first.push(base.generator().stream(6).bits());
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), 7);
    }

    #[test]
    fn vector_units_draw_the_same_gaussians() {
        let uniforms: Vec<[f64; 8]> = (0..64)
            .map(|i| {
                std::array::from_fn(|l| unit(((i * 8 + l) as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            })
            .collect();
        let portable = gaussian_rows(Isa::Portable, &uniforms);
        for isa in [Isa::Avx2, Isa::Avx512, Isa::Neon].into_iter().filter(|i| i.is_available()) {
            assert_eq!(gaussian_rows(isa, &uniforms), portable, "{isa:?}");
        }
        let (g, h) = box_muller(uniforms[0][3], uniforms[1][3]);
        assert_eq!((portable[0][3], portable[1][3]), (g, h));
    }

    /// Moments of N = 8⁴ × 32 Gaussians against 0, 1, 0, 3, each within 4 of its standard errors
    /// √1, √2, √15, √96 over √N.
    #[test]
    fn moments_are_gaussian() {
        let lattice = Lattice::new(&[8, 8, 8, 8], LatticeOptions::default()).unwrap();
        let mut field = Field::<f64>::zeroed(&lattice, 32).unwrap();
        fill_gaussian(&mut field, Address::new(11, Purpose::Momenta));
        let n = field.as_slice().len() as f64;
        for (power, (expected, spread)) in
            [(0.0, 1.0f64), (1.0, 2.0), (0.0, 15.0), (3.0, 96.0)].iter().enumerate()
        {
            let mean = field.as_slice().iter().map(|x| x.powi(power as i32 + 1)).sum::<f64>() / n;
            assert!((mean - expected).abs() < 4.0 * (spread / n).sqrt(), "moment {}: {mean}", power + 1);
        }
    }

    #[test]
    fn a_batch_draws_what_its_chains_would_alone() {
        let options = LatticeOptions { lanes: LaneMeaning::Batch { chains: 3 }, ..LatticeOptions::default() };
        let together = Lattice::new(&[4, 6], options).unwrap();
        let mut batch = Field::<f64>::zeroed(&together, 5).unwrap();
        let address = Address::new(3, Purpose::Start).chain(10);
        fill_gaussian(&mut batch, address);
        let alone = Lattice::new(&[4, 6], LatticeOptions::default()).unwrap();
        for chain in 0..3 {
            let mut single = Field::<f64>::zeroed(&alone, 5).unwrap();
            fill_gaussian(&mut single, address.chain(10 + chain as u64));
            for index in 0..24 {
                let x = alone.geometry().site(index);
                let ((b, _), (s, lane)) = (batch.layout().locate(&x), single.layout().locate(&x));
                for c in 0..5 {
                    assert_eq!(batch.get(b, c, chain), single.get(s, c, lane));
                }
            }
        }
    }
}
