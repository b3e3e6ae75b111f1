//! Sites of a file straight into and out of whole rows of lanes.
//!
//! The lanes of a block are sites far apart in a file. A thread therefore works on a *stretch*: as many consecutive
//! sites of every lane, so few that their bytes stay in the second-level cache. Each byte is then moved between file and
//! cache once, summed there, and each line of the field's memory is touched once.

use super::CHUNK_BYTES;
use super::beyond::Beyond;
use crate::field::{FieldReader, FieldWriter};
use crate::geometry::unravel;
use crate::layout::{LaneMeaning, Layout};
use crate::memory::{Cache, prefetch};
use crate::number::{BLOCK_BYTES, Isa, Kernel, Lanes, Real, Row, run_kernel};
use crate::sum::Tally;
use lime_rs::{Body, ByteOrder, GaugeFile, Order, Rows, Sums, decode_ordered, encode_ordered};
use std::ops::Range;
use std::sync::Mutex;

/// Real numbers of the largest site, SU(4).
const NUMBERS: usize = 128;

/// The stretches of a rank's box.
pub(super) struct Stretches<'a> {
    layout: &'a Layout,
    body: &'a Body,
    /// Places of a part that follow each other in the file too.
    run: usize,
    /// What each lane adds to the number of lane 0's site.
    lanes: Vec<u64>,
}

impl<'a> Stretches<'a> {
    /// `None` where lanes are not sites, or the file's units are not whole sites in canonical order.
    pub fn new(layout: &'a Layout, body: &'a Body) -> Option<Self> {
        let sites = body.order == Order::Canonical && body.rows == Rows::All;
        if layout.meaning() != LaneMeaning::Sites || !sites || body.numbers_per_unit() > NUMBERS {
            return None;
        }
        let (extents, parts) = (layout.geometry().extents(), layout.part_extents());
        let cut = (0..parts.len()).find(|&mu| parts[mu] != extents[mu]).unwrap_or(parts.len() - 1);
        let run = parts[..=cut].iter().product();
        let number = |lane| layout.geometry().site_index(&layout.site(0, lane)) as u64;
        let lanes = (0..layout.distinct_lanes()).map(|lane| number(lane) - number(0)).collect();
        Some(Self { layout, body, run, lanes })
    }

    /// Places to go through: the blocks of the rank's own sites.
    pub fn places(&self) -> usize {
        self.layout.blocks()
    }

    /// Calls `each(sites, blocks, bytes)` for the stretches of consecutive places: the numbers of the first sites of
    /// the lanes, the blocks, and room for the sites of one lane behind those of the other.
    fn walk(
        &self,
        places: Range<usize>,
        mut each: impl FnMut(&[u64], &[u32], &mut [u8]) -> lime_rs::Result<()>,
    ) -> lime_rs::Result<()> {
        let geometry = self.layout.geometry();
        let (origin, block_bytes) = (geometry.origin(), self.lanes.len() * self.body.unit_bytes());
        // A run in even parts: a short rest costs as much of the kernel's time as a whole part.
        let parts = self.run.div_ceil((CHUNK_BYTES / block_bytes).max(1));
        let at_once = self.run.div_ceil(parts).min(places.len().max(1));
        let mut bytes = vec![0; at_once * block_bytes];
        let mut place = places.start;
        while place < places.end {
            let end = places.end.min(place + at_once).min((place / self.run + 1) * self.run);
            let blocks: Vec<u32> = self.layout.blocks_at(place..end).collect();
            let x = unravel(place, &self.layout.part_extents());
            let first = geometry.site_index(&std::array::from_fn(|mu| origin[mu] + x[mu])) as u64;
            let sites: Vec<u64> = self.lanes.iter().map(|lane| first + lane).collect();
            each(&sites, &blocks, &mut bytes[..blocks.len() * block_bytes])?;
            place = end;
        }
        Ok(())
    }

    /// Reads the sites at some places into the field and returns their sums; `progress` hears of bytes.
    pub fn read<T: Real>(
        &self,
        file: &GaugeFile,
        field: FieldWriter<'_, T>,
        isa: Isa,
        places: Range<usize>,
        progress: Option<&(dyn Fn(u64) + Sync)>,
    ) -> lime_rs::Result<Sums> {
        let mut sums = Sums::new(file.format().checksum_kind(), false);
        let (beyond, mut numbers) = (Beyond::of(self.body), Vec::new());
        self.walk(places, |sites, blocks, bytes| {
            let lane_bytes = bytes.len() / sites.len();
            for (site, lane) in sites.iter().zip(bytes.chunks_exact_mut(lane_bytes)) {
                file.read_bytes(*site, lane)?;
                sums.add(self.body, *site, lane)?;
                if let Some(beyond) = &beyond {
                    beyond.check_bytes(*site, lane, &mut numbers).map_err(|error| file.named(error))?;
                }
            }
            let gather = Gather { field, body: self.body, blocks, bytes, lane_bytes };
            run_kernel(isa, &gather, 0..blocks.len(), &mut Tally::none());
            if let Some(progress) = progress {
                progress(bytes.len() as u64);
            }
            Ok(())
        })?;
        Ok(sums)
    }

