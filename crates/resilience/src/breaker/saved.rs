use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::core::{Breaker, window};
use super::phase::Phase;
use super::settings::BreakerSettings;
use super::window::{Slice, Window, micros};
use crate::SettingsError;

/// What a breaker keeps over a restart, in a form for any serde format.
///
/// Times are kept as spans before the moment at which it was taken, and that moment by
/// the wall clock: the origin of a monotonic clock does not outlive the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BreakerSnapshot {
    taken_at: Timestamp,
    transitions: u64,
    state: Saved,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
enum Saved {
    #[serde(rename_all = "kebab-case")]
    Closed {
        consecutive_failures: u32,
        window: Vec<SavedSlice>,
    },
    #[serde(rename_all = "kebab-case")]
    Open {
        remaining_micros: u64,
    },
    HalfOpen,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct SavedSlice {
    age_micros: u64,
    calls: u32,
    failures: u32,
}

impl BreakerSnapshot {
    /// When it was taken, by the wall clock.
    pub fn taken_at(&self) -> Timestamp {
        self.taken_at
    }

    fn age(&self, wall: Timestamp) -> Duration {
        let passed = wall.duration_since(self.taken_at);
        Duration::try_from(passed).unwrap_or(Duration::ZERO)
    }
}

impl Breaker {
    /// Takes down what is to outlive the process. `now` is the time of [`step`](Self::step),
    /// `wall` that of the world.
    #[must_use]
    pub fn snapshot(&self, now: Duration, wall: Timestamp) -> BreakerSnapshot {
        let state = match &self.phase {
            Phase::Closed { consecutive, window } => {
                let slices = window.iter().flat_map(Window::slices);
                let window = slices.map(|slice| SavedSlice {
                    age_micros: u64::try_from(micros(now) - slice.begin).unwrap_or(0),
                    calls: slice.calls,
                    failures: slice.failures,
                });
                Saved::Closed { consecutive_failures: *consecutive, window: window.collect() }
            }
            Phase::Open { until } => {
                let remaining = until.saturating_sub(now).as_micros();
                Saved::Open { remaining_micros: u64::try_from(remaining).unwrap_or(u64::MAX) }
            }
            Phase::HalfOpen { .. } => Saved::HalfOpen,
        };
        BreakerSnapshot { taken_at: wall, transitions: self.transitions, state }
    }

    /// A breaker that goes on where `snapshot` was taken.
    ///
    /// The time between counts, as far as the wall clock tells it: one that went back
    /// counts as none, one that leapt lets probes through at once. Whatever the snapshot
    /// says, it is not open for longer than `recovery_timeout` from `now`. Probes were lost
    /// with the process; what was half-open begins with new ones.
    pub fn restore(
        settings: BreakerSettings,
        snapshot: &BreakerSnapshot,
        now: Duration,
        wall: Timestamp,
    ) -> Result<Self, SettingsError> {
        let mut breaker = Self::new(settings)?;
        let age = snapshot.age(wall);
        breaker.transitions = snapshot.transitions;
        breaker.phase = match &snapshot.state {
            Saved::HalfOpen => Phase::Open { until: now },
            Saved::Open { remaining_micros } => {
                let remaining = Duration::from_micros(*remaining_micros).saturating_sub(age);
                let bounded = remaining.min(settings.recovery_timeout);
                Phase::Open { until: now.saturating_add(bounded) }
            }
            Saved::Closed { consecutive_failures, window: saved } => {
                let origin = micros(now) - micros(age);
                let slices = saved.iter().map(|slice| Slice {
                    begin: origin - micros(Duration::from_micros(slice.age_micros)),
                    calls: slice.calls,
                    failures: slice.failures.min(slice.calls),
                });
                let mut window = window(&settings);
                if let Some(window) = &mut window {
                    window.restore(slices);
                }
                Phase::Closed { consecutive: *consecutive_failures, window }
            }
        };
        Ok(breaker)
    }
}
