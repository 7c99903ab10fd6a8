use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergen_deployment::Deployer;
use evergen_events::{
    ChangeEvent, Consumer, ConsumerError, ConsumerName, GraphChangeNotifier, Position,
};
use evergen_quality_gates::GateKeeper;
use evergen_regeneration::Regenerator;
use evergen_telemetry::TelemetryCollector;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;

use super::engine::{Command, Engine, Intake};
use super::graves::{DeadEvents, MemoryDeadEvents};
use super::health_loop::{self, Mark};
use super::journal::{CycleFeed, CycleSummary, ParallelExecution};
use super::lifecycle::{Lifecycle, Stage};
use super::record;
use super::shared::{Handle, Seen, Shared, StopSignal};
use crate::config::{ConfigError, OrchestratorConfig};
use crate::health::{HealthReport, ResourceProbe, SystemResources};
use crate::recommend::Recommendation;
use crate::scheduler::SchedulerView;
use crate::statistics::{OrchestrationStats, Statistics, StatisticsFile};

/// Runs the loop: takes events from a log, has them regenerated, gated, committed and deployed,
/// and acknowledges them when that is done.
///
/// Cheap to clone; all clones are one loop. It needs a tokio runtime with time. When
/// the last clone is dropped while the loop runs, the loop stops as by [`stop`](Self::stop).
///
/// Give it its parts (`with_…`) before it is cloned: with another part, a clone is another loop.
#[derive(Clone)]
pub struct RegenerationOrchestrator {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
}

/// Why a loop was not started. Nothing of it is there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It runs, or is being started.
    #[error("the orchestrator is running already")]
    AlreadyRunning,
    /// It is being stopped; it can be started again when that is done.
    #[error("the orchestrator is being stopped")]
    Stopping,
    /// A setting is out of its range.
    #[error("the orchestrator can't be started with these settings")]
    Config(#[from] ConfigError),
    /// The log does not give its events.
    #[error("the log does not give its events")]
    Consumer(#[from] ConsumerError),
}

/// Why a loop was not stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StopError {
    /// It does not run.
    #[error("the orchestrator is not running")]
    NotRunning,
}

/// Why a cycle has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// A setting is out of its range.
    #[error("the orchestrator can't work with these settings")]
    Config(#[from] ConfigError),
    /// The loop was stopped before all events came to their end.
    #[error("the orchestrator was stopped before the cycle ended")]
    Stopped,
}

/// How a loop was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StopReport {
    /// Tasks that did not end though they were cancelled, and may still be there.
    pub abandoned: usize,
    /// Whether telemetry was written out.
    pub flushed: bool,
}

const FLUSH_TIMEOUT: Duration = Duration::from_secs(10);
/// How long writing statistics down may take when the loop ends.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(10);
const COMMANDS: usize = 64;

impl RegenerationOrchestrator {
    /// A loop that does not run yet. The settings are held against their ranges by
    /// [`start`](Self::start).
    pub fn new(
        config: OrchestratorConfig,
        regeneration: Arc<dyn Regenerator>,
        deployment: Arc<dyn Deployer>,
        telemetry: TelemetryCollector,
        notifier: GraphChangeNotifier,
    ) -> Self {
        let shared = Shared {
            config,
            regeneration,
            deployment,
            gates: None,
            telemetry,
            notifier,
            dead_events: Arc::new(MemoryDeadEvents::default()),
            file: None,
            resources: Arc::new(SystemResources::new(".")),
            consumer: ConsumerName::parse("orchestrator").ok(),
            lifecycle: Lifecycle::new(),
            engine: Arc::new(Semaphore::new(1)),
            origin: Instant::now(),
            seen: Mutex::new(Seen::nothing()),
        };
        Self { inner: Arc::new(Inner { shared: Arc::new(shared) }) }
    }

    /// Asks these gates before anything becomes visible.
    #[must_use]
    pub fn with_gates(self, gates: Arc<dyn GateKeeper>) -> Self {
        self.with(|shared| shared.gates = Some(gates))
    }

    /// Keeps events that failed for good there, and not in memory.
    #[must_use]
    pub fn with_dead_events(self, dead_events: Arc<dyn DeadEvents>) -> Self {
        self.with(|shared| shared.dead_events = dead_events)
    }

    /// Keeps statistics in this file: at each health check, and at the end.
    #[must_use]
    pub fn with_statistics_file(self, file: StatisticsFile) -> Self {
        self.with(|shared| shared.file = Some(file))
    }

    /// Asks this for what the system has left.
    #[must_use]
    pub fn with_resources(self, resources: Arc<dyn ResourceProbe>) -> Self {
        self.with(|shared| shared.resources = resources)
    }

