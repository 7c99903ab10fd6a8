//! Where a burst waits until somebody takes it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Burst;

#[derive(Debug, Default)]
struct Slot {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    burst: Option<Burst>,
    ended: bool,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives bursts. What is not taken is merged, so that giving never waits. Dropping it
/// ends the stream.
#[derive(Debug)]
pub(super) struct Giver(Arc<Slot>);

/// The bursts of a watcher, as they come.
#[derive(Debug)]
pub(crate) struct Bursts(Arc<Slot>);

pub(super) fn handover() -> (Giver, Bursts) {
    let slot = Arc::new(Slot::default());
    (Giver(Arc::clone(&slot)), Bursts(slot))
}

impl Giver {
    pub(super) fn give(&self, burst: Burst) {
        let mut state = self.0.lock();
        match &mut state.burst {
            Some(waiting) => waiting.merge(burst),
            none => *none = Some(burst),
        }
        drop(state);
        self.0.changed.notify_one();
    }
}

impl Drop for Giver {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.changed.notify_one();
    }
}

impl Bursts {
    /// The next burst, or nothing when the watcher has ended.
    ///
    /// Bursts that came since the last call are one. Cancel-safe: a burst is taken only
    /// when it is returned.
    pub(crate) async fn next(&mut self) -> Option<Burst> {
        loop {
            let (burst, ended) = {
                let mut state = self.0.lock();
                (state.burst.take(), state.ended)
            };
            if burst.is_some() || ended {
                return burst;
            }
            // The only one who waits; a permit is kept if the change came just before.
            self.0.changed.notified().await;
        }
    }
}
