//! Section "Context".

use crate::boundary::{entries, frees, give};
use crate::structs::options;
use crate::text::string;
use gaugelink_host::Services;
use gaugelink_lattice::{Lattice, Pool};
use gaugelink_plugin_sdk::{Extensible, Level, raw};
use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

type Log = unsafe extern "C" fn(*mut c_void, i32, *const c_char, *const c_char);
type Progress = unsafe extern "C" fn(*mut c_void, *const c_char, u64, u64) -> i32;

/// `gaugelink_context_options`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Options {
    size: u32,
    threads: u32,
    user: Option<std::ptr::NonNull<c_void>>,
    log: Option<Log>,
    progress: Option<Progress>,
}

// SAFETY: begins with its size, no padding, zero is a value.
unsafe impl Extensible for Options {}

/// What everything made with a context keeps of it.
pub struct Shared {
    pub pool: Arc<Pool>,
    pub services: Services,
    generation: AtomicU64,
    /// Site tables in views that were lent, with the lattices they belong to.
    tables: Mutex<Vec<(usize, Weak<Lattice>)>>,
}

impl Shared {
    /// A number for new contents of a field: no two have the same.
    pub fn next_generation(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::Relaxed) + 1
    }
    /// Remembers whose site table a lent view has.
    pub fn lend(&self, view: &raw::glk_view, lattice: &Arc<Lattice>) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let table = view.site_table.addr();
        // A table may stand where that of a lattice stood that is no more.
        tables.retain(|(other, owner)| *other != table && owner.strong_count() > 0);
        tables.push((table, Arc::downgrade(lattice)));
    }
    /// The lattice of a lent view that has come back; `None` for a view of the host's own.
    pub fn owner(&self, view: &raw::glk_view) -> Option<Arc<Lattice>> {
        if view.site_order != raw::GLK_SITE_TABLE {
            return None;
        }
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.iter().find(|(table, _)| *table == view.site_table.addr())?.1.upgrade()
    }
}

/// `gaugelink_context`.
pub struct Context(pub Arc<Shared>);

/// The host's pointer for its callbacks, which it promises to work on any thread.
#[derive(Clone, Copy)]
struct User(*mut c_void);
// SAFETY: the library only hands it back.
unsafe impl Send for User {}
// SAFETY: as above.
unsafe impl Sync for User {}

impl User {
    fn pointer(self) -> *mut c_void {
        self.0
    }
}

fn services(options: &Options, pool: Arc<Pool>) -> Services {
    let user = User(options.user.map_or(std::ptr::null_mut(), |user| user.as_ptr()));
    let (log, progress) = (options.log, options.progress);
    Services::with(
        pool,
        Box::new(move |level: Level, target: &str, message: &str| {
            if let Some(log) = log {
                let (target, message) = (string(target), string(message));
                // SAFETY: the host's callback with its own pointer.
                unsafe { log(user.pointer(), level as i32, target.as_ptr(), message.as_ptr()) }
            }
        }),
        Box::new(move |phase: &str, done, total| {
            progress.is_some_and(|progress| {
                let phase = string(phase);
                // SAFETY: as above.
                unsafe { progress(user.pointer(), phase.as_ptr(), done, total) != 0 }
            })
        }),
    )
}

entries! {
    fn gaugelink_context_new(given: *const Options, out: *mut *mut Context) {
        give(out, || {
            let options = options(given)?;
            let pool = Arc::new(Pool::new(options.threads as usize)?);
            let services = services(&options, pool.clone());
            Ok(Context(Arc::new(Shared { pool, services, generation: AtomicU64::new(0), tables: Mutex::default() })))
        })
    }
}

frees! {
    fn gaugelink_context_free(Context);
}
