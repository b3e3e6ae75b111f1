//! Model files: parameters and all that a host must know to use them.
//!
//! A file is in the safetensors format: eight bytes of length, a JSON header, tensors in little-endian f64. The header's
//! metadata has one key, `gaugelink-model`, whose text is again JSON: a [`Header`] with `format` and
//! `parameters_sha256`, the SHA-256 of all parameters in the header's order as little-endian f64. Any safetensors
//! library reads the tensors; any JSON library the rest.
//!
//! Weights that another program trained come as a [`StateDict`], which makes a model of them.

mod header;
mod state_dict;
mod u1_weights;

pub use header::{
    CONVENTIONS, Header, LayerEntry, Measured, ModelKind, Named, SCALAR, TensorEntry, Theory, Training,
};
pub use state_dict::{StateDict, Weights};

use lime_rs::AtomicFile;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The format that this version writes.
pub const FORMAT: &str = "gaugelink-model/1";
/// The metadata key of the header.
const KEY: &str = "gaugelink-model";
/// A JSON header longer than this is not read.
const HEADER_BYTES_MAX: u64 = 16 << 20;
/// A file longer than this is not read.
const FILE_BYTES_MAX: u64 = 4 << 30;

/// Why a model could not be read or written.
#[derive(Debug, Error)]
pub enum ModelFileError {
    /// The file cannot be opened or read.
    #[error("model {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] lime_rs::Error),
    /// Fewer bytes than the file claims.
    #[error("model {name} is truncated: {bytes} bytes of {wanted} or more; copy it again")]
    Truncated {
        /// The file.
        name: String,
        /// Its length.
        bytes: u64,
        /// What it should at least be.
        wanted: u64,
    },
    /// Something else than a model.
    #[error("{name} is not a Gaugelink model: {reason}; give a file written by `gaugelink train`")]
    Foreign {
        /// The file.
        name: String,
        /// What was found.
        reason: String,
    },
    /// A model of a later format.
    #[error("model {name} has format \"{format}\", this version reads \"{FORMAT}\": use a newer Gaugelink")]
    Version {
        /// The file.
        name: String,
        /// The format that it claims.
        format: String,
    },
    /// A model that contradicts itself.
    #[error("model {name} cannot be used: {reason}; train or export it again")]
    Inconsistent {
        /// The file.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// Weights from elsewhere that are not those of a flow that is known here.
    #[error("the weights {name} cannot be taken: {reason}")]
    Weights {
        /// The file.
        name: String,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// Parameters that are not those written.
    #[error(
        "the parameters of model {name} have changed since it was written (SHA-256 {found}, {stated} stated): copy it again"
    )]
    Changed {
        /// The file.
        name: String,
        /// The checksum in the header.
        stated: String,
        /// The checksum of the parameters.
        found: String,
    },
}

/// A model apart from any lattice: what it is, and its parameters in one vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// What it is.
    pub header: Header,
    /// The numbers of the header's tensors, one tensor after another.
    pub parameters: Vec<f64>,
}

/// The header as it stands in the file.
#[derive(Serialize, Deserialize)]
struct Envelope<H> {
    format: String,
    parameters_sha256: String,
    #[serde(flatten)]
    header: H,
}

/// What has to be understood before the rest.
#[derive(Deserialize)]
struct Claim {
    format: String,
}

