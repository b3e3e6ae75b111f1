//! Update stages: heat bath and hybrid Monte Carlo, with measurements and checkpoints between updates.

use super::engine::Engine;
use super::line::{Line, Reversibility, Update};
use crate::config::{HeatbathStage, HmcStage};
use crate::error::DriverError;
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_physics::action::{Action, ImprovedAction, WilsonAction};
use gaugelink_physics::observable::{self, polyakov_loop, topological_charge};
use gaugelink_physics::update::{HeatBath, Overrelaxation};
use gaugelink_sampler::hmc::{Hmc, Outcome, Trajectory};

impl<const N: usize> Engine<'_, N> {
    pub(super) fn heatbath(&mut self, stage: &HeatbathStage) -> Result<(), DriverError> {
        let heat_bath = HeatBath { beta: self.beta() };
        self.updates("heat bath", stage.sweeps, Line::Heatbath, |u, address| {
            heat_bath.sweep(u, address)?;
            (0..stage.overrelaxation).try_for_each(|_| Overrelaxation.sweep(u))?;
            Ok(None)
        })
    }

    pub(super) fn hmc(&mut self, stage: &HmcStage) -> Result<(), DriverError> {
        let action = self.action()?;
        let trajectory =
            Trajectory { integrator: stage.integrator, steps: stage.steps as usize, length: stage.length };
        let mut hmc = Hmc::new(self.u.lattice(), trajectory)?;
        let mut done = self.state.done;
        self.updates("HMC", stage.trajectories, Line::Hmc, |u, address| {
            let relaxes = done < stage.relax;
            done += 1;
            let trajectory = if relaxes { Hmc::relax } else { Hmc::update };
            Ok(Some(trajectory(&mut hmc, u, &*action, address)))
        })?;
        let address = self.address();
        let (links, energy) = hmc.reversibility(&mut self.u, &*action, address);
        self.log(&[Line::Reversibility(Reversibility { stage: self.state.stage, links, energy })])
    }

    fn beta(&self) -> f64 {
        self.setting.file.action.map_or(0.0, |action| action.beta)
    }

    fn action(&self) -> Result<Box<dyn Action<N>>, DriverError> {
        Ok(match self.setting.file.action.and_then(|action| action.rectangles()) {
            Some(c1) => Box::new(ImprovedAction::<N>::new(self.u.lattice(), self.beta(), c1)?),
            None => Box::new(WilsonAction::new(self.beta())),
        })
    }

    /// The random numbers of the next update.
    fn address(&self) -> Address {
        Address::new(self.setting.file.seed(), Purpose::HeatBath).trajectory(self.state.updates)
    }

    fn updates(
        &mut self,
        what: &str,
        count: u64,
        line: fn(Update) -> Line,
        mut update: impl FnMut(&mut GaugeField<f64, N>, Address) -> Result<Option<Outcome>, DriverError>,
    ) -> Result<(), DriverError> {
        if self.state.updates == 0 {
            // Links from a file may be unitary to single precision only.
            self.u.reunitarise();
        }
        let bar = self.bar(what, count);
        while self.state.done < count {
            let address = self.address();
            let outcome = update(&mut self.u, address)?;
            self.state.done += 1;
            self.state.updates += 1;
            let measured = self.measure(outcome)?;
            bar.set_position(self.state.done);
            if let Some(plaquette) = measured.first().and_then(|first| first.plaquette) {
                bar.set_message(format!("plaquette {plaquette:.5}"));
            }
            let lines: Vec<Line> = measured.into_iter().map(line).collect();
            self.log(&lines)?;
            self.save_if_due()?;
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// One entry for each chain; none after a heat bath update that is not measured.
    fn measure(&self, outcome: Option<Outcome>) -> Result<Vec<Update>, DriverError> {
        let (table, chains) = (&self.setting.file.measure, self.u.lattice().chains());
        let dims = self.u.lattice().dims();
        let update = |chain: usize| Update {
            stage: self.state.stage,
            update: self.state.updates,
            chain,
            delta_h: outcome.as_ref().map(|o| o.delta_h[chain]),
            accepted: outcome.as_ref().map(|o| o.accepted[chain]),
            plaquette: None,
            polyakov_re: None,
            polyakov_im: None,
            charge: None,
        };
        let mut lines: Vec<Update> = (0..chains).map(update).collect();
        if !self.state.done.is_multiple_of(table.every) {
            return Ok(if outcome.is_some() { lines } else { Vec::new() });
        }
        for (line, plaquette) in lines.iter_mut().zip(observable::plaquette(&self.u)) {
            line.plaquette = Some(plaquette);
        }
        if table.polyakov {
            for (line, polyakov) in lines.iter_mut().zip(polyakov_loop(&self.u, dims - 1)?) {
                (line.polyakov_re, line.polyakov_im) = (Some(polyakov.re), Some(polyakov.im));
            }
        }
        if table.charge {
            for (line, charge) in lines.iter_mut().zip(self.charge()?) {
                line.charge = Some(charge);
            }
        }
        Ok(lines)
    }

    /// The topological charge that fits group and dimensions.
    fn charge(&self) -> Result<Vec<f64>, DriverError> {
        let dims = self.u.lattice().dims();
        if N == 1 && dims == 2 {
            return Ok(observable::geometric_charge(&self.u)?.into_iter().map(|q| q as f64).collect());
        }
        Ok(topological_charge(&self.u)?)
    }
}
