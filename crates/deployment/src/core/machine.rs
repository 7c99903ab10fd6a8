use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::plan::{Action, Plan};
use super::record::{Cause, CauseKind, Entry, Record, StepNote};
use super::state::{Course, EnvironmentState, OpenDeployment};
use super::undo::Undo;
use crate::Answer;

/// How long a paused deployment, or one that waits for a decision, waits.
const PATIENCE: Duration = Duration::from_hours(1);

/// What begins a deployment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Opening {
    /// What it does.
    pub plan: Plan,
    /// The execution that it deploys.
    pub execution: Option<Uuid>,
    /// When the change was made.
    pub changed_at: Option<Timestamp>,
    /// Who approved it.
    pub approved_by: Option<String>,
}

impl Opening {
    /// A deployment by this plan.
    pub fn new(plan: Plan) -> Self {
        Self { plan, execution: None, changed_at: None, approved_by: None }
    }
}

/// What happens to a deployment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// It begins.
    Begin(Box<Opening>),
    /// The effect in flight is done.
    Succeeded(Option<StepNote>),
    /// The effect in flight failed or took too long, and the policy has answered.
    Failed(Cause, Answer),
    /// A [`Effect::Wait`] is over and nobody has decided.
    Expired,
    /// A person wants it taken back; the effect in flight was given up.
    Abort {
        /// Who.
        by: String,
    },
    /// A person lets it wait before its next step.
    Pause {
        /// Who.
        by: String,
    },
    /// A person lets it go on: a paused one, one that waits for a decision, one that is stuck.
    Resume {
        /// Who.
        by: String,
    },
    /// The deployer was started anew, and the environment is compared with what really runs.
    Restarted,
}

/// What is to be done next, after the records are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// A step of the plan.
    Do {
        /// Its place.
        step: usize,
        /// What it does.
        action: Action,
        /// How long it may take.
        deadline: Duration,
    },
    /// A part of taking it back.
    Undo {
        /// Which.
        undo: Undo,
        /// How long it may take.
        deadline: Duration,
    },
    /// Nothing until a person decides.
    Wait {
        /// After which nobody has decided.
        deadline: Duration,
    },
    /// Nothing: the effect in flight goes on.
    Continue,
    /// Nothing: the deployment is over.
    Over,
    /// Nothing: a person must act before it can end.
    Stuck,
}

/// What follows from an event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Decision {
    /// What is to be kept before anything is done.
    pub records: Vec<Record>,
    /// What is to be done then.
    pub effect: Effect,
}

/// An event that can't happen in this state; nothing changes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// There is no deployment.
    #[error("there is no deployment in progress")]
    Nothing,
    /// There is one.
    #[error("deployment {number} is in progress")]
    Busy {
        /// Its number.
        number: u64,
    },
    /// The plan was made for another state.
    #[error("the plan does not hold any more: {why}")]
    Outdated {
        /// What has changed.
        why: String,
    },
    /// It is decided.
    #[error("deployment {number} is committed and can't be aborted; roll back when it is done")]
    Committed {
        /// Its number.
        number: u64,
    },
    /// It is being taken back.
    #[error("deployment {number} is being taken back")]
    GoingBack {
        /// Its number.
        number: u64,
    },
    /// There is nothing to go on with.
    #[error("deployment {number} is not waiting for anybody")]
    NotWaiting {
        /// Its number.
        number: u64,
    },
}

/// Decides what follows from an event. The caller keeps the records, applies them to its
/// state, and only then does the effect.
///
/// # Errors
/// The event can't happen in this state.
pub fn step(state: &EnvironmentState, event: &Event, at: Timestamp) -> Result<Decision, StepError> {
    let mut draft = Draft { state: state.clone(), at, records: Vec::new() };
    let goes_on = match (event, &state.open) {
        (Event::Begin(opening), None) => draft.begin(opening)?,
        (Event::Begin(_), Some(open)) => return Err(StepError::Busy { number: open.number }),
        (_, None) => return Err(StepError::Nothing),
        (event, Some(open)) => draft.happen(open, event)?,
    };
    let effect = if goes_on { draft.advance() } else { Effect::Continue };
    Ok(Decision { records: draft.records, effect })
}

