use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{Bulkhead, BulkheadSettings, Clock, RetryPolicy};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Takes each action by writing it down.
fn noting(log: &Arc<Mutex<Vec<String>>>) -> RecoveryHandlers {
    let kinds = [
        ActionKind::Reconnect,
        ActionKind::ShrinkCaches,
        ActionKind::LowerConcurrency,
        ActionKind::Shed,
        ActionKind::RollBack,
    ];
    kinds.into_iter().fold(RecoveryHandlers::new(), |handlers, kind| {
        let log = log.clone();
        handlers.on(kind, move |target, action| {
            log.lock().unwrap().push(format!("{} {target}", action.kind()));
            async { Ok(()) }
        })
    })
}

#[tokio::test(start_paused = true)]
async fn each_class_has_its_actions() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let driver = Arc::new(noting(&log));
    let recovery = AutoRecovery::new(RecoveryPlan::default(), driver, Clock::monotonic()).unwrap();
    let classes = [
        FailureClass::ConnectionLost,
        FailureClass::MemoryPressure,
        FailureClass::SlowTarget,
        FailureClass::FailedDeployment,
    ];
    for class in classes {
        let recovered = recovery.recover(class, "api").await.unwrap();
        assert_eq!(recovered.run, 1);
    }
    let expected = [
        "reconnect api",
        "shrink caches api",
        "lower concurrency api",
        "shed api",
        "roll back api",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
    let again = recovery.recover(FailureClass::FailedDeployment, "api").await.unwrap_err();
    assert!(matches!(again, RecoverError::Exhausted { .. }), "{again}");
    let again = recovery.recover(FailureClass::SlowTarget, "api").await.unwrap_err();
    assert!(matches!(again, RecoverError::CoolingDown { .. }), "{again}");
    assert!(
        recovery.recover(FailureClass::SlowTarget, "db").await.is_ok(),
        "each target by itself"
    );
}

#[tokio::test]
async fn handlers_keep_the_laws_of_a_driver() {
    let driver = noting(&Arc::new(Mutex::new(Vec::new())));
    let actions = [
        RecoveryAction::Reconnect { retry: RetryPolicy::default() },
        RecoveryAction::ShrinkCaches { keep: 0.5 },
        RecoveryAction::RollBack,
    ];
    crate::conformance::check_recovery_driver(Arc::new(driver), "api", &actions).await;
}

#[tokio::test(start_paused = true)]
async fn a_reconnection_is_tried_again_with_pauses() {
    let tries = Arc::new(AtomicU32::new(0));
    let count = tries.clone();
    let driver = RecoveryHandlers::new().on(ActionKind::Reconnect, move |_, _| {
        let attempt = count.fetch_add(1, Ordering::SeqCst);
        async move {
            match attempt {
                0 => Err(RecoveryFailure::passing("refused")),
                1 => pending().await,
                _ => Ok(()),
            }
        }
    });
    let retry = RetryPolicy::fixed(secs(1));
    let playbook =
        Playbook::new(vec![RecoveryAction::Reconnect { retry }]).with_action_timeout(secs(5));
    let plan = RecoveryPlan::empty().with(FailureClass::ConnectionLost, playbook);
    let recovery = AutoRecovery::new(plan, Arc::new(driver), Clock::monotonic()).unwrap();
    let recovered = recovery.recover(FailureClass::ConnectionLost, "db").await.unwrap();
    assert_eq!((tries.load(Ordering::SeqCst), recovered.elapsed.as_secs()), (3, 7));
}

#[tokio::test(start_paused = true)]
async fn an_action_that_fails_or_hangs_ends_the_run() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let hanging = noting(&log)
        .on_target(ActionKind::ShrinkCaches, "api", |_, _| pending())
        .on_target(ActionKind::ShrinkCaches, "db", async |_, _| {
            Err(RecoveryFailure::lasting("no caches"))
        });
    let recovery =
        AutoRecovery::new(RecoveryPlan::default(), Arc::new(hanging), Clock::monotonic()).unwrap();
    for target in ["api", "db"] {
        let error = recovery.recover(FailureClass::MemoryPressure, target).await.unwrap_err();
        assert_eq!(error.to_string(), format!("could not shrink caches for {target}"));
    }
    assert!(log.lock().unwrap().is_empty(), "the actions after it were not taken");
    let nobody = Arc::new(RecoveryHandlers::new());
    let recovery = AutoRecovery::new(RecoveryPlan::default(), nobody, Clock::monotonic()).unwrap();
    let error = recovery.recover(FailureClass::SlowTarget, "api").await.unwrap_err();
    let RecoverError::Action { source, .. } = error else { panic!("the action failed") };
    let cause = source.failed().unwrap().source.to_string();
    assert_eq!(cause, "nobody here can shed for api");
}

