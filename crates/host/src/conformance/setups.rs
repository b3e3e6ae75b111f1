//! What a preconditioner is set up for: links that are kept only as long as they are the same, and boundaries.

use super::Subject;
use super::fields::{Setting, distance, numbers};
use super::log::{Log, Verdict};
use super::rig::wilson;
use super::store::{PLAIN, Store};
use crate::{Exec, HostError, PrecondObject};
use gaugelink_plugin_sdk::{Lattice, Setup, View, ViewMut, raw};

const EXEC: Exec = Exec { threads: 1 };

/// An object with links that it was set up for.
struct Solver<'s> {
    object: PrecondObject<'s>,
    setting: Setting,
    links: Store,
}

impl<'s> Solver<'s> {
    fn new(subject: &'s Subject, setting: &Setting, u: &[f64]) -> Result<Self, HostError> {
        let object =
            PrecondObject::create(subject.plugin, subject.services, &subject.request(&setting.lattice))?;
        let links = Store::new(setting.on_links(raw::GLK_GAUGE), PLAIN, &setting.lattice, 1);
        let mut solver = Self { object, setting: setting.clone(), links };
        solver.set_up(u, 1, Setup::Reset)?;
        Ok(solver)
    }
    /// Sets up for new contents of the links' memory.
    fn set_up(&mut self, u: &[f64], generation: u64, mode: Setup) -> Result<(), HostError> {
        self.links.put(u);
        self.links.set_generation(generation);
        // SAFETY: the links live as long as the object, and change only between an application and the next set-up.
        unsafe { self.object.setup_with(EXEC, &self.links.view(), &wilson(), mode, None) }
    }
    fn apply(&mut self, r: &[f64]) -> Result<Vec<f64>, HostError> {
        let (mut z, [_, spins, n]) = (vec![0.0; r.len()], self.setting.spinors().extents);
        let from = View::spinor(r, &self.setting.lattice, spins, n).expect("a whole field");
        let mut to = ViewMut::spinor(&mut z, &self.setting.lattice, spins, n).expect("a whole field");
        self.object.apply(EXEC, &from, &mut to, false)?;
        Ok(z)
    }
}

pub(super) fn component(subject: &Subject, setting: &Setting, log: &mut Log) {
    let r = numbers(6, setting.spinors().len(&setting.lattice));
    log.check("REUSE", || reuse(subject, setting, &r).unwrap_or_else(|error| Verdict::error(&error)));
    let (u, signed) = (setting.gauge(1), setting.with_sign_at_the_edge(&setting.gauge(1)));
    let turned = setting.antiperiodic(false);
    // Antiperiodic spinors see the links of the last edge with the other sign.
    for (name, other, links) in
        [("boundary", &turned, &u), ("phases in links", &setting.antiperiodic(true), &signed)]
    {
        log.limit(name, "K of antiperiodic spinors − K of links with that sign, relative", 1e-6, || {
            let expected = Solver::new(subject, setting, &signed)?.apply(&r)?;
            let found = Solver::new(subject, other, links)?.apply(&r)?;
            Ok(distance(&found, &expected) / distance(&expected, &vec![0.0; r.len()]))
        });
    }
}

/// The same links may be used again, others never silently.
fn reuse(subject: &Subject, setting: &Setting, r: &[f64]) -> Result<Verdict, HostError> {
    let [u, other] = [1, 2].map(|seed| setting.gauge(seed));
    let mut solver = Solver::new(subject, setting, &u)?;
    let expected = solver.apply(r)?;
    solver.set_up(&u, 1, Setup::Reuse)?;
    if solver.apply(r)? != expected {
        return Ok(Verdict::failed("set up with REUSE for the same links it gives something else"));
    }
    match solver.set_up(&other, 2, Setup::Reuse).and_then(|()| solver.apply(r)) {
        Err(error) if error.status() == Some(raw::GLK_PRECONDITION) => {
            // What was refused leaves nothing behind.
            solver.set_up(&other, 2, Setup::Reset)?;
            let fresh = Solver::new(subject, setting, &other)?.apply(r)?;
            let same = distance(&solver.apply(r)?, &fresh) <= 1e-6 * distance(&fresh, &vec![0.0; r.len()]);
            Ok(Verdict::of(same, format!("links of another generation: {error}; then RESET")))
        }
        Err(error) => Ok(Verdict::failed(format!("links of another generation: {error}, not PRECONDITION"))),
        Ok(_) => Ok(Verdict::failed("links of another generation were served, which is PRECONDITION")),
    }
}

impl Setting {
    /// The lattice with antiperiodic spinors in the last direction, their sign in the links or not.
    pub(super) fn antiperiodic(&self, in_links: bool) -> Self {
        let mut raw = *self.lattice.as_raw();
        raw.bc_phase[self.lattice.ndim() - 1] = 0.5;
        raw.bc_in_links = i32::from(in_links);
        // SAFETY: a whole struct.
        let lattice = unsafe { Lattice::from_raw(&raw const raw) }.expect("a lattice with other phases");
        Self { lattice, n: self.n }
    }
    /// Links of the last direction change their sign where they lead over the edge.
    fn with_sign_at_the_edge(&self, u: &[f64]) -> Vec<f64> {
        let (ndim, each) = (self.lattice.ndim(), 2 * self.n * self.n);
        let last = |site| self.lattice.coordinates(site)[ndim - 1] + 1 == self.lattice.local()[ndim - 1];
        let edge = |link: usize| link % ndim == ndim - 1 && last(link / ndim);
        u.iter().enumerate().map(|(i, x)| if edge(i / each) { -x } else { *x }).collect()
    }
}
