use std::time::Duration;

/// A quantile of a sample, and what it says of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuantileBounds {
    /// With the confidence asked for, the quantile of the whole is not below this. Nothing for a
    /// value that was never reached.
    pub lower: Option<Duration>,
    /// The quantile of the sample.
    pub sample: Option<Duration>,
    /// With the confidence asked for, the quantile of the whole is not above this.
    pub upper: Option<Duration>,
}

/// Bounds for a quantile (`share` of all values lie below it) from a sorted sample in which
/// nothing stands for a value larger than any; nothing where the sample is too small.
///
/// Each bound holds by itself with the given confidence, whatever the distribution: among
/// `n` values, the number below the quantile is binomial, so the `k`-th smallest lies above it
/// with the probability of fewer than `k` successes.
///
/// ```
/// use std::time::Duration;
/// use evergen_quality_gates::quantile_bounds;
///
/// let sample: Vec<_> = (1..=59).map(|ms| Some(Duration::from_millis(ms))).collect();
/// let bounds = quantile_bounds(&sample, 0.95, 0.95).unwrap();
/// assert_eq!(bounds.upper, Some(Duration::from_millis(59)), "just enough: 0.95^59 < 0.05");
/// assert_eq!(quantile_bounds(&sample[..58], 0.95, 0.95), None);
/// ```
pub fn quantile_bounds(
    sorted: &[Option<Duration>],
    share: f64,
    confidence: f64,
) -> Option<QuantileBounds> {
    let count = sorted.len();
    let cumulative = binomial_cumulative(count, share);
    // The probability of at most k - 1 values below the quantile, for k from 1.
    let upper = (1..=count).find(|k| cumulative[k - 1] >= confidence)?;
    let lower = (1..=count).rev().find(|k| 1.0 - cumulative[k - 1] >= confidence);
    let middle = (1..=count).find(|k| as_number(*k) >= share * as_number(count)).unwrap_or(count);
    Some(QuantileBounds {
        lower: lower.map_or(Some(Duration::ZERO), |k| sorted[k - 1]),
        sample: sorted[middle - 1],
        upper: sorted[upper - 1],
    })
}

/// How many values a bound needs at least.
pub(super) fn least_samples(share: f64, confidence: f64) -> u64 {
    let count = ((1.0 - confidence).ln() / share.ln()).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a quotient of two negative logarithms is positive, and a cast saturates"
    )]
    let count = count as u64;
    count.max(1)
}

/// The probabilities of at most 0, 1, … `count` - 1 successes.
fn binomial_cumulative(count: usize, share: f64) -> Vec<f64> {
    let (success, failure) = (share.ln(), (1.0 - share).ln());
    // In logarithms, since the first terms of a large sample are below what a number can hold.
    let mut log = as_number(count) * failure;
    let mut sum = 0.0;
    (0..count)
        .map(|at| {
            if at > 0 {
                log += as_number(count - at + 1).ln() - as_number(at).ln() + success - failure;
            }
            sum += f64::exp(log);
            f64::min(sum, 1.0)
        })
        .collect()
}

fn as_number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(count: u64) -> Vec<Option<Duration>> {
        (1..=count).map(|ms| Some(Duration::from_millis(ms))).collect()
    }

    fn bounds(count: u64, share: f64) -> Option<(u128, u128, u128)> {
        let bounds = quantile_bounds(&sample(count), share, 0.95)?;
        let [lower, middle, upper] =
            [bounds.lower, bounds.sample, bounds.upper].map(|time| time.unwrap().as_millis());
        Some((lower, middle, upper))
    }

    /// The positions were computed with exact fractions; for the median of 10 values, the 2nd and
    /// the 9th are also in every table.
    #[test]
    fn bounds_are_those_of_the_books() {
        assert_eq!(bounds(10, 0.5), Some((2, 5, 9)));
        assert_eq!(bounds(100, 0.5), Some((42, 50, 59)));
        assert_eq!(bounds(200, 0.95), Some((185, 190, 196)));
        assert_eq!(bounds(58, 0.95), None);
        assert_eq!(bounds(0, 0.5), None);
        assert_eq!([least_samples(0.95, 0.95), least_samples(0.5, 0.95)], [59, 5]);
        assert!(bounds(100_000, 0.99).is_some(), "large samples lose nothing to small numbers");
    }

    #[test]
    fn what_took_for_ever_is_larger_than_all() {
        let mut times = sample(200);
        times[194..].fill(None);
        let bounds = quantile_bounds(&times, 0.95, 0.95).unwrap();
        assert_eq!((bounds.upper, bounds.sample), (None, Some(Duration::from_millis(190))));
    }

    proptest! {
        #[test]
        fn bounds_enclose_the_sample_and_widen_with_confidence(
            count in 60_u64..800, share in 0.05_f64..0.95, low in 0.5_f64..0.9,
        ) {
            let sample = sample(count);
            let at = |confidence| quantile_bounds(&sample, share, confidence).unwrap();
            let (narrow, wide) = (at(low), at(0.95));
            prop_assert!(wide.lower <= narrow.lower && narrow.upper <= wide.upper);
            prop_assert!(wide.lower <= wide.sample && wide.sample <= wide.upper);
        }
    }
}
