//! Files for `gaugelink train`.

use super::model::{ModelName, ModelTable};
use super::train_tables::{BlockFitTable, ChainTable, DataTable, TrainRunTable, TrainTable};
use super::{
    ActionKind, ActionTable, Determinant, FermionsTable, LatticeTable, MachineTable, Tables, with_overrides,
};
use crate::error::DriverError;
use crate::hash::document_hash;
use gaugelink_lattice::Geometry;
use gaugelink_physics::dirac::Quark;
use gaugelink_train::Estimator;
use std::path::Path;

/// A training file, read and checked.
#[derive(Debug, Clone)]
pub struct TrainFile {
    /// Seed, directory.
    pub run: TrainRunTable,
    /// Group and extents.
    pub lattice: LatticeTable,
    /// The action whose weight is learned.
    pub action: ActionTable,
    /// Two flavours of quarks in it, by their determinant.
    pub fermions: Option<FermionsTable>,
    /// The architecture.
    pub model: ModelTable,
    /// First parameters of block layers, each layer fitted by itself.
    pub fit: Option<BlockFitTable>,
    /// Configurations to learn from.
    pub data: Option<DataTable>,
    /// The optimiser.
    pub train: TrainTable,
    /// The Markov chain afterwards.
    pub chain: ChainTable,
    /// Threads: changes no result.
    pub machine: MachineTable,
    /// The text that all of this was read from, overrides included.
    pub text: String,
}

impl TrainFile {
    /// Reads the text of such a file; `path` is only for messages.
    ///
    /// # Errors
    /// [`DriverError::Config`] with line, key and what was expected.
    pub fn parse(text: &str, path: &Path, overrides: &[String]) -> Result<Self, DriverError> {
        let text = with_overrides(text, path, overrides)?;
        let tables = Tables::parse(&text, path)?;
        let known =
            ["run", "lattice", "action", "fermions", "model", "fit", "data", "train", "chain", "machine"];
        tables.no_other_than(&known)?;
        let file = Self {
            run: tables.required("run")?,
            lattice: tables.required("lattice")?,
            action: tables.required("action")?,
            fermions: tables.optional("fermions")?,
            model: tables.required("model")?,
            fit: tables.optional("fit")?,
            data: tables.optional("data")?,
            train: tables.required("train")?,
            chain: tables.optional("chain")?.unwrap_or_else(ChainTable::none),
            machine: tables.optional("machine")?.unwrap_or_default(),
            text: text.clone(),
        };
        file.check(&tables)?;
        Ok(file)
    }

    /// What no table can tell alone.
    fn check(&self, tables: &Tables<'_>) -> Result<(), DriverError> {
        let (group, dims) = (self.lattice.group.0, self.lattice.extents.len());
        if let Some(problem) = self.model.problem_of(group, dims) {
            return Err(tables.fail_in("lattice", &problem));
        }
        if let Some(problem) = self.model.problem(&self.lattice.extents) {
            return Err(tables.fail_in("model", &problem));
        }
        if self.train.estimator != Estimator::Reparametrised && !self.model.has_score() {
            let message = "these layers have no score, which this estimator needs: leave `estimator` out";
            return Err(tables.fail_key(&["train", "estimator"], message));
        }
        if let Err(error) = Geometry::new(&self.lattice.extents, &[], 0) {
            return Err(tables.fail_key(&["lattice", "extents"], &error.to_string()));
        }
        if self.action.kind != ActionKind::Wilson {
            return Err(tables.fail_in("action", "trainings are for kind = \"wilson\""));
        }
        if let Some((key, problem)) = self.fermions_problem() {
            return Err(tables.fail_key(&["fermions", key], &problem));
        }
        if self.train.steps == 0 && self.fit.is_none() {
            return Err(tables.fail_key(
                &["train", "steps"],
                "`steps` = 0, expected at least 1 where there is no `[fit]`",
            ));
        }
        if let Some(fit) = &self.fit {
            self.check_fit(fit, tables)?;
        }
        if let Some(data) = &self.data {
            data.check(self.train.steps, tables)?;
            if !self.model.has_score() {
                let message =
                    "these layers have no score, which the forward divergence needs: leave `[data]` out";
                return Err(tables.fail_in("data", message));
            }
        }
        self.train.check_counts(tables)?;
        self.chain.check(tables)?;
        self.machine.check_training(tables)
    }

