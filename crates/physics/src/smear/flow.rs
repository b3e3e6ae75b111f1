//! The gradient flow, V̇ = −∂S(V) V with Lüscher's third-order Runge–Kutta steps (arXiv:1006.4518, appendix C): of Wilson's
//! action, or of one with rectangles.

use super::{FlowPoint, FlowTable};
use crate::PhysicsError;
use crate::action::{accumulate_rectangle_force, accumulate_staple_force, rectangle_workspace};
use crate::observable::{clover_energy, plaquette, plaquette_energy, topological_charge};
use gaugelink_lattice::{Field, GaugeField, Lattice, MomentumField};
use std::sync::Arc;

/// Steps along the flow, with the one algebra field they need.
///
/// With Z(W) = −ε Ta(W A(W)), or −ε Ta(W [(1 − 8 c₁) A + c₁ B]) with the paths B of
/// [`ImprovedAction`](crate::action::ImprovedAction): W₁ = exp(Z₀/4) W₀, W₂ = exp(8/9 Z₁ − 17/36 Z₀) W₁,
/// W₃ = exp(3/4 Z₂ − 8/9 Z₁ + 17/36 Z₀) W₂. Each exponent is 3/4 Z₂, or 8/9 Z₁, plus a multiple of the one before,
/// so each is one fused pass and nothing else is stored.
#[derive(Debug)]
pub struct GradientFlow<const N: usize> {
    exponent: MomentumField<f64, N>,
    /// c₁, and the workspace of the rectangles.
    rectangles: Option<(f64, Field<f64>)>,
}

impl<const N: usize> GradientFlow<N> {
    /// The flow of Wilson's action for fields on this lattice.
    ///
    /// # Errors
    /// No memory.
    pub fn wilson(lattice: &Arc<Lattice>) -> Result<Self, PhysicsError> {
        Ok(Self { exponent: MomentumField::zeroed(lattice)?, rectangles: None })
    }

    /// The flow of the action with coefficient c₁ of the rectangles.
    ///
    /// # Errors
    /// No memory.
    pub fn with_rectangles(lattice: &Arc<Lattice>, c1: f64) -> Result<Self, PhysicsError> {
        let workspace = rectangle_workspace::<N>(lattice)?;
        Ok(Self { rectangles: Some((c1, workspace)), ..Self::wilson(lattice)? })
    }

    /// One step of flow time `epsilon`. Collective.
    pub fn step(&mut self, u: &mut GaugeField<f64, N>, epsilon: f64) {
        // The first exponent, Z₀/4, enters the second as −17/36 Z₀ = −17/9 (Z₀/4).
        for (force, keep) in [(0.25, 0.0), (8.0 / 9.0, -17.0 / 9.0), (0.75, -1.0)] {
            let scale = -epsilon * force;
            match &mut self.rectangles {
                None => accumulate_staple_force(u, &mut self.exponent, scale, keep),
                Some((c1, workspace)) => {
                    accumulate_staple_force(u, &mut self.exponent, scale * (1.0 - 8.0 * *c1), keep);
                    accumulate_rectangle_force(u, &mut self.exponent, workspace, scale * *c1);
                }
            }
            u.drift(&self.exponent, 1.0);
        }
    }

    /// Flows `u` by `steps` steps and measures at the start and after every `every` steps and the last. Collective.
    ///
    /// # Errors
    /// [`PhysicsError::Parameter`] for a step that is not positive, or `every` 0.
    pub fn run(
        &mut self,
        u: &mut GaugeField<f64, N>,
        epsilon: f64,
        steps: usize,
        every: usize,
    ) -> Result<FlowTable, PhysicsError> {
        self.run_with(u, epsilon, steps, every, |_| true)
    }

    /// [`GradientFlow::run`] that tells `goes_on` of every step done and ends, with the points so far, where that answers
    /// false on all ranks. Collective.
    ///
    /// # Errors
    /// As [`GradientFlow::run`].
    pub fn run_with(
        &mut self,
        u: &mut GaugeField<f64, N>,
        epsilon: f64,
        steps: usize,
        every: usize,
        mut goes_on: impl FnMut(usize) -> bool,
    ) -> Result<FlowTable, PhysicsError> {
        if epsilon.is_nan() || epsilon <= 0.0 || every == 0 {
            return Err(PhysicsError::Parameter(format!(
                "a flow of steps {epsilon} measured every {every} steps: give a step above 0 (0.01 is common) and \
                 every 1 or more"
            )));
        }
        let mut points = vec![measure(u, 0.0)?];
        for step in 1..=steps {
            self.step(u, epsilon);
            if step % every == 0 || step == steps {
                points.push(measure(u, step as f64 * epsilon)?);
            }
            if !goes_on(step) {
                break;
            }
        }
        Ok(FlowTable { points })
    }
}

