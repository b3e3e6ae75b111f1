//! How checks are written down, and told while they run.

use super::process::Process;
use super::{Check, Event, Outcome, Report, plane};
use crate::HostError;
use gaugelink_plugin_sdk::raw;

/// What a check found.
pub(super) struct Verdict {
    outcome: Outcome,
    sentence: String,
}

impl Verdict {
    pub(super) fn passed(sentence: impl Into<String>) -> Self {
        Self { outcome: Outcome::Passed, sentence: sentence.into() }
    }
    pub(super) fn failed(sentence: impl Into<String>) -> Self {
        Self { outcome: Outcome::Failed, sentence: sentence.into() }
    }
    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self { outcome: Outcome::Skipped, sentence: why.into() }
    }
    /// Passed if `good`.
    pub(super) fn of(good: bool, sentence: impl Into<String>) -> Self {
        if good { Self::passed(sentence) } else { Self::failed(sentence) }
    }
    /// A call that was not served is no broken promise; another error is.
    pub(super) fn error(error: &HostError) -> Self {
        match error.status() {
            Some(raw::GLK_UNSUPPORTED) => Self::skipped(error.to_string()),
            _ => Self::failed(error.to_string()),
        }
    }
}

/// Writes the report of one component.
pub(super) struct Log<'a> {
    pub(super) report: &'a mut Report,
    pub(super) component: &'a str,
    pub(super) watcher: &'a mut dyn FnMut(Event),
    /// What plugins leave as it is.
    pub(super) process: &'a mut Process,
}

impl Log<'_> {
    /// Runs a check. It is announced first: a plugin may take the process with it.
    pub(super) fn check(&mut self, name: &'static str, body: impl FnOnce() -> Verdict) {
        (self.watcher)(Event::Begins { component: self.component, name });
        let verdict = body();
        let Verdict { outcome, sentence } = self.trespass().map_or(verdict, Verdict::failed);
        let check = Check { component: self.component.into(), name, outcome, sentence };
        (self.watcher)(Event::Ends(&check));
        self.report.checks.push(check);
    }
    /// What was touched since the last check that is none of the plugin's.
    fn trespass(&mut self) -> Option<String> {
        let found: Vec<_> = [plane::damage(), self.process.changed()].into_iter().flatten().collect();
        (!found.is_empty()).then(|| format!("it {}", found.join("; ")))
    }
    /// Announces what comes before the first check of a component.
    pub(super) fn announce(&mut self, name: &'static str) {
        (self.watcher)(Event::Begins { component: self.component, name });
    }
    /// The sentence of a component that does not serve a lattice. A panic is no refusal, whatever it serves later.
    pub(super) fn not_served(&mut self, lattice: &str, error: &HostError) -> String {
        let sentence = format!("{lattice}: {error}");
        if error.status() == Some(raw::GLK_PANIC) {
            self.check("create", || Verdict::failed(sentence.clone()));
        }
        sentence
    }
    pub(super) fn skip(&mut self, name: &'static str, why: impl Into<String>) {
        self.check(name, || Verdict::skipped(why));
    }
    /// A deviation that should be below a limit.
    pub(super) fn limit(
        &mut self,
        name: &'static str,
        what: &str,
        limit: f64,
        deviation: impl FnOnce() -> Result<f64, HostError>,
    ) {
        self.check(name, || match deviation() {
            Ok(deviation) => {
                Verdict::of(deviation <= limit, format!("{what}: {deviation:.1e} (limit {limit:.0e})"))
            }
            Err(error) => Verdict::error(&error),
        });
    }
    /// What `function` gives on 1 and 2 threads, and an object of its own on threads that the host lends, where its
    /// component promises that always to be the same.
    pub(super) fn determinism(
        &mut self,
        promised: bool,
        function: &str,
        on_threads: impl Fn(usize) -> Result<Vec<f64>, HostError>,
        on_lent: impl FnOnce() -> Result<Vec<f64>, HostError>,
    ) {
        if !promised {
            return self.skip("determinism", "DETERMINISTIC is not promised");
        }
        let twice = || Ok([on_threads(1)?, on_threads(1)?]);
        self.same_bits("determinism", &format!("{function} twice"), twice);
        let both = || Ok([on_threads(1)?, on_threads(2)?]);
        self.same_bits("threads", &format!("{function} with 1 and 2 threads"), both);
        let lent = || Ok([on_threads(1)?, on_lent()?]);
        self.same_bits("lent threads", &format!("{function} with 1 thread and with 3 of the host's"), lent);
    }
    /// Two results that should be the same to the last bit.
    fn same_bits(
        &mut self,
        name: &'static str,
        what: &str,
        results: impl FnOnce() -> Result<[Vec<f64>; 2], HostError>,
    ) {
        self.check(name, || match results() {
            Ok([a, b]) => {
                let differ = a.iter().zip(&b).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
                let same = differ == 0 && a.len() == b.len();
                Verdict::of(same, format!("{what}: {differ} of {} numbers differ", a.len()))
            }
            Err(error) => Verdict::failed(error.to_string()),
        });
    }
}
