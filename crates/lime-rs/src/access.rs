//! Positioned reading and writing (`pread`, `pwrite`): no shared file position, so several threads may use one
//! handle, and no memory map, where another process that truncates the file would turn into a signal.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt};
use std::path::Path;
use std::sync::Mutex;

use crate::error::{Error, Result};

/// Bytes that can be read at any offset.
pub trait ReadAt {
    /// Fills `buffer` with the bytes at `offset .. offset + buffer.len()`.
    ///
    /// # Errors
    /// `UnexpectedEof` where the source ends earlier; else what the operating system reports.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Number of bytes in the source at this moment.
    ///
    /// # Errors
    /// What the operating system reports.
    fn size(&self) -> io::Result<u64>;
}

/// A place where bytes can be written at any offset, growing as needed.
pub trait WriteAt {
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// What the operating system reports, e.g. `StorageFull`.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
}

/// Opens a regular file for reading. Anything else is refused before it is opened: a pipe would keep its opener waiting,
/// and some devices do things when they are opened.
///
/// # Errors
/// [`Error::NotRegular`], [`Error::Open`].
pub(crate) fn open_file(path: &Path) -> Result<File> {
    let failed = |source| Error::Open { source };
    let kind = std::fs::metadata(path).map_err(failed)?.file_type();
    let what = match kind {
        kind if kind.is_file() => return File::open(path).map_err(failed),
        kind if kind.is_dir() => "a folder",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    };
    Err(Error::NotRegular { what })
}

impl ReadAt for File {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, buffer, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

impl WriteAt for File {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }
}

impl ReadAt for [u8] {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let end = start.checked_add(buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(self.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

impl ReadAt for Vec<u8> {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.as_slice().read_exact_at(buffer, offset)
    }

    fn size(&self) -> io::Result<u64> {
        self.as_slice().size()
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        (**self).read_exact_at(buffer, offset)
    }

    fn size(&self) -> io::Result<u64> {
        (**self).size()
    }
}

/// A file in memory; holes are zeros, as in a sparse file.
impl WriteAt for Mutex<Vec<u8>> {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let end = start.checked_add(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        let mut memory = self.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if memory.len() < end {
            memory.resize(end, 0);
        }
        memory[start..end].copy_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_reads_only_what_it_has() {
        let bytes = [1u8, 2, 3, 4];
        let mut two = [0u8; 2];
        bytes[..].read_exact_at(&mut two, 2).unwrap();
        assert_eq!(two, [3, 4]);
        for offset in [3, 4, u64::MAX] {
            let error = bytes[..].read_exact_at(&mut two, offset).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn memory_writes_leave_zero_holes() {
        let memory = Mutex::new(vec![9u8]);
        memory.write_all_at(&[7], 3).unwrap();
        assert_eq!(*memory.lock().unwrap(), [9, 0, 0, 7]);
    }
}
