//! What a program sees of the collector.
#![expect(clippy::unwrap_used, reason = "helpers of a test")]

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergen_telemetry::{
    Body, Costs, ErrorKind, EventKind, FlushError, ManualClock, MemorySink, Outcome, Record,
    Redaction, SinkError, StartError, TelemetryCollector, TelemetryConfig, TelemetryEvent,
    TelemetrySink, Window,
};
use jiff::Timestamp;
use uuid::Uuid;

const DONE: Body =
    Body::RegenerationCompleted { evaluated: 1, rendered: 1, written: 1, deleted: 0, refused: 0 };

fn collector() -> TelemetryCollector {
    TelemetryCollector::new(TelemetryConfig::default()).unwrap()
}

fn done(milliseconds: u64) -> TelemetryEvent {
    TelemetryEvent::new("engine", DONE).succeeded(Duration::from_millis(milliseconds))
}

fn failed() -> TelemetryEvent {
    TelemetryEvent::new("engine", DONE).failed(Duration::from_millis(1), ErrorKind::Render)
}

#[test]
fn one_failure_before_99_successes_is_99_percent() {
    let collector = collector();
    collector.record(failed());
    (0..99).for_each(|_| collector.record(done(10)));
    let metrics = collector.get_metrics();
    for window in Window::ALL {
        assert_eq!(metrics.window(window).success_rate(), Some(0.99), "{window}");
    }
    assert_eq!(metrics.total().errors[&ErrorKind::Render], 1);
    assert_eq!(metrics.total().error_rate_of(ErrorKind::Render), Some(0.01));
    assert_eq!(metrics.total().error_rate_of(ErrorKind::Query), Some(0.0));
}

#[test]
fn of_nothing_nothing_is_said() {
    let collector = collector();
    collector.record(TelemetryEvent::new("engine", Body::CycleStarted { events: 1, tasks: 1 }));
    let metrics = collector.get_metrics();
    assert_eq!(metrics.success_rate(), None);
    assert_eq!(metrics.total().mean(), None);
    assert_eq!(metrics.total().percentile(99.0), None);
    assert_eq!(metrics.total().cache_hit_rate(), None);
    assert_eq!(metrics.saturation(), None);
    assert!(metrics.total().throughput().abs() < f64::EPSILON);
}

#[test]
fn means_and_percentiles_are_those_of_all_values() {
    let collector = collector();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let collector = collector.clone();
            scope.spawn(move || {
                (1..=250).for_each(|step| collector.record(done(thread * 250 + step)));
            });
        }
    });
    let metrics = collector.get_metrics();
    assert_eq!(metrics.total().mean(), Some(Duration::from_micros(500_500)));
    for (percent, exact) in [(50.0, 500.0), (95.0, 950.0), (99.0, 990.0), (100.0, 1000.0)] {
        let seen = metrics.total().percentile(percent).unwrap().as_secs_f64() * 1e3;
        assert!((seen - exact).abs() <= exact / 64.0, "p{percent}: {seen} for {exact}");
    }
}

#[test]
fn windows_forget_and_the_total_does_not() {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let collector = TelemetryCollector::builder(TelemetryConfig::default())
        .clock(clock.clone())
        .start()
        .unwrap();
    collector.record(failed());
    let seen = |window| collector.get_metrics().window(window).outcomes().decided();
    assert_eq!(Window::ALL.map(seen), [1, 1, 1, 1, 1]);
    for (seconds, expected) in [
        (66, [0, 1, 1, 1, 1]),
        (330, [0, 0, 1, 1, 1]),
        (3800, [0, 0, 0, 1, 1]),
        (90_000, [0, 0, 0, 0, 1]),
    ] {
        let now = collector.get_metrics().uptime;
        clock.advance(Duration::from_secs(seconds).saturating_sub(now));
        assert_eq!(Window::ALL.map(seen), expected, "after {seconds} s");
    }
    assert_eq!(collector.get_metrics().uptime, Duration::from_hours(25));
}

#[test]
fn throughput_is_by_the_time_that_a_window_covers() {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let collector = TelemetryCollector::builder(TelemetryConfig::default())
        .clock(clock.clone())
        .start()
        .unwrap();
    (0..100).for_each(|_| collector.record(done(1)));
    collector.get_metrics();
    clock.advance(Duration::from_secs(10));
    let metrics = collector.get_metrics();
    assert!((metrics.window(Window::Minute).throughput() - 10.0).abs() < 1e-9);
    assert!((metrics.window(Window::Day).throughput() - 10.0).abs() < 1e-9);
}

