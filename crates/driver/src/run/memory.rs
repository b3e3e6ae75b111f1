//! How much memory a run takes: asked for before it begins, so that it does not fail in its last stage.

use crate::config::{RunFile, SolveMethod, Stage};
use gaugelink_lattice::group::algebra_dim;
use gaugelink_lattice::{LatticeError, ensure_memory};
use gaugelink_physics::dirac::PropagatorSolver;
use gaugelink_physics::solver::AT_ONCE;

/// Refuses a run that cannot fit.
///
/// # Errors
/// [`LatticeError::OutOfMemory`].
pub(crate) fn check(file: &RunFile, group: usize, extents: &[usize]) -> Result<(), LatticeError> {
    let sites = extents.iter().fold(1u64, |volume, &l| volume.saturating_mul(l as u64));
    // A batch fills all lanes of a block, whatever the number of its chains.
    let copies = if file.run.chains > 1 { 8 } else { 1 };
    let reals =
        file.stages.iter().map(|stage| reals_per_site(file, stage, group, extents.len())).max().unwrap_or(0);
    ensure_memory(sites.saturating_mul(copies).saturating_mul(8 * reals as u64))
}

/// Real numbers a site at the peak of a stage, the links of the run included.
fn reals_per_site(file: &RunFile, stage: &Stage, group: usize, dims: usize) -> usize {
    let links = dims * 2 * group * group;
    let algebra = dims * algebra_dim(group);
    let spinor = 2 * dims * group;
    // The force of rectangles carries four matrices a site.
    let rectangles = file.action.is_some_and(|action| action.rectangles().is_some());
    // Source, solution, and room to solve.
    let condensate = if file.measure.condensate.is_some() { 7 * spinor } else { 0 };
    let detours = if rectangles { 4 * 2 * group * group } else { 0 };
    // Files are read again into a field of their own.
    let ensemble = if stage.ensemble().is_some() { links } else { 0 };
    links
        + ensemble
        + match stage {
            // A Polyakov loop carries two matrices a site.
            Stage::Heatbath(_) => 4 * group * group,
            // A plugin's force comes as matrices.
            Stage::Hmc(hmc) => {
                let plugin = if hmc.force.is_some() { links + algebra } else { 0 };
                // A field, its solution and room to solve for each term, and momenta to measure forces with.
                let quarks = file.fermions.as_ref().map_or(0, |f| {
                    // Of the clover term: matrices and their inverses, and what its force is gathered from for each term.
                    let clover = 8 * group * group * 2 + 12 * group * group * (f.terms() + 1);
                    f.fields() * spinor + algebra + if f.has_clover() { clover } else { 0 }
                });
                links + algebra + plugin + quarks + condensate + detours.max(4 * group * group)
            }
            // U = f(V) twice, the force at U and at V.
            Stage::Fthmc(_) => 5 * links + 2 * algebra + detours.max(4 * group * group),
            // The proposal.
            Stage::Proposal(_) => links + detours.max(4 * group * group),
            // V and the proposal; of several flows, the links that one of them draws.
            Stage::Independence(stage) => {
                (2 + usize::from(stage.flow.len() > 1)) * links + detours.max(4 * group * group)
            }
            Stage::Importance(stage) => (1 + usize::from(stage.flow.len() > 1)) * links + detours,
            Stage::Flow(_) => links + algebra,
            // The propagator, and the vectors of a solver.
            Stage::Solve(solve) => {
                // Counted in double precision, of which single precision takes half.
                let vectors = match solve.method() {
                    // Preconditioned directions are kept as well.
                    SolveMethod::Plain(PropagatorSolver::Gmres { restart })
                        if solve.preconditioner.is_some() =>
                    {
                        2 * restart + 3 + AT_ONCE
                    }
                    SolveMethod::Plain(PropagatorSolver::Gmres { restart }) => restart + 3 + AT_ONCE,
                    SolveMethod::Plain(PropagatorSolver::Gcr { restart }) => 2 * restart + 2 + AT_ONCE,
                    SolveMethod::Plain(PropagatorSolver::EvenOddBiCgStabL { degree }) => {
                        2 * degree + 3 + 2 * AT_ONCE
                    }
                    // Those in step: the source, that of the even-odd form, and five of the solver.
                    SolveMethod::Plain(_) => 7 * AT_ONCE,
                    // Links, clover term and its inverse again, for the lattice and for its blocks.
                    SolveMethod::Schwarz { restart, .. } => 2 * restart + 3 + AT_ONCE + 12,
                    // Test vectors as they are and as a basis, and the directions of both solvers.
                    SolveMethod::Multigrid(parameters) => parameters.vectors + 30 + 16 + 24,
                };
                (dims * group + vectors) * spinor
            }
            // The space that grows, the vectors found, and those of two solvers.
            Stage::Spectrum(stage) => (stage.wanted().vectors + stage.wanted().count + 16) * spinor,
            Stage::Write(_) => links,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FileKind;
    use std::path::Path;

    #[test]
    fn a_run_that_cannot_fit_is_refused_at_once() {
        let text = "[run]\nseed = 1\ndirectory = \"x\"\n[lattice]\ngroup = \"SU(3)\"\nextents = [4, 4, 4, 4]\n\
                    [action]\nbeta = 1.0\n[[stage]]\nkind = \"hmc\"\ntrajectories = 4\nsteps = 2\n";
        let file = RunFile::parse(text, Path::new("x"), FileKind::Run, &[]).unwrap();
        assert!(check(&file, 3, &[4, 4, 4, 4]).is_ok());
        let error = check(&file, 3, &[1 << 12; 4]).unwrap_err().to_string();
        assert!(error.contains("MiB are free"), "{error}");
    }
}
