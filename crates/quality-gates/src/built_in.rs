//! Gates that need no tool from outside.

mod completeness;
mod patterns;
mod performance;

pub use self::completeness::{CompletenessGate, CompletenessSettings, Module, Reference};
pub use self::patterns::PatternGate;
pub use self::performance::{
    LoadTarget, PerformanceError, PerformanceGate, PerformanceSettings, QuantileBounds,
    ServerSettings, quantile_bounds,
};
