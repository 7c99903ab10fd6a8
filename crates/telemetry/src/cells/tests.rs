use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;

use crate::cells::{CELLS, Cell, KIND_CELLS, KINDS, OUTCOMES, Shard, Totals};
use crate::event::{Body, ErrorKind, EventKind, TelemetryEvent};

const KINDS_USED: [Body; 3] =
    [Body::Query, Body::Render, Body::CacheLookedUp { hits: 1, misses: 2 }];

fn event(kind: usize, nanoseconds: u64, fails: bool) -> TelemetryEvent {
    let event = TelemetryEvent::new("engine", KINDS_USED[kind]);
    let took = Duration::from_nanos(nanoseconds);
    if fails { event.failed(took, ErrorKind::Io) } else { event.succeeded(took) }
}

proptest! {
    /// However events are spread over shards and looks, the sum is that of one shard.
    #[test]
    fn shards_add_up_to_one(
        events in prop::collection::vec((0_usize..4, 0_usize..3, 0_u64..1 << 40, any::<bool>(), any::<bool>()), 0..100)
    ) {
        let shards: Vec<Shard> = (0..4).map(|_| Shard::new()).collect();
        let single = [Shard::<AtomicU64>::new()];
        let mut seen = Totals::zero();
        let mut grown = vec![0; CELLS];
        for (shard, kind, nanoseconds, fails, look) in events {
            let event = event(kind, nanoseconds, fails);
            shards[shard].count(&event, 1);
            single[0].count(&event, 1);
            if look {
                seen.look(&shards, |cell, by| grown[cell] += by);
            }
        }
        seen.look(&shards, |cell, by| grown[cell] += by);
        let mut expected = Totals::zero();
        expected.look(&single, |_, _| {});
        prop_assert_eq!(&seen.cells, &expected.cells);
        prop_assert_eq!(&grown, &expected.cells, "what looks found new adds up to the whole");
    }
}

/// A number whose every access the model checker orders anew.
struct Checked(shuttle::sync::atomic::AtomicU64);

impl Cell for Checked {
    fn zero() -> Self {
        Self(shuttle::sync::atomic::AtomicU64::new(0))
    }

    fn add(&self, value: u64, order: Ordering) {
        self.0.fetch_add(value, order);
    }

    fn get(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    fn raise(&self, value: u64) {
        self.0.fetch_max(value, Ordering::Relaxed);
    }

    fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// Two threads record into one shard and a third into another while somebody looks. In
/// every order: no look sees an outcome without its value, peaks are seen once, and in the
/// end the looks have found everything exactly once.
fn recorders_and_a_looker() {
    let shards: Arc<Vec<Shard<Checked>>> = Arc::new((0..2).map(|_| Shard::new()).collect());
    let threads: Vec<_> = (0..3_usize)
        .map(|thread| {
            let shards = Arc::clone(&shards);
            shuttle::thread::spawn(move || {
                for step in 0..2 {
                    let depth = 10 * thread as u64 + step + 1;
                    let event =
                        TelemetryEvent::new("queue", Body::QueueSampled { depth, capacity: 0 });
                    shards[thread / 2].count(&event, thread);
                }
            })
        })
        .collect();
    let mut totals = Totals::zero();
    let mut grown = vec![0_u64; CELLS];
    let mut peak = 0;
    let mut look = |grown: &mut Vec<u64>| {
        totals.look(&shards, |cell, by| grown[cell] += by);
        peak = peak.max(totals.peaks[super::PEAK_QUEUE]);
        let (outcomes, values, sum) = of_kind(grown, EventKind::QueueSampled);
        assert!(values >= outcomes, "{outcomes} outcomes, but {values} values");
        assert!(sum >= outcomes, "each value is one at least");
        (outcomes, values, sum, peak)
    };
    look(&mut grown);
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(look(&mut grown), (6, 6, 1 + 2 + 11 + 12 + 21 + 22, 22));
    let before = grown.clone();
    look(&mut grown);
    assert_eq!(grown, before, "a look without news finds none");
}

fn of_kind(cells: &[u64], kind: EventKind) -> (u64, u64, u64) {
    let cells = &cells[kind.index() * KIND_CELLS..(kind.index() + 1) * KIND_CELLS];
    (cells[..OUTCOMES].iter().sum(), cells[OUTCOMES + 1..].iter().sum(), cells[OUTCOMES])
}

#[test]
fn no_order_of_steps_loses_a_count() {
    // A look reads thousands of cells, and each is a choice of the scheduler.
    shuttle::check_random(recorders_and_a_looker, 300);
    shuttle::check_pct(recorders_and_a_looker, 100, 3);
}

#[test]
fn every_kind_has_its_place() {
    for (place, kind) in EventKind::ALL.into_iter().enumerate() {
        assert_eq!(kind.index(), place);
    }
    assert_eq!(EventKind::ALL.len(), KINDS);
}
