use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

use super::guard::{self, Guarded};
use super::{Declared, FixClass, claims, directives, limits, lines, subtle};
use crate::{Finding, GateReport, GateResult, Outcome};

/// What a file was, and what it would be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileChange {
    /// Its path.
    pub path: String,
    /// Its bytes; nothing where it is not there.
    pub before: Option<Vec<u8>>,
    /// Its bytes afterwards; nothing where it is gone.
    pub after: Option<Vec<u8>>,
}

impl FileChange {
    /// A change of a file.
    pub fn new(path: impl Into<String>, before: Option<Vec<u8>>, after: Option<Vec<u8>>) -> Self {
        Self { path: path.into(), before, after }
    }
}

/// A repair before its judge.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Repair<'a> {
    /// What kind of repair it is.
    pub class: FixClass,
    /// The gate whose findings should go away.
    pub gate: &'a str,
    /// The findings that should go away.
    pub targets: &'a [Finding],
    /// Where the healer said it would edit.
    pub declared: &'a [Declared],
    /// What it changed.
    pub changes: &'a [FileChange],
    /// What it changes when it is asked again.
    pub second_pass: &'a [FileChange],
    /// What the gates said of the tree as it was.
    pub before: &'a GateReport,
    /// What they say of the changed one.
    pub after: &'a GateReport,
}

/// Why a repair is not taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, thiserror::Error)]
#[serde(tag = "refusal", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// It names no finding, or changes nothing.
    #[error("it mends nothing")]
    Nothing,
    /// What should go away is still there, or was traded for its like.
    #[error("{gate} still has {left} finding(s) of {rule} in {file}, at most {wanted} were wanted")]
    NotGone {
        /// The gate.
        gate: String,
        /// The rule.
        rule: String,
        /// The file.
        file: String,
        /// How many are left.
        left: usize,
        /// How many may be left.
        wanted: usize,
    },
    /// There are findings that were not there before.
    #[error("{gate} has a new finding of {rule} in {file}")]
    NewFinding {
        /// The gate.
        gate: String,
        /// The rule.
        rule: String,
        /// The file.
        file: String,
    },
    /// A gate that passed does not, or one that looked can't.
    #[error("{gate} said {before} before, and says {after}")]
    Worse {
        /// The gate.
        gate: String,
        /// The outcome before.
        before: String,
        /// The outcome after.
        after: String,
    },
    /// A gate that was asked is no longer asked.
    #[error("{gate} was not asked again")]
    GateMissing {
        /// The gate.
        gate: String,
    },
    /// Less was looked at.
    #[error("{gate} looked at {before} {what} before, and at {after} now")]
    LooksAtLess {
        /// The gate.
        gate: String,
        /// What is counted.
        what: String,
        /// How many before.
        before: u64,
        /// How many after.
        after: u64,
    },
    /// Tests reach less.
    #[error("{gate}: tests reach a smaller share of lines than before")]
    CoversLess {
        /// The gate.
        gate: String,
    },
    /// The policy has a problem that it did not have.
    #[error("the policy has a new problem: {what}")]
    PolicyProblem {
        /// Which.
        what: String,
    },
    /// It edits where it did not say it would.
    #[error("{file}, line {line}, is outside of what was declared")]
    OutsideDeclared {
        /// The file.
        file: String,
        /// The line before the change, from 1.
        line: usize,
    },
    /// It edits a file that is not the healer's, or that is not among those that changed.
    #[error("{file} is not the healer's to edit, or did not change in the first place")]
    Foreign {
        /// The file.
        file: String,
    },
    /// A file appears or goes.
    #[error("{file} {what}")]
    Existence {
        /// The file.
        file: String,
        /// Whether it is new or gone.
        what: String,
    },
    /// A file loses what it was there for.
    #[error("{file} loses {lost} of {lines} lines")]
    Emptied {
        /// The file.
        file: String,
        /// Lines that are not there any more.
        lost: usize,
        /// Lines before.
        lines: usize,
    },
    /// A tool is told to look away.
    #[error("{file} gets the mark {mark:?}, by which somebody looks away")]
    Suppression {
        /// The file.
        file: String,
        /// The mark, without blanks.
        mark: String,
    },
    /// Code became a comment.
    #[error("{file}: line {line} became a comment")]
    CommentedOut {
        /// The file.
        file: String,
        /// The line before the change, from 1.
        line: usize,
    },
    /// A test or a claim is gone.
    #[error("{file} has fewer {mark:?} than before")]
    FewerClaims {
        /// The file.
        file: String,
        /// What is counted, without blanks.
        mark: String,
    },
    /// A claim says something else.
    #[error("{file}: what is claimed by {claim:?} changed")]
    ChangedClaim {
        /// The file.
        file: String,
        /// The claim as it was, without blanks and brackets, shortened.
        claim: String,
    },
    /// A test within a source changed.
    #[error("{file}: the test {test:?} changed")]
    ChangedTest {
        /// The file.
        file: String,
        /// The first words of the test.
        test: String,
    },
    /// A value by which somebody is held to something changed.
    #[error("{file}: the limit {name} changed")]
    ChangedLimit {
        /// The file.
        file: String,
        /// Its name.
        name: String,
    },
    /// It touches a test.
    #[error("{file} is a test")]
    TouchesTest {
        /// The file.
        file: String,
    },
    /// It touches what sets tools.
    #[error("{file} sets tools")]
    TouchesConfiguration {
        /// The file.
        file: String,
    },
    /// It touches what decides what passes.
    #[error("{file} is a part of the policy")]
    TouchesPolicy {
        /// The file.
        file: String,
    },
    /// It is no text, before or after.
    #[error("{file} is no text")]
    NoText {
        /// The file.
        file: String,
    },
    /// Asked again, it changes more.
    #[error("a second pass changes {file} again")]
    Unsettled {
        /// The file.
        file: String,
    },
}

