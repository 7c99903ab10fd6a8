//! What parts do that nobody should, and what callers do at the wrong time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use evergen_artifact::ProposedChanges;
use evergen_events::{Consumer, ConsumerName, Position, Retention};
use evergen_orchestrator::{
    BuryError, DeadEvent, DeadEvents, HealthProblem, HealthStatus, MemoryDeadEvents, ResourceProbe,
    Resources,
};
use evergen_quality_gates::{
    Examination, Finding, FnGate, GateError, GateKeeper, GateReport, Outcome,
};
use futures::future::{BoxFuture, FutureExt};

use crate::parts::{Bench, Door, Opens, Port, Way, Workshop, event, quick};

/// It was given up, and its place given away; a stop must not wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stop_leaves_a_blocked_thread_behind_and_says_so() {
    let workshop = Workshop::default().with("stuck", Way::Blocks);
    let _opens = Opens(Arc::clone(&workshop.door));
    let config = quick().task_timeout_ms(20).max_tries(1).build().unwrap();
    let bench = Bench::new(config, workshop, Port::default());
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["stuck"]).await;
    bench.until_processed(1).await;
    bench.until("its place", |bench| bench.orchestrator.view().working == 0).await;
    let stop = tokio::time::timeout(Duration::from_mins(1), bench.orchestrator.stop());
    assert_eq!(stop.await.expect("the stop ends").unwrap().abandoned, 1);
}

/// Whatever becomes of a deployment that was given up, it is not taken for the one after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deployment_that_ends_long_after_it_was_given_up_changes_nothing() {
    let port = Port { automatic: true, blocks: 1.into(), hangs: 1.into(), ..Port::default() };
    // The first one hangs, the second one blocks its thread.
    let door = Arc::clone(&port.door);
    let _opens = Opens(Arc::clone(&door));
    let config = quick().deploy_timeout_ms(500).max_tries(5).build().unwrap();
    let bench = Bench::new(config, Workshop::default(), port);
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["order"]).await;
    bench.until("the second one", |bench| bench.port.blocks.load(Ordering::SeqCst) == 0).await;
    assert_eq!(bench.port.deployed.load(Ordering::SeqCst), 0);
    bench.port.hangs.store(1, Ordering::SeqCst);
    bench.until("the third one", |bench| bench.port.hangs.load(Ordering::SeqCst) == 0).await;
    assert_eq!(bench.orchestrator.view().working, 1, "the second one has lost its place");
    door.open();
    bench.until_processed(1).await;
    assert_eq!(bench.port.deployed.load(Ordering::SeqCst), 1);
    assert_eq!(bench.orchestrator.get_stats().deployments_failed, 3, "each was not done in time");
    assert_eq!(bench.orchestrator.stop().await.unwrap().abandoned, 0);
}

#[tokio::test(start_paused = true)]
async fn each_environment_is_deployed_to_once_and_counted_once() {
    let port =
        Port { automatic: true, fails: 2.into(), only_staging_fails: true, ..Port::default() };
    let config = quick().auto_deploy("production").build().unwrap();
    let bench = Bench::new(config, Workshop::default(), port);
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["order"]).await;
    bench.until_processed(1).await;
    assert_eq!(*bench.port.places.lock().unwrap(), ["production", "staging"]);
    let stats = bench.orchestrator.get_stats();
    assert_eq!((stats.deployments_completed, stats.deployments_failed), (2, 2));
    let costs = &stats.costs.environments;
    assert_eq!((costs["production"].count, costs["staging"].count), (1, 1));
    assert_eq!(costs["production"].cpu_us, 0, "time that passed is no time on processors");
}

#[tokio::test(start_paused = true)]
async fn an_environment_that_refuses_is_asked_once_and_hides_behind_no_other() {
    let port = Port {
        automatic: true,
        fails: 2.into(),
        only_staging_fails: true,
        refuses: Some("production"),
        ..Port::default()
    };
    let config = quick().auto_deploy("production").build().unwrap();
    let bench = Bench::new(config, Workshop::default(), port);
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["order"]).await;
    bench.until_processed(1).await;
    assert_eq!(*bench.port.places.lock().unwrap(), ["staging"]);
    assert_eq!(bench.port.asked.load(Ordering::SeqCst), 4, "staging three times, production once");
    let stats = bench.orchestrator.get_stats();
    assert_eq!((stats.deployments_completed, stats.dead_letters), (1, 1));
    let cycle = &bench.orchestrator.recent_cycles()[0];
    let errors = cycle.errors.join("\n");
    assert!(errors.contains("no answer") && errors.contains("it is not allowed"), "{errors}");
}

