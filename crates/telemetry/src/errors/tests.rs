use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use crate::errors::{ErrorAnalytics, Trend, normalize};
use crate::event::{Body, ErrorKind, TelemetryEvent};
use crate::record::Record;
use crate::redaction::Redaction;

fn at(seconds: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + seconds)
}

fn failure(message: &str, seconds: u64) -> TelemetryEvent {
    TelemetryEvent::new("engine", Body::Render)
        .failed(Duration::from_millis(1), ErrorKind::Render)
        .message(message)
        .at(at(seconds))
}

fn observe(analytics: &mut ErrorAnalytics, event: TelemetryEvent) {
    analytics.observe(&Record::new(event, at(0), &Redaction::default()));
}

fn check(message: &str, expected: &str) {
    assert_eq!(normalize(message), expected);
}

#[test]
fn messages_lose_what_differs() {
    check("took 1,234.5 ms, limit 30s", "took <n> ms, limit <n>s");
    check("cannot read `a b.ttl`: \"x\"", "cannot read <text>: <text>");
    check("cannot open /srv/x/y.ttl (os error 2)", "cannot open <path> (os error <n>)");
    check(r"at C:\models\a.ttl:12:5", "at <path>");
    check("GET https://x.org/a?b=1 gave 503", "GET <uri> gave <n>");
    check("cycle 0198c2f4-7d1b-7c3e-8a52-0123456789ab ended", "cycle <id> ended");
    check("digest=9f86d081884c7d65", "digest=<id>");
    check("can't find it", "can't find it");
    check("an open ' quote", "an open ' quote");
    check("  wrapped\n   text ", " wrapped text");
    check("order42 of v2", "order<n> of v<n>");
    check("deadbeef is a word", "deadbeef is a word");
    check("", "");
}

proptest! {
    #[test]
    fn any_message_is_normalized(message: String) {
        let once = normalize(&message);
        prop_assert!(!once.chars().any(|char| char.is_ascii_digit()));
    }

    #[test]
    fn numbers_and_names_do_not_matter(first: u32, second: u32, name in "[a-z]{1,8}", other in "[a-z]{1,8}") {
        let message = |number: u32, name: &str| format!("line {number} of '{name}' at /x/{name}: {number} left");
        prop_assert_eq!(normalize(&message(first, &name)), normalize(&message(second, &other)));
    }
}

#[test]
fn one_group_for_what_differs_in_numbers_alone() {
    let mut analytics = ErrorAnalytics::new(10);
    observe(&mut analytics, failure("line 3: undefined value", 60));
    observe(&mut analytics, failure("line 19: undefined value", 0));
    observe(&mut analytics, failure("line 4: undefined value", 30));
    observe(&mut analytics, failure("no space left on device", 30));
    let groups = analytics.groups(at(90));
    assert_eq!(groups.len(), 2);
    let first = &groups[0];
    assert_eq!(
        (first.count, &*first.pattern, &*first.example),
        (3, "line <n>: undefined value", "line 4: undefined value")
    );
    assert_eq!((first.first_seen, first.last_seen), (at(0), at(60)));
    assert!((first.rate_per_minute - 0.6).abs() < 1e-9);
    assert!(first.remedies[0].contains("query"), "{:?}", first.remedies);
    assert!(groups[1].remedies[0].contains("free space"), "{:?}", groups[1].remedies);
    assert_eq!(first.fingerprint.to_string().len(), 16);
}

#[test]
fn fingerprints_are_those_of_the_last_release() {
    let mut analytics = ErrorAnalytics::new(10);
    observe(&mut analytics, failure("line 3: undefined value", 0));
    assert_eq!(analytics.groups(at(0))[0].fingerprint.to_string(), "d8beca754b7195c3");
}

fn trend(seconds: impl Iterator<Item = u64>) -> Trend {
    let mut analytics = ErrorAnalytics::new(10);
    seconds.for_each(|seconds| observe(&mut analytics, failure("x", seconds)));
    analytics.groups(at(3600))[0].trend
}

#[test]
fn trends_need_more_than_chance() {
    // The last half hour is that from 1800 to 3600; the last five minutes are from 3300.
    assert_eq!(trend((1860..3600).step_by(30)), Trend::Steady);
    assert_eq!(trend((1860..3300).step_by(30).chain((3320..3600).step_by(10))), Trend::Rising);
    assert_eq!(trend((1860..3200).step_by(10)), Trend::Falling);
    assert_eq!(trend((3400..3600).step_by(30)), Trend::New);
    assert_eq!(trend(0..100), Trend::Quiet);
    assert_eq!(trend([3000, 3500].into_iter()), Trend::Steady);
}

#[test]
fn errors_that_go_with_a_template_name_it() {
    let mut analytics = ErrorAnalytics::new(10);
    for number in 0..100 {
        let template = format!("t{}.j2", number % 10);
        let release = if number < 50 { "1.0" } else { "1.1" };
        let event = if number % 10 == 3 {
            failure("undefined value", number)
        } else {
            TelemetryEvent::new("engine", Body::Render)
                .succeeded(Duration::from_millis(1))
                .at(at(number))
        };
        observe(
            &mut analytics,
            event.attribute("template", template).attribute("release", release),
        );
    }
    let group = analytics.groups(at(100)).remove(0);
    let [correlation] = &group.correlations[..] else { panic!("{:?}", group.correlations) };
    assert_eq!((&*correlation.dimension, &*correlation.value), ("template", "t3.j2"));
    assert_eq!((correlation.errors, correlation.records), (10, 10));
    assert!((correlation.lift - 10.0).abs() < 1e-9, "ten times as likely as in general");
}

#[test]
fn groups_are_bounded_and_the_quietest_goes() {
    let mut analytics = ErrorAnalytics::new(3);
    for (seconds, word) in ["one", "two", "three", "four", "five"].into_iter().enumerate() {
        observe(&mut analytics, failure(word, seconds as u64));
    }
    observe(&mut analytics, failure("three", 9));
    observe(&mut analytics, failure("six", 10));
    let mut left: Vec<_> =
        analytics.groups(at(10)).into_iter().map(|group| group.pattern).collect();
    left.sort();
    assert_eq!(left, ["five", "six", "three"]);
    assert_eq!(analytics.evicted(), 3);
}
