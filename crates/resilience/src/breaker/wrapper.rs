use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::core::{Breaker, BreakerAnswer, BreakerEvent, BreakerStep, Outcome, Ticket};
use super::phase::{BreakerState, BreakerView, Transition};
use super::saved::BreakerSnapshot;
use super::settings::BreakerSettings;
use crate::sync::locked;
use crate::{Advice, CallError, Clock, Guard, Retryable, SettingsError};

type Observer = Arc<dyn Fn(&str, &Transition) + Send + Sync>;

/// A circuit breaker around calls of one target. Clones are the same breaker.
///
/// As a wrapper: [`call`](Self::call), [`call_with`](Self::call_with) where not every error speaks against the
/// target, [`admit`](Self::admit) where the call is no single future. As a layer of tower:
/// [`GuardLayer`](crate::GuardLayer).
///
/// Put timeouts inside of it. A call that is dropped from outside is no failure: its
/// caller lost interest, and nobody knows how it would have ended.
#[derive(Clone)]
pub struct CircuitBreaker {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    clock: Clock,
    core: Mutex<Breaker>,
    view: watch::Sender<BreakerView>,
    observer: Option<Observer>,
}

/// The breaker lets no call through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the breaker of {target} is open for another {retry_after:?}")]
#[non_exhaustive]
pub struct BreakerOpen {
    /// The name of the breaker.
    pub target: String,
    /// When to ask again.
    pub retry_after: Duration,
}

impl Retryable for BreakerOpen {
    fn advice(&self) -> Advice {
        Advice::RetryAfter(self.retry_after)
    }
}

/// Makes a [`CircuitBreaker`] that is more than its settings.
#[must_use]
pub struct BreakerBuilder {
    name: String,
    settings: BreakerSettings,
    clock: Clock,
    observer: Option<Observer>,
    saved: Option<(BreakerSnapshot, Timestamp)>,
}

impl BreakerBuilder {
    /// Takes the time from this clock.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Tells every transition to `observer`, with the name of the breaker. It is called by whoever
    /// made the transition, without a lock held: two may be told out of order, which
    /// [`Transition::number`] mends.
    pub fn with_observer(
        self,
        observer: impl Fn(&str, &Transition) + Send + Sync + 'static,
    ) -> Self {
        Self { observer: Some(Arc::new(observer)), ..self }
    }

    /// Goes on where a snapshot was taken; `wall` is the time of the world now.
    pub fn restored_from(self, snapshot: BreakerSnapshot, wall: Timestamp) -> Self {
        Self { saved: Some((snapshot, wall)), ..self }
    }

    /// Makes the breaker.
    pub fn build(self) -> Result<CircuitBreaker, SettingsError> {
        let Self { name, settings, clock, observer, saved } = self;
        let core = match saved {
            None => Breaker::new(settings)?,
            Some((snapshot, wall)) => Breaker::restore(settings, &snapshot, clock.now(), wall)?,
        };
        let view = watch::Sender::new(core.view());
        let core = Mutex::new(core);
        Ok(CircuitBreaker { shared: Arc::new(Shared { name, clock, core, view, observer }) })
    }
}

impl CircuitBreaker {
    /// A closed breaker for the target `name`.
    pub fn new(name: impl Into<String>, settings: BreakerSettings) -> Result<Self, SettingsError> {
        Self::builder(name, settings).build()
    }

    /// Begins a breaker with a clock, an observer or a past.
    pub fn builder(name: impl Into<String>, settings: BreakerSettings) -> BreakerBuilder {
        let (name, clock) = (name.into(), Clock::monotonic());
        BreakerBuilder { name, settings, clock, observer: None, saved: None }
    }

    /// The name of the target.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// What can be seen of it now.
    pub fn view(&self) -> BreakerView {
        locked(&self.shared.core).view()
    }

    /// Follows what can be seen of it. The last value is always there; values between may be skipped.
    pub fn watch(&self) -> watch::Receiver<BreakerView> {
        self.shared.view.subscribe()
    }

    /// Takes down what is to outlive the process; `wall` is the time of the world.
    pub fn snapshot(&self, wall: Timestamp) -> BreakerSnapshot {
        locked(&self.shared.core).snapshot(self.shared.clock.now(), wall)
    }

    /// Opens it by hand.
    pub fn trip(&self) {
        self.shared.step(BreakerEvent::Trip);
    }

