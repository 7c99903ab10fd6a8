//! When is what done? Queue, cycles, limits, health, tuning.

mod config;

mod limiter;
mod scheduler;

mod cost;
mod health;
mod recommend;
mod statistics;

mod driver;

pub use crate::config::{
    Amount, BreakerSettings, ConfigError, OrchestratorConfig, OrchestratorConfigBuilder, RateLimit,
    RetrySettings,
};
pub use crate::cost::{Cost, CostLedger, CostSummary};
pub use crate::driver::{
    BuryError, ChangedArtifact, CycleFeed, CycleOutcome, CycleSummary, DeadEvent, DeadEvents,
    DeadTry, ExecuteError, MemoryDeadEvents, ParallelExecution, RegenerationOrchestrator,
    StartError, StopError, StopReport,
};
pub use crate::health::{
    HealthFinding, HealthInput, HealthProblem, HealthReport, HealthRules, HealthStatus,
    ResourceProbe, Resources, SystemResources,
};
pub use crate::limiter::{AdaptiveLimiter, Completion, LimitChange, LimitReason};
pub use crate::recommend::{Advice, Evidence, Recommendation, recommend};
pub use crate::scheduler::{
    Arrival, Attempt, Burial, Component, CycleEnd, CycleId, Effect, Ending, ErrandId, Failure,
    FailureKind, Input, Lane, Notice, Outcome, Scheduler, SchedulerView, TaskId, Urgency,
};
pub use crate::statistics::{
    OrchestrationStats, Percentiles, Statistics, StatisticsFile, StatisticsFileError,
    StatisticsNotice, Tally, WindowStats,
};
