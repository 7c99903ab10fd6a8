//! Takes in what happens.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

mod components;
mod config;
mod courier;
mod dispatcher;
mod shared;

pub use config::{ConfigError, TelemetryConfig};

use courier::Courier;
use dispatcher::{Dispatcher, Request};
use shared::Shared;

use crate::clock::{Clock, SystemClock};
use crate::event::TelemetryEvent;
use crate::metrics::Metrics;
use crate::redaction::Redaction;
use crate::sink::TelemetrySink;

/// Takes in events, counts them, and hands them to sinks.
///
/// A clone is a handle on the same collector. When the last handle is dropped without
/// [`shutdown`](Self::shutdown), dropping does the same and waits for the sinks as long.
#[derive(Clone)]
pub struct TelemetryCollector {
    shared: Arc<Shared>,
    handle: Arc<Handle>,
}

/// A collector that has not started yet.
#[must_use = "a collector exists once it is started"]
pub struct CollectorBuilder {
    config: TelemetryConfig,
    clock: Arc<dyn Clock>,
    redaction: Redaction,
    sinks: Vec<Box<dyn TelemetrySink>>,
}

/// Why a collector could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A setting cannot be used.
    #[error("a setting of telemetry cannot be used")]
    Config(#[from] ConfigError),
    /// The system gives no thread.
    #[error("the system gives no thread for telemetry")]
    Thread(#[source] std::io::Error),
}

/// Why not everything is safe after a flush or a shutdown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// Some sinks did not answer in time.
    #[error("no answer in time from {}", sinks.join(", "))]
    TimedOut {
        /// Their names.
        sinks: Vec<String>,
    },
    /// Some sinks failed.
    #[error("failed: {}", sinks.join("; "))]
    Failed {
        /// Their names, with what they said.
        sinks: Vec<String>,
    },
    /// The collector was shut down before.
    #[error("the collector is shut down")]
    Closed,
}

impl TelemetryCollector {
    /// Starts a collector without sinks: it counts, and can be asked.
    ///
    /// # Errors
    /// A setting out of its range; no thread from the system.
    pub fn new(config: TelemetryConfig) -> Result<Self, StartError> {
        Self::builder(config).start()
    }

    /// A collector with these settings, to be given sinks.
    pub fn builder(config: TelemetryConfig) -> CollectorBuilder {
        let clock = Arc::new(SystemClock::new());
        CollectorBuilder { config, clock, redaction: Redaction::default(), sinks: Vec::new() }
    }

    /// Takes in an event. Never waits and never fails.
    ///
    /// An event without detail costs a few atomic additions if there are no sinks. With
    /// sinks or a detail it also goes through a bounded queue; when that is full, the
    /// event is counted all the same, but the sinks do not see it, and
    /// [`Dropped::events`](crate::Dropped::events) grows.
    pub fn record(&self, event: TelemetryEvent) {
        self.shared.record(event);
    }

    /// All figures, with everything that was recorded before the call. Takes below a
    /// millisecond; not for hot paths.
    pub fn get_metrics(&self) -> Metrics {
        self.shared.metrics()
    }

    /// Waits until every sink has made safe what was recorded before the call, at most as
    /// long as [`TelemetryConfig::flush_timeout`] says.
    ///
    /// Needs no runtime of its own. Dropping the future gives up only the waiting.
    pub async fn flush(&self) -> Result<(), FlushError> {
        self.request(Request::Flush).await.unwrap_or(Err(FlushError::Closed))
    }

    /// Like [`flush`](Self::flush), for code that is not asynchronous.
    ///
    /// # Panics
    /// Inside of an asynchronous runtime, whose thread it would block.
    pub fn flush_blocking(&self) -> Result<(), FlushError> {
        self.request(Request::Flush).blocking_recv().unwrap_or(Err(FlushError::Closed))
    }

    /// Flushes, and ends the threads. What is recorded afterwards is counted, but reaches
    /// no sink.
    ///
    /// Dropping the future gives up only the waiting; the shutdown goes on.
    pub async fn shutdown(&self) -> Result<(), FlushError> {
        let answer = self.request(Request::Stop).await.unwrap_or(Err(FlushError::Closed));
        self.handle.join();
        answer
    }

    fn request(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<(), FlushError>>) -> Request,
    ) -> oneshot::Receiver<Result<(), FlushError>> {
        self.handle.request(request)
    }
}

impl fmt::Debug for TelemetryCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetryCollector")
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}

impl CollectorBuilder {
    /// Adds a sink. Each has a thread and a queue of its own.
    pub fn sink(mut self, sink: impl TelemetrySink + 'static) -> Self {
        self.sinks.push(Box::new(sink));
        self
    }

    /// Takes the time from `clock` in place of the system's clocks. Timeouts of flushes
    /// keep to the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Redacts by `redaction` in place of the built-in rules.
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = redaction;
        self
    }

    /// Starts the collector: one thread, and one for each sink.
    ///
    /// # Errors
    /// A setting out of its range; no thread from the system.
    pub fn start(self) -> Result<TelemetryCollector, StartError> {
        self.config.validate()?;
        let capacity = self.config.sink_queue_capacity;
        let couriers: Vec<_> = self
            .sinks
            .iter()
            .map(|sink| Arc::new(Courier::new(sink.name().to_owned(), capacity)))
            .collect();
        let workers = start_workers(self.sinks, &couriers)?;
        let shared = Arc::new(Shared::new(self.config, self.clock, self.redaction, couriers));
        let requests = Arc::new(Mutex::default());
        let dispatcher =
            Dispatcher { shared: Arc::clone(&shared), requests: Arc::clone(&requests), workers };
        let thread = spawn("telemetry", move || dispatcher.run()).inspect_err(|_| {
            shared.couriers.iter().for_each(|courier| courier.stop());
        })?;
        // Nobody else sets it.
        drop(shared.thread.set(thread.thread().clone()));
        let handle =
            Handle { shared: Arc::clone(&shared), requests, thread: Mutex::new(Some(thread)) };
        Ok(TelemetryCollector { shared, handle: Arc::new(handle) })
    }
}

fn start_workers(
    sinks: Vec<Box<dyn TelemetrySink>>,
    couriers: &[Arc<Courier>],
) -> Result<Vec<JoinHandle<()>>, StartError> {
    let start = |(sink, courier): (Box<dyn TelemetrySink>, &Arc<Courier>)| {
        let courier = Arc::clone(courier);
        spawn("telemetry-sink", move || courier.serve(&*sink))
    };
    let started: Result<Vec<_>, _> = sinks.into_iter().zip(couriers).map(start).collect();
    started.inspect_err(|_| couriers.iter().for_each(|courier| courier.stop()))
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StartError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(StartError::Thread)
}

/// Owns the threads.
struct Handle {
    shared: Arc<Shared>,
    requests: Arc<Mutex<Vec<Request>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Handle {
    /// Puts a question to the thread. If that has ended, or ends before it answers, the
    /// receiver learns that nobody will.
    fn request(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<(), FlushError>>) -> Request,
    ) -> oneshot::Receiver<Result<(), FlushError>> {
        let (answer, receiver) = oneshot::channel();
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.shared.closed.load(Ordering::Acquire) {
            requests.push(request(answer));
        }
        drop(requests);
        self.shared.wake();
        receiver
    }

    fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // Nothing in it panics, and if it did, there would be nobody to tell.
            drop(thread.join());
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        drop(self.request(Request::Stop));
        self.join();
    }
}
