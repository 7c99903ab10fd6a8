//! The loop of one `evergen watch`, from its start to its end.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use evergen_deployment::DeploymentAutomation;
use evergen_events::{
    DeadLetters, GraphChangeNotifier, OpenError, Retention, SegmentLog, SegmentSettings, TornTail,
};
use evergen_orchestrator::{
    Advice, CycleFeed, CycleSummary, HealthStatus, OrchestratorConfig, Recommendation,
    RegenerationOrchestrator, StatisticsFile, SystemResources,
};
use evergen_regeneration::{Access, Diagnostic, Project, SharedEngine};
use evergen_telemetry::{JsonLinesSink, Rotation, TelemetryCollector, TelemetryConfig};
use jiff::Timestamp;
use tokio::time::MissedTickBehavior;

use super::changes;
use super::observed::{Findings, Observed};
use super::{Audience, News, Wish};
use crate::arguments::{Asked, Watch};
use crate::diary::{
    CycleRecord, Diary, HealthLine, LoopState, LoopStatus, QueueStatus, Request, Requests,
    TotalsStatus, WatchingStatus,
};
use crate::failure::{Failure, Verdict};
use crate::project::Chosen;
use crate::short::ShortNames;
use crate::signals::Signals;
use crate::watching::{Burst, Bursts, FileKind, FileWatcher, WatchMode, WatchScope, WatchTiming};

/// How often the status is written and requests are looked for.
const TICK: Duration = Duration::from_millis(500);
/// A status that says nothing new is written so often, as a sign of life.
const REWRITE: Duration = Duration::from_secs(10);
/// How often old events are removed from the log.
const TRIM: Duration = Duration::from_mins(10);
/// What is kept of the log: enough to see what happened in a week.
const KEPT_BYTES: u64 = 64 << 20;
const KEPT_AGE: Duration = Duration::from_hours(24 * 7);
/// How large a segment of the log is.
const SEGMENT: u64 = 1 << 20;
/// How many dead letters may wait for a person.
const MOST_DEAD: usize = 10_000;

/// A loop that is put together and not started.
pub(super) struct Session {
    asked: Asked,
    diary: Diary,
    orchestrator: RegenerationOrchestrator,
    notifier: GraphChangeNotifier,
    dead: Arc<DeadLetters>,
    telemetry: TelemetryCollector,
    findings: Findings,
    short: ShortNames,
    watcher: FileWatcher,
    bursts: Bursts,
    signals: Signals,
    since: String,
    remarks: Vec<String>,
    last: Option<CycleRecord>,
    written: Option<(LoopStatus, Instant)>,
    state: LoopState,
}

impl Session {
    /// Opens everything that the loop works with. Needs a runtime around it.
    pub(super) fn open(arguments: &Watch, chosen: &Chosen) -> Result<Self, Failure> {
        let signals =
            Signals::new().map_err(|error| Failure::storage("waiting for signals", &error))?;
        let wait = Some(Duration::from_secs(arguments.wait));
        // The lock on the project comes first: who has it has the loop's folder, too.
        let engine = chosen.open(Access::Write { wait })?;
        let diary = Diary::of(&engine.project().state_dir());
        std::fs::create_dir_all(diary.folder()).map_err(|error| {
            Failure::storage(format!("making `{}`", diary.folder().display()), &error)
        })?;
        let config = config(arguments)?;
        let (watcher, bursts) = watcher(chosen)?;
        let mut remarks = Vec::new();
        let (log, dead) = logs(&diary, &mut remarks)?;
        let notifier = GraphChangeNotifier::builder()
            .with_log(Arc::new(log))
            .build()
            .map_err(|error| Failure::storage("opening the log of events", &error))?;
        let sink = JsonLinesSink::open(diary.records(), Rotation::default())
            .map_err(|error| Failure::storage("opening the records", &error))?;
        let telemetry = TelemetryCollector::builder(TelemetryConfig::default())
            .sink(sink)
            .start()
            .map_err(|error| Failure::storage("starting telemetry", &error))?;
        let findings = Findings::default();
        let reload = reload(arguments.asked.clone());
        let engine = SharedEngine::with_reload(engine, reload)?;
        let observed = Observed::new(engine, findings.clone(), telemetry.clone());
        let deployment = DeploymentAutomation::new(Vec::new())
            .map_err(|error| Failure::storage("opening environments", &error))?;
        let orchestrator = RegenerationOrchestrator::new(
            config,
            Arc::new(observed),
            Arc::new(deployment),
            telemetry.clone(),
            notifier.clone(),
        )
        .with_dead_events(Arc::clone(&dead) as _)
        .with_statistics_file(StatisticsFile::new(diary.statistics()))
        .with_resources(Arc::new(SystemResources::new(diary.folder())));
        Ok(Self {
            asked: arguments.asked.clone(),
            diary,
            orchestrator,
            notifier,
            dead,
            telemetry,
            findings,
            short: chosen.short.clone(),
            watcher,
            bursts,
            signals,
            since: Timestamp::now().to_string(),
            remarks,
            last: None,
            written: None,
            state: LoopState::Running,
        })
    }

