//! The program on configuration files: those that other codes wrote, and damaged ones.

mod corpus;
mod damage;
mod measure;
mod program;
mod written;
