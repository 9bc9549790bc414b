//! The `kylo` binary: one call.

fn main() -> std::process::ExitCode {
    kylo::main(std::env::args_os())
}
