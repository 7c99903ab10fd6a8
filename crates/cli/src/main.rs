//! The shipped binary; everything is in the library beside it.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Rendering makes and drops small values all the time, on several threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    evergen::leave_no_tools_behind();
    ExitCode::from(evergen::main(std::env::args_os()))
}
