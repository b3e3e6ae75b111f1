//! The low modes of a Dirac operator on the configurations at hand.

use super::engine::Engine;
use super::line::{Eigenvalue, Line};
use super::results::{Row, named};
use crate::config::{RunFile, SpectrumStage};
use crate::error::DriverError;
use gaugelink_lattice::Complex;
use gaugelink_physics::PhysicsError;
use gaugelink_physics::dirac::{Spectrum, SpectrumError, Wilson};
use gaugelink_physics::solver::{EigenError, SolveError};

impl<const N: usize> Engine<'_, N> {
    pub(super) fn spectrum(&mut self, stage: &SpectrumStage) -> Result<(), DriverError> {
        if self.u.lattice().dims() == 2 { self.low_modes::<1>(stage) } else { self.low_modes::<2>(stage) }
    }

    /// In 2H dimensions.
    fn low_modes<const H: usize>(&mut self, stage: &SpectrumStage) -> Result<(), DriverError> {
        let number = self.state.stage;
        let boundary = stage.boundary.on(2 * H);
        let d = Wilson::<f64, N, H>::new(&self.u, stage.mass(2 * H), boundary)?.with_clover(stage.csw)?;
        let (wanted, seed) = (stage.wanted(), self.setting.file.run.seed.unwrap_or(0));
        let found = d.low_modes(stage.operator, &wanted, seed, |_| self.goes_on());
        let found = found.map_err(|error| match error {
            SpectrumError::Physics(PhysicsError::Lattice(error)) => error.into(),
            SpectrumError::Eigen(EigenError::Stopped) => self.stopped(),
            SpectrumError::Eigen(EigenError::Solve { error: SolveError::Stagnation { report, .. }, .. }) => {
                DriverError::Input(format!(
                    "stage {number} (spectrum): a solve stagnated at a residual of {:.1e}: where that is far above \
                     `tolerance`, an eigenvalue is 0 but for rounding, take another mass; else a larger `tolerance`",
                    report.worst_residual()
                ))
            }
            error => DriverError::Input(format!("stage {number} (spectrum): {error}")),
        })?;
        let pairs = found.values.iter().zip(&found.residuals).enumerate();
        let lines = pairs.flat_map(|(pair, (values, residuals))| {
            let chains = values.iter().zip(residuals).enumerate();
            chains.map(move |(chain, (value, &residual))| {
                let Complex { re, im } = *value;
                Line::Eigenvalue(Eigenvalue { stage: number, chain, number: pair, re, im, residual })
            })
        });
        let lines: Vec<Line> = lines.collect();
        self.log(&lines)
    }
}

/// The smallest eigenvalue in modulus of each chain, and where its critical mass is.
pub(super) fn rows(
    rows: &mut Vec<Row>,
    (file, dims): (&RunFile, usize),
    (number, stage): (usize, &SpectrumStage),
    lines: &[Line],
) {
    let of = |chain: usize| {
        lines.iter().filter_map(move |line| match line {
            Line::Eigenvalue(e) if e.stage == number && e.chain == chain => Some(e),
            _ => None,
        })
    };
    for chain in 0..file.run.chains as usize {
        let Some(first) = of(chain).next() else { continue };
        let row = |quantity: &str| Row::new(Some(number), "spectrum", named(quantity, chain, file));
        let worst = of(chain).map(|e| e.residual).fold(0.0, f64::max);
        let all = format!("{} eigenvalues, residual at most {worst:.1e}", of(chain).count());
        match stage.operator {
            Spectrum::Dirac => {
                let note = format!("{:.6} {:+.6}i; {all}", first.re, first.im);
                rows.push(row("|lambda_0|").value(first.re.hypot(first.im)).note(note));
                let left = of(chain).map(|e| e.re).fold(f64::INFINITY, f64::min);
                let note = "mass at which the leftmost of these is at 0";
                rows.push(row("m_c").value(stage.mass(dims) - left).note(note));
            }
            Spectrum::Hermitian => {
                let note = format!("smallest singular value of D; {all}");
                rows.push(row("|lambda_0|").value(first.re.abs()).note(note));
            }
        }
    }
}
