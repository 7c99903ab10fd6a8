//! What the deployment asks of the world, as traits.

mod backup;
mod forward;
mod hook;
mod ledger;
mod migration;
mod notifier;
mod policy;
mod probe;
mod runtime;
mod store;
mod traffic;
mod validator;

pub use backup::{BackupError, BackupProvider, BackupRef, Proof};
pub use hook::{Hook, HookError, HookReport};
pub use ledger::{
    AppendError, ControlRequest, DeploymentLedger, Lease, LedgerView, LockError, ReadLedgerError,
    Wish,
};
pub use migration::{MigrationError, MigrationPhase, Migrator, Side};
pub use notifier::{Notice, NoticeKind, Notifier, NotifyError};
pub use policy::{Answer, RollbackPolicy, RollbackStrategy};
pub use probe::{HealthProbe, ProbeTarget, Verdict};
pub use runtime::{Instance, Running, SlotError, SlotRuntime, SlotStatus};
pub use store::{Collected, ReleaseName, ReleaseSource, ReleaseStore, StageError, StoreError};
pub use traffic::{
    Backend, Drained, LATENCY_BOUNDS, RouterError, RouterState, TrafficCounts, TrafficRouter,
};
pub use validator::{Candidate, Judgement, ReleaseValidator, Remark, RemarkLevel, ValidationError};

/// What an outside part says went wrong.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
