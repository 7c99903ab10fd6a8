mod adaptive;
mod budget;
mod driver;
mod policy;
mod schedule;

#[cfg(test)]
mod tests;

pub use self::adaptive::{AdaptiveBackoff, AdaptiveSettings, FailureRate};
pub use self::budget::{BudgetSettings, RetryBudget, TokenBucket};
pub use self::driver::{Retry, RetryError};
pub use self::policy::{Backoff, Delays, Jitter, RetryPolicy};
pub use self::schedule::{NextTry, RetrySchedule, StopReason};
