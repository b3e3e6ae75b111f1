//! How a training goes: divergence and effective sample size against the step.

use super::axis::Scale;
use super::figure::Figure;
use super::panel::Panel;
use super::shape::{BLUE, GREEN, RED, Shape};

/// The Kullback–Leibler divergence, on a logarithmic axis, above the effective sample size.
#[derive(Debug, Clone)]
pub struct TrainingPlot<'a> {
    /// The title.
    pub title: &'a str,
    /// (step, divergence, effective sample size per configuration) of each evaluation.
    pub points: &'a [(f64, f64, f64)],
    /// The effective sample size of a proposal without any training, where it is known.
    pub untrained: Option<f64>,
}

impl TrainingPlot<'_> {
    /// The SVG file.
    pub fn svg(&self) -> String {
        let line = |y: fn(&(f64, f64, f64)) -> f64| Shape::Line {
            points: self.points.iter().map(|p| [p.0, y(p)]).collect(),
            stroke: 1.8,
        };
        let mut loss = Panel::new("step", "KL divergence", Scale::Log);
        loss.add(line(|p| p.1), BLUE, Some("⟨ln q + S⟩ + ln Z".into()));
        let mut size = Panel::new("step", "ESS", Scale::Linear);
        size.add(line(|p| p.2), GREEN, Some("effective sample size".into()));
        if let Some(untrained) = self.untrained {
            size.add(Shape::Level(untrained), RED, Some("without training".into()));
        }
        let caption = self.points.last().map_or_else(String::new, |(step, divergence, sample_size)| {
            format!("After {step} steps: divergence {divergence:.4}, effective sample size {sample_size:.4}.")
        });
        Figure { title: self.title.into(), caption, panels: vec![loss, size], height: 460.0 }.svg()
    }
}
