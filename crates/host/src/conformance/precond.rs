//! Promises of a preconditioner: linear, covariant, Hermitian where it says so.

use super::fields::{Setting, distance, numbers};
use super::{Log, Subject, abi};
use crate::{Exec, HostError, PrecondObject};
use gaugelink_plugin_sdk::{Dirac, Setup, View, ViewMut, raw, sized_struct};

struct Solver<'s> {
    object: PrecondObject<'s>,
    setting: Setting,
}

impl<'s> Solver<'s> {
    fn new(subject: &'s Subject, setting: &Setting, u: &'s [f64]) -> Result<Self, HostError> {
        let object =
            PrecondObject::create(subject.plugin, subject.services, &subject.request(&setting.lattice))?;
        let mut solver = Self { object, setting: setting.clone() };
        let mut dirac = sized_struct::<Dirac>();
        (dirac.op, dirac.mass) = (raw::GLK_DIRAC_WILSON, 0.1);
        let links = View::gauge(u, &setting.lattice, setting.n).expect("a whole field");
        solver.object.setup(Exec { threads: 1 }, &links, &dirac, Setup::Reset)?;
        Ok(solver)
    }
    fn spins(&self) -> usize {
        if self.setting.lattice.ndim() == 2 { 2 } else { 4 }
    }
    fn spinor(&self, seed: u64) -> Vec<f64> {
        numbers(seed, self.setting.lattice.sites() * self.spins() * self.setting.n * 2)
    }
    fn apply(&mut self, r: &[f64], threads: usize) -> Result<Vec<f64>, HostError> {
        let mut z = vec![0.0; r.len()];
        let (lattice, spins, n) = (&self.setting.lattice, self.spins(), self.setting.n);
        let from = View::spinor(r, lattice, spins, n).expect("a whole field");
        let mut to = ViewMut::spinor(&mut z, lattice, spins, n).expect("a whole field");
        self.object.apply(Exec { threads }, &from, &mut to, false)?;
        Ok(z)
    }
}

/// ⟨a, b⟩, real and imaginary part.
fn inner(a: &[f64], b: &[f64]) -> [f64; 2] {
    a.chunks(2)
        .zip(b.chunks(2))
        .fold([0.0; 2], |[re, im], (a, b)| [re + a[0] * b[0] + a[1] * b[1], im + a[0] * b[1] - a[1] * b[0]])
}

pub(super) fn component(subject: &Subject, log: &mut Log) {
    let mut refusal = String::from("no lattice was tried");
    for setting in Setting::all().into_iter().rev() {
        let (u, g) = (setting.gauge(1), setting.transformation(2));
        let tried = Solver::new(subject, &setting, &u).and_then(|mut solver| {
            let r = solver.spinor(3);
            solver.apply(&r, 1).map(|_| solver)
        });
        match tried {
            Ok(mut solver) => {
                log.verdict("create", true, format!("serves {}", setting.name()));
                abi::component(subject, &setting, log);
                return promises(&mut solver, subject, &u, &g, log);
            }
            Err(error) => refusal = format!("{}: {error}", setting.name()),
        }
    }
    log.verdict("create", false, format!("serves none of the checker's lattices; last answer: {refusal}"));
}

fn promises(solver: &mut Solver, subject: &Subject, u: &[f64], g: &[f64], log: &mut Log) {
    let (a, b) = (solver.spinor(3), solver.spinor(4));
    let setting = solver.setting.clone();
    if subject.promises(raw::GLK_CAP_LINEAR) {
        let mut compare = || -> Result<f64, HostError> {
            let mix =
                |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| 0.3 * a - b).collect() };
            Ok(distance(&solver.apply(&mix(&a, &b), 1)?, &mix(&solver.apply(&a, 1)?, &solver.apply(&b, 1)?)))
        };
        log.limit("linearity", "K(0.3 a − b) − 0.3 K a + K b", 1e-11, compare());
    } else {
        log.skip("linearity", "LINEAR is not promised");
    }
    if subject.promises(raw::GLK_CAP_HERMITIAN) {
        let mut compare = || -> Result<f64, HostError> {
            let (left, right) = (inner(&a, &solver.apply(&b, 1)?), inner(&solver.apply(&a, 1)?, &b));
            Ok(distance(&left, &right) / a.len() as f64)
        };
        log.limit("hermiticity", "⟨a, K b⟩ − ⟨K a, b⟩, a number", 1e-12, compare());
    } else {
        log.skip("hermiticity", "HERMITIAN is not promised");
    }
    if subject.promises(raw::GLK_CAP_EQUIVARIANT) {
        let turned = setting.transformed(u, g);
        let compare = || -> Result<f64, HostError> {
            let mut other = Solver::new(subject, &setting, &turned)?;
            let left = other.apply(&setting.transformed_spinor(&a, g), 1)?;
            Ok(distance(&left, &setting.transformed_spinor(&solver.apply(&a, 1)?, g)))
        };
        let mut compare = compare;
        log.limit("gauge covariance", "K[U^g] r^g − (K[U] r)^g", 1e-11, compare());
    } else {
        log.skip("gauge covariance", "EQUIVARIANT is not promised");
    }
    if subject.promises(raw::GLK_CAP_DETERMINISTIC) {
        let (x, y) = (solver.apply(&a, 1), solver.apply(&a, 1));
        log.same_bits("determinism", "apply twice", x, y);
        let (x, y) = (solver.apply(&a, 1), solver.apply(&a, 2));
        log.same_bits("threads", "apply with 1 and 2 threads", x, y);
    } else {
        log.skip("determinism", "DETERMINISTIC is not promised");
    }
    match PrecondObject::create(subject.plugin, subject.services, &subject.request(&setting.lattice)) {
        Ok(object) => {
            let answer = Solver { object, setting }.apply(&a, 1);
            let refused = matches!(&answer, Err(error) if error.status() == Some(raw::GLK_PRECONDITION));
            let sentence = answer.map_or_else(|error| error.to_string(), |_| "it was served".into());
            log.verdict("order", refused, format!("apply before setup: {sentence}"));
        }
        Err(error) => log.verdict("order", false, error.to_string()),
    }
}
