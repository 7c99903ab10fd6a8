//! The settings of a collector.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The settings of a collector. The default suits a service; change single fields of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TelemetryConfig {
    /// How many sets of counters there are, of about 330 KB each; threads are spread over
    /// them. 1 to 64. Default: twice the number of processors, at most 16.
    pub shards: usize,
    /// How many events may wait for sinks and error analytics, in all. 64 to 1,048,576.
    /// Default: 8,192.
    pub queue_capacity: usize,
    /// How many records may wait for each sink. 64 to 1,048,576. Default: 8,192.
    pub sink_queue_capacity: usize,
    /// How often the collector's thread takes events from the queue and looks at the
    /// counters. 1 ms to 5 s. Default: 250 ms.
    pub interval: Duration,
    /// How many groups of errors are kept. 1 to 10,000. Default: 256.
    pub max_error_groups: usize,
    /// How many subjects (templates, queries …) have figures of their own. 8 to 100,000.
    /// Default: 1,024.
    pub max_subjects: usize,
    /// How long `flush` and `shutdown` wait for the sinks. 1 ms to 5 min. Default: 5 s.
    pub flush_timeout: Duration,
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is {value}; it must be between {least} and {most}")]
#[non_exhaustive]
pub struct ConfigError {
    /// The name of the setting.
    pub field: &'static str,
    /// What it is.
    pub value: String,
    /// The least that it may be.
    pub least: String,
    /// The most that it may be.
    pub most: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            shards: (2 * processors).min(16),
            queue_capacity: 8192,
            sink_queue_capacity: 8192,
            interval: Duration::from_millis(250),
            max_error_groups: 256,
            max_subjects: 1024,
            flush_timeout: Duration::from_secs(5),
        }
    }
}

impl TelemetryConfig {
    /// Checks every setting.
    pub fn validate(&self) -> Result<(), ConfigError> {
        const QUEUE: RangeInclusive<usize> = 64..=1_048_576;
        ConfigError::within("shards", self.shards, 1..=64)?;
        ConfigError::within("queue_capacity", self.queue_capacity, QUEUE)?;
        ConfigError::within("sink_queue_capacity", self.sink_queue_capacity, QUEUE)?;
        ConfigError::within("max_error_groups", self.max_error_groups, 1..=10_000)?;
        ConfigError::within("max_subjects", self.max_subjects, 8..=100_000)?;
        let millisecond = Duration::from_millis(1);
        ConfigError::time_within("interval", self.interval, millisecond..=Duration::from_secs(5))?;
        ConfigError::time_within(
            "flush_timeout",
            self.flush_timeout,
            millisecond..=Duration::from_mins(5),
        )
    }
}

impl ConfigError {
    pub(crate) fn within<T: Copy + PartialOrd + Display>(
        field: &'static str,
        value: T,
        allowed: RangeInclusive<T>,
    ) -> Result<(), Self> {
        let (least, most) = allowed.into_inner();
        if (least..=most).contains(&value) {
            return Ok(());
        }
        let (value, least, most) = (value.to_string(), least.to_string(), most.to_string());
        Err(Self { field, value, least, most })
    }

    pub(crate) fn time_within(
        field: &'static str,
        value: Duration,
        allowed: RangeInclusive<Duration>,
    ) -> Result<(), Self> {
        let spell = |duration: Duration| format!("{duration:?}");
        let (least, most) = allowed.into_inner();
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(Self { field, value: spell(value), least: spell(least), most: spell(most) })
    }
}
