use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use crate::clock::ManualClock;
use crate::collector::{TelemetryCollector, TelemetryConfig};
use crate::event::{Body, Costs, ErrorKind, Target, TelemetryEvent};
use crate::feedback::{
    Change, FeedbackConfig, FeedbackLoop, LoopSettings, Measure, Recommendation,
    RecommendationKind, Trial, TrialConfig, Verdict,
};
use crate::metrics::Metrics;

const DONE: Body =
    Body::RegenerationCompleted { evaluated: 1, rendered: 1, written: 1, deleted: 0, refused: 0 };

fn settings() -> LoopSettings {
    LoopSettings::new(8, 4, Duration::from_secs(1))
}

/// What a minute of work leaves behind.
fn after_a_minute(work: impl FnOnce(&TelemetryCollector)) -> Metrics {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let collector = TelemetryCollector::builder(TelemetryConfig::default())
        .clock(clock.clone())
        .start()
        .unwrap();
    work(&collector);
    collector.get_metrics();
    clock.advance(Duration::from_mins(1));
    collector.get_metrics()
}

fn done(took: Duration) -> TelemetryEvent {
    TelemetryEvent::new("engine", DONE).succeeded(took)
}

fn analyze(metrics: &Metrics) -> Vec<Recommendation> {
    FeedbackLoop::new(FeedbackConfig::default()).unwrap().analyze(metrics, &settings())
}

fn only(metrics: &Metrics) -> Recommendation {
    let mut found = analyze(metrics);
    assert_eq!(found.len(), 1, "{found:?}");
    let found = found.remove(0);
    assert!(
        (0.0..=1.0).contains(&found.confidence)
            && !found.evidence.is_empty()
            && !found.reason.is_empty()
    );
    found
}

/// A full limit and a backlog, with so much of four processors in use.
fn overloaded(cpu: f64) -> Metrics {
    after_a_minute(|collector| {
        let each = Duration::from_secs_f64(cpu * 4.0 * 60.0 / 100.0);
        for _ in 0..100 {
            collector.record(TelemetryEvent::new(
                "limiter",
                Body::SaturationSampled { busy: 8, limit: 8 },
            ));
            collector.record(TelemetryEvent::new(
                "queue",
                Body::QueueSampled { depth: 50, capacity: 100 },
            ));
            collector.record(done(Duration::from_millis(100)).costs(Costs::default().cpu(each)));
        }
    })
}

#[test]
fn more_workers_while_processors_are_free() {
    let found = only(&overloaded(0.2));
    assert_eq!(found.kind, RecommendationKind::MoreWorkers);
    assert_eq!(found.change, Change::Setting { name: "max_concurrent", from: 8.0, to: 12.0 });
    assert_eq!(found.gain.target, Target::Throughput);
    assert!((found.gain.to / found.gain.from - 1.5).abs() < 1e-9);
}

#[test]
fn more_machines_once_processors_are_full() {
    let found = only(&overloaded(0.95));
    assert_eq!(found.kind, RecommendationKind::ScaleOut);
    assert_eq!(found.change, Change::Setting { name: "nodes", from: 1.0, to: 2.0 });
}

#[test]
fn a_longer_limit_only_where_it_would_help() {
    let slow = |usual: u64| {
        after_a_minute(|collector| {
            (0..90).for_each(|_| collector.record(done(Duration::from_millis(usual))));
            let ended = TelemetryEvent::new("engine", DONE)
                .failed(Duration::from_secs(1), ErrorKind::Timeout);
            (0..10).for_each(|_| collector.record(ended.clone()));
        })
    };
    let found = only(&slow(900));
    assert_eq!(found.kind, RecommendationKind::Timeout);
    assert_eq!(found.change, Change::Setting { name: "timeout_ms", from: 1000.0, to: 1500.0 });
    // What succeeds takes a tenth of the limit: the rest hangs.
    assert_eq!(analyze(&slow(100)), []);
}

#[test]
fn a_cache_that_seldom_has_the_answer() {
    let found = only(&after_a_minute(|collector| {
        collector.record(TelemetryEvent::new("llm", Body::CacheLookedUp { hits: 10, misses: 90 }));
    }));
    assert_eq!(found.kind, RecommendationKind::Cache);
    assert_eq!(found.change, Change::Setting { name: "cache_entries", from: 0.0, to: 1024.0 });
}

#[test]
fn the_template_that_has_the_time_is_named() {
    let found = only(&after_a_minute(|collector| {
        for (name, milliseconds) in [("a.j2", 2), ("heavy.j2", 40), ("b.j2", 3)] {
            for _ in 0..50 {
                let event = TelemetryEvent::new("engine", Body::Render)
                    .succeeded(Duration::from_millis(milliseconds));
                collector.record(event.subject(name));
            }
        }
    }));
    assert_eq!(found.kind, RecommendationKind::SimplerTemplate);
    assert_eq!(found.change, Change::Author { subject: "heavy.j2".to_owned() });
    assert!(found.reason.contains("`heavy.j2` takes 89 %"), "{}", found.reason);
}

