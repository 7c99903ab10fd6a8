//! The laws of [`TelemetrySink`] as a function that any implementation can be run against.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::event::{Body, Costs, ErrorKind, Outcome, TelemetryEvent};
use crate::record::Record;
use crate::redaction::Redaction;
use crate::sink::TelemetrySink;

/// Checks the laws that can be seen from outside.
///
/// `open` makes an empty sink; `read` gives back everything that the sink has taken and
/// made safe, oldest first, perhaps from where it was exported to.
///
/// # Panics
///
/// If a law is broken; the message says which.
pub fn check<S: TelemetrySink>(open: impl Fn() -> S, read: impl Fn(&S) -> Vec<Record>) {
    keeps_what_was_flushed(&open, &read);
    keeps_the_order_across_batches(&open, &read);
    keeps_every_part_of_a_record(&open, &read);
    forwards_through_pointers(&open, &read);
}

fn keeps_what_was_flushed<S: TelemetrySink>(
    open: &impl Fn() -> S,
    read: &impl Fn(&S) -> Vec<Record>,
) {
    let sink = open();
    assert!(!sink.name().is_empty(), "a sink has a name");
    flush(&sink);
    assert_eq!(read(&sink), [], "a new sink has no records");
    let record = record(0);
    accept(&sink, std::slice::from_ref(&record));
    flush(&sink);
    flush(&sink);
    assert_eq!(read(&sink), [record], "what was flushed is there, once");
}

fn keeps_the_order_across_batches<S: TelemetrySink>(
    open: &impl Fn() -> S,
    read: &impl Fn(&S) -> Vec<Record>,
) {
    let sink = open();
    let records: Vec<Record> = (0..100).map(record).collect();
    for batch in records.chunks(7) {
        accept(&sink, batch);
    }
    flush(&sink);
    assert_eq!(read(&sink), records, "records stay in order");
}

fn keeps_every_part_of_a_record<S: TelemetrySink>(
    open: &impl Fn() -> S,
    read: &impl Fn(&S) -> Vec<Record>,
) {
    let sink = open();
    let record = full_record();
    accept(&sink, std::slice::from_ref(&record));
    flush(&sink);
    assert_eq!(read(&sink), [record], "nothing of a record is lost");
}

fn forwards_through_pointers<S: TelemetrySink>(
    open: &impl Fn() -> S,
    read: &impl Fn(&S) -> Vec<Record>,
) {
    let sink = Arc::new(open());
    let boxed: Box<dyn TelemetrySink + '_> = Box::new(Arc::clone(&sink));
    assert_eq!(boxed.name(), sink.name(), "a pointer has the name of its sink");
    accept(&boxed, &[record(1)]);
    flush(&boxed);
    assert_eq!(read(&sink), [record(1)], "a pointer hands records on");
}

#[expect(clippy::panic, reason = "this is a test")]
fn accept(sink: &dyn TelemetrySink, records: &[Record]) {
    let records: Vec<_> = records.iter().cloned().map(Arc::new).collect();
    if let Err(error) = sink.accept(&records) {
        panic!("the sink refuses a batch: {error:?}");
    }
}

#[expect(clippy::panic, reason = "this is a test")]
fn flush(sink: &dyn TelemetrySink) {
    if let Err(error) = sink.flush() {
        panic!("the sink cannot be flushed: {error:?}");
    }
}

/// A record that differs from all others by its number.
fn record(number: u32) -> Record {
    let at = Timestamp::UNIX_EPOCH + Duration::from_millis(1_700_000_000_000 + u64::from(number));
    let event =
        TelemetryEvent::new("conformance", Body::Retried { attempt: number, delay_ms: number * 2 });
    Record::new(event, at, &Redaction::default())
}

fn full_record() -> Record {
    let at = Timestamp::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789);
    let id = Uuid::from_u128;
    let event = TelemetryEvent::new(
        "conformance",
        Body::RegenerationCompleted {
            evaluated: 5,
            rendered: 4,
            written: 3,
            deleted: 2,
            refused: 1,
        },
    )
    .failed(Duration::from_nanos(1_234_567), ErrorKind::Timeout)
    .outcome(Outcome::TimedOut)
    .cycle(id(1))
    .event(id(2))
    .correlation(id(3))
    .costs(
        Costs::default().cpu(Duration::from_micros(5)).peak_memory(6).written(7).tokens(8, 9, 10),
    )
    .subject("templates/ä \"quoted\"\n.j2")
    .message("two\nlines and a tab\t")
    .suggestion("first")
    .suggestion("second")
    .pattern("all of one template")
    .concerns("render")
    .attribute("release", "2026.1");
    Record::new(event, at, &Redaction::default())
}
