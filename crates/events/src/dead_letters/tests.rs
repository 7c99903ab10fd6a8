use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Attempt, DeadLetter, DeadLetterError, DeadLetters};
use crate::faulty::{Call, Faulty};
use crate::{
    ChangeEvent, Durability, EventLog, GraphChangeNotifier, HistoryQuery, MemoryLog, OpenError,
    Retention,
};

fn letter(number: u128) -> DeadLetter {
    let at = Timestamp::UNIX_EPOCH;
    let event = ChangeEvent::node_added("urn:a").with_id(Uuid::from_u128(number)).with_time(at);
    let attempts = vec![Attempt::new(at, "render", "no template"), Attempt::new(at, "gate", "red")];
    DeadLetter::new(event, attempts, at).with_offset(7)
}

fn open(folder: &std::path::Path) -> DeadLetters {
    DeadLetters::open(folder, 3, Durability::Power).unwrap()
}

#[tokio::test]
async fn letters_are_kept_with_their_history() {
    let folder = tempfile::tempdir().unwrap();
    let letters = open(folder.path());
    assert!(letters.is_empty());
    for number in [2, 1, 3] {
        letters.bury(letter(number)).await.unwrap();
    }
    assert_eq!(letters.discard(Uuid::from_u128(3)).await.unwrap(), letter(3));
    assert_eq!(DeadLetters::peek(folder.path()).unwrap(), letters.list());
    drop(letters);
    let letters = open(folder.path());
    assert_eq!(letters.list(), [letter(1), letter(2)]);
    assert_eq!(letters.get(Uuid::from_u128(2)).unwrap().attempts.len(), 2);
    assert!(letters.torn_tail().is_none());
}

#[tokio::test]
async fn they_are_bounded_and_none_goes_for_another() {
    let letters = DeadLetters::in_memory(2);
    for number in [1, 2, 2] {
        letters.bury(letter(number)).await.unwrap();
    }
    let full = letters.bury(letter(3)).await.unwrap_err();
    assert!(matches!(full, DeadLetterError::Full { capacity: 2 }), "{full}");
    assert_eq!(letters.len(), 2);
    let unknown = letters.discard(Uuid::from_u128(3)).await.unwrap_err();
    assert!(matches!(unknown, DeadLetterError::Unknown { .. }), "{unknown}");
}

#[tokio::test]
async fn a_replayed_letter_is_a_new_event_of_the_same_cause() {
    let letters = DeadLetters::in_memory(9);
    let notifier = GraphChangeNotifier::default();
    letters.bury(letter(1)).await.unwrap();
    assert_eq!(letters.replay(Uuid::from_u128(1), &notifier).await.unwrap(), 0);
    assert!(letters.is_empty());
    let event = &notifier.history(&HistoryQuery::all())[0].event;
    assert_ne!(event.id, Uuid::from_u128(1));
    assert_eq!(event.correlation_id, Some(Uuid::from_u128(1)));
    assert_eq!(event.subject, "urn:a");
    let unknown = letters.replay(Uuid::from_u128(1), &notifier).await.unwrap_err();
    assert!(matches!(unknown, DeadLetterError::Unknown { .. }));
}

/// Publishes the event of a letter, and lets the disk fail before the letter is forgotten, as
/// if the process had ended there.
async fn half_replayed(folder: &std::path::Path, notifier: &GraphChangeNotifier) -> u64 {
    let disk = Arc::new(Faulty::default());
    let letters = DeadLetters::open_on(disk.clone(), folder, 3).unwrap();
    letters.bury(letter(1)).await.unwrap();
    disk.plan_second(Call::Write, ErrorKind::StorageFull);
    let failed = letters.replay(Uuid::from_u128(1), notifier).await.unwrap_err();
    assert!(matches!(failed, DeadLetterError::Medium(_)), "{failed}");
    assert_eq!(letters.len(), 1);
    notifier.log().bounds().end
}

