//! What waits of one source.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::Priority;

/// The items of a source, and when it was served last.
#[derive(Clone, Debug)]
pub(super) struct Lane<T> {
    pub(super) served: u64,
    pub(super) items: BinaryHeap<Waiting<T>>,
}

/// An item that waits. The greatest is next.
#[derive(Clone, Debug)]
pub(super) struct Waiting<T> {
    /// When it is as urgent as can be. The order by this is, at any time, the order by level.
    pub(super) top_at: Duration,
    pub(super) order: u64,
    pub(super) since: Duration,
    pub(super) priority: Priority,
    pub(super) item: T,
}

impl<T> Waiting<T> {
    /// How many agings it is away from being as urgent as can be.
    pub(super) fn level(&self, aging: Duration, now: Duration) -> u128 {
        self.top_at.saturating_sub(now).as_nanos().div_ceil(aging.as_nanos())
    }

    fn key(&self) -> Reverse<(Duration, u64)> {
        Reverse((self.top_at, self.order))
    }
}

impl<T> PartialEq for Waiting<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Waiting<T> {}

impl<T> PartialOrd for Waiting<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Waiting<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}
