//! Configurations from files into fields: opening, reading on all threads, and judging what was read.

mod bare;
mod difference;
mod group;
mod judge;
mod survey;

pub(crate) use difference::Differences;
pub(crate) use group::in_the_group;
use judge::judge;
pub(crate) use judge::{Fault, Measured, Verdict, judge_averages, unfit_for_updates};
pub(crate) use survey::{Survey, counted};

use crate::cli::{LatticeArgs, ShapeArgs};
use crate::error::DriverError;
use crate::progress;
use gaugelink_lattice::comm::Comm;
use gaugelink_lattice::file::{FileChecksum, ReadOptions, extents, read, read_with};
use gaugelink_lattice::group::group_name;
use gaugelink_lattice::{GaugeField, Lattice, LatticeError, LatticeOptions, Real};
use gaugelink_physics::observable::plaquette;
use lime_rs::{Error, FileFormat, GaugeFile, Precision, Selection, Shape, Warning};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// Runs a body with a constant that is the number of colours: code for every group from one text.
macro_rules! with_group {
    ($nc:expr, $n:ident => $body:expr) => {
        match $nc {
            1 => {
                const $n: usize = 1;
                $body
            }
            2 => {
                const $n: usize = 2;
                $body
            }
            3 => {
                const $n: usize = 3;
                $body
            }
            4 => {
                const $n: usize = 4;
                $body
            }
            nc => Err($crate::error::DriverError::Input(format!(
                "links of {nc} colours: there are U(1) (nc = 1) and SU(2) to SU(4) (nc = 2 to 4)"
            ))),
        }
    };
}
pub(crate) use with_group;

/// The file's name as messages and JSON lines show it: bytes that are no UTF-8 as `\xff`.
pub(crate) fn shown(path: &Path) -> String {
    let escaped = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let chunks = path.as_os_str().as_bytes().utf8_chunks();
    chunks.map(|chunk| chunk.valid().to_owned() + &escaped(chunk.invalid())).collect()
}

/// "ok", "bad", or "none" where the file states no checksum.
pub(crate) fn checksum_word(checksum: &FileChecksum) -> &'static str {
    match checksum.stored {
        None => "none",
        Some(_) if checksum.is_bad() => "bad",
        Some(_) => "ok",
    }
}

/// "f64" or "f32".
pub(crate) fn precision_name(precision: Precision) -> &'static str {
    match precision {
        Precision::F64 => "f64",
        Precision::F32 => "f32",
    }
}

/// Opens a file with what the command line says of its shape, and of several gauge fields the one of this number.
///
/// # Errors
/// [`DriverError::Input`] for extents that are none; else those of [`open_as`], with the options that help.
pub(crate) fn open(path: &Path, shape: &ShapeArgs, payload: usize) -> Result<GaugeFile, DriverError> {
    open_on(path, shape.format, &shape.lattice, payload)
}

/// As [`open`].
///
/// # Errors
/// As there.
pub(crate) fn open_on(
    path: &Path,
    format: Option<FileFormat>,
    lattice: &LatticeArgs,
    payload: usize,
) -> Result<GaugeFile, DriverError> {
    let selection = Selection { shape: given(lattice)?, payload };
    open_as(path, format, selection).map_err(|error| advised(error, path))
}

/// The formats that a file may have, and its description as the first of them: no link is looked at.
///
/// # Errors
/// As [`open`].
pub(crate) fn describe(path: &Path, shape: &ShapeArgs) -> Result<(Vec<FileFormat>, GaugeFile), DriverError> {
    let describe = || {
        let formats = match shape.format {
            Some(format) => vec![format],
            None => GaugeFile::detect(path)?,
        };
        let file = GaugeFile::open_as(path, formats.first().copied(), given(&shape.lattice)?)?;
        Ok((formats, file))
    };
    describe().map_err(|error| advised(error, path))
}

fn advised(error: DriverError, path: &Path) -> DriverError {
    match error {
        DriverError::File(error) if lacks_shape(&error) => {
            DriverError::FileWithRemedy { error, remedy: bare::advice(path) }
        }
        DriverError::File(error) if lacks_format(&error) => {
            DriverError::FileWithRemedy { error, remedy: "that is the option --format".into() }
        }
        error => error,
    }
}