#[test]
fn queues_limits_caches_and_costs_are_shown() {
    let collector = collector();
    for depth in [10, 30, 20] {
        collector.record(TelemetryEvent::new("queue", Body::QueueSampled { depth, capacity: 100 }));
    }
    collector.record(TelemetryEvent::new("limiter", Body::SaturationSampled { busy: 3, limit: 4 }));
    collector.record(TelemetryEvent::new("llm", Body::CacheLookedUp { hits: 3, misses: 1 }));
    for peak in [5, 9, 7] {
        let costs = Costs::default()
            .cpu(Duration::from_millis(1))
            .peak_memory(peak)
            .written(10)
            .tokens(1, 2, 3);
        collector.record(done(1).costs(costs));
    }
    let metrics = collector.get_metrics();
    assert_eq!((metrics.queue_depth(), metrics.queues["queue"].capacity), (20, 100));
    assert_eq!(metrics.total().peak_queue_depth, 30);
    assert_eq!(metrics.total().mean_queue_depth(), Some(20.0));
    assert_eq!((metrics.saturation(), metrics.total().mean_saturation()), (Some(0.75), Some(0.75)));
    assert_eq!(metrics.total().cache_hit_rate(), Some(0.75));
    let expected =
        Costs::default().cpu(Duration::from_millis(3)).peak_memory(9).written(30).tokens(3, 6, 9);
    assert_eq!(metrics.total().costs, expected);
    assert_eq!(metrics.window(Window::Minute).costs, expected);
}

#[test]
fn components_are_told_apart_by_their_names_alone() {
    let collector = collector();
    let copy: &'static str = Box::leak("engine".to_owned().into_boxed_str());
    collector.record(TelemetryEvent::new("engine", DONE).succeeded(Duration::ZERO));
    collector.record(TelemetryEvent::new(copy, DONE).succeeded(Duration::ZERO));
    for number in 0..100 {
        let name: &'static str = Box::leak(format!("component {number}").into_boxed_str());
        collector.record(TelemetryEvent::new(name, DONE).failed(Duration::ZERO, ErrorKind::Io));
    }
    let metrics = collector.get_metrics();
    let components = &metrics.total().components;
    assert_eq!(components["engine"].of(Outcome::Succeeded), 2);
    assert_eq!(
        components.values().map(evergen_telemetry::OutcomeCounts::all).sum::<u64>(),
        102,
        "none is lost"
    );
    assert_eq!(components["other"].all(), metrics.dropped.unnamed_components);
    assert_eq!(components.len(), 64);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let check = |change: fn(&mut TelemetryConfig), expected: &str| {
        let mut config = TelemetryConfig::default();
        change(&mut config);
        match TelemetryCollector::new(config) {
            Err(StartError::Config(error)) => assert_eq!(error.to_string(), expected),
            other => panic!("{expected}, but {other:?}"),
        }
    };
    check(|config| config.shards = 0, "`shards` is 0; it must be between 1 and 64");
    check(
        |config| config.queue_capacity = 1,
        "`queue_capacity` is 1; it must be between 64 and 1048576",
    );
    check(
        |config| config.interval = Duration::ZERO,
        "`interval` is 0ns; it must be between 1ms and 5s",
    );
    check(
        |config| config.flush_timeout = Duration::MAX,
        "`flush_timeout` is 18446744073709551615.999999999s; it must be between 1ms and 300s",
    );
    check(
        |config| config.max_subjects = usize::MAX,
        "`max_subjects` is 18446744073709551615; it must be between 8 and 100000",
    );
}

#[test]
fn sinks_get_everything_in_order_and_redacted() {
    let sink = Arc::new(MemorySink::new(1000));
    let collector =
        TelemetryCollector::builder(TelemetryConfig::default()).sink(sink.clone()).start().unwrap();
    let id = Uuid::now_v7();
    for step in 0..100 {
        collector
            .record(TelemetryEvent::new("queue", Body::QueueSampled { depth: step, capacity: 0 }));
    }
    collector.record(failed().cycle(id).subject("a.j2").message("password=hunter2 is wrong"));
    collector.flush_blocking().unwrap();
    let records = sink.records();
    let depths = records[..100].iter().map(|record| match record.body {
        Body::QueueSampled { depth, .. } => depth,
        other => panic!("{other:?}"),
    });
    assert!(depths.eq(0..100));
    let last = &records[100];
    assert_eq!(
        (last.cycle, last.event, last.kind()),
        (Some(id), None, EventKind::RegenerationCompleted)
    );
    assert_eq!(last.message.as_deref(), Some("password=[redacted] is wrong"));
    let sinks = collector.get_metrics().sinks;
    assert_eq!((sinks[0].delivered, sinks[0].dropped, sinks[0].failed), (101, 0, 0));
}

#[test]
fn redaction_can_be_replaced() {
    let sink = Arc::new(MemorySink::new(10));
    let collector = TelemetryCollector::builder(TelemetryConfig::default())
        .sink(sink.clone())
        .redaction(Redaction::none())
        .start()
        .unwrap();
    collector.record(failed().message("password=hunter2"));
    collector.flush_blocking().unwrap();
    assert_eq!(sink.records()[0].message.as_deref(), Some("password=hunter2"));
}

/// Waits in `accept` until the test lets it go on.
struct Gate(Mutex<Receiver<()>>);

fn gate() -> (SyncSender<()>, Gate) {
    let (sender, receiver) = sync_channel(0);
    (sender, Gate(Mutex::new(receiver)))
}

