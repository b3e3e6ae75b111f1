//! The `gaugelink` program.

fn main() {}
