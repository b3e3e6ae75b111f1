//! What is measured with the quarks of `[fermions]`: the condensate, the determinant's sign, and the weight of configurations made without them.

use crate::config::{Condensate, FermionsTable, MeasureTable};
use crate::error::DriverError;
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_physics::PhysicsError;
use gaugelink_physics::action::TermError;
use gaugelink_physics::dirac::Quark;
use gaugelink_physics::observable::{
    StochasticCondensate, determinant_sign, exact_condensate, ln_determinant,
};

/// A number for each chain.
type Measurement<const N: usize> =
    Box<dyn FnMut(&GaugeField<f64, N>, Address) -> Result<Vec<f64>, TermError>>;

/// Measurements with quarks, those that are asked for.
pub(super) struct QuarkMeasurements<const N: usize> {
    condensate: Option<Measurement<N>>,
    sign: Option<Measurement<N>>,
    ln_det: Option<Measurement<N>>,
}

/// Of one configuration, for each chain; empty where nothing was asked for.
pub(super) struct QuarkNumbers {
    pub condensate: Vec<f64>,
    /// Of det D of one flavour.
    pub sign: Vec<f64>,
    /// ln det(D†D), the log weight.
    pub ln_det: Vec<f64>,
}

impl<const N: usize> QuarkMeasurements<N> {
    /// Those of a run on the lattice of `u`.
    ///
    /// # Errors
    /// A lattice or parameters that do not serve; no memory.
    pub fn new(
        u: &GaugeField<f64, N>,
        fermions: Option<&FermionsTable>,
        table: &MeasureTable,
    ) -> Result<Self, PhysicsError> {
        let Some(fermions) = fermions else { return Ok(Self { condensate: None, sign: None, ln_det: None }) };
        if u.lattice().dims() == 2 {
            Self::in_dims::<1>(u, fermions, table)
        } else {
            Self::in_dims::<2>(u, fermions, table)
        }
    }

    /// In 2H dimensions.
    fn in_dims<const H: usize>(
        u: &GaugeField<f64, N>,
        fermions: &FermionsTable,
        table: &MeasureTable,
    ) -> Result<Self, PhysicsError> {
        let (quark, sources) = (fermions.quark(2 * H), table.condensate_sources);
        let condensate: Option<Measurement<N>> = match table.condensate {
            None => None,
            Some(Condensate::Exact) => Some(exact(quark, exact_condensate::<N, H>)),
            Some(Condensate::Stochastic) => {
                let mut estimates = StochasticCondensate::<N, H>::new(u, quark, fermions.solves().action)?;
                Some(Box::new(move |u, address| estimates.estimate(u, address, sources)))
            }
        };
        // ln det(D†D) = 2 ln |det D|.
        let ln_det = |u: &GaugeField<f64, N>, quark: Quark| {
            Ok(ln_determinant::<N, H>(u, quark)?.into_iter().map(|ln_det| 2.0 * ln_det).collect())
        };
        let sign = table.sign.then(|| exact(quark, determinant_sign::<N, H>));
        Ok(Self { condensate, sign, ln_det: fermions.reweights().then(|| exact(quark, ln_det)) })
    }

    /// Measures on `u`; sources are drawn from `address`. Collective.
    ///
    /// # Errors
    /// A solve that fails.
    pub fn measure(&mut self, u: &GaugeField<f64, N>, address: Address) -> Result<QuarkNumbers, DriverError> {
        let address = Address { purpose: Purpose::Condensate, ..address };
        let of = |measurement: &mut Option<Measurement<N>>| match measurement {
            None => Ok(Vec::new()),
            Some(measurement) => {
                measurement(u, address).map_err(|error| DriverError::Input(error.to_string()))
            }
        };
        Ok(QuarkNumbers {
            condensate: of(&mut self.condensate)?,
            sign: of(&mut self.sign)?,
            ln_det: of(&mut self.ln_det)?,
        })
    }
}

/// A measurement that draws nothing.
fn exact<const N: usize>(
    quark: Quark,
    measured: impl Fn(&GaugeField<f64, N>, Quark) -> Result<Vec<f64>, PhysicsError> + 'static,
) -> Measurement<N> {
    Box::new(move |u, _| Ok(measured(u, quark)?))
}
