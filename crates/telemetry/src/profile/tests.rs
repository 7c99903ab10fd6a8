use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::event::{Body, EventKind, TelemetryEvent};
use crate::profile::{PhaseSpan, Profile};
use crate::record::Record;
use crate::redaction::Redaction;

fn span(kind: EventKind, start: u64, end: u64) -> PhaseSpan {
    PhaseSpan::new(kind, Duration::from_millis(start), Duration::from_millis(end - start))
}

/// A cycle of 100 ms with two regenerations side by side.
fn profile() -> Profile {
    let mut profile = Profile::default();
    for span in [
        span(EventKind::Render, 45, 60).of("b.j2").owned_by(2),
        span(EventKind::CycleCompleted, 0, 100),
        span(EventKind::RegenerationCompleted, 10, 70).of("orders").owned_by(1),
        span(EventKind::RegenerationCompleted, 20, 90).of("users").owned_by(2),
        span(EventKind::Query, 10, 30).of("q1").owned_by(1),
        span(EventKind::Query, 30, 40).of("q2").owned_by(1),
        span(EventKind::GatesJudged, 90, 95),
    ] {
        profile.add(span);
    }
    profile
}

fn rows(profile: &Profile) -> Vec<(String, u128, u128)> {
    let row = |row: crate::ProfileRow| {
        let name = row
            .subject
            .map_or_else(|| row.kind.to_string(), |subject| format!("{} {subject}", row.kind));
        (name, row.total.as_millis(), row.own.as_millis())
    };
    profile.table().into_iter().map(row).collect()
}

#[test]
fn own_time_is_what_nothing_inside_has() {
    let own = rows(&profile());
    let of = |name: &str| own.iter().find(|row| row.0 == name).map(|row| (row.1, row.2)).unwrap();
    // The first regeneration (60 ms) and the gates (5 ms) lie in the cycle's lane; the
    // second one ran beside the first.
    assert_eq!(of("cycle_completed"), (100, 35));
    assert_eq!(of("regeneration_completed orders"), (60, 30), "its queries took 30");
    assert_eq!(of("regeneration_completed users"), (70, 55), "a template took 15");
    assert_eq!(of("query q1"), (20, 20));
    assert_eq!(of("render b.j2"), (15, 15));
    let shares: f64 = profile().table().iter().map(|row| row.share).sum();
    assert!((shares - 1.0).abs() < 1e-9);
}

#[test]
fn spans_of_different_cycles_do_not_nest() {
    let mut profile = Profile::default();
    profile.add(span(EventKind::CycleCompleted, 0, 100).within(1));
    profile.add(span(EventKind::Query, 10, 20).within(2));
    assert_eq!(profile.to_collapsed(), "cycle_completed 100000\nquery 10000\n");
}

#[test]
fn collapsed_stacks_weigh_own_time() {
    let mut profile = Profile::default();
    profile.add(span(EventKind::CycleCompleted, 0, 50));
    profile.add(span(EventKind::RegenerationCompleted, 0, 40).of("a;b\nc"));
    profile.add(span(EventKind::Query, 0, 10));
    profile.add(span(EventKind::Query, 20, 25));
    assert_eq!(
        profile.to_collapsed(),
        "cycle_completed 10000\n\
         cycle_completed;regeneration_completed a,b c 25000\n\
         cycle_completed;regeneration_completed a,b c;query 15000\n"
    );
}

/// What viewers demand of the format: complete events with finite times, and spans of one
/// lane that lie in each other or apart.
#[test]
fn the_trace_is_one_that_viewers_open() {
    let trace: Value = serde_json::from_str(&profile().to_chrome_trace()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let complete: Vec<_> = events.iter().filter(|event| event["ph"] == "X").collect();
    assert_eq!(complete.len(), 7);
    assert!(events.iter().all(|event| event["ph"] == "X" || event["ph"] == "M"));
    let mut lanes: Vec<_> = complete
        .iter()
        .map(|event| {
            assert!(
                !event["name"].as_str().unwrap().is_empty()
                    && event["cat"].is_string()
                    && event["pid"] == 1
            );
            let (start, took) = (event["ts"].as_f64().unwrap(), event["dur"].as_f64().unwrap());
            assert!(start >= 0.0 && took >= 0.0);
            (event["tid"].as_u64().unwrap(), start, start + took)
        })
        .collect();
    lanes.sort_by(|left, right| (left.0, left.1).partial_cmp(&(right.0, right.1)).unwrap());
    for (place, (lane, _, end)) in lanes.iter().enumerate() {
        for (_, start, inner) in lanes[place + 1..].iter().filter(|other| other.0 == *lane) {
            assert!(start >= end || inner <= end, "spans of lane {lane} overlap");
        }
    }
    let named = events.iter().filter(|event| event["name"] == "thread_name").count();
    assert_eq!(named, 2, "one name for each lane");
}

#[test]
fn of_records_and_redacted() {
    let cycle = Uuid::now_v7();
    let record = |body, milliseconds: u64, end: u64, subject: &str| {
        let event =
            TelemetryEvent::new("engine", body).succeeded(Duration::from_millis(milliseconds));
        let at = Timestamp::UNIX_EPOCH + Duration::from_millis(1_700_000_000_000 + end);
        Record::new(event.cycle(cycle).at(at).subject(subject), at, &Redaction::none())
    };
    let records = [
        record(Body::Render, 5, 9, "token=abc"),
        record(Body::CycleCompleted { events: 1, succeeded: 1, failed: 0 }, 10, 10, "c"),
    ];
    let profile = Profile::from_records(&records);
    assert_eq!(
        profile.to_collapsed(),
        "cycle_completed c 5000\ncycle_completed c;render token=[redacted] 5000\n"
    );
    let text = profile.to_text();
    assert!(text.lines().nth(1).unwrap().contains("50.0 %"), "{text}");
}

/// Clocks are read one after the other: a part may seem to begin before its cycle.
#[test]
fn a_cycle_holds_all_of_its_records() {
    let cycle = Uuid::now_v7();
    let record = |body, start: u64, end: u64| {
        let at = Timestamp::UNIX_EPOCH + Duration::from_micros(1_700_000_000_000_000 + end);
        let event =
            TelemetryEvent::new("engine", body).succeeded(Duration::from_micros(end - start));
        Record::new(event.cycle(cycle).at(at), at, &Redaction::none())
    };
    let regenerated = Body::RegenerationCompleted {
        evaluated: 1,
        rendered: 1,
        written: 1,
        deleted: 0,
        refused: 0,
    };
    let records = [
        record(Body::Render, 1_000, 9_000),
        record(regenerated, 1_002, 9_001),
        record(Body::CycleCompleted { events: 1, succeeded: 1, failed: 0 }, 1_001, 8_999),
    ];
    let profile = Profile::from_records(&records);
    let stacks = "cycle_completed;regeneration_completed 1\n\
                  cycle_completed;regeneration_completed;render 8000\n";
    assert_eq!(profile.to_collapsed(), stacks);
    let text = profile.to_text();
    assert!(text.contains("rest of cycle_completed"), "{text}");
}

#[test]
fn what_does_not_fit_is_counted() {
    let mut profile = Profile::new(1);
    (0..3).for_each(|_| profile.add(span(EventKind::Query, 0, 1)));
    assert_eq!((profile.dropped(), profile.table()[0].count), (2, 1));
    assert_eq!(Profile::default().to_collapsed(), "");
    assert!(Profile::default().table().is_empty());
}
