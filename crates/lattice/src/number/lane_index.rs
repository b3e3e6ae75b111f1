//! Rearrangements of the lanes of a row.

/// Which lane each lane takes its value from; the first [`Real::LANES`](super::Real::LANES) entries count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct LaneIndex(pub [i32; 16]);

/// A rearrangement that moves whole registers, and the lanes within each of them in the same way: no lane has to come
/// together with lanes of another register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByRegister {
    /// The register that starts at lane `offset` takes its lanes from the one that starts at `offset ^ other`.
    pub other: usize,
    /// The lanes' order within a register.
    pub within: LaneIndex,
}

impl LaneIndex {
    /// Every lane in its place.
    pub const NONE: Self = {
        let mut index = [0; 16];
        let mut lane = 0;
        while lane < 16 {
            index[lane] = lane as i32;
            lane += 1;
        }
        Self(index)
    };

    /// The rearrangement of rows of `lanes` lanes in registers of `width`, both powers of two; `None` where it mixes
    /// lanes of several registers.
    pub fn by_register(&self, lanes: usize, width: usize) -> Option<ByRegister> {
        let other = self.0[0] as usize / width * width;
        let mut within = Self::NONE;
        for lane in 0..lanes {
            let (from, here) = (self.0[lane] as usize, lane % width);
            if lane < width {
                within.0[here] = (from % width) as i32;
            }
            if from / width * width != (lane / width * width) ^ other
                || from % width != within.0[here] as usize
            {
                return None;
            }
        }
        Some(ByRegister { other, within })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotations_by_register_are_found() {
        let index = |of: &dyn Fn(usize) -> usize| LaneIndex(std::array::from_fn(|l| of(l) as i32));
        assert_eq!(LaneIndex::NONE, index(&|l| l));
        for (width, lanes) in [(4, 8), (8, 8), (8, 16), (4, 16)] {
            for bit in (0..4).map(|b| 1 << b).filter(|bit| bit < &lanes) {
                let flipped =
                    index(&|l| if l < lanes { l ^ bit } else { l }).by_register(lanes, width).unwrap();
                assert_eq!(flipped.other, if bit < width { 0 } else { bit });
                assert_eq!(flipped.within, index(&|l| if bit < width && l < width { l ^ bit } else { l }));
            }
        }
        // Four parts one after the other: within the four lanes of a register, or across two of them.
        let quarter = index(&|l| l / 4 * 4 + (l + 1) % 4);
        assert_eq!(quarter.by_register(8, 4).unwrap().within.0[..4], [1, 2, 3, 0]);
        assert_eq!(index(&|l| if l < 8 { (l + 2) % 8 } else { l }).by_register(8, 4), None);
        assert_eq!(index(&|l| if l == 5 { 6 } else { l }).by_register(8, 4), None);
    }
}
