//! Run files: TOML, every key defined once, mistakes answered with the line, the key and what was expected.

mod action;
mod boundary;
mod document;
mod fermions;
mod file_name;
mod independence;
mod loop_train;
mod model;
mod overrides;
mod plugin;
mod quark;
mod scalar_train;
mod scan;
mod solve;
mod solver;
mod source;
mod spectrum;
mod stage;
mod tables;
mod train;
mod train_tables;
mod write;

pub use action::{ActionKind, ActionTable};
pub use boundary::BoundaryPhases;
pub(crate) use document::config_error;
use document::{Tables, at_line};
pub use fermions::{Determinant, FermionsTable};
pub(crate) use file_name::OWN_FILES;
pub use independence::{ImportanceStage, IndependenceStage};
pub use loop_train::{AnyTrainFile, EvaluateTable, FitTable, LoopModelName, LoopModelTable, LoopTrainFile};
pub use model::{ModelName, ModelTable};
pub use overrides::with_overrides;
pub use plugin::{PluginTable, Role};
pub use scalar_train::{
    ScalarHmcTable, ScalarLatticeTable, ScalarModelName, ScalarModelTable, ScalarTrainFile,
};
pub use scan::Scan;
pub use solve::{LinkRows, PropagatorTable, SolveStage};
pub use solver::{MultigridTable, SapTable, SolveMethod};
pub use source::SourceTable;
pub use spectrum::SpectrumStage;
pub use stage::{FlowStage, FthmcStage, HeatbathStage, HmcStage, ProposalStage, Stage};
pub use tables::{
    Condensate, FormatName, GroupName, LatticeTable, MachineTable, MeasureTable, PrecisionName, RunTable,
    StartKind, StartTable,
};
pub(crate) use tables::{cores, finite, finite_if_given};
pub use train::TrainFile;
pub use train_tables::{BlockFitTable, ChainTable, DataTable, TrainRunTable, TrainTable};
pub(crate) use write::ENSEMBLE;
pub use write::{WriteStage, WriteTable};

use crate::error::DriverError;
use crate::hash::document_hash;
use gaugelink_lattice::Geometry;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A run file, read and checked.
#[derive(Debug, Clone)]
pub struct RunFile {
    /// Name, seed, directory.
    pub run: RunTable,
    /// Group and extents; may be left out where a file is the start.
    pub lattice: Option<LatticeTable>,
    /// The action; may be left out where nothing is updated.
    pub action: Option<ActionTable>,
    /// Quarks in the action.
    pub fermions: Option<FermionsTable>,
    /// The first configuration.
    pub start: StartTable,
    /// What is measured after updates.
    pub measure: MeasureTable,
    /// Threads and ranks: changes no result.
    pub machine: MachineTable,
    /// What is done, in order.
    pub stages: Vec<Stage>,
    /// The text that all of this was read from, overrides included.
    pub text: String,
    /// Where the text came from.
    pub path: PathBuf,
}

impl RunFile {
    /// Reads a file of `kind`, with `key=value` overrides (`action.beta=5.7`, `stage.0.sweeps=10`).
    ///
    /// # Errors
    /// [`DriverError::Config`] with line, key and what was expected; [`DriverError::Io`].
    pub fn read(path: &Path, kind: FileKind, overrides: &[String]) -> Result<Self, DriverError> {
        Self::parse(&Self::text_of(path)?, path, kind, overrides)
    }

    /// The text of a run file.
    fn text_of(path: &Path) -> Result<String, DriverError> {
        std::fs::read_to_string(path).map_err(|source| DriverError::Io {
            action: "read the run file",
            path: path.into(),
            source,
        })
    }

    /// Reads the text of such a file; `path` is for messages, and the paths of plugins begin at its folder.
    ///
    /// # Errors
    /// As [`RunFile::read`].
    pub fn parse(text: &str, path: &Path, kind: FileKind, overrides: &[String]) -> Result<Self, DriverError> {
        let text = with_overrides(text, path, overrides)?;
        let tables = Tables::parse(&text, path)?;
        // A solve makes no updates: nothing that only they use.
        let what = match kind {
            FileKind::Run => &["action", "fermions", "measure", "stage", "scan"][..],
            FileKind::Solve => &["solve"],
        };
        tables.no_other_than(&[&["run", "lattice", "start", "machine"], what].concat())?;
        let file = Self {
            run: tables.required("run")?,
            lattice: tables.optional("lattice")?,
            action: tables.optional("action")?,
            fermions: tables.optional("fermions")?,
            start: tables.optional("start")?.unwrap_or_default(),
            measure: tables.optional("measure")?.unwrap_or_default(),
            machine: tables.optional("machine")?.unwrap_or_default(),
            stages: match kind {
                FileKind::Run => tables.stages()?,
                FileKind::Solve => vec![Stage::Solve(Box::new(tables.required("solve")?))],
            },
            text: text.clone(),
            path: path.into(),
        };
        file.check(&tables)?;
        Ok(file)
    }

