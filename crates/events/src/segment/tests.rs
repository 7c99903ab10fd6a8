use std::fs;
use std::io::ErrorKind::{self, StorageFull};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{SegmentLog, SegmentReader, SegmentSettings};
use crate::faulty::{Call, Faulty};
use crate::{
    AppendError, ChangeEvent, ConsumerError, ConsumerName, Durability, EventLog, LogEntry,
    OffsetSet, OpenError, Position, ReadError, Retention, conformance,
};

mod bounds;
mod endings;

fn settings() -> SegmentSettings {
    SegmentSettings::default()
        .with_durability(Durability::Process)
        .with_segment_bytes(8192)
        .with_cache_events(20)
}

fn open(folder: &Path) -> SegmentLog {
    SegmentLog::open(folder, settings()).unwrap()
}

fn event(number: usize) -> Arc<ChangeEvent> {
    Arc::new(ChangeEvent::node_added(format!("urn:{number}")))
}

fn name() -> ConsumerName {
    ConsumerName::parse("worker").unwrap()
}

/// Appends so many events, each by itself.
async fn fill(log: &SegmentLog, count: usize) -> Vec<LogEntry> {
    for number in 0..count {
        log.append(vec![event(number)]).await.unwrap();
    }
    all(log).await
}

async fn all(log: &SegmentLog) -> Vec<LogEntry> {
    let mut all: Vec<LogEntry> = Vec::new();
    loop {
        let from = all.last().map_or(Position::Oldest, |last| Position::Offset(last.offset + 1));
        let read = log.read(from, 1000).await.unwrap();
        if read.is_empty() {
            return all;
        }
        all.extend(read);
    }
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let listed = super::files::list(folder).unwrap();
    listed.into_iter().map(|(_, path)| path).collect()
}

fn flip(path: &Path, position: u64) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, position).unwrap();
    file.write_all_at(&[!byte[0]], position).unwrap();
}

#[tokio::test]
async fn it_is_conformant() {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    conformance::check_log(&mut || {
        number += 1;
        Arc::new(open(&folder.path().join(number.to_string())))
    })
    .await;
}

#[tokio::test]
async fn it_is_conformant_when_it_is_flushed_and_keeps_nothing_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    conformance::check_log(&mut || {
        number += 1;
        let settings = settings().with_durability(Durability::Power).with_cache_events(0);
        Arc::new(SegmentLog::open(&folder.path().join(number.to_string()), settings).unwrap())
    })
    .await;
}

#[tokio::test]
async fn everything_is_there_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let before = fill(&log, 100).await;
    log.open_consumer(&name(), Position::Offset(3)).await.unwrap();
    log.acknowledge(&name(), OffsetSet::from_iter([3, 5, 90])).await.unwrap();
    let consumers = log.consumers();
    drop(log);
    assert!(segments(folder.path()).len() > 2, "there are several segments");
    let log = open(folder.path());
    assert!(log.torn_tails().is_empty());
    assert_eq!(all(&log).await, before);
    assert_eq!(log.consumers(), consumers);
    assert!(before.ends_with(&log.recent(10)) && !log.recent(10).is_empty());
    assert_eq!(log.append(vec![event(0)]).await.unwrap(), 100..101);
    for entry in before.iter().step_by(7) {
        let found = log.read(Position::Time(entry.appended_at), 1).await.unwrap();
        assert!(found[0].appended_at == entry.appended_at && found[0].offset <= entry.offset);
    }
}

#[tokio::test]
async fn two_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let second = SegmentLog::open(folder.path(), settings()).unwrap_err();
    assert!(matches!(second, OpenError::Locked { .. }));
    assert!(second.to_string().ends_with(&format!("held by process {}", std::process::id())));
    drop(log);
    open(folder.path());
}

#[tokio::test]
async fn a_reader_looks_on_without_a_lock() {
    let folder = tempfile::tempdir().unwrap();
    assert!(SegmentReader::open(&folder.path().join("none")).is_err());
    let reader = SegmentReader::open(folder.path()).unwrap();
    assert_eq!(reader.bounds().unwrap().end, 0);
    let log = open(folder.path());
    let entries = fill(&log, 60).await;
    log.open_consumer(&name(), Position::Oldest).await.unwrap();
    assert_eq!(reader.bounds().unwrap(), log.bounds());
    assert_eq!(reader.verify().unwrap(), log.bounds());
    assert_eq!(reader.consumers().unwrap(), log.consumers());
    assert_eq!(reader.read(Position::Oldest, 100).unwrap(), entries);
    assert_eq!(reader.read(Position::Offset(58), 100).unwrap(), entries[58..]);
    let at = entries[30].appended_at;
    assert_eq!(reader.read(Position::Time(at), 1).unwrap()[0].appended_at, at);
    assert!(reader.read(Position::End, 1).unwrap().is_empty());
    log.trim(Retention::everything().with_max_bytes(0), Timestamp::now()).await.unwrap();
    assert!(log.bounds().first == 0, "the consumer holds it");
    log.acknowledge(&name(), OffsetSet::from(0..60)).await.unwrap();
    log.trim(Retention::everything().with_max_bytes(0), Timestamp::now()).await.unwrap();
    let gone = reader.read(Position::Offset(0), 1).unwrap_err();
    assert!(matches!(gone, ReadError::Trimmed { asked: 0, first: 60 }), "{gone}");
}

