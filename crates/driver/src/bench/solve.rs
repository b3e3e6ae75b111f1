//! Solvers of D x = b near the critical mass, on thermalised configurations.
//!
//! Masses are distances to the critical mass of the configuration itself, m_c = −min Re λ(D(0)). Of the configurations one
//! has charge 1 and with it a real mode, which is what a mass can come near to; the other has charge 0, and its lowest modes
//! are complex pairs, which no mass reaches.

use super::Line;
use super::stage::Session;
use crate::error::DriverError;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Complex, GaugeField, Lattice};
use gaugelink_physics::dirac::{
    Boundary, MultigridParameters, MultigridSolver, Sap, SapParameters, Schur, Spectrum, SpinorField, Wilson,
};
use gaugelink_physics::observable::{plaquette, topological_charge};
use gaugelink_physics::smear::GradientFlow;
use gaugelink_physics::solver::{
    ConjugateGradient, Gmres, LinearOperator, MixedBiCgStab, Rounded, SolveError, SolveReport, Stopping,
    Wanted,
};
use gaugelink_physics::update::{HeatBath, Overrelaxation};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

/// Where it is done if not told otherwise.
pub(super) const VOLUME: [usize; 4] = [8, 8, 8, 16];
/// Sources for each mass if not told otherwise.
pub const SOURCES: usize = 10;

const BETA: f64 = 6.0;
const CSW: f64 = 1.0;
/// Overrelaxation sweeps after each heat bath sweep.
const OVERRELAXATION: usize = 4;
/// Time and step of the flow before the charge is taken.
const FLOW: (f64, usize) = (0.02, 150);
/// A mass near those in question, from which the lowest modes are searched.
const NEAR: f64 = -0.5;
const TOLERANCE: f64 = 1e-8;
const ITERATIONS: usize = 20_000;
/// Iterations between restarts of flexible GMRES.
const RESTART: usize = 30;

type Spinor<T> = SpinorField<T, 3>;
type Solved = Result<SolveReport, SolveError>;

/// Seed and updates from the cold start of each configuration: on [`VOLUME`] these have charge 1 and 0.
const CONFIGURATIONS: [(u64, u64); 2] = [(30, 140), (17, 200)];
/// m − m_c.
const DISTANCES: [f64; 4] = [0.02, 0.01, 0.005, 0.002];
/// Eigenvalues that the leftmost is looked for in.
const MODES: usize = 6;

/// Solves by all solvers, for so many sources at each mass, and tells of each.
pub(super) fn run(
    lattice: &Arc<Lattice>,
    sources: usize,
    session: &mut Session<'_>,
) -> Result<(), DriverError> {
    let extents = lattice.geometry().extents();
    // Aggregates of 4⁴ sites, less on small lattices.
    let block = extents.map(|extent| (extent / 2).min(4));
    let usual = MultigridParameters::default();
    for (seed, updates) in CONFIGURATIONS {
        let u = thermalised(lattice, seed, updates)?;
        let mut smooth = u.duplicate()?;
        GradientFlow::wilson(lattice)?.run(&mut smooth, FLOW.0, FLOW.1, FLOW.1)?;
        let charge = topological_charge(&smooth)?[0];
        let leftmost = leftmost(&u)?;
        let volume = extents.map(|extent| extent.to_string()).join("x");
        let bench = Bench {
            name: format!("solve {volume} |Q|={:.0}", charge.abs()),
            threads: lattice.pool().threads(),
            sources,
            sap: SapParameters { block, ..SapParameters::default() },
            multigrid: MultigridParameters { block, ..usual },
        };
        for (metric, value) in [
            ("plaquette", plaquette(&u)[0]),
            ("charge", charge),
            ("critical_mass", -leftmost.re),
            ("imaginary_part", leftmost.im.abs()),
        ] {
            session.tell(Line::new(&bench.name, metric, value, "", bench.threads))?;
        }
        for distance in DISTANCES {
            bench.at(&u, distance, -leftmost.re + distance, session)?;
        }
    }
    Ok(())
}

/// Links of Wilson's action after so many heat bath and overrelaxation updates of the cold start.
fn thermalised(lattice: &Arc<Lattice>, seed: u64, updates: u64) -> Result<GaugeField<f64, 3>, DriverError> {
    let mut u = GaugeField::cold(lattice)?;
    for update in 0..updates {
        HeatBath { beta: BETA }.sweep(&mut u, Address::new(seed, Purpose::HeatBath).trajectory(update))?;
        (0..OVERRELAXATION).try_for_each(|_| Overrelaxation.sweep(&mut u))?;
    }
    Ok(u)
}

/// The eigenvalue of D(0) with the least real part.
fn leftmost(u: &GaugeField<f64, 3>) -> Result<Complex<f64>, DriverError> {
    let d = Wilson::<f64, 3>::new(u, NEAR, Boundary::periodic())?.with_clover(CSW)?;
    let wanted = Wanted { count: MODES, tolerance: 1e-7, vectors: 100 };
    let found = d
        .low_modes(Spectrum::Dirac, &wanted, 1, |_| ControlFlow::Continue(()))
        .map_err(|error| DriverError::Input(format!("bench solve: the critical mass: {error}")))?;
    let values = found.values.iter().map(|values| Complex::new(values[0].re - NEAR, values[0].im));
    values
        .min_by(|a, b| a.re.total_cmp(&b.re))
        .ok_or_else(|| DriverError::Input("bench solve: no mode was found".into()))
}

