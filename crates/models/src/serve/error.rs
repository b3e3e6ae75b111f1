//! Errors of models as a status and a sentence.

use crate::ModelError;
use crate::file::ModelFileError;
use gaugelink_physics::PhysicsError;
use gaugelink_plugin_sdk::{Error, raw};
use std::io::ErrorKind;

impl From<ModelError> for Error {
    fn from(error: ModelError) -> Self {
        let code = match error {
            ModelError::Lattice(error) | ModelError::Physics(PhysicsError::Lattice(error)) => {
                return error.into();
            }
            ModelError::Geometry(_) | ModelError::Physics(PhysicsError::Geometry(_)) => raw::GLK_UNSUPPORTED,
            ModelError::Parameter(_) | ModelError::Physics(_) => raw::GLK_INVALID_ARG,
            ModelError::NotConverged(_) => raw::GLK_NOT_CONVERGED,
            ModelError::NotFinite(_) => raw::GLK_NONFINITE,
            ModelError::File(ModelFileError::Read { ref source, .. })
                if source.kind() == ErrorKind::NotFound =>
            {
                raw::GLK_NOT_FOUND
            }
            ModelError::File(_) => raw::GLK_IO,
        };
        Self::new(code, error.to_string())
    }
}

/// Refuses to pass on numbers of links that are no links; `what` names them, such as "the action".
///
/// # Errors
/// `NONFINITE` with the first number that is none.
#[inline]
pub fn finite(what: &str, numbers: &[f64]) -> Result<(), Error> {
    match numbers.iter().find(|x| !x.is_finite()) {
        None => Ok(()),
        Some(x) => Err(not_finite(what, *x)),
    }
}

#[cold]
fn not_finite(what: &str, x: f64) -> Error {
    Error::nonfinite(format!("{what} is {x}: check that the links are finite and unitary"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Model;

    #[test]
    fn statuses_tell_what_to_do() {
        let absent = ModelError::from(Model::read("/no/such/model").unwrap_err());
        let cases = [
            (absent, raw::GLK_NOT_FOUND),
            (ModelError::Parameter("rho".into()), raw::GLK_INVALID_ARG),
            (ModelError::NotConverged("inverse".into()), raw::GLK_NOT_CONVERGED),
            (ModelError::NotFinite("weight".into()), raw::GLK_NONFINITE),
            (ModelError::Physics(PhysicsError::Geometry("3-D".into())), raw::GLK_UNSUPPORTED),
        ];
        for (error, code) in cases {
            let sentence = error.to_string();
            let error = Error::from(error);
            assert_eq!((error.code, &error.message), (code, &sentence));
        }
    }
}
