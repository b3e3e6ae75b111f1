//! Promises of a preconditioner: it brings the residual down, is linear and covariant, Hermitian where it says so, and
//! its adjoint is one.

use super::fields::{Setting, distance, numbers};
use super::layouts::{Argument, BATCH, Operation, rounded};
use super::log::{Log, Verdict};
use super::plane::Plane;
use super::rig::wilson as plain_wilson;
use super::wilson::wilson;
use super::{LENT, Subject, abi, layouts, setups};
use crate::{Exec, HostError, PrecondObject};
use gaugelink_plugin_sdk::{Dirac, Setup, View, ViewMut, raw};
use std::cell::RefCell;

struct Solver<'s> {
    object: RefCell<PrecondObject<'s>>,
    setting: Setting,
}

impl<'s> Solver<'s> {
    /// Set up for an operator.
    fn new(subject: &'s Subject, setting: &Setting, u: &'s [f64], dirac: &Dirac) -> Result<Self, HostError> {
        let mut object =
            PrecondObject::create(subject.plugin, subject.services, &subject.request(&setting.lattice))?;
        let links = View::gauge(u, &setting.lattice, setting.n).expect("a whole field");
        object.setup(Exec { threads: 1 }, &links, dirac, Setup::Reset)?;
        Ok(Self { object: RefCell::new(object), setting: setting.clone() })
    }
    fn spinor(&self, seed: u64) -> Vec<f64> {
        numbers(seed, self.setting.spinors().len(&self.setting.lattice))
    }
    fn run(&self, r: &[f64], threads: usize, dagger: bool) -> Result<Vec<f64>, HostError> {
        let (r, mut z) = (Plane::of(r), Plane::filled(0.0, r.len()));
        let [_, spins, n] = self.setting.spinors().extents;
        let from = View::spinor(&r, &self.setting.lattice, spins, n).expect("a whole field");
        let mut to = ViewMut::spinor(&mut z, &self.setting.lattice, spins, n).expect("a whole field");
        self.object.borrow_mut().apply(Exec { threads }, &from, &mut to, dagger)?;
        Ok(z.to_vec())
    }
    fn apply(&self, r: &[f64]) -> Result<Vec<f64>, HostError> {
        self.run(r, 1, false)
    }
}

/// ⟨a, b⟩, real and imaginary part.
fn inner(a: &[f64], b: &[f64]) -> [f64; 2] {
    a.chunks(2)
        .zip(b.chunks(2))
        .fold([0.0; 2], |[re, im], (a, b)| [re + a[0] * b[0] + a[1] * b[1], im + a[0] * b[1] - a[1] * b[0]])
}

/// gamma5 ψ: diag(1, 1, −1, −1) of the four spins.
fn gamma5(psi: &[f64], n: usize) -> Vec<f64> {
    let sign = |i: usize| if i / (2 * n) % 4 < 2 { 1.0 } else { -1.0 };
    psi.iter().enumerate().map(|(i, x)| sign(i) * x).collect()
}

pub(super) fn component(subject: &Subject, log: &mut Log) {
    let mut refusal = String::from("no lattice was tried");
    for setting in Setting::all().into_iter().rev() {
        let (u, g) = (setting.gauge(1), setting.transformation(2));
        let tried = Solver::new(subject, &setting, &u, &plain_wilson()).and_then(|solver| {
            let r = solver.spinor(3);
            solver.apply(&r).map(|_| solver)
        });
        match tried {
            Ok(solver) => {
                log.check("create", || Verdict::passed(format!("serves {}", setting.name())));
                abi::component(subject, &setting, log);
                let request = subject.request(&setting.lattice);
                if let Ok(object) = PrecondObject::create(subject.plugin, subject.services, &request) {
                    let object = RefCell::new(object);
                    let operations = [set_up_and_applied(&object, &setting)];
                    layouts::component(subject, &setting.lattice, &operations, true, log);
                }
                promises(&solver, subject, &u, &g, log);
                operators(&solver, subject, &u, log);
                return setups::component(subject, &setting, log);
            }
            Err(error) => refusal = log.not_served(&setting.name(), &error),
        }
    }
    log.check("create", || {
        Verdict::failed(format!("serves none of the checker's lattices; last answer: {refusal}"))
    });
}

