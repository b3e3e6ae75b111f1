//! What paths lead to.

use std::path::Path;

/// Whether two paths lead to the same file, which is there.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}
