//! One run's lattice: geometry, layouts, threads and ranks, and the launching of kernels over its blocks.

use crate::LatticeError;
use crate::comm::{Comm, SingleRank};
use crate::foreign::SiteTables;
use crate::geometry::Geometry;
use crate::layout::{LaneMeaning, Layout};
use crate::memory::ensure_memory;
use crate::number::{Isa, Kernel, Real, run_kernel};
use crate::plan::{Planner, Plans, Task};
use crate::pool::Pool;
use crate::sum::{DIGITS, ExactSum, Tally};
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// Bytes of the tables for one block.
const TABLE_BYTES: usize = 96;

/// How a lattice is spread over lanes, threads and ranks. None of it changes any result's bits.
#[derive(Clone)]
pub struct LatticeOptions {
    /// Threads of this rank, started for this lattice; 0 takes all cores that the process may use.
    pub threads: usize,
    /// Threads that are there, shared with others, in place of `threads`.
    pub pool: Option<Arc<Pool>>,
    /// What lanes are.
    pub lanes: LaneMeaning,
    /// Ranks in each direction; empty for one rank.
    pub grid: Vec<usize>,
    /// The ranks.
    pub comm: Arc<dyn Comm>,
    /// Vector instructions.
    pub isa: Isa,
    /// Chooses between forms of kernels by their times; `None`: they have rules for it.
    pub planner: Option<Arc<Planner>>,
}

impl Default for LatticeOptions {
    fn default() -> Self {
        Self {
            threads: 0,
            pool: None,
            lanes: LaneMeaning::Sites,
            grid: Vec::new(),
            comm: Arc::new(SingleRank),
            isa: Isa::active(),
            planner: None,
        }
    }
}

/// From this many blocks on, work is split over threads: a block of the hop takes about a third of a microsecond, waking
/// a thread that waits about one.
const SPREAD_BLOCKS: usize = 8;

/// Fields live on it; kernels run over it.
pub struct Lattice {
    layouts: [Layout; 2],
    pool: Arc<Pool>,
    comm: Arc<dyn Comm>,
    isa: Isa,
    /// The sums of each thread, kept between launches.
    scratch: Vec<Mutex<Vec<ExactSum>>>,
    /// One reduction at a time, also where several threads share the lattice.
    reducing: Mutex<()>,
    site_tables: [SiteTables; 2],
    plans: Option<Plans>,
}

impl std::fmt::Debug for Lattice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lattice({:?}, {:?}, {:?})", self.geometry(), self.layouts[0].meaning(), self.isa)
    }
}

impl Lattice {
    /// A lattice of 2 to 4 extents (x, y, z, t order).
    ///
    /// # Errors
    /// [`LatticeError::Geometry`] for impossible extents, ranks or batches, [`LatticeError::Threads`].
    pub fn new(extents: &[usize], options: LatticeOptions) -> Result<Arc<Self>, LatticeError> {
        let comm = options.comm;
        let geometry = Geometry::new(extents, &options.grid, comm.rank())?;
        if geometry.ranks() != comm.ranks() {
            return Err(LatticeError::Geometry(format!(
                "a grid of {:?} ranks asks for {} ranks, there are {}",
                options.grid,
                geometry.ranks(),
                comm.ranks()
            )));
        }
        if let LaneMeaning::Batch { chains } = options.lanes
            && !(1..=f32::LANES).contains(&chains)
        {
            return Err(LatticeError::Geometry(format!(
                "a batch of {chains} chains: give 1 to {} for fields in f64, to {} for fields in f32 (one a lane)",
                f64::LANES,
                f32::LANES
            )));
        }
        // The neighbour tables of both layouts, and what any field on it takes at least.
        let sites = geometry.local_volume() as u64;
        ensure_memory(sites * (TABLE_BYTES / f64::LANES + TABLE_BYTES / f32::LANES + 8) as u64)?;
        let layouts =
            [f64::LANES, f32::LANES].map(|lanes| Layout::new(geometry.clone(), lanes, options.lanes));
        let pool = match options.pool {
            Some(pool) => pool,
            None => Arc::new(Pool::new(options.threads)?),
        };
        let plans = options.planner.map(|planner| {
            let (extents, threads) = (geometry.local_extents(), pool.threads());
            let lanes = layouts[0].meaning();
            Plans::new(planner, format!("{extents:?}, {lanes:?}, {:?}, threads {threads}", options.isa))
        });
        let scratch = (0..pool.threads()).map(|_| Mutex::new(Vec::new())).collect();
        Ok(Arc::new(Self {
            layouts,
            pool,
            comm,
            isa: options.isa,
            scratch,
            reducing: Mutex::new(()),
            site_tables: Default::default(),
            plans,
        }))
    }

