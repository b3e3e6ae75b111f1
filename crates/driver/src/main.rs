//! The `gaugelink` program.

fn main() -> std::process::ExitCode {
    gaugelink_driver::cli::main()
}
