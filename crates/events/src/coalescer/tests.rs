use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use evergen_delta::{Delta, Quad, Term};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::{ChangeEvent, ChangeType, Coalesced, Coalescer, CoalescerSettings, LogEntry, Priority};

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn coalescer() -> Coalescer {
    let settings = CoalescerSettings::default().with_debounce(ms(50)).with_max_wait(ms(200));
    Coalescer::new(settings.with_capacity(1000)).unwrap()
}

fn entry(offset: u64, event: ChangeEvent) -> LogEntry {
    LogEntry::new(offset, Timestamp::UNIX_EPOCH, Arc::new(event))
}

fn quad(number: u32) -> Quad {
    let predicate = Term::iri("http://e.org/p");
    let object = Term::literal(number.to_string());
    Quad { subject: Term::iri("http://e.org/s"), predicate, object, graph: None }
}

/// The change that comes out of changes of one subject.
fn merged(changes: &[ChangeType]) -> ChangeType {
    let mut coalescer = coalescer();
    for (offset, change) in (0..).zip(changes) {
        coalescer.push(entry(offset, ChangeEvent::new(*change, "s")), ms(0)).unwrap();
    }
    let [one] = &coalescer.flush(ms(0))[..] else { panic!("one subject is one event") };
    assert_eq!(one.events, changes.len());
    one.event.change
}

#[test]
fn a_subject_is_given_out_when_it_is_quiet() {
    let mut coalescer = coalescer();
    for (offset, at) in [(0, 0), (1, 30), (2, 60)] {
        coalescer.push(entry(offset, ChangeEvent::node_updated("s")), ms(at)).unwrap();
        assert!(coalescer.take_due(ms(at)).is_empty());
    }
    assert_eq!(coalescer.next_due(), Some(ms(110)));
    assert!(coalescer.take_due(ms(109)).is_empty());
    let [one] = &coalescer.take_due(ms(110))[..] else { panic!("the subject is due") };
    assert_eq!(one.offsets, crate::OffsetSet::from(0..3));
    assert_eq!((one.events, one.held), (3, ms(110)));
    assert!(coalescer.is_empty() && coalescer.next_due().is_none());
}

#[test]
fn an_unquiet_subject_is_given_out_in_the_end() {
    let mut coalescer = coalescer();
    for offset in 0..20 {
        coalescer.push(entry(offset, ChangeEvent::node_updated("s")), ms(offset * 10)).unwrap();
    }
    assert_eq!(coalescer.next_due(), Some(ms(200)), "not 190 + 50");
    assert_eq!(coalescer.take_due(ms(200)).len(), 1);
}

#[test]
fn what_came_and_went_is_nothing() {
    let mut coalescer = coalescer();
    let mut came = Delta::default();
    came.insert(quad(1));
    let went = came.clone().inverted();
    let added = ChangeEvent::node_added("s").with_delta(came.clone());
    coalescer.push(entry(4, added.clone()), ms(0)).unwrap();
    let removed = ChangeEvent::node_removed("s").with_delta(went);
    coalescer.push(entry(9, removed), ms(1)).unwrap();
    let [one] = &coalescer.flush(ms(1))[..] else { panic!("one subject is one event") };
    assert!(one.is_void() && one.offsets.contains(4) && one.offsets.contains(9));

    coalescer.push(entry(10, added), ms(2)).unwrap();
    coalescer.push(entry(11, ChangeEvent::node_removed("s")), ms(2)).unwrap();
    let [one] = &coalescer.flush(ms(2))[..] else { panic!("one subject is one event") };
    assert!(!one.is_void() && one.event.delta.is_none(), "what is not known is not nothing");
    assert_eq!(one.event.change, ChangeType::NodeRemoved);
}

#[test]
fn kinds_of_change_are_put_together() {
    use ChangeType::{
        Bulk, EdgeAdded, EdgeRemoved, NodeAdded, NodeRemoved, NodeUpdated, SchemaChanged,
    };
    for (changes, expected) in [
        (&[NodeAdded, NodeUpdated][..], NodeAdded),
        (&[NodeUpdated, NodeRemoved], NodeRemoved),
        (&[NodeRemoved, NodeAdded], NodeUpdated),
        (&[NodeAdded, NodeRemoved, NodeAdded], NodeAdded),
        (&[EdgeAdded, EdgeAdded], EdgeAdded),
        (&[EdgeAdded, EdgeRemoved], NodeUpdated),
        (&[NodeAdded, EdgeAdded], NodeAdded),
        (&[EdgeRemoved, NodeRemoved], NodeRemoved),
        (&[SchemaChanged, SchemaChanged], SchemaChanged),
        (&[SchemaChanged, NodeAdded], Bulk),
    ] {
        assert_eq!(merged(changes), expected, "{changes:?}");
    }
}

