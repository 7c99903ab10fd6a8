use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use evergen_artifact::Digest;
use futures::future::{BoxFuture, FutureExt as _};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::by_itself::{ask_router, running_digest};
use super::errors::OperationError;
use super::meter::Meter;
use super::parts::{EnvironmentParts, Target};
use super::planning::{self, Aim};
use super::probing::Probe;
use super::run::Run;
use crate::{
    ConfigError, DeployError, Deployer, Deployment, DeploymentConfig, DeploymentEnvironment,
    DeploymentRequest, Effect, Entry, EnvironmentState, Event, Opening, Outcome, Plan, PlanKind,
    ReadLedgerError, ReleaseSource, RollbackPolicy, RollbackStrategy, StageError, StoreError,
    Summary, Version,
};

/// How many steps a listener may be behind before it misses some.
const BACKLOG: usize = 1024;

/// How long a deployment waits for people.
const PATIENCE: Duration = Duration::from_hours(1);

/// Brings releases into use, and back, in all environments of some settings.
///
/// Dropping the future of a verb is like killing the process there: the next verb that
/// changes the environment, from any process, takes back or finishes what was begun.
#[derive(Clone, Debug)]
pub struct DeploymentAutomation {
    pub(super) enabled: bool,
    pub(super) sites: Arc<BTreeMap<String, Arc<Site>>>,
    pub(super) order: Vec<String>,
    pub(super) progress: broadcast::Sender<Progress>,
}

/// An environment with its parts.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) settings: DeploymentEnvironment,
    pub(super) parts: EnvironmentParts,
    pub(super) strategy: RollbackStrategy,
    pub(super) digest: Digest,
    /// A digest of what a running release depends on besides itself; nothing where none runs.
    pub(super) runs_with: Option<Digest>,
    /// Whether releases are judged; by whom there is, if nothing was said.
    pub(super) validates: Option<bool>,
    pub(super) tests: bool,
    pub(super) longest_seconds: u64,
    pub(super) patience: Duration,
}

impl Site {
    pub(super) fn policy(&self) -> &dyn RollbackPolicy {
        self.parts.policy.as_deref().unwrap_or(&self.strategy)
    }

    pub(super) fn probe_names(&self) -> Vec<String> {
        self.parts.probes.iter().map(|(setting, _)| setting.name.clone()).collect()
    }

    /// The probes that can judge a release before it is in use: all, if it runs in a slot, and
    /// otherwise those that look at its files.
    pub(super) fn first_probes(&self) -> Vec<Probe> {
        let runs = matches!(self.parts.target, Target::Slots { .. });
        let probes = self.parts.probes.iter();
        probes.filter(|(setting, _)| runs || setting.looks_at_files()).cloned().collect()
    }
}

/// A step as it happens, for a live view.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Progress {
    /// The environment.
    pub environment: String,
    /// What was recorded.
    pub entry: Entry,
}

/// What a deployment may be told besides source and version.
#[derive(Clone, Debug, Default)]
#[must_use]
#[non_exhaustive]
pub struct DeployOptions {
    /// The digest of the plan that was looked at: another one is refused.
    pub expect: Option<Digest>,
    /// Who approves the plan.
    pub approved_by: Option<String>,
    /// When the change was made: lead time counts from here.
    pub changed_at: Option<Timestamp>,
    /// Whether it is deployed though it is live already, as to bring changed secrets into use.
    pub again: bool,
    pub(super) execution: Option<Uuid>,
}

impl DeployOptions {
    /// Refuses any other plan than this.
    pub fn expecting(mut self, digest: Digest) -> Self {
        self.expect = Some(digest);
        self
    }

    /// Says who approves the plan, which [`expecting`](Self::expecting) names.
    pub fn approved_by(mut self, who: impl Into<String>) -> Self {
        self.approved_by = Some(who.into());
        self
    }

    /// Deploys it though it is live already.
    pub fn again(mut self, again: bool) -> Self {
        self.again = again;
        self
    }

    /// Says when the change was made.
    pub fn changed_at(mut self, at: Timestamp) -> Self {
        self.changed_at = Some(at);
        self
    }
}

/// What a verb wants to bring into use, from where.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) source: ReleaseSource,
    pub(super) version: Option<Version>,
    pub(super) kind: PlanKind,
    /// Whether it is wanted though it is live already.
    pub(super) again: bool,
}

impl Order {
    pub(super) fn new(source: ReleaseSource, version: Option<Version>, kind: PlanKind) -> Self {
        Self { source, version, kind, again: false }
    }

    pub(super) fn again(self, again: bool) -> Self {
        Self { again, ..self }
    }
}