    fn check_fit(&self, fit: &BlockFitTable, tables: &Tables<'_>) -> Result<(), DriverError> {
        if !matches!(self.model.kind, ModelName::U1Block) {
            return Err(tables.fail_in("fit", "`[fit]` is for kind = \"u1-block\" and for loop flows"));
        }
        if self.train.start.is_some() {
            return Err(
                tables.fail_key(&["train", "start"], "a training begins with `[fit]` or with `start`")
            );
        }
        if fit.points < 32 || !fit.points.is_multiple_of(16) || fit.points > TrainTable::LARGEST_BATCH {
            let (points, most) = (fit.points, TrainTable::LARGEST_BATCH);
            let message = format!("`points` = {points} is no multiple of 16 from 32 to {most}");
            return Err(tables.fail_in("fit", &message));
        }
        if fit.betas.is_some() && (self.model.couplings > 0 || self.fermions.is_some() || fit.beta.is_some())
        {
            let message = "`betas` are for blocks alone, without `couplings`, `beta` and [fermions]";
            return Err(tables.fail_key(&["fit", "betas"], message));
        }
        if let Some(problem) = fit.range_problem(self.action.beta, self.train.steps) {
            return Err(tables.fail_in("fit", &problem));
        }
        Ok(())
    }

    /// The key of `[fermions]` that is at fault, and what is wrong with it.
    fn fermions_problem(&self) -> Option<(&'static str, String)> {
        let (fermions, extents) = (self.fermions.as_ref()?, &self.lattice.extents);
        let bipartite = extents.iter().all(|l| l.is_multiple_of(2));
        let of_lattice = || fermions.problem_on(self.lattice.group.0, extents, bipartite);
        let problem = fermions.problem(Some(extents.len())).or_else(of_lattice);
        let problem = problem.or_else(|| {
            (extents.len() != 2).then(|| ("", "quarks are for trainings in two dimensions".into()))
        });
        let twisted =
            || fermions.is_twisted().then(|| ("boundary", "model files tell signs alone: 1 or -1".into()));
        problem.or_else(twisted).or_else(|| {
            let exact = fermions.determinant == Determinant::Exact;
            let what =
                "a training weighs configurations with the determinant itself: determinant = \"exact\"";
            (!exact).then(|| ("determinant", what.into()))
        })
    }

    /// The quarks in the action.
    pub fn quark(&self) -> Option<Quark> {
        self.fermions.as_ref().map(|fermions| fermions.quark(self.lattice.extents.len()))
    }

    /// SHA-256 of everything in the file that decides the results.
    pub fn hash(&self) -> String {
        self.hash_without(&["machine"])
    }

    /// The same of what decides the model, which is all but the chain afterwards.
    pub fn training_hash(&self) -> String {
        self.hash_without(&["machine", "chain"])
    }

