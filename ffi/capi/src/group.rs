//! Fields of U(1), SU(2) and SU(3) behind one handle.

use crate::error::{Failure, Result};
use gaugelink_lattice::group::group_name;

/// A field of one of the groups.
macro_rules! grouped {
    ($(#[$doc:meta])* $name:ident, $field:ident) => {
        $(#[$doc])*
        pub enum $name {
            U1($field<f64, 1>),
            Su2($field<f64, 2>),
            Su3($field<f64, 3>),
        }

        impl $name {
            /// N.
            pub fn colours(&self) -> usize {
                match self {
                    Self::U1(_) => 1,
                    Self::Su2(_) => 2,
                    Self::Su3(_) => 3,
                }
            }
        }
    };
}
pub(crate) use grouped;

/// The same code for every group.
macro_rules! by_group {
    ($kind:ident, $value:expr, $field:ident => $body:expr) => {
        match $value {
            $kind::U1($field) => $body,
            $kind::Su2($field) => $body,
            $kind::Su3($field) => $body,
        }
    };
}
pub(crate) use by_group;

/// The same code for every group that two fields have in common.
macro_rules! by_groups {
    ($kind:ident, $value:expr, $field:ident; $kind2:ident, $value2:expr, $field2:ident => $body:expr) => {
        match ($value, $value2) {
            ($kind::U1($field), $kind2::U1($field2)) => $body,
            ($kind::Su2($field), $kind2::Su2($field2)) => $body,
            ($kind::Su3($field), $kind2::Su3($field2)) => $body,
            (first, second) => Err($crate::group::mixed(first.colours(), second.colours())),
        }
    };
}
pub(crate) use by_groups;

pub fn mixed(first: usize, second: usize) -> Failure {
    Failure::invalid(format!("one field is of {}, the other of {}", group_name(first), group_name(second)))
}

/// Checks a number of colours.
pub fn colours(ncolor: u32) -> Result<u32> {
    match ncolor {
        1..=3 => Ok(ncolor),
        _ => Err(Failure::unsupported(format!("ncolor is {ncolor}; there are U(1), SU(2) and SU(3)"))),
    }
}
