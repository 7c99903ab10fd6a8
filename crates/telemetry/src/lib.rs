//! What was observed?

mod named;
mod numbers;

mod event;
mod trace_context;

mod redaction;

mod record;

mod sink;

mod collector;

mod cells;
mod clock;

mod histogram;
mod windows;

mod metrics;
mod subjects;

mod errors;

#[cfg(any(test, feature = "conformance"))]
pub use crate::sink::conformance;

pub use crate::clock::{Clock, ManualClock, SystemClock};
pub use crate::collector::{
    CollectorBuilder, ConfigError, FlushError, StartError, TelemetryCollector, TelemetryConfig,
};
pub use crate::errors::{Correlation, ErrorAnalytics, ErrorGroup, Fingerprint, Trend, normalize};
pub use crate::event::{
    Body, BreakerState, Costs, Detail, ErrorKind, EventKind, Health, Outcome, Target,
    TelemetryEvent, Unit,
};
pub use crate::histogram::Histogram;
pub use crate::metrics::{
    Dropped, Gauge, KindMetrics, Metrics, OutcomeCounts, SinkMetrics, WindowMetrics,
};
pub use crate::record::Record;
pub use crate::redaction::{Pattern, PatternError, Redaction};
pub use crate::sink::{MemorySink, SinkError, TelemetrySink};
pub use crate::subjects::SubjectMetrics;
pub use crate::trace_context::{TraceParent, TraceParentError};
pub use crate::windows::Window;