impl Model {
    /// Writes the file; an old one of that name stands until the new one is complete.
    ///
    /// # Errors
    /// [`ModelFileError::Write`]; [`ModelFileError::Inconsistent`] for a header that does not fit the parameters, and
    /// for parameters that are not finite.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), ModelFileError> {
        let path = path.as_ref();
        AtomicFile::replace(path, &self.to_bytes(&path.display().to_string())?)?;
        Ok(())
    }

    /// The bytes of its file; `name` is what errors call it.
    ///
    /// # Errors
    /// [`ModelFileError::Inconsistent`].
    pub fn to_bytes(&self, name: &str) -> Result<Vec<u8>, ModelFileError> {
        let inconsistent = |reason| ModelFileError::Inconsistent { name: name.into(), reason };
        self.check(name)?;
        let bytes: Vec<u8> = self.parameters.iter().flat_map(|x| x.to_le_bytes()).collect();
        let envelope =
            Envelope { format: FORMAT.into(), parameters_sha256: sha256(&bytes), header: &self.header };
        let text = serde_json::to_string(&envelope).map_err(|e| inconsistent(e.to_string()))?;
        let mut rest = bytes.as_slice();
        let mut views = Vec::with_capacity(self.header.tensors.len());
        for tensor in &self.header.tensors {
            let (mine, others) = rest.split_at(8 * tensor.numbers().unwrap_or(0));
            rest = others;
            let view = TensorView::new(Dtype::F64, tensor.shape.clone(), mine)
                .map_err(|e| inconsistent(format!("tensor `{}`: {e}", tensor.name)))?;
            views.push((tensor.name.as_str(), view));
        }
        let metadata = HashMap::from([(KEY.to_string(), text)]);
        safetensors::serialize(views, Some(metadata)).map_err(|e| inconsistent(e.to_string()))
    }

    /// Reads and verifies a file.
    ///
    /// # Errors
    /// Every [`ModelFileError`] but `Write` and `Weights`.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ModelFileError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let bytes = read_bytes(path, |start, length| check_lengths(start, length, &name))?;
        Self::from_bytes(&bytes, &name)
    }

    /// A model from the bytes of its file; `name` is what errors call it.
    ///
    /// # Errors
    /// As [`Model::read`].
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, ModelFileError> {
        check_lengths(bytes, bytes.len() as u64, name)?;
        let foreign = |reason: String| ModelFileError::Foreign { name: name.into(), reason };
        let inconsistent = |reason: String| ModelFileError::Inconsistent { name: name.into(), reason };
        let broken = |error: SafeTensorError| match error {
            SafeTensorError::MetadataIncompleteBuffer => inconsistent(
                "it has more or fewer bytes than its tensors take, as after a copy that was cut short".into(),
            ),
            other => foreign(other.to_string()),
        };
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let text = metadata.metadata().as_ref().and_then(|map| map.get(KEY)).ok_or_else(|| {
            foreign(format!(
                "it is a safetensors file without the metadata `{KEY}` (of weights of PyTorch \
                     `gaugelink model convert` makes a model)"
            ))
        })?;
        let claim: Claim = serde_json::from_str(text).map_err(|e| foreign(format!("metadata: {e}")))?;
        if !is_readable(&claim.format) {
            return Err(ModelFileError::Version { name: name.into(), format: claim.format });
        }
        let Envelope { parameters_sha256: stated, header, .. }: Envelope<Header> =
            serde_json::from_str(text).map_err(|e| inconsistent(format!("header: {e}")))?;
        let file = SafeTensors::deserialize(bytes).map_err(broken)?;
        let listed: HashSet<&str> = header.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
        if let Some(other) = file.names().into_iter().find(|name| !listed.contains(name)) {
            return Err(inconsistent(format!("its header does not list the tensor `{other}`")));
        }
        let mut numbers = Vec::with_capacity(bytes.len() / 8);
        let mut hash = Sha256::new();
        for tensor in &header.tensors {
            let view = file.tensor(&tensor.name).map_err(|e| inconsistent(e.to_string()))?;
            if view.dtype() != Dtype::F64 || view.shape() != tensor.shape {
                return Err(inconsistent(format!(
                    "the tensor `{}` is {:?} {:?}, its header says F64 {:?}",
                    tensor.name,
                    view.dtype(),
                    view.shape(),
                    tensor.shape
                )));
            }
            hash.update(view.data());
            numbers.extend(view.data().as_chunks().0.iter().map(|&word| f64::from_le_bytes(word)));
        }
        let found = hexadecimal(&hash.finalize());
        if found != stated {
            return Err(ModelFileError::Changed { name: name.into(), stated, found });
        }
        let model = Self { header, parameters: numbers };
        model.check(name)?;
        Ok(model)
    }

    fn check(&self, name: &str) -> Result<(), ModelFileError> {
        let not_finite = || {
            let k = self.parameters.iter().position(|x| !x.is_finite())?;
            Some(format!("parameter {k} is {}: its training diverged", self.parameters[k]))
        };
        match self.header.complaint(self.parameters.len()).or_else(not_finite) {
            None => Ok(()),
            Some(reason) => Err(ModelFileError::Inconsistent { name: name.into(), reason }),
        }
    }

    /// The parameters of one tensor.
    pub fn tensor(&self, name: &str) -> Option<&[f64]> {
        let mut first = 0;
        for tensor in &self.header.tensors {
            let numbers = tensor.numbers()?;
            if tensor.name == name {
                return self.parameters.get(first..first + numbers);
            }
            first += numbers;
        }
        None
    }
}

/// The bytes of a file; `check` sees the first eight, and the length, before others are read.
fn read_bytes(
    path: &Path,
    check: impl FnOnce(&[u8], u64) -> Result<(), ModelFileError>,
) -> Result<Vec<u8>, ModelFileError> {
    let failed = |source| ModelFileError::Read { path: path.into(), source };
    let mut file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::with_capacity(8);
    (&mut file).take(8).read_to_end(&mut bytes).map_err(failed)?;
    check(&bytes, length)?;
    // The length may have changed since it was asked for: no more than that is taken.
    file.take(length.saturating_sub(8)).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Refuses a file by its first eight bytes and its length, before anything is allocated.
fn check_lengths(start: &[u8], length: u64, name: &str) -> Result<(), ModelFileError> {
    let name = || name.to_string();
    let Some(&prefix) = start.first_chunk::<8>() else {
        return Err(ModelFileError::Truncated { name: name(), bytes: length, wanted: 8 });
    };
    let header = u64::from_le_bytes(prefix);
    if header > HEADER_BYTES_MAX {
        let reason = format!("it does not begin with the length of a safetensors header ({header} bytes)");
        return Err(ModelFileError::Foreign { name: name(), reason });
    }
    if length > FILE_BYTES_MAX {
        let reason = format!("{length} bytes are more than the {FILE_BYTES_MAX} that a model may have");
        return Err(ModelFileError::Foreign { name: name(), reason });
    }
    if length < 8 + header {
        return Err(ModelFileError::Truncated { name: name(), bytes: length, wanted: 8 + header });
    }
    Ok(())
}

/// Whether a format is of this major version: "gaugelink-model/1" or "gaugelink-model/1.x".
fn is_readable(format: &str) -> bool {
    format.strip_prefix(FORMAT).is_some_and(|minor| minor.is_empty() || minor.starts_with('.'))
}

fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
