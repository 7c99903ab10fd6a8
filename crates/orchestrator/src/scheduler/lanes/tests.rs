use std::time::Duration;

use proptest::prelude::*;

use super::{Lanes, Rank};
use crate::scheduler::vocabulary::Lane;

const AGING: Duration = Duration::from_millis(100);

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

struct Queue {
    lanes: Lanes,
    next: u32,
}

impl Queue {
    fn new() -> Self {
        Self { lanes: Lanes::new(AGING), next: 0 }
    }

    fn push(&mut self, source: &str, came: Duration, level: u32) -> u32 {
        self.next += 1;
        let rank = Rank { due: came + AGING * level, order: self.next.into(), slot: self.next };
        self.lanes.insert(Lane::of(source), rank);
        self.next
    }

    fn pop(&mut self, now: Duration) -> Option<u32> {
        let (lane, rank) = self.lanes.pop(now)?;
        self.lanes.charge(lane, 1);
        Some(rank.slot)
    }
}

#[test]
fn the_more_urgent_goes_first_and_then_the_older() {
    let mut queue = Queue::new();
    let low = queue.push("api", at(0), 3);
    let normal = queue.push("api", at(1), 2);
    let older = queue.push("api", at(2), 0);
    let newer = queue.push("api", at(3), 0);
    let served: Vec<_> = std::iter::from_fn(|| queue.pop(at(3))).collect();
    assert_eq!(served, [older, newer, normal, low]);
}

#[test]
fn a_flood_of_critical_events_delays_a_low_one_by_its_aging_and_no_more() {
    let mut queue = Queue::new();
    let low = queue.push("file", at(0), 3);
    // One is served each millisecond, and one more critical event comes in.
    let served = (1..10_000).find(|now| {
        queue.push("file", at(*now), 0);
        queue.pop(at(*now)) == Some(low)
    });
    assert_eq!(served, Some(300), "three steps of aging");
}

#[test]
fn a_flood_from_one_source_leaves_every_second_turn_to_another() {
    let mut queue = Queue::new();
    for _ in 0..1_000 {
        queue.push("webhook", at(0), 2);
    }
    let mine: Vec<u32> = (0..10).map(|_| queue.push("file", at(50), 2)).collect();
    let first: Vec<u32> = (0..20).filter_map(|_| queue.pop(at(50))).collect();
    assert_eq!(first.iter().filter(|slot| mine.contains(slot)).count(), 10, "{first:?}");
}

#[test]
fn who_was_away_has_saved_up_nothing() {
    let mut queue = Queue::new();
    for _ in 0..100 {
        queue.push("webhook", at(0), 2);
    }
    for _ in 0..50 {
        queue.pop(at(0));
    }
    let late: Vec<u32> = (0..50).map(|_| queue.push("file", at(1), 2)).collect();
    let next: Vec<u32> = (0..20).filter_map(|_| queue.pop(at(1))).collect();
    let of_the_late = next.iter().filter(|slot| late.contains(slot)).count();
    assert!((9..=11).contains(&of_the_late), "{of_the_late} of 20");
}

proptest! {
    /// From when a key counts as critical, those of its lane that are due before it and, for
    /// each turn of the lane, one turn of every other lane can come first.
    #[test]
    fn waiting_is_bounded(
        arrivals in proptest::collection::vec((0_usize..4, 0_u32..4), 1..300),
        flood in 0_usize..4,
    ) {
        const SOURCES: [&str; 4] = ["api", "file", "git", "webhook"];
        let mut queue = Queue::new();
        for (count, (source, level)) in arrivals.iter().enumerate() {
            queue.push(SOURCES[*source], at(count as u64), *level);
        }
        let aged = at(arrivals.len() as u64) + AGING * 3;
        let mut waiting: std::collections::BTreeSet<u32> = (1..=queue.next).collect();
        let mut turns = 0_u64;
        while !waiting.is_empty() {
            queue.push(SOURCES[flood], aged + at(turns + 1), 0);
            let slot = queue.pop(aged + at(turns + 1)).unwrap();
            waiting.remove(&slot);
            turns += 1;
            prop_assert!(turns <= 4 * arrivals.len() as u64 + 4, "{} still wait", waiting.len());
        }
    }
}