    /// Closes it by hand.
    pub fn reset(&self) {
        self.shared.step(BreakerEvent::Reset);
    }

    /// Asks to make a call. The permit is to be given back by [`BreakerPermit::succeed`] or
    /// [`BreakerPermit::fail`]; dropping it says that the call was abandoned, or, while the thread
    /// panics, that it failed.
    pub fn admit(&self) -> Result<BreakerPermit, BreakerOpen> {
        let answer = self.shared.step(BreakerEvent::Ask);
        let retry_after = answer.retry_after();
        if let BreakerAnswer::Admitted(ticket) = answer {
            Ok(BreakerPermit { shared: self.shared.clone(), ticket: Some(ticket) })
        } else {
            Err(BreakerOpen { target: self.shared.name.clone(), retry_after })
        }
    }

    /// Makes a call if the breaker lets it; every error of it is a failure of the target.
    ///
    /// # Cancellation
    /// Dropping the future drops the operation. It counts neither as success nor as
    /// failure, and as a probe it makes room for another.
    pub async fn call<T, E, F>(&self, operation: F) -> Result<T, CallError<BreakerOpen, E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.call_with(|_| true, operation).await
    }

    /// Makes a call if the breaker lets it; an error counts against the target if `is_failure`
    /// says so, and as a success otherwise: the target answered.
    ///
    /// # Cancellation
    /// As for [`call`](Self::call).
    pub async fn call_with<T, E, F>(
        &self,
        is_failure: impl FnOnce(&E) -> bool,
        operation: F,
    ) -> Result<T, CallError<BreakerOpen, E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let permit = self.admit().map_err(CallError::Refused)?;
        let result = operation.await;
        match &result {
            Err(error) if is_failure(error) => permit.fail(),
            _ => permit.succeed(),
        }
        result.map_err(CallError::Failed)
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("CircuitBreaker");
        fields.field("name", &self.shared.name).field("view", &self.view()).finish_non_exhaustive()
    }
}

impl Guard for CircuitBreaker {
    type Refusal = BreakerOpen;

    async fn guard<T, E, F>(&self, operation: F) -> Result<T, CallError<BreakerOpen, E>>
    where
        T: Send,
        E: Send,
        F: Future<Output = Result<T, E>> + Send,
    {
        self.call(operation).await
    }
}

/// The right to make one call. See [`CircuitBreaker::admit`].
#[must_use]
pub struct BreakerPermit {
    shared: Arc<Shared>,
    ticket: Option<Ticket>,
}

impl BreakerPermit {
    /// The call succeeded.
    pub fn succeed(mut self) {
        self.give_back(Outcome::Success);
    }

    /// The call failed.
    pub fn fail(mut self) {
        self.give_back(Outcome::Failure);
    }

    fn give_back(&mut self, outcome: Outcome) {
        if let Some(ticket) = self.ticket.take() {
            self.shared.step(BreakerEvent::Done(ticket, outcome));
        }
    }
}

impl Drop for BreakerPermit {
    fn drop(&mut self) {
        let panics = std::thread::panicking();
        self.give_back(if panics { Outcome::Failure } else { Outcome::Abandoned });
    }
}

impl fmt::Debug for BreakerPermit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("BreakerPermit").field(&self.shared.name).finish()
    }
}

impl Shared {
    /// One step of the core; the view changes under the same lock, so that it never goes back.
    fn step(&self, event: BreakerEvent) -> BreakerAnswer {
        let (answer, transition) = {
            let mut core = locked(&self.core);
            let BreakerStep { answer, transition } = core.step(event, self.clock.now());
            let view = core.view();
            self.view.send_if_modified(|shown| std::mem::replace(shown, view) != view);
            (answer, transition)
        };
        if let Some(transition) = &transition {
            self.tell(transition);
        }
        answer
    }

    fn tell(&self, transition: &Transition) {
        let Transition { from, to, cause, number, .. } = transition;
        let breaker = self.name.as_str();
        if *to == BreakerState::Open {
            tracing::warn!(breaker, %from, %to, ?cause, number, "a breaker opened");
        } else {
            tracing::info!(breaker, %from, %to, ?cause, number, "a breaker changed its state");
        }
        if let Some(observer) = &self.observer {
            observer(breaker, transition);
        }
    }
}
