//! `gaugelink reproduce`: draws of a flow as files, the same bytes wherever they are drawn.

use super::model::{Volume, read, volume};
use crate::claims::stated_extents;
use crate::error::DriverError;
use crate::hash::sha256_hex;
use crate::progress;
use crate::report::Report;
use crate::signals::stop_flag;
use clap::Args;
use gaugelink_lattice::file::{FileText, WriteOptions, write_as};
use gaugelink_lattice::group::group_name;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LaneMeaning, Lattice, LatticeOptions};
use gaugelink_models::file::SCALAR;
use gaugelink_models::{Flow, Model};
use gaugelink_physics::observable::{link_trace, plaquette};
use gaugelink_sampler::mixture::Mixture;
use lime_rs::{Error, FileFormat, GaugeFile, Precision, TextRecord};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Of `reproduce`.
#[derive(Args, Debug)]
pub(crate) struct ReproduceArgs {
    /// Model file of a flow
    pub model: PathBuf,
    /// Seed: with the model, the extents and its number, it decides every bit of a draw
    #[arg(long)]
    pub seed: u64,
    /// How many draws
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub count: u64,
    /// Number of the first draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub first: u64,
    /// Extents; without them those that the model was measured on
    #[arg(long, value_name = "XxYxZxT", value_parser = volume)]
    pub volume: Option<Volume>,
    /// Coupling, for a model of a range of couplings
    #[arg(long)]
    pub beta: Option<f64>,
    /// Folder for the files draw-NUMBER.lime (ILDG); a file that is there is compared, and never changed
    #[arg(long, value_name = "DIR")]
    pub folder: PathBuf,
    /// Threads; 0 takes all cores. They change no bit
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
    /// JSON lines on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

/// Draws that are made side by side: a draw's bits do not depend on the others.
const CHAINS: usize = 8;

/// Draws from the flow of a model file, and writes each draw or compares it with the file that is there.
/// After a signal the same command goes on: draws that are there are compared.
///
/// # Errors
/// [`DriverError::Input`] for a model that is no flow for these extents, and for a file that holds another draw; a signal;
/// [`DriverError`] where files cannot be read or written.
pub(crate) fn reproduce(args: &ReproduceArgs, report: &mut Report) -> Result<(), DriverError> {
    let model = read(&args.model)?;
    let extents = match &args.volume {
        Some(Volume(extents)) => extents.clone(),
        None => stated_extents(&model)?,
    };
    let model = match args.beta {
        Some(beta) => model.at(beta).map_err(|error| DriverError::Input(error.to_string()))?,
        None => model,
    };
    if model.header.theory.group == SCALAR {
        return Err(DriverError::Request(format!(
            "{}: draws are written as configurations of links, and the model is for a scalar: use a flow of links",
            args.model.display()
        )));
    }
    std::fs::create_dir_all(&args.folder).map_err(|source| DriverError::Io {
        action: "make the folder",
        path: args.folder.clone(),
        source,
    })?;
    match (1..=3).find(|&n| model.header.theory.group == group_name(n)) {
        Some(1) => draws::<1>(args, &model, &extents, report),
        Some(2) => draws::<2>(args, &model, &extents, report),
        _ => draws::<3>(args, &model, &extents, report),
    }
}

fn draws<const N: usize>(
    args: &ReproduceArgs,
    model: &Model,
    extents: &[usize],
    report: &mut Report,
) -> Result<(), DriverError> {
    let lanes = LaneMeaning::Batch { chains: CHAINS };
    let options = LatticeOptions { threads: args.threads, lanes, ..LatticeOptions::default() };
    let lattice = Lattice::new(extents, options)?;
    let failed =
        |error: &dyn std::fmt::Display| DriverError::Input(format!("{}: {error}", args.model.display()));
    let flow = Flow::<f64, N>::from_model(&lattice, model).map_err(|error| failed(&error))?;
    let mut mixture = Mixture::of_one(&lattice, flow)?;
    let mut u = GaugeField::<f64, N>::cold(&lattice)?;
    let mut log_q = [0.0; CHAINS];
    let bytes: Vec<u8> = model.parameters.iter().flat_map(|p| p.to_le_bytes()).collect();
    let parameters = sha256_hex(&bytes);
    let end = args.first.checked_add(args.count).ok_or_else(|| {
        DriverError::Request(format!(
            "draws {} and {} more: numbers go up to 2^64 - 1",
            args.first, args.count
        ))
    })?;
    let stop = stop_flag(&args.folder)?;
    let bar = progress::bar("draws", args.count);
    let (mut other, mut number) = (Vec::new(), args.first);
    while number < end {
        // Of whole groups, so that a draw is in the same lane whatever was asked for.
        let group = number - number % CHAINS as u64;
        let address = Address::new(args.seed, Purpose::Proposal).chain(group);
        mixture.draw(&mut u, &mut log_q, address).map_err(|error| failed(&error))?;
        let (plaquettes, traces) = (plaquette(&u), link_trace(&u));
        for chain in (number - group) as usize..CHAINS.min((end - group) as usize) {
            let name = format!("draw-{:06}.lime", group + chain as u64);
            let path = args.folder.join(&name);
            if stop.load(Ordering::Relaxed) {
                return Err(Error::Stopped.in_file(&path).into());
            }
            let record = json!({
                "program": "gaugelink",
                "version": env!("CARGO_PKG_VERSION"),
                "parameters_sha256": parameters,
                "seed": args.seed,
                "draw": group + chain as u64,
                "ln_q": log_q[chain],
            });
            let text = FileText {
                lfn: Some(format!("lfn://gaugelink/{}/{}/{name}", &parameters[..16], args.seed)),
                before: vec![TextRecord::new("xlf-info", format!("plaquette = {:.15}\n", plaquettes[chain]))],
                after: vec![TextRecord::new("gaugelink-provenance", format!("{record:#}\n"))],
                ..FileText::default()
            };
            let options = WriteOptions {
                plaquette: Some(plaquettes[chain]),
                link_trace: Some(traces[chain]),
                text: Some(&text),
                stop: Some(&stop),
                ..WriteOptions::new(FileFormat::Ildg, Precision::F64)
            };
            let there = path.symlink_metadata().is_ok();
            let target = if there { args.folder.join(format!(".{name}.again")) } else { path.clone() };
            let written = write_as(&target, &u, chain, &options);
            let same = if there { Some(compared(&path, &target)) } else { None };
            let [suma, sumb] = written?.scidac.hexadecimal();
            let state = match same.transpose()? {
                None => "written",
                Some(true) => "the same",
                Some(false) => "DIFFERENT",
            };
            if state == "DIFFERENT" {
                other.push(name.clone());
            }
            report.text(&format!(
                "{name}  checksum {suma} {sumb}  plaquette {:.12}  ln q {:.6}  {state}",
                plaquettes[chain], log_q[chain]
            ))?;
            let mut line = record;
            line["file"] = Value::from(path.display().to_string());
            line["suma"] = suma.into();
            line["sumb"] = sumb.into();
            line["plaquette"] = plaquettes[chain].into();
            line["state"] = state.into();
            report.record(&line)?;
            bar.inc(1);
        }
        number = (group + CHAINS as u64).min(end);
    }
    bar.finish_and_clear();
    if other.is_empty() {
        return Ok(());
    }
    Err(DriverError::Input(format!(
        "{} of {} files hold other links than these draws: {}; they are as they were. Another model, seed or lattice made them, or \
         they are damaged",
        other.len(),
        args.count,
        other.join(", ")
    )))
}

/// Whether two files have the same links; the second one is removed.
fn compared(there: &Path, again: &Path) -> Result<bool, DriverError> {
    let sums = |path: &Path| -> Result<_, DriverError> {
        Ok(GaugeFile::open_as(path, None, None)?.sums(false)?.scidac)
    };
    let result = sums(there).and_then(|old| Ok(old == sums(again)?));
    // What is left behind is hidden, and replaced the next time.
    let _ = std::fs::remove_file(again);
    result
}
