//! The gaugelink command: run files, measurements, plots and provenance.

pub mod plot;
