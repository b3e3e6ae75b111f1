//! Where a component's objects live: the host's lattice, on the threads that the host lends or, where it lends none, on
//! threads of our own.

use gaugelink_lattice::foreign::{Foreign, Recognised, resembles};
use gaugelink_lattice::{LaneMeaning, Lattice, LatticeOptions, Pool, Real};
use gaugelink_plugin_sdk::{Args, Call, Error, Result, Stats, View, raw};
use std::sync::Arc;
use std::time::Instant;

/// A host's lattice as ours: one with sites in the lanes, and one for each size of batch whose views have
/// configurations in the lanes.
pub struct Place {
    sites: Arc<Lattice>,
    batches: Vec<Arc<Lattice>>,
    extents: Vec<usize>,
    /// As many threads as the host granted when the object was made: a call may use fewer, never more.
    pool: Arc<Pool>,
    host: gaugelink_plugin_sdk::Lattice,
    /// Layouts that need no copy.
    pub(super) recognised: Recognised,
}

impl Place {
    /// The lattice of an object to be made.
    ///
    /// # Errors
    /// `UNSUPPORTED` for several ranks and for lattices of other than 2 to 4 directions.
    pub fn new(args: &Args<'_>) -> Result<Self> {
        if args.lattice.ranks() > 1 {
            let ranks = args.lattice.ranks();
            return Err(Error::unsupported(format!(
                "the lattice is cut over {ranks} ranks; this plugin serves one rank: give each rank a lattice of its own"
            )));
        }
        let extents: Vec<usize> = args.lattice.local().iter().map(|&extent| extent as usize).collect();
        let pool = Arc::new(match args.host.parallel() {
            // SAFETY: an object's lattices work inside the host's calls only.
            Some(threads) => unsafe { Pool::lent(threads) },
            None => Pool::new(args.host.threads())?,
        });
        let sites = lattice(&extents, &pool, LaneMeaning::Sites)?;
        Ok(Self {
            sites,
            batches: Vec::new(),
            extents,
            pool,
            host: args.lattice.clone(),
            recognised: Recognised::default(),
        })
    }
    /// Lattice with sites in the lanes.
    pub fn sites(&self) -> &Arc<Lattice> {
        &self.sites
    }
    /// The lattice as the host described it.
    pub fn host(&self) -> &gaugelink_plugin_sdk::Lattice {
        &self.host
    }
    /// Begins a call: no more threads than it grants work from here on.
    #[inline]
    pub fn begin(&self, call: &Call<'_>) -> Meter {
        self.pool.limit(call.threads());
        Meter { start: Instant::now(), copied: 0 }
    }
    /// The lattice on which fields of kind `F` serve a view, as many of a batch at once as it has chains: all where the
    /// view has the strides of a batch in the lanes, else one.
    ///
    /// # Errors
    /// No threads.
    pub fn lattice_for<F: Foreign>(&mut self, view: &View<'_>) -> Result<Arc<Lattice>> {
        let (raw, chains) = (view.as_raw(), view.batch());
        let lanes_hold_batch = chains > 1
            && chains <= F::Scalar::LANES
            && raw.site_order == raw::GLK_SITE_TABLE
            && raw.stride_rhs == size_of::<F::Scalar>() as i64;
        if !lanes_hold_batch {
            return Ok(self.sites.clone());
        }
        let known = self.batches.iter().find(|lattice| lattice.chains() == chains).cloned();
        let batch = match known {
            Some(batch) => batch,
            None => {
                let batch = lattice(&self.extents, &self.pool, LaneMeaning::Batch { chains })?;
                self.batches.push(batch.clone());
                batch
            }
        };
        Ok(if resembles::<F>(view, &batch) { batch } else { self.sites.clone() })
    }
}

fn lattice(extents: &[usize], pool: &Arc<Pool>, lanes: LaneMeaning) -> Result<Arc<Lattice>> {
    let pool = Some(pool.clone());
    Ok(Lattice::new(extents, LatticeOptions { pool, lanes, ..LatticeOptions::default() })?)
}

/// What a call took.
pub struct Meter {
    start: Instant,
    /// Bytes of fields copied because a layout was not served in place.
    pub copied: u64,
}

impl Meter {
    /// The numbers of a call that ends now.
    #[inline]
    pub fn stats(&self) -> Stats {
        Stats { seconds: self.start.elapsed().as_secs_f64(), bytes_copied: self.copied, ..Stats::default() }
    }
}
