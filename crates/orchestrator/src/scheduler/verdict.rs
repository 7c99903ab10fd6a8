//! What the end of a task, or its not ending, means for its events.

use std::hash::Hash;
use std::time::Duration;

use super::errands::Order;
use super::gate::Mark;
use super::run::{Phase, Revocation, Run, Work};
use super::slots::{Held, Parked, Slot, Stand};
use super::state::{CANCEL_GRACE, Scheduler};
use super::timers::Alarm;
use super::vocabulary::{
    Attempt, Burial, Component, Effect, Ending, Failure, FailureKind, Notice, Outcome, TaskId,
};
use crate::limiter::Completion;

/// What a task says of the components that it used.
#[derive(Clone, Copy)]
enum Fate<'a> {
    Worked,
    Failed(&'a Failure),
    CutShort,
}

impl FailureKind {
    fn may_pass(self) -> bool {
        matches!(self, Self::Passing | Self::Panic | Self::TimedOut)
    }
}

impl<K: Clone + Eq + Hash> Scheduler<K> {
    pub(super) fn ended(&mut self, task: TaskId, outcome: Outcome, effects: &mut Vec<Effect<K>>) {
        let Some(run) = self.runs.remove(&task) else {
            effects.push(Effect::Notice(Notice::Late { task }));
            return;
        };
        self.timers.clear(run.deadline, Alarm::Task(task));
        match run.phase {
            Phase::Lost => {
                effects.push(Effect::Notice(Notice::Late { task }));
                self.unblock(run.slot);
            }
            Phase::Revoked => {
                self.working -= 1;
                if outcome != Outcome::Cancelled {
                    effects.push(Effect::Notice(Notice::Late { task }));
                }
                self.unpark(run.slot, task);
            }
            Phase::Working | Phase::Revoking { .. } | Phase::Committing | Phase::Overdue => {
                self.working -= 1;
                self.judge(task, run, outcome, effects);
            }
        }
    }

    fn judge(&mut self, task: TaskId, run: Run, outcome: Outcome, effects: &mut Vec<Effect<K>>) {
        match (outcome, run.work) {
            (Outcome::Done { deploy: true }, Work::Regenerate) => self.park(task, run, effects),
            (Outcome::Done { .. }, _) => self.settle(task, run, Ending::Done, effects),
            (Outcome::Refused(failure), _) => {
                self.settle(task, run, Ending::Refused(failure), effects);
            }
            (Outcome::Failed(failure), _) => self.fail(task, run, &failure, effects),
            (Outcome::Cancelled, _) => self.put_back(task, run, effects),
        }
    }

    /// It is committed; its deployment comes next, as a task of its own that keeps the id.
    fn park(&mut self, task: TaskId, mut run: Run, effects: &mut Vec<Effect<K>>) {
        self.account(&mut run, Fate::Worked, Completion::Success, effects);
        let left_alone = self.gate.is_open(Component::Deployment);
        if left_alone {
            effects.push(Effect::Notice(Notice::DeploymentWaits { cycle: run.cycle }));
            self.cycles.leave(run.cycle, false, self.now, effects);
        }
        let cycle = (!left_alone).then_some(run.cycle);
        let Some(slot) = self.slots.get_mut(run.slot) else { return };
        slot.parked = Some(Parked { task, cycle, events: run.events, tries: 0 });
        slot.stand = Stand::Parked { until: None };
        self.deployable.push_back(run.slot);
    }

    fn settle(&mut self, task: TaskId, mut run: Run, ending: Ending, effects: &mut Vec<Effect<K>>) {
        let done = ending == Ending::Done;
        let completion = if done { Completion::Success } else { Completion::Neutral };
        self.account(&mut run, Fate::Worked, completion, effects);
        let offsets = run.offsets();
        self.dealt_with.extend_from_slice(&offsets);
        self.tell_settled(task, &run, &run.events, ending, effects);
        self.cycles.leave(run.cycle, done, self.now, effects);
        self.go_on(run.slot);
    }

    fn fail(
        &mut self,
        task: TaskId,
        mut run: Run,
        failure: &Failure,
        effects: &mut Vec<Effect<K>>,
    ) {
        let completion = match failure.kind {
            FailureKind::TimedOut | FailureKind::Unknown => Completion::Timeout,
            FailureKind::Passing | FailureKind::Panic => Completion::Failure,
            FailureKind::Lasting => Completion::Neutral,
        };
        self.account(&mut run, Fate::Failed(failure), completion, effects);
        let most = self.tuning.retry.max_tries;
        let attempt = Attempt { at: self.now, attempt: run.attempt, failure: failure.clone() };
        if let Some(slot) = self.slots.get_mut(run.slot) {
            slot.remember(attempt, most.saturating_mul(2));
        }
        match run.work {
            Work::Regenerate => self.fail_events(task, &mut run, failure, effects),
            Work::Deploy => self.fail_deployment(task, &mut run, failure, effects),
        }
        self.cycles.leave(run.cycle, false, self.now, effects);
        self.go_on(run.slot);
    }

