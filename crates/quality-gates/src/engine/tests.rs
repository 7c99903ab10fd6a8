use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use evergen_artifact::{ArtifactPath, ProposedChange};

use super::*;
use crate::{
    Coverage, Examination, Fault, Finding, FnGate, GateInfo, GateKind, Identity, Looker, Needs,
    Policy, Scope, SubjectFile,
};

fn changes(files: &[(&str, &str)]) -> ProposedChanges {
    let write = |(path, text): &(&str, &str)| {
        ProposedChange::write(ArtifactPath::parse(path).unwrap(), "g", text.as_bytes(), false)
    };
    ProposedChanges::new(files.iter().map(write).collect())
}

fn engine() -> QualityGateEngine {
    QualityGateEngine::new(Policy::default())
}

fn gate(name: &str, outcome: Outcome) -> impl Gate + 'static + use<> {
    FnGate::new(name, move |_: &Examination| outcome.clone())
}

fn pass() -> Outcome {
    Outcome::Pass(Coverage::of_files(1))
}

async fn check(engine: QualityGateEngine, passed: bool, score: f64, said: &str) {
    let report = engine.execute_all_gates(&changes(&[("a.rs", "fn f() {}")])).await;
    assert_eq!(report.to_string(), said);
    assert_eq!(report.overall_passed, passed);
    assert!((report.overall_score - score).abs() < 1e-9, "{}", report.overall_score);
}

struct Hangs(GateInfo);

impl Gate for Hangs {
    fn info(&self) -> &GateInfo {
        &self.0
    }

    fn examine(&self, _: Examination) -> BoxFuture<'_, Outcome> {
        pending().boxed()
    }
}

#[tokio::test]
async fn changes_pass_if_every_gate_that_they_concern_passes() {
    let two = engine().with_gate(gate("a", pass())).with_gate(gate("b", Outcome::NotApplicable));
    check(two, true, 1.0, "all gates passed").await;
    check(engine(), true, 1.0, "no gate was asked").await;
    let report = engine().with_gate(gate("a", pass())).execute_all_gates(&changes(&[])).await;
    assert_eq!(report.gates[0].outcome, Outcome::NotApplicable, "there is nothing to look at");
}

