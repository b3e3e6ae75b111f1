//! Promises of a flow: it can be inverted, its log determinant is that of its Jacobian, it commutes with gauge
//! transformations, its pullback is a gradient, its densities belong to its samples.

use super::fields::{Setting, distance};
use super::layouts::{Argument, BATCH, Operation, rounded};
use super::log::{Log, Verdict};
use super::plane::Plane;
use super::{LENT, STEP, Subject, abi, layouts, rig};
use crate::{Exec, FlowObject, HostError};
use gaugelink_lattice::group::algebra_dim;
use gaugelink_plugin_sdk::{View, ViewMut, raw};
use std::cell::RefCell;

/// Largest Jacobian that is computed by differences.
const FREEDOM: usize = 600;

type Answer = Result<(Vec<f64>, f64), HostError>;

struct Map<'s> {
    object: RefCell<FlowObject<'s>>,
    setting: Setting,
}

impl Map<'_> {
    fn view<'v>(&self, u: &'v [f64]) -> View<'v> {
        View::gauge(u, &self.setting.lattice, self.setting.n).expect("a whole field")
    }
    fn run(&self, v: &[f64], threads: usize, inverse: bool) -> Answer {
        let (v, mut u) = (Plane::of(v), Plane::filled(0.0, v.len()));
        let mut logdet = Plane::filled(f64::NAN, 1);
        let mut out = ViewMut::gauge(&mut u, &self.setting.lattice, self.setting.n).expect("a whole field");
        let (from, mut object) = (self.view(&v), self.object.borrow_mut());
        if inverse {
            object.inverse(Exec { threads }, &from, &mut out, &mut logdet)?;
        } else {
            object.forward(Exec { threads }, &from, &mut out, &mut logdet)?;
        }
        Ok((u.to_vec(), logdet[0]))
    }
    fn forward(&self, v: &[f64]) -> Answer {
        self.run(v, 1, false)
    }
    /// log |det| by differences of the fourth order.
    fn jacobian(&self, v: &[f64]) -> Result<f64, HostError> {
        let (links, dim) = (self.setting.links(), algebra_dim(self.setting.n));
        let mut columns = Vec::with_capacity(links * dim);
        for link in 0..links {
            for a in 0..dim {
                let mut c = vec![[0.0; 8]; links];
                c[link][a] = 1.0;
                let slope = |step: f64| -> Result<_, HostError> {
                    let plus = self.forward(&self.setting.rotated(v, &c, step))?.0;
                    let minus = self.forward(&self.setting.rotated(v, &c, -step))?.0;
                    let quotient = self.setting.quotient(&plus, &minus);
                    Ok(quotient
                        .into_iter()
                        .flat_map(move |c| c[..dim].to_vec())
                        .map(move |x| x / (2.0 * step)))
                };
                let (near, far) = (slope(STEP)?, slope(2.0 * STEP)?);
                columns.push(near.zip(far).map(|(near, far)| (4.0 * near - far) / 3.0).collect());
            }
        }
        Ok(log_det(columns))
    }
}

/// log |det| by elimination with pivots.
fn log_det(mut m: Vec<Vec<f64>>) -> f64 {
    let mut sum = 0.0;
    for k in 0..m.len() {
        let pivot = (k..m.len()).max_by(|&a, &b| m[a][k].abs().total_cmp(&m[b][k].abs())).expect("not empty");
        m.swap(k, pivot);
        sum += m[k][k].abs().ln();
        let (top, rest) = m.split_at_mut(k + 1);
        for row in rest {
            let factor = row[k] / top[k][k];
            for j in k + 1..row.len() {
                row[j] -= factor * top[k][j];
            }
        }
    }
    sum
}

