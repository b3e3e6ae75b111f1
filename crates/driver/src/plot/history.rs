//! The history of an observable over Markov time, with its running mean.

use super::axis::Scale;
use super::figure::Figure;
use super::panel::Panel;
use super::shape::{BLUE, FAINT, INK, RED, Shape};
use gaugelink_sampler::statistics::GammaEstimate;

/// How many points the running mean is drawn with.
const RUNNING_POINTS: usize = 600;

/// History of an observable, its running mean with an error band, and an optional exact value.
#[derive(Debug, Clone)]
pub struct HistoryPlot<'a> {
    /// The title, for example the run and the action.
    pub title: &'a str,
    /// The name of the observable, on the y axis.
    pub observable: &'a str,
    /// Every measurement, thermalisation included.
    pub series: &'a [f64],
    /// The Markov time of the first measurement.
    pub first: f64,
    /// The Markov time between two measurements.
    pub spacing: f64,
    /// What Markov time counts, on the x axis: "trajectory", "sweep".
    pub unit: &'a str,
    /// How many measurements at the start are thermalisation: shaded, and not part of the mean.
    pub thermalisation: usize,
    /// The result for the measurements after thermalisation, for the error band and the caption.
    pub estimate: Option<&'a GammaEstimate>,
    /// An exact or reference value and its name.
    pub reference: Option<(&'a str, f64)>,
}

impl HistoryPlot<'_> {
    /// The SVG file.
    pub fn svg(&self) -> String {
        let time = |index: usize| self.first + self.spacing * index as f64;
        let mut panel = Panel::new(self.unit, self.observable, Scale::Linear);
        let thermalisation = self.thermalisation.min(self.series.len());
        if thermalisation > 0 {
            let label = Some("thermalisation".into());
            panel.add(Shape::Span(time(0), time(thermalisation)), INK, label);
        }
        // Thermalisation would dwarf the fluctuations, so unless it is all there is it sets no range.
        let points = |from: usize, to: usize| {
            self.series[from..to].iter().enumerate().map(|(i, &y)| [time(from + i), y]).collect::<Vec<_>>()
        };
        let length = self.series.len();
        let hidden = if thermalisation < length { thermalisation } else { 0 };
        if hidden > 0 {
            panel.add(Shape::Backdrop(points(0, hidden)), FAINT, None);
        }
        let line = Shape::Line { points: points(hidden, length), stroke: 0.9 };
        panel.add(line, FAINT, Some("measurements".into()));

        let running = running_mean(&self.series[thermalisation..]);
        let shifted = |n: usize| time(thermalisation + n - 1);
        if let Some(estimate) = self.estimate {
            let twice_tau = 2.0 * estimate.tau_int;
            let band = running.iter().filter(|r| r.count > 1).map(|r| {
                let error = (twice_tau.max(1.0) * r.variance / r.count as f64).sqrt();
                [shifted(r.position), r.mean - error, r.mean + error]
            });
            panel.add(Shape::Band { edges: band.collect(), sets_range: false }, BLUE, None);
        }
        let points = running.iter().map(|r| [shifted(r.position), r.mean]).collect();
        panel.add(Shape::Line { points, stroke: 1.8 }, BLUE, Some("running mean".into()));
        if let Some((name, value)) = self.reference {
            panel.add(Shape::Level(value), RED, Some(name.into()));
        }
        Figure { title: self.title.into(), caption: self.caption(), panels: vec![panel], height: 300.0 }.svg()
    }

    fn caption(&self) -> String {
        self.estimate.map_or_else(String::new, |e| super::autocorrelation::summary(e, self.observable))
    }
}

/// The mean of the values that can be shown among the first `position` measurements.
struct Running {
    position: usize,
    count: usize,
    mean: f64,
    variance: f64,
}

/// Running mean and variance (Welford), at evenly spaced positions.
fn running_mean(series: &[f64]) -> Vec<Running> {
    let every = series.len().div_ceil(RUNNING_POINTS).max(1);
    let (mut count, mut mean, mut squares) = (0, 0.0, 0.0);
    let mut running = Vec::new();
    for (index, &value) in series.iter().enumerate() {
        if Scale::Linear.shows(value) {
            count += 1;
            let step = value - mean;
            mean += step / count as f64;
            squares += step * (value - mean);
        }
        let position = index + 1;
        if count > 0 && (position % every == 0 || position == series.len()) {
            running.push(Running { position, count, mean, variance: squares / count as f64 });
        }
    }
    running
}
