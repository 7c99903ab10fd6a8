//! Healing as a whole: rounds, receipts, and when it stops.

use std::sync::atomic::{AtomicU32, Ordering};

use evergen_artifact::{ArtifactPath, ProposedChange, ProposedChanges};
use futures::future::{BoxFuture, FutureExt};
use proptest::prelude::*;

use super::*;
use crate::{
    Circumstances, Edit, Examination, Extent, Fix, FnGate, Folder, Policy, Position,
    QualityGateEngine, seal,
};

/// A judge that finds each `bad` and proposes to put `good` there; `worse` is found by another
/// gate.
struct Words;

impl Judge for Words {
    fn judge<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, GateReport> {
        async move {
            let files = subject.files().unwrap();
            let find = |word: &str, put: &str| {
                let mut findings = Vec::new();
                for file in files {
                    let text = file.text().unwrap().unwrap();
                    for (line, text) in text.lines().enumerate() {
                        for (at, _) in text.match_indices(word) {
                            let line = u32::try_from(line + 1).unwrap();
                            let at = u32::try_from(text[..at].chars().count() + 1).unwrap();
                            let long = u32::try_from(word.len()).unwrap();
                            let (start, end) =
                                (Position::new(line, at), Position::new(line, at + long));
                            let edit = Edit::new(file.path(), start, end, put);
                            findings.push(
                                Finding::warning(word, "a word")
                                    .in_file(file.path())
                                    .at(Region::between(start, end))
                                    .with_fix(Fix::new("put", word != "unsafe", vec![edit])),
                            );
                        }
                    }
                }
                seal(&mut findings, subject);
                Outcome::of(findings, Coverage::of_files(files.len() as u64))
            };
            let gate = |name: &str, outcome| GateResult::new(name, GateKind::Custom, outcome, 1);
            GateReport::new(vec![
                gate("bad", find("bad", "good")),
                gate("trap", find("trap", "worse")),
                gate("worse", find("worse", "")),
                gate("ping", find("ping", "pong")),
                gate("pong", find("pong", "ping")),
                gate("unsafe", find("unsafe", "fine")),
                gate("silent", find("silent", "noqa")),
            ])
        }
        .boxed()
    }
}

async fn heal_text(text: &str, options: HealOptions) -> (String, HealReport) {
    let subject = Subject::of_files([("src/a.txt", text.as_bytes())]);
    let healers: Vec<Box<dyn Healer>> =
        vec![Box::new(FindingFixes::safe()), Box::new(FindingFixes::all())];
    let report = heal(&subject, &Words, &healers, options).await;
    let healed = report
        .files
        .first()
        .map_or(text.to_owned(), |(_, bytes)| String::from_utf8(bytes.to_vec()).unwrap());
    (healed, report)
}

#[tokio::test]
async fn what_can_be_mended_is_and_has_a_receipt() {
    let (healed, report) = heal_text("one bad\ntwo\nbad three\n", HealOptions::default()).await;
    assert_eq!(healed, "one good\ntwo\ngood three\n");
    assert_eq!(report.stopped, Stop::Done);
    assert!(report.after.overall_passed && !report.before.overall_passed);
    let diff = "--- a/src/a.txt\n+++ b/src/a.txt\n@@ -1,3 +1,3 @@\n-one bad\n+one good\n two\n\
                -bad three\n+good three\n";
    assert_eq!(report.receipts[0].diff, diff);
    assert_eq!((report.receipts.len(), report.receipts[0].healed.len()), (1, 2));
}

#[tokio::test]
async fn healing_twice_is_healing_once() {
    let (once, _) = heal_text("bad\ntrap\nsilent\nunsafe\n", HealOptions::default()).await;
    let (twice, report) = heal_text(&once, HealOptions::default()).await;
    assert_eq!(once, twice);
    assert!(report.receipts.is_empty());
}

#[tokio::test]
async fn a_fix_that_breaks_or_silences_is_refused_and_others_go_on() {
    let (healed, report) = heal_text("trap\nbad\nsilent\n", HealOptions::default()).await;
    assert_eq!(healed, "trap\ngood\nsilent\n");
    let refused: Vec<String> = report
        .refused
        .iter()
        .map(|it| format!("{}: {}", it.rule, names(Err(it.refusals.clone()))))
        .collect();
    assert_eq!(refused, ["silent: suppression", "trap: new_finding worse"]);
    assert_eq!(report.stopped, Stop::NoProgress);
}

