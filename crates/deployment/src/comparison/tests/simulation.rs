//! How often the comparison is wrong, and how fast it is right.

use fastrand::Rng;

use crate::{Comparison, ComparisonSettings, TrafficCounts, TrafficWindow};

/// How slots behave in a simulation.
#[derive(Clone, Copy, Debug)]
struct Law {
    old: f64,
    new: f64,
    /// The correlation of two requests of one window and slot; 0 is independence.
    correlation: f64,
    /// Requests to the old slot in a window; the new one has 500.
    old_requests: u64,
}

impl Law {
    fn equal(rate: f64, correlation: f64) -> Self {
        Self { old: rate, new: rate, correlation, old_requests: 4_500 }
    }

    fn counts(&self, rng: &mut Rng, rate: f64, requests: u64) -> TrafficCounts {
        let rate = if self.correlation > 0.0 {
            let size = (1.0 - self.correlation) / self.correlation;
            let (bad, good) = (gamma(rng, rate * size), gamma(rng, (1.0 - rate) * size));
            bad / (bad + good)
        } else {
            rate
        };
        TrafficCounts::new(requests, binomial(rng, requests, rate))
    }

    /// After how many windows the new slot is called worse, if it is.
    fn found(&self, rng: &mut Rng, calibrated: u32, windows: u32) -> Option<u32> {
        let mut comparison = Comparison::new(ComparisonSettings::default()).unwrap();
        for _ in 0..calibrated {
            comparison.calibrate(&self.counts(rng, self.old, self.old_requests));
        }
        (1..=windows).find(|_| {
            let old = self.counts(rng, self.old, self.old_requests);
            let new = self.counts(rng, self.new, 500);
            comparison.observe(&TrafficWindow::new(old, new));
            !comparison.verdict().passes()
        })
    }
}

/// Marsaglia and Tsang's method.
fn gamma(rng: &mut Rng, shape: f64) -> f64 {
    if shape < 1.0 {
        return gamma(rng, shape + 1.0) * (1.0 - rng.f64()).powf(1.0 / shape);
    }
    let d = shape - 1.0 / 3.0;
    loop {
        let normal =
            (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos();
        let v = (1.0 + normal / (9.0 * d).sqrt()).powi(3);
        if v > 0.0 && (1.0 - rng.f64()).ln() < 0.5 * normal * normal + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// Counts successes by the gaps between them.
fn binomial(rng: &mut Rng, trials: u64, rate: f64) -> u64 {
    if rate.is_nan() || rate < 1e-12 {
        return 0;
    }
    let (mut place, mut successes) = (0.0, 0);
    loop {
        place += ((1.0 - rng.f64()).ln() / (-rate).ln_1p()).floor() + 1.0;
        if place > count(trials) {
            return successes;
        }
        successes += 1;
    }
}

/// Counts here are small.
fn count(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}

fn runs() -> u32 {
    let given = std::env::var("EVERGEN_COMPARISON_RUNS").ok();
    given.and_then(|runs| runs.parse().ok()).unwrap_or(10_000)
}

/// The highest rate under any of the laws; so many runs in all, a part of them under each.
fn false_alarms(laws: &[Law], calibrated: u32, seed: u64) -> f64 {
    let mut rng = Rng::with_seed(seed);
    let all = u32::try_from(laws.len()).unwrap();
    let each = runs() / all;
    let mut worst = 0.0_f64;
    for law in laws {
        let wrong = (0..each).filter(|_| law.found(&mut rng, calibrated, 20).is_some()).count();
        println!(
            "{law:?}, calibrated {calibrated}: {:.2} %",
            100.0 * count(wrong as u64) / f64::from(each)
        );
        worst = worst.max(count(wrong as u64) / f64::from(each));
    }
    worst
}

#[test]
fn equal_slots_with_independent_errors_are_rarely_told_apart() {
    let laws = [
        Law::equal(0.001, 0.0),
        Law::equal(0.008, 0.0),
        Law { old_requests: 500, ..Law::equal(0.008, 0.0) },
    ];
    let rate = false_alarms(&laws, 20, 1);
    // About 0.2 % under the worst of them, with the noise of so many runs.
    assert!(rate <= 0.004, "{rate}");
}

/// Laws under which errors come in bursts. The variance in a window is 1.5 to 4 times that of
/// independent errors in a slot with 500 requests, and up to 28 times in one with 4,500.
fn bursts() -> [Law; 8] {
    [
        Law::equal(0.001, 0.002),
        Law::equal(0.008, 0.001),
        Law::equal(0.008, 0.002),
        Law::equal(0.008, 0.006),
        Law::equal(0.05, 0.006),
        Law { old_requests: 500, ..Law::equal(0.001, 0.002) },
        Law { old_requests: 500, ..Law::equal(0.008, 0.002) },
        Law { old_requests: 500, ..Law::equal(0.008, 0.006) },
    ]
}

#[test]
fn equal_slots_whose_errors_come_in_bursts_are_rarely_told_apart() {
    let rate = false_alarms(&bursts(), 20, 2);
    assert!(rate <= 0.01, "{rate}");
}

#[test]
fn without_calibration_equal_slots_are_rarely_told_apart_too() {
    let [laws @ .., heaviest] = bursts();
    let rate = false_alarms(&laws, 0, 3);
    assert!(rate <= 0.01, "{rate}");
    // Four times the variance in both slots, and no window to learn it from: this is about as
    // much as is promised, and may be a little more. Calibration is the remedy.
    let rate = false_alarms(&[heaviest], 0, 5);
    assert!(rate <= 0.015, "{rate}");
}

/// The mean number of windows until a worse slot is found; it must always be.
fn windows_until_found(law: Law, calibrated: u32) -> f64 {
    let mut rng = Rng::with_seed(4);
    let found = (0..500).map(|_| law.found(&mut rng, calibrated, 60).unwrap());
    let mean = f64::from(found.sum::<u32>()) / 500.0;
    println!("{law:?}, calibrated {calibrated}: {mean:.2} windows");
    mean
}

#[test]
fn five_times_the_errors_are_found_within_five_windows() {
    for (old, new) in [(0.001, 0.005), (0.002, 0.01), (0.01, 0.05)] {
        let law = Law { old, new, ..Law::equal(old, 0.0) };
        assert!(windows_until_found(law, 20) <= 5.0, "{law:?}");
    }
}

#[test]
fn without_calibration_they_are_found_within_nine() {
    let law = Law { old: 0.001, new: 0.005, ..Law::equal(0.001, 0.0) };
    assert!(windows_until_found(law, 0) <= 9.0, "{law:?}");
}

#[test]
fn at_equal_shares_it_takes_longer_as_it_must() {
    let law = Law { new: 0.005, old_requests: 500, ..Law::equal(0.001, 0.0) };
    let windows = windows_until_found(law, 20);
    assert!((5.7..=10.0).contains(&windows), "{windows}");
}
