//! The staple sum: what closes a link to its plaquettes.

use gaugelink_lattice::{Lanes, LinkReader, Matrix, backward, forward};

/// A_mu(x), the sum over nu ≠ mu and both orientations of the three links from x + mu back to x that close a
/// plaquette with U_mu(x), so that tr(U_mu(x) A_mu(x)) sums the plaquettes through the link:
///
/// A = Σ_nu U_nu(x+mu) \[U_nu(x) U_mu(x+nu)\]† + \[U_mu(x−nu) U_nu(x−nu+mu)\]† U_nu(x−nu).
///
/// A site body, to be called from kernels; ghosts must be filled.
#[inline(always)]
pub fn staple<V: Lanes, const N: usize>(
    links: &LinkReader<'_, V::Scalar, N>,
    dims: usize,
    block: usize,
    mu: usize,
) -> Matrix<V, N> {
    let layout = links.0.layout();
    let ahead = layout.neighbour(block, forward(mu));
    let mut sum = Matrix::zero();
    for nu in 0..dims {
        if nu == mu {
            continue;
        }
        let (up, down) = (layout.neighbour(block, forward(nu)), layout.neighbour(block, backward(nu)));
        let down_ahead = layout.neighbour2(block, backward(nu), forward(mu));
        let over = links.at::<V>(block, nu).mul(&links.next(up, mu));
        sum = links.next::<V>(ahead, nu).mul_adjoint_add(&over, &sum);
        let under = links.next::<V>(down, mu).mul(&links.next(down_ahead, nu));
        sum = under.adjoint_mul_add(&links.next(down, nu), &sum);
    }
    sum
}
