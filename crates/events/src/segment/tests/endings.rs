//! Logs that end badly, begin badly, or are looked at while they change.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::{event, fill, name, open, settings};
use crate::disk::{Disk, Durability, System};
use crate::faulty::{Call, Faulty};
use crate::{
    AppendError, ConsumerError, EventLog, OffsetSet, OpenError, Position, ReadError, Retention,
    SegmentLog, SegmentReader,
};

#[tokio::test]
async fn a_consumer_that_would_begin_too_late_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    fill(&log, 3).await;
    let refused = log.open_consumer(&name(), Position::Offset(9)).await.unwrap_err();
    assert!(matches!(refused, ConsumerError::StartsBeyondEnd { start: 9, end: 3 }), "{refused}");
    drop(log);
    let log = open(folder.path());
    assert_eq!(log.open_consumer(&name(), Position::Offset(3)).await.unwrap().low(), 3);
}

#[tokio::test]
async fn cursors_go_on_when_their_journal_cannot_be_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faulty::default());
    let log = SegmentLog::open_on(disk.clone(), folder.path(), settings()).unwrap();
    log.append((0..8000).map(event).collect()).await.unwrap();
    log.open_consumer(&name(), Position::Oldest).await.unwrap();
    let mut acknowledged = OffsetSet::new();
    for turn in 0_u64.. {
        disk.plan_second(Call::Write, ErrorKind::StorageFull);
        let offset = (turn * 7) % 8000;
        log.acknowledge(&name(), OffsetSet::from_iter([offset])).await.unwrap();
        acknowledged.insert(offset);
        if disk.is_done() {
            break;
        }
    }
    // Nothing was in doubt, so it goes on, and tries again later.
    acknowledged.insert_range(0..100);
    log.acknowledge(&name(), OffsetSet::from(0..100)).await.unwrap();
    log.append(vec![event(1)]).await.unwrap();
    assert!(!folder.path().join("consumers.new").exists(), "no room is taken for nothing");
    drop(log);
    let known = &open(folder.path()).consumers()[&name()];
    assert!(acknowledged.ranges().all(|range| known.missing(range) == 0));
}

#[tokio::test]
async fn the_name_of_a_new_folder_is_flushed() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faulty::default());
    disk.plan(&[(Call::SyncFolder, ErrorKind::Other)]);
    let below = folder.path().join("a/b");
    let error = SegmentLog::open_on(disk.clone(), &below, settings()).unwrap_err();
    let OpenError::System { path, .. } = &error else { panic!("{error}") };
    assert_eq!(path, folder.path());
    SegmentLog::open_on(disk, &below, settings()).unwrap();
}

/// Panics when it is to flush, once it is told to.
#[derive(Debug, Default)]
struct Panicky(AtomicBool);

const SYSTEM: System = System { durability: Durability::Process };

impl Disk for Panicky {
    fn allocate(&self, file: &File, bytes: u64) -> io::Result<()> {
        SYSTEM.allocate(file, bytes)
    }

    fn write_at(&self, file: &File, bytes: &[u8], position: u64) -> io::Result<()> {
        SYSTEM.write_at(file, bytes, position)
    }

    fn sync(&self, _: &File) -> io::Result<()> {
        assert!(!self.0.load(Ordering::SeqCst), "the disk is on fire");
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn nobody_waits_for_a_committer_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Panicky::default());
    let log = SegmentLog::open_on(disk.clone(), folder.path(), settings()).unwrap();
    fill(&log, 1).await;
    disk.0.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let append = tokio::time::timeout(Duration::from_secs(30), log.append(vec![event(1)]));
        let refused = append.await.expect("the wait ends").unwrap_err();
        assert!(matches!(refused, AppendError::Closed), "{refused}");
    }
    assert!(matches!(log.beyond(1).await, Err(ReadError::Closed)));
}

/// One that looks on meets neither damage nor missing files, whatever the writer does meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_is_not_confused_by_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let log = SegmentLog::open(folder.path(), settings().with_segment_bytes(4096)).unwrap();
    let reader = SegmentReader::open(folder.path()).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let looking = std::thread::spawn({
        let done = Arc::clone(&done);
        move || {
            let mut looks = 0;
            while !done.load(Ordering::SeqCst) {
                reader.bounds().unwrap();
                looks += 1;
            }
            looks
        }
    });
    for number in 0..3000 {
        log.append(vec![event(number)]).await.unwrap();
        if number % 8 == 7 {
            let none = Retention::everything().with_max_bytes(0);
            log.trim(none, Timestamp::now()).await.unwrap();
        }
    }
    done.store(true, Ordering::SeqCst);
    assert!(looking.join().unwrap() > 10);
}
