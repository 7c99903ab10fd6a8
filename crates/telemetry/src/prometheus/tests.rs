use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::collector::{TelemetryCollector, TelemetryConfig};
use crate::event::{Body, Costs, ErrorKind, TelemetryEvent};
use crate::prometheus::prometheus_text;
use crate::sink::MemorySink;

const DONE: Body =
    Body::RegenerationCompleted { evaluated: 1, rendered: 1, written: 1, deleted: 0, refused: 0 };

fn page() -> String {
    let collector = TelemetryCollector::builder(TelemetryConfig::default())
        .sink(Arc::new(MemorySink::new(10)))
        .start()
        .unwrap();
    for milliseconds in [1, 20, 300, 4000] {
        collector.record(
            TelemetryEvent::new("engine", DONE).succeeded(Duration::from_millis(milliseconds)),
        );
    }
    collector.record(
        TelemetryEvent::new("a \"b\" \\ c\nd", Body::Query)
            .failed(Duration::ZERO, ErrorKind::Query),
    );
    collector.record(TelemetryEvent::new("queue", Body::QueueSampled { depth: 7, capacity: 10 }));
    collector.record(TelemetryEvent::new("limiter", Body::SaturationSampled { busy: 1, limit: 4 }));
    collector.record(TelemetryEvent::new("llm", Body::CacheLookedUp { hits: 1, misses: 2 }));
    collector.record(
        TelemetryEvent::new("llm", Body::ModelCalled)
            .costs(Costs::default().tokens(1, 2, 1_500_000)),
    );
    collector.flush_blocking().unwrap();
    prometheus_text(&collector.get_metrics())
}

#[test]
fn says_what_was_counted() {
    let page = page();
    for line in [
        r#"evergen_events_total{kind="regeneration_completed",outcome="succeeded"} 4"#,
        r#"evergen_duration_seconds_bucket{kind="regeneration_completed",le="0.0005"} 0"#,
        r#"evergen_duration_seconds_bucket{kind="regeneration_completed",le="0.025"} 2"#,
        r#"evergen_duration_seconds_bucket{kind="regeneration_completed",le="+Inf"} 4"#,
        r#"evergen_duration_seconds_sum{kind="regeneration_completed"} 4.321"#,
        r#"evergen_component_events_total{component="a \"b\" \\ c\nd",outcome="failed"} 1"#,
        r#"evergen_errors_total{kind="query"} 1"#,
        r#"evergen_queue_depth{component="queue"} 7"#,
        r#"evergen_limit_capacity{component="limiter"} 4"#,
        r#"evergen_cache_lookups_total{result="miss"} 2"#,
        "evergen_model_spend_total 1.5",
        r#"evergen_telemetry_sink_records_total{sink="memory",result="delivered"} 9"#,
        r#"evergen_telemetry_dropped_total{what="events"} 0"#,
    ] {
        assert!(page.lines().any(|seen| seen == line), "{line} is not in\n{page}");
    }
}

/// Prometheus' own check. Where it is not installed, the test says so and checks nothing.
#[test]
fn promtool_finds_nothing_to_say() {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut promtool = match promtool {
        Ok(promtool) => promtool,
        Err(error) => {
            println!("skipped: promtool cannot be started ({error})");
            return;
        }
    };
    promtool.stdin.take().unwrap().write_all(page().as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.is_empty(), "{said}");
}
