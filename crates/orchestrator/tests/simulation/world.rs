mod handlers;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};
use std::time::Duration;

use evergen_orchestrator::{
    Arrival, CycleId, Effect, Ending, ErrandId, Input, Lane, Notice, OrchestratorConfig, RateLimit,
    Scheduler, TaskId, Urgency,
};

/// All that can go wrong, by name.
pub(crate) const FAULTS: &[&str] = &[
    "slow",
    "passing failure",
    "lasting failure",
    "refusal",
    "panic",
    "hang",
    "deaf hang",
    "slow commit",
    "hanging commit",
    "failed commit",
    "failed deployment",
    "hanging deployment",
    "deaf deployment",
    "gate failure",
    "failed errand",
    "unanswered errand",
    "crash",
    "clean restart",
    "burst",
    "clock back",
    "clock forward",
    "pause",
    "double delivery",
    "timeout",
    "late end",
    "revocation too late",
    "lost task",
    "breaker opened",
    "buried",
];

/// Which faults may strike.
#[derive(Clone, Copy)]
pub(crate) struct Faults {
    handlers: bool,
    world: bool,
}

impl Faults {
    pub(crate) fn all() -> Self {
        Self { handlers: true, world: true }
    }

    pub(crate) fn of_handlers() -> Self {
        Self { handlers: true, world: false }
    }

    fn none() -> Self {
        Self { handlers: false, world: false }
    }
}

/// An event as the log keeps it.
#[derive(Clone, Copy)]
struct Logged {
    key: u32,
    urgency: Urgency,
    source: &'static str,
    cost: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Working,
    Committing,
    Revoked,
}

struct Task {
    key: u32,
    offsets: Vec<u64>,
    stage: Stage,
    deploys: bool,
    /// Declared lost by the scheduler: its place is free.
    lost: bool,
    /// How long it goes on after it was cancelled.
    deaf_for: Option<Duration>,
    commit: Commit,
}

#[derive(Clone, Copy)]
struct Commit {
    takes: Option<Duration>,
    fails: bool,
    deploy: bool,
    refused: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    /// The work is over, in this way.
    Over(TaskId, Fate),
    Committed(TaskId),
    Gone(TaskId),
    Errand(ErrandId, bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Commits,
    Passing,
    Lasting,
    Panics,
    GateFails,
}

pub(crate) struct World {
    seed: u64,
    random: fastrand::Rng,
    faults: Faults,
    config: OrchestratorConfig,
    now: Duration,
    scheduler: Scheduler<u32>,
    log: Vec<Logged>,
    /// What the log has down as acknowledged.
    acknowledged: HashSet<u64>,
    /// Everything below was handed in or acknowledged.
    cursor: u64,
    handed: HashSet<u64>,
    tasks: HashMap<TaskId, Task>,
    happenings: BinaryHeap<Reverse<(Duration, u64, Happening)>>,
    next_happening: u64,
    errands: HashMap<ErrandId, Order>,
    /// Commits that took effect, in any life and in this one.
    committed: HashSet<u64>,
    committed_in_this_life: HashSet<u64>,
    /// Committed and not acknowledged when the process died.
    may_repeat: HashSet<u64>,
    refused: HashSet<u64>,
    buried: BTreeSet<u64>,
    /// Deployed, or it need not be.
    unfinished_deployments: HashSet<u64>,
    cycles: BTreeSet<CycleId>,
    stopped: bool,
    stopping: bool,
    paused: bool,
    inputs: Vec<Input<u32>>,
    effects: Vec<Effect<u32>>,
    pub(crate) struck: BTreeMap<&'static str, u64>,
    pub(crate) steps: u64,
    pub(crate) trace: u64,
}

enum Order {
    Acknowledge(Vec<u64>),
    Bury(Vec<u64>),
}

const SOURCES: [&str; 4] = ["api", "file", "git", "webhook"];

fn config(random: &mut fastrand::Rng) -> OrchestratorConfig {
    let mut builder = OrchestratorConfig::builder()
        .max_concurrent(random.u32(1..=6))
        .queue_capacity(random.u32(4..=64))
        .max_batch(random.u32(1..=16))
        .debounce_ms(random.u32(0..=20))
        .aging_ms(random.u32(10..=500))
        .task_timeout_ms(random.u32(50..=2_000))
        .commit_timeout_ms(random.u32(50..=1_000))
        .deploy_timeout_ms(random.u32(50..=2_000))
        .target_cycle_ms(random.u32(10..=3_000))
        .max_tries(random.u32(1..=4))
        .retry_base_ms(random.u32(1..=50))
        .breaker_threshold(random.u32(2..=8))
        .breaker_recovery_ms(random.u32(20..=500))
        .adaptive_optimization(random.bool());
    if random.u8(..4) == 0 {
        builder = builder.rate_limit(RateLimit::new(random.u32(20..=200), random.u32(1..=10)));
    }
    builder.build().unwrap()
}

fn millis(random: &mut fastrand::Rng, least: u64, most: u64) -> Duration {
    Duration::from_micros(random.u64(least * 1_000..=most * 1_000))
}

impl World {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let config = config(&mut random);
        let scheduler = Scheduler::new(&config, true, random.u64(..)).unwrap();
        Self {
            seed,
            faults,
            config,
            now: Duration::from_secs(1),
            scheduler,
            log: Vec::new(),
            acknowledged: HashSet::new(),
            cursor: 0,
            handed: HashSet::new(),
            tasks: HashMap::new(),
            happenings: BinaryHeap::new(),
            next_happening: 0,
            errands: HashMap::new(),
            committed: HashSet::new(),
            committed_in_this_life: HashSet::new(),
            may_repeat: HashSet::new(),
            refused: HashSet::new(),
            buried: BTreeSet::new(),
            unfinished_deployments: HashSet::new(),
            cycles: BTreeSet::new(),
            stopped: false,
            stopping: false,
            paused: false,
            inputs: Vec::new(),
            effects: Vec::new(),
            struck: BTreeMap::new(),
            steps: 0,
            trace: seed,
            random,
        }
    }

