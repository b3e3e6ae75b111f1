//! U(1), SU(2), SU(3) and their algebras, over any number type.
//!
//! The group is named by its matrix size: `N = 1` is U(1), `N = 2` SU(2), `N = 3` SU(3) (files may also carry
//! SU(4)). Generators are anti-Hermitian with tr T_a T_b = −½ δ_ab for N > 1: T_a = −(i/2) λ_a with the Pauli or
//! Gell-Mann matrices; for U(1) the one generator is i, so that an algebra element is i times an angle.

mod algebra;
mod exponential;
mod matrix;
mod reunitarise;

pub use algebra::{ALGEBRA_MAX, algebra_dim, from_coordinates, to_coordinates, traceless_antihermitian};
pub use exponential::exponential;
pub use matrix::Matrix;
pub(crate) use matrix::matrix;
pub use reunitarise::reunitarise;

/// "U(1)", "SU(2)", ...
pub fn group_name(n: usize) -> String {
    if n == 1 { "U(1)".into() } else { format!("SU({n})") }
}
