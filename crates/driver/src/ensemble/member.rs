//! The files of an ensemble, and what their headers tell.

use super::document::Stated;
use super::number::parts;
use crate::cli::ShapeArgs;
use crate::error::DriverError;
use crate::links::{describe, precision_name, reason, shown};
use gaugelink_lattice::group::group_name;
use lime_rs::{Error, ScidacFile};
use serde::Serialize;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// A file with a gauge field, as its header describes it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Member {
    /// Its place in the chain, where its name or logical name tells.
    pub number: Option<u64>,
    /// The chain that it belongs to, where the folder holds several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// Its name; with its folder, where the files lie in several.
    pub name: String,
    #[serde(skip)]
    pub path: PathBuf,
    /// The format; of formats that only the links tell apart, all.
    pub format: String,
    pub dims: [usize; 4],
    pub nc: usize,
    pub precision: &'static str,
    /// Size of the file.
    pub bytes: u64,
    /// Size of the links alone.
    #[serde(skip)]
    pub payload: u64,
    /// Time of the last change: seconds and nanoseconds since 1970.
    #[serde(skip)]
    pub modified: (u64, u32),
    /// The checksum that it states.
    pub checksum: Option<String>,
    /// Its logical file name.
    pub lfn: Option<String>,
    /// What a QCDml document beside it states.
    #[serde(skip)]
    pub document: Option<Stated>,
    /// Whether it has the group and extents of the ensemble.
    pub belongs: bool,
}

impl Member {
    /// "SU(3) on 4x4x4x8".
    pub fn lattice(&self) -> String {
        format!("{} on {}", group_name(self.nc), self.extents())
    }

    /// "4x4x4x8".
    pub fn extents(&self) -> String {
        self.dims.map(|extent| extent.to_string()).join("x")
    }

    /// "f64, ildg".
    pub fn storage(&self) -> String {
        format!("{}, {}", self.precision, self.format)
    }

    /// Reads a file's header.
    pub(super) fn of(path: &Path, name: &str, shape: &ShapeArgs) -> Result<Self, Unread> {
        let unread = |error: DriverError| Unread {
            path: path.into(),
            name: name.into(),
            foreign: is_foreign(&error) || is_irregular(&error),
            irregular: is_irregular(&error),
            reason: reason(&error, path),
        };
        let (formats, file) = describe(path, shape).map_err(unread)?;
        let (mut bytes, mut modified) = (0, None);
        for volume in ScidacFile::volume_paths(path) {
            let failed = |source| unread(DriverError::Io { action: "look at", path: volume.clone(), source });
            let metadata = volume.metadata().map_err(failed)?;
            bytes += metadata.len();
            modified =
                modified.max(metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()));
        }
        let body = file.body();
        Ok(Self {
            number: None,
            chain: None,
            name: name.into(),
            path: path.into(),
            format: formats.iter().map(|format| format.name()).collect::<Vec<_>>().join(" or "),
            dims: body.dims,
            nc: body.nc,
            precision: precision_name(body.precision),
            bytes,
            payload: body.bytes(),
            modified: modified.map_or((0, 0), |time| (time.as_secs(), time.subsec_nanos())),
            checksum: file.stated().checksum.map(|sum| sum.to_string()),
            lfn: file.lfn().map(str::to_owned),
            document: None,
            belongs: true,
        })
    }
}

/// A file without a gauge field that could be described.
#[derive(Clone, Debug)]
pub(super) struct Unread {
    pub path: PathBuf,
    pub name: String,
    /// Whether nothing in it says that it should be one.
    pub foreign: bool,
    /// Whether it is a pipe, a socket or a device.
    pub irregular: bool,
    pub reason: String,
}

/// Whether an error means that the file is of another kind, not that it is damaged.
fn is_foreign(error: &DriverError) -> bool {
    error.file_error().is_some_and(|error| {
        matches!(
            error.root(),
            Error::UnknownFormat { .. } | Error::NoGaugeField { .. } | Error::BadHeader { .. }
        )
    })
}

/// Whether an error means that there is no file at all, but something else that was not opened.
fn is_irregular(error: &DriverError) -> bool {
    error.file_error().is_some_and(|error| matches!(error.root(), Error::NotRegular { .. }))
}

/// The files that paths and patterns name, in natural order: of a folder its own files, without hidden ones and without
/// those of its folders.
///
/// # Errors
/// [`DriverError::Request`] where there are none; [`DriverError::Io`] for a folder that cannot be read.
pub(crate) fn collect(paths: &[PathBuf]) -> Result<Vec<PathBuf>, DriverError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(of_folder(path)?);
        } else if path.exists() {
            files.push(path.clone());
        } else {
            files.extend(of_pattern(path)?);
        }
    }
    files.sort_by_cached_key(|path| (parts(&path.to_string_lossy()), path.clone()));
    // Each file once, however its folder was named.
    let mut seen = HashSet::new();
    files.retain(|path| seen.insert(place(path)));
    if files.is_empty() {
        let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(DriverError::Request(format!(
            "{}: there are no files; name the folder that holds the configurations",
            shown.join(" ")
        )));
    }
    Ok(files)
}

/// Where a file is: its own name, if it is a link, in the folder that its path leads to.
fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match folder.canonicalize() {
        Ok(folder) => folder.join(path.file_name().unwrap_or_default()),
        Err(_) => path.to_owned(),
    }
}

fn of_folder(folder: &Path) -> Result<Vec<PathBuf>, DriverError> {
    let failed = |source| DriverError::Io { action: "read the folder", path: folder.into(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        // A link that leads nowhere is a file that is missing, and will be named; so will pipes, which are not opened.
        if !hidden && !path.is_dir() {
            files.push(path);
        }
    }
    Ok(files)
}

fn of_pattern(pattern: &Path) -> Result<Vec<PathBuf>, DriverError> {
    let text = pattern.to_string_lossy();
    let wrong = |why: String| DriverError::Request(format!("{text}: {why}"));
    let found =
        glob::glob(&text).map_err(|error| wrong(format!("{error}; quote a pattern as 'DIR/conf.*.lime'")))?;
    let files: Vec<PathBuf> = found.filter_map(Result::ok).filter(|path| !path.is_dir()).collect();
    if files.is_empty() {
        return Err(wrong(
            "there is no such folder or file, and as a pattern it fits none; check the path".into(),
        ));
    }
    Ok(files)
}

/// Names by which files are told apart: without the folder, where all lie in one.
pub(super) fn names(files: &[PathBuf]) -> Vec<String> {
    let one = files.windows(2).all(|pair| pair[0].parent() == pair[1].parent());
    let name = |path: &PathBuf| match path.file_name().filter(|_| one) {
        Some(name) => shown(Path::new(name)),
        None => shown(path),
    };
    files.iter().map(name).collect()
}