/// Opens a file of a given format, else of that which its bytes tell, or its links where the bytes do not.
///
/// # Errors
/// [`DriverError::File`], also where the links do not tell either.
pub(crate) fn open_as(
    path: &Path,
    format: Option<FileFormat>,
    selection: impl Into<Selection>,
) -> Result<GaugeFile, DriverError> {
    let candidates = match format {
        Some(format) => vec![format],
        None => GaugeFile::detect(path)?,
    };
    GaugeFile::choose(
        path,
        &candidates,
        selection,
        |file| with_group!(file.body().nc, N => average::<N>(file)),
    )
}

/// The average plaquette of a file's links.
fn average<const N: usize>(file: &GaugeFile) -> Result<f64, DriverError> {
    let mut u = GaugeField::<f64, N>::cold(&Lattices::new(0).of(file)?)?;
    read(file, &mut u, 0)?;
    Ok(plaquette(&u)[0])
}

/// Whether the format of a file has to be named.
pub(crate) fn lacks_format(error: &Error) -> bool {
    matches!(error.root(), Error::UndecidedFormat { .. } | Error::SeveralFormats { .. })
}

/// Whether a file does not say its shape.
pub(crate) fn lacks_shape(error: &Error) -> bool {
    matches!(
        error.root(),
        Error::MissingFormat { .. } | Error::UnusableFormat { .. } | Error::UnusableDimensions { .. }
    )
}

/// The shape on the command line; extents left out at the end are 1.
fn given(args: &LatticeArgs) -> Result<Option<Shape>, DriverError> {
    let Some(extents) = &args.dims else { return Ok(None) };
    if !(2..=4).contains(&extents.len()) || extents.contains(&0) {
        return Err(DriverError::Input(format!(
            "--dims {}: give 2 to 4 extents of 1 or more, x first, e.g. --dims 8,8,8,16",
            extents.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
        )));
    }
    let mut dims = [1; 4];
    dims[..extents.len()].copy_from_slice(extents);
    Ok(Some(Shape { dims, nc: args.nc }))
}

/// Lattices for files one after the other: those of an ensemble share one.
pub(crate) struct Lattices {
    threads: usize,
    last: Option<Arc<Lattice>>,
}

impl Lattices {
    /// Lattices of this many threads; 0 takes all cores.
    pub fn new(threads: usize) -> Self {
        Self { threads, last: None }
    }

    /// The lattice of a file.
    ///
    /// # Errors
    /// [`LatticeError::Geometry`] for extents that make no lattice, e.g. 1 in a direction before the last.
    pub fn of(&mut self, file: &GaugeFile) -> Result<Arc<Lattice>, LatticeError> {
        let extents = extents(&file.body().dims);
        if let Some(last) = &self.last
            && last.geometry().extents()[..last.dims()] == extents
        {
            return Ok(last.clone());
        }
        let options = LatticeOptions { threads: self.threads, ..LatticeOptions::default() };
        let lattice = Lattice::new(&extents, options)?;
        self.last = Some(lattice.clone());
        Ok(lattice)
    }
}

/// Faults for which a file is refused, each with what the user can set to have it all the same; `None` overlooks them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusals {
    /// A wrong checksum, another plaquette or link trace than the file states.
    pub statements: Option<&'static str>,
    /// Links that are not in the group.
    pub links: Option<&'static str>,
    /// Whether such links are overlooked together with a wrong statement, which they may be the reason for.
    pub links_of_wrong_files: bool,
}

impl Refusals {
    /// Of files that are compared: what their links are is the user's business.
    pub fn of_copies(ignore_checksum: bool) -> Self {
        let statements = remedy(ignore_checksum, "--ignore-checksum");
        Self { statements, links: None, links_of_wrong_files: true }
    }

    /// The first fault that is not overlooked, as an error on the file.
    fn check(&self, verdict: &Verdict, path: &Path) -> Result<(), DriverError> {
        let wrong = verdict.errors.iter().any(|(fault, _)| *fault == Fault::Statement);
        let refused = |(fault, reason): &(Fault, String)| {
            let remedy = match fault {
                Fault::Numbers => return Some(reason.clone()),
                Fault::Statement => self.statements?,
                Fault::Group if wrong && self.links_of_wrong_files => return None,
                Fault::Group => self.links?,
            };
            Some(format!("{reason}; {remedy} takes it all the same"))
        };
        match verdict.errors.iter().find_map(refused) {
            Some(reason) => Err(DriverError::Input(format!("{}: {reason}", shown(path)))),
            None => Ok(()),
        }
    }
}

