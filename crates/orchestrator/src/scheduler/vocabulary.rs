use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limiter::LimitChange;

/// One task that a scheduler has started, counted from the start of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u64);

/// One cycle of a scheduler, counted from the start of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CycleId(pub u64);

/// One order to acknowledge or to bury, which the driver answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrandId(pub u64);

/// How urgent an event is; waiting makes it more so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// Before everything else.
    Critical,
    /// Before what is usual.
    High,
    /// The usual.
    Normal,
    /// When there is nothing else, and after a bounded time in any case.
    Low,
}

/// The share of one source of events, or of a few that fall together: sources are told apart by
/// a hash, so that their number is bounded whatever names come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(u8);

impl Lane {
    /// How many lanes there are.
    pub const COUNT: usize = 64;

    /// The lane of a source (FNV-1a of its name).
    pub fn of(source: &str) -> Self {
        let hash = source.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let lane = (hash ^ (hash >> 32)) % Self::COUNT as u64;
        Self(u8::try_from(lane).unwrap_or(0))
    }

    pub(super) fn at(index: usize) -> Self {
        Self(u8::try_from(index % Self::COUNT).unwrap_or(0))
    }

    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A part whose failures are counted together, and which is left alone when it keeps failing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Component {
    /// Works out and commits what the events ask for.
    Regeneration,
    /// Judges what was worked out.
    Gates,
    /// Brings what was committed into use.
    Deployment,
}

impl Component {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Regeneration, Self::Gates, Self::Deployment];

    /// The name, as in logs and statistics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Regeneration => "regeneration",
            Self::Gates => "gates",
            Self::Deployment => "deployment",
        }
    }
}

/// An event that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival<K> {
    /// Its place in the log; unique.
    pub offset: u64,
    /// Events with one key are handed over together, and a key runs once at a time.
    pub key: K,
    /// How urgent it is.
    pub urgency: Urgency,
    /// Whose share it counts against.
    pub lane: Lane,
    /// How much of that share it uses up, 1 to [`Arrival::MAX_COST`]; others are cut to that.
    pub cost: u32,
    /// The cycle that somebody waits for, of [`Input::OpenCycle`].
    pub cycle: Option<CycleId>,
}

impl<K> Arrival<K> {
    /// The most that one event uses up of its source's share.
    pub const MAX_COST: u32 = 4;
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input<K> {
    /// An event came in. Hand in no more than [`room`](super::Scheduler::room).
    Arrived(Arrival<K>),
    /// Somebody waits for these many events, which will come in with this cycle.
    OpenCycle {
        /// The cycle, of [`next_cycle`](super::Scheduler::next_cycle).
        cycle: CycleId,
        /// How many events will name it.
        events: usize,
    },
    /// A task is over.
    Ended {
        /// Which one.
        task: TaskId,
        /// How it ended.
        outcome: Outcome,
    },
    /// The answer to [`Effect::Revoke`]: the task can't take effect any more.
    Revoked {
        /// Which one.
        task: TaskId,
    },
    /// The answer to [`Effect::Revoke`]: too late, it has begun to take effect.
    Committing {
        /// Which one.
        task: TaskId,
    },
    /// The answer to [`Effect::Acknowledge`] or [`Effect::Bury`].
    ErrandDone {
        /// Which one.
        errand: ErrandId,
        /// Whether what was ordered is durable now.
        result: Result<(), Arc<str>>,
    },
    /// Start nothing new.
    Pause,
    /// Start again.
    Resume,
    /// Start nothing new, let running tasks finish for so long, then revoke them.
    /// A second one can only make it shorter.
    Stop {
        /// For how long.
        grace: Duration,
    },
    /// Time has passed.
    Tick,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Its effect is there.
    Done {
        /// Whether something changed that has to be deployed.
        deploy: bool,
    },
    /// Its events are dealt with, though the work counts as failed: the model was wrong, say, and
    /// the last good output stays. They need not come again.
    Refused(Failure),
    /// It failed, without effect.
    Failed(Failure),
    /// It was cut short, without effect and through no fault of its own.
    Cancelled,
}

/// Why a task failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where.
    pub component: Component,
    /// What kind it is.
    pub kind: FailureKind,
    /// What was reported.
    pub error: Arc<str>,
}

/// What kind of failure it is, and with that what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailureKind {
    /// It may go well the next time; retried, and counted against the component.
    Passing,
    /// It will not go well with the same input; a dead letter at once.
    Lasting,
    /// It panicked; retried, and counted against the component.
    Panic,
    /// It was not done in its time; retried, and counted against the component.
    TimedOut,
    /// Its commit never answered: nobody knows whether it took effect, so it is not repeated.
    Unknown,
}

/// One failed try of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it ended.
    pub at: Duration,
    /// Which try of its task it was, from 1.
    pub attempt: u32,
    /// Why it failed.
    pub failure: Failure,
}

