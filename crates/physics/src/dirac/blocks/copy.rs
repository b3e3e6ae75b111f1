//! Copies between a lattice's fields and those of its blocks, row by row.

use gaugelink_lattice::number::Row;
use gaugelink_lattice::{Field, FieldReader, FieldWriter, Kernel, Lanes, Real, Tally};
use std::ops::Range;

/// Where a row's lanes come from.
#[derive(Clone, Copy, Debug)]
enum Origin {
    /// Each from the same lane of one of two rows; `mask` tells which.
    Rows { first: u32, second: u32, mask: u32 },
    /// From anywhere: an index into [`Plan::scattered`].
    Lanes(u32),
}

/// For each lane: which field, its block, the lane there.
type Lane = (u8, u8, u32);

/// Where each row of a field comes from: lanes of one field, given twice, or of two.
#[derive(Debug, Default)]
pub(super) struct Plan<T> {
    origins: Vec<Origin>,
    /// 1 in the lanes that come from the second row.
    masks: Vec<Row<T>>,
    scattered: Vec<[Lane; 16]>,
}

impl<T: Real> Plan<T> {
    /// The plan for `rows` blocks and so many `fields`, 1 or 2; `from` tells of a block and lane the field, block and lane to
    /// copy from.
    pub fn new(rows: usize, fields: usize, from: impl Fn(usize, usize) -> (usize, usize, usize)) -> Self {
        let mut plan = Self { origins: Vec::with_capacity(rows), masks: Vec::new(), scattered: Vec::new() };
        for row in 0..rows {
            let lanes: Vec<_> = (0..T::LANES).map(|lane| from(row, lane)).collect();
            let origin = plan.as_rows(&lanes, fields).unwrap_or_else(|| {
                let lane =
                    |l: usize| lanes.get(l).map_or((0, 0, 0), |&(f, b, l)| (f as u8, l as u8, b as u32));
                plan.scattered.push(std::array::from_fn(lane));
                Origin::Lanes(plan.scattered.len() as u32 - 1)
            });
            plan.origins.push(origin);
        }
        plan
    }

    /// Two rows and a mask, where these do.
    fn as_rows(&mut self, lanes: &[(usize, usize, usize)], fields: usize) -> Option<Origin> {
        let mut rows = [None; 2];
        let mut mask = Row([T::default(); 16]);
        for (here, &(field, block, lane)) in lanes.iter().enumerate() {
            let second = if fields == 1 { rows[0].is_some_and(|row| row != block) } else { field == 1 };
            let row = &mut rows[usize::from(second)];
            if lane != here || *row.get_or_insert(block) != block {
                return None;
            }
            mask.0[here] = T::from_f64(f64::from(second));
        }
        let known = self.masks.iter().position(|m| m.0 == mask.0);
        let mask = known.unwrap_or_else(|| {
            self.masks.push(mask);
            self.masks.len() - 1
        });
        let [first, second] = rows.map(|row| row.unwrap_or(0) as u32);
        Some(Origin::Rows { first, second, mask: mask as u32 })
    }

    /// Copies `components` = (first of the sources, first of `out`, how many). A field that is not there is zero; with
    /// `minuend`, which stands where the first field does, its numbers less the fields'; with `adds` on top of what `out` has.
    pub fn run(
        &self,
        out: &mut Field<T>,
        from: [Option<&Field<T>>; 2],
        minuend: Option<&Field<T>>,
        components: (usize, usize, usize),
        adds: bool,
    ) {
        let lattice = out.lattice().clone();
        let kernel = Copy {
            plan: self,
            out: out.writer(),
            from: from.map(|field| field.map(Field::reader)),
            minuend: minuend.map(Field::reader),
            components,
            adds,
        };
        lattice.launch(&kernel, 0..self.origins.len());
    }
}

struct Copy<'a, T> {
    plan: &'a Plan<T>,
    out: FieldWriter<'a, T>,
    from: [Option<FieldReader<'a, T>>; 2],
    minuend: Option<FieldReader<'a, T>>,
    components: (usize, usize, usize),
    adds: bool,
}

impl<T: Real> Kernel<T> for Copy<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Copy);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        // SAFETY: a block is read and written by one thread.
        let out = unsafe { self.out.reader() };
        let (source, target, count) = self.components;
        for block in range {
            let from = Self::place::<V>(self.plan, &self.from, block, source, count);
            let minuend =
                self.minuend.map(|b| Self::place::<V>(self.plan, &[Some(b); 2], block, source, count));
            for c in 0..count {
                let mut x = from.row(c);
                if let Some(minuend) = &minuend {
                    x = minuend.row(c) - x;
                }
                if self.adds {
                    x = out.load::<V>(block, target + c) + x;
                }
                // SAFETY: as above.
                unsafe { self.out.store(block, target + c, x) };
            }
        }
    }
}

impl<T: Real> Copy<'_, T> {
    /// Where a block's rows come from.
    #[inline(always)]
    fn place<V: Lanes<Scalar = T>>(
        plan: &Plan<T>,
        from: &[Option<FieldReader<'_, T>>; 2],
        block: usize,
        first: usize,
        count: usize,
    ) -> Place<V> {
        let start = |field: &Option<FieldReader<'_, T>>, block: u32| {
            field.as_ref().map(|field| field.rows(block as usize, first, count))
        };
        match plan.origins[block] {
            Origin::Rows { first: a, second: b, mask } => {
                let rows = [start(&from[0], a), start(&from[1], b)];
                Place::Rows(rows, V::splat(0.5).lt(plan.masks[mask as usize].to_lanes()))
            }
            Origin::Lanes(lanes) => {
                let mut rows = [None; 16];
                for (row, &(field, lane, block)) in
                    rows[..T::LANES].iter_mut().zip(&plan.scattered[lanes as usize])
                {
                    // SAFETY: a lane of a row.
                    *row = start(&from[field as usize], block).map(|row| unsafe { row.add(lane as usize) });
                }
                Place::Lanes(rows)
            }
        }
    }
}

/// The first of a block's rows, in one place or another. It lives on the stack for a block's time: no box.
#[allow(clippy::large_enum_variant)]
enum Place<V: Lanes> {
    Rows([Option<*const V::Scalar>; 2], V::Mask),
    Lanes([Option<*const V::Scalar>; 16]),
}

impl<V: Lanes> Place<V> {
    #[inline(always)]
    fn row(&self, c: usize) -> V {
        match self {
            Self::Rows([first, second], mask) => {
                let load = |row: &Option<*const V::Scalar>| match row {
                    // SAFETY: `place` was told how many rows there are.
                    Some(row) => unsafe { V::load(row.add(c * V::Scalar::LANES)) },
                    None => V::splat(0.0),
                };
                V::select(*mask, load(second), load(first))
            }
            Self::Lanes(rows) => {
                let mut all = Row([V::Scalar::default(); 16]);
                for (x, row) in all.0.iter_mut().zip(rows) {
                    if let Some(row) = row {
                        // SAFETY: as above.
                        *x = unsafe { *row.add(c * V::Scalar::LANES) };
                    }
                }
                all.to_lanes()
            }
        }
    }
}