    fn strike(&mut self, fault: &'static str) {
        *self.struck.entry(fault).or_default() += 1;
    }

    /// Something happens at random.
    pub(crate) fn turn(&mut self) {
        let world = self.faults.world;
        match self.random.u32(..10_000) {
            0..1_500 => self.publish(1),
            1_500..1_520 if world => {
                let count = self.random.usize(1..=100);
                self.strike("burst");
                self.publish(count);
            }
            1_520..1_525 if world => self.crash(),
            1_525..1_530 if world && !self.stopping => {
                self.strike("clean restart");
                self.stopping = true;
                let grace = millis(&mut self.random, 0, 500);
                self.inputs.push(Input::Stop { grace });
            }
            1_530..1_540 if world && !self.paused => {
                self.strike("pause");
                self.paused = true;
                self.inputs.push(Input::Pause);
            }
            1_540..1_640 if self.paused => self.resume(),
            1_640..1_645 if world => {
                self.strike("clock forward");
                let leap = Duration::from_secs(self.random.u64(1..=7_200));
                self.now += leap;
            }
            1_645..1_660 if world => return self.step_back_in_time(),
            1_660..1_680 if world => self.deliver_twice(),
            1_680..1_690 if world && self.stopping => {
                self.inputs.push(Input::Stop { grace: Duration::ZERO });
            }
            _ => self.pass(),
        }
        self.hand_in();
        self.step(self.now);
    }

    fn resume(&mut self) {
        self.paused = false;
        self.inputs.push(Input::Resume);
    }

    fn publish(&mut self, count: usize) {
        let urgencies = [Urgency::Critical, Urgency::High, Urgency::Normal, Urgency::Low];
        for _ in 0..count {
            self.log.push(Logged {
                key: self.random.u32(..12),
                urgency: urgencies[self.random.usize(..4)],
                source: SOURCES[self.random.usize(..4)],
                cost: self.random.u32(..6),
            });
        }
    }

    fn deliver_twice(&mut self) {
        let first = self.handed.iter().min().copied();
        let Some(offset) = first.filter(|offset| !self.acknowledged.contains(offset)) else {
            return;
        };
        self.strike("double delivery");
        let arrival = self.arrival(offset);
        self.inputs.push(Input::Arrived(arrival));
    }

    fn arrival(&self, offset: u64) -> Arrival<u32> {
        let logged = self.log[usize::try_from(offset).unwrap()];
        Arrival {
            offset,
            key: logged.key,
            urgency: logged.urgency,
            lane: Lane::of(logged.source),
            cost: logged.cost,
            cycle: None,
        }
    }

    /// Lets time pass until something is due, or a bit less.
    fn pass(&mut self) {
        let due = self.happenings.peek().map(|Reverse((at, ..))| *at);
        let wake = self.scheduler.next_wake();
        let next = [due, wake].into_iter().flatten().min();
        let bit = millis(&mut self.random, 0, 5);
        self.now = match next {
            Some(next) if self.random.u8(..4) > 0 => next.max(self.now),
            _ => self.now + bit,
        };
        while let Some(Reverse((at, _, happening))) = self.happenings.pop() {
            if at > self.now {
                self.schedule(at, happening);
                break;
            }
            self.happen(&happening);
        }
    }