/// Decides whether a repair is taken. Pure: the same arguments get the same answer.
///
/// # Errors
/// All the reasons why not, sorted.
pub fn judge_repair(repair: &Repair<'_>) -> Result<(), Vec<Refusal>> {
    let mut refusals = BTreeSet::new();
    if repair.targets.is_empty() || repair.changes.is_empty() {
        refusals.insert(Refusal::Nothing);
    }
    for change in repair.changes {
        judge_change(repair, change, &mut refusals);
    }
    let again = repair.second_pass.iter().map(|change| change.path.clone());
    refusals.extend(again.map(|file| Refusal::Unsettled { file }));
    judge_findings(repair, &mut refusals);
    judge_gates(repair, &mut refusals);
    if refusals.is_empty() { Ok(()) } else { Err(refusals.into_iter().collect()) }
}

type Counts<'a> = BTreeMap<(&'a str, &'a str, &'a str), usize>;

/// How many findings there are of each gate, rule and file. Fingerprints would call a finding
/// new whose line was mended for another one.
fn counts<'a>(findings: impl Iterator<Item = (&'a str, &'a Finding)>) -> Counts<'a> {
    let mut counts = Counts::new();
    for (gate, finding) in findings {
        let file = finding.file.as_deref().unwrap_or_default();
        *counts.entry((gate, &finding.rule, file)).or_default() += 1;
    }
    counts
}

fn all_findings(report: &GateReport) -> impl Iterator<Item = (&str, &Finding)> {
    report.gates.iter().flat_map(|result| {
        result.outcome.findings().iter().map(move |finding| (result.gate.as_str(), finding))
    })
}

fn judge_findings(repair: &Repair<'_>, refusals: &mut BTreeSet<Refusal>) {
    let before = counts(all_findings(repair.before));
    let after = counts(all_findings(repair.after));
    let targets = counts(repair.targets.iter().map(|finding| (repair.gate, finding)));
    for (key, targeted) in &targets {
        let had = before.get(key).copied().unwrap_or(0);
        let left = after.get(key).copied().unwrap_or(0);
        let wanted = had.saturating_sub(*targeted);
        if left > wanted || had < *targeted {
            let [gate, rule, file] = [key.0, key.1, key.2].map(str::to_owned);
            refusals.insert(Refusal::NotGone { gate, rule, file, left, wanted });
        }
    }
    for (key, count) in &after {
        if *count > before.get(key).copied().unwrap_or(0) {
            let [gate, rule, file] = [key.0, key.1, key.2].map(str::to_owned);
            refusals.insert(Refusal::NewFinding { gate, rule, file });
        }
    }
}

fn judge_gates(repair: &Repair<'_>, refusals: &mut BTreeSet<Refusal>) {
    for before in &repair.before.gates {
        match repair.after.gates.iter().find(|after| after.gate == before.gate) {
            Some(after) => compare(before, after, refusals),
            None => {
                refusals.insert(Refusal::GateMissing { gate: before.gate.clone() });
            }
        }
    }
    for problem in &repair.after.problems {
        if !repair.before.problems.contains(problem) {
            refusals.insert(Refusal::PolicyProblem { what: problem.to_string() });
        }
    }
}

