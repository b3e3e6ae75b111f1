//! Choosing the vector unit at run time.

use super::{Lanes, Real};
use crate::sum::Tally;
use std::ops::Range;
use std::sync::OnceLock;

/// The vector instructions that kernels use on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Plain arrays.
    Portable,
    /// x86-64 AVX2 and FMA.
    Avx2,
    /// x86-64 AVX-512 F and DQ.
    Avx512,
    /// AArch64 NEON.
    Neon,
}

impl Isa {
    /// The best that this machine has, or the one named by the environment variable `GAUGELINK_ISA`
    /// (`portable`, `avx2`, `avx512`, `neon`) where the machine has it. Every choice gives the same bits.
    pub fn active() -> Self {
        static ACTIVE: OnceLock<Isa> = OnceLock::new();
        *ACTIVE.get_or_init(|| {
            let wanted = std::env::var("GAUGELINK_ISA").ok().and_then(|name| {
                [Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Neon].into_iter().find(|isa| isa.name() == name)
            });
            wanted.filter(|isa| isa.is_available()).unwrap_or_else(Self::best)
        })
    }

    fn best() -> Self {
        [Isa::Avx512, Isa::Avx2, Isa::Neon]
            .into_iter()
            .find(|isa| isa.is_available())
            .unwrap_or(Isa::Portable)
    }

    /// Whether this machine can run it.
    pub fn is_available(self) -> bool {
        match self {
            Isa::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq"),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => true,
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }

    /// The name that `GAUGELINK_ISA` takes.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Portable => "portable",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Neon => "neon",
        }
    }
}

/// A loop over blocks, written once over the lanes' type.
///
/// `run` must be `#[inline(always)]`, as must be everything it calls: that is how the vector instructions of the
/// enclosing function reach it.
pub trait Kernel<T: Real>: Sync {
    /// Exact sums that the kernel adds to, for each chain.
    const SUMS: usize = 0;
    /// Works on the blocks of `range`; site values for the sums go to `tally`.
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>);
    /// The kernel's code. As it stands it is compiled anew in every crate that runs the kernel; a library's kernels
    /// have it [`crate::compiled!`] where they are defined.
    fn compiled() -> Compiled
    where
        Self: Sized,
    {
        Compiled::of::<T, Self, false>()
    }
}