#[tokio::test]
async fn unsafe_fixes_are_a_choice() {
    let (healed, _) = heal_text("unsafe\n", HealOptions::default()).await;
    assert_eq!(healed, "unsafe\n");
    let (healed, report) = heal_text("unsafe\n", HealOptions::default().with_unsafe()).await;
    assert_eq!(healed, "fine\n");
    assert!(!report.receipts[0].safe);
}

#[tokio::test]
async fn fixes_that_overlap_wait_for_the_next_round() {
    let (healed, report) = heal_text("badbad bad\n", HealOptions::default()).await;
    assert_eq!(healed, "goodgood good\n");
    assert_eq!((report.receipts.len(), report.stopped), (2, Stop::Done));
}

#[tokio::test]
async fn rounds_are_counted() {
    let (healed, report) = heal_text("badbad\n", HealOptions::default().with_rounds(1)).await;
    assert_eq!((healed.as_str(), report.stopped), ("goodbad\n", Stop::Rounds));
    assert_eq!(HealOptions::default().with_rounds(9).rounds, 3, "three at most");
}

/// A healer that turns between two texts, with a judge that lets it.
struct Pendulum(HealerInfo, AtomicU32);

impl Healer for Pendulum {
    fn info(&self) -> &HealerInfo {
        &self.0
    }

    fn heals(&self, _: &str, _: &Finding) -> bool {
        true
    }

    fn propose<'a>(
        &'a self,
        subject: &'a Subject,
        findings: &'a [Finding],
    ) -> BoxFuture<'a, Result<Proposal, Fault>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        async move {
            let text = subject.get("src/a.txt")?.unwrap().text()?.unwrap();
            // It behaves when it is looked at a second time.
            let is_second = findings.iter().all(|it| it.fix.is_none());
            let next = match (is_second, text.as_str()) {
                (true, text) => text.to_owned(),
                (false, "left\n") => "right\n".to_owned(),
                (false, _) => "left\n".to_owned(),
            };
            let heals = findings.iter().take(1).map(|it| it.fingerprint.clone()).collect();
            let file = "src/a.txt".to_owned();
            let files = vec![(file.clone(), Arc::from(next.into_bytes()))];
            Ok(Proposal::new(files, vec![Declared::File(file)], heals))
        }
        .boxed()
    }
}

/// A judge that finds less each time, whatever it is shown.
struct Lenient(AtomicU32);

impl Judge for Lenient {
    fn judge<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, GateReport> {
        let calls = self.0.fetch_add(1, Ordering::Relaxed);
        async move {
            let edit = Edit::new("src/a.txt", Position::new(1, 1), Position::new(1, 1), "");
            let fix = Fix::new("turn", true, vec![edit]);
            let finding = Finding::warning("a", "b").in_file("src/a.txt").with_fix(fix);
            let mut findings = vec![finding; 9 - calls as usize];
            seal(&mut findings, subject);
            let outcome = Outcome::of(findings, Coverage::of_files(1));
            GateReport::new(vec![GateResult::new("g", GateKind::Custom, outcome, 1)])
        }
        .boxed()
    }
}

async fn swing(scope: Scope) -> HealReport {
    let subject = Subject::of_files([("src/a.txt", b"left\n".to_vec())]);
    let info = HealerInfo::new("pendulum", FixClass::Format).with_scope(scope);
    let healers: Vec<Box<dyn Healer>> = vec![Box::new(Pendulum(info, AtomicU32::new(0)))];
    let judge = Lenient(AtomicU32::new(0));
    heal(&subject, &judge, &healers, HealOptions::default()).await
}

#[tokio::test]
async fn a_healer_that_goes_round_in_circles_is_stopped() {
    let report = swing(Scope::all()).await;
    assert_eq!((report.receipts.len(), report.stopped), (1, Stop::Repeated));
    assert_eq!(&*report.files[0].1, b"right\n");
}

