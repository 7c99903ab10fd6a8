use std::time::Duration;

use super::Bucket;

/// The last stretches of time of one width, each with its counts; a fixed number of them.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    width: Duration,
    /// Each bucket with the number of its stretch, which tells whether it is of this round.
    buckets: Vec<(u64, Bucket)>,
}

impl Ring {
    pub(super) fn new(width: Duration, count: usize) -> Self {
        Self { width, buckets: vec![(0, Bucket::default()); count] }
    }

    pub(super) fn at(&mut self, now: Duration) -> &mut Bucket {
        let stretch = self.stretch(now);
        let place = place(stretch, self.buckets.len());
        let (of, bucket) = &mut self.buckets[place];
        if *of != stretch {
            *of = stretch;
            *bucket = Bucket::default();
        }
        bucket
    }

    /// All that happened in the stretches that reach into the last `covers`.
    pub(super) fn sum(&self, now: Duration, covers: Duration) -> Bucket {
        let last = self.stretch(now);
        let first = self.stretch(now.saturating_sub(covers));
        let mut sum = Bucket::default();
        let recent = self.buckets.iter().filter(|(of, _)| (first..=last).contains(of));
        recent.for_each(|(_, bucket)| sum.add(bucket));
        sum
    }

    fn stretch(&self, now: Duration) -> u64 {
        u64::try_from(now.as_nanos() / self.width.as_nanos().max(1)).unwrap_or(u64::MAX)
    }
}

fn place(stretch: u64, count: usize) -> usize {
    usize::try_from(stretch % (count as u64).max(1)).unwrap_or(0)
}
