//! The gradient flow of a configuration, and the scales that it sets.

use crate::error::DriverError;
use crate::flow_time::{problem, whole_steps};
use crate::links::shown;
use crate::progress;
use crate::report::Report;
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::group::group_name;
use gaugelink_physics::smear::{EnergyForm, FlowPoint, FlowTable, GradientFlow};
use serde::Serialize;
use std::path::Path;

/// Flow time between two measurements: t²E is all but linear over it, and measuring costs less than flowing.
const SPACING: f64 = 0.1;

/// A flow to be done: whole steps that end at the flow time asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Flow {
    epsilon: f64,
    steps: usize,
    every: usize,
}

impl Flow {
    /// Up to flow time `time` in steps of at most `step`. Both are positive.
    pub fn new(time: f64, step: f64) -> Self {
        let (steps, epsilon) = whole_steps(time, step);
        Self { epsilon, steps, every: ((SPACING / epsilon).round() as usize).max(1) }
    }

    /// [`Flow::table`] that reports one line for each measured flow time, then the scales.
    pub fn run<const N: usize>(
        &self,
        path: &Path,
        u: &mut GaugeField<f64, N>,
        report: &mut Report,
    ) -> Result<(), DriverError> {
        let bar = progress::bar("flow", self.steps as u64);
        let table = self.table(u, |_| bar.inc(1));
        bar.finish_and_clear();
        let table = table?;
        for point in &table.points {
            report.record(&PointLine::of(path, point))?;
        }
        let scales = ScalesLine::of(path, &table);
        report.record(&scales)?;
        report.text(&text(&table, &scales))
    }

    /// Whether links of N colours in so many dimensions can be flowed in these steps.
    ///
    /// # Errors
    /// [`DriverError::Input`] for a group that has no flow, or steps that are too long or too many.
    pub fn check(&self, nc: usize, dims: usize) -> Result<(), DriverError> {
        if nc > 3 {
            return Err(DriverError::Input(format!(
                "the gradient flow is there for U(1), SU(2) and SU(3), not for {}: measure without --flow",
                group_name(nc)
            )));
        }
        match problem((self.steps, self.epsilon), dims, 0.0) {
            Some(reason) => Err(DriverError::Input(format!("--flow-step: {reason}"))),
            None => Ok(()),
        }
    }

    /// Flows `u` and tells `progress` of every step.
    ///
    /// # Errors
    /// As [`Flow::check`]; no memory.
    pub fn table<const N: usize>(
        &self,
        u: &mut GaugeField<f64, N>,
        mut progress: impl FnMut(usize),
    ) -> Result<FlowTable, DriverError> {
        self.check(N, u.lattice().dims())?;
        let goes_on = |step| {
            progress(step);
            true
        };
        Ok(GradientFlow::wilson(u.lattice())?.run_with(u, self.epsilon, self.steps, self.every, goes_on)?)
    }
}

/// One flow time.
#[derive(Serialize)]
struct PointLine {
    file: String,
    observable: &'static str,
    flow_time: f64,
    t2e_plaquette: f64,
    t2e_clover: f64,
    plaquette: f64,
    charge: Option<f64>,
}

impl PointLine {
    fn of(path: &Path, point: &FlowPoint) -> Self {
        Self {
            file: shown(path),
            observable: "flow",
            flow_time: point.time,
            t2e_plaquette: point.t2e_plaquette[0],
            t2e_clover: point.t2e_clover[0],
            plaquette: point.plaquette[0],
            charge: point.charge.as_ref().map(|charge| charge[0]),
        }
    }
}

/// Scales in lattice units from both forms of the energy; null where the flow ends before.
#[derive(Serialize)]
struct ScalesLine {
    file: String,
    observable: &'static str,
    t0_plaquette: Option<f64>,
    t0_clover: Option<f64>,
    w0_plaquette: Option<f64>,
    w0_clover: Option<f64>,
}

impl ScalesLine {
    fn of(path: &Path, table: &FlowTable) -> Self {
        Self {
            file: shown(path),
            observable: "scales",
            t0_plaquette: table.t0(EnergyForm::Plaquette, 0),
            t0_clover: table.t0(EnergyForm::Clover, 0),
            w0_plaquette: table.w0(EnergyForm::Plaquette, 0),
            w0_clover: table.w0(EnergyForm::Clover, 0),
        }
    }
}

fn text(table: &FlowTable, scales: &ScalesLine) -> String {
    let mut lines = vec![format!(
        "  {:>8} {:>15} {:>15} {:>12} {:>13}",
        "t", "t2E plaquette", "t2E clover", "charge", "plaquette"
    )];
    for point in &table.points {
        let charge = point.charge.as_ref().map_or("-".into(), |charge| format!("{:.6}", charge[0]));
        lines.push(format!(
            "  {:>8.4} {:>15.9} {:>15.9} {charge:>12} {:>13.9}",
            point.time, point.t2e_plaquette[0], point.t2e_clover[0], point.plaquette[0]
        ));
    }
    for (name, plaquette, clover) in
        [("t0", scales.t0_plaquette, scales.t0_clover), ("w0", scales.w0_plaquette, scales.w0_clover)]
    {
        let shown = |scale: Option<f64>| scale.map_or("not reached".into(), |scale| format!("{scale:.6}"));
        lines.push(format!("  {name}: {} (plaquette), {} (clover)", shown(plaquette), shown(clover)));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_are_a_tenth_apart_as_nearly_as_steps_allow() {
        for (time, step, steps, every) in
            [(1.0, 0.02, 50, 5), (0.3, 0.1, 3, 1), (0.05, 0.02, 3, 6), (1.0, 0.3, 4, 1), (0.01, 0.02, 1, 10)]
        {
            let flow = Flow::new(time, step);
            assert_eq!((flow.steps, flow.every), (steps, every), "{time} in steps of {step}");
        }
    }
}
