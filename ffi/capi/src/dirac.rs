//! Section "Wilson's Dirac operator".

use crate::boundary::{entries, get, get_mut};
use crate::error::{Failure, Result};
use crate::gauge::{Gauge, Links};
use crate::group::mixed;
use crate::lattice::same;
use crate::precond::{Lent, Precond};
use crate::spinor::{Spinor, Spinors};
use crate::structs::{options, report};
use gaugelink_lattice::{DIM_MAX, GaugeField};
use gaugelink_physics::dirac::{Boundary, Described, Schur, SpinorField, Wilson};
use gaugelink_physics::solver::{
    BiCgStab, ConjugateGradient, Gmres, LinearOperator, SolveError, SolveReport, Stopping,
};
use gaugelink_plugin_sdk::{Dirac, Extensible, raw, read_sized};
use std::ptr::null_mut;

/// `gaugelink_solve_options`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Options {
    size: u32,
    solver: i32,
    tolerance: f64,
    max_iterations: u32,
    pad0: u32,
    precond: *mut Precond,
}

impl Default for Options {
    fn default() -> Self {
        let solver = BICGSTAB;
        Self { size: 0, solver, tolerance: 0.0, max_iterations: 0, pad0: 0, precond: null_mut() }
    }
}

/// `gaugelink_solve_report`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Report {
    size: u32,
    iterations: u32,
    residual: f64,
    seconds: f64,
    flops: f64,
}

// SAFETY: begins with its size, no padding, zero is a value.
unsafe impl Extensible for Options {}
// SAFETY: as above.
unsafe impl Extensible for Report {}

const BICGSTAB: i32 = 0;
const CONJUGATE_GRADIENT: i32 = 1;
const GMRES: i32 = 2;
/// Iterations of GMRES between restarts.
const RESTART: usize = 30;

/// The operator that the host describes.
#[derive(Clone, Copy)]
struct Operator {
    target: Described,
    boundary: Boundary,
}

impl Operator {
    /// # Safety
    /// NULL, or as far valid as the header says.
    unsafe fn of(op: *const raw::glk_dirac, given: *const f64) -> Result<Self> {
        // SAFETY: the caller's promise.
        let (op, turns) = unsafe { (description(op)?, phases(given)) };
        Ok(Self { target: Described::new(&op)?, boundary: Boundary::from_turns(turns)? })
    }
    fn wilson<'u, const N: usize>(&self, u: &'u GaugeField<f64, N>) -> Result<Wilson<'u, f64, N>> {
        Ok(self.target.operator(u, self.boundary)?)
    }
    fn apply<const N: usize>(
        &self,
        u: &GaugeField<f64, N>,
        input: &SpinorField<f64, N>,
        out: &mut SpinorField<f64, N>,
    ) -> Result<()> {
        let wilson = self.wilson(u)?;
        match self.target.dagger {
            false => wilson.apply(out, input),
            true => wilson.apply_dagger(out, input),
        }
        rescale(out, 1.0 / self.target.scale);
        Ok(())
    }
    /// D† = γ5 D γ5: its solve is one with D.
    fn solve<const N: usize>(
        &self,
        u: &GaugeField<f64, N>,
        x: &mut SpinorField<f64, N>,
        b: &SpinorField<f64, N>,
        options: &Options,
        precond: Option<&mut Precond>,
    ) -> Result<(Report, Result<SolveReport, SolveError>)> {
        let wilson = self.wilson(u)?;
        let mut rhs = b.duplicate()?;
        rescale(&mut rhs, self.target.scale);
        // Zero is the solution for zero, and no start away from it is near by the measure of the right-hand side.
        let norm2 = rhs.norm2()[0];
        if norm2 == 0.0 {
            x.fill(0.0);
        }
        if self.target.dagger {
            rhs.apply_gamma5();
            x.apply_gamma5();
        }
        // It approximates the host's D†⁻¹ then, and its adjoint what is solved with.
        let precond = precond.map(|precond| precond.lent(self.target.dagger)).transpose()?;
        let result = solve(&wilson, x, &rhs, options, precond)?;
        let mut rest = SpinorField::zeroed(u.lattice())?;
        wilson.apply(&mut rest, x);
        rest.as_mut_slice().iter_mut().zip(rhs.as_slice()).for_each(|(r, b)| *r -= b);
        let residual = if norm2 == 0.0 { 0.0 } else { (rest.norm2()[0] / norm2).sqrt() };
        if self.target.dagger {
            x.apply_gamma5();
        }
        let done = match &result {
            Ok(report) => Some(report),
            Err(error) => error.report(),
        };
        let report = Report {
            iterations: done.map_or(0, |r| r.iterations as u32),
            residual,
            seconds: done.map_or(0.0, |r| r.seconds),
            flops: done.map_or(0.0, |r| r.flops),
            ..Report::default()
        };
        Ok((report, result))
    }
}

/// The host's description of an operator.
///
/// # Safety
/// NULL, or readable as far as its size says.
pub unsafe fn description(op: *const raw::glk_dirac) -> Result<Dirac> {
    // SAFETY: the caller's promise.
    unsafe { read_sized(get(op, "op")?) }
        .ok_or_else(|| Failure::invalid("op->size is not set; set it to sizeof(glk_dirac)"))
}

