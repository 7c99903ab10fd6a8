use std::collections::BTreeSet;
use std::sync::Arc;

use evergen_artifact::Digest;
use serde::Serialize;

use super::tree::{Tree, diff};
use super::{Declared, FileChange, FixClass, Healer, Judge, Refusal, Repair, judge_repair};
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
    /// The files that it changed, as the subject [names](Subject::named) them, with the digests of
    /// their bytes before and after.
    pub files: Vec<(String, Digest, Digest)>,
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

/// Mends what it can of the files that changed, in memory: one class of findings after the other,
/// each repair judged for itself by all gates. The subject itself stays as it is, and files that
/// did not change are not touched.
///
/// A healer that can't work is told of in the report and stops no other. Dropping the future
/// gives everything up and has no effect.
pub async fn heal(
    subject: &Subject,
    judge: &dyn Judge,
    healers: &[Box<dyn Healer>],
    options: HealOptions,
) -> HealReport {
    let mut tree = Tree::of(subject);
    let before = judge.judge(&tree.subject).await;
    let mut work = Work {
        judge,
        seen: BTreeSet::from([tree.digest()]),
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
    HealReport {
        receipts,
        refused,
        faults,
        files: tree.into_files(),
        before,
        after: report,
        stopped,
    }
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
                let findings = meant(*healer, tree, report, &gate, &rule);
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

    /// Asks for a repair, and takes it or does not. A fault counts as no repair.
    async fn attempt(
        &mut self,
        healer: &dyn Healer,
        (gate, rule): (&str, &str),
        findings: &[Finding],
        tree: &mut Tree,
        report: &mut GateReport,
    ) -> Attempt {
        let tried = self.try_repair(healer, gate, findings, tree, report).await;
        let name = || healer.info().name.clone();
        match tried {
            Err(fault) => {
                self.faults.push((name(), fault));
                Attempt::Refused
            }
            Ok(Tried::Nothing) => Attempt::Refused,
            Ok(Tried::Repeated) => Attempt::Repeated,
            Ok(Tried::Refused { refusals, changes }) => {
                tracing::debug!(healer = name(), gate, rule, ?refusals, "a repair was refused");
                let (gate, rule) = (gate.to_owned(), rule.to_owned());
                let refused =
                    Refused { healer: name(), gate, rule, refusals, diff: diff(&changes) };
                if !self.refused.contains(&refused) {
                    self.refused.push(refused);
                }
                Attempt::Refused
            }
            Ok(Tried::Good { healed, changes, next, after }) => {
                self.receipts.push(Receipt {
                    healer: name(),
                    class: healer.info().class,
                    safe: healer.info().safe,
                    gate: gate.to_owned(),
                    rule: rule.to_owned(),
                    healed,
                    files: changes.iter().map(digests).collect(),
                    diff: diff(&changes),
                });
                self.seen.insert(next.digest());
                *tree = next;
                *report = after;
                Attempt::Taken
            }
        }
    }

    async fn try_repair(
        &self,
        healer: &dyn Healer,
        gate: &str,
        findings: &[Finding],
        tree: &Tree,
        report: &GateReport,
    ) -> Result<Tried, Fault> {
        let proposal = healer.propose(&tree.subject, findings).await?;
        let changes = tree.changes(&proposal)?;
        if changes.is_empty() {
            return Ok(Tried::Nothing);
        }
        let foreign = foreign(healer, tree, &changes);
        // What may be touched depends on where a file lies in the whole.
        let subject = &tree.subject;
        let changes = named_changes(subject, changes);
        if !foreign.is_empty() {
            return Ok(Tried::Refused { refusals: foreign, changes });
        }
        let next = tree.with(&proposal)?;
        if self.seen.contains(&next.digest()) {
            return Ok(Tried::Repeated);
        }
        let after = self.judge.judge(&next.subject).await;
        let again = healer.propose(&next.subject, &asked_again(findings)).await?;
        let is_target = |it: &&Finding| proposal.heals.contains(&it.fingerprint);
        let mut targets: Vec<Finding> = findings.iter().filter(is_target).cloned().collect();
        for target in &mut targets {
            target.rename(|file| subject.named(file));
        }
        let declared: Vec<Declared> =
            proposal.declared.iter().map(|it| named_place(subject, it)).collect();
        let verdict = judge_repair(&Repair {
            class: healer.info().class,
            gate,
            targets: &targets,
            declared: &declared,
            changes: &changes,
            second_pass: &named_changes(subject, next.changes(&again)?),
            before: &report.named_by(subject),
            after: &after.named_by(subject),
        });
        Ok(match verdict {
            Ok(()) => Tried::Good { healed: proposal.heals, changes, next, after },
            Err(refusals) => Tried::Refused { refusals, changes },
        })
    }
}

enum Tried {
    Nothing,
    Repeated,
    Refused { refusals: Vec<Refusal>, changes: Vec<FileChange> },
    Good { healed: Vec<String>, changes: Vec<FileChange>, next: Tree, after: GateReport },
}

enum Attempt {
    Taken,
    Refused,
    Repeated,
}

/// Files that are not the healer's, or that did not change in the first place.
fn foreign(healer: &dyn Healer, tree: &Tree, changes: &[FileChange]) -> Vec<Refusal> {
    let is_own = |path: &str| healer.info().scope.judges(path) && tree.is_own(path);
    let foreign = changes.iter().filter(|change| !is_own(&change.path));
    foreign.map(|change| Refusal::Foreign { file: tree.subject.named(&change.path) }).collect()
}

fn named_changes(subject: &Subject, mut changes: Vec<FileChange>) -> Vec<FileChange> {
    for change in &mut changes {
        change.path = subject.named(&change.path);
    }
    changes
}

fn named_place(subject: &Subject, declared: &Declared) -> Declared {
    match declared {
        Declared::File(file) => Declared::File(subject.named(file)),
        Declared::Lines(file, region) => Declared::Lines(subject.named(file), *region),
    }
}

fn digests(change: &FileChange) -> (String, Digest, Digest) {
    let digest = |bytes: &Option<Vec<u8>>| Digest::of(bytes.as_deref().unwrap_or_default());
    (change.path.clone(), digest(&change.before), digest(&change.after))
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

/// The findings of one gate and rule that count and that a healer may mend, in files that changed.
fn meant(
    healer: &dyn Healer,
    tree: &Tree,
    report: &GateReport,
    gate: &str,
    rule: &str,
) -> Vec<Finding> {
    let of_gate = report.gates.iter().filter(|result| result.gate == gate);
    let judged = of_gate.flat_map(GateResult::judged);
    let in_own = |finding: &Finding| {
        let edits = finding.fix.iter().flat_map(|fix| &fix.edits).map(|edit| &edit.file);
        finding.file.iter().chain(edits).all(|file| tree.is_own(file))
    };
    let meant = judged.filter(|(finding, standing)| {
        let is_of_rule = finding.rule == rule && standing.counts();
        is_of_rule && in_own(finding) && healer.heals(gate, finding)
    });
    meant.map(|(finding, _)| finding.clone()).collect()
}

/// The same findings without their fixes, whose places are those of the tree before.
fn asked_again(findings: &[Finding]) -> Vec<Finding> {
    findings.iter().map(|finding| Finding { fix: None, ..finding.clone() }).collect()
}