impl DeploymentAutomation {
    /// Environments in folders, by settings that name no commands and no checks: those need
    /// [`with_parts`](Self::with_parts).
    ///
    /// # Errors
    /// A value of the settings is out of its range.
    pub fn new(config: &DeploymentConfig) -> Result<Self, ConfigError> {
        Self::with_parts(config, EnvironmentParts::directory)
    }

    /// Environments made of what `parts` gives for each of them.
    ///
    /// # Errors
    /// A value of the settings is out of its range.
    pub fn with_parts(
        config: &DeploymentConfig,
        mut parts: impl FnMut(&DeploymentEnvironment) -> EnvironmentParts,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let sites = config.environments.iter().map(|settings| {
            let shared =
                DeploymentConfig { environments: vec![settings.clone()], ..config.clone() };
            let strategy = settings.rollback_strategy.as_ref().unwrap_or(&config.rollback_strategy);
            let parts = parts(settings);
            let runs = matches!(parts.target, Target::Slots { .. });
            let site = Site {
                settings: settings.clone(),
                runs_with: runs.then(|| running_digest(settings, &parts)),
                parts,
                strategy: strategy.clone(),
                digest: planning::settings_digest(&shared),
                validates: settings.validate_before_deploy.or(config.validate_before_deploy),
                tests: config.run_integration_tests,
                longest_seconds: config.timeout_seconds,
                patience: PATIENCE.min(Duration::from_secs(config.timeout_seconds)),
            };
            (settings.name.clone(), Arc::new(site))
        });
        Ok(Self {
            enabled: config.enabled,
            sites: Arc::new(sites.collect()),
            order: config.environments.iter().map(|it| it.name.clone()).collect(),
            progress: broadcast::channel(BACKLOG).0,
        })
    }

    /// Every step of every deployment of this value from now on. Who is too slow misses some.
    pub fn subscribe(&self) -> broadcast::Receiver<Progress> {
        self.progress.subscribe()
    }

    pub(super) fn site(&self, name: &str) -> Result<&Arc<Site>, OperationError> {
        let site = self.sites.get(name).ok_or_else(|| OperationError::UnknownEnvironment {
            name: name.to_owned(),
            known: self.order.clone(),
        })?;
        Ok(site)
    }

    /// Brings the files below a folder into use as a version.
    ///
    /// The summary says how it ended: a release that did not do well is no error.
    ///
    /// # Errors
    /// It was not begun, or could not be ended; see [`OperationError`].
    pub async fn deploy(
        &self,
        environment: &str,
        source_dir: &Path,
        version: &Version,
        options: DeployOptions,
    ) -> Result<Summary, OperationError> {
        let source = ReleaseSource::Folder(source_dir.to_owned());
        let order = Order::new(source, Some(version.clone()), PlanKind::Deploy);
        self.carry_out(environment, order.again(options.again), options).await
    }

    /// Says what [`deploy`](Self::deploy) would do. Writes nothing at all.
    ///
    /// # Errors
    /// The source can't be deployed, and would not be; or the ledger can't be read.
    pub async fn plan(
        &self,
        environment: &str,
        source_dir: &Path,
        version: &Version,
        options: &DeployOptions,
    ) -> Result<Plan, OperationError> {
        let source = ReleaseSource::Folder(source_dir.to_owned());
        let order = Order::new(source, Some(version.clone()), PlanKind::Deploy);
        let order = order.again(options.again);
        let site = Arc::clone(self.site(environment)?);
        if !self.enabled {
            return Err(OperationError::Disabled);
        }
        let state = self.state_of(&site).await?;
        let plan = self.plan_for(&site, &state, &order).await?;
        self.was_promoted(&site, &plan).await?;
        Ok(plan)
    }

    pub(super) async fn state_of(&self, site: &Site) -> Result<EnvironmentState, OperationError> {
        let ledger = Arc::clone(&site.parts.ledger);
        Ok(spawn_blocking(move || ledger.read()).await??.state())
    }

