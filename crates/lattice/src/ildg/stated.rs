//! What a file's run information says of its links.

use lime_rs::{IldgFile, record_type::XLF_INFO};

/// The plaquette that the record `xlf-info` states, in whatever normalisation its writer had; `None` where it states
/// none or cannot be read.
pub fn stated_plaquette(file: &IldgFile) -> Option<f64> {
    in_text(&file.text(XLF_INFO).ok()??)
}

/// The number in a line such as ` plaquette = 6.350056e-01`.
fn in_text(info: &str) -> Option<f64> {
    let value =
        |line: &str| line.trim().strip_prefix("plaquette")?.trim().strip_prefix('=')?.trim().parse().ok();
    info.lines().find_map(value).filter(|plaquette: &f64| plaquette.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plaquettes_in_run_information_are_found() {
        assert_eq!(in_text("\n plaquette = 6.350056e-01\n trajectory nr = 2\n"), Some(0.635_005_6));
        for other in ["", "plaquette", "plaquette = ", "plaquette = NaN", "kappa = 0.1"] {
            assert_eq!(in_text(other), None, "{other}");
        }
    }
}
