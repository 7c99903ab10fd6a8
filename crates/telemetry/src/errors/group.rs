//! One group of errors, and how often they come.

use jiff::Timestamp;
use serde::Serialize;

use crate::errors::correlation::{self, Values};
use crate::errors::minute;
use crate::event::ErrorKind;
use crate::numbers::float;
use crate::record::Record;

/// How far back a trend looks, in minutes.
const MINUTES: i64 = PLACES as i64;
const PLACES: u8 = 30;
/// What counts as now.
const RECENT: i64 = 5;

/// Where the rate of a group goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Trend {
    /// It was not there before the last five minutes.
    New,
    /// More often in the last five minutes than in the 25 before, beyond chance.
    Rising,
    /// No difference that chance does not explain.
    Steady,
    /// Less often, beyond chance.
    Falling,
    /// Not in the last half hour.
    Quiet,
}

#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) kind: ErrorKind,
    pub(super) component: String,
    pub(super) pattern: String,
    pub(super) example: String,
    pub(super) count: u64,
    pub(super) first_seen: Timestamp,
    pub(super) last_seen: Timestamp,
    pub(super) minutes: Minutes,
    pub(super) values: Values,
}

impl Group {
    pub(super) fn new(record: &Record, kind: ErrorKind, pattern: String) -> Self {
        Self {
            kind,
            component: record.component.clone(),
            pattern,
            example: String::new(),
            count: 0,
            first_seen: record.at,
            last_seen: record.at,
            minutes: Minutes::new(minute(record.at)),
            values: Values::default(),
        }
    }

    pub(super) fn observe(&mut self, record: &Record, message: &str) {
        message.clone_into(&mut self.example);
        self.count += 1;
        self.first_seen = self.first_seen.min(record.at);
        self.last_seen = self.last_seen.max(record.at);
        self.minutes.observe(minute(record.at));
        correlation::of(record).for_each(|value| self.values.observe(value));
    }
}

/// Counts of the last half hour, by minute.
#[derive(Clone, Debug)]
pub(super) struct Minutes {
    first: i64,
    latest: i64,
    counts: [u32; PLACES as usize],
}

impl Minutes {
    fn new(at: i64) -> Self {
        Self { first: at, latest: at, counts: [0; PLACES as usize] }
    }

    fn observe(&mut self, at: i64) {
        if at <= self.latest - MINUTES {
            return;
        }
        // The places of the minutes that were passed over hold what is half an hour old.
        let passed = (self.latest + 1).max(at - MINUTES + 1);
        (passed..=at).for_each(|minute| self.counts[place(minute)] = 0);
        self.latest = self.latest.max(at);
        let count = &mut self.counts[place(at)];
        *count = count.saturating_add(1);
    }

    /// How many in the minutes from `from` to `to`, both included.
    fn sum(&self, from: i64, to: i64) -> u64 {
        let known = from.max(self.latest - MINUTES + 1)..=to.min(self.latest);
        known.map(|minute| u64::from(self.counts[place(minute)])).sum()
    }

    pub(super) fn rate(&self, now: Timestamp) -> f64 {
        let now = minute(now);
        float(self.sum(now - RECENT + 1, now)) / float(RECENT.unsigned_abs())
    }

    /// Compares the last minutes with those before as two Poisson processes: what is
    /// expected from the rate before, give or take two standard deviations.
    pub(super) fn trend(&self, now: Timestamp) -> Trend {
        let now = minute(now);
        let recent = self.sum(now - RECENT + 1, now);
        let before = self.sum(now - MINUTES + 1, now - RECENT);
        if recent == 0 && before == 0 {
            return Trend::Quiet;
        }
        if self.first > now - RECENT {
            return Trend::New;
        }
        let expected =
            float(before) * float(RECENT.unsigned_abs()) / float((MINUTES - RECENT).unsigned_abs());
        let tolerance = 2.0 * expected.max(1.0).sqrt();
        match float(recent) - expected {
            difference if difference > tolerance => Trend::Rising,
            difference if difference < -tolerance => Trend::Falling,
            _ => Trend::Steady,
        }
    }
}

fn place(minute: i64) -> usize {
    // A remainder is not negative, and below MINUTES.
    usize::try_from(minute.rem_euclid(MINUTES)).unwrap_or(0)
}
