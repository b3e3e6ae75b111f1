//! Observables along the gradient flow, and the scales t₀ and w₀ that they set.

/// The value of t²E (t₀) and of t d(t²E)/dt (w₀) that defines the scales.
pub const REFERENCE: f64 = 0.3;

/// Observables at one flow time, each for each chain.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowPoint {
    /// Flow time in lattice units.
    pub time: f64,
    /// Average plaquette.
    pub plaquette: Vec<f64>,
    /// t²E from plaquettes.
    pub t2e_plaquette: Vec<f64>,
    /// t²E from clover leaves.
    pub t2e_clover: Vec<f64>,
    /// Clover charge, in four dimensions.
    pub charge: Option<Vec<f64>>,
}

/// Which lattice form of the energy density.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnergyForm {
    /// From plaquettes.
    Plaquette,
    /// From clover leaves.
    Clover,
}

/// Observables along the flow, in order of flow time.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowTable {
    /// One entry for each measured flow time.
    pub points: Vec<FlowPoint>,
}

impl FlowTable {
    /// t₀ in lattice units for one chain: where t²E first reaches [`REFERENCE`] (Lüscher, arXiv:1006.4518);
    /// interpolated linearly. `None` where the flow ends before.
    pub fn t0(&self, form: EnergyForm, chain: usize) -> Option<f64> {
        first_crossing(&self.curve(form, chain))
    }

    /// w₀ in lattice units for one chain: w₀² is where t d(t²E)/dt first reaches [`REFERENCE`] (BMW,
    /// arXiv:1203.4469); the derivative is taken between neighbouring points and interpolated linearly. `None` where
    /// the flow ends before.
    pub fn w0(&self, form: EnergyForm, chain: usize) -> Option<f64> {
        let curve = self.curve(form, chain);
        let slopes: Vec<(f64, f64)> = curve
            .windows(2)
            .map(|pair| {
                let ((t, e), (next_t, next_e)) = (pair[0], pair[1]);
                let middle = 0.5 * (t + next_t);
                (middle, middle * (next_e - e) / (next_t - t))
            })
            .collect();
        first_crossing(&slopes).map(f64::sqrt)
    }

    fn curve(&self, form: EnergyForm, chain: usize) -> Vec<(f64, f64)> {
        let energy = |p: &FlowPoint| match form {
            EnergyForm::Plaquette => p.t2e_plaquette[chain],
            EnergyForm::Clover => p.t2e_clover[chain],
        };
        self.points.iter().map(|p| (p.time, energy(p))).collect()
    }
}

/// Where a curve of (t, value) first rises through [`REFERENCE`].
fn first_crossing(curve: &[(f64, f64)]) -> Option<f64> {
    curve.windows(2).find_map(|pair| {
        let ((t, v), (next_t, next_v)) = (pair[0], pair[1]);
        let crosses = v < REFERENCE && next_v >= REFERENCE;
        crosses.then(|| t + (REFERENCE - v) / (next_v - v) * (next_t - t))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// t²E = c t², whose scales are known: t₀ = √(0.3/c), and t d/dt = 2c t² gives w₀² = √(0.15/c).
    fn parabola(c: f64, points: usize, step: f64) -> FlowTable {
        let point = |i: usize| {
            let time = i as f64 * step;
            FlowPoint {
                time,
                plaquette: vec![1.0],
                t2e_plaquette: vec![c * time * time],
                t2e_clover: vec![0.1],
                charge: None,
            }
        };
        FlowTable { points: (0..points).map(point).collect() }
    }

    #[test]
    fn scales_of_a_known_curve() {
        let table = parabola(0.05, 1000, 0.01);
        let (t0, w0) =
            (table.t0(EnergyForm::Plaquette, 0).unwrap(), table.w0(EnergyForm::Plaquette, 0).unwrap());
        assert!((t0 - 6f64.sqrt()).abs() < 1e-4, "t0 {t0}");
        assert!((w0 - 3f64.powf(0.25)).abs() < 1e-4, "w0 {w0}");
    }

    #[test]
    fn scales_that_the_flow_does_not_reach_are_none() {
        let table = parabola(0.05, 100, 0.01);
        assert_eq!((table.t0(EnergyForm::Plaquette, 0), table.w0(EnergyForm::Plaquette, 0)), (None, None));
        assert_eq!(parabola(0.05, 1000, 0.01).t0(EnergyForm::Clover, 0), None);
    }
}
