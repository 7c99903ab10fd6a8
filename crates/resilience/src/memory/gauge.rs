use serde::{Deserialize, Serialize};

use super::reading::MemoryReading;
use crate::SettingsError;
use crate::settings::require;

/// At which share of used memory pressure begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct GaugeSettings {
    /// Pressure begins when so much is used, above `low` and up to 1.
    pub high: f64,
    /// Pressure ends when no more than this is used, 0 to below `high`.
    pub low: f64,
}

impl Default for GaugeSettings {
    fn default() -> Self {
        Self { high: 0.9, low: 0.8 }
    }
}

impl GaugeSettings {
    /// Begins at `high` and ends at `low`.
    #[must_use]
    pub fn new(high: f64, low: f64) -> Self {
        Self { high, low }
    }

    /// Refuses values that nobody can have meant.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let Self { high, low } = *self;
        require(high > 0.0 && high <= 1.0, "high", high, "above 0 and up to 1")?;
        require(low >= 0.0 && low < high, "low", low, "0 to below `high`")
    }
}

/// Whether memory runs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressure {
    /// There is enough.
    Normal,
    /// There is too little.
    High,
}

/// Turns readings into pressure, as a value. Between the two marks the pressure stays
/// what it was, so that it does not flicker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PressureGauge {
    settings: GaugeSettings,
    pressure: Pressure,
}

impl PressureGauge {
    /// A gauge that begins without pressure.
    pub fn new(settings: GaugeSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self { settings, pressure: Pressure::Normal })
    }

    /// Takes a reading in; gives the pressure if it has changed.
    pub fn observe(&mut self, reading: MemoryReading) -> Option<Pressure> {
        let used = reading.used();
        let pressure = match self.pressure {
            Pressure::Normal if used >= self.settings.high => Pressure::High,
            Pressure::High if used <= self.settings.low => Pressure::Normal,
            unchanged => unchanged,
        };
        let changed = pressure != self.pressure;
        self.pressure = pressure;
        changed.then_some(pressure)
    }

    /// The pressure as of the last reading.
    #[must_use]
    pub fn pressure(&self) -> Pressure {
        self.pressure
    }
}
