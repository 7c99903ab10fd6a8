use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Fault, Finding};

/// What a gate says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "detail", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing is wrong with what was looked at.
    Pass(Coverage),
    /// Something is wrong.
    Fail(Findings),
    /// The gate could not look, or not at all of it. Never a pass, and has no score.
    Error(Fault),
    /// Nothing of this is the gate's business.
    NotApplicable,
    /// The same content got different answers.
    Flaky(Flakiness),
}

impl Outcome {
    /// A pass if there are no findings, else a failure.
    pub fn of(findings: Vec<Finding>, coverage: Coverage) -> Self {
        if findings.is_empty() {
            Self::Pass(coverage)
        } else {
            Self::Fail(Findings { findings, coverage })
        }
    }

    /// A failure with these findings, where what was looked at is not known.
    pub fn fail(findings: Vec<Finding>) -> Self {
        Self::Fail(Findings { findings, coverage: Coverage::default() })
    }

    /// The findings; none but for a failure and what a flaky gate found once.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Fail(found) => &found.findings,
            Self::Flaky(flaky) => &flaky.findings,
            Self::Pass(_) | Self::Error(_) | Self::NotApplicable => &[],
        }
    }

    pub(crate) fn findings_mut(&mut self) -> &mut [Finding] {
        match self {
            Self::Fail(found) => &mut found.findings,
            Self::Flaky(flaky) => &mut flaky.findings,
            Self::Pass(_) | Self::Error(_) | Self::NotApplicable => &mut [],
        }
    }

    /// What was looked at, where the gate looked.
    pub fn coverage(&self) -> Option<&Coverage> {
        match self {
            Self::Pass(coverage) => Some(coverage),
            Self::Fail(found) => Some(&found.coverage),
            Self::Error(_) | Self::NotApplicable | Self::Flaky(_) => None,
        }
    }

    /// One word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pass(_) => "pass",
            Self::Fail(_) => "fail",
            Self::Error(_) => "error",
            Self::NotApplicable => "not_applicable",
            Self::Flaky(_) => "flaky",
        }
    }
}

/// What is wrong, and what was looked at to find it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Findings {
    /// At least one.
    pub findings: Vec<Finding>,
    /// What was looked at.
    pub coverage: Coverage,
}

impl Findings {
    /// Findings, and what was looked at.
    pub fn new(findings: Vec<Finding>, coverage: Coverage) -> Self {
        Self { findings, coverage }
    }
}

/// Several answers to one question.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Flakiness {
    /// How often it was asked.
    pub runs: u32,
    /// How often it passed.
    pub passed: u32,
    /// What was found when it did not pass.
    pub findings: Vec<Finding>,
}

impl Flakiness {
    /// So many runs, so many passes, and what was found in the others.
    pub fn new(runs: u32, passed: u32, findings: Vec<Finding>) -> Self {
        Self { runs, passed, findings }
    }
}

/// What was looked at, and by what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Coverage {
    /// How many files.
    pub files: u64,
    /// How many tests.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tests: u64,
    /// How many lines; 0 where nobody counted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lines: u64,
    /// Who looked: tools and parsers, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<Looker>,
    /// What was measured, by name: see [`Coverage::LINE_COVERAGE`] and its like.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub measures: BTreeMap<String, f64>,
}

/// A tool or a parser that looked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Looker {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it can't see, as "tree-sitter: cannot see indentation errors"; empty for nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub blind_to: String,
}

impl Looker {
    /// A tool of this name and version.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self { name: name.into(), version: version.into(), blind_to: String::new() }
    }

    /// Says what it can't see.
    #[must_use]
    pub fn blind_to(mut self, what: impl Into<String>) -> Self {
        self.blind_to = what.into();
        self
    }
}

impl Coverage {
    /// The measure for covered lines, in per cent.
    pub const LINE_COVERAGE: &'static str = "line_coverage_percent";
    /// The measure for the response time that is judged, in milliseconds.
    pub const RESPONSE_TIME: &'static str = "response_time_ms";
    /// The measure for answered requests in a second.
    pub const THROUGHPUT: &'static str = "throughput_per_second";

    /// So many files were looked at.
    pub fn of_files(files: u64) -> Self {
        Self { files, ..Self::default() }
    }

    /// So many files, of which each has some lines.
    #[must_use]
    pub fn with_lines(mut self, lines: u64) -> Self {
        self.lines = lines;
        self
    }

    /// So many tests ran.
    #[must_use]
    pub fn with_tests(mut self, tests: u64) -> Self {
        self.tests = tests;
        self
    }

    /// Says who looked; the same one twice is said once.
    #[must_use]
    pub fn by(mut self, looker: Looker) -> Self {
        if let Err(place) = self.by.binary_search(&looker) {
            self.by.insert(place, looker);
        }
        self
    }

    /// Adds a measure. What is no number is left out, and a judge who needs it finds it missing.
    #[must_use]
    pub fn measured(mut self, name: impl Into<String>, value: f64) -> Self {
        if value.is_finite() {
            self.measures.insert(name.into(), value);
        }
        self
    }

    /// Both together: counts are added, and of one measure the worse value stays.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.files += other.files;
        self.tests += other.tests;
        self.lines += other.lines;
        for (name, value) in other.measures {
            let less_is_better = name == Self::RESPONSE_TIME;
            let kept = self.measures.entry(name).or_insert(value);
            *kept = if less_is_better { kept.max(value) } else { kept.min(value) };
        }
        other.by.into_iter().fold(self, Self::by)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
