//! The shipped binary; everything is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    evergen::leave_no_tools_behind();
    ExitCode::from(evergen::main(std::env::args_os()))
}
