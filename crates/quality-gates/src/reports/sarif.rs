//! SARIF 2.1.0. The values are structs and not maps, so that the order of their members does not
//! depend on how other crates configure the JSON library.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::Presentation;
use super::json::pretty;
use crate::{Finding, GateKind, GateResult, LeftOut, Looker, Outcome, Region, Severity, Standing};

/// The name of our fingerprints; the number changes when the way to make them does.
const FINGERPRINT: &str = "evergen/v1";

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: Vec<Run>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    automation_details: Identified,
    invocations: Vec<Invocation>,
    results: Vec<Entry>,
    column_kind: &'static str,
    properties: Properties,
}

#[derive(Serialize)]
struct Tool {
    driver: Component,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extensions: Vec<Component>,
}

#[derive(Default, Serialize)]
struct Component {
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(rename = "fullDescription", skip_serializing_if = "Option::is_none")]
    description: Option<Message>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<String>,
}

#[derive(Serialize)]
struct Identified {
    id: String,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    descriptor: Identified,
    level: &'static str,
    message: Message,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    #[serde(skip_serializing_if = "Option::is_none")]
    gate_kind: Option<GateKind>,
    outcome: String,
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tests: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    measures: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_us: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    rule_id: String,
    rule_index: usize,
    level: &'static str,
    message: Message,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_state: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Mend>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Part>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: String,
    uri_base_id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    start_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u32>,
}

#[derive(Serialize)]
struct Suppression {
    kind: &'static str,
    status: &'static str,
    justification: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Mend {
    description: Message,
    artifact_changes: Vec<Change>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    artifact_location: Artifact,
    replacements: Vec<Replacement>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: Part,
    inserted_content: Message,
}

pub(super) fn render(presentation: &Presentation<'_>) -> String {
    let report = presentation.report;
    let mut runs: Vec<Run> = report.gates.iter().map(|result| run(presentation, result)).collect();
    runs.extend(report.left_out.iter().map(left_out));
    if !report.problems.is_empty() {
        runs.push(policy(report.problems.iter().map(|problem| {
            let said = format!("{problem}. {}", problem.advice());
            Finding::error(problem.kind(), said)
        })));
    }
    pretty(&Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs,
    })
}

fn run(presentation: &Presentation<'_>, result: &GateResult) -> Run {
    let rules = rules(result.outcome.findings());
    let has_known = result.judged().any(|(_, standing)| *standing == Standing::Known);
    let entry = |(finding, standing)| entry(finding, standing, &rules, has_known);
    let results = result.judged().map(entry).collect();
    let coverage = result.outcome.coverage();
    let lookers = coverage.map_or(&[][..], |coverage| &coverage.by);
    Run {
        tool: Tool { driver: driver(&rules), extensions: lookers.iter().map(extension).collect() },
        automation_details: Identified { id: format!("evergen/{}", result.gate) },
        invocations: vec![invocation(&result.outcome)],
        results,
        column_kind: "unicodeCodePoints",
        properties: Properties {
            gate_kind: Some(result.kind),
            outcome: result.outcome.word().to_owned(),
            passed: result.passed,
            score: result.score,
            reasons: result.reasons.clone(),
            files: coverage.map(|coverage| coverage.files),
            tests: coverage.map(|coverage| coverage.tests),
            measures: coverage.map(|coverage| coverage.measures.clone()).unwrap_or_default(),
            duration_us: presentation.timings.then_some(result.duration_us),
        },
    }
}

/// A run that did not take place, and why.
fn left_out(left: &LeftOut) -> Run {
    let notification = Notification {
        descriptor: Identified { id: "left_out".to_owned() },
        level: "warning",
        message: Message { text: format!("not asked: {}", left.why) },
    };
    let invocation = Invocation {
        execution_successful: false,
        tool_execution_notifications: vec![notification],
    };
    Run {
        invocations: vec![invocation],
        ..bare(&left.gate, &BTreeMap::new(), "left_out", Vec::new())
    }
}

/// A run that looked at no file.
fn bare(
    name: &str,
    rules: &BTreeMap<String, Option<String>>,
    outcome: &str,
    results: Vec<Entry>,
) -> Run {
    Run {
        tool: Tool { driver: driver(rules), extensions: Vec::new() },
        automation_details: Identified { id: format!("evergen/{name}") },
        invocations: vec![invocation(&Outcome::NotApplicable)],
        results,
        column_kind: "unicodeCodePoints",
        properties: Properties {
            gate_kind: None,
            outcome: outcome.to_owned(),
            passed: false,
            score: None,
            reasons: Vec::new(),
            files: None,
            tests: None,
            measures: BTreeMap::new(),
            duration_us: None,
        },
    }
}