#[test]
fn the_merged_event_says_the_latest_and_the_most_urgent() {
    let first = ChangeEvent::node_updated("s")
        .with_priority(Priority::Critical)
        .with_property("p", Term::literal("old"))
        .with_property("q", Term::literal("kept"))
        .with_correlation(uuid::Uuid::from_u128(1));
    let second = ChangeEvent::node_updated("s")
        .with_priority(Priority::Low)
        .with_source(crate::Source::FILE)
        .with_property("p", Term::literal("new"));
    let mut coalescer = coalescer();
    coalescer.push(entry(0, first.clone()), ms(0)).unwrap();
    coalescer.push(entry(1, second.clone()), ms(0)).unwrap();
    let event = coalescer.flush(ms(0)).remove(0).event;
    assert_eq!((event.id, event.priority), (first.id, Priority::Critical));
    assert_eq!(event.source, second.source);
    assert_eq!(event.properties["p"], [Term::literal("new")]);
    assert_eq!(event.properties["q"], [Term::literal("kept")]);
    assert_eq!((event.at, event.correlation_id), (second.at, None));
    assert_eq!(first.priority, Priority::Critical, "the log's own event is untouched");
}

#[test]
fn it_is_bounded_and_gives_back_what_is_too_much() {
    let settings = CoalescerSettings::default().with_capacity(2);
    let mut coalescer = Coalescer::new(settings).unwrap();
    for offset in 0..2 {
        coalescer.push(entry(offset, ChangeEvent::node_updated("s")), ms(0)).unwrap();
    }
    let third = entry(2, ChangeEvent::node_updated("t"));
    assert_eq!(*coalescer.push(third.clone(), ms(0)).unwrap_err(), third);
    assert_eq!((coalescer.len(), coalescer.subject_count()), (2, 1));
    coalescer.flush(ms(0));
    coalescer.push(third, ms(0)).unwrap();
}

#[test]
fn absurd_settings_are_named() {
    let default = CoalescerSettings::default();
    for (settings, field) in [
        (default.with_debounce(Duration::from_hours(2)), "debounce"),
        (default.with_max_wait(ms(1)), "max_wait"),
        (default.with_capacity(0), "capacity"),
    ] {
        let error = settings.validate().unwrap_err();
        assert_eq!(error.field, field);
        assert!(error.to_string().starts_with(&format!("`{field}` is ")), "{error}");
        assert!(Coalescer::new(settings).is_err());
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_and_the_net_effect_is_that_of_all(
        steps in proptest::collection::vec((0_u8..4, 0_u32..4, any::<bool>(), 0_u64..60), 1..60),
    ) {
        let mut coalescer = coalescer();
        let mut out: Vec<Coalesced> = Vec::new();
        let mut state: BTreeMap<String, std::collections::BTreeSet<u32>> = BTreeMap::new();
        let mut pushed: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let mut now = ms(0);
        for (offset, (subject, number, comes, pause)) in (0..).zip(steps) {
            now += ms(pause);
            out.extend(coalescer.take_due(now));
            let subject = format!("s{subject}");
            let there = state.entry(subject.clone()).or_default();
            let mut delta = Delta::default();
            // Only real changes are told: what is there does not come, what is not does not go.
            if comes && there.insert(number) {
                delta.insert(quad(number));
            } else if !comes && there.remove(&number) {
                delta.remove(quad(number));
            }
            let event = ChangeEvent::node_updated(subject.clone()).with_delta(delta);
            coalescer.push(entry(offset, event), now).unwrap();
            pushed.entry(subject).or_default().push(offset);
            prop_assert!(coalescer.next_due().unwrap() <= now + ms(200));
        }
        out.extend(coalescer.flush(now));
        prop_assert!(coalescer.is_empty());
        let mut seen: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let mut replayed: BTreeMap<String, std::collections::BTreeSet<Quad>> = BTreeMap::new();
        for one in out {
            prop_assert!(one.held <= ms(260));
            seen.entry(one.event.subject.clone()).or_default().extend(one.offsets.ranges().flatten());
            let there = replayed.entry(one.event.subject.clone()).or_default();
            let delta = one.event.delta.unwrap();
            prop_assert!(delta.removed.iter().all(|quad| there.remove(quad)));
            prop_assert!(delta.inserted.into_iter().all(|quad| there.insert(quad)));
        }
        prop_assert_eq!(seen, pushed, "every offset once, each subject in order");
        for (subject, numbers) in state {
            let expected = numbers.into_iter().map(quad).collect();
            prop_assert_eq!(&replayed[&subject], &expected);
        }
    }
}