/// What a solver's solves took together.
#[derive(Default)]
struct Total {
    iterations: f64,
    d_equivalents: f64,
    seconds: f64,
    residual: f64,
}

/// One configuration's solves.
struct Bench {
    name: String,
    threads: usize,
    sources: usize,
    sap: SapParameters,
    multigrid: MultigridParameters,
}

impl Bench {
    /// All solvers at one mass.
    fn at(
        &self,
        u: &GaugeField<f64, 3>,
        distance: f64,
        mass: f64,
        session: &mut Session<'_>,
    ) -> Result<(), DriverError> {
        let single = u.converted::<f32>()?;
        let d = Wilson::new(u, mass, Boundary::periodic())?.with_clover(CSW)?;
        let low = d.on(&single)?;
        let (schur, low_schur) = (Schur::odd(&d)?, Schur::odd(&low)?);
        let stop = Stopping { iterations: ITERATIONS, ..Stopping::at(TOLERANCE) };
        let operations = LinearOperator::flops(&d);
        let case = |solver: &str| format!("{} m_c+{distance} {solver}", self.name);

        let mut bicgstab = MixedBiCgStab::new(&schur, &low_schur)?;
        let total = self.solves(&d, |x, b| {
            schur.solve(x, b, |schur, x, c| bicgstab.solve((schur, &low_schur), x, c, &stop))
        })?;
        self.tell(&case("bicgstab-eo-mixed"), &total, (0.0, 0.0), session)?;

        let mut cg = ConjugateGradient::new(&schur)?;
        let total =
            self.solves(&d, |x, b| schur.solve(x, b, |schur, x, c| cg.solve_direct(schur, x, c, &stop)))?;
        self.tell(&case("cg-eo"), &total, (0.0, 0.0), session)?;

        let start = Instant::now();
        let mut sap = Rounded::new(Sap::new(&low, self.sap)?, &low)?;
        let setup = start.elapsed().as_secs_f64();
        let mut gmres = Gmres::new(&d, RESTART)?;
        let total = self.solves(&d, |x, b| gmres.solve_preconditioned(&d, &mut sap, x, b, &stop))?;
        self.tell(&case("sap-gmres"), &total, (setup, 0.0), session)?;

        let mut multigrid = MultigridSolver::new(&d, &low, self.multigrid)?;
        let setup = (multigrid.setup().seconds, multigrid.setup().flops / operations);
        let total = self.solves(&d, |x, b| multigrid.solve(x, b, &stop))?;
        self.tell(&case("multigrid"), &total, setup, session)
    }

    /// Solves for all sources. A solve that did not converge counts with what it did: its residual tells.
    fn solves(
        &self,
        d: &Wilson<'_, f64, 3>,
        mut solve: impl FnMut(&mut Spinor<f64>, &Spinor<f64>) -> Solved,
    ) -> Result<Total, DriverError> {
        let (mut b, mut x, mut r) = (d.vector()?, d.vector()?, d.vector()?);
        let mut total = Total::default();
        for source in 0..self.sources {
            b.set_gaussian(Address::new(1, Purpose::Source).sample(1000 + source as u64));
            x.fill(0.0);
            let start = Instant::now();
            let report = match solve(&mut x, &b) {
                Ok(report) => report,
                Err(error) => match error.report() {
                    Some(report) => report.clone(),
                    None => return Err(DriverError::Input(format!("bench solve: {error}"))),
                },
            };
            total.seconds += start.elapsed().as_secs_f64();
            total.iterations += report.iterations as f64;
            total.d_equivalents += report.flops / LinearOperator::flops(d);
            d.apply(&mut r, &x);
            r.as_mut_slice().iter_mut().zip(b.as_slice()).for_each(|(r, b)| *r -= b);
            total.residual = total.residual.max((r.norm2()[0] / b.norm2()[0]).sqrt());
        }
        Ok(total)
    }

    /// Means for each source, without and with the set-up shared among them.
    fn tell(
        &self,
        case: &str,
        total: &Total,
        setup: (f64, f64),
        session: &mut Session<'_>,
    ) -> Result<(), DriverError> {
        let sources = self.sources as f64;
        for (metric, value, unit) in [
            ("iterations", total.iterations / sources, "a solve"),
            ("d_equivalents", total.d_equivalents / sources, "a solve"),
            ("seconds", total.seconds / sources, "s"),
            ("with_setup", (total.seconds + setup.0) / sources, "s"),
            ("setup_seconds", setup.0, "s"),
            ("setup_d_equivalents", setup.1, ""),
            ("residual", total.residual, "the largest"),
        ] {
            session.tell(Line::new(case, metric, value, unit, self.threads))?;
        }
        Ok(())
    }
}
