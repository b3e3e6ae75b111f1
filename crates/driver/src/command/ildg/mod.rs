//! `gaugelink ildg`: looking into configuration files of every format, and converting them.

mod carried;
mod convert;
mod diff;
mod info;
mod logical;
mod verify;

pub(crate) use convert::convert;
pub(crate) use diff::diff;
pub(crate) use info::info;
pub(crate) use verify::verify;
