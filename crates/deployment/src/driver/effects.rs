//! Doing what the machine decided, through the ports.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::TryFutureExt as _;
use jiff::Timestamp;
use tokio::time::{Instant, timeout, timeout_at};

use super::automation::Site;
use super::meter::Meter;
use super::parts::Target;
use super::probing;
use crate::{
    Action, BackupRef, Cause, CauseKind, EnvironmentState, Hook, MigrationPhase, OpenDeployment,
    ProbeTarget, Provenance, ReleaseName, ReleaseSource, RouterError, Running, Side, Slot, Split,
    StagedRelease, StepContext, StepNote, StoreError, Undo, VariableSetting, Variables,
};

/// How often a part of taking back is tried, and how long between.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// One effect, with all that it needs: it can be run beside whoever listens to people.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) site: Arc<Site>,
    pub(super) state: EnvironmentState,
    pub(super) open: OpenDeployment,
    pub(super) source: Option<ReleaseSource>,
    pub(super) meter: Option<Arc<Meter>>,
}

pub(super) type Done = Result<Option<StepNote>, Cause>;

impl Job {
    /// Does a step. What works on our own disk can't be given up in the middle, so it is
    /// judged by its time afterwards; all else ends with its deadline.
    pub(super) async fn act(&self, action: &Action, deadline: Duration) -> Done {
        let started = Instant::now();
        let late = || {
            let why = format!("to {action} took longer than {} s", deadline.as_secs_f64());
            Cause::new(CauseKind::Deadline, why)
        };
        let grace = Duration::from_secs(1);
        match action {
            Action::Stage | Action::Publish | Action::Collect { .. } => {
                let done = self.on_disk(action).await?;
                if started.elapsed() > deadline { Err(late()) } else { Ok(done) }
            }
            _ => timeout(deadline + grace, self.outside(action, deadline))
                .await
                .unwrap_or_else(|_| Err(late())),
        }
    }

    async fn on_disk(&self, action: &Action) -> Done {
        match action {
            Action::Stage => self.stage().await,
            Action::Publish => self.activate_new().await,
            Action::Collect { keep } => self.collect(*keep).await,
            _ => Ok(None),
        }
    }

    async fn outside(&self, action: &Action, deadline: Duration) -> Done {
        let parts = &self.site.parts;
        match action {
            Action::Validate { hook } => self.validate(hook, deadline).await,
            Action::RunBefore { hook } => {
                self.run(&parts.before, hook, CauseKind::Hook, deadline).await
            }
            Action::Test { hook } => self.run(&parts.tests, hook, CauseKind::Hook, deadline).await,
            Action::RunAfter { hook } => {
                self.run(&parts.after, hook, CauseKind::Hook, deadline).await
            }
            Action::BackUp { provider } => self.back_up(provider, deadline).await,
            Action::Prove { provider } => self.prove(provider).await,
            Action::Discard { keep } => Ok(self.discard(*keep, deadline).await),
            Action::Expand { migration } => self.migrate(migration, Half::Expand, deadline).await,
            Action::CheckSchema { migration, side } => {
                self.migrate(migration, Half::Check(*side), deadline).await
            }
            Action::Contract { migration } => {
                self.migrate(migration, Half::Contract, deadline).await
            }
            Action::Start => self.start(deadline).await,
            Action::Check { .. } => self.check(deadline).await,
            Action::Shift { split } => self.shift(*split).await,
            Action::Watch { split, dwell_ms, compares, .. } => {
                let meter = self.meter.as_deref().filter(|_| *compares);
                self.watch(meter, *split, Duration::from_millis(*dwell_ms), deadline).await
            }
            Action::Drain => self.drain(deadline).await,
            Action::Stop => self.stop_old().await,
            _ => Ok(None),
        }
    }

