//! The procedure against its formula with masks on the whole lattice, and against dense inverses of blocks.

use super::{Sap, SapParameters};
use crate::PhysicsError;
use crate::dirac::dense::{columns, dense};
use crate::dirac::{Boundary, SPINS, Spinor, SpinorField, Wilson};
use crate::naive::rough_field;
use crate::solver::Preconditioner;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Complex, Geometry, LaneMeaning, Lattice, LatticeOptions, Real, Site};
use nalgebra::DVector;
use std::sync::Arc;

/// Numbers of all sites by lexicographic site number, spin, colour.
type Numbers = Vec<Complex<f64>>;

fn numbers<T: Real, const N: usize>(psi: &SpinorField<T, N>) -> Numbers {
    let geometry = psi.lattice().geometry();
    let sites = (0..geometry.volume()).map(|site| psi.spinor(&geometry.site(site), 0).unwrap());
    let wide = |z: &Complex<T>| Complex::new(z.re.to_f64(), z.im.to_f64());
    sites.flat_map(|psi| psi.components().iter().map(wide).collect::<Vec<_>>()).collect()
}

fn field<const N: usize>(lattice: &Arc<Lattice>, numbers: &Numbers) -> SpinorField<f64, N> {
    let mut psi = SpinorField::zeroed(lattice).unwrap();
    for (site, numbers) in numbers.chunks_exact(SPINS * N).enumerate() {
        let mut spinor = Spinor::<f64, N>::zero();
        spinor.components_mut().copy_from_slice(numbers);
        psi.set_spinor(&lattice.geometry().site(site), 0, &spinor);
    }
    psi
}

/// The number of a site's block, and the block's colour.
fn block_of(geometry: &Geometry, site: usize, block: &Site) -> (usize, usize) {
    let x = geometry.site(site);
    let place =
        (0..4).rev().fold(0, |index, mu| index * (geometry.extents()[mu] / block[mu]) + x[mu] / block[mu]);
    (place, (0..4).map(|mu| x[mu] / block[mu]).sum::<usize>() % 2)
}

fn parity(geometry: &Geometry, site: usize) -> usize {
    geometry.site(site).iter().sum::<usize>() % 2
}

/// Operators with masks: the formula of the procedure, one number at a time.
struct Naive<'a, const N: usize> {
    d: &'a Wilson<'a, f64, N>,
    block: Site,
}

impl<const N: usize> Naive<'_, N> {
    fn geometry(&self) -> &Geometry {
        self.d.links().lattice().geometry()
    }
    fn masked(&self, v: &Numbers, keep: impl Fn(usize) -> bool) -> Numbers {
        let zero = Complex::new(0.0, 0.0);
        v.iter().enumerate().map(|(i, &z)| if keep(i / (SPINS * N)) { z } else { zero }).collect()
    }
    fn run(&self, v: &Numbers, f: impl Fn(&mut SpinorField<f64, N>, &SpinorField<f64, N>)) -> Numbers {
        let psi = field::<N>(self.d.links().lattice(), v);
        let mut out = self.d.vector_of(&psi);
        f(&mut out, &psi);
        numbers(&out)
    }
    fn site_inverse(&self, v: &Numbers) -> Numbers {
        self.run(v, |out, psi| self.d.apply_site_inverse(out, psi).unwrap())
    }
    /// The hop within blocks of a colour, to one parity.
    fn hop(&self, v: &Numbers, colour: usize, to: usize) -> Numbers {
        let inside = |site| block_of(self.geometry(), site, &self.block).1 == colour;
        let from = self.masked(v, |site| inside(site) && parity(self.geometry(), site) != to);
        let out = self.run(&from, |out, psi| self.d.hop(out, psi));
        self.masked(&out, |site| inside(site) && parity(self.geometry(), site) == to)
    }
    fn cycles(&self, b: &Numbers, cycles: usize, steps: usize) -> Numbers {
        let mut x = vec![Complex::new(0.0, 0.0); b.len()];
        for colour in (0..cycles).flat_map(|_| [0, 1]) {
            let dx = self.run(&x, |out, psi| self.d.apply(out, psi));
            let r: Numbers = b.iter().zip(&dx).map(|(&b, &dx)| b - dx).collect();
            let r = self.masked(&r, |site| block_of(self.geometry(), site, &self.block).1 == colour);
            let e = self.solve(&r, colour, steps);
            x.iter_mut().zip(&e).for_each(|(x, &e)| *x = *x + e);
        }
        x
    }
    fn solve(&self, r: &Numbers, colour: usize, steps: usize) -> Numbers {
        let subtract =
            |a: &Numbers, b: &Numbers| -> Numbers { a.iter().zip(b).map(|(&a, &b)| a - b).collect() };
        let odd = |v: &Numbers| self.masked(v, |site| parity(self.geometry(), site) == 1);
        let even = |v: &Numbers| self.masked(v, |site| parity(self.geometry(), site) == 0);
        let mut c = odd(&self.site_inverse(&subtract(r, &self.hop(&self.site_inverse(r), colour, 1))));
        let mut x = vec![Complex::new(0.0, 0.0); r.len()];
        for _ in 0..steps {
            let there = self.site_inverse(&self.hop(&c, colour, 0));
            let t = subtract(&c, &odd(&self.site_inverse(&self.hop(&there, colour, 1))));
            let mut sums = std::collections::HashMap::new();
            let at = |i: usize| block_of(self.geometry(), i / (SPINS * N), &self.block).0;
            for (i, (t, c)) in t.iter().zip(&c).enumerate() {
                let (product, norm) = sums.entry(at(i)).or_insert((Complex::new(0.0, 0.0), 0.0));
                *product = *product + t.conj_mul(*c);
                *norm += t.norm2();
            }
            for i in 0..x.len() {
                let (product, norm) = sums[&at(i)];
                if norm > 0.0 {
                    let alpha = product.scale(1.0 / norm);
                    x[i] = x[i] + alpha * c[i];
                    c[i] = c[i] - alpha * t[i];
                }
            }
        }
        let rest = even(&self.site_inverse(&subtract(r, &self.hop(&x, colour, 0))));
        x.iter().zip(&rest).map(|(&x, &e)| x + e).collect()
    }
}

