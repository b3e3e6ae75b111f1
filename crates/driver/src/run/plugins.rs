//! The plugins of a run: opened and identified before it begins, made into objects where a stage needs them.

use crate::config::{PluginTable, Role, RunFile, Stage};
use crate::error::DriverError;
use crate::hash::sha256_hex;
use crate::links::in_the_group;
use crate::report::aside;
use gaugelink_host::adapt::{FlowPlugin, ForcePlugin, PrecondPlugin, ProposalPlugin, Recipe};
use gaugelink_host::sdk::{Level, raw};
use gaugelink_host::{HostError, Plugin, Search, Services};
use gaugelink_lattice::{GaugeField, Lattice, Pool};
use gaugelink_physics::dirac::Wilson;
use gaugelink_sampler::transformation::{Transformation, TransformationError};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What decides the bits that a plugin computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub stage: usize,
    /// As in the run file: "flow", "force", ...
    pub role: String,
    pub plugin: String,
    pub version: String,
    pub component: String,
    pub component_version: String,
    /// Name of the plugin's file.
    pub file: String,
    pub sha256: String,
    /// Files that its configuration names, each with its SHA-256.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub files: Vec<(String, String)>,
}

/// The plugins of a run file, those of each stage.
pub(crate) struct Plugins {
    pool: Arc<Pool>,
    services: Services,
    folder: PathBuf,
    stages: Vec<Vec<Opened>>,
}

struct Opened {
    plugin: Plugin,
    /// TOML.
    config: String,
    identity: Identity,
}

impl Plugins {
    /// Finds and opens them all; objects work on the threads of the pool.
    ///
    /// # Errors
    /// [`DriverError::Config`] with the line of a plugin that cannot be found or does not have the component;
    /// [`DriverError::Input`] where a file is no plugin.
    pub fn open(file: &RunFile, pool: Arc<Pool>) -> Result<Self, DriverError> {
        let folder = file.folder();
        let open = |(number, stage): (usize, &Stage)| {
            let (role, tables) = stage.plugins();
            tables.iter().map(|table| open(file, &folder, number, stage, (role, table))).collect()
        };
        let stages = file.stages.iter().enumerate().map(open).collect::<Result<_, _>>()?;
        let log = |level: Level, target: &str, line: &str| {
            if matches!(level, Level::Warning | Level::Error) {
                aside(format_args!("{target}: {line}"));
            }
        };
        let services = Services::with(pool.clone(), Box::new(log), Box::new(|_, _, _| false));
        Ok(Self { services, pool, folder, stages })
    }

    /// The threads that they work on, those of a lattice in one piece as well.
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// What they are, in the order of the stages.
    pub fn identities(&self) -> Vec<Identity> {
        self.stages.iter().flatten().map(|opened| opened.identity.clone()).collect()
    }

    /// What the plugins of a stage are.
    pub fn identities_of(&self, stage: usize) -> impl Iterator<Item = &Identity> {
        self.stages[stage].iter().map(|opened| &opened.identity)
    }

    /// Makes every object once and maps unit links by every flow, so that what a plugin has against its configuration or
    /// the lattice is heard before the first update. Collective.
    ///
    /// # Errors
    /// [`DriverError::Config`] with the line for what the plugin refuses; [`DriverError::Input`] for what fails.
    pub fn check<const N: usize>(&self, file: &RunFile, lattice: &Arc<Lattice>) -> Result<(), DriverError> {
        for (number, stage) in file.stages.iter().enumerate() {
            let (role, tables) = stage.plugins();
            let Some(first) = tables.first() else { continue };
            let made = match stage {
                Stage::Solve(solve) => {
                    let links = GaugeField::<f64, N>::cold(lattice)?;
                    let boundary = solve.boundary.on(4);
                    let wilson = Wilson::new(&links, solve.mass(4), boundary)?.with_clover(solve.csw)?;
                    self.preconditioner(number, &wilson).map(drop)
                }
                _ if role == Role::Force => self.force::<N>(number, lattice).map(drop),
                _ if role == Role::Proposal => self.proposal::<N>(number, lattice).map(drop),
                _ => {
                    for (k, table) in tables.iter().enumerate() {
                        let tried = self.tried::<N>((number, k), lattice);
                        tried.map_err(|error| refused(file, table, number, stage, error))?;
                    }
                    Ok(())
                }
            };
            made.map_err(|error| refused(file, first, number, stage, error))?;
        }
        Ok(())
    }