    /// What no table can tell alone.
    fn check(&self, tables: &Tables<'_>) -> Result<(), DriverError> {
        let from_file = self.start.kind == StartKind::File;
        let updates = self.stages.iter().any(|s| s.updates() > 0);
        if updates && self.action.is_none() {
            return Err(tables.fail("the table [action] is missing: add it, e.g. beta = 6.0".into()));
        }
        if let Some(problem) = self.action.and_then(|action| action.problem()) {
            return Err(tables.fail_in("action", problem));
        }
        let dims = self.lattice.as_ref().map(|lattice| lattice.extents.len());
        if let Some((key, problem)) = self.fermions.as_ref().and_then(|fermions| fermions.problem(dims)) {
            return Err(tables.fail_key(&["fermions", key], &problem));
        }
        if self.measure.sign && self.fermions.is_none() {
            let message = "the sign is of the determinant of a quark of [fermions]: add the table";
            return Err(tables.fail_key(&["measure", "sign"], message));
        }
        if let (Some(_), None) = (self.measure.condensate, &self.fermions) {
            let message = "the condensate is of the quarks of [fermions]: add the table; with determinant = \"reweight\" \
                           updates go without quarks";
            return Err(tables.fail_key(&["measure", "condensate"], message));
        }
        if self.run.seed.is_none() && (updates || self.start.kind == StartKind::Hot) {
            let message = "missing field `seed`, expected a whole number: it makes the run repeatable";
            return Err(tables.fail_in("run", message));
        }
        if from_file && self.start.file.is_none() {
            return Err(tables.fail_in("start", "kind = \"file\" needs `file`, or --input FILE"));
        }
        if !from_file && self.start.file.is_some() {
            return Err(tables.fail_in("start", "`file` is used only with kind = \"file\""));
        }
        if !from_file && self.start.format.is_some() {
            return Err(tables.fail_in("start", "`format` is used only with kind = \"file\""));
        }
        if !from_file && self.lattice.is_none() {
            return Err(tables.fail("the table [lattice] is missing: add it, or start from a file".into()));
        }
        let names_input = self.run.directory.to_string_lossy().contains("{input}");
        if self.directory().as_os_str().is_empty() || names_input && self.start.file.is_none() {
            let message = "`{input}` stands for the name of a start file, and there is none: expected a path";
            return Err(tables.fail_key(&["run", "directory"], message));
        }
        if let Some(lattice) = &self.lattice
            && let Err(error) = Geometry::new(&lattice.extents, &self.machine.ranks, 0)
        {
            let alone = Geometry::new(&lattice.extents, &[], 0);
            let key = if alone.is_err() { ["lattice", "extents"] } else { ["machine", "ranks"] };
            return Err(tables.fail_key(&key, &error.to_string()));
        }
        if let Some(problem) = self.machine.problem() {
            return Err(tables.fail_key(&["machine", "threads"], &problem));
        }
        let mut written = Vec::new();
        for (number, stage) in self.stages.iter().enumerate() {
            if let Some((name, key)) = stage.target() {
                if written.contains(&name) {
                    let message =
                        format!("two stages write `{}`: give each a name of its own", name.display());
                    return Err(tables.fail_in_stage(number, key, &message));
                }
                written.push(name);
            }
            let lost = match (stage, stage.ensemble()) {
                (Stage::Write(write), _) => write.lfn_problem().map(|problem| ("lfn", problem)),
                (_, table) => {
                    table.and_then(|table| table.stage().lfn_problem()).map(|problem| ("write", problem))
                }
            };
            if let Some((key, problem)) = lost {
                return Err(tables.fail_in_stage(number, key, &problem));
            }
            if stage.thermalisation() >= stage.updates().max(1) {
                let message = "`thermalise` leaves no update to average over";
                return Err(tables.fail_in_stage(number, "thermalise", message));
            }
            let files = |table: &WriteTable| (stage.updates() - stage.thermalisation()) / table.every;
            if stage.ensemble().is_some_and(|table| files(table) == 0) {
                let message = "`every` is more than the updates after `thermalise`: no file would be written";
                return Err(tables.fail_in_stage(number, "write", message));
            }
            if let Some(problem) = stage.shares_problem() {
                return Err(tables.fail_in_stage(number, "shares", &problem));
            }
            if let Stage::Solve(solve) = stage
                && let Some((place, message)) = solve.problem()
            {
                return Err(tables.fail_at(place, message));
            }
            let owner = if tables.has("stage") { format!("stage {number}") } else { "[solve]".into() };
            let masses = match stage {
                Stage::Solve(solve) => solve.mass_keys().problem(&owner),
                Stage::Spectrum(spectrum) => spectrum.mass_keys().problem(&owner),
                _ => None,
            };
            if let Some((key, problem)) = masses {
                return Err(tables.fail_in_stage(number, key, &problem));
            }
            if let Stage::Solve(solve) = stage
                && matches!(solve.source, SourceTable::Noise(_))
                && self.run.seed.is_none()
            {
                let message =
                    "missing field `seed`, expected a whole number: noise of sources is drawn from it";
                return Err(tables.fail_in("run", message));
            }
            if matches!(stage, Stage::Hmc(hmc) if hmc.relax > hmc.thermalise) {
                let message = "`relax` is more than `thermalise`: such trajectories are no samples";
                return Err(tables.fail_in_stage(number, "relax", message));
            }
            if let Stage::Hmc(hmc) = stage
                && let Some(problem) = hmc.determinant_problem(self.fermions.as_ref())
            {
                return Err(tables.fail_in_stage(number, "determinant", problem));
            }
            if let Stage::Hmc(hmc) = stage
                && let Some(problem) =
                    hmc.levels_problem(1 + self.fermions.as_ref().map_or(0, FermionsTable::terms))
            {
                return Err(tables.fail_in_stage(number, "inner_steps", &problem));
            }
            if let (Stage::Heatbath(_), Some(action)) = (stage, &self.action)
                && action.beta < 0.0
            {
                let message = format!(
                    "the heat bath of stage {number} has no distribution for beta = {}: expected 0 or more",
                    action.beta
                );
                return Err(tables.fail_key(&["action", "beta"], &message));
            }
        }
        Ok(())
    }

