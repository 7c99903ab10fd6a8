//! Errors, grouped by what they have in common.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

mod correlation;
mod fingerprint;
mod group;
mod remedy;

pub use correlation::Correlation;
pub use fingerprint::{Fingerprint, normalize};
pub use group::Trend;

use correlation::Base;
use group::Group;

use crate::event::ErrorKind;
use crate::record::Record;

/// Errors with the same fingerprint.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ErrorGroup {
    /// What they have in common: the same from run to run.
    pub fingerprint: Fingerprint,
    /// Their kind.
    pub kind: ErrorKind,
    /// Where they come from.
    pub component: String,
    /// Their message, with placeholders for what differs.
    pub pattern: String,
    /// The last message as it was.
    pub example: String,
    /// How many there were.
    pub count: u64,
    /// When the first one was.
    pub first_seen: Timestamp,
    /// When the last one was.
    pub last_seen: Timestamp,
    /// How many in a minute, over the last five.
    pub rate_per_minute: f64,
    /// Where that goes.
    pub trend: Trend,
    /// What they go with, the strongest first.
    pub correlations: Vec<Correlation>,
    /// What has helped against such errors.
    pub remedies: Vec<&'static str>,
}

/// Groups errors, in bounded memory. A pure value: the time is that of the records.
#[derive(Clone, Debug)]
pub struct ErrorAnalytics {
    capacity: usize,
    groups: BTreeMap<Fingerprint, Group>,
    base: Base,
    evicted: u64,
}

impl ErrorAnalytics {
    /// Keeps up to `capacity` groups, at least one; the one that was quiet for longest
    /// makes room.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            groups: BTreeMap::new(),
            base: Base::default(),
            evicted: 0,
        }
    }

    /// Takes in what happened. What went well matters too: without it nothing could be
    /// said to go with errors.
    pub fn observe(&mut self, record: &Record) {
        self.base.observe(record);
        let Some(kind) = record.error else { return };
        let message = record.message.as_deref().unwrap_or("");
        let pattern = normalize(message);
        let fingerprint = Fingerprint::of(kind, &record.component, &pattern);
        if !self.groups.contains_key(&fingerprint) && self.groups.len() >= self.capacity {
            self.make_room();
        }
        let group =
            self.groups.entry(fingerprint).or_insert_with(|| Group::new(record, kind, pattern));
        group.observe(record, message);
    }

    /// How many groups have made room for others.
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// All groups as they are at `now`, the largest first.
    pub fn groups(&self, now: Timestamp) -> Vec<ErrorGroup> {
        let described = |(fingerprint, group): (&Fingerprint, &Group)| ErrorGroup {
            fingerprint: *fingerprint,
            kind: group.kind,
            component: group.component.clone(),
            pattern: group.pattern.clone(),
            example: group.example.clone(),
            count: group.count,
            first_seen: group.first_seen,
            last_seen: group.last_seen,
            rate_per_minute: group.minutes.rate(now),
            trend: group.minutes.trend(now),
            correlations: self.base.correlations(&group.values, group.count),
            remedies: remedy::of(group.kind, &group.pattern),
        };
        let mut groups: Vec<_> = self.groups.iter().map(described).collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        groups
    }

    fn make_room(&mut self) {
        let quiet = self
            .groups
            .iter()
            .min_by_key(|(_, group)| group.last_seen)
            .map(|(fingerprint, _)| *fingerprint);
        if let Some(fingerprint) = quiet {
            self.groups.remove(&fingerprint);
            self.evicted += 1;
        }
    }
}

/// The minute in which an instant lies.
fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

#[cfg(test)]
mod tests;
