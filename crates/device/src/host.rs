//! A host in the place of a device: kernels compiled by its C++ compiler, threads as fibers.

use crate::{BLOCK, DeviceError, KernelText, Sites};
use gaugelink_lattice::Real;
use libloading::{Library, Symbol};
use std::ffi::c_void;
use std::ops::Range;
use std::process::Command;
use std::sync::Mutex;

const RUNTIME: &str = include_str!("../text/host.cpp");

/// The C++ compiler of this machine.
#[derive(Clone, Debug)]
pub struct HostDevice {
    compiler: String,
}

/// The order in which the threads of a block go on to the next barrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// By rising number.
    Forward,
    /// By falling number.
    Backward,
    /// Shuffled, the same for the same number.
    Shuffled(u64),
}

impl Schedule {
    fn order(self) -> [i32; BLOCK] {
        let mut order = std::array::from_fn(|i| i as i32);
        match self {
            Schedule::Forward => {}
            Schedule::Backward => order.reverse(),
            Schedule::Shuffled(seed) => {
                let mut state = seed;
                for i in (1..BLOCK).rev() {
                    // Knuth's MMIX generator: any order will do.
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    order.swap(i, (state >> 33) as usize % (i + 1));
                }
            }
        }
        order
    }
}

impl Default for HostDevice {
    fn default() -> Self {
        Self::new(std::env::var("CXX").unwrap_or_else(|_| "c++".into()))
    }
}

impl HostDevice {
    /// With a compiler that takes the options of gcc and clang.
    pub fn new(compiler: impl Into<String>) -> Self {
        Self { compiler: compiler.into() }
    }

    /// Compiles a kernel.
    ///
    /// # Errors
    /// [`DeviceError`] where there is no compiler, it refuses the text, or the result cannot be opened.
    pub fn compile(&self, kernel: &KernelText) -> Result<HostKernel, DeviceError> {
        let folder = tempfile::tempdir().map_err(|error| DeviceError::File {
            action: "make a folder in",
            path: std::env::temp_dir(),
            reason: error.to_string(),
        })?;
        let (source, library) = (folder.path().join("kernel.cpp"), folder.path().join("kernel.so"));
        std::fs::write(&source, format!("{}{RUNTIME}{}", kernel.source(), kernel.trampoline())).map_err(
            |error| DeviceError::File { action: "write", path: source.clone(), reason: error.to_string() },
        )?;
        let output = Command::new(&self.compiler)
            .args(["-std=c++17", "-O1", "-ffp-contract=off", "-fno-fast-math", "-shared", "-fPIC", "-w"])
            .args(fused_multiply_add())
            .arg(&source)
            .arg("-o")
            .arg(&library)
            .output()
            .map_err(|source| DeviceError::NoCompiler { compiler: self.compiler.clone(), source })?;
        if !output.status.success() {
            let message =
                String::from_utf8_lossy(&output.stderr).lines().take(20).collect::<Vec<_>>().join("\n");
            return Err(DeviceError::Compile {
                compiler: self.compiler.clone(),
                kernel: kernel.name.clone(),
                message,
            });
        }
        // SAFETY: what was just compiled has no initialisers; its functions are called with the types they have.
        let library = unsafe { Library::new(&library) }.map_err(|error| DeviceError::File {
            action: "open",
            path: library.clone(),
            reason: error.to_string(),
        })?;
        Ok(HostKernel { kernel: kernel.clone(), library: Mutex::new(library) })
    }
}

/// The option for fused multiply-adds in hardware, without which a call for each would be made.
fn fused_multiply_add() -> Option<&'static str> {
    #[cfg(target_arch = "x86_64")]
    return std::is_x86_feature_detected!("fma").then_some("-mfma");
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// A kernel that the host can run, one launch at a time.
pub struct HostKernel {
    kernel: KernelText,
    library: Mutex<Library>,
}

type Launch = unsafe extern "C" fn(i64, *const i32, *mut *mut c_void) -> i32;

