//! cargo-deny.

use super::packages;
use super::projects::{run_in, unsaid};
use super::ready::{ReadyAdapter, info, reading, text, versions, within};
use super::rust::{SETTINGS, with_toolchain};
use crate::{
    Canary, Cost, ExitContract, Fault, Finding, GateKind, Invocation, Job, Limits, Needs, Reading,
    Severity, ToolOutput, ToolSpec,
};

/// Licences, sources and bans of dependencies, without asking the network for advisories. Which
/// are allowed only the project's `deny.toml` can say.
pub fn cargo_deny() -> ReadyAdapter {
    let scope = crate::Scope::globs(["**/Cargo.toml", "**/Cargo.lock"]).unwrap_or_default();
    let info = info("cargo deny", GateKind::Imports, &[], "bans licenses sources 2");
    let info = reading(info.with_scope(scope), SETTINGS);
    let configuration = "[licenses]\nallow = [\"MIT\"]\n";
    let canary =
        |canary: Canary| canary.with_file("src/lib.rs", "").with_file("deny.toml", configuration);
    let licensed = |licence: &str| {
        format!(
            "[package]\nname = \"canary\"\nversion = \"0.1.0\"\nlicense = \"{licence}\"\n\n[workspace]\n"
        )
    };
    ReadyAdapter {
        info: within(info, "deny.toml", &["**/deny.toml", "**/.deny.toml"])
            .needing(Needs::Tree)
            .with_cost(Cost::Moderate),
        tool: with_toolchain(
            ToolSpec::new("cargo-deny", "Install it with `cargo install cargo-deny`.")
                .with_versions(versions("0.14", "1")),
        ),
        contract: ExitContract::new([0], [1, 2, 4, 8]).tolerating(Severity::Warning),
        limits: Limits::default(),
        canaries: vec![
            canary(Canary::red("Cargo.toml", licensed("GPL-3.0"))).by_rule("rejected"),
            canary(Canary::green("Cargo.toml", licensed("MIT"))),
        ],
        run: |job| {
            // Without it only the root's own dependencies are looked at.
            let check = ["--workspace", "--format", "json", "--offline", "check"];
            run_in(
                job.plan(packages::plan),
                &Invocation::new(check).with(["bans", "licenses", "sources"]),
            )
        },
        read: read_deny,
    }
}

fn read_deny(job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let said = text("its messages", &output.stderr)?;
    let mut findings = Vec::new();
    let mut is_finished = false;
    for line in said.lines() {
        let message: serde_json::Value =
            serde_json::from_str(line).map_err(|error| Fault::unparsable("its messages", error))?;
        let fields = &message["fields"];
        match message["type"].as_str() {
            Some("summary") => is_finished = true,
            Some("diagnostic") if fields["severity"] != "note" && fields["severity"] != "help" => {
                let severity =
                    if fields["severity"] == "error" { Severity::Error } else { Severity::Warning };
                let rule = fields["code"].as_str().unwrap_or("cargo-deny");
                let text = fields["message"].as_str().unwrap_or_default();
                if severity == Severity::Error {
                    findings.push(Finding::new(severity, rule, text).in_file("Cargo.toml"));
                }
            }
            _ => {}
        }
    }
    if !is_finished {
        return Err(Fault::unparsable("its messages", "the summary is missing"));
    }
    Ok(unsaid(findings, job, job.plan(packages::plan), output))
}
