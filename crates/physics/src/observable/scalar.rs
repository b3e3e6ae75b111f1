//! Moments of a real scalar.

use gaugelink_lattice::{FieldReader, Kernel, Lanes, Real, ScalarField, Tally};
use std::ops::Range;

/// Averages of a configuration φ(x) over its V sites.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScalarMoments {
    /// Σ φ/V.
    pub mean: f64,
    /// Σ φ²/V, whose average is G(0) with the two-point function G(x) = ⟨φ(y) φ(y+x)⟩.
    pub square: f64,
    /// (Σ φ)²/V, whose average is the susceptibility χ₂ = Σ_x G(x).
    pub susceptibility: f64,
}

/// The moments of each chain. Collective.
pub fn scalar_moments<T: Real>(phi: &ScalarField<T>) -> Vec<ScalarMoments> {
    let lattice = phi.lattice();
    let mut sums = vec![0.0; 2 * lattice.chains()];
    lattice.reduce(&Moments(phi.reader()), 0..phi.layout().blocks(), &mut sums);
    let volume = lattice.volume() as f64;
    let (first, second) = sums.split_at(lattice.chains());
    let moments = |(&sum, &squares): (&f64, &f64)| ScalarMoments {
        mean: sum / volume,
        square: squares / volume,
        susceptibility: sum * sum / volume,
    };
    first.iter().zip(second).map(moments).collect()
}

/// Sums: φ, φ².
struct Moments<'a, T>(FieldReader<'a, T>);

impl<T: Real> Kernel<T> for Moments<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Moments);
    const SUMS: usize = 2;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let phi: V = self.0.load(block, 0);
            tally.add(0, phi);
            tally.add(1, phi * phi);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::{LaneMeaning, Lattice, LatticeOptions};

    /// φ = 3 at one site and −1 at another of 4 × 6, the chains apart.
    #[test]
    fn moments_are_those_by_hand() {
        let lanes = LaneMeaning::Batch { chains: 2 };
        let lattice = Lattice::new(&[4, 6], LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
        let mut phi = ScalarField::<f64>::zeroed(&lattice).unwrap();
        for (x, value) in [([1, 2, 0, 0], 3.0), ([3, 5, 0, 0], -1.0)] {
            let block = phi.layout().locate(&x).0;
            phi.set(block, 0, 1, value);
        }
        let [none, some] = scalar_moments(&phi)[..] else { panic!("two chains") };
        assert_eq!(none, ScalarMoments { mean: 0.0, square: 0.0, susceptibility: 0.0 });
        assert_eq!(some, ScalarMoments { mean: 2.0 / 24.0, square: 10.0 / 24.0, susceptibility: 4.0 / 24.0 });
    }
}
