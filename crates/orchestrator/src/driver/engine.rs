use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use evergen_artifact::ProposedChanges;
use evergen_events::{Acknowledger, ChangeEvent, Consumer, LogEntry};
use evergen_regeneration::{Regenerator, WorkKey};
use jiff::Timestamp;
use rustc_hash::FxHashMap;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::Instant;
use uuid::Uuid;

use super::errands::Desk;
use super::journal::{Draft, ParallelExecution};
use super::meter::CpuMeter;
use super::reader::Reader;
use super::record;
use super::shared::Shared;
use super::task::TaskEnd;
use super::token::CommitToken;
use crate::config::ConfigError;
use crate::scheduler::{
    Arrival, CycleId, Effect, Input, Lane, Notice, Outcome, Scheduler, SchedulerView, TaskId,
    Urgency,
};

/// What the loop is told from outside.
#[derive(Debug)]
pub(super) enum Command {
    Execute { events: Vec<ChangeEvent>, reply: oneshot::Sender<ParallelExecution> },
    Pause,
    Resume,
}

/// Where events come from.
pub(super) struct Intake {
    pub(super) consumer: Consumer,
    pub(super) acknowledger: Acknowledger,
}

/// Offsets from here on belong to events that did not come from the log.
pub(super) const DIRECT: u64 = 1 << 63;
/// How long cycles may go on whose caller is gone.
const LAST_GRACE: Duration = Duration::from_hours(24);
/// How long tasks that were cancelled may take to end before they are left behind.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// How often it is told how full the loop is.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// A task that was spawned.
pub(super) struct Spawned {
    pub(super) abort: AbortHandle,
    pub(super) token: Arc<CommitToken>,
    pub(super) cycle: CycleId,
    pub(super) execution: Uuid,
    pub(super) deploys: bool,
    pub(super) began: Instant,
}

/// What waits for its deployment.
pub(super) struct Committed {
    pub(super) execution: Uuid,
    pub(super) changes: Arc<ProposedChanges>,
    /// Whether a deployment was begun.
    pub(super) begun: bool,
    /// Environments that an earlier try has deployed to.
    pub(super) done: Vec<String>,
    /// Environments that have refused it for good, with what they said.
    pub(super) refused: Vec<(String, String)>,
}

/// Carries out what the scheduler says, and tells it what happened.
///
/// Its maps hash numbers that it gave out itself, which nobody can choose badly for it.
pub(super) struct Engine {
    pub(super) shared: Arc<Shared>,
    pub(super) scheduler: Scheduler<WorkKey>,
    commands: mpsc::Receiver<Command>,
    stops: watch::Receiver<Option<Duration>>,
    reachable: bool,
    /// Nobody can reach it any more; it stops when what it was given has come in.
    leaving: bool,
    reader: Option<Reader>,
    pub(super) desk: Desk,
    /// Read, and without room in the scheduler yet.
    surplus: VecDeque<(LogEntry, Option<CycleId>)>,
    /// Events in hand.
    pub(super) entries: FxHashMap<u64, LogEntry>,
    pub(super) tasks: JoinSet<(TaskId, TaskEnd)>,
    pub(super) spawned: FxHashMap<TaskId, Spawned>,
    pub(super) ids: FxHashMap<Id, TaskId>,
    pub(super) committed: FxHashMap<TaskId, Committed>,
    pub(super) drafts: FxHashMap<CycleId, Draft>,
    pub(super) waiters: FxHashMap<CycleId, oneshot::Sender<ParallelExecution>>,
    pub(super) meter: CpuMeter,
    pub(super) inputs: Vec<Input<WorkKey>>,
    pub(super) abandoned: Option<usize>,
    next_direct: u64,
    saturated_since: Option<Duration>,
    /// When it was told last how full the loop is, and how many events were in hand then.
    sampled: (Duration, usize),
}

