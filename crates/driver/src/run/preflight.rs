//! What a run file asks of the lattice: checked before anything is computed, not when the stage is reached.

use crate::config::{FormatName, RunFile, SolveStage, Stage, WriteStage};
use crate::error::DriverError;
use gaugelink_lattice::group::group_name;
use gaugelink_lattice::{DIM_MAX, Geometry};
use gaugelink_physics::dirac::PropagatorSolver;
use lime_rs::Rows;

/// Refuses what cannot be done on this lattice.
///
/// # Errors
/// [`DriverError::Request`]; [`gaugelink_lattice::LatticeError::Geometry`] where there is no such lattice.
pub(crate) fn check(file: &RunFile, group: usize, extents: &[usize]) -> Result<(), DriverError> {
    let bipartite = Geometry::new(extents, &file.machine.ranks, 0)?.is_bipartite();
    let wilson = file.action.is_none_or(|action| action.rectangles().is_none());
    for (number, stage) in file.stages.iter().enumerate() {
        let problem = match stage {
            Stage::Heatbath(_) if !wilson => Some(
                "a link's distribution is known for Wilson's action only, [action] names one with rectangles: use \
                 HMC, or kind = \"wilson\""
                    .into(),
            ),
            Stage::Heatbath(_) if !bipartite => Some(format!(
                "even and odd sites are updated in turn, which needs even extents, not {extents:?}: make them even, \
                 or use HMC"
            )),
            Stage::Solve(solve) => unsolvable(solve, extents, bipartite),
            Stage::Write(write) => unwritable(write, group, extents),
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(DriverError::Request(format!("stage {number} ({}): {problem}", stage.kind())));
        }
    }
    let dims = extents.len();
    if file.measure.charge && dims != 4 && (group, dims) != (1, 2) {
        return Err(DriverError::Request(format!(
            "[measure] charge: there is none for {} in {dims} dimensions: it is for 4 dimensions, and for U(1) in 2",
            group_name(group)
        )));
    }
    match file.machine.problem() {
        Some(problem) => Err(DriverError::Request(format!("[machine]: {problem}"))),
        None => Ok(()),
    }
}

/// Why the format cannot hold the links, if it cannot.
fn unwritable(write: &WriteStage, group: usize, extents: &[usize]) -> Option<String> {
    let mut dims = [1; DIM_MAX];
    dims[..extents.len()].copy_from_slice(extents);
    let FormatName(format) = write.format;
    format.body(dims, group, write.precision.into(), Rows::All).err().map(|error| error.to_string())
}

fn unsolvable(solve: &SolveStage, extents: &[usize], bipartite: bool) -> Option<String> {
    if extents.len() != 4 {
        return Some(format!("Wilson fermions need 4 dimensions, this lattice has {}", extents.len()));
    }
    if solve.source.iter().zip(extents).any(|(x, l)| x >= l) {
        return Some(format!(
            "the source {:?} lies outside the lattice {extents:?}: give coordinates from 0",
            solve.source
        ));
    }
    let even_odd = !matches!(solve.method(), PropagatorSolver::BiCgStab | PropagatorSolver::Gmres { .. });
    (even_odd && !bipartite)
        .then(|| format!("even-odd solvers need even extents, not {extents:?}: choose solver = \"bicgstab\""))
}
