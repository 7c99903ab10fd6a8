//! From `tracing` to OpenTelemetry and back.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::SdkTracer;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use crate::trace_context::TraceParent;

/// The filter stands before the layer: what it refuses never becomes a span of
/// OpenTelemetry, where a sampler would refuse it only after most of the cost.
pub(super) fn layer<S>(tracer: SdkTracer, filter: Targets) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    tracing_opentelemetry::layer().with_tracer(tracer).with_filter(filter)
}

/// Puts a span of `tracing` below the span that `parent` names, perhaps of another
/// process. Before the span is entered; without [`Otlp::layer`](crate::otlp::Otlp::layer)
/// it does nothing. Returns whether it has done it.
pub fn join_trace(span: &Span, parent: TraceParent) -> bool {
    span.set_parent(remote(parent)).is_ok()
}

/// The `traceparent` of the current span of `tracing`, to be handed on with an event;
/// nothing without a span that is exported.
pub fn current_trace_parent() -> Option<TraceParent> {
    let context = Span::current().context();
    let span = context.span().span_context().clone();
    TraceParent::new(span.trace_id().to_bytes(), span.span_id().to_bytes(), span.is_sampled())
}

/// A context in which `parent` is the current span.
pub(super) fn remote(parent: TraceParent) -> Context {
    Context::new().with_remote_span_context(span_context(parent))
}

pub(super) fn span_context(parent: TraceParent) -> SpanContext {
    let flags = if parent.is_sampled() { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let (trace, span) =
        (TraceId::from_bytes(parent.trace_id()), SpanId::from_bytes(parent.span_id()));
    SpanContext::new(trace, span, flags, true, TraceState::default())
}