/// A state, and the records that led to it from the one that was given.
struct Draft {
    state: EnvironmentState,
    at: Timestamp,
    records: Vec<Record>,
}

impl Draft {
    fn note(&mut self, record: Record) {
        self.state.apply(&Entry::new(self.state.epoch, self.at, record.clone()));
        self.records.push(record);
    }

    fn begin(&mut self, opening: &Opening) -> Result<bool, StepError> {
        let plan = &opening.plan;
        let live = self.state.live.as_ref();
        let outdated = |why: &str| Err(StepError::Outdated { why: why.to_owned() });
        if plan.after != self.state.deployments {
            return outdated("there was another deployment since it was made");
        }
        if plan.live.as_ref() != live || plan.slot != self.state.next_slot() {
            return outdated("another release is live");
        }
        self.note(Record::Began {
            number: plan.after + 1,
            digest: plan.digest(),
            plan: Box::new(plan.clone()),
            execution: opening.execution,
            changed_at: opening.changed_at,
            approved_by: opening.approved_by.clone(),
        });
        Ok(true)
    }

    /// Takes an event in; says whether something else is to be done now.
    fn happen(&mut self, open: &OpenDeployment, event: &Event) -> Result<bool, StepError> {
        match event {
            Event::Begin(_) => {}
            Event::Succeeded(note) => self.succeed(open, note.as_ref()),
            Event::Failed(cause, answer) => self.fail(open, cause, *answer),
            Event::Expired => self.expire(open),
            Event::Abort { by } => self.abort(open, by)?,
            Event::Pause { by } => return self.pause(open, by),
            Event::Resume { by } => self.resume(open, by)?,
            Event::Restarted => self.restart(open),
        }
        Ok(true)
    }

    fn succeed(&mut self, open: &OpenDeployment, note: Option<&StepNote>) {
        match &open.course {
            Course::Forward => {
                self.note(Record::Finished { step: open.finished, note: note.cloned() });
            }
            Course::Back { .. } => {
                if let Some(undo) = open.to_undo().into_iter().next() {
                    self.note(Record::Undone { undo });
                }
            }
            Course::Held { .. } | Course::Stuck { .. } => {}
        }
    }

    fn fail(&mut self, open: &OpenDeployment, cause: &Cause, answer: Answer) {
        match &open.course {
            Course::Back { .. } => {
                let left = open.to_undo().iter().map(Undo::to_string).collect();
                self.note(Record::Stuck { why: cause.why.clone(), left });
            }
            Course::Forward if open.is_committed() => self.fail_late(open, cause),
            Course::Forward => self.fail_early(open, cause, answer),
            Course::Held { .. } | Course::Stuck { .. } => {}
        }
    }

    /// After the commit nothing is taken back. What must be done before a next deployment
    /// is stuck; what people can live without is a warning.
    fn fail_late(&mut self, open: &OpenDeployment, cause: &Cause) {
        let step = open.finished;
        let action = open.plan.steps.get(step).map(|step| &step.action);
        if matches!(action, Some(Action::Publish)) {
            let left = open.plan.steps.iter().skip(step).map(|step| step.action.to_string());
            self.note(Record::Stuck { why: cause.why.clone(), left: left.collect() });
        } else {
            self.note(Record::Warned { step, why: cause.why.clone() });
        }
    }

    /// Before it has traffic, nobody misses a release that is taken back: there the
    /// policy is not asked.
    fn fail_early(&mut self, open: &OpenDeployment, cause: &Cause, answer: Answer) {
        let cause = cause.clone();
        match answer {
            Answer::Hold { for_good } if open.traffic_at.is_some() => {
                self.note(Record::Held { cause, for_good });
            }
            _ => self.note(Record::Turned { cause }),
        }
    }

