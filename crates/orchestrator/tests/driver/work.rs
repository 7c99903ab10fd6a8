use std::sync::atomic::Ordering;
use std::time::Duration;

use evergen_events::Priority;
use evergen_orchestrator::{CycleOutcome, ParallelExecution};

use crate::parts::{Bench, Port, Way, Workshop, event, quick};

#[tokio::test(start_paused = true)]
async fn events_become_artifacts_and_a_cycle_tells_of_it() {
    let bench = Bench::new(quick().build().unwrap(), Workshop::default(), Port::default());
    let mut cycles = bench.orchestrator.follow_cycles();
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["order", "product", "order"]).await;
    bench.until_processed(3).await;
    let cycle = cycles.next().await.unwrap();
    assert_eq!(
        (cycle.outcome, cycle.tasks_executed, cycle.events),
        (CycleOutcome::Succeeded, 2, 3)
    );
    assert_eq!(cycle.causes.len(), 2, "{cycle:?}");
    assert!(cycle.written == 2 && cycle.errors.is_empty());
    assert!(cycle.phases_ms.contains_key("render") && cycle.phases_ms.contains_key("commit"));
    assert_eq!(bench.orchestrator.recent_cycles(), [cycle]);
    assert_eq!(cycles.missed(), 0);
    let stats = bench.orchestrator.get_stats();
    assert_eq!(
        (stats.total_cycles, stats.regenerations_triggered, stats.deployments_completed),
        (1, 2, 0)
    );
    assert_eq!(stats.success_rate(), Some(1.0));
    assert!(stats.costs.total.bytes_written > 0);
}

#[tokio::test(start_paused = true)]
async fn a_cycle_by_hand_runs_in_parallel_up_to_the_limit() {
    let workshop = Workshop::default();
    for task in 0..20 {
        workshop.set(&format!("task{task}"), Way::Takes(Duration::from_millis(100)));
    }
    let bench = Bench::new(quick().build().unwrap(), workshop, Port::default());
    let events = |from: u32| (from..from + 20).map(|task| event(&format!("task{task}"))).collect();
    for running in [false, true] {
        if running {
            bench.orchestrator.start().await.unwrap();
        }
        let execution = bench.orchestrator.execute_cycle(events(0)).await.unwrap();
        assert_eq!((execution.tasks_executed, execution.tasks_succeeded), (20, 20));
        assert_eq!((execution.tasks_failed, execution.parallelism), (0, 4));
        assert!((500..520).contains(&execution.duration_ms), "{execution:?}");
        let json = serde_json::to_string(&execution).unwrap();
        assert_eq!(serde_json::from_str::<ParallelExecution>(&json).unwrap(), execution);
    }
    assert_eq!(bench.workshop.most.load(Ordering::SeqCst), 4);
    assert_eq!(bench.orchestrator.get_stats().total_cycles, 2);
    let nothing = bench.orchestrator.execute_cycle(Vec::new()).await.unwrap();
    assert_eq!(nothing.tasks_executed, 0);
}

#[tokio::test(start_paused = true)]
async fn cycles_by_hand_share_the_limit_even_without_a_loop() {
    let workshop = Workshop::default();
    for task in 0..12 {
        workshop.set(&format!("task{task}"), Way::Takes(Duration::from_millis(50)));
    }
    let bench = Bench::new(quick().max_concurrent(2).build().unwrap(), workshop, Port::default());
    let cycles: Vec<_> = (0..3)
        .map(|cycle| {
            let orchestrator = bench.orchestrator.clone();
            let events = (0..4).map(|task| event(&format!("task{}", cycle * 4 + task))).collect();
            tokio::spawn(async move { orchestrator.execute_cycle(events).await })
        })
        .collect();
    for cycle in cycles {
        assert_eq!(cycle.await.unwrap().unwrap().tasks_succeeded, 4);
    }
    assert_eq!(bench.workshop.most.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_holds_back_and_loses_nothing() {
    let config = quick().queue_capacity(3).max_concurrent(1).build().unwrap();
    let bench = Bench::new(config, Workshop::default(), Port::default());
    bench.orchestrator.start().await.unwrap();
    bench.orchestrator.pause();
    bench.until("the pause", |bench| bench.orchestrator.view().paused).await;
    for count in 0..200 {
        bench.notifier.publish(event(&format!("event{count}"))).await.unwrap();
        assert!(bench.orchestrator.view().in_hand <= 3);
    }
    bench.until("a full queue", |bench| bench.orchestrator.view().in_hand == 3).await;
    bench.orchestrator.resume();
    bench.until_processed(200).await;
    assert_eq!(bench.workshop.all_commits(), 200);
}

#[tokio::test(start_paused = true)]
async fn what_is_urgent_goes_first() {
    let config = quick().max_concurrent(1).build().unwrap();
    let bench = Bench::new(config, Workshop::default(), Port::default());
    bench.orchestrator.start().await.unwrap();
    bench.orchestrator.pause();
    bench.until("the pause", |bench| bench.orchestrator.view().paused).await;
    let events = vec![
        event("low").with_priority(Priority::Low),
        event("normal"),
        event("high").with_priority(Priority::High),
        event("critical").with_priority(Priority::Critical),
    ];
    bench.notifier.publish_batch(events).await.unwrap();
    bench.until("all of them", |bench| bench.orchestrator.view().ready == 4).await;
    bench.orchestrator.resume();
    bench.until_processed(4).await;
    let cycles = bench.orchestrator.recent_cycles();
    let causes: Vec<&str> = cycles
        .iter()
        .flat_map(|cycle| &cycle.causes)
        .filter_map(|iri| iri.rsplit('/').next())
        .collect();
    assert_eq!(causes, ["critical", "high", "normal", "low"]);
}

#[tokio::test(start_paused = true)]
async fn a_successful_cycle_is_deployed() {
    let port = Port { automatic: true, ..Port::default() };
    let bench = Bench::new(quick().build().unwrap(), Workshop::default(), port);
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["order"]).await;
    bench.until_processed(1).await;
    assert_eq!(bench.port.deployed.load(Ordering::SeqCst), 1);
    let stats = bench.orchestrator.get_stats();
    assert_eq!((stats.deployments_completed, stats.total_cycles), (1, 1));
    assert_eq!(stats.costs.environments["staging"].count, 1);
    assert!(bench.orchestrator.recent_cycles()[0].phases_ms.contains_key("deploy"));
}

#[tokio::test(start_paused = true)]
async fn a_cycle_without_changes_is_deployed_to_whoever_is_behind() {
    let workshop = Workshop::default().with("order", Way::ChangesNothing);
    let port = Port { automatic: true, ..Port::default() };
    let bench = Bench::new(quick().build().unwrap(), workshop, port);
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["order"]).await;
    bench.until_processed(1).await;
    assert_eq!(bench.port.deployed.load(Ordering::SeqCst), 0);
    bench.port.behind.store(true, Ordering::SeqCst);
    bench.publish(&["order"]).await;
    bench.until_processed(2).await;
    assert_eq!(bench.port.deployed.load(Ordering::SeqCst), 1);
}
