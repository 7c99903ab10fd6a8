use std::time::Duration;

use super::{OrchestrationStats, Statistics, StatisticsFile, Tally};

fn cycle(millis: u64) -> Tally {
    Tally::Cycle { took: Duration::from_millis(millis), over_target: millis > 500 }
}

#[test]
fn the_picture_has_totals_percentiles_and_windows() {
    let mut statistics = Statistics::default();
    let second = Duration::from_secs(1);
    for count in 1..=100 {
        statistics.count(cycle(10 * u64::from(count)), second * count);
        statistics.count(Tally::Succeeded, second * count);
        statistics.count(Tally::Events(3), second * count);
    }
    statistics.count(Tally::Failed, second * 100);
    let stats = statistics.snapshot(second * 100);
    assert_eq!((stats.total_cycles, stats.events_processed), (100, 300));
    assert_eq!(stats.cycles_over_target, 50);
    assert!((stats.avg_cycle_time_ms - 505.0).abs() < 0.001);
    assert!((stats.cycle_time.p95_ms - 950.0).abs() < 16.0, "{:?}", stats.cycle_time);
    assert!((stats.success_rate().unwrap() - 100.0 / 101.0).abs() < 1e-9, "and not 0");
    let minute = &stats.windows["1m"];
    assert!((60..=65).contains(&minute.cycles), "{}", minute.cycles);
    assert_eq!(stats.windows["24h"].cycles, 100);
    let later = statistics.snapshot(second * 100 + Duration::from_hours(2));
    assert_eq!((later.windows["1h"].cycles, later.windows["24h"].cycles), (0, 100));
    assert_eq!(later.windows["1h"].success_rate(), None);
}

#[test]
fn counting_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = StatisticsFile::new(folder.path().join("state/statistics.json"));
    assert_eq!(file.load(), (OrchestrationStats::default(), None));
    let mut statistics = Statistics::default();
    statistics.count(cycle(100), Duration::ZERO);
    statistics.count(cycle(300), Duration::ZERO);
    statistics.count(Tally::Triggered, Duration::ZERO);
    file.store(&statistics.snapshot(Duration::ZERO)).unwrap();

    let (earlier, notice) = file.load();
    assert_eq!(notice, None);
    let mut statistics = Statistics::resume(earlier);
    statistics.count(cycle(200), Duration::ZERO);
    let stats = statistics.snapshot(Duration::ZERO);
    assert_eq!((stats.total_cycles, stats.regenerations_triggered), (3, 1));
    assert!((stats.avg_cycle_time_ms - 200.0).abs() < 0.001);
}

#[test]
fn a_damaged_file_is_told_of_and_counting_starts_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("statistics.json");
    for damaged in ["", "{\"version\": 1, \"stat", "[]", "{\"version\": 9, \"statistics\": {}}"] {
        std::fs::write(&path, damaged).unwrap();
        let (stats, notice) = StatisticsFile::new(&path).load();
        assert_eq!(stats, OrchestrationStats::default());
        let notice = notice.expect(damaged).to_string();
        assert!(notice.contains("counting starts anew"), "{notice}");
    }
    let unwritable = StatisticsFile::new(path.join("below-a-file"));
    let error = unwritable.store(&OrchestrationStats::default()).unwrap_err();
    assert!(error.to_string().starts_with("statistics can't be written to"));
    assert!(unwritable.load().1.is_some());
}
