//! Asking probes again and again, until it is clear.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use tokio::time::{Instant, sleep, timeout};

use crate::{CheckSetting, HealthProbe, Patience, ProbeTarget, Verdict, wait_for_health};

/// A probe with how often it has to pass.
pub(super) type Probe = (CheckSetting, Arc<dyn HealthProbe>);

/// Waits until all probes have passed often enough in a row; says what the last one lacked
/// when the time is over.
pub(super) async fn settle(
    probes: &[Probe],
    target: &ProbeTarget,
    deadline: Duration,
) -> Result<(), String> {
    let end = Instant::now() + deadline;
    let each = probes.iter().map(|probe| settle_one(probe, target, end));
    let results = futures::future::join_all(each).await;
    results.into_iter().collect()
}

async fn settle_one(probe: &Probe, target: &ProbeTarget, end: Instant) -> Result<(), String> {
    let setting = &probe.0;
    let interval = Duration::from_millis(setting.interval_ms);
    let left = end.saturating_duration_since(Instant::now());
    let patience = Patience::new(setting.successes, interval, left);
    let verdict = wait_for_health(&Limited(probe), target, &patience).await;
    if verdict.passes() { Ok(()) } else { Err(format!("`{}` {verdict}", setting.name)) }
}

/// A probe of which each look ends in the time that its setting gives.
struct Limited<'p>(&'p Probe);

impl HealthProbe for Limited<'_> {
    fn name(&self) -> &str {
        &self.0.0.name
    }

    fn probe<'a>(&'a self, target: &'a ProbeTarget) -> BoxFuture<'a, Verdict> {
        ask(&self.0.0, &self.0.1, target).boxed()
    }
}

/// Watches for `dwell`. A probe that fails too often in a row ends it at once; one that has
/// no data is asked on until `deadline`, since no data never passes.
pub(super) async fn watch(
    probes: &[Probe],
    target: &ProbeTarget,
    dwell: Duration,
    deadline: Duration,
) -> Result<(), String> {
    let start = Instant::now();
    let each = probes.iter().map(|probe| watch_one(probe, target, start + dwell, start + deadline));
    futures::future::try_join_all(each).await?;
    sleep((start + dwell).saturating_duration_since(Instant::now())).await;
    Ok(())
}

async fn watch_one(
    (setting, probe): &Probe,
    target: &ProbeTarget,
    enough: Instant,
    end: Instant,
) -> Result<(), String> {
    let mut failed = 0;
    loop {
        let verdict = ask(setting, probe, target).await;
        let problem = format!("`{}` {verdict}", setting.name);
        match verdict {
            Verdict::Pass => failed = 0,
            Verdict::Fail { .. } | Verdict::Impossible { .. } => failed += 1,
            Verdict::NoData { .. } => {}
        }
        if failed >= setting.failures {
            return Err(problem);
        }
        let now = Instant::now();
        if verdict.passes() && now >= enough {
            return Ok(());
        }
        let mut next = now + Duration::from_millis(setting.interval_ms);
        if now < enough {
            // The last look is at the end: what fails in between must not pass.
            next = next.min(enough);
        }
        if next >= end {
            return Err(problem);
        }
        sleep(next.saturating_duration_since(Instant::now())).await;
    }
}

async fn ask(
    setting: &CheckSetting,
    probe: &Arc<dyn HealthProbe>,
    target: &ProbeTarget,
) -> Verdict {
    let limit = Duration::from_millis(setting.timeout_ms);
    let mut target = target.clone();
    target.context.deadline = limit;
    match timeout(limit + Duration::from_millis(500), probe.probe(&target)).await {
        Ok(verdict) => verdict,
        Err(_) => Verdict::no_data(format!("it did not answer within {} ms", limit.as_millis())),
    }
}
