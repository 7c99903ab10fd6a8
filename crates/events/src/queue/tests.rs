use std::time::Duration;

use proptest::prelude::*;

use crate::{Priority, PriorityQueue, QueueSettings, Source};

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn settings() -> QueueSettings {
    QueueSettings::default().with_capacity(100).with_aging(ms(100)).with_max_sources(4)
}

fn drain<T>(queue: &mut PriorityQueue<T>, now: Duration) -> Vec<T> {
    std::iter::from_fn(|| queue.pop(now)).map(|popped| popped.item).collect()
}

#[test]
fn the_urgent_goes_first_and_equals_keep_their_order() {
    let mut queue = PriorityQueue::new(settings()).unwrap();
    for (item, priority) in [
        ("l", Priority::Low),
        ("n1", Priority::Normal),
        ("c", Priority::Critical),
        ("n2", Priority::Normal),
        ("h", Priority::High),
    ] {
        queue.push(priority, &Source::API, item, ms(0)).unwrap();
    }
    assert_eq!((queue.len(), queue.room(), queue.count(Priority::Normal)), (5, 95, 2));
    assert_eq!(drain(&mut queue, ms(0)), ["c", "h", "n1", "n2", "l"]);
    assert!(queue.is_empty() && queue.pop(ms(0)).is_none());
}

#[test]
fn waiting_makes_urgent() {
    let mut queue = PriorityQueue::new(settings()).unwrap();
    queue.push(Priority::Low, &Source::API, "low", ms(0)).unwrap();
    queue.push(Priority::Critical, &Source::API, "critical", ms(299)).unwrap();
    assert_eq!(queue.pop(ms(299)).unwrap().item, "critical");
    queue.push(Priority::Critical, &Source::API, "critical", ms(301)).unwrap();
    let popped = queue.pop(ms(301)).unwrap();
    assert_eq!((popped.item, popped.priority, popped.waited), ("low", Priority::Low, ms(301)));
}

#[test]
fn sources_take_turns_among_equals() {
    let mut queue = PriorityQueue::new(settings()).unwrap();
    let noisy = Source::new("noisy");
    for item in 0..6 {
        queue.push(Priority::Normal, &noisy, format!("noisy {item}"), ms(0)).unwrap();
    }
    for item in 0..2 {
        queue.push(Priority::Normal, &Source::API, format!("api {item}"), ms(0)).unwrap();
    }
    let order = drain(&mut queue, ms(0));
    assert_eq!(order[..4], ["noisy 0", "api 0", "noisy 1", "api 1"]);
}

#[test]
fn an_urgent_item_does_not_wait_for_its_sources_turn() {
    let mut queue = PriorityQueue::new(settings()).unwrap();
    for item in 0..3 {
        queue.push(Priority::Normal, &Source::API, item, ms(0)).unwrap();
        queue.push(Priority::Normal, &Source::GIT, 10 + item, ms(0)).unwrap();
    }
    assert_eq!(queue.pop(ms(0)).unwrap().item, 0);
    queue.push(Priority::Critical, &Source::API, 7, ms(0)).unwrap();
    assert_eq!(queue.pop(ms(0)).unwrap().item, 7);
}

#[test]
fn a_full_queue_gives_the_item_back() {
    let mut queue = PriorityQueue::new(settings().with_capacity(1)).unwrap();
    queue.push(Priority::Low, &Source::API, 1, ms(0)).unwrap();
    let full = queue.push(Priority::Critical, &Source::API, 2, ms(0)).unwrap_err();
    assert_eq!((full.item, full.capacity), (2, 1));
    assert_eq!(full.to_string(), "the queue is full: 1 items wait");
}

#[test]
fn absurd_settings_are_named() {
    for (wrong, field) in [
        (settings().with_capacity(0), "capacity"),
        (settings().with_max_sources(5000), "max_sources"),
        (settings().with_aging(Duration::ZERO), "aging"),
    ] {
        assert_eq!(PriorityQueue::<()>::new(wrong).unwrap_err().field, field);
    }
}

#[test]
fn the_bound_can_be_computed() {
    let settings = settings().with_capacity(3).with_max_sources(1);
    // One lane of its own and the shared one: 1 + 2 + 2.
    assert_eq!(settings.takes_bound(), 5);
    assert_eq!(settings.wait_bound(Priority::Low, ms(10)), ms(300 + 50));
    assert_eq!(settings.wait_bound(Priority::Critical, ms(10)), ms(50));
    assert_eq!(settings.with_max_sources(9).takes_bound(), 6);
    let queue = PriorityQueue::<()>::new(settings).unwrap();
    assert_eq!(queue.settings(), &settings);
}

proptest! {
    /// Whatever is pushed against it: the queue is always refilled, with what hurts most.
    #[test]
    fn nothing_waits_longer_than_the_bound(
        capacity in 1_usize..12,
        max_sources in 1_usize..5,
        aging in 1_u64..40,
        pace in 1_u64..20,
        arrivals in proptest::collection::vec((0_u32..4, 0_u8..7), 300..600),
    ) {
        let settings = QueueSettings::default()
            .with_capacity(capacity)
            .with_max_sources(max_sources)
            .with_aging(ms(aging));
        let mut queue = PriorityQueue::new(settings).unwrap();
        let mut now = ms(0);
        let mut arrivals = arrivals.into_iter().enumerate();
        let mut taken = 0;
        loop {
            while queue.room() > 0 {
                let Some((number, (rank, source))) = arrivals.next() else { break };
                let source = Source::new(format!("s{source}"));
                queue.push(Priority::ALL[rank as usize], &source, number, now).unwrap();
            }
            now += ms(pace);
            let Some(popped) = queue.pop(now) else { break };
            taken += 1;
            let bound = settings.wait_bound(popped.priority, ms(pace));
            prop_assert!(popped.waited <= bound, "{:?} > {bound:?}", popped.waited);
        }
        prop_assert!(taken >= 300);
        prop_assert!(Priority::ALL.iter().all(|priority| queue.count(*priority) == 0));
    }

    /// A source that floods the queue does not slow another one down by more than half.
    #[test]
    fn a_flood_leaves_every_second_turn(flood in 2_usize..50, modest in 1_usize..50) {
        let mut queue = PriorityQueue::new(settings()).unwrap();
        for _ in 0..flood {
            queue.push(Priority::Normal, &Source::new("flood"), false, ms(0)).unwrap();
        }
        for _ in 0..modest {
            queue.push(Priority::Normal, &Source::API, true, ms(0)).unwrap();
        }
        let order = drain(&mut queue, ms(0));
        let shared = 2 * flood.min(modest);
        prop_assert_eq!(order[..shared].iter().filter(|item| **item).count(), shared / 2);
    }
}
