use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use tokio::task::spawn_blocking;

use super::automation::{DeployOptions, DeploymentAutomation, Order, Site};
use super::errors::OperationError;
use super::looking::{Drift, look};
use super::revival::Revival;
use super::run::Run;
use crate::{
    ControlRequest, DeploymentAnalytics, EnvironmentState, Event, LedgerView, MayRevive,
    OpenDeployment, PlanKind, ReleaseId, ReleaseName, ReleaseSource, SlotStatus, StoreError,
    Summary, Version, Wish,
};

/// How often an environment is looked at anew when something has happened meanwhile.
const LOOKS: u32 = 3;

/// What is known of an environment.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EnvironmentStatus {
    /// The environment.
    pub environment: String,
    /// What the ledger says.
    pub state: EnvironmentState,
    /// What differs from what really runs.
    pub drift: Drift,
    /// What a person has to do; empty if nothing.
    pub to_do: Vec<String>,
    /// What is odd and does no harm.
    pub warnings: Vec<String>,
}

impl DeploymentAutomation {
    /// The environments, in the order of the settings.
    pub fn environments(&self) -> &[String] {
        &self.order
    }

    /// Settles what an earlier start has left: takes it back if it was not committed,
    /// finishes it if it was. Nothing if there is nothing. A live release that has ended is
    /// [revived](Self::revive).
    ///
    /// # Errors
    /// The environment is held by somebody, or the deployment can't be ended.
    pub async fn recover(&self, environment: &str) -> Result<Option<Summary>, OperationError> {
        let site = Arc::clone(self.site(environment)?);
        let mut run = Run::begin(&site, &self.progress).await?;
        let settled = run.settle().await?;
        run.revive().await?;
        Ok(settled)
    }

    /// Goes back to the release that was live before, or to a version that was.
    ///
    /// A deployment that was left unfinished is taken back first. If that was before its
    /// commit and no version is asked for, that is all.
    ///
    /// # Errors
    /// There is no such release any more, or the schema has lost what it needs.
    pub async fn rollback(
        &self,
        environment: &str,
        to: Option<&Version>,
    ) -> Result<Summary, OperationError> {
        let site = Arc::clone(self.site(environment)?);
        let settled = Run::begin(&site, &self.progress).await?.settle().await?;
        if let (Some(settled), None) = (&settled, to)
            && settled.committed_at.is_none()
        {
            return Ok(settled.clone());
        }
        let state = self.state_of(&site).await?;
        let (release, version) = way_back(&site, &state, to)?;
        let source = ReleaseSource::Stored(release);
        let order = Order::new(source, Some(version), PlanKind::Rollback);
        self.carry_out(environment, order, DeployOptions::default()).await
    }

    /// Brings into use what is live in the environment before.
    ///
    /// # Errors
    /// Nothing is live there, or there is none before; or see [`deploy`](Self::deploy).
    pub async fn promote(
        &self,
        environment: &str,
        options: DeployOptions,
    ) -> Result<Summary, OperationError> {
        let order = self.promotion(environment).await?.again(options.again);
        self.carry_out(environment, order, options).await
    }

    /// Says what [`promote`](Self::promote) would do. Writes nothing at all.
    ///
    /// # Errors
    /// As `promote`.
    pub async fn plan_promotion(
        &self,
        environment: &str,
        options: &DeployOptions,
    ) -> Result<crate::Plan, OperationError> {
        let order = self.promotion(environment).await?.again(options.again);
        let site = Arc::clone(self.site(environment)?);
        let state = self.state_of(&site).await?;
        self.plan_for(&site, &state, &order).await
    }

