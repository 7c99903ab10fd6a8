//! One deployment in progress: the loop of event, records and effect.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::broadcast;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::automation::{Progress, Site};
use super::effects::Job;
use super::errors::OperationError;
use super::meter::Meter;
use crate::{
    Action, AppendError, Cause, Course, Entry, EnvironmentState, Event, Lease, NextEffect, Notice,
    NoticeKind, Outcome, Record, ReleaseSource, StepError, Summary, Undo, Wish, deliver, step,
};

/// How often the wishes of people are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How long it may take to tell somebody.
const TELLING: Duration = Duration::from_secs(30);

/// An environment that is ours.
pub(super) struct Run {
    pub(super) site: Arc<Site>,
    pub(super) lease: Arc<Lease>,
    pub(super) state: EnvironmentState,
    pub(super) source: Option<ReleaseSource>,
    pub(super) meter: Option<Arc<Meter>>,
    pub(super) progress: broadcast::Sender<Progress>,
}

impl Run {
    /// Takes the environment, and reads what is known of it.
    pub(super) async fn begin(
        site: &Arc<Site>,
        progress: &broadcast::Sender<Progress>,
    ) -> Result<Self, OperationError> {
        let ledger = Arc::clone(&site.parts.ledger);
        let (lease, state) = spawn_blocking(move || {
            let lease = ledger.lock()?;
            let state = ledger.read()?.state();
            Ok::<_, OperationError>((lease, state))
        })
        .await??;
        let (site, progress) = (Arc::clone(site), progress.clone());
        Ok(Self { site, lease: Arc::new(lease), state, source: None, meter: None, progress })
    }

    /// Goes on from an event until the deployment is over.
    pub(super) async fn drive(&mut self, first: Event) -> Result<Summary, OperationError> {
        let mut event = first;
        loop {
            let decision = step(&self.state, &event, Timestamp::now())?;
            self.keep(decision.records).await?;
            event = match decision.effect {
                NextEffect::Do { action, deadline, .. } => self.act(&action, deadline).await?,
                NextEffect::Undo { undo, deadline } => self.undo(&undo, deadline).await,
                NextEffect::Wait { deadline } => self.wait(deadline).await?,
                NextEffect::Stuck => return Err(self.incident().await),
                NextEffect::Over | NextEffect::Continue => return self.over().await,
            };
        }
    }

    /// Keeps records, and lets them be seen.
    pub(super) async fn keep(&mut self, records: Vec<Record>) -> Result<(), OperationError> {
        if records.is_empty() {
            return Ok(());
        }
        let (epoch, at) = (self.lease.epoch(), Timestamp::now());
        let entries: Vec<Entry> =
            records.into_iter().map(|record| Entry::new(epoch, at, record)).collect();
        let (ledger, lease) = (Arc::clone(&self.site.parts.ledger), Arc::clone(&self.lease));
        let written = entries.clone();
        let kept = spawn_blocking(move || ledger.append(&lease, &written)).await?;
        if let Err(error) = kept {
            return Err(self.without_ledger(error, &entries).await);
        }
        for entry in entries {
            self.state.apply(&entry);
            tracing::debug!(environment = self.site.settings.name, record = ?entry.record, "kept");
            let environment = self.site.settings.name.clone();
            // Nobody has to listen.
            let _ = self.progress.send(Progress { environment, entry });
        }
        Ok(())
    }

    /// The ledger is gone. What it may hold as committed is left to the next start; all else is
    /// taken back here and now, since nobody else might come.
    async fn without_ledger(&mut self, source: AppendError, entries: &[Entry]) -> OperationError {
        let environment = self.site.settings.name.clone();
        let decided = entries.iter().any(|entry| {
            matches!(entry.record, Record::Committed | Record::Ended { .. } | Record::Began { .. })
        });
        let ours = matches!(source, AppendError::Medium { .. });
        let open = self.state.open.clone().filter(|open| !open.is_committed());
        let Some(open) = open.filter(|_| ours && !decided) else {
            return OperationError::Ledger { environment, taken_back: false, source };
        };
        let job = self.job(open.clone());
        let mut taken_back = true;
        for undo in open.to_undo() {
            taken_back = job.undo(&undo, Undo::DEADLINE).await.is_ok();
            if !taken_back {
                break;
            }
        }
        OperationError::Ledger { environment, taken_back, source }
    }

    fn job(&self, open: crate::OpenDeployment) -> Job {
        let (site, state) = (Arc::clone(&self.site), self.state.clone());
        Job { site, state, open, source: self.source.clone(), meter: self.meter.clone() }
    }

