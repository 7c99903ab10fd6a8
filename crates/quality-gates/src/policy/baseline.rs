use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::waivers::is_fingerprint;
use crate::{GateReport, Outcome};

const VERSION: u32 = 1;

/// Findings that were there before and do not count, as `evergen.baseline.json` has them.
///
/// It is text for version control: sorted, one finding on each line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: BTreeSet<BaselineEntry>,
}

/// One finding that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BaselineEntry {
    /// The gate that found it.
    pub gate: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// The rule, for the reader.
    #[serde(default)]
    pub rule: String,
    /// The file, for the reader.
    #[serde(default)]
    pub file: String,
}

/// The file of the baseline can't be used. It must not be taken for an empty one, nor for none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// It is no such file.
    #[error("the baseline can't be understood: {why}; mend it, or remove it and write it anew")]
    Unreadable {
        /// What is wrong, and where.
        why: String,
    },
    /// It is of a version that we do not know.
    #[error(
        "the baseline has version {found}, and {VERSION} is known; mend it, or remove it and write it anew"
    )]
    Version {
        /// Its version.
        found: u32,
    },
    /// A fingerprint that no finding can have.
    #[error(
        "the baseline has the fingerprint {fingerprint:?}, which is none; mend it, or remove it and write it anew"
    )]
    NoFingerprint {
        /// What stands there.
        fingerprint: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    findings: Vec<BaselineEntry>,
}

impl Baseline {
    /// Everything that a report found and that is not waived.
    pub fn of(report: &GateReport) -> Self {
        let mut entries = BTreeSet::new();
        for result in &report.gates {
            for (finding, standing) in result.judged() {
                if !standing.is_waived() && is_fingerprint(&finding.fingerprint) {
                    entries.insert(BaselineEntry {
                        gate: result.gate.clone(),
                        fingerprint: finding.fingerprint.clone(),
                        rule: finding.rule.clone(),
                        file: finding.file.clone().unwrap_or_default(),
                    });
                }
            }
        }
        Self { entries }
    }

    /// What a report found in the files of which `is_judged` says yes, beside all that was known
    /// before and at which nobody looked now: what a gate found that gave no answer, and what lies
    /// in other files. Of these a gate that needs the whole tree may have found something new,
    /// which nobody asked to be taken as known. A finding of the whole tree has the file "".
    #[must_use]
    pub fn renewed(&self, report: &GateReport, is_judged: impl Fn(&str) -> bool) -> Self {
        let answered = report.gates.iter();
        let answered = answered.filter(|result| !matches!(result.outcome, Outcome::Error(_)));
        let answered: BTreeSet<&str> = answered.map(|result| result.gate.as_str()).collect();
        let is_old =
            |entry: &&BaselineEntry| answered.contains(&*entry.gate) && is_judged(&entry.file);
        let mut renewed = Self::of(report);
        renewed.entries.retain(|entry| is_judged(&entry.file));
        renewed.entries.extend(self.entries.iter().filter(|entry| !is_old(entry)).cloned());
        renewed
    }

    /// Those that another baseline does not have.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self { entries: self.entries.difference(&other.entries).cloned().collect() }
    }

    /// Reads `evergen.baseline.json`.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let unreadable =
            |error: serde_json::Error| BaselineError::Unreadable { why: error.to_string() };
        let document: Document = serde_json::from_str(text).map_err(unreadable)?;
        if document.version != VERSION {
            return Err(BaselineError::Version { found: document.version });
        }
        let wrong = document.findings.iter().find(|entry| !is_fingerprint(&entry.fingerprint));
        if let Some(BaselineEntry { fingerprint, .. }) = wrong {
            return Err(BaselineError::NoFingerprint { fingerprint: fingerprint.clone() });
        }
        Ok(Self { entries: document.findings.into_iter().collect() })
    }

    /// The text of the file: the same findings give the same bytes.
    pub fn to_json(&self) -> String {
        let mut text = format!("{{\n  \"version\": {VERSION},\n  \"findings\": [");
        for (index, entry) in self.entries.iter().enumerate() {
            let quoted = |value: &str| serde_json::Value::from(value).to_string();
            let [gate, fingerprint, rule, file] =
                [&entry.gate, &entry.fingerprint, &entry.rule, &entry.file].map(|it| quoted(it));
            text.push_str(if index == 0 { "\n" } else { ",\n" });
            let _ = write!(text, "    {{\"gate\": {gate}, \"fingerprint\": {fingerprint}, ");
            let _ = write!(text, "\"rule\": {rule}, \"file\": {file}}}");
        }
        text.push_str(if self.entries.is_empty() { "]\n}\n" } else { "\n  ]\n}\n" });
        text
    }

    /// How many findings are known.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Those that a report of everything no longer has: they can be taken out.
    pub fn gone(&self, report: &GateReport) -> Vec<&BaselineEntry> {
        let there = |entry: &BaselineEntry| {
            let of_gate = report.gates.iter().filter(|result| result.gate == entry.gate);
            let mut findings = of_gate.flat_map(|result| result.outcome.findings());
            findings.any(|finding| finding.fingerprint == entry.fingerprint)
        };
        self.entries.iter().filter(|entry| !there(entry)).collect()
    }

    pub(super) fn has(&self, gate: &str, fingerprint: &str) -> bool {
        // Entries sort by gate and fingerprint first, so that those of one stand together.
        let from = BaselineEntry {
            gate: gate.to_owned(),
            fingerprint: fingerprint.to_owned(),
            rule: String::new(),
            file: String::new(),
        };
        let next = self.entries.range(from..).next();
        next.is_some_and(|entry| entry.gate == gate && entry.fingerprint == fingerprint)
    }
}