    fn fail_events(
        &mut self,
        task: TaskId,
        run: &mut Run,
        failure: &Failure,
        effects: &mut Vec<Effect<K>>,
    ) {
        let most = self.tuning.retry.max_tries;
        for held in &mut run.events {
            held.tries += 1;
        }
        let events = std::mem::take(&mut run.events);
        let (again, dead): (Vec<Held>, Vec<Held>) =
            events.into_iter().partition(|held| failure.kind.may_pass() && held.tries < most);
        if let Some(first) = again.first() {
            let tries = again.iter().map(|held| held.tries).max().unwrap_or(1);
            let at = self.now.saturating_add(self.tuning.pause(tries, first.offset));
            let aging = self.tuning.aging;
            if let Some(slot) = self.slots.get_mut(run.slot) {
                let key = slot.key.clone();
                slot.put_back(again, aging);
                slot.not_before = Some(at);
                let (cycle, attempt, failure) = (run.cycle, run.attempt, failure.clone());
                effects.push(Effect::Retry { task, cycle, key, at, attempt, failure });
            }
        }
        self.bury(task, run, &dead, failure, effects);
    }

    fn fail_deployment(
        &mut self,
        task: TaskId,
        run: &mut Run,
        failure: &Failure,
        effects: &mut Vec<Effect<K>>,
    ) {
        let events = std::mem::take(&mut run.events);
        let last = !failure.kind.may_pass() || run.attempt >= self.tuning.retry.max_tries;
        if last {
            let tries = run.attempt;
            let dead = events.into_iter().map(|held| Held { tries: held.tries + tries, ..held });
            let dead: Vec<Held> = dead.collect();
            self.bury(task, run, &dead, failure, effects);
            return;
        }
        let first = events.first().map_or(0, |held| held.offset);
        let at = self.now.saturating_add(self.tuning.pause(run.attempt, first));
        let Some(slot) = self.slots.get_mut(run.slot) else { return };
        slot.parked = Some(Parked { task, cycle: None, events, tries: run.attempt });
        slot.stand = Stand::Parked { until: Some(at) };
        let (key, cycle, attempt) = (slot.key.clone(), run.cycle, run.attempt);
        let failure = failure.clone();
        effects.push(Effect::Retry { task, cycle, key, at, attempt, failure });
        self.timers.set(at, Alarm::Slot(run.slot));
    }

    fn bury(
        &mut self,
        task: TaskId,
        run: &Run,
        dead: &[Held],
        failure: &Failure,
        effects: &mut Vec<Effect<K>>,
    ) {
        let Some(slot) = self.slots.get(run.slot) else { return };
        let Some(tries) = dead.iter().map(|held| held.tries).max() else { return };
        let burial = Burial {
            key: slot.key.clone(),
            offsets: dead.iter().map(|held| held.offset).collect(),
            history: slot.last_tries(tries.max(1)),
        };
        self.tell_settled(task, run, dead, Ending::Buried(failure.clone()), effects);
        self.errands.give(Order::Bury(burial), self.now, &mut self.timers, effects);
    }

    /// A task was cut short through no fault of its own: its events wait as before.
    fn put_back(&mut self, task: TaskId, mut run: Run, effects: &mut Vec<Effect<K>>) {
        self.account(&mut run, Fate::CutShort, Completion::Neutral, effects);
        let events = std::mem::take(&mut run.events);
        let aging = self.tuning.aging;
        if let Some(slot) = self.slots.get_mut(run.slot) {
            match run.work {
                Work::Regenerate => slot.put_back(events, aging),
                Work::Deploy => {
                    let tries = run.attempt - 1;
                    slot.parked = Some(Parked { task, cycle: None, events, tries });
                    slot.stand = Stand::Parked { until: None };
                    self.deployable.push_back(run.slot);
                }
            }
        }
        self.cycles.leave(run.cycle, false, self.now, effects);
        self.go_on(run.slot);
    }

