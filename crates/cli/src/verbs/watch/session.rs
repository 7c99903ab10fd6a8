//! The loop of one `evergen watch`, from its start to its end.

mod logs;
mod status;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use evergen_artifact::FileStamp;
use evergen_events::{DeadLetters, GraphChangeNotifier, Retention};
use evergen_orchestrator::{
    CycleFeed, CycleSummary, OrchestratorConfig, RegenerationOrchestrator, StatisticsFile,
    SystemResources,
};
use evergen_regeneration::{Access, Diagnostic, Project, SharedEngine};
use evergen_telemetry::{JsonLinesSink, Rotation, TelemetryCollector, TelemetryConfig};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

pub(in crate::verbs) use self::logs::{open_logs, unusable};
use super::changes;
use super::observed::{Findings, Observed};
use super::{Audience, News, Wish};
use crate::arguments::{Asked, Watch};
use crate::diary::{CycleRecord, Diary, LoopState, LoopStatus, Request, Requests};
use crate::environments::{AutomaticDeployments, Deployed};
use crate::failure::{Failure, Verdict};
use crate::gates::Keepers;
use crate::project::Chosen;
use crate::short::ShortNames;
use crate::signals::Signals;
use crate::watching::{Burst, Bursts, FileKind, FileWatcher, WatchError, WatchScope, WatchTiming};