    /// Maps unit links back and forth by flow `k` of a stage.
    fn tried<const N: usize>(
        &self,
        (stage, k): (usize, usize),
        lattice: &Arc<Lattice>,
    ) -> Result<(), HostError> {
        let mut flow = self.flow::<N>((stage, k), lattice)?;
        let field = || GaugeField::<f64, N>::cold(lattice).map_err(HostError::Lattice);
        let (unit, mut u, mut v) = (field()?, field()?, field()?);
        let mut log_det = vec![0.0; lattice.chains()];
        let refused = |reason| {
            let path = self.recipe((stage, k)).plugin.path().into();
            HostError::Refused { path, reason }
        };
        let heard = |error: TransformationError| match error.downcast::<HostError>() {
            Ok(error) => *error,
            Err(error) => refused(error.to_string()),
        };
        flow.inverse(&unit, &mut v, &mut log_det).map_err(heard)?;
        flow.forward(&v, &mut u, &mut log_det).map_err(heard)?;
        in_the_group(&u, "flow").map_err(refused)?;
        match log_det.iter().all(|log_det| log_det.is_finite()) {
            true => Ok(()),
            false => Err(refused("the log det of the flow is no number for unit links".into())),
        }
    }

    /// The flows of a stage.
    pub fn flows<const N: usize>(
        &self,
        stage: usize,
        lattice: &Arc<Lattice>,
    ) -> Result<Vec<FlowPlugin<'_, N>>, HostError> {
        (0..self.stages[stage].len()).map(|k| self.flow((stage, k), lattice)).collect()
    }

    /// Flow `k` of a stage.
    pub fn flow<const N: usize>(
        &self,
        (stage, k): (usize, usize),
        lattice: &Arc<Lattice>,
    ) -> Result<FlowPlugin<'_, N>, HostError> {
        FlowPlugin::create(&self.recipe((stage, k)), &self.services, lattice)
    }

    /// The force of a stage.
    pub fn force<const N: usize>(
        &self,
        stage: usize,
        lattice: &Arc<Lattice>,
    ) -> Result<ForcePlugin<'_, N>, HostError> {
        ForcePlugin::create(&self.recipe((stage, 0)), &self.services, lattice)
    }

    /// The proposals of a stage.
    pub fn proposal<const N: usize>(
        &self,
        stage: usize,
        lattice: &Arc<Lattice>,
    ) -> Result<ProposalPlugin<'_, N>, HostError> {
        ProposalPlugin::create(&self.recipe((stage, 0)), &self.services, lattice)
    }

    /// The preconditioner of a stage, set up for an operator.
    pub fn preconditioner<'a, const N: usize>(
        &'a self,
        stage: usize,
        wilson: &Wilson<'a, f64, N>,
    ) -> Result<PrecondPlugin<'a, N>, HostError> {
        PrecondPlugin::create(&self.recipe((stage, 0)), &self.services, wilson)
    }

    /// Plugin `k` of a stage.
    fn recipe(&self, (stage, k): (usize, usize)) -> Recipe<'_> {
        let opened = &self.stages[stage][k];
        Recipe {
            plugin: &opened.plugin,
            component: &opened.identity.component,
            config: &opened.config,
            base_dir: &self.folder,
        }
    }
}

