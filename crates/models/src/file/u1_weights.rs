//! Weights of the published flow of U(1) in two dimensions (Albergo et al., arXiv:2101.08176) as a model.
//!
//! A layer of that flow has a net of three convolutions, `Conv2d` of PyTorch, 2 → h → h → n + 1 channels. Whatever their names,
//! shapes tell them apart and the order of names counts the layers. Nothing of them has to be turned, as the layer here is
//! the same function:
//!
//! | of PyTorch | here |
//! |---|---|
//! | links `[batch][mu][x][y]`, angles | direction mu leads along axis mu of the lattice: x is direction 0, y direction 1 |
//! | layer k | moves direction k mod 2, stripe (k div 2) mod 4 across it, as layer k here |
//! | `weight[output][input][a][b]`, a cross-correlation | reads the input at (x + a − 1, y + b − 1): taps in the same order |
//! | input channels | cos, sin of the frozen plaquettes' angles, (1, 0) elsewhere |
//! | output channels | s_1 … s_n, t |
//! | `LeakyReLU()` | slope 0.01 below 0 |
//! | log J, with respect to Lebesgue's measure | log det: the same number, as Haar's measure is a constant times it |
//!
//! What weights cannot say is taken to be as published: other masks, activations, dilations and extra channels make another
//! function, with a poor effective sample size.

use super::state_dict::{Piece, StateDict, Weights, pieces};
use super::{Model, ModelFileError, Named};
use crate::layers::{COMPONENTS_MAX, CouplingSettings, HIDDEN_WIDTHS};
use crate::{LAYERS_MAX, LayerKind, flow_model};
use serde_json::json;
use std::collections::HashMap;

/// Channels of a net's input: cos and sin of plaquettes.
const INPUTS: usize = 2;
/// Most tensors that a refusal names.
const NAMED_MAX: usize = 4;

/// A convolution of a net.
struct Convolution<'a> {
    /// Of its tensors, up to `weight` and `bias`.
    name: &'a str,
    outputs: usize,
    inputs: usize,
    weights: &'a [f64],
    biases: &'a [f64],
}

impl StateDict {
    /// The flow that these weights are of, for an action, with nothing measured; `training.converted` of its header has the
    /// file's SHA-256 and the name of the first layer's first tensor.
    ///
    /// # Errors
    /// [`ModelFileError::Weights`], which names the tensors that are missing, left over or of another shape, and says what
    /// is expected.
    pub fn u1_coupling_flow(&self, action: Named) -> Result<Model, ModelFileError> {
        let refuse = |reason| ModelFileError::Weights { name: self.name.clone(), reason };
        let (settings, nets) = self.convolutions().and_then(nets).map_err(refuse)?;
        let layers = vec![LayerKind::U1Coupling(settings); nets.len()];
        let parts = nets.iter().flatten().flat_map(|part| [part.weights, part.biases]);
        let mut model = flow_model::<1>(2, action, &layers, parts.flatten().copied().collect());
        let first = format!("{}weight", nets[0][0].name);
        let converted = json!({ "from": "state_dict of PyTorch", "first": first, "sha256": self.sha256 });
        model.header.training.other.insert("converted".into(), converted);
        Ok(model)
    }

    /// All tensors as convolutions, in the order of their names.
    fn convolutions(&self) -> Result<Vec<Convolution<'_>>, String> {
        // What is taken is taken out.
        let mut others: HashMap<&str, &Weights> = self.tensors.iter().map(|t| (&t.name[..], t)).collect();
        let mut found = Vec::new();
        for tensor in &self.tensors {
            let shape = <[usize; 4]>::try_from(&tensor.shape[..]).ok();
            let convolution = tensor.name.strip_suffix("weight").zip(shape);
            let Some((name, [outputs, inputs, 3, 3])) = convolution else { continue };
            others.remove(&tensor.name[..]);
            let bias = others.remove(&format!("{name}bias")[..]);
            let biases = bias.filter(|bias| bias.shape == [outputs]).ok_or_else(|| {
                let found = bias.map_or("there is none".into(), |bias| format!("there is {}", words(bias)));
                format!(
                    "{} wants `{name}bias` [{outputs}], and {found}: save convolutions with their biases, zeros where \
                     there are none",
                    words(tensor)
                )
            })?;
            let (weights, biases) = (real(tensor)?, real(biases)?);
            found.push(Convolution { name, outputs, inputs, weights, biases });
        }
        let left = self.tensors.iter().filter(|tensor| others.contains_key(&tensor.name[..]));
        let left: Vec<String> = left.map(words).collect();
        match left.len() {
            0 => Ok(found),
            count => {
                let more = if count > NAMED_MAX { " and others" } else { "" };
                let left = left[..count.min(NAMED_MAX)].join(", ");
                Err(format!(
                    "{left}{more}: {count} tensors are none of such a flow; {}; leave others out",
                    expected()
                ))
            }
        }
    }
}

