//! Records as logs, spans and times.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity};
use opentelemetry::metrics::{Histogram, MeterProvider};
use opentelemetry::trace::{Span, SpanId, Status, TraceFlags, TraceId, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::logs::{SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::trace::SdkTracer;

use crate::event::{EventKind, Outcome};
use crate::otlp::{Otlp, SCOPE, bridge};
use crate::record::Record;
use crate::sink::{SinkError, TelemetrySink};
use crate::trace_context::TraceParent;

/// The limits of the buckets of times, in seconds.
const LIMITS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0];

/// Exports each record as a log, and if it took time, as a span and into the histogram
/// `evergen.operation.duration`.
#[derive(Debug)]
pub struct OtlpSink {
    loggers: SdkLoggerProvider,
    logger: SdkLogger,
    tracer: SdkTracer,
    times: Histogram<f64>,
}

impl OtlpSink {
    pub(super) fn new(otlp: &Otlp) -> Self {
        let times = otlp
            .meters
            .meter(SCOPE)
            .f64_histogram("evergen.operation.duration")
            .with_unit("s")
            .with_description("How long things took, by kind of event.")
            .with_boundaries(LIMITS.to_vec())
            .build();
        Self {
            loggers: otlp.loggers.clone(),
            logger: otlp.loggers.logger(SCOPE),
            tracer: otlp.tracers.tracer(SCOPE),
            times,
        }
    }

    fn count(&self, record: &Record) {
        let Some(took) = record.took() else { return };
        let mut attributes = vec![
            KeyValue::new("evergen.event.kind", record.kind().name()),
            KeyValue::new("evergen.component", record.component.clone()),
            KeyValue::new("evergen.outcome", record.outcome.name()),
        ];
        attributes.extend(record.error.map(|kind| KeyValue::new("error.type", kind.name())));
        self.times.record(took.as_secs_f64(), &attributes);
    }

    fn trace(&self, record: &Record) {
        let Some(took) = record.took() else { return };
        let end = instant(record);
        let context = parent(record).map_or_else(Context::new, bridge::remote);
        let builder = self
            .tracer
            .span_builder(record.kind().name())
            .with_start_time(end.checked_sub(took).unwrap_or(end))
            .with_attributes(attributes(record).map(|(name, value)| KeyValue::new(name, value)));
        let mut span = self.tracer.build_with_context(builder, &context);
        if record.outcome.is_failure() {
            span.set_status(Status::error(record.message.clone().unwrap_or_default()));
        }
        span.end_with_timestamp(end);
    }

    fn log(&self, record: &Record) {
        let mut log = self.logger.create_log_record();
        log.set_event_name(record.kind().name());
        log.set_timestamp(instant(record));
        let severity = severity(record);
        log.set_severity_number(severity);
        log.set_severity_text(severity.name());
        if let Some(message) = &record.message {
            log.set_body(AnyValue::from(message.clone()));
        }
        log.add_attributes(attributes(record));
        if let Some(parent) = parent(record) {
            let (trace, span) =
                (TraceId::from_bytes(parent.trace_id()), SpanId::from_bytes(parent.span_id()));
            log.set_trace_context(trace, span, Some(TraceFlags::SAMPLED));
        }
        self.logger.emit(log);
    }
}

impl TelemetrySink for OtlpSink {
    fn name(&self) -> &'static str {
        "otlp"
    }

    /// The SDK's queue of logs holds more than a batch, and is emptied with each: so it
    /// never drops, and the bounded queue is the collector's, which counts.
    fn accept(&self, records: &[Arc<Record>]) -> Result<(), SinkError> {
        for record in records {
            self.count(record);
            self.trace(record);
            self.log(record);
        }
        self.flush()
    }

    fn flush(&self) -> Result<(), SinkError> {
        self.loggers.force_flush().map_err(|error| SinkError::new("cannot export logs", error))
    }
}

/// The trace that a record belongs to.
fn parent(record: &Record) -> Option<TraceParent> {
    record.trace.or_else(|| record.correlation.and_then(TraceParent::from_correlation))
}

fn instant(record: &Record) -> SystemTime {
    let since_epoch = Duration::try_from(record.at.as_duration()).unwrap_or_default();
    SystemTime::UNIX_EPOCH.checked_add(since_epoch).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn severity(record: &Record) -> Severity {
    match (record.kind(), record.outcome) {
        (EventKind::PerformanceAlert, _) | (_, Outcome::Failed) => Severity::Error,
        (
            EventKind::PerformanceWarning | EventKind::DeadLettered | EventKind::BreakerChanged,
            _,
        )
        | (_, Outcome::TimedOut | Outcome::Rejected) => Severity::Warn,
        _ => Severity::Info,
    }
}

/// What a record says besides its message, by the semantic conventions where there are any.
fn attributes(record: &Record) -> impl Iterator<Item = (String, String)> + '_ {
    let id = |name: &str, id: Option<uuid::Uuid>| id.map(|id| (name.to_owned(), id.to_string()));
    let fixed = [
        Some(("evergen.component".to_owned(), record.component.clone())),
        Some(("evergen.outcome".to_owned(), record.outcome.name().to_owned())),
        record.error.map(|kind| ("error.type".to_owned(), kind.name().to_owned())),
        record.subject.as_ref().map(|subject| ("evergen.subject".to_owned(), subject.clone())),
        id("evergen.cycle.id", record.cycle),
        id("evergen.event.id", record.event),
        id("evergen.correlation.id", record.correlation),
    ];
    let own = record
        .attributes
        .iter()
        .map(|(name, value)| (format!("evergen.attribute.{name}"), value.clone()));
    fixed.into_iter().flatten().chain(own)
}
