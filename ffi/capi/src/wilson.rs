//! Section "Wilson's gauge action".

use crate::algebra::{Algebra, Coordinates};
use crate::boundary::{entries, get, get_mut};
use crate::gauge::{Gauge, Links};
use crate::group::{by_group, by_groups};
use crate::lattice::same;
use gaugelink_physics::action::{Action, WilsonAction};

entries! {
    fn gaugelink_wilson_action(gauge: *const Gauge, beta: f64, out: *mut f64) {
        let action = WilsonAction::new(beta);
        *get_mut(out, "out")? = by_group!(Links, &get(gauge, "gauge")?.links, u => action.value(u)[0]);
        Ok(())
    }
    fn gaugelink_wilson_force(gauge: *const Gauge, beta: f64, out: *mut Algebra) {
        let (gauge, out) = (get(gauge, "gauge")?, get_mut(out, "out")?);
        same(gauge.lattice(), out.lattice())?;
        by_groups!(Links, &gauge.links, u; Coordinates, &mut out.field, force => {
            force.fill(0.0);
            // A kick of −1 from rest is the gradient.
            WilsonAction::new(beta).kick(u, force, -1.0);
            Ok(())
        })
    }
}