    /// Runs the loop until somebody ends it.
    pub(super) async fn run(mut self, audience: &mut dyn Audience) -> Result<Verdict, Failure> {
        let mut cycles = self.orchestrator.follow_cycles();
        let started = self.orchestrator.start().await;
        started.map_err(|error| Failure::storage("starting the loop", &error))?;
        self.publish(vec![changes::beginning()]).await?;
        audience.show(News::Begun);
        for remark in std::mem::take(&mut self.remarks) {
            audience.show(News::Remark(&remark));
        }
        let ended = self.follow(&mut cycles, audience).await;
        audience.show(News::Ending);
        self.state = LoopState::Stopped;
        let stopped = self.stop(&mut cycles, audience).await;
        self.watcher.stop().await;
        ended?;
        stopped?;
        Ok(Verdict::Yes)
    }

    async fn follow(
        &mut self,
        cycles: &mut CycleFeed,
        audience: &mut dyn Audience,
    ) -> Result<(), Failure> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut trimmed = Instant::now();
        loop {
            tokio::select! {
                () = self.signals.next() => return Ok(()),
                Some(burst) = self.bursts.next() => self.take(&burst, audience).await?,
                Some(cycle) = cycles.next() => self.tell(&cycle, audience)?,
                _ = tick.tick() => {
                    self.answer_requests(audience).await?;
                    self.write_status(audience)?;
                    if trimmed.elapsed() > TRIM {
                        trimmed = Instant::now();
                        self.trim(audience).await;
                    }
                    for wish in audience.wishes() {
                        match wish {
                            Wish::Quit => return Ok(()),
                            Wish::PauseOrResume => self.pause_or_resume(),
                            Wish::Look => self.publish(vec![changes::beginning()]).await?,
                        }
                    }
                }
            }
        }
    }

    /// Publishes what a burst tells of.
    async fn take(&mut self, burst: &Burst, audience: &mut dyn Audience) -> Result<(), Failure> {
        if burst.rescan {
            audience
                .show(News::Remark("the system lost track of changes; everything is looked at"));
        }
        if burst.files.values().any(|kind| *kind == FileKind::Configuration) {
            // Where the configuration is wrong, the engine says so; the scope stays as it was.
            if let Ok(chosen) = Chosen::again(&self.asked) {
                let rescoped = self.watcher.rescope(scope(&chosen)).await;
                rescoped.map_err(|error| Failure::storage("watching files", &error))?;
            }
        }
        self.publish(changes::events(burst)).await
    }

    async fn publish(&self, events: Vec<evergen_events::ChangeEvent>) -> Result<(), Failure> {
        let published = self.notifier.publish_batch(events).await;
        published.map(drop).map_err(|error| Failure::storage("writing the log of events", &error))
    }

    /// Notes a cycle and shows it.
    fn tell(&mut self, cycle: &CycleSummary, audience: &mut dyn Audience) -> Result<(), Failure> {
        let record = CycleRecord::new(cycle, self.findings.take(cycle.id), &self.short);
        self.diary
            .cycles()
            .append(&record)
            .map_err(|error| Failure::storage("writing the history of cycles", &error))?;
        audience.show(News::Cycle(&record));
        self.last = Some(record);
        self.write_status(audience)
    }

    /// Shows the status, and writes it where it says something new or was not written for long.
    fn write_status(&mut self, audience: &mut dyn Audience) -> Result<(), Failure> {
        let status = self.status();
        audience.show(News::Status(&status));
        let is_known = self.written.as_ref().is_some_and(|(known, at)| {
            let same = LoopStatus { updated_at: status.updated_at.clone(), ..known.clone() };
            same == status && at.elapsed() < REWRITE
        });
        if !is_known {
            status
                .write(&self.diary.status())
                .map_err(|error| Failure::storage("writing the status", &error))?;
            self.written = Some((status, Instant::now()));
        }
        Ok(())
    }

    fn pause_or_resume(&mut self) {
        if self.state == LoopState::Paused {
            self.orchestrator.resume();
            self.state = LoopState::Running;
        } else {
            self.orchestrator.pause();
            self.state = LoopState::Paused;
        }
    }

    /// Does what other processes have asked for.
    async fn answer_requests(&mut self, audience: &mut dyn Audience) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::storage("reading requests", &error);
        for (path, request) in self.diary.requests().waiting().map_err(failed)? {
            let answer = match request {
                Ok(request) => self.answer(&request).await,
                Err(error) => Err(format!("a request can't be read: {error}")),
            };
            Requests::answered(&path).map_err(failed)?;
            audience.show(News::Remark(&answer.unwrap_or_else(|why| why)));
        }
        Ok(())
    }

    async fn answer(&mut self, request: &Request) -> Result<String, String> {
        let shown = |error: &dyn std::error::Error| error.to_string();
        match request {
            Request::Replay { id } => {
                let offset = self.dead.replay(*id, &self.notifier).await;
                offset
                    .map(|offset| format!("dead letter {id} is event {offset} now"))
                    .map_err(|error| shown(&error))
            }
            Request::Drop { id } => {
                let dropped = self.dead.discard(*id).await;
                dropped
                    .map(|_| format!("dead letter {id} is dropped"))
                    .map_err(|error| shown(&error))
            }
            Request::Repeat { from, until } => {
                crate::verbs::events::repeat(&self.notifier, *from..*until).await
            }
        }
    }

    async fn trim(&self, audience: &mut dyn Audience) {
        let retention = Retention::everything().with_max_bytes(KEPT_BYTES).with_max_age(KEPT_AGE);
        if let Err(error) = self.notifier.log().trim(retention, Timestamp::now()).await {
            audience.show(News::Remark(&format!("old events could not be removed: {error}")));
        }
    }

    /// Ends the loop; another signal meanwhile cuts it short.
    async fn stop(
        &mut self,
        cycles: &mut CycleFeed,
        audience: &mut dyn Audience,
    ) -> Result<(), Failure> {
        let orchestrator = self.orchestrator.clone();
        let stopping = orchestrator.stop();
        tokio::pin!(stopping);
        let stopped = tokio::select! {
            stopped = &mut stopping => stopped,
            () = self.signals.next() => orchestrator.stop_within(Duration::ZERO).await,
        };
        while let Some(Some(cycle)) = futures::FutureExt::now_or_never(cycles.next()) {
            self.tell(&cycle, audience)?;
        }
        if let Ok(report) = &stopped
            && report.abandoned > 0
        {
            audience.show(News::Remark("work was abandoned; it is done when the loop runs again"));
        }
        drop(self.telemetry.shutdown().await);
        self.write_status(audience)
    }

    fn status(&self) -> LoopStatus {
        let view = self.orchestrator.view();
        let health = self.orchestrator.health();
        let findings = health.findings.iter().map(|finding| HealthLine {
            status: name(finding.status).to_owned(),
            text: finding.text.clone(),
        });
        let failing = self.last.iter().filter(|cycle| !cycle.is_good());
        let advice = self.orchestrator.recommendations();
        LoopStatus {
            state: self.state,
            pid: std::process::id(),
            since: self.since.clone(),
            updated_at: Timestamp::now().to_string(),
            watching: match self.watcher.mode() {
                WatchMode::Events => WatchingStatus { mode: "events".to_owned(), why: None },
                WatchMode::Polling { why } => {
                    WatchingStatus { mode: "polling".to_owned(), why: Some(why) }
                }
            },
            health: name(health.status).to_owned(),
            findings: findings.collect(),
            queue: QueueStatus {
                in_hand: view.in_hand as u64,
                ready: view.ready as u64,
                working: view.working as u64,
                limit: view.limit as u64,
                open_breakers: view
                    .open_breakers
                    .iter()
                    .map(|component| component.name().to_owned())
                    .collect(),
            },
            totals: self.totals(),
            failing: failing.flat_map(|cycle| cycle.errors.iter().cloned()).collect(),
            last_cycle: self.last.clone(),
            recommendations: advice.iter().map(words).collect(),
        }
    }

    fn totals(&self) -> TotalsStatus {
        let stats = self.orchestrator.get_stats();
        TotalsStatus {
            cycles: stats.total_cycles,
            avg_cycle_time_ms: stats.avg_cycle_time_ms,
            p95_cycle_time_ms: stats.cycle_time.p95_ms,
            events: stats.events_processed,
            regenerations: stats.regenerations_triggered,
            regenerations_failed: stats.regenerations_failed,
            deployments: stats.deployments_completed,
            dead_letters: self.dead.len() as u64,
        }
    }
}