#[tokio::test]
async fn a_torn_tail_is_cut_off_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let before = fill(&log, 5).await;
    drop(log);
    let path = segments(folder.path()).remove(0);
    let torn = "half of a group".repeat(3);
    let end = {
        let bytes = fs::read(&path).unwrap();
        bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1
    };
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(torn.as_bytes(), end).unwrap();
    let reader = SegmentReader::open(folder.path()).unwrap();
    assert_eq!(reader.bounds().unwrap().end, 5, "a reader sees the end before it");
    let log = open(folder.path());
    let [tail] = log.torn_tails() else { panic!("one tail is torn") };
    assert_eq!((tail.position, tail.bytes, tail.offset), (end, torn.len() as u64, 5));
    assert_eq!(tail.file, path);
    assert_eq!(all(&log).await, before);
    log.append(vec![event(9)]).await.unwrap();
    drop(log);
    assert!(open(folder.path()).torn_tails().is_empty(), "it is told once");
}

#[tokio::test]
async fn damage_in_the_segment_that_is_written_is_told_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    fill(&log, 5).await;
    drop(log);
    let path = segments(folder.path()).remove(0);
    flip(&path, 64 + 50);
    let error = SegmentLog::open(folder.path(), settings()).unwrap_err();
    let OpenError::Damaged(damage) = error else { panic!("it is damaged: {error}") };
    assert_eq!((damage.file, damage.position, damage.offset), (path.clone(), 64, 0));
    assert_eq!(damage.next, Some(1));
    let error = SegmentReader::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged(_)));
    flip(&path, 64 + 50);
    assert_eq!(open(folder.path()).bounds().end, 5, "opening it has changed nothing");
}

#[tokio::test]
async fn damage_in_an_older_segment_is_told_when_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    fill(&log, 100).await;
    drop(log);
    let path = segments(folder.path()).remove(1);
    flip(&path, 64 + 50);
    let log = open(folder.path());
    let mut next = 0;
    let damage = loop {
        match log.read(Position::Offset(next), 1000).await {
            Ok(read) => next += read.len() as u64,
            Err(ReadError::Damaged(damage)) => break damage,
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!((&damage.file, damage.position), (&path, 64));
    assert!(damage.to_string().contains("the checksum does not match"));
    let reader = SegmentReader::open(folder.path()).unwrap();
    assert!(matches!(reader.verify(), Err(ReadError::Damaged(found)) if found == damage));
    assert!(!log.read(Position::Offset(99), 1).await.unwrap().is_empty(), "the rest can be read");
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(64).unwrap();
    let short = reader.verify().unwrap_err();
    assert!(short.to_string().contains("there are zeros"), "{short}");
}

#[tokio::test]
async fn a_head_that_is_wrong_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fill(&open(folder.path()), 1).await;
    let path = segments(folder.path()).remove(0);
    let moved = folder.path().join(super::files::name(7));
    fs::rename(&path, &moved).unwrap();
    let error = SegmentLog::open(folder.path(), settings()).unwrap_err();
    assert!(error.to_string().contains("says that it begins at 0"), "{error}");
    flip(&moved, 3);
    let error = SegmentReader::open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("the head of the file is damaged"), "{error}");
}

#[tokio::test]
async fn cursors_that_know_more_than_the_log_are_damage() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    fill(&log, 5).await;
    log.open_consumer(&name(), Position::End).await.unwrap();
    drop(log);
    for path in segments(folder.path()) {
        fs::remove_file(path).unwrap();
    }
    let error = SegmentLog::open(folder.path(), settings()).unwrap_err();
    assert!(error.to_string().contains("consumer `worker` has come to 5"), "{error}");
}

