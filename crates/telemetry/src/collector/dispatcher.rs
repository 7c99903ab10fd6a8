//! The collector's thread.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::oneshot;

use crate::collector::FlushError;
use crate::collector::courier::Delivery;
use crate::collector::shared::Shared;

/// What the thread is asked for.
pub(crate) enum Request {
    Flush(oneshot::Sender<Result<(), FlushError>>),
    Stop(oneshot::Sender<Result<(), FlushError>>),
}

impl Request {
    fn into_answer(self) -> oneshot::Sender<Result<(), FlushError>> {
        match self {
            Self::Flush(answer) | Self::Stop(answer) => answer,
        }
    }
}

/// Takes in what was recorded, at each interval and when it is called.
pub(crate) struct Dispatcher {
    pub(crate) shared: Arc<Shared>,
    pub(crate) requests: Arc<Mutex<Vec<Request>>>,
    pub(crate) workers: Vec<JoinHandle<()>>,
}

/// A flush that waits for the sinks.
struct Pending {
    deadline: Instant,
    waits_for: Vec<String>,
    failed: Vec<String>,
    deliveries: Receiver<Delivery>,
    answer: oneshot::Sender<Result<(), FlushError>>,
}

impl Dispatcher {
    pub(crate) fn run(mut self) {
        let mut pending: Vec<Pending> = Vec::new();
        loop {
            // Requests first: what was recorded before a request is taken in after it.
            let requests =
                std::mem::take(&mut *self.requests.lock().unwrap_or_else(PoisonError::into_inner));
            self.shared.take_in();
            for request in requests {
                match request {
                    Request::Flush(answer) => pending.push(self.ask_sinks(answer)),
                    Request::Stop(answer) => return self.stop(pending, answer),
                }
            }
            pending = pending.into_iter().filter_map(Pending::look).collect();
            std::thread::park_timeout(self.pause(&pending));
        }
    }

    /// A flush is looked after more often than the counters are.
    fn pause(&self, pending: &[Pending]) -> std::time::Duration {
        let interval = self.shared.config.interval;
        if pending.is_empty() {
            interval
        } else {
            interval.min(std::time::Duration::from_millis(1))
        }
    }

    fn ask_sinks(&self, answer: oneshot::Sender<Result<(), FlushError>>) -> Pending {
        let (sender, deliveries) = channel();
        for courier in &self.shared.couriers {
            courier.flush(sender.clone());
        }
        Pending {
            deadline: Instant::now() + self.shared.config.flush_timeout,
            waits_for: self
                .shared
                .couriers
                .iter()
                .map(|courier| courier.name().to_owned())
                .collect(),
            failed: Vec::new(),
            deliveries,
            answer,
        }
    }

    /// Closes the queues, takes in the rest, and takes the sinks down.
    fn stop(&mut self, pending: Vec<Pending>, answer: oneshot::Sender<Result<(), FlushError>>) {
        let late = self.close();
        self.shared.take_in();
        let last = self.ask_sinks(answer);
        let deadline = last.deadline;
        let late: Vec<Pending> =
            late.into_iter().map(|request| self.ask_sinks(request.into_answer())).collect();
        for courier in &self.shared.couriers {
            courier.stop();
        }
        for pending in pending.into_iter().chain([last]).chain(late) {
            pending.wait();
        }
        self.join(deadline);
    }

    /// From here on nobody asks any more; gives back who has asked meanwhile. Both under
    /// the lock that asking takes, so that nobody waits for an answer that never comes.
    fn close(&self) -> Vec<Request> {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.closed.store(true, Ordering::Release);
        std::mem::take(&mut *requests)
    }

    /// A thread that has answered ends at once. One that has not is in the hands of a
    /// sink that breaks its law of time: it is left behind, and was named in the answer.
    fn join(&mut self, deadline: Instant) {
        for worker in self.workers.drain(..) {
            while !worker.is_finished() && Instant::now() < deadline {
                std::thread::yield_now();
            }
            if worker.is_finished() {
                // It cannot have panicked: what a sink does is caught.
                drop(worker.join());
            }
        }
    }
}

impl Pending {
    /// Takes the answers that are there; nothing is left once all are, or time is up.
    fn look(mut self) -> Option<Self> {
        while let Ok(delivery) = self.deliveries.try_recv() {
            self.take(delivery);
        }
        if !self.waits_for.is_empty() && Instant::now() < self.deadline {
            return Some(self);
        }
        self.finish();
        None
    }

    /// Waits until all have answered or time is up.
    fn wait(mut self) {
        while !self.waits_for.is_empty() {
            let left = self.deadline.saturating_duration_since(Instant::now());
            match self.deliveries.recv_timeout(left) {
                Ok(delivery) => self.take(delivery),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        self.finish();
    }

    fn take(&mut self, delivery: Delivery) {
        // Two sinks may have one name; each answers for one of them.
        if let Some(place) = self.waits_for.iter().position(|name| *name == delivery.sink) {
            self.waits_for.swap_remove(place);
        }
        if let Some(error) = delivery.error {
            self.failed.push(format!("{}: {error}", delivery.sink));
        }
    }

    fn finish(self) {
        let result = if !self.waits_for.is_empty() {
            Err(FlushError::TimedOut { sinks: self.waits_for })
        } else if !self.failed.is_empty() {
            Err(FlushError::Failed { sinks: self.failed })
        } else {
            Ok(())
        };
        // Who asked may have given up waiting.
        drop(self.answer.send(result));
    }
}