#[tokio::test(start_paused = true)]
async fn one_run_at_a_time_and_a_dropped_one_is_over() {
    let driver = RecoveryHandlers::new().on(ActionKind::Shed, |_, _| pending());
    let recovery =
        AutoRecovery::new(RecoveryPlan::default(), Arc::new(driver), Clock::monotonic()).unwrap();
    let run = recovery.recover(FailureClass::SlowTarget, "api");
    let mut run = Box::pin(run);
    assert!(futures::poll!(run.as_mut()).is_pending());
    let second = recovery.recover(FailureClass::SlowTarget, "api").await.unwrap_err();
    assert!(matches!(second, RecoverError::Running { .. }));
    drop(run);
    assert_eq!(recovery.running(), 0);
}

#[tokio::test]
async fn concurrency_is_lowered_down_to_the_floor() {
    let bulkhead = Bulkhead::new(BulkheadSettings::new(10, 0)).unwrap();
    let driver = RecoveryHandlers::new().lowering("api", bulkhead.clone());
    let action = RecoveryAction::LowerConcurrency { factor: 0.5, floor: 2 };
    let mut limits = Vec::new();
    for _ in 0..4 {
        driver.perform("api", &action).await.unwrap();
        limits.push(bulkhead.max_concurrent());
    }
    assert_eq!(limits, [5, 2, 2, 2]);
}

#[test]
fn a_plan_is_settings() {
    let plan = RecoveryPlan::default();
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<RecoveryPlan>(&text).unwrap(), plan);
    assert!(
        text.contains(r#""slow-target":{"actions":[{"kind":"shed","share":0.25,"lasting":"30s"}]"#)
    );
    let absurd = |action| Playbook::new(vec![action]).validate().unwrap_err().to_string();
    assert_eq!(
        absurd(RecoveryAction::LowerConcurrency { factor: 2.0, floor: 1 }),
        "`factor` is 2; allowed is above 0 and below 1"
    );
    assert_eq!(
        absurd(RecoveryAction::Shed { share: -1.0, lasting: secs(1) }),
        "`share` is -1; allowed is above 0 and up to 1"
    );
    assert_eq!(
        Playbook::new(Vec::new()).validate().unwrap_err().to_string(),
        "`actions` is 0; allowed is 1 to 16 actions"
    );
}

proptest! {
    /// However often somebody asks, runs keep their distance, their number and their turn.
    #[test]
    fn runs_keep_within_their_bounds(
        max_runs in 1_u32..5,
        within in 1_u64..100,
        cooldown in 1_u64..30,
        events in prop::collection::vec((0_u64..20, any::<bool>()), 1..200),
    ) {
        let playbook = Playbook::new(vec![RecoveryAction::RollBack])
            .with_bounds(max_runs, secs(within), secs(cooldown));
        let class = FailureClass::FailedDeployment;
        let mut ledger = RecoveryLedger::new(RecoveryPlan::empty().with(class, playbook));
        let mut now = Duration::ZERO;
        let mut begun: Vec<Duration> = Vec::new();
        for (passed, ends) in events {
            now += secs(passed);
            let was_running = ledger.running() > 0;
            match ledger.begin(class, "api", now) {
                RecoveryDecision::Run { .. } => {
                    prop_assert!(!was_running);
                    if let Some(last) = begun.last() {
                        prop_assert!(now >= *last + secs(cooldown));
                    }
                    begun.push(now);
                    let recent = begun.iter().filter(|&&begun| begun + secs(within) > now).count();
                    prop_assert!(recent <= max_runs as usize);
                }
                RecoveryDecision::Running => prop_assert!(was_running),
                RecoveryDecision::CoolingDown { retry_after } | RecoveryDecision::Exhausted { retry_after } => {
                    let mut later = ledger.clone();
                    let decision = later.begin(class, "api", now + retry_after);
                    prop_assert!(matches!(decision, RecoveryDecision::Run { .. }), "waiting as told is enough");
                }
                decision @ RecoveryDecision::Unplanned => prop_assert!(false, "{:?}", decision),
            }
            if ends {
                ledger.ended(class, "api");
            }
        }
    }
}