    pub(super) async fn plan_for(
        &self,
        site: &Arc<Site>,
        state: &EnvironmentState,
        order: &Order,
    ) -> Result<Plan, OperationError> {
        let judged = order.kind == PlanKind::Rollback || site.validates != Some(true);
        if !judged && site.parts.validators.is_empty() {
            return Err(OperationError::NoValidator { environment: site.settings.name.clone() });
        }
        let (store, wanted) = (Arc::clone(&site.parts.store), order.clone());
        let live = state.live.as_ref().map(|live| live.release);
        let (release, version, current, whole) = spawn_blocking(move || {
            let current = store.current()?;
            let release = store.identify(&wanted.source)?;
            // What is live is believed to be what it was called after only when it was looked at.
            let whole =
                live != Some(release) || store.verify(release).is_ok_and(|it| it.is_empty());
            let version = wanted.version.map_or_else(|| named_after(release), Ok)?;
            match store.named(&version)? {
                Some(taken) if taken != release => {
                    Err(StageError::VersionTaken { version, taken, offered: release }.into())
                }
                _ => Ok::<_, OperationError>((release, version, current, whole)),
            }
        })
        .await??;
        let aim = Aim { kind: order.kind, release, version };
        // A folder is what `current` leads to, whatever the ledger says of it.
        let is_folder = matches!(site.parts.target, Target::Directory);
        let in_use = whole && (!is_folder || current == Some(release));
        Ok(planning::plan(site, state, &aim, in_use && !order.again))
    }

    /// Carries an order out under the environment's lock.
    pub(super) async fn carry_out(
        &self,
        environment: &str,
        order: Order,
        options: DeployOptions,
    ) -> Result<Summary, OperationError> {
        if !self.enabled {
            return Err(OperationError::Disabled);
        }
        let site = Arc::clone(self.site(environment)?);
        check_wiring(&site)?;
        let mut run = Run::begin(&site, &self.progress).await?;
        run.settle().await?;
        ask_router(&site).await?;
        // While a release is prepared, the one before it serves; who goes back does not want it.
        if order.kind != PlanKind::Rollback {
            run.revive().await?;
        }
        let plan = self.plan_for(&site, &run.state, &order).await?;
        self.admit(&site, &plan, &options).await?;
        run.source = Some(order.source);
        run.meter = Meter::of(&site, &plan);
        let mut opening = Opening::new(plan);
        opening.execution = options.execution;
        opening.changed_at = options.changed_at;
        opening.approved_by = options.approved_by;
        let mut summary = run.drive(Event::Begin(Box::new(opening))).await?;
        drop(run);
        summary.warnings.extend(self.follow_up(&site, &summary).await);
        Ok(summary)
    }

    /// Makes sure that the plan is the one that was looked at, that it was approved, and
    /// that the release was live where it has to be first. Ways back need neither.
    async fn admit(
        &self,
        site: &Site,
        plan: &Plan,
        options: &DeployOptions,
    ) -> Result<(), OperationError> {
        let actual = plan.digest();
        if let Some(expected) = options.expect.filter(|expected| *expected != actual) {
            return Err(OperationError::PlanChanged { expected, actual });
        }
        if plan.kind == PlanKind::Rollback {
            return Ok(());
        }
        self.was_promoted(site, plan).await?;
        let environment = site.settings.name.clone();
        let approved = options.approved_by.is_some() && options.expect.is_some();
        if site.settings.approval && !approved {
            return Err(OperationError::NeedsApproval { environment, digest: actual });
        }
        Ok(())
    }

    /// Makes sure that the release is live where it has to be first.
    async fn was_promoted(&self, site: &Site, plan: &Plan) -> Result<(), OperationError> {
        let Some(from) = &site.settings.promotes_from else { return Ok(()) };
        let before = self.state_of(self.site(from)?).await?;
        if before.live.as_ref().is_some_and(|live| live.release == plan.release) {
            return Ok(());
        }
        let (environment, version) = (site.settings.name.clone(), plan.version.clone());
        Err(OperationError::NotPromoted { environment, from: from.clone(), version })
    }

    /// Where the strategy names a version, a release that was taken back is followed by it. Says
    /// why not, if it could not be.
    async fn follow_up(&self, site: &Arc<Site>, summary: &Summary) -> Option<String> {
        let RollbackStrategy::ToVersion(version) = &site.strategy else { return None };
        if summary.outcome != Outcome::RolledBack || summary.from.as_ref() == Some(version) {
            return None;
        }
        let back = Box::pin(self.rollback(&site.settings.name, Some(version)));
        let error = back.await.err()?;
        let why = format!("`rollback_strategy` wants {version} after it, in vain: {error}");
        tracing::error!(environment = site.settings.name, "{why}");
        Some(why)
    }

    async fn deploy_execution(
        &self,
        request: DeploymentRequest,
    ) -> Result<Deployment, OperationError> {
        let site = Arc::clone(self.site(&request.environment)?);
        if let Some(done) = self.answered(&site, request.execution_id).await? {
            return Ok(done);
        }
        let base = self.state_of(&site).await?.live.map(|live| live.release);
        let source = ReleaseSource::Layered { base, changes: request.changes };
        let order = Order::new(source, None, PlanKind::Deploy);
        let execution = Some(request.execution_id);
        let options = DeployOptions { execution, ..DeployOptions::default() };
        let summary = self.carry_out(&request.environment, order, options).await?;
        taken(&request.environment, summary)
    }

