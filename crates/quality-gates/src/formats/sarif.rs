use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Parsed, utf8};
use crate::{Coverage, Edit, Fault, Finding, Fix, Position, Region, Severity};

#[derive(Deserialize)]
struct Log {
    version: String,
    runs: Option<Vec<Run>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    #[serde(default)]
    invocations: Vec<Invocation>,
    results: Option<Vec<Entry>>,
    #[serde(default)]
    artifacts: Vec<ListedArtifact>,
    #[serde(default)]
    original_uri_base_ids: BTreeMap<String, Artifact>,
}

#[derive(Deserialize)]
struct Tool {
    driver: Driver,
}

#[derive(Deserialize)]
struct Driver {
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    help_uri: Option<String>,
    default_configuration: Option<Configuration>,
    #[serde(default)]
    message_strings: BTreeMap<String, Message>,
}

#[derive(Deserialize)]
struct Configuration {
    level: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    #[serde(default)]
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Deserialize)]
struct Notification {
    level: Option<String>,
    message: Message,
}

#[derive(Default, Deserialize)]
struct Message {
    text: Option<String>,
    id: Option<String>,
    #[serde(default)]
    arguments: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    rule_id: Option<String>,
    rule_index: Option<i64>,
    kind: Option<String>,
    level: Option<String>,
    baseline_state: Option<String>,
    #[serde(default)]
    message: Message,
    #[serde(default)]
    locations: Vec<Location>,
    #[serde(default)]
    suppressions: Vec<Suppression>,
    #[serde(default)]
    fixes: Vec<Mend>,
}

#[derive(Deserialize)]
struct Suppression {
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Option<Physical>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Option<Artifact>,
    region: Option<Part>,
}

#[derive(Deserialize)]
struct ListedArtifact {
    location: Option<Artifact>,
    #[serde(default)]
    roles: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: Option<String>,
    uri_base_id: Option<String>,
    index: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    start_line: Option<u32>,
    start_column: Option<u32>,
    end_line: Option<u32>,
    end_column: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mend {
    #[serde(default)]
    description: Message,
    #[serde(default)]
    artifact_changes: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    artifact_location: Artifact,
    replacements: Vec<Replacement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: Part,
    #[serde(default)]
    inserted_content: Message,
}

/// Reads a log of SARIF 2.1.0.
///
/// A run without results says that the tool did not get so far, and one whose invocation failed
/// says so itself: both are no answers. What the tool counts as suppressed, passed or absent is
/// no finding.
pub(super) fn read(what: &str, bytes: &[u8]) -> Result<Parsed, Fault> {
    let wrong = |error: serde_json::Error| Fault::unparsable(what, error);
    let log: Log = serde_json::from_str(utf8(what, bytes)?).map_err(wrong)?;
    if !log.version.starts_with("2.") {
        return Err(Fault::unparsable(what, format!("it is SARIF {}, not 2.1.0", log.version)));
    }
    let runs = log.runs.filter(|runs| !runs.is_empty());
    let runs = runs.ok_or_else(|| Fault::unparsable(what, "it has no run"))?;
    let mut findings = Vec::new();
    let mut targets = Some(0);
    for run in &runs {
        run.check()?;
        let results = run.results.as_ref();
        let results = results.ok_or_else(|| Fault::unparsable(what, "a run has no results"))?;
        findings.extend(results.iter().filter(|entry| entry.counts()).map(|it| run.finding(it)));
        targets = targets.zip(run.targets()).map(|(sum, more)| sum + more);
    }
    let coverage = Coverage::of_files(targets.unwrap_or(0));
    Ok(Parsed { findings, coverage, says_files: targets.is_some() })
}

impl Run {
    fn check(&self) -> Result<(), Fault> {
        for invocation in &self.invocations {
            let mut errors = invocation.tool_execution_notifications.iter();
            let error = errors.find(|it| it.level.as_deref() == Some("error"));
            if !invocation.execution_successful || error.is_some() {
                let said = error.and_then(|error| error.message.text.clone());
                let said = said.unwrap_or_else(|| "nothing more".to_owned());
                return Err(Fault::infra(
                    format!("it says itself that its run failed: {said}"),
                    "Run the tool by hand on the same files to see why.",
                ));
            }
        }
        Ok(())
    }

    /// How many files it looked at, where it lists them.
    fn targets(&self) -> Option<u64> {
        let is_target =
            |artifact: &&ListedArtifact| artifact.roles.iter().any(|role| role == "analysisTarget");
        let targets = self.artifacts.iter().filter(is_target).count() as u64;
        (targets > 0).then_some(targets)
    }

    fn rule(&self, entry: &Entry) -> Option<&Rule> {
        let rules = &self.tool.driver.rules;
        let by_index = entry.rule_index.and_then(|index| rules.get(usize::try_from(index).ok()?));
        let by_id = || rules.iter().find(|rule| Some(&rule.id) == entry.rule_id.as_ref());
        by_index
            .filter(|rule| entry.rule_id.as_ref().is_none_or(|id| id.starts_with(&rule.id)))
            .or_else(by_id)
    }