#[test]
fn few_samples_or_good_figures_ask_for_nothing() {
    assert_eq!(analyze(&after_a_minute(|_| {})), []);
    assert_eq!(
        analyze(&after_a_minute(|collector| {
            (0..1000).for_each(|_| collector.record(done(Duration::from_millis(5))));
            collector
                .record(TelemetryEvent::new("llm", Body::CacheLookedUp { hits: 900, misses: 100 }));
            (0..100).for_each(|_| {
                collector.record(TelemetryEvent::new(
                    "limiter",
                    Body::SaturationSampled { busy: 4, limit: 8 },
                ));
                collector.record(TelemetryEvent::new(
                    "queue",
                    Body::QueueSampled { depth: 50, capacity: 100 },
                ));
            });
        })),
        []
    );
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let config = FeedbackConfig { cpu_full: f64::NAN, ..FeedbackConfig::default() };
    assert_eq!(FeedbackLoop::new(config).unwrap_err().field, "cpu_full");
    let config = TrialConfig { patience: Duration::from_secs(1), ..TrialConfig::default() };
    let error =
        Trial::start(config, Target::Throughput, Measure::default(), Duration::ZERO).unwrap_err();
    assert_eq!(error.to_string(), "`patience` is 1s; it must be between 120s and 604800s");
}

/// So many regenerations that took about so long, and so many failures, in two minutes.
fn measure(milliseconds: u64, count: u64, failures: u64) -> Measure {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let collector = TelemetryCollector::builder(TelemetryConfig::default())
        .clock(clock.clone())
        .start()
        .unwrap();
    for number in 0..count {
        let took = Duration::from_micros(milliseconds * (900 + number % 200));
        let event = TelemetryEvent::new("engine", DONE);
        collector.record(if number < failures {
            event.failed(took, ErrorKind::Render)
        } else {
            event.succeeded(took)
        });
    }
    clock.advance(Duration::from_mins(2));
    Measure::of(&collector.get_metrics())
}

/// The verdict after two minutes, and how often the trial waited before.
fn verdict(target: Target, before: Measure, after: &Measure) -> Verdict {
    let mut trial = Trial::start(TrialConfig::default(), target, before, Duration::ZERO).unwrap();
    let nothing = Measure::default();
    assert_eq!(trial.step(Duration::from_secs(10), &nothing), Verdict::Wait);
    assert_eq!(trial.step(Duration::from_secs(30), &nothing), Verdict::Wait);
    trial.step(Duration::from_secs(150), after)
}

#[test]
fn what_helped_stays() {
    let Verdict::Keep { gain } =
        verdict(Target::ResponseTime, measure(100, 200, 0), &measure(80, 200, 0))
    else {
        panic!("a fifth less is a gain")
    };
    assert!((gain - 0.2).abs() < 0.01, "{gain}");
    let kept = verdict(Target::Throughput, measure(100, 200, 0), &measure(100, 300, 0));
    assert!(matches!(kept, Verdict::Keep { gain } if (gain - 0.5).abs() < 1e-9), "{kept:?}");
    let kept = verdict(Target::ErrorRate, measure(100, 200, 60), &measure(100, 200, 10));
    assert!(matches!(kept, Verdict::Keep { gain } if (gain - 0.25).abs() < 1e-9), "{kept:?}");
}

#[test]
fn what_made_it_worse_is_taken_back() {
    let slower = verdict(Target::ResponseTime, measure(100, 200, 0), &measure(130, 200, 0));
    assert!(
        matches!(slower, Verdict::TakeBack { loss } if (loss - 0.3).abs() < 0.02),
        "{slower:?}"
    );
    let fails = verdict(Target::ResponseTime, measure(100, 200, 0), &measure(50, 200, 20));
    assert!(matches!(fails, Verdict::TakeBack { loss } if (loss - 0.1).abs() < 1e-9), "{fails:?}");
}

#[test]
fn more_failures_end_a_trial_early() {
    let mut trial = Trial::start(
        TrialConfig::default(),
        Target::ResponseTime,
        measure(100, 200, 2),
        Duration::ZERO,
    )
    .unwrap();
    assert_eq!(trial.step(Duration::from_secs(31), &Measure::default()), Verdict::Wait);
    assert_eq!(
        trial.step(Duration::from_secs(32), &measure(100, 40, 40)),
        Verdict::Wait,
        "too few to tell"
    );
    assert!(matches!(
        trial.step(Duration::from_secs(33), &measure(100, 60, 40)),
        Verdict::TakeBack { .. }
    ));
}

#[test]
fn what_cannot_be_told_is_unproven() {
    let same = verdict(Target::ResponseTime, measure(100, 200, 0), &measure(100, 200, 0));
    assert_eq!(same, Verdict::Unproven);
    let mut trial = Trial::start(
        TrialConfig::default(),
        Target::ResponseTime,
        measure(100, 200, 0),
        Duration::ZERO,
    )
    .unwrap();
    assert_eq!(trial.step(Duration::from_secs(30), &Measure::default()), Verdict::Wait);
    let few = measure(10, 5, 0);
    assert_eq!(trial.step(Duration::from_mins(10), &few), Verdict::Wait);
    assert_eq!(trial.step(Duration::from_secs(1830), &few), Verdict::Unproven);
    assert_eq!(
        verdict(Target::Throughput, Measure::default(), &measure(10, 200, 0)),
        Verdict::Unproven
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the figures, a change after which more than twice as much fails, beyond
    /// chance, never stays.
    #[test]
    fn no_gain_outweighs_failures(target in prop::sample::select(Target::ALL.to_vec()), before in 0_u64..10, milliseconds in 1_u64..100) {
        let after = measure(milliseconds, 200, before * 2 + 20);
        let is_back = matches!(verdict(target, measure(100, 200, before), &after), Verdict::TakeBack { .. });
        prop_assert!(is_back);
    }
}
