use crate::LATENCY_BOUNDS;

/// The bound above which at most a twentieth of the requests were, if there were enough of
/// them and the bound says something: nothing, too, if more than half were above it or none.
pub(super) fn threshold(latencies: &[u64]) -> Option<usize> {
    const ENOUGH: u64 = 200;
    let total: u64 = latencies.iter().sum();
    if total < ENOUGH {
        return None;
    }
    let mut above = total;
    for (place, count) in latencies.iter().enumerate().take(LATENCY_BOUNDS.len()) {
        above -= count;
        if above * 20 <= total {
            return Some(place);
        }
    }
    None
}

/// How many requests were slower than the bound at `place`.
pub(super) fn slower(latencies: &[u64], place: usize) -> u64 {
    latencies.iter().skip(place + 1).sum()
}
