//! The interface `glk.flow/1`.

use crate::boundary::{sized_argument, slice_mut};
use crate::object::{Handle, call_on};
use crate::raw::{glk_error, glk_exec, glk_flow, glk_object, glk_rng, glk_status, glk_view};
use crate::{Call, Error, Object, Result, Rng, View, ViewMut};

/// An invertible map U = f(V) of gauge fields with a prior for V. Densities refer to the Haar measure; slices hold one
/// number for each field of the batch.
pub trait Flow: Object {
    /// Draws U and gives log q(U).
    fn sample(&mut self, _call: &Call, _rng: &Rng, _u: &mut ViewMut, _log_q: &mut [f64]) -> Result<()> {
        Err(Error::unsupported("this flow has no sample: it has no prior"))
    }
    /// U = f(V) and log |det df/dV|.
    fn forward(&mut self, call: &Call, v: &View, u: &mut ViewMut, logdet: &mut [f64]) -> Result<()>;
    /// V = f⁻¹(U) and the log determinant of that map.
    fn inverse(&mut self, call: &Call, u: &View, v: &mut ViewMut, logdet: &mut [f64]) -> Result<()>;
    /// log q(U).
    fn log_density(&mut self, _call: &Call, _u: &View, _log_q: &mut [f64]) -> Result<()> {
        Err(Error::unsupported("this flow has no log_density: it has no prior"))
    }
    /// From F_U = dS/dU at U = f(V) the force of S(f(V)) − log det.
    fn pullback(&mut self, _call: &Call, _v: &View, _f_u: &View, _f_v: &mut ViewMut) -> Result<()> {
        Err(Error::unsupported("this flow has no pullback"))
    }
}

pub(crate) const TABLE: glk_flow = glk_flow {
    size: size_of::<glk_flow>() as u32,
    pad0: 0,
    sample: Some(sample),
    forward: Some(forward),
    inverse: Some(inverse),
    log_density: Some(log_density),
    pullback: Some(pullback),
};

unsafe extern "C" fn sample(
    object: *mut glk_object,
    exec: *const glk_exec,
    rng: *const glk_rng,
    u: *mut glk_view,
    log_q: *mut f64,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: arguments follow `plugin.h`, as everywhere in this file.
    unsafe {
        call_on(object, exec, error, Handle::flow, |flow, call, seen| {
            let u = seen.output.next(u, "U")?;
            let mut room = None;
            let rng = sized_argument(rng, "rng", &mut room)?;
            let log_q = slice_mut(log_q, u.batch(), "log_q")?;
            flow.sample(call, rng, u, log_q)
        })
    }
}

unsafe extern "C" fn forward(
    object: *mut glk_object,
    exec: *const glk_exec,
    v: *const glk_view,
    u: *mut glk_view,
    logdet: *mut f64,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: see above.
    unsafe {
        call_on(object, exec, error, Handle::flow, |flow, call, seen| {
            let (v, u) = (seen.input.next(v, "V")?, seen.output.next(u, "U")?);
            same_batch(v.batch(), u.batch())?;
            call.apart(u, [v])?;
            let logdet = slice_mut(logdet, v.batch(), "logdet")?;
            flow.forward(call, v, u, logdet)
        })
    }
}

unsafe extern "C" fn inverse(
    object: *mut glk_object,
    exec: *const glk_exec,
    u: *const glk_view,
    v: *mut glk_view,
    logdet: *mut f64,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: see above.
    unsafe {
        call_on(object, exec, error, Handle::flow, |flow, call, seen| {
            let (u, v) = (seen.input.next(u, "U")?, seen.output.next(v, "V")?);
            same_batch(u.batch(), v.batch())?;
            call.apart(v, [u])?;
            let logdet = slice_mut(logdet, u.batch(), "logdet")?;
            flow.inverse(call, u, v, logdet)
        })
    }
}

unsafe extern "C" fn log_density(
    object: *mut glk_object,
    exec: *const glk_exec,
    u: *const glk_view,
    log_q: *mut f64,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: see above.
    unsafe {
        call_on(object, exec, error, Handle::flow, |flow, call, seen| {
            let u = seen.input.next(u, "U")?;
            let log_q = slice_mut(log_q, u.batch(), "log_q")?;
            flow.log_density(call, u, log_q)
        })
    }
}

unsafe extern "C" fn pullback(
    object: *mut glk_object,
    exec: *const glk_exec,
    v: *const glk_view,
    f_u: *const glk_view,
    f_v: *mut glk_view,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: see above.
    unsafe {
        call_on(object, exec, error, Handle::flow, |flow, call, seen| {
            let (v, f_u) = (seen.input.next(v, "V")?, seen.second.next(f_u, "F_U")?);
            let f_v = seen.output.next(f_v, "F_V")?;
            same_batch(v.batch(), f_u.batch())?;
            same_batch(v.batch(), f_v.batch())?;
            call.apart(f_v, [v, f_u])?;
            flow.pullback(call, v, f_u, f_v)
        })
    }
}

/// Views of one call are batches of one size.
#[inline]
pub(crate) fn same_batch(a: usize, b: usize) -> Result<()> {
    if a == b { Ok(()) } else { Err(batches_differ(a, b)) }
}

#[cold]
fn batches_differ(a: usize, b: usize) -> Error {
    Error::invalid(format!("nrhs differs between the views: {a} and {b}"))
}
