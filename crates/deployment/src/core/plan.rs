use std::fmt;
use std::time::Duration;

use evergen_artifact::Digest;
use serde::{Deserialize, Serialize};

use crate::{ReleaseId, Side, Slot, Split, Version};

/// All that a deployment will do, decided before any of it is done.
///
/// Its [`digest`](Self::digest) is what a dry run shows, what a person approves and what is
/// applied: a plan that is applied later is made anew, and refused if its digest differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// The environment.
    pub environment: String,
    /// Why it is made.
    pub kind: PlanKind,
    /// The release that comes.
    pub release: ReleaseId,
    /// Its name.
    pub version: Version,
    /// The slot that takes it.
    pub slot: Slot,
    /// What is live when the plan is made; nothing before the first deployment.
    pub live: Option<LivePoint>,
    /// How many deployments there were when it was made: it holds only as the next one.
    pub after: u64,
    /// A digest of the environment's settings.
    pub settings: Digest,
    /// A digest of the settings that a running release depends on; nothing where none runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_with: Option<Digest>,
    /// Whether going back brings back the data of the backups too.
    pub restores_data: bool,
    /// What is done, in this order.
    pub steps: Vec<PlannedStep>,
}

impl Plan {
    /// The digest over all of it.
    pub fn digest(&self) -> Digest {
        // Maps with other keys than texts are the only thing serde_json refuses; there are none.
        let text = serde_json::to_vec(self).unwrap_or_default();
        Digest::of(&text)
    }

    /// The place of the commit among the steps.
    pub fn commit(&self) -> Option<usize> {
        self.steps.iter().position(|step| step.action == Action::Commit)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { environment, kind, version, release, slot, .. } = self;
        let (verb, short) = (kind.verb(), release.short());
        writeln!(formatter, "{verb} {version} ({short}) to {environment}, slot {slot}")?;
        match &self.live {
            Some(live) => writeln!(formatter, "live is {} in slot {}", live.version, live.slot)?,
            None => writeln!(formatter, "nothing is live yet")?,
        }
        for (number, step) in self.steps.iter().enumerate() {
            let phase = step.action.phase().name();
            writeln!(formatter, "{:>3}. {phase:<10} {}", number + 1, step.action)?;
        }
        write!(formatter, "plan {}", self.digest())
    }
}

/// Why a plan is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PlanKind {
    /// To bring a release into use.
    Deploy,
    /// To bring into use what is live in the environment before this one.
    Promote,
    /// To go back to an earlier release.
    Rollback,
}

impl PlanKind {
    /// What is done, as a verb.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Promote => "promote",
            Self::Rollback => "roll back to",
        }
    }
}

/// A release in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LivePoint {
    /// Its content.
    pub release: ReleaseId,
    /// Its name.
    pub version: Version,
    /// Where it runs.
    pub slot: Slot,
    /// The deployment that brought it, by number.
    pub deployment: u64,
    /// A digest of the settings that it runs with; nothing where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_with: Option<Digest>,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlannedStep {
    /// What is done.
    #[serde(flatten)]
    pub action: Action,
    /// How long it may take, in milliseconds. When that is over it has failed.
    pub deadline_ms: u64,
}

impl PlannedStep {
    /// An action that may take so long.
    pub fn new(action: Action, deadline: Duration) -> Self {
        Self { action, deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX) }
    }

    /// How long it may take.
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
#[non_exhaustive]
pub enum Action {
    /// Lets a validator judge what comes.
    Validate {
        /// The validator.
        hook: String,
    },
    /// Puts the release into the store, complete and checked.
    Stage,
    /// Runs a command of the user's before anything in use is touched.
    RunBefore {
        /// The command.
        hook: String,
    },
    /// Keeps data as it is.
    BackUp {
        /// Who keeps it.
        provider: String,
    },
    /// Shows that the backup restores.
    Prove {
        /// Who kept it.
        provider: String,
    },
    /// Removes backups that no way back needs any more.
    Discard {
        /// How many earlier releases are gone back to.
        keep: usize,
    },
    /// Adds to the schema what the new release needs.
    Expand {
        /// The migration.
        migration: String,
    },
    /// Asks whether one release works with the schema as it is now.
    CheckSchema {
        /// The migration.
        migration: String,
        /// Which release.
        side: Side,
    },
    /// Starts the release in its slot.
    Start,
    /// Asks the new release how it does, until it does well.
    Check {
        /// By these probes.
        probes: Vec<String>,
    },
    /// Runs tests of the user's against the new release.
    Test {
        /// The tests.
        hook: String,
    },
    /// Shares the traffic in this way.
    Shift {
        /// The shares.
        split: Split,
    },
    /// Watches the new release under its traffic.
    Watch {
        /// The shares that it is watched under.
        split: Split,
        /// For how long, in milliseconds.
        dwell_ms: u64,
        /// By these probes.
        probes: Vec<String>,
        /// Whether its errors and latencies are compared with those of the old slot.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        compares: bool,
    },
    /// Decides: before it all is undone, after it all is done.
    Commit,
    /// Makes the release the current one of the store.
    Publish,
    /// Waits until the old slot has no request in flight.
    Drain,
    /// Ends the old slot.
    Stop,
    /// Removes from the schema what only the old release needed.
    Contract {
        /// The migration.
        migration: String,
    },
    /// Runs a command of the user's when the release is live.
    RunAfter {
        /// The command.
        hook: String,
    },
    /// Removes releases that nobody goes back to.
    Collect {
        /// How many earlier ones stay.
        keep: usize,
    },
}