#[tokio::test]
async fn a_replay_that_was_interrupted_publishes_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let notifier = GraphChangeNotifier::default();
    notifier.publish(ChangeEvent::node_added("urn:before")).await.unwrap();
    let end = half_replayed(folder.path(), &notifier).await;
    assert_eq!(end, 2, "it was published");
    for number in 0..2000 {
        notifier.publish(ChangeEvent::node_added(format!("urn:{number}"))).await.unwrap();
    }
    let letters = open(folder.path());
    assert_eq!(letters.replay(Uuid::from_u128(1), &notifier).await.unwrap(), 1);
    assert!(letters.is_empty());
    assert_eq!(notifier.log().bounds().end, 2002);
    drop(letters);
    assert!(open(folder.path()).is_empty());
}

#[tokio::test]
async fn a_replay_whose_traces_are_gone_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let notifier = GraphChangeNotifier::default();
    half_replayed(folder.path(), &notifier).await;
    let nothing = Retention::everything().with_max_bytes(0);
    notifier.log().trim(nothing, Timestamp::now()).await.unwrap();
    let letters = open(folder.path());
    assert_eq!(letters.replay(Uuid::from_u128(1), &notifier).await.unwrap(), 1);
}

#[tokio::test]
async fn a_letter_is_replayed_by_one_at_a_time() {
    // In memory the first one would be through before the second begins.
    let folder = tempfile::tempdir().unwrap();
    let letters = open(folder.path());
    let notifier = GraphChangeNotifier::default();
    // On a busy machine the first one may be through before the second begins, also with files; so
    // that is tried until it is not.
    let mut under_way = [false; 2];
    let mut told = 0_u32;
    while under_way != [true; 2] {
        for (kind, is_under_way) in under_way.iter_mut().enumerate() {
            told += 1;
            assert!(told < 200, "no two of so many met");
            letters.bury(letter(told.into())).await.unwrap();
            let id = Uuid::from_u128(told.into());
            let first = letters.replay(id, &notifier);
            let (first, second) = if kind == 0 {
                let (first, second) = futures::join!(first, letters.replay(id, &notifier));
                (first, second.map(drop))
            } else {
                let (first, second) = futures::join!(first, letters.discard(id));
                (first, second.map(drop))
            };
            assert_eq!(first.unwrap(), u64::from(told) - 1);
            assert_eq!(notifier.log().bounds().end, u64::from(told), "each is told once");
            match second.unwrap_err() {
                DeadLetterError::UnderWay { .. } => *is_under_way = true,
                DeadLetterError::Unknown { .. } => {}
                other => panic!("{other}"),
            }
        }
    }
}

#[tokio::test]
async fn letters_go_on_when_their_journal_cannot_be_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faulty::default());
    let letters = DeadLetters::open_on(disk.clone(), folder.path(), 9).unwrap();
    let attempt = Attempt::new(Timestamp::UNIX_EPOCH, "render", "x".repeat(20_000));
    let large = DeadLetter { attempts: vec![attempt], ..letter(1) };
    loop {
        disk.plan_second(Call::Write, ErrorKind::StorageFull);
        letters.bury(large.clone()).await.unwrap();
        if disk.is_done() {
            break;
        }
    }
    letters.bury(letter(2)).await.unwrap();
    drop(letters);
    assert_eq!(open(folder.path()).list(), [large, letter(2)]);
}

#[tokio::test]
async fn a_letter_that_cannot_be_published_stays() {
    let letters = DeadLetters::in_memory(9);
    let log = Arc::new(MemoryLog::default());
    log.close();
    let shared: Arc<dyn EventLog> = log;
    let notifier = GraphChangeNotifier::builder().with_log(shared).build().unwrap();
    letters.bury(letter(1)).await.unwrap();
    let failed = letters.replay(Uuid::from_u128(1), &notifier).await.unwrap_err();
    assert!(matches!(failed, DeadLetterError::Publish(_)), "{failed}");
    assert_eq!(letters.len(), 1);
}

