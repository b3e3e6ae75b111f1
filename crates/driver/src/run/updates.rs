//! Update stages: heat bath and hybrid Monte Carlo, with measurements and checkpoints between updates.

use super::engine::Engine;
use super::line::{Line, Reversibility, Update};
use super::quarks::QuarkMeasurements;
use super::trajectory::Trajectories;
use crate::config::{HeatbathStage, HmcStage};
use crate::error::DriverError;
use gaugelink_host::adapt::ForcePlugin;
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_models::layers::Loops;
use gaugelink_physics::action::{Action, ImprovedAction, WilsonAction};
use gaugelink_physics::observable::{self, polyakov_loop, topological_charge};
use gaugelink_physics::update::{HeatBath, Overrelaxation};
use gaugelink_sampler::controls::Controls;
use gaugelink_sampler::guided::Guided;
use gaugelink_sampler::hmc::Outcome;
use std::fmt::Display;

/// What a stage of updates does with the links at hand.
pub(super) trait Chain<const N: usize> {
    /// One update.
    fn update(
        &mut self,
        u: &mut GaugeField<f64, N>,
        address: Address,
    ) -> Result<Option<Outcome>, DriverError>;

    /// The log weights that a checkpoint keeps with the links, null for none.
    fn log_weights(&self) -> Vec<Option<f64>> {
        Vec::new()
    }

    /// The log weight of each chain's last proposal, where proposals have one of their own.
    fn proposed(&self) -> &[f64] {
        &[]
    }

    /// What else there is to tell of update number `update` of stage `stage`, the last one.
    fn lines(&self, _stage: usize, _update: u64) -> Vec<Line> {
        Vec::new()
    }

    /// The links to measure on, where the links at hand are others.
    fn links<'a>(&'a mut self, u: &'a GaugeField<f64, N>) -> Result<&'a GaugeField<f64, N>, DriverError> {
        Ok(u)
    }
}

impl<const N: usize, F> Chain<N> for F
where
    F: FnMut(&mut GaugeField<f64, N>, Address) -> Result<Option<Outcome>, DriverError>,
{
    fn update(
        &mut self,
        u: &mut GaugeField<f64, N>,
        address: Address,
    ) -> Result<Option<Outcome>, DriverError> {
        self(u, address)
    }
}

/// What is measured with more than the links themselves.
struct Instruments<const N: usize> {
    quarks: QuarkMeasurements<N>,
    controls: Option<(Controls<N>, Box<dyn Action<N>>)>,
}

/// Trajectories of a stage.
struct HmcChain<'a, const N: usize> {
    trajectories: Trajectories<'a, N>,
    /// So many are still to be taken whatever their ΔH.
    relax: u64,
    /// An error of the stage.
    failed: &'a dyn Fn(&dyn Display) -> DriverError,
    /// The plugin's own error, if it has one.
    failure: &'a dyn Fn() -> Result<(), DriverError>,
}

impl<const N: usize> Chain<N> for HmcChain<'_, N> {
    fn update(
        &mut self,
        u: &mut GaugeField<f64, N>,
        address: Address,
    ) -> Result<Option<Outcome>, DriverError> {
        let relaxes = self.relax > 0;
        self.relax = self.relax.saturating_sub(1);
        let outcome = self.trajectories.update(u, address, relaxes);
        (self.failure)()?;
        outcome.map(Some).map_err(|error| (self.failed)(&error))
    }

    fn lines(&self, stage: usize, update: u64) -> Vec<Line> {
        self.trajectories.lines(stage, update)
    }
}

