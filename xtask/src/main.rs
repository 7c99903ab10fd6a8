//! One door for every task of the workspace: `cargo xtask TASK`.
//!
//! What a person types on a laptop is what CI runs; nothing is checked that
//! cannot be checked here. Each task is a module, and each module decides in
//! functions over plain values where it can (the layering check, the link
//! check, the reading of test counts) so that the rules themselves have tests.
//!
//! Nothing here names a product crate, but for one table: the permitted edges in
//! `layering/table.rs`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod ci;
mod counts;
mod coverage;
mod docs;
mod layering;
mod quickstart;
mod setup;
mod shell;
mod tasks;

use crate::shell::Shell;

/// Every task of the workspace, the same on a laptop and in CI.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run everything that CI checks, and stop at the first step that fails
    Ci(ci::Options),
    /// Hold the edges between our crates against the one table of permitted ones
    Layering,
    /// Build the API documentation and check links and references in the guides
    Docs {
        /// Open the API documentation in a browser afterwards
        #[arg(long)]
        open: bool,
    },
    /// Run the commands of the README's quick start as they are written, in release
    Quickstart,
    /// Run the benchmarks in tests/benches
    Bench(tasks::Bench),
    /// Measure which lines the tests reach, crate by crate, and whether they are enough
    Coverage {
        /// Passed to cargo llvm-cov: which tests run, as `-p evergen-events` (all without it)
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run the fuzz targets, or the long run of the property test (`fuzz sequences`)
    Fuzz(tasks::Fuzz),
    /// Install what the tests and the other tasks want; what is there is left alone
    Setup(setup::Options),
}

fn main() -> ExitCode {
    match run(&Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<()> {
    let shell = Shell::new()?;
    match task {
        Task::Ci(options) => ci::run(&shell, options),
        Task::Layering => layering::run(&shell),
        Task::Docs { open } => docs::run(&shell, *open),
        Task::Quickstart => {
            println!("{}", quickstart::run(&shell, quickstart::Build::OfItsOwn)?);
            Ok(())
        }
        Task::Bench(bench) => tasks::bench(&shell, bench),
        Task::Coverage { arguments } => coverage::coverage(&shell, arguments),
        Task::Fuzz(fuzz) => tasks::fuzz(&shell, fuzz),
        Task::Setup(options) => setup::run(&shell, options),
    }
}
