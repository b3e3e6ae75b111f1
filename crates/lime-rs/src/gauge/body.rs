//! The links of a gauge field as bytes: lattice, group, number type, rows kept, arrangement.

use crate::endian::{ByteOrder, Real, decode_ordered, encode_ordered};
use crate::error::{Error, Result};
use crate::format::Precision;
use crate::gauge::order::Order;
use crate::shape::Shape;

/// What is stored of a link's matrix; the rest follows from its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rows {
    /// All of it, by row and column, re and im.
    All,
    /// The first two rows of an SU(3) matrix; the third is `conj(row 1 × row 2)`.
    Two,
    /// `q0 … q3` of the SU(2) matrix `((q0 + i q3, −q2 + i q1), (q2 + i q1, q0 − i q3))`, as HiRep's quaternions.
    Quaternion,
}

/// Real numbers of the largest link, SU(4).
const MOST: usize = 32;

/// What a body's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Body {
    /// Extents in x, y, z, t.
    pub dims: [usize; 4],
    /// Number of colours; 1 means U(1).
    pub nc: usize,
    /// Width of the numbers.
    pub precision: Precision,
    /// Their bytes.
    pub byte_order: ByteOrder,
    /// What is stored of each link.
    pub rows: Rows,
    /// Where each link stands.
    pub order: Order,
}

impl Body {
    /// Refuses bodies that cannot be.
    ///
    /// # Errors
    /// [`Error::ImpossibleShape`] for vanishing extents, `nc` outside 1 to 4, 2^63 bytes or more, extents on which the
    /// order does not exist, and rows that do not belong to the group.
    pub fn checked(self) -> Result<Self> {
        let shape = Shape { dims: self.dims, nc: self.nc };
        let sized = shape.payload_bytes(self.precision).is_some_and(|bytes| bytes <= i64::MAX as u64);
        let group = match self.rows {
            Rows::All => true,
            Rows::Two => self.nc == 3,
            Rows::Quaternion => self.nc == 2,
        };
        if !sized || !group || !self.order.exists(self.dims) {
            let odd = if sized && group { " in openQCD's order, which needs even extents," } else { "" };
            return Err(Error::ImpossibleShape { what: format!("{shape}{odd}") });
        }
        Ok(self)
    }

    /// Number of sites.
    pub fn volume(&self) -> u64 {
        self.dims.iter().map(|&extent| extent as u64).product()
    }

    /// Number of units.
    pub fn units(&self) -> u64 {
        self.order.units(self.dims)
    }

    /// Real numbers of a link as they are stored.
    fn stored_per_link(&self) -> usize {
        match self.rows {
            Rows::All => self.numbers_per_link(),
            Rows::Two => 4 * self.nc,
            Rows::Quaternion => 4,
        }
    }

    /// Real numbers of a whole link, `2 nc²`.
    pub fn numbers_per_link(&self) -> usize {
        2 * self.nc * self.nc
    }

    /// Real numbers of a decoded unit.
    pub fn numbers_per_unit(&self) -> usize {
        self.order.links_per_unit() * self.numbers_per_link()
    }

    /// Bytes of a stored unit.
    pub fn unit_bytes(&self) -> usize {
        self.order.links_per_unit() * self.stored_per_link() * self.precision.bytes()
    }

    /// Bytes in all.
    pub fn bytes(&self) -> u64 {
        self.units() * self.unit_bytes() as u64
    }

    /// Numbers of whole units: links in their slots, each by row and column, re and im.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`] where `bytes` does not hold exactly the links of `numbers`.
    pub fn decode<R: Real>(&self, bytes: &[u8], numbers: &mut [R]) -> Result<()> {
        if self.rows == Rows::All {
            return decode_ordered(self.byte_order, self.precision, bytes, numbers);
        }
        let (stored, whole) = (self.stored_per_link(), self.numbers_per_link());
        self.same_links(bytes.len(), numbers.len())?;
        let mut part = [0.0f64; MOST];
        let mut link = [0.0f64; MOST];
        let links = bytes.chunks_exact(stored * self.precision.bytes());
        for (bytes, numbers) in links.zip(numbers.chunks_exact_mut(whole)) {
            decode_ordered(self.byte_order, self.precision, bytes, &mut part[..stored])?;
            self.complete(&part, &mut link);
            for (number, &x) in numbers.iter_mut().zip(&link) {
                *number = R::from_f64(x);
            }
        }
        Ok(())
    }

