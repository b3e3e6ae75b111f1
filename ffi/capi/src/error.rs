//! Section "Errors": what functions fail with inside, and the object that a host gets.

use gaugelink_host::HostError;
use gaugelink_lattice::LatticeError;
use gaugelink_physics::PhysicsError;
use gaugelink_physics::solver::SolveError;
use gaugelink_plugin_sdk::{Error, raw};
use std::ffi::{CString, c_char};

/// Why a function failed.
pub struct Failure(pub Error);

pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub fn invalid(message: impl Into<String>) -> Self {
        Self(Error::invalid(message))
    }
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self(Error::unsupported(message))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<LatticeError> for Failure {
    fn from(error: LatticeError) -> Self {
        let code = match &error {
            LatticeError::Geometry(_) | LatticeError::Mismatch(_) | LatticeError::TooManyThreads { .. } => {
                raw::GLK_INVALID_ARG
            }
            LatticeError::OutOfMemory { .. } => raw::GLK_NO_MEMORY,
            LatticeError::OtherRank => raw::GLK_COMM,
            LatticeError::File(_) => raw::GLK_IO,
            LatticeError::Threads { .. } | LatticeError::Pinning(_) => raw::GLK_INTERNAL,
        };
        Self(Error::new(code, error.to_string()))
    }
}

impl From<lime_rs::Error> for Failure {
    fn from(error: lime_rs::Error) -> Self {
        let code = match error.root() {
            lime_rs::Error::OutOfMemory { .. } => raw::GLK_NO_MEMORY,
            lime_rs::Error::Open { source } if source.kind() == std::io::ErrorKind::NotFound => {
                raw::GLK_NOT_FOUND
            }
            _ => raw::GLK_IO,
        };
        Self(Error::new(code, error.to_string()))
    }
}

impl From<PhysicsError> for Failure {
    fn from(error: PhysicsError) -> Self {
        match error {
            PhysicsError::Lattice(error) => error.into(),
            error => Self::invalid(error.to_string()),
        }
    }
}

impl From<SolveError> for Failure {
    fn from(error: SolveError) -> Self {
        let code = match error {
            SolveError::Lattice(error) => return error.into(),
            SolveError::Preconditioner(error) => {
                let text = error.to_string();
                let unknown = |_| Self(Error::new(raw::GLK_INTERNAL, text));
                return error.downcast::<HostError>().map_or_else(unknown, |error| (*error).into());
            }
            SolveError::NotFinite { .. } => raw::GLK_NONFINITE,
            _ => raw::GLK_NOT_CONVERGED,
        };
        Self(Error::new(code, error.to_string()))
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        let sentence = error.to_string();
        let code = match error {
            HostError::Lattice(error) => return error.into(),
            HostError::Call { error, .. } => return Self(error),
            HostError::Missing { .. } | HostError::NoFile { .. } => raw::GLK_NOT_FOUND,
            HostError::Relative(_) => raw::GLK_INVALID_ARG,
            HostError::Open { .. } => raw::GLK_IO,
            HostError::NoEntry(_) | HostError::Refused { .. } => raw::GLK_UNSUPPORTED,
        };
        Self(Error::new(code, sentence))
    }
}

/// `gaugelink_error`.
pub struct ErrorObject {
    code: raw::glk_status,
    message: CString,
    place: CString,
}

impl ErrorObject {
    /// The error of a function, unless the failure names a place of its own.
    pub fn new(failure: Failure, function: &str) -> Self {
        let error = &failure.0;
        let place = if error.place.is_empty() { function } else { &error.place };
        let string = |text: &str| CString::new(text.replace('\0', "?")).unwrap_or_default();
        Self { code: error.code, message: string(&error.message), place: string(place) }
    }
    pub fn code(&self) -> raw::glk_status {
        self.code
    }
    pub fn message(&self) -> *const c_char {
        self.message.as_ptr()
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gaugelink_error_code(error: *const ErrorObject) -> raw::glk_status {
    // SAFETY: the header asks for NULL or an error that was not freed; the same below.
    unsafe { error.as_ref() }.map_or(raw::GLK_OK, ErrorObject::code)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gaugelink_error_message(error: *const ErrorObject) -> *const c_char {
    // SAFETY: as above.
    unsafe { error.as_ref() }.map_or(c"no error".as_ptr(), ErrorObject::message)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gaugelink_error_where(error: *const ErrorObject) -> *const c_char {
    // SAFETY: as above.
    unsafe { error.as_ref() }.map_or(c"".as_ptr(), |error| error.place.as_ptr())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gaugelink_error_free(error: *mut ErrorObject) {
    // SAFETY: as above.
    unsafe { crate::boundary::free(error) }
}
