//! The clover-leaf field strength.

use gaugelink_lattice::{Lanes, LinkReader, Matrix, backward, forward};

/// F_mn(x) = (Q − Q†)/8, Q the sum of the four plaquettes in the (m, n) plane that start and end at x, the first
/// U_m(x) U_n(x+m) U_m(x+n)† U_n(x)† (Sheikholeslami and Wohlert 1985). Anti-Hermitian; its trace is kept.
///
/// A site body, to be called from kernels; ghosts must be filled.
#[inline(always)]
pub fn field_strength<V: Lanes, const N: usize>(
    links: &LinkReader<'_, V::Scalar, N>,
    block: usize,
    m: usize,
    n: usize,
) -> Matrix<V, N> {
    let layout = links.0.layout();
    let (m_up, m_down) = (layout.neighbour(block, forward(m)), layout.neighbour(block, backward(m)));
    let (n_up, n_down) = (layout.neighbour(block, forward(n)), layout.neighbour(block, backward(n)));
    let m_down_n_up = layout.neighbour2(block, backward(m), forward(n));
    let both_down = layout.neighbour2(block, backward(m), backward(n));
    let m_up_n_down = layout.neighbour2(block, forward(m), backward(n));

    // (+m, +n, −m, −n)
    let there = links.at::<V>(block, m).mul(&links.next(m_up, n));
    let back = links.at::<V>(block, n).mul(&links.next(n_up, m));
    let mut q = there.mul_adjoint(&back);
    // (+n, −m, −n, +m)
    let there = links.at::<V>(block, n).mul_adjoint(&links.next(m_down_n_up, m));
    let back = links.next::<V>(m_down, n).adjoint_mul(&links.next(m_down, m));
    q = there.mul_add(&back, &q);
    // (−m, −n, +m, +n)
    let there = links.next::<V>(both_down, n).mul(&links.next(m_down, m));
    let back = links.next::<V>(both_down, m).mul(&links.next(n_down, n));
    q = there.adjoint_mul_add(&back, &q);
    // (−n, +m, +n, −m)
    let there = links.next::<V>(n_down, n).adjoint_mul(&links.next(n_down, m));
    let back = links.at::<V>(block, m).mul_adjoint(&links.next(m_up_n_down, n));
    q = there.mul_adjoint_add(&back, &q);

    let eighth = V::splat(0.125);
    (q - q.adjoint()).scale(eighth)
}