/// What is offered to a user who has not said yet that a fault is to be overlooked.
pub(crate) fn remedy(overlooked: bool, remedy: &'static str) -> Option<&'static str> {
    (!overlooked).then_some(remedy)
}

/// What reading a configuration told.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Checksums, computed and stored.
    pub checksum: FileChecksum,
    /// How far the links are from the group.
    pub survey: Survey,
}

/// Reads a file's links into a field (for a batch, its chain `chain`) and looks at every one; refuses nothing.
/// Collective.
///
/// # Errors
/// Those of [`read_with`].
pub(crate) fn inspect<T: Real, const N: usize>(
    file: &GaugeFile,
    field: &mut GaugeField<T, N>,
    chain: usize,
    posix_cksum: bool,
) -> Result<Loaded, DriverError> {
    let bar = progress::bytes("reading", file.body().bytes());
    let advance = |bytes| bar.inc(bytes);
    let options = ReadOptions { posix_cksum, progress: Some(&advance) };
    let checksum = read_with(file, field, chain, options);
    bar.finish_and_clear();
    Ok(Loaded { checksum: checksum?, survey: Survey::of(field, chain) })
}

/// As [`judge`]. Links that are none may be those of a file that does not say its shape, read as of another: its verdict says so.
pub(crate) fn judge_file(loaded: &Loaded, file: &GaugeFile, path: &Path) -> Verdict {
    let mut verdict = judge(loaded, file.body().precision);
    let is_bare = file.warnings().contains(&Warning::MissingFormat);
    for (fault, reason) in verdict.errors.iter_mut().filter(|_| is_bare) {
        if matches!(fault, Fault::Group | Fault::Numbers) {
            *reason += &format!("; or the file is not {}: {}", described(file), bare::advice(path));
        }
    }
    verdict
}

/// Reads a configuration to work with into a field (for a batch, its chain `chain`). Collective.
///
/// # Errors
/// [`DriverError::Input`] for faults that are to be refused; those of [`read_with`].
pub(crate) fn load<T: Real, const N: usize>(
    file: &GaugeFile,
    path: &Path,
    field: &mut GaugeField<T, N>,
    chain: usize,
    refusals: Refusals,
) -> Result<Loaded, DriverError> {
    let loaded = inspect(file, field, chain, false)?;
    let fine = refusals.check(&judge_file(&loaded, file, path), path);
    if field.lattice().comm().all(fine.is_ok()) || fine.is_err() {
        return fine.map(|()| loaded);
    }
    Err(LatticeError::OtherRank.into())
}

/// All that is odd about a loaded configuration that is used as it is: what its file, its links, their averages and their
/// norm tell. Collective.
///
/// # Errors
/// [`DriverError::Input`] for averages or a norm that the file states otherwise, where that is to be refused.
pub(crate) fn remarks(
    file: &GaugeFile,
    path: &Path,
    loaded: &Loaded,
    measured: Measured,
    comm: &dyn Comm,
    refusals: Refusals,
) -> Result<Vec<String>, DriverError> {
    let mut verdict = judge_file(loaded, file, path);
    let open = comm.max(loaded.survey.zero.count as f64) > 0.0;
    judge_averages((file.format(), file.stated(), file.body()), measured, open, &mut verdict);
    refusals.check(&verdict, path)?;
    let stated = file.warnings().iter().map(ToString::to_string);
    Ok(stated.chain(verdict.reasons()).chain(verdict.warnings.iter().cloned()).collect())
}

/// "SU(3) on 4x4x4x8 (x,y,z,t), f64".
pub(crate) fn described(file: &GaugeFile) -> String {
    let format = file.body();
    let dims = format.dims.map(|extent| extent.to_string()).join("x");
    format!("{} on {dims} (x,y,z,t), {}", group_name(format.nc), precision_name(format.precision))
}

/// An error on a file without the file's name, which stands beside it.
pub(crate) fn reason(error: &DriverError, path: &Path) -> String {
    let text = error.to_string();
    match text.strip_prefix(&format!("{}: ", shown(path))) {
        Some(reason) => reason.to_owned(),
        None => text,
    }
}

