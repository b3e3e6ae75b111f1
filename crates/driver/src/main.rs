//! The `gaugelink` program.

use gaugelink_driver::bench::CountingAllocator;

/// So that `gaugelink bench` can tell of allocations.
#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() -> std::process::ExitCode {
    gaugelink_driver::cli::main()
}