#[tokio::test]
async fn a_torn_tail_is_told_and_damage_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let letters = open(folder.path());
    letters.bury(letter(1)).await.unwrap();
    letters.bury(letter(2)).await.unwrap();
    drop(letters);
    let path = folder.path().join("dead-letters");
    let file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    file.write_all_at(b"torn", file.metadata().unwrap().len()).unwrap();
    let letters = open(folder.path());
    assert_eq!((letters.len(), letters.torn_tail().unwrap().bytes), (2, 4));
    letters.bury(letter(3)).await.unwrap();
    drop(letters);
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(b"\xff", 64 + 40).unwrap();
    let error = DeadLetters::open(folder.path(), 3, Durability::Power).unwrap_err();
    assert!(matches!(error, OpenError::Damaged(_)), "{error}");
}

#[tokio::test]
async fn what_is_no_letter_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dead-letters");
    let disk = Arc::new(Faulty::default());
    let kind = crate::record::Kind::DeadLetters;
    crate::journal::Journal::create(disk, path, kind, &["{}"]).unwrap();
    let error = DeadLetters::peek(folder.path()).unwrap_err();
    assert!(error.to_string().contains("the letter can't be read"), "{error}");
}

#[tokio::test]
async fn faults_are_told_and_nothing_is_pretended() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faulty::default());
    let letters = DeadLetters::open_on(disk.clone(), folder.path(), 9).unwrap();
    letters.bury(letter(1)).await.unwrap();
    disk.plan(&[(Call::Write, ErrorKind::StorageFull)]);
    let failed = letters.bury(letter(2)).await.unwrap_err();
    assert!(matches!(failed, DeadLetterError::Medium(_)), "{failed}");
    letters.bury(letter(2)).await.unwrap();
    disk.plan(&[(Call::Sync, ErrorKind::Other)]);
    for _ in 0..2 {
        let failed = letters.bury(letter(3)).await.unwrap_err();
        assert!(matches!(failed, DeadLetterError::MustReopen(_)), "{failed}");
    }
    assert_eq!(letters.len(), 2);
    let invalid = DeadLetter { event: ChangeEvent::node_added(""), ..letter(4) };
    let failed = letters.bury(invalid).await.unwrap_err();
    assert!(matches!(failed, DeadLetterError::Invalid(_)), "{failed}");
    drop(letters);
    assert_eq!(open(folder.path()).list(), [letter(1), letter(2)]);
}

#[tokio::test]
async fn the_journal_does_not_grow_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let letters = DeadLetters::open(folder.path(), 3, Durability::Process).unwrap();
    let large = |number| {
        let attempt = Attempt::new(Timestamp::UNIX_EPOCH, "render", "x".repeat(20_000));
        DeadLetter { attempts: vec![attempt], ..letter(number) }
    };
    for number in 0..40 {
        letters.bury(large(number)).await.unwrap();
        letters.discard(Uuid::from_u128(number)).await.unwrap();
    }
    letters.bury(large(99)).await.unwrap();
    let size = fs::metadata(folder.path().join("dead-letters")).unwrap().len();
    assert!(size < 300 << 10, "{size}");
    drop(letters);
    assert_eq!(open(folder.path()).list(), [large(99)]);
    let disk = Arc::new(Faulty::default());
    let letters = DeadLetters::open_on(disk.clone(), folder.path(), 300).unwrap();
    for number in 0..12 {
        letters.bury(large(number)).await.unwrap();
    }
    disk.plan(&[(Call::SyncFolder, ErrorKind::Other)]);
    while !disk.is_done() {
        letters.bury(large(99)).await.unwrap();
    }
    assert!(matches!(letters.bury(letter(1)).await, Err(DeadLetterError::MustReopen(_))));
}
