//! What a plugin may ask of its host.

use crate::apart::apart;
use crate::raw::{self, glk_host, glk_str};
use crate::{Error, Lattice, Result, View, ViewMut, sized};
use std::ffi::{CStr, c_void};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Importance of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Steps of an algorithm.
    Trace,
    /// For developers.
    Debug,
    /// What a user may want to know.
    Info,
    /// What a user should look at.
    Warning,
    /// What went wrong.
    Error,
}

/// The host, as any thread may use it.
#[derive(Clone, Copy)]
pub struct Host {
    table: glk_host,
    pointer: *const glk_host,
}

// SAFETY: `plugin.h` marks log, threads and get as callable from any thread; the others are behind `Call`.
unsafe impl Send for Host {}
// SAFETY: as above.
unsafe impl Sync for Host {}

impl Host {
    /// # Safety
    /// `pointer` is NULL or a host that outlives the result.
    pub(crate) unsafe fn new(pointer: *const glk_host) -> Result<Self> {
        // SAFETY: the caller's promise.
        let table = unsafe { sized::read(pointer) }
            .ok_or_else(|| Error::invalid("host is NULL or its size not set"))?;
        Ok(Self { table, pointer })
    }
    /// Writes a line to the host's log; the target is the component's id or a part of it.
    pub fn log(&self, level: Level, target: &str, message: &str) {
        if let Some(log) = self.table.log {
            // SAFETY: a host's function with its host.
            unsafe { log(self.pointer, level as i32, &string(target), &string(message)) };
        }
    }
    /// CPU threads that the host grants a rank, at least 1.
    pub fn threads(&self) -> usize {
        // SAFETY: as above.
        self.table.threads.map_or(1, |threads| unsafe { threads(self.pointer) }.max(1)) as usize
    }
    /// The host's threads, if it lends them, for an object to keep.
    pub fn parallel(&self) -> Option<HostThreads> {
        Some(HostThreads { table: self.service(raw::GLK_HOST_PARALLEL_ID)?, host: self.pointer })
    }
    /// The table of a service, if the host has it.
    fn service<T: sized::Extensible>(&self, id: &CStr) -> Option<T> {
        // SAFETY: as above; a service's table begins with its size.
        self.table.get.and_then(|get| unsafe { sized::read(get(self.pointer, id.as_ptr()).cast::<T>()) })
    }
}

/// Where a call or an object runs: on the CPU, or it is refused. Gives `max_threads`.
///
/// # Safety
/// As for [`crate::read_sized`]; NULL is CPU.
#[inline]
pub(crate) unsafe fn on_cpu(exec: *const raw::glk_exec) -> Result<u32> {
    // Two fields, not a copy: the host has just written them one by one, and a copy in wider pieces would have to wait.
    // SAFETY: the caller's promise; fields are looked at where the size says they are there.
    let (device_type, max_threads) = unsafe {
        if !exec.is_null() && exec.is_aligned() && (*exec).size as usize >= size_of::<raw::glk_exec>() {
            ((*exec).device_type, (*exec).max_threads)
        } else {
            let exec = sized::read(exec).unwrap_or_default();
            (exec.device_type, exec.max_threads)
        }
    };
    match device_type {
        0 | raw::GLK_DEV_CPU => Ok(max_threads),
        other => {
            Err(Error::unsupported(format!("exec.device_type is {other}; this plugin runs on the CPU only")))
        }
    }
}

/// One call of the host: where it runs, and services that only its thread may use.
pub struct Call<'a> {
    host: &'a Host,
    lattice: &'a Lattice,
    exec: *const raw::glk_exec,
    max_threads: u32,
    /// Keeps it on its thread.
    thread: PhantomData<*const ()>,
}

