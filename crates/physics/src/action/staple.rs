//! The staple sum: what closes a link to its plaquettes.

use gaugelink_lattice::{LinkSource, Matrix, Num, backward, forward};

/// A_mu(x), the sum over nu ≠ mu and both orientations of the three links from x + mu back to x that close a
/// plaquette with U_mu(x), so that tr(U_mu(x) A_mu(x)) sums the plaquettes through the link:
///
/// A = Σ_nu U_nu(x+mu) \[U_nu(x) U_mu(x+nu)\]† + \[U_mu(x−nu) U_nu(x−nu+mu)\]† U_nu(x−nu).
///
/// A site body; ghosts must be filled.
#[inline(always)]
pub fn staple<V: Num, const N: usize>(links: &impl LinkSource<V, N>, dims: usize, mu: usize) -> Matrix<V, N> {
    let mut sum = Matrix::zero();
    for nu in 0..dims {
        if nu == mu {
            continue;
        }
        let over = links.here(nu).mul(&links.beside(forward(nu), mu));
        sum = links.beside(forward(mu), nu).mul_adjoint_add(&over, &sum);
        links.done();
        let under = links.beside(backward(nu), mu).mul(&links.corner([backward(nu), forward(mu)], nu));
        sum = under.adjoint_mul_add(&links.beside(backward(nu), nu), &sum);
        links.done();
    }
    sum
}
