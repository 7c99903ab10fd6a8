//! What the deployment asks of the world, as traits.

mod backup;
mod forward;
mod hook;
mod migration;
mod notifier;
mod probe;
mod runtime;
mod traffic;

pub use backup::{BackupError, BackupProvider, BackupRef, Proof};
pub use hook::{Hook, HookError, HookReport};
pub use migration::{MigrationError, MigrationPhase, Migrator, Side};
pub use notifier::{Notice, NoticeKind, Notifier, NotifyError};
pub use probe::{HealthProbe, ProbeTarget, Verdict};
pub use runtime::{Instance, Running, SlotError, SlotRuntime, SlotStatus};
pub use traffic::{
    Backend, Drained, LATENCY_BOUNDS, RouterError, RouterState, TrafficCounts, TrafficRouter,
};

/// What an outside part says went wrong.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