impl Action {
    /// The phase that the deployment is in while this is done.
    pub fn phase(&self) -> Phase {
        match self {
            Self::Validate { .. } => Phase::Validated,
            Self::Stage | Self::RunBefore { .. } => Phase::Staged,
            Self::BackUp { .. } | Self::Prove { .. } | Self::Discard { .. } => Phase::BackedUp,
            Self::Expand { .. } | Self::CheckSchema { .. } => Phase::Migrated,
            Self::Start => Phase::Started,
            Self::Check { .. } | Self::Test { .. } => Phase::Healthy,
            Self::Watch { split, .. } if split.sole().is_some() => Phase::Baking,
            Self::Shift { .. } | Self::Watch { .. } => Phase::Shifting,
            Self::Commit => Phase::Commit,
            Self::Publish => Phase::Published,
            Self::Drain
            | Self::Stop
            | Self::Contract { .. }
            | Self::RunAfter { .. }
            | Self::Collect { .. } => Phase::Draining,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Validate { hook } => write!(formatter, "judge by `{hook}`"),
            Self::Stage => formatter.write_str("put the release into the store"),
            Self::RunBefore { hook } | Self::RunAfter { hook } => {
                write!(formatter, "run `{hook}`")
            }
            Self::BackUp { provider } => write!(formatter, "back up `{provider}`"),
            Self::Prove { provider } => write!(formatter, "restore `{provider}` to try it"),
            Self::Discard { keep } => {
                write!(formatter, "keep the backups of {keep} earlier releases")
            }
            Self::Expand { migration } => write!(formatter, "expand `{migration}`"),
            Self::CheckSchema { migration, side } => {
                write!(formatter, "check the {side} release against `{migration}`")
            }
            Self::Start => formatter.write_str("start the release"),
            Self::Check { probes } => write!(formatter, "wait for {}", probes.join(", ")),
            Self::Test { hook } => write!(formatter, "test by `{hook}`"),
            Self::Shift { split } => write!(formatter, "share the traffic {split}"),
            Self::Watch { dwell_ms, probes, compares, .. } => {
                let slot = compares.then_some("the old slot");
                let by: Vec<&str> = probes.iter().map(String::as_str).chain(slot).collect();
                write!(formatter, "watch for {dwell_ms} ms")?;
                if by.is_empty() { Ok(()) } else { write!(formatter, " by {}", by.join(", ")) }
            }
            Self::Commit => formatter.write_str("commit"),
            Self::Publish => formatter.write_str("make the release the current one"),
            Self::Drain => formatter.write_str("wait until the old slot is idle"),
            Self::Stop => formatter.write_str("stop the old slot"),
            Self::Contract { migration } => write!(formatter, "contract `{migration}`"),
            Self::Collect { keep } => write!(formatter, "keep {keep} earlier releases"),
        }
    }
}

/// How far a deployment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// It is decided what would be done.
    Planned,
    /// The environment is ours.
    Locked,
    /// Gates judge the release.
    Validated,
    /// The release gets into the store.
    Staged,
    /// Data is kept, and the backup tried.
    BackedUp,
    /// The schema fits both releases.
    Migrated,
    /// The release runs without traffic.
    Started,
    /// It does well without traffic.
    Healthy,
    /// It gets some of the traffic.
    Shifting,
    /// It gets all of it, and is watched.
    Baking,
    /// It is decided: there is no undoing from here on.
    Commit,
    /// It is the current release.
    Published,
    /// The old slot ends.
    Draining,
    /// All is done.
    Done,
}

impl Phase {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Locked => "locked",
            Self::Validated => "validated",
            Self::Staged => "staged",
            Self::BackedUp => "backed up",
            Self::Migrated => "migrated",
            Self::Started => "started",
            Self::Healthy => "healthy",
            Self::Shifting => "shifting",
            Self::Baking => "baking",
            Self::Commit => "commit",
            Self::Published => "published",
            Self::Draining => "draining",
            Self::Done => "done",
        }
    }
}
