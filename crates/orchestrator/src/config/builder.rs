use super::{
    AGING, BreakerSettings, CAPACITY, COMMIT_TIMEOUT, ConfigError, DEBOUNCE, DEPLOY_TIMEOUT, GRACE,
    HEALTH, MAX_BATCH, MAX_CONCURRENT, MAX_TRIES, OrchestratorConfig, RECOVERY, RETRY_BASE,
    RETRY_MAX, Range, RateLimit, RetrySettings, TARGET_CYCLE, TASK_TIMEOUT, THRESHOLD,
};

/// Any whole number, as a setting is given: negative or huge ones are refused by the range of
/// the field, and not by a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(i128);

macro_rules! amounts {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Amount {
            fn from(value: $kind) -> Self {
                Self(i128::from(value))
            }
        }
    )*};
}

amounts!(i8, i16, i32, i64, i128, u8, u16, u32, u64);

impl From<usize> for Amount {
    fn from(value: usize) -> Self {
        Self(super::wide(value))
    }
}

/// Collects settings, and holds each one against its range in [`build`](Self::build).
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct OrchestratorConfigBuilder {
    config: OrchestratorConfig,
    refused: Option<ConfigError>,
}

macro_rules! setters {
    ($($(#[$docs:meta])* $name:ident: $range:ident => $($field:ident).+ as $kind:ty;)*) => {$(
        $(#[$docs])*
        pub fn $name(mut self, value: impl Into<Amount>) -> Self {
            let value = $range
                .hold(value.into().0)
                .map(|sound| <$kind>::try_from(sound).unwrap_or(<$kind>::MAX));
            match value {
                Ok(value) => self.config.$($field).+ = value,
                Err(error) => self.refuse(error),
            }
            self
        }
    )*};
}

impl OrchestratorConfigBuilder {
    setters! {
        /// How many tasks may run at once.
        max_concurrent: MAX_CONCURRENT => max_concurrent as usize;
        /// How long a cycle should take at most, in milliseconds.
        target_cycle_ms: TARGET_CYCLE => target_cycle_ms as u64;
        /// How often the health of the loop is judged, in seconds.
        health_check_interval_secs: HEALTH => health_check_interval_secs as u64;
        /// How long a key must be quiet before its events are taken, in milliseconds.
        debounce_ms: DEBOUNCE => debounce_ms as u64;
        /// How many tasks belong to a cycle at most, and how many events to a task.
        max_batch: MAX_BATCH => max_batch as usize;
        /// How long preparing and gating a task may take, in milliseconds.
        task_timeout_ms: TASK_TIMEOUT => task_timeout_ms as u64;
        /// How long committing a task may take, in milliseconds.
        commit_timeout_ms: COMMIT_TIMEOUT => commit_timeout_ms as u64;
        /// How long a deployment may take, in milliseconds.
        deploy_timeout_ms: DEPLOY_TIMEOUT => deploy_timeout_ms as u64;
        /// How many events may be in hand at once.
        queue_capacity: CAPACITY => queue_capacity as usize;
        /// After how much waiting an event counts as one priority higher, in milliseconds.
        aging_ms: AGING => aging_ms as u64;
        /// How long a stop lets running tasks go on, in milliseconds.
        stop_grace_ms: GRACE => stop_grace_ms as u64;
        /// How often an event is tried in all.
        max_tries: MAX_TRIES => retry.max_tries as u32;
        /// The pause after a first failure, in milliseconds.
        retry_base_ms: RETRY_BASE => retry.base_ms as u64;
        /// The longest pause between tries, in milliseconds.
        retry_max_ms: RETRY_MAX => retry.max_ms as u64;
        /// After how many failures in a row a component is left alone.
        breaker_threshold: THRESHOLD => breaker.failure_threshold as u32;
        /// For how long a failing component is left alone, in milliseconds.
        breaker_recovery_ms: RECOVERY => breaker.recovery_ms as u64;
    }

    /// Whether a started loop takes events by itself.
    pub fn autonomous(mut self, autonomous: bool) -> Self {
        self.config.autonomous = autonomous;
        self
    }

    /// Whether the number of tasks at once follows what was measured.
    pub fn adaptive_optimization(mut self, adaptive: bool) -> Self {
        self.config.adaptive_optimization = adaptive;
        self
    }

    /// How failures are retried.
    pub fn retry(mut self, retry: RetrySettings) -> Self {
        self.config.retry = retry;
        self
    }

    /// When a failing component is left alone.
    pub fn breaker(mut self, breaker: BreakerSettings) -> Self {
        self.config.breaker = breaker;
        self
    }

    /// How many tasks may start in a time.
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.config.rate_limit = Some(limit);
        self
    }

    /// The environment to deploy to after a commit that changed something.
    pub fn auto_deploy(mut self, environment: impl Into<String>) -> Self {
        self.config.auto_deploy = Some(environment.into());
        self
    }

    /// The settings.
    ///
    /// # Errors
    /// The first value that was out of range, with field, value and range.
    pub fn build(self) -> Result<OrchestratorConfig, ConfigError> {
        if let Some(error) = self.refused {
            return Err(error);
        }
        self.config.validate()?;
        Ok(self.config)
    }

    fn refuse(&mut self, error: ConfigError) {
        self.refused.get_or_insert(error);
    }
}

pub(super) fn to_u32(range: &Range, value: i128) -> Result<u32, ConfigError> {
    range.hold(value).map(|sound| u32::try_from(sound).unwrap_or(u32::MAX))
}

pub(super) fn to_u64(range: &Range, value: i128) -> Result<u64, ConfigError> {
    range.hold(value).map(|sound| u64::try_from(sound).unwrap_or(u64::MAX))
}
