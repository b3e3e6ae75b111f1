//! Weights of the published flow of U(1), converted, against values of a plain Python program beside this file.
//!
//! `published.py` is written from the papers' formulas alone. It draws weights and links by a generator that is repeated
//! here, and keeps what the flow makes of the links in `published.json`.

mod refusals;

use gaugelink_lattice::{Complex, GaugeField, LaneMeaning, Lattice, LatticeOptions, Matrix, Site};
use gaugelink_models::file::{Named, StateDict};
use gaugelink_models::{Flow, Model};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use std::f64::consts::TAU;

/// The generator of `published.py`.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / 2f64.powi(53)
    }
    fn around_zero(&mut self, count: usize, bound: f64) -> Vec<f64> {
        (0..count).map(|_| bound * (2.0 * self.next() - 1.0)).collect()
    }
}

/// A tensor of a state dict: name, shape, numbers.
type Tensor = (String, Vec<usize>, Vec<f64>);

/// A case of the file, with what was drawn for it.
struct Case {
    extents: [usize; 2],
    /// Of each layer and each of its convolutions, the weights and the biases.
    nets: Vec<[[Tensor; 2]; 3]>,
    /// `[mu][x][y]`.
    links: Vec<f64>,
    images: Vec<f64>,
    log_j: f64,
}

/// The stored cases, with names as the notebook of arXiv:2101.08176 has them.
fn cases() -> Vec<Case> {
    let file: Value = serde_json::from_str(include_str!("published.json")).unwrap();
    file["cases"].as_array().unwrap().iter().map(case).collect()
}

fn case(stored: &Value) -> Case {
    let count = |key: &str| stored[key].as_u64().unwrap() as usize;
    let mut numbers = Numbers(stored["seed"].as_u64().unwrap());
    let channels = [2, count("hidden"), count("hidden"), count("components") + 1];
    let nets = (0..count("layers")).map(|layer| {
        [0, 1, 2].map(|part| {
            let (inputs, outputs) = (channels[part], channels[part + 1]);
            let bound = 1.5 / (9.0 * inputs as f64).sqrt();
            let name = |what: &str| format!("{layer}.plaq_coupling.net.{}.{what}", 2 * part);
            let weights = numbers.around_zero(9 * inputs * outputs, bound);
            let biases = numbers.around_zero(outputs, bound);
            [(name("weight"), vec![outputs, inputs, 3, 3], weights), (name("bias"), vec![outputs], biases)]
        })
    });
    let nets = nets.collect();
    let extents: [usize; 2] = serde_json::from_value(stored["extents"].clone()).unwrap();
    let links = (0..2 * extents[0] * extents[1]).map(|_| TAU * numbers.next()).collect();
    let images: Vec<Vec<Vec<f64>>> = serde_json::from_value(stored["links"].clone()).unwrap();
    let images = images.into_iter().flatten().flatten().collect();
    Case { extents, nets, links, images, log_j: stored["log_j"].as_f64().unwrap() }
}

impl Case {
    fn tensors(&self) -> Vec<Tensor> {
        self.nets.iter().flatten().flatten().cloned().collect()
    }
}

