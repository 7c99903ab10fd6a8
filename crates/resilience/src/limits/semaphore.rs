use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::sync::locked;

/// A semaphore whose size can change while permits are out.
#[derive(Debug)]
pub(super) struct Resizable {
    semaphore: Arc<Semaphore>,
    size: Mutex<Size>,
}

#[derive(Debug)]
struct Size {
    permits: usize,
    /// How many permits that are out will not come back, because it has shrunk meanwhile.
    owed: usize,
}

/// One place of a [`Resizable`].
#[derive(Debug)]
pub(super) struct Place {
    owner: Arc<Resizable>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Resizable {
    pub(super) fn new(permits: usize) -> Arc<Self> {
        let semaphore = Arc::new(Semaphore::new(permits));
        Arc::new(Self { semaphore, size: Mutex::new(Size { permits, owed: 0 }) })
    }

    pub(super) fn size(&self) -> usize {
        locked(&self.size).permits
    }

    pub(super) fn free(&self) -> usize {
        self.semaphore.available_permits()
    }

    /// A place, if one is free at once.
    pub(super) fn try_take(self: &Arc<Self>) -> Option<Place> {
        let permit = self.semaphore.clone().try_acquire_owned().ok()?;
        Some(Place { owner: self.clone(), permit: Some(permit) })
    }

    /// A place, in the order of asking. Dropping the future leaves the queue.
    pub(super) async fn take(self: &Arc<Self>) -> Place {
        // The semaphore is never closed; if it were, the place would be one that nobody counts.
        let permit = self.semaphore.clone().acquire_owned().await.ok();
        Place { owner: self.clone(), permit }
    }

    pub(super) fn resize(&self, permits: usize) {
        let mut size = locked(&self.size);
        if permits >= size.permits {
            let growth = permits - size.permits;
            let forgiven = growth.min(size.owed);
            size.owed -= forgiven;
            self.semaphore.add_permits(growth - forgiven);
        } else {
            let shrinking = size.permits - permits;
            size.owed += shrinking - self.semaphore.forget_permits(shrinking);
        }
        size.permits = permits;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut size = locked(&self.owner.size);
        if size.owed > 0
            && let Some(permit) = self.permit.take()
        {
            size.owed -= 1;
            permit.forget();
        }
        // Given back under the lock, else a resizing between would count the place twice.
        drop(self.permit.take());
    }
}
