//! Objects behind their handle, and what all interfaces share.

use crate::boundary::{guarded, status};
use crate::busy::Busy;
use crate::seen::Seen;
use crate::{
    Args, Call, Component, Constructor, Error, Flow, Force, Host, Lattice, Precond, Proposal, Result, Sink,
    Source,
};
use crate::{View, raw};

/// How a view would be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// Not at all.
    No = 0,
    /// Through an internal copy.
    Copy = 1,
    /// In place.
    ZeroCopy = 2,
}

/// Answer to a host that asks about a view.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// How it would be served.
    pub served: Served,
    /// Memory that a call would need besides.
    pub scratch_bytes: u64,
    /// Expected duration of a call, 0 if unknown.
    pub seconds: f64,
}

/// Numbers about the last call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Iterations.
    pub iterations: u32,
    /// Wall time.
    pub seconds: f64,
    /// Floating-point operations.
    pub flops: f64,
    /// Residual of what was solved.
    pub residual: f64,
    /// Bytes sent to other ranks.
    pub bytes_comm: f64,
    /// Bytes of fields copied because a layout was not served in place.
    pub bytes_copied: u64,
}

/// What every object can be asked.
pub trait Object: Send {
    /// Whether a view can be served.
    fn query(&mut self, view: &View) -> Result<Query>;
    /// Numbers about the last call.
    fn stats(&self) -> Stats {
        Stats::default()
    }
    /// Writes the state of an object that has one.
    fn save(&mut self, _to: &mut Sink) -> Result<()> {
        Err(Error::unsupported("this component has no state to save"))
    }
    /// Reads what [`Self::save`] wrote.
    fn load(&mut self, _from: &mut Source) -> Result<()> {
        Err(Error::unsupported("this component has no state to load"))
    }
}

/// The object of one interface.
enum Body {
    Flow(Box<dyn Flow>),
    Force(Box<dyn Force>),
    Precond(Box<dyn Precond>),
    Proposal(Box<dyn Proposal>),
}

/// What `glk_object` points to.
pub(crate) struct Handle {
    poisoned: bool,
    busy: Busy,
    id: &'static str,
    host: Host,
    lattice: Lattice,
    seen: Seen,
    body: Body,
}

/// What calls of an object share.
pub(crate) type Frame<'h> = (&'h Host, &'h Lattice, &'h mut Seen);

macro_rules! as_interface {
    ($($name:ident: $kind:ident, $trait:ident);* $(;)?) => {
        $(#[inline]
        pub(crate) fn $name(&mut self) -> Result<(&mut (dyn $trait + 'static), Frame<'_>)> {
            match &mut self.body {
                Body::$kind(object) => Ok((object.as_mut(), (&self.host, &self.lattice, &mut self.seen))),
                _ => Err(Error::invalid(concat!("the object is of another interface than ", stringify!($name)))),
            }
        })*
    };
}

impl Handle {
    pub(crate) fn new(component: &'static Component, args: &Args) -> Result<Self> {
        let body = match component.create {
            Constructor::Flow(create) => Body::Flow(create(args)?),
            Constructor::Force(create) => Body::Force(create(args)?),
            Constructor::Precond(create) => Body::Precond(create(args)?),
            Constructor::Proposal(create) => Body::Proposal(create(args)?),
        };
        let (host, lattice, seen) = (args.host, args.lattice.clone(), Seen::new()?);
        Ok(Self { poisoned: false, busy: Busy::new(), id: component.id, host, lattice, seen, body })
    }
    as_interface! {
        flow: Flow, Flow;
        force: Force, Force;
        precond: Precond, Precond;
        proposal: Proposal, Proposal;
    }
    #[inline]
    pub(crate) fn object(&mut self) -> &mut dyn Object {
        self.object_and_view().0
    }
    /// The object, and the view that it was last asked about.
    #[inline]
    pub(crate) fn object_and_view(&mut self) -> (&mut dyn Object, &mut View<'static>) {
        let object: &mut dyn Object = match &mut self.body {
            Body::Flow(object) => object.as_mut(),
            Body::Force(object) => object.as_mut(),
            Body::Precond(object) => object.as_mut(),
            Body::Proposal(object) => object.as_mut(),
        };
        (object, &mut self.seen.asked)
    }
}

/// One call on an object: poisoned objects answer so, a panic poisons.
///
/// # Safety
/// `object` is NULL or came from `create` and is used by nobody else now; `error` as `plugin.h` has it.
#[inline]
pub(crate) unsafe fn call(
    object: *mut raw::glk_object,
    error: *mut raw::glk_error,
    body: impl FnOnce(&mut Handle) -> Result<()>,
) -> raw::glk_status {
    // SAFETY: the caller's promise, for both pointers.
    unsafe {
        let Some(handle) = object.cast::<Handle>().as_mut() else {
            return status(Err(Error::invalid("object is NULL")), "gaugelink-plugin-sdk", error);
        };
        let id = handle.id;
        if handle.poisoned {
            return status(Err(poisoned()), id, error);
        }
        handle.busy.enter();
        let status = guarded(id, error, || body(handle));
        let handle = &mut *object.cast::<Handle>();
        handle.busy.leave();
        if status == raw::GLK_PANIC {
            handle.poisoned = true;
        }
        status
    }
}

#[cold]
fn poisoned() -> Error {
    let message = "the object panicked in an earlier call; destroy it and create a new one";
    Error::new(raw::GLK_POISONED, message)
}

/// As [`call`], for functions that run somewhere.
///
/// # Safety
/// As for [`call`]; `exec` as `plugin.h` has it.
#[inline]
pub(crate) unsafe fn call_on<I: ?Sized + 'static>(
    object: *mut raw::glk_object,
    exec: *const raw::glk_exec,
    error: *mut raw::glk_error,
    interface: impl for<'h> FnOnce(&'h mut Handle) -> Result<(&'h mut I, Frame<'h>)>,
    body: impl FnOnce(&mut I, &Call, &mut Seen) -> Result<()>,
) -> raw::glk_status {
    // SAFETY: the caller's promise.
    unsafe {
        call(object, error, |handle| {
            let (object, (host, lattice, seen)) = interface(handle)?;
            body(object, &Call::new(host, lattice, exec)?, seen)
        })
    }
}
