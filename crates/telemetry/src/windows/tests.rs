use std::sync::atomic::AtomicU64;
use std::time::Duration;

use proptest::prelude::*;

use crate::cells::{KIND_CELLS, OUTCOMES, Shard};
use crate::event::{Body, EventKind, TelemetryEvent};
use crate::windows::{Window, Windows};

fn count(windows: &Windows, window: Window) -> u64 {
    let at = EventKind::Query.index() * KIND_CELLS;
    windows.window(window).cells[at..at + OUTCOMES].iter().sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A window has everything that is younger than its length, and nothing that is older
    /// than its length and one slot. Times are those of the looks.
    #[test]
    fn a_window_reaches_back_its_length_and_at_most_a_slot(
        steps in prop::collection::vec((0_u64..4_000_000, 0_u64..4), 1..40)
    ) {
        let shards = [Shard::<AtomicU64>::new()];
        let mut windows = Windows::new(Duration::ZERO);
        let mut now = Duration::ZERO;
        let mut all: Vec<Duration> = Vec::new();
        for (milliseconds, events) in steps {
            now += Duration::from_millis(milliseconds);
            for _ in 0..events {
                shards[0].count(&TelemetryEvent::new("engine", Body::Query).succeeded(Duration::ZERO), 0);
                all.push(now);
            }
            windows.look(now, &shards);
            for window in Window::ALL {
                let younger = |length: Duration| all.iter().filter(|at| now.saturating_sub(**at) < length).count() as u64;
                let seen = count(&windows, window);
                match window.length() {
                    None => prop_assert_eq!(seen, all.len() as u64),
                    Some(length) => {
                        let slot = length / window.slots();
                        prop_assert!(seen >= younger(length), "{}: {} of {}", window, seen, younger(length));
                        prop_assert!(seen <= younger(length + slot), "{}: {}", window, seen);
                        prop_assert!(windows.window(window).covers <= length + slot);
                    }
                }
                prop_assert!(windows.window(window).covers <= now);
            }
        }
    }
}

#[test]
fn a_clock_that_goes_back_stands_still() {
    let shards = [Shard::<AtomicU64>::new()];
    let mut windows = Windows::new(Duration::from_secs(100));
    windows.look(Duration::from_secs(130), &shards);
    shards[0].count(&TelemetryEvent::new("engine", Body::Query), 0);
    windows.look(Duration::from_secs(10), &shards);
    assert_eq!(count(&windows, Window::Minute), 1);
    assert_eq!(windows.window(Window::Total).covers, Duration::from_secs(30));
}
