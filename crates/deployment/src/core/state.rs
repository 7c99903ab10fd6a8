use std::collections::BTreeSet;

use evergen_artifact::Digest;
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::plan::{Action, LivePoint, Phase, Plan, PlanKind};
use super::record::{Cause, Entry, Outcome, Record, StepNote, Summary};
use super::retention::KeptBackup;
use super::revival::Revivals;
use super::undo::{self, Undo};
use crate::{BackupRef, ReleaseId, Running, Slot, Version};

/// How many releases that were live are remembered to go back to.
const REMEMBERED: usize = 1000;

/// All that is known of an environment: the fold of its ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EnvironmentState {
    /// How many deployments there were.
    pub deployments: u64,
    /// The highest epoch of a lock.
    pub epoch: u64,
    /// What is live by the ledger.
    pub live: Option<LivePoint>,
    /// What was live before, the latest last.
    pub past: Vec<PastRelease>,
    /// Releases from which somebody went back, and that were not deployed since.
    pub left: BTreeSet<ReleaseId>,
    /// The latest deployment after which nothing goes back by itself.
    pub contracted: Option<u64>,
    /// The deployment that is not over.
    pub open: Option<OpenDeployment>,
    /// What became of the latest one that is.
    pub last: Option<Summary>,
    /// The backups of all deployments that are over, the oldest first.
    pub backups: Vec<KeptBackup>,
    /// How the live release was started again where it had ended by itself.
    pub revivals: Revivals,
}

/// A release that was live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PastRelease {
    /// Its content.
    pub release: ReleaseId,
    /// Its name.
    pub version: Version,
    /// The deployment that brought it.
    pub deployment: u64,
}

/// A deployment that is not over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OpenDeployment {
    /// Its number.
    pub number: u64,
    /// What it does.
    pub plan: Plan,
    /// The digest of the plan.
    pub digest: Digest,
    /// The execution that it deploys.
    pub execution: Option<Uuid>,
    /// When the change was made.
    pub changed_at: Option<Timestamp>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When it began.
    pub began_at: Timestamp,
    /// When the release got its first traffic.
    pub traffic_at: Option<Timestamp>,
    /// When it was decided.
    pub committed_at: Option<Timestamp>,
    /// How many steps were begun.
    pub entered: usize,
    /// How many steps are over.
    pub finished: usize,
    /// Where it is heading.
    pub course: Course,
    /// Whether a person lets it wait.
    pub paused: bool,
    /// What runs in the new slot.
    pub running: Option<Running>,
    /// The backups it made.
    pub backups: Vec<BackupRef>,
    /// The earlier backups it removed.
    pub discarded: Vec<BackupRef>,
    /// What was taken back.
    pub undone: Vec<Undo>,
    /// Whether it was ever stuck.
    pub incident: bool,
    /// What failed after the commit.
    pub warnings: Vec<String>,
}

/// Where a deployment is heading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "course")]
#[non_exhaustive]
pub enum Course {
    /// To the new release.
    Forward,
    /// Nowhere until a person decides.
    Held {
        /// Why.
        cause: Cause,
        /// Whether it is not taken back when nobody decides in time.
        for_good: bool,
    },
    /// Back to the old release.
    Back {
        /// Why.
        cause: Cause,
    },
    /// Nowhere: something can't be done, and a person must act.
    Stuck {
        /// Why it was taken back; nothing if it was committed.
        cause: Option<Cause>,
        /// Whether it was being taken back: then there is only this way left.
        undoing: bool,
        /// What went wrong.
        why: String,
        /// What is left to do, in order.
        left: Vec<String>,
    },
}

impl OpenDeployment {
    /// Whether it is decided that the release comes.
    pub fn is_committed(&self) -> bool {
        self.committed_at.is_some()
    }

    /// How far it is.
    pub fn phase(&self) -> Phase {
        let latest = self.entered.checked_sub(1).and_then(|step| self.plan.steps.get(step));
        latest.map_or(Phase::Locked, |step| step.action.phase())
    }