    /// An error of a key of a table, shown with its line.
    pub(crate) fn fail_key(&self, path: &[&str], message: &str) -> DriverError {
        self.fail(|tables| tables.fail_key(path, message))
    }

    /// An error of a key of a stage, shown with its line.
    pub(crate) fn fail_in_stage(&self, number: usize, key: &str, message: &str) -> DriverError {
        self.fail(|tables| tables.fail_in_stage(number, key, message))
    }

    /// An error that the tables show; the text was read before.
    fn fail(&self, shown: impl FnOnce(&Tables<'_>) -> DriverError) -> DriverError {
        Tables::parse(&self.text, &self.path).map_or_else(|error| error, |tables| shown(&tables))
    }

    /// An error at a place in the text.
    pub(crate) fn fail_at(&self, span: Range<usize>, message: &str) -> DriverError {
        at_line(&self.path, &self.text, span, message)
    }

    /// The run file's folder, where the paths in it that name plugins and their files begin.
    pub fn folder(&self) -> PathBuf {
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        path.parent().map(Path::to_path_buf).unwrap_or_default()
    }

    /// Random numbers of the run.
    pub fn seed(&self) -> u64 {
        self.run.seed.unwrap_or_default()
    }

    /// The run directory, with `{input}` replaced.
    pub fn directory(&self) -> PathBuf {
        let stem = self.start.file.as_deref().and_then(Path::file_stem).unwrap_or_default();
        self.run.directory.to_string_lossy().replace("{input}", &stem.to_string_lossy()).into()
    }

    /// SHA-256 of everything in the file that decides the results: without comments, `[machine]`, `[scan]` (a run has one
    /// of its values), the directory, and how often to make checkpoints. The start file counts by its contents, so its path is left out.
    pub fn hash(&self) -> String {
        let keys = [("run", &["directory", "checkpoint_seconds"][..]), ("start", &["file"])];
        document_hash(&self.text, &["machine", "scan"], &keys)
    }
}

/// Which file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// For `gaugelink run`: with `[[stage]]`s.
    Run,
    /// For `gaugelink solve`: with `[solve]`.
    Solve,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[run]
seed = 1
directory = "runs/x"

[lattice]
group = "SU(3)"
extents = [4, 4, 4, 4]

[action]
beta = 6.0

[[stage]]
kind = "heatbath"
sweeps = 10

[[stage]]
kind = "hmc"
trajectories = 5
steps = 10
"#;

    fn parse(text: &str, overrides: &[&str]) -> Result<RunFile, DriverError> {
        let overrides: Vec<String> = overrides.iter().map(|s| s.to_string()).collect();
        RunFile::parse(text, Path::new("test.toml"), FileKind::Run, &overrides)
    }