#[tokio::test(start_paused = true)]
async fn what_a_deployer_remembers_keeps_no_event() {
    let port = Port { automatic: true, fails: 100.into(), remembers: true, ..Port::default() };
    let bench = Bench::new(quick().build().unwrap(), Workshop::default(), port);
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["order"]).await;
    bench.until_processed(1).await;
    let stats = bench.orchestrator.get_stats();
    assert_eq!((stats.dead_letters, bench.port.asked.load(Ordering::SeqCst)), (0, 1));
    let cycle = &bench.orchestrator.recent_cycles()[0];
    assert!(cycle.errors.join("\n").contains("no answer"), "{cycle:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cycle_whose_caller_is_gone_is_finished_and_holds_nobody_up() {
    let config = quick().queue_capacity(3).build().unwrap();
    let bench = Bench::new(config, Workshop::default(), Port::default());
    let events = || (0..20).map(|task| event(&format!("task{task}"))).collect();
    let mut cycle = Box::pin(bench.orchestrator.execute_cycle(events()));
    assert!(futures::poll!(&mut cycle).is_pending());
    drop(cycle);
    let next = tokio::time::timeout(Duration::from_hours(1), bench.orchestrator.start());
    next.await.expect("the engine is free").unwrap();
    assert_eq!(bench.workshop.all_commits(), 20);
}

