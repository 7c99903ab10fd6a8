//! Does the first thing that the README promises work?
//!
//! The README marks one fenced block with `<!-- ci: quickstart -->`. Its commands
//! are run on a copy of the example: a project must come out with its artifacts, and
//! running it again must change nothing. Where the tests have built the program
//! already, that one stands for `cargo run --release --`, since a build of its own
//! takes as long as all others together; `cargo xtask quickstart` runs the commands
//! as they are written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::shell::{self, Shell};

const MARK: &str = "<!-- ci: quickstart -->";

/// Which program the commands of the README run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// As it is written: cargo builds it.
    OfItsOwn,
    /// The one that lies beside this very program, if there is one.
    OfTheTests,
}

/// Runs the marked block of the README; says what was seen.
pub(crate) fn run(shell: &Shell, build: Build) -> Result<String> {
    let readme = fs::read_to_string(shell.root().join("README.md"))?;
    let commands = commands(&readme)?;
    let mut seen = Vec::new();
    let built = if build == Build::OfTheTests { built_program() } else { None };
    // The block also names this very check, which need not run inside itself.
    for command in commands.iter().filter(|command| !command.starts_with("cargo xtask ")) {
        seen.push(run_on_copy(shell, command, built.as_deref())?);
    }
    ensure!(!seen.is_empty(), "the quick start of README.md has no command to run");
    Ok(seen.join("; "))
}

/// The `evergen` of the profile that this program was built in.
fn built_program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.with_file_name("evergen");
    program.is_file().then_some(program)
}

/// The command with the program that is there in place of one that cargo would build.
fn with_built<'a>(line: &'a str, built: Option<&'a str>) -> Vec<&'a str> {
    let words = line.strip_prefix("cargo run ").and_then(|rest| rest.split_once("-- "));
    match (words, built) {
        (Some((_, arguments)), Some(built)) => {
            std::iter::once(built).chain(arguments.split_whitespace()).collect()
        }
        _ => line.split_whitespace().collect(),
    }
}

fn run_on_copy(shell: &Shell, line: &str, built: Option<&Path>) -> Result<String> {
    let words = with_built(line, built.and_then(Path::to_str));
    let example = words
        .iter()
        .find(|word| word.starts_with("examples/") && shell.root().join(word).is_dir())
        .with_context(|| format!("`{line}` names no folder in examples/"))?;
    let place = tempfile::tempdir()?;
    let copy = place.path().join("project");
    copy_project(shell, example, &copy)?;
    let target = copy.to_str().context("the folder for temporary files is not text")?;
    let words: Vec<&str> =
        words.iter().map(|word| if word == example { target } else { *word }).collect();
    let (program, arguments) = words.split_first().context("an empty command")?;

    shell::run(&mut shell.command(program, arguments))?;
    let first = listing(&copy)?;
    ensure!(first.contains_key("evergen.lock"), "`{line}` left no evergen.lock");
    let report = shell::capture(shell.command(program, arguments).arg("--json"))?;
    let second = listing(&copy)?;
    ensure!(first == second, "running `{line}` again touched {}", difference(&first, &second));
    idle_report(&report)
}

/// The commands of the marked block, without comments.
fn commands(readme: &str) -> Result<Vec<String>> {
    let (_, rest) = readme.split_once(MARK).with_context(|| format!("README.md has no {MARK}"))?;
    let block = rest.trim_start().strip_prefix("```").context("no block follows the mark")?;
    let lines = block.lines().skip(1).take_while(|line| !line.starts_with("```"));
    let commands = lines.map(|line| line.split(" #").next().unwrap_or(line).trim().to_owned());
    Ok(commands.filter(|line| !line.is_empty() && !line.starts_with('#')).collect())
}

/// Reads the report of a run that had nothing to do.
fn idle_report(report: &str) -> Result<String> {
    let report: Value =
        serde_json::from_str(report).context("`--json` did not print one object")?;
    let count = |name: &str| {
        report["artifacts"][name]
            .as_u64()
            .with_context(|| format!("no artifacts.{name} in the report"))
    };
    let total = count("total")?;
    ensure!(total > 0, "the run reports no artifacts");
    for name in ["rendered", "written", "deleted"] {
        if count(name)? > 0 {
            bail!("a second run reports {} artifacts {name}", count(name)?);
        }
    }
    Ok(format!("{total} artifacts, the second run idle"))
}

fn copy_project(shell: &Shell, folder: &str, to: &Path) -> Result<()> {
    for file in shell.files(folder)? {
        let inside = Path::new(&file).strip_prefix(folder)?;
        let target = to.join(inside);
        fs::create_dir_all(target.parent().unwrap_or(to))?;
        fs::copy(shell.root().join(&file), &target)
            .with_context(|| format!("cannot copy {file}"))?;
    }
    Ok(())
}

/// All files but evergen's own state: path to time of change and length.
type Listing = BTreeMap<String, (SystemTime, u64)>;

fn listing(root: &Path) -> Result<Listing> {
    let mut files = Listing::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?
        {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with(".evergen") {
                folders.push(path);
            } else if path.is_file() {
                let data = fs::metadata(&path)?;
                let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
                files.insert(name, (data.modified()?, data.len()));
            }
        }
    }
    Ok(files)
}

fn difference(first: &Listing, second: &Listing) -> String {
    let names =
        first.keys().chain(second.keys()).filter(|name| first.get(*name) != second.get(*name));
    let mut names: Vec<&str> = names.map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{commands, idle_report, with_built};

    #[test]
    fn the_marked_block_is_read_without_comments() {
        let readme = "```\nother\n```\n<!-- ci: quickstart -->\n```sh\n# first\n\
                      cargo run -- run examples/shop   # a model\n\ncargo xtask ci\n```\nrest\n";
        let found = commands(readme).expect("the block is there");
        assert_eq!(found, ["cargo run -- run examples/shop", "cargo xtask ci"]);
    }

    #[test]
    fn a_program_that_was_built_stands_for_the_one_that_cargo_would_build() {
        let line = "cargo run --release -- run examples/shop";
        assert_eq!(with_built(line, Some("/t/evergen")), ["/t/evergen", "run", "examples/shop"]);
        assert_eq!(with_built(line, None).join(" "), line);
        assert_eq!(with_built("make all", Some("/t/evergen")), ["make", "all"]);
    }

    #[test]
    fn a_readme_without_the_mark_is_an_error() {
        assert!(commands("# evergen\n```sh\nls\n```\n").is_err());
    }

    #[test]
    fn a_second_run_does_nothing() {
        let report = r#"{"artifacts": {"total": 7, "rendered": 0, "written": 0, "deleted": 0}}"#;
        assert_eq!(idle_report(report).expect("idle"), "7 artifacts, the second run idle");
        let busy = report.replace("\"written\": 0", "\"written\": 2");
        let error = idle_report(&busy).expect_err("busy");
        assert_eq!(error.to_string(), "a second run reports 2 artifacts written");
    }
}
