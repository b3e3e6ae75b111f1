//! Wilson's operator and its solver.

use super::Precision;
use super::stage::{Session, Stage, Work};
use super::timing::whole;
use crate::error::DriverError;
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, LatticeError, Real};
use gaugelink_physics::dirac::{Boundary, HOP_FLOPS_SU3, Schur, SpinorField, Wilson};
use gaugelink_physics::solver::{
    AT_ONCE, ConjugateGradient, LinearOperator, SolveError, SolveReport, Stopping,
};

/// The cases here: those with a choice of precision.
pub(super) const NAMES: [&str; 8] =
    ["dslash", "two-rows", "dirac", "dirac-12", "clover", "clover-12", "schur", "cg"];

/// Iterations of a timed solve.
const ITERATIONS: usize = 50;

/// Real numbers on a site: links, two rows of them, the clover term, and a spinor.
const LINKS: f64 = 72.0;
const TWO_ROWS: f64 = 48.0;
const CLOVER: f64 = 72.0;
const SPINOR: f64 = 24.0;

/// Times one of [`NAMES`] on a rough configuration.
pub(super) fn run<T: Real>(
    stage: &Stage<'_>,
    precision: Precision,
    session: &mut Session<'_>,
) -> Result<(), DriverError> {
    let lattice = stage.lattice;
    let links = GaugeField::<T, 3>::random(lattice, 0.3, Address::new(1, Purpose::Start))?;
    let d = Wilson::new(&links, 0.1, Boundary::antiperiodic())?;
    let mut psi = SpinorField::<T, 3>::zeroed(lattice)?;
    psi.set_gaussian(Address::new(1, Purpose::Source));
    let mut out = d.vector()?;
    let (sites, real) = (lattice.volume() as f64, size_of::<T>() as f64);
    let work = |flops: f64, reals: f64| Work { flops: Some(flops), bytes: Some(reals * real) };
    match stage.name {
        "dslash" => {
            let work = work(HOP_FLOPS_SU3 as f64, LINKS + 2.0 * SPINOR);
            session.time(stage, precision, work, &mut whole(|| d.hop(&mut out, &psi)))
        }
        "two-rows" => {
            let d = d.with_two_rows()?;
            // As all codes count: what the third rows cost beside is no use of its own.
            let work = work(HOP_FLOPS_SU3 as f64, TWO_ROWS + 2.0 * SPINOR);
            session.time(stage, precision, work, &mut whole(|| d.hop(&mut out, &psi)))
        }
        "dirac" => {
            let work = work(LinearOperator::flops(&d) / sites, LINKS + 2.0 * SPINOR);
            session.time(stage, precision, work, &mut whole(|| d.apply(&mut out, &psi)))
        }
        "clover" => {
            let d = d.with_clover(1.0)?;
            let work = work(LinearOperator::flops(&d) / sites, LINKS + CLOVER + 2.0 * SPINOR);
            session.time(stage, precision, work, &mut whole(|| d.apply(&mut out, &psi)))
        }
        "dirac-12" | "clover-12" => {
            let d = if stage.name == "clover-12" { d.with_clover(1.0)? } else { d };
            let fields = (1..=AT_ONCE as u64).map(|source| {
                let mut psi = d.vector()?;
                psi.set_gaussian(Address::new(source, Purpose::Source));
                Ok((d.vector()?, psi))
            });
            let mut fields = fields.collect::<Result<Vec<_>, LatticeError>>()?;
            let mut pairs: Vec<_> = fields.iter_mut().map(|(out, psi)| (out, &*psi)).collect();
            let each = AT_ONCE as f64;
            let matrices = LINKS + if d.csw() == 0.0 { 0.0 } else { CLOVER };
            // For one right-hand side.
            let work = work(LinearOperator::flops(&d) / sites, matrices / each + 2.0 * SPINOR);
            let mut all = whole(|| d.apply_each(&mut pairs));
            session.time(stage, precision, work, &mut || Ok(all()? / each))
        }
        "schur" => {
            let schur = Schur::odd(&d)?;
            let mut between = schur.vector()?;
            // Each of the four halves of the hop reads all links.
            let work = work(2.0 * schur.flops() / sites, 4.0 * LINKS + 4.0 * SPINOR);
            let mut run = whole(|| {
                schur.apply(&mut between, &psi);
                schur.apply_dagger(&mut out, &between);
            });
            session.time(stage, precision, work, &mut run)
        }
        _ => {
            let schur = Schur::odd(&d)?;
            let mut cg = ConjugateGradient::new(&schur)?;
            let stop = Stopping { tolerance: 0.0, iterations: ITERATIONS, patience: ITERATIONS };
            // The operator's, as all codes count; its bytes and those of vectors on half of the sites: ten are read or
            // written.
            let work = work(2.0 * schur.flops() / sites, 4.0 * LINKS + (4.0 + 5.0) * SPINOR);
            let mut run = || {
                out.as_mut_slice().fill(T::default());
                let report = report(cg.solve(&schur, &mut out, &psi, &stop))?;
                Ok(report.seconds / report.iterations.max(1) as f64)
            };
            session.time(stage, precision, work, &mut run)
        }
    }
}

/// What a solve did, however it ended: none is meant to converge here.
fn report(result: Result<SolveReport, SolveError>) -> Result<SolveReport, DriverError> {
    match result {
        Ok(report) => Ok(report),
        Err(SolveError::IterationLimit { report, .. } | SolveError::Stagnation { report, .. }) => Ok(*report),
        Err(error) => Err(DriverError::Input(error.to_string())),
    }
}
