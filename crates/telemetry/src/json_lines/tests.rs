use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use crate::event::{Body, TelemetryEvent};
use crate::json_lines::{History, HistoryError, JsonLinesSink, Rotation};
use crate::record::Record;
use crate::redaction::Redaction;
use crate::sink::{TelemetrySink, conformance};

fn record(number: u32) -> Arc<Record> {
    let event = TelemetryEvent::new("engine", Body::DeadLettered { attempts: number })
        .subject(format!("s{number}"));
    Arc::new(Record::new(
        event,
        Timestamp::UNIX_EPOCH + Duration::from_secs(number.into()),
        &Redaction::default(),
    ))
}

fn numbers(path: &Path) -> Vec<u32> {
    let number = |record: Result<Record, HistoryError>| match record.unwrap().body {
        Body::DeadLettered { attempts } => attempts,
        other => panic!("{other:?}"),
    };
    History::open(path).unwrap().map(number).collect()
}

#[test]
fn keeps_the_laws_of_sinks() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    let open = || {
        count.set(count.get() + 1);
        JsonLinesSink::open(
            folder.path().join(format!("{}.jsonl", count.get())),
            Rotation::default(),
        )
        .unwrap()
    };
    conformance::check(open, |sink| {
        History::open(sink.path()).unwrap().map(Result::unwrap).collect()
    });
}

/// As it is after a rotation whose new file could not be opened.
#[test]
fn a_full_file_that_is_gone_does_not_end_the_writing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.jsonl");
    let sink = JsonLinesSink::open(&path, Rotation::new(1, 2)).unwrap();
    sink.accept(&[record(1)]).unwrap();
    fs::rename(&path, folder.path().join("t.jsonl.1")).unwrap();
    sink.accept(&[record(2)]).unwrap();
    sink.accept(&[record(3)]).unwrap();
    // Each rotation takes the oldest file away.
    assert_eq!(numbers(&path), [2, 3]);
}

#[test]
fn full_files_are_rotated_and_the_oldest_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.jsonl");
    let line = serde_json::to_string(&*record(10)).unwrap().len() as u64 + 1;
    let sink = JsonLinesSink::open(&path, Rotation::new(3 * line, 2)).unwrap();
    for number in 10..31 {
        sink.accept(&[record(number)]).unwrap();
    }
    assert_eq!(numbers(&path), (22..31).collect::<Vec<_>>());
    let mut files: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["t.jsonl", "t.jsonl.1", "t.jsonl.2"]);
    // A batch that is larger than all files goes into whole lines, too.
    sink.accept(&(40..60).map(record).collect::<Vec<_>>()).unwrap();
    assert_eq!(numbers(&path).last(), Some(&59));
}

#[test]
fn a_rotation_that_was_cut_off_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.jsonl");
    let line = serde_json::to_string(&*record(10)).unwrap().len() as u64 + 1;
    let sink = JsonLinesSink::open(&path, Rotation::new(line, 9)).unwrap();
    (10..15).for_each(|number| sink.accept(&[record(number)]).unwrap());
    // As if the process had died after it had moved the older files.
    fs::rename(folder.path().join("t.jsonl.2"), folder.path().join("t.jsonl.5")).unwrap();
    fs::rename(folder.path().join("t.jsonl.3"), folder.path().join("t.jsonl.6")).unwrap();
    fs::rename(folder.path().join("t.jsonl.4"), folder.path().join("t.jsonl.7")).unwrap();
    assert_eq!(numbers(&path), [10, 11, 12, 13, 14]);
    (15..17).for_each(|number| sink.accept(&[record(number)]).unwrap());
    assert_eq!(numbers(&path), [10, 11, 12, 13, 14, 15, 16]);
}

#[test]
fn a_torn_line_costs_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.jsonl");
    let whole = serde_json::to_string(&*record(11)).unwrap();
    for cut in 1..whole.len() {
        fs::write(&path, "").unwrap();
        JsonLinesSink::open(&path, Rotation::default()).unwrap().accept(&[record(10)]).unwrap();
        fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(&whole.as_bytes()[..cut])
            .unwrap();
        let mut history = History::open(&path).unwrap();
        assert!(matches!(history.next(), Some(Ok(_))));
        assert!(history.next().is_none(), "cut after {cut} bytes");
        assert_eq!(history.torn_lines(), 1);
        let sink = JsonLinesSink::open(&path, Rotation::default()).unwrap();
        sink.accept(&[record(12)]).unwrap();
        assert_eq!(numbers(&path), [10, 12], "cut after {cut} bytes");
    }
}

#[test]
fn damage_is_said_with_its_place_and_reading_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.jsonl");
    let line = |number| serde_json::to_string(&*record(number)).unwrap();
    fs::write(&path, format!("{}\n{{\"at\": 7}}\n{}\n", line(1), line(2))).unwrap();
    let read: Vec<_> = History::open(&path).unwrap().collect();
    assert_eq!(read.len(), 3);
    let message = read[1].as_ref().unwrap_err().to_string();
    assert_eq!(message, format!("line 2 of `{}` is not a record", path.display()));
    assert!(read[2].is_ok());
}

#[test]
fn no_file_is_no_record() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(History::open(folder.path().join("none.jsonl")).unwrap().count(), 0);
    assert_eq!(History::open(folder.path().join("no folder/none.jsonl")).unwrap().count(), 0);
}

#[test]
fn what_is_no_number_comes_back_as_none() {
    let event =
        TelemetryEvent::new("engine", Body::SettingChanged { from: f64::NAN, to: f64::INFINITY });
    let record = Record::new(event, Timestamp::UNIX_EPOCH, &Redaction::default());
    let read: Record = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
    assert!(matches!(read.body, Body::SettingChanged { from, to } if from.is_nan() && to.is_nan()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.jsonl");
        fs::write(&path, &bytes).unwrap();
        let lines = bytes.split(|byte| *byte == b'\n').count();
        prop_assert!(History::open(&path).unwrap().count() <= lines);
    }
}