    /// Takes a part back; tries a few times before a person is called.
    pub(super) async fn undo(&self, undo: &Undo, deadline: Duration) -> Result<(), Cause> {
        let mut failed = Cause::new(CauseKind::Deadline, String::new());
        for attempt in 1..=TRIES {
            failed = match timeout(deadline, self.undo_once(undo)).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(cause)) => cause,
                Err(_) => Cause::new(CauseKind::Deadline, format!("to {undo} took too long")),
            };
            tracing::warn!(attempt, why = %failed, "can't {undo}");
            tokio::time::sleep(PAUSE * attempt).await;
        }
        Err(failed)
    }

    async fn undo_once(&self, undo: &Undo) -> Result<(), Cause> {
        match (undo, &self.site.parts.target) {
            (Undo::Traffic { .. }, Target::Directory) => self.activate_old().await,
            (Undo::Traffic { to: Some(slot) }, Target::Slots { router, .. }) => {
                router.set(Split::all(*slot)).await.map_err(|error| traffic(&error))
            }
            (Undo::Drain { slot }, Target::Slots { router, .. }) => {
                let patience = Duration::from_secs(self.site.settings.deadlines.drain_seconds);
                // A release that is taken back ends anyway; what was in flight had its time.
                if let Err(error) = router.drain(*slot, patience).await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "slot {slot} was not drained"
                    );
                }
                Ok(())
            }
            (Undo::Stop { slot }, Target::Slots { .. }) => self.stop(*slot).await,
            (Undo::Restore { backup }, _) => self.restore(backup).await,
            _ => Ok(()),
        }
    }

    async fn restore(&self, backup: &BackupRef) -> Result<(), Cause> {
        let providers = self.site.parts.backups.iter();
        let provider = providers.into_iter().find(|it| it.name() == backup.provider);
        let provider = provider.ok_or_else(|| missing(&backup.provider))?;
        provider.restore(backup).await.map_err(|error| cause(CauseKind::Backup, &error))
    }

    /// Works on the store off the runtime.
    pub(super) async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Job) -> Result<T, Cause> + Send + 'static,
    ) -> Result<T, Cause> {
        let job = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&job)).await;
        done.unwrap_or_else(|error| Err(cause(CauseKind::Store, &error)))
    }

    async fn stage(&self) -> Done {
        self.with_store(|job| {
            let plan = &job.open.plan;
            let source = job.source.clone().unwrap_or(ReleaseSource::Stored(plan.release));
            let mut provenance = Provenance::new(Timestamp::now(), source.to_string());
            provenance.changed_at = job.open.changed_at;
            let store = &job.site.parts.store;
            let staged = store.stage(&source, plan.release, &plan.version, &provenance);
            staged.map(|_| None).map_err(|error| cause(CauseKind::Store, &error))
        })
        .await
    }

    async fn activate_new(&self) -> Done {
        self.with_store(|job| {
            let release = job.open.plan.release;
            let store = &job.site.parts.store;
            if store.current().map_err(|error| stored(&error))? != Some(release) {
                store.activate(Some(release)).map_err(|error| stored(&error))?;
            }
            Ok(None)
        })
        .await
    }

    async fn activate_old(&self) -> Result<(), Cause> {
        self.with_store(|job| {
            let old = job.open.plan.live.as_ref().map(|live| live.release);
            job.site.parts.store.activate(old).map_err(|error| stored(&error))
        })
        .await
    }

    /// What is kept: the new release and the old one, those before them, and those that
    /// the settings pin.
    async fn collect(&self, keep: usize) -> Done {
        self.with_store(move |job| {
            let store = &job.site.parts.store;
            let plan = &job.open.plan;
            let mut kept = BTreeSet::from([plan.release]);
            kept.extend(plan.live.as_ref().map(|live| live.release));
            for past in job.state.past.iter().rev() {
                if kept.len() > keep {
                    break;
                }
                kept.insert(past.release);
            }
            for version in &job.site.settings.pinned {
                kept.extend(store.named(version).map_err(|error| stored(&error))?);
            }
            let collected = store.collect(&kept).map_err(|error| stored(&error))?;
            let removed = collected.removed.len();
            Ok((removed > 0).then(|| StepNote::Said { text: format!("{removed} removed") }))
        })
        .await
    }

    /// What outside parts are told. The release is in the store, or else its source is shown.
    pub(super) async fn context(&self, deadline: Duration) -> Result<StepContext, Cause> {
        self.with_store(move |job| {
            let plan = &job.open.plan;
            let release = job.staged(&ReleaseName::Id(plan.release))?;
            let release = release.unwrap_or_else(|| job.unstaged());
            let live = match &plan.live {
                Some(live) => job.staged(&ReleaseName::Id(live.release))?,
                None => None,
            };
            let variables = job.site.variables()?;
            let name = job.site.settings.name.clone();
            Ok(StepContext::new(name, job.open.number, plan.slot, release)
                .with_live(live)
                .with_variables(variables)
                .with_deadline(deadline))
        })
        .await
    }

    fn staged(&self, name: &ReleaseName) -> Result<Option<StagedRelease>, Cause> {
        self.site.parts.store.find(name).map_err(|error| stored(&error))
    }

    fn unstaged(&self) -> StagedRelease {
        let plan = &self.open.plan;
        let root = match &self.source {
            Some(ReleaseSource::Folder(path)) => path.clone(),
            _ => std::path::PathBuf::new(),
        };
        let provenance = Provenance::new(Timestamp::now(), "not staged yet");
        StagedRelease::new(plan.release, plan.version.clone(), root, provenance)
    }

    async fn run(
        &self,
        hooks: &[Arc<dyn Hook>],
        name: &str,
        kind: CauseKind,
        deadline: Duration,
    ) -> Done {
        let hook = hooks.iter().find(|hook| hook.name() == name).ok_or_else(|| missing(name))?;
        let context = self.context(deadline).await?;
        hook.run(&context).await.map(|_| None).map_err(|error| cause(kind, &error))
    }

    async fn back_up(&self, name: &str, deadline: Duration) -> Done {
        let mut providers = self.site.parts.backups.iter();
        let provider = providers.find(|it| it.name() == name).ok_or_else(|| missing(name))?;
        let context = self.context(deadline).await?;
        let backup = provider.backup(&context).await;
        let backup = backup.map_err(|error| cause(CauseKind::Backup, &error))?;
        Ok(Some(StepNote::Backup { backup }))
    }

    async fn prove(&self, name: &str) -> Done {
        let mut providers = self.site.parts.backups.iter();
        let provider = providers.find(|it| it.name() == name).ok_or_else(|| missing(name))?;
        let backup = self.open.backups.iter().rev().find(|backup| backup.provider == name);
        let backup = backup.ok_or_else(|| missing(name))?;
        let proof = provider.prove(backup).await;
        let proof = proof.map_err(|error| cause(CauseKind::Backup, &error))?;
        Ok(Some(StepNote::Said { text: proof.compared }))
    }

    /// Removes backups that nobody needs. One that can't be removed is left to the next
    /// deployment, and so is what there was no time for: no release is refused for that.
    async fn discard(&self, keep: usize, deadline: Duration) -> Option<StepNote> {
        let end = Instant::now() + deadline;
        let mut backups = Vec::new();
        for backup in self.state.surplus_backups(keep) {
            let mut providers = self.site.parts.backups.iter();
            let Some(provider) = providers.find(|it| it.name() == backup.provider) else {
                continue;
            };
            match timeout_at(end, provider.discard(&backup)).await {
                Ok(Ok(())) => backups.push(backup),
                Ok(Err(error)) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(location = backup.location, error, "a backup was not discarded");
                }
                Err(_) => break,
            }
        }
        (!backups.is_empty()).then_some(StepNote::Discarded { backups })
    }

    async fn migrate(&self, name: &str, half: Half, deadline: Duration) -> Done {
        let mut migrators = self.site.parts.migrators.iter();
        let migrator = migrators.find(|it| it.name() == name).ok_or_else(|| missing(name))?;
        let context = self.context(deadline).await?;
        let failed = |error| cause(CauseKind::Migration, &error);
        let phase = migrator.phase(&context).await.map_err(failed)?;
        match half {
            Half::Check(side) => migrator.check(side, &context).await.map_err(failed)?,
            _ if phase == MigrationPhase::Nothing => {}
            Half::Expand => migrator.expand(&context).await.map_err(failed)?,
            Half::Contract => migrator.contract(&context).await.map_err(failed)?,
        }
        Ok(None)
    }

    async fn start(&self, deadline: Duration) -> Done {
        let Target::Slots { runtime, router } = &self.site.parts.target else { return Ok(None) };
        let slot = self.open.plan.slot;
        let failed = |error| cause(CauseKind::Start, &error);
        let left = runtime.inspect(slot).await.map_err(failed)?.release();
        if left.is_some_and(|left| left != self.open.plan.release) {
            self.clear_slot(slot).await?;
        }
        let context = self.context(deadline).await?;
        let running = runtime.start(slot, &context.release, &context).await.map_err(failed)?;
        router.point(slot, &running.endpoints()).await.map_err(|error| traffic(&error))?;
        Ok(Some(StepNote::Running { running }))
    }

    /// Ends what an earlier deployment could not end, unless it has traffic.
    async fn clear_slot(&self, slot: Slot) -> Result<(), Cause> {
        let Target::Slots { router, .. } = &self.site.parts.target else { return Ok(()) };
        let state = router.read().await.map_err(|error| traffic(&error))?;
        if state.split.is_some_and(|split| split.of(slot) > 0) {
            let why = format!("slot {slot} should be idle and has traffic; look at `drift`");
            return Err(Cause::new(CauseKind::Traffic, why));
        }
        self.stop(slot).await
    }

    async fn check(&self, deadline: Duration) -> Done {
        let target = self.probe_target(deadline).await?;
        let probes = self.site.first_probes();
        let settled = match &self.site.parts.target {
            Target::Slots { .. } => probing::settle(&probes, &target, deadline).await,
            // Files do not become better by waiting.
            Target::Directory => probing::watch(&probes, &target, Duration::ZERO, deadline).await,
        };
        settled.map(|()| None).map_err(|why| Cause::new(CauseKind::Health, why))
    }

    async fn watch(
        &self,
        meter: Option<&Meter>,
        split: Split,
        dwell: Duration,
        deadline: Duration,
    ) -> Done {
        let target = self.probe_target(deadline).await?;
        let asked = probing::watch(&self.site.parts.probes, &target, dwell, deadline)
            .map_err(|why| Cause::new(CauseKind::Health, why));
        let compared = async {
            let Some(meter) = meter else { return Ok(()) };
            let compared = meter.watch(split, dwell, deadline).await;
            compared.map_err(|why| Cause::new(CauseKind::Worse, why))
        };
        futures::future::try_join(asked, compared).await?;
        self.same_as_checked().await?;
        Ok(meter.map(|meter| StepNote::Compared { comparison: meter.compared() }))
    }

    async fn probe_target(&self, deadline: Duration) -> Result<ProbeTarget, Cause> {
        let endpoints = self.open.running.as_ref().map(Running::endpoints).unwrap_or_default();
        Ok(ProbeTarget::new(self.context(deadline).await?, endpoints))
    }

    async fn shift(&self, split: Split) -> Done {
        match &self.site.parts.target {
            Target::Directory => self.activate_new().await,
            Target::Slots { router, .. } => {
                self.same_as_checked().await?;
                router.set(split).await.map_err(|error| traffic(&error))?;
                if let Some(meter) = &self.meter {
                    meter.begin().await;
                }
                Ok(None)
            }
        }
    }

    /// Only what was checked gets traffic: not what was started in its place since.
    async fn same_as_checked(&self) -> Result<(), Cause> {
        let Target::Slots { runtime, .. } = &self.site.parts.target else { return Ok(()) };
        let slot = self.open.plan.slot;
        let status = runtime.inspect(slot).await;
        let status = status.map_err(|error| cause(CauseKind::Start, &error))?;
        if status.ready() == self.open.running.as_ref() {
            return Ok(());
        }
        let why = format!("what runs in slot {slot} is not what was started and checked");
        Err(Cause::new(CauseKind::Health, why))
    }

    async fn drain(&self, deadline: Duration) -> Done {
        let Target::Slots { router, .. } = &self.site.parts.target else { return Ok(None) };
        let Some(old) = &self.open.plan.live else { return Ok(None) };
        let patience = deadline.saturating_sub(Duration::from_secs(1));
        let drained = router.drain(old.slot, patience).await.map_err(|error| traffic(&error))?;
        if drained.is_idle() {
            return Ok(None);
        }
        let why =
            format!("slot {} had {} requests left when it was stopped", old.slot, drained.left);
        Err(Cause::new(CauseKind::Traffic, why))
    }

    async fn stop_old(&self) -> Done {
        if let Some(old) = &self.open.plan.live {
            self.stop(old.slot).await?;
        }
        Ok(None)
    }

    async fn stop(&self, slot: Slot) -> Result<(), Cause> {
        let Target::Slots { runtime, router } = &self.site.parts.target else { return Ok(()) };
        let grace = Duration::from_secs(self.site.settings.deadlines.stop_seconds);
        let stopped = runtime.stop(slot, grace).await;
        stopped.map_err(|error| cause(CauseKind::Start, &error))?;
        match router.point(slot, &[]).await {
            // At a first deployment nobody else can have the traffic.
            Err(RouterError::Refused { .. }) if self.open.plan.live.is_none() => Ok(()),
            pointed => pointed.map_err(|error| traffic(&error)),
        }
    }
}