impl HostKernel {
    /// Runs the kernel on a range of sites; `fields` and `parameters` as the kernel lists them.
    ///
    /// # Errors
    /// [`DeviceError::Arguments`] for fields or parameters that are not the kernel's, and for threads that ended while others
    /// of their block waited at a barrier.
    pub fn launch<T: Real>(
        &self,
        sites: &Sites,
        fields: &mut [&mut [T]],
        parameters: &[T],
        range: Range<usize>,
        schedule: Schedule,
    ) -> Result<(), DeviceError> {
        self.check(sites, fields, parameters, &range)?;
        let mut planes: Vec<*mut T> = fields.iter_mut().map(|field| field.as_mut_ptr()).collect();
        let mut near = sites.near().as_ptr();
        let mut counts = [sites.count(), range.start, range.end].map(|n| n as i64);
        let mut parameters = parameters.to_vec();
        let mut arguments: Vec<*mut c_void> = Vec::new();
        arguments.extend(planes.iter_mut().map(|plane| (&raw mut *plane).cast()));
        arguments.push((&raw mut near).cast());
        arguments.extend(counts.iter_mut().map(|count| (&raw mut *count).cast()));
        arguments.extend(parameters.iter_mut().map(|parameter| (&raw mut *parameter).cast()));
        let library = self.library.lock().unwrap_or_else(|e| e.into_inner());
        // SAFETY: the runtime has this function, of this type.
        let launch: Symbol<'_, Launch> = unsafe { library.get(b"glk_host_launch") }
            .map_err(|error| self.refused(format!("the runtime has no launch: {error}")))?;
        // SAFETY: the arguments are those of the kernel, checked above, and outlive the launch; one launch at a time.
        match unsafe { launch(range.len() as i64, schedule.order().as_ptr(), arguments.as_mut_ptr()) } {
            0 => Ok(()),
            1 => Err(self.refused("no memory for the stacks of a block's threads".into())),
            _ => Err(self.refused("threads of a block ended while others waited at a barrier".into())),
        }
    }

    fn check<T: Real>(
        &self,
        sites: &Sites,
        fields: &[&mut [T]],
        parameters: &[T],
        range: &Range<usize>,
    ) -> Result<(), DeviceError> {
        let kernel = &self.kernel;
        if T::BITS != kernel.bits {
            return Err(self.refused(format!("works on numbers of {} bits, not {}", kernel.bits, T::BITS)));
        }
        if fields.len() != kernel.fields.len() || parameters.len() != kernel.parameters.len() {
            return Err(self.refused(format!(
                "takes {} fields and {} parameters, not {} and {}",
                kernel.fields.len(),
                kernel.parameters.len(),
                fields.len(),
                parameters.len()
            )));
        }
        for (given, field) in fields.iter().zip(&kernel.fields) {
            let wanted = field.components * sites.count();
            if given.len() != wanted {
                return Err(self.refused(format!(
                    "{} has {wanted} numbers, not {}",
                    field.name,
                    given.len()
                )));
            }
        }
        if range.start > range.end || range.end > sites.count() {
            return Err(self.refused(format!("sites {range:?} of {}", sites.count())));
        }
        Ok(())
    }

