//! Links of SU(3) by their first two rows: a third less to read.
//!
//! The rows of a matrix in SU(3) are orthonormal and its determinant is 1, so the third is the conjugate of the vector
//! product of the others (de Forcrand, Lellouch and Roiesnel, J. Comput. Phys. 59 (1985) 324). Where memory is the
//! limit that is free; results differ from those of whole links by rounding.

use crate::PhysicsError;
use gaugelink_lattice::{
    Complex, Field, FieldReader, FieldWriter, GaugeField, Kernel, Lanes, Num, Real, Tally,
};
use std::ops::Range;

/// Rows that are kept.
pub(super) const TWO_ROWS: usize = 2;

/// Real numbers of a whole link and of what is kept of it.
const WHOLE: usize = 18;
const KEPT: usize = 2 * TWO_ROWS * 3;

/// How far the third rows may be from what the others say, root mean square in units of the precision's ε: what a
/// long run leaves of rounding is less, what is no matrix of SU(3) is more.
const ROUNDING: f64 = 1e3;

/// Entry of the third row: the conjugate of `a b − c d`, with a and c from the first row, b and d from the second.
#[inline(always)]
pub(super) fn third<V: Num>(a: Complex<V>, b: Complex<V>, c: Complex<V>, d: Complex<V>) -> Complex<V> {
    let less = c * d;
    a.mul_add(b, Complex { re: -less.re, im: -less.im }).conj()
}

/// The first two rows of all links, `[block][mu][row][column][re|im][lane]`, ghosts up to date. Collective.
///
/// # Errors
/// [`PhysicsError::Parameter`] where the links are not of SU(3), or off the group by more than rounding; no memory.
pub(super) fn two_rows<T: Real, const N: usize>(links: &GaugeField<T, N>) -> Result<Field<T>, PhysicsError> {
    if N != 3 {
        return Err(PhysicsError::Parameter(format!(
            "two rows determine links of SU(3), these are {N}×{N}: keep them whole"
        )));
    }
    let lattice = links.lattice();
    let mut field = Field::zeroed(lattice, lattice.dims() * KEPT)?;
    let kernel = Keep { kept: field.writer(), whole: links.reader() };
    let mut off = vec![0.0; lattice.chains()];
    lattice.reduce(&kernel, 0..links.layout().blocks(), &mut off);
    let count = (lattice.dims() * lattice.volume()) as f64;
    let epsilon = if T::BITS == 64 { f64::EPSILON } else { f64::from(f32::EPSILON) };
    let (off, most) = (off.into_iter().map(|sum| (sum / count).sqrt()), ROUNDING * epsilon);
    if let Some(off) = off.into_iter().find(|off| off.is_nan() || *off > most) {
        return Err(PhysicsError::Parameter(format!(
            "links are off SU(3): their third rows differ from what the others say by {off:.1e}, more than {most:.0e}: \
             keep them whole, or bring them onto the group first"
        )));
    }
    field.exchange();
    Ok(field)
}

/// Copies rows, and sums how far the third ones are from what the others say.
struct Keep<'a, T> {
    kept: FieldWriter<'a, T>,
    whole: FieldReader<'a, T>,
}

impl<T: Real> Kernel<T> for Keep<'_, T> {
    gaugelink_lattice::compiled!(scalar T: Keep);
    const SUMS: usize = 1;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, tally: &mut Tally<'_>) {
        for block in range {
            let mut off = V::splat(0.0);
            for mu in 0..self.whole.reals() / WHOLE {
                let u = self.whole.matrix::<V, 3>(block, mu * WHOLE).0;
                for j in 0..3 {
                    for i in 0..TWO_ROWS {
                        let to = mu * KEPT + 2 * (3 * i + j);
                        // SAFETY: the block is this thread's.
                        unsafe {
                            self.kept.store(block, to, u[i][j].re);
                            self.kept.store(block, to + 1, u[i][j].im);
                        }
                    }
                    let (k, l) = ((j + 1) % 3, (j + 2) % 3);
                    let difference = u[2][j] - third(u[0][k], u[1][l], u[0][l], u[1][k]);
                    off = difference.re.mul_add(difference.re, difference.im.mul_add(difference.im, off));
                }
            }
            tally.add(0, off);
        }
    }
}