    /// Hands the bytes of the sites at some places to `put`, with their offset in the body, and adds them to `sums`.
    /// `beyond` are the numbers of the links in directions that the field does not have.
    pub fn write<T: Real>(
        &self,
        field: FieldReader<'_, T>,
        beyond: &[T],
        isa: Isa,
        places: Range<usize>,
        mut sums: Sums,
        put: impl Fn(u64, &[u8]) -> lime_rs::Result<()>,
    ) -> lime_rs::Result<Sums> {
        self.walk(places, |sites, blocks, bytes| {
            let lane_bytes = bytes.len() / sites.len();
            let scatter = Scatter {
                field,
                body: self.body,
                blocks,
                beyond,
                bytes: Mutex::new(&mut *bytes),
                lane_bytes,
            };
            run_kernel(isa, &scatter, 0..blocks.len(), &mut Tally::none());
            for (site, lane) in sites.iter().zip(bytes.chunks_exact(lane_bytes)) {
                sums.add(self.body, *site, lane)?;
                put(site * self.body.unit_bytes() as u64, lane)?;
            }
            Ok(())
        })?;
        Ok(sums)
    }
}

/// The numbers of a block, `[lane][number]`.
#[repr(C, align(64))]
struct Tile([u8; BLOCK_BYTES * NUMBERS]);

impl Tile {
    fn zeroed() -> Self {
        Self([0; BLOCK_BYTES * NUMBERS])
    }
    fn numbers<T: Real>(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(&mut self.0)
    }
}

/// From bytes into blocks.
struct Gather<'a, T> {
    field: FieldWriter<'a, T>,
    body: &'a Body,
    blocks: &'a [u32],
    bytes: &'a [u8],
    lane_bytes: usize,
}

impl<T: Real> Kernel<T> for Gather<'_, T> {
    crate::compiled!(scalar T: Gather);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let (lanes, unit) = (self.bytes.len() / self.lane_bytes, self.body.unit_bytes());
        if same::<T>(self.body, lanes) {
            let swaps = swaps(self.body);
            for i in range {
                let from = self.bytes[i * unit..].as_ptr().cast();
                // SAFETY: LANES times `lane_bytes` bytes, each lane with whole units from `i` on, which are whole squares.
                unsafe {
                    self.place::<V>(i, from, self.lane_bytes / size_of::<T>(), |row| {
                        if swaps { row.swapped_bytes() } else { row }
                    });
                }
            }
        } else {
            let used = self.field.reals();
            let stride = used.next_multiple_of(T::LANES);
            let mut tile = Tile::zeroed();
            let tile = &mut tile.numbers::<T>()[..T::LANES * stride];
            for i in range {
                for (lane, numbers) in tile.chunks_exact_mut(stride).enumerate() {
                    let site = lane % lanes * self.lane_bytes + i * unit;
                    let bytes = &self.bytes[site..][..used * self.body.precision.bytes()];
                    decode(self.body, bytes, &mut numbers[..used]);
                }
                // SAFETY: the tile holds LANES times `stride` numbers, which are whole squares.
                unsafe { self.place::<V>(i, tile.as_ptr(), stride, |row| row) }
            }
        }
        V::fence();
    }
}

impl<T: Real> Gather<'_, T> {
    /// Writes the numbers of LANES sites, which lie `stride` numbers apart, into block `i`.
    ///
    /// # Safety
    /// Whole squares of LANES numbers each way are readable, up to the field's numbers of a site.
    #[inline(always)]
    unsafe fn place<V: Lanes<Scalar = T>>(
        &self,
        i: usize,
        from: *const T,
        stride: usize,
        native: impl Fn(V) -> V,
    ) {
        let used = self.field.reals();
        let rows = self.field.rows(self.blocks[i] as usize, 0, used);
        for c in (0..used).step_by(T::LANES) {
            // SAFETY: the caller's promise; the rows are those just asked for, of a block that no other thread has.
            unsafe {
                V::transposed(from.add(c), stride, |k, row| {
                    if c + k < used {
                        native(row).stream(rows.add((c + k) * T::LANES));
                    }
                });
            }
        }
    }
}

/// From blocks into bytes.
struct Scatter<'a, T> {
    field: FieldReader<'a, T>,
    body: &'a Body,
    blocks: &'a [u32],
    beyond: &'a [T],
    bytes: Mutex<&'a mut [u8]>,
    lane_bytes: usize,
}

impl<T: Real> Kernel<T> for Scatter<'_, T> {
    crate::compiled!(scalar T: Scatter);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let mut bytes = self.bytes.lock().unwrap_or_else(|e| e.into_inner());
        let lanes = bytes.len() / self.lane_bytes;
        if same::<T>(self.body, lanes) && self.beyond.is_empty() {
            self.squares::<V>(range, &mut bytes);
        } else {
            self.numbers::<V>(range, &mut bytes);
        }
    }
}

