//! Vectors on the lattice of aggregates: 2n complex numbers a site, the components in lanes.
//!
//! A site is a block of the field, component i is complex number i / LANES of lane i % LANES, and what is left of the last
//! row is zero. So no lane is idle on lattices of any extents. Even sites come first. Every rank holds the whole lattice:
//! what is left of a volume after two or three levels is small, and its solves need no messages.

use crate::dirac::blocks::{Blocks, coordinates, number};
use gaugelink_lattice::{Complex, DIM_MAX, Field, Lattice, LatticeError, LatticeOptions, Real, Site};
use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

/// Neighbours of a site.
pub(super) const STEPS: usize = 2 * DIM_MAX;

/// The lattice of aggregates.
#[derive(Debug)]
pub(super) struct CoarseLattice<T> {
    /// Blocks in each direction of the whole lattice, and the first of this rank.
    extents: Site,
    origin: Site,
    components: usize,
    /// What fields live on: as many blocks as sites, which are no sites of its own.
    fields: Arc<Lattice>,
    neighbours: Vec<[u32; STEPS]>,
    scalar: std::marker::PhantomData<T>,
}

impl<T: Real> CoarseLattice<T> {
    /// The lattice of these blocks with so many complex `components` a site.
    pub fn new(blocks: &Blocks<T>, components: usize) -> Result<Self, LatticeError> {
        let fine = blocks.lattice();
        let geometry = fine.geometry();
        let extents: Site = std::array::from_fn(|mu| geometry.extents()[mu] / blocks.extents()[mu]);
        let origin = std::array::from_fn(|mu| geometry.origin()[mu] / blocks.extents()[mu]);
        let sites: usize = extents.iter().product();
        // The first direction is cut into as many parts as there are lanes; each parity has half of the blocks.
        let options =
            LatticeOptions { pool: Some(fine.pool().clone()), isa: fine.isa(), ..LatticeOptions::default() };
        let fields = Lattice::new(&[2 * T::LANES, sites / 2], options)?;
        debug_assert_eq!(fields.layout::<T>().blocks(), sites);
        debug_assert_eq!(fields.layout::<T>().distinct_lanes(), T::LANES);
        let mut coarse =
            Self { extents, origin, components, fields, neighbours: Vec::new(), scalar: Default::default() };
        coarse.neighbours = vec![[0; STEPS]; sites];
        for index in 0..sites {
            let site = coordinates(index, &extents);
            let here = coarse.index(&site);
            for step in 0..STEPS {
                let (mut there, mu) = (site, step % DIM_MAX);
                there[mu] = (site[mu] + if step < DIM_MAX { 1 } else { extents[mu] - 1 }) % extents[mu];
                coarse.neighbours[here][step] = coarse.index(&there) as u32;
            }
        }
        Ok(coarse)
    }

    /// The number of a site, even ones first.
    fn index(&self, site: &Site) -> usize {
        let parity = site.iter().sum::<usize>() % 2;
        parity * self.extents.iter().product::<usize>() / 2 + number(site, &self.extents) / 2
    }
    /// The site of a block of this rank's box, of this colour.
    pub fn site_of(&self, block: &Site, colour: usize) -> usize {
        let site: Site = std::array::from_fn(|mu| self.origin[mu] + block[mu]);
        debug_assert_eq!(site.iter().sum::<usize>() % 2, colour);
        self.index(&site)
    }
    /// Sites.
    pub fn sites(&self) -> usize {
        self.neighbours.len()
    }
    /// Complex numbers of a site.
    pub fn components(&self) -> usize {
        self.components
    }
    /// Rows of lanes that hold them.
    pub fn rows(&self) -> usize {
        self.components.div_ceil(T::LANES)
    }
    /// Sites of one parity.
    pub fn parity(&self, parity: usize) -> Range<usize> {
        self.fields.layout::<T>().parity_blocks(parity)
    }
    /// The neighbours of a site, forwards in each direction, then backwards.
    #[inline(always)]
    pub fn neighbours(&self, site: usize) -> &[u32; STEPS] {
        &self.neighbours[site]
    }
    /// What fields live on.
    pub fn fields(&self) -> &Arc<Lattice> {
        &self.fields
    }
    /// A vector of zeros.
    pub fn vector(&self) -> Result<CoarseVector<T>, LatticeError> {
        Ok(CoarseVector(Field::zeroed(&self.fields, 2 * self.rows())?))
    }
}

/// Numbers on the coarse lattice.
#[derive(Debug)]
pub(super) struct CoarseVector<T>(Field<T>);

impl<T> Deref for CoarseVector<T> {
    type Target = Field<T>;
    fn deref(&self) -> &Field<T> {
        &self.0
    }
}

impl<T> DerefMut for CoarseVector<T> {
    fn deref_mut(&mut self) -> &mut Field<T> {
        &mut self.0
    }
}

impl<T: Real> CoarseVector<T> {
    /// One component.
    pub fn component(&self, site: usize, i: usize) -> Complex<T> {
        let (row, lane) = (2 * (i / T::LANES), i % T::LANES);
        Complex::new(self.get(site, row, lane), self.get(site, row + 1, lane))
    }
    /// Sets one component.
    pub fn set_component(&mut self, site: usize, i: usize, z: Complex<T>) {
        let (row, lane) = (2 * (i / T::LANES), i % T::LANES);
        self.set(site, row, lane, z.re);
        self.set(site, row + 1, lane, z.im);
    }
}

/// Gives every rank what each has of a field's numbers, zero elsewhere. Collective.
pub(super) fn share<T: Real>(fine: &Lattice, field: &mut Field<T>) {
    if fine.comm().ranks() == 1 {
        return;
    }
    let mut words: Vec<i64> = field.as_slice().iter().map(|x| x.to_f64().to_bits() as i64).collect();
    fine.comm().sum(&mut words);
    for (x, word) in field.as_mut_slice().iter_mut().zip(words) {
        *x = T::from_f64(f64::from_bits(word as u64));
    }
}
