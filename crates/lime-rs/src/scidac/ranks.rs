//! Which lattice site each datum of a stored record belongs to, by its lexicographic rank, x fastest.

use super::info::RecordKind;

/// A box of a lattice; the whole lattice is one too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    dims: Vec<usize>,
    lower: Vec<usize>,
    extents: Vec<usize>,
}

impl Region {
    /// The sites of a record. `None` where a box does not lie in the lattice. Global data count as one site of rank 0.
    pub fn of(kind: &RecordKind, dims: &[usize]) -> Option<Self> {
        match kind {
            RecordKind::Field => {
                Some(Self { dims: dims.to_vec(), lower: vec![0; dims.len()], extents: dims.to_vec() })
            }
            RecordKind::Global => Some(Self { dims: vec![1], lower: vec![0], extents: vec![1] }),
            RecordKind::Hyper { lower, upper } => {
                if lower.len() != dims.len() || upper.len() != dims.len() {
                    return None;
                }
                let extents = lower.iter().zip(upper).zip(dims).map(|((&lower, &upper), &extent)| {
                    (lower <= upper && upper < extent).then(|| upper - lower + 1)
                });
                Some(Self {
                    dims: dims.to_vec(),
                    lower: lower.clone(),
                    extents: extents.collect::<Option<_>>()?,
                })
            }
        }
    }

    /// Number of sites, which the lattice's bounds.
    pub fn sites(&self) -> u64 {
        self.extents.iter().map(|&extent| extent as u64).product()
    }

    /// Whether these are all sites of the lattice, so that rank and position agree.
    pub fn is_whole(&self) -> bool {
        self.dims == self.extents
    }

    /// Rank in the lattice of the site at a position in the box.
    pub fn rank(&self, mut position: u64) -> u64 {
        let (mut rank, mut stride) = (0, 1);
        for ((&dim, &lower), &extent) in self.dims.iter().zip(&self.lower).zip(&self.extents) {
            rank += stride * (lower as u64 + position % extent as u64);
            position /= extent as u64;
            stride *= dim as u64;
        }
        rank
    }

    /// Position in the box of the site of this rank; `None` outside.
    pub fn position(&self, mut rank: u64) -> Option<u64> {
        let (mut position, mut stride) = (0, 1);
        for ((&dim, &lower), &extent) in self.dims.iter().zip(&self.lower).zip(&self.extents) {
            let offset =
                (rank % dim as u64).checked_sub(lower as u64).filter(|&offset| offset < extent as u64)?;
            position += stride * offset;
            rank /= dim as u64;
            stride *= extent as u64;
        }
        (rank == 0).then_some(position)
    }
}

/// The ranks of the data of one stored part, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ranks<'a> {
    /// A part that holds the whole box.
    Region(&'a Region),
    /// The site list of a volume.
    Listed(&'a [u64]),
    /// The sites of a volume's list that lie in a box.
    Selected(Vec<u64>),
}

impl Ranks<'_> {
    pub fn rank(&self, position: u64) -> u64 {
        match self {
            Self::Region(region) if region.is_whole() => position,
            Self::Region(region) => region.rank(position),
            Self::Listed(list) => list[position as usize],
            Self::Selected(list) => list[position as usize],
        }
    }

    pub fn sites(&self) -> u64 {
        match self {
            Self::Region(region) => region.sites(),
            Self::Listed(list) => list.len() as u64,
            Self::Selected(list) => list.len() as u64,
        }
    }

    /// Whether ranks are positions.
    pub fn is_identity(&self) -> bool {
        matches!(self, Self::Region(region) if region.is_whole())
    }
}

/// Reads a `scidac-sitelist`: 32-bit ranks, or 64-bit ones on lattices where 32 bits are too few.
///
/// QIO chooses the width for each volume by its largest rank. A list that makes sense as 64-bit numbers is one: taken
/// for pairs of 32-bit ranks its high words would repeat.
pub(super) fn sitelist(bytes: &[u8], volume: u64) -> Option<Vec<u64>> {
    if volume > 1 << 32 && bytes.len().is_multiple_of(8) {
        let wide = || bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_be_bytes(*bytes));
        if wide().all(|rank| rank < volume) {
            return Some(wide().collect());
        }
    }
    if !bytes.len().is_multiple_of(4) {
        return None;
    }
    Some(bytes.as_chunks::<4>().0.iter().map(|bytes| u64::from(u32::from_be_bytes(*bytes))).collect())
}