impl<'a> Call<'a> {
    /// # Safety
    /// As for [`crate::read_sized`], as long as the call is used; NULL is CPU.
    #[inline]
    pub(crate) unsafe fn new(
        host: &'a Host,
        lattice: &'a Lattice,
        exec: *const raw::glk_exec,
    ) -> Result<Self> {
        // SAFETY: the caller's promise.
        let max_threads = unsafe { on_cpu(exec) }?;
        Ok(Self { host, lattice, exec, max_threads, thread: PhantomData })
    }
    /// Refuses an output that shares a number with an input.
    #[inline]
    pub(crate) fn apart<'v>(
        &self,
        output: &ViewMut,
        inputs: impl IntoIterator<Item = &'v View<'v>>,
    ) -> Result<()> {
        apart(self.lattice, output, inputs)
    }
    /// The host.
    #[inline]
    pub fn host(&self) -> &Host {
        self.host
    }
    /// CPU threads that this call may use, itself included.
    #[inline]
    pub fn threads(&self) -> usize {
        match self.max_threads {
            0 => self.host.threads(),
            limit => limit as usize,
        }
    }
    /// Tells the host how far a long call is (total 0: unknown).
    ///
    /// # Errors
    /// `CANCELLED` if the host wants the call to end.
    #[inline]
    pub fn progress(&self, phase: &str, done: u64, total: u64) -> Result<()> {
        // SAFETY: a host's function with its host, on the thread of the call.
        let stop = self
            .host
            .table
            .progress
            .map_or(0, |f| unsafe { f(self.host.pointer, &string(phase), done, total) });
        if stop == 0 { Ok(()) } else { Err(cancelled(phase)) }
    }
    /// The other ranks, if the host lends communication.
    pub fn comm(&self) -> Option<Comm<'_>> {
        Some(Comm { table: self.host.service(raw::GLK_HOST_COMM_ID)?, call: self })
    }
    /// The host's threads, if it lends them.
    pub fn parallel(&self) -> Option<Parallel<'_>> {
        Some(Parallel { threads: self.host.parallel()?, call: PhantomData })
    }
    /// As the host gave it.
    pub(crate) fn exec(&self) -> *const raw::glk_exec {
        self.exec
    }
}

#[cold]
fn cancelled(phase: &str) -> Error {
    Error::new(raw::GLK_CANCELLED, format!("cancelled during {phase}"))
}

/// Collective operations of the host's communicator.
pub struct Comm<'a> {
    table: raw::glk_host_comm,
    call: &'a Call<'a>,
}

impl Comm<'_> {
    fn done(status: raw::glk_status, what: &str) -> Result<()> {
        if status == raw::GLK_OK {
            Ok(())
        } else {
            Err(Error::new(status, format!("the host's {what} failed")))
        }
    }
    fn absent(what: &str) -> Error {
        Error::unsupported(format!("the host's communicator has no {what}"))
    }
    /// Sums over ranks, element by element.
    pub fn sum(&self, values: &mut [f64]) -> Result<()> {
        let sum = self.table.sum_f64.ok_or_else(|| Self::absent("sum_f64"))?;
        // SAFETY: a host's function with its host and a slice, on the thread of the call.
        Self::done(
            unsafe { sum(self.call.host.pointer, values.as_mut_ptr(), values.len() as u64) },
            "sum_f64",
        )
    }
    /// Maximum over ranks, element by element.
    pub fn max(&self, values: &mut [i32]) -> Result<()> {
        let max = self.table.max_i32.ok_or_else(|| Self::absent("max_i32"))?;
        // SAFETY: as above.
        Self::done(
            unsafe { max(self.call.host.pointer, values.as_mut_ptr(), values.len() as u64) },
            "max_i32",
        )
    }
    /// Copies `bytes` of rank `root` to all.
    pub fn broadcast(&self, bytes: &mut [u8], root: i32) -> Result<()> {
        let bcast = self.table.bcast.ok_or_else(|| Self::absent("bcast"))?;
        // SAFETY: as above.
        let status =
            unsafe { bcast(self.call.host.pointer, bytes.as_mut_ptr().cast(), bytes.len() as u64, root) };
        Self::done(status, "bcast")
    }
    /// Sends `send` to the neighbour in direction `dim`, `dir` (+1 or −1), and receives as much from the opposite one.
    pub fn exchange(&self, dim: usize, dir: i32, send: &[u8], recv: &mut [u8]) -> Result<()> {
        if send.len() != recv.len() {
            return Err(Error::internal("an exchange sends as much as it receives"));
        }
        let exchange = self.table.exchange.ok_or_else(|| Self::absent("exchange"))?;
        let wait = self.table.wait.ok_or_else(|| Self::absent("wait"))?;
        let message = raw::glk_msg {
            dim: dim as i32,
            dir,
            send: send.as_ptr().cast(),
            recv: recv.as_mut_ptr().cast(),
            bytes: send.len() as u64,
        };
        let (host, mut ticket) = (self.call.host.pointer, 0);
        // SAFETY: as above; both slices live until the wait has returned.
        unsafe {
            Self::done(exchange(host, self.call.exec(), &raw const message, 1, &raw mut ticket), "exchange")?;
            Self::done(wait(host, ticket), "wait")
        }
    }
}

