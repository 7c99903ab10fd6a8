use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What tells a wrapper the time: the time since an origin of its own, which never
/// goes back. Cheap to clone; clones share the origin.
///
/// The pure cores take the time as a parameter; only the wrappers around them ask a clock.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Clock {
    /// The monotonic clock of tokio, which tests can pause. Its origin is now.
    pub fn monotonic() -> Self {
        let origin = tokio::time::Instant::now();
        Self(Arc::new(move || origin.elapsed()))
    }

    /// A clock that stands still until it is moved: for simulations.
    pub fn manual() -> (Self, ManualClock) {
        let micros = Arc::new(AtomicU64::new(0));
        let hand = ManualClock { micros: micros.clone() };
        (Self(Arc::new(move || Duration::from_micros(micros.load(Ordering::SeqCst)))), hand)
    }

    /// The time since the origin.
    pub fn now(&self) -> Duration {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::monotonic()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// The hand that moves a [`Clock::manual`], with the resolution of a microsecond.
#[derive(Clone, Debug)]
pub struct ManualClock {
    micros: Arc<AtomicU64>,
}

impl ManualClock {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(by, Ordering::SeqCst);
    }
}
