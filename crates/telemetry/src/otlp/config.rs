//! The settings of OTLP.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use crate::collector::ConfigError;
use crate::redaction::Redaction;

/// Where to export to, and as whom.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OtlpConfig {
    /// The collector's address, without a path for the signal. `http` only: for a
    /// collector far away, run one on this machine that forwards by TLS. Default:
    /// `http://localhost:4318`.
    pub endpoint: String,
    /// Headers for each request.
    pub headers: BTreeMap<String, String>,
    /// The resource's `service.name`. Default: `evergen`.
    pub service_name: String,
    /// The resource's `service.version`.
    pub service_version: String,
    /// The resource's `service.instance.id`. Default: a new one.
    pub instance: Uuid,
    /// The resource's `deployment.environment.name`.
    pub environment: Option<String>,
    /// How many spans may wait. 64 to 1,048,576. Default: 16,384.
    pub queue_capacity: usize,
    /// How often metrics are exported, and spans at least. 10 ms to 1 h. Default: 10 s.
    pub interval: Duration,
    /// How long a request may take. 10 ms to 5 min. Default: 10 s.
    pub timeout: Duration,
    /// The rules by which spans are redacted. Records are redacted by the collector.
    pub redaction: Redaction,
}

impl Default for OtlpConfig {
    fn default() -> Self {
        Self {
            endpoint: "http://localhost:4318".to_owned(),
            headers: BTreeMap::new(),
            service_name: "evergen".to_owned(),
            service_version: env!("CARGO_PKG_VERSION").to_owned(),
            instance: Uuid::now_v7(),
            environment: None,
            queue_capacity: 16_384,
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(10),
            redaction: Redaction::default(),
        }
    }
}

impl OtlpConfig {
    /// Checks every setting.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if !self.endpoint.starts_with("http://") {
            let (least, most) =
                ("`http://<host>`".to_owned(), "`http://<host>:<port>/<path>`".to_owned());
            return Err(ConfigError {
                field: "endpoint",
                value: format!("`{}`", self.endpoint),
                least,
                most,
            });
        }
        let shortest = Duration::from_millis(10);
        ConfigError::within("queue_capacity", self.queue_capacity, 64..=1_048_576)?;
        ConfigError::time_within("interval", self.interval, shortest..=Duration::from_hours(1))?;
        ConfigError::time_within("timeout", self.timeout, shortest..=Duration::from_mins(5))
    }
}
