//! Model files come back with every bit, and whatever is not one is refused with a sentence.

use super::*;
use serde_json::{Value, json};

fn model() -> Model {
    let target =
        Named { name: "wilson".into(), parameters: json!({ "beta": 2.0 }).as_object().unwrap().clone() };
    let mut header = Header::new(ModelKind::Flow, Theory::of::<1>(2), target);
    header.architecture = vec![serde_json::from_value(json!({ "kind": "coupling", "knots": 6 })).unwrap()];
    header.tensors = vec![TensorEntry::new("1.bias", &[]), TensorEntry::new("0.weights", &[2, 2])];
    header.training = Training { seed: u64::MAX, steps: 300, batch: 64, ..Training::default() };
    header.measured = Measured { ess: Some(0.1), samples: Some(10_000), ..Measured::default() };
    header.other.insert("later".into(), json!({ "x": [1, null, "ü"] }));
    header.training.other.insert("rate".into(), json!(1e-3));
    Model { header, parameters: vec![-0.0, f64::MIN_POSITIVE / 8.0, 0.1, f64::MAX, -1.0 / 3.0] }
}

/// The file of `model` with the text of its header changed.
fn edited(edit: impl FnOnce(&mut Value), views: &[(&str, Dtype, &[usize], &[u8])]) -> Vec<u8> {
    let bytes = model().to_bytes("m").unwrap();
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut header: Value = serde_json::from_str(&metadata.metadata().as_ref().unwrap()[KEY]).unwrap();
    edit(&mut header);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Vec<(String, TensorView<'_>)> = file.tensors();
    for (name, dtype, shape, data) in views {
        tensors.retain(|t| t.0 != *name);
        tensors.push((name.to_string(), TensorView::new(*dtype, shape.to_vec(), data).unwrap()));
    }
    safetensors::serialize(tensors, Some(HashMap::from([(KEY.to_string(), header.to_string())]))).unwrap()
}

fn complaint(bytes: &[u8]) -> String {
    Model::from_bytes(bytes, "m").unwrap_err().to_string()
}

#[test]
fn every_bit_and_every_unknown_key_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flow.safetensors");
    let before = model();
    before.write(&path).unwrap();
    let after = Model::read(&path).unwrap();
    assert_eq!(after, before);
    assert!(after.parameters[0].is_sign_negative(), "minus zero");
    assert_eq!(after.tensor("1.bias"), Some(&before.parameters[..1]));
    assert_eq!(after.tensor("0.weights"), Some(&before.parameters[1..]));
    assert_eq!(after.tensor("0.bias"), None);
    assert_eq!(std::fs::read(&path).unwrap(), after.to_bytes("m").unwrap(), "the same file again");
}

#[test]
fn the_checksum_is_that_of_the_standard() {
    // FIPS 180-4's example "abc".
    assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = model().to_bytes("m").unwrap();
    for length in 0..bytes.len() {
        let text = complaint(&bytes[..length]);
        assert!(text.contains("truncated") || text.contains("cut short"), "{length}: {text}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(complaint(&longer).contains("more or fewer bytes"));
}

#[test]
fn every_flipped_bit_of_the_parameters_is_found() {
    let bytes = model().to_bytes("m").unwrap();
    for bit in 8 * (bytes.len() - 40)..8 * bytes.len() {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(Model::from_bytes(&changed, "m"), Err(ModelFileError::Changed { .. })), "bit {bit}");
    }
}

#[test]
fn no_damage_to_the_header_panics() {
    let bytes = model().to_bytes("m").unwrap();
    for k in 0..bytes.len() - 40 {
        for damage in [0, b'"', b'9', b'}', 0xff] {
            let mut changed = bytes.clone();
            changed[k] = damage;
            if let Err(error) = Model::from_bytes(&changed, "m") {
                assert!(error.to_string().len() > 20, "{error}");
            }
        }
    }
}

#[test]
fn foreign_files_are_called_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "[run]\nseed = 1\n").unwrap();
    assert!(matches!(Model::read(&path), Err(ModelFileError::Foreign { .. })));
    let one = TensorView::new(Dtype::F64, vec![1], &[0; 8]).unwrap();
    let plain = safetensors::serialize([("w", one)], None).unwrap();
    assert!(complaint(&plain).contains("without the metadata"), "{}", complaint(&plain));
    assert!(matches!(Model::read(folder.path().join("absent")), Err(ModelFileError::Read { .. })));
    assert!(matches!(Model::read(folder.path()), Err(ModelFileError::Read { .. })));
}

