//! `gaugelink ildg verify`: reads every byte and every link, and says whether the file is sound.

use super::logical::{self, Found, LogicalLine, Records};
use crate::cli::{FileArgs, VerifyArgs};
use crate::error::DriverError;
use crate::links::{
    Fault, Lattices, Measured, checksum_word, described, inspect, judge_averages, judge_file, precision_name,
    printable, reason, shown, with_group,
};
use crate::report::Report;
use gaugelink_lattice::file::FileChecksum;
use gaugelink_lattice::{GaugeField, LatticeError};
use gaugelink_physics::observable::{spatial_plaquette, temporal_plaquette};
use lime_rs::{Checksum, Error, FileFormat, GaugeFile, PosixCksum, ScidacFile};
use serde::Serialize;
use std::path::Path;

/// Verifies each file: one JSON line or block of text for each, sound or not.
///
/// # Errors
/// [`DriverError::Failed`] where a file is not sound.
pub(crate) fn verify(args: &VerifyArgs, report: &mut Report) -> Result<(), DriverError> {
    let VerifyArgs { files: args, ignore_checksum } = args;
    let mut lattices = Lattices::new(0);
    let mut failed = 0;
    for path in &args.files {
        let mut line = Line { file: shown(path), ..Line::default() };
        if let Err(error) = line.examine(path, args, &mut lattices) {
            line.errors.push(reason(&error, path));
        }
        let misstated = std::mem::take(&mut line.misstated);
        match ignore_checksum {
            true => line.warnings.extend(misstated.into_iter().map(|reason| format!("ignored: {reason}"))),
            false => line.errors.splice(0..0, misstated).for_each(drop),
        }
        line.ok = line.errors.is_empty();
        line.error = (!line.ok).then(|| line.errors.join("; "));
        failed += !line.ok as usize;
        report.record(&line)?;
        report.text(&line.text())?;
    }
    match failed {
        0 => Ok(()),
        failed => Err(DriverError::Failed { failed, total: args.files.len() }),
    }
}

/// The result on one file; what could not be found out is null.
#[derive(Serialize, Default)]
struct Line {
    file: String,
    format: Option<&'static str>,
    dims: Option<[usize; 4]>,
    nc: Option<usize>,
    precision: Option<&'static str>,
    plaquette: Option<f64>,
    spatial_plaquette: Option<f64>,
    temporal_plaquette: Option<f64>,
    link_trace: Option<f64>,
    /// Sum of |component|² over all links.
    norm: Option<f64>,
    /// Of the links that are not zero.
    unitarity: Option<f64>,
    zero_links: Option<u64>,
    suma: Option<String>,
    sumb: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored_suma: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored_sumb: Option<String>,
    /// Checksums in the manner of the format, as it prints them.
    computed_checksum: Option<String>,
    stored_checksum: Option<String>,
    checksum: Option<&'static str>,
    crc_cksum: Option<u32>,
    stated_plaquette: Option<f64>,
    stated_link_trace: Option<f64>,
    stated_norm: Option<f64>,
    /// Fields and global data of a file that holds more than a gauge field, or none, each with its checksum.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_records: Vec<LogicalLine>,
    warnings: Vec<String>,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Which logical record is the gauge field.
    #[serde(skip)]
    gauge: Option<usize>,
    #[serde(skip)]
    errors: Vec<String>,
    /// Errors in what the file states: they may be ignored.
    #[serde(skip)]
    misstated: Vec<String>,
    #[serde(skip)]
    description: Option<String>,
    #[serde(skip)]
    format_has_none: bool,
}

impl Line {
    fn examine(&mut self, path: &Path, args: &FileArgs, lattices: &mut Lattices) -> Result<(), DriverError> {
        let file = match logical::open(path, &args.shape, args.payload)? {
            Found::Gauge(file) => file,
            Found::Other(file) => {
                self.examine_others(&file);
                return Ok(());
            }
        };
        let format = file.body();
        self.format = Some(file.format().name());
        self.format_has_none = !file.format().has_checksum();
        self.stated_plaquette = file.stated().plaquette;
        self.stated_link_trace = file.stated().link_trace;
        self.stated_norm = file.stated().norm2;
        self.dims = Some(format.dims);
        self.nc = Some(format.nc);
        self.precision = Some(precision_name(format.precision));
        self.description = Some(described(&file));
        self.warnings = file.warnings().iter().map(ToString::to_string).collect();
        match Records::around(&file, path) {
            Ok(records) => records.into_iter().for_each(|records| self.examine_records(records)),
            Err(error) => {
                let error = error.root();
                self.errors.push(format!("the records beside the gauge field cannot be verified: {error}"));
            }
        }
        with_group!(format.nc, N => self.examine_links::<N>((&file, path), lattices))
    }

    /// A SciDAC file without a gauge field.
    fn examine_others(&mut self, file: &ScidacFile) {
        self.format = Some(FileFormat::Scidac.name());
        self.dims = logical::dims(file);
        self.description = Some(format!("{}; {}", logical::described(file), logical::NOTE));
        self.warnings = file.warnings().iter().map(ToString::to_string).collect();
        self.examine_records(Records::of(file));
        let words: Vec<_> = self.logical_records.iter().map(|line| line.checksum).collect();
        // The worst of all.
        self.checksum =
            [Some("bad"), None, Some("none"), Some("ok")].into_iter().find(|w| words.contains(w)).flatten();
    }

