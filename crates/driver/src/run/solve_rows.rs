//! What the results say of solves: iterations, operations and residuals, which are results, and seconds, which are none.

use super::directory::RunDirectory;
use super::line::{Correlator, Line, Solve};
use super::results::{Row, named};
use crate::config::{RunFile, SolveStage};
use crate::error::DriverError;
use gaugelink_physics::dirac::{effective_masses, pcac_masses};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The solves of a stage.
pub(super) fn solves<'a>(number: usize, lines: &'a [Line]) -> Vec<&'a Solve> {
    let of_stage = |line: &'a Line| match line {
        Line::Solve(solve) if solve.stage == number => Some(solve),
        _ => None,
    };
    lines.iter().filter_map(of_stage).collect()
}

/// What a stage's solves took, and meson masses.
pub(super) fn rows(
    rows: &mut Vec<Row>,
    file: &RunFile,
    (number, stage): (usize, &SolveStage),
    lines: &[Line],
) {
    let solves = solves(number, lines);
    let row = |quantity: &str| Row::new(Some(number), "solve", quantity);
    for line in lines {
        if let Line::Setup(setup) = line
            && setup.stage == number
        {
            rows.push(row("set-up").value(setup.d_equivalents).note("D-equivalents before the first solve"));
        }
    }
    if let Some(first) = solves.first() {
        let iterations = solves.iter().map(|s| s.iterations);
        let mean = iterations.clone().sum::<usize>() as f64 / solves.len() as f64;
        let (least, most) = (iterations.clone().min().unwrap_or(0), iterations.max().unwrap_or(0));
        // Where the solver's own name does not say it.
        let says = first.solver.to_lowercase().contains(stage.solver());
        let named = if says { "" } else { &format!(", `{}`", stage.solver()) };
        let note = format!("{least} to {most}, {}{named}", first.solver);
        rows.push(row("iterations").value(mean).count(solves.len()).note(note));
        let average =
            |pick: fn(&Solve) -> f64| solves.iter().map(|s| pick(s)).sum::<f64>() / solves.len() as f64;
        let applications = row("applications").value(average(|s| s.applications as f64));
        rows.push(applications.note("of the operator iterated on, or its adjoint, a solve"));
        rows.push(row("flops").value(average(|s| s.flops)).note("of operator and preconditioner, a solve"));
        let worst = solves.iter().map(|s| s.residual).fold(0.0, f64::max);
        rows.push(row("true residual").value(worst).count(solves.len()).note("the largest"));
    }
    for line in lines {
        if let Line::Propagator(p) = line
            && p.stage == number
        {
            let note = format!("{}, {} columns in {}, read again, verified", p.file, p.columns, p.precision);
            rows.push(row(&named("propagator", p.chain, file)).note(note));
        }
    }
    let of = |pick: Pick| correlators(number, lines, pick);
    let (vectors, axials) = (of(|c| c.vector), of(|c| c.axial));
    for (chain, pion) in of(|c| c.pion).into_iter().enumerate() {
        let middle = pion.len() / 2;
        rows.push(row(&named(&format!("pion C({middle})"), chain, file)).value(pion[middle]));
        let masses = [
            ("a m_pi", effective_masses(&pion), "effective"),
            ("a m_V", effective_masses(&vectors[chain]), "effective"),
            ("a m_PCAC", pcac_masses(&axials[chain], &pion), "bare"),
        ];
        for (name, masses, what) in masses {
            let late = masses.iter().rev().find(|(t, _)| *t < middle);
            rows.extend(late.map(|(t, m)| {
                row(&named(name, chain, file))
                    .value(*m)
                    .note(format!("{what}, at t = {t}, one configuration"))
            }));
        }
    }
}

/// What the solves of each stage took in time, as lines: the last time that they were done.
///
/// # Errors
/// [`DriverError::Io`].
pub(super) fn timings(directory: &RunDirectory) -> Result<Vec<Value>, DriverError> {
    let mut last = BTreeMap::new();
    for line in directory.timings()? {
        if let (Some(stage), true) = (line["stage"].as_u64(), line["solves"].is_array()) {
            last.insert(
                stage,
                json!({
                    "kind": "timing",
                    "stage": stage,
                    "seconds": line["seconds"],
                    "setup_seconds": line["setup_seconds"],
                    "solves": line["solves"],
                }),
            );
        }
    }
    Ok(last.into_values().collect())
}

/// How long solvers took: a timing, so it is printed and no result. Empty where there was none.
///
/// # Errors
/// [`DriverError::Io`].
pub(super) fn footer(directory: &RunDirectory) -> Result<String, DriverError> {
    let timings = timings(directory)?;
    let lines: String = timings.iter().filter_map(|line| Some(format!("  {}\n", told(line)?))).collect();
    Ok(if lines.is_empty() { lines } else { format!("solvers\n{lines}\n") })
}

/// The seconds of a stage's solves for people.
fn told(line: &Value) -> Option<String> {
    let solves = line["solves"].as_array()?;
    let sum = |key: &str| solves.iter().filter_map(|solve| solve[key].as_f64()).sum::<f64>();
    let (seconds, flops, all) = (sum("seconds"), sum("flops"), line["seconds"].as_f64()?);
    let setup = line["setup_seconds"].as_f64();
    let setup = setup.map_or_else(String::new, |setup| format!("set-up {setup:.2} s, "));
    let each = seconds / solves.len() as f64;
    let speed = 1e-9 * flops / seconds;
    Some(format!(
        "{} solve   {}: {setup}{} solves {seconds:.2} s of {all:.2} s, {each:.2e} s each, {speed:.2} Gflop/s",
        line["stage"],
        solves.first()?["solver"].as_str()?,
        solves.len()
    ))
}

/// One of the correlators at one time.
pub(super) type Pick = fn(&Correlator) -> f64;

/// Correlators of a stage, `[chain][t]`.
pub(super) fn correlators(stage: usize, lines: &[Line], pick: Pick) -> Vec<Vec<f64>> {
    let mut correlators: Vec<Vec<f64>> = Vec::new();
    for line in lines {
        if let Line::Correlator(c) = line
            && c.stage == stage
        {
            correlators.resize_with(correlators.len().max(c.chain + 1), Vec::new);
            correlators[c.chain].push(pick(c));
        }
    }
    correlators
}