#[test]
fn another_major_is_refused_and_another_minor_is_not() {
    let with = |format: &str| edited(|h| h["format"] = json!(format), &[]);
    for major in ["gaugelink-model/2", "gaugelink-model/11", "gaugelink-model"] {
        let error = Model::from_bytes(&with(major), "m").unwrap_err();
        assert!(
            matches!(error, ModelFileError::Version { .. }) && error.to_string().contains(major),
            "{error}"
        );
    }
    assert_eq!(Model::from_bytes(&with("gaugelink-model/1.7"), "m").unwrap(), model());
    // A later major may have a header that this version could not even parse.
    let later = edited(|h| *h = json!({ "format": "gaugelink-model/2" }), &[]);
    assert!(matches!(Model::from_bytes(&later, "m"), Err(ModelFileError::Version { .. })));
}

#[test]
fn headers_that_contradict_the_tensors_are_refused() {
    let shape = edited(|h| h["tensors"][1]["shape"] = json!([4]), &[]);
    assert!(complaint(&shape).contains("`0.weights` is F64 [2, 2], its header says F64 [4]"));
    let missing = edited(|h| h["tensors"][1]["name"] = json!("0.w"), &[]);
    assert!(complaint(&missing).contains("does not list the tensor `0.weights`"));
    let absent =
        edited(|h| h["tensors"].as_array_mut().unwrap().push(json!({"name": "z", "shape": []})), &[]);
    assert!(complaint(&absent).contains("`z` not found"), "{}", complaint(&absent));
    let single = edited(|_| (), &[("1.bias", Dtype::F32, &[], &[0; 4])]);
    assert!(complaint(&single).contains("is F32 []"), "{}", complaint(&single));
    let conventions = edited(|h| h["conventions"] = json!("other/1"), &[]);
    assert!(complaint(&conventions).contains("other/1"));
    let kind = edited(|h| h["kind"] = json!("oracle"), &[]);
    assert!(complaint(&kind).contains("oracle"));
    let aimless = edited(|h| h["kind"] = json!("precond"), &[]);
    assert!(complaint(&aimless).contains("no `operator`"));
}

#[test]
fn sizes_are_checked_before_memory_is_taken() {
    let mut bytes = vec![0xff; 64];
    assert!(complaint(&bytes).contains("does not begin with the length"));
    bytes[..8].copy_from_slice(&HEADER_BYTES_MAX.to_le_bytes());
    assert!(complaint(&bytes).contains("truncated"));
    let mut huge = model();
    huge.header.tensors[0].shape = vec![usize::MAX, 3];
    assert!(huge.to_bytes("m").unwrap_err().to_string().contains("larger than any memory"));
}

#[test]
fn models_that_cannot_be_right_are_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let refused = |change: fn(&mut Model), reason: &str| {
        let mut broken = model();
        change(&mut broken);
        let text = broken.write(&path).unwrap_err().to_string();
        assert!(text.contains(reason), "{text}");
    };
    refused(|m| m.parameters[3] = f64::NAN, "parameter 3 is NaN");
    refused(|m| m.parameters[0] = f64::INFINITY, "parameter 0 is inf");
    refused(|m| m.parameters.truncate(4), "hold 5 numbers, its parameters are 4");
    refused(|m| m.header.tensors[1].name = "1.bias".into(), "two tensors are called `1.bias`");
    refused(|m| m.header.action = None, "no `action`");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_with_nan_is_refused_though_its_checksum_fits() {
    let nan = f64::NAN.to_le_bytes();
    let mut all = nan.to_vec();
    all.extend(model().parameters[1..].iter().flat_map(|x| x.to_le_bytes()));
    let bytes =
        edited(|h| h["parameters_sha256"] = json!(sha256(&all)), &[("1.bias", Dtype::F64, &[], &nan)]);
    assert!(complaint(&bytes).contains("parameter 0 is NaN"), "{}", complaint(&bytes));
}

#[test]
fn a_theory_is_matched_by_group_and_dimensions() {
    assert!(Theory::of::<3>(4).expect::<3>(4).is_ok());
    assert!(Theory::of::<3>(4).expect::<2>(4).unwrap_err().to_string().contains("SU(3) in 4"));
    assert!(Theory::of::<1>(2).expect::<1>(3).is_err());
}
