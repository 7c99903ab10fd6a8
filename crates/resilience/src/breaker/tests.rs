mod model;
mod races;
mod restart;
mod wrapper;

use std::collections::VecDeque;
use std::time::Duration;

use super::*;

pub(super) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Plays a script: `+5` lets seconds pass; `ask` asks, and keeps the ticket if there is one; `ok`, `fail` and
/// `drop` give the oldest ticket back; `tick`, `trip` and `reset`. Gives the answers to
/// questions (`y`, `n` and the seconds to wait) and each new state.
fn play(settings: BreakerSettings, script: &str) -> String {
    let mut breaker = Breaker::new(settings).unwrap();
    let mut tickets = VecDeque::new();
    let mut now = Duration::ZERO;
    let mut told = Vec::new();
    for word in script.split_whitespace() {
        let mut done =
            |outcome| BreakerEvent::Done(tickets.pop_front().expect("a ticket is out"), outcome);
        let event = match word {
            "ask" => BreakerEvent::Ask,
            "ok" => done(Outcome::Success),
            "fail" => done(Outcome::Failure),
            "drop" => done(Outcome::Abandoned),
            "tick" => BreakerEvent::Tick,
            "trip" => BreakerEvent::Trip,
            "reset" => BreakerEvent::Reset,
            passed => {
                now += secs(passed.strip_prefix('+').unwrap().parse().unwrap());
                continue;
            }
        };
        let BreakerStep { answer, transition } = breaker.step(event, now);
        if let Some(transition) = transition {
            told.push(format!("{}({:?})", transition.to, transition.cause));
        }
        match answer {
            BreakerAnswer::Admitted(ticket) => {
                tickets.push_back(ticket);
                told.push("y".to_owned());
            }
            BreakerAnswer::Refused { retry_after } => {
                told.push(format!("n{}", retry_after.as_secs()));
            }
            BreakerAnswer::Stale => told.push("stale".to_owned()),
            BreakerAnswer::Noted => {}
        }
    }
    told.join(" ")
}

#[track_caller]
fn check(settings: BreakerSettings, script: &str, expected: &str) {
    assert_eq!(play(settings, script), expected);
}

fn after_two() -> BreakerSettings {
    BreakerSettings::consecutive(2).with_recovery_timeout(secs(30)).with_probe_timeout(secs(60))
}

#[test]
fn it_opens_after_failures_in_a_row() {
    check(after_two(), "ask fail ask fail ask", "y y open(Failures) n30");
    check(after_two(), "ask fail ask ok ask fail ask", "y y y y");
    check(after_two(), "ask fail ask drop ask fail", "y y y open(Failures)");
}

#[test]
fn it_opens_at_a_rate_when_there_are_enough_calls() {
    let settings = BreakerSettings::rate(0.5, secs(10), 4);
    check(settings, "ask fail ask fail ask fail", "y y y");
    check(settings, "ask fail ask ok ask ok ask fail", "y y y y open(Failures)");
    check(settings, "ask fail ask fail +11 ask ok ask ok ask fail ask ok", "y y y y y y");
}

#[test]
fn it_lets_a_probe_through_after_the_recovery_timeout() {
    let open = "ask fail ask fail";
    let told = "y y open(Failures)";
    check(
        after_two(),
        &format!("{open} +29 ask +1 ask ask ok ask ok ask"),
        &format!("{told} n1 half-open(RecoveryTimeout) y n60 y closed(ProbesSucceeded) y"),
    );
    check(
        after_two(),
        &format!("{open} +30 ask fail ask"),
        &format!("{told} half-open(RecoveryTimeout) y open(ProbeFailed) n30"),
    );
    check(
        after_two().with_probes(2, 2),
        &format!("{open} +30 ask ask ask ok fail"),
        &format!("{told} half-open(RecoveryTimeout) y y n60 open(ProbeFailed)"),
    );
}

#[test]
fn a_probe_that_is_dropped_makes_room() {
    check(
        after_two(),
        "ask fail ask fail +30 ask ask drop ask",
        "y y open(Failures) half-open(RecoveryTimeout) y n60 y",
    );
}

#[test]
fn a_lost_probe_does_not_keep_it_half_open() {
    let begin = "ask fail ask fail +30 ask";
    let told = "y y open(Failures) half-open(RecoveryTimeout) y";
    check(
        after_two(),
        &format!("{begin} +60 ask +30 ask"),
        &format!("{told} open(ProbeLost) n30 half-open(RecoveryTimeout) y"),
    );
    check(after_two(), &format!("{begin} +59 ask +1 tick"), &format!("{told} n1 open(ProbeLost)"));
    check(after_two(), &format!("{begin} +60 ok"), &format!("{told} open(ProbeLost) stale"));
}

#[test]
fn what_ends_in_a_later_state_does_not_count() {
    check(after_two(), "ask ask ask fail fail fail", "y y y open(Failures) stale");
    check(
        after_two(),
        "ask ask ask fail fail +30 ask fail ok",
        "y y y open(Failures) half-open(RecoveryTimeout) y stale",
    );
}

#[test]
fn an_operator_can_open_and_close_it() {
    check(after_two(), "trip ask reset ask", "open(Operator) n30 closed(Operator) y");
    check(after_two(), "ask reset fail", "y closed(Operator) stale");
}

#[test]
fn absurd_settings_are_refused_with_field_value_and_range() {
    let told = |settings: BreakerSettings| settings.validate().unwrap_err().to_string();
    assert_eq!(
        told(BreakerSettings::consecutive(0)),
        "`failure-threshold` is 0; allowed is 1 to 1000000"
    );
    assert_eq!(
        told(BreakerSettings::rate(1.5, secs(1), 1)),
        "`failure-threshold` is 1.5; allowed is above 0 and up to 1"
    );
    assert_eq!(
        told(BreakerSettings::rate(f64::NAN, secs(1), 1)),
        "`failure-threshold` is NaN; allowed is above 0 and up to 1"
    );
    assert_eq!(
        told(after_two().with_recovery_timeout(Duration::ZERO)),
        "`recovery-timeout` is 0ns; allowed is 1ms to 24h"
    );
    assert_eq!(told(after_two().with_probes(0, 1)), "`probes` is 0; allowed is 1 to 1000");
}

#[test]
fn settings_are_written_as_people_write_them() {
    let text = r#"{"trip": {"kind": "rate", "failure-threshold": 0.5, "window": "10s", "min-calls": 4},
        "recovery-timeout": "1m"}"#;
    let settings: BreakerSettings = serde_json::from_str(text).unwrap();
    let expected = BreakerSettings::rate(0.5, secs(10), 4).with_recovery_timeout(secs(60));
    assert_eq!(settings, expected);
}