#[tokio::test]
async fn a_full_disk_is_a_refusal_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faulty::default());
    let log = SegmentLog::open_on(disk.clone(), folder.path(), settings()).unwrap();
    fill(&log, 3).await;
    disk.plan(&[(Call::Write, StorageFull)]);
    let refused = log.append(vec![event(0), event(1)]).await.unwrap_err();
    assert!(matches!(refused, AppendError::NoSpace(_)) && refused.is_refusal(), "{refused}");
    assert_eq!(log.append(vec![event(2)]).await.unwrap(), 3..4);
    // The next segment can't be made: nothing is lost, and it is tried again.
    let large = |count: usize| (0..count).map(event).collect::<Vec<_>>();
    for call in [Call::Allocate, Call::Write, Call::Sync] {
        disk.plan(&[(call, StorageFull)]);
        let refused = log.append(large(50)).await.unwrap_err();
        assert!(matches!(refused, AppendError::NoSpace(_)), "{call:?}: {refused}");
    }
    assert_eq!(log.append(large(50)).await.unwrap(), 4..54);
    assert!(disk.is_done());
    let before = all(&log).await;
    drop(log);
    let log = open(folder.path());
    assert!(log.torn_tails().is_empty(), "what failed was wiped out");
    assert_eq!(all(&log).await, before);
}

/// After each of these faults nobody knows what is on the medium.
async fn check_broken(faults: &[(Call, ErrorKind)], count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faulty::default());
    let log = SegmentLog::open_on(disk.clone(), folder.path(), settings()).unwrap();
    let before = fill(&log, 3).await;
    log.open_consumer(&name(), Position::Oldest).await.unwrap();
    disk.plan(faults);
    let broken = log.append((0..count).map(event).collect()).await.unwrap_err();
    assert!(matches!(broken, AppendError::MustReopen(_)) && !broken.is_refusal(), "{broken}");
    assert!(disk.is_done(), "{faults:?}");
    let again = log.append(vec![event(4)]).await.unwrap_err();
    assert!(matches!(again, AppendError::MustReopen(_)), "it never pretends: {again}");
    let cursor = log.acknowledge(&name(), OffsetSet::from(0..1)).await.unwrap_err();
    assert!(matches!(cursor, ConsumerError::Cursor(AppendError::MustReopen(_))), "{cursor}");
    assert_eq!(all(&log).await, before, "what is known can be read");
    drop(log);
    let log = open(folder.path());
    assert!(all(&log).await.starts_with(&before));
    log.append(vec![event(5)]).await.unwrap();
}

#[tokio::test]
async fn after_a_failed_flush_it_has_to_be_opened_anew() {
    let other = ErrorKind::Other;
    check_broken(&[(Call::Sync, other)], 1).await;
    check_broken(&[(Call::Sync, other), (Call::Write, other)], 1).await;
    check_broken(&[(Call::Write, StorageFull), (Call::Write, other)], 1).await;
    check_broken(&[(Call::Write, other), (Call::Sync, other)], 1).await;
    check_broken(&[(Call::SyncFolder, other)], 60).await;
}

#[tokio::test]
async fn a_cursor_that_cannot_be_kept_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faulty::default());
    let log = SegmentLog::open_on(disk.clone(), folder.path(), settings()).unwrap();
    fill(&log, 3).await;
    disk.plan(&[(Call::Write, ErrorKind::Other)]);
    let failed = log.open_consumer(&name(), Position::Oldest).await.unwrap_err();
    assert!(matches!(failed, ConsumerError::Cursor(AppendError::Medium(_))), "{failed}");
    log.open_consumer(&name(), Position::Oldest).await.unwrap();
    for (call, kind) in [(Call::Write, StorageFull), (Call::Sync, ErrorKind::Other)] {
        disk.plan(&[(call, kind)]);
        log.acknowledge(&name(), OffsetSet::from(0..2)).await.unwrap_err();
        assert_eq!(log.consumers()[&name()].low(), 0);
    }
    log.remove_consumer(&name()).await.unwrap_err();
    drop(log);
    assert_eq!(open(folder.path()).consumers()[&name()].low(), 0);
}

#[tokio::test]
async fn the_journal_of_the_cursors_does_not_grow_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    fill(&log, 2).await;
    log.append((0..3000).map(event).collect()).await.unwrap();
    log.open_consumer(&name(), Position::Oldest).await.unwrap();
    for offset in 0..3000 {
        let offsets = OffsetSet::from_iter([(offset * 7) % 3000]);
        log.acknowledge(&name(), offsets).await.unwrap();
    }
    let size = fs::metadata(folder.path().join("consumers")).unwrap().len();
    assert!(size < 300 << 10, "{size}");
    assert_eq!(log.consumers()[&name()].low(), 3000);
    drop(log);
    assert_eq!(open(folder.path()).consumers()[&name()].low(), 3000);
}

