use std::time::Duration;

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// Trying again may help.
    Retry,
    /// Trying again may help, but not before this time has passed: the target said so.
    RetryAfter(Duration),
    /// Trying again gives the same error.
    Stop,
}

/// An error that says whether trying again may help.
pub trait Retryable {
    /// What the error says of itself.
    fn advice(&self) -> Advice;
}

impl<E: Retryable + ?Sized> Retryable for Box<E> {
    fn advice(&self) -> Advice {
        (**self).advice()
    }
}

impl<E: Retryable + ?Sized> Retryable for &E {
    fn advice(&self) -> Advice {
        (**self).advice()
    }
}

/// What a guarded call fails with: the guard refused it, or the operation itself failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError<R, E> {
    /// The guard refused or cut off the operation.
    #[error(transparent)]
    Refused(R),
    /// The operation ran and failed.
    #[error(transparent)]
    Failed(E),
}

impl<R: Retryable, E: Retryable> Retryable for CallError<R, E> {
    fn advice(&self) -> Advice {
        match self {
            Self::Refused(refusal) => refusal.advice(),
            Self::Failed(error) => error.advice(),
        }
    }
}

impl<R, E> CallError<R, E> {
    /// The operation's own error, if it ran.
    pub fn failed(self) -> Option<E> {
        match self {
            Self::Refused(_) => None,
            Self::Failed(error) => Some(error),
        }
    }
}
