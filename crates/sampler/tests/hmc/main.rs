//! Hybrid Monte Carlo: its dynamics, its decisions, and the bits of its chains.

mod bits;
mod decisions;
mod dynamics;
mod guided;
mod links;
mod nested;
mod quarks;
mod resume;
mod schwinger;