    /// Tells breakers and the limiter what became of a task.
    fn account(
        &mut self,
        run: &mut Run,
        fate: Fate<'_>,
        completion: Completion,
        effects: &mut Vec<Effect<K>>,
    ) {
        let mark = |component: Component| match fate {
            Fate::Worked => Mark::Worked,
            Fate::CutShort => Mark::Unknown,
            // Components are reached in the order of the variants.
            Fate::Failed(failure) if component < failure.component => Mark::Worked,
            Fate::Failed(failure) if component > failure.component => Mark::Unknown,
            // Refusing bad input is what a component is there for.
            Fate::Failed(failure) if failure.kind == FailureKind::Lasting => Mark::Worked,
            Fate::Failed(_) => Mark::Failed,
        };
        let passes = std::mem::take(&mut run.passes);
        self.gate.give_back(passes, mark, self.now, &mut self.moved);
        // A deployment waits for others; how long it takes says nothing of this machine.
        if run.work == Work::Regenerate
            && let Some(limiter) = &mut self.limiter
        {
            effects.extend(limiter.complete(completion, self.now).map(Effect::LimitChanged));
        }
    }

    fn tell_settled(
        &mut self,
        task: TaskId,
        run: &Run,
        events: &[Held],
        ending: Ending,
        effects: &mut Vec<Effect<K>>,
    ) {
        let Some(slot) = self.slots.get(run.slot) else { return };
        let done = ending == Ending::Done;
        effects.push(Effect::Settled {
            task,
            cycle: run.cycle,
            key: slot.key.clone(),
            offsets: events.iter().map(|held| held.offset).collect(),
            ending,
            took: self.now.saturating_sub(run.started),
        });
        let mut awaited: Vec<_> = events.iter().filter_map(|held| held.cycle).collect();
        awaited.sort_unstable();
        for same in awaited.chunk_by(|one, other| one == other) {
            self.cycles.settle(same[0], same.len(), done, self.now, effects);
        }
    }

    /// What a key does after its task.
    fn go_on(&mut self, place: u32) {
        let Some(slot) = self.slots.get_mut(place) else { return };
        if slot.is_idle() {
            self.slots.remove(place);
        } else if slot.parked.is_none() {
            self.line_up(place);
        }
    }

    /// The deadline of a task has passed.
    pub(super) fn overdue(&mut self, task: TaskId, effects: &mut Vec<Effect<K>>) {
        let Some(run) = self.runs.get_mut(&task) else { return };
        let commit_timeout = self.tuning.commit_timeout;
        let (phase, more) = match run.phase {
            Phase::Working => {
                effects.push(Effect::Notice(Notice::TimedOut { task }));
                effects.push(Effect::Revoke { task });
                (Phase::Revoking { why: Revocation::TimedOut }, CANCEL_GRACE)
            }
            // Without an answer the worse case holds: that it takes effect right now.
            Phase::Revoking { .. } | Phase::Committing => {
                effects.push(Effect::Notice(Notice::CommitOverdue { task }));
                (Phase::Overdue, commit_timeout)
            }
            Phase::Overdue => return self.lose(task, effects),
            Phase::Revoked => {
                let slot = run.slot;
                self.runs.remove(&task);
                self.working -= 1;
                effects.push(Effect::Notice(Notice::Lost { task }));
                self.unpark(slot, task);
                return;
            }
            Phase::Lost => return,
        };
        run.phase = phase;
        run.deadline = self.now.saturating_add(more);
        self.timers.set(run.deadline, Alarm::Task(task));
    }

    /// Lets the next try of a deployment begin, if its pause is over and the try before is gone:
    /// tries share an id, and nothing keeps one that was revoked from taking effect.
    pub(super) fn unpark(&mut self, place: u32, task: TaskId) {
        let Some(slot) = self.slots.get(place) else { return };
        let is_of_task = slot.parked.as_ref().is_some_and(|parked| parked.task == task);
        let waits = slot.stand == Stand::Parked { until: None };
        let may_begin = is_of_task && waits && !self.runs.contains_key(&task);
        if may_begin && !self.deployable.contains(&place) {
            self.deployable.push_back(place);
        }
    }

    pub(super) fn committing(&mut self, task: TaskId) {
        let Some(run) = self.runs.get_mut(&task) else { return };
        if matches!(run.phase, Phase::Revoking { .. }) {
            self.timers.clear(run.deadline, Alarm::Task(task));
            run.phase = Phase::Committing;
            run.deadline = self.now.saturating_add(self.tuning.commit_timeout);
            self.timers.set(run.deadline, Alarm::Task(task));
        }
    }

