//! The laws of [`TrafficRouter`], as tests for any implementation.

use std::time::Duration;

use crate::{Endpoint, RouterError, Slot, Split, TrafficRouter};

/// Tests a router that knows no endpoints and gets no requests, with one endpoint for each
/// slot (something should answer there).
///
/// # Panics
/// A law does not hold.
pub async fn check_router(router: &dyn TrafficRouter, blue: &Endpoint, green: &Endpoint) {
    nobody_gets_no_traffic(router).await;
    let endpoints = [blue, green].map(std::slice::from_ref);
    for (slot, endpoints) in Slot::BOTH.into_iter().zip(endpoints) {
        ok("point", router.point(slot, endpoints).await);
        let state = ok("read", router.read().await);
        assert_eq!(state.backend(slot).endpoints, endpoints, "endpoints are read back");
    }
    what_is_set_is_read(router).await;
    a_slot_with_traffic_keeps_its_endpoints(router).await;
    only_a_slot_without_traffic_drains(router).await;
    counts_grow(router).await;
}

fn ok<T>(what: &str, answer: Result<T, RouterError>) -> T {
    answer.unwrap_or_else(|error| panic!("{what}: {error} ({error:?})"))
}

async fn nobody_gets_no_traffic(router: &dyn TrafficRouter) {
    let set = router.set(Split::all(Slot::Green)).await;
    assert!(matches!(set, Err(RouterError::Refused { .. })), "traffic for nobody: {set:?}");
}

async fn what_is_set_is_read(router: &dyn TrafficRouter) {
    for permille in [0, 100, 500, 1000, 1000, 250, 0] {
        let split = ok("a split", Split::giving(Slot::Green, permille).map_err(refused));
        ok("set", router.set(split).await);
        assert_eq!(ok("read", router.read().await).split, Some(split), "what was set");
    }
}

fn refused(error: crate::SplitError) -> RouterError {
    RouterError::Refused { why: error.to_string() }
}

async fn a_slot_with_traffic_keeps_its_endpoints(router: &dyn TrafficRouter) {
    ok("set", router.set(Split::all(Slot::Blue)).await);
    let before = ok("read", router.read().await);
    let taken = router.point(Slot::Blue, &[]).await;
    assert!(matches!(taken, Err(RouterError::Refused { .. })), "endpoints under load: {taken:?}");
    assert_eq!(ok("read", router.read().await), before, "a refusal changes nothing");
    ok("forget", router.point(Slot::Green, &[]).await);
    let set = router.set(Split::all(Slot::Green)).await;
    assert!(matches!(set, Err(RouterError::Refused { .. })), "traffic for nobody: {set:?}");
    assert_eq!(ok("read", router.read().await).split, before.split);
}

async fn only_a_slot_without_traffic_drains(router: &dyn TrafficRouter) {
    let drained = ok("drain", router.drain(Slot::Green, Duration::from_secs(5)).await);
    assert!(drained.is_idle(), "a slot without requests is idle: {drained:?}");
    let refused = router.drain(Slot::Blue, Duration::from_millis(50)).await;
    assert!(matches!(refused, Err(RouterError::Refused { .. })), "drained under load: {refused:?}");
}

async fn counts_grow(router: &dyn TrafficRouter) {
    for slot in Slot::BOTH {
        let first = ok("counts", router.counts(slot).await);
        let second = ok("counts", router.counts(slot).await);
        assert!(second.since(&first).is_some(), "{second:?} after {first:?}");
    }
}
