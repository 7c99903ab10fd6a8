//! How we go on when something fails.

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
