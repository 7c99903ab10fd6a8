//! Who is next: urgency with aging, and fair shares among sources.
//!
//! A waiting key has a *due* time: when its oldest event came in, plus one aging step for each
//! level of urgency below the highest. It never changes while it waits, and it is all that order
//! within a lane depends on. Seen at some time, a key counts as critical once its due time has
//! come, as high one step before, and so on. Among the first keys of all lanes, the most urgent
//! ones are looked at, and of these the lane goes first that has used up least.

use std::collections::BTreeSet;
use std::time::Duration;

use super::vocabulary::Lane;

#[cfg(test)]
mod tests;

/// A key that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// When it counts as critical.
    pub(super) due: Duration,
    /// In which order keys became ready; settles ties.
    pub(super) order: u64,
    /// Where it lies.
    pub(super) slot: u32,
}

#[derive(Clone, Debug, Default)]
struct Share {
    waiting: BTreeSet<Rank>,
    /// How much this lane has used up, in starts times cost.
    used: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Lanes {
    shares: Vec<Share>,
    /// Lanes in which something waits, in no order that matters.
    active: Vec<usize>,
    waiting: usize,
    aging: Duration,
    /// The least that an active lane had used up, the last time somebody was served.
    floor: u64,
}

impl Lanes {
    pub(super) fn new(aging: Duration) -> Self {
        let shares = vec![Share::default(); Lane::COUNT];
        Self { shares, active: Vec::new(), waiting: 0, aging, floor: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    pub(super) fn len(&self) -> usize {
        self.waiting
    }

    pub(super) fn insert(&mut self, lane: Lane, rank: Rank) {
        let share = &mut self.shares[lane.index()];
        if share.waiting.is_empty() {
            // Who was away has saved up nothing.
            share.used = share.used.max(self.floor);
            self.active.push(lane.index());
        }
        if share.waiting.insert(rank) {
            self.waiting += 1;
        }
    }

    pub(super) fn remove(&mut self, lane: Lane, rank: Rank) {
        let share = &mut self.shares[lane.index()];
        if share.waiting.remove(&rank) {
            self.waiting -= 1;
            if share.waiting.is_empty() {
                self.active.retain(|at| *at != lane.index());
            }
        }
    }

    /// Takes who is next; the caller says by [`charge`](Self::charge) what it cost.
    pub(super) fn pop(&mut self, now: Duration) -> Option<(Lane, Rank)> {
        let key = |at: &usize| {
            let share = &self.shares[*at];
            let first = share.waiting.first()?;
            Some((self.steps_left(first.due, now), share.used, first.due, first.order, *at))
        };
        let at = match self.active.as_slice() {
            [only] => *only,
            active => active.iter().filter_map(key).min()?.4,
        };
        self.floor = self.active.iter().map(|at| self.shares[*at].used).min().unwrap_or(self.floor);
        let rank = *self.shares[at].waiting.first()?;
        let lane = Lane::at(at);
        self.remove(lane, rank);
        Some((lane, rank))
    }

    /// Counts work against a lane.
    pub(super) fn charge(&mut self, lane: Lane, cost: u64) {
        let share = &mut self.shares[lane.index()];
        share.used = share.used.saturating_add(cost);
    }

    /// How many levels below the highest something counts that is due then.
    fn steps_left(&self, due: Duration, now: Duration) -> u128 {
        due.saturating_sub(now).as_nanos().div_ceil(self.aging.as_nanos().max(1))
    }
}
