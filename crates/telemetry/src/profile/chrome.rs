//! The format of Chrome's tracing: complete events, in microseconds.

use serde_json::json;

use crate::profile::nesting::Nested;

pub(super) fn trace(nested: &[Nested<'_>]) -> String {
    // Viewers show times since the first event; large offsets would cost digits.
    let origin = nested.iter().map(|nested| nested.span.start).min().unwrap_or_default();
    let mut events: Vec<_> = nested
        .iter()
        .map(|Nested { span, lane, own, .. }| {
            json!({
                "name": span.label(),
                "cat": span.kind.name(),
                "ph": "X",
                "ts": microseconds(span.start.saturating_sub(origin)),
                "dur": microseconds(span.took),
                "pid": 1,
                "tid": lane + 1,
                "args": { "own_us": microseconds(*own) },
            })
        })
        .collect();
    let lanes = nested.iter().map(|nested| nested.lane + 1).max().unwrap_or(0);
    events.push(
        json!({ "name": "process_name", "ph": "M", "pid": 1, "args": { "name": "evergen" } }),
    );
    events.extend((1..=lanes).map(|lane| {
        json!({ "name": "thread_name", "ph": "M", "pid": 1, "tid": lane, "args": { "name": format!("lane {lane}") } })
    }));
    json!({ "displayTimeUnit": "ms", "traceEvents": events }).to_string()
}

fn microseconds(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
