//! Hybrid Monte Carlo through the flow of a plugin.
//!
//! While the stage runs, the links at hand are V, those of a checkpoint with `done` > 0 as well; measurements are made
//! on U = f(V), and the stage ends with U.

use super::engine::Engine;
use super::line::{Line, Reversibility};
use super::updates::Chain;
use crate::config::FthmcStage;
use crate::error::DriverError;
use crate::links::in_the_group;
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::rng::Address;
use gaugelink_sampler::hmc::{Hmc, Outcome};
use gaugelink_sampler::transformation::Transformed;
use std::error::Error;

impl<const N: usize> Engine<'_, N> {
    pub(super) fn fthmc(&mut self, stage: &FthmcStage) -> Result<(), DriverError> {
        let number = self.state.stage;
        let failed = |error: Box<dyn Error + Send + Sync>| {
            DriverError::Input(format!("stage {number} (fthmc): {error}"))
        };
        let lattice = self.u.lattice().clone();
        let action = self.action()?;
        let mut flow =
            self.setting.plugins.flow::<N>((number, 0), &lattice).map_err(|error| failed(error.into()))?;
        let transformed = Transformed::new(&mut flow, &*action, &lattice)?;
        let mut u = GaugeField::cold(&lattice)?;
        if self.state.done == 0 {
            self.log_plugins()?;
            self.ready();
            u.copy_from(&self.u);
            transformed.inverse(&u, &mut self.u).map_err(failed)?;
        }
        let hmc = Hmc::new(&lattice, stage.trajectory())?;
        let mut chain = Fthmc { hmc, transformed: &transformed, u, is_image: false, failed: &failed };
        self.updates("FTHMC", stage.trajectories, Line::Fthmc, &mut chain)?;
        let address = self.address();
        let (links, energy) = chain.hmc.reversibility(&mut self.u, &transformed, address);
        transformed.failure().map_or(Ok(()), |error| Err(failed(error)))?;
        self.log(&[Line::Reversibility(Reversibility { stage: number, links, energy })])?;
        let image = chain.links(&self.u)?.duplicate()?;
        self.u = image;
        drop(transformed);
        self.used = Some(flow.used());
        Ok(())
    }
}

struct Fthmc<'t, 'm, const N: usize> {
    hmc: Hmc<N>,
    transformed: &'t Transformed<'m, N>,
    /// f(V), if `is_image` says so. At first it does not: f(f⁻¹(U)) is U only up to rounding, and a run that goes on
    /// from a checkpoint knows V alone.
    u: GaugeField<f64, N>,
    is_image: bool,
    failed: &'t dyn Fn(Box<dyn Error + Send + Sync>) -> DriverError,
}

impl<const N: usize> Chain<N> for Fthmc<'_, '_, N> {
    fn update(
        &mut self,
        v: &mut GaugeField<f64, N>,
        address: Address,
    ) -> Result<Option<Outcome>, DriverError> {
        let outcome = self.hmc.update(v, self.transformed, address);
        if let Some(error) = self.transformed.failure() {
            return Err((self.failed)(error));
        }
        self.is_image &= !outcome.accepted.contains(&true);
        Ok(Some(outcome))
    }

    fn links<'a>(&'a mut self, v: &'a GaugeField<f64, N>) -> Result<&'a GaugeField<f64, N>, DriverError> {
        if !self.is_image {
            self.transformed.forward(v, &mut self.u).map_err(self.failed)?;
            in_the_group(&self.u, "flow").map_err(|why| (self.failed)(why.into()))?;
            self.is_image = true;
        }
        Ok(&self.u)
    }
}