    async fn promotion(&self, environment: &str) -> Result<Order, OperationError> {
        let site = self.site(environment)?;
        let nothing = |why: String| {
            let environment = environment.to_owned();
            OperationError::NothingToPromote { environment, why }
        };
        let from = site.settings.promotes_from.as_deref();
        let from = from.ok_or_else(|| nothing("its settings name no `promotes_from`".into()))?;
        let before = Arc::clone(self.site(from)?);
        let live = self.state_of(&before).await?.live;
        let live = live.ok_or_else(|| nothing(format!("nothing is live in `{from}`")))?;
        let name = ReleaseName::Id(live.release);
        let store = Arc::clone(&before.parts.store);
        let staged = spawn_blocking(move || store.find(&name)).await??;
        let staged = staged.ok_or_else(|| nothing(format!("`{from}` has lost its release")))?;
        // What is not what was tried out there is not promised here.
        if let Some(path) = verify(&before, live.release).await??.into_iter().next() {
            let version = &live.version;
            return Err(nothing(format!(
                "`{path}` of {version} in `{from}` differs from what was staged; deploy it there \
                 anew"
            )));
        }
        let source = ReleaseSource::Folder(staged.root);
        Ok(Order::new(source, Some(live.version), PlanKind::Promote))
    }

    /// Says what is live, what is in progress, and what a person has to do.
    ///
    /// # Errors
    /// The ledger can't be read.
    pub async fn status(&self, environment: &str) -> Result<EnvironmentStatus, OperationError> {
        let site = Arc::clone(self.site(environment)?);
        let (mut view, mut state, mut drift);
        let mut looks = 0;
        loop {
            view = read(&site).await?;
            state = view.state();
            drift = look(&site, &state).await;
            looks += 1;
            // What went on meanwhile is no difference.
            let quiet = state.open.is_none() && drift.differences.is_empty();
            if quiet || looks == LOOKS || read(&site).await?.state() == state {
                break;
            }
        }
        let mut to_do = state.open.as_ref().map(to_do).unwrap_or_default();
        to_do.extend(ended(&state, &drift));
        if let Some(open) = &state.open {
            let ledger = Arc::clone(&site.parts.ledger);
            if !spawn_blocking(move || ledger.is_held()).await? && !is_undoing(open) {
                // Whatever it waited for, it is settled now.
                to_do = vec![left_alone(open)];
            }
        }
        let environment = environment.to_owned();
        Ok(EnvironmentStatus { environment, state, drift, to_do, warnings: view.warnings })
    }

    /// What the ledger says of an environment.
    ///
    /// # Errors
    /// There is no such environment, or its ledger can't be read.
    pub async fn state(&self, environment: &str) -> Result<EnvironmentState, OperationError> {
        let site = Arc::clone(self.site(environment)?);
        self.state_of(&site).await
    }

    /// What became of the deployments, the oldest first.
    ///
    /// # Errors
    /// The ledger can't be read.
    pub async fn history(&self, environment: &str) -> Result<Vec<Summary>, OperationError> {
        let site = Arc::clone(self.site(environment)?);
        Ok(read(&site).await?.summaries().cloned().collect())
    }

