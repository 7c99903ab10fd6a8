use std::time::Duration;

use super::phase::{BreakerState, BreakerView, Cause, Phase, Probe, Transition};
use super::settings::{BreakerSettings, Trip};
use super::window::Window;
use crate::SettingsError;

/// The decisions of a circuit breaker, as a value: give it what happened and when, and
/// it says what to do. It has no clock; a time before one that it has seen counts as that one.
///
/// # Laws
/// - While it is open, nothing is admitted.
/// - While it is half-open, no more than `probes` of the tickets it gave since then are out.
/// - It does not stay half-open by itself: a probe succeeds, fails, is abandoned (its
///   place is free again) or is overdue (it counts as failed), and nothing is refused for longer than
///   `probe_timeout + recovery_timeout` without the chance of another probe.
/// - A ticket counts in the state that gave it; when it comes back later, nothing happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Breaker {
    pub(super) settings: BreakerSettings,
    pub(super) phase: Phase,
    pub(super) transitions: u64,
    next_probe: u64,
    latest: Duration,
}

/// What can happen to a breaker.
#[derive(Debug, PartialEq, Eq)]
pub enum BreakerEvent {
    /// Somebody asks whether a call may be made.
    Ask,
    /// A call that was admitted has ended.
    Done(Ticket, Outcome),
    /// Time has passed. Without it, an overdue probe is noticed with the next question.
    Tick,
    /// Somebody opens it by hand.
    Trip,
    /// Somebody closes it by hand.
    Reset,
}

/// How an admitted call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    Success,
    /// It failed in a way that speaks against the target.
    Failure,
    /// It says nothing of the target: it was cancelled, say.
    Abandoned,
}

/// The right to make one call. It is to be given back with the outcome; one that is
/// lost does no harm beyond the probe's deadline.
#[derive(Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Ticket {
    transitions: u64,
    probe: Option<u64>,
}

/// What a breaker says to an event.
#[derive(Debug, PartialEq, Eq)]
pub enum BreakerAnswer {
    /// The call may be made.
    Admitted(Ticket),
    /// The call may not be made; asking again makes sense after this time.
    Refused {
        /// How long to wait before asking again.
        retry_after: Duration,
    },
    /// The event was noted.
    Noted,
    /// The ticket is of an earlier state, and counts no more.
    Stale,
}

impl BreakerAnswer {
    /// How long to wait before asking again; nothing, if the answer is no refusal.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        match self {
            Self::Refused { retry_after } => *retry_after,
            Self::Admitted(_) | Self::Noted | Self::Stale => Duration::ZERO,
        }
    }
}

