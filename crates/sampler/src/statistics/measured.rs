//! A value with its error, and the compact notation of the field: `0.59368(12)`.

use std::fmt;

/// A value and its statistical error.
///
/// Displayed with the error in units of the last digits of the value. The error has two significant
/// digits, or as many as the format's precision asks for (`{:.1}`). An error of one or more carries its
/// own point, `12.3(1.4)`; very small or large values get an exponent.
///
/// ```
/// use gaugelink_sampler::statistics::Measured;
/// let plaquette = Measured { value: 0.593678, error: 0.000123 };
/// assert_eq!(plaquette.to_string(), "0.59368(12)");
/// assert_eq!(format!("{plaquette:.1}"), "0.5937(1)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The estimate.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2).clamp(1, 17);
        let text = compact(self.value, self.error.abs(), digits as i32);
        // Not `Formatter::pad`, which would cut the text at the precision.
        let width = f.width().unwrap_or(0);
        match f.align() {
            Some(fmt::Alignment::Right) => write!(f, "{text:>width$}"),
            Some(fmt::Alignment::Center) => write!(f, "{text:^width$}"),
            _ => write!(f, "{text:width$}"),
        }
    }
}

fn compact(value: f64, error: f64, digits: i32) -> String {
    if !value.is_finite() || !error.is_finite() || error == 0.0 {
        return format!("{value}({error})");
    }
    // Beyond these sizes plain decimals would be mostly zeros.
    let size = value.abs().max(error);
    if !(1e-4..1e7).contains(&size) {
        let exponent = leading_power(size);
        // Two steps, because 10^-exponent alone overflows for subnormal numbers.
        let half = exponent / 2;
        let scaled = |x: f64| x * 10f64.powi(-half) * 10f64.powi(half - exponent);
        return format!("{}e{exponent}", decimals(scaled(value), scaled(error), digits));
    }
    decimals(value, error, digits)
}

/// Fixed-point text of a value with an error of the given number of significant digits.
fn decimals(value: f64, error: f64, digits: i32) -> String {
    let places = digits - 1 - leading_power_rounded(error, digits);
    if places <= 0 {
        // The error is known no better than to tens, hundreds...: round both to that unit.
        let unit = 10f64.powi(-places);
        return format!("{:.0}({:.0})", (value / unit).round() * unit, (error / unit).round() * unit);
    }
    let places = places as usize;
    let error_text = format!("{error:.places$}");
    let error_text = match error_text.strip_prefix("0.") {
        Some(fraction) => fraction.trim_start_matches('0'),
        None => &error_text,
    };
    format!("{value:.places$}({error_text})")
}

/// The power of ten of the leading digit.
fn leading_power(x: f64) -> i32 {
    // Through the decimal text: a logarithm is off by one just below powers of ten.
    exponent_of(&format!("{x:e}"))
}

/// The power of ten of the leading digit after rounding to so many significant digits.
fn leading_power_rounded(x: f64, digits: i32) -> i32 {
    exponent_of(&format!("{x:.*e}", (digits - 1) as usize))
}

fn exponent_of(scientific: &str) -> i32 {
    scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notation_by_hand() {
        for (value, error, text) in [
            (0.593678, 0.000123, "0.59368(12)"),
            (-0.593678, -0.000123, "-0.59368(12)"),
            (1.0, 0.0996, "1.00(10)"),
            (1.0, 0.996, "1.0(1.0)"),
            (12.345, 1.44, "12.3(1.4)"),
            (12.345, 9.96, "12(10)"),
            (12345.0, 123.0, "12350(120)"),
            (123.0, 45.0, "123(45)"),
            (0.0, 0.05, "0.000(50)"),
            (0.012, 3.0, "0.0(3.0)"),
            (1.23456e-12, 3.01e-15, "1.2346(30)e-12"),
            (2.5e9, 1.3e7, "2.500(13)e9"),
            (9.87e-5, 1e-7, "9.870(10)e-5"),
            (1e-320, 1e-321, "1.00(10)e-320"),
            (5.0, 0.0, "5(0)"),
            (f64::NAN, 1.0, "NaN(1)"),
            (1.0, f64::INFINITY, "1(inf)"),
        ] {
            assert_eq!(Measured { value, error }.to_string(), text);
        }
    }

    #[test]
    fn precision_and_width_are_honoured() {
        let x = Measured { value: 0.593678, error: 0.000123 };
        assert_eq!(format!("{x:.1}"), "0.5937(1)");
        assert_eq!(format!("{x:.3}"), "0.593678(123)");
        assert_eq!(format!("{x:>13}"), "  0.59368(12)");
        assert_eq!(format!("{x:14.1}|"), "0.5937(1)     |");
        assert_eq!(Measured { value: 2.0, error: 0.5 }.to_string(), "2.00(50)");
    }
}
