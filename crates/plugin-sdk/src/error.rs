//! A status with its sentence.

use crate::{raw, sized};
use std::ffi::c_char;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// The result of everything that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// A status of `plugin.h` and what went wrong: what, where, and what to do. Its fields are those of [`Details`].
///
/// A pointer alone, so that the results of calls, which nearly always are `Ok`, pass through registers: a call of a plugin
/// goes through half a dozen functions that answer with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Details>);

/// What an [`Error`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// `GLK_*`, never `GLK_OK`.
    pub code: raw::glk_status,
    /// One sentence.
    pub message: String,
    /// Component or function; the boundary fills it with the component's id where it is empty.
    pub place: String,
    /// What CUDA or HIP answered.
    pub device_code: i32,
    /// The rank that failed first, −1 unknown.
    pub rank: i32,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident = $code:ident),* $(,)?) => {
        $($(#[$doc])* #[cold] pub fn $name(message: impl Into<String>) -> Self { Self::new(raw::$code, message) })*
    };
}

impl Error {
    /// An error with this status.
    #[cold]
    pub fn new(code: raw::glk_status, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            code,
            message: message.into(),
            place: String::new(),
            device_code: 0,
            rank: -1,
        }))
    }
    constructors! {
        /// An argument that makes no sense.
        invalid = GLK_INVALID_ARG,
        /// No such component, key or file.
        not_found = GLK_NOT_FOUND,
        /// Calls in the wrong order.
        precondition = GLK_PRECONDITION,
        /// A valid request that cannot be served here.
        unsupported = GLK_UNSUPPORTED,
        /// A layout that is not served in place.
        need_copy = GLK_NEED_COPY,
        /// Files and streams.
        io = GLK_IO,
        /// An error of the plugin itself.
        internal = GLK_INTERNAL,
        /// A NaN or infinity.
        nonfinite = GLK_NONFINITE,
    }
    /// Fills a host's error struct; nothing happens for NULL.
    ///
    /// # Safety
    /// As for [`crate::write_sized`].
    pub unsafe fn store(&self, out: *mut raw::glk_error) {
        let mut error = sized::new::<raw::glk_error>();
        error.code = self.code;
        error.device_code = self.device_code;
        error.rank = self.rank;
        fill(&mut error.where_, &self.place);
        fill(&mut error.message, &self.message);
        // SAFETY: the caller's promise.
        unsafe { sized::write(out, &error) };
    }
    /// What a plugin answered: `status`, and the struct it may have filled.
    #[cold]
    pub fn load(status: raw::glk_status, error: &raw::glk_error) -> Self {
        let mut message = text(&error.message);
        if message.is_empty() {
            message = "the plugin gives no reason".into();
        }
        if !NAMES.iter().any(|(code, _)| *code == status) {
            message = format!("{message} (status {status}, which plugin.h does not have)");
        }
        let (place, device_code, rank) = (text(&error.where_), error.device_code, error.rank);
        Self(Box::new(Details { code: status, message, place, device_code, rank }))
    }
    /// The status's name, such as `INVALID_ARG`; one that `plugin.h` does not have is `INTERNAL`.
    pub fn name(&self) -> &'static str {
        NAMES.iter().find(|(code, _)| *code == self.code).map_or("INTERNAL", |(_, name)| name)
    }
}

/// Every status of `plugin.h`.
const NAMES: [(raw::glk_status, &str); 16] = [
    (raw::GLK_OK, "OK"),
    (raw::GLK_CANCELLED, "CANCELLED"),
    (raw::GLK_INVALID_ARG, "INVALID_ARG"),
    (raw::GLK_NOT_FOUND, "NOT_FOUND"),
    (raw::GLK_NO_MEMORY, "NO_MEMORY"),
    (raw::GLK_PRECONDITION, "PRECONDITION"),
    (raw::GLK_UNSUPPORTED, "UNSUPPORTED"),
    (raw::GLK_IO, "IO"),
    (raw::GLK_NOT_CONVERGED, "NOT_CONVERGED"),
    (raw::GLK_NONFINITE, "NONFINITE"),
    (raw::GLK_DEVICE, "DEVICE"),
    (raw::GLK_COMM, "COMM"),
    (raw::GLK_PANIC, "PANIC"),
    (raw::GLK_POISONED, "POISONED"),
    (raw::GLK_NEED_COPY, "NEED_COPY"),
    (raw::GLK_INTERNAL, "INTERNAL"),
];

impl Deref for Error {
    type Target = Details;
    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for Error {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            write!(f, "{} ({})", self.message, self.name())
        } else {
            write!(f, "{}: {} ({})", self.place, self.message, self.name())
        }
    }
}

impl std::error::Error for Error {}

/// Copies text, cut at a character boundary, into a NUL-terminated array.
fn fill(array: &mut [c_char], text: &str) {
    let mut end = text.len().min(array.len() - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    for (to, from) in array.iter_mut().zip(text.as_bytes()[..end].iter().chain(&[0])) {
        *to = *from as c_char;
    }
}

/// The text up to the first NUL.
fn text(array: &[c_char]) -> String {
    let bytes: Vec<u8> = array.iter().map(|&c| c as u8).take_while(|&c| c != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_as_large_as_a_register() {
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }

    #[test]
    fn long_messages_end_at_a_character() {
        let mut raw = sized::new::<raw::glk_error>();
        let long = "ä".repeat(300);
        // SAFETY: a whole struct.
        unsafe { Error::invalid(long.clone()).store(&raw mut raw) };
        let back = Error::load(raw.code, &raw);
        assert_eq!(back.message, long[..430]);
        assert_eq!((back.code, back.rank, back.name()), (raw::GLK_INVALID_ARG, -1, "INVALID_ARG"));
    }
}
