//! What recording, reading and the collector's thread share.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;

use crossbeam_queue::ArrayQueue;

use crate::cells::{COMPONENTS, Shard};
use crate::clock::Clock;
use crate::collector::components::Components;
use crate::collector::config::TelemetryConfig;
use crate::collector::courier::Courier;
use crate::errors::ErrorAnalytics;
use crate::event::{Body, TelemetryEvent};
use crate::metrics::{Dropped, Gauge, Metrics, WindowMetrics};
use crate::record::Record;
use crate::redaction::Redaction;
use crate::subjects::Subjects;
use crate::windows::{Window, Windows};

thread_local! {
    /// Where this thread counts.
    static PLACE: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// The place for the next thread that records.
static NEXT_PLACE: AtomicUsize = AtomicUsize::new(0);

pub(crate) struct Shared {
    pub(crate) config: TelemetryConfig,
    clock: Arc<dyn Clock>,
    redaction: Redaction,
    shards: Vec<Shard>,
    queues: Vec<ArrayQueue<TelemetryEvent>>,
    components: Components,
    gauges: Gauges,
    dropped: AtomicU64,
    /// Nobody takes from the queues any more.
    pub(crate) closed: AtomicBool,
    /// The collector's thread was called and has not come yet.
    called: AtomicBool,
    pub(crate) thread: OnceLock<Thread>,
    pub(crate) couriers: Vec<Arc<Courier>>,
    analysis: Mutex<Analysis>,
}

/// What is known of the past. Locked by readers and by the collector's thread, never by
/// who records.
struct Analysis {
    windows: Windows,
    errors: ErrorAnalytics,
    subjects: Subjects,
}

impl Shared {
    pub(crate) fn new(
        config: TelemetryConfig,
        clock: Arc<dyn Clock>,
        redaction: Redaction,
        couriers: Vec<Arc<Courier>>,
    ) -> Self {
        let room = config.queue_capacity.div_ceil(config.shards);
        let analysis = Analysis {
            windows: Windows::new(clock.elapsed()),
            errors: ErrorAnalytics::new(config.max_error_groups),
            subjects: Subjects::new(config.max_subjects),
        };
        Self {
            shards: std::iter::repeat_with(Shard::new).take(config.shards).collect(),
            queues: std::iter::repeat_with(|| ArrayQueue::new(room)).take(config.shards).collect(),
            config,
            clock,
            redaction,
            components: Components::new(),
            gauges: Gauges::new(),
            dropped: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            called: AtomicBool::new(false),
            thread: OnceLock::new(),
            couriers,
            analysis: Mutex::new(analysis),
        }
    }

    /// The hot path: no lock, no allocation, no system call as long as the event has no
    /// detail and there are no sinks.
    pub(crate) fn record(&self, event: TelemetryEvent) {
        let place = place() % self.shards.len();
        let component = self.components.place(event.component);
        self.shards[place].count(&event, component);
        self.gauges.set(component, &event.body);
        if event.detail.is_some() || !self.couriers.is_empty() {
            self.queue(place, event);
        }
    }

    fn queue(&self, place: usize, mut event: TelemetryEvent) {
        event.at.get_or_insert_with(|| self.clock.now());
        let queue = &self.queues[place];
        if self.closed.load(Ordering::Acquire) || queue.push(event).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        } else if queue.len() * 2 >= queue.capacity() {
            self.call();
        }
    }

    /// Wakes the collector's thread, once until it has come.
    fn call(&self) {
        if !self.called.swap(true, Ordering::AcqRel) {
            self.wake();
        }
    }

    pub(crate) fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Takes in what was recorded: counters into windows, events to analytics and sinks.
    pub(crate) fn take_in(&self) {
        // A swap: what was queued before a call that it undoes is seen below.
        self.called.swap(false, Ordering::AcqRel);
        let mut analysis = self.analysis();
        self.take_in_locked(&mut analysis);
    }

    fn take_in_locked(&self, analysis: &mut Analysis) {
        analysis.windows.look(self.clock.elapsed(), &self.shards);
        for queue in &self.queues {
            // Bounded by what is there now, so that who records without end holds up nobody.
            for _ in 0..queue.len() {
                let Some(event) = queue.pop() else { break };
                let record = Arc::new(Record::new(event, self.clock.now(), &self.redaction));
                analysis.errors.observe(&record);
                analysis.subjects.observe(&record);
                for courier in &self.couriers {
                    courier.send(&record);
                }
            }
        }
    }

    pub(crate) fn metrics(&self) -> Metrics {
        let mut analysis = self.analysis();
        self.take_in_locked(&mut analysis);
        let at = self.clock.now();
        let names = self.components.names();
        let read = |window| WindowMetrics::read(window, &analysis.windows.window(window), &names);
        let windows: Vec<_> = Window::ALL.into_iter().map(read).collect();
        Metrics {
            at,
            uptime: windows[Window::Total.index()].covers,
            queues: Gauges::read(&self.gauges.queues, &names),
            limits: Gauges::read(&self.gauges.limits, &names),
            dropped: Dropped {
                events: self.dropped.load(Ordering::Relaxed),
                unnamed_components: self.components.unnamed(),
                error_groups: analysis.errors.evicted(),
                subjects: analysis.subjects.evicted(),
            },
            sinks: self.couriers.iter().map(|courier| courier.metrics()).collect(),
            errors: analysis.errors.groups(at),
            subjects: analysis.subjects.list(),
            windows,
        }
    }

    fn analysis(&self) -> MutexGuard<'_, Analysis> {
        // Whoever panicked in the middle of a look has at worst left out an event.
        self.analysis.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of this thread, given out in turn.
fn place() -> usize {
    let place = PLACE.get();
    if place != usize::MAX {
        return place;
    }
    let place = NEXT_PLACE.fetch_add(1, Ordering::Relaxed);
    PLACE.set(place);
    place
}

/// The last samples, by component.
struct Gauges {
    queues: [LastSample; COMPONENTS],
    limits: [LastSample; COMPONENTS],
}

struct LastSample {
    used: AtomicU64,
    /// One more than the capacity; zero if there was no sample.
    capacity: AtomicU64,
}

impl Gauges {
    fn new() -> Self {
        let none = || LastSample { used: AtomicU64::new(0), capacity: AtomicU64::new(0) };
        Self { queues: std::array::from_fn(|_| none()), limits: std::array::from_fn(|_| none()) }
    }

    fn set(&self, component: usize, body: &Body) {
        let (sample, used, capacity) = match *body {
            Body::QueueSampled { depth, capacity } => (&self.queues[component], depth, capacity),
            Body::SaturationSampled { busy, limit } => (&self.limits[component], busy, limit),
            _ => return,
        };
        sample.used.store(used, Ordering::Relaxed);
        sample.capacity.store(capacity.saturating_add(1), Ordering::Relaxed);
    }

    fn read(
        samples: &[LastSample; COMPONENTS],
        names: &[&'static str],
    ) -> BTreeMap<&'static str, Gauge> {
        let gauge = |sample: &LastSample| {
            let capacity = sample.capacity.load(Ordering::Relaxed).checked_sub(1)?;
            Some(Gauge { used: sample.used.load(Ordering::Relaxed), capacity })
        };
        names
            .iter()
            .zip(samples)
            .filter_map(|(name, sample)| Some((*name, gauge(sample)?)))
            .collect()
    }
}
