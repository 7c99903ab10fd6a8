use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use evergen_artifact::ProposedChanges;
use evergen_orchestrator::{BuryError, CycleOutcome, DeadEvent, DeadEvents, MemoryDeadEvents};
use evergen_quality_gates::{
    Coverage, Examination, Finding, FnGate, GateError, GateKeeper, GateReport, Outcome,
    QualityGateEngine,
};
use evergen_telemetry::EventKind;
use futures::future::{BoxFuture, FutureExt};

use crate::parts::{Bench, Port, Way, Workshop, iri, quick};

fn with_graves(mut bench: Bench) -> (Bench, MemoryDeadEvents) {
    let graves = MemoryDeadEvents::default();
    bench.orchestrator = bench.orchestrator.with_dead_events(Arc::new(graves.clone()));
    (bench, graves)
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_passes_is_tried_again() {
    let workshop = Workshop::default().with("order", Way::Fails(2)).with("product", Way::Panics(1));
    let (bench, graves) =
        with_graves(Bench::new(quick().build().unwrap(), workshop, Port::default()));
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["order", "product", "good"]).await;
    bench.until_processed(3).await;
    assert_eq!((bench.workshop.tries("order"), bench.workshop.commits("order")), (3, 1));
    assert_eq!((bench.workshop.tries("product"), bench.workshop.commits("product")), (2, 1));
    let stats = bench.orchestrator.get_stats();
    assert_eq!((stats.regenerations_succeeded, stats.regenerations_failed), (3, 3));
    assert_eq!((stats.retries, stats.panics, stats.dead_letters), (3, 1, 0));
    assert!(graves.list().is_empty());
}

/// Whoever fails for good, panics, hangs or is refused becomes a dead letter with its history,
/// and everything else goes on.
#[tokio::test(start_paused = true)]
async fn what_fails_for_good_is_kept_with_its_history() {
    let workshop = Workshop::default()
        .with("failing", Way::Fails(usize::MAX))
        .with("panicking", Way::Panics(usize::MAX))
        .with("hanging", Way::Hangs)
        .with("refused", Way::Refused);
    let (bench, graves) =
        with_graves(Bench::new(quick().build().unwrap(), workshop, Port::default()));
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["failing", "panicking", "hanging", "refused"]).await;
    let good: Vec<String> = (0..50).map(|count| format!("good{count}")).collect();
    let good: Vec<&str> = good.iter().map(String::as_str).collect();
    bench.publish(&good).await;
    bench.until("the good ones", |bench| bench.workshop.all_commits() == 50).await;
    bench.until_processed(54).await;

    let mut dead = graves.take();
    dead.sort_by(|one, other| one.event.subject.cmp(&other.event.subject));
    let check = |dead: &DeadEvent, name: &str, tries: usize, error: &str| {
        assert_eq!((&*dead.event.subject, dead.tries.len()), (&*iri(name), tries), "{dead:?}");
        let same = dead.tries.iter().all(|one| one.error.contains(error));
        assert!(same && dead.tries[0].component == "regeneration", "{dead:?}");
        assert!(dead.offset.is_some() && dead.tries.is_sorted_by_key(|one| one.number));
    };
    assert_eq!(dead.len(), 4);
    check(&dead[0], "failing", 3, "writing aside: the disk is full");
    check(&dead[1], "hanging", 3, "not done within 1s");
    check(&dead[2], "panicking", 3, "it panicked: the workshop is on fire");
    check(&dead[3], "refused", 1, "it makes no sense");
    let stats = bench.orchestrator.get_stats();
    assert_eq!((stats.dead_letters, stats.timeouts, stats.panics), (4, 3, 3));
    assert_eq!((stats.regenerations_succeeded, stats.regenerations_failed), (50, 10));
    bench.telemetry.flush().await.unwrap();
    let kinds = bench.sink.records();
    assert_eq!(kinds.iter().filter(|it| it.body.kind() == EventKind::DeadLettered).count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_takes_too_long_is_waited_for_and_takes_effect_once() {
    let workshop = Workshop::default().with("slow", Way::CommitTakes(Duration::from_millis(1_800)));
    let (bench, graves) =
        with_graves(Bench::new(quick().build().unwrap(), workshop, Port::default()));
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["slow"]).await;
    bench.until_processed(1).await;
    assert_eq!((bench.workshop.tries("slow"), bench.workshop.commits("slow")), (1, 1));
    assert!(graves.list().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_never_ends_holds_its_key_and_nothing_else() {
    let workshop = Workshop::default().with("stuck", Way::CommitHangs);
    let config = quick().max_concurrent(1).build().unwrap();
    let (bench, graves) = with_graves(Bench::new(config, workshop, Port::default()));
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["stuck", "good"]).await;
    bench.until("the good one", |bench| bench.workshop.commits("good") == 1).await;
    bench.publish(&["stuck"]).await;
    bench.until_processed(3).await;
    assert_eq!(bench.workshop.tries("stuck"), 1, "nobody knows whether it took effect");
    let errors: Vec<String> =
        graves.list().iter().map(|dead| dead.tries.last().unwrap().error.clone()).collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].contains("unknown") && errors[1].contains("never answered"), "{errors:?}");
    assert_eq!(bench.orchestrator.stop().await.unwrap().abandoned, 1);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_model_counts_as_failed_and_is_dealt_with() {
    let workshop = Workshop::default().with("model", Way::ModelIsWrong);
    let (bench, graves) =
        with_graves(Bench::new(quick().build().unwrap(), workshop, Port::default()));
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["model"]).await;
    bench.until_processed(1).await;
    let stats = bench.orchestrator.get_stats();
    assert_eq!((stats.regenerations_succeeded, stats.regenerations_failed), (0, 1));
    assert_eq!((stats.dead_letters, graves.list().len()), (0, 0));
    let cycle = &bench.orchestrator.recent_cycles()[0];
    assert_eq!((cycle.outcome, cycle.tasks_failed), (CycleOutcome::Failed, 1));
    assert!(cycle.errors[0].contains("problem(s) with the model"), "{cycle:?}");
    bench.workshop.set("model", Way::Well);
    bench.publish(&["model"]).await;
    bench.until_processed(2).await;
    assert_eq!(bench.workshop.commits("model"), 1);
}