/// The answer to an event and the change of state it made, if any.
#[derive(Debug, PartialEq, Eq)]
pub struct BreakerStep {
    /// The answer.
    pub answer: BreakerAnswer,
    /// The change of state. There is at most one in a step.
    pub transition: Option<Transition>,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        let phase = Phase::Closed { consecutive: 0, window: window(&settings) };
        Ok(Self { settings, phase, transitions: 0, next_probe: 0, latest: Duration::ZERO })
    }

    /// Takes an event in.
    pub fn step(&mut self, event: BreakerEvent, now: Duration) -> BreakerStep {
        self.latest = self.latest.max(now);
        let now = self.latest;
        let (answer, transition) = match event {
            BreakerEvent::Ask => {
                // Just opened, it refuses: a question makes one transition at most.
                let lost = self.give_up_overdue(now);
                let (answer, transition) = self.ask(now);
                (answer, lost.or(transition))
            }
            BreakerEvent::Done(ticket, outcome) => {
                let lost = self.give_up_overdue(now);
                let (answer, transition) = self.done(&ticket, outcome, now);
                (answer, lost.or(transition))
            }
            BreakerEvent::Tick => (BreakerAnswer::Noted, self.give_up_overdue(now)),
            BreakerEvent::Trip => (BreakerAnswer::Noted, Some(self.open(Cause::Operator, now))),
            BreakerEvent::Reset => (BreakerAnswer::Noted, Some(self.close(Cause::Operator, now))),
        };
        BreakerStep { answer, transition }
    }

    /// What can be seen of it.
    #[must_use]
    pub fn view(&self) -> BreakerView {
        let (probes_from, consecutive_failures) = match &self.phase {
            Phase::Closed { consecutive, .. } => (None, *consecutive),
            Phase::Open { until } => (Some(*until), 0),
            Phase::HalfOpen { .. } => (None, 0),
        };
        let state = self.phase.state();
        BreakerView { state, transitions: self.transitions, probes_from, consecutive_failures }
    }

    /// The state.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.phase.state()
    }

    fn ask(&mut self, now: Duration) -> (BreakerAnswer, Option<Transition>) {
        match &self.phase {
            Phase::Closed { .. } => {
                let ticket = Ticket { transitions: self.transitions, probe: None };
                (BreakerAnswer::Admitted(ticket), None)
            }
            Phase::Open { until } if now < *until => {
                (BreakerAnswer::Refused { retry_after: until.saturating_sub(now) }, None)
            }
            Phase::Open { .. } => {
                let fresh = Phase::HalfOpen { probes: Vec::new(), succeeded: 0 };
                let transition = self.enter(fresh, Cause::RecoveryTimeout, now);
                (self.admit_probe(now), Some(transition))
            }
            Phase::HalfOpen { .. } => (self.admit_probe(now), None),
        }
    }

    fn admit_probe(&mut self, now: Duration) -> BreakerAnswer {
        let Phase::HalfOpen { probes, .. } = &mut self.phase else {
            return BreakerAnswer::Refused { retry_after: self.settings.recovery_timeout };
        };
        let most = usize::try_from(self.settings.probes).unwrap_or(usize::MAX);
        if probes.len() >= most {
            let first = probes.iter().map(|probe| probe.deadline).min().unwrap_or(now);
            return BreakerAnswer::Refused { retry_after: first.saturating_sub(now) };
        }
        let id = self.next_probe;
        self.next_probe += 1;
        probes.push(Probe { id, deadline: now.saturating_add(self.settings.probe_timeout) });
        BreakerAnswer::Admitted(Ticket { transitions: self.transitions, probe: Some(id) })
    }

    fn done(
        &mut self,
        ticket: &Ticket,
        outcome: Outcome,
        now: Duration,
    ) -> (BreakerAnswer, Option<Transition>) {
        if ticket.transitions != self.transitions {
            return (BreakerAnswer::Stale, None);
        }
        let transition = match ticket.probe {
            None => self.call_ended(outcome, now),
            Some(probe) => self.probe_ended(probe, outcome, now),
        };
        (BreakerAnswer::Noted, transition)
    }

    fn call_ended(&mut self, outcome: Outcome, now: Duration) -> Option<Transition> {
        let Phase::Closed { consecutive, window } = &mut self.phase else { return None };
        let failed = match outcome {
            Outcome::Abandoned => return None,
            Outcome::Success => false,
            Outcome::Failure => true,
        };
        *consecutive = if failed { consecutive.saturating_add(1) } else { 0 };
        if let Some(window) = window {
            window.record(failed, now);
        }
        let trips = failed
            && match (self.settings.trip, window) {
                (Trip::Consecutive { failure_threshold }, _) => *consecutive >= failure_threshold,
                (Trip::Rate { failure_threshold, min_calls, .. }, Some(window)) => {
                    let (calls, failures) = window.totals(now);
                    let share = f64::from(failures) / f64::from(calls.max(1));
                    calls >= min_calls && share >= failure_threshold
                }
                (Trip::Rate { .. }, None) => false,
            };
        trips.then(|| self.open(Cause::Failures, now))
    }

    fn probe_ended(&mut self, id: u64, outcome: Outcome, now: Duration) -> Option<Transition> {
        let Phase::HalfOpen { probes, succeeded } = &mut self.phase else { return None };
        probes.retain(|probe| probe.id != id);
        match outcome {
            Outcome::Abandoned => None,
            Outcome::Failure => Some(self.open(Cause::ProbeFailed, now)),
            Outcome::Success => {
                *succeeded += 1;
                let enough = *succeeded >= self.settings.successes_to_close;
                enough.then(|| self.close(Cause::ProbesSucceeded, now))
            }
        }
    }

    fn give_up_overdue(&mut self, now: Duration) -> Option<Transition> {
        let Phase::HalfOpen { probes, .. } = &self.phase else { return None };
        let lost = probes.iter().any(|probe| probe.deadline <= now);
        lost.then(|| self.open(Cause::ProbeLost, now))
    }

    fn open(&mut self, cause: Cause, now: Duration) -> Transition {
        let until = now.saturating_add(self.settings.recovery_timeout);
        self.enter(Phase::Open { until }, cause, now)
    }

    fn close(&mut self, cause: Cause, now: Duration) -> Transition {
        let window = window(&self.settings);
        self.enter(Phase::Closed { consecutive: 0, window }, cause, now)
    }

    fn enter(&mut self, phase: Phase, cause: Cause, at: Duration) -> Transition {
        let from = self.phase.state();
        let to = phase.state();
        self.phase = phase;
        self.transitions += 1;
        Transition { from, to, number: self.transitions, at, cause }
    }
}

pub(super) fn window(settings: &BreakerSettings) -> Option<Window> {
    match settings.trip {
        Trip::Rate { window, .. } => Some(Window::new(window)),
        Trip::Consecutive { .. } => None,
    }
}
