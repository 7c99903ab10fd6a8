use std::fmt;

use evergen_artifact::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::plan::{Plan, PlanKind};
use super::undo::Undo;
use crate::{
    BackupRef, Judgement, ReleaseId, Remark, Running, Slot, TrafficCounts, Verdict, Version,
};

/// A record with its place in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The epoch of the lock under which it was written.
    pub epoch: u64,
    /// When.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub record: Record,
}

impl Entry {
    /// A record that is written now.
    pub fn new(epoch: u64, at: Timestamp, record: Record) -> Self {
        Self { epoch, at, record }
    }
}

/// A fact about a deployment. All state is what follows from these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "record")]
#[non_exhaustive]
pub enum Record {
    /// A deployment began.
    Began {
        /// Its number in the environment, from 1.
        number: u64,
        /// What it does.
        plan: Box<Plan>,
        /// The digest of the plan.
        digest: Digest,
        /// The execution that it deploys, if it is one.
        execution: Option<Uuid>,
        /// When the change it brings was made, if that is known.
        changed_at: Option<Timestamp>,
        /// Who approved it, where that is needed.
        approved_by: Option<String>,
    },
    /// The effect of a step is about to be done.
    Entered {
        /// The step.
        step: usize,
    },
    /// It was done.
    Finished {
        /// The step.
        step: usize,
        /// What is to be remembered of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<StepNote>,
    },
    /// It failed, after the commit: the deployment goes on.
    Warned {
        /// The step.
        step: usize,
        /// Why.
        why: String,
    },
    /// It failed, before the commit, and a person is to decide.
    Held {
        /// Why.
        cause: Cause,
        /// Whether nobody but a person may take it back.
        for_good: bool,
    },
    /// A person lets the deployment wait before its next step.
    Paused {
        /// Who.
        by: String,
    },
    /// A person lets it go on.
    Resumed {
        /// Who.
        by: String,
    },
    /// All is taken back from here on.
    Turned {
        /// Why.
        cause: Cause,
    },
    /// A part was taken back.
    Undone {
        /// Which.
        undo: Undo,
    },
    /// A part can't be taken back, or not be published after the commit: a person must act.
    Stuck {
        /// What went wrong.
        why: String,
        /// What is left to do, in order.
        left: Vec<String>,
    },
    /// The live release has ended by itself and is about to be started again.
    Reviving {
        /// Its slot.
        slot: Slot,
    },
    /// It runs again.
    Revived {
        /// What runs.
        running: Running,
        /// A digest of the settings that it runs with now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        runs_with: Option<Digest>,
    },
    /// It did not start.
    NotRevived {
        /// Why.
        why: String,
    },
    /// It is decided: all is done from here on.
    Committed,
    /// The deployment is over.
    Ended {
        /// What became of it.
        summary: Box<Summary>,
    },
}

/// What is remembered of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "note")]
#[non_exhaustive]
pub enum StepNote {
    /// The processes that were started.
    Running {
        /// They.
        running: Running,
    },
    /// A backup that was made.
    Backup {
        /// It.
        backup: BackupRef,
    },
    /// Backups that were removed since no way back needs them.
    Discarded {
        /// They.
        backups: Vec<BackupRef>,
    },
    /// What a validator said of a release that it let pass.
    Judged {
        /// It.
        judgement: Judgement,
    },
    /// How the new slot did under traffic, compared with the old one.
    Compared {
        /// What was counted, and what follows.
        comparison: Compared,
    },
    /// Anything else, for people.
    Said {
        /// In words; redacted.
        text: String,
    },
}

impl fmt::Display for StepNote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running { running } => {
                write!(formatter, "{} instances run", running.instances.len())
            }
            Self::Backup { backup } => write!(formatter, "kept at {}", backup.location),
            Self::Discarded { backups } => write!(formatter, "{} discarded", backups.len()),
            Self::Judged { judgement } => judgement.fmt(formatter),
            Self::Compared { comparison } => comparison.fmt(formatter),
            Self::Said { text } => formatter.write_str(text),
        }
    }
}

