//! Weights that are not those of such a flow are refused by name, with what is expected.

use super::{Tensor, cases, convert};

/// What is said of the second case's tensors (5 layers, 16 hidden channels, 3 components), changed.
fn refused(change: impl FnOnce(&mut Vec<Tensor>)) -> String {
    let mut tensors = cases()[1].tensors();
    change(&mut tensors);
    convert(&tensors).unwrap_err()
}

fn index(tensors: &[Tensor], name: &str) -> usize {
    tensors.iter().position(|tensor| tensor.0 == name).unwrap_or_else(|| panic!("no {name}"))
}

/// Layers 0 to 4 with another shape of one convolution.
fn reshaped(part: usize, [outputs, inputs]: [usize; 2]) -> String {
    refused(|tensors| {
        for (name, shape, numbers) in tensors.iter_mut() {
            if name.ends_with(&format!("net.{part}.weight")) {
                *shape = vec![outputs, inputs, 3, 3];
                *numbers = vec![0.5; 9 * outputs * inputs];
            } else if name.ends_with(&format!("net.{part}.bias")) {
                (*shape, *numbers) = (vec![outputs], vec![0.5; outputs]);
            }
        }
    })
}

fn assert_says(error: &str, words: &[&str]) {
    for word in ["flow.safetensors"].iter().chain(words) {
        assert!(error.contains(word), "{word}: {error}");
    }
}

#[test]
fn what_is_left_over_is_named() {
    let error = refused(|tensors| {
        for k in 0..6 {
            tensors.push((format!("mask.{k}"), vec![4, 4], vec![1.0; 16]));
        }
        tensors.push(("optimizer.exp_avg".into(), vec![3], vec![0.0; 3]));
    });
    let expected = "[n + 1, h, 3, 3]";
    assert_says(
        &error,
        &["`mask.0` [4, 4]", "`mask.3`", "and others", "7 tensors", expected, "leave others out"],
    );
    let error = refused(|tensors| tensors.push(("lonely.bias".into(), vec![3], vec![0.0; 3])));
    assert_says(&error, &["`lonely.bias` [3]: 1 tensors", expected]);
    let wide = refused(|tensors| tensors.push(("5.net.0.weight".into(), vec![8, 2, 5, 5], vec![0.0; 400])));
    assert_says(&wide, &["`5.net.0.weight` [8, 2, 5, 5]", expected]);
}

#[test]
fn what_is_missing_is_named() {
    let error = refused(|tensors| {
        tensors.remove(index(tensors, "3.plaq_coupling.net.2.bias"));
    });
    assert_says(&error, &["`3.plaq_coupling.net.2.bias` [16]", "there is none", "zeros"]);
    let error = refused(|tensors| {
        let at = index(tensors, "3.plaq_coupling.net.2.bias");
        (tensors[at].1, tensors[at].2) = (vec![4], vec![0.0; 4]);
    });
    assert_says(&error, &["`3.plaq_coupling.net.2.bias` [16]", "there is `3.plaq_coupling.net.2.bias` [4]"]);
    let without = |prefix: &str| refused(|tensors| tensors.retain(|tensor| !tensor.0.starts_with(prefix)));
    // Of one convolution, of a layer in the midst, and of the first one, whose absence would move all others.
    assert_says(&without("3.plaq_coupling.net.2"), &["[5, 4, 5]", "one of each"]);
    assert_says(&without("2."), &["`3.plaq_coupling.net.0.weight`", "is a layer missing"]);
    let error = refused(|tensors| {
        tensors.retain(|tensor| !tensor.0.starts_with("0.") && !tensor.0.starts_with("1."));
    });
    assert_says(&error, &["`2.plaq_coupling.net.0.weight`", "from the first layer on"]);
    assert_says(&refused(Vec::clear), &["there is no convolution", "[h, 2, 3, 3]"]);
}

#[test]
fn shapes_that_no_layer_has_are_told_with_those_that_it_has() {
    assert_says(&reshaped(0, [16, 4]), &["`0.plaq_coupling.net.0.weight` takes 4 channels", "2x1 loops"]);
    assert_says(&reshaped(4, [9, 16]), &["8 components", "1 to 7"]);
    assert_says(&reshaped(4, [1, 16]), &["0 components", "1 to 7"]);
    assert_says(&reshaped(2, [12, 16]), &["one of each"]);
    let error = refused(|tensors| {
        let at = index(tensors, "4.plaq_coupling.net.4.weight");
        (tensors[at].1, tensors[at].2) = (vec![3, 16, 3, 3], vec![0.0; 432]);
        (tensors[at + 1].1, tensors[at + 1].2) = (vec![3], vec![0.0; 3]);
    });
    assert_says(&error, &["`4.plaq_coupling.net.4.weight` is [3, 16, 3, 3]", "[4, 16, 3, 3]"]);
    let deeper = refused(|tensors| {
        let more: Vec<Tensor> = tensors
            .iter()
            .filter(|tensor| tensor.0.contains("net.2."))
            .map(|tensor| (tensor.0.replace("net.2.", "net.3."), tensor.1.clone(), tensor.2.clone()))
            .collect();
        tensors.extend(more);
    });
    assert_says(&deeper, &["[5, 10, 5]", "other depths"]);
    let narrow = |tensor: &Tensor| {
        let channels = |k: &usize| if *k == 16 { 12 } else { *k };
        let shape: Vec<usize> = tensor.1.iter().map(channels).collect();
        let count = shape.iter().product();
        (tensor.0.clone(), shape, vec![0.5; count])
    };
    let error = refused(|tensors| *tensors = tensors.iter().map(narrow).collect());
    assert_says(&error, &["12 hidden channels", "[8, 16, 24, 32]"]);
}

#[test]
fn names_that_do_not_count_are_refused() {
    let renamed = |from: &str, to: &str| {
        refused(|tensors| {
            for tensor in tensors.iter_mut() {
                if let Some(rest) = tensor.0.strip_prefix(from) {
                    tensor.0 = format!("{to}{rest}");
                }
            }
        })
    };
    assert_says(&renamed("4.", "7."), &["`7.plaq_coupling.net.0.weight`", "equal steps"]);
    assert_says(&renamed("4.", "ema.4."), &["`ema.4.plaq_coupling.net.0.weight`", "called otherwise"]);
}

#[test]
fn numbers_that_are_none_are_refused_by_name() {
    let error = refused(|tensors| {
        let at = index(tensors, "1.plaq_coupling.net.4.bias");
        tensors[at].2[2] = f64::NAN;
    });
    assert_says(&error, &["`1.plaq_coupling.net.4.bias` [4] holds NaN", "diverged"]);
}