/// The bytes of a safetensors file.
fn file(tensors: &[Tensor]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|t| t.2.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        (name.as_str(), TensorView::new(Dtype::F64, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

fn convert(tensors: &[Tensor]) -> Result<Model, String> {
    let action = Named { name: "wilson".into(), parameters: Default::default() };
    let weights = StateDict::from_bytes(&file(tensors), "flow.safetensors").unwrap();
    weights.u1_coupling_flow(action).map_err(|error| error.to_string())
}

/// How far images and log det of the model are from those of the program.
fn distance(case: &Case, model: &Model, lanes: LaneMeaning) -> (f64, f64) {
    let lattice = Lattice::new(&case.extents, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
    let mut u = GaugeField::<f64, 1>::cold(&lattice).unwrap();
    let [width, height] = case.extents;
    let places: Vec<(usize, Site)> =
        (0..case.links.len()).map(|k| (k / height / width, [k / height % width, k % height, 0, 0])).collect();
    for (&(mu, site), &angle) in places.iter().zip(&case.links) {
        let (block, lane) = u.layout().locate(&site);
        u.set_link(block, mu, lane, &Matrix::diagonal(Complex::new(angle.cos(), angle.sin())));
    }
    let mut log_det = [0.0];
    Flow::from_model(&lattice, model).unwrap().forward(&mut u, &mut log_det);
    let off = places.iter().zip(&case.images).map(|(&(mu, site), &image)| {
        let (block, lane) = u.layout().locate(&site);
        let link = u.link(block, mu, lane).0[0][0];
        let off = link.im.atan2(link.re) - image;
        ((off + TAU / 2.0).rem_euclid(TAU) - TAU / 2.0).abs()
    });
    (off.fold(0.0, f64::max), (log_det[0] - case.log_j).abs())
}

#[test]
fn converted_weights_are_the_published_flow() {
    for case in &cases() {
        let model = convert(&case.tensors()).unwrap();
        let bytes = model.to_bytes("model").unwrap();
        let model = Model::from_bytes(&bytes, "model").unwrap();
        assert_eq!(model.header.architecture.len(), case.nets.len());
        for lanes in [LaneMeaning::Sites, LaneMeaning::Batch { chains: 1 }] {
            let (links, log) = distance(case, &model, lanes);
            println!("{:?}, {} layers: links {links:.1e}, log det {log:.1e}", case.extents, case.nets.len());
            assert!(links < 1e-12 && log < 1e-12, "{:?}: {links:e} {log:e}", case.extents);
        }
    }
}

/// That the comparison sees what can go wrong with weights, and by how much.
#[test]
fn other_orders_of_weights_are_other_flows() {
    let case = &cases()[0];
    let far = |what: &str, change: fn(&mut Case)| {
        let mut changed = cases().remove(0);
        change(&mut changed);
        let (links, log) = distance(case, &convert(&changed.tensors()).unwrap(), LaneMeaning::Sites);
        println!("{what}: links {links:.1e}, log det {log:.1e}");
        assert!(links > 0.1 && log > 1e-3, "{what}: {links:e} {log:e}");
    };
    far("kernels transposed", |case| {
        for [(.., weights), _] in case.nets.iter_mut().flatten() {
            for kernel in weights.chunks_exact_mut(9) {
                [(1, 3), (2, 6), (5, 7)].into_iter().for_each(|(a, b)| kernel.swap(a, b));
            }
        }
    });
    far("convolutions instead of correlations", |case| {
        for [(.., weights), _] in case.nets.iter_mut().flatten() {
            weights.chunks_exact_mut(9).for_each(<[f64]>::reverse);
        }
    });
    far("t before s", |case| {
        for [_, _, [(.., weights), (.., biases)]] in &mut case.nets {
            weights.rotate_right(8 * 9);
            biases.rotate_right(1);
        }
    });
    far("sin before cos", |case| {
        for [[(.., weights), _], ..] in &mut case.nets {
            weights.chunks_exact_mut(2 * 9).for_each(|input| input.rotate_left(9));
        }
    });
    far("layers the other way round", |case| {
        let names: Vec<_> = case.nets.iter().map(|net| net.clone().map(|part| part.map(|t| t.0))).collect();
        case.nets.reverse();
        for (net, names) in case.nets.iter_mut().zip(names) {
            for (tensor, name) in net.iter_mut().flatten().zip(names.into_iter().flatten()) {
                tensor.0 = name;
            }
        }
    });
}

/// Whatever the names: modules in lists, prefixes, layers counted from 1, last or in one list of convolutions, words.
#[test]
fn names_only_have_to_count() {
    let names: [fn(usize, usize) -> String; 7] = [
        |layer, part| format!("module.flow.{}.plaq_coupling.net.{part}.", layer + 1),
        |layer, part| format!("net{part}_layer{layer}_"),
        |layer, part| format!("convolutions.{}.", 3 * layer + part),
        |layer, part| format!("layers.{layer}.{}.", ["first", "hidden", "last"][part]),
        |layer, part| format!("layers.{layer}.{}.", ["input", "hidden", "output"][part]),
        |layer, part| format!("flow.{}.net.{part}.conv.", 2 * layer),
        |layer, part| format!("coupling_{layer}.cnn.conv{}.", part + 1),
    ];
    for case in &cases()[..2] {
        let expected = convert(&case.tensors()).unwrap();
        for name in names {
            let mut tensors = Vec::new();
            for (layer, net) in case.nets.iter().enumerate() {
                for (part, of_part) in net.iter().enumerate() {
                    for ((_, shape, numbers), what) in of_part.iter().zip(["weight", "bias"]) {
                        tensors.push((name(layer, part) + what, shape.clone(), numbers.clone()));
                    }
                }
            }
            let found = convert(&tensors).unwrap_or_else(|error| panic!("{}: {error}", name(0, 0)));
            assert!(found.parameters == expected.parameters, "{}", name(0, 0));
        }
    }
}

#[test]
fn the_model_says_where_it_comes_from() {
    let tensors = cases()[0].tensors();
    let weights = StateDict::from_bytes(&file(&tensors), "flow.safetensors").unwrap();
    let action =
        Named { name: "wilson".into(), parameters: json!({ "beta": 2.0 }).as_object().unwrap().clone() };
    let model = weights.u1_coupling_flow(action).unwrap();
    let converted = &model.header.training.other["converted"];
    assert_eq!(converted["sha256"], weights.sha256);
    assert_eq!(converted["first"], "0.plaq_coupling.net.0.weight");
    let error = StateDict::from_bytes(&model.to_bytes("model").unwrap(), "model").unwrap_err();
    assert!(error.to_string().contains("a model of Gaugelink already"), "{error}");
    assert_eq!(model.header.action.as_ref().unwrap().parameters["beta"], 2.0);
    assert_eq!(model.parameters.len(), 15_280, "as published");
}