fn measure<const N: usize>(u: &GaugeField<f64, N>, time: f64) -> Result<FlowPoint, PhysicsError> {
    let scaled = |e: Vec<f64>| e.into_iter().map(|e| time * time * e).collect();
    Ok(FlowPoint {
        time,
        plaquette: plaquette(u),
        t2e_plaquette: scaled(plaquette_energy(u)),
        t2e_clover: scaled(clover_energy(u)),
        charge: if u.lattice().dims() == 4 { Some(topological_charge(u)?) } else { None },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{IWASAKI, SYMANZIK};
    use crate::naive::{constant_field, rough_field};
    use gaugelink_lattice::{Complex, LatticeOptions};

    /// U(1) in two dimensions, one plane wave U_y = exp(i a cos(kx)): for small a the flow is linear, and the wave
    /// decays as exp(−t k̂² (1 − c₁ k̂²)), k̂ = 2 sin(k/2), so plaquette angles, and 1 − plaquette, as its square.
    #[test]
    fn a_plane_wave_decays_as_the_heat_kernel() {
        for c1 in [0.0, SYMANZIK, IWASAKI] {
            check_decay(c1);
        }
    }

    fn check_decay(c1: f64) {
        let lattice = Lattice::new(&[8, 4], LatticeOptions::default()).unwrap();
        let mut u = GaugeField::<f64, 1>::cold(&lattice).unwrap();
        let k = std::f64::consts::TAU / 8.0;
        for block in 0..u.layout().blocks() {
            for lane in 0..u.layout().lanes() {
                let x = u.layout().site(block, lane)[0];
                let angle = 1e-4 * (k * x as f64).cos();
                u.set_link(
                    block,
                    1,
                    lane,
                    &gaugelink_lattice::Matrix([[Complex::new(angle.cos(), angle.sin())]]),
                );
            }
        }
        let energy = |u: &GaugeField<f64, 1>| clover_energy(u)[0];
        let start = energy(&u);
        let mut flow = match c1 {
            0.0 => GradientFlow::wilson(&lattice),
            c1 => GradientFlow::with_rectangles(&lattice, c1),
        }
        .unwrap();
        for _ in 0..50 {
            flow.step(&mut u, 0.02);
        }
        let k2 = (2.0 * (k / 2.0).sin()).powi(2);
        let expected = (-2.0 * k2 * (1.0 - c1 * k2)).exp();
        let ratio = energy(&u) / start;
        assert!((ratio / expected - 1.0).abs() < 1e-6, "c1 {c1}: decay {ratio} instead of {expected}");
    }

    /// Halving the step divides the error by 2³.
    #[test]
    fn steps_are_of_third_order() {
        let lattice = Lattice::new(&[4, 4, 4, 4], LatticeOptions::default()).unwrap();
        let start = rough_field::<3>(&lattice, 0.5);
        let improved = GradientFlow::with_rectangles(&lattice, SYMANZIK).unwrap();
        for mut flow in [GradientFlow::wilson(&lattice).unwrap(), improved] {
            let mut end = |steps: usize| {
                let mut u = start.duplicate().unwrap();
                (0..steps).for_each(|_| flow.step(&mut u, 0.32 / steps as f64));
                plaquette(&u)[0]
            };
            let [coarse, fine, exact] = [4, 8, 64].map(&mut end);
            let order = ((coarse - exact) / (fine - exact)).log2();
            assert!((order - 3.0).abs() < 0.4, "order {order}");
        }
    }

    #[test]
    fn constant_field_does_not_flow() {
        let lattice = Lattice::new(&[6, 8], LatticeOptions::default()).unwrap();
        let (mut u, phi) = constant_field(&lattice, 2);
        let mut flow = GradientFlow::wilson(&lattice).unwrap();
        let table = flow.run(&mut u, 0.1, 10, 4).unwrap();
        let times: Vec<f64> = table.points.iter().map(|p| p.time).collect();
        assert_eq!(times, [0.0, 0.4, 0.8, 1.0]);
        assert!((plaquette(&u)[0] - phi.cos()).abs() < 1e-14);
        assert!(flow.run(&mut u, 0.0, 10, 4).is_err() && flow.run(&mut u, 0.1, 10, 0).is_err());
    }
}
