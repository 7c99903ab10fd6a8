//! Programs of the user's, run without a shell and ended for certain.

mod capture;
mod hook;
mod line;
mod processes;
mod redaction;
mod run;
mod secret_file;
mod validator;

#[cfg(test)]
mod tests;

pub use hook::CommandHook;
pub use line::{CommandLine, SettingError};
pub use run::{CommandError, Finished, Invocation};
pub use validator::CommandValidator;

pub(crate) use line::setting;
pub(crate) use run::said;
