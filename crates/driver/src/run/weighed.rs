//! The action that draws of flows are weighed with: the gauge action, and −2 ln |det D| where the determinant of two flavours
//! is a term of it.

use super::engine::Engine;
use crate::config::Determinant;
use crate::error::DriverError;
use gaugelink_lattice::GaugeField;
use gaugelink_physics::dirac::Quark;
use gaugelink_physics::observable::ln_determinant;
use gaugelink_sampler::independence::ActionOf;
use gaugelink_sampler::transformation::TransformationError;

impl<const N: usize> Engine<'_, N> {
    pub(super) fn weighed_action(&self) -> Result<Box<ActionOf<'static, N>>, DriverError> {
        let (gauge, dims) = (self.action()?, self.u.lattice().dims());
        let of_action = self.setting.file.fermions.as_ref().filter(|f| f.determinant == Determinant::Exact);
        let quark = of_action.map(|fermions| fermions.quark(dims));
        Ok(Box::new(move |u: &GaugeField<f64, N>| with_quarks(gauge.value(u), u, quark)))
    }
}

/// The gauge action of each chain, with the determinant of two flavours where there are such.
///
/// # Errors
/// As [`ln_determinant`].
pub(crate) fn with_quarks<const N: usize>(
    mut action: Vec<f64>,
    u: &GaugeField<f64, N>,
    quark: Option<Quark>,
) -> Result<Vec<f64>, TransformationError> {
    let Some(quark) = quark else { return Ok(action) };
    let ln_det = match u.lattice().dims() {
        2 => ln_determinant::<N, 1>(u, quark),
        _ => ln_determinant::<N, 2>(u, quark),
    }?;
    action.iter_mut().zip(ln_det).for_each(|(action, ln_det)| *action -= 2.0 * ln_det);
    Ok(action)
}
