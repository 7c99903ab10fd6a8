//! A bounded queue of spans in front of the exporter.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use opentelemetry::{Context, StringValue, Value};
use opentelemetry_otlp::SpanExporter as OtlpExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};

use crate::otlp::{OtlpConfig, OtlpCounters, OtlpError, left};
use crate::redaction::Redaction;

/// How many spans go into one request.
const BATCH: usize = 512;

/// What became of spans.
#[derive(Debug, Default)]
pub(super) struct SpanCounters {
    exported: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
}

impl SpanCounters {
    pub(super) fn read(&self) -> OtlpCounters {
        OtlpCounters {
            exported: self.exported.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }
}

/// Where the SDK's own batch processor drops spans without telling how many, this one
/// counts them. Ending a span never waits.
#[derive(Debug)]
pub(super) struct BoundedSpans {
    queue: SyncSender<Message>,
    counters: Arc<SpanCounters>,
    thread: Mutex<Option<JoinHandle<()>>>,
    timeout: Duration,
}

#[derive(Debug)]
enum Message {
    Span(Box<SpanData>),
    Flush(Sender<OTelSdkResult>),
    Stop(Sender<OTelSdkResult>),
}

/// The thread behind the queue.
struct Worker {
    queue: Receiver<Message>,
    exporter: OtlpExporter,
    counters: Arc<SpanCounters>,
    redaction: Redaction,
    interval: Duration,
    batch: Vec<SpanData>,
    /// The first failure since the last flush.
    failure: OTelSdkResult,
}

impl BoundedSpans {
    pub(super) fn start(
        config: &OtlpConfig,
        mut exporter: OtlpExporter,
        resource: &Resource,
        counters: Arc<SpanCounters>,
    ) -> Result<Self, OtlpError> {
        exporter.set_resource(resource);
        let (sender, queue) = sync_channel(config.queue_capacity);
        let worker = Worker {
            queue,
            exporter,
            counters: Arc::clone(&counters),
            redaction: config.redaction.clone(),
            interval: config.interval,
            batch: Vec::new(),
            failure: Ok(()),
        };
        let thread =
            std::thread::Builder::new().name("otlp-spans".to_owned()).spawn(move || worker.run());
        let thread = Mutex::new(Some(thread.map_err(OtlpError::Thread)?));
        Ok(Self { queue: sender, counters, thread, timeout: config.timeout })
    }

    /// Asks the thread, and waits for its answer. A full queue takes the question only
    /// once it has moved on.
    fn ask(
        &self,
        question: impl FnOnce(Sender<OTelSdkResult>) -> Message,
        timeout: Duration,
    ) -> OTelSdkResult {
        let deadline = Instant::now() + timeout;
        let (answer, receiver) = channel();
        let mut message = question(answer);
        loop {
            match self.queue.try_send(message) {
                Ok(()) => break,
                Err(TrySendError::Disconnected(_)) => return Err(OTelSdkError::AlreadyShutdown),
                Err(TrySendError::Full(_)) if left(deadline).is_zero() => {
                    return Err(OTelSdkError::Timeout(timeout));
                }
                Err(TrySendError::Full(returned)) => message = returned,
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        match receiver.recv_timeout(left(deadline)) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(OTelSdkError::Timeout(timeout)),
            Err(RecvTimeoutError::Disconnected) => Err(OTelSdkError::AlreadyShutdown),
        }
    }
}

impl SpanProcessor for BoundedSpans {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.queue.try_send(Message::Span(Box::new(span))).is_err() {
            self.counters.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.ask(Message::Flush, self.timeout)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let result = self.ask(Message::Stop, timeout);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // One that did not answer in time ends with the request that it waits for.
        if let Some(thread) = thread.filter(|_| !matches!(result, Err(OTelSdkError::Timeout(_)))) {
            drop(thread.join());
        }
        result
    }
}

impl Worker {
    fn run(mut self) {
        let mut deadline = Instant::now() + self.interval;
        loop {
            match self.queue.recv_timeout(left(deadline)) {
                Ok(Message::Span(span)) => {
                    self.batch.push(redacted(*span, &self.redaction));
                    if self.batch.len() >= BATCH {
                        self.export();
                    }
                }
                Ok(Message::Flush(answer)) => {
                    self.export();
                    // Who asked may have given up waiting.
                    drop(answer.send(std::mem::replace(&mut self.failure, Ok(()))));
                }
                Ok(Message::Stop(answer)) => {
                    self.export();
                    drop(answer.send(std::mem::replace(&mut self.failure, Ok(()))));
                    return;
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.export();
                    deadline = Instant::now() + self.interval;
                }
                Err(RecvTimeoutError::Disconnected) => return self.export(),
            }
        }
    }

    fn export(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.batch);
        let count = batch.len() as u64;
        match futures::executor::block_on(self.exporter.export(batch)) {
            Ok(()) => self.counters.exported.fetch_add(count, Ordering::Relaxed),
            Err(error) => {
                if self.failure.is_ok() {
                    self.failure = Err(error);
                }
                self.counters.failed.fetch_add(count, Ordering::Relaxed)
            }
        };
    }
}

fn redacted(mut span: SpanData, redaction: &Redaction) -> SpanData {
    span.name = redaction.text(&span.name).into_owned().into();
    for attribute in &mut span.attributes {
        redact(attribute.key.as_str(), &mut attribute.value, redaction);
    }
    for event in &mut span.events.events {
        event.name = redaction.text(&event.name).into_owned().into();
        for attribute in &mut event.attributes {
            redact(attribute.key.as_str(), &mut attribute.value, redaction);
        }
    }
    if let opentelemetry::trace::Status::Error { description } = &mut span.status {
        *description = redaction.text(description).into_owned().into();
    }
    span
}

fn redact(name: &str, value: &mut Value, redaction: &Redaction) {
    if let Value::String(text) = value {
        *value =
            Value::String(StringValue::from(redaction.value(name, text.as_str()).into_owned()));
    }
}
