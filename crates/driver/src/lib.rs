//! The gaugelink command: run files, measurements, plots and provenance.

pub mod bench;
mod claims;
pub mod cli;
mod command;
pub mod config;
mod device;
mod ensemble;
mod error;
mod flow_time;
mod hash;
mod links;
mod paths;
mod plans;
pub mod plot;
mod progress;
mod report;
mod run;
mod scalar_claims;
mod signals;
mod train;

pub use error::DriverError;