    fn refused(&self, reason: String) -> DeviceError {
        DeviceError::Arguments { kernel: self.kernel.name.clone(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::number::{Program, Recorded, atan2, exp, ln, sin_cos};
    use gaugelink_lattice::{Lattice, LatticeOptions, Num, forward};

    fn sites(extents: &[usize]) -> Sites {
        Sites::new(Lattice::new(extents, LatticeOptions::default()).unwrap().geometry())
    }

    /// Every operation of a number, in a body that has them all.
    fn everything<V: Num>(a: V, b: V) -> [V; 12] {
        let (sin, cos) = sin_cos(a);
        let positive = a.mul_add(a, V::splat(0.5));
        let (m, e) = positive.split_exponent();
        [
            sin,
            cos,
            exp(b),
            ln(positive),
            atan2(a, b),
            a.div(positive),
            positive.sqrt(),
            (a * b).round(),
            a.neg_mul_add(b, -a) - b,
            V::select(a.lt(b), a, b + V::splat(0.1)),
            m.scale_exponent(e),
            m + e,
        ]
    }

    fn check_arithmetic<T: Real>() {
        let program = Program::record::<T>(|r| {
            let (from, to) = (r.field("from", 2), r.field("to", 12));
            let results = everything::<Recorded<T>>(r.load(from, 0, r.here()), r.load(from, 1, r.here()));
            results.into_iter().enumerate().for_each(|(c, x)| r.store(to, c, x));
        });
        let sites = sites(&[6, 50]);
        let n = sites.count();
        let mut from: Vec<T> = (0..2 * n).map(|i| T::from_f64((i as f64 * 0.7391).sin() * 3.0)).collect();
        let mut to = vec![T::from_f64(0.0); 12 * n];
        let kernel = HostDevice::default().compile(&KernelText::of("everything", &program)).unwrap();
        kernel.launch(&sites, &mut [&mut from, &mut to], &[], 0..n, Schedule::Forward).unwrap();
        for x in 0..n {
            for (c, expected) in everything(from[x], from[n + x]).into_iter().enumerate() {
                let found = to[c * n + x];
                assert!(
                    found == expected,
                    "operation {c} on {} and {}: {found} {expected}",
                    from[x],
                    from[n + x]
                );
            }
        }
    }

    #[test]
    fn every_operation_gives_the_bits_that_rust_gives() {
        check_arithmetic::<f64>();
        check_arithmetic::<f32>();
    }

    #[test]
    fn steps_lead_to_neighbours_and_only_the_range_is_written() {
        let program = Program::record::<f64>(|r| {
            let (from, to) = (r.field("from", 1), r.field("to", 1));
            let there = r.step(r.step(r.here(), forward(0)), forward(1));
            r.store(to, 0, r.load(from, 0, there));
        });
        let sites = sites(&[4, 6]);
        let kernel = HostDevice::default().compile(&KernelText::of("shift", &program)).unwrap();
        let mut from: Vec<f64> = (0..24).map(f64::from).collect();
        let mut to = vec![-1.0; 24];
        kernel.launch(&sites, &mut [&mut from, &mut to], &[], sites.parity(1), Schedule::Forward).unwrap();
        let near = sites.near();
        for x in 0..24 {
            let there = near[forward(1) * 24 + near[forward(0) * 24 + x] as usize];
            assert_eq!(to[x], if x < 12 { -1.0 } else { f64::from(there) });
        }
    }

    const SCHEDULES: [Schedule; 3] = [Schedule::Forward, Schedule::Backward, Schedule::Shuffled(7)];

    fn sums(kernel: &KernelText) -> Vec<Result<f64, DeviceError>> {
        let sites = sites(&[10, 30]);
        let kernel = HostDevice::default().compile(kernel).unwrap();
        SCHEDULES
            .map(|schedule| {
                let mut numbers: Vec<f64> = (1..=300).map(f64::from).collect();
                let mut out = vec![0.0; 300];
                kernel.launch(&sites, &mut [&mut numbers, &mut out], &[], 0..300, schedule)?;
                Ok(out[..3].iter().sum())
            })
            .into()
    }

    #[test]
    fn blocks_sum_in_any_order_of_their_threads() {
        for sum in sums(&KernelText::sum::<f64>()) {
            assert_eq!(sum.unwrap(), 300.0 * 301.0 / 2.0);
        }
    }

    #[test]
    fn a_barrier_that_is_missing_or_not_met_by_all_is_seen() {
        let mut kernel = KernelText::sum::<f64>();
        kernel.replace("    GLK_BARRIER();\n", "");
        assert!(sums(&kernel).iter().any(|sum| sum.as_ref().is_ok_and(|&sum| sum != 45150.0)));
        let mut kernel = KernelText::sum::<f64>();
        kernel.replace("    GLK_BARRIER();\n", "    if (GLK_LANE > 0) GLK_BARRIER();\n");
        for sum in sums(&kernel) {
            assert!(sum.unwrap_err().to_string().contains("barrier"));
        }
    }

    #[test]
    fn what_cannot_be_run_is_told() {
        let kernel = KernelText::sum::<f64>();
        let missing = HostDevice::new("no-such-compiler").compile(&kernel).err().unwrap().to_string();
        assert!(missing.contains("install g++"), "{missing}");
        let mut broken = KernelText::sum::<f64>();
        broken.replace("part[0]", "nothing");
        let refused = HostDevice::default().compile(&broken).err().unwrap().to_string();
        assert!(refused.contains("nothing"), "{refused}");
        let sites = sites(&[4, 4]);
        let kernel = HostDevice::default().compile(&kernel).unwrap();
        let (mut one, mut short) = (vec![0.0; 16], vec![0.0; 15]);
        let launch = |fields: &mut [&mut [f64]], range| {
            kernel.launch(&sites, fields, &[], range, Schedule::Forward).unwrap_err().to_string()
        };
        assert!(launch(&mut [&mut one, &mut short], 0..16).contains("out has 16 numbers, not 15"));
        assert!(launch(&mut [&mut short], 0..16).contains("takes 2 fields"));
        let error =
            kernel.launch::<f32>(&sites, &mut [], &[], 0..16, Schedule::Forward).unwrap_err().to_string();
        assert!(error.contains("64 bits"), "{error}");
    }
}