    /// The inverse of [`Self::decode`], for units from `first_unit` on.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`]; [`Error::LinkLosesRows`] for a link that does not follow from the rows that are kept.
    pub fn encode<R: Real>(&self, first_unit: u64, numbers: &[R], bytes: &mut [u8]) -> Result<()> {
        if self.rows == Rows::All {
            return encode_ordered(self.byte_order, self.precision, numbers, bytes);
        }
        let (stored, whole) = (self.stored_per_link(), self.numbers_per_link());
        self.same_links(bytes.len(), numbers.len())?;
        let mut back = [0.0f64; MOST];
        let links = bytes.chunks_exact_mut(stored * self.precision.bytes());
        for (index, (bytes, numbers)) in links.zip(numbers.chunks_exact(whole)).enumerate() {
            let mut link = [0.0f64; MOST];
            for (x, number) in link.iter_mut().zip(numbers) {
                *x = number.to_f64();
            }
            let mut part = link;
            if self.rows == Rows::Quaternion {
                part[..4].copy_from_slice(&[link[0], link[3], link[4], link[1]]);
            }
            self.complete(&part, &mut back);
            let differences = || link.iter().zip(&back).map(|(a, b)| (a - b).abs());
            // Written so that a NaN does not pass.
            if !differences().all(|difference| difference <= self.rounding()) {
                let deviation = differences().fold(0.0, |a, b| if b > a || b.is_nan() { b } else { a });
                let (unit, slot) = (index / self.order.links_per_unit(), index % self.order.links_per_unit());
                let (rank, mu) = self.order.link(self.dims, first_unit + unit as u64, slot);
                return Err(Error::LinkLosesRows { rank, mu, deviation, limit: self.rounding() });
            }
            encode_ordered(self.byte_order, self.precision, &part[..stored], bytes)?;
        }
        Ok(())
    }

    /// How far numbers that are left out may be from what the others say: the rounding of a matrix that was projected
    /// on its group in this precision.
    pub fn rounding(&self) -> f64 {
        match self.precision {
            Precision::F32 => 2e-6,
            Precision::F64 => 1e-12,
        }
    }

    /// The whole link from what is stored of it.
    fn complete(&self, part: &[f64; MOST], link: &mut [f64; MOST]) {
        match self.rows {
            Rows::All => *link = *part,
            Rows::Two => {
                link[..12].copy_from_slice(&part[..12]);
                for column in 0..3 {
                    let (i, j) = ((column + 1) % 3, (column + 2) % 3);
                    let [re, im] = minor(part, i, j);
                    (link[12 + 2 * column], link[13 + 2 * column]) = (re, -im);
                }
            }
            Rows::Quaternion => {
                let [q0, q1, q2, q3] = [part[0], part[1], part[2], part[3]];
                link[..8].copy_from_slice(&[q0, q3, -q2, q1, q2, q1, q0, -q3]);
            }
        }
    }

    fn same_links(&self, bytes: usize, numbers: usize) -> Result<()> {
        let links = numbers / self.numbers_per_link();
        let needed = (links * self.stored_per_link() * self.precision.bytes()) as u64;
        if numbers.is_multiple_of(self.numbers_per_link()) && bytes as u64 == needed {
            return Ok(());
        }
        Err(Error::SizeMismatch { what: "bytes of whole links", given: bytes as u64, needed })
    }
}

