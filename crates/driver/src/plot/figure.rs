//! A page of panels with one title and one caption, mostly with one x axis.

use super::axis::{Axis, Scale};
use super::panel::Panel;
use super::shape::{Frame, INK};
use super::text::{markup, plain, wrap};
use std::fmt::Write;

const WIDTH: f64 = 760.0;
const RIGHT: f64 = 24.0;
const GAP: f64 = 18.0;
/// Room for the labels of an x axis.
const X_LABELS: f64 = 62.0;
const TITLE_FONT: f64 = 16.0;
const CAPTION_FONT: f64 = 12.0;
const CAPTION_LINE: f64 = 17.0;

/// Panels one above the other, sharing the x axis, and its scale, of the last one above that begins an axis of its own.
#[derive(Debug, Clone)]
pub(super) struct Figure {
    pub title: String,
    pub caption: String,
    pub panels: Vec<Panel>,
    /// The height of all frames together, in pixels.
    pub height: f64,
}

impl Figure {
    /// The whole SVG file.
    pub fn svg(&self) -> String {
        let weights: f64 = self.panels.iter().map(|p| p.weight).sum();
        let heights: Vec<f64> = self.panels.iter().map(|p| self.height * p.weight / weights).collect();
        let left = self.panels.iter().zip(&heights).map(|(p, &h)| p.left_margin(h)).fold(60.0, f64::max);
        let width = WIDTH - left - RIGHT;
        let x_axes = self.x_axes();

        let mut body = String::new();
        let mut top = 44.0;
        for (index, (panel, &height)) in self.panels.iter().zip(&heights).enumerate() {
            top += panel.legend_height(width);
            let last = self.panels.get(index + 1).is_none_or(|next| next.begins_axis);
            panel.draw(&mut body, Frame { left, top, width, height }, x_axes[index], last, index);
            top += height + if last { X_LABELS } else { GAP };
        }
        // Writing to a String cannot fail, so the results of write! are dropped.
        let _ = writeln!(body, "<g font-size=\"{CAPTION_FONT}\" fill=\"#56606b\">");
        for line in wrap(&self.full_caption(), (WIDTH - 2.0 * RIGHT) / CAPTION_FONT) {
            let _ =
                writeln!(body, "<text x=\"{RIGHT}\" y=\"{top:.1}\">{}</text>", markup(&line, CAPTION_FONT));
            top += CAPTION_LINE;
        }
        body.push_str("</g>\n");

        let bottom = top.ceil();
        let title = markup(&self.title, TITLE_FONT);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{bottom}\" viewBox=\"0 0 {WIDTH} {bottom}\" \
             font-family=\"Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif\" font-size=\"13\" fill=\"{INK}\">\n\
             <title>{}</title>\n<rect width=\"{WIDTH}\" height=\"{bottom}\" fill=\"#ffffff\"/>\n\
             <text x=\"{RIGHT}\" y=\"28\" font-size=\"{TITLE_FONT}\" font-weight=\"bold\">{title}</text>\n{body}</svg>\n",
            plain(&self.title)
        )
    }

    /// The x axis of each panel.
    fn x_axes(&self) -> Vec<Axis> {
        let together = self.panels.chunk_by(|_, next| !next.begins_axis);
        let axis = |panels: &[Panel]| {
            let x = Axis::around(panels[0].x_scale, panels.iter().flat_map(Panel::x_values), 0.02);
            vec![x; panels.len()]
        };
        together.flat_map(axis).collect()
    }

    /// The caption and what had to be left out.
    fn full_caption(&self) -> String {
        let left_out: usize = self.panels.iter().map(Panel::left_out).sum();
        let log = self.panels.iter().any(|p| p.y_scale == Scale::Log);
        let reason = if log { "not finite or not positive" } else { "not finite" };
        match left_out {
            0 => self.caption.clone(),
            1 => format!("{} One value that is {reason} is left out.", self.caption),
            n => format!("{} {n} values that are {reason} are left out.", self.caption),
        }
    }
}
