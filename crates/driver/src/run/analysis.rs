//! From the lines of a run to series of observables and their averages.

use super::line::{Line, Update};
use crate::config::{RunFile, Stage};
use gaugelink_sampler::statistics::{
    Controlled, GammaEstimate, GammaMethod, Measured, Samples, StatisticsError,
};

/// An observable along one update stage, a series for each chain.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    pub stage: usize,
    pub kind: &'static str,
    pub name: &'static str,
    pub chains: Vec<Vec<f64>>,
    /// Measurements at the begin that stay out of averages.
    pub thermalisation: usize,
    /// Updates between measurements.
    pub spacing: u64,
}

impl Series {
    /// Mean and error over all chains, thermalisation left out.
    ///
    /// # Errors
    /// [`StatisticsError`] where there is too little to average over.
    pub fn estimate(&self) -> Result<GammaEstimate, StatisticsError> {
        GammaMethod::default().observable(&Samples::from_replica(&self.kept())?, 0)
    }

    /// What is kept, chain by chain.
    pub fn kept(&self) -> Vec<&[f64]> {
        self.chains.iter().map(|c| &c[self.thermalisation.min(c.len())..]).collect()
    }

    /// Averages of the first measurements that are kept, by the number of them in all chains: half as many again each time.
    pub fn accumulated(&self) -> Vec<(f64, Measured)> {
        let kept = self.kept();
        let all = kept.iter().map(|chain| chain.len()).min().unwrap_or(0);
        let lengths = std::iter::successors(Some(FIRST), |n| Some(n + n / 2)).take_while(|&n| n < all);
        let average = |n: usize| {
            let first: Vec<&[f64]> = kept.iter().map(|chain| &chain[..n]).collect();
            let samples = Samples::from_replica(&first).ok()?;
            let estimate = GammaMethod::default().observable(&samples, 0).ok()?;
            Some(((n * kept.len()) as f64, Measured { value: estimate.value, error: estimate.error }))
        };
        lengths.chain((all >= FIRST).then_some(all)).filter_map(average).collect()
    }

    /// The name with letters and digits only.
    pub fn name_in_files(&self) -> String {
        let name: String = self.name.chars().filter(char::is_ascii_alphanumeric).collect();
        name.to_lowercase()
    }

    /// The same after the stage.
    pub fn file_stem(&self) -> String {
        format!("stage{}-{}", self.stage, self.name_in_files())
    }
}

/// Measurements of each chain at least, of which an average is drawn.
const FIRST: usize = 8;

/// How an observable is read off a line.
type Pick = fn(&Update) -> Option<f64>;

/// The name of exp(−ΔH), which is 1 on average in equilibrium (Creutz).
pub(super) const CREUTZ: &str = "exp(-delta H)";

/// The name of ln det(D†D), the log weight of configurations made without quarks.
pub(super) const LN_DET: &str = "ln det";

/// Observables, in the order of the results.
const OBSERVABLES: [(&str, Pick); 9] = [
    ("plaquette", |u| u.plaquette),
    ("|Polyakov loop|", |u| Some(u.polyakov_re?.hypot(u.polyakov_im?))),
    ("charge", |u| u.charge),
    ("charge^2", |u| u.charge.map(|q| q * q)),
    ("condensate", |u| u.condensate),
    ("sign of det D", |u| u.sign),
    (LN_DET, |u| u.ln_det),
    ("delta H", |u| u.delta_h),
    (CREUTZ, |u| u.delta_h.map(|h| (-h).exp())),
];

/// Observables that control variates are taken off, and the names of what is left.
const CONTROLLED: [(&str, &str); 3] = [
    ("plaquette", "plaquette, controlled"),
    ("|Polyakov loop|", "|Polyakov loop|, controlled"),
    ("charge^2", "charge^2, controlled"),
];

/// The name of an observable less its control variates, where they can be taken off it.
pub(super) fn controlled_name(plain: &str) -> Option<&'static str> {
    CONTROLLED.iter().find(|(name, _)| *name == plain).map(|(_, controlled)| *controlled)
}

