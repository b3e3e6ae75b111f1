//! The commands, one file each.

pub(crate) mod bench;
pub(crate) mod device;
pub(crate) mod ensemble;
pub(crate) mod ildg;
pub(crate) mod measure;
pub(crate) mod model;
pub(crate) mod plugin;
pub(crate) mod reproduce;
pub(crate) mod run;
pub(crate) mod train;
