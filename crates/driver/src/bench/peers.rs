//! Speeds of others, to compare with: Grid's, and those of machine-learning frameworks.
//!
//! Grid's were measured on two cores of a Zen 4 machine (AVX-512, g++ 12, -O3 -march=native, OpenMP), `--dslash-unroll`, a cache of
//! 64 allocations, pinned threads; its triad, of 24 bytes an element, in the same session. Another machine than the one
//! at hand: only ratios to the bandwidth of each can be compared.

use super::Precision;

/// Grid's triad on one and two threads, GB/s.
const TRIAD: [f64; 2] = [22.0, 33.2];

/// A number of Grid's, with its machine's triad at that number of threads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Grid {
    /// A rate.
    Speed { gflops: f64, triad: f64 },
    /// Time for a site.
    SiteTime { nanoseconds: f64, triad: f64 },
    /// Time for the lattice.
    Time { nanoseconds: f64, triad: f64 },
}

/// Case, volume, precision, and the number on one and two threads; 0 where it was not measured.
type Row = (&'static str, &'static str, &'static str, [f64; 2]);

/// GF/s.
const SPEEDS: [Row; 13] = [
    ("dslash", "8x8x8x8", "f64", [34.9, 69.2]),
    ("dslash", "12x12x12x12", "f64", [13.6, 34.3]),
    ("dslash", "16x16x16x16", "f64", [11.9, 24.1]),
    ("dslash", "16x16x16x32", "f64", [12.2, 23.4]),
    ("dslash", "24x24x24x24", "f64", [11.2, 19.3]),
    ("dslash", "8x8x8x8", "f32", [70.3, 137.0]),
    ("dslash", "16x16x16x16", "f32", [28.2, 57.8]),
    ("dslash", "24x24x24x24", "f32", [25.4, 39.8]),
    ("clover", "8x8x8x8", "f64", [26.2, 50.2]),
    ("clover", "16x16x16x16", "f64", [9.6, 19.4]),
    ("schur", "8x8x8x8", "f64", [30.3, 22.6]),
    ("schur", "16x16x16x16", "f64", [11.1, 20.1]),
    ("cg", "16x16x16x16", "f64", [0.0, 18.1]),
];

/// Nanoseconds a site.
const SITE_TIMES: [Row; 6] = [
    ("force", "8x8x8x8", "f64", [1163.0, 795.0]),
    ("force", "16x16x16x16", "f64", [3017.0, 1817.0]),
    ("plaquette", "8x8x8x8", "f64", [289.0, 214.0]),
    ("plaquette", "16x16x16x16", "f64", [825.0, 505.0]),
    ("momenta", "16x16x16x16", "f64", [2565.0, 1174.0]),
    ("link-update", "16x16x16x16", "f64", [538.0, 269.0]),
];

/// Nanoseconds.
const TIMES: [Row; 3] = [
    ("cg", "16x16x16x16", "f32", [0.0, 4.69e6]),
    ("trajectory", "8x8x8x8", "f64", [194e6, 118e6]),
    ("trajectory", "16x16x16x16", "f64", [5.79e9, 3.96e9]),
];

/// Grid's number for a case, where there is one.
pub(super) fn grid(name: &str, volume: &str, precision: Precision, threads: usize) -> Option<Grid> {
    let index = threads.checked_sub(1).filter(|&i| i < TRIAD.len())?;
    let triad = TRIAD[index];
    let find = |rows: &[Row]| {
        let row = rows.iter().find(|(n, v, p, _)| (*n, *v, *p) == (name, volume, precision.name()))?;
        Some(row.3[index]).filter(|&x| x > 0.0)
    };
    find(&SPEEDS)
        .map(|gflops| Grid::Speed { gflops, triad })
        .or_else(|| find(&SITE_TIMES).map(|nanoseconds| Grid::SiteTime { nanoseconds, triad }))
        .or_else(|| find(&TIMES).map(|nanoseconds| Grid::Time { nanoseconds, triad }))
}

/// Processor seconds of one thread on a core of a Zen 4 machine, the least of several runs, for the published flows of U(1) and φ⁴:
/// PyTorch 1.13.1 running the published notebook, and JAX 0.10.2 after its compilation; the faster one where both were
/// measured. `benches/peers/u1_coupling.py` times a framework on the machine at hand.
const FRAMEWORKS: [(&str, &str, &str, &str, f64); 12] = [
    ("train step 64", "8x8", "f64", "torch", 0.088),
    ("train step 1024", "8x8", "f64", "torch", 2.511),
    ("train draws 1024", "8x8", "f64", "torch", 1024.0 / 1573.0),
    ("train step 64", "8x8", "f32", "jax", 0.0537),
    ("train step 1024", "8x8", "f32", "torch", 0.685),
    ("train draws 1024", "8x8", "f32", "torch", 1024.0 / 6239.0),
    ("train step 64", "16x16", "f32", "torch", 0.176),
    ("train step 1024", "16x16", "f32", "torch", 3.133),
    ("train draws 1024", "16x16", "f32", "torch", 1024.0 / 1399.0),
    ("train phi4 step 64", "8x8", "f32", "torch", 0.054),
    ("train phi4 step 1024", "8x8", "f32", "torch", 0.585),
    ("train phi4 draws 1024", "8x8", "f32", "torch", 1024.0 / 8213.0),
];

/// A framework's name and processor seconds for a case, where they were measured.
pub(super) fn framework(name: &str, volume: &str, precision: Precision) -> Option<(&'static str, f64)> {
    let same =
        |row: &&(&str, &str, &str, &str, f64)| (row.0, row.1, row.2) == (name, volume, precision.name());
    FRAMEWORKS.iter().find(same).map(|row| (row.3, row.4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_case_volume_precision_and_threads() {
        let find = |name, volume, threads| grid(name, volume, Precision::F64, threads);
        assert_eq!(find("dslash", "16x16x16x16", 2), Some(Grid::Speed { gflops: 24.1, triad: 33.2 }));
        assert_eq!(find("force", "8x8x8x8", 1), Some(Grid::SiteTime { nanoseconds: 1163.0, triad: 22.0 }));
        assert_eq!(find("cg", "16x16x16x16", 1), None);
        assert_eq!(find("dslash", "16x16x16x16", 3), None);
        assert_eq!(framework("train step 64", "8x8", Precision::F32), Some(("jax", 0.0537)));
        assert_eq!(framework("train step 64", "8x16", Precision::F32), None);
        let all = SPEEDS.iter().chain(&SITE_TIMES).chain(&TIMES);
        let names = super::super::NAMES.map(|(n, _)| n);
        assert!(all.into_iter().all(|row| names.contains(&row.0)));
    }
}
