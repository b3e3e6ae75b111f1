//! What is drawn inside a panel: lines, markers, bands, levels.

use super::axis::Axis;
use super::decimate::decimate;
use super::text::markup;
use std::fmt::Write;

/// Colours that stay apart for colour-blind readers and in grey.
pub(super) const BLUE: &str = "#1d6fb8";
pub(super) const RED: &str = "#c8443f";
pub(super) const GREEN: &str = "#2f8f6b";
pub(super) const INK: &str = "#1c2126";
pub(super) const FAINT: &str = "#9aa7b4";

const NOTE_FONT: f64 = 11.0;

/// A point with a symmetric error, zero for none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub x: f64,
    pub y: f64,
    pub error: f64,
}

/// What can be drawn in a panel; the colours are the constants above.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// A polyline, interrupted at values that cannot be shown.
    Line { points: Vec<[f64; 2]>, stroke: f64 },
    /// A thin polyline that does not set the range of the y axis.
    Backdrop(Vec<[f64; 2]>),
    /// Markers with error bars; open markers for `open`.
    Markers { points: Vec<Point>, open: bool },
    /// A shaded band `[x, low, high]`, which sets the range of the y axis or not.
    Band { edges: Vec<[f64; 3]>, sets_range: bool },
    /// A dashed horizontal line, part of the y range.
    Level(f64),
    /// A dashed vertical line, part of the x range.
    Mark(f64),
    /// A shaded stretch of the x axis.
    Span(f64, f64),
    /// Words above a place.
    Note { x: f64, y: f64, text: String },
}

/// A shape with its colour and its entry in the legend, if any.
#[derive(Debug, Clone)]
pub(super) struct Element {
    pub shape: Shape,
    pub colour: &'static str,
    pub label: Option<String>,
}

/// Where a panel lies on the page, in pixels: the frame itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Element {
    /// The sample in the legend, 26 pixels wide about the height `y`.
    pub fn key(&self, svg: &mut String, x: f64, y: f64) {
        let colour = self.colour;
        let _ = match &self.shape {
            Shape::Line { .. } | Shape::Backdrop(_) => writeln!(
                svg,
                "<path fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\" d=\"M{x:.1} {y:.1}h26\"/>"
            ),
            Shape::Markers { open, .. } => {
                let fill = if *open { "#ffffff" } else { colour };
                let cx = x + 13.0;
                writeln!(
                    svg,
                    "<path stroke=\"{colour}\" d=\"M{cx:.1} {:.1}v14\"/><circle cx=\"{cx:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{fill}\" stroke=\"{colour}\"/>",
                    y - 7.0
                )
            }
            Shape::Band { .. } | Shape::Span(..) => writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"26\" height=\"11\" fill=\"{colour}\" fill-opacity=\"0.2\"/>",
                y - 5.5
            ),
            Shape::Level(_) | Shape::Mark(_) => writeln!(
                svg,
                "<path fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" stroke-dasharray=\"6 4\" d=\"M{x:.1} {y:.1}h26\"/>"
            ),
            Shape::Note { .. } => Ok(()),
        };
    }
}

/// The map from data to pixels.
pub(super) struct View {
    pub frame: Frame,
    pub x: Axis,
    pub y: Axis,
}

impl View {
    pub fn px(&self, x: f64) -> f64 {
        self.frame.left + self.frame.width * self.x.fraction(x)
    }

    /// Clamped to a page above and below, so that no renderer meets huge coordinates.
    pub fn py(&self, y: f64) -> f64 {
        let fraction = if self.y.scale.shows(y) { self.y.fraction(y).clamp(-1.0, 2.0) } else { -1.0 };
        self.frame.top + self.frame.height * (1.0 - fraction)
    }

    fn shows(&self, x: f64, y: f64) -> bool {
        self.x.scale.shows(x) && self.y.scale.shows(y)
    }

