//! The steps of `cargo xtask ci`.
//!
//! All steps that compile use the same features and the same profile, so that what one
//! step has built the next one finds.

use anyhow::Result;

use super::{Report, Step};
use crate::shell::{self, Shell};
use crate::{docs, layering, quickstart};

/// In the order in which they run: the quick ones first.
pub(super) const STEPS: &[Step] = &[
    Step { name: "fmt", wants_tools: false, check: fmt },
    Step { name: "layering", wants_tools: false, check: layered },
    Step { name: "clippy", wants_tools: false, check: clippy },
    Step { name: "docs", wants_tools: false, check: documented },
    Step { name: "deny", wants_tools: true, check: deny },
    Step { name: "tests", wants_tools: true, check: tests },
    Step { name: "doctests", wants_tools: true, check: doctests },
    Step { name: "quickstart", wants_tools: true, check: started },
];

fn fmt(shell: &Shell) -> Result<Report> {
    shell::run(&mut shell.cargo(&["fmt", "--all", "--check"]))?;
    Ok(Report::passed(""))
}

fn layered(shell: &Shell) -> Result<Report> {
    layering::run(shell)?;
    Ok(Report::passed(""))
}

fn clippy(shell: &Shell) -> Result<Report> {
    let arguments =
        ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    shell::run(&mut shell.cargo(&arguments))?;
    Ok(Report::passed(""))
}

fn deny(shell: &Shell) -> Result<Report> {
    if !shell.has("cargo-deny") {
        println!("SKIPPED: cargo-deny is not installed; `cargo xtask setup` gets it");
        return Ok(Report::skipped("cargo-deny is not installed"));
    }
    // It reads the manifests of all platforms' packages, which a build need not have fetched.
    if let Err(error) = shell::capture(&mut shell.cargo(&["fetch", "--locked"])) {
        println!("not all packages could be fetched: {error:#}");
    }
    let offline = ["deny", "--offline", "check", "--hide-inclusion-graph"];
    shell::run(shell.cargo(&offline).args(["bans", "licenses", "sources"]))?;
    if let Err(error) = shell::capture(&mut shell.cargo(&["deny", "fetch", "db"])) {
        println!("SKIPPED: the advisory database cannot be reached: {error:#}");
        return Ok(Report::passed("advisories SKIPPED: their database cannot be reached"));
    }
    shell::run(&mut shell.cargo(&["deny", "check", "advisories"]))?;
    Ok(Report::passed("with advisories"))
}

fn documented(shell: &Shell) -> Result<Report> {
    docs::run(shell, false)?;
    Ok(Report::passed(""))
}

fn tests(shell: &Shell) -> Result<Report> {
    let nextest = ["nextest", "run", "--workspace", "--all-features", "--profile", "ci"];
    // Documentation tests are a step of their own, which nextest does not run.
    let plain = ["test", "--workspace", "--all-features", "--tests", "--no-fail-fast"];
    let arguments = if shell.has("cargo-nextest") { &nextest[..] } else { &plain[..] };
    run_tests(shell, arguments)
}

fn doctests(shell: &Shell) -> Result<Report> {
    run_tests(shell, &["test", "--doc", "--workspace", "--all-features", "--no-fail-fast"])
}

fn run_tests(shell: &Shell, arguments: &[&str]) -> Result<Report> {
    let (counts, ending) = shell::run_tests(&mut shell.cargo(arguments))?;
    let report = match ending {
        Some(ending) => Report::failed(format!("{counts}; {ending}")),
        None if counts.is_empty() => Report::failed("no test ran"),
        None => Report::passed(counts.to_string()),
    };
    Ok(Report { counts, ..report })
}

fn started(shell: &Shell) -> Result<Report> {
    quickstart::run(shell, quickstart::Build::OfTheTests).map(Report::passed)
}
