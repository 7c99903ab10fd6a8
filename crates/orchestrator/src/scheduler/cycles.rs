use std::collections::BTreeMap;
use std::time::Duration;

use super::vocabulary::{CycleEnd, CycleId, Effect};

/// A stretch of work that is counted together. There are two kinds: the loop's own, which takes
/// in tasks until it is full, old, or nothing is left; and one that somebody waits for, which
/// has all the events that it was given.
#[derive(Clone, Debug)]
struct Cycle {
    opened: Duration,
    /// Events that somebody still waits for.
    awaited: Option<usize>,
    running: usize,
    started: usize,
    executed: usize,
    succeeded: usize,
    events: usize,
    parallelism: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Cycles {
    running: BTreeMap<CycleId, Cycle>,
    /// The loop's own cycle, while tasks can still join it.
    joinable: Option<CycleId>,
    next: u64,
    most_tasks: usize,
    longest: Duration,
}

impl Cycles {
    pub(super) fn new(most_tasks: usize, longest: Duration) -> Self {
        Self { running: BTreeMap::new(), joinable: None, next: 0, most_tasks, longest }
    }

    pub(super) fn next_id(&mut self) -> CycleId {
        self.next += 1;
        CycleId(self.next)
    }

    pub(super) fn open<K>(
        &mut self,
        cycle: CycleId,
        awaited: Option<usize>,
        now: Duration,
        effects: &mut Vec<Effect<K>>,
    ) {
        let fresh = Cycle {
            opened: now,
            awaited,
            running: 0,
            started: 0,
            executed: 0,
            succeeded: 0,
            events: 0,
            parallelism: 0,
        };
        self.running.insert(cycle, fresh);
        effects.push(Effect::CycleOpened { cycle });
        self.end_if_over(cycle, now, effects);
    }

    /// The cycle of a task that starts now, which may be one that somebody waits for.
    pub(super) fn join<K>(
        &mut self,
        awaited: Option<CycleId>,
        events: usize,
        now: Duration,
        effects: &mut Vec<Effect<K>>,
    ) -> CycleId {
        let awaited = awaited.filter(|cycle| self.running.contains_key(cycle));
        let id = awaited.unwrap_or_else(|| self.own(now, effects));
        if let Some(cycle) = self.running.get_mut(&id) {
            cycle.running += 1;
            cycle.started += 1;
            cycle.events += events;
            cycle.parallelism = cycle.parallelism.max(cycle.running);
        }
        id
    }

    /// A task of a cycle runs no more. In the loop's own cycle each try counts.
    pub(super) fn leave<K>(
        &mut self,
        id: CycleId,
        succeeded: bool,
        now: Duration,
        effects: &mut Vec<Effect<K>>,
    ) {
        if let Some(cycle) = self.running.get_mut(&id) {
            cycle.running -= 1;
            if cycle.awaited.is_none() {
                cycle.executed += 1;
                cycle.succeeded += usize::from(succeeded);
            }
        }
        self.end_if_over(id, now, effects);
    }

    /// Events that somebody waits for have come to their end; of these only the last try counts.
    pub(super) fn settle<K>(
        &mut self,
        id: CycleId,
        events: usize,
        succeeded: bool,
        now: Duration,
        effects: &mut Vec<Effect<K>>,
    ) {
        if let Some(cycle) = self.running.get_mut(&id) {
            cycle.awaited = cycle.awaited.map(|awaited| awaited.saturating_sub(events));
            cycle.executed += 1;
            cycle.succeeded += usize::from(succeeded);
        }
        self.end_if_over(id, now, effects);
    }

    /// Lets no more tasks into the loop's own cycle if it is full or old, or nothing is left.
    pub(super) fn close_own<K>(
        &mut self,
        nothing_left: bool,
        now: Duration,
        effects: &mut Vec<Effect<K>>,
    ) {
        let Some(id) = self.joinable else { return };
        let over = self.running.get(&id).is_none_or(|cycle| {
            cycle.started >= self.most_tasks
                || now.saturating_sub(cycle.opened) >= self.longest
                || (nothing_left && cycle.running == 0)
        });
        if over {
            self.joinable = None;
            self.end_if_over(id, now, effects);
        }
    }

    pub(super) fn awaits_something(&self) -> bool {
        self.running.values().any(|cycle| cycle.awaited.is_some_and(|awaited| awaited > 0))
    }

    fn own<K>(&mut self, now: Duration, effects: &mut Vec<Effect<K>>) -> CycleId {
        if let Some(id) = self.joinable {
            return id;
        }
        let id = self.next_id();
        self.joinable = Some(id);
        self.open(id, None, now, effects);
        id
    }

    fn end_if_over<K>(&mut self, id: CycleId, now: Duration, effects: &mut Vec<Effect<K>>) {
        let Some(cycle) = self.running.get(&id) else { return };
        let joinable = self.joinable == Some(id);
        if joinable || cycle.running > 0 || cycle.awaited.is_some_and(|awaited| awaited > 0) {
            return;
        }
        effects.push(Effect::CycleEnded(CycleEnd {
            cycle: id,
            opened: cycle.opened,
            ended: now,
            executed: cycle.executed,
            succeeded: cycle.succeeded,
            failed: cycle.executed - cycle.succeeded,
            events: cycle.events,
            parallelism: cycle.parallelism,
        }));
        self.running.remove(&id);
    }
}
