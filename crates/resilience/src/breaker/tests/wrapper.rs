//! The breaker around real futures.

use std::future::pending;
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use jiff::Timestamp;
use tower::{Layer as _, Service as _};

use super::super::*;
use super::secs;
use crate::{Advice, CallError, Clock, GuardLayer, Retryable as _};

fn settings() -> BreakerSettings {
    BreakerSettings::consecutive(2).with_recovery_timeout(secs(30))
}

async fn fail(breaker: &CircuitBreaker) {
    let _ = breaker.call(async { Err::<(), _>("down") }).await;
}

#[tokio::test(start_paused = true)]
async fn it_refuses_without_running_the_operation() {
    let breaker = CircuitBreaker::new("db", settings()).unwrap();
    fail(&breaker).await;
    fail(&breaker).await;
    let refused = breaker.call(async { panic!("not polled") as Result<(), &str> }).await;
    let error = refused.unwrap_err();
    assert_eq!(error.to_string(), "the breaker of db is open for another 30s");
    let CallError::Refused(open) = error else { panic!("it was refused") };
    assert_eq!(open.advice(), Advice::RetryAfter(secs(30)));
    tokio::time::advance(secs(30)).await;
    for _ in 0..2 {
        breaker.call(async { Ok::<_, &str>(()) }).await.unwrap();
    }
    assert_eq!(breaker.view().state, BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn only_what_speaks_against_the_target_counts() {
    let breaker = CircuitBreaker::new("db", settings()).unwrap();
    for _ in 0..5 {
        let result = breaker.call_with(|_| false, async { Err::<(), _>("your mistake") }).await;
        assert_eq!(result, Err(CallError::Failed("your mistake")));
    }
    assert_eq!(breaker.view().state, BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_probe_makes_room() {
    let breaker = CircuitBreaker::new("db", settings()).unwrap();
    fail(&breaker).await;
    fail(&breaker).await;
    tokio::time::advance(secs(30)).await;
    let mut probe = Box::pin(breaker.call(pending::<Result<(), &str>>()));
    assert!(probe.as_mut().now_or_never().is_none());
    assert_eq!(breaker.view().state, BreakerState::HalfOpen);
    assert!(breaker.admit().is_err(), "one probe at a time");
    drop(probe);
    assert!(breaker.admit().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_is_given_up() {
    let breaker = CircuitBreaker::new("db", settings().with_probe_timeout(secs(5))).unwrap();
    fail(&breaker).await;
    fail(&breaker).await;
    tokio::time::advance(secs(30)).await;
    let permit = breaker.admit().unwrap();
    tokio::time::advance(secs(5)).await;
    assert_eq!(breaker.admit().unwrap_err().retry_after, secs(30));
    permit.succeed();
    assert_eq!(breaker.view().state, BreakerState::Open, "its answer came too late");
}

#[tokio::test]
async fn a_panic_is_a_failure() {
    let breaker = CircuitBreaker::new("db", BreakerSettings::consecutive(1)).unwrap();
    let inner = breaker.clone();
    let task = tokio::spawn(async move {
        inner.call(async { panic!("as a handler does") as Result<(), &str> }).await
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(breaker.view().state, BreakerState::Open);
}

#[tokio::test(start_paused = true)]
async fn every_transition_is_seen() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = seen.clone();
    let breaker = CircuitBreaker::builder("db", settings())
        .with_observer(move |name, transition| {
            let Transition { from, to, number, .. } = transition;
            told.lock().unwrap().push(format!("{number} {name}: {from} to {to}"));
        })
        .build()
        .unwrap();
    let watch = breaker.watch();
    fail(&breaker).await;
    fail(&breaker).await;
    assert_eq!(watch.borrow().state, BreakerState::Open);
    breaker.reset();
    breaker.trip();
    assert_eq!(watch.borrow().state, BreakerState::Open);
    assert_eq!(watch.borrow().transitions, 3);
    let expected = ["1 db: closed to open", "2 db: open to closed", "3 db: closed to open"];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_where_it_was() {
    let breaker = CircuitBreaker::new("db", settings()).unwrap();
    breaker.trip();
    let now = Timestamp::UNIX_EPOCH;
    let (clock, hand) = Clock::manual();
    let again = CircuitBreaker::builder("db", settings())
        .with_clock(clock)
        .restored_from(breaker.snapshot(now), now)
        .build()
        .unwrap();
    assert_eq!(again.admit().unwrap_err().retry_after, secs(30));
    hand.advance(secs(30));
    assert!(again.admit().is_ok());
}

#[tokio::test(start_paused = true)]
async fn it_is_a_layer_of_tower() {
    let breaker = CircuitBreaker::new("db", settings()).unwrap();
    let layer = GuardLayer::new(breaker.clone());
    let mut service = layer.layer(tower::service_fn(
        async |fails: bool| {
            if fails { Err("down") } else { Ok("fine") }
        },
    ));
    assert_eq!(service.call(false).await, Ok("fine"));
    for _ in 0..2 {
        assert_eq!(service.call(true).await, Err(CallError::Failed("down")));
    }
    assert!(matches!(service.call(false).await, Err(CallError::Refused(_))));
    assert_eq!(breaker.view().state, BreakerState::Open, "the layer and the breaker are one");
}
