//! Tasks that share a breaker, in every order that shuttle comes upon.
//!
//! Each call of the wrapper is one critical section with no point of switching inside, so an
//! order of calls is all there is to explore; the tasks switch between their calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use shuttle::future::{block_on, spawn, yield_now};

use super::super::*;
use super::secs;
use crate::Clock;

const PROBES: u32 = 2;

fn tripped() -> (CircuitBreaker, crate::ManualClock) {
    let settings = BreakerSettings::consecutive(1)
        .with_recovery_timeout(secs(30))
        .with_probe_timeout(secs(60))
        .with_probes(PROBES, 2);
    let (clock, hand) = Clock::manual();
    let breaker = CircuitBreaker::builder("db", settings).with_clock(clock).build().unwrap();
    breaker.trip();
    hand.advance(secs(30));
    (breaker, hand)
}

/// One call that switches while it runs, and is dropped, fails or succeeds.
async fn one_call(breaker: CircuitBreaker, running: Arc<AtomicU32>, kind: u32) {
    let operation = async {
        if breaker.view().state == BreakerState::HalfOpen {
            let probes = running.fetch_add(1, Ordering::SeqCst) + 1;
            assert!(probes <= PROBES, "{probes} probes at once");
            yield_now().await;
            running.fetch_sub(1, Ordering::SeqCst);
        }
        yield_now().await;
        if kind == 1 { Err("down") } else { Ok(()) }
    };
    if kind == 2 {
        // Dropped after it was admitted, while it runs.
        if let Ok(permit) = breaker.admit() {
            yield_now().await;
            drop(permit);
        }
    } else {
        let _ = breaker.call(operation).await;
    }
}

/// Of calls that all succeed or are dropped, never too many probe at once, and in the end it is
/// closed or lets the next probe through: no order makes it stick.
#[test]
fn no_order_of_calls_makes_it_stick() {
    shuttle::check_random(
        || {
            let (breaker, hand) = tripped();
            let running = Arc::new(AtomicU32::new(0));
            let tasks: Vec<_> = (0..4)
                .map(|index| spawn(one_call(breaker.clone(), running.clone(), [0, 2, 0, 2][index])))
                .collect();
            for task in tasks {
                block_on(task).unwrap();
            }
            assert_ne!(breaker.view().state, BreakerState::Open, "nothing failed");
            assert!(breaker.admit().is_ok(), "and nothing is out");
            hand.advance(secs(1));
        },
        2_000,
    );
}

/// With a failure among them it may open; the watch and the observer agree with it, and after its
/// time it lets a probe through.
#[test]
fn what_is_seen_is_what_is() {
    shuttle::check_random(
        || {
            let (breaker, hand) = tripped();
            let watch = breaker.watch();
            let running = Arc::new(AtomicU32::new(0));
            let tasks: Vec<_> = (0..4)
                .map(|kind| spawn(one_call(breaker.clone(), running.clone(), kind % 3)))
                .collect();
            for task in tasks {
                block_on(task).unwrap();
            }
            assert_eq!(*watch.borrow(), breaker.view());
            hand.advance(secs(30));
            assert!(breaker.admit().is_ok());
        },
        2_000,
    );
}