    /// Verifies all records but the gauge field.
    fn examine_records(&mut self, mut records: Records<'_>) {
        records.verify();
        for line in &records.lines {
            let errors = if line.checksum == Some("bad") { &mut self.misstated } else { &mut self.errors };
            errors.extend(line.error.clone());
        }
        (self.logical_records, self.gauge) = (records.lines, records.own);
    }

    fn examine_links<const N: usize>(
        &mut self,
        (file, path): (&GaugeFile, &Path),
        lattices: &mut Lattices,
    ) -> Result<(), DriverError> {
        let field = lattices.of(file).and_then(|lattice| GaugeField::<f64, N>::cold(&lattice));
        let mut u = match field {
            Ok(field) => field,
            Err(error) => {
                self.sum_up_bytes(file)?;
                return Err(error.into());
            }
        };
        let loaded = match inspect(file, &mut u, 0, true) {
            Ok(loaded) => loaded,
            Err(error) => {
                if error.file_error().is_some_and(|error| matches!(error.root(), Error::LinkLeftOut { .. })) {
                    self.sum_up_bytes(file)?;
                }
                return Err(error);
            }
        };
        self.state_sums(&loaded.checksum);
        let mut verdict = judge_file(&loaded, file, path);
        let (survey, geometry) = (&loaded.survey, u.lattice().geometry());
        let all_zero = survey.zero.count == (geometry.volume() * geometry.dims()) as u64;
        self.unitarity = (!all_zero).then(|| survey.unitarity());
        self.zero_links = Some(survey.zero.count);
        if loaded.survey.not_finite.count == 0 {
            let measured = Measured::of(&u, 0);
            self.plaquette = Some(measured.plaquette);
            self.spatial_plaquette = spatial_plaquette(&u).map(|p| p[0]);
            self.temporal_plaquette = Some(temporal_plaquette(&u)[0]);
            self.link_trace = Some(measured.link_trace);
            self.norm = Some(measured.norm);
            let open = loaded.survey.zero.count > 0;
            judge_averages((file.format(), file.stated(), file.body()), measured, open, &mut verdict);
        }
        for (fault, reason) in verdict.errors {
            let errors = if fault == Fault::Statement { &mut self.misstated } else { &mut self.errors };
            errors.push(reason);
        }
        self.warnings.extend(verdict.warnings);
        Ok(())
    }

    /// The sums of a payload whose links no lattice can hold.
    fn sum_up_bytes(&mut self, file: &GaugeFile) -> Result<(), LatticeError> {
        let found = file.sums(true)?;
        self.state_sums(&FileChecksum {
            computed: found.checksum(),
            stored: file.stated().checksum,
            scidac: found.scidac,
            posix_cksum: found.posix.as_ref().map(PosixCksum::value),
        });
        Ok(())
    }

    fn state_sums(&mut self, sums: &FileChecksum) {
        let pair = |sum: Checksum| match sum {
            Checksum::Scidac(sum) => Some(sum.hexadecimal().into()),
            _ => None,
        };
        (self.suma, self.sumb) = pair(sums.computed).unzip();
        self.computed_checksum = Some(sums.computed.to_string());
        self.stored_checksum = sums.stored.map(|stored| stored.to_string());
        self.crc_cksum = sums.posix_cksum;
        self.checksum = Some(checksum_word(sums));
        if let Some(gauge) = self.gauge {
            self.logical_records[gauge].settle(sums.scidac);
        }
        (self.stored_suma, self.stored_sumb) = sums.stored.filter(|_| sums.is_bad()).and_then(pair).unzip();
    }

    fn text(&self) -> String {
        let mut lines = vec![format!("{}: {}", printable(&self.file), if self.ok { "ok" } else { "FAILED" })];
        lines.extend(self.description.iter().map(|description| format!("  {description}")));
        if let (Some(all), Some(temporal), Some(trace), Some(norm)) =
            (self.plaquette, self.temporal_plaquette, self.link_trace, self.norm)
        {
            let spatial = self.spatial_plaquette.map_or("none".into(), |p| format!("{p:.12}"));
            lines.push(format!(
                "  plaquette {all:.12} (spatial {spatial}, temporal {temporal:.12}), link trace {trace:.12}, norm {norm:.3}"
            ));
        }
        if let (Some(computed), Some(state)) = (&self.computed_checksum, self.checksum) {
            let state = match (state, &self.stored_checksum) {
                ("none", _) if self.format_has_none => "the format has none".into(),
                ("none", _) => "none is stored".into(),
                ("bad", Some(stored)) => format!("BAD, stored is {stored}"),
                (state, _) => state.to_owned(),
            };
            lines.push(format!("  checksum {computed} ({state})"));
        }
        if !self.logical_records.is_empty() {
            lines.push(LogicalLine::HEAD.into());
        }
        lines.extend(self.logical_records.iter().map(LogicalLine::text));
        if let (Some(sum), unitarity) = (self.crc_cksum, self.unitarity) {
            let unitarity = match (unitarity, self.zero_links) {
                (Some(off), None | Some(0)) => format!("unitary to {off:.1e}"),
                (Some(off), Some(zero)) => format!("{zero} links zero, the others unitary to {off:.1e}"),
                (None, Some(_)) => "every link zero".into(),
                (None, None) => "unitarity unknown".into(),
            };
            lines.push(format!("  cksum {sum}, {unitarity}"));
        }
        lines.extend(self.warnings.iter().map(|warning| format!("  warning: {}", printable(warning))));
        lines.extend(self.errors.iter().map(|error| format!("  error: {}", printable(error))));
        lines.join("\n")
    }
}
