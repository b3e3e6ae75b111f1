//! Averages over an ensemble, with autocorrelation, and their plots.

use super::examine::{Examined, Flowed};
use super::member::Member;
use super::outlier::{Spread, outliers};
use super::series::Series as Numbers;
use crate::error::DriverError;
use crate::links::counted;
use crate::plot::{AutocorrelationPlot, EnsemblePlot, FlowPlot};
use crate::run::{Row, RunDirectory};
use gaugelink_sampler::statistics::{GammaEstimate, GammaMethod, Measured, Samples, StatisticsError};

/// How an observable is read off a configuration.
type Pick = fn(&Examined) -> Option<f64>;

/// Observables; `verify` takes the first only.
const OBSERVABLES: [(&str, Pick); 8] = [
    ("plaquette", |found| found.plaquette),
    ("spatial plaquette", |found| found.spatial_plaquette),
    ("temporal plaquette", |found| found.temporal_plaquette),
    ("link trace", |found| found.link_trace),
    ("|Polyakov loop|", |found| found.polyakov.last().map(|[re, im]| re.hypot(*im))),
    ("t^2 E", |found| found.flow.as_ref()?.t2e.last().copied()),
    ("charge", |found| found.flow.as_ref()?.charge),
    ("charge^2", |found| Some(found.flow.as_ref()?.charge?.powi(2))),
];

/// The observables of a chain of configurations.
#[derive(Debug)]
pub(crate) struct Averages<'a> {
    label: String,
    /// The chain, where there are several.
    name: Option<&'a str>,
    stride: Option<u64>,
    chain: &'a [(&'a Member, &'a Examined)],
    /// How many were left out of it.
    copies: usize,
    series: Vec<Series>,
    curve: Option<Curve>,
}

#[derive(Debug)]
struct Series {
    name: &'static str,
    values: Vec<f64>,
    estimate: Result<GammaEstimate, StatisticsError>,
}

/// t²E over the flow time, and t0 where the average first reaches 0.3.
#[derive(Debug)]
struct Curve {
    times: Vec<f64>,
    averages: Vec<Option<GammaEstimate>>,
    t0: Option<GammaEstimate>,
}

impl<'a> Averages<'a> {
    /// Averages over a chain with such numbers, of which `copies` were left out: the plaquette, or all that was measured.
    pub fn of(
        label: &str,
        numbers: &[Numbers],
        chain: &'a [(&'a Member, &'a Examined)],
        copies: usize,
        all: bool,
    ) -> Self {
        let name = chain.first().and_then(|(member, _)| member.chain.as_deref());
        let stride =
            numbers.iter().find(|series| series.chain.as_deref() == name).and_then(|series| series.stride);
        let label = name.map_or_else(|| label.to_owned(), |name| format!("{label}, {name}"));
        let taken = if all { &OBSERVABLES[..] } else { &OBSERVABLES[..1] };
        let one = |(name, pick): &(&'static str, Pick)| {
            let values: Vec<f64> = chain.iter().filter_map(|(_, found)| pick(found)).collect();
            let estimate = GammaMethod::default().mean(&values);
            // An observable that some files lack has no series.
            (!values.is_empty() && values.len() == chain.len()).then_some(Series { name, values, estimate })
        };
        let series = taken.iter().filter_map(one).collect();
        let curve = if all { Curve::of(chain) } else { None };
        Self { label, name, stride, chain, copies, series, curve }
    }

    /// The rows of the table.
    pub fn rows(&self) -> Vec<Row> {
        let points = self.points(&self.series.first().map_or(vec![], |series| series.values.clone()));
        let gaps =
            points.windows(2).filter(|p| self.stride.is_some_and(|s| p[1].0 - p[0].0 > s as f64)).count();
        let row = |series: &Series| {
            let row = Row::new(None, "ensemble", self.quantity(series.name));
            let row = row.average(series.estimate.clone(), series.values.iter().copied());
            if gaps > 0 { row.note(counted(gaps as u64, "gap passed over", "gaps passed over")) } else { row }
        };
        let mut rows: Vec<Row> = self.series.iter().map(row).collect();
        if let Some(curve) = &self.curve {
            let row = Row::new(None, "ensemble", self.quantity("t0"));
            rows.push(match &curve.t0 {
                Some(t0) => row.estimate(t0).note("of the average t^2 E, clover"),
                None => row.note("not reached, or too few configurations"),
            });
        }
        if self.copies > 0 {
            let note = counted(self.copies as u64, "copy left out", "copies left out");
            rows = rows.into_iter().map(|row| row.note(&note)).collect();
        }
        rows
    }