/// Text from a file without what would move the cursor of a terminal.
pub(crate) fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().collect::<String>() } else { c.to_string() };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::comm::run_ranks;
    use gaugelink_lattice::file::{FileText, write};
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_lattice::{LaneMeaning, Matrix};

    #[test]
    fn names_of_any_bytes_are_told_apart() {
        let name = |bytes: &[u8]| shown(Path::new(std::ffi::OsStr::from_bytes(bytes)));
        assert_eq!(name("a/b\u{e4}.lime".as_bytes()), "a/b\u{e4}.lime");
        assert_eq!(name(b"conf\xff\xfe.lime"), "conf\\xff\\xfe.lime");
        assert_ne!(name(b"a\xff"), name(b"a\xfe"));
    }

    const EXTENTS: [usize; 3] = [4, 4, 8];
    const STRICT: Refusals =
        Refusals { statements: Some("one"), links: Some("the other"), links_of_wrong_files: false };
    const OVERLOOKED: Refusals = Refusals { statements: None, links: None, links_of_wrong_files: false };

    /// Writes a rough SU(2) field with one link NaN in the upper half of the last direction, if so asked.
    fn written(path: &Path, damaged: bool) {
        let lattice = Lattice::new(&EXTENTS, LatticeOptions::default()).unwrap();
        let u = GaugeField::<f64, 2>::random(&lattice, 1.0, Address::new(3, Purpose::Start)).unwrap();
        write(path, &u, 0, Precision::F64, &FileText::default()).unwrap();
        if damaged {
            let mut bytes = std::fs::read(path).unwrap();
            let offset = GaugeFile::open(path).unwrap().offset() as usize;
            // Site (1,2,6) has number 105, and 32 real numbers.
            bytes[offset + 105 * 32 * 8..][..8].copy_from_slice(&f64::NAN.to_be_bytes());
            std::fs::write(path, bytes).unwrap();
        }
    }

    #[test]
    fn a_chain_of_a_batch_is_loaded_and_the_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("conf");
        written(&path, false);
        let lanes = LaneMeaning::Batch { chains: 3 };
        let lattice = Lattice::new(&EXTENTS, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
        let mut u = GaugeField::<f64, 2>::cold(&lattice).unwrap();
        let file = GaugeFile::open(&path).unwrap();
        let loaded = load(&file, &path, &mut u, 1, STRICT).unwrap();
        assert!(loaded.survey.unitarity() > 0.0 && judge(&loaded, Precision::F64).errors.is_empty());
        let changed = |lane| u.link(0, 0, lane) != Matrix::unit();
        assert_eq!([0, 1, 2].map(changed), [false, true, false]);
    }

    #[test]
    fn links_off_the_group_may_pass_with_the_wrong_statement_that_they_explain() {
        let group = || (Fault::Group, "links".to_string());
        let wrong = || (Fault::Statement, "checksum".to_string());
        let ignoring = Refusals { statements: None, links_of_wrong_files: true, ..STRICT };
        for (refusals, errors, passes) in [
            (ignoring, vec![wrong(), group()], true),
            (ignoring, vec![group()], false),
            (Refusals { links_of_wrong_files: false, ..ignoring }, vec![wrong(), group()], false),
            (Refusals { statements: STRICT.statements, ..ignoring }, vec![group(), wrong()], false),
        ] {
            let verdict = Verdict { errors, ..Verdict::default() };
            assert_eq!(
                refusals.check(&verdict, Path::new("conf")).is_ok(),
                passes,
                "{refusals:?}, {verdict:?}"
            );
        }
    }

    #[test]
    fn ranks_agree_that_a_link_of_one_is_no_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("conf");
        written(&path, true);
        let errors = run_ranks(2, |comm| {
            let options =
                LatticeOptions { threads: 1, grid: vec![1, 1, 2], comm, ..LatticeOptions::default() };
            let lattice = Lattice::new(&EXTENTS, options).unwrap();
            let mut u = GaugeField::<f64, 2>::cold(&lattice).unwrap();
            let file = GaugeFile::open(&path).unwrap();
            load(&file, &path, &mut u, 0, OVERLOOKED).unwrap_err().to_string()
        });
        assert!(errors[0].contains("another rank"), "{errors:?}");
        assert!(
            errors[1].contains("1 link is not finite") && errors[1].contains("site (1,2,6)"),
            "{errors:?}"
        );
    }
}