impl Engine {
    pub(super) fn new(
        shared: Arc<Shared>,
        intake: Option<Intake>,
        commands: mpsc::Receiver<Command>,
        stops: watch::Receiver<Option<Duration>>,
    ) -> Result<Self, ConfigError> {
        let seed = fastrand::u64(..);
        let scheduler = Scheduler::new(&shared.config, shared.gates.is_some(), seed)?;
        let acknowledger = intake.as_ref().map(|intake| intake.acknowledger.clone());
        Ok(Self {
            scheduler,
            commands,
            stops,
            reachable: true,
            leaving: false,
            reader: intake.map(|intake| Reader::start(intake, &shared)),
            desk: Desk::start(acknowledger, Arc::clone(&shared.dead_events)),
            shared,
            surplus: VecDeque::new(),
            entries: FxHashMap::default(),
            tasks: JoinSet::new(),
            spawned: FxHashMap::default(),
            ids: FxHashMap::default(),
            committed: FxHashMap::default(),
            drafts: FxHashMap::default(),
            waiters: FxHashMap::default(),
            meter: CpuMeter::default(),
            inputs: Vec::new(),
            abandoned: None,
            next_direct: DIRECT,
            saturated_since: None,
            sampled: (Duration::ZERO, 0),
        })
    }

    /// Runs until it is stopped; gives the number of tasks that did not end.
    pub(super) async fn run(mut self) -> usize {
        let mut effects = Vec::new();
        let abandoned = loop {
            self.turn(&mut effects);
            if let Some(abandoned) = self.abandoned {
                break abandoned;
            }
            self.wait().await;
        };
        if let Some(reader) = self.reader.take() {
            reader.stop().await;
        }
        self.desk.stop().await;
        // Aborted tasks end at their next await. One that blocks its thread has none, and may have
        // been given up long ago.
        self.tasks.abort_all();
        let all_end = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LEAVE_TIMEOUT, all_end).await;
        let left = self.tasks.len();
        self.tasks.detach_all();
        abandoned.max(left)
    }

    /// Steps until there is nothing to say.
    fn turn(&mut self, effects: &mut Vec<Effect<WorkKey>>) {
        loop {
            self.fill();
            if self.leaving && self.surplus.is_empty() {
                self.leaving = false;
                self.inputs.push(Input::Stop { grace: LAST_GRACE });
            }
            let inputs = std::mem::take(&mut self.inputs);
            self.scheduler.step(inputs, self.shared.now(), effects);
            for effect in effects.drain(..) {
                self.perform(effect);
            }
            let may_fill = self.scheduler.room() > 0 && !self.surplus.is_empty();
            if self.inputs.is_empty() && !may_fill {
                break;
            }
        }
        let view = self.scheduler.view();
        let saturated = view.working >= view.limit && view.ready > 0;
        let now = self.shared.now();
        let passed = self.saturated_since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
        self.saturated_since = saturated.then_some(now);
        self.sample(&view, now);
        let mut seen = self.shared.seen();
        seen.gathered.saturated += passed;
        seen.view = view;
    }

    /// Tells how full the loop is: once in a second at most, and when it has come to rest, so
    /// that what was told last is not work that is done by now.
    fn sample(&mut self, view: &SchedulerView, now: Duration) {
        let (at, depth) = self.sampled;
        let rests = view.in_hand == 0 && depth > 0;
        if rests || now.saturating_sub(at) >= SAMPLE_INTERVAL {
            self.sampled = (now, view.in_hand);
            record::sampled(&self.shared, view);
        }
    }

    /// Hands in as many events as there is room for.
    fn fill(&mut self) {
        let room = self.scheduler.room().saturating_sub(self.inputs.len());
        for _ in 0..room.min(self.surplus.len()) {
            let Some((entry, cycle)) = self.surplus.pop_front() else { break };
            let event = &entry.event;
            self.inputs.push(Input::Arrived(Arrival {
                offset: entry.offset,
                key: key_of(&*self.shared.regeneration, event),
                urgency: urgency(event),
                lane: Lane::of(event.source.as_str()),
                cost: u32::try_from(event.weight() / 1_000).unwrap_or(u32::MAX),
                cycle,
            }));
            self.entries.insert(entry.offset, entry);
        }
    }

    /// Waits until something happens, and collects all that has happened by then.
    async fn wait(&mut self) {
        let reads = self.surplus.is_empty() && self.scheduler.room() > 0;
        let wake = self.scheduler.next_wake().map(|at| self.shared.origin + at);
        tokio::select! {
            command = self.commands.recv(), if self.reachable => self.obey(command),
            Ok(()) = self.stops.changed() => self.stop(),
            Some(joined) = self.tasks.join_next_with_id() => {
                self.land(joined);
                // Who ends wakes the loop before the others have had their turn; those that are
                // about to end as well are taken in together.
                tokio::task::yield_now().await;
            }
            Some((errand, result)) = self.desk.answers.recv() => {
                self.inputs.push(Input::ErrandDone { errand, result });
            }
            Some(batch) = next_batch(&mut self.reader), if reads => self.take(batch),
            () = sleep_until(wake) => self.inputs.push(Input::Tick),
        }
        while let Some(joined) = self.tasks.try_join_next_with_id() {
            self.land(joined);
        }
        while let Ok((errand, result)) = self.desk.answers.try_recv() {
            self.inputs.push(Input::ErrandDone { errand, result });
        }
    }

    fn obey(&mut self, command: Option<Command>) {
        match command {
            Some(Command::Execute { events, reply }) => self.open_cycle(events, reply),
            Some(Command::Pause) => self.inputs.push(Input::Pause),
            Some(Command::Resume) => self.inputs.push(Input::Resume),
            // Nobody can reach it any more; cycles that were begun are finished.
            None => (self.reachable, self.leaving) = (false, true),
        }
    }

    fn stop(&mut self) {
        let Some(grace) = *self.stops.borrow_and_update() else { return };
        // What was read and not taken stays in the log. What somebody waits for and did not
        // come in can't come in now: who waits is told.
        for (_, cycle) in self.surplus.drain(..) {
            if let Some(cycle) = cycle {
                self.waiters.remove(&cycle);
            }
        }
        self.inputs.push(Input::Stop { grace });
    }

    fn take(&mut self, batch: Vec<LogEntry>) {
        self.surplus.extend(batch.into_iter().map(|entry| (entry, None)));
    }

    fn open_cycle(&mut self, events: Vec<ChangeEvent>, reply: oneshot::Sender<ParallelExecution>) {
        if self.scheduler.view().stopping {
            // Dropping `reply` tells.
            return;
        }
        let cycle = self.scheduler.next_cycle();
        self.inputs.push(Input::OpenCycle { cycle, events: events.len() });
        self.waiters.insert(cycle, reply);
        let now = Timestamp::now();
        for event in events {
            let entry = LogEntry::new(self.next_direct, now, Arc::new(event));
            self.next_direct += 1;
            self.surplus.push_back((entry, Some(cycle)));
        }
    }

    fn land(&mut self, joined: Result<(Id, (TaskId, TaskEnd)), JoinError>) {
        let (id, end) = match joined {
            Ok((id, (_, end))) => (id, end),
            Err(error) => (error.id(), broken(error)),
        };
        let Some(task) = self.ids.remove(&id) else { return };
        let current = self.spawned.get(&task).is_some_and(|spawned| spawned.abort.id() == id);
        if !current {
            // A try of a deployment that was given up long ago; another one has its place.
            record::notice(&self.shared, &Notice::Late { task });
            return;
        }
        let outcome = self.landed(task, end);
        self.inputs.push(Input::Ended { task, outcome });
    }
}

