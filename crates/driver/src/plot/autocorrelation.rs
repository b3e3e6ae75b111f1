//! The autocorrelation function with its summation window.

use super::axis::Scale;
use super::figure::Figure;
use super::panel::Panel;
use super::shape::{BLUE, GREEN, Point, RED, Shape};
use gaugelink_sampler::statistics::{GammaEstimate, Measured, Sufficiency};

/// Beyond so many lags markers would overlap; they are then drawn at evenly spaced lags.
const MOST_MARKERS: usize = 80;

/// `rho(t)` with errors above, the running sum `tau_int(W)` below, the summation window shaded.
#[derive(Debug, Clone)]
pub struct AutocorrelationPlot<'a> {
    /// The title.
    pub title: &'a str,
    /// The name of the observable, for the caption.
    pub observable: &'a str,
    /// What one lag is, on the x axis: `"lag [trajectories]"`.
    pub lag_label: &'a str,
    /// The result of the Gamma method.
    pub estimate: &'a GammaEstimate,
}

impl AutocorrelationPlot<'_> {
    /// The SVG file.
    pub fn svg(&self) -> String {
        let GammaEstimate { autocorrelation, window, tau_int, measurements, .. } = self.estimate;
        let window = *window;
        let rho = autocorrelation.rho();
        let lags = (2 * window).max(10).min(autocorrelation.max_lag());
        let span = || Shape::Span(0.0, window as f64);

        let mut function = Panel::new(self.lag_label, "ρ(t)", Scale::Linear);
        function.weight = 3.0;
        function.add(span(), GREEN, Some(format!("summation window W = {window}")));
        function.add(Shape::Level(0.0), "#7a8794", None);
        let points = (0..=lags).map(|t| [t as f64, rho[t]]).collect();
        function.add(Shape::Line { points, stroke: 1.0 }, BLUE, None);
        let every = (lags + 1).div_ceil(MOST_MARKERS);
        let points = (0..=lags)
            .step_by(every)
            .map(|t| Point { x: t as f64, y: rho[t], error: autocorrelation.error(t) })
            .collect();
        function.add(Shape::Markers { points, open: false }, BLUE, Some("ρ(t)".into()));

        let mut sum = Panel::new(self.lag_label, "τ_{int}(W)", Scale::Linear);
        sum.weight = 2.0;
        sum.add(span(), GREEN, None);
        let running: Vec<f64> = (0..=lags)
            .scan(-0.5, |tau, t| {
                *tau += rho[t];
                Some(*tau)
            })
            .collect();
        let n = *measurements as f64;
        let band = running.iter().enumerate().map(|(t, tau)| {
            let error = 2.0 * tau * ((t as f64 + 0.5 - tau).max(0.0) / n).sqrt();
            [t as f64, tau - error, tau + error]
        });
        sum.add(Shape::Band { edges: band.collect(), sets_range: true }, BLUE, None);
        let points = running.iter().enumerate().map(|(t, &tau)| [t as f64, tau]).collect();
        sum.add(Shape::Line { points, stroke: 1.8 }, BLUE, Some("½ + Σ ρ(t) up to W".into()));
        let tau = Measured { value: *tau_int, error: self.estimate.tau_int_error };
        sum.add(Shape::Level(*tau_int), RED, Some(format!("τ_{{int}} = {tau}")));

        let caption = summary(self.estimate, self.observable);
        Figure { title: self.title.into(), caption, panels: vec![function, sum], height: 420.0 }.svg()
    }
}

/// One sentence on a result of the Gamma method.
pub(super) fn summary(estimate: &GammaEstimate, observable: &str) -> String {
    let tau = Measured { value: estimate.tau_int, error: estimate.tau_int_error };
    let warning = match estimate.sufficiency {
        Sufficiency::Enough => "",
        Sufficiency::TooShort => {
            " Not enough data: the chain is too short for its τ_{int}, the errors are too small."
        }
    };
    format!(
        "{observable} = {}, τ_{{int}} = {tau} measurements (½ + Σρ, W = {}), N = {}.{warning}",
        estimate.measured(),
        estimate.window,
        estimate.measurements
    )
}
