//! The program as a user meets it: run files in, run directories out.

mod determinism;
mod hostile;
mod mistakes;
mod plugins;
mod program;
mod resume;
mod samples;
mod solve;
mod train;