/// A part that is ignored in silence could be the gates.
#[tokio::test(start_paused = true)]
async fn a_part_that_comes_late_is_part_of_another_loop() {
    let bench = Bench::new(quick().build().unwrap(), Workshop::default(), Port::default());
    let refuses =
        FnGate::new("never", |_: &Examination| Outcome::fail(vec![Finding::error("order", "no")]));
    let gates =
        evergen_quality_gates::QualityGateEngine::new(evergen_quality_gates::Policy::default())
            .with_gate(refuses);
    let other = bench.orchestrator.clone().with_gates(Arc::new(gates));
    let execution = other.execute_cycle(vec![event("order")]).await.unwrap();
    assert_eq!((execution.tasks_failed, bench.workshop.all_commits()), (1, 0));
    let execution = bench.orchestrator.execute_cycle(vec![event("order")]).await.unwrap();
    assert_eq!((execution.tasks_succeeded, bench.workshop.all_commits()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_stop_gets_through_however_many_commands_wait() {
    let bench = Bench::new(quick().build().unwrap(), Workshop::default(), Port::default());
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["one"]).await;
    bench.until_processed(1).await;
    // Nothing is taken out meanwhile: there is one thread, and this is it.
    while bench.orchestrator.resume() {}
    let Bench { orchestrator, notifier, workshop, .. } = bench;
    drop(orchestrator);
    tokio::time::sleep(Duration::from_secs(30)).await;
    notifier.publish(event("two")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!((workshop.commits("one"), workshop.commits("two")), (1, 0));
}

/// Panics the first time.
struct Jumpy {
    panics: AtomicUsize,
    graves: MemoryDeadEvents,
}

impl DeadEvents for Jumpy {
    fn bury(&self, event: DeadEvent) -> BoxFuture<'_, Result<(), BuryError>> {
        assert!(self.panics.fetch_add(1, Ordering::SeqCst) > 0, "there is something in it");
        self.graves.bury(event)
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_panics_over_a_dead_event_is_asked_again() {
    let graves = MemoryDeadEvents::default();
    let jumpy = Jumpy { panics: AtomicUsize::new(0), graves: graves.clone() };
    let workshop = Workshop::default().with("order", Way::Refused);
    let mut bench = Bench::new(quick().build().unwrap(), workshop, Port::default());
    bench.orchestrator = bench.orchestrator.with_dead_events(Arc::new(jumpy));
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["order"]).await;
    bench.until_processed(1).await;
    assert_eq!(graves.list().len(), 1);
}

struct PanickingGate;

impl GateKeeper for PanickingGate {
    fn judge<'a>(&'a self, _: &'a ProposedChanges) -> BoxFuture<'a, Result<GateReport, GateError>> {
        async { panic!("the gate is off its hinges") }.boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_panics_is_what_is_left_alone() {
    let graves = MemoryDeadEvents::default();
    let config = quick().max_tries(2).breaker_threshold(2).build().unwrap();
    let mut bench = Bench::new(config, Workshop::default(), Port::default());
    bench.orchestrator = bench
        .orchestrator
        .with_dead_events(Arc::new(graves.clone()))
        .with_gates(Arc::new(PanickingGate));
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["order"]).await;
    bench.until_processed(1).await;
    let open = bench.orchestrator.view().open_breakers;
    assert_eq!(open, [evergen_orchestrator::Component::Gates]);
    let tries = &graves.list()[0].tries;
    assert_eq!((tries.len(), tries[0].component), (2, "gates"));
    assert!(tries[0].error.contains("off its hinges"), "{tries:?}");
    assert_eq!(bench.orchestrator.get_stats().panics, 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_commit_leaves_is_not_kept_for_ever() {
    let workshop = Workshop::default().with("slow", Way::CommitTakes(Duration::from_mins(10)));
    let port = Port { automatic: true, ..Port::default() };
    let bench = Bench::new(quick().build().unwrap(), workshop, port);
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["slow"]).await;
    bench.until_processed(1).await;
    assert!(bench.workshop.proposed.lock().unwrap().upgrade().is_some(), "it commits still");
    bench.until("its late end", |bench| bench.workshop.commits("slow") == 1).await;
    bench
        .until("the end of it", |bench| bench.workshop.proposed.lock().unwrap().strong_count() == 0)
        .await;
    assert_eq!(bench.port.deployed.load(Ordering::SeqCst), 0, "a person decides about it");
}

#[tokio::test(start_paused = true)]
async fn how_full_the_loop_is_is_told() {
    let workshop = Workshop::default();
    for task in 0..8 {
        workshop.set(&format!("task{task}"), Way::Takes(Duration::from_millis(900)));
    }
    let bench = Bench::new(quick().queue_capacity(50).build().unwrap(), workshop, Port::default());
    bench.orchestrator.start().await.unwrap();
    let names: Vec<String> = (0..8).map(|task| format!("task{task}")).collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    bench.publish(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    bench.until("full use", |bench| bench.telemetry.get_metrics().saturation() == Some(1.0)).await;
    let metrics = bench.telemetry.get_metrics();
    let queue = metrics.queues["orchestrator"];
    assert_eq!((queue.capacity, metrics.limits["orchestrator"].capacity), (50, 4));
    assert!(queue.used >= 4, "{queue:?}");
    bench.until_processed(8).await;
    bench.until("rest", |bench| bench.telemetry.get_metrics().queue_depth() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_log_that_has_lost_events_is_no_healthy_one() {
    let config = quick().health_check_interval_secs(1).build().unwrap();
    let bench = Bench::new(config, Workshop::default(), Port::default());
    let log = Arc::clone(bench.notifier.log());
    let name = ConsumerName::parse("orchestrator").unwrap();
    drop(Consumer::open(Arc::clone(&log), name, Position::Oldest).await.unwrap());
    bench.publish(&["one", "two"]).await;
    let forced = Retention::everything().with_max_bytes(0).forced();
    log.trim(forced, jiff::Timestamp::now()).await.unwrap();
    bench.orchestrator.start().await.unwrap();
    bench
        .until("the alert", |bench| {
            let health = bench.orchestrator.health();
            health.findings.iter().any(|it| it.kind == HealthProblem::LogFailing)
        })
        .await;
    assert!(bench.orchestrator.health().status >= HealthStatus::Alert);
    bench.publish(&["three"]).await;
    bench.until("the rest", |bench| bench.workshop.commits("three") == 1).await;
}

/// Looks as long as the door is closed.
struct Slow(Arc<Door>, Arc<AtomicUsize>);

impl ResourceProbe for Slow {
    fn look(&self) -> Resources {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.wait();
        Resources::unknown().with_memory(1, 100)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_health_check_goes_on_after_a_stop() {
    let config = quick().health_check_interval_secs(1).build().unwrap();
    let mut bench = Bench::new(config, Workshop::default(), Port::default());
    let (door, looks) = (Arc::new(Door::default()), Arc::new(AtomicUsize::new(0)));
    let _opens = Opens(Arc::clone(&door));
    let slow = Slow(Arc::clone(&door), Arc::clone(&looks));
    bench.orchestrator = bench.orchestrator.with_resources(Arc::new(slow));
    bench.orchestrator.start().await.unwrap();
    bench.until("a look", |_| looks.load(Ordering::SeqCst) == 1).await;
    bench.orchestrator.stop().await.unwrap();
    door.open();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(bench.orchestrator.health().status, HealthStatus::Healthy);
    }
}
