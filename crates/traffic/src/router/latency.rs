//! Times in buckets: a lock-free count for each step of a scale.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets in microseconds: four steps for each doubling from 64 µs to about
/// four minutes would be finer than a comparison needs; two are within 42 %.
const BUCKETS: usize = 46;

#[derive(Debug)]
pub(crate) struct Latencies {
    counts: [AtomicU64; BUCKETS],
    sum_micros: AtomicU64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: [const { AtomicU64::new(0) }; BUCKETS], sum_micros: AtomicU64::new(0) }
    }
}
