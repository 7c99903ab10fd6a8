use std::fmt;
use std::time::Duration;

use super::policy::{Delays, RetryPolicy};
use crate::Advice;

/// Why no further try is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// The error says that trying again does not help.
    NotRetryable,
    /// The operation has run as often as it may.
    Tries,
    /// The next try would begin after the time for all of it has passed, or the last one was cut off by it.
    Deadline,
    /// The budget that callers share for retries is used up.
    Budget,
}

impl fmt::Display for StopReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotRetryable => "trying again does not help",
            Self::Tries => "no tries are left",
            Self::Deadline => "no time is left",
            Self::Budget => "the shared budget for retries is used up",
        })
    }
}

/// What to do after a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTry {
    /// Try again after this pause.
    After(Duration),
    /// Give up.
    Never(StopReason),
}

/// Decides after each failed try, without a clock.
///
/// A Retry-After is honoured: the pause is never shorter. But where it ends beyond the
/// total, waiting would be for nothing, and the schedule gives up at once.
#[derive(Clone, Debug)]
pub struct RetrySchedule {
    delays: Delays,
    total: Duration,
}

impl RetrySchedule {
    /// The schedule of one call.
    #[must_use]
    pub fn new(policy: &RetryPolicy, seed: u64) -> Self {
        Self { delays: policy.delays(seed), total: policy.total }
    }

    /// Decides after a failure that was `elapsed` after the beginning of the first try.
    /// Pauses are `stretch` times as long as the policy says; a value below 1 counts as 1.
    pub fn after_failure(&mut self, advice: Advice, elapsed: Duration, stretch: f64) -> NextTry {
        let least = match advice {
            Advice::Stop => return NextTry::Never(StopReason::NotRetryable),
            Advice::Retry => Duration::ZERO,
            Advice::RetryAfter(least) => least,
        };
        let Some(delay) = self.delays.next() else {
            return NextTry::Never(StopReason::Tries);
        };
        let stretched = Duration::try_from_secs_f64(delay.as_secs_f64() * stretch.max(1.0));
        let pause = stretched.unwrap_or(Duration::MAX).max(least);
        if elapsed.saturating_add(pause) >= self.total {
            return NextTry::Never(StopReason::Deadline);
        }
        NextTry::After(pause)
    }
}
