//! Where the collector takes the time from.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Tells the time.
///
/// `elapsed` never goes back and does not follow the wall clock; windows are counted
/// by it. `now` is for people: it is the instant that is written into records.
pub trait Clock: Send + Sync {
    /// The time since some fixed origin.
    fn elapsed(&self) -> Duration;

    /// The instant on the wall.
    fn now(&self) -> Timestamp;
}

/// The clocks of the system.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose origin is now.
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still until it is moved: for tests, simulations and replays.
#[derive(Debug)]
pub struct ManualClock {
    origin: Timestamp,
    elapsed: Mutex<Duration>,
}

impl ManualClock {
    /// A clock that stands at `origin`.
    pub fn new(origin: Timestamp) -> Self {
        Self { origin, elapsed: Mutex::new(Duration::ZERO) }
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let mut elapsed = self.elapsed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *elapsed = elapsed.saturating_add(by);
    }
}

impl Clock for ManualClock {
    fn elapsed(&self) -> Duration {
        *self.elapsed.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        // Past the last instant that can be told, the clock shows its origin.
        self.origin.checked_add(self.elapsed()).unwrap_or(self.origin)
    }
}
