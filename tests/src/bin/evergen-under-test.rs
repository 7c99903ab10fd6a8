//! The shipped program, built together with the tests that start it.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// As the shipped program has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(evergen::main(std::env::args_os()))
}
