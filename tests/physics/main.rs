//! Markov chains against analysis in two dimensions and published plaquettes in four.
//!
//! Every comparison prints a row of the table in docs/validation.md. Seeds are fixed, so a run gives the same numbers
//! each time.

mod chain;
mod exact;
mod four_dimensions;
mod table;
mod two_dimensions;
