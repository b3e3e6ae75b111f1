//! Files that are either the old ones or the new ones, never something between, whatever happens while writing.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::access::WriteAt;
use crate::error::{Error, Result};

/// A file under construction, invisible under its final name until [`AtomicFile::commit`].
///
/// The bytes go to `.NAME.xxxxxx.tmp` in the target's folder (a rename is atomic only within a file system).
/// Dropped without commit it is removed, and the old target, if any, is intact. After a crash the temporary
/// file may remain and can be deleted. A symbolic link at the target is followed and stays: the file that it leads to is
/// replaced, or made. Pipes, devices and sockets are never replaced. A file that replaces another has its permissions.
#[derive(Debug)]
pub struct AtomicFile {
    temporary: NamedTempFile,
    target: PathBuf,
    /// Those of the old target, which the new one gets.
    permissions: Option<Permissions>,
}

impl AtomicFile {
    /// Begins a file that is to replace or become `target`.
    ///
    /// # Errors
    /// [`Error::Write`] where the folder is missing or not writable, or the target is a folder; [`Error::NoRegularFile`].
    pub fn create(target: impl AsRef<Path>) -> Result<Self> {
        let failed = |path: &Path, source| Error::Write { action: "create", path: path.into(), source };
        let target = followed(target.as_ref()).map_err(|source| failed(target.as_ref(), source))?;
        let Some(name) = target.file_name().filter(|_| !target.is_dir()) else {
            return Err(failed(&target, io::ErrorKind::IsADirectory.into()));
        };
        if target.exists() && !target.is_file() {
            return Err(Error::NoRegularFile { path: target });
        }
        // That of the temporary file is short enough.
        if let Err(source) = target.symlink_metadata()
            && source.kind() == io::ErrorKind::InvalidFilename
        {
            return Err(failed(&target, source));
        }
        let mut prefix = OsString::from(".");
        prefix.push(shortened(name));
        prefix.push(".");
        let old = target.metadata().ok();
        let permissions = old.map(|old| Permissions::from_mode(old.permissions().mode() & 0o777));
        // As any new file: readable by whom the umask allows. What others may not read, they do not read meanwhile.
        let mode = if permissions.is_some() { 0o600 } else { 0o666 };
        let temporary = Builder::new()
            .prefix(&prefix)
            .suffix(".tmp")
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder(&target))
            .map_err(|source| failed(&target, source))?;
        Ok(Self { temporary, target, permissions })
    }

    /// Writes a whole file at once.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn replace(target: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
        let file = Self::create(target)?;
        file.file().write_all_at(bytes, 0).map_err(|source| file.failed("write", source))?;
        file.commit()
    }

    /// Whether a file's name is that of a temporary one, `.NAME.xxxxxx.tmp`. Where nothing else is writing in a folder,
    /// such a file is what a killed process left.
    pub fn is_temporary(name: &OsStr) -> bool {
        let name = name.to_string_lossy();
        let parts = name.strip_prefix('.').and_then(|name| name.strip_suffix(".tmp"));
        let random = parts.and_then(|parts| parts.rsplit_once('.')).map(|(_, random)| random);
        random.is_some_and(|r| r.len() == 6 && r.bytes().all(|b| b.is_ascii_alphanumeric()))
    }

    /// The open temporary file, for positioned writes.
    pub fn file(&self) -> &File {
        self.temporary.as_file()
    }

    /// Path of the temporary file.
    pub fn temporary_path(&self) -> &Path {
        self.temporary.path()
    }

    /// Path that the file will have; that of a symbolic link's target where it is one.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Puts the bytes on disk and the file under its name: fsync, rename, fsync of the folder.
    ///
    /// # Errors
    /// [`Error::Write`]; the old target is then intact, except where only the last step failed.
    pub fn commit(self) -> Result<()> {
        if let Some(permissions) = self.permissions.clone() {
            self.file()
                .set_permissions(permissions)
                .map_err(|source| self.failed("set the permissions of", source))?;
        }
        self.file().sync_all().map_err(|source| self.failed("flush", source))?;
        let Self { temporary, target, .. } = self;
        temporary.persist(&target).map_err(|error| Error::Write {
            action: "rename the finished file to",
            path: target.clone(),
            source: error.error,
        })?;
        let folder = folder(&target);
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| Error::Write {
            action: "flush the folder",
            path: folder.into(),
            source,
        })
    }

    pub(crate) fn failed(&self, action: &'static str, source: io::Error) -> Error {
        Error::Write { action, path: self.target.clone(), source }
    }
}

/// Sequential writing, e.g. by a serialiser; wrap it in a `BufWriter` and flush that before the commit.
impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.as_file_mut().flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.temporary.as_file_mut().seek(position)
    }
}

/// Where a path leads: symbolic links followed to their end, where there need be no file yet.
fn followed(path: &Path) -> io::Result<PathBuf> {
    /// As many as Linux follows.
    const LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        if !path.is_symlink() {
            return Ok(path);
        }
        let next = std::fs::read_link(&path)?;
        path = folder(&path).join(next);
    }
    Err(io::Error::other("its symbolic links lead in a circle"))
}

/// What of a name a temporary one has room for, which is longer by two dots, six random characters and `.tmp`.
fn shortened(name: &OsStr) -> &OsStr {
    /// Longest name of a file, in bytes.
    const LONGEST: usize = 255;
    let bytes = name.as_bytes();
    let mut length = bytes.len().min(LONGEST - 12);
    // Some file systems take no part of a character.
    while bytes.get(length).is_some_and(|byte| byte & 0xc0 == 0x80) {
        length -= 1;
    }
    OsStr::from_bytes(&bytes[..length])
}

