//! The run directory: one owner at a time, a log that can be cut back to a checkpoint, no file half written.

use super::line::Line;
use crate::config::{ENSEMBLE, OWN_FILES};
use crate::error::DriverError;
use crate::hash::hexadecimal;
use crate::report::{Report, json_lines};
use lime_rs::AtomicFile;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Locked by the owner; it stays where the work began.
const LOCK: &str = "lock";

/// A run directory, locked while this value lives.
#[derive(Debug)]
pub(crate) struct RunDirectory {
    path: PathBuf,
    _lock: File,
    /// Whether the folder was made for this value.
    made: bool,
}

/// Where nothing was written, because the work could not begin, nothing is left.
impl Drop for RunDirectory {
    fn drop(&mut self) {
        let only_lock = || {
            let entries = std::fs::read_dir(&self.path).ok()?;
            Some(entries.flatten().all(|entry| entry.file_name() == LOCK))
        };
        if self.made && only_lock() == Some(true) {
            // What cannot be removed does no harm.
            let _ = std::fs::remove_file(self.file(LOCK)).and_then(|()| std::fs::remove_dir(&self.path));
        }
    }
}

/// What works in a run directory. Each goes on from a checkpoint of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Run,
    Training,
}

impl Work {
    /// The file without which there is no checkpoint.
    pub fn checkpoint(self) -> &'static str {
        match self {
            Work::Run => "checkpoint/state.json",
            Work::Training => "checkpoint/training.json",
        }
    }
}

impl RunDirectory {
    /// Opens the directory for a run or a training, `fresh` to begin anew: then what it holds waits for
    /// [`RunDirectory::clear`], so that it is there still where the new one cannot begin.
    ///
    /// # Errors
    /// As [`RunDirectory::open`]; [`DriverError::Input`] where it holds a checkpoint of the other, or files that would be
    /// replaced and that no run made, a `model` among them: they must not be lost.
    pub fn begin(path: &Path, work: Work, fresh: bool, model: Option<&Path>) -> Result<Self, DriverError> {
        let foreign = OWN_FILES.iter().map(Path::new).chain(model).find(|name| path.join(name).exists());
        if let Some(name) = foreign.filter(|_| !Self::was_used(path)) {
            return Err(DriverError::Input(format!(
                "{} holds {}, which no run left there and this one would replace: choose another directory (--set \
                 run.directory=...), or move it away",
                path.display(),
                name.display()
            )));
        }
        let directory = Self::open(path, "--set run.directory=...")?;
        directory.sweep()?;
        let (other, what) = match work {
            Work::Run => (Work::Training, "a training"),
            Work::Training => (Work::Run, "a run"),
        };
        if !fresh && directory.file(other.checkpoint()).exists() {
            return Err(directory.taken(what));
        }
        Ok(directory)
    }

    /// Whether a run or a training was in a directory before, for whatever it holds then may be its own.
    pub fn was_used(path: &Path) -> bool {
        path.join(LOCK).exists()
    }

    /// The directory holds something that must not be lost.
    pub fn taken(&self, by: &str) -> DriverError {
        DriverError::Input(format!(
            "{} holds {by}: choose another directory (--set run.directory=...), or begin anew with --fresh, which removes \
             its measurements",
            self.path.display()
        ))
    }

    /// Makes the directory where it is missing and locks it; `option` is how to choose another one.
    ///
    /// # Errors
    /// [`DriverError::Io`]; [`DriverError::Input`] where another process runs in it.
    pub fn open(path: &Path, option: &str) -> Result<Self, DriverError> {
        let made = !path.exists();
        std::fs::create_dir_all(path).map_err(io("make the run directory", path))?;
        let lock = path.join(LOCK);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock)
            .map_err(io("open the lock", &lock))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path: path.into(), _lock: file, made }),
            Err(TryLockError::WouldBlock) => Err(DriverError::Input(format!(
                "{}: another process is running in this directory: wait for it, or choose another one ({option})",
                path.display()
            ))),
            Err(TryLockError::Error(source)) => Err(io("lock", &lock)(source)),
        }
    }

    /// A file in it.
    pub fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes what an earlier run left: checkpoint first, so that nothing goes on from a part of it. Configurations
    /// stay until they are replaced.
    ///
    /// # Errors
    /// [`DriverError::Io`].
    pub fn clear(&self) -> Result<(), DriverError> {
        for own in OWN_FILES.map(|name| self.file(name)).iter().filter(|own| !own.ends_with(LOCK)) {
            let removed = if own.is_dir() { std::fs::remove_dir_all(own) } else { std::fs::remove_file(own) };
            removed
                .or_else(|e| if e.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
                .map_err(io("remove", own))?;
        }
        Ok(())
    }

    /// Removes what a killed process left half written.
    fn sweep(&self) -> Result<(), DriverError> {
        for folder in ["", "plots", "checkpoint", ENSEMBLE].map(|name| self.file(name)) {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for left in entries.flatten().filter(|entry| AtomicFile::is_temporary(&entry.file_name())) {
                std::fs::remove_file(left.path()).map_err(io("remove", &left.path()))?;
            }
        }
        Ok(())
    }

    /// The text of a file, if it is there.
    ///
    /// # Errors
    /// [`DriverError::Io`].
    pub fn read(&self, name: &str) -> Result<Option<String>, DriverError> {
        let path = self.file(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io("read", &path)(error)),
        }
    }

    /// Replaces a file as a whole.
    ///
    /// # Errors
    /// [`DriverError::File`].
    pub fn replace(&self, name: &str, text: &str) -> Result<(), DriverError> {
        Ok(AtomicFile::replace(self.file(name), text.as_bytes())?)
    }

    /// Makes a folder in it, if it is not there.
    ///
    /// # Errors
    /// [`DriverError::Io`].
    pub fn make_folder(&self, name: &str) -> Result<(), DriverError> {
        let path = self.file(name);
        std::fs::create_dir_all(&path).map_err(io("make the folder", &path))
    }

    /// Adds a line to the timings, which no result depends on.
    ///
    /// # Errors
    /// [`DriverError::Io`].
    pub fn timing(&self, line: &serde_json::Value) -> Result<(), DriverError> {
        let path = self.file(TIMINGS);
        let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(io("open", &path))?;
        writeln!(file, "{line}").map_err(io("write to", &path))
    }

    /// All timings so far, the last ones at the end; none where there is no file.
    ///
    /// # Errors
    /// [`DriverError::Io`].
    pub fn timings(&self) -> Result<Vec<serde_json::Value>, DriverError> {
        let text = self.read(TIMINGS)?.unwrap_or_default();
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }
}

