//! What a plugin sees of its host.

use gaugelink_lattice::Pool;
use gaugelink_plugin_sdk::{Level, raw, sized_struct};
use std::borrow::Cow;
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

type Log = dyn Fn(Level, &str, &str) + Send + Sync;
type Progress = dyn Fn(&str, u64, u64) -> bool + Send + Sync;

/// The threads that plugins may work on.
pub enum Threads {
    /// As many of their own, at least 1.
    Granted(usize),
    /// Those of this pool: plugins then need none of their own, which would take turns with it on the same cores.
    Lent(Arc<Pool>),
}

impl From<usize> for Threads {
    fn from(granted: usize) -> Self {
        Self::Granted(granted)
    }
}

impl From<Arc<Pool>> for Threads {
    fn from(pool: Arc<Pool>) -> Self {
        Self::Lent(pool)
    }
}

/// The host's services: threads, log lines, progress. Objects borrow it.
pub struct Services {
    /// Boxed, so that its address stays.
    inner: Box<Inner>,
}

struct Inner {
    table: raw::glk_host,
    threads: u32,
    lent: Option<Lent>,
    log: Box<Log>,
    /// Whoever wants to hear of it.
    progress: Option<Box<Progress>>,
}

/// Threads that plugins work on.
struct Lent {
    table: raw::glk_host_parallel,
    pool: Arc<Pool>,
}

impl Lent {
    fn new(pool: Arc<Pool>) -> Self {
        let mut table = sized_struct::<raw::glk_host_parallel>();
        table.nthreads = pool.threads() as u32;
        table.run = Some(run_on_all);
        Self { table, pool }
    }
}

// SAFETY: the pointers of the table lead into static text and into `Inner` itself; the closures are Send and Sync.
unsafe impl Send for Services {}
// SAFETY: as above.
unsafe impl Sync for Services {}

impl Services {
    /// Services with these threads that discard log lines.
    pub fn new(threads: impl Into<Threads>) -> Self {
        Self::told(threads.into(), Box::new(|_, _, _| {}), None)
    }
    /// As [`Self::new`]; `log` gets level, target and line, `progress` phase, done and total (0 unknown) and answers
    /// whether the call shall end early.
    pub fn with(threads: impl Into<Threads>, log: Box<Log>, progress: Box<Progress>) -> Self {
        Self::told(threads.into(), log, Some(progress))
    }
    fn told(threads: Threads, log: Box<Log>, progress: Option<Box<Progress>>) -> Self {
        const NAME: &str = "gaugelink";
        const VERSION: &str = env!("CARGO_PKG_VERSION");
        let mut table = sized_struct::<raw::glk_host>();
        table.abi_minor = raw::GLK_ABI_MINOR;
        table.name = raw::glk_str { ptr: NAME.as_ptr().cast(), len: NAME.len() as u64 };
        table.version = raw::glk_str { ptr: VERSION.as_ptr().cast(), len: VERSION.len() as u64 };
        table.log = Some(log_line);
        table.progress = Some(progress_made);
        table.threads = Some(threads_granted);
        table.get = Some(service);
        let (threads, lent) = match threads {
            Threads::Granted(threads) => (u32::try_from(threads).unwrap_or(u32::MAX).max(1), None),
            Threads::Lent(pool) => (pool.threads() as u32, Some(Lent::new(pool))),
        };
        let mut inner = Box::new(Inner { table, threads, lent, log, progress });
        inner.table.ctx = (&raw const *inner).cast_mut().cast();
        Self { inner }
    }
    /// The C struct.
    pub fn as_raw(&self) -> &raw::glk_host {
        &self.inner.table
    }
}

/// # Safety
/// `host` is the table of a [`Services`].
unsafe fn inner<'a>(host: *const raw::glk_host) -> &'a Inner {
    // SAFETY: the constructor made ctx point to the box that owns the table.
    unsafe { &*(*host).ctx.cast::<Inner>() }
}

/// # Safety
/// `text` is NULL or a valid string, for `'a`.
unsafe fn string<'a>(text: *const raw::glk_str) -> Cow<'a, str> {
    // SAFETY: the caller's promise.
    unsafe {
        match text.as_ref() {
            Some(text) if !text.ptr.is_null() => {
                let bytes = std::slice::from_raw_parts(text.ptr.cast::<u8>(), text.len as usize);
                String::from_utf8_lossy(bytes)
            }
            _ => Cow::Borrowed(""),
        }
    }
}

unsafe extern "C" fn log_line(
    host: *const raw::glk_host,
    level: i32,
    target: *const raw::glk_str,
    line: *const raw::glk_str,
) {
    let level = match level {
        ..=0 => Level::Trace,
        1 => Level::Debug,
        2 => Level::Info,
        3 => Level::Warning,
        _ => Level::Error,
    };
    // A callback must not unwind into the plugin; a log line that panics is lost.
    // SAFETY: plugins pass the host's own table, and strings as `plugin.h` has them.
    let _ = catch_unwind(AssertUnwindSafe(|| unsafe {
        (inner(host).log)(level, &string(target), &string(line))
    }));
}

unsafe extern "C" fn progress_made(
    host: *const raw::glk_host,
    phase: *const raw::glk_str,
    done: u64,
    total: u64,
) -> i32 {
    // SAFETY: as above.
    let Some(progress) = (unsafe { &inner(host).progress }) else { return 0 };
    // SAFETY: as above. A panic is a reason to stop.
    let stop = catch_unwind(AssertUnwindSafe(|| unsafe { progress(&string(phase), done, total) }));
    i32::from(stop.unwrap_or(true))
}

unsafe extern "C" fn threads_granted(host: *const raw::glk_host) -> u32 {
    // SAFETY: as above.
    unsafe { inner(host).threads }
}

/// Threads where they are lent. One rank: no communicator.
unsafe extern "C" fn service(host: *const raw::glk_host, id: *const c_char) -> *const c_void {
    // SAFETY: as above; ids are NUL-terminated.
    let (lent, id) = unsafe { (&inner(host).lent, (!id.is_null()).then(|| CStr::from_ptr(id))) };
    match lent {
        Some(lent) if id == Some(raw::GLK_HOST_PARALLEL_ID) => (&raw const lent.table).cast(),
        _ => std::ptr::null(),
    }
}

unsafe extern "C" fn run_on_all(
    host: *const raw::glk_host,
    body: Option<unsafe extern "C" fn(*mut c_void, u32, u32)>,
    ctx: *mut c_void,
) -> raw::glk_status {
    // SAFETY: as above.
    let (Some(lent), Some(body)) = (unsafe { &inner(host).lent }, body) else { return raw::GLK_INVALID_ARG };
    let (ctx, threads) = (ctx.expose_provenance(), lent.table.nthreads);
    let run = || {
        lent.pool.run(0..threads as usize, |_, piece| {
            for thread in piece {
                // SAFETY: the plugin's function with its own pointer, which it lends to all threads.
                unsafe { body(std::ptr::with_exposed_provenance_mut(ctx), thread as u32, threads) };
            }
        });
    };
    catch_unwind(AssertUnwindSafe(run)).map_or(raw::GLK_PANIC, |()| raw::GLK_OK)
}
