//! How does a release come into use, and back?
//!
//! What a cycle made is of use when it runs somewhere. A *release* is an immutable set of
//! files, known by its content and named by a version; an *environment* has one that is
//! live, and others to which it can go back. The dangerous part lies between the two: a
//! disk fills up, a process is killed, a new release starts and then fails under traffic,
//! and somebody has to know whether old or new is in use. This crate takes that off your hands.
//!
//! # Decided first, done later
//! A [`Plan`] holds all steps of a deployment, and its digest is what a dry run shows, what a person
//! approves, and what is applied. The state of an environment is the fold of the [`Record`]s in its
//! ledger, and [`step`] takes a state and an [`Event`] to records and one effect. It knows no
//! clock and no file, so that its laws are tested over thousands of runs in a moment: every
//! deployment ends, and at every moment something serves.
//!
//! # One record decides
//! Records are kept before the effect they announce is done. Up to the record of the commit
//! all can be undone, traffic first; from there on all can be done again. So a start after a crash
//! needs no guess: [`DeploymentAutomation::recover`], and every verb by itself, takes back
//! what has no commit record and finishes what has one. The ledger is a chain of hashes: a
//! write that was cut short is cut, and a record that was edited is told with its place.
//!
//! # A folder is enough
//! [`DirectoryReleases`] keeps releases by content and switches a link by one rename; a
//! [`PinnedRelease`] reads one of them to its end whatever is switched meanwhile. Where releases
//! run as processes, a [`SlotRuntime`] starts them in two slots and a [`TrafficRouter`] moves the
//! traffic over in steps, watched by [`HealthProbe`]s. Backups are proven before they count
//! ([`BackupProvider`]), and schemas change in two halves ([`Migrator`]).
//!
//! # Parts that are ready
//! - [`CommandLine`] runs a program of the user's: no shell, a clean environment, secrets by
//!   reference, a deadline, and nothing of it left running. [`CommandHook`] is one at a step.
//! - [`ProbeSettings`] makes probes: a command, HTTP, TCP, or a query to Prometheus;
//!   [`wait_for_health`] waits until one passes often enough in a row.
//! - [`Comparison`] tells whether a new slot is worse than the old one, while it is watched; the
//!   driver feeds it with what the router counts ([`CompareSetting`]).
//! - [`CommandValidator`] judges a release before anything of it is staged, as any
//!   [`ReleaseValidator`] does.
//! - [`PostgresBackup`], [`FilesBackup`] and, with the feature `sqlite`, `SqliteBackup` prove each
//!   backup by a restore. [`PostgresMigrator`] changes a schema in two halves.
//! - [`WebhookNotifier`], [`CommandNotifier`] and [`GithubNotifier`] tell others, by
//!   [`deliver`], which never fails a deployment. Addresses with `https` want the feature `tls`.
//!
//! # What it does not do
//! It has no router and runs no slots: those come through [`TrafficRouter`] and [`SlotRuntime`].
//! What it starts itself are the commands of hooks, checks and backups, which end with their step. A
//! [`DeploymentAutomation`] has no thread of its own; a verb is a future, and dropping it is like
//! killing the process there. Nothing is done by itself between two verbs, unless somebody polls
//! [`DeploymentAutomation::keep_alive`].
//! [`InMemoryDeployments`] needs not even a folder.
//!
//! ```
//! use evergen_deployment::{
//!     DeployOptions, DeploymentAutomation, DeploymentConfig, DeploymentEnvironment, Outcome,
//!     PinnedRelease, Version,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let (built, target) = (folder.path().join("built"), folder.path().join("target"));
//! let staging = DeploymentEnvironment::new("staging", &target);
//! let deployment = DeploymentAutomation::new(&DeploymentConfig::new(vec![staging])?)?;
//!
//! # std::fs::create_dir(&built)?;
//! std::fs::write(built.join("index.html"), "first")?;
//! let version = Version::parse("1.0.0")?;
//! let plan = deployment.plan("staging", &built, &version, &DeployOptions::default()).await?;
//! assert!(!target.exists(), "a plan writes nothing");
//! let options = DeployOptions::default().expecting(plan.digest());
//! deployment.deploy("staging", &built, &version, options).await?;
//!
//! let reader = PinnedRelease::open(&target)?;
//! std::fs::write(built.join("index.html"), "second")?;
//! let version = Version::parse("1.0.1")?;
//! let done = deployment.deploy("staging", &built, &version, DeployOptions::default()).await?;
//! assert_eq!(done.outcome, Outcome::Succeeded);
//! assert_eq!(std::fs::read(target.join("current/index.html"))?, b"second");
//! assert_eq!(reader.read("index.html")?, b"first");
//!
//! deployment.rollback("staging", None).await?;
//! assert_eq!(std::fs::read(target.join("current/index.html"))?, b"first");
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
    CommandError, CommandHook, CommandLine, CommandValidator, Finished, Invocation, SettingError,
};
pub use crate::comparison::{Comparison, ComparisonSettings, Finding, Standing, TrafficWindow};
pub use crate::config::{
    CheckSetting, CommandSetting, CompareSetting, ConfigError, Deadlines, DeploymentConfig,
    DeploymentEnvironment, VariableSetting,
};
pub use crate::core::{
    Action, Cause, CauseKind, Compared, Course, Decision, Entry, EnvironmentState, Event,
    KeptBackup, LivePoint, MayRevive, NextEffect, OpenDeployment, Opening, Outcome, PastRelease,
    Phase, Plan, PlanKind, PlannedStep, Record, Revivals, StepError, StepNote, Summary, Undo, step,
};
pub use crate::deployer::{DeployError, Deployer, Deployment, DeploymentRequest, Effect};
pub use crate::driver::{
    DeployOptions, DeploymentAutomation, Drift, EnvironmentParts, EnvironmentStatus,
    OperationError, Progress, Revival, Target,
};
pub use crate::in_memory::{Environment, EnvironmentError, InMemoryDeployments};
pub use crate::ledger::DirectoryLedger;
pub use crate::memory::{
    MemoryBackup, MemoryHook, MemoryLedger, MemoryMigrator, MemoryNotifier, MemoryProbe,
    MemoryReleases, MemoryRouter, MemorySlots, MemoryValidator,
};
pub use crate::migrations::{MigrationSettings, MigrationStep, PostgresMigrator};
pub use crate::notify::{
    CommandNotifier, GithubNotifier, GithubSettings, SIGNATURE_HEADER, TIMESTAMP_HEADER,
    Undelivered, WebhookNotifier, WebhookSettings, deliver, signature,
};
pub use crate::ports::{
    Answer, AppendError, Backend, BackupError, BackupProvider, BackupRef, BoxError, Candidate,
    Collected, ControlRequest, DeploymentLedger, Drained, HealthProbe, Hook, HookError, HookReport,
    Instance, Judgement, LATENCY_BOUNDS, Lease, LedgerView, LockError, MigrationError,
    MigrationPhase, Migrator, Notice, NoticeKind, Notifier, NotifyError, ProbeTarget, Proof,
    ReadLedgerError, ReleaseName, ReleaseSource, ReleaseStore, ReleaseValidator, Remark,
    RemarkLevel, RollbackPolicy, RollbackStrategy, RouterError, RouterState, Running, Side,
    SlotError, SlotRuntime, SlotStatus, StageError, StoreError, TrafficCounts, TrafficRouter,
    ValidationError, Verdict, Wish,
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