/// What is measured, in JSON lines.
pub(crate) const LOG: &str = "measurements.jsonl";
const TIMINGS: &str = "timings.jsonl";

/// `measurements.jsonl`, written by rank 0.
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    bytes: u64,
    hash: Sha256,
    report: Report,
}

/// How far a log had come: its length, and what it held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogMark {
    bytes: u64,
    /// SHA-256 of these bytes, hexadecimal.
    sha256: String,
}

impl Log {
    /// Makes the log, or empties it.
    ///
    /// # Errors
    /// [`DriverError::Io`].
    pub fn create(directory: &RunDirectory, json: bool) -> Result<Self, DriverError> {
        let path = directory.file(LOG);
        let file = File::create(&path).map_err(io("open", &path))?;
        Ok(Self { path, file, bytes: 0, hash: Sha256::new(), report: Report::new(json) })
    }

    /// Opens the log and cuts it back to where it was at the checkpoint.
    ///
    /// # Errors
    /// [`DriverError::Io`]; [`DriverError::Input`] where it is shorter than that, or was changed.
    pub fn open(directory: &RunDirectory, mark: &LogMark, json: bool) -> Result<Self, DriverError> {
        let path = directory.file(LOG);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let mut file = options.open(&path).map_err(io("open", &path))?;
        let (hash, length) = hashed((&mut file).take(mark.bytes)).map_err(io("read", &path))?;
        let problem = if length < mark.bytes {
            Some(format!("has {length} bytes, the checkpoint was made at {}", mark.bytes))
        } else if hexadecimal(&hash.clone().finalize()) != mark.sha256 {
            Some("was changed since the checkpoint (its SHA-256 is another)".into())
        } else {
            None
        };
        if let Some(problem) = problem {
            return Err(DriverError::Input(format!(
                "{} {problem}: restore it, or begin anew with --fresh",
                path.display()
            )));
        }
        file.set_len(mark.bytes).and_then(|()| file.seek(SeekFrom::End(0))).map_err(io("cut back", &path))?;
        Ok(Self { path, file, bytes: mark.bytes, hash, report: Report::new(json) })
    }

    /// Adds lines, in one write; they are also printed where JSON lines were asked for.
    ///
    /// # Errors
    /// [`DriverError::Io`].
    pub fn add(&mut self, lines: &[Line]) -> Result<(), DriverError> {
        let text = json_lines(lines)?;
        self.file.write_all(text.as_bytes()).map_err(io("write to", &self.path))?;
        self.bytes += text.len() as u64;
        self.hash.update(text.as_bytes());
        lines.iter().try_for_each(|line| self.report.tell(line))
    }

    /// Puts all lines on disk and tells how far they come.
    ///
    /// # Errors
    /// [`DriverError::Io`].
    pub fn sync(&mut self) -> Result<LogMark, DriverError> {
        self.file.sync_data().map_err(io("flush", &self.path))?;
        Ok(LogMark { bytes: self.bytes, sha256: hexadecimal(&self.hash.clone().finalize()) })
    }

