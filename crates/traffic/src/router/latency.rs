//! Times in the buckets of [`LATENCY_BOUNDS`], counted without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use evergen_deployment::LATENCY_BOUNDS;

const BUCKETS: usize = LATENCY_BOUNDS.len() + 1;

#[derive(Debug, Default)]
pub(crate) struct Latencies([AtomicU64; BUCKETS]);

impl Latencies {
    pub(crate) fn record(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = LATENCY_BOUNDS.partition_point(|bound| *bound < micros);
        self.0[bucket].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Vec<u64> {
        self.0.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_at_the_first_bound_that_it_does_not_exceed() {
        let latencies = Latencies::default();
        for micros in [0, 250, 251, 16_000_000, 16_000_001] {
            latencies.record(Duration::from_micros(micros));
        }
        let counts = latencies.read();
        assert_eq!((counts[0], counts[1], counts[16], counts[17]), (2, 1, 1, 1));
    }
}
