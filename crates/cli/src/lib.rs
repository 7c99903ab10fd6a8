//! The command line of evergen: the only place that chooses implementations.
//!
//! A verb is one function: it gets the parsed arguments and a [`Console`], asks
//! the engine, and prints the answer. What all verbs share lies in four modules,
//! and each takes one worry away from them:
//!
//! - *Which project?* A folder with `evergen.toml`, files named on the command
//!   line, or what was run here before; with settings from the file, the
//!   environment and the flags, each with its origin.
//! - *For whom?* For a person, results on standard output and messages with
//!   excerpts on standard error; for a program, one JSON object whose schema is in
//!   `docs/schemas`. Nobody who closes a pipe early makes evergen fail.
//! - *What went wrong?* A [`Failure`] knows its exit code, and prints itself.
//! - *Which languages?* The built-in packs are put together in one function.
//!
//! What it does not do: decide anything about artifacts. It holds no logic that a
//! program that uses the engine as a library would miss.
//!
//! ```
//! let code = evergen::main(["evergen", "--version"]);
//! assert_eq!(code, 0);
//! ```

mod arguments;
mod composition;
mod console;
mod diagnostics;
mod diary;
mod environments;
mod excerpt;
mod failure;
mod gates;
mod main_door;
mod new_file;
mod origin;
mod passes;
mod progress;
mod project;
mod remembered;
mod schemas;
mod short;
mod signals;
mod verbs;
mod watching;
mod words;

pub use crate::arguments::{Arguments, Verb};
pub use crate::console::Console;
pub use crate::failure::{ErrorReport, Failure};
pub use crate::main_door::main;
pub use crate::schemas::{SchemaFile, schemas};