/// The code of one kernel, for all vector units.
#[derive(Clone, Copy)]
pub struct Compiled {
    run: unsafe fn(*const (), Isa, Range<usize>, &mut Tally<'_>),
    kernel: fn() -> &'static str,
}

impl Compiled {
    /// The code of kernel `K`. `SHORT`, for unit tests, which take less time to compile so: without AVX-512, in place of
    /// which AVX2 serves. So are all kernels in builds for tests on a machine without AVX-512 (`build.rs`).
    pub const fn of<T: Real, K: Kernel<T>, const SHORT: bool>() -> Self {
        Self { run: run_erased::<T, K, SHORT>, kernel: std::any::type_name::<K> }
    }
}

/// In an `impl Kernel`: compiles the kernel where this stands, once for all crates that run it.
///
/// `compiled!(Name)` for a kernel of f64 with no parameters but a lifetime, `compiled!(group N: Name)` for the groups
/// U(1), SU(2), SU(3) (others are compiled where they are used), `compiled!(scalar T: Name)` for both precisions,
/// `compiled!(scalar T, group N: Name)` for both, `compiled!(scalar T, size N in [4, 8]: Name)` for both precisions of a
/// kernel that is used with these two constants only. `compiled!(group N, half H: Name)` and `compiled!(scalar T, group N,
/// half H: Name)` are for kernels of spinors with H = 1 or 2 components in each half, on these groups only.
#[macro_export]
macro_rules! compiled {
    // In unit tests: compiled where it is run, which most forms are not, and without AVX-512.
    (test $t:ty) => {
        #[cfg(test)]
        fn compiled() -> $crate::number::Compiled {
            $crate::number::Compiled::of::<$t, Self, true>()
        }
    };
    ($kernel:ident) => {
        $crate::compiled!(test f64);
        #[cfg(not(test))]
        fn compiled() -> $crate::number::Compiled {
            static FORM: $crate::number::Compiled =
                $crate::number::Compiled::of::<f64, $kernel<'static>, false>();
            FORM
        }
    };
    (group $n:ident: $kernel:ident) => {
        $crate::compiled!(test f64);
        #[cfg(not(test))]
        fn compiled() -> $crate::number::Compiled {
            use $crate::number::Compiled;
            static FORMS: [Compiled; 3] = [
                Compiled::of::<f64, $kernel<'static, 1>, false>(),
                Compiled::of::<f64, $kernel<'static, 2>, false>(),
                Compiled::of::<f64, $kernel<'static, 3>, false>(),
            ];
            if const { $n <= 3 } { FORMS[$n - 1] } else { Compiled::of::<f64, Self, false>() }
        }
    };
    (group $n:ident, half $h:ident: $kernel:ident) => {
        $crate::compiled!(test f64);
        #[cfg(not(test))]
        fn compiled() -> $crate::number::Compiled {
            use $crate::number::Compiled;
            static FORMS: [[Compiled; 3]; 2] = [
                [
                    Compiled::of::<f64, $kernel<'static, 1, 1>, false>(),
                    Compiled::of::<f64, $kernel<'static, 2, 1>, false>(),
                    Compiled::of::<f64, $kernel<'static, 3, 1>, false>(),
                ],
                [
                    Compiled::of::<f64, $kernel<'static, 1, 2>, false>(),
                    Compiled::of::<f64, $kernel<'static, 2, 2>, false>(),
                    Compiled::of::<f64, $kernel<'static, 3, 2>, false>(),
                ],
            ];
            FORMS[$h - 1][$n - 1]
        }
    };
    (scalar $t:ident: $kernel:ident) => {
        $crate::compiled!(test $t);
        #[cfg(not(test))]
        fn compiled() -> $crate::number::Compiled {
            use $crate::number::{Compiled, Real};
            static FORMS: [Compiled; 2] = [
                Compiled::of::<f64, $kernel<'static, f64>, false>(),
                Compiled::of::<f32, $kernel<'static, f32>, false>(),
            ];
            FORMS[($t::LANES == <f32 as Real>::LANES) as usize]
        }
    };
    (scalar $t:ident, size $n:ident in [$small:literal, $large:literal]: $kernel:ident) => {
        $crate::compiled!(test $t);
        #[cfg(not(test))]
        fn compiled() -> $crate::number::Compiled {
            use $crate::number::{Compiled, Real};
            static FORMS: [[Compiled; 2]; 2] = [
                [
                    Compiled::of::<f64, $kernel<'static, f64, $small>, false>(),
                    Compiled::of::<f64, $kernel<'static, f64, $large>, false>(),
                ],
                [
                    Compiled::of::<f32, $kernel<'static, f32, $small>, false>(),
                    Compiled::of::<f32, $kernel<'static, f32, $large>, false>(),
                ],
            ];
            FORMS[($t::LANES == <f32 as Real>::LANES) as usize][($n == $large) as usize]
        }
    };
    (scalar $t:ident, group $n:ident, half $h:ident: $kernel:ident) => {
        $crate::compiled!(test $t);
        #[cfg(not(test))]
        fn compiled() -> $crate::number::Compiled {
            use $crate::number::{Compiled, Real};
            const fn of_half<const HALF: usize>() -> [[Compiled; 3]; 2] {
                [
                    [
                        Compiled::of::<f64, $kernel<'static, f64, 1, HALF>, false>(),
                        Compiled::of::<f64, $kernel<'static, f64, 2, HALF>, false>(),
                        Compiled::of::<f64, $kernel<'static, f64, 3, HALF>, false>(),
                    ],
                    [
                        Compiled::of::<f32, $kernel<'static, f32, 1, HALF>, false>(),
                        Compiled::of::<f32, $kernel<'static, f32, 2, HALF>, false>(),
                        Compiled::of::<f32, $kernel<'static, f32, 3, HALF>, false>(),
                    ],
                ]
            }
            static FORMS: [[[Compiled; 3]; 2]; 2] = [of_half::<1>(), of_half::<2>()];
            FORMS[$h - 1][($t::LANES == <f32 as Real>::LANES) as usize][$n - 1]
        }
    };
    (scalar $t:ident, group $n:ident: $kernel:ident) => {
        $crate::compiled!(test $t);
        #[cfg(not(test))]
        fn compiled() -> $crate::number::Compiled {
            use $crate::number::{Compiled, Real};
            static FORMS: [[Compiled; 3]; 2] = [
                [
                    Compiled::of::<f64, $kernel<'static, f64, 1>, false>(),
                    Compiled::of::<f64, $kernel<'static, f64, 2>, false>(),
                    Compiled::of::<f64, $kernel<'static, f64, 3>, false>(),
                ],
                [
                    Compiled::of::<f32, $kernel<'static, f32, 1>, false>(),
                    Compiled::of::<f32, $kernel<'static, f32, 2>, false>(),
                    Compiled::of::<f32, $kernel<'static, f32, 3>, false>(),
                ],
            ];
            if const { $n <= 3 } {
                FORMS[($t::LANES == <f32 as Real>::LANES) as usize][$n - 1]
            } else {
                Compiled::of::<$t, Self, false>()
            }
        }
    };
}

/// Runs a kernel on a range of blocks with the instructions of `isa` ([`Isa::Portable`] where it is missing).
pub fn run_kernel<T: Real, K: Kernel<T>>(isa: Isa, kernel: &K, range: Range<usize>, tally: &mut Tally<'_>) {
    let compiled = K::compiled();
    assert_eq!((compiled.kernel)(), std::any::type_name::<K>(), "a kernel has the code of another");
    // SAFETY: the code was compiled for this type, up to lifetimes, which leave no trace in it.
    unsafe { (compiled.run)((&raw const *kernel).cast(), isa, range, tally) }
}

/// Whether there is code with AVX-512.
#[cfg(target_arch = "x86_64")]
const WIDE: bool = !cfg!(without_avx512);

/// # Safety
/// `kernel` points to a `K`, which may have other lifetimes.
unsafe fn run_erased<T: Real, K: Kernel<T>, const SHORT: bool>(
    kernel: *const (),
    isa: Isa,
    range: Range<usize>,
    tally: &mut Tally<'_>,
) {
    // SAFETY: the caller vouches for the pointer.
    let kernel = unsafe { &*kernel.cast::<K>() };
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
        fn avx512<T: Real, K: Kernel<T>>(kernel: &K, range: Range<usize>, tally: &mut Tally<'_>) {
            kernel.run::<T::Avx512>(range, tally)
        }
        #[target_feature(enable = "avx2,fma")]
        fn avx2<T: Real, K: Kernel<T>>(kernel: &K, range: Range<usize>, tally: &mut Tally<'_>) {
            kernel.run::<T::Avx2>(range, tally)
        }
        if isa.is_available() {
            match isa {
                // SAFETY: the machine has the instructions.
                Isa::Avx512 if const { WIDE && !SHORT } => return unsafe { avx512(kernel, range, tally) },
                // SAFETY: the machine has the instructions: AVX2 comes with AVX-512.
                Isa::Avx512 | Isa::Avx2 => return unsafe { avx2(kernel, range, tally) },
                _ => {}
            }
        }
    }
    #[cfg(target_arch = "aarch64")]
    if isa == Isa::Neon {
        return kernel.run::<T::Neon>(range, tally);
    }
    kernel.run::<T::Portable>(range, tally)
}
