//! Many files at a time, with results in order: whatever the number of jobs, what is seen is the same.

use crate::error::DriverError;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Does `count` pieces of work on `jobs` threads, each with a workspace of its own, and hands the results to `take` in
/// the order of their numbers, each as soon as all before it are there.
///
/// # Errors
/// That of `take`; no new work is then begun.
pub(super) fn in_order<W, R: Send>(
    jobs: usize,
    count: usize,
    workspace: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, usize) -> R + Sync,
    mut take: impl FnMut(usize, R) -> Result<(), DriverError>,
) -> Result<(), DriverError> {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..jobs.min(count) {
            let (sender, next, workspace, work) = (sender.clone(), &next, &workspace, &work);
            scope.spawn(move || {
                let mut own = workspace();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count || sender.send((index, work(&mut own, index))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let (mut early, mut due) = (BTreeMap::new(), 0);
        for (index, result) in receiver {
            early.insert(index, result);
            while let Some(result) = early.remove(&due) {
                take(due, result)?;
                due += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn results_come_in_order_though_work_does_not_end_so() {
        for jobs in [1, 2, 5, 40] {
            let mut seen = Vec::new();
            let work = |_: &mut (), i: usize| {
                std::thread::sleep(Duration::from_millis(if i.is_multiple_of(3) { 3 } else { 0 }));
                i * i
            };
            in_order(
                jobs,
                17,
                || (),
                work,
                |i, square| {
                    seen.push((i, square));
                    Ok(())
                },
            )
            .unwrap();
            assert_eq!(seen, (0..17).map(|i| (i, i * i)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_error_ends_the_work() {
        let begun = AtomicUsize::new(0);
        let work = |_: &mut (), _: usize| {
            std::thread::sleep(Duration::from_millis(1));
            begun.fetch_add(1, Ordering::Relaxed)
        };
        let error = in_order(2, 10_000, || (), work, |_, _| Err(DriverError::ClosedPipe));
        assert!(matches!(error, Err(DriverError::ClosedPipe)) && begun.into_inner() < 1000);
    }
}
