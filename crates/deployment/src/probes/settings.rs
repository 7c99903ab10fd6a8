use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{CommandProbe, HttpProbe, MetricProbe, TcpProbe};
use crate::commands::setting;
use crate::{CommandLine, HealthProbe, SecretRef, SettingError};

/// A probe, as settings have it.
///
/// ```
/// use evergen_deployment::ProbeSettings;
///
/// let settings: ProbeSettings = serde_json::from_str(
///     r#"{"kind": "http", "url": "/health", "status": ["200-299"], "max_latency": "300ms"}"#,
/// )?;
/// assert_eq!(settings.build("alive")?.name(), "alive");
///
/// let bad: ProbeSettings = serde_json::from_str(r#"{"kind": "http", "url": "htp:/health"}"#)?;
/// let error = bad.build("alive").err().ok_or("it was taken")?;
/// assert!(error.to_string().starts_with("`url` is `htp:/health`: "), "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProbeSettings {
    /// A command: status 0 passes, 75 is no data, any other fails.
    Command(CommandLine),
    /// An HTTP request.
    Http(HttpProbeSettings),
    /// A connection.
    Tcp(TcpProbeSettings),
    /// A query to Prometheus.
    Metric(MetricProbeSettings),
}

impl ProbeSettings {
    /// The probe with these settings.
    ///
    /// # Errors
    /// Names the field, its value and what is wrong with it.
    pub fn build(&self, name: &str) -> Result<Box<dyn HealthProbe>, SettingError> {
        Ok(match self {
            Self::Command(command) => Box::new(CommandProbe::new(name, command.clone())?),
            Self::Http(settings) => Box::new(HttpProbe::new(name, settings)?),
            Self::Tcp(settings) => Box::new(TcpProbe::new(name, settings)?),
            Self::Metric(settings) => Box::new(MetricProbe::new(name, settings)?),
        })
    }
}

/// What an HTTP answer has to be like. Only what is given is looked at, and the status always.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub struct HttpProbeSettings {
    /// A whole URL, or a path, which is asked of every endpoint of the slot.
    pub url: String,
    /// The statuses that pass; 200 to 299 by default.
    #[serde(default = "success")]
    pub status: Vec<StatusRange>,
    /// A text that the body must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_contains: Option<String>,
    /// A regular expression that the body must match somewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_matches: Option<String>,
    /// How long it may take to the last byte, if that is limited below the timeout.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::optional"
    )]
    pub max_latency: Option<Duration>,
    /// How many redirects are followed, 0 to 10. None by default: a redirect is what it
    /// answered, and a login page that it leads to would pass.
    #[serde(default)]
    pub redirects: u32,
    /// How long to wait, 1 ms to an hour.
    #[serde(
        default = "some_seconds",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required"
    )]
    pub timeout: Duration,
}

impl HttpProbeSettings {
    /// A request to a URL, or to a path of every endpoint; by default for the rest.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            status: success(),
            body_contains: None,
            body_matches: None,
            max_latency: None,
            redirects: 0,
            timeout: some_seconds(),
        }
    }
}

/// Where a connection has to be possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub struct TcpProbeSettings {
    /// `host:port`; every endpoint of the slot if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How long to wait, 1 ms to an hour.
    #[serde(
        default = "some_seconds",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required"
    )]
    pub timeout: Duration,
}

impl TcpProbeSettings {
    /// A connection to an address, or to every endpoint of the slot.
    pub fn new(address: Option<String>) -> Self {
        Self { address, timeout: some_seconds() }
    }
}

/// What a query to Prometheus has to give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub struct MetricProbeSettings {
    /// Where Prometheus is, as `http://prometheus:9090`.
    pub url: String,
    /// The query, of a vector or a scalar. `${environment}`, `${slot}`, `${version}` and
    /// `${release}` in it are replaced.
    pub query: String,
    /// How the values must compare to the threshold; all of them must.
    pub must_be: Comparator,
    /// The threshold.
    pub threshold: f64,
    /// A token for Prometheus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretRef>,
    /// How long to wait, 1 ms to an hour.
    #[serde(
        default = "some_seconds",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required"
    )]
    pub timeout: Duration,
}

impl MetricProbeSettings {
    /// A query of which all values must compare to `threshold` like this.
    pub fn new(
        url: impl Into<String>,
        query: impl Into<String>,
        must_be: Comparator,
        threshold: f64,
    ) -> Self {
        let (url, query) = (url.into(), query.into());
        Self { url, query, must_be, threshold, token: None, timeout: some_seconds() }
    }
}

/// How a value compares to a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparator {
    /// Smaller.
    Below,
    /// Smaller or equal.
    AtMost,
    /// Greater.
    Above,
    /// Greater or equal.
    AtLeast,
}

impl Comparator {
    pub(super) fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Below => value < threshold,
            Self::AtMost => value <= threshold,
            Self::Above => value > threshold,
            Self::AtLeast => value >= threshold,
        }
    }
}

impl fmt::Display for Comparator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Below => "below",
            Self::AtMost => "at most",
            Self::Above => "above",
            Self::AtLeast => "at least",
        })
    }
}

/// Statuses from one to another, both included. Written as `200-299` or `204`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    first: u16,
    last: u16,
}

impl StatusRange {
    /// Whether a status is in it.
    pub fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

impl FromStr for StatusRange {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| text.trim().parse::<u16>().ok();
        let range = number(first).zip(number(last)).map(|(first, last)| Self { first, last });
        let good =
            |range: &Self| 100 <= range.first && range.first <= range.last && range.last <= 599;
        range.filter(good).ok_or_else(|| {
            SettingError::new("status", text, "a status is 100 to 599, or two as `200-299`")
        })
    }
}

impl fmt::Display for StatusRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return self.first.fmt(formatter);
        }
        write!(formatter, "{}-{}", self.first, self.last)
    }
}

impl Serialize for StatusRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A number or a text.
impl<'de> Deserialize<'de> for StatusRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u16),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Number(number) => number.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(de::Error::custom)
    }
}

fn success() -> Vec<StatusRange> {
    vec![StatusRange { first: 200, last: 299 }]
}

fn some_seconds() -> Duration {
    Duration::from_secs(5)
}

pub(super) fn check_timeout(field: &'static str, timeout: Duration) -> Result<(), SettingError> {
    let good = (Duration::from_millis(1)..=Duration::from_hours(1)).contains(&timeout);
    setting(field, format_args!("{timeout:?}"), good, "allowed is 1ms to 1h")
}