    /// Reads the log in this name, and not as `orchestrator`.
    #[must_use]
    pub fn with_consumer(self, consumer: ConsumerName) -> Self {
        self.with(|shared| shared.consumer = Some(consumer))
    }

    /// Changes a part. If others hold this loop, it is one of its own that the part is given to,
    /// with all else as here: a part that was ignored could be the gates.
    fn with(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        let inner = Arc::get_mut(&mut self.inner);
        if let Some(shared) = inner.and_then(|inner| Arc::get_mut(&mut inner.shared)) {
            change(shared);
            return self;
        }
        let mut shared = self.shared().anew();
        change(&mut shared);
        Self { inner: Arc::new(Inner { shared: Arc::new(shared) }) }
    }

    /// The settings.
    pub fn config(&self) -> &OrchestratorConfig {
        &self.shared().config
    }

    /// Starts the loop: all of it, or nothing.
    ///
    /// # Errors
    /// See [`StartError`]. Of two starts at once, one succeeds.
    ///
    /// # Cancellation safety
    /// A dropped future has not started anything.
    pub async fn start(&self) -> Result<(), StartError> {
        let shared = self.shared();
        shared.config.validate()?;
        shared.lifecycle.begin().map_err(|stage| match stage {
            Stage::Stopping(_) => StartError::Stopping,
            _ => StartError::AlreadyRunning,
        })?;
        let undo = Undo(shared);
        let intake = self.open_log().await?;
        // Waits for a cycle that is executed by hand. The semaphore is never closed.
        let permit = Arc::clone(&shared.engine).acquire_owned().await.ok();
        self.load_statistics().await;
        // Before anything of it runs, so that the first check misses nothing.
        let before = Mark::of(shared);
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let (stop, stops) = StopSignal::new();
        let engine = Engine::new(Arc::clone(shared), intake, receiver, stops)?;
        let (tell_end, end) = watch::channel(None);
        shared.lifecycle.started(Handle { commands, stop: Arc::new(stop), end });
        std::mem::forget(undo);
        record::started(shared);
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            let end = End(Arc::clone(&shared));
            let report = supervise(&shared, engine, before).await;
            drop((permit, end));
            tell_end.send_replace(Some(report));
        });
        Ok(())
    }

    /// Stops the loop: nothing new starts, running tasks and cycles that somebody waits for have
    /// [`stop_grace_ms`](OrchestratorConfig::stop_grace_ms) to finish, the rest is cancelled
    /// and stays in the log. When it returns, nothing of the loop is left but what the report
    /// says, statistics are kept and telemetry is flushed.
    ///
    /// A second call while the first one waits cuts the grace short.
    ///
    /// # Errors
    /// The loop does not run.
    ///
    /// # Cancellation safety
    /// The loop goes on stopping when the future is dropped.
    pub async fn stop(&self) -> Result<StopReport, StopError> {
        self.stop_within(Duration::from_millis(self.config().stop_grace_ms)).await
    }

    /// The same with another grace.
    ///
    /// # Errors
    /// The loop does not run.
    pub async fn stop_within(&self, grace: Duration) -> Result<StopReport, StopError> {
        let (handle, again) = self.shared().lifecycle.stop().ok_or(StopError::NotRunning)?;
        let grace = if again { Duration::ZERO } else { grace };
        handle.stop.give(grace);
        let mut end = handle.end;
        let report = end.wait_for(Option::is_some).await.ok().and_then(|report| *report);
        report.ok_or(StopError::NotRunning)
    }

    /// Whether the loop is there: started, and not at its end.
    pub fn is_running(&self) -> bool {
        self.shared().lifecycle.is_alive()
    }

    /// Starts nothing new until [`resume`](Self::resume); what runs goes on. False if the
    /// loop does not run, or is too busy to be told.
    pub fn pause(&self) -> bool {
        self.tell(Command::Pause)
    }

    /// Starts again. False if the loop does not run, or is too busy to be told.
    pub fn resume(&self) -> bool {
        self.tell(Command::Resume)
    }

    /// Works through these events as one cycle, which shares the limits with the loop if that
    /// runs. The events don't go through the log; those that fail for good become dead letters.
    ///
    /// # Errors
    /// See [`ExecuteError`]. Tasks that fail are no error; they are counted in the result.
    ///
    /// # Cancellation safety
    /// When the future is dropped, the cycle goes on.
    pub async fn execute_cycle(
        &self,
        events: Vec<ChangeEvent>,
    ) -> Result<ParallelExecution, ExecuteError> {
        let shared = self.shared();
        shared.config.validate()?;
        let (reply, result) = oneshot::channel();
        let mut command = Command::Execute { events, reply };
        if let Some(handle) = shared.lifecycle.running() {
            match handle.commands.send(command).await {
                Ok(()) => return result.await.map_err(|_| ExecuteError::Stopped),
                Err(unsent) => command = unsent.0,
            }
        }
        let permit = Arc::clone(&shared.engine).acquire_owned().await.ok();
        let (commands, receiver) = mpsc::channel(1);
        let (stop, stops) = StopSignal::new();
        let engine = Engine::new(Arc::clone(shared), None, receiver, stops)?;
        tokio::spawn(async move {
            engine.run().await;
            drop(permit);
        });
        // The channel has room for it.
        let _ = commands.send(command).await;
        let result = result.await.map_err(|_| ExecuteError::Stopped);
        stop.give(Duration::ZERO);
        result
    }

    /// What the loop has done, as one consistent picture.
    pub fn get_stats(&self) -> OrchestrationStats {
        let now = self.shared().now();
        self.shared().seen().statistics.snapshot(now)
    }

    /// How the loop was at the last health check.
    pub fn health(&self) -> HealthReport {
        self.shared().seen().health.clone()
    }

    /// What might make it better, as of the last health check.
    pub fn recommendations(&self) -> Vec<Recommendation> {
        self.shared().seen().recommendations.clone()
    }

    /// What the loop has in hand.
    pub fn view(&self) -> SchedulerView {
        self.shared().seen().view.clone()
    }

    /// The last cycles, oldest first; 256 at most.
    pub fn recent_cycles(&self) -> Vec<Arc<CycleSummary>> {
        self.shared().seen().journal.recent()
    }

    /// Cycles from now on, as they end.
    pub fn follow_cycles(&self) -> CycleFeed {
        self.shared().seen().journal.follow()
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.inner.shared
    }

    fn tell(&self, command: Command) -> bool {
        let running = self.shared().lifecycle.running();
        running.is_some_and(|handle| handle.commands.try_send(command).is_ok())
    }

    async fn open_log(&self) -> Result<Option<Intake>, StartError> {
        let shared = self.shared();
        let Some(name) = shared.consumer.clone().filter(|_| shared.config.autonomous) else {
            return Ok(None);
        };
        let log = Arc::clone(shared.notifier.log());
        let consumer = Consumer::open(log, name, Position::Oldest).await?;
        Ok(Some(Intake { acknowledger: consumer.acknowledger(), consumer }))
    }

    async fn load_statistics(&self) {
        let shared = self.shared();
        let Some(file) = shared.file.clone() else { return };
        if shared.seen().statistics.snapshot(Duration::ZERO).total_cycles > 0 {
            // It was running before, and counts on.
            return;
        }
        let Ok((stats, notice)) = tokio::task::spawn_blocking(move || file.load()).await else {
            return;
        };
        if let Some(notice) = notice {
            tracing::warn!(%notice, "statistics of earlier runs are lost");
        }
        shared.seen().statistics = Statistics::resume(stats);
    }
}

