//! Autocorrelation times and effective sample sizes against a parameter of the run, for several algorithms.

use super::axis::Scale;
use super::figure::Figure;
use super::panel::Panel;
use super::shape::{BLUE, FAINT, GREEN, INK, Point, RED, Shape};
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
    /// The effective sample size of its draws, at each value that has one.
    pub sizes: Vec<(f64, f64)>,
    /// The observable along a chain at the last value.
    pub history: Vec<f64>,
}

/// τ_int on a logarithmic axis against the parameter, and below it effective sample sizes, and a history of the observable
/// for each algorithm; what no algorithm has is left out.
#[derive(Debug, Clone)]
pub struct ScanPlot<'a> {
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
        let mut sizes = Panel::new(self.parameter, "ESS of draws", Scale::Linear);
        let mut histories = vec![];
        for (curve, colour) in self.curves.iter().zip(COLOURS.into_iter().cycle()) {
            let markers = |times: &[(f64, Measured)], open: bool| {
                let at = |&(x, tau): &(f64, Measured)| Point { x, y: tau.value, error: tau.error };
                Shape::Markers { points: times.iter().map(at).collect(), open }
            };
            let has_times = !(curve.times.is_empty() && curve.guesses.is_empty());
            if has_times {
                times.add(markers(&curve.times, false), colour, Some(curve.name.clone()));
                times.add(markers(&curve.guesses, true), colour, None);
            }
            if !curve.sizes.is_empty() {
                let points = curve.sizes.iter().map(|&(x, size)| [x, size]).collect();
                let label = (!has_times).then(|| curve.name.clone());
                sizes.add(Shape::Line { points, stroke: 1.4 }, colour, label);
            }
            if !curve.history.is_empty() {
                let mut history = Panel::new("update", self.observable, Scale::Linear);
                let points = curve.history.iter().enumerate().map(|(t, &y)| [t as f64, y]).collect();
                let label = format!("{} at {} = {}", curve.name, self.parameter, self.last);
                history.add(Shape::Line { points, stroke: 1.0 }, colour, Some(label));
                history.weight = 0.5;
                history.begins_axis = histories.is_empty();
                histories.push(history);
            }
        }
        let mut caption = Vec::new();
        let mut panels = Vec::new();
        if !times.elements.is_empty() {
            caption.push(format!(
                "Integrated autocorrelation times of the {}, in updates, with errors; open where the chain is too short to tell more \
                 than that it is no less.",
                self.observable
            ));
            panels.push(times);
        }
        if !sizes.elements.is_empty() {
            sizes.add(Shape::Level(0.0), FAINT, None);
            sizes.add(Shape::Level(1.0), FAINT, None);
            caption.push("Effective sample sizes of draws, per draw.".into());
            panels.push(sizes);
        }
        if !histories.is_empty() {
            caption.push(format!("The {} along a chain.", self.observable));
        }
        let height =
            20.0 + 90.0 * histories.len() as f64 + panels.iter().map(|p| 190.0 * p.weight).sum::<f64>();
        panels.extend(histories);
        let title = format!("Scan of {}", self.parameter);
        Figure { title, caption: caption.join(" "), panels, height }.svg()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(name: &str) -> ScanCurve {
        ScanCurve { name: name.into(), ..ScanCurve::default() }
    }

    /// Chains have times and histories, weighted draws sizes; what nobody has takes no room.
    #[test]
    fn panels_are_those_that_there_is_something_for() {
        let plot = |curves: &[ScanCurve]| {
            ScanPlot { parameter: "action.beta", last: 2.0, observable: "charge", curves }.svg()
        };
        let tau = Measured { value: 3.0, error: 0.2 };
        let chain = ScanCurve {
            times: vec![(1.0, tau), (2.0, tau)],
            history: vec![0.0, 1.0, -1.0],
            ..curve("heatbath")
        };
        let draws = ScanCurve { sizes: vec![(1.0, 0.9), (2.0, 0.3)], ..curve("importance") };
        let (one, other) = (plot(std::slice::from_ref(&chain)), plot(std::slice::from_ref(&draws)));
        assert!(one.contains("autocorrelation times of the charge") && !one.contains("ESS"), "{one}");
        assert!(other.contains("ESS of draws") && !other.contains("autocorrelation"), "{other}");
        let both = plot(&[chain, draws]);
        for text in ["heatbath", "importance", "ESS of draws", "along a chain"] {
            assert!(both.contains(text), "{text}: {both}");
        }
    }
}
