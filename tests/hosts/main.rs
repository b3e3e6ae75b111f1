//! C++ hosts: one links libgaugelink, one knows plugin.h alone; both on real configurations and on made-up ones.

mod compile;
mod examples;
mod expected;
mod grid;
mod locale;
mod memory;
mod propagators;
mod proposals;
