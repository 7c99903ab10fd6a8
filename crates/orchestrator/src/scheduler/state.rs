use std::collections::VecDeque;
use std::hash::Hash;
use std::time::Duration;

use evergen_resilience::RetryPolicy;
use rustc_hash::{FxHashMap, FxHashSet};

use super::cycles::Cycles;
use super::errands::{Errands, Order};
use super::gate::Gate;
use super::lanes::{Lanes, Rank};
use super::run::{Phase, Run, Work};
use super::slots::{Held, Slots, Stand};
use super::stop::Mode;
use super::timers::{Alarm, Timers};
use super::vocabulary::{Arrival, Component, CycleId, Effect, Input, Notice, TaskId};
use crate::config::{ConfigError, OrchestratorConfig};
use crate::limiter::AdaptiveLimiter;

/// The loop as a value: give it what happened and when, and it says what to do.
///
/// It has no clock and starts nothing; its only chance is a seed, for the jitter of pauses. The
/// same inputs at the same times give the same effects. A time before one that it has seen
/// counts as that one.
///
/// # Laws
/// - At most [`max_concurrent`](OrchestratorConfig::max_concurrent) tasks work at once. A task
///   that was cancelled keeps its place until it has ended, or has had
///   its time to do so.
/// - A key has one task at a time. What comes in meanwhile waits, and is handed over together.
///   A deployment is not tried again before the try before it has ended or is given up for lost.
/// - An event in hand ends as acknowledged, or as buried and then acknowledged; before that its
///   effect is there or its burial is durable. An event that is in hand already is passed over.
/// - A task whose right to take effect was revoked has none; one that was too far to be revoked
///   is waited for, and its events are not tried again.
/// - Every state has a deadline, [`next_wake`](Self::next_wake) at the latest.
/// - Once an event counts as critical (after three agings at the latest), only those of its lane
///   that are due before it, and one turn of each other lane for each of these, come first.
#[derive(Debug)]
pub struct Scheduler<K> {
    pub(super) tuning: Tuning,
    pub(super) now: Duration,
    pub(super) mode: Mode,
    pub(super) slots: Slots<K>,
    pub(super) lanes: Lanes,
    /// Places whose deployment can be tried, oldest first.
    pub(super) deployable: VecDeque<u32>,
    pub(super) runs: FxHashMap<TaskId, Run>,
    /// Tasks that have a place among those that may run at once.
    pub(super) working: usize,
    pub(super) timers: Timers,
    pub(super) gate: Gate,
    pub(super) gate_opens: Option<Duration>,
    pub(super) moved: Vec<(Component, bool)>,
    pub(super) cycles: Cycles,
    pub(super) errands: Errands<K>,
    pub(super) limiter: Option<AdaptiveLimiter>,
    in_hand: FxHashSet<u64>,
    pub(super) dealt_with: Vec<u64>,
    next_task: u64,
    next_order: u64,
}

/// The settings, in the units of the scheduler.
#[derive(Clone, Debug)]
pub(super) struct Tuning {
    pub(super) max_concurrent: usize,
    pub(super) capacity: usize,
    pub(super) max_batch: usize,
    pub(super) aging: Duration,
    pub(super) debounce: Duration,
    pub(super) task_timeout: Duration,
    pub(super) commit_timeout: Duration,
    pub(super) deploy_timeout: Duration,
    pub(super) target: Duration,
    pub(super) retry: RetryPolicy,
    pub(super) seed: u64,
}

/// A key that never falls quiet is taken after this many debounce times.
const DEBOUNCE_MOST: u32 = 10;
/// How long a revoked task may take to end before its place is given away, and how long the
/// driver may take to answer a revocation.
pub(super) const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// What can be seen of a scheduler.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchedulerView {
    /// Events that came in and are not acknowledged yet.
    pub in_hand: usize,
    /// Keys with something in hand.
    pub keys: usize,
    /// Keys that would start if they might.
    pub ready: usize,
    /// Tasks that work, or were cancelled and have not ended.
    pub working: usize,
    /// How many may.
    pub limit: usize,
    /// Orders to acknowledge or bury that are not carried out yet.
    pub errands: usize,
    /// Deadlines that are awaited.
    pub deadlines: usize,
    /// Whether it was paused.
    pub paused: bool,
    /// Whether it was stopped, or is about to.
    pub stopping: bool,
    /// Components that are left alone because they keep failing.
    pub open_breakers: Vec<Component>,
}

