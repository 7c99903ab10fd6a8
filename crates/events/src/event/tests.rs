use evergen_delta::{Delta, Quad, Term};
use proptest::prelude::*;
use uuid::Uuid;

use crate::{
    ChangeEvent, ChangeType, EventFilter, InvalidEvent, ParseEventError, Priority, Source,
};

fn sample() -> ChangeEvent {
    ChangeEvent::edge_added("http://e.org/a", "http://e.org/knows", Term::iri("http://e.org/b"))
        .with_source(Source::GIT)
        .with_priority(Priority::High)
        .with_time("2026-11-27T17:00:00.25Z".parse().unwrap())
        .with_id(Uuid::from_u128(1))
        .with_correlation(Uuid::from_u128(2))
}

#[test]
fn the_form_is_the_documented_one() {
    let json = String::from_utf8(sample().to_json()).unwrap();
    let quad = concat!(
        r#"{"subject":{"iri":"http://e.org/a"},"predicate":{"iri":"http://e.org/knows"},"#,
        r#""object":{"iri":"http://e.org/b"},"graph":null}"#
    );
    let expected = format!(
        concat!(
            r#"{{"version":1,"id":"00000000-0000-0000-0000-000000000001","change":"edge_added","#,
            r#""subject":"http://e.org/a","#,
            r#""properties":{{"http://e.org/knows":[{{"iri":"http://e.org/b"}}]}},"#,
            r#""source":"git","at":"2026-11-27T17:00:00.25Z","priority":"high","#,
            r#""correlation_id":"00000000-0000-0000-0000-000000000002","#,
            r#""delta":{{"inserted":[{}],"removed":[]}}}}"#
        ),
        quad
    );
    assert_eq!(json, expected);
    assert_eq!(serde_json::to_string(&sample()).unwrap(), expected);
    assert_eq!(ChangeEvent::from_json(expected.as_bytes()).unwrap(), sample());
    assert_eq!(serde_json::from_str::<ChangeEvent>(&expected).unwrap(), sample());
}

#[test]
fn what_may_be_missing_has_a_default() {
    let json = concat!(
        r#"{"change":"bulk","id":"00000000-0000-0000-0000-000000000001","version":1,"#,
        r#""subject":"x","source":"mine","at":"2026-11-27T17:00:00Z"}"#
    );
    let event = ChangeEvent::from_json(json.as_bytes()).unwrap();
    assert_eq!((event.change, event.priority), (ChangeType::Bulk, Priority::Normal));
    assert_eq!(event.source, Source::from("mine"));
    assert!(event.delta.is_none() && event.correlation_id.is_none());
}

