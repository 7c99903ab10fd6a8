use std::time::Duration;

use jiff::Timestamp;

use crate::event::{Body, Outcome, TelemetryEvent};
use crate::record::Record;
use crate::redaction::Redaction;
use crate::subjects::Subjects;

fn rendered(name: &str, milliseconds: u64) -> Record {
    let event = TelemetryEvent::new("engine", Body::Render)
        .succeeded(Duration::from_millis(milliseconds))
        .subject(name);
    Record::new(event, Timestamp::UNIX_EPOCH, &Redaction::default())
}

#[test]
fn the_cheapest_make_room_and_are_counted() {
    let mut subjects = Subjects::new(8);
    for number in 0..8 {
        subjects.observe(&rendered(&format!("t{number}"), 10 + number));
    }
    assert_eq!(subjects.evicted(), 0);
    subjects.observe(&rendered("new", 1));
    assert_eq!(subjects.evicted(), 1);
    let names: Vec<_> = subjects.list().into_iter().map(|subject| subject.name).collect();
    assert_eq!(names, ["t7", "t6", "t5", "t4", "t3", "t2", "t1", "new"]);
}

#[test]
fn one_name_has_figures_for_each_kind() {
    let mut subjects = Subjects::new(8);
    subjects.observe(&rendered("orders", 2));
    subjects.observe(&rendered("orders", 4));
    let query = TelemetryEvent::new("engine", Body::Query)
        .succeeded(Duration::from_millis(9))
        .subject("orders");
    subjects.observe(&Record::new(query, Timestamp::UNIX_EPOCH, &Redaction::default()));
    let seen: Vec<_> = subjects
        .list()
        .iter()
        .map(|subject| {
            (subject.kind.name(), subject.outcomes.of(Outcome::Succeeded), subject.times.sum())
        })
        .collect();
    assert_eq!(seen, [("query", 1, 9_000_000), ("render", 2, 6_000_000)]);
}
