//! The concurrent parts under shuttle, which tries interleavings of threads and tasks. A wake-up
//! that is lost is a deadlock there, and fails the test.

use std::sync::Arc;

use shuttle::future::{block_on, spawn};
use shuttle::{check_pct, check_random, thread};

use self::gate::{Gate, Reserved};
use self::handover::Handover;
use self::watched::Watched;

mod sync {
    pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard};
}

#[expect(clippy::duplicate_mod, reason = "the same text with other locks is the point")]
#[path = "watched.rs"]
mod watched;

#[expect(
    clippy::duplicate_mod,
    dead_code,
    reason = "the same text with other locks; not all of it"
)]
#[path = "handover.rs"]
mod handover;

#[expect(
    clippy::duplicate_mod,
    dead_code,
    reason = "the same text with other locks; not all of it"
)]
#[path = "notifier/gate.rs"]
mod gate;

/// Tries a model with random schedules, and with such that prefer few, surprising switches.
fn check(model: impl Fn() + Send + Sync + Clone + 'static) {
    check_random(model.clone(), 1500);
    check_pct(model, 1500, 3);
}

/// A writer moves the tail on; readers read up to it and sleep at the end.
#[test]
fn every_reader_sees_the_end() {
    check(|| {
        let tail = Arc::new(Watched::new(0_u64));
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let tail = Arc::clone(&tail);
                spawn(async move {
                    let mut cursor = 0;
                    while cursor < 3 {
                        let seen = tail.wait_for(|end| (*end > cursor).then_some(*end)).await;
                        assert!(seen > cursor, "a reader is never woken for nothing");
                        cursor = seen;
                    }
                })
            })
            .collect();
        let writer = thread::spawn(move || (0..3).for_each(|_| tail.change(|end| *end += 1)));
        writer.join().unwrap();
        for reader in readers {
            block_on(reader).unwrap();
        }
    });
}

/// Publishers hand over through a queue that is too small; a thread takes until it is closed.
#[test]
fn everything_that_is_handed_over_is_taken_once() {
    check(|| {
        let queue = Arc::new(Handover::new(2));
        let publishers: Vec<_> = (0..3)
            .map(|publisher| {
                let queue = Arc::clone(&queue);
                spawn(async move {
                    for number in 0..2 {
                        let mut item = Some(publisher * 10 + number);
                        queue.push(&mut item, 1).await.unwrap();
                    }
                })
            })
            .collect();
        let committer = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                let mut taken = Vec::new();
                while let Some(items) = queue.take(2) {
                    assert!(!items.is_empty() && items.len() <= 2);
                    taken.extend(items);
                }
                taken
            })
        };
        for publisher in publishers {
            block_on(publisher).unwrap();
        }
        queue.close();
        let mut taken = committer.join().unwrap();
        assert!((0..3).all(|p| taken.iter().filter(|item| **item / 10 == p).is_sorted()));
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 10, 11, 20, 21]);
    });
}

/// A queue that is closed under waiting publishers lets all of them go.
#[test]
fn a_closed_queue_lets_everybody_go() {
    check(|| {
        let queue = Arc::new(Handover::new(1));
        let publishers: Vec<_> = (0..3)
            .map(|number| {
                let queue = Arc::clone(&queue);
                spawn(async move { queue.push(&mut Some(number), 1).await.is_ok() })
            })
            .collect();
        let closer = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.close())
        };
        let pushed =
            publishers.into_iter().map(|publisher| usize::from(block_on(publisher).unwrap()));
        let pushed: usize = pushed.sum();
        closer.join().unwrap();
        let taken = std::iter::from_fn(|| queue.take(9)).map(|items| items.len()).sum::<usize>();
        assert_eq!(taken, pushed, "what was accepted is there");
    });
}

/// Publishers wait for a subscriber that reads slowly; a waiting one that is dropped
/// leaves nothing behind.
#[test]
fn publishers_wait_for_a_subscriber_and_no_longer() {
    check(|| {
        let gate = Arc::new(Watched::new(Gate::default()));
        let tail = Arc::new(Watched::new(0_u64));
        let number = gate.change_quietly(|gate| gate.enter(0, 1, None));
        let publishers: Vec<_> = (0..2)
            .map(|_| {
                let (gate, tail) = (Arc::clone(&gate), Arc::clone(&tail));
                spawn(async move {
                    for _ in 0..2 {
                        gate.wait_for(|gate| gate.reserve(tail.look(|end| *end), 1)).await;
                        let _room = Reserved { gate: &gate, count: 1 };
                        tail.change(|end| *end += 1);
                    }
                })
            })
            .collect();
        let dropped = {
            let (gate, tail) = (Arc::clone(&gate), Arc::clone(&tail));
            thread::spawn(move || {
                let wait = gate.wait_for(|gate| gate.reserve(tail.look(|end| *end), 1));
                let polled = futures::FutureExt::now_or_never(wait);
                drop(polled.map(|()| Reserved { gate: &gate, count: 1 }));
            })
        };
        for cursor in 0..4 {
            let seen = block_on(tail.wait_for(|end| (*end > cursor).then_some(*end)));
            assert_eq!(seen, cursor + 1, "no more than the capacity waits");
            assert!(gate.change(|gate| gate.advance(number, cursor + 1)));
        }
        dropped.join().unwrap();
        for publisher in publishers {
            block_on(publisher).unwrap();
        }
        gate.change(|gate| gate.leave(number));
    });
}
