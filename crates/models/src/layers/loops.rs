//! Weighted staples, and the way back through them: site bodies shared by stout smearing and masked residual layers.
//!
//! The staple sum of U_mu(x) is Σ(x) = Σ_nu ρ⁺_nu S⁺_nu + ρ⁻_nu S⁻_nu, with S± the three links from x + mu back to x on
//! the side of ±nu, so that P = U Σ sums loops. A loss moves with it as δL = Σ_x Re tr(Θ(x) δΣ(x)); the links of the
//! staples then move L as Re tr of loops in which the link U_mu(x) is replaced by Θ(x).

use gaugelink_lattice::{
    DIM_MAX, FieldReader, Lanes, LinkReader, LinkSource, Matrix, Neighbour, Num, Real, backward, forward,
};

/// ρ of the staples of one direction's links: \[nu\]\[side +, −\].
pub type Weights = [[f64; 2]; DIM_MAX];

/// Matrices Θ of active links, as kernels read them; `component` is where those of the direction at hand begin.
#[derive(Clone, Copy)]
pub struct Duals<'a, T, const N: usize> {
    pub field: FieldReader<'a, T>,
    pub component: usize,
}

impl<T: Real, const N: usize> Duals<'_, T, N> {
    #[inline(always)]
    fn at<V: Lanes<Scalar = T>>(&self, block: usize) -> Matrix<V, N> {
        self.field.matrix(block, self.component)
    }
    #[inline(always)]
    fn next<V: Lanes<Scalar = T>>(&self, at: Neighbour) -> Matrix<V, N> {
        self.field.matrix_at(at, self.component)
    }
}

/// The weights as numbers of a kernel.
#[inline(always)]
pub fn splat<V: Num>(weights: &Weights) -> [[V; 2]; DIM_MAX] {
    let mut splat = [[V::splat(0.0); 2]; DIM_MAX];
    for nu in 0..DIM_MAX {
        for side in 0..2 {
            splat[nu][side] = V::splat(weights[nu][side]);
        }
    }
    splat
}

/// S⁺_nu or S⁻_nu of the link in direction `mu`.
#[inline(always)]
pub fn staple<V: Num, const N: usize>(
    links: &impl LinkSource<V, N>,
    (mu, nu): (usize, usize),
    below: bool,
) -> Matrix<V, N> {
    if below {
        let under = links.beside(backward(nu), mu).mul(&links.corner([backward(nu), forward(mu)], nu));
        under.adjoint_mul(&links.beside(backward(nu), nu))
    } else {
        let over = links.here(nu).mul(&links.beside(forward(nu), mu));
        links.beside(forward(mu), nu).mul_adjoint(&over)
    }
}

/// Σ of the link in direction `mu`.
#[inline(always)]
pub fn staple_sum<V: Num, const N: usize>(
    links: &impl LinkSource<V, N>,
    dims: usize,
    mu: usize,
    weights: &[[V; 2]; DIM_MAX],
) -> Matrix<V, N> {
    let mut sum = Matrix::zero();
    for nu in 0..dims {
        if nu != mu {
            for side in 0..2 {
                sum = sum + staple(links, (mu, nu), side == 1).scale(weights[nu][side]);
                links.done();
            }
        }
    }
    sum
}

/// Y with δL = Re tr(δU_nu(y) Y) from the staples of links in direction `mu` ≠ nu at y and at y − mu + nu.
#[inline(always)]
pub fn across_same_parity<V: Lanes, const N: usize>(
    links: &LinkReader<'_, V::Scalar, N>,
    duals: &Duals<'_, V::Scalar, N>,
    block: usize,
    (mu, nu): (usize, usize),
    weights: &Weights,
) -> Matrix<V, N> {
    let layout = links.0.layout();
    let (ahead, up) = (layout.neighbour(block, forward(mu)), layout.neighbour(block, forward(nu)));
    // Θ(y) U_nu(y+mu) U_mu(y+nu)† U_nu(y)†
    let right = links.next::<V>(ahead, nu).mul_adjoint(&links.next(up, mu));
    let own = duals.at::<V>(block).mul(&right).scale(V::splat(weights[nu][0]));
    // Θ(y−mu+nu) U_nu(y)† U_mu(y−mu)† U_nu(y−mu)
    let back = layout.neighbour(block, backward(mu));
    let back_up = layout.neighbour2(block, backward(mu), forward(nu));
    let left = links.next::<V>(back, mu).adjoint_mul(&links.next(back, nu));
    let other = left.mul(&duals.next(back_up)).scale(V::splat(weights[nu][1]));
    (own + other).adjoint()
}

/// Y with δL = Re tr(δU_nu(y) Y) from the staples of links in direction `mu` ≠ nu at y − mu and at y + nu.
#[inline(always)]
pub fn across_other_parity<V: Lanes, const N: usize>(
    links: &LinkReader<'_, V::Scalar, N>,
    duals: &Duals<'_, V::Scalar, N>,
    block: usize,
    (mu, nu): (usize, usize),
    weights: &Weights,
) -> Matrix<V, N> {
    let layout = links.0.layout();
    // Θ(y−mu) U_nu(y) U_mu(y−mu+nu)† U_nu(y−mu)†
    let back = layout.neighbour(block, backward(mu));
    let back_up = layout.neighbour2(block, backward(mu), forward(nu));
    let over = links.next::<V>(back, nu).mul(&links.next(back_up, mu));
    let behind = over.adjoint_mul(&duals.next(back)).scale(V::splat(weights[nu][0]));
    // Θ(y+nu) U_nu(y+mu)† U_mu(y)† U_nu(y)
    let (ahead, up) = (layout.neighbour(block, forward(mu)), layout.neighbour(block, forward(nu)));
    let under = links.at::<V>(block, mu).mul(&links.next(ahead, nu));
    behind + duals.next::<V>(up).mul_adjoint(&under).scale(V::splat(weights[nu][1]))
}

/// Y with δL = Re tr(δU_mu(y) Y) from the staples in the planes of `nu` of the links in the same direction at y ∓ nu.
#[inline(always)]
pub fn along<V: Lanes, const N: usize>(
    links: &LinkReader<'_, V::Scalar, N>,
    duals: &Duals<'_, V::Scalar, N>,
    block: usize,
    (mu, nu): (usize, usize),
    weights: &Weights,
) -> Matrix<V, N> {
    let layout = links.0.layout();
    // Θ(y−nu) U_nu(y−nu+mu) U_mu(y)† U_nu(y−nu)†
    let down = layout.neighbour(block, backward(nu));
    let down_ahead = layout.neighbour2(block, backward(nu), forward(mu));
    let right = duals.next::<V>(down).mul(&links.next(down_ahead, nu));
    let below = links.next::<V>(down, nu).adjoint_mul(&right).scale(V::splat(weights[nu][0]));
    // Θ(y+nu) U_nu(y+mu)† U_mu(y)† U_nu(y)
    let (ahead, up) = (layout.neighbour(block, forward(mu)), layout.neighbour(block, forward(nu)));
    let right = duals.next::<V>(up).mul_adjoint(&links.next(ahead, nu));
    let above = links.at::<V>(block, nu).mul(&right).scale(V::splat(weights[nu][1]));
    (below + above).adjoint()
}
