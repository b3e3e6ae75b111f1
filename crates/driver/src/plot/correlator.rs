//! A correlation function on a logarithmic axis, and its effective mass.

use super::axis::Scale;
use super::figure::Figure;
use super::panel::Panel;
use super::shape::{BLUE, GREEN, Point, RED, Shape};
use gaugelink_sampler::statistics::Measured;

/// A mass fitted to the effective masses between two times, in lattice units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plateau {
    /// The first time of the fit.
    pub from: f64,
    /// The last time of the fit.
    pub to: f64,
    /// The mass `a m`.
    pub mass: Measured,
}

/// `C(t)` above, the effective mass below.
#[derive(Debug, Clone)]
pub struct CorrelatorPlot<'a> {
    /// The title.
    pub title: &'a str,
    /// The name of the correlator, on the y axis.
    pub name: &'a str,
    /// `C(t)` at `t/a = 0, 1, ...`. Negative values are drawn as open markers at `|C|`.
    pub correlator: &'a [Measured],
    /// `(t/a, a m_eff)`; empty for no second panel. Masses whose error exceeds them are left out.
    pub effective_mass: &'a [(f64, Measured)],
    /// A fitted plateau.
    pub plateau: Option<Plateau>,
}

impl CorrelatorPlot<'_> {
    /// The SVG file.
    pub fn svg(&self) -> String {
        let mut panel = Panel::new("t/a", self.name, Scale::Log);
        panel.weight = 3.0;
        let points = |negative: bool| -> Vec<Point> {
            let values = self.correlator.iter().enumerate();
            // Zero and NaN belong to the positive ones, which leaves them out and counts them.
            let chosen = values.filter(|(_, c)| (c.value < 0.0) == negative);
            chosen.map(|(t, c)| Point { x: t as f64, y: c.value.abs(), error: c.error }).collect()
        };
        let negative = points(true);
        let mixed = !negative.is_empty();
        panel.add(
            Shape::Markers { points: points(false), open: false },
            BLUE,
            mixed.then(|| "positive".into()),
        );
        if mixed {
            panel.add(Shape::Markers { points: negative, open: true }, RED, Some("negative, |C(t)|".into()));
        }
        let mut panels = vec![panel];
        let mut caption = String::new();
        if !self.effective_mass.is_empty() {
            let (panel, noisy) = self.mass_panel();
            panels.push(panel);
            if noisy > 0 {
                caption = format!("Effective masses with errors above 100% are not shown ({noisy}).");
            }
        }
        let height = if panels.len() > 1 { 460.0 } else { 320.0 };
        Figure { title: self.title.into(), caption, panels, height }.svg()
    }

    fn mass_panel(&self) -> (Panel, usize) {
        let mut panel = Panel::new("t/a", "a m_{eff}", Scale::Linear);
        panel.weight = 2.0;
        let is_noise = |m: &Measured| m.error > m.value.abs();
        let (noise, shown): (Vec<_>, Vec<_>) =
            self.effective_mass.iter().copied().partition(|(_, m)| is_noise(m));
        if let Some(Plateau { from, to, mass }) = self.plateau {
            let band = [from, to].map(|t| [t, mass.value - mass.error, mass.value + mass.error]);
            panel.add(Shape::Band { edges: band.to_vec(), sets_range: true }, GREEN, None);
            let points = [from, to].map(|t| [t, mass.value]).to_vec();
            panel.add(Shape::Line { points, stroke: 1.8 }, GREEN, Some(format!("plateau a m = {mass}")));
        }
        let points = shown.iter().map(|&(x, m)| Point { x, y: m.value, error: m.error }).collect();
        panel.add(Shape::Markers { points, open: false }, BLUE, None);
        (panel, noise.len())
    }
}
