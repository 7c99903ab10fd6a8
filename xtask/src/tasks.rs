//! The tasks that only hand over to another tool.

use std::ffi::OsStr;
use std::fs;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::shell::{self, Shell};

/// What `bench` may be told.
#[derive(Args)]
pub(crate) struct Bench {
    /// Which benchmarks to run, by file name (all of them when none is named)
    names: Vec<String>,
    /// Small sizes and few repetitions: shows that they work, not how fast
    #[arg(long)]
    quick: bool,
    /// Passed on to the benchmarks
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs the benchmarks of the crate in `tests/`.
pub(crate) fn bench(shell: &Shell, options: &Bench) -> Result<()> {
    let mut command = shell.cargo(&["bench", "--manifest-path", "tests/Cargo.toml"]);
    if options.names.is_empty() {
        command.args(["--bench", "*"]);
    }
    for name in &options.names {
        command.args(["--bench", name]);
    }
    command.arg("--").args(options.quick.then_some("--quick")).args(&options.arguments);
    shell::run(&mut command)
}

/// What `fuzz` may be told.
#[derive(Args)]
pub(crate) struct Fuzz {
    /// A fuzz target, or `sequences`; all targets when none is named
    target: Option<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// How many random sequences of changes `sequences` tries
    #[arg(long, default_value_t = 200_000)]
    cases: u32,
}

/// Runs one fuzz target, all of them in turn, or the long run of the property test.
pub(crate) fn fuzz(shell: &Shell, options: &Fuzz) -> Result<()> {
    if options.target.as_deref() == Some("sequences") {
        return sequences(shell, options.cases);
    }
    let mut targets = fuzz_targets(shell)?;
    if let Some(wanted) = &options.target {
        ensure!(
            targets.contains(wanted),
            "there is no fuzz target {wanted}; there are sequences, {}",
            targets.join(", ")
        );
        targets.retain(|target| target == wanted);
    }
    need(shell, "cargo-fuzz")?;
    for target in targets {
        let limit = format!("-max_total_time={}", options.seconds);
        let words = ["+nightly", "fuzz", "run", "--fuzz-dir", "fuzz", &target, "--", &limit];
        // The pinned toolchain of this very process must not win over `+nightly`.
        shell::run(shell.cargo(&words).env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO"))?;
    }
    Ok(())
}

fn sequences(shell: &Shell, cases: u32) -> Result<()> {
    let words = ["test", "--release", "--manifest-path", "tests/Cargo.toml", "sequences"];
    let mut command = shell.cargo(&words);
    let cases = cases.to_string();
    command.env("PROPTEST_CASES", &cases).env("EVERGEN_SEQUENCES", &cases);
    shell::run(command.args(["--", "--nocapture"]))
}

fn fuzz_targets(shell: &Shell) -> Result<Vec<String>> {
    let mut targets = Vec::new();
    let folder = shell.root().join("fuzz/fuzz_targets");
    for entry in fs::read_dir(folder).context("fuzz/fuzz_targets cannot be listed")? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("rs")) {
            targets.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    targets.sort();
    Ok(targets)
}

pub(crate) fn need(shell: &Shell, tool: &str) -> Result<()> {
    if !shell.has(tool) {
        bail!(
            "{tool} is not installed; `cargo xtask setup` or `cargo install --locked {tool}` gets it"
        );
    }
    Ok(())
}
