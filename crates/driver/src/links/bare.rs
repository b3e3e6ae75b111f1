//! Files that hold links and do not say their shape: the links themselves tell the group and the precision.

use gaugelink_lattice::group::group_name;
use gaugelink_lattice::{Complex, Matrix};
use lime_rs::{Precision, ReadAt, Shape, decode_as, propose_shapes, record_type::ILDG_BINARY, scan};
use std::fs::File;
use std::path::Path;

/// Links that are looked at.
const LINKS: usize = 256;
/// Largest ‖U U† − 1‖² of a link read as what it is.
const UNITARY: f64 = 1e-6;
/// Shapes that are named.
const SHOWN: usize = 4;

/// A sentence with the options that fit the first gauge field of a file, likeliest first.
pub(super) fn advice(path: &Path) -> String {
    let shapes = fitting(path).unwrap_or_default();
    let Some(&(Shape { nc, .. }, precision)) = shapes.first() else {
        return "give them as --dims X,Y,Z,T --nc N".into();
    };
    let options = shapes.iter().take(SHOWN).map(|(Shape { dims, nc }, _)| {
        let dims = dims.map(|extent| extent.to_string()).join(",");
        format!("--dims {dims} --nc {nc}")
    });
    format!(
        "give them as --dims X,Y,Z,T --nc N; its first links are unitary when read as {} in {precision}, so try {}",
        group_name(nc),
        options.collect::<Vec<_>>().join(" or ")
    )
}

/// The shapes that fit the payload's length and in whose group the first links are.
fn fitting(path: &Path) -> Option<Vec<(Shape, Precision)>> {
    let file = File::open(path).ok()?;
    let records = scan(&file).records;
    let payload = records.iter().find(|record| record.kind() == ILDG_BINARY)?;
    let mut shapes = propose_shapes(payload.length());
    shapes.retain(|&(Shape { nc, .. }, precision)| {
        let link = 2 * nc * nc * precision.bytes();
        let mut bytes = vec![0; link * LINKS.min(payload.length() as usize / link)];
        let mut numbers = vec![0.0f64; bytes.len() / precision.bytes()];
        file.read_exact_at(&mut bytes, payload.data_offset()).is_ok()
            && decode_as(precision, &bytes, &mut numbers).is_ok()
            && match nc {
                1 => unitary::<1>(&numbers),
                2 => unitary::<2>(&numbers),
                3 => unitary::<3>(&numbers),
                _ => unitary::<4>(&numbers),
            }
    });
    Some(shapes)
}

fn unitary<const N: usize>(numbers: &[f64]) -> bool {
    numbers.chunks_exact(2 * N * N).all(|link| {
        let u = Matrix::<f64, N>::from_fn(|i, j| {
            let c = 2 * (i * N + j);
            Complex::new(link[c], link[c + 1])
        });
        (u.mul_adjoint(&u) - Matrix::unit()).norm2() < UNITARY
    })
}