impl<const N: usize> Engine<'_, N> {
    pub(super) fn heatbath(&mut self, stage: &HeatbathStage) -> Result<(), DriverError> {
        let heat_bath = HeatBath { beta: self.beta() };
        let mut sweep = |u: &mut GaugeField<f64, N>, address| {
            heat_bath.sweep(u, address)?;
            (0..stage.overrelaxation).try_for_each(|_| Overrelaxation.sweep(u))?;
            Ok(None)
        };
        self.updates("heat bath", stage.sweeps, Line::Heatbath, &mut sweep)
    }

    pub(super) fn hmc(&mut self, stage: &HmcStage) -> Result<(), DriverError> {
        let (number, action) = (self.state.stage, self.action()?);
        let failed = |error: &dyn Display| DriverError::Input(format!("stage {number} (hmc): {error}"));
        let force = match &stage.force {
            Some(_) => {
                Some(self.setting.plugins.force::<N>(number, self.u.lattice()).map_err(|e| failed(&e))?)
            }
            None => None,
        };
        let guided = force.as_ref().map(|force| Guided { force, action: &*action });
        let action: &dyn Action<N> = guided.as_ref().map_or(&*action, |guided| guided);
        let failure = || match force.as_ref().and_then(ForcePlugin::failure) {
            Some(error) => Err(failed(&error)),
            None => Ok(()),
        };
        if self.state.done == 0 {
            self.log_plugins()?;
        }
        let mut chain = HmcChain {
            trajectories: Trajectories::new(&self.u, stage, self.setting.file.fermions.as_ref(), action)?,
            relax: stage.relax.saturating_sub(self.state.done),
            failed: &failed,
            failure: &failure,
        };
        self.updates("HMC", stage.trajectories, Line::Hmc, &mut chain)?;
        let address = self.address();
        let reversed = chain.trajectories.reversibility(&mut self.u, address);
        failure()?;
        let (links, energy) = reversed.map_err(|error| failed(&error))?;
        self.used = force.as_ref().map(ForcePlugin::used);
        self.log(&[Line::Reversibility(Reversibility { stage: self.state.stage, links, energy })])
    }

    pub(super) fn beta(&self) -> f64 {
        self.setting.file.action.map_or(0.0, |action| action.beta)
    }

    pub(super) fn action(&self) -> Result<Box<dyn Action<N>>, DriverError> {
        Ok(match self.setting.file.action.and_then(|action| action.rectangles()) {
            Some(c1) => Box::new(ImprovedAction::<N>::new(self.u.lattice(), self.beta(), c1)?),
            None => Box::new(WilsonAction::new(self.beta())),
        })
    }

    /// Control variates of the action.
    fn controls(&self, loops: Loops) -> Result<(Controls<N>, Box<dyn Action<N>>), DriverError> {
        let controls = Controls::new(self.u.lattice(), loops);
        let controls = controls.map_err(|error| DriverError::Input(format!("controls: {error}")))?;
        Ok((controls, self.action()?))
    }

    /// The random numbers of the next update.
    pub(super) fn address(&self) -> Address {
        Address::new(self.setting.file.seed(), Purpose::HeatBath).trajectory(self.state.updates)
    }

    /// Makes the links ready for the first update: those from a file may be unitary to single precision only.
    pub(super) fn ready(&mut self) {
        if self.state.updates == 0 {
            self.u.reunitarise();
        }
    }

    pub(super) fn updates(
        &mut self,
        what: &str,
        count: u64,
        line: fn(Update) -> Line,
        chain: &mut dyn Chain<N>,
    ) -> Result<(), DriverError> {
        self.ready();
        let file = self.setting.file;
        let mut instruments = Instruments {
            quarks: QuarkMeasurements::new(&self.u, file.fermions.as_ref(), &file.measure)?,
            controls: file.measure.controls.map(|loops| self.controls(loops)).transpose()?,
        };
        let bar = self.bar(what, count);
        while self.state.done < count {
            let address = self.address();
            let outcome = chain.update(&mut self.u, address)?;
            self.state.done += 1;
            self.state.updates += 1;
            self.state.log_weights = chain.log_weights();
            let measured = self.measure(chain, outcome, &mut instruments, address)?;
            bar.set_position(self.state.done);
            if let Some(plaquette) = measured.first().and_then(|first| first.plaquette) {
                bar.set_message(format!("plaquette {plaquette:.5}"));
            }
            let mut lines: Vec<Line> = measured.into_iter().map(line).collect();
            lines.extend(chain.lines(self.state.stage, self.state.updates));
            if let Some(stage) = self.due_files() {
                lines.extend(self.files(chain.links(&self.u)?, &stage, Some(self.state.updates))?);
            }
            self.log(&lines)?;
            self.save_if_due()?;
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// One entry for each chain; none after a heat bath update that is not measured.
    fn measure(
        &self,
        chain: &mut dyn Chain<N>,
        outcome: Option<Outcome>,
        instruments: &mut Instruments<N>,
        address: Address,
    ) -> Result<Vec<Update>, DriverError> {
        let (table, chains) = (&self.setting.file.measure, self.u.lattice().chains());
        let dims = self.u.lattice().dims();
        let proposed = chain.proposed();
        // Links that were not proposed have no weight: what takes their place is no decision.
        let decided = |chain: usize| outcome.as_ref().filter(|o| o.delta_h[chain] != f64::NEG_INFINITY);
        let update = |chain: usize| Update {
            stage: self.state.stage,
            update: self.state.updates,
            chain,
            delta_h: decided(chain).map(|o| o.delta_h[chain]),
            accepted: decided(chain).map(|o| o.accepted[chain]),
            ln_weight: proposed.get(chain).copied(),
            plaquette: None,
            polyakov_re: None,
            polyakov_im: None,
            charge: None,
            condensate: None,
            sign: None,
            ln_det: None,
            controls: Vec::new(),
        };
        let mut lines: Vec<Update> = (0..chains).map(update).collect();
        if !self.state.done.is_multiple_of(table.every) {
            let told = outcome.is_some() || !chain.proposed().is_empty();
            return Ok(if told { lines } else { Vec::new() });
        }
        let u = chain.links(&self.u)?;
        for (line, plaquette) in lines.iter_mut().zip(observable::plaquette(u)) {
            line.plaquette = Some(plaquette);
        }
        if table.polyakov {
            for (line, polyakov) in lines.iter_mut().zip(polyakov_loop(u, dims - 1)?) {
                (line.polyakov_re, line.polyakov_im) = (Some(polyakov.re), Some(polyakov.im));
            }
        }
        if table.charge {
            for (line, charge) in lines.iter_mut().zip(charge(u)?) {
                line.charge = Some(charge);
            }
        }
        if let Some((controls, action)) = &mut instruments.controls {
            let values = controls.values(u, &**action);
            lines.iter_mut().zip(values).for_each(|(line, values)| line.controls = values);
        }
        let numbers = instruments.quarks.measure(u, address)?;
        lines.iter_mut().zip(numbers.condensate).for_each(|(line, x)| line.condensate = Some(x));
        lines.iter_mut().zip(numbers.sign).for_each(|(line, x)| line.sign = Some(x));
        lines.iter_mut().zip(numbers.ln_det).for_each(|(line, x)| line.ln_det = Some(x));
        Ok(lines)
    }
}

/// The topological charge that fits group and dimensions.
fn charge<const N: usize>(u: &GaugeField<f64, N>) -> Result<Vec<f64>, DriverError> {
    if N == 1 && u.lattice().dims() == 2 {
        return Ok(observable::geometric_charge(u)?.into_iter().map(|q| q as f64).collect());
    }
    Ok(topological_charge(u)?)
}
