//! Section "Context".

use crate::boundary::{entries, frees, give};
use crate::structs::options;
use crate::text::string;
use gaugelink_host::Services;
use gaugelink_plugin_sdk::{Extensible, Level};
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
    pub threads: usize,
    pub services: Services,
    generation: AtomicU64,
}

impl Shared {
    /// A number for new contents of a field: no two have the same.
    pub fn next_generation(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::Relaxed) + 1
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

fn services(options: &Options, threads: usize) -> Services {
    let user = User(options.user.map_or(std::ptr::null_mut(), |user| user.as_ptr()));
    let (log, progress) = (options.log, options.progress);
    Services::with(
        threads,
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
            let threads = match options.threads {
                0 => std::thread::available_parallelism().map_or(1, |n| n.get()),
                n => n as usize,
            };
            let services = services(&options, threads);
            Ok(Context(Arc::new(Shared { threads, services, generation: AtomicU64::new(0) })))
        })
    }
}

frees! {
    fn gaugelink_context_free(Context);
}
