//! Settings as they stand in a file: any whole number, so that one which is out of range is
//! refused with its field and the range, and not with the width of an integer.

use serde::Deserialize;

use super::builder::OrchestratorConfigBuilder;
use super::builder::{to_u32, to_u64};
use super::{
    BURST, BreakerSettings, ConfigError, MAX_TRIES, OrchestratorConfig, PER_SECOND, RECOVERY,
    RETRY_BASE, RETRY_MAX, RateLimit, RetrySettings, THRESHOLD,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfig {
    autonomous: Option<bool>,
    max_concurrent: Option<i64>,
    target_cycle_ms: Option<i64>,
    adaptive_optimization: Option<bool>,
    health_check_interval_secs: Option<i64>,
    debounce_ms: Option<i64>,
    max_batch: Option<i64>,
    task_timeout_ms: Option<i64>,
    commit_timeout_ms: Option<i64>,
    deploy_timeout_ms: Option<i64>,
    retry: Option<RetrySettings>,
    breaker: Option<BreakerSettings>,
    queue_capacity: Option<i64>,
    aging_ms: Option<i64>,
    stop_grace_ms: Option<i64>,
    rate_limit: Option<RateLimit>,
    auto_deploy: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRetry {
    max_tries: Option<i64>,
    base_ms: Option<i64>,
    max_ms: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBreaker {
    failure_threshold: Option<i64>,
    recovery_ms: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRate {
    per_second: i64,
    burst: Option<i64>,
}

impl TryFrom<RawConfig> for OrchestratorConfig {
    type Error = ConfigError;

    fn try_from(raw: RawConfig) -> Result<Self, ConfigError> {
        let mut builder = OrchestratorConfigBuilder::default();
        let mut numbers = |set: fn(OrchestratorConfigBuilder, i64) -> OrchestratorConfigBuilder,
                           value: Option<i64>| {
            if let Some(value) = value {
                builder = set(std::mem::take(&mut builder), value);
            }
        };
        numbers(OrchestratorConfigBuilder::max_concurrent, raw.max_concurrent);
        numbers(OrchestratorConfigBuilder::target_cycle_ms, raw.target_cycle_ms);
        numbers(
            OrchestratorConfigBuilder::health_check_interval_secs,
            raw.health_check_interval_secs,
        );
        numbers(OrchestratorConfigBuilder::debounce_ms, raw.debounce_ms);
        numbers(OrchestratorConfigBuilder::max_batch, raw.max_batch);
        numbers(OrchestratorConfigBuilder::task_timeout_ms, raw.task_timeout_ms);
        numbers(OrchestratorConfigBuilder::commit_timeout_ms, raw.commit_timeout_ms);
        numbers(OrchestratorConfigBuilder::deploy_timeout_ms, raw.deploy_timeout_ms);
        numbers(OrchestratorConfigBuilder::queue_capacity, raw.queue_capacity);
        numbers(OrchestratorConfigBuilder::aging_ms, raw.aging_ms);
        numbers(OrchestratorConfigBuilder::stop_grace_ms, raw.stop_grace_ms);
        let mut config = builder.build()?;
        config.autonomous = raw.autonomous.unwrap_or(config.autonomous);
        config.adaptive_optimization =
            raw.adaptive_optimization.unwrap_or(config.adaptive_optimization);
        config.retry = raw.retry.unwrap_or(config.retry);
        config.breaker = raw.breaker.unwrap_or(config.breaker);
        config.rate_limit = raw.rate_limit;
        config.auto_deploy = raw.auto_deploy;
        config.validate()?;
        Ok(config)
    }
}

impl TryFrom<RawRetry> for RetrySettings {
    type Error = ConfigError;

    fn try_from(raw: RawRetry) -> Result<Self, ConfigError> {
        let usual = Self::default();
        let settings = Self {
            max_tries: raw
                .max_tries
                .map_or(Ok(usual.max_tries), |it| to_u32(&MAX_TRIES, it.into()))?,
            base_ms: raw.base_ms.map_or(Ok(usual.base_ms), |it| to_u64(&RETRY_BASE, it.into()))?,
            max_ms: raw.max_ms.map_or(Ok(usual.max_ms), |it| to_u64(&RETRY_MAX, it.into()))?,
        };
        settings.validate()?;
        Ok(settings)
    }
}

impl TryFrom<RawBreaker> for BreakerSettings {
    type Error = ConfigError;

    fn try_from(raw: RawBreaker) -> Result<Self, ConfigError> {
        let usual = Self::default();
        let threshold = raw.failure_threshold;
        let recovery = raw.recovery_ms;
        Ok(Self {
            failure_threshold: threshold
                .map_or(Ok(usual.failure_threshold), |it| to_u32(&THRESHOLD, it.into()))?,
            recovery_ms: recovery
                .map_or(Ok(usual.recovery_ms), |it| to_u64(&RECOVERY, it.into()))?,
        })
    }
}

impl TryFrom<RawRate> for RateLimit {
    type Error = ConfigError;

    fn try_from(raw: RawRate) -> Result<Self, ConfigError> {
        let per_second = to_u32(&PER_SECOND, raw.per_second.into())?;
        let burst = raw.burst.map_or(Ok(per_second), |it| to_u32(&BURST, it.into()))?;
        Ok(Self { per_second, burst })
    }
}
