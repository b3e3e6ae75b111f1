//! The case list.

use super::*;
use crate::cases::{Lattices, check, score};
use crate::layers::conv_net::weights::smooth;
use crate::{Flow, ModelError};
use gaugelink_lattice::LatticeOptions;

fn place<T: Real, const N: usize>(lattice: &Arc<Lattice>) -> Result<Flow<T, N>, ModelError> {
    let settings = SpectralSettings { bins: 2, hidden: 8 };
    // A seed with which nothing comes to a knot, where second derivatives jump.
    let parameters = Spectral::<f64, N>::initial_parameters(2, &settings, 7);
    Flow::new(Spectral::stack(lattice, 2, settings)?, smooth(parameters, settings.widths::<N>(), 0.1))
}

const LATTICES: Lattices =
    Lattices { small: &[4, 4], large: &[8, 8], grids: &[&[2, 1], &[1, 2], &[2, 2], &[1, 4]] };

#[test]
fn su2_passes_the_case_list() {
    check(&LATTICES, place::<f64, 2>, place::<f32, 2>);
    score(LATTICES.large, place::<f64, 2>);
}

#[test]
fn su3_passes_the_case_list() {
    check(&LATTICES, place::<f64, 3>, place::<f32, 3>);
    score(LATTICES.large, place::<f64, 3>);
}

/// All links 1: all eigenvalues agree, and what is left of them is rounding.
#[test]
fn equal_eigenvalues_give_finite_numbers() {
    fn finite<T: Real, const N: usize>() {
        let lattice = Lattice::new(&[8, 8], LatticeOptions::default()).unwrap();
        let mut flow = place::<T, N>(&lattice).unwrap();
        let (mut u, mut log_det) = (GaugeField::<T, N>::cold(&lattice).unwrap(), [0.0]);
        flow.record(&mut u, &mut log_det);
        assert!(u.unitarity_violation() < 1e-5 && log_det[0].is_finite(), "{log_det:?}");
        let (_, mut cotangent) = crate::cases::links::loss(&u);
        let mut gradient = vec![0.0; flow.parameters().len()];
        flow.backward(&mut u, &mut cotangent, &[1.0], Some(&mut gradient));
        assert!(gradient.iter().all(|g| g.is_finite()));
        let largest = cotangent.as_slice().iter().map(|c| c.to_f64().abs()).fold(0.0, f64::max);
        // In SU(3) the log det has directions there, and derivatives that grow with the inverse of the distance.
        assert!(if N == 2 { largest < 1e3 } else { largest.is_finite() }, "a cotangent of {largest}");
    }
    finite::<f64, 2>();
    finite::<f32, 2>();
    finite::<f64, 3>();
    finite::<f32, 3>();
}

#[test]
fn unsuitable_lattices_and_settings_are_refused() {
    let good = SpectralSettings { bins: 4, hidden: 8 };
    for extents in [&[6, 8][..], &[4, 4, 4]] {
        let lattice = Lattice::new(extents, LatticeOptions::default()).unwrap();
        let message = Spectral::<f64, 2>::stack(&lattice, 2, good).err().unwrap().to_string();
        assert!(message.contains("multiples of 4"), "{message}");
    }
    let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).unwrap();
    for wrong in [SpectralSettings { bins: 1, ..good }, SpectralSettings { hidden: 12, ..good }] {
        assert!(Spectral::<f64, 3>::stack(&lattice, 1, wrong).err().unwrap().to_string().contains("give"));
    }
    assert!(Spectral::<f64, 1>::stack(&lattice, 1, good).err().unwrap().to_string().contains("SU(3)"));
}