fn name(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Healthy => "healthy",
        HealthStatus::Warning => "warning",
        HealthStatus::Alert => "alert",
        HealthStatus::Critical => "critical",
    }
}

/// A recommendation as a sentence, with the figures that speak for it.
fn words(recommendation: &Recommendation) -> String {
    let advice = match &recommendation.advice {
        Advice::MoreWorkers { from, to } => format!("raise `max_concurrent` from {from} to {to}"),
        Advice::SimplerTemplate { generator } => format!("make the template `{generator}` do less"),
        Advice::Cache => "keep results: most came out as they were".to_owned(),
        Advice::LongerTimeout { from_ms, to_ms } => {
            format!("give work {to_ms} ms instead of {from_ms} ms")
        }
        _ => "share the work with another machine".to_owned(),
    };
    format!("{advice} ({})", recommendation.evidence)
}

fn torn(tail: &TornTail) -> String {
    format!(
        "a crash left half a record in {}; {} bytes of it were cut off",
        tail.file.display(),
        tail.bytes
    )
}

fn config(arguments: &Watch) -> Result<OrchestratorConfig, Failure> {
    let mut builder = OrchestratorConfig::builder().debounce_ms(1);
    if let Some(limit) = arguments.task_timeout {
        builder = builder.task_timeout_ms(limit.saturating_mul(1000));
    }
    builder.build().map_err(|error| {
        Failure::usage(error.to_string(), "`evergen watch --help` tells what can be set")
    })
}