/// Set-up and application, for every layout.
fn set_up_and_applied<'o>(object: &'o RefCell<PrecondObject>, setting: &Setting) -> Operation<'o> {
    let (gauge, spinor) = (setting.on_links(raw::GLK_GAUGE), setting.spinors());
    let sources = rounded(numbers(7, BATCH * spinor.len(&setting.lattice)));
    Operation {
        name: "apply",
        inputs: vec![
            Argument {
                kind: gauge,
                fields: rounded([setting.gauge(11), setting.gauge(12)].concat()),
                single: true,
            },
            Argument { kind: spinor, fields: sources, single: false },
        ],
        output: Some(spinor),
        returns_numbers: false,
        random: false,
        run: Box::new(move |from, z, _| {
            let (exec, mut object) = (Exec { threads: 1 }, object.borrow_mut());
            // SAFETY: the links live until the application is over, and each one is preceded by a set-up.
            unsafe { object.setup_with(exec, &from[0], &plain_wilson(), Setup::Reset, None)? };
            object.apply(exec, &from[1], &mut z[0], false)
        }),
    }
}

fn promises(solver: &Solver, subject: &Subject, u: &[f64], g: &[f64], log: &mut Log) {
    let (a, b) = (solver.spinor(3), solver.spinor(4));
    let setting = &solver.setting;
    if subject.promises(raw::GLK_CAP_LINEAR) {
        log.limit("linearity", "K(0.3 a − b) − 0.3 K a + K b", 1e-11, || {
            let mix =
                |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| 0.3 * a - b).collect() };
            Ok(distance(&solver.apply(&mix(&a, &b))?, &mix(&solver.apply(&a)?, &solver.apply(&b)?)))
        });
        log.limit("adjoint", "⟨a, K b⟩ − ⟨K† a, b⟩, a number", 1e-12, || {
            let (left, right) = (inner(&a, &solver.apply(&b)?), inner(&solver.run(&a, 1, true)?, &b));
            Ok(distance(&left, &right) / a.len() as f64)
        });
    } else {
        log.skip("linearity", "LINEAR is not promised");
        log.skip("adjoint", "LINEAR is not promised");
    }
    if subject.promises(raw::GLK_CAP_HERMITIAN) {
        log.limit("hermiticity", "⟨a, K b⟩ − ⟨K a, b⟩, a number", 1e-12, || {
            let (left, right) = (inner(&a, &solver.apply(&b)?), inner(&solver.apply(&a)?, &b));
            Ok(distance(&left, &right) / a.len() as f64)
        });
    } else {
        log.skip("hermiticity", "HERMITIAN is not promised");
    }
    if subject.promises(raw::GLK_CAP_EQUIVARIANT) {
        let turned = setting.transformed(u, g);
        log.limit("gauge covariance", "K[U^g] r^g − (K[U] r)^g", 1e-11, || {
            let other = Solver::new(subject, setting, &turned, &plain_wilson())?;
            let left = other.apply(&setting.transformed_spinor(&a, g))?;
            Ok(distance(&left, &setting.transformed_spinor(&solver.apply(&a)?, g)))
        });
    } else {
        log.skip("gauge covariance", "EQUIVARIANT is not promised");
    }
    let promised = subject.promises(raw::GLK_CAP_DETERMINISTIC);
    log.determinism(
        promised,
        "apply",
        |threads| solver.run(&a, threads, false),
        || {
            let lent = Subject { services: subject.lending, ..*subject };
            Solver::new(&lent, setting, u, &plain_wilson())?.run(&a, LENT, false)
        },
    );
    log.check("order", || {
        let request = subject.request(&setting.lattice);
        match PrecondObject::create(subject.plugin, subject.services, &request) {
            Ok(object) => {
                let answer = Solver { object: RefCell::new(object), setting: setting.clone() }.apply(&a);
                let refused = matches!(&answer, Err(error) if error.status() == Some(raw::GLK_PRECONDITION));
                let sentence = answer.map_or_else(|error| error.to_string(), |_| "it was served".into());
                Verdict::of(refused, format!("apply before setup: {sentence}"))
            }
            Err(error) => Verdict::failed(error.to_string()),
        }
    });
    log.check("cost", || match solver.object.borrow_mut().cost() {
        Ok(cost) => {
            let numbers = [cost.flops, cost.bytes, cost.dirac_equivalents];
            let good = numbers.iter().all(|x| x.is_finite() && *x >= 0.0) && cost.flops > 0.0;
            let [flops, bytes, share] = numbers;
            Verdict::of(good, format!("{flops:.1e} flops, {bytes:.1e} bytes, {share:.2} of the operator's"))
        }
        Err(error) => Verdict::error(&error),
    });
}

/// An operator in one of its forms.
fn dirac(mass: f64, normalisation: i32) -> Dirac {
    Dirac { mass, normalisation, ..plain_wilson() }
}

