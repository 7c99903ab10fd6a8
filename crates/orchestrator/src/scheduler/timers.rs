use std::collections::BTreeSet;
use std::time::Duration;

use super::vocabulary::{ErrandId, TaskId};

/// What a deadline belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    Task(TaskId),
    Slot(u32),
    Errand(ErrandId),
    Stop,
}

/// All deadlines, earliest first. They are taken out when they are met, so that there are never
/// more of them than things that have one.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    alarms: BTreeSet<(Duration, Alarm)>,
}

impl Timers {
    pub(super) fn set(&mut self, at: Duration, alarm: Alarm) {
        self.alarms.insert((at, alarm));
    }

    pub(super) fn clear(&mut self, at: Duration, alarm: Alarm) {
        self.alarms.remove(&(at, alarm));
    }

    pub(super) fn next(&self) -> Option<Duration> {
        self.alarms.first().map(|(at, _)| *at)
    }

    pub(super) fn pop_due(&mut self, now: Duration) -> Option<(Duration, Alarm)> {
        let first = *self.alarms.first()?;
        (first.0 <= now).then(|| {
            self.alarms.pop_first();
            first
        })
    }

    pub(super) fn len(&self) -> usize {
        self.alarms.len()
    }
}
