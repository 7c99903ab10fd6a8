use fastrand::Rng;
use proptest::prelude::*;

use super::*;
use crate::{LATENCY_BOUNDS, TrafficCounts};

mod simulation;

fn settings() -> ComparisonSettings {
    ComparisonSettings::default()
}

fn window(old: Counts, new: Counts) -> TrafficWindow {
    TrafficWindow::new(TrafficCounts::new(old.1, old.0), TrafficCounts::new(new.1, new.0))
}

/// Bad requests, and all of them.
type Counts = (u64, u64);

fn verdict_of(windows: &[(Counts, Counts)]) -> String {
    let mut comparison = Comparison::new(settings()).unwrap();
    for (old, new) in windows {
        comparison.observe(&window(*old, *new));
    }
    comparison.verdict().to_string()
}

#[test]
fn without_requests_nothing_is_said() {
    let none = "has no data: the new slot has had 0 of the 200 requests that a comparison needs";
    assert_eq!(verdict_of(&[]), none);
    assert_eq!(verdict_of(&[((5, 900), (0, 0)), ((0, 0), (100, 100))]), none);
}

#[test]
fn one_window_never_decides() {
    let bad = ((0, 4_500), (500, 500));
    assert_eq!(verdict_of(&[bad]), "passes");
    assert_eq!(
        verdict_of(&[bad; 4]),
        "fails: 2000 of 2000 requests to the new slot failed, and 0 of 18000 to the old one"
    );
}

#[test]
fn what_hits_both_slots_is_no_fault_of_the_new_one() {
    assert_eq!(verdict_of(&[((900, 4_500), (100, 500)); 30]), "passes");
}

#[test]
fn a_fault_that_begins_late_is_found() {
    let mut windows = vec![((45, 4_500), (5, 500)); 60];
    windows.extend([((45, 4_500), (25, 500)); 10]);
    assert!(verdict_of(&windows).starts_with("fails: "), "{}", verdict_of(&windows));
}

#[test]
fn bad_settings_name_field_and_value() {
    let bad = ComparisonSettings { false_alarms: 0.5, ..settings() };
    let error = Comparison::new(bad).unwrap_err();
    assert_eq!(error.to_string(), "`false_alarms` is `0.5`: allowed is 0.0001 to 0.1");
}

#[test]
fn a_slower_slot_is_found_and_an_equal_one_is_not() {
    let latencies = |rng: &mut Rng, requests: u64, stretch: f64| {
        let mut counts = vec![0; LATENCY_BOUNDS.len() + 1];
        for _ in 0..requests {
            // An exponential law with a mean of 8 ms.
            let micros = -(1.0 - rng.f64()).ln() * 8_000.0 * stretch;
            let place = LATENCY_BOUNDS
                .iter()
                .position(|bound| micros.ceil() <= f64::from(u32::try_from(*bound).unwrap()));
            counts[place.unwrap_or(LATENCY_BOUNDS.len())] += 1;
        }
        TrafficCounts::new(requests, 0).with_latencies(counts)
    };
    let found = |stretch: f64, seed: u64| {
        let mut rng = Rng::with_seed(seed);
        let mut comparison = Comparison::new(settings()).unwrap();
        (1..=20_u32).find(|_| {
            let (old, new) = (latencies(&mut rng, 4_500, 1.0), latencies(&mut rng, 500, stretch));
            comparison.observe(&TrafficWindow::new(old, new));
            comparison.standing().worse == Some(Finding::Latency)
        })
    };
    for seed in 0..20 {
        assert_eq!(found(1.0, seed), None, "seed {seed}");
        let windows = found(1.6, seed);
        assert!(windows.is_some_and(|windows| windows <= 8), "seed {seed}: {windows:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_stored_comparison_goes_on_where_it_was(
        windows in prop::collection::vec(((0_u64..50, 1_u64..5_000), (0_u64..50, 1_u64..600)), 1..30),
        at in 0_usize..30,
    ) {
        let mut through = Comparison::new(settings()).unwrap();
        let mut stored = through.clone();
        for (place, (old, new)) in windows.iter().enumerate() {
            let window = window(*old, *new);
            through.observe(&window);
            stored.observe(&window);
            if place == at {
                stored = serde_json::from_str(&serde_json::to_string(&stored).unwrap()).unwrap();
            }
        }
        prop_assert_eq!(through.verdict(), stored.verdict());
        prop_assert!((through.standing().error_evidence - stored.standing().error_evidence).abs() < 1e-6);
    }

    #[test]
    fn a_better_slot_is_never_called_worse(old in 1_u64..500, better in 1_u64..=100) {
        // The new slot has at most the old one's rate in every window.
        let new = old * better / 1_000;
        prop_assert_eq!(verdict_of(&[((old, 5_000), (new, 500)); 40]), "passes".to_owned());
    }

    #[test]
    fn long_watches_stay_finite(old in 0_u64..5, new in 0_u64..5) {
        // Longer than windows are kept one by one.
        let mut comparison = Comparison::new(settings()).unwrap();
        for _ in 0..300 {
            comparison.observe(&window((old, 4_500), (new, 4_500)));
        }
        prop_assert!(comparison.standing().error_evidence.is_finite());
    }
}
