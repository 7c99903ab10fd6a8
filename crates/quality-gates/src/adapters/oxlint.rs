//! oxlint.

use serde::Deserialize;

use super::ready::{ReadyAdapter, info, json, reading, versions};
use crate::{
    Canary, Coverage, ExitContract, Fault, Finding, GateKind, Invocation, Job, Limits, Reading,
    Region, Severity, ToolOutput, ToolSpec,
};

/// Lints of oxlint, which counts the files that it read.
pub fn oxlint() -> ReadyAdapter {
    let endings = ["ts", "tsx", "js", "jsx", "mjs", "cjs", "mts", "cts"];
    ReadyAdapter {
        info: reading(
            info("oxlint", GateKind::Lint, &endings, "json 1"),
            &["**/.oxlintrc.json", "oxlint.config.*", "**/tsconfig.json"],
        ),
        tool: ToolSpec::new("oxlint", "Install it with `npm install --save-dev oxlint`.")
            .also_in("node_modules/.bin")
            .with_versions(versions("1", "2")),
        contract: ExitContract::default().tolerating(Severity::Warning),
        limits: Limits::default(),
        canaries: vec![
            Canary::red("canary.ts", "export const x = 1;\ndebugger;\n").by_rule("no-debugger"),
            Canary::green("canary.ts", "export const x = 1;\n"),
        ],
        run: |job| {
            let run = Invocation::new(["--format", "json", "--no-error-on-unmatched-pattern"]);
            vec![run.with(job.paths())]
        },
        read: read_oxlint,
    }
}

#[derive(Deserialize)]
struct Oxlint {
    diagnostics: Vec<OxlintFinding>,
    number_of_files: u64,
}

#[derive(Deserialize)]
struct OxlintFinding {
    message: String,
    code: Option<String>,
    severity: String,
    url: Option<String>,
    filename: Option<String>,
    #[serde(default)]
    labels: Vec<OxlintLabel>,
}

#[derive(Deserialize)]
struct OxlintLabel {
    span: OxlintSpan,
}

#[derive(Deserialize)]
struct OxlintSpan {
    line: Option<u32>,
    column: Option<u32>,
}

fn read_oxlint(_: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let report: Oxlint = json("its report", &output.stdout)?;
    let findings = report.diagnostics.into_iter().map(OxlintFinding::into_finding).collect();
    Ok(Reading::new(findings, Coverage::of_files(report.number_of_files)))
}

impl OxlintFinding {
    fn into_finding(self) -> Finding {
        let severity = match self.severity.as_str() {
            "error" => Severity::Error,
            "warning" => Severity::Warning,
            _ => Severity::Note,
        };
        let rule = self.code.unwrap_or_else(|| "oxlint".to_owned());
        let mut finding = Finding::new(severity, rule, self.message);
        finding.file = self.filename;
        finding.help_url = self.url;
        let place = self.labels.first().map(|label| (label.span.line, label.span.column));
        match place {
            Some((Some(line), Some(column))) => finding.at(Region::at(line, column)),
            Some((Some(line), None)) => finding.at_line(line),
            _ => finding,
        }
    }
}
