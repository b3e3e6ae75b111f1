//! The cases of `gaugelink bench`, through cargo: `cargo bench [--bench kernels] [-- NAME ...]`.
//!
//! Under `cargo test --benches` every case runs once on a small lattice.

use gaugelink_driver::bench::{self, Effort, Request};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let times = arguments.iter().any(|a| a == "--bench");
    let mut names: Vec<&str> = arguments.iter().map(String::as_str).filter(|a| !a.starts_with('-')).collect();
    if names.is_empty() {
        names.push("all");
    }
    let extents = if times { Vec::new() } else { vec![4; 4] };
    let effort = if times { Effort::full() } else { Effort::once() };
    let request = Request { extents, threads: 0, precision: None, effort, folder: None };
    for name in names {
        let printed = bench::run(name, &request, &mut |line| {
            let ratio =
                line.limit_name.zip(line.ratio).map_or(String::new(), |(n, r)| format!("{r:.3} of {n}"));
            println!("{:<36} {:<16} {:>12.4e} {:<13} {ratio}", line.case, line.metric, line.value, line.unit);
            Ok(())
        });
        if let Err(error) = printed {
            eprintln!("kernels: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
