//! What was observed?
//!
//! A loop that works by itself has to say how it does, without becoming slower by saying
//! it: thousands of events a second, from many threads, must be counted by kind, outcome
//! and time, kept for windows from a minute to a day, shown to Prometheus and
//! OpenTelemetry, written to a file, and searched for what should be changed. Lists behind
//! a lock grow without bound and give percentiles by sorting; means of means are wrong.
//! This crate takes that off your hands.
//!
//! # Counting is adding
//!
//! [`TelemetryCollector::record`] adds to counters and to the buckets of a histogram, in
//! one of several sets that threads are spread over: no lock, no allocation, no look at
//! the clock. Counters only grow. Whoever asks ([`TelemetryCollector::get_metrics`], and a
//! thread of the collector's own four times a second) looks at all sets, and what is new
//! since the last look goes into slots of time. So a window is a sum of differences:
//! nothing is counted twice or lost, and a percentile is that of all values, within 1.6 %.
//!
//! # What is told, and what is only counted
//!
//! An event ([`TelemetryEvent`]) has a part that is copied, and an optional [`Detail`]
//! with texts. Details go through a bounded queue to error analytics ([`ErrorGroup`]), to
//! figures of single templates and queries ([`SubjectMetrics`]), and as redacted
//! [`Record`]s to sinks ([`TelemetrySink`]), each on its own thread behind its own bounded
//! queue. A sink that hangs delays nobody; what it misses is counted ([`Dropped`],
//! [`SinkMetrics`]).
//!
//! # Out
//!
//! [`prometheus_text`] writes the page for a scraper; [`JsonLinesSink`] keeps records in
//! rotated files, from which [`History`] reads them back; the module `otlp` (with the
//! feature of that name) exports traces, metrics and logs; [`Profile`] shows where the
//! time of a run went, as table, flame graph or trace. All texts are redacted by
//! [`Redaction`] before they leave.
//!
//! # Back
//!
//! [`FeedbackLoop::analyze`] finds settings that the figures ask to change, with evidence
//! and expected gain. Once a change is made, a [`Trial`] compares what comes after it with
//! what was before, and says whether it stays.
//!
//! # What it does not do
//!
//! It applies no recommendation, opens no port, and measures neither processor nor memory:
//! what work cost is told to it ([`Costs`]). It knows no other crate of the product.
//!
//! ```
//! use std::time::Duration;
//!
//! use evergen_telemetry::{Body, ErrorKind, TelemetryCollector, TelemetryConfig, TelemetryEvent, Window};
//!
//! let collector = TelemetryCollector::new(TelemetryConfig::default())?;
//! let done = Body::RegenerationCompleted { evaluated: 3, rendered: 2, written: 2, deleted: 0, refused: 0 };
//! for milliseconds in 1..=99 {
//!     collector.record(TelemetryEvent::new("engine", done).succeeded(Duration::from_millis(milliseconds)));
//! }
//! let failed = TelemetryEvent::new("engine", done).failed(Duration::from_millis(5), ErrorKind::Render);
//! collector.record(failed.subject("order.rs.j2").message("line 7: `name` is undefined"));
//!
//! let metrics = collector.get_metrics();
//! assert_eq!(metrics.success_rate(), Some(0.99));
//! let median = metrics.window(Window::Minute).percentile(50.0).unwrap_or_default();
//! assert!(median.abs_diff(Duration::from_millis(49)) < Duration::from_millis(1));
//! assert_eq!(metrics.errors[0].pattern, "line <n>: <text> is undefined");
//! # Ok::<(), evergen_telemetry::StartError>(())
//! ```

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

mod feedback;

mod profile;

mod json_lines;
mod prometheus;

#[cfg(feature = "otlp")]
pub mod otlp;

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
pub use crate::feedback::{
    Change, Evidence, FeedbackConfig, FeedbackLoop, Gain, LoopSettings, Measure, Recommendation,
    RecommendationKind, Trial, TrialConfig, Verdict,
};
pub use crate::histogram::Histogram;
pub use crate::json_lines::{DamagedLine, History, HistoryError, JsonLinesSink, Rotation};
pub use crate::metrics::{
    Dropped, Gauge, KindMetrics, Metrics, OutcomeCounts, SinkMetrics, WindowMetrics,
};
pub use crate::profile::{PhaseSpan, Profile, ProfileRow};
pub use crate::prometheus::{PROMETHEUS_CONTENT_TYPE, prometheus_text};
pub use crate::record::Record;
pub use crate::redaction::{Pattern, PatternError, Redaction};
pub use crate::sink::{MemorySink, SinkError, TelemetrySink};
pub use crate::subjects::SubjectMetrics;
pub use crate::trace_context::{TraceParent, TraceParentError};
pub use crate::windows::Window;