fn compare(before: &GateResult, after: &GateResult, refusals: &mut BTreeSet<Refusal>) {
    let gate = || before.gate.clone();
    let looked =
        |result: &GateResult| matches!(result.outcome, Outcome::Pass(_) | Outcome::Fail(_));
    let is_worse = before.passed && !after.passed || looked(before) && !looked(after);
    if is_worse {
        let [before, after] = [before, after].map(|it| it.outcome.word().to_owned());
        refusals.insert(Refusal::Worse { gate: gate(), before, after });
    }
    let (Some(old), Some(new)) = (before.outcome.coverage(), after.outcome.coverage()) else {
        return;
    };
    for (what, before, after) in [("tests", old.tests, new.tests), ("files", old.files, new.files)]
    {
        if after < before {
            let (gate, what) = (gate(), what.to_owned());
            refusals.insert(Refusal::LooksAtLess { gate, what, before, after });
        }
    }
    if new.by.len() < old.by.len() {
        let [before, after] = [old.by.len() as u64, new.by.len() as u64];
        let what = "tools' eyes".to_owned();
        refusals.insert(Refusal::LooksAtLess { gate: gate(), what, before, after });
    }
    let share =
        |coverage: &crate::Coverage| coverage.measures.get(crate::Coverage::LINE_COVERAGE).copied();
    if share(old).is_some_and(|old| share(new).is_none_or(|new| new < old)) {
        refusals.insert(Refusal::CoversLess { gate: gate() });
    }
}

fn judge_change(repair: &Repair<'_>, change: &FileChange, refusals: &mut BTreeSet<Refusal>) {
    let file = || change.path.clone();
    let is_bump = repair.class == FixClass::Dependency && guard::is_manifest(&change.path);
    match guard::guarded(&change.path) {
        Some(Guarded::Policy) => refusals.insert(Refusal::TouchesPolicy { file: file() }),
        Some(Guarded::Test) => refusals.insert(Refusal::TouchesTest { file: file() }),
        Some(Guarded::Configuration) if !is_bump => {
            refusals.insert(Refusal::TouchesConfiguration { file: file() })
        }
        _ => false,
    };
    let (Some(before), Some(after)) = (&change.before, &change.after) else {
        let what = if change.after.is_none() { "is gone" } else { "is new" };
        refusals.insert(Refusal::Existence { file: file(), what: what.to_owned() });
        return;
    };
    let (Ok(before), Ok(after)) = (std::str::from_utf8(before), std::str::from_utf8(after)) else {
        refusals.insert(Refusal::NoText { file: file() });
        return;
    };
    if before.contains('\0') || after.contains('\0') {
        refusals.insert(Refusal::NoText { file: file() });
    }
    for mark in guard::new_suppressions(before, after) {
        refusals.insert(Refusal::Suppression { file: file(), mark: mark.to_owned() });
    }
    for mark in guard::lost_claims(&change.path, before, after) {
        refusals.insert(Refusal::FewerClaims { file: file(), mark: mark.to_owned() });
    }
    for mark in subtle::looks_away(&change.path, before, after) {
        refusals.insert(Refusal::Suppression { file: file(), mark: mark.to_owned() });
    }
    for mark in directives::loosened(&change.path, before, after) {
        refusals.insert(Refusal::Suppression { file: file(), mark });
    }
    for claim in claims::changed_claims(&change.path, before, after) {
        let claim = claim.chars().take(60).collect();
        refusals.insert(Refusal::ChangedClaim { file: file(), claim });
    }
    for test in claims::changed_tests(&change.path, before, after) {
        let test = test.chars().take(60).collect();
        refusals.insert(Refusal::ChangedTest { file: file(), test });
    }
    for name in limits::changed_limits(before, after) {
        refusals.insert(Refusal::ChangedLimit { file: file(), name });
    }
    let lock = is_lock(&change.path);
    let is_other = if lock {
        subtle::has_new_source(before, after)
    } else {
        unversioned(before) != unversioned(after) || subtle::sets_another_version(before, after)
    };
    if is_bump && is_other {
        refusals.insert(Refusal::TouchesConfiguration { file: file() });
    }
    lines::judge_lines(repair, change, [before, after], refusals);
}

/// A version where manifests have one: in quotes of its own, behind a sign that compares, or
/// behind a `v`. A bare number is no version: thresholds look like that.
const VERSION: &str = concat!(
    r#"["'][\^~=<>!\s]*v?\d+\.[\w.*+-]*["']"#,
    r"|(?:[=~<>!]=|[<>])\s*\d+\.[\w.*+-]*",
    r"|\sv\d+\.[\w.+-]*",
);

/// A manifest without what differs when only versions do; as it is if that can't be told.
fn unversioned(text: &str) -> Cow<'_, str> {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(VERSION).ok());
    match &*PATTERN {
        Some(pattern) => pattern.replace_all(text, "?"),
        None => Cow::Borrowed(text),
    }
}

fn is_lock(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    name.contains("lock") || name == "go.sum"
}
