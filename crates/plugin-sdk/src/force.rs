//! The interface `glk.force/1`.

use crate::boundary::{sized_argument, slice_mut};
use crate::flow::same_batch;
use crate::object::{Handle, call_on};
use crate::raw::{glk_dirac, glk_error, glk_exec, glk_force, glk_object, glk_rng, glk_status, glk_view};
use crate::{Call, Dirac, Error, Object, Result, Rng, View, ViewMut, sized};

/// An action and its force, or an estimate of the force alone. `aux` are pseudofermions of the operators in `dirac`.
pub trait Force: Object {
    /// Draws what the object itself holds (a mask, a noise vector) for a new trajectory.
    fn refresh(&mut self, _call: &Call, _u: &View, _rng: &Rng) -> Result<()> {
        Ok(())
    }
    /// S, one number for each field of the batch. Only of conservative forces.
    fn action(
        &mut self,
        _call: &Call,
        _u: &View,
        _aux: &[View],
        _dirac: &[Dirac],
        _s: &mut [f64],
    ) -> Result<()> {
        Err(Error::unsupported("this force is not the gradient of an action"))
    }
    /// F = scale · force, in the convention that the output view asks for.
    fn force(
        &mut self,
        call: &Call,
        u: &View,
        aux: &[View],
        dirac: &[Dirac],
        scale: f64,
        f: &mut ViewMut,
    ) -> Result<()>;
}

pub(crate) const TABLE: glk_force = glk_force {
    size: size_of::<glk_force>() as u32,
    naux_required: 0,
    refresh: Some(refresh),
    action: Some(action),
    force: Some(force),
};

unsafe extern "C" fn refresh(
    object: *mut glk_object,
    exec: *const glk_exec,
    u: *const glk_view,
    rng: *const glk_rng,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: arguments follow `plugin.h`, as everywhere in this file.
    unsafe {
        call_on(object, exec, error, Handle::force, |force, call, seen| {
            let mut room = None;
            let rng = sized_argument(rng, "rng", &mut room)?;
            force.refresh(call, seen.input.next(u, "U")?, rng)
        })
    }
}

unsafe extern "C" fn action(
    object: *mut glk_object,
    exec: *const glk_exec,
    u: *const glk_view,
    aux: *const *const glk_view,
    dirac: *const *const glk_dirac,
    naux: u64,
    s: *mut f64,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: see above.
    unsafe {
        call_on(object, exec, error, Handle::force, |force, call, seen| {
            let u = seen.input.next(u, "U")?;
            let s = slice_mut(s, u.batch(), "S")?;
            let (aux, dirac) = auxiliary(aux, dirac, naux)?;
            force.action(call, u, &aux, &dirac, s)
        })
    }
}

unsafe extern "C" fn force(
    object: *mut glk_object,
    exec: *const glk_exec,
    u: *const glk_view,
    aux: *const *const glk_view,
    dirac: *const *const glk_dirac,
    naux: u64,
    scale: f64,
    f: *mut glk_view,
    error: *mut glk_error,
) -> glk_status {
    // SAFETY: see above.
    unsafe {
        call_on(object, exec, error, Handle::force, |force, call, seen| {
            let (u, f) = (seen.input.next(u, "U")?, seen.output.next(f, "F")?);
            same_batch(u.batch(), f.batch())?;
            call.apart(f, [u])?;
            let (aux, dirac) = auxiliary(aux, dirac, naux)?;
            call.apart(f, &aux)?;
            force.force(call, u, &aux, &dirac, scale, f)
        })
    }
}

/// The pseudofermions and their operators. Mostly there are none, and then nothing is allocated.
///
/// # Safety
/// As for [`views`] and [`operators`].
#[inline]
unsafe fn auxiliary<'a>(
    aux: *const *const glk_view,
    dirac: *const *const glk_dirac,
    naux: u64,
) -> Result<(Vec<View<'a>>, Vec<Dirac>)> {
    if naux == 0 {
        return Ok((Vec::new(), Vec::new()));
    }
    // SAFETY: the caller's promise.
    unsafe { Ok((views(aux, naux)?, operators(dirac, naux)?)) }
}

/// The pointers of an array argument.
///
/// # Safety
/// `p` is NULL or an array of `count`.
#[inline]
pub(crate) unsafe fn pointers<'a, T>(p: *const *const T, count: u64, name: &str) -> Result<&'a [*const T]> {
    match count {
        0 => Ok(&[]),
        1..=4096 if p.is_null() => Err(Error::invalid(format!("{name} is NULL, but naux is {count}"))),
        // SAFETY: the caller's promise.
        1..=4096 => Ok(unsafe { std::slice::from_raw_parts(p, count as usize) }),
        _ => Err(Error::invalid(format!("naux is {count}; at most 4096 are possible"))),
    }
}

/// # Safety
/// As for [`pointers`], and each view as `plugin.h` has it.
#[cold]
pub(crate) unsafe fn views<'a>(aux: *const *const glk_view, naux: u64) -> Result<Vec<View<'a>>> {
    // SAFETY: the caller's promise.
    unsafe { pointers(aux, naux, "aux")?.iter().map(|&view| View::from_raw(view, "aux")).collect() }
}

/// # Safety
/// As for [`pointers`].
#[cold]
unsafe fn operators(dirac: *const *const glk_dirac, naux: u64) -> Result<Vec<Dirac>> {
    let missing = || Error::invalid("an entry of dirac is NULL, or its size is not set");
    // SAFETY: the caller's promise.
    unsafe { pointers(dirac, naux, "dirac")?.iter().map(|&p| sized::read(p).ok_or_else(missing)).collect() }
}
