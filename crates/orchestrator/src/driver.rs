//! The loop for real: clock, tasks, log, ports. It decides nothing.

mod engine;
mod errands;
mod graves;
mod health_loop;
mod journal;
mod lifecycle;
mod meter;
mod orchestrator;
mod perform;
mod reader;
mod record;
mod shared;
mod task;
mod token;

pub use self::graves::{BuryError, DeadEvent, DeadEvents, DeadTry, MemoryDeadEvents};
pub use self::journal::{
    ChangedArtifact, CycleFeed, CycleOutcome, CycleSummary, ParallelExecution,
};
pub use self::orchestrator::{
    ExecuteError, RegenerationOrchestrator, StartError, StopError, StopReport,
};
