//! cargo-audit.

use serde::Deserialize;

use super::healers::advisory;
use super::ready::{ReadyAdapter, json, versions};
use super::rust::with_toolchain;
use crate::{
    Canary, Cost, Coverage, ExitContract, Fault, Finding, GateInfo, GateKind, Invocation, Job,
    Limits, Needs, Reading, Scope, Severity, ToolOutput, ToolSpec,
};

/// Known weaknesses of dependencies, by cargo-audit. Its database is fetched when it is old, so
/// that answers are not kept.
pub fn cargo_audit() -> ReadyAdapter {
    let lock = |packages: &str| format!("version = 3\n\n{packages}");
    let own = "[[package]]\nname = \"canary\"\nversion = \"0.1.0\"\n";
    let weak = "[[package]]\nname = \"smallvec\"\nversion = \"0.6.9\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
    ReadyAdapter {
        info: GateInfo::new("cargo audit", GateKind::Security)
            .with_scope(Scope::globs(["Cargo.lock"]).unwrap_or_default())
            .needing(Needs::Tree)
            .with_cost(Cost::Moderate)
            .with_settings("json 1")
            .uncached(),
        tool: with_toolchain(
            ToolSpec::new("cargo-audit", "Install it with `cargo install cargo-audit`.")
                .with_version_arguments(["audit", "--version"])
                .with_versions(versions("0.17", "1")),
        ),
        contract: ExitContract::default().tolerating(Severity::Warning),
        limits: Limits::default().with_time(std::time::Duration::from_mins(3)),
        canaries: vec![
            Canary::red("Cargo.lock", lock(weak)).by_rule("RUSTSEC-"),
            Canary::green("Cargo.lock", lock(own)),
        ],
        run: |_| {
            vec![Invocation::new(["audit", "--json", "--color", "never", "--file", "Cargo.lock"])]
        },
        read: read_audit,
    }
}

#[derive(Deserialize)]
struct Audit {
    vulnerabilities: Vulnerabilities,
}

#[derive(Deserialize)]
struct Vulnerabilities {
    count: usize,
    list: Vec<Vulnerability>,
}

#[derive(Deserialize)]
struct Vulnerability {
    advisory: Advisory,
    versions: Versions,
    package: Package,
}

#[derive(Deserialize)]
struct Advisory {
    id: String,
    title: String,
    url: Option<String>,
}

#[derive(Deserialize)]
struct Versions {
    #[serde(default)]
    patched: Vec<String>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

fn read_audit(_: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let Vulnerabilities { count, list } =
        json::<Audit>("its report", &output.stdout)?.vulnerabilities;
    if count != list.len() {
        return Err(Fault::unparsable("its report", "it counts other weaknesses than it names"));
    }
    let findings = list.into_iter().map(|one| {
        let Package { name, version } = one.package;
        let said = advisory(&name, &version, &one.advisory.title, &one.versions.patched);
        let mut finding = Finding::error(one.advisory.id, said).in_file("Cargo.lock");
        finding.help_url = one.advisory.url;
        finding
    });
    Ok(Reading::new(findings.collect(), Coverage::of_files(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As version 0.21 writes it, shortened.
    const REPORT: &str = r#"{"database":{"advisory-count":690,"last-commit":"a","last-updated":"2026-11-01T00:00:00Z"},
        "lockfile":{"dependency-count":1},"settings":{"target_arch":[],"target_os":[]},
        "vulnerabilities":{"found":true,"count":1,"list":[{"advisory":{"id":"RUSTSEC-2019-0009",
        "package":"smallvec","title":"Double-free and use-after-free in SmallVec::grow()",
        "url":"https://github.com/servo/rust-smallvec/issues/148"},
        "versions":{"patched":[">=0.6.10"],"unaffected":["<0.6.5"]},"affected":null,
        "package":{"name":"smallvec","version":"0.6.9","source":null,"checksum":null}}]},"warnings":{}}"#;

    #[test]
    fn a_weakness_names_its_package_and_what_mends_it() {
        let read = |text: &str| {
            let output = ToolOutput::new(1, text, "");
            let looker = crate::Looker::new("cargo-audit", "0.21.0");
            let version = "0.21.0".parse().unwrap();
            let tool = crate::FoundTool { path: "cargo-audit".into(), version, looker };
            let here = std::path::Path::new(".");
            read_audit(&Job::new(here, here, &[], &tool), &output)
        };
        let said = read(REPORT).unwrap().findings[0].to_string();
        assert_eq!(
            said,
            "error[RUSTSEC-2019-0009] Cargo.lock: `smallvec` 0.6.9: Double-free and use-after-free \
             in SmallVec::grow() (mended in 0.6.10)"
        );
        assert!(read(&REPORT.replace("\"count\":1", "\"count\":2")).is_err());
        assert!(read("{}").is_err());
    }
}
