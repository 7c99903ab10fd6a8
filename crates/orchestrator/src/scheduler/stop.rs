use std::hash::Hash;
use std::time::Duration;

use super::run::{Phase, Revocation};
use super::slots::Stand;
use super::state::{CANCEL_GRACE, Scheduler};
use super::timers::Alarm;
use super::vocabulary::{Effect, TaskId};

/// Whether new tasks may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Running,
    Paused,
    /// Running tasks may go on until then.
    Stopping {
        until: Duration,
    },
    /// They may not, and are given up then.
    Cutting {
        until: Duration,
    },
    Stopped,
}

impl Mode {
    pub(super) fn is_stopping(self) -> bool {
        matches!(self, Self::Stopping { .. } | Self::Cutting { .. } | Self::Stopped)
    }

    pub(super) fn may_start(self) -> bool {
        matches!(self, Self::Running | Self::Stopping { .. })
    }

    pub(super) fn pause(&mut self) {
        if *self == Self::Running {
            *self = Self::Paused;
        }
    }

    pub(super) fn resume(&mut self) {
        if *self == Self::Paused {
            *self = Self::Running;
        }
    }
}

impl<K: Clone + Eq + Hash> Scheduler<K> {
    /// From now on only cycles that somebody waits for go on, and what is committed is deployed.
    pub(super) fn stop(&mut self, grace: Duration) {
        let until = self.now.saturating_add(grace);
        match self.mode {
            Mode::Running | Mode::Paused => {
                self.mode = Mode::Stopping { until };
                self.timers.set(until, Alarm::Stop);
                self.leave_the_rest();
            }
            Mode::Stopping { until: before } if until < before => {
                self.timers.clear(before, Alarm::Stop);
                self.timers.set(until, Alarm::Stop);
                self.mode = Mode::Stopping { until };
            }
            Mode::Stopping { .. } | Mode::Cutting { .. } | Mode::Stopped => {}
        }
    }

    /// Takes out of the lanes what nobody waits for; the log keeps it.
    fn leave_the_rest(&mut self) {
        for place in self.slots.places() {
            let Some(slot) = self.slots.get_mut(place) else { continue };
            if let (Stand::Ready { lane, rank }, false) = (slot.stand, slot.is_awaited()) {
                slot.stand = Stand::Delayed { until: self.now };
                self.lanes.remove(lane, rank);
            }
        }
    }

    pub(super) fn grace_is_over(&mut self, effects: &mut Vec<Effect<K>>) {
        match self.mode {
            Mode::Stopping { .. } => {
                let commits = self.tuning.commit_timeout.saturating_mul(2);
                let until = self.now.saturating_add(CANCEL_GRACE).saturating_add(commits);
                self.mode = Mode::Cutting { until };
                self.timers.set(until, Alarm::Stop);
                self.revoke_all(effects);
            }
            Mode::Cutting { .. } => self.end(effects),
            Mode::Running | Mode::Paused | Mode::Stopped => {}
        }
    }

    fn revoke_all(&mut self, effects: &mut Vec<Effect<K>>) {
        let working = self.runs.iter().filter(|(_, run)| run.phase == Phase::Working);
        let mut tasks: Vec<TaskId> = working.map(|(task, _)| *task).collect();
        tasks.sort_unstable();
        for task in tasks {
            if let Some(run) = self.runs.get_mut(&task) {
                self.timers.clear(run.deadline, Alarm::Task(task));
                run.phase = Phase::Revoking { why: Revocation::Stop };
                run.deadline = self.now.saturating_add(CANCEL_GRACE);
                self.timers.set(run.deadline, Alarm::Task(task));
                effects.push(Effect::Revoke { task });
            }
        }
    }

    pub(super) fn end_if_stopped(&mut self, effects: &mut Vec<Effect<K>>) {
        let nothing_more = match self.mode {
            Mode::Stopping { .. } => self.deployable.is_empty() && !self.cycles.awaits_something(),
            Mode::Cutting { .. } => true,
            Mode::Running | Mode::Paused | Mode::Stopped => false,
        };
        if nothing_more && self.working == 0 && self.errands.is_empty() {
            self.end(effects);
        }
    }

    fn end(&mut self, effects: &mut Vec<Effect<K>>) {
        let lost = self.runs.values().filter(|run| run.phase == Phase::Lost).count();
        if let Mode::Stopping { until } | Mode::Cutting { until } = self.mode {
            self.timers.clear(until, Alarm::Stop);
        }
        self.mode = Mode::Stopped;
        effects.push(Effect::Stopped { abandoned: self.working + lost });
    }
}
