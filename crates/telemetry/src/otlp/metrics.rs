//! The figures of a collector as instruments that are read when they are exported.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use crate::collector::TelemetryCollector;
use crate::event::Outcome;
use crate::metrics::Metrics;
use crate::numbers::float;
use crate::otlp::SCOPE;
use crate::otlp::spans::SpanCounters;
use crate::windows::Window;

/// All instruments of one export read the same figures.
const FRESH: Duration = Duration::from_millis(100);

/// The figures of the last look.
struct Figures {
    collector: TelemetryCollector,
    last: Mutex<Option<(Instant, Arc<Metrics>)>>,
}

impl Figures {
    fn read(&self) -> Arc<Metrics> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, metrics)) = &*last
            && at.elapsed() < FRESH
        {
            return Arc::clone(metrics);
        }
        let metrics = Arc::new(self.collector.get_metrics());
        *last = Some((Instant::now(), Arc::clone(&metrics)));
        metrics
    }
}

pub(super) fn watch(
    meters: &SdkMeterProvider,
    collector: &TelemetryCollector,
    spans: &Arc<SpanCounters>,
) {
    let meter = meters.meter(SCOPE);
    let figures = Arc::new(Figures { collector: collector.clone(), last: Mutex::new(None) });
    counter(&meter, &figures, "evergen.events", "Events by kind and outcome.", events);
    counter(&meter, &figures, "evergen.errors", "Errors by kind.", errors);
    counter(&meter, &figures, "evergen.cache.lookups", "Looks into caches, by result.", caches);
    gauge(&meter, &figures, "evergen.queue.depth", "What waits, by component.", queues);
    gauge(
        &meter,
        &figures,
        "evergen.limit.utilization",
        "The share of a limit in use, by component.",
        limits,
    );
    gauge(
        &meter,
        &figures,
        "evergen.success_rate",
        "The share of regenerations that succeeded, by window.",
        success,
    );
    let spans = Arc::clone(spans);
    let dropped = move |metrics: &Metrics, observer: &dyn AsyncInstrument<u64>| {
        let observe = |what: &str, count| {
            observer.observe(count, &[KeyValue::new("evergen.dropped", what.to_owned())]);
        };
        observe("events", metrics.dropped.events);
        observe("spans", spans.read().dropped);
        for sink in &metrics.sinks {
            observe(&format!("records of {}", sink.name), sink.dropped);
        }
    };
    counter(
        &meter,
        &figures,
        "evergen.telemetry.dropped",
        "What telemetry could not keep.",
        dropped,
    );
}

fn counter(
    meter: &Meter,
    figures: &Arc<Figures>,
    name: &'static str,
    description: &'static str,
    read: impl Fn(&Metrics, &dyn AsyncInstrument<u64>) + Send + Sync + 'static,
) {
    let figures = Arc::clone(figures);
    let instrument = meter.u64_observable_counter(name).with_description(description);
    // The meter keeps the callback; the instrument itself is only a name for it.
    let _ = instrument.with_callback(move |observer| read(&figures.read(), observer)).build();
}

fn gauge(
    meter: &Meter,
    figures: &Arc<Figures>,
    name: &'static str,
    description: &'static str,
    read: impl Fn(&Metrics, &dyn AsyncInstrument<f64>) + Send + Sync + 'static,
) {
    let figures = Arc::clone(figures);
    let instrument = meter.f64_observable_gauge(name).with_description(description);
    let _ = instrument.with_callback(move |observer| read(&figures.read(), observer)).build();
}

fn events(metrics: &Metrics, observer: &dyn AsyncInstrument<u64>) {
    for (kind, figures) in &metrics.total().kinds {
        for outcome in Outcome::ALL {
            let count = figures.outcomes.of(outcome);
            if count > 0 {
                let attributes = [
                    KeyValue::new("evergen.event.kind", kind.name()),
                    KeyValue::new("evergen.outcome", outcome.name()),
                ];
                observer.observe(count, &attributes);
            }
        }
    }
}

fn errors(metrics: &Metrics, observer: &dyn AsyncInstrument<u64>) {
    for (kind, count) in &metrics.total().errors {
        observer.observe(*count, &[KeyValue::new("error.type", kind.name())]);
    }
}

fn caches(metrics: &Metrics, observer: &dyn AsyncInstrument<u64>) {
    let total = metrics.total();
    observer.observe(total.cache_hits, &[KeyValue::new("evergen.cache.result", "hit")]);
    observer.observe(total.cache_misses, &[KeyValue::new("evergen.cache.result", "miss")]);
}

fn queues(metrics: &Metrics, observer: &dyn AsyncInstrument<f64>) {
    for (component, queue) in &metrics.queues {
        observer.observe(float(queue.used), &[KeyValue::new("evergen.component", *component)]);
    }
}

fn limits(metrics: &Metrics, observer: &dyn AsyncInstrument<f64>) {
    for (component, limit) in &metrics.limits {
        let share = float(limit.used) / float(limit.capacity.max(1));
        observer.observe(share, &[KeyValue::new("evergen.component", *component)]);
    }
}

fn success(metrics: &Metrics, observer: &dyn AsyncInstrument<f64>) {
    for window in Window::ALL {
        if let Some(rate) = metrics.window(window).success_rate() {
            observer.observe(rate, &[KeyValue::new("evergen.window", window.name())]);
        }
    }
}
