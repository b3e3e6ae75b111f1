//! Promises of a flow: it can be inverted, its log determinant is that of its Jacobian, it commutes with gauge
//! transformations, its pullback is a gradient, its densities belong to its samples.

use super::fields::{Setting, distance};
use super::{Log, STEP, Subject, abi};
use crate::{Exec, FlowObject, HostError};
use gaugelink_lattice::group::algebra_dim;
use gaugelink_plugin_sdk::{Rng, View, ViewMut, raw, sized_struct};

/// Largest Jacobian that is computed by differences.
const FREEDOM: usize = 600;

type Answer = Result<(Vec<f64>, f64), HostError>;

struct Map<'s> {
    object: FlowObject<'s>,
    setting: Setting,
}

impl Map<'_> {
    fn view<'v>(&self, u: &'v [f64]) -> View<'v> {
        View::gauge(u, &self.setting.lattice, self.setting.n).expect("a whole field")
    }
    fn run(&mut self, v: &[f64], threads: usize, inverse: bool) -> Answer {
        let (mut u, mut logdet) = (vec![0.0; v.len()], [f64::NAN]);
        let mut out = ViewMut::gauge(&mut u, &self.setting.lattice, self.setting.n).expect("a whole field");
        let from = self.view(v);
        if inverse {
            self.object.inverse(Exec { threads }, &from, &mut out, &mut logdet)?;
        } else {
            self.object.forward(Exec { threads }, &from, &mut out, &mut logdet)?;
        }
        Ok((u, logdet[0]))
    }
    fn forward(&mut self, v: &[f64]) -> Answer {
        self.run(v, 1, false)
    }
    /// log |det| by differences of the fourth order.
    fn jacobian(&mut self, v: &[f64]) -> Result<f64, HostError> {
        let (links, dim) = (self.setting.links(), algebra_dim(self.setting.n));
        let mut columns = Vec::with_capacity(links * dim);
        for link in 0..links {
            for a in 0..dim {
                let mut c = vec![[0.0; 8]; links];
                c[link][a] = 1.0;
                let mut slope = |step: f64| -> Result<_, HostError> {
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
                let mut map = Map { object, setting: setting.clone() };
                match map.forward(&setting.gauge(1)) {
                    Ok(_) => {
                        log.verdict("create", true, format!("serves {}", setting.name()));
                        abi::component(subject, &setting, log);
                        return promises(&mut map, subject, log);
                    }
                    Err(error) => refusal = format!("{}: {error}", setting.name()),
                }
            }
            Err(error) => refusal = format!("{}: {error}", setting.name()),
        }
    }
    log.verdict("create", false, format!("serves none of the checker's lattices; last answer: {refusal}"));
}

fn promises(map: &mut Map, subject: &Subject, log: &mut Log) {
    let setting = map.setting.clone();
    let (v, g) = (setting.gauge(1), setting.transformation(2));
    let forward = map.forward(&v);
    let there_and_back = || -> Result<f64, HostError> {
        let (u, there) = map.forward(&v)?;
        let (back, home) = map.run(&u, 1, true)?;
        Ok(distance(&back, &v).max(distance(&[there], &[-home]) / setting.freedom() as f64))
    };
    let mut there_and_back = there_and_back;
    log.limit("inverse", "inverse(forward(V)) − V and the sum of their log det", 1e-8, there_and_back());

    if !subject.promises(raw::GLK_CAP_EXACT_DENSITY) {
        log.skip("log det", "EXACT_DENSITY is not promised");
    } else if setting.freedom() > FREEDOM {
        log.skip("log det", format!("{} has more than {FREEDOM} degrees of freedom", setting.name()));
    } else {
        let mut compare = || Ok((map.jacobian(&v)? - map.forward(&v)?.1).abs());
        log.limit("log det", "log det − that of the numerical Jacobian", 1e-6, compare());
    }

    if subject.promises(raw::GLK_CAP_EQUIVARIANT) {
        let mut compare = || -> Result<f64, HostError> {
            let (u, logdet) = map.forward(&v)?;
            let (turned, same) = map.forward(&setting.transformed(&v, &g))?;
            Ok(distance(&turned, &setting.transformed(&u, &g))
                .max((logdet - same).abs() / setting.freedom() as f64))
        };
        log.limit(
            "gauge covariance",
            "f(V^g) − f(V)^g and the difference of their log det",
            1e-10,
            compare(),
        );
    } else {
        log.skip("gauge covariance", "EQUIVARIANT is not promised");
    }

    let s = setting.linear_action(3);
    let c = setting.coordinates(4, setting.links());
    let mut pullback = || -> Result<f64, HostError> {
        let u = map.forward(&v)?.0;
        let (f_u, mut f_v) = (s.force(&u), vec![0.0; v.len()]);
        let from = View::algebra(&f_u, &setting.lattice, setting.n).expect("a whole field");
        let mut to = ViewMut::algebra(&mut f_v, &setting.lattice, setting.n).expect("a whole field");
        let links = map.view(&v);
        map.object.pullback(Exec { threads: 1 }, &links, &from, &mut to)?;
        let mut at = |epsilon: f64| -> Result<f64, HostError> {
            let (u, logdet) = map.forward(&setting.rotated(&v, &c, epsilon))?;
            Ok(s.value(&u) - logdet)
        };
        let slope =
            |h: f64, at: &mut dyn FnMut(f64) -> Result<f64, HostError>| Ok((at(h)? - at(-h)?) / (2.0 * h));
        let numeric = (4.0 * slope(STEP, &mut at)? - slope(2.0 * STEP, &mut at)?) / 3.0;
        let analytic = setting.along(&f_v, &c);
        Ok((numeric - analytic).abs() / analytic.abs().max(1.0))
    };
    log.limit("pullback", "force through the map − numerical derivative, relative", 1e-7, pullback());

    if subject.promises(raw::GLK_CAP_DETERMINISTIC) {
        let numbers = |answer: Answer| {
            answer.map(|(mut u, logdet)| {
                u.push(logdet);
                u
            })
        };
        let again = map.forward(&v);
        log.same_bits("determinism", "forward twice", numbers(forward), numbers(again));
        let (one, two) = (map.run(&v, 1, false), map.run(&v, 2, false));
        log.same_bits("threads", "forward with 1 and 2 threads", numbers(one), numbers(two));
    } else {
        log.skip("determinism", "DETERMINISTIC is not promised");
    }
    density(map, log);
}

/// log q of a sample is log_density of it.
fn density(map: &mut Map, log: &mut Log) {
    let mut rng = sized_struct::<Rng>();
    rng.algorithm = raw::GLK_RNG_CHACHA20;
    rng.key = [42; 32];
    let setting = map.setting.clone();
    let mut compare = || -> Result<f64, HostError> {
        let (mut u, mut log_q, mut again) = (vec![0.0; setting.len()], [f64::NAN], [f64::NAN]);
        let mut out = ViewMut::gauge(&mut u, &setting.lattice, setting.n).expect("a whole field");
        map.object.sample(Exec { threads: 1 }, &rng, &mut out, &mut log_q)?;
        let view = View::gauge(&u, &setting.lattice, setting.n).expect("a whole field");
        map.object.log_density(Exec { threads: 1 }, &view, &mut again)?;
        Ok((log_q[0] - again[0]).abs() / setting.freedom() as f64)
    };
    log.limit("density", "log q of a sample − its log_density, a degree of freedom", 1e-9, compare());
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