impl Tuning {
    fn of(config: &OrchestratorConfig, seed: u64) -> Self {
        let millis = Duration::from_millis;
        let retry = RetryPolicy::exponential(millis(config.retry.base_ms))
            .with_max_delay(millis(config.retry.max_ms))
            .with_max_tries(config.retry.max_tries);
        Self {
            max_concurrent: config.max_concurrent,
            capacity: config.queue_capacity,
            max_batch: config.max_batch,
            aging: millis(config.aging_ms),
            debounce: millis(config.debounce_ms),
            task_timeout: millis(config.task_timeout_ms),
            commit_timeout: millis(config.commit_timeout_ms),
            deploy_timeout: millis(config.deploy_timeout_ms),
            target: millis(config.target_cycle_ms),
            retry,
            seed,
        }
    }

    /// The pause after so many failed tries of an event.
    pub(super) fn pause(&self, tries: u32, offset: u64) -> Duration {
        // Events that failed together come back apart.
        let seed = self.seed ^ offset.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let at = usize::try_from(tries.saturating_sub(1)).unwrap_or(0);
        self.retry.delays(seed).nth(at).unwrap_or(self.retry.max_delay)
    }
}

impl<K: Clone + Eq + Hash> Scheduler<K> {
    /// An empty one. Without `with_gates`, no task needs that component.
    ///
    /// # Errors
    /// A setting is out of its range.
    pub fn new(
        config: &OrchestratorConfig,
        with_gates: bool,
        seed: u64,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let tuning = Tuning::of(config, seed);
        let most = config.max_concurrent;
        Ok(Self {
            now: Duration::ZERO,
            mode: Mode::Running,
            slots: Slots::new(),
            lanes: Lanes::new(tuning.aging),
            deployable: VecDeque::new(),
            runs: FxHashMap::default(),
            working: 0,
            timers: Timers::default(),
            gate: Gate::new(config, with_gates)?,
            gate_opens: None,
            moved: Vec::new(),
            cycles: Cycles::new(config.max_batch, tuning.target / 2),
            errands: Errands::new(),
            limiter: config.adaptive_optimization.then(|| AdaptiveLimiter::new(most, most)),
            in_hand: FxHashSet::default(),
            dealt_with: Vec::new(),
            next_task: 0,
            next_order: 0,
            tuning,
        })
    }

    /// Takes inputs in, and adds what is to be done to `effects`, in order.
    pub fn step(
        &mut self,
        inputs: impl IntoIterator<Item = Input<K>>,
        now: Duration,
        effects: &mut Vec<Effect<K>>,
    ) {
        self.now = self.now.max(now);
        for input in inputs {
            self.take_in(input, effects);
        }
        while let Some((_, alarm)) = self.timers.pop_due(self.now) {
            self.ring(alarm, effects);
        }
        self.dispatch(effects);
        let nothing_left = self.lanes.is_empty() && self.deployable.is_empty();
        self.cycles.close_own(nothing_left, self.now, effects);
        self.notify_limiter(effects);
        self.acknowledge(effects);
        self.end_if_stopped(effects);
        effects.extend(
            self.moved.drain(..).map(|(component, open)| Effect::BreakerMoved { component, open }),
        );
    }

    /// How many more events may come in: what the driver should take from the log at most.
    pub fn room(&self) -> usize {
        if self.mode.is_stopping() { 0 } else { self.tuning.capacity - self.in_hand.len() }
    }

    /// When to call [`step`](Self::step) again if nothing happens before.
    pub fn next_wake(&self) -> Option<Duration> {
        [self.timers.next(), self.gate_opens].into_iter().flatten().min()
    }

    /// The id for the next [`Input::OpenCycle`].
    pub fn next_cycle(&mut self) -> CycleId {
        self.cycles.next_id()
    }

