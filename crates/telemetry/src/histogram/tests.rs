use proptest::prelude::*;

use crate::histogram::{BUCKETS, Histogram, bucket_of, lower, middle};
use crate::numbers::float;

fn histogram(values: &[u64]) -> Histogram {
    let mut histogram = Histogram::new();
    for value in values {
        histogram.record(*value);
    }
    histogram
}

/// The value of the nearest rank.
fn exact(values: &mut [u64], percent: u32) -> u64 {
    values.sort_unstable();
    let rank = (values.len() * percent as usize).div_ceil(100).max(1);
    values[rank - 1]
}

#[test]
fn buckets_meet_without_gaps() {
    for bucket in 0..BUCKETS {
        assert_eq!(bucket_of(lower(bucket)), bucket);
        assert_eq!(bucket_of(middle(bucket)), bucket);
        if bucket > 0 {
            assert_eq!(bucket_of(lower(bucket) - 1), bucket - 1);
        }
    }
    assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
}

#[test]
fn ranks_are_whole_numbers() {
    let hundred = histogram(&(1..=100).map(|value| value / 4).collect::<Vec<_>>());
    for percent in 1..=100_u32 {
        assert_eq!(
            hundred.percentile(f64::from(percent)),
            Some(u64::from(percent) / 4),
            "p{percent}"
        );
    }
}

#[test]
fn of_nothing_there_is_nothing() {
    let nothing = Histogram::new();
    assert_eq!(
        (nothing.mean(), nothing.percentile(50.0), nothing.deviation(), nothing.count()),
        (None, None, None, 0)
    );
}

#[test]
fn the_deviation_is_that_of_the_values() {
    let values = histogram(&[2, 4, 4, 4, 5, 5, 7, 9]);
    assert_eq!(values.deviation(), Some(2.0));
}

/// Values of all magnitudes alike, below those that share the last bucket.
fn value() -> impl Strategy<Value = u64> {
    (0_u32..44).prop_flat_map(|power| 0..(1_u64 << power) + 1)
}

proptest! {
    #[test]
    fn percentiles_are_within_the_stated_error(mut values in prop::collection::vec(value(), 1..500), percent in 0_u32..=100) {
        let seen = histogram(&values).percentile(f64::from(percent)).unwrap();
        let exact = exact(&mut values, percent);
        let error = float(seen.abs_diff(exact));
        prop_assert!(error <= float(exact) * Histogram::RELATIVE_ERROR, "{seen} for {exact}");
        prop_assert!(exact >= 32 || seen == exact);
    }

    #[test]
    fn merged_is_as_if_recorded_in_one(left in prop::collection::vec(value(), 0..200), right in prop::collection::vec(value(), 0..200)) {
        let mut merged = histogram(&left);
        merged.merge(&histogram(&right));
        let all: Vec<u64> = left.iter().chain(&right).copied().collect();
        prop_assert_eq!(&merged, &histogram(&all));
        prop_assert_eq!(merged.since(&histogram(&left)), histogram(&right));
    }

    #[test]
    fn means_are_exact(values in prop::collection::vec(0_u64..1 << 32, 1..200)) {
        let mean = float(values.iter().sum()) / float(values.len() as u64);
        prop_assert_eq!(histogram(&values).mean(), Some(mean));
    }
}
