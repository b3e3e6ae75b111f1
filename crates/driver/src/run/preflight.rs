//! What a run file asks of the lattice: checked before anything is computed, not when the stage is reached.

use crate::config::{
    Condensate, Determinant, FormatName, IndependenceStage, LinkRows, RunFile, SolveMethod, SolveStage,
    SpectrumStage, Stage, WriteStage,
};
use crate::error::DriverError;
use crate::flow_time::{problem, whole_steps};
use gaugelink_lattice::group::group_name;
use gaugelink_lattice::{DIM_MAX, Geometry};
use gaugelink_models::layers::Loops;
use gaugelink_physics::dirac::{PropagatorSolver, check_blocks};
use lime_rs::Rows;

/// Refuses what cannot be done on this lattice.
///
/// # Errors
/// [`DriverError::Config`] with the line of the key that is at fault.
pub(crate) fn check(file: &RunFile, group: usize, extents: &[usize]) -> Result<(), DriverError> {
    // The extents of a run file were looked at when it was read.
    let geometry = Geometry::new(extents, &file.machine.ranks, 0);
    let geometry = geometry.map_err(|error| file.fail_key(&["machine", "ranks"], &error.to_string()))?;
    let bipartite = geometry.is_bipartite();
    let wilson = file.action.is_none_or(|action| action.rectangles().is_none());
    let of_action = file.fermions.as_ref().map(|fermions| fermions.determinant);
    let quarks = of_action.is_some_and(|determinant| determinant != Determinant::Reweight);
    let pseudofermions = of_action == Some(Determinant::Pseudofermions);
    for (number, stage) in file.stages.iter().enumerate() {
        let problem = match stage {
            Stage::Heatbath(_)
            | Stage::Fthmc(_)
            | Stage::Proposal(_)
            | Stage::Independence(IndependenceStage { sweeps: 1.., .. })
                if quarks =>
            {
                Some((
                    "kind",
                    "these updates know the gauge action only: use HMC, or determinant = \"reweight\", or leave [fermions] out"
                        .into(),
                ))
            }
            Stage::Independence(_) | Stage::Importance(_) if pseudofermions => Some((
                "kind",
                "draws of flows are weighed with the determinant itself: determinant = \"exact\", or \"reweight\""
                    .into(),
            )),
            Stage::Hmc(hmc) if quarks && hmc.force.is_some() => Some((
                "force",
                "a plugin's force goes without [fermions]: leave one of them out".into(),
            )),
            Stage::Heatbath(_) | Stage::Independence(IndependenceStage { sweeps: 1.., .. }) if !wilson => Some((
                "kind",
                "a link's distribution is known for Wilson's action only, [action] names one with rectangles: use \
                 HMC, or kind = \"wilson\""
                    .into(),
            )),
            Stage::Heatbath(_) | Stage::Independence(IndependenceStage { sweeps: 1.., .. }) if !bipartite => Some((
                "kind",
                format!(
                    "even and odd sites are updated in turn, which needs even extents, not {extents:?}: make them \
                     even, or use HMC"
                ),
            )),
            Stage::Flow(flow) => {
                problem(whole_steps(flow.time, flow.step), extents.len(), flow.action.rectangles().unwrap_or(0.0)).map(|why| ("step", why))
            }
            Stage::Solve(solve) => unsolvable(file, solve, group, extents, bipartite),
            Stage::Spectrum(stage) => no_spectrum(stage, extents.len()),
            Stage::Write(write) => unwritable(write, group, extents).map(|why| ("format", why)),
            _ => None,
        };
        let ensemble = || Some(("write", unwritable(&stage.ensemble()?.stage(), group, extents)?));
        if let Some((key, problem)) = problem.or_else(ensemble) {
            let message = format!("stage {number} ({}): {problem}", stage.kind());
            return Err(file.fail_in_stage(number, key, &message));
        }
    }
    let dims = extents.len();
    if let Some((key, problem)) = uncontrolled(file, extents) {
        return Err(file.fail_key(&["measure", key], &problem));
    }
    if let Some(fermions) = &file.fermions {
        if let Some((key, problem)) = fermions.problem_on(group, extents, bipartite) {
            let path = ["fermions", key];
            return Err(file.fail_key(if key.is_empty() { &path[..1] } else { &path }, &problem));
        }
        if file.measure.condensate == Some(Condensate::Exact)
            && let Some(problem) = fermions.dense_problem(group, extents)
        {
            let message = format!("{problem}; or condensate = \"stochastic\"");
            return Err(file.fail_key(&["measure", "condensate"], &message));
        }
        if file.measure.sign
            && let Some(problem) = fermions.dense_problem(group, extents)
        {
            return Err(file.fail_key(&["measure", "sign"], &problem));
        }
    }
    if file.measure.charge && dims != 4 && (group, dims) != (1, 2) {
        let message = format!(
            "there is no charge for {} in {dims} dimensions: it is for 4 dimensions, and for U(1) in 2",
            group_name(group)
        );
        return Err(file.fail_key(&["measure", "charge"], &message));
    }
    Ok(())
}

