//! Heat bath.

use super::kennedy_pendleton::draw_rotation;
use super::quaternion::Quaternion;
use super::streams::Streams;
use super::sweep::{Choice, forms, sweep};
use super::von_mises::draw_phase;
use crate::PhysicsError;
use gaugelink_lattice::number::Compiled;
use gaugelink_lattice::rng::{Address, Generator, Purpose};
use gaugelink_lattice::{Complex, GaugeField, Lanes, Layout};

/// The heat bath of Wilson's action: each link is drawn from its exact distribution given all others.
///
/// U(1): von Mises; SU(2): Kennedy–Pendleton; SU(3): the same in three SU(2) subgroups in turn (Cabibbo–Marinari).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeatBath {
    /// Inverse coupling of [`crate::action::WilsonAction`].
    pub beta: f64,
}

impl HeatBath {
    /// Updates every link once. Collective.
    ///
    /// `address.trajectory` numbers the sweeps; its chain is that of the first in a batch; purpose and sample are set
    /// here. The same address gives the same links for any number of threads, ranks and lanes.
    ///
    /// # Errors
    /// [`PhysicsError::Geometry`] for an odd extent; [`PhysicsError::Parameter`] for a negative coupling.
    pub fn sweep<const N: usize>(
        &self,
        u: &mut GaugeField<f64, N>,
        address: Address,
    ) -> Result<(), PhysicsError> {
        if self.beta.is_nan() || self.beta < 0.0 {
            return Err(PhysicsError::Parameter(format!(
                "beta = {}: the heat bath needs 0 or more",
                self.beta
            )));
        }
        let chains = u.lattice().chains() as u64;
        let address = Address { purpose: Purpose::HeatBath, ..address };
        let of_direction = |mu: usize| {
            let address = address.sample(mu as u64);
            (0..chains).map(|chain| address.chain(address.chain + chain).generator()).collect()
        };
        // The weight of a link is exp(β Re(U A)) for U(1), and exp((β/N) Re tr(U A)), where the trace is twice the
        // quaternion's component 0.
        let coupling = if N == 1 { self.beta } else { 2.0 * self.beta / N as f64 };
        sweep(u, &Thermal { coupling, generators: (0..u.lattice().dims()).map(of_direction).collect() })
    }
}

/// Draws from the exact distribution.
struct Thermal {
    coupling: f64,
    /// `[direction][chain]`
    generators: Vec<Vec<Generator>>,
}

impl Choice for Thermal {
    fn compiled() -> &'static [Compiled; 3] {
        static FORMS: [Compiled; 3] = forms::<Thermal>();
        &FORMS
    }

    type Random = Streams;

    fn random(&self, layout: &Layout, block: usize, mu: usize) -> Streams {
        Streams::new(layout, &self.generators[mu], block)
    }

    #[inline(always)]
    fn phase<V: Lanes<Scalar = f64>>(
        &self,
        streams: &mut Streams,
        length: V,
        _old: Complex<V>,
    ) -> Complex<V> {
        draw_phase(streams, length * V::splat(self.coupling))
    }

    #[inline(always)]
    fn rotation<V: Lanes<Scalar = f64>>(
        &self,
        streams: &mut Streams,
        length: V,
        _old: Quaternion<V>,
    ) -> Quaternion<V> {
        draw_rotation(streams, length * V::splat(self.coupling))
    }
}
