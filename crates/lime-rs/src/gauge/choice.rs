//! Formats that only the links can tell apart: their plaquette decides.

use std::fs::File;
use std::path::Path;

use crate::error::{Error, Result};
use crate::gauge::{FileFormat, GaugeFile};
use crate::ildg::Selection;

/// Largest difference from the stated plaquette that rounding explains.
pub(crate) const FITS: f64 = 1e-8;
/// A plaquette so much higher is that of the right order: links in a wrong one make random loops.
const CLEAR: f64 = 0.1;

impl GaugeFile<File> {
    /// Opens a file as that of the `candidates` whose links have the plaquette that the header states, else as that with
    /// a clearly higher one. `plaquette` reads the links of a file and gives their average `Re tr P / Nc`; a single
    /// candidate is opened without it.
    ///
    /// # Errors
    /// Those of `plaquette` and of [`GaugeFile::open_as`]; [`Error::UndecidedFormat`].
    pub fn choose<E: From<Error>>(
        path: impl AsRef<Path>,
        candidates: &[FileFormat],
        selection: impl Into<Selection>,
        mut plaquette: impl FnMut(&Self) -> Result<f64, E>,
    ) -> Result<Self, E> {
        let (path, selection) = (path.as_ref(), selection.into());
        if let [format] = candidates {
            return Ok(Self::open_as(path, Some(*format), selection)?);
        }
        let mut read = Vec::new();
        for &format in candidates {
            let file = Self::open_as(path, Some(format), selection)?;
            let found = plaquette(&file)?;
            read.push((found, file));
        }
        let pairs: Vec<_> = read.iter().map(|(found, file)| (*found, file.stated().plaquette)).collect();
        if let Some(chosen) = best(&pairs) {
            return Ok(read.swap_remove(chosen).1);
        }
        let stated = pairs.iter().find_map(|(_, stated)| *stated);
        let found = read.iter().map(|(found, file)| (file.format(), *found)).collect();
        Err(E::from(Error::UndecidedFormat { stated, found }.in_file(path)))
    }
}

/// Which pair of a computed and a stated plaquette is that of the right order, if one is.
fn best(pairs: &[(f64, Option<f64>)]) -> Option<usize> {
    let near =
        |&(found, stated): &(f64, Option<f64>)| stated.is_some_and(|stated| (stated - found).abs() < FITS);
    let fitting: Vec<usize> = (0..pairs.len()).filter(|&i| near(&pairs[i])).collect();
    if let [only] = fitting[..] {
        return Some(only);
    }
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_by(|&a, &b| pairs[b].0.total_cmp(&pairs[a].0));
    (order.len() > 1 && pairs[order[0]].0 - pairs[order[1]].0 > CLEAR).then(|| order[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stated_plaquette_decides_and_then_the_clearly_higher_one() {
        assert_eq!(best(&[(0.001, Some(0.6)), (0.6 + 1e-9, Some(0.6))]), Some(1));
        assert_eq!(best(&[(0.6, Some(0.7)), (0.001, Some(0.7))]), Some(0));
        // Neither is near, and neither clearly higher; or both are near.
        assert_eq!(best(&[(0.05, Some(0.7)), (0.001, Some(0.7))]), None);
        assert_eq!(best(&[(1.0, Some(1.0)), (1.0, Some(1.0))]), None);
        assert_eq!(best(&[(0.5, None), (0.1, None)]), Some(0));
        assert_eq!(best(&[]), None);
    }
}
