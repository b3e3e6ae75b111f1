//! Sites as devices number them: even ones first, each parity in lexicographic order, x fastest.

use gaugelink_lattice::{Field, Geometry, Real, Site};

/// The sites of a lattice of one rank, and their neighbours.
#[derive(Clone, Debug)]
pub struct Sites {
    sites: Vec<Site>,
    even: usize,
    near: Vec<i32>,
}

impl Sites {
    /// Of a lattice whose extents are even, or of any other, where parity means nothing across the edges.
    ///
    /// # Panics
    /// For several ranks, and for 2²⁹ sites and more: a component has less than 4 GiB.
    pub fn new(geometry: &Geometry) -> Self {
        assert_eq!(geometry.ranks(), 1, "devices know one rank");
        assert!(geometry.volume() < 1 << 29, "{} sites: a component has less than 4 GiB", geometry.volume());
        let (extents, dims) = (geometry.extents(), geometry.dims());
        let parity = |x: &Site| x.iter().sum::<usize>() % 2;
        let mut sites: Vec<Site> = (0..geometry.volume()).map(|index| geometry.site(index)).collect();
        sites.sort_by_key(parity);
        let even = sites.iter().filter(|x| parity(x) == 0).count();
        let mut number = vec![0; sites.len()];
        for (n, x) in sites.iter().enumerate() {
            number[geometry.site_index(x)] = n as i32;
        }
        let steps = gaugelink_lattice::backward(gaugelink_lattice::DIM_MAX - 1) + 1;
        let mut near = vec![0; steps * sites.len()];
        for (n, x) in sites.iter().enumerate() {
            for mu in 0..dims {
                let l = extents[mu];
                for (step, y) in [
                    (gaugelink_lattice::forward(mu), (x[mu] + 1) % l),
                    (gaugelink_lattice::backward(mu), (x[mu] + l - 1) % l),
                ] {
                    let mut to = *x;
                    to[mu] = y;
                    near[step * sites.len() + n] = number[geometry.site_index(&to)];
                }
            }
        }
        Self { sites, even, near }
    }
    /// How many there are.
    pub fn count(&self) -> usize {
        self.sites.len()
    }
    /// Those of one parity, 0 or 1.
    pub fn parity(&self, parity: usize) -> std::ops::Range<usize> {
        if parity == 0 { 0..self.even } else { self.even..self.sites.len() }
    }
    /// `[step][site]`: the number of the neighbour.
    pub fn near(&self) -> &[i32] {
        &self.near
    }
    /// A field as devices hold it, `[component][site]`.
    pub fn gather<T: Real>(&self, field: &Field<T>) -> Vec<T> {
        let mut numbers = Vec::with_capacity(field.reals() * self.count());
        for c in 0..field.reals() {
            numbers.extend(self.sites.iter().map(|x| {
                let (block, lane) = field.layout().locate(x);
                field.get(block, c, lane)
            }));
        }
        numbers
    }
}
