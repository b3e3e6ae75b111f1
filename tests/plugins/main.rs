//! The library's plugins as a host sees them: loaded from where cargo builds them, called with the library's own fields
//! (nothing copied) and with other layouts.

mod changed;
mod conformance;
mod flow;
mod force;
mod host;
mod precond;
