//! Memory of a field: aligned to 64 bytes, on huge pages where large, and an error where the machine has too little.

mod available;
mod prefetch;

use crate::LatticeError;
use available::{available_bytes, up_to_limit};
use bytemuck::Zeroable;
use std::alloc::{Layout, alloc, dealloc};
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

pub use prefetch::{Cache, prefetch};

/// From this size on, memory is aligned to huge pages and the kernel is asked for them.
const HUGE: usize = 2 << 20;
/// Below this size, only the limit of the process is looked at.
const CHECKED: usize = 64 << 20;

/// A zeroed array at a 64-byte boundary.
#[derive(Debug)]
pub(crate) struct Memory<T> {
    start: NonNull<T>,
    len: usize,
    /// `None`: somebody else's, who frees it.
    layout: Option<Layout>,
}

// SAFETY: a `Memory` owns its numbers alone, as a Vec does.
unsafe impl<T: Send> Send for Memory<T> {}
// SAFETY: as for Send.
unsafe impl<T: Sync> Sync for Memory<T> {}

impl<T: Zeroable> Memory<T> {
    /// `len` zeros, which `zero` writes: pages belong to the memory of the core that touches them first.
    ///
    /// # Safety
    /// `zero` sets every byte that it is given to 0.
    pub unsafe fn zeroed_by(
        len: usize,
        zero: impl FnOnce(&mut [MaybeUninit<T>]),
    ) -> Result<Self, LatticeError> {
        let bytes = len.saturating_mul(size_of::<T>()).max(64);
        let out_of_memory = |available: u64| LatticeError::OutOfMemory {
            needed: (bytes >> 20) as u64,
            available: available >> 20,
        };
        ensure_memory(bytes as u64)?;
        let align = if bytes >= HUGE { HUGE } else { 64 };
        let layout = Layout::from_size_align(bytes, align).map_err(|_| out_of_memory(available_bytes()))?;
        // SAFETY: the size is not zero.
        let start = unsafe { alloc(layout) };
        let start = NonNull::new(start.cast::<T>()).ok_or_else(|| out_of_memory(available_bytes()))?;
        #[cfg(target_os = "linux")]
        if bytes >= HUGE {
            // SAFETY: the range was just allocated; the advice changes no content, and a refusal does no harm.
            unsafe { libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_HUGEPAGE) };
        }
        // Only now are the pages touched, so that they come as huge ones.
        // SAFETY: the range was just allocated with room for `len` numbers.
        zero(unsafe { std::slice::from_raw_parts_mut(start.as_ptr().cast(), len) });
        Ok(Self { start, len, layout: Some(layout) })
    }

    /// Memory that somebody else owns.
    ///
    /// # Safety
    /// `start` is not null, at a 64-byte boundary and valid for `len` numbers as long as this lives.
    pub unsafe fn foreign(start: *mut T, len: usize) -> Self {
        // SAFETY: the caller's promise.
        Self { start: unsafe { NonNull::new_unchecked(start) }, len, layout: None }
    }

    /// Other memory that somebody else owns, of the same length.
    ///
    /// # Panics
    /// Where this is no memory of somebody else.
    ///
    /// # Safety
    /// As for [`Self::foreign`].
    #[inline]
    pub unsafe fn move_to(&mut self, start: *mut T) {
        assert!(self.layout.is_none(), "memory of one's own stays where it is");
        // SAFETY: the caller's promise.
        self.start = unsafe { NonNull::new_unchecked(start) };
    }
}

impl<T> Drop for Memory<T> {
    fn drop(&mut self) {
        if let Some(layout) = self.layout {
            // SAFETY: allocated with this layout; T is plain data.
            unsafe { dealloc(self.start.as_ptr().cast(), layout) }
        }
    }
}

impl<T> Deref for Memory<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: `len` initialised numbers owned by self.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for Memory<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

/// Refuses at once what cannot fit: to be asked for all fields of a job before the first one is made.
///
/// # Errors
/// [`LatticeError::OutOfMemory`].
pub fn ensure_memory(bytes: u64) -> Result<(), LatticeError> {
    let available = if bytes >= CHECKED as u64 { available_bytes() } else { up_to_limit() };
    if bytes > available {
        return Err(LatticeError::OutOfMemory { needed: bytes >> 20, available: available >> 20 });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zeroed(len: usize) -> Result<Memory<f64>, LatticeError> {
        // SAFETY: all bytes are set.
        unsafe { Memory::zeroed_by(len, |numbers| numbers.fill(MaybeUninit::zeroed())) }
    }

    #[test]
    fn memory_is_aligned_and_zero() {
        for len in [1, 1000, 1 << 20] {
            let m = zeroed(len).unwrap();
            assert_eq!(m.as_ptr() as usize % 64, 0);
            assert!(m.len() == len && m.iter().all(|&x| x == 0.0));
        }
    }

    #[test]
    fn too_much_is_an_error_that_says_how_much() {
        let error = zeroed(1 << 50).unwrap_err().to_string();
        assert!(error.contains("8589934592 MiB"), "{error}");
        assert!(zeroed(usize::MAX).is_err());
    }
}
