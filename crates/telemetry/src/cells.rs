//! The counters that recording writes to.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::{Body, ErrorKind, EventKind, Outcome, TelemetryEvent};
use crate::histogram::{BUCKETS, bucket_of};

/// How many components have counters of their own; the rest share the last one.
pub(crate) const COMPONENTS: usize = 64;

pub(crate) const OUTCOMES: usize = Outcome::ALL.len();
pub(crate) const KINDS: usize = EventKind::ALL.len();
pub(crate) const ERRORS: usize = ErrorKind::ALL.len();

/// Of each kind: its outcomes, the sum of its values, its buckets.
pub(crate) const KIND_CELLS: usize = OUTCOMES + 1 + BUCKETS;
pub(crate) const ERRORS_AT: usize = KINDS * KIND_CELLS;
pub(crate) const COMPONENTS_AT: usize = ERRORS_AT + ERRORS;
/// Hits and misses.
pub(crate) const CACHE_AT: usize = COMPONENTS_AT + COMPONENTS * OUTCOMES;
/// Processor time, bytes written, tokens sent, tokens received, price.
pub(crate) const COSTS_AT: usize = CACHE_AT + 2;
pub(crate) const CELLS: usize = COSTS_AT + 5;

/// What is kept as the largest value since the last look, in place of a sum.
pub(crate) const PEAKS: usize = 2;
pub(crate) const PEAK_MEMORY: usize = 0;
pub(crate) const PEAK_QUEUE: usize = 1;

/// One number that threads add to without waiting for each other.
///
/// A parameter, so that a model checker can put in its own and see every step.
pub(crate) trait Cell: Send + Sync {
    fn zero() -> Self;
    fn add(&self, value: u64, order: Ordering);
    fn get(&self, order: Ordering) -> u64;
    fn raise(&self, value: u64);
    fn take(&self) -> u64;
}

impl Cell for AtomicU64 {
    fn zero() -> Self {
        Self::new(0)
    }

    fn add(&self, value: u64, order: Ordering) {
        self.fetch_add(value, order);
    }

    fn get(&self, order: Ordering) -> u64 {
        self.load(order)
    }

    fn raise(&self, value: u64) {
        // Nearly always the value is not larger, and reading is cheaper than a swap.
        if self.load(Ordering::Relaxed) < value {
            self.fetch_max(value, Ordering::Relaxed);
        }
    }

    fn take(&self) -> u64 {
        if self.load(Ordering::Relaxed) == 0 { 0 } else { self.swap(0, Ordering::Relaxed) }
    }
}

/// The counters of the threads that share a place. They only grow.
#[derive(Debug)]
pub(crate) struct Shard<A = AtomicU64> {
    cells: Box<[A]>,
    peaks: [A; PEAKS],
}

impl<A: Cell> Shard<A> {
    pub(crate) fn new() -> Self {
        Self {
            cells: std::iter::repeat_with(A::zero).take(CELLS).collect(),
            peaks: std::array::from_fn(|_| A::zero()),
        }
    }

    /// Counts an event of the component with the given place. Waits for nobody.
    pub(crate) fn count(&self, event: &TelemetryEvent, component: usize) {
        let at = event.body.kind().index() * KIND_CELLS;
        if let Some(value) = value_of(event) {
            self.add(at + OUTCOMES + 1 + bucket_of(value), 1);
            self.add(at + OUTCOMES, value);
        }
        self.count_rarer_parts(event);
        let outcome = event.outcome.index();
        self.add(COMPONENTS_AT + component * OUTCOMES + outcome, 1);
        // Last, and released: who sees this count sees all of the above, so a kind whose
        // outcomes have not changed need not be looked at.
        self.cells[at + outcome].add(1, Ordering::Release);
    }

    fn count_rarer_parts(&self, event: &TelemetryEvent) {
        if let Some(error) = event.error {
            self.add(ERRORS_AT + error.index(), 1);
        }
        match event.body {
            Body::CacheLookedUp { hits, misses } => {
                self.add(CACHE_AT, hits.into());
                self.add(CACHE_AT + 1, misses.into());
            }
            Body::QueueSampled { depth, .. } => self.peaks[PEAK_QUEUE].raise(depth),
            _ => {}
        }
        if !event.costs.is_zero() {
            let costs = &event.costs;
            let sums = [
                costs.cpu_nanoseconds,
                costs.bytes_written,
                costs.tokens_in,
                costs.tokens_out,
                costs.price_micros,
            ];
            for (place, value) in sums.into_iter().enumerate() {
                self.add(COSTS_AT + place, value);
            }
            self.peaks[PEAK_MEMORY].raise(costs.peak_memory_bytes);
        }
    }

    fn add(&self, cell: usize, value: u64) {
        if value > 0 {
            self.cells[cell].add(value, Ordering::Relaxed);
        }
    }
}

/// What enters the histogram of the event's kind.
fn value_of(event: &TelemetryEvent) -> Option<u64> {
    match event.body {
        Body::QueueSampled { depth, .. } => Some(depth),
        Body::SaturationSampled { busy, limit } => Some(permille(busy, limit)),
        _ => event.took_nanoseconds,
    }
}

/// The share of `busy` in `limit`, in thousandths; with no limit, all of it.
fn permille(busy: u64, limit: u64) -> u64 {
    busy.saturating_mul(1000).checked_div(limit).unwrap_or(1000)
}

/// All shards added up, as they were at one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) cells: Vec<u64>,
    /// The largest values since the look before.
    pub(crate) peaks: [u64; PEAKS],
}

impl Totals {
    pub(crate) fn zero() -> Self {
        Self { cells: vec![0; CELLS], peaks: [0; PEAKS] }
    }

    /// Looks at all shards, and calls `grown` with each cell that has grown and by how much.
    ///
    /// Nothing is lost or counted twice, whatever is recorded meanwhile: what this look
    /// does not see, the next one does.
    pub(crate) fn look<A: Cell>(&mut self, shards: &[Shard<A>], mut grown: impl FnMut(usize, u64)) {
        for kind in 0..KINDS {
            let at = kind * KIND_CELLS;
            let outcomes = self.update(shards, at..at + OUTCOMES, Ordering::Acquire, &mut grown);
            if outcomes {
                self.update(shards, at + OUTCOMES..at + KIND_CELLS, Ordering::Relaxed, &mut grown);
            }
        }
        self.update(shards, ERRORS_AT..CELLS, Ordering::Relaxed, &mut grown);
        for (place, peak) in self.peaks.iter_mut().enumerate() {
            *peak = shards.iter().map(|shard| shard.peaks[place].take()).max().unwrap_or(0);
        }
    }

    /// Whether any of the cells has grown.
    fn update<A: Cell>(
        &mut self,
        shards: &[Shard<A>],
        cells: std::ops::Range<usize>,
        order: Ordering,
        grown: &mut impl FnMut(usize, u64),
    ) -> bool {
        let mut any = false;
        for cell in cells {
            let now =
                shards.iter().map(|shard| shard.cells[cell].get(order)).fold(0, u64::wrapping_add);
            // Sums of nanoseconds may wrap after 584 years of work; differences stay right.
            let by = now.wrapping_sub(self.cells[cell]);
            if by > 0 {
                self.cells[cell] = now;
                grown(cell, by);
                any = true;
            }
        }
        any
    }
}

#[cfg(test)]
mod tests;
