use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

mod builder;
mod raw;
#[cfg(test)]
mod tests;

pub use self::builder::{Amount, OrchestratorConfigBuilder};

/// How a loop works. Defaults come from the system; every value has a range.
///
/// Made by [`OrchestratorConfig::builder`], by serde, or from [`OrchestratorConfig::default`] by
/// setting fields; [`validate`](Self::validate) holds the ranges, and starting a loop asks it.
///
/// ```
/// use evergen_orchestrator::OrchestratorConfig;
///
/// let config = OrchestratorConfig::builder().max_concurrent(8).target_cycle_ms(5_000).build()?;
/// assert!(config.autonomous);
///
/// let error = OrchestratorConfig::builder().max_concurrent(0).build().unwrap_err();
/// assert_eq!(error.to_string(), "`max_concurrent` is 0, but must be between 1 and 4096");
/// # Ok::<(), evergen_orchestrator::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "raw::RawConfig")]
#[non_exhaustive]
pub struct OrchestratorConfig {
    /// Whether a started loop takes events by itself. If not, it does what
    /// [`execute_cycle`](crate::RegenerationOrchestrator::execute_cycle) is given.
    pub autonomous: bool,
    /// How many tasks may run at once; the number of processors by default.
    pub max_concurrent: usize,
    /// How long a cycle should take at most, in milliseconds.
    pub target_cycle_ms: u64,
    /// Whether the number of tasks at once follows what was measured, below `max_concurrent`.
    pub adaptive_optimization: bool,
    /// How often the health of the loop is judged, in seconds.
    pub health_check_interval_secs: u64,
    /// How long a key must be quiet before its events are taken, in milliseconds.
    pub debounce_ms: u64,
    /// How many tasks belong to a cycle at most, and how many events to a task.
    pub max_batch: usize,
    /// How long preparing and gating a task may take, in milliseconds.
    pub task_timeout_ms: u64,
    /// How long committing a task may take, in milliseconds.
    pub commit_timeout_ms: u64,
    /// How long a deployment may take, in milliseconds.
    pub deploy_timeout_ms: u64,
    /// What happens after a failure.
    pub retry: RetrySettings,
    /// When a component that keeps failing is left alone.
    pub breaker: BreakerSettings,
    /// How many events may be in hand at once; the rest waits in the log.
    pub queue_capacity: usize,
    /// After how much waiting an event counts as one priority higher, in milliseconds.
    pub aging_ms: u64,
    /// How long a stop lets running tasks go on, in milliseconds.
    pub stop_grace_ms: u64,
    /// How many tasks may start in a time; no limit by default.
    pub rate_limit: Option<RateLimit>,
    /// The environment to deploy to after a commit that changed something; none by default.
    pub auto_deploy: Option<String>,
}

/// How failures are retried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "raw::RawRetry")]
#[non_exhaustive]
pub struct RetrySettings {
    /// How often an event is tried in all before it becomes a dead letter.
    pub max_tries: u32,
    /// The pause after the first failure, in milliseconds; it doubles with each one.
    pub base_ms: u64,
    /// The longest pause, in milliseconds.
    pub max_ms: u64,
}

/// When a component that keeps failing is left alone for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "raw::RawBreaker")]
#[non_exhaustive]
pub struct BreakerSettings {
    /// After how many failures in a row.
    pub failure_threshold: u32,
    /// For how long, in milliseconds; then one task probes whether it is back.
    pub recovery_ms: u64,
}

/// How many tasks may start in a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "raw::RawRate")]
#[non_exhaustive]
pub struct RateLimit {
    /// Starts in a second, in the long run.
    pub per_second: u32,
    /// Starts that may come at once after a quiet time.
    pub burst: u32,
}

/// A setting is out of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A number is too small or too large.
    #[error("`{field}` is {value}, but must be between {least} and {most}")]
    OutOfRange {
        /// The field, with the names of those around it.
        field: &'static str,
        /// What was given.
        value: i128,
        /// The least that is allowed.
        least: i128,
        /// The most that is allowed.
        most: i128,
    },
    /// A text is empty, or too long, or has characters that names don't have.
    #[error(
        "`{field}` is {value:?}, but must have between 1 and 128 characters, none of them a \
         control character"
    )]
    Text {
        /// The field.
        field: &'static str,
        /// What was given.
        value: String,
    },
    /// Two settings don't go together.
    #[error("`{lower}` is {value}, but must not be more than `{upper}`, which is {limit}")]
    Order {
        /// The field that must not be more.
        lower: &'static str,
        /// What was given for it.
        value: i128,
        /// The field that bounds it.
        upper: &'static str,
        /// What was given for that.
        limit: i128,
    },
    /// A part that is taken from elsewhere refuses its settings.
    #[error("a setting of the breakers is not usable")]
    Breaker(#[from] evergen_resilience::SettingsError),
}

impl Default for OrchestratorConfig {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            autonomous: true,
            max_concurrent: processors.min(4_096),
            target_cycle_ms: 30_000,
            adaptive_optimization: true,
            health_check_interval_secs: 60,
            debounce_ms: 50,
            max_batch: 1_024,
            task_timeout_ms: 120_000,
            commit_timeout_ms: 30_000,
            deploy_timeout_ms: 600_000,
            retry: RetrySettings::default(),
            breaker: BreakerSettings::default(),
            queue_capacity: 4_096,
            aging_ms: 5_000,
            stop_grace_ms: 10_000,
            rate_limit: None,
            auto_deploy: None,
        }
    }
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self { max_tries: 5, base_ms: 200, max_ms: 30_000 }
    }
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failure_threshold: 5, recovery_ms: 10_000 }
    }
}

