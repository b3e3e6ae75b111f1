//! libgaugelink: the functions of `include/gaugelink/gaugelink.h`, one file for each of its sections.
//!
//! The header documents them. Every function passes [`boundary::guard`]: pointers are checked for NULL, errors become a
//! status and an error object, and panics stop there.

mod algebra;
mod boundary;
mod context;
mod dirac;
mod elements;
mod error;
mod file;
mod file_box;
mod file_write;
mod flow;
mod force;
mod gauge;
mod group;
mod lattice;
mod object;
mod plugin;
mod precond;
mod proposal;
mod spinor;
mod spinor_file;
mod spinor_read;
mod spinor_write;
mod structs;
mod text;
mod version;
mod view;
mod wilson;
