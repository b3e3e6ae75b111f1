//! Autocorrelation times against a parameter of the run, for several algorithms.

use super::axis::Scale;
use super::figure::Figure;
use super::panel::Panel;
use super::shape::{BLUE, GREEN, INK, Point, RED, Shape};
use gaugelink_sampler::statistics::Measured;

const COLOURS: [&str; 4] = [BLUE, RED, GREEN, INK];

/// One algorithm.
#[derive(Debug, Clone, Default)]
pub struct ScanCurve {
    /// Its name.
    pub name: String,
    /// τ_int with its error at each value of the parameter that has one.
    pub times: Vec<(f64, Measured)>,
    /// The same where the chain is too short for its τ_int, which is then a guess from below.
    pub guesses: Vec<(f64, Measured)>,
    /// The observable along a chain at the last value.
    pub history: Vec<f64>,
}

/// τ_int on a logarithmic axis against the parameter, and below it a history of the observable for each algorithm.
#[derive(Debug, Clone)]
pub struct ScanPlot<'a> {
    /// The title.
    pub title: &'a str,
    /// The parameter.
    pub parameter: &'a str,
    /// Its last value, at which histories are shown.
    pub last: f64,
    /// The observable.
    pub observable: &'a str,
    /// The algorithms.
    pub curves: &'a [ScanCurve],
}

impl ScanPlot<'_> {
    /// The SVG file.
    pub fn svg(&self) -> String {
        let mut times = Panel::new(self.parameter, format!("τ_{{int}} of {}", self.observable), Scale::Log);
        times.weight = 1.6;
        let mut panels = vec![];
        for (curve, colour) in self.curves.iter().zip(COLOURS.into_iter().cycle()) {
            let markers = |times: &[(f64, Measured)], open: bool| {
                let at = |&(x, tau): &(f64, Measured)| Point { x, y: tau.value, error: tau.error };
                Shape::Markers { points: times.iter().map(at).collect(), open }
            };
            times.add(markers(&curve.times, false), colour, Some(curve.name.clone()));
            if !curve.guesses.is_empty() {
                times.add(markers(&curve.guesses, true), colour, None);
            }
            let mut history = Panel::new("update", self.observable, Scale::Linear);
            let points = curve.history.iter().enumerate().map(|(t, &y)| [t as f64, y]).collect();
            let label = format!("{} at {} = {}", curve.name, self.parameter, self.last);
            history.add(Shape::Line { points, stroke: 1.0 }, colour, Some(label));
            history.weight = 0.5;
            history.begins_axis = panels.is_empty();
            panels.push(history);
        }
        panels.insert(0, times);
        let caption = format!(
            "Above: integrated autocorrelation times of the {0}, in updates, with errors; open where the chain is too short to \
             tell more than that it is no less. Below: the {0} along a chain.",
            self.observable
        );
        let height = 320.0 + 90.0 * self.curves.len() as f64;
        Figure { title: self.title.into(), caption, panels, height }.svg()
    }
}