impl<const N: usize> Wilson<'_, f64, N> {
    fn vector_of(&self, psi: &SpinorField<f64, N>) -> SpinorField<f64, N> {
        SpinorField::zeroed(psi.lattice()).unwrap()
    }
}

fn distance(a: &Numbers, b: &Numbers) -> f64 {
    let norm = |v: &mut dyn Iterator<Item = Complex<f64>>| v.map(|z| z.norm2()).sum::<f64>().sqrt();
    norm(&mut a.iter().zip(b).map(|(&a, &b)| a - b)) / norm(&mut b.iter().copied())
}

fn noise<const N: usize>(lattice: &Arc<Lattice>, seed: u64) -> SpinorField<f64, N> {
    let mut psi = SpinorField::zeroed(lattice).unwrap();
    psi.set_gaussian(Address::new(seed, Purpose::Source));
    psi
}

fn check<const N: usize>(extents: [usize; 4], parameters: SapParameters, csw: f64) {
    let lattice = Lattice::new(&extents, LatticeOptions { threads: 2, ..LatticeOptions::default() }).unwrap();
    let (u, b) = (rough_field::<N>(&lattice, 0.6), noise::<N>(&lattice, 5));
    let d = Wilson::new(&u, 0.1, Boundary::antiperiodic()).unwrap().with_clover(csw).unwrap();
    let naive = Naive { d: &d, block: parameters.block };
    let expected = naive.cycles(&numbers(&b), parameters.cycles, parameters.steps);
    let mut x = SpinorField::zeroed(&lattice).unwrap();
    Sap::new(&d, parameters).unwrap().apply(&mut x, &b).unwrap();
    let what = format!("N={N} {extents:?} {parameters:?}");
    let off = distance(&numbers(&x), &expected);
    assert!(off < 1e-13, "{what}: {off:e}");

    let u_single = u.converted::<f32>().unwrap();
    let single = d.on(&u_single).unwrap();
    let mut x = SpinorField::zeroed(&lattice).unwrap();
    Sap::new(&single, parameters).unwrap().apply(&mut x, &b.converted().unwrap()).unwrap();
    let off = distance(&numbers(&x), &expected);
    assert!(off < 1e-5, "{what}, single: {off:e}");
}

#[test]
fn cycles_are_those_of_the_formula_with_masks() {
    let with = |block, cycles, steps| SapParameters { block, cycles, steps };
    // Blocks beside each other in a lane, alone in theirs, across several, and fewer than lanes.
    check::<3>([8, 4, 4, 8], with([4, 2, 2, 4], 2, 3), 1.3);
    check::<3>([4, 4, 4, 8], with([2, 2, 2, 4], 1, 2), 0.0);
    check::<2>([12, 4, 4, 8], with([2, 2, 2, 2], 2, 2), 0.0);
    check::<1>([8, 8, 8, 8], with([4, 4, 4, 4], 1, 4), 1.1);
    check::<1>([12, 4, 4, 12], with([6, 2, 2, 2], 1, 2), 1.1);
}

/// Steps that leave nothing to be done in a block of 2⁴ sites.
const EXACT: usize = 150;

