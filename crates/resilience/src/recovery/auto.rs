use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::driver::{RecoveryDriver, RecoveryFailure};
use super::ledger::{RecoveryDecision, RecoveryLedger};
use super::plan::{ActionKind, FailureClass, RecoveryAction, RecoveryPlan};
use crate::sync::locked;
use crate::{CallError, Clock, Retry, RetryError, SettingsError, TimedOut, Timeout};

/// Carries a [`RecoveryPlan`] out by a [`RecoveryDriver`], within the bounds of the plan.
/// Clones share the ledger.
#[derive(Clone)]
pub struct AutoRecovery {
    ledger: Arc<Mutex<RecoveryLedger>>,
    driver: Arc<dyn RecoveryDriver>,
    clock: Clock,
}

/// A run that took all its actions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovered {
    /// The number of the run among those that count for its bounds, from 1 on.
    pub run: u32,
    /// What was done.
    pub actions: Vec<ActionKind>,
    /// How long it took.
    pub elapsed: Duration,
}

/// Nothing was recovered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// The plan has nothing for the class.
    #[error("the plan has nothing for a {class}")]
    Unplanned {
        /// The class.
        class: FailureClass,
    },
    /// A run for the same goes on; it will do.
    #[error("a recovery of {target} goes on already")]
    Running {
        /// The target.
        target: String,
    },
    /// The last run was just now; wait whether it helps.
    #[error("{target} was recovered just now; the next run may begin in {retry_after:?}")]
    CoolingDown {
        /// The target.
        target: String,
        /// When to ask again.
        retry_after: Duration,
    },
    /// There were as many runs as there may be; somebody has to look.
    #[error("{target} was recovered as often as may be; the next run may begin in {retry_after:?}")]
    Exhausted {
        /// The target.
        target: String,
        /// When to ask again.
        retry_after: Duration,
    },
    /// An action failed or took too long; those after it were not taken.
    #[error("could not {action} for {target}")]
    Action {
        /// The action.
        action: ActionKind,
        /// The target.
        target: String,
        /// What it met with.
        #[source]
        source: Box<CallError<TimedOut, RecoveryFailure>>,
    },
    /// A reconnection did not succeed within its tries and its time.
    #[error("could not reconnect {target}")]
    Reconnect {
        /// The target.
        target: String,
        /// What the last try met with.
        #[source]
        source: Box<RetryError<CallError<TimedOut, RecoveryFailure>>>,
    },
    /// The plan was changed to one that makes no sense.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl AutoRecovery {
    /// Carries `plan` out by `driver`.
    pub fn new(
        plan: RecoveryPlan,
        driver: Arc<dyn RecoveryDriver>,
        clock: Clock,
    ) -> Result<Self, SettingsError> {
        plan.validate()?;
        Ok(Self { ledger: Arc::new(Mutex::new(RecoveryLedger::new(plan))), driver, clock })
    }

    /// Does what the plan says about a failure of `class` at `target`, if its bounds allow it now.
    ///
    /// # Cancellation
    /// Dropping the future drops the action that is running. The run counts for the
    /// bounds, and no longer goes on.
    pub async fn recover(
        &self,
        class: FailureClass,
        target: &str,
    ) -> Result<Recovered, RecoverError> {
        let begin = self.clock.now();
        let decision = locked(&self.ledger).begin(class, target, begin);
        let owned = target.to_owned();
        let (playbook, run) = match decision {
            RecoveryDecision::Run { playbook, run } => (playbook, run),
            RecoveryDecision::Unplanned => return Err(RecoverError::Unplanned { class }),
            RecoveryDecision::Running => return Err(RecoverError::Running { target: owned }),
            RecoveryDecision::CoolingDown { retry_after } => {
                return Err(RecoverError::CoolingDown { target: owned, retry_after });
            }
            RecoveryDecision::Exhausted { retry_after } => {
                tracing::warn!(%class, target, ?retry_after, "recovered as often as may be");
                return Err(RecoverError::Exhausted { target: owned, retry_after });
            }
        };
        let _run = Run { ledger: &self.ledger, class, target };
        tracing::info!(%class, target, run, "a recovery begins");
        let timeout = Timeout::new(playbook.action_timeout)?;
        for action in &playbook.actions {
            self.take(action, target, timeout).await?;
        }
        let actions = playbook.actions.iter().map(RecoveryAction::kind).collect();
        Ok(Recovered { run, actions, elapsed: self.clock.now().saturating_sub(begin) })
    }

    /// How many runs go on.
    pub fn running(&self) -> usize {
        locked(&self.ledger).running()
    }

    async fn take(
        &self,
        action: &RecoveryAction,
        target: &str,
        timeout: Timeout,
    ) -> Result<(), RecoverError> {
        let perform = || timeout.call(self.driver.perform(target, action));
        let owned = || target.to_owned();
        if let RecoveryAction::Reconnect { retry } = action {
            let result = Retry::new(*retry)?.run(|_| perform()).await;
            return result.map_err(|error| RecoverError::Reconnect {
                target: owned(),
                source: Box::new(error),
            });
        }
        perform().await.map_err(|error| RecoverError::Action {
            action: action.kind(),
            target: owned(),
            source: Box::new(error),
        })
    }
}

impl std::fmt::Debug for AutoRecovery {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AutoRecovery")
            .field("running", &self.running())
            .finish_non_exhaustive()
    }
}

/// A run that goes on: when it is dropped, it no longer does.
struct Run<'a> {
    ledger: &'a Mutex<RecoveryLedger>,
    class: FailureClass,
    target: &'a str,
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        locked(self.ledger).ended(self.class, self.target);
    }
}
