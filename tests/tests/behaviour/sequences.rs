//! Incremental equals from scratch, for random changes.

use evergen_tests::sequences::{FEATURES, Tally, run, run_one};

/// A number that a variable of the environment gives.
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn sequences_of_changes_leave_what_a_generation_from_scratch_makes() {
    let started = std::time::Instant::now();
    let mut tally = Tally::default();
    let result = match number("EVERGEN_SEED") {
        Some(seed) => run_one(seed, &mut tally),
        None => run(number("EVERGEN_SEQUENCES").unwrap_or(4_000)).map(|sum| tally = sum),
    };
    if let Err(failure) = result {
        panic!(
            "EVERGEN_SEED={} replays this sequence:\n{}\n{}",
            failure.seed, failure.steps, failure.what
        );
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{} steps compared in {seconds:.1} s", tally.compared);
    println!("evaluated: {} incrementally, {} from scratch", tally.incremental, tally.full);
    for (feature, count) in &tally.features {
        println!("{count:>8} {feature}");
    }
    if tally.compared < 5_000 {
        return;
    }
    let missing: Vec<_> =
        FEATURES.iter().filter(|feature| !tally.features.contains_key(*feature)).collect();
    assert!(missing.is_empty(), "these never occurred: {missing:?}");
    assert!(tally.incremental * 2 < tally.full, "incremental runs should do much less");
}