    /// All lines of a run directory.
    ///
    /// # Errors
    /// [`DriverError::Io`]; [`DriverError::Input`] for a line that is none of this program's.
    pub fn read(directory: &RunDirectory) -> Result<Vec<Line>, DriverError> {
        let path = directory.file(LOG);
        let file = File::open(&path).map_err(io("open", &path))?;
        let mut lines = Vec::new();
        for (index, line) in BufReader::new(file).lines().enumerate() {
            let line = line.map_err(io("read", &path))?;
            let parsed = serde_json::from_str(&line).map_err(|error| {
                DriverError::Input(format!(
                    "{} line {}: {error}; the file was changed: begin anew with --fresh",
                    path.display(),
                    index + 1
                ))
            })?;
            lines.push(parsed);
        }
        Ok(lines)
    }
}

/// The hash of all bytes to come, and how many they are.
fn hashed(mut bytes: impl Read) -> std::io::Result<(Sha256, u64)> {
    let (mut hash, mut length, mut chunk) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        match bytes.read(&mut chunk)? {
            0 => return Ok((hash, length)),
            read => {
                hash.update(&chunk[..read]);
                length += read as u64;
            }
        }
    }
}

fn io(action: &'static str, path: &Path) -> impl Fn(std::io::Error) -> DriverError {
    let path = path.to_owned();
    move |source| DriverError::Io { action, path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::line::Start;

    const OPTION: &str = "--set run.directory=...";

    #[test]
    fn a_model_that_no_training_left_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let model = Path::new("model.safetensors");
        std::fs::write(folder.path().join(model), "a model").unwrap();
        let begin = |model| RunDirectory::begin(folder.path(), Work::Training, true, model);
        let error = begin(Some(model)).unwrap_err().to_string();
        assert!(error.contains("holds model.safetensors, which no run left there"), "{error}");
        assert!(begin(Some(Path::new("other"))).is_ok());
        // Now it may be the training's own.
        assert!(begin(Some(model)).is_ok());
    }

    #[test]
    fn two_owners_at_a_time_are_one_too_many() {
        let folder = tempfile::tempdir().unwrap();
        let first = RunDirectory::open(&folder.path().join("a/b"), OPTION).unwrap();
        let error = RunDirectory::open(first.path(), OPTION).unwrap_err().to_string();
        assert!(error.contains("another process") && error.contains(OPTION), "{error}");
        drop(first);
        assert!(RunDirectory::open(&folder.path().join("a/b"), OPTION).is_ok());
    }

    #[test]
    fn a_run_and_a_training_do_not_share_a_directory() {
        for (work, other, word) in
            [(Work::Run, Work::Training, "holds a training"), (Work::Training, Work::Run, "holds a run")]
        {
            let folder = tempfile::tempdir().unwrap();
            let begin = |work, fresh| RunDirectory::begin(folder.path(), work, fresh, None);
            let first = begin(other, false).unwrap();
            first.make_folder("checkpoint").unwrap();
            first.replace(other.checkpoint(), "{}").unwrap();
            drop(first);
            let error = begin(work, false).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("--fresh"), "{error}");
            assert!(begin(other, false).unwrap().file(other.checkpoint()).exists());
            begin(work, true).unwrap().clear().unwrap();
            assert!(begin(work, false).is_ok());
        }
    }

    #[test]
    fn the_log_is_cut_back_to_the_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let directory = RunDirectory::open(folder.path(), OPTION).unwrap();
        let line = |chain| Line::Start(Start { chain, plaquette: 0.5, unitarity: 0.0 });
        let mut log = Log::create(&directory, false).unwrap();
        log.add(&[line(0)]).unwrap();
        let mark = log.sync().unwrap();
        log.add(&[line(1)]).unwrap();
        assert_eq!(Log::read(&directory).unwrap(), [line(0), line(1)]);
        let mut log = Log::open(&directory, &mark, false).unwrap();
        log.add(&[line(2)]).unwrap();
        let later = log.sync().unwrap();
        assert_eq!(Log::read(&directory).unwrap(), [line(0), line(2)]);
        // Lines after the checkpoint do not matter, those before it do, also where the length is the same.
        let text = std::fs::read_to_string(directory.file(LOG)).unwrap();
        let other = |text: &str| {
            std::fs::write(directory.file(LOG), text).unwrap();
            Log::open(&directory, &mark, false).map(|_| ()).map_err(|error| error.to_string())
        };
        assert_eq!(other(&text.replace(r#""chain":2"#, r#""chain":3"#)), Ok(()));
        let error = other(&text.replace(r#""chain":0"#, r#""chain":1"#)).unwrap_err();
        assert!(error.contains("was changed since the checkpoint") && error.contains("--fresh"), "{error}");
        let error = other(&text[..mark.bytes as usize - 1]).unwrap_err();
        assert!(error.contains("the checkpoint was made at") && error.contains("--fresh"), "{error}");
        std::fs::write(directory.file(LOG), text).unwrap();
        assert!(Log::open(&directory, &later, false).is_ok(), "the sum goes on from a checkpoint");
        std::fs::write(directory.file(LOG), "{}").unwrap();
        assert!(Log::read(&directory).unwrap_err().to_string().contains("line 1"));
    }
}
