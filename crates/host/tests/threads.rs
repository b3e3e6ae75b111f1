//! The host's threads, as a plugin meets them.

use gaugelink_host::Services;
use gaugelink_host::sdk::{raw, read_sized};
use gaugelink_lattice::Pool;
use std::ffi::{CStr, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The service as `plugin.h` has it.
fn parallel(services: &Services) -> Option<raw::glk_host_parallel> {
    // SAFETY: the id of the table's type; the host is there.
    unsafe { read_sized(ask(services, raw::GLK_HOST_PARALLEL_ID).cast()) }
}

fn ask(services: &Services, id: &CStr) -> *const c_void {
    let get = services.as_raw().get.expect("every host has it");
    // SAFETY: the host's own function with the host.
    unsafe { get(services.as_raw(), id.as_ptr()) }
}

/// One count for each thread, and how many threads there are said to be.
#[derive(Default)]
struct Calls {
    counts: [AtomicU32; 3],
    threads: AtomicU32,
}

unsafe extern "C" fn count(calls: *mut c_void, thread: u32, threads: u32) {
    // SAFETY: the test passes its counts.
    let calls = unsafe { &*calls.cast::<Calls>() };
    calls.counts[thread as usize].fetch_add(1, Ordering::Relaxed);
    calls.threads.store(threads, Ordering::Relaxed);
}

#[test]
fn lent_threads_run_the_body_once_each() {
    let services = Services::new(Arc::new(Pool::new(3).expect("a pool")));
    let table = parallel(&services).expect("they are lent");
    assert_eq!(table.nthreads, 3);
    // SAFETY: as in `ask`.
    assert_eq!(unsafe { services.as_raw().threads.expect("every host has it")(services.as_raw()) }, 3);
    let run = table.run.expect("they run");
    let calls = Calls::default();
    for _ in 0..5 {
        // SAFETY: a body with its context, on the thread that the call is on.
        let status = unsafe { run(services.as_raw(), Some(count), (&raw const calls).cast_mut().cast()) };
        assert_eq!(status, raw::GLK_OK);
    }
    assert_eq!(calls.counts.map(AtomicU32::into_inner), [5; 3]);
    assert_eq!(calls.threads.into_inner(), 3);
    // SAFETY: a body that is not there is answered.
    assert_eq!(unsafe { run(services.as_raw(), None, std::ptr::null_mut()) }, raw::GLK_INVALID_ARG);
}

#[test]
fn what_a_host_does_not_lend_is_null() {
    let lending = Services::new(Arc::new(Pool::new(2).expect("a pool")));
    assert!(ask(&lending, raw::GLK_HOST_COMM_ID).is_null());
    assert!(ask(&lending, c"org.example.unheard-of/1").is_null());
    assert!(parallel(&Services::new(2)).is_none());
}
