//! Configurations of components.

use gaugelink_plugin_sdk::{Config, Error, Result};
use serde::de::DeserializeOwned;

/// The settings in a configuration; where there is none, those of an empty one. Types say `deny_unknown_fields`.
///
/// # Errors
/// `INVALID_ARG` with what the parser says about the first mistake.
pub fn settings<S: DeserializeOwned>(config: Config<'_>) -> Result<S> {
    match config {
        Config::Empty => toml::from_str("").map_err(|error| wrong(&error)),
        Config::Toml(text) => toml::from_str(text).map_err(|error| wrong(&error)),
        Config::Json(text) => serde_json::from_str(text).map_err(|error| wrong(&error)),
    }
}

/// A parser's words on one line.
fn wrong(error: &dyn std::fmt::Display) -> Error {
    let words: Vec<_> = error.to_string().lines().map(|line| line.trim().to_string()).collect();
    Error::invalid(format!("config: {}", words.join(" ").trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Settings {
        rho: Option<f64>,
    }

    #[test]
    fn both_languages_are_read_and_unknown_keys_refused() {
        let read = |config| settings::<Settings>(config);
        assert_eq!(read(Config::Empty).unwrap().rho, None);
        assert_eq!(read(Config::Toml("rho = 0.5")).unwrap().rho, Some(0.5));
        assert_eq!(read(Config::Json("{\"rho\": 0.5}")).unwrap().rho, Some(0.5));
        for config in [Config::Toml("rh0 = 0.5"), Config::Json("{\"rh0\": 0.5}")] {
            let error = read(config).unwrap_err().message.clone();
            assert!(error.contains("rh0") && error.contains("rho") && !error.contains('\n'), "{error}");
        }
        assert!(read(Config::Toml("= ]")).is_err() && read(Config::Json("{")).is_err());
    }
}
