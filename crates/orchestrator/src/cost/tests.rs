use std::time::Duration;

use super::{Cost, CostLedger};

#[test]
fn costs_add_up_by_cycle_generator_and_environment() {
    let mut ledger = CostLedger::default();
    let cycle = Cost::cpu(Duration::from_millis(20)).with_peak_memory(100).with_bytes_written(7);
    ledger.cycle(cycle);
    ledger.cycle(Cost::cpu(Duration::from_millis(5)).with_peak_memory(60).with_tokens(900, 45));
    ledger.generator("class.rs", Cost::cpu(Duration::from_millis(3)));
    ledger.generator("class.rs", Cost::cpu(Duration::from_millis(4)));
    ledger.environment("staging", Cost::cpu(Duration::from_millis(1)).with_bytes_written(7));
    let summary = ledger.summary();
    assert_eq!((summary.total.cpu_us, summary.total.peak_memory), (25_000, 100));
    assert_eq!((summary.total.count, summary.total.price_micros), (2, 45));
    assert_eq!(summary.last_cycle.tokens, 900);
    assert_eq!(
        (summary.generators["class.rs"].cpu_us, summary.generators["class.rs"].count),
        (7_000, 2)
    );
    assert_eq!(summary.environments["staging"].bytes_written, 7);
}

#[test]
fn the_number_of_names_is_bounded() {
    let mut ledger = CostLedger::default();
    for count in 0..CostLedger::MOST_NAMES + 500 {
        ledger.generator(&format!("generator {count}"), Cost::cpu(Duration::from_micros(1)));
    }
    let summary = ledger.summary();
    assert_eq!(summary.generators.len(), CostLedger::MOST_NAMES + 1);
    assert_eq!(summary.generators["(others)"].count, 500);
}