/// The end of a task that gave no result.
fn broken(error: JoinError) -> TaskEnd {
    use super::task::{failed, said};
    use crate::scheduler::{Component, FailureKind};
    if error.is_cancelled() {
        return TaskEnd::of(Outcome::Cancelled);
    }
    let error = format!("it panicked: {}", said(&*error.into_panic()));
    TaskEnd::of(Outcome::Failed(failed(Component::Regeneration, FailureKind::Panic, error)))
}

/// The key of an event. A regenerator that panics over one must not take the loop along; its
/// panic will come again, and be told of, when the work is prepared.
fn key_of(regeneration: &dyn Regenerator, event: &ChangeEvent) -> WorkKey {
    let key = AssertUnwindSafe(|| regeneration.key(event));
    std::panic::catch_unwind(key).unwrap_or_else(|_| WorkKey::new(event.subject.as_str()))
}

fn urgency(event: &ChangeEvent) -> Urgency {
    match event.priority.rank() {
        0 => Urgency::Critical,
        1 => Urgency::High,
        2 => Urgency::Normal,
        _ => Urgency::Low,
    }
}

async fn next_batch(reader: &mut Option<Reader>) -> Option<Vec<LogEntry>> {
    match reader {
        Some(reader) => reader.next().await,
        None => None,
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}