    fn message(text: &str) -> String {
        parse(text, &[]).unwrap_err().to_string()
    }

    #[test]
    fn a_good_file_is_read_and_can_be_overridden() {
        let file = parse(GOOD, &[]).unwrap();
        assert_eq!(
            (file.stages.len(), file.action, file.run.seed),
            (2, Some(ActionTable { kind: ActionKind::Wilson, beta: 6.0, c1: None }), Some(1))
        );
        let changed = parse(
            GOOD,
            &["action.beta=5.7", "stage.1.integrator=leapfrog", "stage.0.sweeps=3", "machine.threads=2"],
        );
        let changed = changed.unwrap();
        assert_eq!((changed.action.unwrap().beta, changed.machine.threads), (5.7, 2));
        assert!(matches!(&changed.stages[0], Stage::Heatbath(h) if h.sweeps == 3));
    }

    #[test]
    fn actions_have_their_coefficients() {
        let rectangles = |set: &[&str]| parse(GOOD, set).unwrap().action.unwrap().rectangles();
        assert_eq!(rectangles(&[]), None);
        assert_eq!(rectangles(&["action.kind=symanzik"]), Some(-1.0 / 12.0));
        assert_eq!(rectangles(&["action.kind=iwasaki"]), Some(-0.331));
        assert_eq!(rectangles(&["action.kind=improved", "action.c1=-0.2"]), Some(-0.2));
        let refused = |set: &[&str]| parse(GOOD, set).unwrap_err().to_string();
        assert!(refused(&["action.kind=improved"]).contains("needs `c1`"));
        assert!(refused(&["action.c1=-0.2"]).contains("only with kind = \"improved\""));
        assert!(refused(&["action.kind=luscher"]).contains("iwasaki"));
    }

    #[test]
    fn the_hash_sees_physics_but_not_the_machine_or_comments() {
        let hash = |text: &str, set: &[&str]| parse(text, set).unwrap().hash();
        let base = hash(GOOD, &[]);
        assert_eq!(base.len(), 64);
        assert_eq!(base, hash(&format!("# a comment\n{GOOD}"), &["machine.threads=2", "run.directory=b"]));
        assert_ne!(base, hash(GOOD, &["action.beta=6.1"]));
    }

    #[test]
    fn mistakes_name_the_line_the_key_and_what_was_expected() {
        let unknown = message(&GOOD.replace("sweeps = 10", "sweps = 10"));
        assert!(
            unknown.contains("line 15") && unknown.contains("`sweps`") && unknown.contains("`sweeps`"),
            "{unknown}"
        );
        let missing = message(&GOOD.replace("beta = 6.0", ""));
        assert!(missing.contains("line 10") && missing.contains("missing field `beta`"), "{missing}");
        let kind = message(&GOOD.replace("\"hmc\"", "\"hcm\""));
        assert!(kind.contains("line 18") && kind.contains("hcm") && kind.contains("heatbath"), "{kind}");
        let group = message(&GOOD.replace("SU(3)", "SU(9)"));
        assert!(group.contains("line 7") && group.contains("SU(9)") && group.contains("SU(2)"), "{group}");
        let table = message(&format!("{GOOD}\n[actoin]\nbeta = 1"));
        assert!(table.contains("actoin") && table.contains("action"), "{table}");
        let none = message(&GOOD.replace("[action]\nbeta = 6.0", ""));
        assert!(none.contains("[action]"), "{none}");
        let kindless = message(&GOOD.replace("kind = \"hmc\"", ""));
        assert!(kindless.contains("needs a `kind`"), "{kindless}");
        let syntax = message("[run\nseed=1");
        assert!(syntax.contains("line 1"), "{syntax}");
        let stages = message(&GOOD.replace("[[stage]]", "[stage]"));
        assert!(stages.contains("line 17") && stages.contains("write each as [[stage]]"), "{stages}");
        let large = message(&GOOD.replace("seed = 1", "seed = 99999999999999999999999"));
        assert!(large.contains("line 3") && large.contains("from 0 to 2^64 - 1"), "{large}");
        let range = message(&GOOD.replace("steps = 10", "steps = 0"));
        assert!(range.contains("line") && range.contains("at least 1"), "{range}");
    }

    #[test]
    fn a_wrong_override_is_refused() {
        for bad in [
            "action.beta",
            "=3",
            "stage.7.sweeps=1",
            "action.beta.x=1",
            "action.beta=1e400",
            "run.seed=99999999999999999999",
        ] {
            let error = parse(GOOD, &[bad]).unwrap_err().to_string();
            assert!(error.contains("--set"), "{bad}: {error}");
        }
    }
}