/// What is left for a person is told, fails nothing, and is brought into use by nobody.
#[tokio::test(start_paused = true)]
async fn what_is_left_for_a_person_is_no_failure() {
    let workshop = Workshop::default().with("some", Way::LeavesSome);
    let port = Port { automatic: true, ..Port::default() };
    let (bench, graves) = with_graves(Bench::new(quick().build().unwrap(), workshop, port));
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["some"]).await;
    bench.until_processed(1).await;
    let stats = bench.orchestrator.get_stats();
    assert_eq!((stats.regenerations_succeeded, stats.regenerations_failed), (1, 0));
    assert_eq!((stats.deployments_completed, graves.list().len()), (0, 0));
    let cycle = &bench.orchestrator.recent_cycles()[0];
    assert_eq!(
        (cycle.outcome, cycle.left.as_slice()),
        (CycleOutcome::Succeeded, &["a.txt: kept".to_owned()][..])
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_gate_refuses_never_becomes_visible() {
    let gate = FnGate::new("no orders", |examination: &Examination| {
        let bad = examination.files().iter().any(|file| file.path().contains("order"));
        if bad {
            Outcome::fail(vec![Finding::error("order", "an order")])
        } else {
            Outcome::Pass(Coverage::of_files(1))
        }
    });
    let (mut bench, graves) =
        with_graves(Bench::new(quick().build().unwrap(), Workshop::default(), Port::default()));
    let gates = QualityGateEngine::new().with_gate(gate);
    bench.orchestrator = bench.orchestrator.with_gates(Arc::new(gates));
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["order", "product"]).await;
    bench.until_processed(2).await;
    assert_eq!((bench.workshop.commits("order"), bench.workshop.commits("product")), (0, 1));
    let dead = graves.list();
    assert_eq!((dead.len(), dead[0].tries.len(), dead[0].tries[0].component), (1, 1, "gates"));
    assert!(dead[0].tries[0].error.contains("an order"), "{dead:?}");
    assert_eq!(bench.orchestrator.recent_cycles()[0].outcome, CycleOutcome::Partial);
}

/// Not there for the first question.
struct Shy(AtomicUsize);

