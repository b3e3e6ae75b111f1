//! SciDAC files written by MILC, QIO's own test, tmLQCD, QDP++ and PyQUDA, against values that an independent reader
//! computed and against physics: a staggered solution solves its equation.

use std::fs::File;
use std::path::PathBuf;

use lime_rs::{
    ComponentOrder, Content, Number, RecordKind, ScidacChecksum, ScidacFile, ScidacPayload, VolumeFormat,
    Warning,
};
use serde_json::Value;

fn corpus() -> Option<(PathBuf, Value)> {
    let Some(folder) = std::env::var_os("GAUGELINK_TEST_DATA").map(PathBuf::from) else {
        println!(
            "skipped: GAUGELINK_TEST_DATA does not name a folder with configurations and their index.json"
        );
        return None;
    };
    let index = serde_json::from_reader(File::open(folder.join("index.json")).unwrap()).unwrap();
    Some((folder, index))
}

fn sums(value: &Value) -> ScidacChecksum {
    let text = |key: &str| value[key].as_str().unwrap();
    format!("{}/{}", text("suma"), text("sumb")).parse().unwrap()
}

fn norm2(numbers: &[f64]) -> f64 {
    numbers.iter().map(|number| number * number).sum()
}

#[test]
fn every_record_of_every_file_is_described_and_verified() {
    let Some((folder, index)) = corpus() else { return };
    let mut count = 0;
    for entry in index["files"].as_array().unwrap().iter().filter(|entry| entry["records"].is_array()) {
        let name = entry["file"].as_str().unwrap();
        // Those without any statement of their dimensions are no SciDAC files.
        if name.starts_with("barelime_") {
            continue;
        }
        let file = ScidacFile::open(folder.join(name)).unwrap();
        assert_eq!(file.info().volume_format, VolumeFormat::Single, "{name}");
        let dims: Vec<Value> = file.info().dims.iter().map(|&extent| extent.into()).collect();
        assert_eq!(Value::from(dims), entry["dims_xyzt"], "{name}");
        let payloads = entry["payloads"].as_array().unwrap();
        assert_eq!(file.payloads().len(), payloads.len(), "{name}");
        for (index, (payload, expected)) in file.payloads().iter().zip(payloads).enumerate() {
            assert_eq!(Some(payload.bytes()), expected["len"].as_u64(), "{name}");
            let verification = file.verify(index).unwrap();
            assert_eq!(verification.computed, sums(expected), "{name}");
            assert_eq!(verification.is_verified(), expected["stored"] != "none", "{name}");
            verification.check().unwrap();
            count += 1;
        }
    }
    assert_eq!(count, 7 + 4 + 3);
}

#[test]
fn qios_own_test_file_has_a_field_global_data_and_matrices() {
    let Some((folder, _)) = corpus() else { return };
    let file = ScidacFile::open(folder.join("qio_binary_host_test_8444_f32_multirecord.lime")).unwrap();
    assert_eq!(file.warnings(), []);
    assert_eq!(file.user_xml(), Some("Dummy user file XML"));
    let [field, global, matrices] = file.payloads() else { panic!("three records") };
    let summary =
        |payload: &ScidacPayload| (payload.sites, payload.number, payload.content, payload.offset());
    assert_eq!(summary(field), (512, Number::F32, Content::Numbers { count: 2 }, Some(1200)));
    assert_eq!(global.info.kind, RecordKind::Global);
    assert_eq!(summary(global), (1, Number::F32, Content::Numbers { count: 3 }, Some(6312)));
    assert_eq!(summary(matrices).2, Content::ColourMatrix { nc: 3, count: 4 });
    assert!(matrices.content.is_links() && !field.content.is_links());
    assert_eq!(matrices.user_xml.as_deref(), Some("Dummy user record XML for su3 field"));
    assert_eq!(file.numbers::<f32>(1).unwrap().0.len(), 3);
    assert!(file.numbers::<f32>(3).is_err() && file.integers(0).is_err());
}

/// Complex numbers of a staggered field or of links.
fn complex(file: &str) -> Option<Vec<[f64; 2]>> {
    let (folder, _) = corpus()?;
    let (numbers, verification) = ScidacFile::open(folder.join(file)).unwrap().numbers::<f64>(0).unwrap();
    assert!(verification.is_verified());
    Some(numbers.as_chunks::<2>().0.to_vec())
}

