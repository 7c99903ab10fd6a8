use std::sync::atomic::Ordering;
use std::time::Duration;

use evergen_orchestrator::{
    ExecuteError, OrchestratorConfig, StartError, StatisticsFile, StopError,
};
use evergen_telemetry::EventKind;

use crate::parts::{Bench, Port, Way, Workshop, event, quick};

fn bench() -> Bench {
    Bench::new(quick().build().unwrap(), Workshop::default(), Port::default())
}

#[tokio::test]
async fn a_loop_starts_and_stops_and_starts_again() {
    let bench = bench();
    let orchestrator = &bench.orchestrator;
    assert!(!orchestrator.is_running() && !orchestrator.pause() && !orchestrator.resume());
    assert_eq!(orchestrator.stop().await, Err(StopError::NotRunning));
    for round in 1..=3 {
        orchestrator.start().await.unwrap();
        assert!(orchestrator.is_running());
        assert!(matches!(orchestrator.start().await, Err(StartError::AlreadyRunning)));
        bench.publish(&["order"]).await;
        bench.until_processed(round).await;
        let report = orchestrator.stop().await.unwrap();
        assert_eq!((report.abandoned, report.flushed), (0, true));
        assert!(!orchestrator.is_running());
    }
    assert_eq!(orchestrator.stop().await, Err(StopError::NotRunning));
    assert_eq!(bench.workshop.commits("order"), 3);
    let records = bench.sink.records();
    let told = |kind| records.iter().any(|record| record.body.kind() == kind);
    assert!(told(EventKind::RegenerationStarted) && told(EventKind::RegenerationCompleted));
    let config = records.iter().find_map(|record| record.message.as_deref()).unwrap();
    assert!(config.contains("\"max_concurrent\":4"), "{config}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_starts_at_once_one_wins() {
    for _ in 0..20 {
        let bench = bench();
        let starts = (0..8).map(|_| {
            let orchestrator = bench.orchestrator.clone();
            tokio::spawn(async move { orchestrator.start().await })
        });
        let mut won = 0;
        for start in starts.collect::<Vec<_>>() {
            match start.await.unwrap() {
                Ok(()) => won += 1,
                Err(error) => assert!(matches!(error, StartError::AlreadyRunning), "{error}"),
            }
        }
        assert_eq!(won, 1);
        bench.orchestrator.stop().await.unwrap();
    }
}

#[tokio::test]
async fn unusable_settings_start_nothing() {
    let mut config = OrchestratorConfig::default();
    config.max_concurrent = 0;
    let bench = Bench::new(config, Workshop::default(), Port::default());
    let error = bench.orchestrator.start().await.unwrap_err();
    assert!(matches!(error, StartError::Config(_)), "{error}");
    assert!(!bench.orchestrator.is_running());
    let error = bench.orchestrator.execute_cycle(vec![event("order")]).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Config(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_running_tasks_finish() {
    let workshop = Workshop::default().with("slow", Way::Takes(Duration::from_millis(500)));
    let bench = Bench::new(quick().build().unwrap(), workshop, Port::default());
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["slow"]).await;
    bench.until("the task", |bench| bench.workshop.tries("slow") == 1).await;
    assert_eq!(bench.orchestrator.stop().await.unwrap().abandoned, 0);
    assert_eq!(bench.workshop.commits("slow"), 1);
    bench.orchestrator.start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.workshop.tries("slow"), 1, "it was acknowledged before the stop");
}

#[tokio::test(start_paused = true)]
async fn what_a_stop_cuts_short_stays_in_the_log() {
    let workshop = Workshop::default().with("stuck", Way::Hangs);
    let config = quick().task_timeout_ms(60_000).build().unwrap();
    let bench = Bench::new(config, workshop, Port::default());
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["stuck"]).await;
    bench.until("the task", |bench| bench.workshop.tries("stuck") == 1).await;
    let began = tokio::time::Instant::now();
    assert_eq!(bench.orchestrator.stop().await.unwrap().abandoned, 0);
    // The flush waits for a thread, which paused time does not know of.
    assert!(began.elapsed() >= Duration::from_secs(2) && began.elapsed() < Duration::from_secs(13));

    bench.workshop.set("stuck", Way::Well);
    bench.orchestrator.start().await.unwrap();
    bench.until("the event again", |bench| bench.workshop.commits("stuck") == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_stop_cuts_the_grace_short() {
    let workshop = Workshop::default().with("stuck", Way::Hangs);
    let config = quick().task_timeout_ms(86_000_000).stop_grace_ms(3_600_000).build().unwrap();
    let bench = Bench::new(config, workshop, Port::default());
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["stuck"]).await;
    bench.until("the task", |bench| bench.workshop.tries("stuck") == 1).await;
    let first = tokio::spawn({
        let orchestrator = bench.orchestrator.clone();
        async move { orchestrator.stop().await }
    });
    bench.until("the stop", |bench| bench.orchestrator.view().stopping).await;
    assert!(matches!(bench.orchestrator.start().await, Err(StartError::Stopping)));
    let began = tokio::time::Instant::now();
    assert_eq!(bench.orchestrator.stop().await.unwrap().abandoned, 0);
    first.await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_a_commit_and_gives_up_one_that_hangs() {
    let workshop = Workshop::default()
        .with("slow", Way::CommitTakes(Duration::from_millis(400)))
        .with("stuck", Way::CommitHangs);
    let bench = Bench::new(quick().build().unwrap(), workshop, Port::default());
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["slow", "stuck"]).await;
    bench.until("both", |bench| bench.orchestrator.view().working == 2).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    let report = bench.orchestrator.stop_within(Duration::ZERO).await.unwrap();
    assert_eq!(bench.workshop.commits("slow"), 1);
    assert_eq!((report.abandoned, bench.workshop.commits("stuck")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn who_drops_the_last_handle_stops_the_loop() {
    let bench = bench();
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["one"]).await;
    bench.until_processed(1).await;
    let Bench { orchestrator, notifier, workshop, .. } = bench;
    drop(orchestrator);
    tokio::time::sleep(Duration::from_secs(30)).await;
    notifier.publish(event("two")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!((workshop.commits("one"), workshop.commits("two")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_what_is_new_and_a_resume_lets_it_go() {
    let bench = bench();
    bench.orchestrator.start().await.unwrap();
    assert!(bench.orchestrator.pause());
    bench.until("the pause", |bench| bench.orchestrator.view().paused).await;
    bench.publish(&["one", "two"]).await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!((bench.workshop.all_commits(), bench.orchestrator.view().ready), (0, 2));
    assert!(bench.orchestrator.resume());
    bench.until_processed(2).await;
}

#[tokio::test]
async fn statistics_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = StatisticsFile::new(folder.path().join("statistics.json"));
    for round in 1..=2 {
        let mut bench = bench();
        bench.orchestrator = bench.orchestrator.with_statistics_file(file.clone());
        bench.orchestrator.start().await.unwrap();
        bench.publish(&["one", "two"]).await;
        bench.until_processed(2 * round).await;
        bench.orchestrator.stop().await.unwrap();
        let stats = file.load().0;
        assert_eq!((stats.events_processed, stats.regenerations_succeeded), (2 * round, 2 * round));
    }
    std::fs::write(file.path(), "{").unwrap();
    let mut bench = bench();
    bench.orchestrator = bench.orchestrator.with_statistics_file(file);
    bench.orchestrator.start().await.unwrap();
    assert_eq!(bench.orchestrator.get_stats().events_processed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_is_not_autonomous_does_what_it_is_given() {
    let config = quick().autonomous(false).build().unwrap();
    let bench = Bench::new(config, Workshop::default(), Port::default());
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["published"]).await;
    let execution = bench.orchestrator.execute_cycle(vec![event("given")]).await.unwrap();
    assert_eq!(execution.tasks_succeeded, 1);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!((bench.workshop.commits("given"), bench.workshop.commits("published")), (1, 0));
    assert_eq!(bench.workshop.most.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cycle_that_a_stop_cuts_short_has_no_result() {
    let workshop = Workshop::default().with("stuck", Way::Hangs);
    let bench = Bench::new(quick().build().unwrap(), workshop, Port::default());
    bench.orchestrator.start().await.unwrap();
    let cycle = tokio::spawn({
        let orchestrator = bench.orchestrator.clone();
        async move { orchestrator.execute_cycle(vec![event("stuck")]).await }
    });
    bench.until("the task", |bench| bench.workshop.tries("stuck") == 1).await;
    bench.orchestrator.stop_within(Duration::from_millis(100)).await.unwrap();
    assert_eq!(cycle.await.unwrap(), Err(ExecuteError::Stopped));
}