/// The observable that a name with or without controls means.
pub(super) fn plain(name: &str) -> &str {
    CONTROLLED.iter().find(|(_, controlled)| *controlled == name).map_or(name, |(plain, _)| plain)
}

/// What was measured after an update, with its names.
pub(super) fn observables(update: &Update) -> impl Iterator<Item = (&'static str, f64)> {
    OBSERVABLES.iter().filter_map(|(name, pick)| Some((*name, pick(update)?)))
}

/// Names of all observables.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OBSERVABLES.iter().map(|(name, _)| *name)
}

/// The series of an update stage, those that it measured.
pub(crate) fn series(file: &RunFile, stage: usize, lines: &[Line]) -> Vec<Series> {
    let updates = updates(stage, lines);
    let chains = updates.iter().map(|u| u.chain + 1).max().unwrap_or(0);
    let before: u64 = file.stages[..stage].iter().map(Stage::updates).sum();
    let first_kept = before + file.stages[stage].thermalisation();
    let every = file.measure.every;
    let one = |(name, pick): &(&'static str, Pick)| {
        let of_chain = |chain: usize| {
            let own = updates.iter().filter(move |u| u.chain == chain);
            own.filter_map(|u| Some((u.update, pick(u)?))).collect::<Vec<_>>()
        };
        let chains: Vec<Vec<(u64, f64)>> = (0..chains).map(of_chain).collect();
        let thermalisation = chains.first()?.iter().filter(|(update, _)| *update <= first_kept).count();
        let spacing = if name.contains("delta H") { 1 } else { every };
        let chains: Vec<Vec<f64>> =
            chains.into_iter().map(|c| c.into_iter().map(|(_, x)| x).collect()).collect();
        (!chains[0].is_empty()).then_some(Series {
            stage,
            kind: file.stages[stage].kind(),
            name,
            chains,
            thermalisation,
            spacing,
        })
    };
    OBSERVABLES.iter().filter_map(one).collect()
}

/// Observables of an update stage less their control variates; none where none were measured.
///
/// # Errors
/// [`StatisticsError`] where there is too little to find coefficients from.
pub(super) fn controlled(
    file: &RunFile,
    stage: usize,
    lines: &[Line],
) -> Result<Vec<Series>, StatisticsError> {
    let updates = updates(stage, lines);
    let mut controls: Vec<Vec<Vec<f64>>> = Vec::new();
    for update in updates.iter().filter(|update| !update.controls.is_empty()) {
        controls.resize_with(controls.len().max(update.chain + 1), Vec::new);
        controls[update.chain].push(update.controls.clone());
    }
    if controls.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for series in series(file, stage, lines) {
        let Some(name) = controlled_name(series.name) else { continue };
        let first = series.thermalisation;
        let kept = Controlled {
            values: series.kept().into_iter().map(<[f64]>::to_vec).collect(),
            controls: controls.iter().map(|own| own[first.min(own.len())..].to_vec()).collect(),
            log_weights: Vec::new(),
        };
        let rest = kept.without_controls()?;
        // What stays out of averages is shown as it was.
        let chains = series.chains.iter().zip(rest);
        let chains = chains.map(|(all, rest)| [&all[..first.min(all.len())], &rest].concat()).collect();
        found.push(Series { name, chains, ..series });
    }
    Ok(found)
}

/// The Metropolis decisions of a stage after thermalisation, chain by chain.
pub(crate) fn decisions(file: &RunFile, stage: usize, lines: &[Line]) -> Vec<bool> {
    let mut kept = kept(file, stage, lines);
    kept.sort_by_key(|u| (u.chain, u.update));
    kept.into_iter().filter_map(|u| u.accepted).collect()
}

/// Trajectories or proposals of a stage after thermalisation that ended in numbers that are none: JSON has no ΔH of theirs.
pub(crate) fn diverged(file: &RunFile, stage: usize, lines: &[Line]) -> usize {
    kept(file, stage, lines).iter().filter(|u| u.accepted.is_some() && u.delta_h.is_none()).count()
}

