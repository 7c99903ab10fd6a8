use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use proptest::prelude::*;
use tokio::time::Instant;
use tower::{Layer as _, Service as _};

use super::semaphore::Resizable;
use super::*;
use crate::{BreakerSettings, CallError, CircuitBreaker, Clock, GuardLayer, conformance};

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test(start_paused = true)]
async fn a_timeout_drops_what_takes_too_long() {
    let timeout = Timeout::new(millis(50)).unwrap();
    let result = timeout.call(pending::<Result<(), &str>>()).await;
    assert_eq!(result, Err(CallError::Refused(TimedOut(millis(50)))));
    assert_eq!(timeout.call(async { Err::<(), _>("down") }).await, Err(CallError::Failed("down")));
    assert_eq!(timeout.call(async { Ok::<_, &str>(1) }).await, Ok(1));
    assert_eq!(
        Timeout::new(Duration::ZERO).unwrap_err().to_string(),
        "`timeout` is 0ns; allowed is 1ms to 24h"
    );
}

#[tokio::test(start_paused = true)]
async fn a_bulkhead_bounds_what_runs_and_what_waits() {
    let bulkhead = Bulkhead::new(BulkheadSettings::new(3, 4)).unwrap();
    let running = AtomicU32::new(0);
    let most = AtomicU32::new(0);
    let operation = || async {
        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::time::sleep(millis(10)).await;
        running.fetch_sub(1, Ordering::SeqCst);
        Ok::<_, &str>(())
    };
    let results = join_all((0..10).map(|_| bulkhead.call(operation()))).await;
    let full = BulkheadRefusal::Full { max_concurrent: 3, max_waiting: 4 };
    let refused = results.iter().filter(|result| **result == Err(CallError::Refused(full))).count();
    assert_eq!((results.iter().filter(|result| result.is_ok()).count(), refused), (7, 3));
    assert_eq!(most.into_inner(), 3);
    assert_eq!(bulkhead.free(), 3);
    assert_eq!(full.to_string(), "3 are running and 4 waiting, which is all that may");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_allowed() {
    let settings = BulkheadSettings::new(1, 1).with_max_wait(millis(20));
    let bulkhead = Bulkhead::new(settings).unwrap();
    let held = bulkhead.enter().await.unwrap();
    let refused = bulkhead.enter().await.unwrap_err();
    assert_eq!(refused, BulkheadRefusal::Waited { waited: millis(20) });
    drop(held);
    assert!(bulkhead.enter().await.is_ok(), "who gave up left the queue");
}

#[tokio::test(start_paused = true)]
async fn those_that_wait_are_served_in_order_and_may_leave() {
    let bulkhead = Bulkhead::new(BulkheadSettings::new(1, 2)).unwrap();
    let held = bulkhead.enter().await.unwrap();
    let mut first = Box::pin(bulkhead.enter());
    let mut second = Box::pin(bulkhead.enter());
    assert!(first.as_mut().now_or_never().is_none());
    assert!(second.as_mut().now_or_never().is_none());
    drop(first);
    let mut third = Box::pin(bulkhead.enter());
    assert!(third.as_mut().now_or_never().is_none());
    drop(held);
    assert!(third.as_mut().now_or_never().is_none());
    assert!(second.as_mut().now_or_never().is_some_and(|entered| entered.is_ok()));
    assert!(third.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_bulkhead_can_shrink_while_it_is_full() {
    let bulkhead = Bulkhead::new(BulkheadSettings::new(3, 0)).unwrap();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(bulkhead.enter().await.unwrap());
    }
    bulkhead.resize(1).unwrap();
    assert_eq!(bulkhead.max_concurrent(), 1);
    held.truncate(1);
    assert!(bulkhead.enter().await.is_err(), "one runs, which is all that may");
    held.clear();
    assert_eq!(bulkhead.free(), 1);
    assert_eq!(bulkhead.resize(0).unwrap_err().field, "max-concurrent");
}

proptest! {
    /// Whatever comes, goes and changes: in the end as many places are free as there are, and
    /// no place is given beyond the size.
    #[test]
    fn no_place_is_lost_or_made_up(
        begin in 1_usize..6,
        actions in prop::collection::vec((0..3, 0_usize..8), 1..100),
    ) {
        let places = Resizable::new(begin);
        let mut out = Vec::new();
        for (kind, number) in actions {
            match kind {
                0 => {
                    if let Some(place) = places.try_take() {
                        out.push(place);
                        prop_assert!(out.len() <= places.size());
                    } else {
                        prop_assert!(out.len() >= places.size());
                    }
                }
                1 if !out.is_empty() => drop(out.swap_remove(number % out.len())),
                _ => places.resize(number + 1),
            }
        }
        drop(out);
        prop_assert_eq!(places.free(), places.size());
    }
}

/// The same with threads that take, give back and resize at once.
#[test]
fn no_place_is_lost_between_threads() {
    let places = Resizable::new(4);
    std::thread::scope(|scope| {
        for thread in 0..4_usize {
            let places = &places;
            scope.spawn(move || {
                for round in 0..2_000 {
                    let place = places.try_take();
                    places.resize(1 + (thread + round) % 6);
                    drop(place);
                }
            });
        }
    });
    assert_eq!(places.free(), places.size());
}

#[tokio::test(start_paused = true)]
async fn every_guard_keeps_the_laws() {
    conformance::check_guard(&mut || Timeout::new(millis(50)).unwrap()).await;
    conformance::check_guard(&mut || Bulkhead::new(BulkheadSettings::new(2, 0)).unwrap()).await;
    let settings = RateLimitSettings::new(1_000, millis(1_000));
    conformance::check_guard(&mut || RateLimit::new(settings, Clock::monotonic()).unwrap()).await;
    let settings = BreakerSettings::consecutive(5);
    conformance::check_guard(&mut || CircuitBreaker::new("db", settings).unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept() {
    let settings =
        RateLimitSettings::new(10, millis(1_000)).with_burst(2).with_max_wait(millis(5_000));
    let limit = RateLimit::new(settings, Clock::monotonic()).unwrap();
    let begin = Instant::now();
    for _ in 0..12 {
        limit.wait().await.unwrap();
    }
    let elapsed = begin.elapsed();
    assert!(
        (millis(1_000)..millis(1_030)).contains(&elapsed),
        "two at once, ten in a second: {elapsed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_would_wait_too_long_is_refused_at_once() {
    let settings = RateLimitSettings::new(1, millis(1_000)).with_max_wait(millis(500));
    let (clock, hand) = Clock::manual();
    let limit = RateLimit::new(settings, clock).unwrap();
    limit.check().unwrap();
    let begin = Instant::now();
    assert_eq!(limit.wait().await.unwrap_err().retry_after, millis(1_000));
    assert_eq!(begin.elapsed(), Duration::ZERO);
    hand.advance(millis(1_000));
    limit.check().unwrap();
    let absurd = RateLimitSettings { permits: 0, ..settings };
    assert_eq!(
        absurd.validate().unwrap_err().to_string(),
        "`permits` is 0; allowed is 1 to 1000000"
    );
}

#[tokio::test(start_paused = true)]
async fn guards_are_stacked_as_layers() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let inner = tower::service_fn(move |(): ()| {
        count.fetch_add(1, Ordering::SeqCst);
        pending::<Result<(), &'static str>>()
    });
    let timeout = GuardLayer::new(Timeout::new(millis(50)).unwrap());
    let bulkhead = GuardLayer::new(Bulkhead::new(BulkheadSettings::new(1, 0)).unwrap());
    let mut service = bulkhead.layer(timeout.layer(inner));
    let (first, second) = futures::join!(service.call(()), service.clone().call(()));
    assert_eq!(first, Err(CallError::Failed(CallError::Refused(TimedOut(millis(50))))));
    assert!(matches!(second, Err(CallError::Refused(BulkheadRefusal::Full { .. }))));
    assert!(service.call(()).await.unwrap_err().failed().is_some(), "the place is free again");
}