impl TelemetrySink for Gate {
    fn name(&self) -> &'static str {
        "gate"
    }

    fn accept(&self, _: &[Arc<Record>]) -> Result<(), SinkError> {
        // When the test has ended, nobody sends, and it goes on.
        let _ = self.0.lock().unwrap().recv();
        Ok(())
    }

    fn flush(&self) -> Result<(), SinkError> {
        Ok(())
    }
}

#[test]
fn a_sink_that_hangs_stops_nobody_and_what_it_misses_is_counted() {
    let (open, gate) = gate();
    let healthy = Arc::new(MemorySink::new(100_000));
    let mut config = TelemetryConfig::default();
    config.sink_queue_capacity = 64;
    config.queue_capacity = 64;
    config.flush_timeout = Duration::from_millis(50);
    let collector =
        TelemetryCollector::builder(config).sink(gate).sink(healthy.clone()).start().unwrap();
    for round in 0..10_000 {
        collector.record(done(1));
        if round < 500 && round % 10 == 0 {
            // Brings what is queued to the sinks' own queues.
            collector.get_metrics();
        }
    }
    let error = collector.flush_blocking().unwrap_err();
    assert_eq!(error, FlushError::TimedOut { sinks: vec!["gate".to_owned()] });
    let metrics = collector.get_metrics();
    assert_eq!(metrics.total().outcomes().of(Outcome::Succeeded), 10_000, "all are counted");
    let [gate, memory] = &metrics.sinks[..] else { panic!("{:?}", metrics.sinks) };
    assert!(gate.dropped > 0);
    assert_eq!(memory.delivered + memory.dropped + metrics.dropped.events, 10_000);
    assert_eq!(memory.delivered, healthy.records().len() as u64);
    drop(open);
}

struct Broken;

impl TelemetrySink for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn accept(&self, records: &[Arc<Record>]) -> Result<(), SinkError> {
        assert!(records[0].subject.is_none(), "a panic in a sink");
        Err(SinkError::new("cannot reach the collector", "connection refused"))
    }

    fn flush(&self) -> Result<(), SinkError> {
        Ok(())
    }
}

#[test]
fn a_sink_that_fails_or_panics_is_called_again_and_said() {
    let collector =
        TelemetryCollector::builder(TelemetryConfig::default()).sink(Broken).start().unwrap();
    collector.record(done(1));
    let error = collector.flush_blocking().unwrap_err().to_string();
    assert_eq!(error, "failed: broken: cannot reach the collector: connection refused");
    collector.flush_blocking().unwrap();
    let said = |collector: &TelemetryCollector| {
        let sink = collector.get_metrics().sinks.remove(0);
        (sink.failed, sink.last_error.unwrap())
    };
    assert_eq!(said(&collector), (1, "cannot reach the collector: connection refused".to_owned()));
    collector.record(done(1).subject("panics"));
    collector.flush_blocking().unwrap_err();
    assert_eq!(said(&collector), (2, "the sink panicked".to_owned()));
}

#[tokio::test]
async fn shutdown_delivers_the_rest_and_answers_once() {
    let sink = Arc::new(MemorySink::new(100));
    let collector =
        TelemetryCollector::builder(TelemetryConfig::default()).sink(sink.clone()).start().unwrap();
    (0..50).for_each(|_| collector.record(done(1)));
    collector.flush().await.unwrap();
    (0..10).for_each(|_| collector.record(done(1)));
    collector.shutdown().await.unwrap();
    assert_eq!(sink.records().len(), 60);
    assert_eq!(Arc::strong_count(&sink), 1, "the sink is let go");
    assert_eq!(collector.shutdown().await, Err(FlushError::Closed));
    assert_eq!(collector.flush().await, Err(FlushError::Closed));
    collector.record(done(1));
    let metrics = collector.get_metrics();
    assert_eq!((metrics.total().outcomes().all(), metrics.dropped.events), (61, 1));
}

#[test]
fn dropping_the_last_handle_delivers_the_rest() {
    let sink = Arc::new(MemorySink::new(100));
    let collector =
        TelemetryCollector::builder(TelemetryConfig::default()).sink(sink.clone()).start().unwrap();
    let clone = collector.clone();
    clone.record(done(1));
    drop(collector);
    clone.record(done(1));
    drop(clone);
    assert_eq!((sink.records().len(), Arc::strong_count(&sink)), (2, 1));
}

#[test]
fn templates_have_figures_of_their_own() {
    let collector = collector();
    for (name, milliseconds) in [("a.j2", 1), ("b.j2", 30), ("a.j2", 2), ("b.j2", 40)] {
        let event = TelemetryEvent::new("engine", Body::Render)
            .succeeded(Duration::from_millis(milliseconds));
        collector.record(event.subject(name));
    }
    let metrics = collector.get_metrics();
    let seen: Vec<_> = metrics
        .subjects
        .iter()
        .map(|subject| (&*subject.name, subject.times.sum() / 1_000_000))
        .collect();
    assert_eq!(seen, [("b.j2", 70), ("a.j2", 3)]);
}
