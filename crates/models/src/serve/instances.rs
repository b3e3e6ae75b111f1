//! The code for a view's group, precision and layout.

use super::{Meter, Place};
use gaugelink_lattice::foreign::Foreign;
use gaugelink_lattice::{GaugeField, Lattice, Real};
use gaugelink_physics::dirac::SpinorField;
use gaugelink_plugin_sdk::{Call, Error, LayoutId, Query, Result, Served, Stats, View, raw};
use std::sync::Arc;

/// Makes what serves links of one group in one precision.
pub trait Make {
    /// What is made: a trait of the plugin's without types of numbers.
    type Instance: ?Sized;
    /// The precision that it computes in for views of this one (`GLK_F32` or `GLK_F64`); that of the view unless said
    /// otherwise.
    fn scalar(&self, of_view: i32) -> i32 {
        of_view
    }
    /// Refuses links that the configuration excludes. What is refused or not is the layout; it is asked about once.
    ///
    /// # Errors
    /// A sentence about the view.
    fn accept(&self, _links: &View<'_>) -> Result<()> {
        Ok(())
    }
    /// Makes it for fields on `lattice`, as large as they are for every call.
    ///
    /// # Errors
    /// For groups, lattices and settings that do not go together; no memory.
    fn make<T: Real, const N: usize>(&self, lattice: &Arc<Lattice>) -> Result<Box<Self::Instance>>;
}

/// Instances, each made when a view first asks for it.
pub struct Instances<M: Make> {
    maker: M,
    made: Vec<(Key, Box<M::Instance>)>,
    /// What [`Instances::index`] found last, for which layout.
    last: Option<(LayoutId, (usize, usize))>,
}

/// Bits of a number, colours, chains.
type Key = (u32, usize, usize);

/// Calls a generic function for the scalar and colours of a view.
macro_rules! for_types {
    ($scalar:expr, $ncolor:expr, $call:ident $args:tt) => {
        match ($scalar, $ncolor) {
            (raw::GLK_F64, 1) => $call::<f64, 1> $args,
            (raw::GLK_F64, 2) => $call::<f64, 2> $args,
            (raw::GLK_F64, 3) => $call::<f64, 3> $args,
            (raw::GLK_F32, 1) => $call::<f32, 1> $args,
            (raw::GLK_F32, 2) => $call::<f32, 2> $args,
            (raw::GLK_F32, 3) => $call::<f32, 3> $args,
            (raw::GLK_F64 | raw::GLK_F32, n) => {
                Err(Error::unsupported(format!("ncolor is {n}; links of U(1), SU(2) and SU(3) (1 to 3) are served")))
            }
            (other, _) => Err(Error::unsupported(format!("scalar is {other}; F32 (3) and F64 (4) are served"))),
        }
    };
}

impl<M: Make> Instances<M> {
    /// None made yet.
    pub fn new(maker: M) -> Self {
        Self { maker, made: Vec::new(), last: None }
    }
    /// The instance for a view of links, its number, and how many fields of a batch it takes at once.
    ///
    /// # Errors
    /// As [`Make::make`]; `UNSUPPORTED` for other groups and numbers.
    #[inline]
    pub fn index(&mut self, view: &View<'_>, place: &mut Place) -> Result<(usize, usize)> {
        match (self.last, view.layout()) {
            (Some((last, found)), Some(layout)) if last == layout => Ok(found),
            _ => self.search(view, place),
        }
    }
    #[cold]
    fn search(&mut self, view: &View<'_>, place: &mut Place) -> Result<(usize, usize)> {
        self.maker.accept(view)?;
        let raw = view.as_raw();
        if raw.kind != raw::GLK_GAUGE {
            return Err(Error::invalid(format!("kind is {}; links (GAUGE, 1) are needed", raw.kind)));
        }
        let scalar = self.maker.scalar(raw.scalar);
        let found = for_types!(scalar, raw.ncolor, find(self, view, place))?;
        self.last = view.layout().map(|layout| (layout, found));
        Ok(found)
    }
    /// Calls `pass(instance, first, count, meter)` for the fields `first` to `first + count` of the batch, as many at once
    /// as the layout of `links` has side by side. Where it takes several passes the host is told before each (`fields`).
    /// `stats` is what the call took.
    ///
    /// # Errors
    /// As [`Instances::index`], and those of `pass`; `CANCELLED` where the host asks for it.
    #[inline]
    pub fn each(
        &mut self,
        place: &mut Place,
        call: &Call<'_>,
        links: &View<'_>,
        stats: &mut Stats,
        mut pass: impl FnMut(&mut M::Instance, usize, usize, &mut Meter) -> Result<()>,
    ) -> Result<()> {
        let mut meter = place.begin(call);
        let (index, count) = self.index(links, place)?;
        let batch = links.batch();
        if count >= batch {
            pass(self.get(index), 0, count, &mut meter)?;
        } else {
            self.in_turn(index, (count, batch), call, &mut meter, &mut pass)?;
        }
        *stats = meter.stats();
        Ok(())
    }
    /// [`Instances::each`] of several passes.
    #[cold]
    fn in_turn(
        &mut self,
        index: usize,
        (count, batch): (usize, usize),
        call: &Call<'_>,
        meter: &mut Meter,
        pass: &mut impl FnMut(&mut M::Instance, usize, usize, &mut Meter) -> Result<()>,
    ) -> Result<()> {
        for first in (0..batch).step_by(count) {
            call.progress("fields", first as u64, batch as u64)?;
            pass(self.get(index), first, count, meter)?;
        }
        Ok(())
    }
    /// An instance by its number.
    #[inline]
    pub fn get(&mut self, index: usize) -> &mut M::Instance {
        &mut self.made[index].1
    }
}

