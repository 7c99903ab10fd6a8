//! The laws of [`SlotRuntime`], as tests for any implementation.

use std::time::Duration;

use crate::{Slot, SlotError, SlotRuntime, SlotStatus, StagedRelease, StepContext};

/// How long a stop may take before force.
const GRACE: Duration = Duration::from_secs(5);

/// Tests a runtime whose slots are empty, with two releases that start well.
///
/// # Panics
/// A law does not hold.
pub async fn check_slots(runtime: &dyn SlotRuntime, one: &StagedRelease, two: &StagedRelease) {
    an_empty_slot_is_empty(runtime).await;
    a_start_is_seen_and_may_be_repeated(runtime, one).await;
    a_slot_is_not_taken_over(runtime, one, two).await;
    slots_do_not_touch_each_other(runtime, one, two).await;
    nothing_has_an_identity_twice(runtime, one).await;
}

fn context(slot: Slot, release: &StagedRelease) -> StepContext {
    StepContext::new("conformance", 1, slot, release.clone())
}

async fn start(runtime: &dyn SlotRuntime, slot: Slot, release: &StagedRelease) -> crate::Running {
    let context = context(slot, release);
    let started = runtime.start(slot, release, &context).await;
    started.unwrap_or_else(|error| panic!("slot {slot} did not start: {error}"))
}

async fn status(runtime: &dyn SlotRuntime, slot: Slot) -> SlotStatus {
    let status = runtime.inspect(slot).await;
    status.unwrap_or_else(|error| panic!("slot {slot} can't be inspected: {error}"))
}

async fn stop(runtime: &dyn SlotRuntime, slot: Slot) {
    let stopped = runtime.stop(slot, GRACE).await;
    stopped.unwrap_or_else(|error| panic!("slot {slot} did not stop: {error}"));
    assert_eq!(status(runtime, slot).await, SlotStatus::Empty, "after a stop");
}

async fn an_empty_slot_is_empty(runtime: &dyn SlotRuntime) {
    for slot in Slot::BOTH {
        assert_eq!(status(runtime, slot).await, SlotStatus::Empty, "before anything was started");
        stop(runtime, slot).await;
    }
}

async fn a_start_is_seen_and_may_be_repeated(runtime: &dyn SlotRuntime, one: &StagedRelease) {
    let running = start(runtime, Slot::Blue, one).await;
    assert_eq!(running.release, one.id);
    assert!(!running.instances.is_empty(), "a running release has instances");
    assert_eq!(status(runtime, Slot::Blue).await.ready(), Some(&running));
    assert_eq!(start(runtime, Slot::Blue, one).await, running, "a start that is repeated");
    stop(runtime, Slot::Blue).await;
    stop(runtime, Slot::Blue).await;
}

async fn a_slot_is_not_taken_over(
    runtime: &dyn SlotRuntime,
    one: &StagedRelease,
    two: &StagedRelease,
) {
    let running = start(runtime, Slot::Green, one).await;
    let second = runtime.start(Slot::Green, two, &context(Slot::Green, two)).await;
    assert!(matches!(second, Err(SlotError::Occupied { .. })), "{second:?}");
    assert_eq!(status(runtime, Slot::Green).await.ready(), Some(&running));
    stop(runtime, Slot::Green).await;
}

async fn slots_do_not_touch_each_other(
    runtime: &dyn SlotRuntime,
    one: &StagedRelease,
    two: &StagedRelease,
) {
    let blue = start(runtime, Slot::Blue, one).await;
    let green = start(runtime, Slot::Green, two).await;
    let both = blue.endpoints();
    assert!(!green.endpoints().iter().any(|endpoint| both.contains(endpoint)), "one port twice");
    stop(runtime, Slot::Green).await;
    assert_eq!(status(runtime, Slot::Blue).await.ready(), Some(&blue));
    stop(runtime, Slot::Blue).await;
}

async fn nothing_has_an_identity_twice(runtime: &dyn SlotRuntime, one: &StagedRelease) {
    let first = start(runtime, Slot::Blue, one).await;
    stop(runtime, Slot::Blue).await;
    let second = start(runtime, Slot::Blue, one).await;
    stop(runtime, Slot::Blue).await;
    for instance in &second.instances {
        let again = first.instances.iter().any(|old| old.identity == instance.identity);
        assert!(!again, "identity `{}` came twice", instance.identity);
    }
}