    fn hash_without(&self, tables: &[&str]) -> String {
        // The first model and the data count by their contents.
        let left_out = [
            ("run", &["directory", "checkpoint_seconds"][..]),
            ("train", &["start"][..]),
            ("data", &["files"][..]),
        ];
        document_hash(&self.text, tables, &left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_models::layers::{CircleMap, CouplingContext, CouplingSettings};

    const GOOD: &str = r#"
[run]
seed = 1
directory = "runs/x"
[lattice]
group = "U(1)"
extents = [8, 8]
[action]
beta = 2.0
[model]
kind = "u1-coupling"
layers = 16
[train]
steps = 10
learning_rate = 1e-3
"#;

    fn parse(set: &[&str]) -> Result<TrainFile, String> {
        let set: Vec<String> = set.iter().map(|s| s.to_string()).collect();
        TrainFile::parse(GOOD, Path::new("t.toml"), &set).map_err(|e| e.to_string())
    }

    #[test]
    fn a_good_file_is_read_and_its_hash_sees_what_counts() {
        let file = parse(&[]).unwrap();
        assert_eq!((file.model.coupling(), file.train.batch), (CouplingSettings::mixture(2), 1024));
        assert_eq!((file.train.estimator, file.chain.updates), (Estimator::Reparametrised, 0));
        let spline = parse(&["model.map=spline", "model.context=loops", "model.hidden=16"]).unwrap();
        let map = CircleMap::Spline { bins: 8 };
        let settings = CouplingSettings { map, context: CouplingContext::Loops, hidden: 16 };
        assert_eq!(spline.model.coupling(), settings);
        assert_eq!(file.hash(), parse(&["machine.threads=2", "run.directory=y"]).unwrap().hash());
        assert_ne!(file.hash(), parse(&["train.steps=11"]).unwrap().hash());
        let longer = parse(&["chain.updates=9"]).unwrap();
        assert!(file.hash() != longer.hash() && file.training_hash() == longer.training_hash());
        let from = |path: &str| parse(&[&format!("train.start={path}")]).unwrap().training_hash();
        assert_eq!(from("a.safetensors"), from("b.safetensors"));
        for counts in [
            "model.hidden=16",
            "train.beta_from=1.0",
            "lattice.extents=[8,12]",
            "model.layers=8",
            "action.beta=2.1",
            "run.seed=2",
        ] {
            assert_ne!(file.training_hash(), parse(&[counts]).unwrap().training_hash(), "{counts}");
        }
    }

    /// Holds that a file is refused, with this word and the line.
    fn refused(set: &str, word: &str, file: Result<TrainFile, String>) {
        let message = file.unwrap_err();
        assert!(message.contains(word) && message.contains("line"), "{set}: {message}");
    }

    #[test]
    fn what_cannot_be_trained_is_refused() {
        for (set, word) in [
            ("lattice.group=SU(2)", "is for U(1) in two dimensions, not for SU(2) in 2"),
            ("lattice.extents=[8,8,8]", "two dimensions"),
            ("lattice.extents=[8,6]", "multiples of 4"),
            ("lattice.extents=[0,8]", "multiples of 4"),
            ("lattice.extents=[8,-8]", "expected a whole number from 0 on"),
            ("lattice.extents=[4000000,4000000]", "2^40 sites"),
            ("run.directory=\"\"", "expected a path"),
            ("action.kind=iwasaki", "wilson"),
            ("train.batch=20", "multiple of 16"),
            ("train.batch=65552", "more than 65536"),
            ("train.steps=0", "at least 1"),
            ("train.learning_rate=-1.0", "positive"),
            ("train.schedule=linear", "cosine"),
            ("model.kind=spline", "u1-coupling"),
            ("model.layers=0", "expected 1 to 65536"),
            ("model.layers=65537", "expected 1 to 65536"),
            ("model.components=0", "expected 1 to 7"),
            ("model.components=8", "expected 1 to 7"),
            ("model.kind=u1-block", "16 halvings need extents that are multiples of [256, 256]"),
            ("model.map=circle", "spline"),
            ("model.bins=4", "map = \"spline\""),
            ("model.context=rectangles", "loops"),
            ("model.hidden=12", "[8, 16, 24, 32]"),
            ("train.estimator=reinforce", "path"),
            ("train.start=\"\"", "expected a path"),
            ("train.beta_from=0.0", "positive"),
            ("model.file=run.toml", "own files"),
            ("model.file=no/such/folder/a.safetensors", "plain file name"),
            ("model.file=..", "plain file name"),
            ("model.file=.", "plain file name"),
            ("fit.steps=5", "u1-block"),
            ("chain.thermalise=5", "`thermalise` leaves"),
            ("machine.ranks=[2,1]", "no ranks"),
            ("machine.pin=true", "not bound to cores"),
            ("machine.plans=x.toml", "no kernels with plans"),
            ("machine.threads=100000", "cores"),
        ] {
            let set: &[&str] = if set.starts_with("chain") { &["chain.updates=5", set] } else { &[set] };
            refused(set.last().unwrap(), word, parse(set));
        }
        let quarks = |set: &'static str| {
            parse(&[
                "fermions.kappa=0.25",
                "fermions.determinant=exact",
                "model.kind=u1-block",
                "model.layers=5",
                set,
            ])
        };
        let file = quarks("model.couplings=8").unwrap();
        assert_eq!((file.model.architecture().len(), file.quark().unwrap().mass), (13, 0.0));
        assert_eq!(
            file.model.initial_parameters::<1>(2, 1).len(),
            parse(&["model.kind=u1-block", "model.layers=5"])
                .unwrap()
                .model
                .initial_parameters::<1>(2, 1)
                .len()
                + file.model.initial_couplings(1).len()
        );
        for (set, word) in [
            ("fermions.determinant=pseudofermions", "determinant = \"exact\""),
            ("fermions.flavours=1", "one flavour is by pseudofermions"),
            ("fermions.csw=1.0", "clover term is for 4 dimensions"),
            ("fermions.boundary=[1, { theta = 0.5 }]", "signs alone"),
            ("lattice.extents=[64,64]", "1536 at most"),
            ("fit.betas=[1.0,3.0]", "without `couplings`"),
        ] {
            refused(set, word, quarks(set));
        }
        let message = parse(&["model.couplings=8"]).unwrap_err();
        assert!(message.contains("`layers` counts them"), "{message}");
        let blocks = |set: &'static str| parse(&["model.kind=u1-block", "model.layers=5", set]);
        assert_eq!(blocks("model.bins=4").unwrap().model.architecture().len(), 5);
        for (set, word) in [
            ("model.layers=21", "up to 20"),
            ("model.layers=7", "multiples of [16, 8]"),
            ("model.map=spline", "`map` is a key of coupling layers"),
            ("model.context=loops", "`context` is a key"),
            ("model.components=2", "`components` is a key"),
            ("fit.points=40", "multiple of 16 from 32"),
            ("fit.steps=0", "at least 1"),
            ("fit.betas=[1.0,3.0]", "`steps` = 0 of [train]"),
            ("fit.betas=[3.0,1.0]", "lesser one first"),
            ("fit.betas=[3.0,4.0]", "outside of `betas`"),
            ("fit.betas=[0.0,4.0]", "above 0"),
        ] {
            refused(set, word, blocks(set));
        }
        assert!(parse(&["model.components=7", "model.layers=65536", "lattice.extents=[4,12]"]).is_ok());
        let spectral = |set: &'static str| parse(&["model.kind=spectral", "lattice.group=SU(3)", set]);
        assert_eq!(spectral("model.bins=4").unwrap().model.initial_parameters::<3>(2, 1).len() % 16, 0);
        for (set, word) in [
            ("lattice.group=U(1)", "is for SU(2) and SU(3) in two dimensions, not for U(1) in 2"),
            ("lattice.extents=[8,8,8,8]", "not for SU(3) in 4"),
            ("lattice.extents=[8,6]", "multiples of 4"),
            ("model.map=spline", "`map` is a key of coupling layers of U(1)"),
            ("model.components=2", "`components` is a key of coupling"),
            ("model.sharing=one", "kind = \"residual\""),
            ("model.couplings=8", "here `layers` counts them"),
            ("fit.steps=5", "u1-block"),
        ] {
            refused(set, word, spectral(set));
        }
        let residual = |set: &'static str| {
            let of = ["lattice.extents=[4,4,4,4]", "lattice.group=SU(3)", "model.kind=residual"];
            parse(&[&of[..], &[set]].concat())
        };
        assert_eq!(
            residual("model.bound=0.5").unwrap().model.initial_parameters::<3>(4, 1),
            vec![0.0; 16 * 6]
        );
        for (set, word) in [
            ("lattice.extents=[4,4,5]", "even extents"),
            ("lattice.extents=[8]", "two to four dimensions"),
            ("model.hidden=8", "`hidden` is a key of layers with nets"),
            ("model.bins=4", "`bins` is a key of layers with splines"),
            ("model.bound=1.0", "between 0 and 1"),
            ("model.sharing=two", "per-staple"),
            ("train.estimator=path", "no score"),
            ("data.files=[\"x\"]", "forward divergence needs"),
            ("fermions.kappa=0.1", "two dimensions"),
        ] {
            refused(set, word, residual(set));
        }
    }
}
