//! The figures as Prometheus reads them.

use std::fmt::{self, Display, Write};

use crate::event::{Costs, EventKind, Outcome, Unit};
use crate::metrics::{Gauge, KindMetrics, Metrics, OutcomeCounts};
use crate::numbers::float;

/// The media type of what [`prometheus_text`] gives.
pub const PROMETHEUS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The limits of the buckets, in seconds: from what a cache answers to what a person
/// would not wait for.
const LIMITS: [f64; 16] = [
    0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
    600.0,
];

/// All figures in Prometheus' text format, version 0.0.4.
///
/// Counters and histograms count from the start; whoever scrapes makes windows of them.
/// The limits of buckets are met within 1/32.
pub fn prometheus_text(metrics: &Metrics) -> String {
    let mut page = Page(String::with_capacity(16 << 10));
    events(&mut page, metrics);
    durations(&mut page, metrics);
    gauges(&mut page, metrics);
    caches(&mut page, metrics);
    costs(&mut page, &metrics.total().costs);
    telemetry(&mut page, metrics);
    page.0
}

fn events(page: &mut Page, metrics: &Metrics) {
    let total = metrics.total();
    page.family("evergen_events_total", "counter", "Events by kind and outcome.");
    for (kind, figures) in &total.kinds {
        for (outcome, count) in outcomes(&figures.outcomes) {
            page.sample(
                "evergen_events_total",
                &[("kind", kind.name()), ("outcome", outcome)],
                count,
            );
        }
    }
    page.family("evergen_component_events_total", "counter", "Events by component and outcome.");
    for (component, counts) in &total.components {
        for (outcome, count) in outcomes(counts) {
            page.sample(
                "evergen_component_events_total",
                &[("component", component), ("outcome", outcome)],
                count,
            );
        }
    }
    page.family("evergen_errors_total", "counter", "Errors by kind.");
    for (kind, count) in &total.errors {
        page.sample("evergen_errors_total", &[("kind", kind.name())], count);
    }
}

fn outcomes(counts: &OutcomeCounts) -> impl Iterator<Item = (&'static str, u64)> + '_ {
    Outcome::ALL
        .into_iter()
        .map(|outcome| (outcome.name(), counts.of(outcome)))
        .filter(|(_, count)| *count > 0)
}

fn durations(page: &mut Page, metrics: &Metrics) {
    page.family("evergen_duration_seconds", "histogram", "How long things took, by kind of event.");
    let timed = |(kind, figures): &(&EventKind, &KindMetrics)| {
        kind.unit() == Unit::Nanoseconds && figures.values.count() > 0
    };
    for (kind, figures) in metrics.total().kinds.iter().filter(timed) {
        let (kind, values) = (("kind", kind.name()), &figures.values);
        for limit in LIMITS {
            let count = values.count_at_or_below(nanoseconds(limit));
            page.sample(
                "evergen_duration_seconds_bucket",
                &[kind, ("le", &limit.to_string())],
                count,
            );
        }
        page.sample("evergen_duration_seconds_bucket", &[kind, ("le", "+Inf")], values.count());
        page.sample("evergen_duration_seconds_sum", &[kind], float(values.sum()) / 1e9);
        page.sample("evergen_duration_seconds_count", &[kind], values.count());
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "one of the limits above"
)]
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

type Fullness = fn(&Gauge) -> u64;

fn gauges(page: &mut Page, metrics: &Metrics) {
    let families: [(&str, &str, _, Fullness); 4] = [
        ("evergen_queue_depth", "What waits, by component.", &metrics.queues, |gauge| gauge.used),
        (
            "evergen_queue_capacity",
            "What could wait; 0 without a bound.",
            &metrics.queues,
            |gauge| gauge.capacity,
        ),
        (
            "evergen_limit_used",
            "How much of a limit is in use, by component.",
            &metrics.limits,
            |gauge| gauge.used,
        ),
        ("evergen_limit_capacity", "How much of it could be.", &metrics.limits, |gauge| {
            gauge.capacity
        }),
    ];
    for (name, help, gauges, read) in families {
        page.family(name, "gauge", help);
        for (component, gauge) in gauges {
            page.sample(name, &[("component", component)], read(gauge));
        }
    }
    page.family("evergen_uptime_seconds", "gauge", "How long the collector has been at work.");
    page.sample("evergen_uptime_seconds", &[], metrics.uptime.as_secs_f64());
}

fn caches(page: &mut Page, metrics: &Metrics) {
    let total = metrics.total();
    page.family("evergen_cache_lookups_total", "counter", "Looks into caches, by result.");
    page.sample("evergen_cache_lookups_total", &[("result", "hit")], total.cache_hits);
    page.sample("evergen_cache_lookups_total", &[("result", "miss")], total.cache_misses);
}

fn costs(page: &mut Page, costs: &Costs) {
    page.family("evergen_cpu_seconds_total", "counter", "Time on processors.");
    page.sample("evergen_cpu_seconds_total", &[], float(costs.cpu_nanoseconds) / 1e9);
    page.family("evergen_written_bytes_total", "counter", "Bytes written.");
    page.sample("evergen_written_bytes_total", &[], costs.bytes_written);
    page.family(
        "evergen_peak_memory_bytes",
        "gauge",
        "The most memory that any piece of work had in use.",
    );
    page.sample("evergen_peak_memory_bytes", &[], costs.peak_memory_bytes);
    page.family(
        "evergen_model_tokens_total",
        "counter",
        "Tokens of language models, by direction.",
    );
    page.sample("evergen_model_tokens_total", &[("direction", "sent")], costs.tokens_in);
    page.sample("evergen_model_tokens_total", &[("direction", "received")], costs.tokens_out);
    page.family(
        "evergen_model_spend_total",
        "counter",
        "The price of tokens, in the account's currency.",
    );
    page.sample("evergen_model_spend_total", &[], float(costs.price_micros) / 1e6);
}

fn telemetry(page: &mut Page, metrics: &Metrics) {
    let dropped = &metrics.dropped;
    page.family(
        "evergen_telemetry_dropped_total",
        "counter",
        "What telemetry could not keep, by what it was.",
    );
    let counts = [
        ("events", dropped.events),
        ("unnamed_components", dropped.unnamed_components),
        ("error_groups", dropped.error_groups),
        ("subjects", dropped.subjects),
    ];
    for (what, count) in counts {
        page.sample("evergen_telemetry_dropped_total", &[("what", what)], count);
    }
    page.family(
        "evergen_telemetry_sink_records_total",
        "counter",
        "Records by sink and what became of them.",
    );
    for sink in &metrics.sinks {
        for (result, count) in
            [("delivered", sink.delivered), ("dropped", sink.dropped), ("failed", sink.failed)]
        {
            page.sample(
                "evergen_telemetry_sink_records_total",
                &[("sink", &sink.name), ("result", result)],
                count,
            );
        }
    }
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.put(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let open = if place == 0 { '{' } else { ',' };
            self.put(format_args!("{open}{label}=\"{}\"", Escaped(text)));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        self.put(format_args!("{close} {value}\n"));
    }

    fn put(&mut self, text: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.0.write_fmt(text);
    }
}

/// A label's value, as the format wants it.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                char => f.write_char(char)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
