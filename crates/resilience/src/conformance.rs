//! The laws of [`Guard`] and [`RecoveryDriver`] as code: an implementation is conformant if its function
//! returns. A law that does not hold is a panic that says which.
#![expect(clippy::expect_used, reason = "a law that does not hold is reported by a panic")]

use std::future::pending;
use std::sync::Arc;

use futures::FutureExt as _;

use crate::{CallError, Guard, RecoveryAction, RecoveryDriver};

/// Runs every law against guards that `make` gives. Each lets one operation run at a time, and a
/// hundred begin within a moment, of which four fail.
pub async fn check_guard<G: Guard>(make: &mut dyn FnMut() -> G) {
    results_pass_through(make()).await;
    nothing_runs_before_it_is_asked_for(make()).await;
    what_is_dropped_is_given_back(make()).await;
    clones_guard_too(make()).await;
}

async fn passes<G: Guard>(guard: &G) {
    let result = guard.guard(async { Ok::<_, &str>(7) }).await;
    assert!(matches!(result, Ok(7)), "a success comes through");
}

async fn results_pass_through<G: Guard>(guard: G) {
    for _ in 0..4 {
        let result = guard.guard(async { Err::<(), _>("down") }).await;
        assert!(matches!(result, Err(CallError::Failed("down"))), "a failure comes through");
    }
    passes(&guard).await;
}

async fn nothing_runs_before_it_is_asked_for<G: Guard>(guard: G) {
    let operation = async { unreachable!("an operation runs only when its future is polled") };
    drop(guard.guard::<(), &str, _>(operation));
    passes(&guard).await;
}

async fn what_is_dropped_is_given_back<G: Guard>(guard: G) {
    let held = Arc::new(());
    for _ in 0..50 {
        let inside = held.clone();
        let operation = async move {
            pending::<()>().await;
            drop(inside);
            Ok::<_, &str>(())
        };
        let begun = guard.guard(operation).now_or_never();
        assert!(begun.is_none(), "an operation that waits is waited for");
        assert_eq!(Arc::strong_count(&held), 1, "dropping the future drops the operation");
    }
    passes(&guard).await;
}

async fn clones_guard_too<G: Guard>(guard: G) {
    let clone = guard.clone();
    drop(guard);
    passes(&clone).await;
}

/// Takes each of `actions` for `target`, which the driver can take: once, again, and after it was dropped.
///
/// # Panics
/// If a law does not hold.
pub async fn check_recovery_driver<D: RecoveryDriver>(
    driver: Arc<D>,
    target: &str,
    actions: &[RecoveryAction],
) {
    for action in actions {
        driver.perform(target, action).await.expect("an action is taken");
        driver.perform(target, action).await.expect("an action can be taken twice");
        drop(driver.perform(target, action));
        let _ = driver.perform(target, action).now_or_never();
        let boxed: Box<dyn RecoveryDriver + '_> = Box::new(driver.clone());
        boxed.perform(target, action).await.expect("a dropped action can be taken again");
    }
}
