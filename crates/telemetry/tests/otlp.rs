//! What an OpenTelemetry collector receives.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of a test")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use evergen_telemetry::otlp::{Otlp, OtlpConfig, current_trace_parent, join_trace};
use evergen_telemetry::{
    Body, ErrorKind, TelemetryCollector, TelemetryConfig, TelemetryEvent, TraceParent,
};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use uuid::Uuid;

const DONE: Body =
    Body::RegenerationCompleted { evaluated: 1, rendered: 1, written: 1, deleted: 0, refused: 0 };

/// A request as it came.
struct Received {
    path: String,
    headers: Vec<String>,
    body: Vec<u8>,
}

/// A collector on this machine that takes everything, or answers with a status.
fn collector(status: &'static str) -> (String, Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    // It ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || serve(&stream, status, &sender));
        }
    });
    (address, receiver)
}

/// Requests of one connection, until it is closed.
fn serve(stream: &TcpStream, status: &str, received: &Sender<Received>) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        let _ = received.send(request);
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"
        );
        let mut writer = stream;
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Received> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        headers.push(line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received { path, headers, body })
}

/// Everything that was received so far.
#[derive(Default)]
struct Streams {
    spans: Vec<Span>,
    metrics: Vec<Metric>,
    logs: Vec<opentelemetry_proto::tonic::logs::v1::LogRecord>,
    resources: Vec<Resource>,
    headers: Vec<String>,
}

fn streams(receiver: &Receiver<Received>) -> Streams {
    let mut streams = Streams::default();
    for received in receiver.try_iter() {
        streams.headers.extend(received.headers);
        let body = &received.body[..];
        match &*received.path {
            "/v1/traces" => {
                for resource in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
                    streams.resources.extend(resource.resource);
                    streams
                        .spans
                        .extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
                }
            }
            "/v1/metrics" => {
                for resource in ExportMetricsServiceRequest::decode(body).unwrap().resource_metrics
                {
                    streams.resources.extend(resource.resource);
                    streams
                        .metrics
                        .extend(resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics));
                }
            }
            "/v1/logs" => {
                for resource in ExportLogsServiceRequest::decode(body).unwrap().resource_logs {
                    streams.resources.extend(resource.resource);
                    streams.logs.extend(
                        resource.scope_logs.into_iter().flat_map(|scope| scope.log_records),
                    );
                }
            }
            other => panic!("nothing is exported to {other}"),
        }
    }
    streams
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        other => format!("{other:?}"),
    }
}

fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    attributes
        .iter()
        .find(|attribute| attribute.key == name)
        .map(|attribute| text(attribute.value.as_ref()))
}

fn config(endpoint: String) -> OtlpConfig {
    let mut config = OtlpConfig::default();
    config.endpoint = endpoint;
    config.interval = Duration::from_hours(1);
    config.timeout = Duration::from_secs(5);
    config.environment = Some("test".to_owned());
    config.headers.insert("x-tenant".to_owned(), "blue".to_owned());
    config
}

#[test]
fn traces_metrics_and_logs_arrive() {
    let (endpoint, receiver) = collector("200 OK");
    let otlp = Otlp::start(config(endpoint)).unwrap();
    let telemetry =
        TelemetryCollector::builder(TelemetryConfig::default()).sink(otlp.sink()).start().unwrap();
    otlp.watch(&telemetry);
    let correlation = Uuid::now_v7();
    telemetry.record(
        TelemetryEvent::new("source", Body::ChangeReceived)
            .succeeded(Duration::from_millis(1))
            .correlation(correlation),
    );
    telemetry.record(
        TelemetryEvent::new("engine", DONE)
            .failed(Duration::from_millis(20), ErrorKind::Render)
            .correlation(correlation)
            .subject("orders")
            .message("password=hunter2 is undefined")
            .attribute("api_key", "abc"),
    );
    telemetry.record(
        TelemetryEvent::new("deployment", Body::DeploymentCompleted)
            .succeeded(Duration::from_millis(5))
            .correlation(correlation),
    );
    telemetry.record(TelemetryEvent::new("queue", Body::QueueSampled { depth: 3, capacity: 10 }));
    telemetry.flush_blocking().unwrap();
    otlp.flush().unwrap();
    let streams = streams(&receiver);

    assert_eq!(streams.spans.len(), 3);
    assert!(
        streams.spans.iter().all(|span| span.trace_id == correlation.as_bytes()),
        "one trace from source to deployment"
    );
    let failed = streams.spans.iter().find(|span| span.name == "regeneration_completed").unwrap();
    assert_eq!(failed.end_time_unix_nano - failed.start_time_unix_nano, 20_000_000);
    assert_eq!(
        failed.status.as_ref().map(|status| (status.code, &*status.message)),
        Some((2, "password=[redacted] is undefined"))
    );
    assert_eq!(attribute(&failed.attributes, "error.type").as_deref(), Some("render"));
    assert_eq!(attribute(&failed.attributes, "evergen.subject").as_deref(), Some("orders"));

    assert_eq!(streams.logs.len(), 4);
    let log = streams.logs.iter().find(|log| log.event_name == "regeneration_completed").unwrap();
    assert_eq!((log.severity_number, &*log.severity_text), (17, "ERROR"));
    assert_eq!(text(log.body.as_ref()), "password=[redacted] is undefined");
    assert_eq!(
        attribute(&log.attributes, "evergen.attribute.api_key").as_deref(),
        Some("[redacted]")
    );
    assert_eq!(log.trace_id, correlation.as_bytes());

    check_metrics(&streams.metrics);
    for resource in &streams.resources {
        assert_eq!(attribute(&resource.attributes, "service.name").as_deref(), Some("evergen"));
        assert_eq!(
            attribute(&resource.attributes, "deployment.environment.name").as_deref(),
            Some("test")
        );
        assert!(attribute(&resource.attributes, "service.instance.id").is_some());
    }
    assert!(streams.headers.iter().any(|header| header == "x-tenant: blue"));
    assert_eq!(
        (otlp.counters().exported, otlp.counters().dropped, otlp.counters().failed),
        (3, 0, 0)
    );
    drop(telemetry);
    otlp.shutdown().unwrap();
}

