//! `gaugelink ildg`: looking into ILDG files.

mod info;
mod verify;

pub(crate) use info::info;
pub(crate) use verify::verify;