/// The error that a changed sample gives.
fn refused(from: &str, to: &str) -> String {
    let json = String::from_utf8(sample().to_json()).unwrap();
    assert!(json.contains(from), "{from}");
    let changed = json.replacen(from, to, 1);
    let error = ChangeEvent::from_json(changed.as_bytes()).unwrap_err();
    assert!(serde_json::from_str::<ChangeEvent>(&changed).is_err());
    match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[test]
fn a_newer_form_is_refused_whatever_else_it_says() {
    let json = br#"{"things":[1,2],"version":2}"#;
    let error = ChangeEvent::from_json(json).unwrap_err();
    assert!(matches!(error, ParseEventError::Newer { version: 2 }));
    assert_eq!(
        error.to_string(),
        "the event's form has version 2; the newest that is known here is 1"
    );
    assert!(refused("\"version\":1", "\"version\":7").contains("version 7"));
}

#[test]
fn hostile_text_gives_errors() {
    for (from, to, told) in [
        ("edge_added", "edge_moved", "unknown variant"),
        ("\"subject\":\"http://e.org/a\"", "\"subject\":\"\"", "no subject"),
        ("\"priority\":\"high\"", "\"priority\":5", "expected value"),
        ("\"id\":\"0", "\"id\":\"x", "invalid"),
        ("\"version\":1", "\"version\":1,\"extra\":1", "unknown field"),
        ("\"version\":1", "\"version\":1,\"version\":1", "duplicate field"),
        ("\"removed\":[]", "\"removed\":[[]]", "invalid"),
        (
            "\"predicate\":{\"iri\":\"http://e.org/knows\"}",
            "\"predicate\":{\"blank\":\"b\"}",
            "not valid",
        ),
    ] {
        let error = refused(from, to);
        assert!(error.contains(told), "{from} -> {to}: {error}");
    }
    let deep = format!("{{\"version\":{}", "[".repeat(100_000));
    for text in ["", "{", "null", "[]", "{\"version\":-1}", "{\"version\":1e9}", deep.as_str()] {
        assert!(ChangeEvent::from_json(text.as_bytes()).is_err());
    }
    assert!(ChangeEvent::from_json(b"\xff\xfe").is_err());
}

#[test]
fn a_quad_does_not_come_and_go_at_once() {
    let quad = sample().delta.unwrap().inserted.pop_first().unwrap();
    let delta = Delta { inserted: [quad.clone()].into(), removed: [quad].into() };
    let event = sample().with_delta(delta);
    assert!(matches!(event.validate(), Err(InvalidEvent::CameAndWent { .. })));
    assert!(matches!(
        ChangeEvent::from_json(&event.to_json()),
        Err(ParseEventError::Invalid(InvalidEvent::CameAndWent { .. }))
    ));
}

#[test]
fn names_are_those_of_the_form() {
    let changes = [
        ChangeType::NodeAdded,
        ChangeType::NodeUpdated,
        ChangeType::NodeRemoved,
        ChangeType::EdgeAdded,
        ChangeType::EdgeRemoved,
        ChangeType::SchemaChanged,
        ChangeType::TemplateChanged,
        ChangeType::ConfigurationChanged,
        ChangeType::Bulk,
    ];
    for change in changes {
        assert_eq!(serde_json::to_string(&change).unwrap(), format!("\"{change}\""));
    }
    for (rank, priority) in (0..).zip(Priority::ALL) {
        assert_eq!(serde_json::to_string(&priority).unwrap(), format!("\"{priority}\""));
        assert_eq!(priority.rank(), rank);
    }
    assert!(Priority::Critical > Priority::High && Priority::Normal > Priority::Low);
    assert_eq!(Source::WEBHOOK.to_string(), "webhook");
    assert!(sample().weight() > sample().subject.len());
}

#[test]
fn filters_take_what_fulfils_every_condition() {
    let event = sample();
    let passing = [
        EventFilter::all(),
        EventFilter::all().with_changes([ChangeType::Bulk, ChangeType::EdgeAdded]),
        EventFilter::all().with_prefix("urn:").with_prefix("http://e.org/"),
        EventFilter::all().with_source(Source::API).with_source(Source::GIT),
        EventFilter::all().with_least_priority(Priority::High).with_most_priority(Priority::High),
    ];
    assert!(passing.iter().all(|filter| filter.matches(&event)));
    let stopping = [
        EventFilter::all().with_changes([ChangeType::Bulk]),
        EventFilter::all().with_prefix("https://"),
        EventFilter::all().with_source(Source::FILE),
        EventFilter::all().with_least_priority(Priority::Critical),
        EventFilter::all().with_most_priority(Priority::Normal),
        EventFilter::all().with_source(Source::GIT).with_prefix("urn:"),
    ];
    assert!(!stopping.iter().any(|filter| filter.matches(&event)));
}

fn terms() -> impl Strategy<Value = Term> {
    prop_oneof![
        ".{0,12}".prop_map(Term::iri),
        ".{0,12}".prop_map(Term::Blank),
        (".{0,12}", ".{0,6}").prop_map(|(value, kind)| Term::typed(value, kind)),
        (".{0,12}", "[a-z]{2}").prop_map(|(value, tag)| Term::tagged(value, &tag)),
    ]
}

fn quads() -> impl Strategy<Value = Quad> {
    (".{1,8}", ".{1,8}", terms(), proptest::option::of(".{1,8}")).prop_map(|(s, p, object, g)| {
        Quad { subject: Term::iri(s), predicate: Term::iri(p), object, graph: g.map(Term::iri) }
    })
}

proptest! {
    #[test]
    fn every_event_survives_its_form(
        subject in ".{1,20}",
        property in ".{0,10}",
        values in proptest::collection::vec(terms(), 0..4),
        inserted in proptest::collection::btree_set(quads(), 0..4),
        removed in proptest::collection::btree_set(quads(), 0..4),
        source in ".{0,10}",
        seconds in -377_705_023_201_i64..253_402_207_200,
    ) {
        let removed = removed.difference(&inserted).cloned().collect();
        let mut event = ChangeEvent::new(ChangeType::Bulk, subject)
            .with_source(Source::new(source))
            .with_time(jiff::Timestamp::from_second(seconds).unwrap())
            .with_delta(Delta { inserted, removed });
        event.properties.insert(property, values);
        event.validate().unwrap();
        prop_assert_eq!(ChangeEvent::from_json(&event.to_json()).unwrap(), event);
    }

    #[test]
    fn no_text_is_a_panic(text in proptest::collection::vec(any::<u8>(), 0..60), at in 0_usize..300) {
        crate::fuzzing::event(&text);
        let mut json = sample().to_json();
        json.splice(at.min(json.len()).., text);
        crate::fuzzing::event(&json);
    }
}
