use self::sync::{AtomicU8, Ordering};

#[cfg(test)]
mod tests;

/// The atomics of the token. The model check replaces them.
mod sync {
    #[cfg(not(test))]
    pub(super) use std::sync::atomic::{AtomicU8, Ordering};

    #[cfg(test)]
    pub(super) use shuttle::sync::atomic::{AtomicU8, Ordering};
}

const WORKING: u8 = 0;
const COMMITTING: u8 = 1;
const REVOKED: u8 = 2;

/// Whether a task may take effect. The task takes the right when it begins to commit, the loop
/// takes it away when the task is overdue; one of them comes first, and for the other it is gone.
#[derive(Debug)]
pub(super) struct CommitToken(AtomicU8);

impl CommitToken {
    pub(super) fn new() -> Self {
        Self(AtomicU8::new(WORKING))
    }

    /// For the task: whether it may take effect. After that it can't be revoked.
    pub(super) fn begin_commit(&self) -> bool {
        self.take(COMMITTING)
    }

    /// For the loop: whether the right could be taken away. After that there is no effect.
    pub(super) fn revoke(&self) -> bool {
        self.take(REVOKED)
    }

    fn take(&self, to: u8) -> bool {
        self.0.compare_exchange(WORKING, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}