    fn finding(&self, entry: &Entry) -> Finding {
        let rule = self.rule(entry);
        let default = || rule?.default_configuration.as_ref()?.level.as_deref();
        let severity = match entry.level.as_deref().or_else(default) {
            Some("error") => Severity::Error,
            Some("note" | "none") => Severity::Note,
            _ => Severity::Warning,
        };
        let id = entry.rule_id.as_deref().or(rule.map(|rule| rule.id.as_str()));
        let mut finding =
            Finding::new(severity, id.unwrap_or("unnamed"), entry.message.resolved(rule));
        finding.help_url = rule.and_then(|rule| rule.help_uri.clone());
        let place = entry.locations.iter().find_map(|it| it.physical_location.as_ref());
        if let Some(place) = place {
            finding.file = place.artifact_location.as_ref().and_then(|it| self.path(it));
            finding.region = place.region.as_ref().and_then(Part::region);
        }
        finding.fix = entry.fixes.first().and_then(|mend| self.fix(mend));
        finding
    }

    fn path(&self, artifact: &Artifact) -> Option<String> {
        let listed = || {
            let index = usize::try_from(artifact.index?).ok()?;
            self.artifacts.get(index)?.location.as_ref()
        };
        let (uri, base) = match &artifact.uri {
            Some(uri) => (uri, &artifact.uri_base_id),
            None => listed().and_then(|it| it.uri.as_ref().map(|uri| (uri, &it.uri_base_id)))?,
        };
        let base =
            base.as_ref().and_then(|base| self.original_uri_base_ids.get(base)?.uri.as_ref());
        // Only a base that is a folder of this machine says more than the tree's root does.
        let base = base.filter(|base| base.starts_with("file:") && !uri.contains("://"));
        Some(decoded(&format!("{}{uri}", base.map_or("", String::as_str))))
    }

    fn fix(&self, mend: &Mend) -> Option<Fix> {
        let mut edits = Vec::new();
        for change in &mend.artifact_changes {
            let file = self.path(&change.artifact_location)?;
            for replacement in &change.replacements {
                let (start, end) = replacement.deleted_region.positions()?;
                let text = replacement.inserted_content.text.clone().unwrap_or_default();
                edits.push(Edit::new(&file, start, end, text));
            }
        }
        let description = mend.description.text.clone();
        let description = description.unwrap_or_else(|| "as the tool proposes".to_owned());
        // SARIF has no word for whether a fix keeps the meaning.
        (!edits.is_empty()).then(|| Fix::new(description, false, edits))
    }
}

impl Entry {
    fn counts(&self) -> bool {
        let is_failure = !matches!(self.kind.as_deref(), Some("pass" | "notApplicable"));
        let is_there = self.baseline_state.as_deref() != Some("absent");
        let accepted = |it: &Suppression| it.status.as_deref().is_none_or(|it| it == "accepted");
        let is_suppressed = !self.suppressions.is_empty() && self.suppressions.iter().all(accepted);
        is_failure && is_there && !is_suppressed
    }
}

impl Message {
    /// The text, looked up at the rule where there is only its name, with arguments put in.
    fn resolved(&self, rule: Option<&Rule>) -> String {
        let by_id = || rule?.message_strings.get(self.id.as_ref()?)?.text.as_ref();
        let Some(text) = self.text.as_ref().or_else(by_id) else { return String::new() };
        let put_in = |text: String, (index, argument): (usize, &String)| {
            text.replace(&format!("{{{index}}}"), argument)
        };
        self.arguments.iter().enumerate().fold(text.clone(), put_in)
    }
}

impl Part {
    fn region(&self) -> Option<Region> {
        let line = self.start_line?;
        match (self.start_column, self.end_line, self.end_column) {
            (None, None, None) => Some(Region::line(line)),
            (_, _, Some(_)) => {
                let (start, end) = self.positions()?;
                Some(Region::between(start, end))
            }
            (Some(column), _, None) => Some(Region::at(line, column)),
            (None, Some(_), None) => {
                let mut region = Region::line(line);
                region.end_line = self.end_line.filter(|end| *end >= region.line);
                Some(region)
            }
        }
    }

    /// Where it begins and ends; nothing where SARIF counts in offsets.
    fn positions(&self) -> Option<(Position, Position)> {
        let start = Position::new(self.start_line?, self.start_column.unwrap_or(1));
        let end_line = self.end_line.unwrap_or(start.line);
        Some((start, Position::new(end_line, self.end_column.unwrap_or(start.column))))
    }
}

/// A path from a URI: without its scheme, and without what is written in per cent.
fn decoded(uri: &str) -> String {
    let path = uri.strip_prefix("file://").or_else(|| uri.strip_prefix("file:")).unwrap_or(uri);
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = |bytes: &[u8]| u8::from_str_radix(std::str::from_utf8(bytes).ok()?, 16).ok();
        let escaped = after.get(..2).filter(|_| first == b'%').and_then(hex);
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