/// The updates of a stage after thermalisation.
fn kept<'a>(file: &RunFile, stage: usize, lines: &'a [Line]) -> Vec<&'a Update> {
    let before: u64 = file.stages[..stage].iter().map(Stage::updates).sum();
    let first_kept = before + file.stages[stage].thermalisation();
    updates(stage, lines).into_iter().filter(|u| u.update > first_kept).collect()
}

pub(super) fn updates<'a>(stage: usize, lines: &'a [Line]) -> Vec<&'a Update> {
    let of_stage = |line: &'a Line| match line {
        Line::Heatbath(u) | Line::Hmc(u) | Line::Fthmc(u) | Line::Proposal(u) | Line::Independence(u)
            if u.stage == stage =>
        {
            Some(u)
        }
        _ => None,
    };
    lines.iter().filter_map(of_stage).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FileKind;
    use std::path::Path;

    /// Of eight chains, 27 measurements each after the first: the averages of 8, 12, 18 and all of them.
    #[test]
    fn averages_accumulate_by_halves() {
        let chain = |c: usize| (0..28).map(|i| if i == 0 { 1e9 } else { ((i * 7 + c) % 5) as f64 }).collect();
        let chains: Vec<Vec<f64>> = (0..8).map(chain).collect();
        let series =
            Series { stage: 0, kind: "hmc", name: "plaquette", chains, thermalisation: 1, spacing: 1 };
        let points = series.accumulated();
        assert_eq!(points.iter().map(|(n, _)| *n).collect::<Vec<f64>>(), [64.0, 96.0, 144.0, 216.0]);
        let all = series.estimate().unwrap();
        assert_eq!((points[3].1.value, points[3].1.error), (all.value, all.error));
        let first: f64 = series.chains.iter().flat_map(|chain| &chain[1..9]).sum();
        assert!((points[0].1.value - first / 64.0).abs() < 1e-12);
    }

    /// Two stages of 4 updates, the second measured after every second one.
    #[test]
    fn series_begin_after_their_own_thermalisation() {
        let text = "[run]\nseed = 1\ndirectory = \"x\"\n[lattice]\ngroup = \"U(1)\"\nextents = [4, 4]\n\
                    [action]\nbeta = 1.0\n[measure]\nevery = 2\n\
                    [[stage]]\nkind = \"heatbath\"\nsweeps = 4\n\
                    [[stage]]\nkind = \"hmc\"\ntrajectories = 4\nsteps = 2\nthermalise = 2\n";
        let file = RunFile::parse(text, Path::new("x"), FileKind::Run, &[]).unwrap();
        let line = |update: u64, chain: usize| {
            Line::Hmc(Update {
                stage: 1,
                update,
                chain,
                delta_h: Some(0.0),
                accepted: Some(update != 8),
                ln_weight: None,
                plaquette: update.is_multiple_of(2).then_some(update as f64),
                polyakov_re: None,
                polyakov_im: None,
                charge: None,
                condensate: None,
                sign: None,
                ln_det: None,
                controls: vec![],
            })
        };
        let lines: Vec<Line> = (5..=8).flat_map(|update| [line(update, 0), line(update, 1)]).collect();
        let series = series(&file, 1, &lines);
        assert_eq!(
            series.iter().map(|s| s.name).collect::<Vec<_>>(),
            ["plaquette", "delta H", "exp(-delta H)"]
        );
        assert_eq!((&series[0].chains, series[0].thermalisation), (&vec![vec![6.0, 8.0]; 2], 1));
        assert_eq!((series[1].chains[0].len(), series[1].thermalisation), (4, 2));
        assert_eq!(decisions(&file, 1, &lines), [true, false, true, false]);
        assert_eq!(diverged(&file, 1, &lines), 0);
        // JSON has no NaN: what is read back is a trajectory without a delta H.
        let mut lines = lines;
        for line in &mut lines {
            if let Line::Hmc(update) = line {
                update.delta_h = (update.chain == 0).then_some(0.0);
            }
        }
        assert_eq!(diverged(&file, 1, &lines), 2, "those of chain 1 after thermalisation");
    }
}
