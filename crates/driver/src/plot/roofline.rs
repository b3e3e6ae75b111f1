//! Kernels under the roof that a machine sets them (Williams, Waterman, Patterson, Commun. ACM 52 (2009) 65).

use super::axis::Scale;
use super::figure::Figure;
use super::panel::Panel;
use super::shape::{BLUE, FAINT, INK, Point, RED, Shape};

/// A kernel that was timed.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernel {
    /// Its name.
    pub name: String,
    /// Operations for each byte of the fields that it reads or writes, each once.
    pub intensity: f64,
    /// Operations a second, 10⁹.
    pub gflops: f64,
    /// Whether it computes in f32.
    pub single: bool,
}

/// Speeds against intensities, under the lesser of the rate of multiply-adds and bandwidth × intensity.
#[derive(Debug, Clone)]
pub struct RooflinePlot<'a> {
    /// The title.
    pub title: &'a str,
    /// The kernels. Those of one name have a number, which stands at the fastest in each precision.
    pub kernels: &'a [Kernel],
    /// Bandwidth of triad, GB/s.
    pub triad: f64,
    /// Rates of multiply-adds in f64 and f32, GF/s, where they are known.
    pub peaks: [Option<f64>; 2],
}

impl RooflinePlot<'_> {
    /// The SVG file.
    pub fn svg(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for kernel in self.kernels {
            if !names.contains(&kernel.name.as_str()) {
                names.push(&kernel.name);
            }
        }
        let mut panel = Panel::new("flop / byte", "GF/s", Scale::Log);
        panel.x_scale = Scale::Log;
        let least = self.kernels.iter().map(|k| k.intensity).fold(1.0, f64::min);
        let most = self.kernels.iter().map(|k| k.intensity).fold(10.0, f64::max);
        for ((peak, colour), name) in self.peaks.into_iter().zip([INK, FAINT]).zip(["f64", "f32"]) {
            let Some(peak) = peak else { continue };
            let roof = |intensity: f64| [intensity, peak.min(intensity * self.triad)];
            let ridge = (peak / self.triad).clamp(least, most);
            let points = [least, ridge, most].map(roof).to_vec();
            panel.add(Shape::Line { points, stroke: 1.8 }, colour, Some(format!("roof in {name}")));
        }
        for (single, colour, name) in [(false, BLUE, "f64"), (true, RED, "f32")] {
            let kernels: Vec<&Kernel> = self.kernels.iter().filter(|k| k.single == single).collect();
            if kernels.is_empty() {
                continue;
            }
            let points = kernels.iter().map(|k| Point { x: k.intensity, y: k.gflops, error: 0.0 }).collect();
            panel.add(Shape::Markers { points, open: single }, colour, Some(name.into()));
            for kernel in kernels.iter().filter(|k| is_fastest(k, &kernels)) {
                let number = 1 + names.iter().position(|name| *name == kernel.name).unwrap_or(0);
                let note = Shape::Note { x: kernel.intensity, y: kernel.gflops, text: number.to_string() };
                panel.add(note, colour, None);
            }
        }
        let numbered: Vec<String> = names.iter().zip(1..).map(|(name, k)| format!("{k} {name}")).collect();
        let caption = format!(
            "{}. Bytes are those of the fields, each read or written once; triad moves {:.1} GB/s. In cache a kernel may \
             lie above the slope.",
            numbered.join(", "),
            self.triad
        );
        Figure { title: self.title.into(), caption, panels: vec![panel], height: 420.0 }.svg()
    }
}

fn is_fastest(kernel: &Kernel, all: &[&Kernel]) -> bool {
    all.iter().filter(|other| other.name == kernel.name).all(|other| other.gflops <= kernel.gflops)
}