#[tokio::test]
async fn a_healer_is_held_to_its_scope() {
    let report = swing(Scope::extensions(["py"])).await;
    assert!(report.files.is_empty());
    assert_eq!(names(Err(report.refused[0].refusals.clone())), "foreign");
}

#[tokio::test]
async fn files_that_did_not_change_are_not_mended() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("old.txt"), "bad\n").unwrap();
    let path = ArtifactPath::parse("new.txt").unwrap();
    let changes = ProposedChanges::new(vec![ProposedChange::write(path, "g", *b"bad\n", false)]);
    let subject = Subject::of_changes_over(Folder::new(folder.path()), "", &changes);
    let healers: Vec<Box<dyn Healer>> = vec![Box::new(FindingFixes::safe())];
    let report = heal(&subject, &Words, &healers, HealOptions::default()).await;
    let paths: Vec<&str> = report.files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["new.txt"]);
    assert_eq!((report.refused.len(), report.stopped), (0, Stop::Done));
}

#[tokio::test]
async fn what_may_be_touched_depends_on_where_the_tree_lies() {
    let subject = Subject::of_files([("a.txt", b"bad\n".to_vec())]);
    let healers: Vec<Box<dyn Healer>> = vec![Box::new(FindingFixes::safe())];
    let in_source = subject.clone().placed("src");
    let report = heal(&in_source, &Words, &healers, HealOptions::default()).await;
    assert!(report.receipts[0].diff.starts_with("--- a/src/a.txt\n"), "{:?}", report.receipts);
    assert_eq!(report.files[0].0, "a.txt");
    let in_tests = subject.placed("tests");
    let report = heal(&in_tests, &Words, &healers, HealOptions::default()).await;
    assert!(report.files.is_empty());
    assert_eq!(names(Err(report.refused[0].refusals.clone())), "touches_test");
}

#[tokio::test]
async fn the_engine_heals_what_its_gates_find() {
    let gate = FnGate::new("tabs", |examination: &Examination| {
        let mut findings = Vec::new();
        for file in examination.files() {
            let text = file.text().unwrap().unwrap();
            if let Some(line) = text.lines().position(|line| line.starts_with('\t')) {
                let line = u32::try_from(line + 1).unwrap();
                let (start, end) = (Position::new(line, 1), Position::new(line, 2));
                let edit = Edit::new(file.path(), start, end, "    ");
                let finding = Finding::error("tab", "a tab").in_file(file.path()).at_line(line);
                findings.push(finding.with_fix(Fix::new("use blanks", true, vec![edit])));
            }
        }
        Outcome::of(findings, Coverage::of_files(examination.files().len() as u64))
    });
    let engine = QualityGateEngine::new(Policy::default()).with_gate(gate);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.py"), "if x:\n\ty()\n").unwrap();
    let subject = Subject::of_folder(Folder::new(folder.path())).unwrap();
    let healers: Vec<Box<dyn Healer>> = vec![Box::new(FindingFixes::safe())];
    let today = Circumstances::new(jiff::civil::date(2026, 11, 28), Extent::Whole);
    let report = engine.auto_heal(&subject, &healers, today, HealOptions::default()).await;
    assert_eq!(&*report.files[0].1, b"if x:\n    y()\n");
    assert!(report.after.overall_passed);
    assert_eq!(std::fs::read(folder.path().join("a.py")).unwrap(), b"if x:\n\ty()\n");
}

proptest! {
    #[test]
    fn healing_ends_and_never_makes_it_worse(
        words in proptest::collection::vec(
            proptest::sample::select(vec!["bad", "trap", "ping", "silent", "unsafe", "ok", "\n"]), 0..12),
        allow: bool,
    ) {
        let text = words.join(" ") + "\n";
        let options = if allow { HealOptions::default().with_unsafe() } else { HealOptions::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (_, report) = runtime.block_on(heal_text(&text, options));
        let count = |report: &GateReport| {
            report.gates.iter().map(|gate| gate.outcome.findings().len()).sum::<usize>()
        };
        prop_assert!(count(&report.after) <= count(&report.before));
        prop_assert!(report.after.overall_score >= report.before.overall_score);
        prop_assert_eq!(report.receipts.is_empty(), report.files.is_empty());
    }
}
