//! The case list, and the layer against the formulas of its head, block by block.

use super::*;
use crate::cases::{Lattices, check, score};
use crate::{Flow, ModelError};

/// Layers with halves of several plaquettes, cut across both directions, and the finest.
fn layers() -> Vec<BlockSettings> {
    let layer = |half, across| BlockSettings { half, across, bins: 2, hidden: 8 };
    vec![layer([2, 4], 0), layer([1, 2], 1), layer([1, 1], 0)]
}

fn place<T: Real>(lattice: &Arc<Lattice>) -> Result<Flow<T, 1>, ModelError> {
    let parameters = U1Block::<f64>::initial_parameters(&layers(), 0);
    let parameters = parameters.into_iter().map(|p| 1.5 * p).collect();
    let stack = layers().into_iter().map(|layer| -> Result<Box<dyn Layer<T, Links<1>>>, ModelError> {
        Ok(Box::new(U1Block::new(lattice, layer)?))
    });
    Flow::new(stack.collect::<Result<_, _>>()?, parameters)
}

const LATTICES: Lattices =
    Lattices { small: &[4, 4], large: &[8, 8], grids: &[&[2, 1], &[1, 2], &[2, 2], &[1, 4]] };

#[test]
fn passes_the_case_list() {
    check(&LATTICES, place::<f64>, place::<f32>);
}

#[test]
fn scores_are_gradients_of_the_density() {
    score(LATTICES.large, place::<f64>);
}

#[test]
fn halvings_end_at_plaquettes() {
    let layers = BlockSettings::halvings(6, 8, 16);
    let halves: Vec<_> = layers.iter().map(|layer| (layer.half, layer.across)).collect();
    let expected = [([8, 4], 1), ([4, 4], 0), ([4, 2], 1), ([2, 2], 0), ([2, 1], 1), ([1, 1], 0)];
    assert_eq!(halves, expected);
    // Each layer's blocks are the halves of the one before.
    for pair in layers.windows(2) {
        assert_eq!(pair[1].block(), pair[0].half);
    }
}

#[test]
fn unsuitable_lattices_and_settings_are_refused() {
    let lattice = Lattice::new(&[8, 12], Default::default()).unwrap();
    let good = BlockSettings { half: [4, 2], across: 0, bins: 4, hidden: 8 };
    assert!(U1Block::<f64>::new(&lattice, good).is_ok());
    for (wrong, word) in [
        (BlockSettings { half: [4, 4], across: 1, ..good }, "blocks of [4, 8]"),
        (BlockSettings { half: [0, 4], ..good }, "[0, 4]"),
        (BlockSettings { across: 2, ..good }, "direction 2"),
        (BlockSettings { bins: 1, ..good }, "1 bins"),
        (BlockSettings { hidden: 9, ..good }, "9 hidden"),
    ] {
        let message = U1Block::<f64>::new(&lattice, wrong).err().unwrap().to_string();
        assert!(message.contains(word), "{message}");
    }
}
