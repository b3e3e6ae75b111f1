//! Weights that are no model yet: the `state_dict` of a PyTorch module in a safetensors file.
//!
//! Such a file says nothing but names, shapes and numbers, and keeps no order: `save_file` sorts tensors by type and name,
//! so that `10.net` comes before `2.net`. Here they come in the order of their names with numbers taken as numbers, that of
//! the modules; f32, f16 and bf16 become f64 without rounding.

use super::{FILE_BYTES_MAX, KEY, ModelFileError, read_bytes, sha256};
use half::{bf16, f16};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use std::path::Path;

/// The first bytes of files that `torch.save` writes: zip archives, and pickles before PyTorch 1.6.
const PICKLES: [&[u8]; 2] = [b"PK\x03\x04", b"\x80\x02"];

/// Tensors by name.
#[derive(Clone, Debug, PartialEq)]
pub struct StateDict {
    /// What errors call the file.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// In the order of their names, `2.net` before `10.net`.
    pub tensors: Vec<Weights>,
}

/// One tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Its name.
    pub name: String,
    /// Extents, the last index fastest.
    pub shape: Vec<usize>,
    /// Its numbers, if they are F64, F32, F16 or BF16.
    pub numbers: Option<Vec<f64>>,
}

impl StateDict {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ModelFileError::Read`], and [`ModelFileError::Weights`] for other files and damaged ones.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ModelFileError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let bytes = read_bytes(path, |start, length| {
            let reason = if PICKLES.iter().any(|pickle| start.starts_with(pickle)) {
                "torch.save has written it, and such files are programs: write it again by \
                 safetensors.torch.save_file(model.state_dict(), ...)"
                    .into()
            } else if length > FILE_BYTES_MAX {
                format!("{length} bytes are more than the {FILE_BYTES_MAX} that a model may have")
            } else {
                return Ok(());
            };
            Err(ModelFileError::Weights { name: name.clone(), reason })
        })?;
        Self::from_bytes(&bytes, &name)
    }

    /// The same from the bytes of a file; `name` is what errors call it.
    ///
    /// # Errors
    /// [`ModelFileError::Weights`].
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, ModelFileError> {
        let refuse = |reason| ModelFileError::Weights { name: name.into(), reason };
        let broken = |error| {
            refuse(format!("it is no safetensors file, or a damaged one ({error}): write or copy it again"))
        };
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        if metadata.metadata().as_ref().is_some_and(|map| map.contains_key(KEY)) {
            return Err(refuse("it is a model of Gaugelink already: use it as it is".into()));
        }
        let file = SafeTensors::deserialize(bytes).map_err(broken)?;
        let weights = |(name, view): (&str, TensorView<'_>)| Weights {
            name: name.into(),
            shape: view.shape().to_vec(),
            numbers: numbers(view.dtype(), view.data()),
        };
        let mut tensors: Vec<Weights> = file.iter().map(weights).collect();
        tensors.sort_by(|a, b| pieces(&a.name).cmp(&pieces(&b.name)));
        Ok(Self { name: name.into(), sha256: sha256(bytes), tensors })
    }
}

/// The numbers of a tensor, where they are real ones of a usual precision.
fn numbers(kind: Dtype, bytes: &[u8]) -> Option<Vec<f64>> {
    Some(match kind {
        Dtype::F64 => bytes.as_chunks().0.iter().map(|&word| f64::from_le_bytes(word)).collect(),
        Dtype::F32 => bytes.as_chunks().0.iter().map(|&word| f32::from_le_bytes(word).into()).collect(),
        Dtype::F16 => bytes.as_chunks().0.iter().map(|&word| f16::from_le_bytes(word).into()).collect(),
        Dtype::BF16 => bytes.as_chunks().0.iter().map(|&word| bf16::from_le_bytes(word).into()).collect(),
        _ => return None,
    })
}

/// A piece of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Piece<'a> {
    /// Digits, unless they are too many for it.
    Number(u64),
    /// What stands between them.
    Word(&'a [u8]),
}

/// A name as words and numbers in turn.
pub(super) fn pieces(name: &str) -> Vec<Piece<'_>> {
    let parts = name.as_bytes().chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit());
    let number = |part| std::str::from_utf8(part).ok()?.parse().ok();
    parts.map(|part| number(part).map_or(Piece::Word(part), Piece::Number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dict(tensors: &[(&str, Dtype, &[u8])]) -> StateDict {
        let views = tensors.iter().map(|&(name, kind, bytes)| {
            let count = 8 * bytes.len() / kind.bitsize();
            (name, TensorView::new(kind, vec![count], bytes).unwrap())
        });
        StateDict::from_bytes(&safetensors::serialize(views, None).unwrap(), "w").unwrap()
    }

    #[test]
    fn numbers_in_names_are_numbers() {
        let names = ["net.10.weight", "net.2.weight", "net.2.bias", "10", "9", "net.2a"];
        let found = dict(&names.map(|name| (name, Dtype::F32, &[][..])));
        let found: Vec<&str> = found.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
        assert_eq!(found, ["9", "10", "net.2.bias", "net.2.weight", "net.2a", "net.10.weight"]);
    }

    /// Bytes by hand: -2.5 is 1.25 x 2, of exponents 1024, 128, 16 and 128; 2^-24 is the least number that f16 has.
    #[test]
    fn every_precision_is_taken_as_it_is() {
        let found = dict(&[
            ("a", Dtype::F64, &[0, 0, 0, 0, 0, 0, 0x04, 0xc0]),
            ("b", Dtype::F32, &[0, 0, 0x20, 0xc0]),
            ("c", Dtype::F16, &[0, 0xc1, 1, 0]),
            ("d", Dtype::BF16, &[0x20, 0xc0]),
            ("e", Dtype::I64, &[0; 8]),
        ]);
        let numbers: Vec<_> = found.tensors.into_iter().map(|tensor| tensor.numbers).collect();
        let half = 2f64.powi(-24);
        assert_eq!(
            numbers,
            [Some(vec![-2.5]), Some(vec![-2.5]), Some(vec![-2.5, half]), Some(vec![-2.5]), None]
        );
    }

    #[test]
    fn other_files_are_told_for_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flow.pt");
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            StateDict::read(&path).unwrap_err().to_string()
        };
        for pickle in [&b"PK\x03\x04archive/data.pkl"[..], b"\x80\x02\x8a\x0al\xfc\x9c"] {
            let error = refused(pickle);
            assert!(error.contains("torch.save") && error.contains("save_file"), "{error}");
        }
        for other in [&b""[..], b"weights", &[0xff; 40]] {
            let error = refused(other);
            assert!(error.contains("flow.pt") && error.contains("no safetensors file"), "{error}");
        }
        assert!(matches!(StateDict::read(folder.path()), Err(ModelFileError::Read { .. })));
    }
}
