mod core;
mod phase;
mod saved;
mod settings;
mod window;
mod wrapper;

#[cfg(test)]
mod tests;

pub use self::core::{Breaker, BreakerAnswer, BreakerEvent, BreakerStep, Outcome, Ticket};
pub use self::phase::{BreakerState, BreakerView, Cause, Transition};
pub use self::saved::BreakerSnapshot;
pub use self::settings::{BreakerSettings, Trip};
pub use self::wrapper::{BreakerBuilder, BreakerOpen, BreakerPermit, CircuitBreaker};
