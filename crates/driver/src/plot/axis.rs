//! An axis: its range, its ticks at 1-2-5 steps or decades, and their labels.

/// Linear or logarithmic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    Log,
}

/// Values beyond this size would overflow in the arithmetic of ranges; they count as not finite.
const LARGEST: f64 = 1e300;

impl Scale {
    /// Whether a value has a place on such an axis.
    pub fn shows(self, value: f64) -> bool {
        value.abs() < LARGEST && (self == Scale::Linear || value > 1.0 / LARGEST)
    }

    fn forward(self, value: f64) -> f64 {
        if self == Scale::Log { value.log10() } else { value }
    }
}

/// A labelled tick.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub value: f64,
    pub label: String,
}

/// The range of an axis, in the units of the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    pub scale: Scale,
    pub min: f64,
    pub max: f64,
}

/// All that is drawn along an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ticks {
    pub major: Vec<Tick>,
    pub minor: Vec<f64>,
    /// The power of ten taken out of the labels, zero for none.
    pub exponent: i32,
}

impl Axis {
    /// The range of the values that can be shown, widened by `margin` of itself at each end.
    ///
    /// A single value gets a range of a tenth of its size (a decade on a log axis); none gives [0, 1].
    pub fn around(scale: Scale, values: impl Iterator<Item = f64>, margin: f64) -> Self {
        let shown = values.filter(|&v| scale.shows(v)).map(|v| scale.forward(v));
        let (mut low, mut high) =
            shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let size = low.abs().max(high.abs());
        if scale == Scale::Log {
            widen(&mut low, &mut high, 1.0, 0.2);
        } else {
            widen(&mut low, &mut high, if size > 0.0 { 0.1 * size } else { 1.0 }, 1e-9 * size);
        }
        let pad = margin * (high - low);
        let back = |v: f64| if scale == Scale::Log { 10f64.powf(v) } else { v };
        Self { scale, min: back(low - pad), max: back(high + pad) }
    }

    /// Where a value lies between the ends: 0 at `min`, 1 at `max`.
    pub fn fraction(&self, value: f64) -> f64 {
        let [low, high, at] = [self.min, self.max, value].map(|v| self.scale.forward(v));
        (at - low) / (high - low)
    }

    fn contains(&self, value: f64) -> bool {
        // Half a thousandth of slack, so that a tick at the very end is not lost to rounding.
        (-5e-4..=1.0005).contains(&self.fraction(value))
    }

    /// Ticks, about `target` of them labelled.
    pub fn ticks(&self, target: usize) -> Ticks {
        if self.scale == Scale::Log && self.max / self.min >= 4.0 {
            self.log_ticks(target)
        } else {
            self.linear_ticks(target)
        }
    }

    fn linear_ticks(&self, target: usize) -> Ticks {
        let (step, parts) = nice_step((self.max - self.min) / target.max(1) as f64);
        let multiples = |step: f64| {
            let (first, last) = ((self.min / step).floor() as i64, (self.max / step).ceil() as i64);
            (first..=last).map(move |k| (k, k as f64 * step)).filter(|(_, v)| self.contains(*v))
        };
        let largest = self.min.abs().max(self.max.abs());
        let power = largest.log10().floor() as i32;
        let exponent = if (-3..=4).contains(&power) { 0 } else { power };
        let unit = 10f64.powi(exponent);
        let places = (exponent - (step * (1.0 + 1e-9)).log10().floor() as i32).max(0) as usize;
        let major = multiples(step)
            .map(|(_, value)| Tick { value, label: minus(format!("{:.places$}", value / unit + 0.0)) })
            .collect();
        let minor = multiples(step / f64::from(parts))
            .filter(|(k, _)| k % i64::from(parts) != 0)
            .map(|(_, v)| v)
            .collect();
        Ticks { major, minor, exponent }
    }

    fn log_ticks(&self, target: usize) -> Ticks {
        let (first, last) = (self.min.log10().floor() as i32, self.max.log10().ceil() as i32);
        let every = ((last - first) as usize).div_ceil(target.max(1)).max(1) as i32;
        // Two decades or less: label 2 and 5 too.
        let labelled: &[f64] = if self.max / self.min <= 100.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let (mut major, mut minor) = (Vec::new(), Vec::new());
        for decade in first..=last {
            for digit in 1..10 {
                let value = f64::from(digit) * 10f64.powi(decade);
                if !self.contains(value) {
                    continue;
                }
                if decade.rem_euclid(every) == 0 && labelled.contains(&f64::from(digit)) {
                    major.push(Tick { value, label: decade_label(digit, decade) });
                } else if every == 1 || digit == 1 {
                    minor.push(value);
                }
            }
        }
        Ticks { major, minor, exponent: 0 }
    }
}

/// Makes a range at least `least` wide, taking `wanted` when it is not.
fn widen(low: &mut f64, high: &mut f64, wanted: f64, least: f64) {
    if *high - *low <= least {
        let centre = 0.5 * (*low + *high);
        (*low, *high) = (centre - 0.5 * wanted, centre + 0.5 * wanted);
    }
}

