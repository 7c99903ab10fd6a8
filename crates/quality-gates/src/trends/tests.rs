use std::fs;
use std::thread;

use evergen_artifact::Digest;
use jiff::Timestamp;

use super::*;
use crate::{Coverage, Fault, Finding, GateKind, GateReport, GateResult, Looker, Outcome};

fn record(second: i64, subject: &str, gates: Vec<(&str, Outcome)>) -> RunRecord {
    let results = gates.into_iter().map(|(gate, outcome)| {
        let duration = u64::try_from(second).unwrap() * 1_500;
        GateResult::new(gate, GateKind::Lint, outcome, duration)
    });
    let report = GateReport::new(results.collect());
    let at = Timestamp::from_second(1_790_000_000 + second).unwrap();
    RunRecord::of(&report, &Digest::of(subject.as_bytes()), at)
}

fn pass_by(version: &str) -> Outcome {
    Outcome::Pass(Coverage::of_files(1).by(Looker::new("ruff", version)))
}

fn pass() -> Outcome {
    pass_by("1")
}

fn fail() -> Outcome {
    let coverage = Coverage::of_files(1).with_lines(8).by(Looker::new("ruff", "1"));
    Outcome::of(vec![Finding::error("r", "m")], coverage)
}

#[test]
fn a_trend_as_people_read_it() {
    let error = || Outcome::Error(Fault::infra("a", "b"));
    let records = [
        record(
            1,
            "a",
            vec![("ruff", fail()), ("mypy", pass()), ("go vet", Outcome::NotApplicable)],
        ),
        record(2, "b", vec![("ruff", pass()), ("mypy", error())]),
        record(3, "a", vec![("ruff", pass()), ("mypy", pass())]),
    ];
    insta::assert_snapshot!(Trends::of(&records));
    assert_eq!(Trends::of(&[]).to_string(), "no run is on record");
}

#[test]
fn different_answers_to_one_question_are_flaky() {
    let flaky = |first: RunRecord, second: RunRecord| {
        let trends = Trends::of(&[first, second]);
        trends.flaky().map(|gate| gate.gate.clone()).collect::<Vec<_>>()
    };
    let run = |subject, outcome| record(1, subject, vec![("g", outcome)]);
    assert_eq!(flaky(run("a", pass()), run("a", fail())), ["g"]);
    assert!(flaky(run("a", pass()), run("b", fail())).is_empty(), "another content");
    assert!(flaky(run("a", pass_by("2")), run("a", fail())).is_empty(), "another tool");
    let set = run("a", pass()).in_context("strict");
    assert!(flaky(set, run("a", fail())).is_empty(), "other settings");
    let error = Outcome::Error(Fault::infra("a", "b"));
    assert!(flaky(run("a", pass()), run("a", error)).is_empty(), "no answer");
}

#[test]
fn what_was_added_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::new(folder.path().join("state/history.jsonl"));
    assert_eq!(history.read().unwrap(), Kept::default());
    let records = [record(1, "a", vec![("g", pass())]), record(2, "b", vec![("g", fail())])];
    for record in &records {
        history.append(record).unwrap();
    }
    assert_eq!(history.read().unwrap().records, records);
}

#[test]
fn half_a_line_costs_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let history = History::new(&path);
    let (first, second) = (record(1, "a", vec![]), record(2, "b", vec![("g", fail())]));
    history.append(&first).unwrap();
    let whole = fs::read(&path).unwrap();
    history.append(&second).unwrap();
    let both = fs::read(&path).unwrap();
    for end in whole.len() + 1..both.len() - 1 {
        fs::write(&path, &both[..end]).unwrap();
        assert_eq!(history.read().unwrap().skipped, 1, "cut at {end}");
        history.append(&second).unwrap();
        let kept = history.read().unwrap();
        assert_eq!(kept.records, [first.clone(), second.clone()], "cut at {end}");
    }
}

#[test]
fn a_history_is_bounded_and_keeps_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let history = History::new(&path).with_limit(4_000);
    for second in 1..100 {
        history.append(&record(second, "a", vec![("g", pass())])).unwrap();
        assert!(fs::metadata(&path).unwrap().len() <= 4_000);
        let kept = history.read().unwrap();
        assert_eq!(kept.skipped, 0);
        let times: Vec<i64> = kept.records.iter().map(|it| it.at.as_second()).collect();
        assert_eq!(times.last(), Some(&(1_790_000_000 + second)));
        assert!(times.windows(2).all(|pair| pair[1] == pair[0] + 1), "none is missing inside");
        assert!(times.len() > 5 || second < 9, "half of it is kept");
    }
    let tiny = History::new(&path).with_limit(10);
    tiny.append(&record(100, "a", vec![("g", pass())])).unwrap();
    assert_eq!(tiny.read().unwrap().records.len(), 1);
}

#[test]
fn several_may_add_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    thread::scope(|scope| {
        for writer in 0..4 {
            let path = &path;
            scope.spawn(move || {
                for second in 0..20 {
                    let record = record(writer * 100 + second, "a", vec![("g", pass())]);
                    History::new(path).append(&record).unwrap();
                }
            });
        }
    });
    let kept = History::new(&path).read().unwrap();
    assert_eq!((kept.records.len(), kept.skipped), (80, 0));
}