    /// The name of an observable, with its chain where there are several.
    fn quantity(&self, name: &str) -> String {
        self.name.map_or_else(|| name.to_owned(), |chain| format!("{name}, {chain}"))
    }

    /// (number, value) of each configuration; its place where some have no number.
    fn points(&self, values: &[f64]) -> Vec<(f64, f64)> {
        let numbered = self.chain.iter().all(|(member, _)| member.number.is_some());
        let number = |(place, (member, _)): (usize, &(&Member, &Examined))| match member.number {
            Some(number) if numbered => number as f64,
            _ => place as f64,
        };
        self.chain.iter().enumerate().map(number).zip(values.iter().copied()).collect()
    }

    /// Writes `plots/`: history and autocorrelation of each observable, and the flow; `prefix` begins the names.
    ///
    /// # Errors
    /// [`DriverError`] where the folder cannot be written.
    pub fn plot(
        &self,
        directory: &RunDirectory,
        prefix: &str,
        spread: Option<&Spread>,
    ) -> Result<(), DriverError> {
        directory.make_folder("plots")?;
        let save = |name: String, svg: String| directory.replace(&format!("plots/{prefix}{name}.svg"), &svg);
        for series in &self.series {
            let stem: String =
                series.name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
            let spread = spread.filter(|_| series.name == OBSERVABLES[0].0);
            let plot = EnsemblePlot {
                title: &format!("{}: {}", self.label, series.name),
                observable: series.name,
                points: &self.points(&series.values),
                stride: self.stride.map(|stride| stride as f64),
                outliers: &spread.map_or(vec![], |spread| outliers(&series.values, spread)),
                limit: spread.map(|spread| (spread.median, spread.limit)),
                estimate: series.estimate.as_ref().ok(),
            };
            save(format!("{stem}-history"), plot.svg())?;
            let Ok(estimate) = &series.estimate else { continue };
            let plot = AutocorrelationPlot {
                title: &format!("{}: autocorrelation of {}", self.label, series.name),
                observable: series.name,
                lag_label: &match self.stride {
                    Some(stride) if stride > 1 => format!("lag [configurations, {stride} apart]"),
                    _ => "lag [configurations]".into(),
                },
                estimate,
            };
            save(format!("{stem}-autocorrelation"), plot.svg())?;
        }
        let Some(curve) = &self.curve else { return Ok(()) };
        let points: Vec<(f64, Measured)> = curve
            .times
            .iter()
            .zip(&curve.averages)
            .filter_map(|(&time, average)| Some((time, average.as_ref()?.measured())))
            .collect();
        let t0 = curve.t0.as_ref().map(GammaEstimate::measured);
        save("flow".into(), FlowPlot { title: &format!("{}: flow", self.label), curve: &points, t0 }.svg())
    }
}

impl Curve {
    /// `None` where not all configurations have the same flow.
    fn of(chain: &[(&Member, &Examined)]) -> Option<Self> {
        let flows: Vec<&Flowed> = chain.iter().filter_map(|(_, found)| found.flow.as_ref()).collect();
        let times = &flows.first()?.times;
        if flows.len() != chain.len() || flows.iter().any(|flow| flow.times != *times) {
            return None;
        }
        let columns: Vec<Vec<f64>> =
            (0..times.len()).map(|i| flows.iter().map(|flow| flow.t2e[i]).collect()).collect();
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let method = GammaMethod::default();
        let averages = columns.iter().map(|column| method.mean(column).ok()).collect();
        let reached = |means: &[f64]| Flowed::t0(times, means).unwrap_or(f64::NAN);
        let samples = Samples::from_observables(&columns).ok()?;
        Some(Self { times: times.clone(), averages, t0: method.function(&samples, reached).ok() })
    }
}