pub(super) fn component(subject: &Subject, log: &mut Log) {
    let mut refusal = String::from("no lattice was tried");
    for setting in Setting::all() {
        match FlowObject::create(subject.plugin, subject.services, &subject.request(&setting.lattice)) {
            Ok(object) => {
                let map = Map { object: RefCell::new(object), setting: setting.clone() };
                match map.forward(&setting.gauge(1)) {
                    Ok(_) => {
                        log.check("create", || Verdict::passed(format!("serves {}", setting.name())));
                        abi::component(subject, &setting, log);
                        layouts::component(subject, &setting.lattice, &operations(&map), false, log);
                        return promises(&map, subject, log);
                    }
                    Err(error) => refusal = log.not_served(&setting.name(), &error),
                }
            }
            Err(error) => refusal = log.not_served(&setting.name(), &error),
        }
    }
    log.check("create", || {
        Verdict::failed(format!("serves none of the checker's lattices; last answer: {refusal}"))
    });
}

/// All functions, for every layout.
fn operations<'m>(map: &'m Map) -> Vec<Operation<'m>> {
    let (setting, object, exec) = (&map.setting, &map.object, Exec { threads: 1 });
    let (gauge, algebra) = (setting.on_links(raw::GLK_GAUGE), setting.on_links(raw::GLK_ALGEBRA));
    let batch = |field: &dyn Fn(u64) -> Vec<f64>| rounded((0..BATCH as u64).flat_map(field).collect());
    let links = || Argument { kind: gauge, fields: batch(&|b| setting.gauge(11 + b)), single: false };
    let forces = || {
        let force = |b| setting.linear_action(21 + b).force(&setting.gauge(11 + b));
        Argument { kind: algebra, fields: batch(&force), single: false }
    };
    vec![
        Operation {
            name: "forward",
            inputs: vec![links()],
            output: Some(gauge),
            returns_numbers: true,
            random: false,
            run: Box::new(move |v, u, logdet| object.borrow_mut().forward(exec, &v[0], &mut u[0], logdet)),
        },
        Operation {
            name: "inverse",
            inputs: vec![links()],
            output: Some(gauge),
            returns_numbers: true,
            random: false,
            run: Box::new(move |u, v, logdet| object.borrow_mut().inverse(exec, &u[0], &mut v[0], logdet)),
        },
        Operation {
            name: "pullback",
            inputs: vec![links(), forces()],
            output: Some(algebra),
            returns_numbers: false,
            random: false,
            run: Box::new(move |from, f_v, _| {
                object.borrow_mut().pullback(exec, &from[0], &from[1], &mut f_v[0])
            }),
        },
        Operation {
            name: "log_density",
            inputs: vec![links()],
            output: None,
            returns_numbers: true,
            random: false,
            run: Box::new(move |u, _, log_q| object.borrow_mut().log_density(exec, &u[0], log_q)),
        },
        Operation {
            name: "sample",
            inputs: vec![],
            output: Some(gauge),
            returns_numbers: true,
            random: true,
            run: Box::new(move |_, u, log_q| {
                object.borrow_mut().sample(exec, &rig::draws(1), &mut u[0], log_q)
            }),
        },
    ]
}

