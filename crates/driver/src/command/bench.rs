//! `gaugelink bench`.

use crate::bench::{self, Line, NAMES, Request};
use crate::cli::BenchArgs;
use crate::error::DriverError;
use crate::plans::Plans;
use crate::report::Report;
use lime_rs::AtomicFile;
use serde_json::json;

/// Times what is asked for.
pub(crate) fn bench(args: &BenchArgs, report: &mut Report) -> Result<(), DriverError> {
    let names: Vec<&str> = args.names.iter().map(String::as_str).collect();
    if names == ["list"] {
        return list(report);
    }
    let plans = args.plans.as_deref().map(Plans::open).transpose()?;
    let request = Request {
        planner: plans.as_ref().map(Plans::planner),
        folder: args.folder.clone(),
        sources: args.sources.into(),
        ..Request::parse(&args.volume, args.threads, args.precision.as_deref())?
    };
    let mut lines: Vec<Line> = Vec::new();
    bench::run(&names, &request, &mut |line| {
        let names_case = lines.last().is_none_or(|last| last.case != line.case);
        if lines.is_empty() {
            report
                .text(&row(["case", "thr", "metric", "value", "", "of", "limit", "ratio"].map(Into::into)))?;
        }
        report.text(&row(cells(&line, names_case)))?;
        report.record(&line)?;
        lines.push(line);
        Ok(())
    })?;
    if let Some(plans) = &plans {
        plans.save()?;
    }
    if let Some(path) = &args.plot {
        AtomicFile::replace(path, bench::roofline(&lines)?.as_bytes())?;
    }
    Ok(())
}

fn list(report: &mut Report) -> Result<(), DriverError> {
    for (name, what) in NAMES {
        report.text(&format!("{name:<16} {what}"))?;
        report.record(&json!({ "name": name, "what": what }))?;
    }
    report.text(&format!("{:<16} all of these but solve", "all"))
}

fn cells(line: &Line, names_case: bool) -> [String; 8] {
    let number = |x: f64| match x {
        0.0 => "0".into(),
        x if x >= 100.0 => format!("{x:.0}"),
        x if x >= 1.0 => format!("{x:.2}"),
        x if x >= 1e-2 => format!("{x:.4}"),
        x => format!("{x:.3e}"),
    };
    [
        if names_case { line.case.clone() } else { String::new() },
        if names_case { line.threads.to_string() } else { String::new() },
        line.metric.into(),
        number(line.value),
        line.unit.into(),
        line.limit_name.unwrap_or_default().into(),
        line.limit.map(number).unwrap_or_default(),
        line.ratio.map(|r| format!("{r:.3}")).unwrap_or_default(),
    ]
}

fn row([case, threads, metric, value, unit, of, limit, ratio]: [String; 8]) -> String {
    format!("{case:<36} {threads:>3}  {metric:<16} {value:>10} {unit:<13} {of:<14} {limit:>9} {ratio:>6}")
        .trim_end()
        .into()
}
