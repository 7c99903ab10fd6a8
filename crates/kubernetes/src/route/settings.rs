use std::time::Duration;

use evergen_resilience::SettingsError;

use crate::api::is_label;
use crate::slots::check_service;

/// How traffic is shared by an `HTTPRoute`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpRouteSettings {
    /// The name of the `HTTPRoute`, in the namespace of the slots.
    pub route: String,
    /// The name of the service: its two Services end with `-blue` and `-green`.
    pub service: String,
    /// How long the gateway may take to accept a change.
    pub patience: Duration,
    /// How long a slot without a share is left alone before it is taken for idle.
    ///
    /// An `HTTPRoute` does not tell which requests are in flight. In this time every part of the
    /// gateway learns of the new weights; what is in flight then, pods end by themselves within
    /// their `terminationGracePeriodSeconds`.
    pub settle: Duration,
}

impl HttpRouteSettings {
    /// Shares by this route between the slots of this service; the gateway has half a minute to
    /// accept a change, and a slot is idle five seconds after it has lost its share.
    pub fn new(route: impl Into<String>, service: impl Into<String>) -> Self {
        let (patience, settle) = (Duration::from_secs(30), Duration::from_secs(5));
        Self { route: route.into(), service: service.into(), patience, settle }
    }

    /// Sets how long the gateway may take.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets how long a slot is left alone before it is idle.
    #[must_use]
    pub fn with_settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// Refuses settings that nobody can have meant.
    ///
    /// # Errors
    /// The first field that is out of range, with what is allowed.
    pub fn validate(&self) -> Result<(), SettingsError> {
        check_service(&self.service)?;
        if !self.route.split('.').all(|part| is_label(part, 253)) || self.route.len() > 253 {
            let allowed = "a name of an object: small letters, digits, `-` and `.`";
            return Err(SettingsError::new("route", &self.route, allowed));
        }
        if !(Duration::from_millis(1)..=Duration::from_mins(10)).contains(&self.patience) {
            let value = format_args!("{:?}", self.patience);
            return Err(SettingsError::new("patience", value, "1ms to 10m"));
        }
        if self.settle > Duration::from_mins(10) {
            let value = format_args!("{:?}", self.settle);
            return Err(SettingsError::new("settle", value, "at most 10m"));
        }
        Ok(())
    }
}
