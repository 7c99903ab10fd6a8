use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use evergen_deployment::Deployer;
use evergen_events::{ConsumerName, GraphChangeNotifier};
use evergen_quality_gates::GateKeeper;
use evergen_regeneration::Regenerator;
use evergen_telemetry::{Histogram, TelemetryCollector};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::Instant;

use super::engine::Command;
use super::graves::DeadEvents;
use super::journal::Journal;
use super::lifecycle::Lifecycle;
use super::orchestrator::StopReport;
use crate::config::OrchestratorConfig;
use crate::health::{HealthReport, ResourceProbe};
use crate::recommend::Recommendation;
use crate::scheduler::SchedulerView;
use crate::statistics::{Statistics, StatisticsFile, Tally};

/// What the loop is given, and what can be seen of it.
pub(super) struct Shared {
    pub(super) config: OrchestratorConfig,
    pub(super) regeneration: Arc<dyn Regenerator>,
    pub(super) deployment: Arc<dyn Deployer>,
    pub(super) gates: Option<Arc<dyn GateKeeper>>,
    pub(super) telemetry: TelemetryCollector,
    pub(super) notifier: GraphChangeNotifier,
    pub(super) dead_events: Arc<dyn DeadEvents>,
    pub(super) file: Option<StatisticsFile>,
    pub(super) resources: Arc<dyn ResourceProbe>,
    pub(super) consumer: Option<ConsumerName>,
    pub(super) lifecycle: Lifecycle<Handle>,
    /// Whoever has the permit runs an engine, so that the limit holds for all of them together.
    pub(super) engine: Arc<Semaphore>,
    pub(super) origin: Instant,
    pub(super) seen: Mutex<Seen>,
}

/// What can be seen of the loop. No lock on it is held for longer than a copy takes.
pub(super) struct Seen {
    pub(super) statistics: Statistics,
    pub(super) journal: Journal,
    pub(super) view: SchedulerView,
    pub(super) health: HealthReport,
    pub(super) recommendations: Vec<Recommendation>,
    pub(super) gathered: Gathered,
}

/// What recommendations are made from.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered {
    pub(super) saturated: Duration,
    pub(super) rendered: u64,
    pub(super) unchanged: u64,
    pub(super) tasks: Histogram,
    pub(super) failed_errands: u64,
    pub(super) failed_reads: u64,
}

/// What reaches a running loop.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) stop: Arc<StopSignal>,
    pub(super) end: watch::Receiver<Option<StopReport>>,
}

/// Tells an engine to stop. Beside the commands, so that it gets through however many wait.
#[derive(Debug)]
pub(super) struct StopSignal(watch::Sender<Option<Duration>>);

impl StopSignal {
    pub(super) fn new() -> (Self, watch::Receiver<Option<Duration>>) {
        let (sender, receiver) = watch::channel(None);
        (Self(sender), receiver)
    }

    /// Stops within this time; a second call can only make it shorter.
    pub(super) fn give(&self, grace: Duration) {
        self.0.send_modify(|known| *known = Some(known.map_or(grace, |known| known.min(grace))));
    }
}

impl Seen {
    pub(super) fn nothing() -> Self {
        Self {
            statistics: Statistics::default(),
            journal: Journal::new(),
            view: SchedulerView::default(),
            health: HealthReport::default(),
            recommendations: Vec::new(),
            gathered: Gathered::default(),
        }
    }
}

impl Shared {
    /// A loop with the same parts that nobody has yet, and that has done nothing.
    pub(super) fn anew(&self) -> Self {
        Self {
            config: self.config.clone(),
            regeneration: Arc::clone(&self.regeneration),
            deployment: Arc::clone(&self.deployment),
            gates: self.gates.clone(),
            telemetry: self.telemetry.clone(),
            notifier: self.notifier.clone(),
            dead_events: Arc::clone(&self.dead_events),
            file: self.file.clone(),
            resources: Arc::clone(&self.resources),
            consumer: self.consumer.clone(),
            lifecycle: Lifecycle::new(),
            engine: Arc::new(Semaphore::new(1)),
            origin: Instant::now(),
            seen: Mutex::new(Seen::nothing()),
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        // What is behind the lock is changed by plain assignments, so it is whole after a panic.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, tally: Tally) {
        let now = self.now();
        self.seen().statistics.count(tally, now);
    }
}
