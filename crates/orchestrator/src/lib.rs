//! When is what done?
//!
//! Events of change come in by the thousand, work on them takes time, fails, hangs and panics,
//! and what was taken over must take effect, once, also when the process is killed. This crate
//! is the loop in between: it takes events from a log, has them worked on through ports, and
//! acknowledges them when their effect is there.
//!
//! # Decide first, act later
//! All that is decided is decided by [`Scheduler`], a value: give it what happened and when, and
//! it says what to do. It has no clock, starts no task, and its only chance is a seed, so that
//! millions of steps of a world that goes wrong pass in seconds, with every law of the loop
//! held at each of them, and a seed that failed fails again. [`RegenerationOrchestrator`] is
//! the loop for real: a clock, tasks, the log, the ports, and no decision.
//! [`AdaptiveLimiter`], [`Statistics`], [`HealthRules`] and [`recommend`] are values as well.
//!
//! # What becomes of an event
//! Events of one [key](evergen_regeneration::Regenerator::key) wait until that key is quiet, and
//! are handed over together; a key has one task at a time, and what comes in meanwhile
//! waits. The most urgent key goes first, waiting makes urgent, and a source that floods leaves the
//! others their share. A task prepares its work, asks the gates, and has to win a right before it
//! commits. When it is overdue, that right is taken away: so a task that was given up
//! has no effect, and one that commits already is waited for and not tried again.
//! Failures are tried again after a growing pause, by a breaker for each component, and end as
//! [dead events](DeadEvents) with their history. An event is acknowledged when its effect is there
//! or it is kept as dead, and not before; after a crash the log gives the rest again.
//!
//! What waits is bounded by [`queue_capacity`](OrchestratorConfig::queue_capacity). The rest stays
//! in the log, where it is safe, and where publishers feel it.
//!
//! # What it deliberately does not do
//! It does not know what an artifact, a gate or a release is: that is behind the ports. It
//! does not keep the log, does not schedule by the clock, and does not share work with
//! other machines. It can't end a task that blocks a thread: such a task is told of, its place
//! is given to others after a while, and it has no effect.
//!
//! A deployment that was not reached when the process died is not made up for by itself:
//! regenerating again finds nothing to change, and the next change is deployed with it.
//!
//! ```
//! use std::sync::Arc;
//! use evergen_deployment::InMemoryDeployments;
//! use evergen_events::{ChangeEvent, GraphChangeNotifier};
//! use evergen_orchestrator::{OrchestratorConfig, RegenerationOrchestrator};
//! use evergen_regeneration::MemoryRegenerator;
//! use evergen_telemetry::{TelemetryCollector, TelemetryConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let notifier = GraphChangeNotifier::default();
//! let regenerator = MemoryRegenerator::new();
//! let orchestrator = RegenerationOrchestrator::new(
//!     OrchestratorConfig::builder().max_concurrent(4).debounce_ms(5).build()?,
//!     Arc::new(regenerator.clone()),
//!     Arc::new(InMemoryDeployments::new(Vec::new())?),
//!     TelemetryCollector::new(TelemetryConfig::default())?,
//!     notifier.clone(),
//! );
//! let mut cycles = orchestrator.follow_cycles();
//! orchestrator.start().await?;
//!
//! notifier.publish(ChangeEvent::node_added("http://example.org/Order")).await?;
//! let cycle = cycles.next().await.ok_or("no cycle")?;
//! assert_eq!((cycle.tasks_succeeded, cycle.tasks_failed), (1, 0));
//! assert_eq!(regenerator.artifacts().len(), 1);
//!
//! orchestrator.stop().await?;
//! assert_eq!(orchestrator.get_stats().events_processed, 1);
//! # Ok(())
//! # }
//! ```

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