    pub(super) fn revoked(&mut self, task: TaskId, effects: &mut Vec<Effect<K>>) {
        let Some(run) = self.runs.get_mut(&task) else { return };
        let Phase::Revoking { why } = run.phase else { return };
        self.timers.clear(run.deadline, Alarm::Task(task));
        run.phase = Phase::Revoked;
        run.deadline = self.now.saturating_add(CANCEL_GRACE);
        self.timers.set(run.deadline, Alarm::Task(task));
        // What is left behind only keeps the place; the events go on without it.
        let gone = Run {
            events: std::mem::take(&mut run.events),
            passes: std::mem::take(&mut run.passes),
            ..*run
        };
        match why {
            Revocation::Stop => self.put_back(task, gone, effects),
            Revocation::TimedOut => {
                let error = format!("not done within {:?}", self.time_of(gone.work)).into();
                let component = gone.work.component();
                let failure = Failure { component, kind: FailureKind::TimedOut, error };
                self.fail(task, gone, &failure, effects);
            }
        }
    }

    fn time_of(&self, work: Work) -> Duration {
        match work {
            Work::Regenerate => self.tuning.task_timeout,
            Work::Deploy => self.tuning.deploy_timeout,
        }
    }

    /// A commit never answered. Whether it took effect is unknown, so its events go to a person,
    /// and its key is not touched before it ends.
    fn lose(&mut self, task: TaskId, effects: &mut Vec<Effect<K>>) {
        let Some(run) = self.runs.get_mut(&task) else { return };
        run.phase = Phase::Lost;
        self.working -= 1;
        let mut gone = Run {
            events: std::mem::take(&mut run.events),
            passes: std::mem::take(&mut run.passes),
            ..*run
        };
        effects.push(Effect::Notice(Notice::Lost { task }));
        let failure = Failure {
            component: gone.work.component(),
            kind: FailureKind::Unknown,
            error: "the commit did not answer; whether it took effect is unknown".into(),
        };
        self.account(&mut gone, Fate::Failed(&failure), Completion::Timeout, effects);
        let attempt = Attempt { at: self.now, attempt: gone.attempt, failure: failure.clone() };
        if let Some(slot) = self.slots.get_mut(gone.slot) {
            slot.remember(attempt, self.tuning.retry.max_tries.saturating_mul(2));
            slot.stand = Stand::Blocked { until: None };
        }
        let mut dead = std::mem::take(&mut gone.events);
        for held in &mut dead {
            held.tries += 1;
        }
        self.bury(task, &gone, &dead, &failure, effects);
        self.cycles.leave(gone.cycle, false, self.now, effects);
        if self.slots.get(gone.slot).is_some_and(Slot::has_waiting) {
            self.block(gone.slot);
        }
    }

    /// Gives what waits for a lost commit a deadline, too.
    pub(super) fn block(&mut self, place: u32) {
        let until = self.now.saturating_add(self.tuning.task_timeout);
        if let Some(slot) = self.slots.get_mut(place) {
            slot.stand = Stand::Blocked { until: Some(until) };
            self.timers.set(until, Alarm::Slot(place));
        }
    }

    pub(super) fn give_up_blocked(&mut self, place: u32, effects: &mut Vec<Effect<K>>) {
        let aging = self.tuning.aging;
        let lost = self.runs.iter().find(|(_, run)| run.slot == place && run.phase == Phase::Lost);
        let Some((&task, run)) = lost else { return };
        let (cycle, work, attempt, started) = (run.cycle, run.work, run.attempt, run.started);
        let Some(slot) = self.slots.get_mut(place) else { return };
        slot.stand = Stand::Blocked { until: None };
        let mut dead = slot.take(usize::MAX, aging);
        for held in &mut dead {
            held.tries = held.tries.max(1);
        }
        let failure = Failure {
            component: Component::Regeneration,
            kind: FailureKind::Unknown,
            error: "an earlier commit for the same key never answered".into(),
        };
        slot.remember(
            Attempt { at: self.now, attempt, failure: failure.clone() },
            self.tuning.retry.max_tries.saturating_mul(2),
        );
        let gone = Run {
            slot: place,
            events: Vec::new(),
            phase: Phase::Lost,
            deadline: self.now,
            cycle,
            started,
            attempt,
            passes: super::gate::Passes::default(),
            work,
        };
        self.bury(task, &gone, &dead, &failure, effects);
    }

    /// A lost commit has ended after all; its key goes on.
    fn unblock(&mut self, place: u32) {
        if let Some(slot) = self.slots.get_mut(place)
            && let Stand::Blocked { until } = slot.stand
        {
            if let Some(until) = until {
                self.timers.clear(until, Alarm::Slot(place));
            }
            slot.stand = Stand::Busy;
            self.go_on(place);
        }
    }
}
