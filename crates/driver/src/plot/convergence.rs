//! Averages of one observable by several stages of updates, and their errors, as measurements accumulate.

use super::axis::Scale;
use super::figure::Figure;
use super::panel::Panel;
use super::shape::{BLUE, FAINT, GREEN, INK, RED, Shape};
use gaugelink_sampler::statistics::Measured;

const COLOURS: [&str; 4] = [BLUE, RED, GREEN, INK];

/// One stage.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvergenceCurve {
    /// Its name.
    pub name: String,
    /// Measurements, and the average of the first so many.
    pub points: Vec<(f64, Measured)>,
}

/// Running averages with their errors above, the errors alone below, on a logarithmic axis of measurements; errors that
/// fall as 1/√N are parallel to the thin line.
#[derive(Debug, Clone)]
pub struct ConvergencePlot<'a> {
    /// The observable.
    pub observable: &'a str,
    /// The stages.
    pub curves: &'a [ConvergenceCurve],
    /// The exact value, where it is known.
    pub exact: Option<f64>,
}

impl ConvergencePlot<'_> {
    /// The SVG file.
    pub fn svg(&self) -> String {
        let x_label = "measurements, all chains together";
        let mut averages = Panel::new(x_label, self.observable, Scale::Linear);
        let mut errors = Panel::new(x_label, "error", Scale::Log);
        (averages.x_scale, errors.x_scale) = (Scale::Log, Scale::Log);
        for (curve, colour) in self.curves.iter().zip(COLOURS.into_iter().cycle()) {
            let band = |(n, m): &(f64, Measured)| [*n, m.value - m.error, m.value + m.error];
            let edges = curve.points.iter().map(band).collect();
            averages.add(Shape::Band { edges, sets_range: false }, colour, None);
            let line = |pick: fn(&Measured) -> f64| Shape::Line {
                points: curve.points.iter().map(|(n, m)| [*n, pick(m)]).collect(),
                stroke: 1.8,
            };
            averages.add(line(|m| m.value), colour, Some(curve.name.clone()));
            errors.add(line(|m| m.error), colour, None);
        }
        if let Some(exact) = self.exact {
            averages.add(Shape::Level(exact), INK, Some("exact".into()));
        }
        let all = self.curves.iter().flat_map(|curve| &curve.points);
        if let Some((from, first)) = all.clone().min_by(|a, b| a.0.total_cmp(&b.0)) {
            let to = all.map(|(n, _)| *n).fold(*from, f64::max);
            let points = [*from, to].map(|n| [n, first.error * (from / n).sqrt()]).to_vec();
            errors.add(Shape::Line { points, stroke: 0.9 }, FAINT, Some("1/√N".into()));
        }
        let last = |curve: &ConvergenceCurve| {
            let (n, value) = curve.points.last()?;
            Some(format!("{}: {value} from {n:.0}.", curve.name))
        };
        Figure {
            title: format!("{} as measurements accumulate", self.observable),
            caption: self.curves.iter().filter_map(last).collect::<Vec<_>>().join(" "),
            panels: vec![averages, errors],
            height: 480.0,
        }
        .svg()
    }
}