#[tokio::test]
async fn one_finding_holds_the_changes_back() {
    let finding = Finding::error("syntax", "no brace").in_file("a.rs").at_line(3);
    let engine = engine()
        .with_gate(gate("a", pass()))
        .with_gate(gate("b", Outcome::fail(vec![finding.clone(), finding])));
    check(engine, false, 0.5, "b: 2 findings: error[syntax] a.rs:3: no brace").await;
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_cannot_look_holds_the_changes_back_and_stops_no_other() {
    let panics = FnGate::new("panics", |_: &Examination| -> Outcome { panic!("on purpose") });
    let engine = engine()
        .with_patience(Duration::from_secs(2))
        .with_gate(Hangs(GateInfo::new("hangs", GateKind::Custom)))
        .with_gate(panics)
        .with_gate(gate("c", pass()));
    let said = "hangs: could not look: no answer within 2000 ms\n\
                panics: could not look: it panicked: on purpose";
    check(engine, false, 1.0 / 3.0, said).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_that_never_gives_its_thread_back_is_given_up() {
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = stop.clone();
    let spins = FnGate::new("spins", move |_: &Examination| {
        while !seen.load(Ordering::SeqCst) {
            std::hint::spin_loop();
        }
        pass()
    });
    let engine = engine().with_patience(Duration::from_millis(50)).with_gate(spins);
    check(engine, false, 0.0, "spins: could not look: no answer within 50 ms").await;
    stop.store(true, Ordering::SeqCst);
}

#[tokio::test]
async fn a_pass_that_did_not_look_at_everything_is_none() {
    for (kind, outcome, said) in [
        (
            GateKind::Lint,
            Coverage::default(),
            "there was nothing to look at: the gate looked at no file",
        ),
        (GateKind::Tests, Coverage::of_files(1), "there was nothing to look at: no test ran"),
        (
            GateKind::Performance,
            Coverage::of_files(1),
            "there was nothing to look at: nothing was measured",
        ),
    ] {
        let info = GateInfo::new("g", kind);
        let gate = FnGate::with_info(info, move |_: &Examination| Outcome::Pass(outcome.clone()));
        check(engine().with_gate(gate), false, 0.0, &format!("g: could not look: {said}")).await;
    }
    let report = engine().with_gate(gate("g", pass()));
    let report = report.execute_all_gates(&changes(&[("a", ""), ("b", "")])).await;
    assert_eq!(report.to_string(), "g: could not look: it looked at 1 of 2 files");
}

#[tokio::test]
async fn gates_behind_one_that_did_not_pass_are_not_asked() {
    let late = GateInfo::new("late", GateKind::Custom).after("syntax");
    let late = FnGate::with_info(late, |_: &Examination| panic!("asked"));
    let bad = gate("syntax", Outcome::fail(vec![Finding::error("r", "m")]));
    let said = "late: could not look: not asked, since `syntax` did not pass\n\
                syntax: 1 finding: error[r]: m";
    check(engine().with_gate(late).with_gate(bad), false, 0.0, said).await;
}

#[tokio::test]
async fn no_more_gates_are_asked_at_once_than_agreed() {
    struct Counts(GateInfo, Arc<(AtomicUsize, AtomicUsize)>);
    impl Gate for Counts {
        fn info(&self) -> &GateInfo {
            &self.0
        }

        fn examine(&self, _: Examination) -> BoxFuture<'_, Outcome> {
            async move {
                let (now, most) = &*self.1;
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                now.fetch_sub(1, Ordering::SeqCst);
                pass()
            }
            .boxed()
        }
    }
    let counts = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let mut engine = engine().with_parallel_gates(NonZeroUsize::new(2).unwrap());
    for index in 0..6 {
        let info = GateInfo::new(index.to_string(), GateKind::Custom);
        engine = engine.with_gate(Counts(info, counts.clone()));
    }
    check(engine, true, 1.0, "all gates passed").await;
    assert_eq!(counts.1.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_answer_that_changes_is_flaky() {
    let unstable = |passes_at: usize| {
        let runs = AtomicUsize::new(0);
        let info = GateInfo::new("g", GateKind::Custom).with_retries(2);
        FnGate::with_info(info, move |_: &Examination| {
            if runs.fetch_add(1, Ordering::SeqCst) + 1 == passes_at {
                return pass();
            }
            Outcome::fail(vec![Finding::error("r", "m")])
        })
    };
    check(engine().with_gate(unstable(1)), true, 1.0, "all gates passed").await;
    check(
        engine().with_gate(unstable(2)),
        false,
        0.5,
        "g: flaky: passed 1 of 2 times: error[r]: m",
    )
    .await;
    check(
        engine().with_gate(unstable(3)),
        false,
        1.0 / 3.0,
        "g: flaky: passed 1 of 3 times: error[r]: m",
    )
    .await;
    check(engine().with_gate(unstable(4)), false, 0.0, "g: 1 finding: error[r]: m").await;
}

/// Finds a line that says "bad", and writes down what it was asked about. It has two parsers.
#[derive(Clone)]
struct Clerk {
    info: GateInfo,
    binary: &'static str,
    asked: Arc<Mutex<Vec<String>>>,
}

fn parser(path: &str) -> Looker {
    Looker::new(if path.starts_with('b') { "parser of b" } else { "parser" }, "1")
}

impl Clerk {
    fn new(needs: Needs) -> Self {
        let scope = Scope::extensions(["rs"]).reading(["rules"]).unwrap();
        let info = GateInfo::new("clerk", GateKind::Lint).needing(needs).with_scope(scope);
        Self { info, binary: "1", asked: Arc::default() }
    }
}

impl Gate for Clerk {
    fn info(&self) -> &GateInfo {
        &self.info
    }

    fn identity(&self) -> BoxFuture<'_, Result<Identity, Fault>> {
        let parsers = ["b.rs", "c.rs"].map(parser).to_vec();
        async { Ok(Identity::of(parsers, self.binary.as_bytes())) }.boxed()
    }

    fn examine(&self, examination: Examination) -> BoxFuture<'_, Outcome> {
        let mut findings = Vec::new();
        let mut lines = 0;
        for file in examination.files() {
            let text = file.text().unwrap().unwrap();
            lines += text.lines().count() as u64;
            let bad = text.lines().zip(1..).filter(|(line, _)| *line == "bad");
            findings.extend(
                bad.map(|(_, line)| {
                    Finding::error("bad", "bad").in_file(file.path()).at_line(line)
                }),
            );
        }
        let paths: Vec<&str> = examination.files().iter().map(SubjectFile::path).collect();
        self.asked.lock().unwrap().push(paths.join(" "));
        let coverage = Coverage::of_files(paths.len() as u64).with_lines(lines);
        let coverage = paths.iter().map(|path| parser(path)).fold(coverage, Coverage::by);
        async { Outcome::of(findings, coverage) }.boxed()
    }
}

/// One project with its cache, judged again and again; each time as by a new process.
struct Project {
    state: tempfile::TempDir,
    clerk: Clerk,
    files: BTreeMap<&'static str, &'static str>,
}

impl Project {
    fn new(needs: Needs) -> Self {
        let files =
            BTreeMap::from([("a.rs", "one\n"), ("b.rs", "two\nbad\n"), ("c.rs", "three\n")]);
        Self { state: tempfile::tempdir().unwrap(), clerk: Clerk::new(needs), files }
    }

    /// Judges the files; the gate must be asked about these only, and say the same as without a
    /// memory.
    async fn check(&self, asked: &[&str]) {
        let files: Vec<(&str, &str)> =
            self.files.iter().map(|(path, text)| (*path, *text)).collect();
        let cache = VerdictCache::open(self.state.path()).unwrap();
        let remembering = engine().with_gate(self.clerk.clone()).with_cache(cache);
        let report = remembering.execute_all_gates(&changes(&files)).await;
        assert_eq!(std::mem::take(&mut *self.clerk.asked.lock().unwrap()), asked);
        assert_eq!(report.gates[0].cached, asked.is_empty());
        let fresh = engine().with_gate(Clerk { asked: Arc::default(), ..self.clerk.clone() });
        let fresh = fresh.execute_all_gates(&changes(&files)).await;
        assert_eq!(report.gates[0].outcome, fresh.gates[0].outcome);
        assert_eq!(
            report.gates[0].outcome.coverage().unwrap().files,
            files.len() as u64 - u64::from(self.files.contains_key("rules"))
        );
    }
}

#[tokio::test]
async fn a_gate_is_asked_only_about_what_it_does_not_know() {
    let mut project = Project::new(Needs::Changed);
    project.check(&["a.rs b.rs c.rs"]).await;
    project.check(&[]).await;
    project.files.insert("a.rs", "other\nbad\n");
    project.check(&["a.rs"]).await;
    project.files.remove("c.rs");
    project.check(&[]).await;
    project.files.insert("a.rs", "one\n");
    project.check(&[]).await;
}

#[tokio::test]
async fn other_rules_settings_tools_and_names_make_old_answers_worthless() {
    let mut project = Project::new(Needs::Changed);
    project.check(&["a.rs b.rs c.rs"]).await;
    project.files.insert("rules", "strict");
    project.check(&["a.rs b.rs c.rs"]).await;
    project.clerk.info = project.clerk.info.clone().with_settings("new");
    project.check(&["a.rs b.rs c.rs"]).await;
    project.clerk.binary = "2";
    project.check(&["a.rs b.rs c.rs"]).await;
    project.files.remove("a.rs");
    project.files.insert("z.rs", "one\n");
    project.check(&["z.rs"]).await;
}

#[tokio::test]
async fn a_gate_over_the_tree_is_asked_about_all_of_it() {
    let mut project = Project::new(Needs::Tree);
    project.check(&["a.rs b.rs c.rs"]).await;
    project.check(&[]).await;
    project.files.insert("a.rs", "other\n");
    project.check(&["a.rs b.rs c.rs"]).await;
}

#[tokio::test]
async fn errors_and_what_is_not_to_be_kept_are_asked_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let state = tempfile::tempdir().unwrap();
    for (info, outcome) in [
        (GateInfo::new("error", GateKind::Lint), Outcome::Error(Fault::Timeout { limit_ms: 1 })),
        (GateInfo::new("uncached", GateKind::Lint).uncached(), pass()),
    ] {
        asked.store(0, Ordering::SeqCst);
        for _ in 0..2 {
            let (asked, outcome) = (asked.clone(), outcome.clone());
            let gate = FnGate::with_info(info.clone(), move |_: &Examination| {
                asked.fetch_add(1, Ordering::SeqCst);
                outcome.clone()
            });
            let engine =
                engine().with_gate(gate).with_cache(VerdictCache::open(state.path()).unwrap());
            engine.execute_all_gates(&changes(&[("a", "")])).await;
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2, "{}", info.name);
    }
}
