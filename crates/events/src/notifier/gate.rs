//! Which subscribers hold publishers up, and for how long.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Watched;

/// The subscribers that limit publishers.
#[derive(Debug, Default)]
pub(super) struct Gate {
    limits: BTreeMap<u64, Limit>,
    next: u64,
    /// Events that are on their way into the log.
    in_flight: u64,
}

#[derive(Debug)]
struct Limit {
    /// The first offset that the subscriber did not take yet.
    cursor: u64,
    capacity: u64,
    /// After how long it is given up; otherwise the publisher is.
    give_up: Option<Duration>,
    given_up: bool,
}

impl Limit {
    /// Whether `count` more events are too many. More than the capacity at once are let
    /// through when nothing else waits.
    fn blocks(&self, end: u64, count: u64) -> bool {
        let behind = end.saturating_sub(self.cursor);
        !self.given_up && behind + count.min(self.capacity) > self.capacity
    }
}

impl Gate {
    pub(super) fn enter(&mut self, cursor: u64, capacity: u64, give_up: Option<Duration>) -> u64 {
        self.next += 1;
        let limit = Limit { cursor, capacity: capacity.max(1), give_up, given_up: false };
        self.limits.insert(self.next, limit);
        self.next
    }

    pub(super) fn leave(&mut self, number: u64) {
        self.limits.remove(&number);
    }

    /// Notes what a subscriber has taken; `false` if it has been given up.
    pub(super) fn advance(&mut self, number: u64, cursor: u64) -> bool {
        let Some(limit) = self.limits.get_mut(&number).filter(|limit| !limit.given_up) else {
            return false;
        };
        limit.cursor = cursor;
        true
    }

    /// Takes room for `count` events, if all have it.
    pub(super) fn reserve(&mut self, end: u64, count: u64) -> Option<()> {
        let end = end + self.in_flight;
        if self.limits.values().any(|limit| limit.blocks(end, count)) {
            return None;
        }
        self.in_flight += count;
        Some(())
    }

    /// Gives up those that have held a publisher for as long as they may; says how many.
    pub(super) fn give_up(&mut self, end: u64, count: u64, waited: Duration) -> u64 {
        let end = end + self.in_flight;
        let mut given_up = 0;
        for limit in self.limits.values_mut() {
            if limit.give_up.is_some_and(|after| after <= waited) && limit.blocks(end, count) {
                limit.given_up = true;
                given_up += 1;
            }
        }
        given_up
    }

    /// How long after its begin a wait ends the next time, if anybody blocks: by giving up a
    /// subscriber, or after `patience` the publisher.
    pub(super) fn next_verdict(
        &self,
        end: u64,
        count: u64,
        patience: Duration,
    ) -> Option<Duration> {
        let end = end + self.in_flight;
        let blocking = self.limits.values().filter(|limit| limit.blocks(end, count));
        blocking.map(|limit| limit.give_up.unwrap_or(patience)).min()
    }
}

/// Room for events that are on their way into the log.
pub(super) struct Reserved<'a> {
    pub(super) gate: &'a Watched<Gate>,
    pub(super) count: u64,
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.gate.change(|gate| gate.in_flight -= self.count);
    }
}