fn find<T: Real, const N: usize>(
    instances: &mut Instances<impl Make>,
    view: &View<'_>,
    place: &mut Place,
) -> Result<(usize, usize)> {
    let lattice = place.lattice_for::<GaugeField<T, N>>(view)?;
    let chains = lattice.chains();
    let key = (T::BITS, N, chains);
    if let Some(index) = instances.made.iter().position(|(made, _)| *made == key) {
        return Ok((index, chains));
    }
    let instance = instances.maker.make::<T, N>(&lattice)?;
    instances.made.push((key, instance));
    Ok((instances.made.len() - 1, chains))
}

impl Place {
    /// How a view would be served: in place, or through a copy of its size.
    ///
    /// # Errors
    /// `INVALID_ARG` for a view that contradicts itself or the lattice.
    pub fn query(&mut self, view: &View<'_>) -> Result<Query> {
        if self.recognised.has(view) {
            return Ok(Query { served: Served::ZeroCopy, scratch_bytes: 0, seconds: 0.0 });
        }
        let raw = view.as_raw();
        let own = match raw.kind {
            raw::GLK_GAUGE => for_types!(raw.scalar, raw.ncolor, owns_links(self, view)),
            raw::GLK_WILSON => for_types!(raw.scalar, raw.ncolor, owns_spinors(self, view)),
            _ => Ok(false),
        };
        // An own layout has been compared with all that there is to check.
        let copied =
            |own| if own { Ok(None) } else { view.access(self.host()).map(|access| Some(access.shape())) };
        let (served, scratch_bytes) = match own.and_then(copied) {
            Ok(None) => (Served::ZeroCopy, 0),
            Ok(Some(shape)) => {
                let number = if raw.scalar == raw::GLK_F64 { 8 } else { 4 };
                (Served::Copy, (shape.reals_per_site() * self.host().sites() * number) as u64)
            }
            Err(error) if error.code == raw::GLK_UNSUPPORTED => (Served::No, 0),
            Err(error) => return Err(error),
        };
        Ok(Query { served, scratch_bytes, seconds: 0.0 })
    }
}

fn owns_links<T: Real, const N: usize>(place: &mut Place, view: &View<'_>) -> Result<bool> {
    owns::<GaugeField<T, N>>(place, view)
}

fn owns_spinors<T: Real, const N: usize>(place: &mut Place, view: &View<'_>) -> Result<bool> {
    owns::<SpinorField<T, N>>(place, view)
}

/// Whether each pass over the view's batch can borrow it.
fn owns<F: Foreign>(place: &mut Place, view: &View<'_>) -> Result<bool> {
    let lattice = place.lattice_for::<F>(view)?;
    Ok(place.recognised.matches::<F>(&*view.part(0, lattice.chains())?, &lattice))
}