/// Runs the engine and the health checks, and cleans up behind them.
async fn supervise(shared: &Arc<Shared>, engine: Engine, before: Mark) -> StopReport {
    // Dropped with this future, too, whatever ends it.
    let (leave, left) = oneshot::channel();
    let mut health = tokio::spawn(health_loop::run(Arc::clone(shared), before, left));
    let abandoned = engine.run().await;
    drop(leave);
    if tokio::time::timeout(HEALTH_TIMEOUT, &mut health).await.is_err() {
        tracing::error!("the health checks do not end");
        health.abort();
    }
    health_loop::keep_statistics(shared).await;
    record::stopped(shared);
    let flushed = tokio::time::timeout(FLUSH_TIMEOUT, shared.telemetry.flush()).await;
    StopReport { abandoned, flushed: matches!(flushed, Ok(Ok(()))) }
}

/// Notes that the loop has ended, however it did.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.lifecycle.ended();
    }
}

/// Takes a start back, unless it is forgotten.
struct Undo<'a>(&'a Shared);

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        self.0.lifecycle.undo();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some((handle, _)) = self.shared.lifecycle.stop() {
            handle.stop.give(Duration::from_millis(self.shared.config.stop_grace_ms));
        }
    }
}

impl fmt::Debug for RegenerationOrchestrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegenerationOrchestrator")
            .field("config", self.config())
            .field("running", &self.is_running())
            .finish_non_exhaustive()
    }
}
