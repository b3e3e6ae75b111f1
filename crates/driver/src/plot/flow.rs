//! The energy density along the gradient flow.

use super::axis::Scale;
use super::figure::Figure;
use super::panel::Panel;
use super::shape::{BLUE, Point, RED, Shape};
use gaugelink_sampler::statistics::Measured;

/// The level that defines the scale `t_0`: `t^2 <E> = 0.3` (M. Luscher, arXiv:1006.4518).
const REFERENCE: f64 = 0.3;

/// Beyond so many flow times the points become a line with an error band.
const MOST_MARKERS: usize = 60;

/// `t^2 <E(t)>` against the flow time, with the level 0.3 and `t_0`.
#[derive(Debug, Clone)]
pub struct FlowPlot<'a> {
    /// The title.
    pub title: &'a str,
    /// `(t/a^2, t^2 <E>)` in order of the flow time.
    pub curve: &'a [(f64, Measured)],
    /// `t_0/a^2`, if the curve reaches the level.
    pub t0: Option<Measured>,
}

impl FlowPlot<'_> {
    /// The SVG file.
    pub fn svg(&self) -> String {
        let mut panel = Panel::new("t/a^{2}", "t^{2}⟨E(t)⟩", Scale::Linear);
        let name = Some("t^{2}⟨E(t)⟩".to_owned());
        let line = self.curve.iter().map(|&(t, e)| [t, e.value]).collect();
        if self.curve.len() > MOST_MARKERS {
            let band = self.curve.iter().map(|&(t, e)| [t, e.value - e.error, e.value + e.error]).collect();
            panel.add(Shape::Band { edges: band, sets_range: true }, BLUE, None);
            panel.add(Shape::Line { points: line, stroke: 1.8 }, BLUE, name);
        } else {
            let points = self.curve.iter().map(|&(x, e)| Point { x, y: e.value, error: e.error }).collect();
            panel.add(Shape::Markers { points, open: false }, BLUE, name);
        }
        panel.add(Shape::Level(REFERENCE), RED, Some(REFERENCE.to_string()));
        if let Some(t0) = self.t0 {
            panel.add(Shape::Mark(t0.value), RED, Some(format!("t_{{0}}/a^{{2}} = {t0}")));
        }
        Figure { title: self.title.into(), caption: String::new(), panels: vec![panel], height: 320.0 }.svg()
    }
}
