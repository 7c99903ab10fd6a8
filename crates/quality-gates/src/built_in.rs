//! Gates that need no tool from outside.

mod completeness;
mod imports;
mod patterns;
mod performance;
mod syntax;

pub use self::completeness::{CompletenessGate, CompletenessSettings, Module, Reference};
pub use self::imports::ImportGate;
pub use self::patterns::PatternGate;
pub use self::performance::{
    LoadTarget, PerformanceError, PerformanceGate, PerformanceSettings, QuantileBounds,
    ServerSettings, quantile_bounds,
};
pub use self::syntax::SyntaxGate;
