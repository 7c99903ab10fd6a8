use serde::Deserialize;

use super::{Parsed, utf8};
use crate::{Coverage, Crash, Edit, Fault, Finding, Fix, Position, Region, Severity};

#[derive(Deserialize)]
struct Envelope {
    reason: Option<String>,
    message: Option<serde_json::Value>,
    level: Option<String>,
}

#[derive(Deserialize)]
struct Diagnostic {
    message: String,
    level: String,
    code: Option<Code>,
    #[serde(default)]
    spans: Vec<Span>,
    #[serde(default)]
    children: Vec<Diagnostic>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: u32,
    line_end: u32,
    column_start: u32,
    column_end: u32,
    is_primary: bool,
    suggested_replacement: Option<String>,
    suggestion_applicability: Option<String>,
}

/// Reads messages of cargo or of rustc, one JSON value on each line.
///
/// Cargo closes with `build-finished`: without that its output was cut off.
pub(super) fn read(what: &str, bytes: &[u8]) -> Result<Parsed, Fault> {
    let mut findings = Vec::new();
    let (mut of_cargo, mut finished) = (false, false);
    for (index, line) in utf8(what, bytes)?.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |error: serde_json::Error| {
            Fault::unparsable(what, format!("line {}: {error}", index + 1))
        };
        let envelope: Envelope = serde_json::from_str(line).map_err(wrong)?;
        let diagnostic: Option<Diagnostic> = match envelope.reason.as_deref() {
            Some("compiler-message") => {
                of_cargo = true;
                let message = envelope.message.unwrap_or_default();
                Some(serde_json::from_value(message).map_err(wrong)?)
            }
            Some(reason) => {
                of_cargo = true;
                finished |= reason == "build-finished";
                None
            }
            None if envelope.level.is_some() => Some(serde_json::from_str(line).map_err(wrong)?),
            // What rustc says of files that it wrote.
            None => None,
        };
        if let Some(diagnostic) = diagnostic {
            findings.extend(finding(&diagnostic)?);
        }
    }
    if of_cargo && !finished {
        return Err(Fault::unparsable(what, "`build-finished` is missing"));
    }
    // A lint that is told of the library and of its tests is one.
    findings.sort();
    findings.dedup();
    Ok(Parsed { findings, coverage: Coverage::default(), says_files: false })
}

fn finding(diagnostic: &Diagnostic) -> Result<Option<Finding>, Fault> {
    let severity = match diagnostic.level.as_str() {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        "note" | "help" => Severity::Note,
        level if level.contains("internal compiler error") => {
            let said = diagnostic.message.chars().take(200).collect();
            return Err(Fault::Crash { how: Crash::Panic, said });
        }
        _ => return Ok(None),
    };
    if diagnostic.code.is_none() && diagnostic.spans.is_empty() && is_sum(&diagnostic.message) {
        return Ok(None);
    }
    let rule = diagnostic.code.as_ref().map_or(diagnostic.level.as_str(), |code| &code.code);
    let mut finding = Finding::new(severity, rule, &diagnostic.message);
    if let Some(span) = diagnostic.spans.iter().find(|span| span.is_primary) {
        let (start, end) = span.positions();
        finding = finding.in_file(&span.file_name).at(Region::between(start, end));
    }
    if let Some(lint) = rule.strip_prefix("clippy::") {
        let url = format!("https://rust-lang.github.io/rust-clippy/stable/index.html#{lint}");
        finding = finding.with_help(url);
    }
    finding.fix = diagnostic.children.iter().find_map(fix);
    Ok(Some(finding))
}

/// Sums at the end say nothing that was not said before.
fn is_sum(message: &str) -> bool {
    message.starts_with("aborting due to ")
        || (message.ends_with(" emitted") && message.contains(" warning"))
}

fn fix(child: &Diagnostic) -> Option<Fix> {
    let suggested = || child.spans.iter().filter(|span| span.suggested_replacement.is_some());
    let safe = suggested()
        .all(|span| span.suggestion_applicability.as_deref() == Some("MachineApplicable"));
    let edits: Vec<Edit> = suggested()
        .map(|span| {
            let (start, end) = span.positions();
            let text = span.suggested_replacement.clone().unwrap_or_default();
            Edit::new(&span.file_name, start, end, text)
        })
        .collect();
    (!edits.is_empty()).then(|| Fix::new(&child.message, safe, edits))
}

impl Span {
    fn positions(&self) -> (Position, Position) {
        let start = Position::new(self.line_start, self.column_start);
        (start, Position::new(self.line_end, self.column_end))
    }
}