/// Why there are no control variates, where they are asked for.
fn uncontrolled(file: &RunFile, extents: &[usize]) -> Option<(&'static str, String)> {
    let loops = file.measure.controls?;
    if file.fermions.is_some() {
        return Some((
            "controls",
            "their averages vanish for the gauge action alone: leave out `controls` or [fermions]".into(),
        ));
    }
    let least = loops.order() + 2;
    let fit = loops == Loops::Leading || extents.len() == 2 && extents.iter().all(|&l| l >= least);
    let message = || {
        format!(
            "these loops are for two dimensions of {least} sites or more, the lattice has {extents:?}: choose \
             \"leading\", which is for any"
        )
    };
    (!fit).then(|| ("controls", message()))
}

/// Why the format cannot hold the links, if it cannot.
fn unwritable(write: &WriteStage, group: usize, extents: &[usize]) -> Option<String> {
    let mut dims = [1; DIM_MAX];
    dims[..extents.len()].copy_from_slice(extents);
    let FormatName(format) = write.format;
    format.body(dims, group, write.precision.into(), Rows::All).err().map(|error| error.to_string())
}

/// The key that is at fault where the operator is not defined on this lattice, and why.
fn no_spectrum(stage: &SpectrumStage, dims: usize) -> Option<(&'static str, String)> {
    if dims == 3 {
        let why = "Wilson's operator is for 2 and 4 dimensions, this lattice has 3";
        return Some(("kind", why.into()));
    }
    if stage.csw != 0.0 && dims != 4 {
        return Some((
            "csw",
            format!("the clover term is for 4 dimensions, this lattice has {dims}: csw = 0"),
        ));
    }
    if let Some(problem) = stage.mass_problem_on(dims) {
        return Some(problem);
    }
    stage.boundary.problem_on(dims).map(|why| ("boundary", why))
}

/// The key that is at fault where the equation cannot be solved so on this lattice, and why.
fn unsolvable(
    file: &RunFile,
    solve: &SolveStage,
    group: usize,
    extents: &[usize],
    bipartite: bool,
) -> Option<(&'static str, String)> {
    let dims = extents.len();
    if dims == 3 {
        let why = "Wilson's operator is for 2 and 4 dimensions, this lattice has 3";
        return Some(("kind", why.into()));
    }
    if let Some(problem) = solve.mass_problem_on(dims) {
        return Some(problem);
    }
    if let Some(why) = solve.boundary.problem_on(dims) {
        return Some(("boundary", why));
    }
    if let Some(why) = solve.source.problem_on(extents) {
        return Some(("source", why));
    }
    if solve.propagator.is_some() && !solve.source.is_point() {
        let why =
            "files of propagators say at which point the source is: leave `propagator` out, or take a point";
        return Some(("propagator", why.into()));
    }
    if dims == 2
        && let Some(problem) = not_in_two_dimensions(solve)
    {
        return Some(problem);
    }
    if solve.links == LinkRows::TwoRows && group != 3 {
        let group = group_name(group);
        let why = format!("two rows determine links of SU(3), not of {group}: choose links = \"whole\"");
        return Some(("links", why));
    }
    let block = match solve.method() {
        SolveMethod::Plain(
            PropagatorSolver::BiCgStab | PropagatorSolver::Gcr { .. } | PropagatorSolver::Gmres { .. },
        ) => return None,
        SolveMethod::Plain(_) => {
            let why = || {
                format!("even-odd solvers need even extents, not {extents:?}: choose solver = \"bicgstab\"")
            };
            return (!bipartite).then(|| ("solver", why()));
        }
        SolveMethod::Schwarz { parameters, .. } => parameters.block,
        SolveMethod::Multigrid(parameters) => parameters.block,
    };
    if file.run.chains > 1 {
        let why = "solvers that cut the lattice into blocks take one configuration at a time: chains = 1";
        return Some(("solver", why.into()));
    }
    let ranks = &file.machine.ranks;
    let local = std::array::from_fn(|mu| extents[mu] / ranks.get(mu).copied().unwrap_or(1).max(1));
    check_blocks(&local, &block).err().map(|error| ("solver", error.to_string()))
}

/// The key that asks for what there is in four dimensions alone, and why.
fn not_in_two_dimensions(solve: &SolveStage) -> Option<(&'static str, String)> {
    let why = |key, why: &str| Some((key, format!("{why}, this lattice has 2")));
    if solve.csw != 0.0 {
        return why("csw", "the clover term (csw) is for 4 dimensions");
    }
    if solve.preconditioner.is_some() {
        return why("preconditioner", "the interface of plugins knows spinors of 4 dimensions alone");
    }
    if !matches!(solve.method(), SolveMethod::Plain(_)) {
        return why(
            "solver",
            "solvers that cut the lattice into blocks are for 4 dimensions (the others are for both)",
        );
    }
    if solve.propagator.is_some() {
        return why("propagator", "USQCD's format of propagators is for the four spins of 4 dimensions");
    }
    None
}