    /// How well deployments went, in all environments or one, in a window of time.
    ///
    /// # Errors
    /// There is no such environment, or a ledger can't be read.
    pub async fn analytics(
        &self,
        environment: Option<&str>,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Vec<DeploymentAnalytics>, OperationError> {
        let names = environment.map_or_else(|| self.order.clone(), |name| vec![name.to_owned()]);
        let mut all = Vec::with_capacity(names.len());
        for name in names {
            let site = Arc::clone(self.site(&name)?);
            let figures = spawn_blocking(move || {
                let view = site.parts.ledger.read()?;
                let figures = DeploymentAnalytics::fold(&name, view.summaries(), since, until);
                Ok::<_, OperationError>(figures)
            });
            all.push(figures.await??);
        }
        Ok(all)
    }

    /// Compares what really runs with what the ledger says, file by file and slot by slot; the
    /// release that a rollback would go back to, too.
    ///
    /// # Errors
    /// The ledger can't be read.
    pub async fn drift(&self, environment: &str) -> Result<Drift, OperationError> {
        let site = Arc::clone(self.site(environment)?);
        let state = read(&site).await?.state();
        let mut drift = look(&site, &state).await;
        let before = way_back(&site, &state, None).ok();
        let lives = state.live.as_ref().map(|live| live.release);
        let live = state.live.map(|live| (live.release, live.version));
        for (release, version) in live.into_iter().chain(before) {
            let differs = |what: String| format!("{version}: {what}");
            match verify(&site, release).await? {
                // Of what is live, that was told already.
                Err(StoreError::Missing { .. }) if Some(release) == lives => {}
                Ok(paths) => drift.differences.extend(
                    paths
                        .iter()
                        .map(|path| differs(format!("`{path}` differs from what was staged"))),
                ),
                Err(error) => drift.differences.push(differs(error.to_string())),
            }
        }
        Ok(drift)
    }

    /// Lets a deployment that is in progress, here or in another process, be taken back.
    /// One that nobody is doing any more is taken back here.
    ///
    /// # Errors
    /// Nothing is in progress, or it is committed.
    pub async fn abort(&self, environment: &str, by: &str) -> Result<(), OperationError> {
        let event = Event::Abort { by: by.to_owned() };
        self.wish(environment, Wish::Abort, by, event).await
    }

    /// Lets a deployment that is in progress wait before its next step.
    ///
    /// # Errors
    /// Nothing is in progress, or it is being taken back.
    pub async fn pause(&self, environment: &str, by: &str) -> Result<(), OperationError> {
        let event = Event::Pause { by: by.to_owned() };
        self.wish(environment, Wish::Pause, by, event).await
    }

    /// Lets a deployment go on that is paused, waits for a decision, or is stuck. If none is in
    /// progress, a live release that has ended is started again, however often that was tried.
    ///
    /// # Errors
    /// Nothing is in progress, or it does not wait for anybody; or the release does not start.
    pub async fn resume(&self, environment: &str, by: &str) -> Result<(), OperationError> {
        let site = Arc::clone(self.site(environment)?);
        if self.state_of(&site).await?.open.is_none() {
            return self.let_live(&site, by).await;
        }
        let event = Event::Resume { by: by.to_owned() };
        self.wish(environment, Wish::Resume, by, event).await
    }

    async fn let_live(&self, site: &Arc<Site>, by: &str) -> Result<(), OperationError> {
        let environment = site.settings.name.clone();
        let mut run = Run::begin(site, &self.progress).await?;
        let mut revival = run.revive().await?;
        if let Revival::Waits { .. } = revival {
            run.keep(vec![crate::Record::Resumed { by: by.to_owned() }]).await?;
            revival = run.revive().await?;
        }
        match revival {
            Revival::Revived => Ok(()),
            Revival::NotNeeded => Err(OperationError::NotInProgress { environment }),
            Revival::Failed { why } | Revival::Waits { why } => {
                Err(OperationError::NotRevived { environment, why })
            }
        }
    }

    /// Leaves a wish for whoever holds the environment; if nobody does, carries it out.
    async fn wish(
        &self,
        environment: &str,
        wish: Wish,
        by: &str,
        event: Event,
    ) -> Result<(), OperationError> {
        let site = Arc::clone(self.site(environment)?);
        let state = self.state_of(&site).await?;
        let in_progress = || OperationError::NotInProgress { environment: environment.to_owned() };
        let open = state.open.as_ref().ok_or_else(in_progress)?;
        match Run::begin(&site, &self.progress).await {
            Ok(mut run) if run.state.open.is_some() => self.alone(&mut run, wish, event).await,
            Ok(_) => Err(in_progress()),
            Err(OperationError::Lock(crate::LockError::Held { .. })) => {
                // Whether it can be wished at all is known here and now.
                let _ = crate::step(&state, &event, Timestamp::now())?;
                let request = ControlRequest::new(wish, by, open.number);
                let ledger = Arc::clone(&site.parts.ledger);
                let environment = environment.to_owned();
                let asked = spawn_blocking(move || ledger.ask(&request)).await?;
                asked.map_err(|source| OperationError::Ledger {
                    environment,
                    taken_back: false,
                    source,
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Nobody does the deployment any more: without a commit the only way is back, and with
    /// one it is forward.
    async fn alone(&self, run: &mut Run, wish: Wish, event: Event) -> Result<(), OperationError> {
        let committed = run.state.open.as_ref().is_some_and(OpenDeployment::is_committed);
        // Before its commit nobody knows any more what was to be staged, so it is taken back; after
        // it, one that waits for a person is let go on, and any other one is finished.
        let waits = crate::step(&run.state, &event, Timestamp::now()).is_ok();
        let event = match wish {
            Wish::Pause => {
                let environment = run.site.settings.name.clone();
                return Err(OperationError::LeftAlone { environment });
            }
            Wish::Resume if !committed || !waits => Event::Restarted,
            Wish::Abort if !committed && !waits => Event::Restarted,
            Wish::Abort | Wish::Resume => event,
        };
        run.drive(event).await.map(|_| ())
    }
}

async fn read(site: &Arc<Site>) -> Result<LedgerView, OperationError> {
    let ledger = Arc::clone(&site.parts.ledger);
    Ok(spawn_blocking(move || ledger.read()).await??)
}

/// By which paths a release of the store differs from what was staged.
async fn verify(
    site: &Arc<Site>,
    release: ReleaseId,
) -> Result<Result<Vec<String>, StoreError>, OperationError> {
    let store = Arc::clone(&site.parts.store);
    Ok(spawn_blocking(move || store.verify(release)).await?)
}

/// The release to go back to: it has to be in the store, and the schema has to fit it still.
fn way_back(
    site: &Site,
    state: &EnvironmentState,
    to: Option<&Version>,
) -> Result<(ReleaseId, Version), OperationError> {
    let past = match to {
        None => state.previous(),
        Some(version) => state.past.iter().rev().find(|past| past.version == *version),
    };
    let nothing = || OperationError::NothingBefore {
        environment: site.settings.name.clone(),
        wanted: to.cloned(),
    };
    let past = past.ok_or_else(nothing)?;
    if let Some(contracted) = state.contracted.filter(|contracted| past.deployment < *contracted) {
        return Err(OperationError::PastContract { release: past.release, contracted });
    }
    Ok((past.release, past.version.clone()))
}

/// What a person has to do about a deployment that is not over.
fn to_do(open: &OpenDeployment) -> Vec<String> {
    match &open.course {
        crate::Course::Stuck { why, left, .. } => {
            let mend = format!("mend this, and resume, which does the rest by itself: {why}");
            let rest = left.iter().map(|left| format!("or do by hand, and resume then: {left}"));
            std::iter::once(mend).chain(rest).collect()
        }
        crate::Course::Held { cause, .. } => vec![format!("abort or resume it: {cause}")],
        crate::Course::Forward if open.paused => vec!["resume or abort it".to_owned()],
        _ => Vec::new(),
    }
}

/// Whether a person is needed for taking it back.
fn is_undoing(open: &OpenDeployment) -> bool {
    let committed = open.is_committed();
    matches!(&open.course, crate::Course::Stuck { undoing, .. } if *undoing || committed)
}

/// What becomes of a deployment whose process has ended.
fn left_alone(open: &OpenDeployment) -> String {
    if open.is_committed() {
        "the process that deployed has ended; resume finishes it, as does whatever is done next"
            .into()
    } else {
        "the process that deployed has ended; abort takes it back, as does whatever is done next"
            .into()
    }
}

/// What a person has to do about a live release that has ended by itself.
fn ended(state: &EnvironmentState, drift: &Drift) -> Option<String> {
    let live = state.live.as_ref()?;
    let may = state.may_revive(Timestamp::now())?;
    drift
        .slots
        .iter()
        .find(|(slot, status)| *slot == live.slot && matches!(status, SlotStatus::Empty))?;
    let failed = state.revivals.failed.as_ref();
    let failed = failed.map(|why| format!(" ({why})")).unwrap_or_default();
    let version = &live.version;
    Some(match may {
        MayRevive::GivenUp { until } => format!(
            "{version} has ended and was started in vain{failed}; mend it and resume, or roll back; \
             it is tried again after {until}"
        ),
        _ => {
            format!("{version} has ended{failed}; resume starts it, as does whatever is done next")
        }
    })
}
