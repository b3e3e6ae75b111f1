//! Lines of cache that are asked for before they are read.

/// A level of the caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// The first: for what is read at once. Few lines can be on their way to it at a time.
    First,
    /// The second: for what comes from far and is read a few hundred nanoseconds later.
    Second,
}

/// Asks for the line of cache at an address, which need not be valid.
#[inline(always)]
pub fn prefetch<T>(line: *const T, into: Cache) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 machine has SSE; a prefetch of any address does no harm.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        match into {
            Cache::First => _mm_prefetch::<_MM_HINT_T0>(line.cast()),
            Cache::Second => _mm_prefetch::<_MM_HINT_T1>(line.cast()),
        }
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a prefetch of any address does no harm.
    unsafe {
        use std::arch::asm;
        match into {
            Cache::First => {
                asm!("prfm pldl1keep, [{}]", in(reg) line, options(nostack, preserves_flags, readonly))
            }
            Cache::Second => {
                asm!("prfm pldl2keep, [{}]", in(reg) line, options(nostack, preserves_flags, readonly))
            }
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = (line, into);
}
