//! The plots of a run.

use super::analysis::{CREUTZ, Series, controlled, names, series};
use super::directory::RunDirectory;
use super::exact;
use super::importance;
use super::line::Line;
use super::solve_rows::{Pick, correlators};
use crate::config::{RunFile, Stage};
use crate::error::DriverError;
use crate::plot::{
    AutocorrelationPlot, ConvergenceCurve, ConvergencePlot, CorrelatorPlot, FlowPlot, HistoryPlot,
};
use gaugelink_physics::dirac::effective_masses;
use gaugelink_sampler::statistics::Measured;

/// Writes `plots/*.svg`: histories and autocorrelations of every update stage, flows, correlators; of the first chain
/// where there are several (averages are over all).
///
/// # Errors
/// [`DriverError`] where the directory cannot be written.
pub(crate) fn write(file: &RunFile, directory: &RunDirectory, lines: &[Line]) -> Result<(), DriverError> {
    directory.make_folder("plots")?;
    let save = |name: String, svg: String| directory.replace(&format!("plots/{name}.svg"), &svg);
    for (number, stage) in file.stages.iter().enumerate() {
        let title = |what: &str| format!("{what}, stage {number} ({})", stage.kind());
        match stage {
            Stage::Heatbath(_)
            | Stage::Hmc(_)
            | Stage::Fthmc(_)
            | Stage::Proposal(_)
            | Stage::Independence(_) => {
                let (unit, units) = match stage {
                    Stage::Heatbath(_) => ("sweep", "sweeps"),
                    Stage::Proposal(_) | Stage::Independence(_) => ("proposal", "proposals"),
                    _ => ("trajectory", "trajectories"),
                };
                let less = controlled(file, number, lines).unwrap_or_default();
                for series in series(file, number, lines).into_iter().chain(less) {
                    let estimate = series.estimate().ok();
                    let history = HistoryPlot {
                        title: &title(series.name),
                        observable: series.name,
                        series: &series.chains[0],
                        first: series.spacing as f64,
                        spacing: series.spacing as f64,
                        unit,
                        thermalisation: series.thermalisation,
                        estimate: estimate.as_ref(),
                        reference: (series.name == CREUTZ).then_some(("exact: 1", 1.0)),
                    };
                    save(format!("{}-history", series.file_stem()), history.svg())?;
                    if let Some(estimate) = &estimate {
                        let plot = AutocorrelationPlot {
                            title: &title(&format!("Autocorrelation of {}", series.name)),
                            observable: series.name,
                            lag_label: &match series.spacing {
                                1 => format!("lag [{units}]"),
                                n => format!("lag [{n} {units}]"),
                            },
                            estimate,
                        };
                        save(format!("{}-autocorrelation", series.file_stem()), plot.svg())?;
                    }
                }
            }
            Stage::Importance(_) => {
                let logs = importance::log_weights_of_a_chain(number, lines);
                let history = HistoryPlot {
                    title: &title("Log weights"),
                    observable: "ln w",
                    series: &logs,
                    first: 1.0,
                    spacing: 1.0,
                    unit: "draw",
                    thermalisation: 0,
                    estimate: None,
                    reference: None,
                };
                save(format!("stage{number}-weights"), history.svg())?;
            }
            Stage::Flow(_) => {
                let exact = |value| Measured { value, error: 0.0 };
                let mut curve = Vec::new();
                let mut t0 = None;
                for line in lines {
                    match line {
                        Line::Flow(f) if f.stage == number && f.chain == 0 => {
                            curve.push((f.time, exact(f.t2e_clover)));
                        }
                        Line::Scales(s) if s.stage == number && s.chain == 0 => t0 = s.t0.map(exact),
                        _ => {}
                    }
                }
                let plot = FlowPlot { title: &title("Gradient flow"), curve: &curve, t0 };
                save(format!("stage{number}-flow"), plot.svg())?;
            }
            Stage::Solve(_) => {
                let exact = |value| Measured { value, error: 0.0 };
                let mesons: [(&str, &str, Pick); 2] =
                    [("pion", "Pion", |c| c.pion), ("vector", "Vector meson", |c| c.vector)];
                for (file, name, pick) in mesons {
                    let Some(correlator) = correlators(number, lines, pick).into_iter().next() else {
                        continue;
                    };
                    let masses = effective_masses(&correlator).into_iter();
                    let masses: Vec<(f64, Measured)> = masses.map(|(t, m)| (t as f64, exact(m))).collect();
                    let values: Vec<Measured> = correlator.into_iter().map(exact).collect();
                    let plot = CorrelatorPlot {
                        title: &title(&format!("{name} correlator on one configuration")),
                        name: "C(t)",
                        correlator: &values,
                        effective_mass: &masses,
                        plateau: None,
                    };
                    save(format!("stage{number}-{file}"), plot.svg())?;
                }
            }
            Stage::Spectrum(_) | Stage::Write(_) => {}
        }
    }
    for (stem, svg) in convergence(file, lines) {
        save(format!("convergence-{stem}"), svg)?;
    }
    Ok(())
}

/// Observables that several stages of updates measured, one beside the other.
fn convergence(file: &RunFile, lines: &[Line]) -> Vec<(String, String)> {
    let all: Vec<Series> = (0..file.stages.len()).flat_map(|number| series(file, number, lines)).collect();
    let of_links = names().filter(|name| !name.contains("delta H"));
    let plot = |name: &'static str| {
        let same = all.iter().filter(|series| series.name == name);
        let curve = |series: &Series| ConvergenceCurve {
            name: format!("{}, stage {}", series.kind, series.stage),
            points: series.accumulated(),
        };
        let curves: Vec<ConvergenceCurve> =
            same.clone().map(curve).filter(|curve| !curve.points.is_empty()).collect();
        let stem = same.clone().next()?.name_in_files();
        let exact = exact::average(file, name);
        let plot = ConvergencePlot { observable: name, curves: &curves, exact };
        (curves.len() > 1).then(|| (stem, plot.svg()))
    };
    of_links.filter_map(plot).collect()
}
