//! cargo-llvm-cov.

use serde::Deserialize;

use super::cargo_test::read_tests;
use super::ready::{ReadyAdapter, json};
use super::rust::{build_limits, cargo, cargo_run, library};
use crate::{Coverage, ExitContract, GateKind, Looker};

/// Unit and integration tests, and the share of lines that they reach: in place of `cargo test`.
pub fn cargo_llvm_cov() -> ReadyAdapter {
    let (info, tool) = cargo("cargo llvm-cov", GateKind::Tests, "workspace json 2");
    let mut tool = tool.with_version_arguments(["llvm-cov", "--version"]);
    "cargo-llvm-cov".clone_into(&mut tool.program);
    "Install it with `cargo install cargo-llvm-cov` and `rustup component add llvm-tools`."
        .clone_into(&mut tool.install);
    ReadyAdapter {
        info: info.with_retries(1),
        tool: tool.with_versions(super::ready::versions("0.5", "1")),
        contract: ExitContract::new([0], [1, 101]),
        limits: build_limits(),
        canaries: vec![
            library("#[test]\nfn t() {\n    assert_eq!(1, 2);\n}\n", Some("test")),
            library("#[test]\nfn t() {\n    assert_eq!(1, 1);\n}\n", None),
        ],
        run: |job| {
            let report = job.cache.join("coverage.json");
            let path = report.to_string_lossy().into_owned();
            let arguments = [
                "llvm-cov",
                "--workspace",
                "--no-fail-fast",
                "--json",
                "--summary-only",
                "--output-path",
                &path,
            ];
            cargo_run(job, &arguments).into_iter().map(|run| run.writing(&report)).collect()
        },
        read: |job, output| {
            let mut reading = read_tests(job, output)?;
            // Where a test failed there is none, and the failure is the answer.
            if reading.findings.is_empty() {
                let report: Report = json("its coverage", output.file(0)?)?;
                let percent = report.data.first().map(|data| data.totals.lines.percent);
                let percent = percent.ok_or_else(|| {
                    crate::Fault::unparsable("its coverage", "it measured nothing")
                })?;
                reading.coverage = reading
                    .coverage
                    .measured(Coverage::LINE_COVERAGE, percent)
                    .by(Looker::new("llvm-cov", "by cargo-llvm-cov"));
            }
            Ok(reading)
        },
    }
}

#[derive(Deserialize)]
struct Report {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    totals: Totals,
}

#[derive(Deserialize)]
struct Totals {
    lines: Lines,
}

#[derive(Deserialize)]
struct Lines {
    percent: f64,
}
