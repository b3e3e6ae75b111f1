//! What the results say of plugins: which one did what, what it gained, and what it cost.

use super::directory::RunDirectory;
use super::line::Line;
use super::results::{Row, solves};
use crate::config::{RunFile, SolveStage, Stage};
use crate::error::DriverError;
use gaugelink_sampler::integrator::Move;

/// The plugin of a stage, if it goes through one.
pub(super) fn which(rows: &mut Vec<Row>, number: usize, stage: &Stage, lines: &[Line]) {
    for line in lines {
        if let Line::Plugin(is) = line
            && is.stage == number
        {
            let (plugin, version, hash) = (&is.plugin, &is.version, &is.sha256[..12]);
            let note = format!(
                "{} {}, plugin {plugin} {version}, SHA-256 {hash}...",
                is.component, is.component_version
            );
            rows.push(Row::new(Some(number), stage.kind(), is.role.as_str()).note(note));
        }
    }
}

/// What a stage gained by its plugin.
pub(super) fn gain(rows: &mut Vec<Row>, file: &RunFile, number: usize, lines: &[Line]) {
    match &file.stages[number] {
        Stage::Hmc(stage) if stage.force.is_some() => {
            let moves = stage.trajectory().moves().unwrap_or_default();
            let kicks = moves.iter().filter(|m| matches!(m, Move::Kick(_))).count();
            let done = lines.iter().filter(|line| matches!(line, Line::Hmc(u) if u.stage == number)).count();
            let note = format!("{kicks} a trajectory, by the plugin's force instead");
            rows.push(Row::new(Some(number), "hmc", "forces saved").value((kicks * done) as f64).note(note));
        }
        Stage::Solve(stage) => solve_gain(rows, file, (number, stage), lines),
        _ => {}
    }
}

fn solve_gain(rows: &mut Vec<Row>, file: &RunFile, (number, stage): (usize, &SolveStage), lines: &[Line]) {
    let mean = |stage: usize, pick: fn(&super::line::Solve) -> f64| {
        let solves = solves(stage, lines);
        solves.iter().map(|solve| pick(solve)).sum::<f64>() / solves.len() as f64
    };
    let (iterations, work) =
        (|stage| mean(stage, |s| s.iterations as f64), |stage| mean(stage, |s| s.d_equivalents));
    if solves(number, lines).is_empty() {
        return;
    }
    let row = Row::new(Some(number), "solve", "D-equivalents").value(work(number));
    let plain = plain_twin(file, number, stage).filter(|&plain| !solves(plain, lines).is_empty());
    rows.push(match plain {
        None => row.note("applications of D, and of the preconditioner in units of them"),
        Some(plain) => row.note(format!(
            "against stage {plain}: {:.2} x fewer iterations, {:.2} x the D-equivalents",
            iterations(plain) / iterations(number),
            work(number) / work(plain)
        )),
    });
}

/// For a preconditioned solve: a stage that solves the same without preconditioner, by the same solver if there is one.
fn plain_twin(file: &RunFile, number: usize, stage: &SolveStage) -> Option<usize> {
    stage.preconditioner.as_ref()?;
    let same = |other: usize| {
        let between = other.min(number)..other.max(number);
        let Stage::Solve(plain) = &file.stages[other] else { return None };
        let equation = |s: &SolveStage| (s.mass, s.boundary, s.source, s.tolerance);
        let twin = plain.preconditioner.is_none()
            && equation(plain) == equation(stage)
            && file.stages[between].iter().all(|stage| stage.updates() == 0);
        twin.then_some((plain.is_flexible(), other))
    };
    (0..file.stages.len()).filter_map(same).max_by_key(|(flexible, _)| *flexible).map(|(_, other)| other)
}

/// What the plugins cost: from the timings, so it is printed and no result. Empty where there are none.
///
/// # Errors
/// [`DriverError::Io`].
pub(super) fn footer(directory: &RunDirectory) -> Result<String, DriverError> {
    let mut last = std::collections::BTreeMap::new();
    for line in directory.timings()? {
        let plugin = &line["plugin"];
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        if let (Some(stage), Some(calls), Some(seconds), Some(bytes)) = (
            line["stage"].as_u64(),
            plugin["calls"].as_u64(),
            plugin["seconds"].as_f64(),
            plugin["bytes_copied"].as_u64(),
        ) {
            let of = line["seconds"].as_f64().unwrap_or(f64::NAN);
            let cost = format!("{calls} calls, {seconds:.2} s of {of:.2} s, {} copied", bytes_shown(bytes));
            last.insert(
                stage,
                format!("  {stage} {:<7} {}: {cost}\n", text(&line["kind"]), text(&plugin["component"])),
            );
        }
    }
    let lines: String = last.into_values().collect();
    Ok(if lines.is_empty() { lines } else { format!("plugins\n{lines}\n") })
}

/// A number of bytes for people.
fn bytes_shown(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