/// A run for what is wrong with the policy itself.
fn policy(problems: impl Iterator<Item = Finding>) -> Run {
    let problems: Vec<Finding> = problems.collect();
    let rules = rules(&problems);
    let results = problems.iter().map(|it| entry(it, &Standing::Counts, &rules, false)).collect();
    bare("policy", &rules, "fail", results)
}

/// Each rule once, sorted, and where it is explained.
fn rules(findings: &[Finding]) -> BTreeMap<String, Option<String>> {
    let mut rules = BTreeMap::new();
    for finding in findings {
        let help: &mut Option<String> = rules.entry(finding.rule.clone()).or_default();
        let url = finding.help_url.clone().filter(|url| url.starts_with("http"));
        *help = help.take().or(url);
    }
    rules
}

fn driver(rules: &BTreeMap<String, Option<String>>) -> Component {
    let rules = rules.iter().map(|(id, help)| Rule { id: id.clone(), help_uri: help.clone() });
    Component {
        name: "evergen".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        description: None,
        rules: rules.collect(),
    }
}

fn extension(looker: &Looker) -> Component {
    let blind = Some(&looker.blind_to).filter(|blind| !blind.is_empty());
    Component {
        name: looker.name.clone(),
        version: looker.version.clone(),
        description: blind.map(|blind| Message { text: blind.clone() }),
        rules: Vec::new(),
    }
}

fn invocation(outcome: &Outcome) -> Invocation {
    let notification = match outcome {
        Outcome::Error(fault) => Some(Notification {
            descriptor: Identified { id: fault.kind().to_owned() },
            level: "error",
            message: Message { text: format!("{fault}. {}", fault.advice()) },
        }),
        Outcome::Flaky(flaky) => Some(Notification {
            descriptor: Identified { id: "flaky".to_owned() },
            level: "error",
            message: Message { text: format!("passed {} of {} times", flaky.passed, flaky.runs) },
        }),
        _ => None,
    };
    Invocation {
        execution_successful: !matches!(outcome, Outcome::Error(_)),
        tool_execution_notifications: notification.into_iter().collect(),
    }
}

fn entry(
    finding: &Finding,
    standing: &Standing,
    rules: &BTreeMap<String, Option<String>>,
    has_known: bool,
) -> Entry {
    let fingerprint = Some(&finding.fingerprint).filter(|print| !print.is_empty());
    let state = if *standing == Standing::Known { "unchanged" } else { "new" };
    Entry {
        rule_id: finding.rule.clone(),
        rule_index: rules.keys().position(|rule| *rule == finding.rule).unwrap_or_default(),
        level: level(finding.severity),
        message: Message { text: finding.message.clone() },
        locations: finding.file.iter().map(|file| location(file, finding.region)).collect(),
        partial_fingerprints: fingerprint.map(|it| (FINGERPRINT, it.clone())).into_iter().collect(),
        baseline_state: has_known.then_some(state),
        suppressions: suppression(standing).into_iter().collect(),
        // A fix that only its tool can apply changes nothing that could be written here.
        fixes: finding.fix.iter().filter(|fix| !fix.edits.is_empty()).map(mend).collect(),
    }
}

fn level(severity: Severity) -> &'static str {
    severity.as_str()
}

fn suppression(standing: &Standing) -> Option<Suppression> {
    let Standing::Waived { owner, reason, expires } = standing else { return None };
    let justification = format!("{reason} ({owner}, until {expires})");
    Some(Suppression { kind: "external", status: "accepted", justification })
}

fn location(file: &str, region: Option<Region>) -> Location {
    let region = region.map(|region| Part {
        start_line: region.line,
        start_column: region.column,
        end_line: region.end_line,
        end_column: region.end_column,
    });
    Location { physical_location: Physical { artifact_location: artifact(file), region } }
}

fn artifact(file: &str) -> Artifact {
    Artifact { uri: uri(file), uri_base_id: "%SRCROOT%" }
}

fn mend(fix: &crate::Fix) -> Mend {
    let mut changes: BTreeMap<&str, Vec<Replacement>> = BTreeMap::new();
    for edit in &fix.edits {
        changes.entry(&edit.file).or_default().push(Replacement {
            deleted_region: Part {
                start_line: edit.start.line,
                start_column: Some(edit.start.column),
                end_line: Some(edit.end.line),
                end_column: Some(edit.end.column),
            },
            inserted_content: Message { text: edit.text.clone() },
        });
    }
    let change = |(file, replacements)| Change { artifact_location: artifact(file), replacements };
    Mend {
        description: Message { text: fix.description.clone() },
        artifact_changes: changes.into_iter().map(change).collect(),
    }
}

/// A path as a relative reference: what a URI can't hold is written in per cent.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte);
        if is_plain {
            uri.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
