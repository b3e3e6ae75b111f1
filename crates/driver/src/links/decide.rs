//! Formats that only the links can tell apart: the plaquette decides.

use super::{Lattices, shown, with_group};
use crate::error::DriverError;
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::file::read;
use gaugelink_physics::observable::plaquette;
use lime_rs::{FileFormat, GaugeFile, Shape};
use std::path::Path;

/// Largest difference from the stated plaquette that rounding explains.
const ROUNDING: f64 = 1e-8;
/// A plaquette so much higher is that of the right order: links in a wrong one make random loops.
const CLEAR: f64 = 0.1;

/// Opens a file as that of the candidates whose links have the plaquette that the header states.
///
/// # Errors
/// [`DriverError::Input`] where it is that of none and none is clearly better; those of opening and reading.
pub(super) fn open(
    path: &Path,
    candidates: &[FileFormat],
    shape: Option<Shape>,
) -> Result<GaugeFile, DriverError> {
    let mut read = Vec::new();
    for &format in candidates {
        let file = GaugeFile::open_as(path, Some(format), shape)?;
        let found = with_group!(file.body().nc, N => of_links::<N>(&file))?;
        let off = file.stated().plaquette.map_or(f64::INFINITY, |stated| (stated - found).abs());
        read.push((off, found, file));
    }
    let near: Vec<usize> = (0..read.len()).filter(|&i| read[i].0 < ROUNDING).collect();
    let chosen = match near[..] {
        [only] => Some(only),
        _ => {
            let mut order: Vec<usize> = (0..read.len()).collect();
            order.sort_by(|&a, &b| read[b].1.total_cmp(&read[a].1));
            (order.len() > 1 && read[order[0]].1 - read[order[1]].1 > CLEAR).then(|| order[0])
        }
    };
    if let Some(chosen) = chosen {
        return Ok(read.swap_remove(chosen).2);
    }
    let stated = read.iter().find_map(|(_, _, file)| file.stated().plaquette);
    let tried = read.iter().map(|(_, found, file)| format!("{found:.9} as {}", file.format()));
    Err(DriverError::Input(format!(
        "{}: the header states the plaquette {}, and the links give {}: say which with --format",
        shown(path),
        stated.map_or("none".into(), |p| format!("{p:.9}")),
        tried.collect::<Vec<_>>().join(" and ")
    )))
}

fn of_links<const N: usize>(file: &GaugeFile) -> Result<f64, DriverError> {
    let lattice = Lattices::new(0).of(file)?;
    let mut u = GaugeField::<f64, N>::cold(&lattice)?;
    read(file, &mut u, 0)?;
    Ok(plaquette(&u)[0])
}