impl Site {
    /// The variables of the environment, with secrets resolved. This may read files.
    pub(super) fn variables(&self) -> Result<Variables, Cause> {
        let variables = self.settings.variables.iter().map(|(name, value)| {
            let value = match value {
                VariableSetting::Plain(text) => crate::Secret::new(text.clone()),
                VariableSetting::Secret(place) => {
                    place.resolve().map_err(|error| cause(CauseKind::Hook, &error))?
                }
            };
            Ok((name.clone(), value))
        });
        variables.collect()
    }
}

/// What is asked of a migration.
#[derive(Clone, Copy)]
enum Half {
    Expand,
    Check(Side),
    Contract,
}

pub(super) fn missing(name: &str) -> Cause {
    let why = format!("`{name}` is not a part of this program; wire it, or take it out");
    Cause::new(CauseKind::Hook, why)
}

pub(super) fn traffic(error: &RouterError) -> Cause {
    cause(CauseKind::Traffic, error)
}

pub(super) fn stored(error: &StoreError) -> Cause {
    cause(CauseKind::Store, error)
}

/// The whole chain of an error in one line.
pub(super) fn cause(kind: CauseKind, error: &dyn std::error::Error) -> Cause {
    let mut why = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        why += ": ";
        why += &inner.to_string();
        source = inner.source();
    }
    Cause::new(kind, why)
}