/// Events that failed for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Burial<K> {
    /// Their key.
    pub key: K,
    /// Their places in the log, oldest first.
    pub offsets: Vec<u64>,
    /// Their failed tries, oldest first.
    pub history: Vec<Attempt>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Effect<K> {
    /// Start a task; answer with [`Input::Ended`].
    Start {
        /// Its id.
        task: TaskId,
        /// The cycle that it belongs to.
        cycle: CycleId,
        /// Its key.
        key: K,
        /// Its events, oldest first.
        offsets: Vec<u64>,
        /// Which try it is, from 1.
        attempt: u32,
    },
    /// Deploy what the task has committed; answer with [`Input::Ended`].
    Deploy {
        /// Its id.
        task: TaskId,
        /// The cycle that it belongs to now.
        cycle: CycleId,
        /// Its key.
        key: K,
        /// Its events, oldest first.
        offsets: Vec<u64>,
        /// Which try of the deployment it is, from 1.
        attempt: u32,
    },
    /// Take from the task the right to take effect, and cancel it; answer at once with
    /// [`Input::Revoked`] or [`Input::Committing`].
    Revoke {
        /// Which one.
        task: TaskId,
    },
    /// A try failed, and there will be another one.
    Retry {
        /// The task that failed.
        task: TaskId,
        /// Its cycle.
        cycle: CycleId,
        /// Its key.
        key: K,
        /// Not before then.
        at: Duration,
        /// Which try failed.
        attempt: u32,
        /// Why.
        failure: Failure,
    },
    /// Events have come to their end.
    Settled {
        /// The task that did it.
        task: TaskId,
        /// Its cycle.
        cycle: CycleId,
        /// Its key.
        key: K,
        /// The events, oldest first.
        offsets: Vec<u64>,
        /// Which end.
        ending: Ending,
        /// How long the last try took.
        took: Duration,
    },
    /// Make it durable that these need not come again; answer with [`Input::ErrandDone`].
    Acknowledge {
        /// Its id.
        errand: ErrandId,
        /// The events.
        offsets: Vec<u64>,
    },
    /// Keep these for a person, durably; answer with [`Input::ErrandDone`].
    Bury {
        /// Its id.
        errand: ErrandId,
        /// The events, with all that went wrong.
        burial: Burial<K>,
    },
    /// A cycle began.
    CycleOpened {
        /// Which one.
        cycle: CycleId,
    },
    /// A cycle is over.
    CycleEnded(CycleEnd),
    /// Another number of tasks may run at once.
    LimitChanged(LimitChange),
    /// A component is left alone from now on, or no more.
    BreakerMoved {
        /// Which one.
        component: Component,
        /// Whether it is left alone.
        open: bool,
    },
    /// Something that a person may want to know.
    Notice(Notice),
    /// Nothing runs any more, and nothing is left to be written.
    Stopped {
        /// Tasks that did not end in time, and may still be there.
        abandoned: usize,
    },
}

/// How events came to their end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// They took effect.
    Done,
    /// They are dealt with, though the work counts as failed.
    Refused(Failure),
    /// They failed for good; the order to keep them follows.
    Buried(Failure),
}

/// How a cycle went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CycleEnd {
    /// Which one.
    pub cycle: CycleId,
    /// When it began.
    pub opened: Duration,
    /// When its last task ended.
    pub ended: Duration,
    /// Tasks that ended in it.
    pub executed: usize,
    /// Those that took effect.
    pub succeeded: usize,
    /// Those that did not.
    pub failed: usize,
    /// Events that its tasks took.
    pub events: usize,
    /// The most tasks that ran in it at once.
    pub parallelism: usize,
}

/// Something that a person may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// An event came in that is in hand already; it was passed over.
    Duplicate {
        /// Its place in the log.
        offset: u64,
    },
    /// An event came in though there was no room; it was not taken.
    Overflow {
        /// Its place in the log.
        offset: u64,
    },
    /// A task was not done in its time, and was revoked.
    TimedOut {
        /// Which one.
        task: TaskId,
    },
    /// A task ended after it was given up; it has no effect on anything.
    Late {
        /// Which one.
        task: TaskId,
    },
    /// A commit takes longer than it may; its key waits for it.
    CommitOverdue {
        /// Which one.
        task: TaskId,
    },
    /// A task did not end though it was cancelled, or its commit never answered; its place is
    /// given to others.
    Lost {
        /// Which one.
        task: TaskId,
    },
    /// What was committed is not deployed in this cycle, since deployments have failed too often of
    /// late; it is tried later by itself.
    DeploymentWaits {
        /// The cycle.
        cycle: CycleId,
    },
    /// Acknowledging or burying failed; it is tried again.
    ErrandFailed {
        /// Which one.
        errand: ErrandId,
        /// How often by now.
        tries: u32,
        /// Why.
        error: Arc<str>,
    },
}