impl<T: Real> Scatter<'_, T> {
    /// Blocks of whole squares, whose numbers are stored as they are but for the order of their bytes.
    #[inline(always)]
    fn squares<V: Lanes<Scalar = T>>(&self, range: Range<usize>, bytes: &mut [u8]) {
        let (used, unit, row_bytes) = (self.field.reals(), self.body.unit_bytes(), size_of::<T>() * T::LANES);
        let swaps = swaps(self.body);
        for i in range {
            let rows = self.field.rows(self.blocks[i] as usize, 0, used);
            if let Some(&next) = self.blocks.get(i + 1) {
                let next = self.field.rows(next as usize, 0, used);
                (0..used).for_each(|c| prefetch(next.wrapping_add(c * T::LANES), Cache::First));
            }
            for c in (0..used).step_by(T::LANES) {
                // SAFETY: LANES of the rows just asked for.
                unsafe {
                    V::transposed(rows.add(c * T::LANES), T::LANES, |lane, numbers: V| {
                        let numbers = Row::from_lanes(if swaps { numbers.swapped_bytes() } else { numbers });
                        let to = lane * self.lane_bytes + i * unit + c * size_of::<T>();
                        bytes[to..to + row_bytes]
                            .copy_from_slice(bytemuck::cast_slice(&numbers.0[..T::LANES]));
                    });
                }
            }
        }
    }

    /// Blocks of any size, number by number.
    #[inline(always)]
    fn numbers<V: Lanes<Scalar = T>>(&self, range: Range<usize>, bytes: &mut [u8]) {
        let (used, numbers, unit) =
            (self.field.reals(), self.body.numbers_per_unit(), self.body.unit_bytes());
        let (whole, stride) = (used - used % T::LANES, numbers.next_multiple_of(T::LANES));
        let mut tile = Tile::zeroed();
        let tile = &mut tile.numbers::<T>()[..T::LANES * stride];
        for site in tile.chunks_exact_mut(stride) {
            site[used..numbers].copy_from_slice(self.beyond);
        }
        for i in range {
            let rows = self.field.rows(self.blocks[i] as usize, 0, used);
            let to = tile.as_mut_ptr();
            for c in (0..whole).step_by(T::LANES) {
                // SAFETY: LANES of the rows just asked for; the tile's start, its stride and `c` are multiples of 64
                // bytes, and `c` ends LANES before the stride at most.
                unsafe {
                    V::transposed(rows.add(c * T::LANES), T::LANES, |lane, site: V| {
                        site.store(to.add(lane * stride + c));
                    });
                }
            }
            for c in whole..used {
                for lane in 0..T::LANES {
                    // SAFETY: one of the rows just asked for.
                    tile[lane * stride + c] = unsafe { rows.add(c * T::LANES + lane).read() };
                }
            }
            let lanes = bytes.chunks_exact_mut(self.lane_bytes);
            for (lane, site) in lanes.zip(tile.chunks_exact(stride)) {
                encode(self.body, &site[..numbers], &mut lane[i * unit..(i + 1) * unit]);
            }
        }
    }
}

/// Whether a stored site is as many whole squares of numbers as a block, of the same precision.
#[inline(always)]
fn same<T: Real>(body: &Body, lanes: usize) -> bool {
    body.precision.bytes() == size_of::<T>()
        && lanes == T::LANES
        && body.numbers_per_unit().is_multiple_of(T::LANES)
}

/// Whether the bytes of stored numbers come in another order than this machine's.
#[inline(always)]
fn swaps(body: &Body) -> bool {
    (body.byte_order == ByteOrder::Big) == cfg!(target_endian = "little")
}

/// Numbers from as many stored ones.
#[inline(always)]
fn decode<T: Real>(body: &Body, bytes: &[u8], numbers: &mut [T]) {
    let (order, stored) = (body.byte_order, body.precision);
    let done = match T::BITS {
        64 => decode_ordered(order, stored, bytes, bytemuck::cast_slice_mut::<T, f64>(numbers)),
        _ => decode_ordered(order, stored, bytes, bytemuck::cast_slice_mut::<T, f32>(numbers)),
    };
    debug_assert!(done.is_ok(), "as many numbers as bytes hold");
}

/// The inverse of [`decode`].
#[inline(always)]
fn encode<T: Real>(body: &Body, numbers: &[T], bytes: &mut [u8]) {
    let (order, stored) = (body.byte_order, body.precision);
    let done = match T::BITS {
        64 => encode_ordered(order, stored, bytemuck::cast_slice::<T, f64>(numbers), bytes),
        _ => encode_ordered(order, stored, bytemuck::cast_slice::<T, f32>(numbers), bytes),
    };
    debug_assert!(done.is_ok(), "as many bytes as numbers need");
}
