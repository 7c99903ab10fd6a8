use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout_at};

use crate::commands::setting;
use crate::{HealthProbe, ProbeTarget, SettingError, Verdict};

/// How long to wait for a release to become healthy, and when to believe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub struct Patience {
    /// How many times in a row a probe must pass, 1 to 1000.
    pub in_a_row: u32,
    /// The pause between two questions, 1 ms to an hour.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub interval: Duration,
    /// When to give up, 1 ms to a day.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub deadline: Duration,
}

impl Default for Patience {
    /// Three times in a row, a second apart, within two minutes.
    fn default() -> Self {
        let (interval, deadline) = (Duration::from_secs(1), Duration::from_mins(2));
        Self { in_a_row: 3, interval, deadline }
    }
}

impl Patience {
    /// So many times in a row, so far apart, within this time.
    pub fn new(in_a_row: u32, interval: Duration, deadline: Duration) -> Self {
        Self { in_a_row, interval, deadline }
    }

    /// Refuses what nobody can have meant.
    ///
    /// # Errors
    /// Names the field, its value and what is allowed.
    pub fn validate(&self) -> Result<(), SettingError> {
        let shortest = Duration::from_millis(1);
        setting("in-a-row", self.in_a_row, (1..=1000).contains(&self.in_a_row), "1 to 1000")?;
        let good = (shortest..=Duration::from_hours(1)).contains(&self.interval);
        setting("interval", format_args!("{:?}", self.interval), good, "allowed is 1ms to 1h")?;
        let good = (shortest..=Duration::from_hours(24)).contains(&self.deadline);
        setting("deadline", format_args!("{:?}", self.deadline), good, "allowed is 1ms to 24h")
    }
}

/// Counts how many times in a row a probe has passed. Anything but a pass starts anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streak {
    wanted: u32,
    passed: u32,
    last: Option<Verdict>,
}

impl Streak {
    /// Waits for so many passes in a row.
    pub fn new(wanted: u32) -> Self {
        Self { wanted, passed: 0, last: None }
    }

    /// Takes a verdict; says whether the streak is long enough.
    pub fn take(&mut self, verdict: Verdict) -> bool {
        self.passed = if verdict.passes() { self.passed.saturating_add(1) } else { 0 };
        self.last = Some(verdict);
        self.passed >= self.wanted
    }

    /// What it comes to when no time is left: never a pass.
    pub fn given_up(self, after: Duration) -> Verdict {
        let after = format!("after {} s", after.as_secs_f64());
        let (passed, wanted) = (self.passed, self.wanted);
        match self.last {
            Some(Verdict::Fail { why }) => Verdict::fail(format!("still, {after}: {why}")),
            Some(Verdict::NoData { why } | Verdict::Impossible { why }) => {
                Verdict::no_data(format!("still, {after}: {why}"))
            }
            Some(Verdict::Pass) => Verdict::fail(format!(
                "it passed {passed} times in a row {after}, not {wanted} times"
            )),
            None => Verdict::no_data(format!("the probe has said nothing {after}")),
        }
    }
}

/// Asks a probe until it passes often enough in a row, can't be asked, or no time is left.
///
/// # Cancellation
/// Dropping the future drops the running probe.
pub async fn wait_for_health(
    probe: &dyn HealthProbe,
    target: &ProbeTarget,
    patience: &Patience,
) -> Verdict {
    let until = Instant::now() + patience.deadline;
    let mut streak = Streak::new(patience.in_a_row);
    loop {
        let Ok(verdict) = timeout_at(until, probe.probe(target)).await else { break };
        tracing::debug!(probe = probe.name(), %verdict, "a probe was asked");
        if matches!(verdict, Verdict::Impossible { .. }) {
            return verdict;
        }
        if streak.take(verdict) {
            return Verdict::Pass;
        }
        if Instant::now() + patience.interval >= until {
            break;
        }
        sleep(patience.interval).await;
    }
    streak.given_up(patience.deadline)
}