#[test]
fn exact_block_solves_are_dense_inverses() {
    let lattice = Lattice::new(&[4, 4, 4, 4], LatticeOptions::default()).unwrap();
    let geometry = lattice.geometry();
    let (u, b) = (rough_field::<1>(&lattice, 0.6), noise::<1>(&lattice, 5));
    let d = Wilson::new(&u, 0.3, Boundary::periodic()).unwrap().with_clover(1.3).unwrap();
    let all: Vec<usize> = (0..256).collect();
    let matrix = dense(&d, &all, false).unwrap().remove(0);
    let b_numbers = columns(&b, &all).remove(0);
    let mut x = DVector::zeros(b_numbers.len());
    for colour in 0..2 {
        let r = &b_numbers - &matrix * &x;
        for number in 0..16 {
            let index = |site: usize| (0..SPINS).map(move |s| SPINS * site + s);
            let ours: Vec<usize> = all
                .iter()
                .copied()
                .filter(|&site| block_of(geometry, site, &[2; 4]) == (number, colour))
                .flat_map(index)
                .collect();
            if ours.is_empty() {
                continue;
            }
            let inside = matrix.select_rows(&ours).select_columns(&ours);
            let e = inside.lu().solve(&r.select_rows(&ours)).unwrap();
            ours.iter().zip(e.iter()).for_each(|(&i, e)| x[i] += e);
        }
    }
    let parameters = SapParameters { block: [2; 4], cycles: 1, steps: EXACT };
    let mut ours = SpinorField::zeroed(&lattice).unwrap();
    let mut sap = Sap::new(&d, parameters).unwrap();
    sap.apply(&mut ours, &b).unwrap();
    let off = (columns(&ours, &all).remove(0) - &x).norm() / x.norm();
    assert!(off < 1e-12, "off by {off:e}");

    // With exact inverses the procedure is linear.
    let (factor, c) = (Complex::new(0.3, -1.7), noise::<1>(&lattice, 6));
    let sum: Numbers = numbers(&b).iter().zip(&numbers(&c)).map(|(&b, &c)| factor.mul_add(b, c)).collect();
    let [mut of_c, mut of_sum] = [(); 2].map(|()| SpinorField::zeroed(&lattice).unwrap());
    sap.apply(&mut of_c, &c).unwrap();
    let mut sum_field = field::<1>(&lattice, &sum);
    sum_field.exchange();
    sap.apply(&mut of_sum, &sum_field).unwrap();
    let expected: Numbers =
        numbers(&ours).iter().zip(&numbers(&of_c)).map(|(&x, &y)| factor.mul_add(x, y)).collect();
    assert!(distance(&numbers(&of_sum), &expected) < 1e-12);
}

#[test]
fn operations_are_those_of_the_operators_that_are_applied() {
    let lattice = Lattice::new(&[8, 4, 4, 4], LatticeOptions::default()).unwrap();
    let u = rough_field::<3>(&lattice, 0.3);
    let d = Wilson::new(&u, 0.1, Boundary::periodic()).unwrap();
    let parameters = |cycles, steps| SapParameters { block: [4, 2, 2, 2], cycles, steps };
    let of = |cycles, steps| Sap::new(&d, parameters(cycles, steps)).unwrap().flops();
    let sites = 512.0;
    // D from the second visit of a colour on; a step is two half hops, 12 · 4 and the vectors' 28 · 12 a site of half.
    let [one, two, long] = [of(1, 1), of(2, 1), of(1, 4)];
    assert_eq!(two - one, one + crate::solver::LinearOperator::flops(&d));
    assert_eq!(long - one, 3.0 * sites / 2.0 * (2.0 * 1320.0 + 48.0 + 28.0 * 12.0));
}

#[test]
fn what_does_not_fit_is_refused_with_a_sentence() {
    let refused = |extents: &[usize], lanes, block: Site, wanted: &str| {
        let lattice = Lattice::new(extents, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
        let u = rough_field::<1>(&lattice, 0.3);
        let d = Wilson::new(&u, 0.1, Boundary::periodic()).unwrap();
        let error = Sap::new(&d, SapParameters { block, ..SapParameters::default() }).unwrap_err();
        assert!(matches!(error, PhysicsError::Geometry(_)) && error.to_string().contains(wanted), "{error}");
    };
    refused(&[4, 4, 4, 8], LaneMeaning::Sites, [4; 4], "direction 0");
    refused(&[8, 8, 8, 12], LaneMeaning::Sites, [4; 4], "direction 3");
    refused(&[8, 6, 8, 8], LaneMeaning::Sites, [4, 3, 4, 4], "direction 1");
    refused(&[2; 4], LaneMeaning::Sites, [2; 4], "direction 0");
    refused(&[2; 4], LaneMeaning::Sites, [0; 4], "direction 0");
    refused(&[5, 4, 4, 4], LaneMeaning::Sites, [2; 4], "direction 0");
    refused(&[8; 4], LaneMeaning::Batch { chains: 2 }, [4; 4], "holds one configuration");
    let lattice = Lattice::new(&[8; 4], LatticeOptions::default()).unwrap();
    let u = rough_field::<1>(&lattice, 0.3);
    let d = Wilson::new(&u, 0.1, Boundary::periodic()).unwrap();
    for (cycles, steps) in [(0, 4), (5, 0)] {
        let parameters = SapParameters { cycles, steps, ..SapParameters::default() };
        assert!(matches!(Sap::new(&d, parameters), Err(PhysicsError::Parameter(_))));
    }
}