#[tokio::test]
async fn events_have_a_size() {
    let folder = tempfile::tempdir().unwrap();
    let log = SegmentLog::open(folder.path(), settings().with_max_event_bytes(1024)).unwrap();
    let large = Arc::new(ChangeEvent::node_added("x".repeat(2000)));
    let refused = log.append(vec![event(0), large]).await.unwrap_err();
    assert!(matches!(refused, AppendError::TooLarge { limit: 1024, .. }), "{refused}");
    assert_eq!(log.bounds().end, 0);
    drop(log);
    let log = SegmentLog::open(folder.path(), settings().with_cache_bytes(3000)).unwrap();
    let large = Arc::new(ChangeEvent::node_added("x".repeat(100_000)));
    assert_eq!(log.append(vec![Arc::clone(&large), event(1)]).await.unwrap(), 0..2);
    assert_eq!(log.recent(9).len(), 1, "the cache is bounded in bytes");
    assert_eq!(log.read(Position::Oldest, 1).await.unwrap()[0].event, large);
}

#[tokio::test]
async fn a_full_queue_is_a_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings().with_queue(1).with_patience(Duration::from_millis(100));
    let log = SegmentLog::open(folder.path(), settings).unwrap();
    // The committer can't go on while somebody looks at what it shows.
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (looking, looks) = std::sync::mpsc::channel();
    let shared = Arc::clone(&log.shared);
    let holder = std::thread::spawn(move || {
        shared.view.look(|_| {
            looking.send(()).unwrap();
            let _ = released.recv();
        });
    });
    looks.recv().unwrap();
    let mut waits: Vec<_> = (0..2).map(|number| log.append(vec![event(number)])).collect();
    for wait in &mut waits {
        // The first is with the committer, the second in the queue.
        while log.shared.queue.weight() > 0 {
            std::thread::yield_now();
        }
        assert!(futures::poll!(wait).is_pending());
    }
    let refused = log.append(vec![event(2)]).await.unwrap_err();
    assert!(matches!(refused, AppendError::Full { .. }) && refused.is_refusal(), "{refused}");
    drop(release);
    holder.join().unwrap();
    assert_eq!(waits.remove(0).await.unwrap(), 0..1);
}

#[tokio::test]
async fn a_closed_log_finishes_what_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let mut append = log.append(vec![event(0)]);
    assert!(futures::poll!(&mut append).is_pending() || log.bounds().end == 1);
    log.close();
    drop(append);
    log.beyond(0).await.unwrap();
    assert!(matches!(log.beyond(1).await, Err(ReadError::Closed)));
    assert!(matches!(log.append(vec![event(1)]).await, Err(AppendError::Closed)));
    drop(log);
    assert_eq!(open(folder.path()).bounds().end, 1);
}

/// Waits for a future on this thread, without a runtime.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::park();
    }
}

#[test]
fn it_works_without_a_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let log = SegmentLog::open(folder.path(), settings().with_cache_events(0)).unwrap();
    block_on(async {
        log.append(vec![event(0)]).await.unwrap();
        assert_eq!(log.read(Position::Oldest, 9).await.unwrap().len(), 1);
    });
}

#[tokio::test]
async fn many_publishers_share_a_flush() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings().with_durability(Durability::Power);
    let log = Arc::new(SegmentLog::open(folder.path(), settings).unwrap());
    let tasks: Vec<_> = (0..32)
        .map(|task| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for number in 0..5 {
                    log.append(vec![event(task * 10 + number)]).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let entries = all(&log).await;
    assert_eq!(entries.len(), 160);
    let mut times: Vec<_> = entries.iter().map(|entry| entry.appended_at).collect();
    times.dedup();
    assert!(times.len() < 80, "{} groups", times.len());
}

#[test]
fn absurd_settings_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (wrong, field) in [
        (settings().with_segment_bytes(0), "segment_bytes"),
        (settings().with_max_event_bytes(0), "max_event_bytes"),
        (settings().with_queue(0), "queue"),
        (settings().with_group(0), "group"),
        (settings().with_max_gaps(0), "max_gaps"),
        (settings().with_cache_events(usize::MAX), "cache_events"),
        (settings().with_patience(Duration::ZERO), "patience"),
        (settings().with_linger(Duration::from_secs(1)), "linger"),
    ] {
        let error = SegmentLog::open(folder.path(), wrong).unwrap_err();
        assert!(matches!(&error, OpenError::Settings(wrong) if wrong.field == field), "{error}");
    }
}