/// What K is for the operator that it was set up for.
fn operators(solver: &Solver, subject: &Subject, u: &[f64], log: &mut Log) {
    let (setting, r) = (&solver.setting, solver.spinor(5));
    let set_up = |dirac: &Dirac| Solver::new(subject, setting, u, dirac);
    for (name, mass, normalisation) in [
        ("residual", 0.1, raw::GLK_DIRAC_BY_MASS),
        ("residual, heavy", 1.0, raw::GLK_DIRAC_BY_MASS),
        ("residual, KAPPA", 0.1, raw::GLK_DIRAC_BY_KAPPA),
    ] {
        if setting.lattice.ndim() != 4 {
            log.skip(name, format!("{} has no Wilson operator of four spins", setting.name()));
            continue;
        }
        log.check(name, || residual(&set_up, setting, u, &r, &dirac(mass, normalisation)));
    }
    let turned = setting.antiperiodic(false);
    match turned.lattice.ndim() {
        4 => log.check("residual, antiperiodic", || {
            residual(&|dirac| Solver::new(subject, &turned, u, dirac), &turned, u, &r, &plain_wilson())
        }),
        _ => log.skip("residual, antiperiodic", "there is no Wilson operator of four spins"),
    }
    // 1 − κ hop is D / (m + 4).
    let what = "K of 1 − κ hop − (m + 4) K of m + 4 − hop/2, relative";
    log.limit("KAPPA", what, 1e-6, || {
        let kappa = set_up(&dirac(0.1, raw::GLK_DIRAC_BY_KAPPA))?.apply(&r)?;
        let mass: Vec<f64> = solver.apply(&r)?.iter().map(|x| 4.1 * x).collect();
        Ok(distance(&kappa, &mass) / distance(&mass, &vec![0.0; mass.len()]))
    });
    log.limit("dagger", "K† of M − K of M†, relative", 1e-6, || {
        let adjoint = set_up(&Dirac { dagger: 1, ..plain_wilson() })?.apply(&r)?;
        let dagger = solver.run(&r, 1, true)?;
        Ok(distance(&adjoint, &dagger) / distance(&dagger, &vec![0.0; dagger.len()]))
    });
    let clover = Dirac { op: raw::GLK_DIRAC_CLOVER, csw_r: 1.0, csw_t: 1.0, ..plain_wilson() };
    let others = [
        ("xi0", Dirac { xi0: 3.0, nu: 1.0, ..plain_wilson() }),
        ("clover", clover),
        // A clover term that the operator's name does not tell.
        ("csw", Dirac { op: raw::GLK_DIRAC_WILSON, ..clover }),
        (
            "even-odd",
            Dirac { precond_form: raw::GLK_DIRAC_SYMMETRIC_EO, parity: raw::GLK_ODD, ..plain_wilson() },
        ),
    ];
    for (name, other) in others {
        // It may be refused; taken for the plain operator it must not be.
        log.check(name, || match set_up(&other).and_then(|other| other.apply(&r)) {
            Err(error) => Verdict::passed(error.to_string()),
            Ok(z) => match solver.apply(&r) {
                Ok(plain) => Verdict::of(z != plain, "served, not as the plain Wilson operator is"),
                Err(error) => Verdict::failed(error.to_string()),
            },
        });
    }
}

/// |r − M K r| / |r| and the same of the adjoints: 1 is what doing nothing gives.
fn residual<'s>(
    set_up: &impl Fn(&Dirac) -> Result<Solver<'s>, HostError>,
    setting: &Setting,
    u: &[f64],
    r: &[f64],
    dirac: &Dirac,
) -> Verdict {
    let scale = if dirac.normalisation == raw::GLK_DIRAC_BY_KAPPA { 1.0 / (dirac.mass + 4.0) } else { 1.0 };
    let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    let mut left = Vec::new();
    for dagger in [false, true] {
        let z = match set_up(dirac).and_then(|solver| solver.run(r, 1, dagger)) {
            Ok(z) => z,
            Err(error) => return Verdict::error(&error),
        };
        // M† = gamma5 M gamma5.
        let turned = |psi: &[f64]| if dagger { gamma5(psi, setting.n) } else { psi.to_vec() };
        let Some(product) = wilson(setting, u, dirac.mass, &turned(&z)) else {
            return Verdict::skipped("no memory for Wilson's operator");
        };
        let rest: Vec<f64> = r.iter().zip(turned(&product)).map(|(r, mz)| r - scale * mz).collect();
        left.push(norm(&rest) / norm(r));
    }
    let good = left.iter().all(|ratio| *ratio < 1.0);
    Verdict::of(good, format!("|r − M K r| / |r| = {:.3}, of the adjoints {:.3} (limit 1)", left[0], left[1]))
}
