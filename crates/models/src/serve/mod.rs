//! Models behind the plugin ABI: how a call of `plugin.h` becomes fields on a lattice.
//!
//! What the plugins of this library share: [`Place`] is the host's lattice with its threads, [`Instances`] picks the
//! code for a view's group, precision and layout, [`settings`] reads configurations. Views of the library's own layout
//! are worked on in place; others are copied into fields that are kept between calls
//! ([`gaugelink_lattice::foreign::Scratch`]).

mod draws;
mod error;
mod instances;
mod place;
mod settings;

pub use draws::draws;
pub use error::finite;
pub use instances::{Instances, Make};
pub use place::{Meter, Place};
pub use settings::settings;
