//! What single templates, queries, gates and the like cost.

use std::collections::BTreeMap;

use crate::cells::OUTCOMES;
use crate::event::{Costs, EventKind};
use crate::histogram::Histogram;
use crate::metrics::OutcomeCounts;
use crate::record::Record;

/// The figures of one subject, since the start.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SubjectMetrics {
    /// What happens to it: a template is rendered, a query evaluated.
    pub kind: EventKind,
    /// Its name.
    pub name: String,
    /// How that ended.
    pub outcomes: OutcomeCounts,
    /// How long it took, in nanoseconds.
    pub times: Histogram,
    /// What it cost.
    pub costs: Costs,
}

/// A bounded number of subjects: the cheapest one makes room for a new one.
#[derive(Clone, Debug)]
pub(crate) struct Subjects {
    capacity: usize,
    known: BTreeMap<(EventKind, String), SubjectMetrics>,
    evicted: u64,
}

impl Subjects {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, known: BTreeMap::new(), evicted: 0 }
    }

    pub(crate) fn observe(&mut self, record: &Record) {
        let Some(name) = &record.subject else { return };
        let key = (record.kind(), name.clone());
        if !self.known.contains_key(&key) && self.known.len() >= self.capacity {
            self.make_room();
        }
        let subject = self.known.entry(key).or_insert_with(|| SubjectMetrics {
            kind: record.kind(),
            name: name.clone(),
            outcomes: OutcomeCounts::from_cells(&[0; OUTCOMES]),
            times: Histogram::new(),
            costs: Costs::default(),
        });
        subject.outcomes.add(record.outcome);
        subject.costs.add(&record.costs);
        if let Some(nanoseconds) = record.took_nanoseconds {
            subject.times.record(nanoseconds);
        }
    }

    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// All that are known, those that took longest in all first.
    pub(crate) fn list(&self) -> Vec<SubjectMetrics> {
        let mut list: Vec<_> = self.known.values().cloned().collect();
        list.sort_by_key(|subject| std::cmp::Reverse(subject.times.sum()));
        list
    }

    /// Removes the cheapest eighth: looking for one at each arrival
    /// would make many rare subjects expensive.
    fn make_room(&mut self) {
        let mut costs: Vec<_> = self
            .known
            .iter()
            .map(|(key, subject)| (subject.times.sum(), subject.outcomes.all(), key.clone()))
            .collect();
        costs.sort();
        for (_, _, key) in costs.into_iter().take((self.capacity / 8).max(1)) {
            self.known.remove(&key);
            self.evicted += 1;
        }
    }
}

#[cfg(test)]
mod tests;
