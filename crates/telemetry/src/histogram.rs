//! How values are spread, in little memory and with a known error.

use crate::numbers::float;

/// Steps in each power of two: a bucket is at most 1/32 of its value wide.
const STEPS: u64 = 32;
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// Values from 2⁴⁴ on (nanoseconds: 4.9 hours) share the last bucket.
const TOP_BITS: u32 = 44;

/// How many buckets there are.
pub(crate) const BUCKETS: usize = ((TOP_BITS - STEP_BITS + 1) * 32) as usize + 1;

/// The bucket that a value belongs to.
///
/// Values below 32 have a bucket each. From there on each power of two is divided into
/// 32 equal parts, so the width of a bucket follows the size of its values.
#[expect(clippy::cast_possible_truncation, reason = "at most BUCKETS, which is small")]
pub(crate) const fn bucket_of(value: u64) -> usize {
    if value < STEPS {
        return value as usize;
    }
    let power = value.ilog2();
    if power >= TOP_BITS {
        return BUCKETS - 1;
    }
    let shift = power - STEP_BITS;
    // The leading bit is one: what stands behind it is the step.
    let step = (value >> shift) - STEPS;
    ((shift + 1) as u64 * STEPS + step) as usize
}

/// The smallest value of a bucket.
const fn lower(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    (STEPS + bucket % STEPS) << shift
}

/// The value in the middle of a bucket: what stands for all of its values.
const fn middle(bucket: usize) -> u64 {
    let low = lower(bucket);
    if bucket + 1 >= BUCKETS {
        return low;
    }
    low + (lower(bucket + 1) - low - 1) / 2
}

/// How values are spread: counts in buckets whose width follows the values.
///
/// A percentile is the value of its rank, within 1/64 (1.6 %) of it; values below 32 are
/// exact, and from 2⁴⁴ on (as nanoseconds: 4.9 hours) only the lower bound is known.
/// Two histograms added up are the histogram of all their values, so percentiles are
/// never means of percentiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Bucket and count, in the order of buckets, without empty ones.
    counts: Vec<(usize, u64)>,
    total: u64,
    sum: u64,
}

impl Histogram {
    /// The largest relative error of a percentile.
    pub const RELATIVE_ERROR: f64 = 1.0 / 64.0;

    /// A histogram of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// From counts in the order of buckets, and the sum of the values.
    pub(crate) fn from_counts(counts: impl Iterator<Item = (usize, u64)>, sum: u64) -> Self {
        let counts: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
        let total = counts.iter().map(|(_, count)| count).sum();
        Self { counts, total, sum }
    }

    /// Adds a value.
    pub fn record(&mut self, value: u64) {
        self.add(bucket_of(value), 1);
        self.sum = self.sum.saturating_add(value);
    }

    /// Adds all values of another histogram.
    pub fn merge(&mut self, other: &Self) {
        for &(bucket, count) in &other.counts {
            self.add(bucket, count);
        }
        self.sum = self.sum.saturating_add(other.sum);
    }

    fn add(&mut self, bucket: usize, count: u64) {
        match self.counts.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(place) => self.counts[place].1 += count,
            Err(place) => self.counts.insert(place, (bucket, count)),
        }
        self.total += count;
    }

    /// What was added since `earlier`, an earlier state of this histogram.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let before =
            |bucket| match earlier.counts.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
                Ok(place) => earlier.counts[place].1,
                Err(_) => 0,
            };
        let counts = self
            .counts
            .iter()
            .map(|&(bucket, count)| (bucket, count.saturating_sub(before(bucket))));
        Self::from_counts(counts, self.sum.saturating_sub(earlier.sum))
    }

    /// The standard deviation, within the error of the buckets; nothing of nothing.
    pub fn deviation(&self) -> Option<f64> {
        let mean = self.mean()?;
        let squares = self
            .counts
            .iter()
            .map(|&(bucket, count)| (float(middle(bucket)) - mean).powi(2) * float(count));
        Some((squares.sum::<f64>() / float(self.total)).sqrt())
    }

    /// How many values there are.
    pub const fn count(&self) -> u64 {
        self.total
    }

    /// The sum of the values, exactly.
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// The mean, exactly; nothing of nothing.
    pub fn mean(&self) -> Option<f64> {
        (self.total > 0).then(|| float(self.sum) / float(self.total))
    }

    /// The value below or at which `percent` of all values are (nearest rank); nothing
    /// of nothing. What is outside of 0 to 100 is taken as the nearer end.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the number of values"
    )]
    pub fn percentile(&self, percent: f64) -> Option<u64> {
        // Divided last: 7 / 100 × 100 is more than 7.
        let rank = (percent.clamp(0.0, 100.0) * float(self.total) / 100.0).ceil();
        let rank = (rank as u64).max(1);
        let mut seen = 0;
        for &(bucket, count) in &self.counts {
            seen += count;
            if seen >= rank {
                return Some(middle(bucket));
            }
        }
        self.counts.last().map(|(bucket, _)| middle(*bucket))
    }

    /// How many values are at or below `value`, with the error of its bucket.
    pub fn count_at_or_below(&self, value: u64) -> u64 {
        let last = bucket_of(value);
        self.counts.iter().take_while(|(bucket, _)| *bucket <= last).map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests;