fn folder(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn entries(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn the_old_file_stands_until_commit() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("state.json");
        AtomicFile::replace(&target, b"old").unwrap();
        let mut file = AtomicFile::create(&target).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!((fs::read(&target).unwrap().as_slice(), entries(folder.path())), (&b"old"[..], 2));
        file.commit().unwrap();
        assert_eq!((fs::read(&target).unwrap().as_slice(), entries(folder.path())), (&b"new"[..], 1));
    }

    #[test]
    fn a_dropped_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("state.json");
        AtomicFile::replace(&target, b"old").unwrap();
        let mut file = AtomicFile::create(&target).unwrap();
        file.write_all(b"half").unwrap();
        assert!(AtomicFile::is_temporary(file.temporary_path().file_name().unwrap()));
        for other in ["state.json", ".state.json.tmp", ".tmp", ".profile.abc.tmp"] {
            assert!(!AtomicFile::is_temporary(other.as_ref()), "{other}");
        }
        drop(file);
        assert_eq!((fs::read(&target).unwrap().as_slice(), entries(folder.path())), (&b"old"[..], 1));
    }

    #[test]
    fn new_files_have_the_permissions_of_ordinary_ones() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        fs::write(folder.path().join("plain"), b"").unwrap();
        AtomicFile::replace(folder.path().join("atomic"), b"").unwrap();
        assert_eq!(mode("atomic"), mode("plain"));
    }

    #[test]
    fn a_new_file_has_the_permissions_of_the_one_that_it_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("secret");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        for kept in [0o600, 0o640, 0o444, 0o777] {
            fs::write(&target, b"old").unwrap();
            fs::set_permissions(&target, Permissions::from_mode(kept)).unwrap();
            let file = AtomicFile::create(&target).unwrap();
            assert_eq!(mode(file.temporary_path()), 0o600, "nobody else reads it before");
            file.commit().unwrap();
            assert_eq!((mode(&target), fs::read(&target).unwrap().len()), (kept, 0));
            fs::remove_file(&target).unwrap();
        }
    }

    #[test]
    fn symbolic_links_stay_and_their_targets_are_replaced_or_made() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["there", "far"] {
            fs::create_dir(at(name)).unwrap();
        }
        AtomicFile::replace(at("far/file"), b"old").unwrap();
        symlink("../far/file", at("there/relative")).unwrap();
        symlink(at("there/relative"), at("chain")).unwrap();
        symlink("far/new", at("dangling")).unwrap();
        let file = AtomicFile::create(at("chain")).unwrap();
        assert_eq!(
            file.temporary_path().parent().unwrap().canonicalize().unwrap(),
            at("far").canonicalize().unwrap()
        );
        drop(file);
        AtomicFile::replace(at("chain"), b"new").unwrap();
        AtomicFile::replace(at("dangling"), b"made").unwrap();
        assert_eq!(
            (fs::read(at("far/file")).unwrap(), fs::read(at("far/new")).unwrap()),
            (b"new".into(), b"made".into())
        );
        for link in ["there/relative", "chain", "dangling"] {
            assert!(at(link).is_symlink(), "{link}");
        }
        assert_eq!((entries(&at("far")), entries(&at("there"))), (2, 1));
        symlink("circle", at("circle")).unwrap();
        let text = AtomicFile::create(at("circle")).unwrap_err().to_string();
        assert!(text.contains("lead in a circle"), "{text}");
    }

    #[test]
    fn what_is_no_regular_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        std::os::unix::fs::symlink("pipe", at("link")).unwrap();
        for name in ["pipe", "socket", "link"] {
            let text = AtomicFile::replace(at(name), b"x").unwrap_err().to_string();
            assert!(text.contains("no regular file") && text.contains("give another name"), "{text}");
        }
        use std::os::unix::fs::FileTypeExt;
        let kind = |name: &str| fs::symlink_metadata(at(name)).unwrap().file_type();
        assert!(kind("pipe").is_fifo() && kind("socket").is_socket() && kind("link").is_symlink());
        assert_eq!(entries(folder.path()), 3);
    }

    #[test]
    fn names_of_any_length_and_bytes_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            b"x".repeat(255),
            // Characters of two bytes, one of which stands where the name is cut.
            "\u{e4}".repeat(127).into_bytes(),
            b"no \xff UTF-8".to_vec(),
            b"two\nlines".to_vec(),
            b"-f".to_vec(),
        ];
        for name in &names {
            let target = folder.path().join(OsStr::from_bytes(name));
            let file = AtomicFile::create(&target).unwrap();
            assert!(AtomicFile::is_temporary(file.temporary_path().file_name().unwrap()));
            drop(file);
            AtomicFile::replace(&target, b"new").unwrap();
            assert_eq!(fs::read(target).unwrap(), b"new");
        }
        assert_eq!(entries(folder.path()), names.len());
        assert_eq!(shortened("\u{e4}".repeat(127).as_ref()).len(), 242);
        let text = AtomicFile::create(folder.path().join("x".repeat(256))).unwrap_err().to_string();
        assert!(text.contains("give a shorter name"), "{text}");
    }

    #[test]
    fn unusable_targets_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("absent/state.json");
        let text = AtomicFile::create(&missing).unwrap_err().to_string();
        assert!(text.contains("absent/state.json") && text.contains("create the folder"), "{text}");
        assert!(matches!(AtomicFile::create(folder.path()), Err(Error::Write { .. })));
        assert!(matches!(AtomicFile::create("/"), Err(Error::Write { .. })));
    }
}
