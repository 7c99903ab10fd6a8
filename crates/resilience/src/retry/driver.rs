use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::adaptive::AdaptiveBackoff;
use super::budget::RetryBudget;
use super::policy::RetryPolicy;
use super::schedule::{NextTry, RetrySchedule, StopReason};
use crate::{Advice, Retryable, SettingsError};

/// Runs operations again by a [`RetryPolicy`]. Cheap to clone; clones share the seed's sequence,
/// the budget and the failure rate.
#[derive(Clone, Debug)]
pub struct Retry {
    policy: RetryPolicy,
    budget: Option<RetryBudget>,
    adaptive: Option<AdaptiveBackoff>,
    seeds: Arc<AtomicU64>,
}

/// The operation did not succeed, and is not tried again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("gave up after {tries} tries in {elapsed:?}: {reason}")]
#[non_exhaustive]
pub struct RetryError<E> {
    /// What the last finished try failed with; none if the first one was cut off by the deadline.
    #[source]
    pub last: Option<E>,
    /// How often the operation was begun.
    pub tries: u32,
    /// How long all of it took.
    pub elapsed: Duration,
    /// Why it is not tried again.
    pub reason: StopReason,
}

impl Retry {
    /// Retries by `policy`, with a random seed.
    pub fn new(policy: RetryPolicy) -> Result<Self, SettingsError> {
        policy.validate()?;
        let seeds = Arc::new(AtomicU64::new(fastrand::u64(..)));
        Ok(Self { policy, budget: None, adaptive: None, seeds })
    }

    /// Draws the jitter from this seed: the same calls in the same order wait equally long.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seeds: Arc::new(AtomicU64::new(seed)), ..self }
    }

    /// Takes each retry out of a budget that is shared with others.
    #[must_use]
    pub fn with_budget(self, budget: RetryBudget) -> Self {
        Self { budget: Some(budget), ..self }
    }

    /// Waits longer while the target fails more.
    #[must_use]
    pub fn with_adaptive(self, adaptive: AdaptiveBackoff) -> Self {
        Self { adaptive: Some(adaptive), ..self }
    }

    /// Runs `operation` until it succeeds or is not to be tried again; it is given the
    /// number of the try, from 1 on.
    ///
    /// A try that is still running when the policy's total has passed is dropped.
    ///
    /// # Cancellation
    /// Dropping the future drops the running try or ends the pause. Nothing else is left
    /// behind: no task was started, and a retry already taken from the budget stays taken.
    pub async fn run<T, E, F, Fut>(&self, operation: F) -> Result<T, RetryError<E>>
    where
        F: FnMut(u32) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Retryable,
    {
        self.run_with(Retryable::advice, operation).await
    }

    /// Does the same for errors that do not speak for themselves.
    ///
    /// # Cancellation
    /// As for [`run`](Self::run).
    pub async fn run_with<T, E, C, F, Fut>(
        &self,
        classify: C,
        mut operation: F,
    ) -> Result<T, RetryError<E>>
    where
        C: Fn(&E) -> Advice,
        F: FnMut(u32) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let begin = Instant::now();
        let seed = self.seeds.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        let mut schedule = RetrySchedule::new(&self.policy, seed);
        let mut last = None;
        let mut tries = 0;
        if let Some(budget) = &self.budget {
            budget.deposit();
        }
        let reason = loop {
            tries += 1;
            let Ok(result) = timeout_at(begin + self.policy.total, operation(tries)).await else {
                self.note(true);
                break StopReason::Deadline;
            };
            let error = match result {
                Ok(value) => {
                    self.note(false);
                    return Ok(value);
                }
                Err(error) => error,
            };
            let advice = classify(&error);
            self.note(advice != Advice::Stop);
            last = Some(error);
            match self.next(&mut schedule, advice, begin.elapsed()) {
                NextTry::Never(reason) => break reason,
                NextTry::After(pause) => {
                    tracing::debug!(tries, ?pause, "a try failed; waiting for the next");
                    sleep(pause).await;
                }
            }
        };
        Err(RetryError { last, tries, elapsed: begin.elapsed(), reason })
    }

    /// An error that trying again does not mend says nothing of the target's health.
    fn note(&self, failed: bool) {
        if let Some(adaptive) = &self.adaptive {
            adaptive.record(failed);
        }
    }

    fn next(&self, schedule: &mut RetrySchedule, advice: Advice, elapsed: Duration) -> NextTry {
        let stretch = self.adaptive.as_ref().map_or(1.0, AdaptiveBackoff::stretch);
        let next = schedule.after_failure(advice, elapsed, stretch);
        let wants_more = matches!(next, NextTry::After(_));
        if wants_more && self.budget.as_ref().is_some_and(|budget| !budget.withdraw()) {
            return NextTry::Never(StopReason::Budget);
        }
        next
    }
}
