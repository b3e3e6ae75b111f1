//! The fuzz targets on their corpus and on damaged copies of it, with the stable compiler and the same result each time.

#[path = "../fuzz/src/targets.rs"]
mod targets;
#[path = "common/watching.rs"]
mod watching;

use std::fs;
use std::path::Path;
use watching::{Watching, largest_request};

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// Bytes that a parser may ask for at once, for an input of `length`: room for tables of what it holds, and for the files
/// that the targets put around it.
fn allowed(length: usize) -> usize {
    (32 << 10) + 4 * length
}

/// Inputs of a target in the order of their names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Each input, each cut of it at some places, and each with some bytes changed.
fn run(name: &str, target: fn(&[u8])) {
    let inputs = corpus(name);
    assert!(!inputs.is_empty(), "{name} has no corpus");
    let mut largest = Vec::new();
    let mut target = |input: &[u8]| {
        largest.push((largest_request(|| target(input)), input.len()));
    };
    for input in inputs {
        target(&input);
        let step = (input.len() / 24).max(1);
        for at in (0..input.len()).step_by(step) {
            target(&input[..at]);
            for value in [0, b'<', b'9', 0xff] {
                let mut changed = input.clone();
                changed[at] = value;
                target(&changed);
            }
        }
    }
    let worst = largest.iter().max_by_key(|(bytes, length)| (bytes << 10) / allowed(*length)).unwrap();
    println!("{name}: {} bytes for an input of {}", worst.0, worst.1);
    assert!(worst.0 <= allowed(worst.1), "{name}: {} bytes for an input of {}", worst.0, worst.1);
}

macro_rules! targets {
    ($($name:ident),*) => {
        $(#[test]
        fn $name() {
            run(stringify!($name), targets::$name);
        })*
    };
}

targets!(
    lime_scan,
    ildg_file,
    ildg_format,
    checksum_xml,
    private_records,
    scidac_file,
    sitelist,
    grid_records,
    qcdml,
    nersc,
    milc,
    openqcd,
    ddalphaamg,
    hirep
);