    fn polyline(&self, svg: &mut String, points: &[[f64; 2]], colour: &str, stroke: f64) {
        let _ = write!(
            svg,
            "<path fill=\"none\" stroke=\"{colour}\" stroke-width=\"{stroke}\" stroke-linejoin=\"round\" d=\""
        );
        for piece in points.split(|p| !self.shows(p[0], p[1])) {
            let pixels: Vec<_> = piece.iter().map(|p| [self.px(p[0]), self.py(p[1])]).collect();
            path(svg, &decimate(&pixels));
        }
        svg.push_str("\"/>\n");
    }

    pub fn element(&self, svg: &mut String, element: &Element) {
        let colour = element.colour;
        let Frame { left, top, width, height } = self.frame;
        match &element.shape {
            Shape::Line { points, stroke } => self.polyline(svg, points, colour, *stroke),
            Shape::Backdrop(points) => self.polyline(svg, points, colour, 0.9),
            Shape::Markers { points, open } => {
                let fill = if *open { "#ffffff" } else { colour };
                let _ = writeln!(svg, "<g stroke=\"{colour}\" fill=\"{fill}\">");
                for p in points.iter().filter(|p| self.shows(p.x, p.y)) {
                    let (x, y) = (self.px(p.x), self.py(p.y));
                    if p.error > 0.0 {
                        let [low, high] = [p.y - p.error, p.y + p.error].map(|v| self.py(v));
                        let _ = write!(
                            svg,
                            "<path d=\"M{x:.1} {low:.1}V{high:.1}m-2.5 0h5M{:.1} {low:.1}h5\"/>",
                            x - 2.5
                        );
                    }
                    let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>");
                }
                svg.push_str("</g>\n");
            }
            Shape::Band { edges, .. } => {
                let finite = |p: &&[f64; 3]| p.iter().all(|v| v.is_finite()) && self.x.scale.shows(p[0]);
                let edge = |side: usize| -> Vec<[f64; 2]> {
                    let shown = edges.iter().filter(finite);
                    decimate(&shown.map(|p| [self.px(p[0]), self.py(p[side])]).collect::<Vec<_>>())
                };
                let outline: Vec<_> = edge(1).into_iter().chain(edge(2).into_iter().rev()).collect();
                let _ = write!(svg, "<path fill=\"{colour}\" fill-opacity=\"0.2\" d=\"");
                path(svg, &outline);
                svg.push_str("\"/>\n");
            }
            Shape::Level(y) if self.y.scale.shows(*y) => {
                let y = self.py(*y);
                let _ = writeln!(
                    svg,
                    "<path stroke=\"{colour}\" stroke-width=\"1.5\" stroke-dasharray=\"6 4\" d=\"M{left:.1} {y:.1}h{width:.1}\"/>"
                );
            }
            Shape::Mark(x) if self.x.scale.shows(*x) => {
                let x = self.px(*x);
                let _ = writeln!(
                    svg,
                    "<path stroke=\"{colour}\" stroke-width=\"1.5\" stroke-dasharray=\"6 4\" d=\"M{x:.1} {top:.1}v{height:.1}\"/>"
                );
            }
            Shape::Span(from, to) if [from, to].iter().all(|&&x| self.x.scale.shows(x)) => {
                let (from, to) = (self.px(*from), self.px(*to));
                let _ = writeln!(
                    svg,
                    "<rect x=\"{from:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"{colour}\" fill-opacity=\"0.12\"/>",
                    (to - from).max(0.0)
                );
            }
            Shape::Note { x, y, text } if self.shows(*x, *y) => {
                let (x, y) = (self.px(*x), self.py(*y) - 8.0);
                let _ = writeln!(
                    svg,
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" fill=\"{colour}\" font-size=\"{NOTE_FONT}\">{}</text>",
                    markup(text, NOTE_FONT)
                );
            }
            Shape::Level(_) | Shape::Mark(_) | Shape::Span(..) | Shape::Note { .. } => {}
        }
    }
}

/// Appends a polyline to a path's data.
fn path(svg: &mut String, points: &[[f64; 2]]) {
    for (i, [x, y]) in points.iter().enumerate() {
        let _ = write!(svg, "{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' });
    }
    if points.len() == 1 {
        // A single point would be invisible: a small cross.
        svg.push_str("m-3 0h6m-3 -3v6");
    }
}
