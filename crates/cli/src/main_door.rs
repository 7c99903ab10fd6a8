//! From the arguments of the process to its exit code.

use std::ffi::OsString;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::arguments::Arguments;
use crate::console::Console;
use crate::failure::Failure;
use crate::verbs;

/// Does what the arguments say, and returns the exit code.
pub fn main<I, A>(arguments: I) -> u8
where
    I: IntoIterator<Item = A>,
    A: Into<OsString> + Clone,
{
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let mut console = Console::new(arguments.manner);
    let answer = verbs::perform(arguments.verb, &mut console);
    let code = match answer {
        Ok(verdict) => verdict.exit_code(),
        Err(failure) => {
            console.fail(&failure);
            failure.exit_code()
        }
    };
    match console.finish() {
        Ok(()) => code,
        Err(error) => {
            let failure = Failure::storage("writing to standard output", &error);
            console.fail(&failure);
            failure.exit_code()
        }
    }
}

/// Lets this program, started once more, end the tools that this process leaves behind if it is
/// killed. For the program itself and not for others that use the library: it is run again
/// with arguments that only evergen understands.
pub fn leave_no_tools_behind() {
    match std::env::current_exe() {
        Ok(program) => {
            evergen_quality_gates::appoint_guardian(program, vec!["guard-tools".into()]);
        }
        Err(error) => tracing::debug!(%error, "nobody waits to end tools"),
    }
}

/// Help and version go to standard output, what is wrong to standard error.
fn usage(error: &clap::Error) -> u8 {
    // There is nowhere left to say that this could not be printed.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
        _ => 2,
    }
}
