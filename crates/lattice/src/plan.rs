//! Plans: which of several forms of a kernel, all of which give the same bits, is the fastest on this machine.
//!
//! Without a planner a kernel runs in the form that its own rules choose. With one, the first launch of each task times all
//! its forms in turns, and later ones take the fastest.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

/// Rounds in which forms are timed; the best of each counts.
const ROUNDS: usize = 3;
/// How much faster than the form of the rules another has to be: less is noise.
const GAIN: f64 = 0.97;

/// Work of one kind and size on a lattice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Task {
    /// Name of the kernel.
    pub kernel: &'static str,
    /// What else its speed depends on, by name.
    pub details: [(&'static str, usize); 6],
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kernel)?;
        self.details.iter().try_for_each(|(name, value)| write!(f, ", {name} {value}"))
    }
}

/// What was found out, by lattice and task: the number of the fastest form.
#[derive(Debug, Default)]
pub struct Planner(Mutex<BTreeMap<String, usize>>);

impl Planner {
    /// Begins with what an earlier one [found](Self::found) on the same machine.
    pub fn new(found: BTreeMap<String, usize>) -> Self {
        Self(Mutex::new(found))
    }

    /// What was found out until now.
    pub fn found(&self) -> BTreeMap<String, usize> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// A lattice's share of a planner.
#[derive(Debug)]
pub(crate) struct Plans {
    planner: Arc<Planner>,
    /// The lattice, as the planner's names have it.
    lattice: String,
    /// By task: launches ask often, and allocate nothing.
    chosen: Mutex<Vec<(Task, usize)>>,
}

impl Plans {
    pub fn new(planner: Arc<Planner>, lattice: String) -> Self {
        Self { planner, lattice, chosen: Mutex::default() }
    }

    /// Calls `run` with the number of the form to take; at the first time with each of `0..forms`, some times.
    pub fn run(&self, task: &Task, forms: usize, run: impl Fn(usize)) {
        let mut chosen = self.chosen.lock().unwrap_or_else(|e| e.into_inner());
        let taken = chosen.iter().find(|(known, _)| known == task).map(|&(_, form)| form);
        if let Some(form) = taken {
            drop(chosen);
            return run(form);
        }
        let name = format!("{}: {task}", self.lattice);
        let found = self.planner.lock().get(&name).copied().filter(|&form| form < forms);
        let form = found.unwrap_or_else(|| {
            fastest(forms, |form| {
                let start = Instant::now();
                run(form);
                start.elapsed().as_secs_f64()
            })
        });
        chosen.push((*task, form));
        drop(chosen);
        match found {
            Some(form) => run(form),
            // All forms leave the same results: what was timed is done.
            None => drop(self.planner.lock().insert(name, form)),
        }
    }
}

/// The form with the shortest `time` of some rounds, each of which times all.
fn fastest(forms: usize, time: impl Fn(usize) -> f64) -> usize {
    let mut best = vec![f64::INFINITY; forms];
    for _ in 0..ROUNDS {
        for (form, best) in best.iter_mut().enumerate() {
            *best = best.min(time(form));
        }
    }
    let other = (1..forms).min_by(|&a, &b| best[a].total_cmp(&best[b]));
    other.filter(|&form| best[form] < GAIN * best[0]).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn task(size: usize) -> Task {
        Task { kernel: "nothing", details: [("size", size); 6] }
    }

    #[test]
    fn forms_are_timed_once_and_the_choice_is_kept() {
        let planner = Arc::new(Planner::default());
        let plans = Plans::new(planner.clone(), "8x8".into());
        let runs: [AtomicUsize; 3] = Default::default();
        let run = |form: usize| {
            runs[form].fetch_add(1, Ordering::Relaxed);
        };
        let counts = || runs.each_ref().map(|n| n.load(Ordering::Relaxed));
        plans.run(&task(1), 3, run);
        assert_eq!(counts(), [ROUNDS; 3]);
        let found: Vec<(String, usize)> = planner.found().into_iter().collect();
        assert_eq!(found.len(), 1);
        assert!(found[0].0.starts_with("8x8: nothing, size 1,"), "{found:?}");

        // The same lattice takes what was found, and so does another one of the same description and a later planner.
        let chosen = [(found[0].0.clone(), 2)].into();
        for plans in [plans, Plans::new(Arc::new(Planner::new(chosen)), "8x8".into())] {
            let before = counts();
            plans.run(&task(1), 3, run);
            assert_eq!(counts().iter().sum::<usize>(), before.iter().sum::<usize>() + 1);
            plans.run(&task(2), 3, run);
            let all = before.iter().sum::<usize>() + 1 + 3 * ROUNDS;
            assert_eq!(counts().iter().sum::<usize>(), all, "another task is timed");
        }
    }

    #[test]
    fn a_form_is_taken_if_it_is_clearly_faster_in_its_best_round() {
        let choose = |rounds: [[f64; ROUNDS]; 3]| {
            let round: [Cell<usize>; 3] = Default::default();
            fastest(3, |form| rounds[form][round[form].replace(round[form].get() + 1)])
        };
        assert_eq!(choose([[2.0, 2.0, 2.0], [3.0, 3.0, 3.0], [9.0, 1.0, 9.0]]), 2);
        assert_eq!(choose([[2.0, 2.0, 2.0], [1.5, 3.0, 3.0], [9.0, 1.6, 9.0]]), 1);
        assert_eq!(choose([[2.0, 2.0, 2.0], [1.99, 1.99, 1.99], [9.0, 9.0, 9.0]]), 0, "that is noise");
    }

    #[test]
    fn a_form_that_there_is_not_is_not_taken() {
        let planner = Arc::new(Planner::new([(format!("8x8: {}", task(1)), 7)].into()));
        let plans = Plans::new(planner.clone(), "8x8".into());
        plans.run(&task(1), 2, |form| assert!(form < 2));
        assert!(planner.found().into_values().all(|form| form < 2));
    }
}
