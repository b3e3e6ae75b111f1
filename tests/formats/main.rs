//! The program on configuration files: those that other codes wrote, and damaged ones.

mod convert;
mod corpus;
mod damage;
mod diff;
mod ensemble;
mod interrupted;
mod logical;
mod measure;
mod paths;
mod program;
mod runs;
mod written;
