//! Exact values of two-dimensional gauge theories on a periodic lattice: what a training and its chain are judged by.

mod sun;
mod u1;
mod u1_sum;

pub use sun::Sun;
pub use u1::U1;
pub use u1_sum::U1Sum;

/// A theory that can be summed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Theory {
    /// U(1)
    U1(U1),
    /// SU(2) or SU(3)
    Sun(Sun),
}

impl Theory {
    /// That of Wilson's action for N×N links on a lattice of these extents; none in other than two dimensions, and none for
    /// couplings beyond those for which the sums were made.
    pub fn wilson(n: usize, beta: f64, extents: &[usize]) -> Option<Self> {
        let volume = extents.iter().product();
        let (theory, most) = match n {
            1 => (Self::U1(U1 { beta, volume }), U1::LARGEST_BETA),
            _ => (Self::Sun(Sun { n, beta, volume }), Sun::LARGEST_BETA),
        };
        (extents.len() == 2 && beta.abs() <= most).then_some(theory)
    }

    /// ln ∫ dU e^{−S} with Haar measure normalised to 1.
    pub fn ln_z(&self) -> f64 {
        match self {
            Self::U1(u1) => u1.ln_z(),
            Self::Sun(sun) => sun.ln_z(),
        }
    }

    /// ⟨Re tr P⟩/N
    pub fn plaquette(&self) -> f64 {
        match self {
            Self::U1(u1) => u1.plaquette(),
            Self::Sun(sun) => sun.plaquette(),
        }
    }

    /// ⟨Q²⟩ of the geometric charge, which U(1) has.
    pub fn charge_squared(&self) -> Option<f64> {
        match self {
            Self::U1(u1) => Some(u1.charge_squared()),
            Self::Sun(_) => None,
        }
    }

    /// The effective sample size of a proposal without any training.
    pub fn untrained_sample_size(&self) -> f64 {
        match self {
            Self::U1(u1) => u1.untrained_sample_size(),
            Self::Sun(sun) => sun.untrained_sample_size(),
        }
    }
}
