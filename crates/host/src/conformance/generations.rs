//! Links that change where they stand: what a plugin keeps of them is then of no use.

use super::fields::distance;
use super::layouts::{Operation, absent, call};
use super::log::{Log, Verdict};
use super::store::{PLAIN, Store};
use crate::HostError;
use gaugelink_plugin_sdk::Lattice;

/// Generations of the first contents and of the second: told apart, and never told.
const GENERATIONS: [[u64; 2]; 2] = [[1, 2], [0, 0]];

/// Calls every operation twice on the same memory with different contents.
pub(super) fn component(lattice: &Lattice, operations: &[Operation], log: &mut Log) {
    log.check("generation", || {
        let mut found = Vec::new();
        for operation in operations.iter().filter(|one| !one.inputs.is_empty() && !absent(one, lattice)) {
            for generations in GENERATIONS {
                let [first, second] = generations;
                let what = format!("{} of generation {second} after {first}", operation.name);
                match changed(operation, lattice, generations) {
                    Ok(deviation) if deviation <= 1e-11 => found.push(format!("{what} {deviation:.0e}")),
                    Ok(deviation) => {
                        let sentence =
                            format!("{what} is off by {deviation:.1e}: fields changed in their place");
                        return Verdict::failed(sentence);
                    }
                    Err(error) => return Verdict::failed(error.to_string()),
                }
            }
        }
        if found.is_empty() {
            return Verdict::skipped("the component offers no function to try it with");
        }
        Verdict::passed(format!("off from the call on memory of its own, relative: {}", found.join(", ")))
    });
}

/// How far the second call is off the same call on memory of its own, relative.
fn changed(operation: &Operation, lattice: &Lattice, generations: [u64; 2]) -> Result<f64, HostError> {
    let mut own = inputs(operation, lattice);
    fill(operation, lattice, &mut own, 1, 0);
    let expected = answer(operation, lattice, &own)?;
    let mut place = inputs(operation, lattice);
    fill(operation, lattice, &mut place, 0, generations[0]);
    answer(operation, lattice, &place)?;
    fill(operation, lattice, &mut place, 1, generations[1]);
    let found = answer(operation, lattice, &place)?;
    let largest = expected.iter().fold(1e-300f64, |largest, x| largest.max(x.abs()));
    Ok(distance(&found, &expected) / largest)
}

fn inputs(operation: &Operation, lattice: &Lattice) -> Vec<Store> {
    operation.inputs.iter().map(|argument| Store::new(argument.kind, PLAIN, lattice, 1)).collect()
}

/// Field number `which` of every argument.
fn fill(operation: &Operation, lattice: &Lattice, inputs: &mut [Store], which: usize, generation: u64) {
    for (store, argument) in inputs.iter_mut().zip(&operation.inputs) {
        let one = argument.kind.len(lattice);
        store.put(&argument.fields[which * one..][..one]);
        store.set_generation(generation);
    }
}

/// All that the operation gives.
fn answer(operation: &Operation, lattice: &Lattice, inputs: &[Store]) -> Result<Vec<f64>, HostError> {
    let mut output = operation.output.map(|kind| Store::new(kind, PLAIN, lattice, 1));
    let mut all = call(operation, inputs, output.as_mut(), 1, 0)?;
    all.extend(output.iter().flat_map(Store::get));
    Ok(all)
}
