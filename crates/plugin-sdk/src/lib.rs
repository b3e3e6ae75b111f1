//! Gaugelink's plugin ABI in Rust, without any dependency.
//!
//! A plugin implements one of the traits [`Flow`], [`Force`], [`Precond`], [`Proposal`] (and [`Object`]), describes it
//! in a [`Component`], and names its components in [`export_plugin!`], which writes the entry point and the tables of
//! functions of `plugin.h`. Every call from the host passes a boundary that checks arguments, turns errors into a
//! status and a sentence, and stops panics.
//!
//! [`raw`] holds the C types; hosts written in Rust use them and the views, too. Numbers, layouts and signs are those
//! of `include/gaugelink/plugin.h`.

mod access;
mod apart;
mod boundary;
mod busy;
mod call;
mod component;
mod error;
mod flow;
mod force;
mod lattice;
mod object;
mod part;
mod plugin;
mod precond;
mod proposal;
/// The C types, made from `plugin.h`, which documents them.
#[rustfmt::skip]
pub mod raw;
mod seen;
mod sites;
mod sized;
mod stream;
mod view;

pub use access::{Access, AccessMut};
pub use boundary::{is_quiet, quiet};
pub use call::{Call, Comm, Host, HostThreads, Level, Parallel};
pub use component::{Args, Component, Config, Constructor};
pub use error::{Details, Error, Result};
pub use flow::Flow;
pub use force::Force;
pub use lattice::Lattice;
pub use object::{Object, Query, Served, Stats};
pub use part::{Part, PartMut};
pub use plugin::{Plugin, entry};
pub use precond::{Cost, Operator, Precond, Setup};
pub use proposal::Proposal;
pub use seen::LayoutId;
pub use sites::Sites;
pub use sized::{Extensible, new as sized_struct, read as read_sized, write as write_sized};
pub use stream::{Sink, Source};
pub use view::{Shape, View, ViewMut};

/// Addresses of random numbers, as the host gives them.
pub type Rng = raw::glk_rng;
/// A Dirac operator, as the host describes it.
pub type Dirac = raw::glk_dirac;
