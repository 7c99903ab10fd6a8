use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use evergen_artifact::Digest;
use serde::Serialize;
use similar::TextDiff;

use super::{FileChange, FixClass, Healer, Judge, Proposal, Refusal, Repair, judge_repair};
use crate::{Fault, Finding, GateReport, GateResult, Subject};

/// How many rounds there are at most.
const ROUNDS: u32 = 3;

/// What healing may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct HealOptions {
    /// Whether healers are asked that may change what the code does.
    pub allow_unsafe: bool,
    /// How many rounds there are, 3 at most.
    pub rounds: u32,
}

impl Default for HealOptions {
    /// Safe ones only, three rounds.
    fn default() -> Self {
        Self { allow_unsafe: false, rounds: ROUNDS }
    }
}

impl HealOptions {
    /// Asks healers, too, that may change what the code does.
    pub fn with_unsafe(mut self) -> Self {
        self.allow_unsafe = true;
        self
    }

    /// How many rounds there are; more than three are three.
    pub fn with_rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds.min(ROUNDS);
        self
    }
}

/// What healing came to. Nothing has been written: [`files`](Self::files) is for the caller.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HealReport {
    /// What was mended, in order.
    pub receipts: Vec<Receipt>,
    /// What was proposed and not taken.
    pub refused: Vec<Refused>,
    /// Healers that could not work, and why.
    pub faults: Vec<(String, Fault)>,
    /// The files as they should be, sorted by path; none that stays as it was.
    pub files: Vec<(String, Arc<[u8]>)>,
    /// What the gates said before.
    pub before: GateReport,
    /// What they say of the mended tree.
    pub after: GateReport,
    /// Why it stopped.
    pub stopped: Stop,
}

/// A repair that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Receipt {
    /// Who mended.
    pub healer: String,
    /// What kind of repair it was.
    pub class: FixClass,
    /// Whether the healer says that it keeps the meaning.
    pub safe: bool,
    /// The gate whose findings are gone.
    pub gate: String,
    /// Their rule.
    pub rule: String,
    /// Their fingerprints.
    pub healed: Vec<String>,
    /// The digest of the whole tree before.
    pub tree_before: String,
    /// The digest of the whole tree after.
    pub tree_after: String,
    /// What changed, as a unified diff.
    pub diff: String,
}

/// A repair that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Refused {
    /// Who proposed it.
    pub healer: String,
    /// The gate whose findings it was for.
    pub gate: String,
    /// Their rule.
    pub rule: String,
    /// Why not, sorted.
    pub refusals: Vec<Refusal>,
    /// What would have changed, as a unified diff.
    pub diff: String,
}

/// Why healing stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stop {
    /// Nothing counts any more that a healer knows how to mend.
    Done,
    /// A round mended nothing.
    NoProgress,
    /// A repair led back to a tree that was there before.
    Repeated,
    /// There were as many rounds as there may be.
    Rounds,
}

/// Mends what it can of a tree in memory: one class of findings after the other, each repair
/// judged for itself by all gates. The subject itself stays as it is.
///
/// Dropping the future gives everything up and has no effect. Reads all files of the tree, which
/// blocks where it is a folder.
///
/// # Errors
/// The tree can't be read.
pub async fn heal(
    subject: &Subject,
    judge: &dyn Judge,
    healers: &[Box<dyn Healer>],
    options: HealOptions,
) -> Result<HealReport, Fault> {
    let mut tree = Tree::of(subject)?;
    let before = judge.judge(&tree.subject).await;
    let mut work = Work {
        judge,
        seen: BTreeSet::from([tree.digest]),
        receipts: Vec::new(),
        refused: Vec::new(),
        faults: Vec::new(),
    };
    let mut usable: Vec<&dyn Healer> = healers.iter().map(|healer| &**healer).collect();
    usable.retain(|healer| healer.info().safe || options.allow_unsafe);
    usable.sort_by_key(|healer| healer.info().class);
    let mut report = before.clone();
    let mut stopped = Stop::Rounds;
    for _ in 0..options.rounds.min(ROUNDS) {
        match work.round(&usable, &mut tree, &mut report).await {
            Round::Mended => {}
            Round::Stopped(why) => {
                stopped = why;
                break;
            }
        }
    }
    let Work { receipts, refused, faults, .. } = work;
    Ok(HealReport {
        receipts,
        refused,
        faults,
        files: tree.changed(),
        before,
        after: report,
        stopped,
    })
}