impl RateLimit {
    /// So many starts in a second, and so many of them at once.
    pub fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst }
    }
}

/// A day in milliseconds: nothing in a loop is waited for longer.
const DAY_MS: i128 = 86_400_000;

struct Range {
    field: &'static str,
    least: i128,
    most: i128,
}

impl Range {
    const fn new(field: &'static str, least: i128, most: i128) -> Self {
        Self { field, least, most }
    }

    fn hold(&self, value: i128) -> Result<i128, ConfigError> {
        let &Self { field, least, most } = self;
        if (least..=most).contains(&value) {
            Ok(value)
        } else {
            Err(ConfigError::OutOfRange { field, value, least, most })
        }
    }
}

const MAX_CONCURRENT: Range = Range::new("max_concurrent", 1, 4_096);
const TARGET_CYCLE: Range = Range::new("target_cycle_ms", 1, DAY_MS);
const HEALTH: Range = Range::new("health_check_interval_secs", 1, 86_400);
const DEBOUNCE: Range = Range::new("debounce_ms", 0, 60_000);
const MAX_BATCH: Range = Range::new("max_batch", 1, 100_000);
const TASK_TIMEOUT: Range = Range::new("task_timeout_ms", 1, DAY_MS);
const COMMIT_TIMEOUT: Range = Range::new("commit_timeout_ms", 1, DAY_MS);
const DEPLOY_TIMEOUT: Range = Range::new("deploy_timeout_ms", 1, DAY_MS);
const MAX_TRIES: Range = Range::new("retry.max_tries", 1, 100);
const RETRY_BASE: Range = Range::new("retry.base_ms", 1, 3_600_000);
const RETRY_MAX: Range = Range::new("retry.max_ms", 1, DAY_MS);
const THRESHOLD: Range = Range::new("breaker.failure_threshold", 1, 10_000);
const RECOVERY: Range = Range::new("breaker.recovery_ms", 1, 3_600_000);
const CAPACITY: Range = Range::new("queue_capacity", 1, 1_000_000);
const AGING: Range = Range::new("aging_ms", 1, 3_600_000);
const GRACE: Range = Range::new("stop_grace_ms", 0, 3_600_000);
const PER_SECOND: Range = Range::new("rate_limit.per_second", 1, 1_000_000);
const BURST: Range = Range::new("rate_limit.burst", 1, 1_000_000);

fn wide(value: usize) -> i128 {
    i128::try_from(value).unwrap_or(i128::MAX)
}

impl OrchestratorConfig {
    /// A builder that starts with the defaults of this system.
    pub fn builder() -> OrchestratorConfigBuilder {
        OrchestratorConfigBuilder::default()
    }

    /// Holds every value against its range.
    ///
    /// # Errors
    /// The first field that is out of range, with its value and the range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        MAX_CONCURRENT.hold(wide(self.max_concurrent))?;
        TARGET_CYCLE.hold(self.target_cycle_ms.into())?;
        HEALTH.hold(self.health_check_interval_secs.into())?;
        DEBOUNCE.hold(self.debounce_ms.into())?;
        MAX_BATCH.hold(wide(self.max_batch))?;
        TASK_TIMEOUT.hold(self.task_timeout_ms.into())?;
        COMMIT_TIMEOUT.hold(self.commit_timeout_ms.into())?;
        DEPLOY_TIMEOUT.hold(self.deploy_timeout_ms.into())?;
        CAPACITY.hold(wide(self.queue_capacity))?;
        AGING.hold(self.aging_ms.into())?;
        GRACE.hold(self.stop_grace_ms.into())?;
        self.retry.validate()?;
        self.breaker.validate()?;
        self.rate_limit.as_ref().map_or(Ok(()), RateLimit::validate)?;
        self.auto_deploy.as_deref().map_or(Ok(()), |name| name_is_sound("auto_deploy", name))
    }
}

impl RetrySettings {
    fn validate(&self) -> Result<(), ConfigError> {
        MAX_TRIES.hold(self.max_tries.into())?;
        RETRY_BASE.hold(self.base_ms.into())?;
        RETRY_MAX.hold(self.max_ms.into())?;
        if self.base_ms > self.max_ms {
            return Err(ConfigError::Order {
                lower: RETRY_BASE.field,
                value: self.base_ms.into(),
                upper: RETRY_MAX.field,
                limit: self.max_ms.into(),
            });
        }
        Ok(())
    }
}

impl BreakerSettings {
    fn validate(&self) -> Result<(), ConfigError> {
        THRESHOLD.hold(self.failure_threshold.into())?;
        RECOVERY.hold(self.recovery_ms.into()).map(|_| ())
    }
}

impl RateLimit {
    fn validate(&self) -> Result<(), ConfigError> {
        PER_SECOND.hold(self.per_second.into())?;
        BURST.hold(self.burst.into()).map(|_| ())
    }
}

fn name_is_sound(field: &'static str, name: &str) -> Result<(), ConfigError> {
    let sound = !name.trim().is_empty()
        && name.chars().count() <= 128
        && !name.chars().any(char::is_control);
    if sound { Ok(()) } else { Err(ConfigError::Text { field, value: name.to_owned() }) }
}
