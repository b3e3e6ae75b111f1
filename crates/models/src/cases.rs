//! The case list: what every layer must pass, alone and in a stack, in both precisions.
//!
//! A layer's tests call [`check`] with a few lattices and a function that places it. The reference for the Jacobian
//! and the gradients are differences of fourth order; nothing here knows how a layer works.

mod bits;
mod differences;
pub mod fields;
pub mod links;
mod scalars;

pub use differences::{log_det_errors, score};

use crate::{FlowOf, ModelError};
use fields::{Cased, copy, largest_difference, numbers};
use gaugelink_lattice::{Lattice, LatticeOptions, Real};
use std::sync::Arc;

/// How a case puts its flow on a lattice.
pub type Place<T, M> = fn(&Arc<Lattice>) -> Result<FlowOf<T, M>, ModelError>;

/// Where a case is tried.
pub struct Lattices {
    /// Extents so small that the whole Jacobian fits into a matrix.
    pub small: &'static [usize],
    /// Extents that fill lanes and can be cut.
    pub large: &'static [usize],
    /// Grids of ranks that cut the large ones.
    pub grids: &'static [&'static [usize]],
}

/// Everything.
pub fn check<M: Cased>(at: &Lattices, double: Place<f64, M>, single: Place<f32, M>) {
    differences::jacobian(at.small, double);
    check_approximate(at, double, single);
}

/// Everything but the Jacobian, for maps whose log det is an approximation: their tests say how good it is, with
/// [`log_det_errors`].
pub fn check_approximate<M: Cased>(at: &Lattices, double: Place<f64, M>, single: Place<f32, M>) {
    differences::gradients(at.small, double);
    differences::gradients(at.large, double);
    in_one_precision(at, double, 1.0);
    in_one_precision(at, single, 3e8);
    single_follows_double(at.large, double, single);
}

/// Everything but the inverse and the log det, which a smearing has not.
pub fn check_smearing<M: Cased>(at: &Lattices, double: Place<f64, M>, single: Place<f32, M>) {
    differences::gradients(at.small, double);
    differences::gradients(at.large, double);
    smearing_in_one_precision(at, double, 1.0);
    smearing_in_one_precision(at, single, 3e8);
    single_follows_double(at.large, double, single);
}

/// What can be checked without differences; `coarser` is how much coarser than f64 the precision is.
fn in_one_precision<T: Real, M: Cased>(at: &Lattices, place: Place<T, M>, coarser: f64) {
    let lattice = Lattice::new(at.large, LatticeOptions::default()).unwrap();
    let flow = &mut place(&lattice).unwrap();
    inverse_undoes_forward(&lattice, flow, coarser);
    smearing_in_one_precision(at, place, coarser);
}

fn smearing_in_one_precision<T: Real, M: Cased>(at: &Lattices, place: Place<T, M>, coarser: f64) {
    let lattice = Lattice::new(at.large, LatticeOptions::default()).unwrap();
    let flow = &mut place(&lattice).unwrap();
    symmetry(&lattice, flow, coarser);
    restore_is_exact(&lattice, flow);
    bits::equal_however_spread(at.large, at.grids, place);
    bits::batch_equals_single(at.large, place, coarser);
}

fn inverse_undoes_forward<T: Real, M: Cased>(lattice: &Arc<Lattice>, flow: &mut FlowOf<T, M>, coarser: f64) {
    let start = M::rough::<T>(lattice, 0);
    for forward_first in [true, false] {
        let (mut u, mut log_det) = (copy::<M, T>(&start), [0.0]);
        let mut middle = 0.0;
        for forward in [forward_first, !forward_first] {
            if forward {
                flow.forward(&mut u, &mut log_det);
            } else {
                flow.inverse(&mut u, &mut log_det).unwrap();
            }
            middle = log_det[0].abs().max(middle);
        }
        assert!(middle > 0.1, "a case whose log det is {middle} checks nothing");
        let off = largest_difference(&numbers(&start, 0), &numbers(&u, 0));
        assert!(off < 1e-13 * coarser, "forward first {forward_first}: variables are off by {off:e}");
        let sum = log_det[0].abs() / middle;
        assert!(sum < 1e-13 * coarser, "forward first {forward_first}: log dets add up to {sum:e}");
    }
}

/// f(U^g) = f(U)^g with a transformation g of the symmetry, and the log det does not change.
fn symmetry<T: Real, M: Cased>(lattice: &Arc<Lattice>, flow: &mut FlowOf<T, M>, coarser: f64) {
    let (mut plain, mut log_plain) = (M::rough::<T>(lattice, 0), [0.0]);
    let (mut turned, mut log_turned) = (M::transformed::<T>(&plain), [0.0]);
    flow.forward(&mut plain, &mut log_plain);
    flow.forward(&mut turned, &mut log_turned);
    let expected = M::transformed::<T>(&plain);
    let off = largest_difference(&numbers(&expected, 0), &numbers(&turned, 0));
    assert!(off < 1e-13 * coarser, "f(U^g) and f(U)^g differ by {off:e}");
    let off = (log_plain[0] - log_turned[0]).abs();
    assert!(off <= 1e-13 * coarser * log_plain[0].abs(), "the log det changes by {off:e}");
}

fn restore_is_exact<T: Real, M: Cased>(lattice: &Arc<Lattice>, flow: &mut FlowOf<T, M>) {
    let start = M::rough::<T>(lattice, 0);
    let (mut u, mut plain) = (copy::<M, T>(&start), copy::<M, T>(&start));
    let (mut recorded, mut log_det) = ([0.0], [0.0]);
    flow.record(&mut u, &mut recorded);
    flow.forward(&mut plain, &mut log_det);
    assert_eq!((numbers(&u, 0), recorded), (numbers(&plain, 0), log_det), "recording changes f");
    let (_, mut cotangent) = M::loss::<T>(&u);
    flow.backward(&mut u, &mut cotangent, &[1.0], None);
    assert_eq!(u.as_slice(), start.as_slice(), "the way back misses the start, or its ghosts");
}

/// Variables, log det and both gradients in f32 are those of f64 to 3e-5, relative to their size.
fn single_follows_double<M: Cased>(extents: &[usize], double: Place<f64, M>, single: Place<f32, M>) {
    fn results<T: Real, M: Cased>(extents: &[usize], place: Place<T, M>) -> [Vec<f64>; 4] {
        let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
        let mut flow = place(&lattice).unwrap();
        let (mut u, mut log_det) = (M::rough::<T>(&lattice, 0), [0.0]);
        flow.record(&mut u, &mut log_det);
        let variables = numbers(&u, 0);
        let (_, mut cotangent) = M::loss::<T>(&u);
        let mut gradient = vec![0.0; flow.parameters().len()];
        flow.backward(&mut u, &mut cotangent, &[0.7], Some(&mut gradient));
        [variables, log_det.to_vec(), numbers(&cotangent, 0), gradient]
    }
    let (double, single) = (results(extents, double), results(extents, single));
    for (what, (d, s)) in
        ["variables", "log det", "cotangent", "gradient"].iter().zip(double.iter().zip(&single))
    {
        let off: f64 = d.iter().zip(s).map(|(d, s)| (d - s).powi(2)).sum();
        let size: f64 = d.iter().map(|d| d * d).sum();
        assert!(off.sqrt() <= 3e-5 * size.sqrt(), "{what}: f32 is off by {:e}", (off / size).sqrt());
    }
}
