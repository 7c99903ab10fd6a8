//! What waits and what is written at once is bounded, in bytes too.

use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use super::{all, settings};
use crate::{ChangeEvent, EventLog, SegmentLog};

/// Keeps the committer from going on after its next group, until it is dropped.
struct Held {
    release: Option<mpsc::Sender<()>>,
    holder: Option<JoinHandle<()>>,
}

impl Held {
    fn hold(log: &SegmentLog) -> Self {
        let (release, released) = mpsc::channel::<()>();
        let (looking, looks) = mpsc::channel();
        let shared = Arc::clone(&log.shared);
        let holder = std::thread::spawn(move || {
            shared.view.look(|_| {
                looking.send(()).unwrap();
                let _ = released.recv();
            });
        });
        looks.recv().unwrap();
        Self { release: Some(release), holder: Some(holder) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.release.take());
        self.holder.take().unwrap().join().unwrap();
    }
}

fn large(bytes: usize) -> Vec<Arc<ChangeEvent>> {
    vec![Arc::new(ChangeEvent::node_added("x".repeat(bytes)))]
}

#[tokio::test]
async fn large_events_fill_the_queue_sooner() {
    let folder = tempfile::tempdir().unwrap();
    let log = SegmentLog::open(folder.path(), settings().with_queue(64)).unwrap();
    let held = Held::hold(&log);
    let mut first = log.append(large(10));
    assert!(futures::poll!(&mut first).is_pending());
    while log.shared.queue.weight() > 0 {
        std::thread::yield_now();
    }
    let mut waits: Vec<_> = (0..3).map(|_| log.append(large(200 << 10))).collect();
    for wait in &mut waits {
        assert!(futures::poll!(wait).is_pending());
    }
    // Each counts for 26 of the 64 that may wait.
    assert_eq!(log.shared.queue.weight(), 2 * 26);
    drop(held);
    for (offset, wait) in (1..).zip(waits) {
        assert_eq!(wait.await.unwrap(), offset..offset + 1);
    }
    assert_eq!(first.await.unwrap(), 0..1);
}

#[tokio::test]
async fn large_events_make_small_groups() {
    let folder = tempfile::tempdir().unwrap();
    let log = SegmentLog::open(folder.path(), settings()).unwrap();
    let held = Held::hold(&log);
    let mut waits: Vec<_> = (0..101).map(|_| log.append(large(200 << 10))).collect();
    for wait in &mut waits {
        assert!(futures::poll!(wait).is_pending());
    }
    drop(held);
    for wait in waits {
        wait.await.unwrap();
    }
    // A group has one time, and takes 512 events at most, of which each counts for 26.
    let entries = all(&log).await;
    let groups: BTreeSet<_> = entries.iter().map(|entry| entry.appended_at).collect();
    assert!((5..20).contains(&groups.len()), "{}", groups.len());
}