enum Round {
    Mended,
    Stopped(Stop),
}

struct Work<'a> {
    judge: &'a dyn Judge,
    seen: BTreeSet<Digest>,
    receipts: Vec<Receipt>,
    refused: Vec<Refused>,
    faults: Vec<(String, Fault)>,
}

impl Work<'_> {
    async fn round(
        &mut self,
        healers: &[&dyn Healer],
        tree: &mut Tree,
        report: &mut GateReport,
    ) -> Round {
        let (mut mended, mut asked, mut repeated) = (false, false, false);
        for healer in healers {
            for (gate, rule) in groups(*healer, report) {
                let findings = meant(*healer, report, &gate, &rule);
                if findings.is_empty() {
                    continue;
                }
                asked = true;
                match self.attempt(*healer, (&gate, &rule), &findings, tree, report).await {
                    Attempt::Taken => mended = true,
                    Attempt::Repeated => repeated = true,
                    Attempt::Refused => {}
                }
            }
        }
        match (mended, asked) {
            (true, _) => Round::Mended,
            (false, false) => Round::Stopped(Stop::Done),
            (false, true) if repeated => Round::Stopped(Stop::Repeated),
            (false, true) => Round::Stopped(Stop::NoProgress),
        }
    }

    async fn attempt(
        &mut self,
        healer: &dyn Healer,
        (gate, rule): (&str, &str),
        findings: &[Finding],
        tree: &mut Tree,
        report: &mut GateReport,
    ) -> Attempt {
        let name = &healer.info().name;
        let proposal = match healer.propose(&tree.subject, findings).await {
            Ok(proposal) => proposal,
            Err(fault) => {
                self.faults.push((name.clone(), fault));
                return Attempt::Refused;
            }
        };
        let changes = tree.changes(&proposal);
        if changes.is_empty() {
            return Attempt::Refused;
        }
        let next = tree.with(&proposal);
        if self.seen.contains(&next.digest) {
            return Attempt::Repeated;
        }
        let after = self.judge.judge(&next.subject).await;
        let second_pass = match healer.propose(&next.subject, &asked_again(findings)).await {
            Ok(again) => next.changes(&again),
            Err(_) => changes.clone(),
        };
        let targets: Vec<Finding> = findings
            .iter()
            .filter(|finding| proposal.heals.contains(&finding.fingerprint))
            .cloned()
            .collect();
        let verdict = judge_repair(&Repair {
            class: healer.info().class,
            gate,
            targets: &targets,
            declared: &proposal.declared,
            changes: &changes,
            second_pass: &second_pass,
            before: report,
            after: &after,
        });
        let verdict = within_scope(healer, &changes, verdict);
        let diff = diff(&changes);
        if let Err(refusals) = verdict {
            tracing::debug!(healer = name, gate, rule, ?refusals, "a repair was refused");
            let (healer, gate, rule) = (name.clone(), gate.to_owned(), rule.to_owned());
            let refused = Refused { healer, gate, rule, refusals, diff };
            if !self.refused.contains(&refused) {
                self.refused.push(refused);
            }
            return Attempt::Refused;
        }
        self.receipts.push(Receipt {
            healer: name.clone(),
            class: healer.info().class,
            safe: healer.info().safe,
            gate: gate.to_owned(),
            rule: rule.to_owned(),
            healed: proposal.heals.clone(),
            tree_before: tree.digest.to_string(),
            tree_after: next.digest.to_string(),
            diff,
        });
        self.seen.insert(next.digest);
        *tree = next;
        *report = after;
        Attempt::Taken
    }
}

enum Attempt {
    Taken,
    Refused,
    Repeated,
}