/// `sum_j M_ij v_j`, of the adjoint matrix where asked.
fn product(matrix: &[[f64; 2]], vector: &[[f64; 2]], adjoint: bool) -> [[f64; 2]; 3] {
    std::array::from_fn(|i| {
        (0..3).fold([0.0, 0.0], |[re, im], j| {
            let [a, b] = if adjoint { matrix[3 * j + i] } else { matrix[3 * i + j] };
            let b = if adjoint { -b } else { b };
            let [c, d] = vector[j];
            [re + a * c - b * d, im + a * d + b * c]
        })
    })
}

#[test]
fn the_staggered_solution_solves_its_equation() {
    let names = ["fat", "long", "ksvector_src", "ksvector_Minv"];
    let [fat, long, source, answer] =
        names.map(|name| complex(&format!("scidac_milc_{name}_l8888_f32.lime")));
    let (Some(fat), Some(long), Some(source), Some(answer)) = (fat, long, source, answer) else { return };
    // The norms that the independent reader found.
    for (field, expected) in [(&source, 6_903_550.726_478_376), (&answer, 12_219.209_411_499_965)] {
        assert!((norm2(field.as_flattened()) / expected - 1.0).abs() < 1e-12);
    }
    // M = 2 m + D with m = 0.1; D v(x) = Σ_mu F_mu(x) v(x+mu) − F_mu(x−mu)† v(x−mu), and the same three links away.
    let site = |x: [usize; 4]| x[0] + 8 * (x[1] + 8 * (x[2] + 8 * x[3]));
    let mut difference = 0.0;
    for rank in 0..4096 {
        let here = [rank % 8, rank / 8 % 8, rank / 64 % 8, rank / 512];
        let mut sum: [[f64; 2]; 3] = std::array::from_fn(|c| answer[3 * rank + c].map(|part| 0.2 * part));
        for mu in 0..4 {
            for (links, step) in [(&fat, 1), (&long, 3)] {
                let (mut forward, mut back) = (here, here);
                forward[mu] = (here[mu] + step) % 8;
                back[mu] = (here[mu] + 8 - step) % 8;
                let (forward, back) = (site(forward), site(back));
                let link = |at: usize| &links[(4 * at + mu) * 9..][..9];
                let ahead = product(link(rank), &answer[3 * forward..][..3], false);
                let behind = product(link(back), &answer[3 * back..][..3], true);
                for c in 0..3 {
                    sum[c] = [0, 1].map(|part| sum[c][part] + ahead[c][part] - behind[c][part]);
                }
            }
        }
        for c in 0..3 {
            difference +=
                [0, 1].map(|part| (sum[c][part] - source[3 * rank + c][part]).powi(2)).iter().sum::<f64>();
        }
    }
    let relative = (difference / norm2(source.as_flattened())).sqrt();
    assert!(relative < 1e-7, "{relative}");
}

#[test]
fn propagators_of_tmlqcd_have_the_norms_of_the_index() {
    let Some((folder, index)) = corpus() else { return };
    let folder = folder.join("etmc_propagator_nissa_L4T8_source1");
    let expected = [
        1.348037163415e+00,
        1.257995260038e-01,
        1.934984215699e-02,
        3.761174755789e-03,
        1.453646333799e-03,
        3.876593651880e-03,
        2.044778697791e-02,
        1.278094168493e-01,
    ];
    let mut slices = [0.0; 8];
    for column in 0..12 {
        let file = ScidacFile::open(folder.join(format!("source_1.0003.00.inverted.{column:02}"))).unwrap();
        assert_eq!(file.info().dims, [4, 4, 4, 8]);
        assert_eq!(file.warnings(), [Warning::MissingPrivateFile]);
        let order = ComponentOrder::SpinColour;
        let payload = &file.payloads()[0];
        assert_eq!(payload.content, Content::Spinor { ns: 4, nc: 3, count: 1, order });
        assert_eq!(payload.number, Number::F64);
        assert_eq!(file.text("propagator-type").unwrap().as_deref(), Some("DiracFermion_Sink"));
        let (numbers, verification) = file.numbers::<f64>(0).unwrap();
        assert!(verification.is_verified());
        for (slice, numbers) in slices.iter_mut().zip(numbers.chunks(64 * 24)) {
            *slice += norm2(numbers);
        }
        // Single precision of the same numbers.
        let (single, _) = file.numbers::<f32>(0).unwrap();
        assert!(single.iter().zip(&numbers).all(|(&single, &double)| single == double as f32));
    }
    for (slice, expected) in slices.iter().zip(expected) {
        assert!((slice / expected - 1.0).abs() < 1e-11, "{slices:?}");
    }
    assert!(index["propagator_set"].is_object());
}
