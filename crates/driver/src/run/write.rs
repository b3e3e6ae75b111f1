//! The configurations at hand as files, read again to be sure.

use super::engine::Engine;
use super::line::{Line, Write};
use crate::config::{ENSEMBLE, FormatName, WriteStage, WriteTable};
use crate::error::DriverError;
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::comm::Comm;
use gaugelink_lattice::file::{FileText, WriteOptions, read, write_as};
use gaugelink_physics::observable;
use lime_rs::{FileFormat, GaugeFile, Precision, TextRecord};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

impl<const N: usize> Engine<'_, N> {
    pub(super) fn write(&mut self, stage: &WriteStage) -> Result<(), DriverError> {
        let lines = self.files(&self.u, stage, None)?;
        self.log(&lines)
    }

    /// How the links after the last update are written, where they are to be part of an ensemble.
    pub(super) fn due_files(&self) -> Option<WriteStage> {
        let stage = &self.setting.file.stages[self.state.stage];
        let due = |table: &&WriteTable| table.is_due(self.state.done, stage.thermalisation());
        stage.ensemble().filter(due).map(WriteTable::stage)
    }

    /// Each chain's links in a file of its own, with the number of the last update in its name where one is given. Collective.
    pub(super) fn files(
        &self,
        u: &GaugeField<f64, N>,
        stage: &WriteStage,
        number: Option<u64>,
    ) -> Result<Vec<Line>, DriverError> {
        let (directory, chains) = (self.setting.directory, u.lattice().chains());
        let (plaquettes, traces) = (observable::plaquette(u), observable::link_trace(u));
        let (FormatName(format), precision) = (stage.format, Precision::from(stage.precision));
        let rounding = if precision == Precision::F64 { 0.0 } else { 1e-6 };
        if number.is_some() {
            directory.make_folder(ENSEMBLE)?;
        }
        let write = |chain: usize| {
            let plaquette = plaquettes[chain];
            let name = file_of(&stage.file, chain, chains);
            let name = number.map_or(name.clone(), |number| numbered(&name, number));
            let own = directory.file(&name);
            // One of an ensemble that is there was written before a restart, or is somebody else's: nothing replaces it.
            let there = number.is_some() && own.exists();
            let path = if there { beside(&own) } else { own.clone() };
            let name = name.to_string_lossy().into_owned();
            let lfn = stage.lfn.as_ref().map(|lfn| {
                let chain = if chains == 1 { String::new() } else { format!("-{chain}") };
                let number = number.map_or(String::new(), |number| format!(".{number:05}"));
                format!("{lfn}{chain}{number}")
            });
            let text = self.text(lfn, &name, chain, plaquette);
            let options = WriteOptions {
                plaquette: Some(plaquette),
                link_trace: Some(traces[chain]),
                text: Some(&text),
                ..WriteOptions::new(format, precision)
            };
            let sums = write_as(&path, u, chain, &options)?;
            // Ranks that share units of openQCD's sum them up in reading only.
            let (sum, verified) = if stage.verify {
                let mut back = GaugeField::<f64, N>::cold(u.lattice())?;
                let found = read(&GaugeFile::open_as(&path, Some(format), None)?, &mut back, chain)?;
                let same = (observable::plaquette(&back)[chain] - plaquette).abs() <= rounding;
                let whole = found.stored.is_none() || found.computed == sums.checksum();
                (found.scidac, Some(!found.is_bad() && whole && same))
            } else if format == FileFormat::OpenQcd {
                (GaugeFile::open_as(&path, Some(format), None)?.sums(false)?.scidac, None)
            } else {
                (sums.scidac, None)
            };
            if verified == Some(false) {
                return Err(DriverError::Input(format!(
                    "{}: what was read back is not what was written: the disk or its driver is at fault; write to \
                     another one",
                    path.display()
                )));
            }
            if there {
                is_the_same(&own, &path, u.lattice().comm())?;
            }
            let [suma, sumb] = sum.hexadecimal();
            Ok(Line::Write(Write {
                stage: self.state.stage,
                chain,
                file: name,
                plaquette,
                suma,
                sumb,
                verified,
            }))
        };
        (0..chains).map(write).collect()
    }

    /// Records of a configuration: nothing in them depends on where or when the run was made.
    fn text(&self, lfn: Option<String>, name: &str, chain: usize, plaquette: f64) -> FileText {
        let (provenance, updates) = (&self.state.provenance, self.state.updates);
        let action = self.setting.file.action.map_or(String::new(), |action| {
            let c1 = action.rectangles().map_or(String::new(), |c1| format!(", c1 = {c1}"));
            format!(", beta = {}{c1}", action.beta)
        });
        let info = format!(
            "plaquette = {plaquette:.15}\n trajectory nr = {updates}{action}, gaugelink_version = {}\n",
            provenance.version
        );
        FileText {
            lfn: Some(
                lfn.unwrap_or_else(|| {
                    format!("lfn://gaugelink/{}/{name}", &provenance.run_file_sha256[..16])
                }),
            ),
            before: vec![TextRecord::new("xlf-info", info)],
            after: vec![provenance.record(chain, updates)],
            ..FileText::default()
        }
    }
}

/// The file of a chain: of `conf.lime`, `conf-2.lime` for chain 2 where there are several.
pub(super) fn file_of(file: &Path, chain: usize, chains: usize) -> PathBuf {
    if chains == 1 { file.to_owned() } else { with_suffix(file, &format!("-{chain}")) }
}

/// The file of an ensemble, in its folder: of `conf.lime`, `conf.00120.lime` after 120 updates.
fn numbered(file: &Path, update: u64) -> PathBuf {
    Path::new(ENSEMBLE).join(with_suffix(file, &format!(".{update:05}")))
}

/// A temporary file in the folder of a configuration.
fn beside(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.second.tmp"))
}

/// Refuses to go on where a configuration that is there is not the one just written again; the second one is removed.
/// Collective.
fn is_the_same(first: &Path, second: &Path, comm: &dyn Comm) -> Result<(), DriverError> {
    let read = |path: &Path| std::fs::File::open(path).map(BufReader::new);
    let same = read(first).and_then(|first| {
        let second = read(second)?;
        let mut pairs = first.bytes().zip(second.bytes());
        pairs.try_fold(true, |same, (a, b)| Ok(same && a? == b?))
    });
    let lengths = [first, second].map(|path| path.metadata().map(|file| file.len()).ok());
    comm.barrier();
    if comm.rank() == 0 {
        // A temporary file that stays is removed when the run begins the next time.
        let _ = std::fs::remove_file(second);
    }
    match same {
        Ok(same) if same && lengths[0] == lengths[1] => Ok(()),
        Ok(_) => Err(DriverError::Input(format!(
            "{}: it is there and not what this run writes: no configuration is replaced; move it away",
            first.display()
        ))),
        Err(source) => Err(DriverError::Io { action: "compare", path: first.into(), source }),
    }
}

/// The name with a suffix before its extension.
fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let extension = file.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
    file.with_file_name(format!("{stem}{suffix}{extension}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_the_number_of_chain_and_update() {
        let conf = Path::new("conf.lime");
        assert_eq!(file_of(conf, 0, 1), conf);
        assert_eq!(file_of(conf, 2, 8), Path::new("conf-2.lime"));
        assert_eq!(numbered(conf, 120), Path::new("ensemble/conf.00120.lime"));
        assert_eq!(numbered(&file_of(conf, 2, 8), 120), Path::new("ensemble/conf-2.00120.lime"));
        assert_eq!(numbered(Path::new("ckpoint_lat"), 1234567), Path::new("ensemble/ckpoint_lat.1234567"));
    }
}
