//! How does a release come into use, and back?
//!
//! What a cycle made is of use when it runs somewhere. A *release* is an immutable set of
//! files, known by its content; an *environment* has one release that is live, and others to
//! which it can go back. Whoever brings releases into use is a [`Deployer`].
//!
//! # What is here
//! The port, and [`InMemoryDeployments`], which keeps its environments in memory: for
//! programs that only want the engine, for demonstrations, and for tests. Each deployment
//! puts the changes of a cycle on top of the live release, and switches in one step, so
//! that a reader who holds a [`Release`] never sees files of another.
//!
//! # Parts that are ready
//! - [`CommandLine`] runs a program of the user's: no shell, a clean environment, secrets by
//!   reference, a deadline, and nothing of it left running. [`CommandHook`] is one at a step.
//! - [`ProbeSettings`] makes probes: a command, HTTP, TCP, or a query to Prometheus;
//!   [`wait_for_health`] waits until one passes often enough in a row.
//! - [`Comparison`] tells whether a new slot is worse than the old one, while it is watched.
//! - [`PostgresBackup`], [`FilesBackup`] and, with the feature `sqlite`, `SqliteBackup` prove each
//!   backup by a restore. [`PostgresMigrator`] changes a schema in two halves.
//! - [`WebhookNotifier`], [`CommandNotifier`] and [`GithubNotifier`] tell others, by
//!   [`deliver`], which never fails a deployment. Addresses with `https` want the feature `tls`.
//!
//! # What it does not do
//! It has no router and runs no slots: those come through [`TrafficRouter`] and [`SlotRuntime`].
//!
//! ```
//! use std::sync::Arc;
//! use evergen_artifact::{ArtifactPath, ProposedChange, ProposedChanges};
//! use evergen_deployment::{Deployer, InMemoryDeployments, DeploymentRequest, Environment};
//! use uuid::Uuid;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let staging = Environment::new("staging").with_auto_deploy(true);
//! let deployment = InMemoryDeployments::new(vec![staging])?;
//!
//! let order = ArtifactPath::parse("order.rs")?;
//! let changes = ProposedChanges::new(vec![ProposedChange::write(order.clone(), "rust", *b"struct Order;", false)]);
//! let request = DeploymentRequest::new("staging", Uuid::now_v7(), Arc::new(changes));
//! let deployed = deployment.deploy(request).await?;
//! assert_eq!(deployed.number, 1);
//!
//! let live = deployment.live("staging").ok_or("nothing is live")?;
//! assert_eq!(live.file(&order), Some(&b"struct Order;"[..]));
//! # Ok(())
//! # }
//! ```

mod values;

mod ports;

mod core;

mod config;

mod target;

mod ledger;
mod store;

mod release;

mod deployer;

mod analytics;

mod driver;

mod in_memory;
mod memory;

mod commands;
mod http;

mod probes;

mod notify;

mod backups;

mod migrations;

mod comparison;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

pub use crate::analytics::{DeploymentAnalytics, DurationFigures};
#[cfg(feature = "sqlite")]
pub use crate::backups::SqliteBackup;
pub use crate::backups::{FilesBackup, PostgresBackup, PostgresSettings};
pub use crate::commands::{
    CommandError, CommandHook, CommandLine, Finished, Invocation, SettingError,
};
pub use crate::comparison::{Comparison, ComparisonSettings, Finding, Standing, TrafficWindow};
pub use crate::config::{
    CheckSetting, CommandSetting, ConfigError, Deadlines, DeploymentConfig, DeploymentEnvironment,
    VariableSetting,
};
pub use crate::core::{
    Action, Cause, CauseKind, Course, Decision, Entry, EnvironmentState, Event, LivePoint,
    NextEffect, OpenDeployment, Opening, Outcome, PastRelease, Phase, Plan, PlanKind, PlannedStep,
    Record, StepError, StepNote, Summary, Undo, step,
};
pub use crate::deployer::{DeployError, Deployer, Deployment, DeploymentRequest, Effect};
pub use crate::driver::{
    DeployOptions, DeploymentAutomation, Drift, EnvironmentParts, EnvironmentStatus,
    OperationError, Progress, Target,
};
pub use crate::in_memory::{Environment, EnvironmentError, InMemoryDeployments};
pub use crate::ledger::DirectoryLedger;
pub use crate::memory::{MemoryLedger, MemoryRouter, MemorySlots};
pub use crate::migrations::{
    MigrationSettings, MigrationStep, PostgresMigrator, refuse_past_contract,
};
pub use crate::notify::{
    CommandNotifier, GithubNotifier, GithubSettings, SIGNATURE_HEADER, TIMESTAMP_HEADER,
    Undelivered, WebhookNotifier, WebhookSettings, deliver, signature,
};
pub use crate::ports::{
    Answer, AppendError, Backend, BackupError, BackupProvider, BackupRef, BoxError, Collected,
    ControlRequest, DeploymentLedger, Drained, HealthProbe, Hook, HookError, HookReport, Instance,
    LATENCY_BOUNDS, Lease, LedgerView, LockError, MigrationError, MigrationPhase, Migrator, Notice,
    NoticeKind, Notifier, NotifyError, ProbeTarget, Proof, ReadLedgerError, ReleaseName,
    ReleaseSource, ReleaseStore, RollbackPolicy, RollbackStrategy, RouterError, RouterState,
    Running, Side, SlotError, SlotRuntime, SlotStatus, StageError, StoreError, TrafficCounts,
    TrafficRouter, Verdict, Wish,
};
pub use crate::probes::{
    CommandProbe, Comparator, HttpProbe, HttpProbeSettings, MetricProbe, MetricProbeSettings,
    Patience, ProbeSettings, StatusRange, Streak, TcpProbe, TcpProbeSettings, wait_for_health,
};
pub use crate::release::Release;
pub use crate::store::{DirectoryReleases, PinError, PinnedRelease};
pub use crate::values::{
    Endpoint, EndpointError, Provenance, ReleaseId, Scheme, Secret, SecretError, SecretRef, Slot,
    Split, SplitError, StagedRelease, StepContext, Variables, Version, VersionError,
};