    fn step_back_in_time(&mut self) {
        self.strike("clock back");
        let earlier = self.now.saturating_sub(millis(&mut self.random, 1, 5_000));
        self.step(earlier);
    }

    fn schedule(&mut self, at: Duration, happening: Happening) {
        self.next_happening += 1;
        self.happenings.push(Reverse((at, self.next_happening, happening)));
    }

    fn hand_in(&mut self) {
        if self.stopping {
            return;
        }
        let mut room = self.scheduler.room();
        room = room.min(self.random.usize(..=16));
        while room > 0 && usize::try_from(self.cursor).unwrap() < self.log.len() {
            let offset = self.cursor;
            self.cursor += 1;
            if self.acknowledged.contains(&offset) {
                continue;
            }
            self.handed.insert(offset);
            let arrival = self.arrival(offset);
            self.inputs.push(Input::Arrived(arrival));
            room -= 1;
        }
    }

    fn step(&mut self, now: Duration) {
        let inputs = std::mem::take(&mut self.inputs);
        let mut effects = std::mem::take(&mut self.effects);
        self.scheduler.step(inputs, now, &mut effects);
        self.steps += 1;
        for effect in effects.drain(..) {
            self.note(&effect);
            self.carry_out(effect);
        }
        self.effects = effects;
        self.hold_invariants();
        if !self.inputs.is_empty() {
            // Answers to revocations come at once.
            self.step(now);
        } else if self.stopped {
            self.begin_anew();
        }
    }

