//! Annotations, as <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>
//! has them.

use std::fmt::Write as _;

use super::{Presentation, plain};
use crate::{Finding, GateResult, Outcome, Severity};

pub(super) fn render(presentation: &Presentation<'_>) -> String {
    let mut text = String::new();
    for result in &presentation.report.gates {
        gate(&mut text, result);
    }
    for left in &presentation.report.left_out {
        let said = format!("not asked: {}", left.why);
        command(&mut text, "warning", &[("title", left.gate.clone())], &said);
    }
    for problem in &presentation.report.problems {
        let said = format!("{problem}\n{}", problem.advice());
        command(&mut text, "error", &[("title", "policy".to_owned())], &said);
    }
    text
}

fn gate(text: &mut String, result: &GateResult) {
    for (found, standing) in result.judged() {
        if standing.counts() {
            finding(text, &result.gate, found);
        }
    }
    // Findings of a gate speak for themselves where there are any.
    if !result.passed {
        let mut said = result.reasons.join("\n");
        if let Outcome::Error(fault) = &result.outcome {
            let _ = write!(said, "\n{}", fault.advice());
        }
        command(text, "error", &[("title", result.gate.clone())], &said);
    }
}

fn finding(text: &mut String, gate: &str, finding: &Finding) {
    let level = match finding.severity {
        Severity::Note => "notice",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let mut properties = Vec::new();
    if let Some(file) = &finding.file {
        properties.push(("file", file.clone()));
    }
    if let Some(region) = finding.region {
        properties.push(("line", region.line.to_string()));
        let end = region.end_line.unwrap_or(region.line);
        if end != region.line {
            properties.push(("endLine", end.to_string()));
        } else if let Some(column) = region.column {
            // Columns mean something only within one line.
            properties.push(("col", column.to_string()));
            properties.extend(region.end_column.map(|end| ("endColumn", end.to_string())));
        }
    }
    properties.push(("title", format!("{gate}: {}", finding.rule)));
    command(text, level, &properties, &finding.message);
}

fn command(text: &mut String, level: &str, properties: &[(&str, String)], said: &str) {
    let properties: Vec<String> =
        properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
    let _ = writeln!(text, "::{level} {}::{}", properties.join(","), data(said));
}

fn data(text: &str) -> String {
    let parts: Vec<String> =
        text.split('\r').map(|part| plain(&part.replace('%', "%25"))).collect();
    parts.join("%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
