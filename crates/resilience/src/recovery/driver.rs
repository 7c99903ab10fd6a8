use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};

use super::plan::{ActionKind, RecoveryAction};
use crate::{Advice, Bulkhead, Retryable};

/// Takes the actions of a plan.
///
/// # Laws for implementors
/// - Taking an action twice leaves things as taking it once does, except where the action is
///   relative to what is there (a share of a cache, a factor of a limit).
/// - An action returns when it has its effect, or fails.
/// - The future may be dropped at any await: the action may then be half taken, and can be taken again.
pub trait RecoveryDriver: Send + Sync {
    /// Takes `action` for `target`.
    fn perform<'a>(
        &'a self,
        target: &'a str,
        action: &'a RecoveryAction,
    ) -> BoxFuture<'a, Result<(), RecoveryFailure>>;
}

impl<D: RecoveryDriver + ?Sized> RecoveryDriver for Arc<D> {
    fn perform<'a>(
        &'a self,
        target: &'a str,
        action: &'a RecoveryAction,
    ) -> BoxFuture<'a, Result<(), RecoveryFailure>> {
        (**self).perform(target, action)
    }
}

impl<D: RecoveryDriver + ?Sized> RecoveryDriver for Box<D> {
    fn perform<'a>(
        &'a self,
        target: &'a str,
        action: &'a RecoveryAction,
    ) -> BoxFuture<'a, Result<(), RecoveryFailure>> {
        (**self).perform(target, action)
    }
}

/// An action failed.
#[derive(Debug, thiserror::Error)]
#[error("the action failed")]
#[non_exhaustive]
pub struct RecoveryFailure {
    /// What the driver met with.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
    /// Whether taking the action again may help.
    pub advice: Advice,
}

impl RecoveryFailure {
    /// A failure that may pass.
    pub fn passing(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), advice: Advice::Retry }
    }

    /// A failure that stays.
    pub fn lasting(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), advice: Advice::Stop }
    }
}

impl Retryable for RecoveryFailure {
    fn advice(&self) -> Advice {
        self.advice
    }
}

type Handler = Arc<
    dyn Fn(String, RecoveryAction) -> BoxFuture<'static, Result<(), RecoveryFailure>> + Send + Sync,
>;

/// The driver for one process: handlers by kind of action, for one target or for all.
///
/// An action without a handler fails, lastingly: a plan that cannot be carried out is no plan.
#[derive(Clone, Default)]
pub struct RecoveryHandlers {
    /// The handlers for all targets have none in the key.
    handlers: BTreeMap<(ActionKind, Option<String>), Handler>,
}

impl RecoveryHandlers {
    /// A driver that can do nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes actions of this kind by `handler`, for all targets without a handler of their own.
    #[must_use]
    pub fn on<F, Fut>(self, kind: ActionKind, handler: F) -> Self
    where
        F: Fn(String, RecoveryAction) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), RecoveryFailure>> + Send + 'static,
    {
        self.with(kind, None, handler)
    }

    /// Takes actions of this kind for `target` by `handler`.
    #[must_use]
    pub fn on_target<F, Fut>(self, kind: ActionKind, target: impl Into<String>, handler: F) -> Self
    where
        F: Fn(String, RecoveryAction) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), RecoveryFailure>> + Send + 'static,
    {
        self.with(kind, Some(target.into()), handler)
    }

    /// Lowers the concurrency of `target` by resizing a bulkhead.
    #[must_use]
    pub fn lowering(self, target: impl Into<String>, bulkhead: Bulkhead) -> Self {
        let handler = move |_, action: RecoveryAction| {
            let lowered = lower(&bulkhead, &action);
            async move { lowered }
        };
        self.with(ActionKind::LowerConcurrency, Some(target.into()), handler)
    }

    fn with<F, Fut>(mut self, kind: ActionKind, target: Option<String>, handler: F) -> Self
    where
        F: Fn(String, RecoveryAction) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), RecoveryFailure>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |target, action| handler(target, action).boxed());
        self.handlers.insert((kind, target), handler);
        self
    }
}

impl RecoveryDriver for RecoveryHandlers {
    fn perform<'a>(
        &'a self,
        target: &'a str,
        action: &'a RecoveryAction,
    ) -> BoxFuture<'a, Result<(), RecoveryFailure>> {
        let kind = action.kind();
        let own = self.handlers.get(&(kind, Some(target.to_owned())));
        let Some(handler) = own.or_else(|| self.handlers.get(&(kind, None))) else {
            let told = format!("nobody here can {kind} for {target}");
            return futures::future::ready(Err(RecoveryFailure::lasting(told))).boxed();
        };
        handler(target.to_owned(), action.clone())
    }
}

impl fmt::Debug for RecoveryHandlers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.handlers.keys()).finish()
    }
}

fn lower(bulkhead: &Bulkhead, action: &RecoveryAction) -> Result<(), RecoveryFailure> {
    let RecoveryAction::LowerConcurrency { factor, floor } = *action else {
        return Err(RecoveryFailure::lasting("the action does not lower concurrency"));
    };
    let current = bulkhead.max_concurrent();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a factor below 1 of a u32 is one, and `as` saturates"
    )]
    let lowered = (f64::from(current) * factor) as u32;
    bulkhead.resize(lowered.max(floor).min(current)).map_err(RecoveryFailure::lasting)
}
