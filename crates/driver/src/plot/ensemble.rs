//! An observable over the numbers of an ensemble, with its gaps and outliers.

use super::autocorrelation::summary;
use super::axis::Scale;
use super::figure::Figure;
use super::panel::Panel;
use super::shape::{BLUE, FAINT, GREEN, Point, RED, Shape};
use gaugelink_sampler::statistics::GammaEstimate;

/// Up to so many configurations each has its marker.
const MOST_MARKERS: usize = 250;

/// The values of an observable where files are, the stretches where they are missing, and what stands out.
#[derive(Debug, Clone)]
pub struct EnsemblePlot<'a> {
    /// The title, for example the name of the ensemble.
    pub title: &'a str,
    /// The name of the observable, on the y axis.
    pub observable: &'a str,
    /// (number of the configuration, value), by rising numbers.
    pub points: &'a [(f64, f64)],
    /// The usual distance of numbers; beyond it is a gap.
    pub stride: Option<f64>,
    /// Places of outliers among the points.
    pub outliers: &'a [usize],
    /// Median and largest deviation that is no outlier.
    pub limit: Option<(f64, f64)>,
    /// The average with its autocorrelation.
    pub estimate: Option<&'a GammaEstimate>,
}

impl EnsemblePlot<'_> {
    /// The SVG file.
    pub fn svg(&self) -> String {
        let mut panel = Panel::new("configuration", self.observable, Scale::Linear);
        let is_gap =
            |a: &(f64, f64), b: &(f64, f64)| self.stride.is_some_and(|stride| b.0 - a.0 > 1.5 * stride);
        let gaps: Vec<(f64, f64)> = self
            .points
            .windows(2)
            .filter(|pair| is_gap(&pair[0], &pair[1]))
            .map(|p| (p[0].0, p[1].0))
            .collect();
        for (i, &(from, to)) in gaps.iter().enumerate() {
            panel.add(Shape::Span(from, to), RED, (i == 0).then(|| "missing, or no good".into()));
        }
        for (i, piece) in self.points.chunk_by(|a, b| !is_gap(a, b)).enumerate() {
            let points = piece.iter().map(|&(x, y)| [x, y]).collect();
            panel.add(Shape::Line { points, stroke: 0.9 }, FAINT, (i == 0).then(|| "configurations".into()));
        }
        if self.points.len() <= MOST_MARKERS {
            let points = self.points.iter().map(|&(x, y)| Point { x, y, error: 0.0 }).collect();
            panel.add(Shape::Markers { points, open: false }, BLUE, None);
        }
        if let (Some(estimate), Some(first), Some(last)) =
            (self.estimate, self.points.first(), self.points.last())
        {
            let [low, high] = [-1.0, 1.0].map(|sign| estimate.value + sign * estimate.error);
            let edges = vec![[first.0, low, high], [last.0, low, high]];
            panel.add(Shape::Band { edges, sets_range: false }, BLUE, None);
            panel.add(Shape::Level(estimate.value), BLUE, Some("average".into()));
        }
        if let Some((centre, deviation)) = self.limit.filter(|_| !self.outliers.is_empty()) {
            panel.add(Shape::Level(centre - deviation), GREEN, Some("limits of outliers".into()));
            panel.add(Shape::Level(centre + deviation), GREEN, None);
        }
        let outliers: Vec<Point> = self
            .outliers
            .iter()
            .map(|&i| Point { x: self.points[i].0, y: self.points[i].1, error: 0.0 })
            .collect();
        if !outliers.is_empty() {
            panel.add(Shape::Markers { points: outliers, open: true }, RED, Some("outliers".into()));
        }
        let average = self.estimate.map_or_else(String::new, |estimate| summary(estimate, self.observable));
        let missing = match gaps.len() {
            0 => String::new(),
            1 => " One gap.".into(),
            n => format!(" {n} gaps."),
        };
        let caption = (average + &missing).trim_start().to_owned();
        Figure { title: self.title.into(), caption, panels: vec![panel], height: 300.0 }.svg()
    }
}
