//! The program as a user meets it: run files in, run directories out.

mod bench;
mod determinism;
mod ensembles;
mod free_quarks;
mod hostile;
mod importance;
mod independence;
mod limits;
mod mistakes;
mod model;
mod plugins;
mod program;
mod proposals;
mod quarks;
mod resume;
mod samples;
mod scan;
mod solve;
mod spectrum;
mod susceptibility;
mod train;
mod weights;