/// Whether the lists together hold every site of the lattice once; else what is wrong.
pub(super) fn cover(lists: &[&[u64]], volume: u64) -> Result<(), String> {
    let listed: u64 = lists.iter().map(|list| list.len() as u64).sum();
    if listed != volume {
        return Err(format!("the site lists name {listed} sites, the lattice has {volume}"));
    }
    let mut seen = vec![0u64; volume.div_ceil(64) as usize];
    for &rank in lists.iter().copied().flatten() {
        if rank >= volume {
            return Err(format!("a site list names site {rank}, the lattice has {volume}"));
        }
        let (word, bit) = ((rank / 64) as usize, 1 << (rank % 64));
        if seen[word] & bit != 0 {
            return Err(format!("the site lists name site {rank} twice"));
        }
        seen[word] |= bit;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_in_a_box_and_ranks_are_inverse() {
        let dims = [4, 3, 2, 5];
        let slice = RecordKind::Hyper { lower: vec![1, 0, 0, 2], upper: vec![2, 2, 1, 3] };
        let region = Region::of(&slice, &dims).unwrap();
        assert_eq!(region.sites(), 2 * 3 * 2 * 2);
        // Written out: x + 4 (y + 3 (z + 2 t)) for x in 1..=2, t in 2..=3, x fastest.
        let mut expected = Vec::new();
        for t in 2..4 {
            for z in 0..2 {
                for y in 0..3 {
                    for x in 1..3 {
                        expected.push(x + 4 * (y + 3 * (z + 2 * t)));
                    }
                }
            }
        }
        let ranks: Vec<u64> = (0..region.sites()).map(|position| region.rank(position)).collect();
        assert_eq!(ranks, expected);
        let back: Vec<u64> = (0..120).filter(|&rank| region.position(rank).is_some()).collect();
        assert_eq!(back.len(), expected.len());
        assert!(ranks.iter().zip(0..).all(|(&rank, position)| region.position(rank) == Some(position)));
        assert_eq!(region.position(120), None);
        let whole = Region::of(&RecordKind::Field, &dims).unwrap();
        assert!(whole.is_whole() && whole.rank(77) == 77 && whole.position(77) == Some(77));
    }

    #[test]
    fn boxes_outside_the_lattice_are_refused() {
        for (lower, upper) in
            [(vec![0], vec![4]), (vec![2], vec![1]), (vec![0, 0], vec![1, 1]), (vec![], vec![])]
        {
            assert_eq!(Region::of(&RecordKind::Hyper { lower, upper }, &[4]), None);
        }
    }

    #[test]
    fn lists_are_read_in_both_widths() {
        let narrow: Vec<u8> = [1u32, 5, 7].iter().flat_map(|rank| rank.to_be_bytes()).collect();
        assert_eq!(sitelist(&narrow, 8), Some(vec![1, 5, 7]));
        assert_eq!(sitelist(&narrow[1..], 8), None);
        let wide: Vec<u8> = [1u64, 1 << 33].iter().flat_map(|rank| rank.to_be_bytes()).collect();
        assert_eq!(sitelist(&wide, 1 << 34), Some(vec![1, 1 << 33]));
        let narrow: Vec<u8> = [9u32, 10, 11, 12].iter().flat_map(|rank| rank.to_be_bytes()).collect();
        assert_eq!(sitelist(&narrow, 1 << 34), Some(vec![9, 10, 11, 12]));
    }

    #[test]
    fn lists_must_cover_the_lattice_once() {
        assert_eq!(cover(&[&[3, 0], &[1, 2]], 4), Ok(()));
        assert!(cover(&[&[3, 0], &[1]], 4).unwrap_err().contains("3 sites"));
        assert!(cover(&[&[3, 0], &[1, 0]], 4).unwrap_err().contains("twice"));
        assert!(cover(&[&[3, 0], &[1, 4]], 4).unwrap_err().contains("site 4"));
        // No memory is asked for on behalf of a lattice that the lists do not fill.
        assert!(cover(&[&[0]], u64::MAX).is_err());
    }
}