    /// Does a step, and listens to people meanwhile.
    async fn act(&mut self, action: &Action, deadline: Duration) -> Result<Event, OperationError> {
        let Some(open) = self.state.open.clone() else { return Err(StepError::Nothing.into()) };
        if self.state.open.as_ref().is_some_and(|open| open.entered == 1 && open.finished == 0) {
            self.tell(NoticeKind::Started, "the deployment began").await;
        }
        let before = open.traffic_at.is_none();
        let job = self.job(open);
        // Until the first shift, what the old slot does by itself is learned beside all else.
        let meter = self.meter.clone().filter(|_| before);
        let calibrating = async move {
            match meter {
                Some(meter) => meter.calibrate().await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(calibrating);
        let patient = matches!(action, Action::Stage | Action::Publish | Action::Collect { .. });
        let effect = job.act(action, deadline);
        tokio::pin!(effect);
        loop {
            tokio::select! {
                biased;
                done = &mut effect => return Ok(self.judged(done)),
                never = &mut calibrating => match never {},
                () = sleep(LOOK) => if let Some(event) = self.listen(patient).await? {
                    return Ok(event);
                },
            }
        }
    }

    fn judged(&self, done: Result<Option<crate::StepNote>, Cause>) -> Event {
        match done {
            Ok(note) => Event::Succeeded(note),
            Err(cause) => {
                tracing::warn!(environment = self.site.settings.name, why = %cause, "a step failed");
                let answer = self.site.policy().answer(&cause);
                Event::Failed(cause, answer)
            }
        }
    }

    /// Takes a wish in. Wishes that only set a mark are kept at once; an abort is given back,
    /// unless what is in flight can't be given up: then it stays until that is done.
    async fn listen(&mut self, patient: bool) -> Result<Option<Event>, OperationError> {
        if patient {
            return Ok(None);
        }
        let (ledger, lease) = (Arc::clone(&self.site.parts.ledger), Arc::clone(&self.lease));
        let asked = spawn_blocking(move || ledger.asked(&lease)).await?;
        let asked = match asked {
            Ok(asked) => asked,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "wishes can't be read");
                None
            }
        };
        let number = self.state.open.as_ref().map(|open| open.number);
        let Some(request) = asked.filter(|it| Some(it.deployment) == number) else {
            return Ok(None);
        };
        let by = request.by;
        let event = match request.wish {
            Wish::Abort => Event::Abort { by },
            Wish::Pause => Event::Pause { by },
            Wish::Resume => Event::Resume { by },
        };
        match step(&self.state, &event, Timestamp::now()) {
            Err(refused) => {
                tracing::warn!(
                    environment = self.site.settings.name,
                    "a wish was refused: {refused}"
                );
                Ok(None)
            }
            Ok(_) if request.wish == Wish::Abort => Ok(Some(event)),
            Ok(decision) => {
                let waited = !matches!(decision.effect, NextEffect::Continue);
                // Going on from a wait is the loop's business; a mark is kept here.
                if waited && self.is_waiting() {
                    return Ok(Some(event));
                }
                let marks = decision.records.into_iter().take(1).collect();
                self.keep(marks).await?;
                Ok(None)
            }
        }
    }

    fn is_waiting(&self) -> bool {
        let open = self.state.open.as_ref();
        open.is_some_and(|open| open.paused || matches!(open.course, Course::Held { .. }))
    }

    async fn undo(&mut self, undo: &Undo, deadline: Duration) -> Event {
        let Some(open) = self.state.open.clone() else { return Event::Restarted };
        match self.job(open).undo(undo, deadline).await {
            Ok(()) => Event::Succeeded(None),
            Err(cause) => self.judged(Err(cause)),
        }
    }

    /// Waits for people.
    async fn wait(&mut self, deadline: Duration) -> Result<Event, OperationError> {
        self.tell(NoticeKind::Waiting, "the deployment waits for a person").await;
        let end = Instant::now() + deadline.min(self.site.patience);
        while Instant::now() < end {
            if let Some(event) = self.listen(false).await? {
                return Ok(event);
            }
            sleep(LOOK).await;
        }
        Ok(Event::Expired)
    }

    async fn incident(&mut self) -> OperationError {
        let environment = self.site.settings.name.clone();
        let Some(open) = &self.state.open else {
            return StepError::Nothing.into();
        };
        let (number, (why, left)) = (
            open.number,
            match &open.course {
                Course::Stuck { why, left, .. } => (why.clone(), left.clone()),
                _ => Default::default(),
            },
        );
        self.tell(NoticeKind::Incident, &why).await;
        tracing::error!(environment, number, why, "a person must act");
        OperationError::Incident { environment, number, why, left }
    }

    async fn over(&mut self) -> Result<Summary, OperationError> {
        let summary = self.state.last.clone().ok_or(StepError::Nothing)?;
        let kind = match summary.outcome {
            Outcome::Succeeded => NoticeKind::Succeeded,
            Outcome::RolledBack => NoticeKind::RolledBack,
            Outcome::Unchanged => return Ok(summary),
            Outcome::Failed => NoticeKind::Failed,
        };
        let why =
            summary.cause.as_ref().map_or("the release is live", |cause| &cause.why).to_owned();
        self.tell_of(summary.number, &summary.version, kind, &why).await;
        Ok(summary)
    }

    async fn tell(&self, kind: NoticeKind, text: &str) {
        if let Some(open) = &self.state.open {
            self.tell_of(open.number, &open.plan.version, kind, text).await;
        }
    }

    /// Tells everybody who wants to know; that one is not reached changes nothing.
    pub(super) async fn tell_of(
        &self,
        number: u64,
        version: &crate::Version,
        kind: NoticeKind,
        text: &str,
    ) {
        let environment = &self.site.settings.name;
        let live = self.state.live.as_ref().map(|live| live.version.clone());
        let notice = Notice::new(environment, number, version.clone(), kind, Timestamp::now());
        let notice = notice.with_text(text).with_live(live);
        // Who is not reached is in the log; nothing else follows from it.
        let _ = deliver(&self.site.parts.notifiers, &notice, TELLING).await;
    }
}