fn open(
    file: &RunFile,
    folder: &Path,
    number: usize,
    stage: &Stage,
    (role, table): (Role, &PluginTable),
) -> Result<Opened, DriverError> {
    let fail = |error| refused(file, table, number, stage, error);
    let name = table.plugin.get_ref();
    let path = match Path::new(name).components().count() {
        1 => Search::new(&[]).find(name),
        _ => Search::new(&[]).find(&folder.join(name).to_string_lossy()),
    };
    let path = path.map_err(fail)?;
    let plugin = Plugin::open(&path).map_err(fail)?;
    let component = component(&plugin, role, table.component.as_deref())
        .map_err(|message| file.fail_at(table.plugin.span(), &format!("{}: {message}", path.display())))?;
    let info = plugin.component(&component).map_err(fail)?;
    let ranks: usize = file.machine.ranks.iter().product();
    if ranks > 1 && info.caps & raw::GLK_CAP_MULTI_RANK == 0 {
        let message = format!("{component} works on one rank only: leave out machine.ranks, threads remain");
        return Err(file.fail_at(table.plugin.span(), &message));
    }
    let identity = Identity {
        stage: number,
        role: role.name().into(),
        plugin: plugin.id(),
        version: plugin.version(),
        component_version: info.version.clone(),
        component,
        file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        sha256: sha256(&path)?,
        files: files(&toml::Value::Table(table.config.clone()), folder)?,
    };
    let config = toml::to_string(&table.config).map_err(|error| DriverError::Input(error.to_string()))?;
    Ok(Opened { plugin, config, identity })
}

/// The component that a run file means.
fn component(plugin: &Plugin, role: Role, id: Option<&str>) -> Result<String, String> {
    let fitting = plugin.components().iter().filter(|info| info.interface == role.interface());
    let ids: Vec<&str> = fitting.map(|info| info.id.as_str()).collect();
    let role = role.name();
    match (id, &ids[..]) {
        (_, []) => Err(format!("has no {role}: `gaugelink plugin list` shows what plugins have")),
        (Some(id), ids) if ids.contains(&id) => Ok(id.into()),
        (Some(id), ids) => Err(format!("has no {role} `{id}`, expected one of {}", ids.join(", "))),
        (None, [one]) => Ok((*one).into()),
        (None, ids) => {
            Err(format!("has several of the kind {role}: say component = one of {}", ids.join(", ")))
        }
    }
}

/// What a plugin said against its use: the user's mistake where the run file can mend it.
fn refused(
    file: &RunFile,
    table: &PluginTable,
    number: usize,
    stage: &Stage,
    error: HostError,
) -> DriverError {
    let answers = [raw::GLK_INVALID_ARG, raw::GLK_NOT_FOUND, raw::GLK_UNSUPPORTED];
    let mistake = match &error {
        HostError::Missing { .. } | HostError::NoFile { .. } => true,
        HostError::Call { error, .. } => answers.contains(&error.code),
        _ => false,
    };
    if mistake {
        return file.fail_at(table.plugin.span(), &error.to_string());
    }
    DriverError::Input(format!("stage {number} ({}): {error}", stage.kind()))
}

/// The files that strings of a configuration name: results depend on what is in them.
fn files(config: &toml::Value, folder: &Path) -> Result<Vec<(String, String)>, DriverError> {
    let parts: Vec<&toml::Value> = match config {
        toml::Value::String(name) => {
            let path = folder.join(name);
            let named = !name.is_empty() && path.is_file();
            return if named { Ok(vec![(name.clone(), sha256(&path)?)]) } else { Ok(Vec::new()) };
        }
        toml::Value::Table(table) => table.values().collect(),
        toml::Value::Array(array) => array.iter().collect(),
        _ => Vec::new(),
    };
    let found: Result<Vec<_>, _> = parts.into_iter().map(|part| files(part, folder)).collect();
    Ok(found?.concat())
}

fn sha256(path: &Path) -> Result<String, DriverError> {
    let bytes = std::fs::read(path).map_err(|source| DriverError::Io {
        action: "read",
        path: path.into(),
        source,
    })?;
    Ok(sha256_hex(&bytes))
}
