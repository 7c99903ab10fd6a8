use std::time::Duration;

/// A setting outside of what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is {value}; allowed is {allowed}")]
#[non_exhaustive]
pub struct SettingError {
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What it may be.
    pub allowed: String,
}

impl SettingError {
    pub(crate) fn new(
        field: &'static str,
        value: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self { field, value: value.into(), allowed: allowed.into() }
    }

    pub(crate) fn check_count(
        field: &'static str,
        value: usize,
        least: usize,
        most: usize,
    ) -> Result<(), Self> {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(Self::new(field, value.to_string(), format!("{least} to {most}")))
    }

    pub(crate) fn check_time(
        field: &'static str,
        value: Duration,
        least: Duration,
        most: Duration,
    ) -> Result<(), Self> {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(Self::new(field, format!("{value:?}"), format!("{least:?} to {most:?}")))
    }
}