    fn note(&mut self, effect: &Effect<u32>) {
        let (tag, value) = match effect {
            Effect::Start { task, offsets, .. } => (1, task.0 ^ offsets.iter().sum::<u64>() << 20),
            Effect::Deploy { task, attempt, .. } => (2, task.0 ^ u64::from(*attempt) << 40),
            Effect::Revoke { task } => (3, task.0),
            Effect::Retry { task, at, .. } => (4, task.0 ^ u64::try_from(at.as_nanos()).unwrap()),
            Effect::Settled { task, offsets, .. } => {
                (5, task.0 ^ offsets.iter().sum::<u64>() << 20)
            }
            Effect::Acknowledge { errand, offsets } => {
                (6, errand.0 ^ offsets.iter().sum::<u64>() << 20)
            }
            Effect::Bury { errand, .. } => (7, errand.0),
            Effect::CycleOpened { cycle } => (8, cycle.0),
            Effect::CycleEnded(end) => (9, end.cycle.0 ^ (end.executed as u64) << 40),
            Effect::LimitChanged(change) => (10, change.to as u64),
            Effect::BreakerMoved { component, open } => {
                (11, *component as u64 * 2 + u64::from(*open))
            }
            Effect::Notice(_) => (12, 0),
            Effect::Stopped { abandoned } => (13, *abandoned as u64),
            other => panic!("{other:?}"),
        };
        let mixed = (self.trace ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ tag;
        self.trace = mixed.rotate_left(17);
    }

    fn carry_out(&mut self, effect: Effect<u32>) {
        match effect {
            Effect::Start { task, key, offsets, .. } => self.start(task, key, offsets),
            Effect::Deploy { task, key, offsets, .. } => self.deploy(task, key, offsets),
            Effect::Revoke { task } => self.revoke(task),
            Effect::Acknowledge { errand, offsets } => {
                for offset in &offsets {
                    let ended = self.committed.contains(offset)
                        && !self.unfinished_deployments.contains(offset);
                    let fine =
                        ended || self.refused.contains(offset) || self.buried.contains(offset);
                    assert!(fine, "seed {}: {offset} is acknowledged too early", self.seed);
                }
                self.answer(errand, Order::Acknowledge(offsets));
            }
            Effect::Bury { errand, burial } => {
                assert!(!burial.history.is_empty(), "seed {}: no reason", self.seed);
                let most = usize::try_from(self.config.retry.max_tries).unwrap() * 2;
                assert!(burial.history.len() <= most, "seed {}: {:?}", self.seed, burial.history);
                self.strike("buried");
                self.answer(errand, Order::Bury(burial.offsets));
            }
            Effect::Settled { offsets, ending: Ending::Refused(_), .. } => {
                self.refused.extend(offsets);
            }
            Effect::CycleOpened { cycle } => {
                assert!(self.cycles.insert(cycle));
            }
            Effect::CycleEnded(end) => {
                assert!(self.cycles.remove(&end.cycle), "seed {}: ended twice", self.seed);
                assert_eq!(end.executed, end.succeeded + end.failed);
                assert!(end.parallelism <= self.config.max_concurrent + 1, "{end:?}");
            }
            Effect::BreakerMoved { open: true, .. } => self.strike("breaker opened"),
            Effect::Notice(notice) => self.take_notice(&notice),
            Effect::Stopped { .. } => self.stopped = true,
            Effect::LimitChanged(change) => {
                assert!((1..=self.config.max_concurrent).contains(&change.to));
            }
            Effect::Retry { .. } | Effect::Settled { .. } | Effect::BreakerMoved { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    fn take_notice(&mut self, notice: &Notice) {
        match notice {
            Notice::TimedOut { .. } => self.strike("timeout"),
            Notice::Late { .. } => self.strike("late end"),
            Notice::Lost { task } => {
                self.strike("lost task");
                if let Some(task) = self.tasks.get_mut(task) {
                    task.lost = true;
                }
            }
            Notice::Overflow { offset } => {
                panic!("seed {}: no room for {offset}", self.seed);
            }
            Notice::Duplicate { .. }
            | Notice::DeploymentWaits { .. }
            | Notice::CommitOverdue { .. }
            | Notice::ErrandFailed { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    fn hold_invariants(&self) {
        let (seed, view) = (self.seed, self.scheduler.view());
        let alive = self.tasks.values().filter(|task| !task.lost).count();
        assert!(alive <= self.config.max_concurrent, "seed {seed}: {alive} tasks at once");
        assert!(view.working <= self.config.max_concurrent, "seed {seed}: {view:?}");
        assert!(view.limit <= self.config.max_concurrent);
        assert!(view.in_hand <= self.config.queue_capacity, "seed {seed}: {view:?}");
        assert!(view.keys <= view.in_hand + self.config.max_concurrent + self.tasks.len());
        // As many deadlines as things that can have one.
        let most = view.keys + self.tasks.len() + view.errands + view.working + 1;
        assert!(view.deadlines <= most, "seed {seed}: {view:?}");
        if view.in_hand > 0 && !view.paused && !view.stopping && self.inputs.is_empty() {
            let wake = self.scheduler.next_wake();
            assert!(wake.is_some(), "seed {seed}: nothing would ever happen: {view:?}");
        }
        if self.inputs.is_empty() && !self.stopping {
            assert!(self.handed.len() <= view.in_hand, "seed {seed}: an event is lost: {view:?}");
        }
    }

    /// The process dies. What runs dies with it, before or just after its effect.
    pub(crate) fn crash(&mut self) {
        self.strike("crash");
        let mut committing: Vec<TaskId> = Vec::new();
        committing.extend(
            self.tasks.iter().filter(|(_, it)| it.stage == Stage::Committing).map(|(id, _)| *id),
        );
        committing.sort_unstable();
        for id in committing {
            if self.random.bool() {
                self.commit_ends(id);
            }
        }
        self.begin_anew();
    }

    /// A new process, with what the log and the output hold.
    fn begin_anew(&mut self) {
        self.scheduler = Scheduler::new(&self.config, true, self.random.u64(..)).unwrap();
        self.tasks.clear();
        self.happenings.clear();
        self.errands.clear();
        self.inputs.clear();
        self.cycles.clear();
        self.handed.clear();
        self.cursor = 0;
        let unacknowledged = |offset: &&u64| !self.acknowledged.contains(offset);
        self.may_repeat.extend(self.committed.iter().filter(unacknowledged));
        self.committed_in_this_life.clear();
        self.unfinished_deployments.clear();
        (self.stopped, self.stopping, self.paused) = (false, false, false);
    }

    /// Nothing goes wrong any more; everything that was published comes to its end.
    pub(crate) fn come_to_rest(&mut self) {
        self.faults = Faults::none();
        if self.paused {
            self.resume();
        }
        let (mut turns, limit) = (0, 200_000 + self.log.len() * 200);
        while self.acknowledged.len() < self.log.len() || !self.inputs.is_empty() {
            self.pass();
            self.hand_in();
            self.step(self.now);
            turns += 1;
            assert!(turns < limit, "seed {}: stuck: {:?}", self.seed, self.scheduler.view());
        }
        for offset in 0..self.log.len() as u64 {
            let ended = self.committed.contains(&offset)
                || self.refused.contains(&offset)
                || self.buried.contains(&offset);
            assert!(ended, "seed {}: {offset} vanished", self.seed);
        }
    }
}
