//! What the results say of plugins: which one did what, what it gained, and what it cost.

use super::directory::RunDirectory;
use super::line::{Line, Solve};
use super::results::Row;
use super::solve_rows::solves;
use crate::config::{RunFile, SolveMethod, SolveStage, Stage};
use crate::error::DriverError;
use gaugelink_sampler::hmc::Trajectory;
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
            let kicks = kicks(stage.trajectory());
            let done = lines.iter().filter(|line| matches!(line, Line::Hmc(u) if u.stage == number)).count();
            let note = format!("{kicks} a trajectory, by the plugin's force instead");
            rows.push(Row::new(Some(number), "hmc", "forces saved").value((kicks * done) as f64).note(note));
        }
        Stage::Proposal(_) => {
            let made = lines.iter().filter(|line| matches!(line, Line::Proposal(u) if u.stage == number));
            let row = Row::new(Some(number), "proposal", "proposals").value(made.count() as f64);
            rows.push(row.note("each taken or refused by the action and its weight"));
        }
        Stage::Fthmc(stage) => flow_gain(rows, file, number, kicks(stage.trajectory())),
        Stage::Solve(stage) => solve_gain(rows, file, (number, stage), lines),
        _ => {}
    }
}

/// Forces of a trajectory.
fn kicks(trajectory: Trajectory) -> usize {
    trajectory.moves().unwrap_or_default().iter().filter(|m| matches!(m, Move::Kick { .. })).count()
}

/// Forces between independent plaquettes, 2 tau_int trajectories apart, beside those of the last HMC stage before.
fn flow_gain(rows: &mut Vec<Row>, file: &RunFile, number: usize, kicks: usize) {
    let forces = |stage: usize, kicks: usize| {
        let (tau, error) = rows.iter().find_map(|row| row.tau_int_of(stage, "plaquette"))?;
        Some((2.0 * tau * kicks as f64, 2.0 * error * kicks as f64))
    };
    let Some((needed, error)) = forces(number, kicks) else { return };
    let row = Row::new(Some(number), "fthmc", "forces apart")
        .value_with_error(needed, error)
        .note("between independent plaquettes, each with a pullback");
    let plain = (0..number).rev().find_map(|other| match &file.stages[other] {
        Stage::Hmc(stage) => Some((other, forces(other, self::kicks(stage.trajectory()))?)),
        _ => None,
    });
    let row = match plain {
        Some((other, (plain, _))) => row.note(format!("stage {other} takes {plain:.0}")),
        None => row,
    };
    rows.push(row);
}

fn solve_gain(rows: &mut Vec<Row>, file: &RunFile, (number, stage): (usize, &SolveStage), lines: &[Line]) {
    let mean = |stage: usize, pick: fn(&Solve) -> f64| {
        let solves = solves(stage, lines);
        solves.iter().map(|solve| pick(solve)).sum::<f64>() / solves.len() as f64
    };
    let iterations = |stage| mean(stage, |s| s.iterations as f64);
    let work = |stage| mean(stage, |s| s.d_equivalents.unwrap_or(f64::NAN));
    if solves(number, lines).is_empty() {
        return;
    }
    let row = Row::new(Some(number), "solve", "D-equivalents");
    let known = work(number).is_finite();
    let row = match known {
        true => row.value(work(number)),
        false => row.note("the plugin gives no account of its cost"),
    };
    let plain = plain_twin(file, number, stage).filter(|&plain| !solves(plain, lines).is_empty());
    rows.push(match plain {
        None if known => row.note("applications of D, and of the preconditioner in units of them"),
        None => row,
        Some(plain) => {
            let gain = iterations(plain) / iterations(number);
            let gain = format!("against stage {plain}: {gain:.2} x fewer iterations");
            let price = format!(", {:.2} x the D-equivalents", work(number) / work(plain));
            row.note(if known { gain + &price } else { gain })
        }
    });
}

/// For a preconditioned solve: a stage that solves the same without preconditioner, by the same solver if there is one.
fn plain_twin(file: &RunFile, number: usize, stage: &SolveStage) -> Option<usize> {
    stage.preconditioner.as_ref()?;
    let same = |other: usize| {
        let between = other.min(number)..other.max(number);
        let Stage::Solve(plain) = &file.stages[other] else { return None };
        let equation = |s: &SolveStage| (s.mass(4), s.csw, s.boundary.on(4), s.source.clone(), s.tolerance);
        let twin = plain.preconditioner.is_none()
            && matches!(plain.method(), SolveMethod::Plain(_))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FileKind;
    use std::path::Path;

    /// Three solves of the same: plain, by a plugin that tells its cost, and by one that does not.
    #[test]
    fn a_cost_that_is_not_told_is_not_taken_for_none() {
        let stage = "[[stage]]\nkind = \"solve\"\nmass = 0.1\nsolver = \"gmres\"\n";
        let plugin = "preconditioner = { plugin = \"x\" }\n";
        let text = format!(
            "[run]\ndirectory = \"x\"\n[start]\nkind = \"file\"\nfile = \"y\"\n{stage}{stage}{plugin}{stage}{plugin}"
        );
        let file = RunFile::parse(&text, Path::new("x"), FileKind::Run, &[]).unwrap();
        let line = |stage, iterations, d_equivalents| {
            let solver = "gmres".to_owned();
            Line::Solve(Solve {
                stage,
                chain: 0,
                spin: 0,
                colour: 0,
                solver,
                iterations,
                applications: iterations + 1,
                d_equivalents,
                flops: 1e6,
                residual: 1e-11,
            })
        };
        let lines = [
            line(0, 30, Some(31.0)),
            line(0, 34, Some(33.0)),
            line(1, 16, Some(40.0)),
            line(2, 16, None),
            line(2, 16, None),
        ];
        let text = crate::report::json_lines(&lines).unwrap();
        let lines: Vec<Line> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let row = |number| {
            let mut rows = Vec::new();
            gain(&mut rows, &file, number, &lines);
            serde_json::to_value(&rows).unwrap()[0].take()
        };
        assert_eq!(row(0)["value"], 32.0);
        assert_eq!(row(1)["value"], 40.0);
        assert_eq!(row(1)["note"], "against stage 0: 2.00 x fewer iterations, 1.25 x the D-equivalents");
        assert!(row(2)["value"].is_null());
        let note = "the plugin gives no account of its cost; against stage 0: 2.00 x fewer iterations";
        assert_eq!(row(2)["note"], note);
    }
}
