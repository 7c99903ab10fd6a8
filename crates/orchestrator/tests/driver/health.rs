use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use evergen_orchestrator::{HealthProblem, HealthStatus, ResourceProbe, Resources};
use evergen_telemetry::EventKind;

use crate::parts::{Bench, Port, Way, Workshop, quick};

/// Panics when it is asked first, and then says that there is next to no memory.
struct Exhausted(AtomicUsize);

impl ResourceProbe for Exhausted {
    fn look(&self) -> Resources {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "the first look fails");
        Resources::unknown().with_memory(1, 100)
    }
}

#[tokio::test(start_paused = true)]
async fn exhaustion_is_noticed_and_a_failed_check_is_survived() {
    let config = quick().health_check_interval_secs(1).build().unwrap();
    let mut bench = Bench::new(config, Workshop::default(), Port::default());
    let probe = Arc::new(Exhausted(AtomicUsize::new(0)));
    bench.orchestrator =
        bench.orchestrator.with_resources(Arc::clone(&probe) as Arc<dyn ResourceProbe>);
    assert_eq!(bench.orchestrator.health().status, HealthStatus::Healthy);
    bench.orchestrator.start().await.unwrap();
    bench
        .until("the check", |bench| bench.orchestrator.health().status == HealthStatus::Critical)
        .await;
    assert!(probe.0.load(Ordering::SeqCst) >= 2);
    bench.telemetry.flush().await.unwrap();
    let told = |kind| bench.sink.records().iter().any(|it| it.body.kind() == kind);
    assert!(told(EventKind::PerformanceMetric) && told(EventKind::PerformanceAlert));
}

#[tokio::test(start_paused = true)]
async fn a_standstill_is_alerted_and_cycles_over_target_are_warned_of() {
    let config = quick()
        .health_check_interval_secs(10)
        .task_timeout_ms(3_600_000)
        .target_cycle_ms(1_000)
        .build()
        .unwrap();
    let workshop = Workshop::default().with("slow", Way::Takes(Duration::from_secs(45)));
    let bench = Bench::new(config, workshop, Port::default());
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["slow"]).await;
    let has = |problem| {
        move |bench: &Bench| {
            bench.orchestrator.health().findings.iter().any(|it| it.kind == problem)
        }
    };
    bench.until("the standstill", has(HealthProblem::Stalled)).await;
    bench.until_processed(1).await;
    bench.until("the warning", has(HealthProblem::CyclesSlow)).await;
    assert_eq!(bench.orchestrator.get_stats().cycles_over_target, 1);
    assert!(bench.orchestrator.recommendations().is_empty(), "one cycle says nothing");
    bench.telemetry.flush().await.unwrap();
    let warned =
        |it: &Arc<evergen_telemetry::Record>| it.body.kind() == EventKind::PerformanceWarning;
    assert!(bench.sink.records().iter().any(warned));
}

#[tokio::test(start_paused = true)]
async fn a_low_success_rate_names_its_pattern() {
    let config = quick().health_check_interval_secs(5).max_tries(1).build().unwrap();
    let workshop = Workshop::default().with("bad", Way::Fails(usize::MAX));
    let bench = Bench::new(config, workshop, Port::default());
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["bad"]).await;
    bench
        .until("the warning", |bench| bench.orchestrator.health().status == HealthStatus::Warning)
        .await;
    bench.telemetry.flush().await.unwrap();
    let records = bench.sink.records();
    let alert = records.iter().find(|it| it.body.kind() == EventKind::PerformanceAlert).unwrap();
    assert!(alert.patterns[0].contains("the disk is full"), "{alert:?}");
}
