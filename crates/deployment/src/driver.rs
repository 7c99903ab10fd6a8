//! The thin part: takes the lock, asks the machine, keeps the records, does the effects.

mod automation;
mod by_itself;
mod effects;
mod errors;
mod judging;
mod looking;
mod meter;
mod parts;
mod planning;
mod probing;
mod recovery;
mod revival;
mod run;
mod verbs;

pub use automation::{DeployOptions, DeploymentAutomation, Progress};
pub use errors::OperationError;
pub use looking::Drift;
pub use parts::{EnvironmentParts, Target};
pub use revival::Revival;
pub use verbs::EnvironmentStatus;
