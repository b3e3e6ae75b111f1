//! One frame of a figure: axes, ticks, data and legend.

use super::axis::{Axis, Scale};
use super::shape::{Element, FAINT, Frame, INK, Shape, View};
use super::text::{markup, width};
use std::fmt::Write;

const GRID: &str = "#e9ecef";

const FONT: f64 = 13.0;
const LABEL_FONT: f64 = 14.0;
const LEGEND_ROW: f64 = 20.0;

/// One frame with its axes.
#[derive(Debug, Clone)]
pub(super) struct Panel {
    pub x_label: String,
    pub y_label: String,
    pub x_scale: Scale,
    pub y_scale: Scale,
    /// The share of the figure's height.
    pub weight: f64,
    /// Whether its x axis is not that of the panel above.
    pub begins_axis: bool,
    pub elements: Vec<Element>,
}

impl Panel {
    pub fn new(x_label: impl Into<String>, y_label: impl Into<String>, y_scale: Scale) -> Self {
        Self {
            x_label: x_label.into(),
            y_label: y_label.into(),
            x_scale: Scale::Linear,
            y_scale,
            weight: 1.0,
            begins_axis: false,
            elements: Vec::new(),
        }
    }

    pub fn add(&mut self, shape: Shape, colour: &'static str, label: Option<String>) {
        self.elements.push(Element { shape, colour, label });
    }

    /// The x axis that just holds the data; panels above each other share the union.
    pub fn x_values(&self) -> Vec<f64> {
        let mut values = Vec::new();
        for element in &self.elements {
            match &element.shape {
                Shape::Line { points, .. } | Shape::Backdrop(points) => {
                    values.extend(points.iter().map(|p| p[0]))
                }
                Shape::Markers { points, .. } => values.extend(points.iter().map(|p| p.x)),
                Shape::Band { edges, .. } => values.extend(edges.iter().map(|p| p[0])),
                Shape::Mark(x) => values.push(*x),
                Shape::Span(from, to) => values.extend([*from, *to]),
                Shape::Level(_) | Shape::Note { .. } => {}
            }
        }
        values
    }

    pub fn y_axis(&self) -> Axis {
        let mut values = Vec::new();
        for element in &self.elements {
            match &element.shape {
                Shape::Line { points, .. } => values.extend(points.iter().map(|p| p[1])),
                Shape::Markers { points, .. } => {
                    for p in points {
                        values.push(p.y);
                        // On a log axis a bar reaching to zero must not set the range.
                        let ends = [p.y - p.error, p.y + p.error];
                        values.extend(ends.into_iter().filter(|&v| self.y_scale == Scale::Linear || v > p.y));
                    }
                }
                Shape::Band { edges, sets_range: true } => {
                    values.extend(edges.iter().flat_map(|p| [p[1], p[2]]))
                }
                Shape::Level(y) => values.push(*y),
                Shape::Backdrop(_)
                | Shape::Band { .. }
                | Shape::Mark(_)
                | Shape::Span(..)
                | Shape::Note { .. } => {}
            }
        }
        Axis::around(self.y_scale, values.into_iter(), 0.06)
    }

    /// How many values cannot be shown: not finite, or not positive on a log axis.
    pub fn left_out(&self) -> usize {
        let hidden = |x: f64, y: f64| !self.x_scale.shows(x) || !self.y_scale.shows(y);
        let count = |element: &Element| match &element.shape {
            Shape::Line { points, .. } | Shape::Backdrop(points) => {
                points.iter().filter(|p| hidden(p[0], p[1])).count()
            }
            Shape::Markers { points, .. } => points.iter().filter(|p| hidden(p.x, p.y)).count(),
            Shape::Band { .. } | Shape::Level(_) | Shape::Mark(_) | Shape::Span(..) | Shape::Note { .. } => 0,
        };
        self.elements.iter().map(count).sum()
    }

    /// Whether any datum can be shown.
    pub fn has_data(&self) -> bool {
        let shown = |x: f64, y: f64| self.x_scale.shows(x) && self.y_scale.shows(y);
        self.elements.iter().any(|element| match &element.shape {
            Shape::Line { points, .. } | Shape::Backdrop(points) => points.iter().any(|p| shown(p[0], p[1])),
            Shape::Markers { points, .. } => points.iter().any(|p| shown(p.x, p.y)),
            _ => false,
        })
    }

    /// The room that tick labels and the y label need to the left of the frame.
    pub fn left_margin(&self, height: f64) -> f64 {
        let ticks = self.y_axis().ticks(y_target(height));
        let widest = ticks.major.iter().map(|t| width(&t.label)).fold(0.0, f64::max);
        widest * FONT + 46.0
    }

    /// The rows of the legend: indices of elements, broken to fit the frame.
    fn legend_rows(&self, frame_width: f64) -> Vec<Vec<(usize, f64)>> {
        let mut rows: Vec<Vec<(usize, f64)>> = Vec::new();
        let mut used = f64::INFINITY;
        for (index, element) in self.elements.iter().enumerate() {
            let Some(label) = &element.label else { continue };
            let entry = 34.0 + width(label) * FONT + 18.0;
            if used + entry > frame_width {
                rows.push(Vec::new());
                used = 0.0;
            }
            rows.last_mut().expect("a row was just pushed").push((index, used));
            used += entry;
        }
        rows
    }