/// The nearest of 1, 2, 5 times a power of ten (on a log scale) to `raw`, and its number of minor parts.
fn nice_step(raw: f64) -> (f64, u8) {
    let power = 10f64.powf(raw.log10().floor());
    match (raw / power).powi(2) {
        square if square < 2.0 => (power, 5),
        square if square < 10.0 => (2.0 * power, 4),
        square if square < 50.0 => (5.0 * power, 5),
        _ => (10.0 * power, 5),
    }
}

fn decade_label(digit: i32, decade: i32) -> String {
    match (digit, decade) {
        (_, -2..=2) => format!("{:.*}", (-decade).max(0) as usize, f64::from(digit) * 10f64.powi(decade)),
        (1, _) => minus(format!("10^{{{decade}}}")),
        _ => minus(format!("{digit}·10^{{{decade}}}")),
    }
}

/// A typographic minus sign.
fn minus(text: String) -> String {
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &Ticks) -> Vec<&str> {
        ticks.major.iter().map(|t| t.label.as_str()).collect()
    }

    #[test]
    fn linear_ticks_are_multiples_of_1_2_5() {
        let axis = Axis { scale: Scale::Linear, min: -0.3, max: 1.05 };
        let ticks = axis.ticks(7);
        assert_eq!(labels(&ticks), ["−0.2", "0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        // 28 multiples of 0.05, 7 of them labelled.
        assert_eq!(ticks.minor.len(), 21);
        let axis = Axis { scale: Scale::Linear, min: 0.0, max: 1000.0 };
        assert_eq!(labels(&axis.ticks(5)), ["0", "200", "400", "600", "800", "1000"]);
        let axis = Axis { scale: Scale::Linear, min: 0.59361, max: 0.59372 };
        assert_eq!(
            labels(&axis.ticks(5)),
            ["0.59362", "0.59364", "0.59366", "0.59368", "0.59370", "0.59372"]
        );
    }

    #[test]
    fn large_and_small_values_share_an_exponent() {
        let ticks = Axis { scale: Scale::Linear, min: 0.0, max: 2e6 }.ticks(4);
        assert_eq!((labels(&ticks), ticks.exponent), (vec!["0.0", "0.5", "1.0", "1.5", "2.0"], 6));
        let ticks = Axis { scale: Scale::Linear, min: -2e-5, max: 2e-5 }.ticks(4);
        assert_eq!((labels(&ticks), ticks.exponent), (vec!["−2", "−1", "0", "1", "2"], -5));
    }

    #[test]
    fn log_ticks_are_decades() {
        let ticks = Axis { scale: Scale::Log, min: 5e-5, max: 2.0 }.ticks(6);
        assert_eq!(labels(&ticks), ["10^{−4}", "10^{−3}", "0.01", "0.1", "1"]);
        assert_eq!(ticks.minor.len(), 5 + 8 * 4 + 1);
        let ticks = Axis { scale: Scale::Log, min: 1e-30, max: 1.0 }.ticks(6);
        assert_eq!(
            labels(&ticks),
            ["10^{−30}", "10^{−25}", "10^{−20}", "10^{−15}", "10^{−10}", "10^{−5}", "1"]
        );
        let ticks = Axis { scale: Scale::Log, min: 0.9, max: 60.0 }.ticks(6);
        assert_eq!(labels(&ticks), ["1", "2", "5", "10", "20", "50"]);
        // Below half a decade the linear values are the readable ones.
        let ticks = Axis { scale: Scale::Log, min: 1.0, max: 2.0 }.ticks(5);
        assert_eq!(labels(&ticks), ["1.0", "1.2", "1.4", "1.6", "1.8", "2.0"]);
    }

    #[test]
    fn degenerate_ranges_are_finite_and_have_ticks() {
        let cases: [(Scale, &[f64]); 9] = [
            (Scale::Linear, &[]),
            (Scale::Linear, &[0.0]),
            (Scale::Linear, &[-7.5, -7.5]),
            (Scale::Linear, &[1.0, 1.0 + 1e-15]),
            (Scale::Linear, &[f64::NAN, f64::INFINITY, f64::MAX]),
            (Scale::Linear, &[1e-300, 2e-300]),
            (Scale::Linear, &[-9e299, 9e299]),
            (Scale::Log, &[-1.0, 0.0]),
            (Scale::Log, &[3.0]),
        ];
        for (scale, values) in cases {
            let axis = Axis::around(scale, values.iter().copied(), 0.04);
            let ticks = axis.ticks(5);
            assert!(axis.min < axis.max && axis.min.is_finite() && axis.max.is_finite(), "{axis:?}");
            assert!((1..30).contains(&ticks.major.len()), "{scale:?} {values:?}: {ticks:?}");
            assert!(ticks.minor.len() < 100);
        }
    }
}