/// What was compared while a new release was watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Compared {
    /// In how many windows both slots were counted.
    pub windows: u64,
    /// How many windows could not be counted, as when the router did not answer.
    #[serde(default)]
    pub lost: u64,
    /// What the old slot answered in them.
    pub old: TrafficCounts,
    /// What the new slot answered in them.
    pub new: TrafficCounts,
    /// What follows. Without data, it says why there is none.
    pub verdict: Verdict,
}

impl Compared {
    /// A comparison that came to `verdict`, without any window.
    pub fn new(verdict: Verdict) -> Self {
        let (old, new) = (TrafficCounts::default(), TrafficCounts::default());
        Self { windows: 0, lost: 0, old, new, verdict }
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { windows, old, new, verdict, .. } = self;
        let windows =
            if *windows == 1 { "1 window".to_owned() } else { format!("{windows} windows") };
        match verdict {
            Verdict::NoData { why } | Verdict::Impossible { why } => {
                write!(formatter, "not compared: {why}")
            }
            Verdict::Fail { why } => write!(formatter, "worse in {windows}: {why}"),
            Verdict::Pass => write!(
                formatter,
                "no worse in {windows}: {} of {} requests failed, and {} of {} in the old slot",
                new.errors, new.requests, old.errors, old.requests
            ),
        }
    }
}

/// Why a deployment is taken back or waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cause {
    /// Of which kind it is.
    pub kind: CauseKind,
    /// In words.
    pub why: String,
    /// What a validator found, if it was one that said no.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Remark>,
}

impl Cause {
    /// A cause of this kind.
    pub fn new(kind: CauseKind, why: impl Into<String>) -> Self {
        Self { kind, why: why.into(), remarks: Vec::new() }
    }

    /// Adds what a validator found.
    #[must_use]
    pub fn with_remarks(mut self, remarks: Vec<Remark>) -> Self {
        self.remarks = remarks;
        self
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.why)
    }
}

/// The kinds of causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CauseKind {
    /// A gate said no.
    Refused,
    /// A command or test of the user's failed.
    Hook,
    /// A health check failed, or had no data until its time was over.
    Health,
    /// The new release does worse than the old one under traffic.
    Worse,
    /// A backup was not made or not proven.
    Backup,
    /// The schema did not change, or does not fit.
    Migration,
    /// The release did not start.
    Start,
    /// The traffic could not be shared.
    Traffic,
    /// The release store failed.
    Store,
    /// The ledger failed.
    Ledger,
    /// A step took longer than it may.
    Deadline,
    /// A person aborted it.
    Aborted,
    /// Nobody decided in time.
    Undecided,
    /// The deployer ended in the middle.
    Interrupted,
}

/// How a deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The release is live.
    Succeeded,
    /// It was live already, and nothing was done.
    Unchanged,
    /// It never got traffic; what was live is live.
    Failed,
    /// It had got traffic, and was taken back; what was live is live.
    RolledBack,
}

/// What became of a deployment: all that history and analytics need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Summary {
    /// Its number.
    pub number: u64,
    /// Why it was made.
    pub kind: PlanKind,
    /// What was deployed.
    pub release: ReleaseId,
    /// Its name.
    pub version: Version,
    /// What was live before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Version>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, if it did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// When it began.
    pub began_at: Timestamp,
    /// When the release got its first traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_at: Option<Timestamp>,
    /// When it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Timestamp,
    /// When the change was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Timestamp>,
    /// The execution that was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<Uuid>,
    /// Whether a migration was contracted: nothing goes back beyond it by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contracted: bool,
    /// Whether it was stuck in between, so that a person had to act.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incident: bool,
    /// The backups that it made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backups: Vec<BackupRef>,
    /// The backups of earlier deployments that it removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discarded: Vec<BackupRef>,
    /// What failed after the commit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Who approved it, where that was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// A digest of the settings that the release runs with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_with: Option<Digest>,
}
