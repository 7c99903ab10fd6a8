//! Brings records to one sink, on a thread of its own.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tracing::warn;

use crate::metrics::SinkMetrics;
use crate::record::Record;
use crate::sink::{SinkError, TelemetrySink};

/// How many records a sink gets at once.
const BATCH: usize = 512;

/// A mailbox with one reader.
pub(crate) struct Courier {
    name: String,
    capacity: usize,
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    records: VecDeque<Arc<Record>>,
    /// Who waits for a flush.
    flushes: Vec<Sender<Delivery>>,
    stopping: bool,
    delivered: u64,
    dropped: u64,
    failed: u64,
    last_error: Option<String>,
    /// Why records were not taken since the last flush.
    failure: Option<String>,
}

/// What a sink said to a flush.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) sink: String,
    pub(crate) error: Option<String>,
}

/// What the thread has to do next.
enum Work {
    Deliver(Vec<Arc<Record>>),
    Flush(Vec<Sender<Delivery>>),
    Stop,
}

impl Courier {
    pub(crate) fn new(name: String, capacity: usize) -> Self {
        Self { name, capacity, state: Mutex::default(), arrived: Condvar::new() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Puts a record into the mailbox, or counts it as dropped if that is full.
    pub(crate) fn send(&self, record: &Arc<Record>) {
        let mut state = self.lock();
        if state.records.len() >= self.capacity || state.stopping {
            state.dropped += 1;
            return;
        }
        state.records.push_back(Arc::clone(record));
        if state.records.len() == 1 {
            self.arrived.notify_one();
        }
    }

    /// Asks for an answer once all that was sent before is delivered and flushed.
    pub(crate) fn flush(&self, answer: Sender<Delivery>) {
        self.lock().flushes.push(answer);
        self.arrived.notify_one();
    }

    /// Ends the thread once the mailbox is empty.
    pub(crate) fn stop(&self) {
        self.lock().stopping = true;
        self.arrived.notify_one();
    }

    pub(crate) fn metrics(&self) -> SinkMetrics {
        let state = self.lock();
        SinkMetrics {
            name: self.name.clone(),
            delivered: state.delivered,
            dropped: state.dropped,
            failed: state.failed,
            last_error: state.last_error.clone(),
        }
    }

    /// Serves a sink until the courier is stopped.
    pub(crate) fn serve(&self, sink: &dyn TelemetrySink) {
        loop {
            match self.next() {
                Work::Deliver(records) => self.deliver(sink, &records),
                Work::Flush(answers) => self.flush_sink(sink, &answers),
                Work::Stop => return,
            }
        }
    }

    /// Records first: a flush promises what was sent before it.
    fn next(&self) -> Work {
        let mut state = self.lock();
        loop {
            if !state.records.is_empty() {
                let size = state.records.len().min(BATCH);
                return Work::Deliver(state.records.drain(..size).collect());
            }
            if !state.flushes.is_empty() {
                return Work::Flush(std::mem::take(&mut state.flushes));
            }
            if state.stopping {
                return Work::Stop;
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn deliver(&self, sink: &dyn TelemetrySink, records: &[Arc<Record>]) {
        let result = guarded(|| sink.accept(records));
        let count = records.len() as u64;
        match result {
            Ok(()) => self.lock().delivered += count,
            Err(error) => {
                self.complain(&error, count);
                let mut state = self.lock();
                state.failed += count;
                state.last_error = Some(error.clone());
                state.failure = Some(error);
            }
        }
    }

    fn flush_sink(&self, sink: &dyn TelemetrySink, answers: &[Sender<Delivery>]) {
        let flushed = guarded(|| sink.flush()).err();
        if let Some(error) = &flushed {
            self.complain(error, 0);
            self.lock().last_error = Some(error.clone());
        }
        // What was not taken before is not safe either, and who asks wants to know.
        let error = self.lock().failure.take().or(flushed);
        for answer in answers {
            // Who asked may have given up waiting.
            drop(answer.send(Delivery { sink: self.name.clone(), error: error.clone() }));
        }
    }

    /// Says so in the log, the first time and whenever the reason changes: a collector
    /// that is down for a night would fill it otherwise.
    fn complain(&self, error: &str, records: u64) {
        if self.lock().last_error.as_deref() != Some(error) {
            warn!(sink = self.name, error, records, "a telemetry sink failed");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No step leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a sink's method; a panic is an error like others.
fn guarded(call: impl FnOnce() -> Result<(), SinkError>) -> Result<(), String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| chain(&error)),
        Err(_) => Err("the sink panicked".to_owned()),
    }
}

/// The message of an error with those of its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