fn check_metrics(metrics: &[Metric]) {
    let find = |name: &str| {
        let found = metrics.iter().find(|metric| metric.name == name);
        found.and_then(|metric| metric.data.clone()).unwrap_or_else(|| panic!("{name} is missing"))
    };
    let metric::Data::Histogram(times) = find("evergen.operation.duration") else {
        panic!("not a histogram")
    };
    assert_eq!(times.data_points.iter().map(|point| point.count).sum::<u64>(), 3);
    let metric::Data::Sum(events) = find("evergen.events") else { panic!("not a sum") };
    assert!(events.is_monotonic);
    let failed = events
        .data_points
        .iter()
        .find(|point| attribute(&point.attributes, "evergen.outcome").as_deref() == Some("failed"));
    assert_eq!(failed.and_then(|point| point.value), Some(number_data_point::Value::AsInt(1)));
    let metric::Data::Gauge(depth) = find("evergen.queue.depth") else { panic!("not a gauge") };
    assert_eq!(depth.data_points[0].value, Some(number_data_point::Value::AsDouble(3.0)));
    let metric::Data::Sum(dropped) = find("evergen.telemetry.dropped") else { panic!("not a sum") };
    assert!(dropped.data_points.len() >= 3, "events, spans and each sink");
}

#[test]
fn spans_of_tracing_join_the_trace_of_their_event() {
    let (endpoint, receiver) = collector("200 OK");
    let otlp = Otlp::start(config(endpoint)).unwrap();
    let filter = Targets::new().with_target("otlp", tracing::Level::INFO);
    let subscriber = tracing_subscriber::registry().with(otlp.layer(filter));
    let parent: TraceParent =
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        assert_eq!(current_trace_parent(), None);
        let outer = tracing::info_span!("cycle", user = "ann@example.org", token = "abc");
        assert!(join_trace(&outer, parent));
        outer.in_scope(|| {
            let seen = current_trace_parent().unwrap();
            assert_eq!(seen.trace_id(), parent.trace_id());
            assert_ne!(seen.span_id(), parent.span_id());
            tracing::debug_span!("too fine").in_scope(|| {});
            tracing::info_span!("render").in_scope(|| {});
        });
        drop(outer);
    });
    otlp.flush().unwrap();
    let spans = streams(&receiver).spans;
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["render", "cycle"], "what the filter refuses is never made");
    assert!(spans.iter().all(|span| span.trace_id == parent.trace_id()));
    assert_eq!(
        (&spans[0].parent_span_id, &spans[1].parent_span_id[..]),
        (&spans[1].span_id, &parent.span_id()[..])
    );
    assert_eq!(attribute(&spans[1].attributes, "user").as_deref(), Some("[redacted]"));
    assert_eq!(attribute(&spans[1].attributes, "token").as_deref(), Some("[redacted]"));
    otlp.shutdown().unwrap();
}

#[test]
fn a_collector_that_refuses_is_said_and_counted() {
    let (endpoint, _receiver) = collector("400 Bad Request");
    let otlp = Otlp::start(config(endpoint)).unwrap();
    let telemetry =
        TelemetryCollector::builder(TelemetryConfig::default()).sink(otlp.sink()).start().unwrap();
    telemetry.record(TelemetryEvent::new("engine", DONE).succeeded(Duration::from_millis(1)));
    assert!(telemetry.flush_blocking().is_err());
    assert!(otlp.flush().is_err());
    assert_eq!(otlp.counters().failed, 1);
    let sink = telemetry.get_metrics().sinks.remove(0);
    assert_eq!(sink.failed, 1);
    assert!(sink.last_error.is_some_and(|error| error.starts_with("cannot export logs")));
}

#[test]
fn a_burst_beyond_the_queue_is_dropped_and_counted() {
    // Nobody answers at this address, and nobody refuses: requests wait for their limit.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config(format!("http://{}", silent.local_addr().unwrap()));
    config.queue_capacity = 64;
    config.timeout = Duration::from_millis(200);
    let otlp = Otlp::start(config).unwrap();
    let subscriber = tracing_subscriber::registry()
        .with(otlp.layer(Targets::new().with_default(tracing::Level::INFO)));
    tracing::subscriber::with_default(subscriber, || {
        (0..100_000).for_each(|_| drop(tracing::info_span!("burst").entered()));
    });
    assert!(otlp.counters().dropped > 0);
    // Whatever the answer, it comes: the thread ends.
    let _ = otlp.shutdown();
}

#[test]
fn only_plain_http() {
    let error = Otlp::start(config("https://collector.example".to_owned())).unwrap_err();
    assert!(format!("{error:?}").contains("endpoint"));
}
