//! `cargo test`, and how test binaries of Rust are read.

use super::packages::{self, Packages};
use super::projects::files_in;
use super::ready::{ReadyAdapter, number_before, text};
use super::rust::{build_limits, cargo, cargo_run, library};
use crate::{Coverage, ExitContract, Fault, Finding, GateKind, Job, Reading, ToolOutput};

/// Unit, integration and documentation tests. No test is an error, and never a pass.
pub fn cargo_test() -> ReadyAdapter {
    let (info, tool) = cargo("cargo test", GateKind::Tests, "workspace 2");
    ReadyAdapter {
        info: info.with_retries(1),
        tool,
        contract: ExitContract::new([0], [101]),
        limits: build_limits(),
        canaries: vec![
            library("#[test]\nfn t() {\n    assert_eq!(1, 2);\n}\n", Some("test")),
            library("#[test]\nfn t() {\n    assert_eq!(1, 1);\n}\n", None),
        ],
        run: |job| cargo_run(job, &["test", "--workspace", "--no-fail-fast"]),
        read: read_tests,
    }
}

pub(super) fn read_tests(job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let said = text("its report", &output.stdout)?;
    let (mut begun, mut ended, mut ran) = (0_u64, 0_u64, 0_u64);
    // The tests that failed, for each binary in which one did.
    let (mut failed, mut names) = (Vec::new(), Vec::new());
    for line in said.lines() {
        if line.starts_with("running ") && (line.ends_with(" tests") || line.ends_with(" test")) {
            begun += 1;
        } else if let Some(result) = line.strip_prefix("test result: ") {
            ended += 1;
            let count = |word: &str| number_before(result, word);
            ran += count(" passed") + count(" failed");
            if result.starts_with("FAILED") {
                failed.push(std::mem::take(&mut names));
            }
        } else if let Some(name) =
            line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            names.push(name);
        }
    }
    if begun != ended {
        return Err(Fault::unparsable("its report", "a test binary did not come to its result"));
    }
    failed.extend((!names.is_empty()).then_some(names));
    let findings = if failed.is_empty() { Vec::new() } else { placed(&failed, job, output) };
    let files = files_in(job.plan(packages::plan), output);
    Ok(Reading::new(findings, Coverage::of_files(files).with_tests(ran)))
}

/// Failed tests, each at the manifest of its package: tests of the same name in two packages, or
/// in two binaries of one, are two findings. Which binary failed cargo says elsewhere, in the same
/// order.
fn placed(failed: &[Vec<&str>], job: &Job<'_>, output: &ToolOutput) -> Vec<Finding> {
    let plan = job.plan(packages::plan);
    let share = plan.shares.get(output.invocation);
    let root = share.and_then(|share| share.place.as_deref()).unwrap_or_default();
    let known = Packages::of(job);
    let said = String::from_utf8_lossy(&output.stderr);
    let binaries: Vec<&str> = said.lines().filter_map(again).collect();
    let mut findings = Vec::new();
    for (number, names) in failed.iter().enumerate() {
        // Where binaries of other harnesses failed, too, nobody knows which is which.
        let binary = binaries.get(number).filter(|_| binaries.len() == failed.len());
        let (package, target) = binary.map_or((None, ""), |binary| parts(binary));
        let folder = package.and_then(|name| known.named(name, root)).unwrap_or(root);
        let manifest = job.folder.join(folder).join(packages::NAME);
        let target = if target.is_empty() { String::new() } else { format!(" (`{target}`)") };
        for name in names {
            let message = format!("the test `{name}` failed{target}");
            findings.push(Finding::error("test", message).in_file(manifest.to_string_lossy()));
        }
    }
    findings
}

/// How to repeat a binary that failed: "error: test failed, to rerun pass `-p a --lib`".
fn again(line: &str) -> Option<&str> {
    let (_, rest) = line.strip_prefix("error: ")?.split_once("test failed, to rerun pass `")?;
    rest.strip_suffix('`')
}

/// The package and the target in `-p a --test b`; the package is left out where there is but one.
fn parts(binary: &str) -> (Option<&str>, &str) {
    let Some(rest) = binary.strip_prefix("-p ") else { return (None, binary) };
    let (package, target) = rest.split_once(' ').unwrap_or((rest, ""));
    (Some(package), target)
}