    /// What is still to be taken back, in order.
    pub fn to_undo(&self) -> Vec<Undo> {
        let mut parts = undo::all(self);
        parts.retain(|part| !self.undone.contains(part));
        parts
    }

    fn summary(&self, outcome: Outcome, cause: Option<Cause>, ended_at: Timestamp) -> Summary {
        let done = self.plan.steps.iter().take(self.finished);
        let contracted = self.is_committed()
            && done.into_iter().any(|step| matches!(step.action, Action::Contract { .. }));
        Summary {
            number: self.number,
            kind: self.plan.kind,
            release: self.plan.release,
            version: self.plan.version.clone(),
            from: self.plan.live.as_ref().map(|live| live.version.clone()),
            outcome,
            cause,
            began_at: self.began_at,
            traffic_at: self.traffic_at,
            committed_at: self.committed_at,
            ended_at,
            changed_at: self.changed_at,
            execution: self.execution,
            contracted,
            incident: self.incident,
            backups: self.backups.clone(),
            discarded: self.discarded.clone(),
            warnings: self.warnings.clone(),
            approved_by: self.approved_by.clone(),
            runs_with: self.plan.runs_with,
        }
    }

    /// What would be said of it if it ended now.
    pub(super) fn conclude(&self, at: Timestamp) -> Summary {
        match &self.course {
            Course::Back { cause } => {
                let had_traffic = self.traffic_at.is_some();
                let outcome = if had_traffic { Outcome::RolledBack } else { Outcome::Failed };
                self.summary(outcome, Some(cause.clone()), at)
            }
            _ if self.plan.steps.is_empty() => self.summary(Outcome::Unchanged, None, at),
            _ => self.summary(Outcome::Succeeded, None, at),
        }
    }
}

impl EnvironmentState {
    /// The state after all of these records.
    pub fn fold<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut state = Self::default();
        for entry in entries {
            state.apply(entry);
        }
        state
    }

    /// The slot that the next release takes.
    pub fn next_slot(&self) -> Slot {
        self.live.as_ref().map_or(Slot::Blue, |live| live.slot.other())
    }

    /// The release to go back to: the latest before the live one that has other content.
    pub fn previous(&self) -> Option<&PastRelease> {
        let live = self.live.as_ref().map(|live| live.release);
        self.past.iter().rev().find(|past| Some(past.release) != live)
    }

    /// What follows from one more record. A record that does not fit is one that no version
    /// of this machine writes, and changes nothing.
    pub fn apply(&mut self, entry: &Entry) {
        self.epoch = self.epoch.max(entry.epoch);
        match &entry.record {
            Record::Began { .. } => self.begin(entry),
            Record::Ended { summary } => self.end(summary),
            Record::Reviving { .. } => self.revivals.begin(entry.at),
            Record::Revived { runs_with, .. } => {
                self.revivals.succeed();
                if let Some(live) = &mut self.live {
                    live.runs_with = runs_with.or(live.runs_with);
                }
            }
            Record::NotRevived { why } => self.revivals.fail(why),
            Record::Resumed { .. } if self.open.is_none() => self.revivals.forgive(),
            record => {
                if let Some(open) = &mut self.open {
                    open.apply(record, entry.at);
                }
            }
        }
    }

    fn begin(&mut self, entry: &Entry) {
        let Record::Began { number, plan, digest, execution, changed_at, approved_by } =
            &entry.record
        else {
            return;
        };
        self.deployments = *number;
        self.open = Some(OpenDeployment {
            number: *number,
            plan: (**plan).clone(),
            digest: *digest,
            execution: *execution,
            changed_at: *changed_at,
            approved_by: approved_by.clone(),
            began_at: entry.at,
            traffic_at: None,
            committed_at: None,
            entered: 0,
            finished: 0,
            course: Course::Forward,
            paused: false,
            running: None,
            backups: Vec::new(),
            discarded: Vec::new(),
            undone: Vec::new(),
            incident: false,
            warnings: Vec::new(),
        });
    }

    /// Takes in a deployment that is over. Its slot is known if its records are; of one that
    /// only stands in the history, slots took turns.
    pub fn end(&mut self, summary: &Summary) {
        let slot = self.open.take().map_or_else(|| self.next_slot(), |open| open.plan.slot);
        self.deployments = self.deployments.max(summary.number);
        let made = summary.backups.iter().map(|backup| KeptBackup {
            deployment: summary.number,
            succeeded: summary.outcome == Outcome::Succeeded,
            backup: backup.clone(),
        });
        self.backups.extend(made);
        self.backups.retain(|kept| !summary.discarded.contains(&kept.backup));
        if summary.contracted {
            self.contracted = Some(summary.number);
        }
        match (summary.outcome, summary.kind) {
            (Outcome::Succeeded, PlanKind::Rollback) => {
                self.left.extend(self.live.as_ref().map(|live| live.release));
                self.left.remove(&summary.release);
            }
            (Outcome::Succeeded | Outcome::Unchanged, _) => {
                self.left.remove(&summary.release);
            }
            _ => {}
        }
        if summary.outcome == Outcome::Succeeded {
            self.revivals = Revivals::default();
            let live = LivePoint {
                release: summary.release,
                version: summary.version.clone(),
                slot,
                deployment: summary.number,
                runs_with: summary.runs_with,
            };
            if let Some(LivePoint { release, version, deployment, .. }) = self.live.replace(live) {
                self.past.push(PastRelease { release, version, deployment });
            }
            if self.past.len() > 2 * REMEMBERED {
                self.past.drain(..REMEMBERED);
            }
        }
        self.last = Some(summary.clone());
    }
}