/// Phases / 2π at the edges, NULL for periodic.
///
/// # Safety
/// NULL or four numbers.
pub unsafe fn phases(given: *const f64) -> [f64; DIM_MAX] {
    if given.is_null() {
        return [0.0; DIM_MAX];
    }
    // SAFETY: the caller's promise.
    unsafe { given.cast::<[f64; DIM_MAX]>().read() }
}

fn rescale<const N: usize>(psi: &mut SpinorField<f64, N>, factor: f64) {
    if factor != 1.0 {
        psi.as_mut_slice().iter_mut().for_each(|x| *x *= factor);
    }
}

/// On the even-odd form where the lattice has one; GMRES on D itself, which is what plugins precondition.
fn solve<const N: usize>(
    wilson: &Wilson<'_, f64, N>,
    x: &mut SpinorField<f64, N>,
    b: &SpinorField<f64, N>,
    options: &Options,
    precond: Option<Lent<'_>>,
) -> Result<Result<SolveReport, SolveError>> {
    let defaults = Stopping::default();
    if !(0.0..1.0).contains(&options.tolerance) {
        return Err(Failure::invalid(format!(
            "tolerance is {}: give one from 0, which stands for {:e}, to below 1",
            options.tolerance, defaults.tolerance
        )));
    }
    let stop = Stopping {
        tolerance: if options.tolerance > 0.0 { options.tolerance } else { defaults.tolerance },
        iterations: match options.max_iterations {
            0 => defaults.iterations,
            n => n as usize,
        },
        ..defaults
    };
    fn run<A: LinearOperator<f64, Vector = SpinorField<f64, N>>, const N: usize>(
        a: &A,
        x: &mut SpinorField<f64, N>,
        b: &SpinorField<f64, N>,
        solver: i32,
        stop: &Stopping,
    ) -> Result<SolveReport, SolveError> {
        match solver {
            CONJUGATE_GRADIENT => ConjugateGradient::new(a)?.solve_direct(a, x, b, stop),
            _ => BiCgStab::new(a)?.solve(a, x, b, stop),
        }
    }
    if options.solver == GMRES {
        let mut gmres = Gmres::new(wilson, RESTART)?;
        return Ok(match precond {
            Some(mut precond) => gmres.solve_preconditioned(wilson, &mut precond, x, b, &stop),
            None => gmres.solve(wilson, x, b, &stop),
        });
    }
    Ok(match Schur::odd(wilson) {
        Ok(schur) => schur.solve(x, b, |s, x, c| run(s, x, c, options.solver, &stop)),
        Err(_) => run(wilson, x, b, options.solver, &stop),
    })
}

/// The same code for every group of links and two spinors.
macro_rules! with_spinors {
    ($gauge:expr, $first:expr, $second:expr, ($u:ident, $a:ident, $b:ident) => $body:expr) => {
        match (&$gauge.links, &mut $first.field, &$second.field) {
            (Links::U1($u), Spinors::U1($a), Spinors::U1($b)) => $body,
            (Links::Su2($u), Spinors::Su2($a), Spinors::Su2($b)) => $body,
            (Links::Su3($u), Spinors::Su3($a), Spinors::Su3($b)) => $body,
            (u, a, b) => {
                let other = if u.colours() == a.colours() { b.colours() } else { a.colours() };
                Err(mixed(u.colours(), other))
            }
        }
    };
}

entries! {
    fn gaugelink_dirac_apply(
        gauge: *const Gauge,
        op: *const raw::glk_dirac,
        bc_phase: *const f64,
        input: *const Spinor,
        out: *mut Spinor,
    ) {
        let operator = Operator::of(op, bc_phase)?;
        if std::ptr::eq(input, out) {
            return Err(Failure::invalid("in and out are the same spinor; use two"));
        }
        let (gauge, input, out) = (get(gauge, "gauge")?, get(input, "in")?, get_mut(out, "out")?);
        same(gauge.lattice(), input.lattice())?;
        same(gauge.lattice(), out.lattice())?;
        with_spinors!(gauge, out, input, (u, a, b) => operator.apply(u, b, a))?;
        out.changed();
        Ok(())
    }
    fn gaugelink_dirac_solve(
        gauge: *const Gauge,
        op: *const raw::glk_dirac,
        bc_phase: *const f64,
        x: *mut Spinor,
        b: *const Spinor,
        given: *const Options,
        out: *mut Report,
    ) {
        let (operator, given) = (Operator::of(op, bc_phase)?, options(given)?);
        if ![BICGSTAB, CONJUGATE_GRADIENT, GMRES].contains(&given.solver) {
            let solver = given.solver;
            return Err(Failure::invalid(format!("solver is {solver}; BICGSTAB (0), CG (1), GMRES (2) are here")));
        }
        if !given.precond.is_null() && given.solver != GMRES {
            return Err(Failure::invalid("precond is for solver GMRES (2); the others take none"));
        }
        if std::ptr::eq(x, b) {
            return Err(Failure::invalid("x and b are the same spinor; use two"));
        }
        let (gauge, x, b) = (get(gauge, "gauge")?, get_mut(x, "x")?, get(b, "b")?);
        same(gauge.lattice(), x.lattice())?;
        same(gauge.lattice(), b.lattice())?;
        let precond = given.precond.as_mut();
        let (done, result) = with_spinors!(gauge, x, b, (u, a, b) => operator.solve(u, a, b, &given, precond))?;
        x.changed();
        if !out.is_null() {
            report(out, &done)?;
        }
        result?;
        Ok(())
    }
}
