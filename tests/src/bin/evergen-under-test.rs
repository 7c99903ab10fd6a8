//! The shipped program, built together with the tests that start it.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(evergen::main(std::env::args_os()))
}