    /// The answer to an execution that was deployed before.
    async fn answered(
        &self,
        site: &Site,
        execution: Uuid,
    ) -> Result<Option<Deployment>, OperationError> {
        let ledger = Arc::clone(&site.parts.ledger);
        let view = spawn_blocking(move || ledger.read()).await??;
        let done = view.summaries().find(|it| {
            it.execution == Some(execution)
                && matches!(it.outcome, Outcome::Succeeded | Outcome::Unchanged)
        });
        Ok(done.map(|summary| answer(&site.settings.name, summary)))
    }
}

/// A release without a name is called after its content.
fn named_after(release: crate::ReleaseId) -> Result<Version, OperationError> {
    let text = format!("auto.{}", release.short());
    Version::parse(&text).map_err(|error| {
        let why = error.to_string();
        StageError::Source { source_name: release.to_string(), why }.into()
    })
}

/// What the settings name has to be a part.
fn check_wiring(site: &Site) -> Result<(), OperationError> {
    let parts = &site.parts;
    let settings = &site.settings;
    let named =
        |all: &[Arc<dyn crate::Hook>], name: &str| all.iter().any(|hook| hook.name() == name);
    let probes = site.probe_names();
    let check = settings.health_checks.iter().find(|check| !probes.contains(&check.name));
    let before = settings.pre_deploy_commands.iter().find(|it| !named(&parts.before, &it.name));
    let after = settings.post_deploy_commands.iter().find(|it| !named(&parts.after, &it.name));
    let tests = settings.test_commands.iter().find(|it| !named(&parts.tests, &it.name));
    let command = before.or(after).or(tests).map(|command| format!("command `{}`", command.name));
    let missing = check.map(|check| format!("health check `{}`", check.name)).or(command);
    missing.map_or(Ok(()), |what| {
        Err(OperationError::MissingPart { environment: settings.name.clone(), what })
    })
}

/// The answer that stands for a release that is live.
pub(super) fn taken(environment: &str, summary: Summary) -> Result<Deployment, OperationError> {
    if matches!(summary.outcome, Outcome::Succeeded | Outcome::Unchanged) {
        return Ok(answer(environment, &summary));
    }
    let (environment, number) = (environment.to_owned(), summary.number);
    let why = summary.cause.map_or_else(|| "it failed".to_owned(), |cause| cause.why);
    Err(OperationError::NotTaken { environment, number, why })
}

pub(super) fn answer(environment: &str, summary: &Summary) -> Deployment {
    let effect = match (summary.outcome, summary.kind) {
        (Outcome::Unchanged, _) => Effect::Unchanged,
        (_, PlanKind::Rollback) => Effect::RolledBack,
        _ => Effect::Published,
    };
    let execution = summary.execution.unwrap_or_default();
    let release = summary.release.digest();
    let answer = Deployment::new(environment, execution, summary.number, release, effect);
    Deployment { at: summary.ended_at, ..answer }
}

impl Deployer for DeploymentAutomation {
    fn automatic(&self) -> Vec<String> {
        let automatic = self.order.iter().filter(|name| {
            self.enabled && self.sites.get(*name).is_some_and(|site| site.settings.auto_deploy)
        });
        automatic.cloned().collect()
    }

    fn deploy(&self, request: DeploymentRequest) -> BoxFuture<'_, Result<Deployment, DeployError>> {
        async move {
            let environment = request.environment.clone();
            let done = self.deploy_execution(request).await;
            done.map_err(|error| refusal(environment, &error))
        }
        .boxed()
    }
}

pub(super) fn refusal(environment: String, error: &OperationError) -> DeployError {
    match error {
        OperationError::UnknownEnvironment { name, known } => {
            DeployError::UnknownEnvironment { name: name.clone(), known: known.clone() }
        }
        OperationError::Lock(_)
        | OperationError::Ledger { .. }
        | OperationError::Router { .. }
        | OperationError::Read(ReadLedgerError::Medium { .. })
        | OperationError::Store(StoreError::Medium(_))
        | OperationError::Stage(
            StageError::Changed { .. } | StageError::Store(StoreError::Medium(_)),
        )
        // It comes when it is live there.
        | OperationError::NotPromoted { .. }
        | OperationError::Task(_) => {
            DeployError::Unavailable { environment, why: error.to_string() }
        }
        OperationError::NotTaken { why, .. } => {
            DeployError::Rejected { environment, why: why.clone() }
        }
        _ => DeployError::Rejected { environment, why: error.to_string() },
    }
}
