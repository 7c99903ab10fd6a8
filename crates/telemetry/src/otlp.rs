//! Out by the protocol of OpenTelemetry (OTLP over HTTP, protobuf).
//!
//! Three streams leave: **traces** (spans of `tracing`, and one for each record that took
//! time), **metrics** (counters and gauges read from a collector, and a histogram of
//! times), **logs** (one for each record). All queues have a bound, and what does not fit
//! is counted and shown by [`Otlp::counters`] and in the exported metrics themselves.
//!
//! An event has one trace from its source to its deployment: records and spans that carry
//! its `traceparent` join that; records that carry only a correlation id join the trace
//! that [`TraceParent::from_correlation`](crate::TraceParent::from_correlation) makes of it.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig,
    WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;

mod bridge;
mod client;
mod config;
mod metrics;
mod sink;
mod spans;

pub use bridge::{current_trace_parent, join_trace};
pub use config::OtlpConfig;
pub use sink::OtlpSink;

use client::Client;
use spans::{BoundedSpans, SpanCounters};

use crate::collector::{ConfigError, TelemetryCollector};

/// The name of the instrumentation scope.
const SCOPE: &str = "evergen";

/// Exporters to one OpenTelemetry collector.
///
/// Dropping it flushes and ends its threads, as [`shutdown`](Self::shutdown) does.
#[derive(Debug)]
pub struct Otlp {
    config: OtlpConfig,
    tracers: SdkTracerProvider,
    meters: SdkMeterProvider,
    loggers: SdkLoggerProvider,
    spans: Arc<SpanCounters>,
}

/// What became of spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtlpCounters {
    /// Spans that the collector took.
    pub exported: u64,
    /// Spans that did not fit into the queue.
    pub dropped: u64,
    /// Spans that the collector did not take, or could not be brought to it.
    pub failed: u64,
}

/// Why nothing can be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OtlpError {
    /// A setting cannot be used.
    #[error("a setting of OTLP cannot be used")]
    Config(#[from] ConfigError),
    /// An exporter could not be made.
    #[error("cannot make an exporter")]
    Exporter(#[from] ExporterBuildError),
    /// The system gives no thread.
    #[error("the system gives no thread for OTLP")]
    Thread(#[source] std::io::Error),
    /// Not everything was exported.
    #[error("not everything was exported")]
    Export(#[from] OTelSdkError),
}

impl Otlp {
    /// Starts the exporters. The collector need not be there yet.
    ///
    /// # Errors
    /// A setting out of its range; no thread from the system.
    pub fn start(config: OtlpConfig) -> Result<Self, OtlpError> {
        config.validate()?;
        let resource = resource(&config);
        let client = Arc::new(Client::new(config.timeout));
        let url = |signal: &str| format!("{}/v1/{signal}", config.endpoint.trim_end_matches('/'));
        let headers = || config.headers.clone().into_iter().collect();
        let span_exporter = SpanExporter::builder()
            .with_http()
            .with_shared_http_client(client.clone())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(url("traces"))
            .with_headers(headers())
            .with_timeout(config.timeout)
            .build()?;
        let metric_exporter = MetricExporter::builder()
            .with_http()
            .with_shared_http_client(client.clone())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(url("metrics"))
            .with_headers(headers())
            .with_timeout(config.timeout)
            .build()?;
        let log_exporter = LogExporter::builder()
            .with_http()
            .with_shared_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(url("logs"))
            .with_headers(headers())
            .with_timeout(config.timeout)
            .build()?;
        let spans = Arc::new(SpanCounters::default());
        let processor = BoundedSpans::start(&config, span_exporter, &resource, Arc::clone(&spans))?;
        let reader =
            PeriodicReader::builder(metric_exporter).with_interval(config.interval).build();
        Ok(Self {
            tracers: SdkTracerProvider::builder()
                .with_resource(resource.clone())
                .with_span_processor(processor)
                .build(),
            meters: SdkMeterProvider::builder()
                .with_resource(resource.clone())
                .with_reader(reader)
                .build(),
            loggers: SdkLoggerProvider::builder()
                .with_resource(resource)
                .with_batch_exporter(log_exporter)
                .build(),
            spans,
            config,
        })
    }

    /// A sink that exports records: as logs, as spans where they took time, and into the
    /// histogram of times.
    pub fn sink(&self) -> OtlpSink {
        OtlpSink::new(self)
    }

    /// Exports the figures of a telemetry collector from now on, at each
    /// [`OtlpConfig::interval`]. Keeps a handle on it until shutdown.
    pub fn watch(&self, collector: &TelemetryCollector) {
        metrics::watch(&self.meters, collector, &self.spans);
    }

    /// A layer that exports the spans of `tracing` that the filter lets through. What it
    /// does not let through costs no more than a disabled span.
    ///
    /// Name your own targets in the filter: what this crate's own client does to export
    /// spans would else be traced in turn.
    pub fn layer<S>(
        &self,
        filter: tracing_subscriber::filter::Targets,
    ) -> impl tracing_subscriber::Layer<S> + use<S>
    where
        S: tracing::Subscriber
            + for<'span> tracing_subscriber::registry::LookupSpan<'span>
            + Send
            + Sync,
    {
        bridge::layer(self.tracers.tracer(SCOPE), filter)
    }

    /// What became of spans so far.
    pub fn counters(&self) -> OtlpCounters {
        self.spans.read()
    }

    /// Waits until what was handed over before is exported. Blocks, at most about three
    /// times [`OtlpConfig::timeout`].
    ///
    /// # Errors
    /// Some stream could not be exported. The others are all the same.
    pub fn flush(&self) -> Result<(), OtlpError> {
        let results =
            [self.tracers.force_flush(), self.loggers.force_flush(), self.meters.force_flush()];
        results.into_iter().collect::<Result<(), _>>().map_err(OtlpError::Export)
    }

    /// Flushes, and ends the threads. Blocks as long as [`flush`](Self::flush). Shut the
    /// telemetry collector down before, so that its last records come along.
    ///
    /// # Errors
    /// Some stream could not be exported. All threads have ended all the same.
    pub fn shutdown(self) -> Result<(), OtlpError> {
        let timeout = self.config.timeout;
        let results = [
            self.tracers.shutdown_with_timeout(timeout),
            self.loggers.shutdown_with_timeout(timeout),
            self.meters.shutdown_with_timeout(timeout),
        ];
        results.into_iter().collect::<Result<(), _>>().map_err(OtlpError::Export)
    }
}

/// Who exports, by the semantic conventions.
fn resource(config: &OtlpConfig) -> Resource {
    let mut builder = Resource::builder_empty()
        .with_service_name(config.service_name.clone())
        .with_attribute(KeyValue::new("service.version", config.service_version.clone()))
        .with_attribute(KeyValue::new("service.instance.id", config.instance.to_string()))
        .with_attribute(KeyValue::new("telemetry.sdk.name", "opentelemetry"))
        .with_attribute(KeyValue::new("telemetry.sdk.language", "rust"));
    if let Some(environment) = &config.environment {
        builder = builder
            .with_attribute(KeyValue::new("deployment.environment.name", environment.clone()));
    }
    builder.build()
}

/// The time that is left of a limit, for those who wait in steps.
fn left(deadline: std::time::Instant) -> Duration {
    deadline.saturating_duration_since(std::time::Instant::now())
}
