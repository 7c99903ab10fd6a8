use super::{duration, time};

#[test]
fn times_are_dates() {
    assert_eq!(time(0), "1970-01-01T00:00:00Z");
    assert_eq!(time(951_782_400_000), "2000-02-29T00:00:00Z");
    assert_eq!(time(1_735_689_599_999), "2024-12-31T23:59:59Z");
    assert_eq!(time(4_107_542_400_000), "2100-03-01T00:00:00Z");
}

#[test]
fn durations_are_short() {
    assert_eq!(duration(1.24), "1.2 ms");
    assert_eq!(duration(14.2), "14 ms");
    assert_eq!(duration(61_500.0), "61.5 s");
}