/// The convolutions of each layer, and what the layers are.
fn nets(all: Vec<Convolution<'_>>) -> Result<(CouplingSettings, Vec<[Convolution<'_>; 3]>), String> {
    let Some(hidden) = all.iter().find(|c| c.inputs == INPUTS).map(|c| c.outputs) else {
        let found = all.first().map_or("there is no convolution".into(), |c| {
            format!("`{}weight` takes {} channels, and no convolution takes {INPUTS}", c.name, c.inputs)
        });
        return Err(format!(
            "{found}: {}. Nets that see 2x1 loops as well have another context here than elsewhere: train them here",
            expected()
        ));
    };
    let (mut first, mut inner, mut last) = (Vec::new(), Vec::new(), Vec::new());
    let is_square = |c: &Convolution<'_>| c.inputs != INPUTS && c.outputs == hidden;
    let has_narrow = all.iter().any(|c| c.inputs != INPUTS && !is_square(c));
    for convolution in all {
        let part = if convolution.inputs == INPUTS {
            &mut first
        } else if is_square(&convolution) && (has_narrow || inner.len() == last.len()) {
            &mut inner
        } else {
            // Without narrow ones inner and last convolutions look alike, and come in turn.
            &mut last
        };
        part.push(convolution);
    }
    let counts = [first.len(), inner.len(), last.len()];
    if counts != [counts[0]; 3] || counts[0] > LAYERS_MAX {
        return Err(format!(
            "its first, second and third convolutions are {counts:?}, and every layer has one of each: {}; nets of other \
             depths have no layer here",
            expected()
        ));
    }
    let outputs = last.first().map_or(0, |c| c.outputs);
    for (part, shape) in [(&first, [hidden, INPUTS]), (&inner, [hidden; 2]), (&last, [outputs, hidden])] {
        if let Some(other) = part.iter().find(|c| [c.outputs, c.inputs] != shape) {
            let (name, found) = (other.name, [other.outputs, other.inputs, 3, 3]);
            return Err(format!(
                "`{name}weight` is {found:?}, where other layers have [{}, {}, 3, 3]: {}",
                shape[0],
                shape[1],
                expected()
            ));
        }
        counted(part)?;
    }
    let settings = CouplingSettings { hidden, ..CouplingSettings::mixture(outputs.saturating_sub(1)) };
    settings.check().map_err(|error| format!("{error}; {}", expected()))?;
    let nets = first.into_iter().zip(inner).zip(last).map(|((first, inner), last)| [first, inner, last]);
    Ok((settings, nets.collect()))
}

/// Refuses convolutions whose names do not count layers: equal but for one number that begins at the first layer and goes up in
/// equal steps. A layer that is missing would move all later ones to other links.
fn counted(part: &[Convolution<'_>]) -> Result<(), String> {
    let names: Vec<Vec<Piece<'_>>> = part.iter().map(|c| pieces(c.name)).collect();
    let [zeroth, first, ..] = &names[..] else { return Ok(()) };
    let place = zeroth.iter().zip(first).position(|(a, b)| a != b);
    let layers = place.and_then(|place| match (zeroth[place], first[place]) {
        (Piece::Number(start), Piece::Number(next)) if start <= next - start => {
            Some((place, start, next - start))
        }
        _ => None,
    });
    let is_counted = |(k, name): (usize, &Vec<Piece<'_>>)| {
        layers.is_some_and(|(place, start, step)| {
            let mut wanted = zeroth.clone();
            wanted[place] = Piece::Number(start.saturating_add(step.saturating_mul(k as u64)));
            *name == wanted
        })
    };
    match names.iter().enumerate().position(|name| !is_counted(name)) {
        None => Ok(()),
        Some(k) => Err(format!(
            "`{}weight` is not counted as a layer's: names are to be equal but for one number, which goes up in equal steps \
             from the first layer on (0.net.0, 1.net.0, ...); is a layer missing, or called otherwise?",
            part[k].name
        )),
    }
}

/// Its numbers, which have to be real and finite.
fn real(tensor: &Weights) -> Result<&[f64], String> {
    let numbers = tensor.numbers.as_deref().ok_or_else(|| {
        format!(
            "{} holds no numbers of the types F64, F32, F16 and BF16: save it as one of these",
            words(tensor)
        )
    })?;
    match numbers.iter().find(|number| !number.is_finite()) {
        None => Ok(numbers),
        Some(number) => Err(format!("{} holds {number}: its training diverged", words(tensor))),
    }
}

fn words(tensor: &Weights) -> String {
    format!("`{}` {:?}", tensor.name, tensor.shape)
}

fn expected() -> String {
    format!(
        "a layer has convolutions [h, 2, 3, 3], [h, h, 3, 3] and [n + 1, h, 3, 3], h one of {HIDDEN_WIDTHS:?} and n 1 to \
         {COMPONENTS_MAX}, each a `weight` with a `bias`"
    )
}
