//! Shapes of gauge fields, and which of them a payload of a given length may have.

use std::fmt;

use crate::format::Precision;

/// Most colours that are known here.
const MAX_NC: usize = 4;

/// Lattice and gauge group, without which a bare payload means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Extents in x, y, z, t.
    pub dims: [usize; 4],
    /// Number of colours; 1 means U(1).
    pub nc: usize,
}

impl Shape {
    /// Length of the payload, `4 nc² · 2 · bytes a number` a site; `None` for impossible shapes and overflow.
    pub fn payload_bytes(&self, precision: Precision) -> Option<u64> {
        let volume = self.volume().filter(|&volume| volume > 0)?;
        let site = 8 * self.nc * self.nc * precision.bytes();
        volume.checked_mul(site as u64).filter(|_| (1..=MAX_NC).contains(&self.nc))
    }

    fn volume(&self) -> Option<u64> {
        self.dims.iter().try_fold(1u64, |volume, &extent| volume.checked_mul(extent as u64))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [lx, ly, lz, lt] = self.dims;
        write!(f, "{lx}x{ly}x{lz}x{lt} with nc = {}", self.nc)
    }
}

/// The number of colours and the precision with which a payload fills a lattice. There is at most one pair:
/// `nc² · bytes a number` is different for each.
pub(crate) fn fill(dims: [usize; 4], bytes: u64) -> Option<(usize, Precision)> {
    (1..=MAX_NC)
        .flat_map(|nc| [(nc, Precision::F32), (nc, Precision::F64)])
        .find(|&(nc, precision)| Shape { dims, nc }.payload_bytes(precision) == Some(bytes))
}

/// Shapes `L³×T` that fit a payload of this many bytes, likeliest first: SU(3) before SU(2), SU(4), U(1);
/// double before single precision; `L⁴`, then T closest to L. Only T between L/4 and 8L is proposed, L from 2 on.
///
/// Several shapes fit most payloads. Which one is right only the data can tell (unitarity, plaquette).
pub fn propose_shapes(bytes: u64) -> Vec<(Shape, Precision)> {
    let mut proposals = Vec::new();
    for nc in [3, 2, 4, 1] {
        for precision in [Precision::F64, Precision::F32] {
            let site = (8 * nc * nc * precision.bytes()) as u64;
            if bytes.is_multiple_of(site) {
                let mut shapes = boxes(bytes / site);
                shapes.sort_by_key(|&[l, .., t]| l.abs_diff(t));
                proposals.extend(shapes.into_iter().map(|dims| (Shape { dims, nc }, precision)));
            }
        }
    }
    proposals
}

/// Every `[L, L, L, T]` of this volume with L/4 ≤ T ≤ 8L.
fn boxes(volume: u64) -> Vec<[usize; 4]> {
    // L⁴ ≤ 4·volume: an upper bound for L of at most 2^17.
    let limit = (volume as f64 * 4.0).powf(0.25) as u64 + 1;
    (2..=limit)
        .filter_map(|l| {
            let t = volume / (l * l * l);
            let fits = t * l * l * l == volume && 4 * t >= l && t <= 8 * l && t > 0;
            let (l, t) = (usize::try_from(l).ok()?, usize::try_from(t).ok()?);
            fits.then_some([l, l, l, t])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_determines_group_and_precision() {
        for nc in 1..=4 {
            for precision in [Precision::F32, Precision::F64] {
                let shape = Shape { dims: [4, 6, 2, 10], nc };
                let bytes = shape.payload_bytes(precision).unwrap();
                assert_eq!(bytes, 4 * 480 * (nc * nc * 2 * precision.bytes()) as u64);
                assert_eq!(fill(shape.dims, bytes), Some((nc, precision)));
                assert_eq!(fill(shape.dims, bytes + 1), None);
            }
        }
        assert_eq!(fill([usize::MAX; 4], 64), None);
    }

    #[test]
    fn the_usual_shapes_are_proposed_first() {
        let su3 = |dims| Shape { dims, nc: 3 }.payload_bytes(Precision::F64).unwrap();
        for dims in [[4, 4, 4, 4], [8, 8, 8, 4], [24, 24, 24, 48], [64, 64, 64, 128]] {
            let proposals = propose_shapes(su3(dims));
            assert!(proposals.contains(&(Shape { dims, nc: 3 }, Precision::F64)), "{dims:?}");
        }
        assert_eq!(propose_shapes(su3([4; 4]))[0], (Shape { dims: [4; 4], nc: 3 }, Precision::F64));
        // 65536 bytes: no SU(3), and SU(2) in double precision fills 4^4.
        assert_eq!(propose_shapes(65536)[0], (Shape { dims: [4; 4], nc: 2 }, Precision::F64));
        assert_eq!(propose_shapes(7), []);
        assert!(propose_shapes(u64::MAX).is_empty());
        assert!(propose_shapes(0).is_empty());
    }
}
