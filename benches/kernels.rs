//! The cases of `gaugelink bench` through criterion, under the same names: `cargo bench --bench kernels [-- FILTER]`.
//!
//! Under `cargo test --benches` every case runs once, on small lattices.

use criterion::Criterion;
use gaugelink_driver::DriverError;
use gaugelink_driver::bench::{self, Clock, Effort, Request, Run, Timing};
use std::process::ExitCode;
use std::time::Duration;

/// Runs repeated by criterion, which also tells their times.
struct Through(Criterion);

impl Clock for Through {
    fn time(&mut self, case: &str, run: &mut Run<'_>) -> Result<Timing, DriverError> {
        let (mut seconds, mut failure) = (f64::NAN, None);
        self.0.bench_function(case, |bencher| {
            bencher.iter_custom(|runs| {
                let mut total = 0.0;
                for _ in 0..runs {
                    // After a failure nothing runs any more; criterion still asks for times.
                    let result = if failure.is_none() { run() } else { Ok(1e-9) };
                    total += result.unwrap_or_else(|error| {
                        failure = Some(error);
                        1e-9
                    });
                }
                seconds = total / runs as f64;
                Duration::from_secs_f64(total)
            })
        });
        failure.map_or(Ok(Timing { seconds, allocations: None }), Err)
    }
}

fn main() -> ExitCode {
    let measures = std::env::args().any(|argument| argument == "--bench");
    let criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    let mut clock = Through(criterion.configure_from_args());
    let volumes = if measures { Vec::new() } else { vec![vec![4; 4], vec![8; 2]] };
    let request = Request {
        volumes,
        threads: 0,
        precision: None,
        effort: Effort::once(),
        folder: None,
        sources: 1,
        planner: None,
    };
    match bench::run_with(&["all"], &request, &mut clock, &mut |_| Ok(())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kernels: {error}");
            ExitCode::FAILURE
        }
    }
}