impl GateKeeper for Shy {
    fn judge<'a>(
        &'a self,
        _proposed: &'a ProposedChanges,
    ) -> BoxFuture<'a, Result<GateReport, GateError>> {
        let first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if first {
                return Err(GateError::Unavailable { why: "nobody is in".to_owned() });
            }
            Ok(GateReport::new(Vec::new()))
        }
        .boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn gates_that_can_not_judge_are_asked_again() {
    let mut bench = Bench::new(quick().build().unwrap(), Workshop::default(), Port::default());
    bench.orchestrator = bench.orchestrator.with_gates(Arc::new(Shy(AtomicUsize::new(0))));
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["order"]).await;
    bench.until_processed(1).await;
    assert_eq!((bench.workshop.tries("order"), bench.workshop.commits("order")), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failed_deployment_is_tried_again_without_regenerating() {
    for (fails, hangs) in [(2, 0), (0, 1)] {
        let port =
            Port { automatic: true, fails: fails.into(), hangs: hangs.into(), ..Port::default() };
        let bench = Bench::new(quick().build().unwrap(), Workshop::default(), port);
        bench.orchestrator.start().await.unwrap();
        bench.publish(&["order"]).await;
        bench.until_processed(1).await;
        assert_eq!((bench.workshop.tries("order"), bench.workshop.commits("order")), (1, 1));
        assert_eq!(bench.port.deployed.load(Ordering::SeqCst), 1);
        let stats = bench.orchestrator.get_stats();
        assert_eq!(stats.deployments_failed, (fails + hangs) as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_fails_for_good_is_kept_with_its_history() {
    let config = quick().auto_deploy("nowhere").build().unwrap();
    let (bench, graves) = with_graves(Bench::new(config, Workshop::default(), Port::default()));
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["order"]).await;
    bench.until_processed(1).await;
    assert_eq!(bench.workshop.commits("order"), 1);
    let dead = graves.list();
    assert_eq!((dead.len(), dead[0].tries[0].component), (1, "deployment"));
    assert!(dead[0].tries[0].error.contains("nowhere"), "{dead:?}");
}

#[tokio::test(start_paused = true)]
async fn a_component_that_keeps_failing_is_left_alone_and_comes_back() {
    let port = Port { automatic: true, fails: 3.into(), ..Port::default() };
    let config =
        quick().max_tries(10).breaker_threshold(2).breaker_recovery_ms(5_000).build().unwrap();
    let bench = Bench::new(config, Workshop::default(), port);
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["order"]).await;
    bench.until("the breaker", |bench| !bench.orchestrator.view().open_breakers.is_empty()).await;
    bench.until_processed(1).await;
    assert!(bench.orchestrator.view().open_breakers.is_empty());
    bench.telemetry.flush().await.unwrap();
    let changed =
        |it: &&Arc<evergen_telemetry::Record>| it.body.kind() == EventKind::BreakerChanged;
    assert_eq!(bench.sink.records().iter().filter(changed).count(), 2);
}

/// Refuses so many times, then keeps.
struct Forgetful {
    refusals: AtomicUsize,
    graves: MemoryDeadEvents,
}

impl DeadEvents for Forgetful {
    fn bury(&self, event: DeadEvent) -> BoxFuture<'_, Result<(), BuryError>> {
        let refuses = self
            .refusals
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if refuses.is_ok() {
            return async { Err(BuryError::new("no room")) }.boxed();
        }
        self.graves.bury(event)
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_is_acknowledged_once_it_is_kept() {
    let graves = MemoryDeadEvents::default();
    let forgetful = Forgetful { refusals: AtomicUsize::new(4), graves: graves.clone() };
    let workshop = Workshop::default().with("order", Way::Refused);
    let mut bench = Bench::new(quick().build().unwrap(), workshop, Port::default());
    bench.orchestrator = bench.orchestrator.with_dead_events(Arc::new(forgetful));
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["order"]).await;
    bench.until("the burial", |_| !graves.list().is_empty()).await;
    bench.until_processed(1).await;
}

#[tokio::test]
async fn a_full_memory_of_dead_events_refuses_more_and_knows_those_it_has() {
    let graves = MemoryDeadEvents::new(1);
    let workshop = Workshop::default().with("one", Way::Refused).with("two", Way::Refused);
    let mut bench = Bench::new(quick().build().unwrap(), workshop, Port::default());
    bench.orchestrator = bench.orchestrator.with_dead_events(Arc::new(graves.clone()));
    bench.orchestrator.start().await.unwrap();
    bench.publish(&["one", "two"]).await;
    bench.until("the first", |_| graves.list().len() == 1).await;
    bench.until("both settled", |bench| bench.orchestrator.get_stats().events_processed == 2).await;
    let first = graves.take().remove(0);
    bench.until("the second", |_| graves.list().len() == 1).await;
    assert_ne!(graves.list()[0].event.subject, first.event.subject);
    let again = graves.list().remove(0);
    graves.bury(again).await.unwrap();
    assert_eq!(graves.list().len(), 1);
}