    /// Extents and ranks.
    pub fn geometry(&self) -> &Geometry {
        self.layouts[0].geometry()
    }
    /// Number of dimensions.
    pub fn dims(&self) -> usize {
        self.geometry().dims()
    }
    /// Sites of the whole lattice.
    pub fn volume(&self) -> usize {
        self.geometry().volume()
    }
    /// Configurations in a field: 1 with site lanes. A lattice of more than 8 carries fields in f32 only.
    pub fn chains(&self) -> usize {
        self.layouts[0].chains()
    }
    /// The layout of fields of precision `T`.
    #[inline]
    pub fn layout<T: Real>(&self) -> &Layout {
        &self.layouts[(T::LANES == f32::LANES) as usize]
    }
    /// The site table of views of fields with `reals` real numbers a site.
    pub(crate) fn site_table<T: Real>(&self, reals: usize) -> &[i64] {
        self.site_tables[(T::LANES == f32::LANES) as usize].of(self.layout::<T>(), reals)
    }
    /// The ranks.
    pub fn comm(&self) -> &dyn Comm {
        &*self.comm
    }
    /// The threads.
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }
    /// Vector instructions that kernels use.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Runs a kernel without sums over a range of own blocks, spread over the threads.
    pub fn launch<T: Real, K: Kernel<T>>(&self, kernel: &K, blocks: Range<usize>) {
        self.spread(blocks, |_, piece| run_kernel(self.isa, kernel, piece, &mut Tally::none()));
    }

    /// Launches a kernel that has several forms with the same results: `launch` is called with the number of the one to
    /// take, 0 where there is no [`Planner`], and at a planner's first time with each of them. So it must do the same
    /// however often it is called.
    pub fn launch_planned(&self, task: &Task, forms: usize, launch: impl Fn(usize)) {
        match &self.plans {
            Some(plans) => plans.run(task, forms, launch),
            None => launch(0),
        }
    }

    /// [`Pool::run`], but few blocks are the caller's alone: the others would not save what waking them costs.
    pub(crate) fn spread(&self, blocks: Range<usize>, f: impl Fn(usize, Range<usize>) + Sync) {
        if blocks.len() >= SPREAD_BLOCKS {
            return self.pool.run(blocks, f);
        }
        let none = blocks.end..blocks.end;
        f(0, blocks);
        (1..self.pool.threads()).for_each(|thread| f(thread, none.clone()));
    }

    /// Runs a kernel and returns its sums over all ranks, `[quantity][chain]`, in `sums`.
    ///
    /// Collective. `sums` has [`Kernel::SUMS`] × chains entries.
    pub fn reduce<T: Real, K: Kernel<T>>(&self, kernel: &K, blocks: Range<usize>, sums: &mut [f64]) {
        let layout = self.layout::<T>();
        let count = K::SUMS * layout.chains();
        assert_eq!(sums.len(), count, "one number for each quantity and chain");
        let _one = self.reducing.lock().unwrap_or_else(|e| e.into_inner());
        self.spread(blocks, |thread, piece| {
            let mut mine = self.scratch[thread].lock().unwrap_or_else(|e| e.into_inner());
            mine.clear();
            mine.resize_with(count, ExactSum::default);
            run_kernel(self.isa, kernel, piece, &mut Tally::new(layout, &mut mine));
        });
        let mut total = self.scratch[0].lock().unwrap_or_else(|e| e.into_inner());
        for other in &self.scratch[1..] {
            let other = other.lock().unwrap_or_else(|e| e.into_inner());
            total.iter_mut().zip(other.iter()).for_each(|(a, b)| a.merge(b));
        }
        if self.comm.ranks() > 1 {
            self.sum_over_ranks(&mut total);
        }
        sums.iter_mut().zip(total.iter()).for_each(|(s, exact)| *s = exact.value());
    }

    /// Adds exact sums over all ranks. Collective.
    pub fn sum_over_ranks(&self, sums: &mut [ExactSum]) {
        let mut words: Vec<i64> = sums.iter().flat_map(|s| s.to_words()).collect();
        self.comm.sum(&mut words);
        for (s, w) in sums.iter_mut().zip(words.chunks_exact(DIGITS + 1)) {
            *s = ExactSum::from_words(w);
        }
    }
}
