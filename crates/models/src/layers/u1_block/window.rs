//! Wilson loops around rectangles in two dimensions: products of plaquettes over windows of sites, and the way back.
//!
//! Everything goes by steps of one site, with ghosts filled in between, so that windows may be wider than a rank's part.

use gaugelink_lattice::{
    Complex, Field, FieldReader, FieldWriter, Kernel, Lanes, Lattice, LatticeError, LinkReader, Real, Tally,
    backward, forward,
};
use std::ops::Range;
use std::sync::Arc;

/// P_01(x) at every site.
pub struct Plaquettes<'a, T> {
    pub links: LinkReader<'a, T, 1>,
    pub to: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for Plaquettes<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Plaquettes);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        for block in range {
            let phase = self.links.plaquette::<V>(block, 0, 1).0[0][0];
            // SAFETY: a block is written by one thread.
            unsafe {
                self.to.store(block, 0, phase.re);
                self.to.store(block, 1, phase.im);
            }
        }
    }
}

/// to(x) = from(x + step), all components.
struct Shift<'a, T> {
    from: FieldReader<'a, T>,
    reals: usize,
    step: usize,
    to: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for Shift<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Shift);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let layout = self.from.layout();
        for block in range {
            let at = layout.neighbour(block, self.step);
            for c in 0..self.reals {
                let x: V = self.from.load_at(at, c);
                // SAFETY: a block is written by one thread.
                unsafe { self.to.store(block, c, x) }
            }
        }
    }
}

/// to(x) = base(x) from(x + step), of phases.
struct Times<'a, T> {
    base: FieldReader<'a, T>,
    from: FieldReader<'a, T>,
    step: usize,
    to: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for Times<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Times);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let layout = self.from.layout();
        for block in range {
            let at = layout.neighbour(block, self.step);
            let here = Complex::<V>::new(self.base.load(block, 0), self.base.load(block, 1));
            let product = here * Complex::new(self.from.load_at(at, 0), self.from.load_at(at, 1));
            // SAFETY: a block is written by one thread.
            unsafe {
                self.to.store(block, 0, product.re);
                self.to.store(block, 1, product.im);
            }
        }
    }
}

/// to(x) = base(x) + from(x + step), of angles.
struct Plus<'a, T> {
    base: FieldReader<'a, T>,
    from: FieldReader<'a, T>,
    step: usize,
    to: FieldWriter<'a, T>,
}

impl<T: Real> Kernel<T> for Plus<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Plus);
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let layout = self.from.layout();
        for block in range {
            let at = layout.neighbour(block, self.step);
            let sum = self.base.load::<V>(block, 0) + self.from.load_at(at, 0);
            // SAFETY: a block is written by one thread.
            unsafe { self.to.store(block, 0, sum) }
        }
    }
}

/// A field and the two that its next values are made in.
pub struct Steps<T> {
    pub field: Field<T>,
    spare: [Field<T>; 2],
}

impl<T: Real> Steps<T> {
    /// Of zeros.
    pub fn new(lattice: &Arc<Lattice>, reals: usize) -> Result<Self, LatticeError> {
        let field = || Field::zeroed(lattice, reals);
        Ok(Self { field: field()?, spare: [field()?, field()?] })
    }

    /// Phases become their products over windows of these extents, of which a site is the first; ghosts are filled.
    pub fn windows(&mut self, lattice: &Lattice, extents: [usize; 2]) {
        for (mu, extent) in extents.into_iter().enumerate() {
            self.accumulate(extent, |base, from, to| {
                let kernel = Times { base, from, step: forward(mu), to };
                lattice.launch(&kernel, 0..kernel.base.layout().blocks());
            });
        }
    }

    /// Angles at the first sites of windows become sums over the windows that a site is in; ghosts are filled.
    pub fn windows_back(&mut self, lattice: &Lattice, extents: [usize; 2]) {
        for (mu, extent) in extents.into_iter().enumerate() {
            self.accumulate(extent, |base, from, to| {
                let kernel = Plus { base, from, step: backward(mu), to };
                lattice.launch(&kernel, 0..kernel.base.layout().blocks());
            });
        }
    }

    /// `extent` terms: the field, and as often as that less one what a step makes of it and the terms so far.
    fn accumulate(
        &mut self,
        extent: usize,
        step: impl Fn(FieldReader<'_, T>, FieldReader<'_, T>, FieldWriter<'_, T>),
    ) {
        self.field.exchange();
        for k in 1..extent {
            let [a, b] = &mut self.spare;
            let (from, to) = if k % 2 == 0 { (&*a, b) } else { (&*b, a) };
            step(self.field.reader(), if k == 1 { self.field.reader() } else { from.reader() }, to.writer());
            to.exchange();
        }
        if extent > 1 {
            std::mem::swap(&mut self.field, &mut self.spare[extent % 2]);
        }
    }

    /// The field `count` steps on, in another one: to(x) = field(x + count steps).
    pub fn shifted(&mut self, lattice: &Lattice, step: usize, count: usize, to: &mut Field<T>) {
        let reals = to.reals();
        for k in 0..count {
            let [a, b] = &mut self.spare;
            let (from, into) = if k % 2 == 0 { (&*b, a) } else { (&*a, b) };
            let from = if k == 0 { &self.field } else { from };
            let into = if k + 1 == count { &mut *to } else { into };
            let kernel = Shift { from: from.reader(), reals, step, to: into.writer() };
            lattice.launch(&kernel, 0..kernel.from.layout().blocks());
            into.exchange();
        }
    }
}