    pub fn legend_height(&self, frame_width: f64) -> f64 {
        self.legend_rows(frame_width).len() as f64 * LEGEND_ROW
    }

    /// Writes the panel's SVG. `labels_x` is false where a panel below carries the shared x axis.
    pub fn draw(&self, svg: &mut String, frame: Frame, x: Axis, labels_x: bool, id: usize) {
        let y = self.y_axis();
        let view = View { frame, x, y };
        let Frame { left, top, width: w, height: h } = frame;
        let (right, bottom) = (left + w, top + h);
        let (x_ticks, y_ticks) = (x.ticks((w / 95.0) as usize), y.ticks(y_target(h)));

        // Writing to a String cannot fail, so the results of write! are dropped.
        let _ = write!(
            svg,
            "<clipPath id=\"frame{id}\"><rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{w:.1}\" height=\"{h:.1}\"/></clipPath>\n<path fill=\"none\" stroke=\"{GRID}\" d=\""
        );
        for tick in &x_ticks.major {
            let _ = write!(svg, "M{:.1} {top:.1}V{bottom:.1}", view.px(tick.value));
        }
        for tick in &y_ticks.major {
            let _ = write!(svg, "M{left:.1} {:.1}H{right:.1}", view.py(tick.value));
        }
        svg.push_str("\"/>\n");

        let _ = writeln!(svg, "<g clip-path=\"url(#frame{id})\">");
        for element in &self.elements {
            view.element(svg, element);
        }
        svg.push_str("</g>\n");
        if !self.has_data() {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{FAINT}\" font-size=\"16\">no data to show</text>",
                left + w / 2.0,
                top + h / 2.0
            );
        }

        // Ticks point inwards on all four sides, as in the field's papers.
        let _ = write!(
            svg,
            "<path fill=\"none\" stroke=\"{INK}\" d=\"M{left:.1} {top:.1}H{right:.1}V{bottom:.1}H{left:.1}Z"
        );
        let x_marks =
            x_ticks.major.iter().map(|t| (t.value, 6.0)).chain(x_ticks.minor.iter().map(|&v| (v, 3.0)));
        for (value, length) in x_marks {
            let at = view.px(value);
            let _ = write!(svg, "M{at:.1} {bottom:.1}v-{length}M{at:.1} {top:.1}v{length}");
        }
        let y_marks =
            y_ticks.major.iter().map(|t| (t.value, 6.0)).chain(y_ticks.minor.iter().map(|&v| (v, 3.0)));
        for (value, length) in y_marks {
            let at = view.py(value);
            let _ = write!(svg, "M{left:.1} {at:.1}h{length}M{right:.1} {at:.1}h-{length}");
        }
        svg.push_str("\"/>\n");

        if labels_x {
            for tick in &x_ticks.major {
                let _ = writeln!(
                    svg,
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                    view.px(tick.value),
                    bottom + 18.0,
                    markup(&tick.label, FONT)
                );
            }
            let label = format!("{}{}", self.x_label, power(x_ticks.exponent));
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"{LABEL_FONT}\">{}</text>",
                left + w / 2.0,
                bottom + 39.0,
                markup(&label, LABEL_FONT)
            );
        }
        for tick in &y_ticks.major {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 8.0,
                view.py(tick.value) + 4.5,
                markup(&tick.label, FONT)
            );
        }
        let widest = y_ticks.major.iter().map(|t| width(&t.label)).fold(0.0, f64::max);
        let (label_x, label_y) = (left - widest * FONT - 20.0, top + h / 2.0);
        let label = format!("{}{}", self.y_label, power(y_ticks.exponent));
        let _ = writeln!(
            svg,
            "<text transform=\"translate({label_x:.1} {label_y:.1}) rotate(-90)\" text-anchor=\"middle\" font-size=\"{LABEL_FONT}\">{}</text>",
            markup(&label, LABEL_FONT)
        );

        let rows = self.legend_rows(w);
        for (row, entries) in rows.iter().enumerate() {
            let baseline = top - 10.0 - (rows.len() - 1 - row) as f64 * LEGEND_ROW;
            for &(index, offset) in entries {
                self.elements[index].key(svg, left + offset, baseline - 4.5);
                let label = self.elements[index].label.as_deref().unwrap_or_default();
                let _ = writeln!(
                    svg,
                    "<text x=\"{:.1}\" y=\"{baseline:.1}\">{}</text>",
                    left + offset + 34.0,
                    markup(label, FONT)
                );
            }
        }
    }
}

/// The number of labelled ticks that suits a height.
fn y_target(height: f64) -> usize {
    ((height / 40.0) as usize).clamp(3, 8)
}

/// " / 10^n" for an axis whose labels were divided by a power of ten.
fn power(exponent: i32) -> String {
    if exponent == 0 { String::new() } else { format!("  [10^{{{exponent}}}]").replace('-', "−") }
}