fn within_scope(
    healer: &dyn Healer,
    changes: &[FileChange],
    verdict: Result<(), Vec<Refusal>>,
) -> Result<(), Vec<Refusal>> {
    let outside = changes.iter().filter(|change| !healer.info().scope.judges(&change.path));
    let outside = outside.map(|it| Refusal::OutsideDeclared { file: it.path.clone(), line: 1 });
    let refusals: BTreeSet<Refusal> = verdict.err().into_iter().flatten().chain(outside).collect();
    if refusals.is_empty() { Ok(()) } else { Err(refusals.into_iter().collect()) }
}

/// The gates and rules of which a healer may mend something, sorted.
fn groups(healer: &dyn Healer, report: &GateReport) -> BTreeSet<(String, String)> {
    let mut groups = BTreeSet::new();
    for result in &report.gates {
        for (finding, standing) in result.judged() {
            if standing.counts() && healer.heals(&result.gate, finding) {
                groups.insert((result.gate.clone(), finding.rule.clone()));
            }
        }
    }
    groups
}

/// The findings of one gate and rule that count and that a healer may mend.
fn meant(healer: &dyn Healer, report: &GateReport, gate: &str, rule: &str) -> Vec<Finding> {
    let of_gate = report.gates.iter().filter(|result| result.gate == gate);
    let judged = of_gate.flat_map(GateResult::judged);
    let meant = judged.filter(|(finding, standing)| {
        finding.rule == rule && standing.counts() && healer.heals(gate, finding)
    });
    meant.map(|(finding, _)| finding.clone()).collect()
}

/// The same findings without their fixes, whose places are those of the tree before.
fn asked_again(findings: &[Finding]) -> Vec<Finding> {
    findings.iter().map(|finding| Finding { fix: None, ..finding.clone() }).collect()
}

/// A tree in memory, and what differs from the one that it came from.
struct Tree {
    files: BTreeMap<String, Arc<[u8]>>,
    original: Arc<BTreeMap<String, Arc<[u8]>>>,
    subject: Subject,
    digest: Digest,
}

impl Tree {
    fn of(subject: &Subject) -> Result<Self, Fault> {
        let mut files = BTreeMap::new();
        for file in subject.files()? {
            files.insert(file.path().to_owned(), file.bytes()?);
        }
        let original = Arc::new(files.clone());
        Ok(Self::new(files, original))
    }

    fn new(files: BTreeMap<String, Arc<[u8]>>, original: Arc<BTreeMap<String, Arc<[u8]>>>) -> Self {
        let subject = Subject::of_files(files.iter().map(|(path, it)| (path.clone(), it.clone())));
        let lines = files.iter().map(|(path, bytes)| format!("{path}\0{}\0", Digest::of(bytes)));
        let digest = Digest::of(lines.collect::<Vec<_>>().concat().as_bytes());
        Self { files, original, subject, digest }
    }

    fn with(&self, proposal: &Proposal) -> Self {
        let mut files = self.files.clone();
        files.extend(proposal.files.iter().cloned());
        Self::new(files, self.original.clone())
    }

    fn changes(&self, proposal: &Proposal) -> Vec<FileChange> {
        let mut changes = Vec::new();
        for (path, bytes) in &proposal.files {
            let before = self.files.get(path);
            if before != Some(bytes) {
                let before = before.map(|bytes| bytes.to_vec());
                changes.push(FileChange::new(path, before, Some(bytes.to_vec())));
            }
        }
        changes.sort_by(|left, right| left.path.cmp(&right.path));
        changes
    }

    fn changed(&self) -> Vec<(String, Arc<[u8]>)> {
        let files = self.files.iter();
        let changed = files.filter(|(path, bytes)| self.original.get(*path) != Some(*bytes));
        changed.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
    }
}

/// A unified diff of all changes.
fn diff(changes: &[FileChange]) -> String {
    let text = |bytes: &Option<Vec<u8>>| {
        bytes.as_ref().map_or(String::new(), |it| String::from_utf8_lossy(it).into_owned())
    };
    let one = |change: &FileChange| {
        let (before, after) = (text(&change.before), text(&change.after));
        let (old, new) = (format!("a/{}", change.path), format!("b/{}", change.path));
        TextDiff::from_lines(&before, &after).unified_diff().header(&old, &new).to_string()
    };
    changes.iter().map(one).collect()
}
