//! What outlives a process.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::super::*;
use super::secs;

fn wall(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn settings() -> BreakerSettings {
    BreakerSettings::consecutive(2).with_recovery_timeout(secs(30))
}

fn ask(breaker: &mut Breaker, now: Duration) -> BreakerAnswer {
    breaker.step(BreakerEvent::Ask, now).answer
}

fn failing(settings: BreakerSettings, failures: u32, now: Duration) -> Breaker {
    let mut breaker = Breaker::new(settings).unwrap();
    for _ in 0..failures {
        if let BreakerAnswer::Admitted(ticket) = ask(&mut breaker, now) {
            breaker.step(BreakerEvent::Done(ticket, Outcome::Failure), now);
        }
    }
    breaker
}

/// Takes a snapshot through JSON, `passed` seconds of the wall clock before it is restored
/// in a process that began just now.
fn restarted(breaker: &Breaker, settings: BreakerSettings, now: Duration, passed: i64) -> Breaker {
    let snapshot = breaker.snapshot(now, wall(0));
    let text = serde_json::to_string(&snapshot).unwrap();
    let read: BreakerSnapshot = serde_json::from_str(&text).unwrap();
    assert_eq!(read, snapshot);
    Breaker::restore(settings, &read, secs(1), wall(passed)).unwrap()
}

#[test]
fn an_open_breaker_stays_open_for_the_rest_of_its_time() {
    let breaker = failing(settings(), 2, secs(1000));
    let mut later = restarted(&breaker, settings(), secs(1010), 5);
    assert_eq!(ask(&mut later, secs(1)), BreakerAnswer::Refused { retry_after: secs(15) });
    assert!(matches!(ask(&mut later, secs(16)), BreakerAnswer::Admitted(_)));
    assert_eq!(later.state(), BreakerState::HalfOpen);
}

#[test]
fn a_wall_clock_that_jumps_does_no_harm() {
    let breaker = failing(settings(), 2, secs(1000));
    let mut back = restarted(&breaker, settings(), secs(1010), -1_000_000);
    assert_eq!(ask(&mut back, secs(1)), BreakerAnswer::Refused { retry_after: secs(20) });
    let mut leapt = restarted(&breaker, settings(), secs(1010), 1_000_000_000);
    assert!(matches!(ask(&mut leapt, secs(1)), BreakerAnswer::Admitted(_)));
}

#[test]
fn a_half_open_breaker_begins_with_new_probes() {
    let mut breaker = failing(settings(), 2, secs(0));
    let probe = ask(&mut breaker, secs(30));
    assert!(matches!(probe, BreakerAnswer::Admitted(_)));
    let mut later = restarted(&breaker, settings(), secs(31), 0);
    assert!(matches!(ask(&mut later, secs(1)), BreakerAnswer::Admitted(_)));
    assert!(matches!(ask(&mut later, secs(1)), BreakerAnswer::Refused { .. }));
}

#[test]
fn failures_in_a_row_are_remembered() {
    let breaker = failing(settings(), 1, secs(1000));
    let mut later = restarted(&breaker, settings(), secs(1000), 3600);
    let BreakerAnswer::Admitted(ticket) = ask(&mut later, secs(1)) else { panic!("it is closed") };
    later.step(BreakerEvent::Done(ticket, Outcome::Failure), secs(1));
    assert_eq!(later.state(), BreakerState::Open);
}

#[test]
fn the_window_ages_by_the_wall_clock() {
    let rate = BreakerSettings::rate(1.0, secs(10), 4);
    for (passed, state) in [(5, BreakerState::Open), (15, BreakerState::Closed)] {
        let breaker = failing(rate, 3, secs(1000));
        let mut later = restarted(&breaker, rate, secs(1000), passed);
        let BreakerAnswer::Admitted(ticket) = ask(&mut later, secs(1)) else {
            panic!("it is closed")
        };
        later.step(BreakerEvent::Done(ticket, Outcome::Failure), secs(1));
        assert_eq!(later.state(), state, "after {passed} s");
    }
}

#[test]
fn shorter_settings_shorten_the_rest() {
    let breaker = failing(settings().with_recovery_timeout(secs(3600)), 2, secs(0));
    let mut later = restarted(&breaker, settings(), secs(0), 0);
    assert_eq!(ask(&mut later, secs(1)), BreakerAnswer::Refused { retry_after: secs(30) });
}

proptest! {
    /// Whatever stands in a snapshot that can be read, the breaker is not open for longer than its settings say.
    #[test]
    fn no_snapshot_makes_it_stick(
        remaining: u64,
        consecutive: u32,
        ages in prop::collection::vec((any::<u64>(), any::<u32>(), any::<u32>()), 0..20),
        kind in 0..3,
        passed in -1_000_000_000_i64..1_000_000_000,
        is_rate: bool,
    ) {
        let settings = if is_rate { BreakerSettings::rate(0.5, secs(10), 2) } else { settings() };
        let slices: Vec<_> = ages
            .iter()
            .map(|(age, calls, failures)| {
                serde_json::json!({"age-micros": age, "calls": calls, "failures": failures})
            })
            .collect();
        let state = match kind {
            0 => serde_json::json!({"kind": "open", "remaining-micros": remaining}),
            1 => serde_json::json!({"kind": "half-open"}),
            _ => serde_json::json!({"kind": "closed", "consecutive-failures": consecutive, "window": slices}),
        };
        let saved = serde_json::json!({"taken-at": wall(0), "transitions": 7, "state": state});
        let snapshot: BreakerSnapshot = serde_json::from_value(saved).unwrap();
        let mut breaker = Breaker::restore(settings, &snapshot, secs(5), wall(passed)).unwrap();
        let first = ask(&mut breaker, secs(5));
        prop_assert!(first.retry_after() <= settings.recovery_timeout);
        let second = ask(&mut breaker, secs(5) + first.retry_after());
        if first.retry_after() > Duration::ZERO {
            prop_assert!(matches!(second, BreakerAnswer::Admitted(_)));
        }
        breaker.step(BreakerEvent::Tick, secs(5) + SignedDuration::from_hours(1).unsigned_abs());
        let _ = breaker.snapshot(secs(10), wall(passed));
    }
}
