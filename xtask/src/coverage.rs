//! Which lines the tests reach, crate by crate, and whether those reach enough that promise to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::shell::{self, Shell};
use crate::tasks::need;

/// The crates of which so many per cent of the lines have to be reached.
const BARS: [(&str, f64); 2] = [("events", 90.0), ("orchestrator", 90.0)];

/// Lines that were reached, and all there are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Lines {
    covered: u64,
    count: u64,
}

impl Lines {
    #[expect(clippy::cast_precision_loss, reason = "no crate has that many lines")]
    fn percent(self) -> f64 {
        if self.count == 0 { 0.0 } else { self.covered as f64 * 100.0 / self.count as f64 }
    }
}

/// Runs the tests under cargo-llvm-cov, and shows what they reached. `arguments` choose the
/// tests; without any, all run.
pub(crate) fn coverage(shell: &Shell, arguments: &[String]) -> Result<()> {
    need(shell, "cargo-llvm-cov")?;
    let report = shell.root().join("target/coverage.json");
    let mut command = shell.cargo(&["llvm-cov"]);
    if shell.has("cargo-nextest") {
        command.args(["nextest", "--profile", "ci"]);
    }
    if !arguments.iter().any(|argument| matches!(argument.as_str(), "-p" | "--package")) {
        command.arg("--workspace");
    }
    command.args(["--all-features", "--json", "--summary-only", "--output-path"]).arg(&report);
    shell::run(command.args(arguments))?;
    let text =
        fs::read_to_string(&report).with_context(|| format!("reading {}", report.display()))?;
    let crates = by_crate(&serde_json::from_str(&text)?, shell.root());
    let mut short = Vec::new();
    for (name, lines) in &crates {
        let bar = BARS.iter().find(|(known, _)| known == name).map(|(_, bar)| *bar);
        let said = bar.map_or_else(String::new, |bar| format!("  >= {bar} %"));
        println!(
            "{name:<20} {:>6.2} %  {:>6} of {} lines{said}",
            lines.percent(),
            lines.covered,
            lines.count
        );
        short.extend(bar.filter(|bar| lines.percent() < *bar).map(|_| name.clone()));
    }
    ensure!(!crates.is_empty(), "{} tells of no crate of ours", report.display());
    ensure!(short.is_empty(), "too few lines are reached in {}", short.join(", "));
    Ok(())
}

/// The lines below `crates/NAME/src`, by name.
fn by_crate(report: &Value, root: &Path) -> BTreeMap<String, Lines> {
    let mut crates: BTreeMap<String, Lines> = BTreeMap::new();
    let files = report["data"].as_array().into_iter().flatten();
    for file in files.flat_map(|data| data["files"].as_array().into_iter().flatten()) {
        let path = Path::new(file["filename"].as_str().unwrap_or_default());
        let Ok(inside) = path.strip_prefix(root.join("crates")) else { continue };
        let mut parts = inside.iter().filter_map(|part| part.to_str());
        let (Some(name), Some("src")) = (parts.next(), parts.next()) else { continue };
        let lines = crates.entry(name.to_owned()).or_default();
        lines.covered += file["summary"]["lines"]["covered"].as_u64().unwrap_or(0);
        lines.count += file["summary"]["lines"]["count"].as_u64().unwrap_or(0);
    }
    crates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_up_for_each_crate() {
        let file = |name: &str, covered: u64| {
            let lines = serde_json::json!({ "covered": covered, "count": 10 });
            serde_json::json!({ "filename": name, "summary": { "lines": lines } })
        };
        let files = [
            file("/w/crates/events/src/log.rs", 9),
            file("/w/crates/events/src/log/read.rs", 8),
            file("/w/crates/events/tests/all.rs", 1),
            file("/w/crates/delta/src/lib.rs", 10),
            file("/elsewhere/crates/events/src/log.rs", 1),
        ];
        let report = serde_json::json!({ "data": [{ "files": files }] });
        let crates = by_crate(&report, Path::new("/w"));
        let names: Vec<&str> = crates.keys().map(String::as_str).collect();
        assert_eq!(names, ["delta", "events"]);
        assert_eq!(crates["events"], Lines { covered: 17, count: 20 });
        assert!((crates["events"].percent() - 85.0).abs() < 1e-9);
    }
}
