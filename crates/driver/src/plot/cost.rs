//! What samples cost, all told, for several algorithms.

use super::axis::Scale;
use super::figure::Figure;
use super::panel::Panel;
use super::shape::{BLUE, GREEN, INK, RED, Shape};

const COLOURS: [&str; 4] = [BLUE, RED, GREEN, INK];

/// Points of a curve, in decades of samples.
const DECADES: usize = 5;
const POINTS: usize = 24;

/// One algorithm.
#[derive(Debug, Clone, PartialEq)]
pub struct CostCurve {
    /// Its name.
    pub name: String,
    /// Seconds before the first sample: a training.
    pub spent: f64,
    /// Seconds for each independent sample.
    pub each: f64,
    /// Whether `each` is only known not to be less.
    pub at_least: bool,
}

impl CostCurve {
    /// From how many samples on this algorithm costs less than the other.
    pub fn pays_from(&self, other: &Self) -> Option<f64> {
        let more = self.spent - other.spent;
        (more > 0.0 && other.each > self.each).then(|| more / (other.each - self.each))
    }
}

/// Seconds against independent samples, on logarithmic axes (Cranmer et al., Nature Reviews Physics 5 (2023) 526, Fig. 5).
#[derive(Debug, Clone)]
pub struct CostPlot<'a> {
    /// The parameter with its value, at which costs are told.
    pub at: &'a str,
    /// Whose autocorrelation time makes samples independent.
    pub observable: &'a str,
    /// The algorithms.
    pub curves: &'a [CostCurve],
}

impl CostPlot<'_> {
    /// The SVG file.
    pub fn svg(&self) -> String {
        let x_label = format!("independent samples of the {}", self.observable);
        let mut panel = Panel::new(x_label, "seconds", Scale::Log);
        panel.x_scale = Scale::Log;
        for (curve, colour) in self.curves.iter().zip(COLOURS.into_iter().cycle()) {
            let n = |k: usize| 10f64.powf((k * DECADES) as f64 / POINTS as f64);
            let points = (0..=POINTS).map(|k| [n(k), curve.spent + n(k) * curve.each]).collect();
            panel.add(Shape::Line { points, stroke: 1.8 }, colour, Some(curve.name.clone()));
        }
        let mut caption = vec![format!("What samples of the {} cost at {}.", self.observable, self.at)];
        for curve in self.curves {
            let training = match curve.spent {
                0.0 => String::new(),
                spent => format!(", after {spent} s"),
            };
            let least = if curve.at_least { "at least " } else { "" };
            caption.push(format!("{}: {least}{:.2e} s each{training}.", curve.name, curve.each));
            for other in self.curves {
                if let Some(n) = curve.pays_from(other) {
                    let most = if other.at_least { "at most " } else { "" };
                    caption.push(format!("It pays against {} from {most}{n:.0} samples on.", other.name));
                    panel.add(Shape::Mark(n), INK, None);
                }
            }
        }
        Figure {
            title: "Cost of samples".into(),
            caption: caption.join(" "),
            panels: vec![panel],
            height: 320.0,
        }
        .svg()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(name: &str, spent: f64, each: f64, at_least: bool) -> CostCurve {
        CostCurve { name: name.into(), spent, each, at_least }
    }

    #[test]
    fn a_training_pays_where_the_lines_cross() {
        let (flow, hmc) = (curve("flow", 100.0, 0.5, false), curve("hmc", 0.0, 1.5, true));
        assert_eq!((flow.pays_from(&hmc), hmc.pays_from(&flow)), (Some(100.0), None));
        assert_eq!(flow.pays_from(&curve("fast", 0.0, 0.4, false)), None);
        let curves = [flow, hmc];
        let svg = CostPlot { at: "action.beta = 7", observable: "charge", curves: &curves }.svg();
        // The caption is broken into lines.
        let words = svg.split('<').filter_map(|part| Some(part.split_once('>')?.1.trim()));
        let text = words.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        for words in
            ["at action.beta = 7", "after 100 s", "at least 1.50e0 s each", "from at most 100 samples on"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
}
