//! Promises of a force: it is the gradient of its action, turns with gauge transformations, keeps the sign it is asked
//! for.

use super::fields::{Setting, distance};
use super::layouts::{Argument, BATCH, Operation, rounded};
use super::log::{Log, Verdict};
use super::plane::Plane;
use super::{LENT, STEP, Subject, abi, layouts};
use crate::{Auxiliary, Exec, ForceObject, HostError};
use gaugelink_plugin_sdk::{View, ViewMut, raw};
use std::cell::RefCell;

struct Drive<'s> {
    object: RefCell<ForceObject<'s>>,
    setting: Setting,
}

impl Drive<'_> {
    fn force(&self, u: &[f64], threads: usize, scale: f64, convention: i32) -> Result<Vec<f64>, HostError> {
        let (u, mut f) = (Plane::of(u), Plane::filled(0.0, u.len()));
        let (lattice, n) = (&self.setting.lattice, self.setting.n);
        let links = View::gauge(&u, lattice, n).expect("a whole field");
        let mut out = ViewMut::algebra(&mut f, lattice, n).expect("a whole field");
        out.set_algebra_conv(convention);
        self.object.borrow_mut().force(Exec { threads }, &links, Auxiliary::default(), scale, &mut out)?;
        Ok(f.to_vec())
    }
    fn plain(&self, u: &[f64]) -> Result<Vec<f64>, HostError> {
        self.force(u, 1, 1.0, raw::GLK_ALG_F)
    }
    fn action(&self, u: &[f64], threads: usize) -> Result<f64, HostError> {
        let (u, mut s) = (Plane::of(u), Plane::filled(f64::NAN, 1));
        let links = View::gauge(&u, &self.setting.lattice, self.setting.n).expect("a whole field");
        self.object.borrow_mut().action(Exec { threads }, &links, Auxiliary::default(), &mut s)?;
        Ok(s[0])
    }
}

pub(super) fn component(subject: &Subject, log: &mut Log) {
    let mut refusal = String::from("no lattice was tried");
    // SU(3) in four dimensions is what forces are for: the largest settings come first.
    for setting in Setting::all().into_iter().rev() {
        let made = ForceObject::create(subject.plugin, subject.services, &subject.request(&setting.lattice));
        let tried = made.and_then(|object| {
            let drive = Drive { object: RefCell::new(object), setting: setting.clone() };
            drive.plain(&setting.gauge(1)).map(|_| drive)
        });
        match tried {
            Ok(drive) => {
                log.check("create", || Verdict::passed(format!("serves {}", setting.name())));
                abi::component(subject, &setting, log);
                layouts::component(subject, &setting.lattice, &operations(&drive), false, log);
                return promises(&drive, subject, log);
            }
            Err(error) => refusal = log.not_served(&setting.name(), &error),
        }
    }
    log.check("create", || {
        Verdict::failed(format!("serves none of the checker's lattices; last answer: {refusal}"))
    });
}

/// All functions, for every layout.
fn operations<'d>(drive: &'d Drive) -> Vec<Operation<'d>> {
    let (setting, object, exec) = (&drive.setting, &drive.object, Exec { threads: 1 });
    let (gauge, algebra) = (setting.on_links(raw::GLK_GAUGE), setting.on_links(raw::GLK_ALGEBRA));
    let links = || {
        let fields = rounded((0..BATCH as u64).flat_map(|b| setting.gauge(11 + b)).collect());
        Argument { kind: gauge, fields, single: false }
    };
    vec![
        Operation {
            name: "force",
            inputs: vec![links()],
            output: Some(algebra),
            returns_numbers: false,
            random: false,
            run: Box::new(move |u, f, _| {
                object.borrow_mut().force(exec, &u[0], Auxiliary::default(), 1.0, &mut f[0])
            }),
        },
        Operation {
            name: "action",
            inputs: vec![links()],
            output: None,
            returns_numbers: true,
            random: false,
            run: Box::new(move |u, _, s| object.borrow_mut().action(exec, &u[0], Auxiliary::default(), s)),
        },
    ]
}

fn promises(drive: &Drive, subject: &Subject, log: &mut Log) {
    let setting = drive.setting.clone();
    let (u, g) = (setting.gauge(1), setting.transformation(2));
    let c = setting.coordinates(3, setting.links());
    if subject.promises(raw::GLK_CAP_CONSERVATIVE) {
        let what = "force − numerical derivative of the action, relative";
        log.limit("gradient", what, 1e-7, || {
            let analytic = setting.along(&drive.plain(&u)?, &c);
            let slope = |h: f64| -> Result<f64, HostError> {
                let (up, down) = (setting.rotated(&u, &c, h), setting.rotated(&u, &c, -h));
                Ok((drive.action(&up, 1)? - drive.action(&down, 1)?) / (2.0 * h))
            };
            let numeric = (4.0 * slope(STEP)? - slope(2.0 * STEP)?) / 3.0;
            Ok((numeric - analytic).abs() / analytic.abs().max(1.0))
        });
    } else {
        log.skip("gradient", "CONSERVATIVE is not promised");
    }
    if subject.promises(raw::GLK_CAP_EQUIVARIANT) {
        log.limit("gauge covariance", "F(U^g) − F(U)^g", 1e-10, || {
            let turned = drive.plain(&setting.transformed(&u, &g))?;
            Ok(distance(&turned, &setting.transformed_algebra(&drive.plain(&u)?, &g)))
        });
    } else {
        log.skip("gauge covariance", "EQUIVARIANT is not promised");
    }
    let what = "part of the force that is not traceless and anti-Hermitian, relative";
    log.limit("algebra", what, 1e-10, || {
        let f = drive.plain(&u)?;
        // Out and back through coordinates: what is left over is not in the algebra.
        let projected = setting.algebra_coordinates(&f);
        let norm: f64 = projected.iter().flatten().map(|x| x * x).sum();
        let total: f64 = f.iter().map(|x| x * x).sum();
        Ok((norm * if setting.n == 1 { 1.0 } else { 0.5 } - total).abs() / total.max(1e-300))
    });
    log.limit("sign and scale", "force with scale 2 and NEG_F + 2 F", 1e-10, || {
        let twice: Vec<f64> = drive.plain(&u)?.iter().map(|x| -2.0 * x).collect();
        Ok(distance(&drive.force(&u, 1, 2.0, raw::GLK_ALG_NEG_F)?, &twice))
    });
    let conservative = subject.promises(raw::GLK_CAP_CONSERVATIVE);
    let all = |drive: &Drive, threads| {
        let mut numbers = drive.force(&u, threads, 1.0, raw::GLK_ALG_F)?;
        if conservative {
            numbers.push(drive.action(&u, threads)?);
        }
        Ok(numbers)
    };
    log.determinism(
        subject.promises(raw::GLK_CAP_DETERMINISTIC),
        if conservative { "force and action" } else { "force" },
        |threads| all(drive, threads),
        || {
            let object =
                ForceObject::create(subject.plugin, subject.lending, &subject.request(&setting.lattice))?;
            all(&Drive { object: RefCell::new(object), setting: setting.clone() }, LENT)
        },
    );
}