fn scope(chosen: &Chosen) -> WatchScope {
    let configuration = chosen.place.configuration.as_deref().map(Path::new);
    WatchScope::of(&chosen.place.root, &chosen.effective.settings, configuration)
}

fn watcher(chosen: &Chosen) -> Result<(FileWatcher, Bursts), Failure> {
    FileWatcher::start(scope(chosen), WatchTiming::default())
        .map_err(|error| Failure::storage("watching files", &error))
}

/// The log of events and the dead letters; says what had to be cut off.
fn logs(
    diary: &Diary,
    remarks: &mut Vec<String>,
) -> Result<(SegmentLog, Arc<DeadLetters>), Failure> {
    let settings = SegmentSettings::default().with_segment_bytes(SEGMENT);
    let log = SegmentLog::open(&diary.events(), settings).map_err(|error| unusable(&error))?;
    remarks.extend(log.torn_tails().iter().map(torn));
    let dead = DeadLetters::open(&diary.dead_letters(), MOST_DEAD, settings.durability);
    let dead = dead.map_err(|error| unusable(&error))?;
    remarks.extend(dead.torn_tail().into_iter().map(torn));
    Ok((log, Arc::new(dead)))
}

/// A log that can't be opened stops the loop: what is in it is not thrown away in silence.
pub(in crate::verbs) fn unusable(error: &OpenError) -> Failure {
    Failure::storage("opening the log of events", error).with_help(
        "the files of the loop lie in `.evergen/loop`; moved away as a whole, the loop begins anew, \
         without the events that wait there",
    )
}

/// Reads the configuration again, from where it was read the first time.
fn reload(asked: Asked) -> impl FnMut() -> Result<Project, Vec<Diagnostic>> + Send + 'static {
    move || {
        let project = Chosen::again(&asked).map(|chosen| chosen.project());
        project.map_err(|failure| match failure.diagnostics {
            found if found.is_empty() => {
                vec![Diagnostic::error("config::unusable", failure.message)]
            }
            found => found,
        })
    }
}

/// The consumer in whose name the loop reads the log.
pub(in crate::verbs) fn consumer() -> &'static str {
    "orchestrator"
}

/// Opens what another verb needs to change the log while no loop runs.
pub(in crate::verbs) fn open_logs(
    diary: &Diary,
) -> Result<(GraphChangeNotifier, Arc<DeadLetters>), Failure> {
    let (log, dead) = logs(diary, &mut Vec::new())?;
    let notifier = GraphChangeNotifier::builder().with_log(Arc::new(log)).build();
    let notifier =
        notifier.map_err(|error| Failure::storage("opening the log of events", &error))?;
    Ok((notifier, dead))
}
