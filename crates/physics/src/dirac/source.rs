//! Sources of propagators: η of D S = η, for each spin and colour.
//!
//! A source that fills a time slice has η(x) = z(x) δ for each spin and colour, with one number z(x) a site: 1 on a wall, or noise.
//! With ⟨z(x) z*(y)⟩ = δ_xy contractions of S and S† average to the sum over the point sources of the slice (Foster and Michael,
//! Phys. Rev. D 59 (1999) 074503; Boucaud et al., Comput. Phys. Commun. 179 (2008) 695, with all spins and colours diluted).

use super::spinor::SpinorField;
use crate::PhysicsError;
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{Geometry, Lattice, LatticeError, Real, Site};
use std::sync::Arc;

/// What a propagator begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// 1 at a site.
    Point(Site),
    /// 1 at every site of a time slice. Links are taken as they are: without a gauge fixed, only terms with both ends at one site
    /// survive the average over configurations.
    Wall {
        /// The slice.
        t: usize,
    },
    /// Z2 noise at every site of a time slice, (±1 ± i)/√2.
    Noise {
        /// The slice.
        t: usize,
        /// Where the noise comes from.
        address: Address,
    },
}

impl From<Site> for Source {
    fn from(site: Site) -> Self {
        Self::Point(site)
    }
}

impl Source {
    /// Its time slice on a lattice of `dims` dimensions, the last of which is time.
    pub fn time(&self, dims: usize) -> usize {
        match *self {
            Self::Point(site) => site[dims - 1],
            Self::Wall { t } | Self::Noise { t, .. } => t,
        }
    }

    /// Refuses a source outside of the lattice.
    ///
    /// # Errors
    /// [`PhysicsError::Parameter`].
    pub fn check(&self, geometry: &Geometry) -> Result<(), PhysicsError> {
        let extents = geometry.extents();
        let time = extents[geometry.dims() - 1];
        let why = match *self {
            Self::Point(site) if (0..site.len()).any(|mu| site[mu] >= extents[mu]) => {
                format!("the source {site:?} lies outside the lattice {extents:?}: give coordinates from 0")
            }
            Self::Wall { t } | Self::Noise { t, .. } if t >= time => {
                format!(
                    "time slice {t} of the source lies outside the lattice: slices count from 0 to {}",
                    time - 1
                )
            }
            _ => return Ok(()),
        };
        Err(PhysicsError::Parameter(why))
    }

    /// z of a source that fills a slice, for the whole lattice; `None` for a point.
    ///
    /// # Errors
    /// No memory.
    pub(super) fn weights<T: Real>(
        &self,
        lattice: &Arc<Lattice>,
    ) -> Result<Option<Weights<T>>, LatticeError> {
        match *self {
            Self::Point(_) => Ok(None),
            Self::Wall { .. } => {
                let mut one = Weights::zeroed(lattice)?;
                for (block, lane) in all::<T>(lattice) {
                    one.set(block, 0, lane, T::from_f64(1.0));
                }
                Ok(Some(one))
            }
            Self::Noise { address, .. } => {
                let mut noise = Weights::zeroed(lattice)?;
                noise.set_z2(address);
                Ok(Some(noise))
            }
        }
    }

    /// η for one spin and colour, in every chain; `weights` are this source's. Collective.
    pub(super) fn set<T: Real, const N: usize, const H: usize>(
        &self,
        eta: &mut SpinorField<T, N, H>,
        weights: Option<&Weights<T>>,
        (spin, colour): (usize, usize),
    ) {
        if let Self::Point(site) = self {
            return eta.set_point_source(site, spin, colour);
        }
        eta.fill(T::default());
        let (lattice, t) = (eta.lattice().clone(), self.time(2 * H));
        let first = 2 * (spin * N + colour);
        for (weights, (block, lane)) in weights.iter().flat_map(|w| all::<T>(&lattice).map(move |at| (w, at)))
        {
            if lattice.layout::<T>().site(block, lane)[2 * H - 1] == t {
                (0..2).for_each(|part| eta.set(block, first + part, lane, weights.get(block, part, lane)));
            }
        }
        eta.exchange();
    }
}

/// z of each site: of spinors with one colour the first component.
pub(super) type Weights<T> = SpinorField<T, 1, 1>;

/// All places of a field.
fn all<T: Real>(lattice: &Arc<Lattice>) -> impl Iterator<Item = (usize, usize)> + use<T> {
    let (blocks, lanes) = (lattice.layout::<T>().blocks(), lattice.layout::<T>().lanes());
    (0..blocks).flat_map(move |block| (0..lanes).map(move |lane| (block, lane)))
}
