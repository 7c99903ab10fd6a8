use std::sync::Arc;

use evergen_artifact::ProposedChanges;
use futures::future::{BoxFuture, FutureExt};

use crate::{GateReport, Outcome};

/// One thing that is looked at before changes become visible.
///
/// A gate only looks: it changes nothing, and the same changes get the same answer. It says
/// [`Outcome::Error`] where it could not look, and never [`Outcome::Pass`].
pub trait Gate: Send + Sync {
    /// The name under which it is reported.
    fn name(&self) -> &str;

    /// Looks at the changes. The answer may be dropped when it takes too long.
    fn examine<'a>(&'a self, proposed: &'a ProposedChanges) -> BoxFuture<'a, Outcome>;
}

/// Whoever decides whether changes may become visible.
///
/// The decision must not depend on anything but the changes and the keeper's own settings.
/// Dropping the answer's future gives up the question and has no effect.
pub trait GateKeeper: Send + Sync {
    /// Judges the changes.
    ///
    /// # Errors
    /// Nothing could be judged. The changes must not pass then.
    fn judge<'a>(
        &'a self,
        proposed: &'a ProposedChanges,
    ) -> BoxFuture<'a, Result<GateReport, GateError>>;
}

/// The changes could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// What the gates run on is not there for now; the question may be put again.
    #[error("the gates could not be run: {why}")]
    Unavailable {
        /// What went wrong.
        why: String,
    },
}

impl<K: GateKeeper + ?Sized> GateKeeper for Arc<K> {
    fn judge<'a>(
        &'a self,
        proposed: &'a ProposedChanges,
    ) -> BoxFuture<'a, Result<GateReport, GateError>> {
        (**self).judge(proposed)
    }
}

impl<K: GateKeeper + ?Sized> GateKeeper for Box<K> {
    fn judge<'a>(
        &'a self,
        proposed: &'a ProposedChanges,
    ) -> BoxFuture<'a, Result<GateReport, GateError>> {
        (**self).judge(proposed)
    }
}

/// A gate that is a function.
pub struct FnGate<F> {
    name: String,
    examine: F,
}

impl<F> std::fmt::Debug for FnGate<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FnGate").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<F: Fn(&ProposedChanges) -> Outcome + Send + Sync> FnGate<F> {
    /// A gate of this name that asks `examine`. The function is called on the caller's
    /// thread, so it should be quick.
    pub fn new(name: impl Into<String>, examine: F) -> Self {
        Self { name: name.into(), examine }
    }
}

impl<F: Fn(&ProposedChanges) -> Outcome + Send + Sync> Gate for FnGate<F> {
    fn name(&self) -> &str {
        &self.name
    }

    fn examine<'a>(&'a self, proposed: &'a ProposedChanges) -> BoxFuture<'a, Outcome> {
        async move { (self.examine)(proposed) }.boxed()
    }
}
