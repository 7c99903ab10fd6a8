//! The deployment as values: a plan, a state, and what follows from an event. No clock, no
//! file, no process.

mod machine;
mod plan;
mod record;
mod retention;
mod revival;
mod state;
mod undo;

#[cfg(test)]
mod tests;

pub use machine::{Decision, Effect as NextEffect, Event, Opening, StepError, step};
pub use plan::{Action, LivePoint, Phase, Plan, PlanKind, PlannedStep};
pub use record::{Cause, CauseKind, Compared, Entry, Outcome, Record, StepNote, Summary};
pub use retention::KeptBackup;
pub use revival::{MayRevive, Revivals};
pub use state::{Course, EnvironmentState, OpenDeployment, PastRelease};
pub use undo::Undo;
