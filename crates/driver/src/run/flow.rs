//! The gradient flow of the configurations at hand, which stay as they are.

use super::engine::Engine;
use super::line::{Flow, Line, Scales};
use crate::config::FlowStage;
use crate::error::DriverError;
use crate::flow_time::whole_steps;
use gaugelink_physics::smear::{EnergyForm, GradientFlow};

impl<const N: usize> Engine<'_, N> {
    pub(super) fn flow(&mut self, stage: &FlowStage) -> Result<(), DriverError> {
        let mut u = self.u.duplicate()?;
        let (steps, epsilon) = whole_steps(stage.time, stage.step);
        let bar = self.bar("gradient flow", steps as u64);
        let mut flow = match stage.action.rectangles() {
            None => GradientFlow::wilson(u.lattice())?,
            Some(c1) => GradientFlow::with_rectangles(u.lattice(), c1)?,
        };
        let mut stops = false;
        let goes_on = |_| {
            bar.inc(1);
            stops = self.stops();
            !stops
        };
        let table = flow.run_with(&mut u, epsilon, steps, stage.every as usize, goes_on)?;
        bar.finish_and_clear();
        // The stage is done again from its begin: the configuration is that of the checkpoint before it.
        if stops {
            return Err(self.stopped());
        }
        let mut lines = Vec::new();
        for chain in 0..u.lattice().chains() {
            lines.extend(table.points.iter().map(|point| {
                Line::Flow(Flow {
                    stage: self.state.stage,
                    chain,
                    time: point.time,
                    plaquette: point.plaquette[chain],
                    t2e_plaquette: point.t2e_plaquette[chain],
                    t2e_clover: point.t2e_clover[chain],
                    charge: point.charge.as_ref().map(|charge| charge[chain]),
                })
            }));
            lines.push(Line::Scales(Scales {
                stage: self.state.stage,
                chain,
                t0: table.t0(EnergyForm::Clover, chain),
                w0: table.w0(EnergyForm::Clover, chain),
            }));
        }
        self.log(&lines)
    }
}