/// `a_i b_j − a_j b_i` of the rows a and b of three complex numbers each.
fn minor(rows: &[f64; MOST], i: usize, j: usize) -> [f64; 2] {
    let a = |k: usize| [rows[2 * k], rows[2 * k + 1]];
    let b = |k: usize| [rows[6 + 2 * k], rows[7 + 2 * k]];
    let times = |[ar, ai]: [f64; 2], [br, bi]: [f64; 2]| [ar * br - ai * bi, ar * bi + ai * br];
    let (first, second) = (times(a(i), b(j)), times(a(j), b(i)));
    [first[0] - second[0], first[1] - second[1]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(nc: usize, precision: Precision, rows: Rows) -> Body {
        let (byte_order, order) = (ByteOrder::Little, Order::Canonical);
        Body { dims: [2, 2, 2, 2], nc, precision, byte_order, rows, order }.checked().unwrap()
    }

    /// Special unitary matrices with known third rows: permutations with a sign, and a rotation with phases.
    fn known() -> Vec<[f64; 18]> {
        let cyclic = [0., 0., 1., 0., 0., 0., 0., 0., 0., 0., 1., 0., 1., 0., 0., 0., 0., 0.];
        let (c, s) = (0.6, 0.8);
        // diag(i, i, -1) times a rotation of the first two.
        let turned = [0., c, 0., s, 0., 0., 0., -s, 0., c, 0., 0., 0., 0., 0., 0., -1., 0.];
        // diag(i, 1, -i): the conjugate shows.
        let mut phases = [0.0; 18];
        (phases[1], phases[8], phases[17]) = (1.0, 1.0, -1.0);
        vec![cyclic, turned, phases, [0.0; 18]]
    }

    #[test]
    fn the_third_row_follows_from_two() {
        for precision in [Precision::F32, Precision::F64] {
            let body = body(3, precision, Rows::Two);
            assert_eq!(body.unit_bytes(), 4 * 12 * precision.bytes());
            for link in known() {
                let mut bytes = vec![0; 12 * precision.bytes()];
                body.encode(0, &link, &mut bytes).unwrap();
                let mut back = [0.0f64; 18];
                body.decode(&bytes, &mut back).unwrap();
                for (x, y) in link.iter().zip(back) {
                    assert!((x - y).abs() < body.rounding() / 10.0, "{link:?} {back:?}");
                }
            }
        }
    }

    #[test]
    fn a_link_that_two_rows_do_not_tell_is_refused_with_its_place() {
        let body = body(3, Precision::F64, Rows::Two);
        let mut unit = known()[0].repeat(8);
        let mut bytes = vec![0; 8 * 12 * 8];
        body.encode(3, &unit, &mut bytes).unwrap();
        unit[18 * 6 + 17] = 1e-9;
        let error = body.encode(3, &unit, &mut bytes).unwrap_err();
        assert!(matches!(error, Error::LinkLosesRows { rank: 4, mu: 2, .. }), "{error}");
        unit[18 * 6 + 17] = f64::NAN;
        assert!(body.encode(3, &unit, &mut bytes).is_err());
    }

    #[test]
    fn quaternions_are_su2_matrices() {
        let body = body(2, Precision::F64, Rows::Quaternion);
        assert_eq!(body.unit_bytes(), 4 * 4 * 8);
        // q = (1, 2, 3, 4): HiRep's matrix is ((1 + 4i, -3 + 2i), (3 + 2i, 1 - 4i)).
        let link = [1.0, 4.0, -3.0, 2.0, 3.0, 2.0, 1.0, -4.0];
        let bytes: Vec<u8> = [1.0f64, 2.0, 3.0, 4.0].iter().flat_map(|q| q.to_le_bytes()).collect();
        let mut found = [0.0f64; 8];
        body.decode(&bytes, &mut found).unwrap();
        assert_eq!(found, link);
        let mut back = vec![0; 32];
        body.encode(0, &link, &mut back).unwrap();
        assert_eq!(back, bytes);
        assert!(body.encode(0, &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0], &mut back).is_err());
    }

    #[test]
    fn impossible_bodies_and_sizes_are_refused() {
        let good = body(3, Precision::F64, Rows::All);
        for bad in [
            Body { nc: 2, rows: Rows::Two, ..good },
            Body { rows: Rows::Quaternion, ..good },
            Body { dims: [2, 3, 2, 2], order: Order::OpenQcd, ..good },
            Body { dims: [0, 2, 2, 2], ..good },
            Body { dims: [usize::MAX; 4], ..good },
            Body { nc: 5, ..good },
        ] {
            assert!(matches!(bad.checked(), Err(Error::ImpossibleShape { .. })), "{bad:?}");
        }
        let two = body(3, Precision::F64, Rows::Two);
        assert!(two.decode(&[0; 95], &mut [0.0f64; 18]).is_err());
        assert!(two.decode(&[0; 96], &mut [0.0f64; 17]).is_err());
        assert!(two.encode(0, &[0.0f64; 18], &mut [0; 97]).is_err());
    }
}