/// The host's threads, within a call.
pub struct Parallel<'a> {
    threads: HostThreads,
    call: PhantomData<&'a Call<'a>>,
}

impl Parallel<'_> {
    /// Most threads that a loop gets.
    pub fn threads(&self) -> usize {
        self.threads.threads()
    }
    /// Runs `body(thread, threads)` once for every thread.
    ///
    /// # Errors
    /// Of the host; a panic of the body goes on in the caller.
    pub fn run(&self, body: &(dyn Fn(usize, usize) + Sync)) -> Result<()> {
        // SAFETY: a `Call` stays on its thread, and this does not outlive it.
        unsafe { self.threads.run(body) }
    }
}

/// The host's threads, as an object keeps them from call to call.
#[derive(Clone, Copy)]
pub struct HostThreads {
    table: raw::glk_host_parallel,
    host: *const glk_host,
}

// SAFETY: a host outlives every object; where `run` may be called is its caller's promise.
unsafe impl Send for HostThreads {}
// SAFETY: as above.
unsafe impl Sync for HostThreads {}

impl HostThreads {
    /// Most threads that a loop gets, at least 1.
    pub fn threads(&self) -> usize {
        self.table.nthreads.max(1) as usize
    }
    /// As [`Parallel::run`].
    ///
    /// # Safety
    /// The thread is inside a call of this host, of the object that keeps these threads.
    ///
    /// # Errors
    /// As [`Parallel::run`].
    pub unsafe fn run(&self, body: &(dyn Fn(usize, usize) + Sync)) -> Result<()> {
        struct Task<'b> {
            body: &'b (dyn Fn(usize, usize) + Sync),
            panicked: std::sync::atomic::AtomicBool,
        }
        unsafe extern "C" fn trampoline(task: *mut c_void, thread: u32, threads: u32) {
            // SAFETY: `run` below passes its task, which outlives the loop.
            let task = unsafe { &*task.cast::<Task<'_>>() };
            let body = AssertUnwindSafe(|| crate::quiet(|| (task.body)(thread as usize, threads as usize)));
            if let Err(payload) = catch_unwind(body) {
                std::mem::forget(payload);
                task.panicked.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        }
        let run = self.table.run.ok_or_else(|| Error::unsupported("the host's threads have no run"))?;
        let task = Task { body, panicked: false.into() };
        // SAFETY: a host's function with its host, on a thread that may call it.
        let status = unsafe { run(self.host, Some(trampoline), (&raw const task).cast_mut().cast()) };
        assert!(!task.panicked.into_inner(), "a panic on one of the host's threads");
        if status == raw::GLK_OK { Ok(()) } else { Err(Error::new(status, "the host's threads failed")) }
    }
}

/// A string for the other side.
pub(crate) const fn string(text: &str) -> glk_str {
    glk_str { ptr: text.as_ptr().cast(), len: text.len() as u64 }
}

/// A string of the other side.
///
/// # Safety
/// `text` is valid for `'a`.
pub(crate) unsafe fn text<'a>(text: glk_str, name: &str) -> Result<&'a str> {
    if text.len == 0 {
        return Ok("");
    }
    if text.ptr.is_null() || text.len > 1 << 30 {
        return Err(Error::invalid(format!("{name} is NULL with a length, or longer than 1 GiB")));
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(text.ptr.cast::<u8>(), text.len as usize) };
    std::str::from_utf8(bytes).map_err(|error| Error::invalid(format!("{name} is not UTF-8: {error}")))
}