    fn expire(&mut self, open: &OpenDeployment) {
        match &open.course {
            Course::Held { cause, for_good: true } => {
                let left = vec!["roll it back, or resume it".to_owned()];
                self.note(Record::Stuck { why: cause.why.clone(), left });
            }
            Course::Held { cause, for_good: false } => {
                self.note(Record::Turned { cause: cause.clone() });
            }
            Course::Forward if open.paused && open.is_committed() => {
                self.note(Record::Resumed { by: "nobody, in time".to_owned() });
            }
            Course::Forward if open.paused => {
                let why = format!("it was paused for {} s", PATIENCE.as_secs());
                self.note(Record::Turned { cause: Cause::new(CauseKind::Undecided, why) });
            }
            _ => {}
        }
    }

    fn abort(&mut self, open: &OpenDeployment, by: &str) -> Result<(), StepError> {
        let number = open.number;
        if open.is_committed() {
            return Err(StepError::Committed { number });
        }
        match &open.course {
            Course::Back { .. } => Err(StepError::GoingBack { number }),
            Course::Forward | Course::Held { .. } | Course::Stuck { .. } => {
                let cause = Cause::new(CauseKind::Aborted, format!("{by} aborted it"));
                self.note(Record::Turned { cause });
                Ok(())
            }
        }
    }

    fn pause(&mut self, open: &OpenDeployment, by: &str) -> Result<bool, StepError> {
        if matches!(open.course, Course::Back { .. }) {
            return Err(StepError::GoingBack { number: open.number });
        }
        self.note(Record::Paused { by: by.to_owned() });
        Ok(false)
    }

    fn resume(&mut self, open: &OpenDeployment, by: &str) -> Result<(), StepError> {
        match &open.course {
            Course::Back { .. } => Err(StepError::GoingBack { number: open.number }),
            Course::Forward if !open.paused => Err(StepError::NotWaiting { number: open.number }),
            // Something of it may be taken back already: there is only one way left.
            Course::Stuck { cause: Some(cause), undoing: true, .. } => {
                self.note(Record::Turned { cause: cause.clone() });
                Ok(())
            }
            _ => {
                self.note(Record::Resumed { by: by.to_owned() });
                Ok(())
            }
        }
    }

    /// Without a commit all is taken back, and with one all is done.
    fn restart(&mut self, open: &OpenDeployment) {
        if open.is_committed() {
            if open.paused || open.course != Course::Forward {
                self.note(Record::Resumed { by: "the next start".to_owned() });
            }
            return;
        }
        let interrupted = || Cause::new(CauseKind::Interrupted, "the deployer ended in the middle");
        let cause = match &open.course {
            Course::Back { .. } => return,
            Course::Forward => interrupted(),
            Course::Held { cause, .. } => cause.clone(),
            Course::Stuck { cause, .. } => cause.clone().unwrap_or_else(interrupted),
        };
        self.note(Record::Turned { cause });
    }

    /// Says what is to be done in the state that was reached.
    fn advance(&mut self) -> Effect {
        let Some(open) = self.state.open.clone() else { return Effect::Over };
        match &open.course {
            Course::Held { .. } => Effect::Wait { deadline: PATIENCE },
            Course::Stuck { .. } => Effect::Stuck,
            Course::Back { .. } => match open.to_undo().into_iter().next() {
                Some(undo) => Effect::Undo { undo, deadline: Undo::DEADLINE },
                None => self.end(&open),
            },
            Course::Forward if open.paused => Effect::Wait { deadline: PATIENCE },
            Course::Forward => self.forward(&open),
        }
    }

    fn forward(&mut self, open: &OpenDeployment) -> Effect {
        let Some(planned) = open.plan.steps.get(open.finished) else { return self.end(open) };
        let step = open.finished;
        if planned.action == Action::Commit {
            self.note(Record::Committed);
            self.note(Record::Finished { step, note: None });
            return self.advance();
        }
        if open.entered <= step {
            self.note(Record::Entered { step });
        }
        Effect::Do { step, action: planned.action.clone(), deadline: planned.deadline() }
    }

    fn end(&mut self, open: &OpenDeployment) -> Effect {
        let summary = Box::new(open.conclude(self.at));
        self.note(Record::Ended { summary });
        Effect::Over
    }
}
