//! Wilson's operator as a program for devices.

use super::hop::{HopSource, hop};
use super::spinor::SPINS;
use gaugelink_lattice::number::recorder::{FieldHandle, Recorder};
use gaugelink_lattice::number::{Program, Recorded};
use gaugelink_lattice::{Complex, DIM_MAX, Num, Real};

/// What the hop of a recording reads.
struct Neighbours<'r, T> {
    recorder: &'r Recorder<T>,
    psi: FieldHandle,
    links: FieldHandle,
}

impl<T: Real, const N: usize> HopSource<Recorded<T>, N> for Neighbours<'_, T> {
    fn spinor(&self, step: usize, spin: usize, colour: usize) -> Complex<Recorded<T>> {
        let place = self.recorder.step(self.recorder.here(), step);
        self.recorder.complex(self.psi, 2 * (spin * N + colour), place)
    }
    fn link(&self, step: usize, row: usize, column: usize) -> Complex<Recorded<T>> {
        let here = self.recorder.here();
        let place = if step < DIM_MAX { here } else { self.recorder.step(here, step) };
        let link = (step % DIM_MAX) * 2 * N * N;
        self.recorder.complex(self.links, link + 2 * (row * N + column), place)
    }
}

/// `out` = a ψ + b H ψ, or with H†: D is a = m + 4, b = −½. Fields: `u` the links with the phases of the boundary, `psi`,
/// `out`; parameters `a` and `b`.
pub fn record_wilson<T: Real, const N: usize, const DAGGER: bool>() -> Program {
    Program::record::<T>(|r| {
        let links = r.field("u", DIM_MAX * 2 * N * N);
        let (psi, out) = (r.field("psi", 2 * SPINS * N), r.field("out", 2 * SPINS * N));
        let (a, b) = (r.parameter("a"), r.parameter("b"));
        let sum = hop::<_, _, N, 2, DAGGER>(&Neighbours { recorder: r, psi, links });
        for (i, z) in sum.components().iter().enumerate() {
            let center = r.complex(psi, 2 * i, r.here());
            r.store_complex(
                out,
                2 * i,
                Complex::new(center.re.mul_add(a, z.re * b), center.im.mul_add(a, z.im * b)),
            );
        }
    })
}
