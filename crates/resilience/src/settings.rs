use std::fmt;
use std::time::Duration;

/// A setting that nobody can have meant. Every `validate` of this crate gives it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is {value}; allowed is {allowed}")]
#[non_exhaustive]
pub struct SettingsError {
    /// The field, as it is written in settings.
    pub field: &'static str,
    /// What was given.
    pub value: String,
    /// What may be given.
    pub allowed: &'static str,
}

impl SettingsError {
    /// Says that `field` has a value outside of what is `allowed`.
    pub fn new(field: &'static str, value: impl fmt::Display, allowed: &'static str) -> Self {
        Self { field, value: value.to_string(), allowed }
    }
}

/// Refuses `value` unless it is `good`.
pub(crate) fn require(
    good: bool,
    field: &'static str,
    value: impl fmt::Display,
    allowed: &'static str,
) -> Result<(), SettingsError> {
    if good { Ok(()) } else { Err(SettingsError::new(field, value, allowed)) }
}

const DAY: Duration = Duration::from_hours(24);

/// Refuses a duration below a millisecond or beyond a day.
pub(crate) fn require_duration(value: Duration, field: &'static str) -> Result<(), SettingsError> {
    let good = (Duration::from_millis(1)..=DAY).contains(&value);
    require(good, field, format_args!("{value:?}"), "1ms to 24h")
}

/// Refuses a count outside of 1 to a million.
pub(crate) fn require_count(value: u32, field: &'static str) -> Result<(), SettingsError> {
    require((1..=1_000_000).contains(&value), field, value, "1 to 1000000")
}
