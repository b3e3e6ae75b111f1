//! Structs that begin with their size: rule R2 of `plugin.h`.

use crate::raw;
use std::mem::size_of;

/// A struct of the ABI whose first field is a `u32` with the struct's size.
///
/// # Safety
/// The type is `repr(C)`, begins with that field, has no padding, and all-zero bytes are a value of it.
pub unsafe trait Extensible: Copy + Default {}

macro_rules! sized {
    ($($name:ident),*) => {
        $(
            // SAFETY: the layout is frozen by the header's asserts; integers, doubles and nullable pointers only.
            unsafe impl Extensible for raw::$name {}
        )*
    };
}
sized!(glk_error, glk_exec, glk_lattice, glk_view, glk_rng, glk_host_comm, glk_host_mem, glk_host_parallel);
sized!(glk_host, glk_component, glk_create, glk_query, glk_stats, glk_plugin);
sized!(glk_flow, glk_dirac, glk_force, glk_proposal, glk_precond);

/// All zero, but with `size` set.
pub fn new<T: Extensible>() -> T {
    let mut value = T::default();
    // SAFETY: by the trait, a T begins with its size.
    unsafe { (&raw mut value).cast::<u32>().write(size_of::<T>() as u32) };
    value
}

/// What the filler wrote: min(its size, ours) bytes, the others zero. `None` for NULL and for a size below the size
/// field itself.
///
/// # Safety
/// `p` is NULL or points to as many readable bytes as its first four say.
#[inline]
pub unsafe fn read<T: Extensible>(p: *const T) -> Option<T> {
    if p.is_null() {
        return None;
    }
    // SAFETY: a struct that is at least ours in size is read whole; of others only the size is looked at.
    unsafe {
        if p.cast::<u32>().read_unaligned() as usize >= size_of::<T>() {
            return Some(p.read_unaligned());
        }
    }
    let mut value = T::default();
    // SAFETY: the caller vouches for `size` bytes, the first four among them.
    unsafe {
        let size = p.cast::<u32>().read_unaligned() as usize;
        if size < size_of::<u32>() {
            return None;
        }
        std::ptr::copy_nonoverlapping(
            p.cast::<u8>(),
            (&raw mut value).cast::<u8>(),
            size.min(size_of::<T>()),
        );
    }
    Some(value)
}

/// Writes `value` to a struct of the caller, as far as its `size` reaches, and leaves that field alone. Nothing happens
/// for NULL.
///
/// # Safety
/// `p` is NULL or points to as many writable bytes as its first four say.
#[inline]
pub unsafe fn write<T: Extensible>(p: *mut T, value: &T) {
    if p.is_null() {
        return;
    }
    // SAFETY: the caller vouches for `size` bytes.
    unsafe {
        let size = p.cast::<u32>().read_unaligned();
        let length = (size as usize).min(size_of::<T>()).saturating_sub(4);
        std::ptr::copy_nonoverlapping((&raw const *value).cast::<u8>().add(4), p.cast::<u8>().add(4), length);
    }
}

/// As [`write()`] of a struct whose fields `set` sets, all of them. A whole struct is filled where it stands: built on the
/// stack and copied, in pieces of other widths than it was written in, it would cost more than the rest of a call.
///
/// # Safety
/// As for [`write()`].
#[inline]
pub(crate) unsafe fn fill<T: Extensible>(p: *mut T, set: impl FnOnce(&mut T)) {
    // SAFETY: the caller vouches for `size` bytes.
    unsafe {
        if !p.is_null() && p.is_aligned() && p.cast::<u32>().read() as usize >= size_of::<T>() {
            return set(&mut *p);
        }
        let mut value = new::<T>();
        set(&mut value);
        write(p, &value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_bytes_are_zero_and_surplus_ones_are_left_alone() {
        let full = raw::glk_rng { size: 48, algorithm: 1, key: [7; 32], epoch: 5, call: 9 };
        // SAFETY: the struct is larger than it says.
        let seen = unsafe { read(&raw const full) }.expect("not NULL");
        assert_eq!((seen.algorithm, seen.key, seen.epoch, seen.call), (1, [7; 32], 5, 0));

        let mut out = raw::glk_query { size: 16, result: 0, scratch_bytes: 0, est_seconds: -1.0 };
        let answer = raw::glk_query { size: 24, result: 2, scratch_bytes: 3, est_seconds: 4.0 };
        // SAFETY: as above.
        unsafe { write(&raw mut out, &answer) };
        assert_eq!((out.size, out.result, out.scratch_bytes, out.est_seconds), (16, 2, 3, -1.0));
        for (size, seconds) in [(16, -1.0), (24, 5.0), (32, 5.0)] {
            out = raw::glk_query { size, result: 0, scratch_bytes: 0, est_seconds: -1.0 };
            let set = |q: &mut raw::glk_query| (q.result, q.scratch_bytes, q.est_seconds) = (1, 4, 5.0);
            // SAFETY: nothing is written beyond the struct, however large it says it is.
            unsafe { fill(&raw mut out, set) };
            assert_eq!((out.size, out.result, out.scratch_bytes, out.est_seconds), (size, 1, 4, seconds));
        }

        let zero = raw::glk_exec::default();
        // SAFETY: as above.
        assert!(unsafe { read(&raw const zero) }.is_none(), "size 0 is a struct that nobody filled");
    }
}
