//! Bytes out to the host and in from it, as `std::io` streams.

use crate::raw;
use std::io;

/// Where saved state and reports go.
pub struct Sink<'a>(&'a raw::glk_sink);

/// Where saved state comes from.
pub struct Source<'a>(&'a raw::glk_source);

impl<'a> Sink<'a> {
    /// # Safety
    /// The function takes `ctx` and follows `plugin.h`.
    pub(crate) unsafe fn new(raw: &'a raw::glk_sink) -> Self {
        Self(raw)
    }
}

impl<'a> Source<'a> {
    /// # Safety
    /// As for [`Sink::new`].
    pub(crate) unsafe fn new(raw: &'a raw::glk_source) -> Self {
        Self(raw)
    }
}

impl io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let write = self.0.write.ok_or_else(|| io::Error::other("the host's sink has no write function"))?;
        // SAFETY: the constructor's promise, and a slice of this length.
        moved(unsafe { write(self.0.ctx, bytes.as_ptr().cast(), bytes.len() as u64) }, bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl io::Read for Source<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read.ok_or_else(|| io::Error::other("the host's source has no read function"))?;
        // SAFETY: the constructor's promise, and a slice of this length.
        moved(unsafe { read(self.0.ctx, bytes.as_mut_ptr().cast(), bytes.len() as u64) }, bytes.len())
    }
}

fn moved(answer: i64, asked: usize) -> io::Result<usize> {
    match usize::try_from(answer) {
        Ok(moved) if moved <= asked => Ok(moved),
        _ => Err(io::Error::other(format!("the host's stream answered {answer} to {asked} bytes"))),
    }
}
