//! How do we go on when something fails?
//!
//! Networks, disks and providers fail in few ways: for a moment, for a while, by
//! being slow, or for good. What makes an outage out of a failure is mostly the caller: all come
//! back at once, wait for ever, take every place there is, or begin an hour's work anew.
//! This crate has the known answers as values that are decided without a clock, and as thin
//! wrappers that wait on tokio's.
//!
//! # Trying again
//! A [`RetryPolicy`] says how pauses grow and spread, how often and how long to try. Only an error
//! that says it can be retried is ([`Retryable`]); a Retry-After is honoured, and where it
//! ends beyond the total deadline, [`Retry`] gives up at once. Callers of a target share a
//! [`RetryBudget`], so that retries cannot become most of its load, and an [`AdaptiveBackoff`], which stretches
//! their pauses as its failure rate grows.
//!
//! The schedule is our own and not backon's: its jitter only ever adds to a pause, and its
//! driver cannot say why it gave up or ask a budget. [`RetryPolicy::delays`] is an iterator of
//! pauses, which is what backon takes.
//!
//! # Not trying at all
//! A [`Breaker`] is the state machine of a circuit breaker: an event and a time in, an answer
//! and at most one transition out. [`CircuitBreaker`] wraps calls by it. It cannot stick half-open: a probe that
//! is cancelled makes room, and one of which nothing is heard has a deadline. Its state can be
//! watched, observed and [saved](BreakerSnapshot) over a restart.
//!
//! # Bounds
//! [`Timeout`], [`Bulkhead`] (so many at once, so many waiting, the rest refused),
//! [`RateLimit`] (by governor) and the breaker are all a [`Guard`]: they wrap a future, or through
//! [`GuardLayer`] a service of tower. [`Fallback`] asks providers in order, each with its own breaker, until an answer
//! passes the caller's check.
//!
//! Tower's own layers stay useful beside them: its retry layer needs requests that can be
//! cloned and knows no deadline, its load shedding no queue and its limits no refusal with a time.
//!
//! # Going on
//! [`Checkpoints`] keep the result of each finished step of a long operation on disk; after a crash the operation
//! goes on without repeating them. [`AutoRecovery`] carries a [`RecoveryPlan`] out: what to do about a lost
//! connection, memory pressure (which a [`MemoryProbe`] sees), a slow target or a failed deployment, and how
//! often at most.
//!
//! # What it does not do
//! It starts no task and no thread, and knows nothing of what is called. It does not decide which
//! errors are worth retrying: they say so themselves. Settings are plain values; each has a
//! `validate` whose error names field, value and allowed range.
//!
//! ```
//! use std::time::Duration;
//!
//! use evergen_resilience::{
//!     Advice, BreakerSettings, CallError, CircuitBreaker, Retry, RetryPolicy, Retryable, Timeout,
//! };
//!
//! #[derive(Debug, thiserror::Error)]
//! #[error("the connection was reset")]
//! struct Reset;
//!
//! impl Retryable for Reset {
//!     fn advice(&self) -> Advice {
//!         Advice::Retry
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let retry = Retry::new(RetryPolicy::exponential(Duration::from_millis(1)).with_max_tries(4))?;
//! let breaker = CircuitBreaker::new("prices", BreakerSettings::consecutive(3))?;
//! let timeout = Timeout::new(Duration::from_secs(2))?;
//!
//! // From the outside in: retries, the breaker that sees each of them, the timeout of each.
//! let price = retry
//!     .run(|attempt| {
//!         let ask = async move { if attempt < 3 { Err(Reset) } else { Ok(42) } };
//!         breaker.call(timeout.call(ask))
//!     })
//!     .await?;
//! assert_eq!(price, 42);
//!
//! // A third failure in a row opens the breaker: the target is left alone for a while.
//! for _ in 0..3 {
//!     let _ = breaker.call(async { Err::<(), _>(Reset) }).await;
//! }
//! let refused = breaker.call(async { Ok::<_, Reset>(()) }).await;
//! assert!(matches!(refused, Err(CallError::Refused(_))));
//! # Ok(())
//! # }
//! ```
//!
//! A long operation that goes on after a crash:
//!
//! ```
//! use evergen_resilience::Checkpoints;
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("release.checkpoints");
//! for attempt in 0..2 {
//!     let checkpoints = Checkpoints::open(&path, "release 7")?;
//!     let size: u64 = checkpoints.step_blocking("build", || {
//!         assert_eq!(attempt, 0, "a finished step does not run again");
//!         Ok::<_, std::io::Error>(1024)
//!     })?;
//!     assert_eq!(size, 1024);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod error;
mod settings;
mod sync;

mod retry;

mod breaker;

mod guard;

mod limits;

mod fallback;

mod checkpoints;

mod memory;
mod recovery;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[doc(hidden)]
pub mod fuzzing;

pub use crate::breaker::{
    Breaker, BreakerAnswer, BreakerBuilder, BreakerEvent, BreakerOpen, BreakerPermit,
    BreakerSettings, BreakerSnapshot, BreakerState, BreakerStep, BreakerView, Cause,
    CircuitBreaker, Outcome, Ticket, Transition, Trip,
};
pub use crate::checkpoints::{
    Checkpoints, FinishError, OpenError, RecordError, ResultError, StepError, TornTail,
};
pub use crate::clock::{Clock, ManualClock};
pub use crate::error::{Advice, CallError, Retryable};
pub use crate::fallback::{Fallback, FallbackError, Provided, ProviderFailure, ProviderFault};
pub use crate::guard::{Guard, GuardLayer, Guarded};
pub use crate::limits::{
    Bulkhead, BulkheadPermit, BulkheadRefusal, BulkheadSettings, RateLimit, RateLimitSettings,
    RateLimited, TimedOut, Timeout,
};
pub use crate::memory::{
    GaugeSettings, MemoryProbe, MemoryReading, MemorySource, Pressure, PressureGauge, ProbeError,
    cgroup_folder, parse_cgroup, parse_meminfo,
};
pub use crate::recovery::{
    ActionKind, AutoRecovery, FailureClass, Playbook, RecoverError, Recovered, RecoveryAction,
    RecoveryDecision, RecoveryDriver, RecoveryFailure, RecoveryHandlers, RecoveryLedger,
    RecoveryPlan,
};
pub use crate::retry::{
    AdaptiveBackoff, AdaptiveSettings, Backoff, BudgetSettings, Delays, FailureRate, Jitter,
    NextTry, Retry, RetryBudget, RetryError, RetryPolicy, RetrySchedule, StopReason, TokenBucket,
};
pub use crate::settings::SettingsError;