    /// What can be seen of it.
    pub fn view(&self) -> SchedulerView {
        let open = Component::ALL.into_iter().filter(|it| self.gate.is_open(*it));
        SchedulerView {
            in_hand: self.in_hand.len(),
            keys: self.slots.len(),
            ready: self.lanes.len() + self.deployable.len(),
            working: self.working,
            limit: self.limit(),
            errands: self.errands.len(),
            deadlines: self.timers.len(),
            paused: self.mode == Mode::Paused,
            stopping: self.mode.is_stopping(),
            open_breakers: open.collect(),
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limiter.as_ref().map_or(self.tuning.max_concurrent, AdaptiveLimiter::limit)
    }

    fn take_in(&mut self, input: Input<K>, effects: &mut Vec<Effect<K>>) {
        match input {
            Input::Arrived(arrival) => self.arrive(&arrival, effects),
            Input::OpenCycle { cycle, events } => {
                self.cycles.open(cycle, Some(events), self.now, effects);
            }
            Input::Ended { task, outcome } => self.ended(task, outcome, effects),
            Input::Revoked { task } => self.revoked(task, effects),
            Input::Committing { task } => self.committing(task),
            Input::ErrandDone { errand, result } => {
                let now = self.now;
                match self.errands.answer(errand, result, now, &mut self.timers, effects) {
                    Some(Order::Acknowledge(offsets)) => {
                        for offset in offsets {
                            self.in_hand.remove(&offset);
                        }
                    }
                    Some(Order::Bury(burial)) => self.dealt_with.extend(burial.offsets),
                    None => {}
                }
            }
            Input::Pause => self.mode.pause(),
            Input::Resume => self.mode.resume(),
            Input::Stop { grace } => self.stop(grace),
            Input::Tick => {}
        }
    }

    fn arrive(&mut self, arrival: &Arrival<K>, effects: &mut Vec<Effect<K>>) {
        let offset = arrival.offset;
        if self.in_hand.contains(&offset) {
            effects.push(Effect::Notice(Notice::Duplicate { offset }));
            return;
        }
        if self.room() == 0 {
            effects.push(Effect::Notice(Notice::Overflow { offset }));
            return;
        }
        self.in_hand.insert(offset);
        let (now, aging) = (self.now, self.tuning.aging);
        let place = self.slots.place(&arrival.key, now);
        let Some(slot) = self.slots.get_mut(place) else { return };
        slot.push(Held::of(arrival, now), aging);
        slot.last_came = now;
        match slot.stand {
            Stand::Delayed { until } => {
                slot.not_before = None;
                self.timers.clear(until, Alarm::Slot(place));
                self.line_up(place);
            }
            Stand::Ready { lane, rank } if slot.due() < rank.due => {
                let sooner = Rank { due: slot.due(), ..rank };
                slot.stand = Stand::Ready { lane, rank: sooner };
                self.lanes.remove(lane, rank);
                self.lanes.insert(lane, sooner);
            }
            Stand::Blocked { until: None } => self.block(place),
            Stand::Ready { .. }
            | Stand::Busy
            | Stand::Parked { .. }
            | Stand::Blocked { until: Some(_) } => {}
        }
    }

    /// Decides when the waiting events of a key may be taken.
    pub(super) fn line_up(&mut self, place: u32) {
        let Some(slot) = self.slots.get_mut(place) else { return };
        let Some(first) = slot.first() else { return };
        let quiet = slot.last_came.saturating_add(self.tuning.debounce);
        let longest = first.came.saturating_add(self.tuning.debounce * DEBOUNCE_MOST);
        let debounced = if slot.is_awaited() { self.now } else { quiet.min(longest) };
        let until = slot.not_before.unwrap_or(debounced);
        if until <= self.now {
            self.make_ready(place);
        } else {
            slot.stand = Stand::Delayed { until };
            self.timers.set(until, Alarm::Slot(place));
        }
    }

    pub(super) fn make_ready(&mut self, place: u32) {
        let stopping = self.mode.is_stopping();
        let Some(slot) = self.slots.get_mut(place) else { return };
        let Some(lane) = slot.first().map(|held| held.lane) else { return };
        if stopping && !slot.is_awaited() {
            // It stays in the log, for the next process.
            slot.stand = Stand::Delayed { until: self.now };
            return;
        }
        self.next_order += 1;
        let rank = Rank { due: slot.due(), order: self.next_order, slot: place };
        slot.stand = Stand::Ready { lane, rank };
        slot.not_before = None;
        self.lanes.insert(lane, rank);
    }

    fn ring(&mut self, alarm: Alarm, effects: &mut Vec<Effect<K>>) {
        match alarm {
            Alarm::Task(task) => self.overdue(task, effects),
            Alarm::Slot(place) => self.ring_slot(place, effects),
            Alarm::Errand(errand) => {
                self.errands.alarm(errand, self.now, &mut self.timers, effects);
            }
            Alarm::Stop => self.grace_is_over(effects),
        }
    }

    fn ring_slot(&mut self, place: u32, effects: &mut Vec<Effect<K>>) {
        let Some(slot) = self.slots.get_mut(place) else { return };
        match slot.stand {
            Stand::Delayed { .. } => self.make_ready(place),
            Stand::Blocked { .. } => self.give_up_blocked(place, effects),
            Stand::Parked { .. } => {
                slot.stand = Stand::Parked { until: None };
                let task = slot.parked.as_ref().map(|parked| parked.task);
                if let Some(task) = task {
                    self.unpark(place, task);
                }
            }
            Stand::Ready { .. } | Stand::Busy => {}
        }
    }

    /// Starts as much as may start.
    fn dispatch(&mut self, effects: &mut Vec<Effect<K>>) {
        self.gate_opens = None;
        while self.mode.may_start() && self.working < self.limit() {
            if !self.dispatch_deployment(effects) && !self.dispatch_next(effects) {
                break;
            }
        }
    }

    fn dispatch_deployment(&mut self, effects: &mut Vec<Effect<K>>) -> bool {
        let Some(place) = self.deployable.front().copied() else { return false };
        match self.gate.deploy(self.now, &mut self.moved) {
            Err(at) => {
                self.gate_opens = Some(at);
                false
            }
            Ok(passes) => {
                self.deployable.pop_front();
                let slot = self.slots.get_mut(place);
                let Some(parked) = slot.and_then(|slot| slot.parked.take()) else { return true };
                let joined = parked.events.len();
                let cycle = parked
                    .cycle
                    .unwrap_or_else(|| self.cycles.join(None, joined, self.now, effects));
                let run = Run {
                    slot: place,
                    events: parked.events,
                    phase: Phase::Working,
                    deadline: self.now.saturating_add(self.tuning.deploy_timeout),
                    cycle,
                    started: self.now,
                    attempt: parked.tries + 1,
                    passes,
                    work: Work::Deploy,
                };
                self.launch(parked.task, run, effects);
                true
            }
        }
    }

    fn dispatch_next(&mut self, effects: &mut Vec<Effect<K>>) -> bool {
        if self.lanes.is_empty() {
            return false;
        }
        let passes = match self.gate.start(self.now, &mut self.moved) {
            Ok(passes) => passes,
            Err(at) => {
                self.gate_opens = Some(self.gate_opens.map_or(at, |other| other.min(at)));
                return false;
            }
        };
        let Some((lane, rank)) = self.lanes.pop(self.now) else { return false };
        let (most, aging) = (self.tuning.max_batch, self.tuning.aging);
        let Some(slot) = self.slots.get_mut(rank.slot) else { return true };
        let events = slot.take(most, aging);
        let cost = events.iter().map(|held| held.cost).max().unwrap_or(1);
        self.lanes.charge(lane, cost.into());
        let awaited = events.iter().find_map(|held| held.cycle);
        let cycle = self.cycles.join(awaited, events.len(), self.now, effects);
        let attempt = events.iter().map(|held| held.tries).max().unwrap_or(0) + 1;
        let run = Run {
            slot: rank.slot,
            events,
            phase: Phase::Working,
            deadline: self.now.saturating_add(self.tuning.task_timeout),
            cycle,
            started: self.now,
            attempt,
            passes,
            work: Work::Regenerate,
        };
        self.next_task += 1;
        self.launch(TaskId(self.next_task), run, effects);
        true
    }

    fn launch(&mut self, task: TaskId, run: Run, effects: &mut Vec<Effect<K>>) {
        let Some(slot) = self.slots.get_mut(run.slot) else { return };
        slot.stand = Stand::Busy;
        let (key, offsets) = (slot.key.clone(), run.offsets());
        let (cycle, attempt) = (run.cycle, run.attempt);
        effects.push(match run.work {
            Work::Regenerate => Effect::Start { task, cycle, key, offsets, attempt },
            Work::Deploy => Effect::Deploy { task, cycle, key, offsets, attempt },
        });
        self.timers.set(run.deadline, Alarm::Task(task));
        self.runs.insert(task, run);
        self.working += 1;
    }

    fn notify_limiter(&mut self, effects: &[Effect<K>]) {
        let more_wait = !self.lanes.is_empty() && self.gate_opens.is_none();
        let Some(limiter) = &mut self.limiter else { return };
        limiter.load(self.working, more_wait, self.now);
        let target = self.tuning.target;
        let missed = effects.iter().any(|effect| match effect {
            Effect::CycleEnded(end) => end.ended.saturating_sub(end.opened) > target,
            _ => false,
        });
        if missed {
            limiter.cycle_over_target();
        }
    }

    /// One order for all that was dealt with in this step.
    fn acknowledge(&mut self, effects: &mut Vec<Effect<K>>) {
        if !self.dealt_with.is_empty() {
            let offsets = std::mem::take(&mut self.dealt_with);
            self.errands.give(Order::Acknowledge(offsets), self.now, &mut self.timers, effects);
        }
    }
}