/// How often the status is written and requests are looked for.
const TICK: Duration = Duration::from_millis(500);
/// A status that says nothing new is written so often, as a sign of life.
const REWRITE: Duration = Duration::from_secs(10);
/// How long deployments after a cycle may take, in milliseconds: a day, as each of their steps has
/// a deadline of its own, and cutting one short leaves its traffic where it is.
const DEPLOYING: u64 = 24 * 3_600_000;
/// How often old events are removed from the log.
const TRIM: Duration = Duration::from_mins(10);
/// What is kept of the log: enough to see what happened in a week.
const KEPT_BYTES: u64 = 64 << 20;
const KEPT_AGE: Duration = Duration::from_hours(24 * 7);
/// A loop that is put together and not started.
pub(super) struct Session {
    asked: Asked,
    diary: Diary,
    gates: Arc<Keepers>,
    deployments: AutomaticDeployments,
    deployed: mpsc::Receiver<Deployed>,
    orchestrator: RegenerationOrchestrator,
    notifier: GraphChangeNotifier,
    dead: Arc<DeadLetters>,
    telemetry: TelemetryCollector,
    findings: Findings,
    short: ShortNames,
    output: PathBuf,
    /// What is watched by the settings, and what besides.
    scope: WatchScope,
    declared: Vec<PathBuf>,
    /// Files that the last cycle left as they were.
    left: Vec<(PathBuf, Option<FileStamp>)>,
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
        let wait = Some(Duration::from_secs(arguments.wait));
        // The lock on the project comes first: who has it has the loop's folder, too.
        let mut engine = chosen.open(Access::Write { wait })?;
        let diary = Diary::of(&engine.project().state_dir());
        std::fs::create_dir_all(diary.folder()).map_err(|error| {
            Failure::storage(format!("making `{}`", diary.folder().display()), &error)
        })?;
        let config = config(arguments)?;
        let declared = engine.declared_files();
        let (chosen, watcher, bursts) = watch_project(&arguments.asked, &declared)?;
        engine.set_project(chosen.project())?;
        let mut remarks = Vec::new();
        let (notifier, dead) = open_logs(&diary, &mut remarks)?;
        let telemetry = telemetry(&diary)?;
        let findings = Findings::default();
        let reload = reload(arguments.asked.clone());
        let engine = SharedEngine::with_reload(engine, reload)?;
        let (deployments, deployed) = AutomaticDeployments::new(&chosen)?;
        let (found, told) = (findings.clone(), telemetry.clone());
        let observed = Observed::new(engine, found, told, deployments.clone());
        let gates = Arc::new(Keepers::new(&chosen)?);
        let orchestrator = RegenerationOrchestrator::new(
            config,
            Arc::new(observed),
            Arc::new(deployments.clone()),
            telemetry.clone(),
            notifier.clone(),
        )
        .with_gates(Arc::clone(&gates) as _)
        .with_dead_events(Arc::clone(&dead) as _)
        .with_statistics_file(StatisticsFile::new(diary.statistics()))
        .with_resources(Arc::new(SystemResources::new(diary.folder())));
        // Up to here a signal may end the process as it ends any: nothing is under way.
        let signals =
            Signals::new().map_err(|error| Failure::storage("waiting for signals", &error))?;
        Ok(Self {
            asked: arguments.asked.clone(),
            diary,
            gates,
            deployments,
            deployed,
            orchestrator,
            notifier,
            dead,
            telemetry,
            findings,
            output: chosen.output(),
            scope: scope(&chosen),
            short: chosen.short,
            declared,
            left: Vec::new(),
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
                burst = self.bursts.next() => match burst {
                    Some(burst) => self.take(&burst, audience).await?,
                    None => return Err(Failure::storage("watching files", &WatchError::Ended)),
                },
                Some(cycle) = cycles.next() => {
                    self.tell(&cycle, audience)?;
                    self.watch_declared().await?;
                }
                Some(deployed) = self.deployed.recv() => audience.show(News::Deployed(&deployed)),
                _ = tick.tick() => {
                    self.answer_requests(audience).await?;
                    self.look_at_left().await?;
                    self.write_status(audience)?;
                    if self.deployments.wants_again() {
                        self.publish(vec![changes::beginning()]).await?;
                    }
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
        self.reconfigure(burst, audience).await?;
        self.publish(changes::events(burst)).await
    }

    /// Takes over what a burst has changed in the settings. Where the configuration is wrong, the
    /// engine says so, and all stays as it was.
    async fn reconfigure(
        &mut self,
        burst: &Burst,
        audience: &mut dyn Audience,
    ) -> Result<(), Failure> {
        let any = |wanted: FileKind| burst.files.values().any(|kind| *kind == wanted);
        let configured = any(FileKind::Configuration);
        if !configured && !any(FileKind::Environments) {
            return Ok(());
        }
        let Ok(chosen) = Chosen::again(&self.asked) else { return Ok(()) };
        if configured {
            self.scope = scope(&chosen);
            self.output = chosen.output();
            if let Err(wrong) = self.gates.renew(&chosen) {
                audience.show(News::Remark(&stay("gates", &wrong)));
            }
            self.rescope().await?;
        }
        match self.deployments.renew(&chosen) {
            Err(wrong) => audience.show(News::Remark(&stay("environments", &wrong))),
            Ok(()) if any(FileKind::Environments) => {
                audience.show(News::Remark("the environments are read anew"));
            }
            Ok(()) => {}
        }
        Ok(())
    }

    async fn rescope(&self) -> Result<(), Failure> {
        let scope = self.scope.clone().with_declared(self.declared.iter().cloned());
        let rescoped = self.watcher.rescope(scope).await;
        rescoped.map_err(|error| Failure::storage("watching files", &error))
    }

    /// Watches the files that templates declare to depend on, where these are others now.
    async fn watch_declared(&mut self) -> Result<(), Failure> {
        let declared = self.findings.declared().filter(|declared| *declared != self.declared);
        let Some(declared) = declared else { return Ok(()) };
        self.declared = declared;
        self.rescope().await?;
        // They may have changed since the cycle looked at them.
        self.publish(vec![changes::beginning()]).await
    }

    /// Has everything looked at when a file changes that was left as it was: it lies in the
    /// output folder, which is not watched.
    async fn look_at_left(&mut self) -> Result<(), Failure> {
        let differs = |(path, known): &&(PathBuf, Option<FileStamp>)| stamp(path) != *known;
        let changed: Vec<PathBuf> =
            self.left.iter().filter(differs).map(|(path, _)| path.clone()).collect();
        if changed.is_empty() {
            return Ok(());
        }
        // The cycle that follows says which are left then.
        self.left.clear();
        let root = self.scope.root();
        let shown =
            |path: PathBuf| path.strip_prefix(root).map_or_else(|_| path.clone(), Path::to_owned);
        self.publish(changes::touched(&changed.into_iter().map(shown).collect::<Vec<_>>())).await
    }

    async fn publish(&self, events: Vec<evergen_events::ChangeEvent>) -> Result<(), Failure> {
        let published = self.notifier.publish_batch(events).await;
        published.map(drop).map_err(|error| Failure::storage("writing the log of events", &error))
    }

    /// Notes a cycle and shows it.
    fn tell(&mut self, cycle: &CycleSummary, audience: &mut dyn Audience) -> Result<(), Failure> {
        let record = CycleRecord::new(cycle, self.findings.take(cycle.id), &self.short);
        let left = record.changes.iter().filter(|change| change.action == "refuse");
        let left = left.map(|change| self.output.join(&change.path));
        self.left = left.map(|path| (path.clone(), stamp(&path))).collect();
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
        let mut tick = tokio::time::interval(TICK);
        let stopped = loop {
            let is_urgent = tokio::select! {
                stopped = &mut stopping => break stopped,
                () = self.signals.next() => true,
                // Where the terminal is ours, Ctrl-C is a key like others.
                _ = tick.tick() => audience.wishes().contains(&Wish::Quit),
            };
            if is_urgent {
                break orchestrator.stop_within(Duration::ZERO).await;
            }
        };
        self.gates.close().await;
        while let Some(Some(cycle)) = futures::FutureExt::now_or_never(cycles.next()) {
            self.tell(&cycle, audience)?;
        }
        while let Ok(deployed) = self.deployed.try_recv() {
            audience.show(News::Deployed(&deployed));
        }
        if let Ok(report) = &stopped
            && report.abandoned > 0
        {
            audience.show(News::Remark("work was abandoned; it is done when the loop runs again"));
        }
        drop(self.telemetry.shutdown().await);
        self.write_status(audience)
    }
}

/// Settings that are wrong are not taken over.
fn stay(what: &str, wrong: &Failure) -> String {
    let first = wrong.diagnostics.first();
    let why = first.map_or(&wrong.message, |it| &it.message);
    let place = first.and_then(|it| it.file.as_ref());
    let place = place.map_or_else(String::new, |file| format!(" ({file})"));
    format!("the {what} stay as they were: {why}{place}")
}

/// Records of what is observed, in the loop's folder.
fn telemetry(diary: &Diary) -> Result<TelemetryCollector, Failure> {
    let sink = JsonLinesSink::open(diary.records(), Rotation::default())
        .map_err(|error| Failure::storage("opening the records", &error))?;
    let collector = TelemetryCollector::builder(TelemetryConfig::default()).sink(sink).start();
    collector.map_err(|error| Failure::storage("starting telemetry", &error))
}

/// The stamp of a file, if there is one that can be seen.
fn stamp(path: &Path) -> Option<FileStamp> {
    std::fs::metadata(path).ok().map(|found| FileStamp::of(&found))
}

fn config(arguments: &Watch) -> Result<OrchestratorConfig, Failure> {
    let mut builder = OrchestratorConfig::builder().debounce_ms(1).deploy_timeout_ms(DEPLOYING);
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

/// Begins to watch a project, and gives it as it is since then: its configuration may have
/// changed while the lock was waited for.
fn watch_project(
    asked: &Asked,
    declared: &[PathBuf],
) -> Result<(Chosen, FileWatcher, Bursts), Failure> {
    let mut chosen = Chosen::again(asked)?;
    loop {
        let scope = scope(&chosen).with_declared(declared.iter().cloned());
        let (watcher, bursts) = FileWatcher::start(scope, WatchTiming::default())
            .map_err(|error| Failure::storage("watching files", &error))?;
        let now = Chosen::again(asked)?;
        if now.effective.settings == chosen.effective.settings {
            return Ok((now, watcher, bursts));
        }
        chosen = now;
    }
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