impl OpenDeployment {
    fn apply(&mut self, record: &Record, at: Timestamp) {
        match record {
            Record::Entered { step } => {
                self.entered = self.entered.max(step + 1);
                let action = self.plan.steps.get(*step).map(|step| &step.action);
                if matches!(action, Some(Action::Shift { .. })) {
                    self.traffic_at.get_or_insert(at);
                }
            }
            Record::Finished { step, note } => {
                self.finished = step + 1;
                self.entered = self.entered.max(step + 1);
                match note {
                    Some(StepNote::Running { running }) => self.running = Some(running.clone()),
                    Some(StepNote::Backup { backup }) => self.backups.push(backup.clone()),
                    Some(StepNote::Discarded { backups }) => {
                        self.discarded.extend(backups.iter().cloned());
                    }
                    _ => {}
                }
            }
            Record::Warned { step, why } => {
                self.finished = step + 1;
                self.warnings.push(why.clone());
            }
            Record::Held { cause, for_good } => {
                self.course = Course::Held { cause: cause.clone(), for_good: *for_good };
            }
            Record::Paused { .. } => self.paused = true,
            Record::Resumed { .. } => {
                self.paused = false;
                self.course = Course::Forward;
            }
            Record::Turned { cause } => self.course = Course::Back { cause: cause.clone() },
            Record::Undone { undo } => self.undone.push(undo.clone()),
            Record::Stuck { why, left } => {
                let undoing = matches!(self.course, Course::Back { .. });
                let cause = match &self.course {
                    Course::Back { cause } | Course::Held { cause, .. } => Some(cause.clone()),
                    _ => None,
                };
                let (why, left) = (why.clone(), left.clone());
                (self.incident, self.course) = (true, Course::Stuck { cause, undoing, why, left });
            }
            Record::Committed => self.committed_at = Some(at),
            Record::Began { .. }
            | Record::Ended { .. }
            | Record::Reviving { .. }
            | Record::Revived { .. }
            | Record::NotRevived { .. } => {}
        }
    }
}
