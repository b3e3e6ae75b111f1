//! The interface `glk.precond/1`.

use crate::boundary::{argument, sized_argument};
use crate::flow::same_batch;
use crate::object::{Handle, call, call_on};
use crate::raw::glk_view;
use crate::raw::{
    self, glk_apply_fn, glk_dirac, glk_error, glk_exec, glk_object, glk_precond, glk_sink, glk_status,
};
use crate::{Call, Dirac, Error, Object, Result, Sink, View, ViewMut};
use std::ffi::c_void;

/// What a set-up may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// Nothing.
    Reset,
    /// Learned weights; what depends on U is built anew.
    Refresh,
    /// A cheap update after a small change of U.
    Update,
    /// All; another generation of U is an error.
    Reuse,
}

impl Setup {
    /// From `GLK_SETUP_*`.
    pub fn from_raw(mode: i32) -> Result<Self> {
        match mode {
            raw::GLK_SETUP_RESET => Ok(Self::Reset),
            raw::GLK_SETUP_REFRESH => Ok(Self::Refresh),
            raw::GLK_SETUP_UPDATE => Ok(Self::Update),
            raw::GLK_SETUP_REUSE => Ok(Self::Reuse),
            other => Err(Error::invalid(format!("mode is {other}; 0 (RESET) to 3 (REUSE) exist"))),
        }
    }
    /// `GLK_SETUP_*`.
    pub fn raw(self) -> i32 {
        match self {
            Self::Reset => raw::GLK_SETUP_RESET,
            Self::Refresh => raw::GLK_SETUP_REFRESH,
            Self::Update => raw::GLK_SETUP_UPDATE,
            Self::Reuse => raw::GLK_SETUP_REUSE,
        }
    }
}

/// What one application costs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Floating-point operations.
    pub flops: f64,
    /// Bytes read and written.
    pub bytes: f64,
    /// In applications of the Dirac operator.
    pub dirac_equivalents: f64,
}

/// The host's own M, valid until the next set-up.
#[derive(Clone, Copy)]
pub struct Operator {
    function:
        unsafe extern "C" fn(*mut c_void, *const glk_exec, *const glk_view, *mut glk_view, i32) -> glk_status,
    context: *mut c_void,
}

// SAFETY: it can be called only with a `Call`, that is on the thread of the host's call.
unsafe impl Send for Operator {}

impl Operator {
    /// out = M input, or M† input.
    pub fn apply(&self, call: &Call, input: &View, out: &mut ViewMut, dagger: bool) -> Result<()> {
        // SAFETY: the host lent function and context for this.
        let status = unsafe {
            (self.function)(self.context, call.exec(), input.as_raw(), out.as_raw_mut(), i32::from(dagger))
        };
        if status == raw::GLK_OK { Ok(()) } else { Err(Error::new(status, "the host's operator M failed")) }
    }
}

/// z ≈ M⁻¹ r.
pub trait Precond: Object {
    /// Prepares for the links U and the operator. U is borrowed for the call: copy it, or see [`View::retain`].
    fn setup(&mut self, call: &Call, u: &View, dirac: &Dirac, mode: Setup, m: Option<Operator>)
    -> Result<()>;
    /// z ≈ M⁻¹ r, or M⁻† r, for each field of the batch.
    fn apply(&mut self, call: &Call, r: &View, z: &mut ViewMut, dagger: bool) -> Result<()>;
    /// What one application costs.
    fn cost(&mut self) -> Result<Cost> {
        Err(Error::unsupported("this preconditioner does not know its cost"))
    }
    /// Checks itself and writes what it found.
    fn self_test(&mut self, _call: &Call, _report: &mut Sink) -> Result<()> {
        Err(Error::unsupported("this preconditioner has no self test"))
    }
}

pub(crate) const TABLE: glk_precond = glk_precond {
    size: size_of::<glk_precond>() as u32,
    pad0: 0,
    setup: Some(setup),
    apply: Some(apply),
    cost: Some(cost),
    self_test: Some(self_test),
};

unsafe extern "C" fn setup(
    object: *mut glk_object,
    exec: *const glk_exec,
    u: *const glk_view,
    dirac: *const glk_dirac,
    mode: i32,
    host_m: glk_apply_fn,
    context: *mut c_void,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: arguments follow `plugin.h`, as everywhere in this file.
    unsafe {
        call_on(object, exec, error, Handle::precond, |precond, call, seen| {
            let u = seen.second.next(u, "U")?;
            let mut room = None;
            let dirac = sized_argument(dirac, "dirac", &mut room)?;
            let mode = Setup::from_raw(mode)?;
            precond.setup(call, u, dirac, mode, host_m.map(|function| Operator { function, context }))
        })
    }
}

unsafe extern "C" fn apply(
    object: *mut glk_object,
    exec: *const glk_exec,
    r: *const glk_view,
    z: *mut glk_view,
    dagger: i32,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: see above.
    unsafe {
        call_on(object, exec, error, Handle::precond, |precond, call, seen| {
            let (r, z) = (seen.input.next(r, "r")?, seen.output.next(z, "z")?);
            same_batch(r.batch(), z.batch())?;
            call.apart(z, [r])?;
            precond.apply(call, r, z, dagger != 0)
        })
    }
}

unsafe extern "C" fn cost(
    object: *mut glk_object,
    flops: *mut f64,
    bytes: *mut f64,
    dirac_equivalents: *mut f64,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: see above; NULL outputs are not wanted.
    unsafe {
        call(object, error, |handle| {
            let cost = handle.precond()?.0.cost()?;
            for (to, value) in
                [(flops, cost.flops), (bytes, cost.bytes), (dirac_equivalents, cost.dirac_equivalents)]
            {
                if let Some(to) = to.as_mut() {
                    *to = value;
                }
            }
            Ok(())
        })
    }
}

unsafe extern "C" fn self_test(
    object: *mut glk_object,
    exec: *const glk_exec,
    report: *const glk_sink,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: see above.
    unsafe {
        call_on(object, exec, error, Handle::precond, |precond, call, _| {
            precond.self_test(call, &mut Sink::new(argument(report, "report")?))
        })
    }
}
