//! What errors go with.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::numbers::float;
use crate::record::Record;

/// How many values are known in all; the rarest make room.
const BASE_VALUES: usize = 4096;
/// How many values a group of errors remembers.
const GROUP_VALUES: usize = 32;
/// So many errors must share a value before it is named: fewer are chance.
const SUPPORT: u64 = 3;
/// How many times likelier than usual.
const LIFT: f64 = 1.5;

/// Attributes that name a change.
const DIMENSIONS: [&str; 6] = ["template", "query", "release", "change", "generator", "source"];

/// Something that errors of a group go with.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Correlation {
    /// What it is: `template`, `release`, `change`, `query`, `generator`, `source`, or
    /// `subject` of the event that failed.
    pub dimension: String,
    /// Which one.
    pub value: String,
    /// How many errors of the group had it.
    pub errors: u64,
    /// How many records had it at all.
    pub records: u64,
    /// How many times likelier the error is with it than in general. 1 means that it
    /// has nothing to do with it.
    pub lift: f64,
}

type Value = (String, String);

/// How often values came, in bounded memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Values(BTreeMap<Value, u64>);

/// How often values came with or without errors.
#[derive(Clone, Debug, Default)]
pub(super) struct Base {
    /// Records that have a value at all.
    records: BTreeMap<String, u64>,
    values: BTreeMap<Value, u64>,
}

/// The values of a record.
pub(super) fn of(record: &Record) -> impl Iterator<Item = Value> + '_ {
    let named = DIMENSIONS
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), record.attributes.get(name)?.clone())));
    let subject = record.subject.iter().map(|subject| ("subject".to_owned(), subject.clone()));
    named.chain(subject)
}

impl Values {
    pub(super) fn observe(&mut self, value: Value) {
        count(&mut self.0, value, GROUP_VALUES);
    }
}

impl Base {
    pub(super) fn observe(&mut self, record: &Record) {
        for value in of(record) {
            *self.records.entry(value.0.clone()).or_default() += 1;
            count(&mut self.values, value, BASE_VALUES);
        }
    }

    /// What a group with `errors` errors goes with: the share of a value among its
    /// errors, by its share among all records that say something of that dimension.
    pub(super) fn correlations(&self, group: &Values, errors: u64) -> Vec<Correlation> {
        let strong = |((dimension, value), &count): (&Value, &u64)| {
            let records = self.values.get(&(dimension.clone(), value.clone())).copied()?;
            let of = self.records.get(dimension).copied()?;
            let lift = (float(count) / float(errors)) / (float(records) / float(of));
            (count >= SUPPORT && lift >= LIFT).then(|| Correlation {
                dimension: dimension.clone(),
                value: value.clone(),
                errors: count,
                records,
                lift,
            })
        };
        let mut found: Vec<_> = group.0.iter().filter_map(strong).collect();
        found.sort_by(|left, right| {
            right.lift.total_cmp(&left.lift).then(right.errors.cmp(&left.errors))
        });
        found
    }
}

/// Counts a value; when there are too many, the rarest goes, as in Space-Saving but
/// without handing its count on: a count may be too small, never too large.
fn count(values: &mut BTreeMap<Value, u64>, value: Value, capacity: usize) {
    if !values.contains_key(&value) && values.len() >= capacity {
        let rarest = values.iter().min_by_key(|(_, count)| **count).map(|(value, _)| value.clone());
        if let Some(rarest) = rarest {
            values.remove(&rarest);
        }
    }
    *values.entry(value).or_default() += 1;
}
