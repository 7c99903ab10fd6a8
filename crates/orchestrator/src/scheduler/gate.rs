//! What holds a start back: the rate of starts, and components that are left alone.

use std::time::Duration;

use evergen_resilience::{
    Breaker, BreakerAnswer, BreakerEvent, BreakerSettings, BreakerState, BreakerStep,
    Outcome as CallOutcome, SettingsError, Ticket,
};

use super::vocabulary::Component;
use crate::config::{OrchestratorConfig, RateLimit};

/// Starts, spaced so that in the long run there are `per_second` of them and at once `burst`
/// (the generic cell rate algorithm: one number instead of a bucket).
#[derive(Clone, Debug)]
struct Pace {
    spacing: Duration,
    slack: Duration,
    /// When the next start would be due if all were evenly spaced.
    expected: Duration,
}

impl Pace {
    fn new(limit: &RateLimit) -> Self {
        let spacing = Duration::from_secs(1) / limit.per_second.max(1);
        let slack = spacing.saturating_mul(limit.burst.saturating_sub(1));
        Self { spacing, slack, expected: Duration::ZERO }
    }

    fn free_at(&self) -> Duration {
        self.expected.saturating_sub(self.slack)
    }

    fn start(&mut self, now: Duration) {
        self.expected = self.expected.max(now).saturating_add(self.spacing);
    }
}

/// The rights of one task to use components.
#[derive(Debug, Default)]
pub(super) struct Passes {
    tickets: Vec<(Component, Ticket)>,
}

/// What a component has to do with the end of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Worked,
    Failed,
    /// It was not reached, or cut short.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Gate {
    pace: Option<Pace>,
    breakers: [Breaker; 3],
    /// Where a task needs them before it starts.
    to_start: Vec<Component>,
}

impl Gate {
    pub(super) fn new(
        config: &OrchestratorConfig,
        with_gates: bool,
    ) -> Result<Self, SettingsError> {
        let settings = BreakerSettings::consecutive(config.breaker.failure_threshold)
            .with_recovery_timeout(Duration::from_millis(config.breaker.recovery_ms))
            .with_probes(1, 1)
            .with_probe_timeout(Duration::from_hours(24));
        let mut to_start = vec![Component::Regeneration];
        if with_gates {
            to_start.push(Component::Gates);
        }
        Ok(Self {
            pace: config.rate_limit.as_ref().map(Pace::new),
            breakers: [Breaker::new(settings)?, Breaker::new(settings)?, Breaker::new(settings)?],
            to_start,
        })
    }

    /// The passes to start a task, or from when on it makes sense to ask again.
    pub(super) fn start(
        &mut self,
        now: Duration,
        moved: &mut Vec<(Component, bool)>,
    ) -> Result<Passes, Duration> {
        if let Some(free_at) = self.pace.as_ref().map(Pace::free_at).filter(|at| *at > now) {
            return Err(free_at);
        }
        let mut passes = Passes::default();
        for at in 0..self.to_start.len() {
            let component = self.to_start[at];
            match self.ask(component, now, moved) {
                Ok(ticket) => passes.tickets.push((component, ticket)),
                Err(free_at) => {
                    self.give_back(passes, |_| Mark::Unknown, now, moved);
                    return Err(free_at);
                }
            }
        }
        if let Some(pace) = &mut self.pace {
            pace.start(now);
        }
        Ok(passes)
    }

    /// The pass to deploy, or from when on it makes sense to ask again.
    pub(super) fn deploy(
        &mut self,
        now: Duration,
        moved: &mut Vec<(Component, bool)>,
    ) -> Result<Passes, Duration> {
        let ticket = self.ask(Component::Deployment, now, moved)?;
        Ok(Passes { tickets: vec![(Component::Deployment, ticket)] })
    }

    /// Takes passes back with what each component did.
    pub(super) fn give_back(
        &mut self,
        passes: Passes,
        mark: impl Fn(Component) -> Mark,
        now: Duration,
        moved: &mut Vec<(Component, bool)>,
    ) {
        for (component, ticket) in passes.tickets {
            let outcome = match mark(component) {
                Mark::Worked => CallOutcome::Success,
                Mark::Failed => CallOutcome::Failure,
                Mark::Unknown => CallOutcome::Abandoned,
            };
            let _ = self.tell(component, BreakerEvent::Done(ticket, outcome), now, moved);
        }
    }

    pub(super) fn is_open(&self, component: Component) -> bool {
        self.breakers[component as usize].state() != BreakerState::Closed
    }

    fn ask(
        &mut self,
        component: Component,
        now: Duration,
        moved: &mut Vec<(Component, bool)>,
    ) -> Result<Ticket, Duration> {
        match self.tell(component, BreakerEvent::Ask, now, moved) {
            BreakerAnswer::Admitted(ticket) => Ok(ticket),
            // While a probe is out, its end asks again by itself.
            BreakerAnswer::Refused { retry_after } => {
                Err(now.saturating_add(retry_after.max(Duration::from_millis(1))))
            }
            _ => Err(now.saturating_add(Duration::from_millis(1))),
        }
    }

    fn tell(
        &mut self,
        component: Component,
        event: BreakerEvent,
        now: Duration,
        moved: &mut Vec<(Component, bool)>,
    ) -> BreakerAnswer {
        let breaker = &mut self.breakers[component as usize];
        let was_open = breaker.state() != BreakerState::Closed;
        let BreakerStep { answer, .. } = breaker.step(event, now);
        let open = breaker.state() != BreakerState::Closed;
        if open != was_open {
            moved.push((component, open));
        }
        answer
    }
}