fn promises(map: &Map, subject: &Subject, log: &mut Log) {
    let setting = map.setting.clone();
    let (v, g) = (setting.gauge(1), setting.transformation(2));
    log.limit("inverse", "inverse(forward(V)) − V and the sum of their log det", 1e-8, || {
        let (u, there) = map.forward(&v)?;
        let (back, home) = map.run(&u, 1, true)?;
        Ok(distance(&back, &v).max(distance(&[there], &[-home]) / setting.freedom() as f64))
    });

    if !subject.promises(raw::GLK_CAP_EXACT_DENSITY) {
        log.skip("log det", "EXACT_DENSITY is not promised");
    } else if setting.freedom() > FREEDOM {
        log.skip("log det", format!("{} has more than {FREEDOM} degrees of freedom", setting.name()));
    } else {
        log.limit("log det", "log det − that of the numerical Jacobian", 1e-6, || {
            Ok((map.jacobian(&v)? - map.forward(&v)?.1).abs())
        });
    }

    if subject.promises(raw::GLK_CAP_EQUIVARIANT) {
        let what = "f(V^g) − f(V)^g and the difference of their log det";
        log.limit("gauge covariance", what, 1e-10, || {
            let (u, logdet) = map.forward(&v)?;
            let (turned, same) = map.forward(&setting.transformed(&v, &g))?;
            Ok(distance(&turned, &setting.transformed(&u, &g))
                .max((logdet - same).abs() / setting.freedom() as f64))
        });
    } else {
        log.skip("gauge covariance", "EQUIVARIANT is not promised");
    }

    let s = setting.linear_action(3);
    let c = setting.coordinates(4, setting.links());
    let what = "force through the map − numerical derivative, relative";
    log.limit("pullback", what, 1e-7, || {
        let u = map.forward(&v)?.0;
        let (f_u, mut f_v) = (Plane::of(&s.force(&u)), Plane::filled(0.0, v.len()));
        let from = View::algebra(&f_u, &setting.lattice, setting.n).expect("a whole field");
        let mut to = ViewMut::algebra(&mut f_v, &setting.lattice, setting.n).expect("a whole field");
        let links = map.view(&v);
        map.object.borrow_mut().pullback(Exec { threads: 1 }, &links, &from, &mut to)?;
        let at = |epsilon: f64| -> Result<f64, HostError> {
            let (u, logdet) = map.forward(&setting.rotated(&v, &c, epsilon))?;
            Ok(s.value(&u) - logdet)
        };
        let slope = |h: f64| -> Result<f64, HostError> { Ok((at(h)? - at(-h)?) / (2.0 * h)) };
        let numeric = (4.0 * slope(STEP)? - slope(2.0 * STEP)?) / 3.0;
        let analytic = setting.along(&f_v, &c);
        Ok((numeric - analytic).abs() / analytic.abs().max(1.0))
    });

    log.limit("sign", "force through the map in NEG_F + that in F", 1e-10, || {
        let (f_u, mut both) = (s.force(&map.forward(&v)?.0), [vec![0.0; v.len()], vec![0.0; v.len()]]);
        let from = View::algebra(&f_u, &setting.lattice, setting.n).expect("a whole field");
        for (convention, f_v) in [raw::GLK_ALG_F, raw::GLK_ALG_NEG_F].into_iter().zip(&mut both) {
            let mut to = ViewMut::algebra(f_v, &setting.lattice, setting.n).expect("a whole field");
            to.set_algebra_conv(convention);
            map.object.borrow_mut().pullback(Exec { threads: 1 }, &map.view(&v), &from, &mut to)?;
        }
        both[1].iter_mut().for_each(|x| *x = -*x);
        Ok(distance(&both[0], &both[1]))
    });

    let forward = |map: &Map, threads| {
        let (mut u, logdet) = map.run(&v, threads, false)?;
        u.push(logdet);
        Ok(u)
    };
    let promised = subject.promises(raw::GLK_CAP_DETERMINISTIC);
    log.determinism(
        promised,
        "forward",
        |threads| forward(map, threads),
        || {
            let object =
                FlowObject::create(subject.plugin, subject.lending, &subject.request(&map.setting.lattice))?;
            forward(&Map { object: RefCell::new(object), setting: map.setting.clone() }, LENT)
        },
    );
    density(map, log);
}

/// log q of a sample is log_density of it.
fn density(map: &Map, log: &mut Log) {
    let setting = &map.setting;
    let what = "log q of a sample − its log_density, a degree of freedom";
    log.limit("density", what, 1e-9, || {
        let mut u = Plane::filled(0.0, setting.len());
        let [mut log_q, mut again] = [1, 1].map(|fields| Plane::filled(f64::NAN, fields));
        let mut out = ViewMut::gauge(&mut u, &setting.lattice, setting.n).expect("a whole field");
        let mut object = map.object.borrow_mut();
        object.sample(Exec { threads: 1 }, &rig::draws(0), &mut out, &mut log_q)?;
        let view = View::gauge(&u, &setting.lattice, setting.n).expect("a whole field");
        object.log_density(Exec { threads: 1 }, &view, &mut again)?;
        Ok((log_q[0] - again[0]).abs() / setting.freedom() as f64)
    });
}

#[cfg(test)]
mod tests {
    use super::log_det;

    #[test]
    fn determinant_of_a_matrix_that_needs_pivots() {
        let m = vec![vec![0.0, 2.0, 1.0], vec![1.0, 0.0, 0.0], vec![3.0, 1.0, 4.0]];
        assert!((log_det(m) - 7f64.ln()).abs() < 1e-14);
    }
}
