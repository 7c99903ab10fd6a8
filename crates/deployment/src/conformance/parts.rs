//! The laws of the smaller ports, as tests for any implementation.

use std::time::{Duration, Instant};

use crate::{
    BackupProvider, BackupRef, HealthProbe, Hook, HookError, MigrationError, MigrationPhase,
    Migrator, Notice, Notifier, ProbeTarget, Side, StepContext, Verdict,
};

/// How much later than its deadline a part may end.
const LATE: Duration = Duration::from_secs(5);

fn ok<T, E: std::error::Error>(what: &str, answer: Result<T, E>) -> T {
    answer.unwrap_or_else(|error| panic!("{what}: {error} ({error:?})"))
}

fn in_time(began: Instant, deadline: Duration) {
    let took = began.elapsed();
    assert!(took < deadline + LATE, "it took {took:?} with a deadline of {deadline:?}");
}

/// Tests a probe with a release that does well and one that does not.
///
/// # Panics
/// A law does not hold.
pub async fn check_probe(probe: &dyn HealthProbe, well: &ProbeTarget, ill: &ProbeTarget) {
    assert!(!probe.name().is_empty(), "it has a name");
    for _ in 0..2 {
        let verdict = probe.probe(well).await;
        assert!(verdict.passes(), "a release that does well: {verdict}");
        let verdict = probe.probe(ill).await;
        assert!(!verdict.passes(), "a release that does not");
        if let Verdict::Fail { why } | Verdict::NoData { why } | Verdict::Impossible { why } =
            verdict
        {
            assert!(!why.is_empty(), "it says why");
        }
    }
    let mut hurried = well.clone();
    hurried.context.deadline = Duration::from_millis(1);
    let began = Instant::now();
    let _ = probe.probe(&hurried).await;
    in_time(began, hurried.context.deadline);
}

/// Tests a provider of backups. `shown` gives the data as they are now, and `change` changes
/// them.
///
/// # Panics
/// A law does not hold.
pub async fn check_backup<D: PartialEq + std::fmt::Debug>(
    provider: &dyn BackupProvider,
    context: &StepContext,
    shown: impl Fn() -> D,
    change: impl Fn(),
) {
    let before = shown();
    let backup = ok("backup", provider.backup(context).await);
    assert_eq!(backup.provider, provider.name(), "a backup names its provider");
    // Another process has nothing but what the ledger kept.
    let text = ok("a backup as a text", serde_json::to_string(&backup));
    let backup: BackupRef = ok("a backup from a text", serde_json::from_str(&text));
    ok("prove", provider.prove(&backup).await);
    change();
    let changed = shown();
    assert_ne!(changed, before, "the test has to change something");
    ok("prove what is kept", provider.prove(&backup).await);
    assert_eq!(shown(), changed, "a proof touches nothing that is in use");
    let second = ok("a second backup", provider.backup(context).await);
    for _ in 0..2 {
        ok("restore", provider.restore(&backup).await);
        assert_eq!(shown(), before, "what was restored");
    }
    for _ in 0..2 {
        ok("discard", provider.discard(&backup).await);
    }
    assert!(provider.prove(&backup).await.is_err(), "what was discarded is no backup");
    assert!(provider.restore(&backup).await.is_err(), "nothing is restored from nothing");
    assert_eq!(shown(), before, "after an error nothing was restored");
    ok("restore another", provider.restore(&second).await);
    assert_eq!(shown(), changed, "one backup is not another");
    ok("discard the other", provider.discard(&second).await);
}

/// Tests a migrator whose migration is pending.
///
/// # Panics
/// A law does not hold.
pub async fn check_migrator(migrator: &dyn Migrator, context: &StepContext) {
    let phase = async || ok("phase", migrator.phase(context).await);
    assert_eq!(phase().await, MigrationPhase::Pending, "nothing was done yet");
    let early = migrator.contract(context).await;
    assert!(matches!(early, Err(MigrationError::Refused { .. })), "not expanded: {early:?}");
    assert_eq!(phase().await, MigrationPhase::Pending, "a refusal changes nothing");
    for _ in 0..2 {
        ok("expand", migrator.expand(context).await);
        assert_eq!(phase().await, MigrationPhase::Expanded);
    }
    for side in [Side::Old, Side::New] {
        ok("both releases work in between", migrator.check(side, context).await);
    }
    for _ in 0..2 {
        ok("contract", migrator.contract(context).await);
        assert_eq!(phase().await, MigrationPhase::Contracted);
    }
    ok("the new release works", migrator.check(Side::New, context).await);
}

/// Tests a hook with a step in which it succeeds and one in which it says no.
///
/// # Panics
/// A law does not hold.
pub async fn check_hook(hook: &dyn Hook, good: &StepContext, bad: &StepContext) {
    assert!(!hook.name().is_empty(), "it has a name");
    for _ in 0..2 {
        ok("run", hook.run(good).await);
        let refused = hook.run(bad).await;
        assert!(matches!(refused, Err(HookError::Failed { .. })), "it said no: {refused:?}");
    }
    let mut hurried = good.clone();
    hurried.deadline = Duration::from_millis(1);
    let began = Instant::now();
    let _ = hook.run(&hurried).await;
    in_time(began, hurried.deadline);
}

/// Tests a notifier that can reach whom it tells.
///
/// # Panics
/// A law does not hold.
pub async fn check_notifier(notifier: &dyn Notifier, notice: &Notice) {
    /// What its own retries may take.
    const BOUND: Duration = Duration::from_mins(1);
    assert!(!notifier.name().is_empty(), "it has a name");
    for _ in 0..2 {
        let began = Instant::now();
        ok("notify", notifier.notify(notice).await);
        in_time(began, BOUND);
    }
}
