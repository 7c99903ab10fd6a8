use std::collections::VecDeque;
use std::time::Duration;

/// Counts of calls in the latest stretch of time, kept in tenths of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window {
    length: i64,
    slices: VecDeque<Slice>,
}

/// Calls from one moment on. Moments are signed microseconds since the origin: what is
/// restored after a restart lies before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) begin: i64,
    pub(super) calls: u32,
    pub(super) failures: u32,
}

const SLICES: i64 = 10;

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        Self { length: micros(length).max(SLICES), slices: VecDeque::new() }
    }

    pub(super) fn record(&mut self, failed: bool, now: Duration) {
        self.forget(now);
        let begin = micros(now);
        let width = self.length / SLICES;
        let current = self.slices.back().is_some_and(|slice| begin - slice.begin < width);
        if !current {
            self.slices.push_back(Slice { begin, calls: 0, failures: 0 });
        }
        if let Some(slice) = self.slices.back_mut() {
            slice.calls = slice.calls.saturating_add(1);
            slice.failures = slice.failures.saturating_add(u32::from(failed));
        }
    }

    /// All calls and the failures among them.
    pub(super) fn totals(&mut self, now: Duration) -> (u32, u32) {
        self.forget(now);
        let add = |(calls, failures): (u32, u32), slice: &Slice| {
            (calls.saturating_add(slice.calls), failures.saturating_add(slice.failures))
        };
        self.slices.iter().fold((0, 0), add)
    }

    pub(super) fn slices(&self) -> impl Iterator<Item = &Slice> {
        self.slices.iter()
    }

    /// Takes counts over that were made before, oldest first; no more than it would keep itself.
    pub(super) fn restore(&mut self, slices: impl IntoIterator<Item = Slice>) {
        let most = usize::try_from(SLICES).unwrap_or(usize::MAX);
        self.slices = slices.into_iter().take(most).collect();
    }

    fn forget(&mut self, now: Duration) {
        let oldest = micros(now) - self.length;
        while self.slices.front().is_some_and(|slice| slice.begin <= oldest) {
            self.slices.pop_front();
        }
    }
}

pub(super) fn micros(duration: Duration) -> i64 {
    // A hundred thousand years are enough for any sum of two.
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX).min(i64::MAX / 4)
}
