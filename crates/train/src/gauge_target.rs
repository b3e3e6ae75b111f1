//! What a flow of links is trained towards: e^{−S}, S = Wilson's action, and −ln det(M†M) of two flavours of quarks where there are
//! such.

use crate::{Target, TrainError};
use gaugelink_lattice::{
    Field, GaugeField, LaneMeaning, Lattice, LatticeOptions, Links, MomentumField, Real,
};
use gaugelink_physics::action::{ExactDeterminant, Term, WilsonAction};
use gaugelink_physics::dirac::Quark;
use serde_json::{Value, json};
use std::sync::Arc;

/// The action in two dimensions of the configurations of a group, one in each lane.
pub struct GaugeTarget<const N: usize> {
    beta: f64,
    quarks: Option<Quarks<N>>,
}

/// The determinant, which is in double precision whatever the flow is in: a lattice of its own, with room for a part of the
/// configurations.
struct Quarks<const N: usize> {
    determinant: ExactDeterminant<N, 1>,
    links: GaugeField<f64, N>,
    force: MomentumField<f64, N>,
}

impl<const N: usize> GaugeTarget<N> {
    /// Of gauge fields alone.
    pub fn new(beta: f64) -> Self {
        Self { beta, quarks: None }
    }

    /// Adds two flavours on this lattice.
    ///
    /// # Errors
    /// As [`ExactDeterminant::two_flavours`]; no memory.
    pub fn add_quarks(&mut self, lattice: &Arc<Lattice>, quark: Quark) -> Result<(), TrainError> {
        let geometry = lattice.geometry();
        let lanes = LaneMeaning::Batch { chains: f64::LANES };
        let options = LatticeOptions { threads: 1, lanes, ..LatticeOptions::default() };
        let own = Lattice::new(&geometry.extents()[..geometry.dims()], options)?;
        let links = GaugeField::cold(&own)?;
        let determinant = ExactDeterminant::two_flavours(&links, quark)?;
        self.quarks = Some(Quarks { determinant, force: MomentumField::zeroed(&own)?, links });
        Ok(())
    }
}

impl<T: Real, const N: usize> Target<T> for GaugeTarget<N> {
    type Variables = Links<N>;

    fn values(&mut self, u: &GaugeField<T, N>) -> Result<Vec<f64>, TrainError> {
        let mut values = WilsonAction::new(self.beta).values(u);
        if let Some(quarks) = &mut self.quarks {
            for first in (0..T::LANES).step_by(f64::LANES) {
                quarks.take(u, first);
                add(&mut values[first..], &quarks.determinant.value(&quarks.links)?);
            }
        }
        Ok(values)
    }

    fn accumulate(
        &mut self,
        u: &GaugeField<T, N>,
        cotangent: &mut MomentumField<T, N>,
        share: f64,
        keep: f64,
    ) -> Result<Vec<f64>, TrainError> {
        let wilson = WilsonAction::new(self.beta);
        let mut values = wilson.values(u);
        wilson.accumulate(u, cotangent, share, keep);
        if let Some(quarks) = &mut self.quarks {
            for first in (0..T::LANES).step_by(f64::LANES) {
                quarks.take(u, first);
                let Quarks { determinant, links, force } = &mut *quarks;
                force.as_mut_slice().fill(0.0);
                add(&mut values[first..], &determinant.value_and_kick(links, force, -share)?);
                quarks.give(cotangent, first);
            }
        }
        Ok(values)
    }

    fn beta(&self) -> Option<f64> {
        Some(self.beta)
    }

    fn set_beta(&mut self, beta: f64) {
        self.beta = beta;
    }

    fn in_words(&self) -> Vec<(&'static str, Value)> {
        vec![("group", json!(N))]
    }
}

impl<const N: usize> Quarks<N> {
    /// Takes the links of the configurations from lane `first` on.
    fn take<T: Real>(&mut self, u: &GaugeField<T, N>, first: usize) {
        for (own, theirs) in self.places(u) {
            for (component, lane) in numbers(u.reals()) {
                self.links.set(own, component, lane, u.get(theirs, component, first + lane).to_f64());
            }
        }
    }

    /// Adds the force on them to theirs.
    fn give<T: Real>(&self, cotangent: &mut MomentumField<T, N>, first: usize) {
        for (own, theirs) in self.places(cotangent) {
            for (component, lane) in numbers(cotangent.reals()) {
                let force = cotangent.get(theirs, component, first + lane).to_f64();
                let force = force + self.force.get(own, component, lane);
                cotangent.set(theirs, component, first + lane, T::from_f64(force));
            }
        }
    }

    /// The blocks of each site, here and in another field.
    fn places<T: Real>(&self, other: &Field<T>) -> Vec<(usize, usize)> {
        let (own, theirs) = (self.links.layout(), other.layout());
        (0..own.blocks()).map(|block| (block, theirs.locate(&own.site(block, 0)).0)).collect()
    }
}

/// Components and lanes of a block in double precision.
fn numbers(reals: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..reals).flat_map(|component| (0..f64::LANES).map(move |lane| (component, lane)))
}

fn add(values: &mut [f64], more: &[f64]) {
    values.iter_mut().zip(more).for_each(|(value, more)| *value += more);
}
